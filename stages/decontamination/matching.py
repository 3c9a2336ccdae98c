"""Find the texts of evaluation sets in documents, whichever way they are written, and drop or mask
what is found.

A text of an evaluation item is found where n-grams of it stand together in a document and cover at
least `min_overlap` of it, and at least one n-gram's length. N-grams are of 8 words, and the share
is one half: the rule of Tulu 3 (Lambert et al. 2024, section 3.2). It bears edits that the 13-grams
of GPT-3 (Brown et al. 2020, appendix C) do not: a sentence of 20 words with one word changed in its
middle has no 13-gram left, and the sentences of FLORES have 21 words on average. In scripts written
without spaces n-grams are of 16 grapheme clusters, in the ratio of the near-duplicate shingles, 5
words to 10.

Questions are shorter, and a word changed in the middle of 14 leaves no 8-gram. So the n-grams of a
text of m words are of (m - 1) / 2 words, at least `min_item_words` and at most 8, while what they
must cover stays 8 words, or the whole text where it is shorter. N-grams that more than `max_texts`
different texts share are a set's own phrases ("Which of the following is true?"), and say nothing;
one that a text repeats is looked for at its first place. A text whose n-grams that are left cannot
cover enough of it is not looked for, and counted as such.

Both sides are folded (`units`: case, tone marks, vowel points, look-alike letters), and in
languages written in several scripts they are compared once more as script-neutral skeletons, word
by word, so that a Serbian question in Latin is found in a Cyrillic page.

A recipe may rewrite its documents (normalization, transliteration) before they get here. Then an
evaluation text has several writings: its own, and those that the same stages give it. Each is
indexed, and a text is found by any of them:

    texts      0                 1
    writings   0 1               2 3 4      in the order of their texts; equal writings of a text are one
    n-grams    of each writing alone: their places and shares are never mixed
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import column, require_columns
from schemas.document import DOCUMENT
from stages.batches import Filtered, Measured, reject, set_columns
from stages.decontamination.evaluation_sets import ITEM
from stages.decontamination.options import DecontaminationConfig
from stages.decontamination.units import Units, cut_units
from stages.keys import hash_keys, mix64
from stages.script_detection import detect_scripts, utf8_bytes
from stages.skeletons import SCRIPTS_BY_LANGUAGE, skeletons

MATCH = pa.schema(
    [
        column("row", pa.int64(), "Row of the document in its block."),
        column("id", pa.string(), "Id of the document."),
        column(
            "language",
            pa.string(),
            "ISO 639-3 code of the document; null if unknown.",
            nullable=True,
        ),
        column(
            "item_text",
            pa.int64(),
            "Number of the text in the index; items with equal texts share it.",
        ),
        column(
            "form", pa.string(), "How it was found: `folded`, or `skeleton` for another script."
        ),
        column(
            "overlap",
            pa.float64(),
            "Share in (0, 1] of the units of the text that stand in the document.",
        ),
        column(
            "spans",
            pa.list_(pa.struct([pa.field("start", pa.int64()), pa.field("end", pa.int64())])),
            "Where, in bytes of the NFC form of the document's text.",
        ),
        column(
            "passage",
            pa.large_string(),
            "The first span with 60 code points around, at most 1,000 in all.",
        ),
    ]
)


_GRAM = np.dtype(
    [("hash", "<u8"), ("writing", "<u4"), ("place", "<u4"), ("units", "<u4"), ("cluster", "?")]
)
_PLACE = np.dtype([("writing", "<u4"), ("place", "<u4"), ("units", "<u4")])
_FORMS = ("folded", "skeleton")
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BASE = 0xD6E8FEB86659FD93  # odd, so it has an inverse modulo 2^64
_LEAST_FILTER_BITS, _MOST_FILTER_BITS = 12, 27
_LONGEST_ITEM = 100_000  # code points; of a longer text the beginning is looked for
_CONTEXT, _LONGEST_PASSAGE = 60, 1000  # code points of a passage that a human is shown
_MATCHED = ("row", "writing", "form")

# Evaluation texts (columns text, language, script) -> what the stages of a recipe may make of them:
# n texts each time
Rewriting = Callable[[pa.RecordBatch], Iterable[pa.Array]]


class ItemIndex(NamedTuple):
    """Evaluation texts, ready to be looked for: flat arrays, so that they can be mapped into memory
    from disk.

    `hashes` are the n-grams of the w writings of t texts in ascending order, `places` where in
    which writing each of them stands, and `present` whether any hash begins with these bits.
    `lengths` are the distinct numbers of units of an n-gram, each with whether it begins with a
    cluster. Of a writing, `units` and `octets` are its lengths, `needed` how many units of it must
    be found, and `text_of_writing` the number of its text. Of a text, `checked` says whether the
    n-grams of a writing can cover as many, and so it is looked for at all, and `names` the first
    item that has it.
    """

    hashes: npt.NDArray[np.uint64]
    places: npt.NDArray[np.void]
    present: npt.NDArray[np.bool_]
    lengths: npt.NDArray[np.void]
    units: npt.NDArray[np.int64]
    needed: npt.NDArray[np.int64]
    octets: npt.NDArray[np.int64]
    text_of_writing: npt.NDArray[np.int64]
    checked: npt.NDArray[np.bool_]
    names: pa.Array


def numbered_texts(items: pa.Table) -> pa.Table:
    """Put ITEM in NFC, and number its texts in `item_text`: items with equal text and language
    share a number.

    Raises SchemaError if a column is missing or mistyped.
    """
    require_columns(items, ITEM, ITEM.names)
    frame = pl.DataFrame(items.select(ITEM.names))
    frame = frame.with_columns(pl.col("text").str.normalize("NFC").str.slice(0, _LONGEST_ITEM))
    distinct = (
        frame.select("text", "language").unique(maintain_order=True).with_row_index("item_text")
    )
    numbered = frame.join(
        distinct, on=["text", "language"], how="left", nulls_equal=True, maintain_order="left"
    )
    return numbered.with_columns(pl.col("item_text").cast(pl.Int64)).to_arrow()


def item_ngrams(
    numbered: pa.Table, config: DecontaminationConfig, rewrite: Rewriting = lambda texts: ()
) -> ItemIndex:
    """Index the texts of evaluation items that `numbered_texts` has numbered, and what `rewrite`
    makes of them."""
    distinct = (
        pl.DataFrame(numbered)
        .unique("item_text", keep="first", maintain_order=True)
        .with_columns(name=pl.concat_str("evaluation_set", "part", "item", "field", separator=" "))
    )
    batch = _writings(distinct, rewrite)
    texts, text_of_writing = batch["text"], batch["item_text"].to_numpy()
    totals, needed = np.zeros((2, len(texts)), np.int64)
    made = [np.empty(0, _GRAM)]
    for units in cut_units(texts):
        heads, sizes = _runs(units.texts)
        totals[units.texts[heads]] = sizes
        shortest = np.minimum(
            sizes, np.where(units.clusters[heads], config.graphemes, config.words)
        )
        needed[units.texts[heads]] = np.maximum(np.ceil(config.min_overlap * sizes), shortest)
        made.extend(_item_grams(found, config) for _, found in _forms(units, batch, config))
    grams = np.concatenate(made)
    grams = grams[np.lexsort((grams["place"], grams["writing"], grams["hash"]))]
    grams = grams[_telling(grams, text_of_writing, config.max_texts)]
    covered = _covered(grams, len(texts)) >= np.maximum(needed, 1)
    grams = grams[covered[grams["writing"]]]
    checked = np.zeros(len(distinct), bool)
    checked[text_of_writing[covered]] = True
    # 1 in 64 passes in vain
    bits = np.clip(len(grams).bit_length() + 6, _LEAST_FILTER_BITS, _MOST_FILTER_BITS)
    present = np.zeros(1 << int(bits), bool)
    present[_filter_places(grams["hash"], present)] = True
    places = np.empty(len(grams), _PLACE)
    for name in _PLACE.names or ():
        places[name] = grams[name]
    return ItemIndex(
        np.ascontiguousarray(grams["hash"]),
        places,
        present,
        np.unique(grams[["units", "cluster"]]),
        totals,
        needed,
        pc.binary_length(texts).to_numpy(),
        text_of_writing,
        checked,
        distinct["name"].to_arrow().cast(pa.large_string()),
    )


def _writings(distinct: pl.DataFrame, rewrite: Rewriting) -> pa.RecordBatch:
    """List the writings of n texts, in NFC, by the number of their text; equal ones of a text
    once."""
    texts = distinct["text"].to_arrow().cast(pa.large_string())
    languages = distinct["language"].to_arrow().cast(pa.string())
    given = pa.record_batch({"text": texts, "language": languages, "script": detect_scripts(texts)})
    given_texts = distinct.select("item_text", "language", "text")
    written = [given_texts]
    for texts in rewrite(given):
        new = given_texts.with_columns(written=pl.Series(_composed(texts))).filter(
            pl.col("written") != pl.col("text")
        )
        written.append(
            new.select("item_text", "language", text=pl.col("written").str.slice(0, _LONGEST_ITEM))
        )
    frame = pl.concat(written)
    frame = frame.unique(["item_text", "text"], keep="first", maintain_order=True).sort(
        "item_text", maintain_order=True
    )
    texts = frame["text"].to_arrow().cast(pa.large_string())
    columns = {
        "item_text": frame["item_text"].to_arrow(),
        "language": frame["language"].to_arrow().cast(pa.string()),
    }
    return pa.record_batch({**columns, "text": texts, "script": detect_scripts(texts)})


def find_contamination(
    batch: pa.RecordBatch, index: ItemIndex, config: DecontaminationConfig
) -> pa.Table:
    """Find the evaluation texts that stand in n documents, as MATCH sorted by row and text.

    Raises SchemaError if `id`, `text`, `language` or `script` is missing or mistyped.
    """
    require_columns(batch, DOCUMENT, ("id", "text", "language", "script"))
    composed = set_columns(batch, text=_composed(batch["text"]))
    hits = [
        _hits(form, found, index)
        for units in cut_units(composed["text"])
        for form, found in _forms(units, composed, config)
    ]
    hit = pl.concat([_NO_HITS, *hits]).unique([*_MATCHED, "place", "start"])
    writings = hit["writing"].to_numpy()
    # N-grams that are further apart than the text is long are no one occurrence of it. In one, what
    # was edited lies between the n-grams that are left.
    found = (
        hit.with_columns(
            all=index.units[writings], needed=index.needed[writings], octets=index.octets[writings]
        )
        .sort(*_MATCHED, "start", "place")
        .with_columns(reached=pl.col("end").cum_max().shift(1).over(_MATCHED))
        .with_columns(
            apart=(pl.col("start") > pl.col("reached") + pl.col("octets")).fill_null(True)
        )
        .with_columns(occurrence=pl.col("apart").cum_sum().over(_MATCHED))
        .with_columns(
            again=pl.col("place") <= pl.col("place").shift(1).over(*_MATCHED, "occurrence")
        )
        .with_columns(
            reading=pl.col("again").fill_null(False).cum_sum().over(*_MATCHED, "occurrence")
        )
    )
    occurrence, match = (*_MATCHED, "occurrence"), ("row", "item_text")
    wholes = _covering(found, occurrence)
    # Where one reading of the text, from its beginning on, has all that was found of it, phrases of
    # it that stand near by are the page's own.
    readings = (
        _covering(found, (*occurrence, "reading"))
        .join(wholes.select(*occurrence, most="new"), on=occurrence)
        .filter(pl.col("new").max().over(occurrence) == pl.col("most"))
    )
    chosen = pl.concat(
        [readings.select(wholes.columns), wholes.join(readings, on=occurrence, how="anti")]
    )
    spans = (
        chosen.with_columns(item_text=index.text_of_writing[chosen["writing"].to_numpy()])
        # What is found in several forms or writings is found once: as folded, and wherever any of
        # them stands.
        .sort(*match, "start", "end", "form")
        .with_columns(reached=pl.col("end").cum_max().shift(1).over(match))
        .with_columns(
            span=(pl.col("start") >= pl.col("reached")).fill_null(True).cum_sum().over(match)
        )
        .group_by(*match, "span", maintain_order=True)
        .agg(
            pl.col("form").min(),
            (pl.col("new") / pl.col("all")).max(),
            pl.col("start").min(),
            pl.col("end").max(),
        )
        .group_by(*match, maintain_order=True)
        .agg(pl.col("form").min(), overlap=pl.col("new").max(), spans=pl.struct("start", "end"))
    )
    rows = pa.array(spans["row"].to_numpy())
    columns = {
        "row": rows,
        "id": batch["id"].take(rows),
        "language": batch["language"].take(rows),
        "item_text": spans["item_text"].to_arrow(),
        "form": pa.array([_FORMS[form] for form in spans["form"].to_list()], pa.string()),
        "overlap": spans["overlap"].to_arrow(),
        "spans": spans["spans"].to_arrow(),
        "passage": _passages(composed["text"], spans),
    }
    return pa.table({field.name: columns[field.name].cast(field.type) for field in MATCH}, MATCH)


def remove_contamination(
    batch: pa.RecordBatch, matches: pa.Table, index: ItemIndex, config: DecontaminationConfig
) -> Filtered:
    """Drop the documents with matches (`evaluation_text`), or take the matches out; kept and
    rejected sum to n.

    A masked document is in NFC, and is rejected (`too_short_without_evaluation_text`) if too little
    remains. Rejected rows keep the text they came with, and say the greatest overlap and the item.
    """
    best = pl.DataFrame(matches.select(["row", "item_text", "overlap"])).sort(
        ["row", "overlap", "item_text"], descending=[False, True, False]
    )
    best = best.unique("row", keep="first", maintain_order=True)
    names = index.names.take(best["item_text"].to_arrow())
    rows = best["row"].to_numpy()
    found = np.zeros(batch.num_rows, bool)
    found[rows] = True
    if config.mode == "drop":
        return Filtered(
            batch.filter(pa.array(~found)),
            reject(
                batch.filter(pa.array(found)),
                config.stage,
                "evaluation_text",
                Measured(best["overlap"].to_arrow(), config.min_overlap),
                detail=names,
            ),
        )
    masked = _masked(batch["text"], matches, config.mask)
    left = pc.utf8_length(masked)
    short = pa.array(found & (left.to_numpy() < config.min_code_points))
    return Filtered(
        set_columns(batch, text=masked).filter(pc.invert(short)),
        reject(
            batch.filter(short),
            config.stage,
            "too_short_without_evaluation_text",
            Measured(left.filter(short), config.min_code_points),
            detail=names.filter(short.take(pa.array(rows))),
        ),
    )


def _masked(texts: pa.Array, matches: pa.Table, mask: str) -> pa.Array:
    """Write texts in NFC, with `mask` in place of the spans of each match; texts without a match
    stay as they are."""
    spans = (
        pl.DataFrame(matches.select(["row", "spans"]))
        .explode("spans")
        .unnest("spans")
        .sort("row", "start", "end")
        .with_columns(reached=pl.col("end").cum_max().shift(1).over("row"))
        .with_columns(
            span=(pl.col("start") > pl.col("reached")).fill_null(True).cum_sum().over("row")
        )
        .group_by("row", "span", maintain_order=True)
        .agg(pl.col("start").min(), pl.col("end").max())
        .group_by("row", maintain_order=True)
        .agg("start", "end")
    )
    rows = spans["row"].to_numpy()
    written = []
    for (
        text,
        starts,
        ends,
    ) in zip(  # the few documents that hold evaluation text, and their few spans
        _composed(texts.take(pa.array(rows))).to_pylist(),
        spans["start"].to_list(),
        spans["end"].to_list(),
        strict=True,
    ):
        octets = text.encode()
        parts = [
            octets[begin:end] for begin, end in zip([0, *ends], [*starts, len(octets)], strict=True)
        ]
        written.append(mask.join(part.decode() for part in parts))
    found = np.zeros(len(texts), bool)
    found[rows] = True
    return pc.replace_with_mask(texts, pa.array(found), pa.array(written, pa.large_string()))


def _covering(found: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Say where the n-grams of each group lie that cover enough of their text, and how many units
    of it (`new`)."""
    return (
        found.sort(*keys, "place")
        .with_columns(stop=pl.col("place") + pl.col("units"))
        .with_columns(covered=pl.col("stop").cum_max().shift(1, fill_value=0).over(keys))
        .with_columns(new=(pl.col("stop") - pl.max_horizontal("place", "covered")).clip(0))
        .group_by(*keys, "all", "needed")
        .agg(pl.col("new").sum(), pl.col("start").min(), pl.col("end").max())
        .filter(pl.col("new") >= pl.col("needed"))
    )


