"""The same text in two scripts: a skeleton of each document that is about the same whichever script
it is written in.

Serbian, Uzbek or Azerbaijani sites publish a page in Cyrillic and in Latin; Hindi is typed in
Devanagari and in Latin letters. To every other kind of deduplication these are different documents.
Here each becomes a skeleton in plain small Latin letters, and near-duplicate search compares
skeletons. Skeletons are for comparing and for nothing else: they are no transliteration, because
what the two scripts of a language spell differently is left out of both (`stages/skeletons.py`).

Only languages in `SCRIPTS_BY_LANGUAGE` have skeletons. Members of one group share theirs, since a
text in Cyrillic is identified as Serbian where the same text in Latin is identified as Bosnian or
Croatian. Identification often stops short of one of these, and of Hindi in Latin letters; a
document whose language is undetermined is therefore compared as what it declares, or else as the
language that came nearest. No language is written with the letters of IAST and ISO 15919, and
identification takes such texts for any language in Latin letters, so these letters decide: they are
Sanskrit where visargas are many, or else as Hindi. Which language lent its letters decides nothing:
the skeletons still have to agree.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.language import UNDETERMINED, one_code, to_iso639_3
from stages.deduplication.near import Signed, near_signatures
from stages.deduplication.options import AcrossScriptsConfig
from stages.skeletons import LANGUAGES_OF_CONSONANTS, SCRIPTS_BY_LANGUAGE, skeletons

# that are looked at
COLUMNS = (
    "text",
    "language",
    "script",
    "runner_up_language",
    "declared_language",
)

SCRIPTS = sorted({script for scripts in SCRIPTS_BY_LANGUAGE.values() for script in scripts})
# Letters of IAST and ISO 15919, composed or not: long vowels, and consonants that no vowel has the
# marks of.
_LONG_VOWELS = r"(?i)[\u0101\u012b\u016b]|[aiu]\u0304"
_MARKED_CONSONANTS = (
    r"(?i)[\u015b\u1e63\u1e6d\u1e0d\u1e47\u1e43\u1e41\u1e5b\u00f1\u1e45]"
    r"|[stdnmr]\u0323|[nm]\u0307|s\u0301|n\u0303|r\u0325|m\u0310"
)
_FINAL_VISARGA = r"(?i)(?:\u1e25|h\u0323)\b"


def across_scripts_signatures(batch: pa.RecordBatch, config: AcrossScriptsConfig) -> Signed:
    """Sign the skeletons of those of n documents that have one with letters; the script that is
    kept comes first.

    Documents of one script are for the other kinds of deduplication to compare. In Hindi those of
    fewer words than a shingle are not compared either: of 590 words of its Universal Declaration
    300 have the consonants of another. Raises SchemaError if a column of `COLUMNS` is missing or
    mistyped.
    """
    require_columns(batch, DOCUMENT, COLUMNS)
    languages = _likely_languages(batch)
    made = skeletons(batch["text"], languages, batch["script"])
    words = pc.count_substring_regex(made, r"\w+")
    ambiguous = pc.and_(
        pc.is_in(languages, pa.array(LANGUAGES_OF_CONSONANTS)),
        pc.less(words, config.by_signature.word_shingle),
    )
    made = pc.if_else(ambiguous, None, made)
    present = np.flatnonzero(made.is_valid().to_numpy(zero_copy_only=False))
    written = pa.record_batch({"text": made.drop_null()})
    signed = near_signatures(written, config.by_signature)
    rows = present[signed.rows]
    scripts = batch["script"].take(pa.array(rows))
    numbers = pc.index_in(scripts, pa.array(SCRIPTS)).to_numpy(zero_copy_only=False) + 1
    return signed._replace(
        rows=rows,
        scripts=numbers.astype(np.uint32),
        preference=script_preference(scripts, config)[:, None],
    )


def _likely_languages(batch: pa.RecordBatch) -> pa.Array:
    """Give n documents their language, or where it is undetermined the declared or the nearest one
    with skeletons.

    A text in the letters of IAST or ISO 15919 is Sanskrit or Hindi, whichever other language it was
    taken for.
    """
    frame = pl.DataFrame({name: pl.Series(batch[name]) for name in COLUMNS[1:]})
    frame = frame.with_columns(
        tag=pl.col("declared_language").str.extract("^([A-Za-z]{2,3})(?:[-_]|$)").str.to_lowercase()
    )
    codes = {
        tag: one_code(to_iso639_3(tag) or UNDETERMINED)
        for tag in frame["tag"].unique().drop_nulls()
    }
    declared = pl.col("tag").replace_strict(codes, return_dtype=pl.String)
    nearest = pl.col("runner_up_language").str.slice(0, 3)
    known = [
        pl.when(guess.is_in(list(SCRIPTS_BY_LANGUAGE))).then(guess) for guess in (declared, nearest)
    ]
    language = pl.when(pl.col("language") != UNDETERMINED).then(pl.col("language"))
    found = frame.select(
        "script", language=pl.coalesce(language, *known), text=pl.Series(batch["text"])
    )
    unlike = (pl.col("script") == "Latn") & ~pl.col("language").is_in(
        list(SCRIPTS_BY_LANGUAGE)
    ).fill_null(False)
    romanized = pl.when(unlike).then(_romanized(pl.col("text")))
    return found.select(pl.coalesce(romanized, pl.col("language"))).to_series().to_arrow()


def _romanized(text: pl.Expr) -> pl.Expr:
    """Tell Sanskrit and Hindi in the letters of IAST or ISO 15919 from other texts, which get null.

    In passages of 1,000 code points of the Universal Declaration 6 % are long vowels and 2 % marked
    consonants at least; visargas at the end of a word are 0.4 % and more in Sanskrit, 0.1 % at most
    in Hindi. Of its 500 translations none that is in Latin letters has 1 % of both kinds.
    """
    long, marked, visargas = (
        text.str.count_matches(some) for some in (_LONG_VOWELS, _MARKED_CONSONANTS, _FINAL_VISARGA)
    )
    code_points = text.str.len_chars()
    language = pl.when(visargas * 300 >= code_points).then(pl.lit("san")).otherwise(pl.lit("hin"))
    return pl.when(pl.min_horizontal(long, marked) * 100 >= code_points, long > 0).then(language)


def script_preference(scripts: pa.Array, config: AcrossScriptsConfig) -> npt.NDArray[np.uint64]:
    """Rank n scripts: 0 for the one that `keep` names first; all that it does not name rank
    last."""
    place = pc.index_in(scripts, pa.array(config.keep, pa.string()))
    return pc.fill_null(place, len(config.keep)).to_numpy(zero_copy_only=False).astype(np.uint64)
