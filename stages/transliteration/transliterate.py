"""Transliterate documents: replace their text, add a parallel document, or give pairs for alignment
training.

Why: a model that has read much of a language in one script has read none of it in the other, and
pairs of a text with its romanization bring languages of many scripts together (Purkayastha et al.
2023; Liu et al. 2024, TransliCo). What a scheme does not cover is left alone: other languages and
scripts, and inside a text what `tokens.PROTECTED` names, tokens of other scripts, words with a
letter or mark that the scheme's alphabet lacks (`WhatsApp` in Uzbek), digits, marks without a
letter, private use and unassigned code points. No word is converted in part.

Canonically equivalent texts give the same text: a text is put into Unicode NFC first. Characters
that only direct how letters join, break or look (JOINERS) never cut a word, and are left out of a
word that is converted: they tell the source script's shapes, which the target has not.

With a condition only some tokens are changed, say words of Arabic origin in Maltese: Micallef et
al. (2024) found that this serves better than changing all.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import column, require_columns
from schemas.document import CANDIDATES, DOCUMENT, IDENTIFICATION, SCRIPT_MARKS
from schemas.language import one_code, parse_label
from schemas.ledger import CHANGE
from schemas.model_signals import TEXT_SIGNALS
from schemas.orthography import UNSPACED_SCRIPTS
from stages.batches import Changed, changed_code_points, set_columns
from stages.script_detection import detect_scripts
from stages.transliteration.alphabets import APOSTROPHES
from stages.transliteration.conditions import Condition
from stages.transliteration.engines import engine_for, rules_of
from stages.transliteration.options import ANY, TransliterationConfig
from stages.transliteration.schemes import Scheme, scheme_for
from stages.transliteration.tokens import ADDRESSES, Runs, convert_tokens

HYPHENS = r"\-\x{2010}\x{2011}"

PROVENANCE = pa.schema(
    [
        DOCUMENT.field(name)
        for name in ("transliterated_from", "transliteration_scheme", "transliteration_version")
    ]
)

PAIR = pa.schema(
    [
        column("id", pa.string(), "Id of the document."),
        column("language", pa.string(), "ISO 639-3 code."),
        column("script", pa.string(), "ISO 15924 code of `original`."),
        column("original", pa.large_string(), "Text as it was."),
        column(
            "romanization",
            pa.large_string(),
            "The text transliterated, to Latin with most schemes.",
        ),
        *(PROVENANCE.field(name) for name in ("transliteration_scheme", "transliteration_version")),
    ]
)


class _Part(NamedTuple):
    """Rows of a batch that share a scheme, language and script, and their texts transliterated."""

    rows: npt.NDArray[np.int64]
    scheme: Scheme
    texts: pa.Array


def transliterate(texts: pa.Array, scheme: Scheme, condition: Condition | None = None) -> pa.Array:
    """Transliterate n texts (string or large_string; null stays null) to large_string.

    `condition` takes distinct tokens of the source script and says which of them to change. Raises
    ImportError, in one line, if the scheme's library is not installed.
    """
    made = convert_tokens(
        in_nfc(pc.fill_null(texts, "")), runs_of(scheme), _changer(scheme, condition)
    )
    return (
        pc.if_else(pc.is_valid(texts), made, pa.scalar(None, pa.large_string()))
        if texts.null_count
        else made
    )


def in_nfc(texts: pa.Array) -> pa.Array:
    """Put n texts into Unicode NFC, as large_string."""
    return pl.Series(texts, dtype=pl.String).str.normalize("NFC").to_arrow().cast(pa.large_string())


def _changer(
    scheme: Scheme, condition: Condition | None = None
) -> Callable[[pl.Series], pl.Series]:
    """Make a function of n distinct tokens: it transliterates those that the scheme covers and the
    condition takes."""
    convert = engine_for(scheme)
    joins_names = _joins_names(scheme)

    def changed(tokens: pl.Series) -> pl.Series:
        words = tokens.str.replace_all(f"[{JOINERS}]", "")
        if joins_names and (names := words.str.contains(f"[^{HYPHENS}][{HYPHENS}]")).any():
            return _part_by_part(tokens, words, names, changed, scheme)
        wanted = covered_words(words, scheme)
        if condition is not None:
            wanted &= condition(words)
        at = wanted.arg_true()
        made = pl.Series(convert(words.gather(at).to_list()), dtype=pl.String)
        if leftover := _leftover(scheme):
            whole = ~made.str.contains(leftover)
            at, made = at.filter(whole), made.filter(whole)
        return tokens.scatter(at, made)

    return changed


def _joins_names(scheme: Scheme) -> bool:
    """Tell whether the parts of a name with a hyphen are one word: in scripts with capitals, where
    none is spelled."""
    if scheme.engine not in ("rules", "indic") or scheme.source not in ("Latn", "Cyrl"):
        return False
    return not any("-" in unit for unit in rules_of(scheme).units)


def _part_by_part(
    tokens: pl.Series,
    words: pl.Series,
    names: pl.Series,
    changed: Callable[[pl.Series], pl.Series],
    scheme: Scheme,
) -> pl.Series:
    """Convert the parts of names with hyphens as words of their own, if the scheme covers all of a
    name's."""
    at = names.arg_true()
    parts = pl.DataFrame(
        {"name": at, "part": words.gather(at).str.extract_all(rf"[{HYPHENS}]|[^{HYPHENS}]+")}
    ).explode("part")
    parts = parts.filter(
        pl.col("name").is_in(at.filter(covered_words(words.gather(at), scheme)).implode())
    )
    distinct = parts["part"].unique(maintain_order=True)
    # it scatters in place
    parts = parts.with_columns(pl.col("part").replace(distinct, changed(distinct.clone())))
    joined = parts.group_by("name", maintain_order=True).agg(pl.col("part").str.join(""))
    others = (~names).arg_true()
    return tokens.scatter(others, changed(tokens.gather(others))).scatter(
        joined["name"], joined["part"]
    )