def _passages(texts: pa.Array, spans: pl.DataFrame) -> pa.Array:
    """Cut out the first span of each match with what is around it."""
    octets, offsets = utf8_bytes(texts)
    firsts = spans.select("row", pl.col("spans").list.first().struct.unnest())
    passages = []
    for row, start, end in firsts.rows():  # a slice for each match, of which there are few
        begin, stop = int(offsets[row]), int(offsets[row + 1])
        before = bytes(octets[max(begin, begin + start - 4 * _CONTEXT) : begin + start]).decode(
            "utf-8", "ignore"
        )
        after = bytes(
            octets[begin + start : min(stop, begin + end + 4 * _CONTEXT)][: 4 * _LONGEST_PASSAGE]
        )
        inside = len(
            bytes(octets[begin + start : begin + end][: 4 * _LONGEST_PASSAGE]).decode(
                "utf-8", "ignore"
            )
        )
        passage = before[-_CONTEXT:] + after.decode("utf-8", "ignore")[: inside + _CONTEXT]
        passages.append(passage[:_LONGEST_PASSAGE])
    return pa.array(passages, pa.large_string())


def _composed(texts: pa.Array) -> pa.Array:
    return (
        pl.DataFrame({"t": pl.Series(texts)})["t"]
        .str.normalize("NFC")
        .to_arrow()
        .cast(pa.large_string())
    )