def covered_words(words: pl.Series, scheme: Scheme) -> pl.Series:
    """Say of n words (without JOINERS) whether the scheme's table has every letter of them; without
    a table, all."""
    covered, foreign = _covered(scheme)
    found = words.str.contains(covered) if covered else pl.repeat(True, len(words), eager=True)
    return found & ~words.str.contains(foreign) if foreign else found


def transliterate_batch(
    batch: pa.RecordBatch, config: TransliterationConfig, condition: Condition | None = None
) -> Changed:
    """Replace `text` and `script` of the documents that a scheme changes, and say in the columns of
    PROVENANCE how.

    n rows in, the same n in the same order out, and CHANGE rows by scheme. With a condition,
    `script` becomes the one that most letters then are in. Raises SchemaError if one of these
    columns or `language` is missing or mistyped.
    """
    require_columns(batch, DOCUMENT, ("text", "language", "script", *PROVENANCE.names))
    columns = {name: batch[name] for name in ("text", "script", *PROVENANCE.names)}
    changes = [CHANGE.empty_table()]
    for part in _parts(batch, config, condition):
        part, respelled = _respelled(batch, part, condition)
        at = pa.array(np.isin(np.arange(batch.num_rows), part.rows))
        before = batch.select(["text", "language", "script"]).take(pa.array(part.rows))
        changes.append(_changes(before, part))
        for name, values in columns.items():
            columns[name] = pc.replace_with_mask(values, at, respelled[name])
    return Changed(set_columns(batch, **columns), pa.concat_tables(changes))