def _forms(
    units: Units, batch: pa.RecordBatch, config: DecontaminationConfig
) -> Iterator[tuple[int, Units]]:
    """Yield units of a block, whose texts are in NFC, by form: folded, and those that have one as
    their skeletons."""
    yield 0, units
    if not config.across_scripts or not len(units.texts):
        return
    languages = batch["language"].take(pa.array(units.texts))
    chosen = pc.is_in(languages, pa.array(sorted(SCRIPTS_BY_LANGUAGE))).to_numpy(
        zero_copy_only=False
    )
    if not chosen.any():
        return
    some = Units(*(values[chosen] for values in units))
    octets, offsets = utf8_bytes(batch["text"])
    base = offsets[some.texts]
    # Each unit and the gap after it as strings over the text's own bytes.
    cuts = np.append(
        np.stack([base + some.starts, base + some.ends], axis=1).ravel(), base[-1] + some.ends[-1]
    )
    data = pa.py_buffer(octets)
    words = pa.Array.from_buffers(
        pa.large_string(), len(cuts) - 1, [None, pa.py_buffer(cuts), data]
    )
    frame = pl.DataFrame(
        {
            "word": pl.Series(words).gather_every(2),
            "language": pl.Series(languages.filter(pa.array(chosen))),
            "script": pl.Series(batch["script"].take(pa.array(some.texts))),
        }
    )
    distinct = frame.unique(maintain_order=True)
    made = skeletons(*(distinct[name].to_arrow() for name in ("word", "language", "script")))
    keyed = distinct.with_columns(
        skeleton=pl.Series(hash_keys(pc.fill_null(made, ""))["low"]),
        written=pl.Series(made.is_valid()),
    )
    known = frame.join(
        keyed,
        on=["word", "language", "script"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    written = known["written"].to_numpy()
    hashes = known["skeleton"].to_numpy() ^ _GOLDEN
    yield 1, Units(*(values[written] for values in some._replace(hashes=hashes)))


def _runs(values: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where each run of equal numbers begins, and how long it is."""
    heads = np.flatnonzero(np.diff(values, prepend=-1))
    return heads, np.diff(np.append(heads, len(values)))


def _item_grams(units: Units, config: DecontaminationConfig) -> npt.NDArray[np.void]:
    """Make the n-grams of evaluation texts, as long as the length of each asks for; none of one
    that is too short."""
    heads, sizes = _runs(units.texts)
    place = np.arange(len(units.texts)) - np.repeat(heads, sizes)
    half = (np.repeat(sizes, sizes) - 1) // 2
    lengths = np.where(
        units.clusters,
        half.clip(config.min_item_graphemes, config.graphemes),
        half.clip(config.min_item_words, config.words),
    )
    at = np.flatnonzero(lengths <= np.repeat(sizes, sizes) - place)
    grams = np.empty(len(at), _GRAM)
    sums = _prefix_sums(units)
    for length in np.unique(lengths[at]).tolist():
        these = lengths[at] == length
        grams["hash"][these] = _gram_hashes(sums, at[these], length)
    grams["writing"], grams["place"], grams["units"] = units.texts[at], place[at], lengths[at]
    grams["cluster"] = units.clusters[at]
    return grams


_HIT = pl.Schema(
    dict.fromkeys(("row", "writing", "form", "place", "units", "start", "end"), pl.Int64)
)
_NO_HITS = pl.DataFrame(schema=_HIT)


def _hits(form: int, units: Units, index: ItemIndex) -> pl.DataFrame:
    """Look the n-grams of some documents up: a row for each place of an evaluation text that each
    of them is at."""
    sums = _prefix_sums(units)
    heads, _ = _runs(units.texts)
    found = [_NO_HITS]
    for length, cluster in index.lengths.tolist():
        firsts = np.flatnonzero(units.clusters[: max(0, len(units.texts) - length + 1)] == cluster)
        firsts = firsts[units.texts[firsts] == units.texts[firsts + length - 1]]
        hashes = _gram_hashes(sums, firsts, length)
        likely = index.present[_filter_places(hashes, index.present)]
        firsts, hashes = firsts[likely], hashes[likely]
        if len(firsts):
            own = np.searchsorted(heads, firsts, side="right") - 1
            once = _apart(hashes, own, (firsts - heads[own]) // length)
            firsts, hashes = firsts[once], hashes[once]
        left = np.searchsorted(index.hashes, hashes, side="left")
        counts = np.searchsorted(index.hashes, hashes, side="right") - left
        if not counts.any():
            continue  # most text is not contaminated
        firsts, left = np.repeat(firsts, counts), np.repeat(left, counts)
        grams = index.places[
            left + np.arange(len(left)) - np.repeat(counts.cumsum() - counts, counts)
        ]
        columns = {
            "row": units.texts[firsts],
            "writing": grams["writing"],
            "form": np.full(len(firsts), form),
            "place": grams["place"],
            "units": grams["units"],
            "start": units.starts[firsts],
            "end": units.ends[firsts + length - 1],
        }
        found.append(pl.DataFrame(columns).cast(_HIT))
    return pl.concat(found)


def _apart(
    hashes: npt.NDArray[np.uint64], texts: npt.NDArray[np.int64], stretches: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Choose the first of equal n-grams in each stretch of a text that is as long as they are.

    Only in a text that repeats itself, such as a table of zeros, are there several; one says as
    much as all.
    """
    order = np.lexsort((hashes, stretches, texts))
    changes = [
        np.diff(values[order].astype(np.int64), prepend=-1) != 0 for values in (texts, stretches)
    ]
    new = (
        np.concatenate([[True], hashes[order][1:] != hashes[order][:-1]]) | changes[0] | changes[1]
    )
    return np.sort(order[new])


def _filter_places(
    hashes: npt.NDArray[np.uint64], present: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Return the upper bits of hashes, as many as the filter has."""
    return (hashes >> np.uint64(65 - len(present).bit_length())).astype(np.int64)


def _prefix_sums(units: Units) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return sums of unit hashes by powers of the base, and the inverse powers: what n-gram hashes
    are made from."""
    powers, inverses = (
        np.concatenate(
            [np.ones(1, np.uint64), np.full(len(units.hashes), base, np.uint64)]
        ).cumprod(dtype=np.uint64)
        for base in (_BASE, pow(_BASE, -1, 1 << 64))
    )
    return np.concatenate(
        [np.zeros(1, np.uint64), np.cumsum(units.hashes * powers[:-1], dtype=np.uint64)]
    ), inverses


def _gram_hashes(
    sums: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]],
    firsts: npt.NDArray[np.int64],
    length: int,
) -> npt.NDArray[np.uint64]:
    """Hash the runs of `length` units that begin at `firsts`."""
    totals, inverses = sums
    return mix64(
        (totals[firsts + length] - totals[firsts]) * inverses[firsts]
        + (np.uint64(length) ^ _GOLDEN)
    )


def _telling(
    grams: npt.NDArray[np.void], text_of_writing: npt.NDArray[np.int64], max_texts: int
) -> npt.NDArray[np.bool_]:
    """Choose of n-grams (sorted by hash, writing and place) the first in each writing, if few texts
    share it.

    Few are at most `max_texts`; the writings of one text count once.

    A text such as "0 0 0 0 0 0 0 0" would otherwise meet every place of a document like it in every
    one of its own.
    """
    opens = np.diff(grams["hash"], prepend=~grams["hash"][:1]) != 0
    new_writing = opens | (np.diff(grams["writing"].astype(np.int64), prepend=-1) != 0)
    new_text = opens | (np.diff(text_of_writing[grams["writing"]], prepend=-1) != 0)
    run = np.cumsum(opens) - 1
    return new_writing & (np.bincount(run, new_text) <= max_texts)[run]


def _covered(grams: npt.NDArray[np.void], writings: int) -> npt.NDArray[np.int64]:
    """Count the units of each writing that its n-grams cover; those of one writing are of one
    length."""
    ordered = grams[np.lexsort((grams["place"], grams["writing"]))]
    place, stop = (
        ordered["place"].astype(np.int64),
        ordered["place"].astype(np.int64) + ordered["units"],
    )
    same = np.diff(ordered["writing"].astype(np.int64), prepend=-1) == 0
    before = np.concatenate([[0], stop[:-1]]) * same
    return np.bincount(
        ordered["writing"], stop - np.maximum(place, before), minlength=writings
    ).astype(np.int64)