def _changes(before: pa.RecordBatch, part: _Part) -> pa.Table:
    """Count the documents and code points that a scheme changed, by the language and script they
    were in."""
    texts = {"was": pl.Series(before["text"]), "now": pl.Series(part.texts)}
    frame = pl.DataFrame(
        {"language": pl.Series(before["language"]), "script": pl.Series(before["script"]), **texts}
    )
    counted = [
        {
            "rule": part.scheme.name,
            "language": language,
            "script": script,
            "documents": len(group),
            "code_points": changed_code_points(group["was"], group["now"]),
        }
        for (language, script), group in frame.group_by("language", "script", maintain_order=True)
    ]
    return pa.Table.from_pylist(counted, CHANGE)


def parallel_rows(
    batch: pa.RecordBatch, config: TransliterationConfig, condition: Condition | None = None
) -> pa.RecordBatch:
    """Make the documents that stand next to those of the batch: one for each that a scheme changes,
    in their order.

    A new row has its parent's columns, but for: `id`, the hex BLAKE2b-128 of the parent's id,
    scheme and version; `parent_id`; `synthetic` true; `generator`, the engine's version; `text`;
    `script`; `cluster_size`, CANDIDATES and the columns of SCRIPT_MARKS, TEXT_SIGNALS and
    IDENTIFICATION null, as nobody looked at the new text; and the columns of PROVENANCE, which are
    added if the batch lacks them. Raises SchemaError as `transliterate_batch`.
    """
    require_columns(batch, DOCUMENT, ("id", "text", "language", "script"))
    made = [_respelled(batch, part, condition) for part in _parts(batch, config, condition)]
    for field in PROVENANCE:
        if field.name not in batch.schema.names:
            batch = batch.append_column(field, pa.nulls(batch.num_rows, field.type))
    if not made:
        return batch.slice(0, 0)
    rows = np.concatenate([part.rows for part, _ in made])
    order = pa.array(np.argsort(rows, kind="stable"))
    parents = batch.take(pa.array(rows))
    columns = {name: pa.concat_arrays([new[name] for _, new in made]) for name in made[0][1]}
    of_another_text = [
        *SCRIPT_MARKS,
        *TEXT_SIGNALS,
        CANDIDATES,
        *(DOCUMENT.field(name) for name in IDENTIFICATION),
    ]
    columns |= {field.name: pa.nulls(len(rows), field.type) for field in of_another_text}
    present = {name: values for name, values in columns.items() if name in parents.schema.names}
    return set_columns(parents, **present).take(order)


def pairs(
    batch: pa.RecordBatch, config: TransliterationConfig, condition: Condition | None = None
) -> pa.RecordBatch:
    """Give a PAIR for each document that a scheme changes, in their order. Raises SchemaError as
    `parallel_rows`."""
    respelled = parallel_rows(batch, config, condition)
    originals = (
        batch.take(pc.index_in(respelled["parent_id"], batch["id"]))
        if respelled.num_rows
        else batch.slice(0, 0)
    )
    columns = [
        *(originals[name] for name in ("id", "language", "script", "text")),
        *(
            respelled[name]
            for name in ("text", "transliteration_scheme", "transliteration_version")
        ),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=PAIR)


def _parts(
    batch: pa.RecordBatch, config: TransliterationConfig, condition: Condition | None
) -> Iterator[_Part]:
    """Transliterate the texts of a batch scheme by scheme, each in one call."""
    labels = pc.binary_join_element_wise(
        batch["language"], batch["script"], "_"
    ).dictionary_encode()
    by_scheme: dict[Scheme, list[int]] = {}
    for number, label in enumerate(labels.dictionary.to_pylist()):
        if scheme := _scheme_of(label, config):
            by_scheme.setdefault(scheme, []).append(number)
    indices = pc.fill_null(labels.indices, -1).to_numpy(zero_copy_only=False)
    for scheme, numbers in by_scheme.items():
        rows = np.flatnonzero(np.isin(indices, numbers))
        yield _Part(
            rows, scheme, transliterate(batch["text"].take(pa.array(rows)), scheme, condition)
        )


def _scheme_of(label: str, config: TransliterationConfig) -> Scheme | None:
    """Find the scheme that a recipe has for documents of a label, by either code of a language that
    has two."""
    language, _, script = label.partition("_")
    for written, name in config.schemes.items():
        if written != ANY:
            one = parse_label(written)
            if (one_code(one.language), one.script) == (one_code(language), script):
                return scheme_for(name, language, script)
    if ANY in config.schemes and script not in ("Latn", "Zyyy"):
        return scheme_for(config.schemes[ANY], language, script)
    return None


def _respelled(
    batch: pa.RecordBatch, part: _Part, condition: Condition | None
) -> tuple[_Part, dict[str, pa.Array]]:
    """Make the columns in which a part's new documents differ, of those whose text the scheme
    changed."""
    before = batch["text"].take(pa.array(part.rows))
    differ = pc.not_equal(part.texts, in_nfc(before))
    rows, texts = part.rows[differ.to_numpy(zero_copy_only=False)], part.texts.filter(differ)
    parents = batch.select(["id", "language", "script"]).take(pa.array(rows))
    scheme, version = part.scheme, part.scheme.version

    def same(value: object, kind: pa.DataType) -> pa.Array:
        return pa.repeat(pa.scalar(value, kind), len(rows))

    # One C call a row: there is no vectorized cryptographic hash.
    ids = [
        _digest(parent, "transliteration", scheme.name, version)
        for parent in parents["id"].to_pylist()
    ]
    kind = pa.string()
    return part._replace(rows=rows, texts=texts), {
        "id": pa.array(ids, kind),
        "text": texts,
        "script": same(scheme.target, kind) if condition is None else detect_scripts(texts),
        "parent_id": parents["id"],
        "synthetic": same(True, pa.bool_()),
        "generator": same(f"{scheme.engine} {version}" if version.isdigit() else version, kind),
        "cluster_size": same(None, pa.int64()),
        "transliterated_from": pc.binary_join_element_wise(
            parents["language"], parents["script"], "_"
        ),
        "transliteration_scheme": same(scheme.name, kind),
        "transliteration_version": same(version, kind),
    }


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


# The inside of a class: the letters of a script that is not one script of Unicode.
_SCRIPT_CLASSES = {
    "Hans": r"\p{Han}",
    "Hant": r"\p{Han}",
    "Kore": r"\p{Hangul}",
    "Zyyy": r"\p{L}--\p{Latin}",
    "Ethi": r"\p{Ethiopic}--\p{N}",
}
_TIBETAN = r"\p{Tibetan}--[\p{N}\x{f0b}\x{f0c}]"
_QUOTES = frozenset(APOSTROPHES)  # which stand before words as well
_WYLIE = r"!-~&&[^0-9<>{}\x22]"
# The inside of a class: soft hyphen, grapheme joiner, zero-width non-joiner and joiner, word
# joiner, byte order mark, and variation selectors, the Mongolian ones too.
JOINERS = r"\x{ad}\x{34f}\x{200c}\x{200d}\x{2060}\x{feff}\x{fe00}-\x{fe0f}\x{180b}-\x{180d}\x{180f}\x{e0100}-\x{e01ef}"
# Marks of no script of their own, which any letter may bear: accents, and the Vedic tones that
# Unicode gives to Latin as well (ScriptExtensions.txt).
_ANY_LETTERS_MARKS = r"\x{300}-\x{36f}\x{951}\x{952}"

# Scripts that put no space between words: there a run is a sentence, which is not left alone for
# one sign.
UNSPACED = "".join(rf"\p{{{script}}}" for script in sorted(UNSPACED_SCRIPTS | {"Tibt"}))


@cache
def runs_of(scheme: Scheme) -> Runs:
    """Write the patterns of what a scheme may convert."""
    # a syllable with its dot and the spaces after it, which Wylie writes
    if scheme.source == "Tibt":
        run = rf"[{_TIBETAN}][[{_TIBETAN}]{JOINERS}]*[\x{{f0b}}\x{{f0c}}]? *|[\x{{f0b}}\x{{f0c}}] *"
        return Runs(r"\p{Tibetan}--\p{N}", run)
    if scheme.engine == "pyewts":
        return Runs(_WYLIE, rf"[{_WYLIE}][[{_WYLIE}]{JOINERS}]* ?", ADDRESSES)
    if scheme.detail == "Ethiopic-Latin/SERA" and scheme.source == "Latn":
        return Runs(
            r"\p{Latin}\x60'", rf"[\p{{Latin}}\x60'][\p{{Latin}}\x60',;:2{JOINERS}]*", ADDRESSES
        )
    letters = _SCRIPT_CLASSES.get(scheme.source, rf"\p{{{scheme.source}}}&&\p{{L}}")
    more, alone = ("-" if scheme.detail == "Hangul-Latin" else ""), ""
    if scheme.engine in ("rules", "indic"):
        rules = rules_of(scheme)
        more, alone = "".join(sorted(set("".join(rules.units)))), rules.alone
        primes = "".join(
            sorted(
                {unit[0] for unit in rules.units if unicodedata.category(unit[0]) == "Lm"} - _QUOTES
            )
        )
        letters = rf"[{letters}]{_escaped(primes)}"
    inside = rf"[{letters}]\p{{M}}{JOINERS}{_escaped(more)}"
    word = rf"[{letters}][{inside}]*"
    # A word goes on after an apostrophe: of "Sainsbury's" no part is a word.
    if scheme.engine in ("rules", "indic"):
        # Nor is one of "Wi-Fi": a hyphen before a capital is inside a name.
        name = rf"[{HYPHENS}][{letters}&&\p{{Lu}}][{inside}]*" if _joins_names(scheme) else ""
        run = rf"{word}(?:[{_escaped(APOSTROPHES)}]{word}{f'|{name}' if name else ''})*"
    else:
        run = word
    if not alone:
        return Runs(letters, run)
    return Runs(rf"[{letters}]{_escaped(alone)}", rf"{run}|[{_escaped(alone)}]")


@cache
def _covered(scheme: Scheme) -> tuple[str, str]:
    """Write the patterns of the words that a table has every letter of, and of those among them
    that are foreign."""
    if scheme.engine == "korean":
        return r"^[\x{ac00}-\x{d7a3}]+$", ""
    if scheme.engine not in ("rules", "indic"):
        return "", ""
    rules = rules_of(scheme)
    long = sorted(
        (unit for unit in rules.units if len(unit) > 1), key=lambda unit: (-len(unit), unit)
    )
    single = (
        "".join(sorted(unit for unit in rules.units if len(unit) == 1)) + rules.alone + APOSTROPHES
    )
    any_unit = "|".join(
        [*map(_escaped, long), f"[{_escaped(single)}{_ANY_LETTERS_MARKS}{HYPHENS}]"]
    )
    return f"^(?:{any_unit})+$", rules.foreign


@cache
def _leftover(scheme: Scheme) -> str:
    """Write the pattern of what an engine without a table leaves of a word that it cannot convert
    as a whole."""
    if scheme.engine == "uroman":
        return rf"[[\p{{L}}\p{{M}}]--\p{{Latin}}--\p{{Inherited}}--[{UNSPACED}]]"
    if scheme.engine != "icu" or scheme.source in ("Hans", "Hant"):
        return ""
    return rf"[{_SCRIPT_CLASSES.get(scheme.source, rf'{chr(92)}p{{{scheme.source}}}')}]"


def letters_of(script: str) -> str:
    """Write the pattern of a letter of a script (ISO 15924)."""
    return rf"[{_SCRIPT_CLASSES.get(script, rf'{chr(92)}p{{{script}}}&&{chr(92)}p{{L}}')}]"


def _escaped(text: str) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character in text)
