"""Write the text of each document one way: Unicode's own rules, then those of its script and
language.

Raw text spells the same word in several ways that look alike: decomposed letters, Arabic letters of
another keyboard, a Cyrillic letter in a Latin word, presentation forms, invisible characters.
Vocabularies split by them and duplicates go unseen. But what is noise in one orthography is
spelling in the next, so each rule says for which language and script it is meant, cites what it
follows, and can be switched off by its name.

The rules run in the order of `RULES`. A text that no rule could change is found by one scan for all
of their candidates and is not touched. A text that changes is looked at again until no rule changes
it, so the stage is idempotent: what removal, composition or repair uncovers is not left for a
second run.

A text of more than 4 MiB is worked on in pieces of whole lines (of whole words, where a line is as
long), which bounds the memory that the rules take. Rules that judge a whole text then judge each
piece.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.ledger import CHANGE
from stages.batches import code_points, set_columns
from stages.normalization import (
    arabic,
    composition,
    cyrillic,
    digits,
    east_asian,
    encoding_repair,
    ethiopic,
    greek,
    hebrew,
    indic,
    joiners,
    latin,
    lookalikes,
    misread_letters,
    smaller_scripts,
    southeast_asian,
    tibetan,
    unicode_cleaning,
)
from stages.normalization.options import NormalizationConfig
from stages.normalization.rules import Rule, WrittenIn
from stages.script_detection import utf8_bytes

RULES: tuple[Rule, ...] = (
    *encoding_repair.RULES,  # before its evidence is cleaned away
    *unicode_cleaning.RULES,
    *composition.RULES,
    *arabic.RULES,
    *hebrew.RULES,
    *ethiopic.RULES,
    *indic.RULES,
    *tibetan.RULES,
    *southeast_asian.RULES,
    *east_asian.RULES,
    *smaller_scripts.RULES,
    *misread_letters.RULES,
    *lookalikes.RULES,
    *latin.RULES,
    *cyrillic.RULES,
    *greek.RULES,
    *joiners.RULES,  # after the rules of letters that a joiner is part of
    *digits.RULES,
)

_SLICE_BYTES = 1 << 23  # text worked on at once: bounds the copies that a chain of rules makes
# of a text that is cut: the rules take about 20 times as much memory as what they look at
_LONG_BYTES = 1 << 22
_BUNDLE = 8  # rules whose candidates are looked for at once before those of each
# of pattern; Polars keeps 32 compiled patterns, and that for NFC takes 20 ms to compile
_BUNDLE_CHARACTERS = 1 << 15
_MAX_PASSES = 16  # real text settles in two; more takes noise nested in noise


class Normalized(NamedTuple):
    """The same n documents with their text normalized, and CHANGE of what each rule changed."""

    documents: pa.RecordBatch
    counts: pa.Table


def chosen_rules(config: NormalizationConfig) -> tuple[Rule, ...]:
    """List the rules that a config lets run, in their order."""
    return tuple(
        rule
        for rule in RULES
        if (rule.default or rule.name in config.enable)
        and rule.name not in config.disable
        and rule.wanted(config)
    )


def languages_apart(script: str | None, config: NormalizationConfig) -> tuple[str | None, ...]:
    """List languages that the chosen rules treat differently in a script: one of each kind, None
    first.

    A text whose language nobody knows is written as its document was by one of them. Only the
    languages that a rule names can differ from None; what a rule does with digits by locale is not
    looked at.
    """
    rules = chosen_rules(config)
    labels = (
        label
        for rule in rules
        if isinstance(rule.applies, WrittenIn)
        for label in rule.applies.labels
    )
    named = {label.split("_")[0] for label in labels if label[0].islower()}
    named |= {*lookalikes.LATIN_OF_LANGUAGE, *lookalikes.CYRILLIC_OF_LANGUAGE}
    kinds: dict[tuple[object, ...], str | None] = {}
    for language in (None, *sorted(named)):
        label = (language, script)
        seen = [rule.looks_at(*label) for rule in rules]
        kind = [
            rule.applies(*label) and (True if at == label else at)
            for rule, at in zip(rules, seen, strict=True)
        ]
        kinds.setdefault(tuple(kind), language)
    return tuple(kinds.values())


def normalize(batch: pa.RecordBatch, config: NormalizationConfig) -> pa.RecordBatch:
    """Normalize the `text` of n documents: n rows in, the same n rows in the same order out.

    A null language or script gets the rules of Unicode only. Raises SchemaError without `text`,
    `language`, `script`.

    >>> kaf = pa.array(["\u0643\u0627\u0631", "\u0643\u0644\u0628"], pa.large_string())
    >>> block = pa.record_batch({"text": kaf, "language": ["fas", "ara"], "script": ["Arab", "Arab"]})
    >>> [hex(ord(text[0])) for text in normalize(block, NormalizationConfig())["text"].to_pylist()]
    ['0x6a9', '0x643']
    """
    return normalize_counted(batch, config).documents


def normalize_counted(batch: pa.RecordBatch, config: NormalizationConfig) -> Normalized:
    """Do as `normalize` does, and count for each rule, language and script the documents and code
    points it changed."""
    require_columns(batch, DOCUMENT, ("text", "language", "script"))
    rules = chosen_rules(config)
    labels = pl.DataFrame(
        {"language": pl.Series(batch["language"]), "script": pl.Series(batch["script"])}
    )
    groups = labels.unique(maintain_order=True).with_row_index("group")
    group = labels.join(
        groups, on=["language", "script"], how="left", nulls_equal=True, maintain_order="left"
    )
    chain = _Chain(rules, groups.rows(), config)
    numbers = group["group"].to_numpy()
    texts = batch["text"]
    octets, offsets = utf8_bytes(texts)
    parts = [
        chain.run_long(octets[offsets[start] : offsets[end]].data, numbers[start:end])
        if end - start == 1 and offsets[end] - offsets[start] > _LONG_BYTES
        else chain.run_short(texts.slice(start, end - start), numbers[start:end])
        for start, end in _stretches(np.diff(offsets))
    ]
    if not chain.documents.any():
        return Normalized(batch, chain.counts())
    text = parts[0] if len(parts) == 1 else pa.concat_arrays(parts)
    return Normalized(set_columns(batch, text=text), chain.counts())


def _stretches(sizes: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return where each long text begins and ends, and each run of others between them."""
    long = np.flatnonzero(sizes > _LONG_BYTES)
    cuts = np.unique([0, *long, *(long + 1), len(sizes)]).tolist()
    return list(itertools.pairwise(cuts))


class _Chain:
    """The chosen rules over the (language, script) groups of one block, and what they changed."""

    def __init__(
        self,
        rules: tuple[Rule, ...],
        groups: list[tuple[int, str | None, str | None]],
        config: NormalizationConfig,
    ) -> None:
        self.rules, self.config = rules, config
        self.labels = [(language, script) for _, language, script in groups]
        self.applies = np.asarray(
            [
                [rule.applies(language, script) for rule in rules]
                for language, script in self.labels
            ],
            bool,
        ).reshape(len(groups), len(rules))
        # kinds[r][g]: groups of one number look the same to rule r
        self.kinds = [_numbered([rule.looks_at(*label) for label in self.labels]) for rule in rules]
        self.documents = np.zeros(self.applies.shape, np.int64)
        self.code_points = np.zeros(self.applies.shape, np.int64)

    def find_dirty(self, texts: pl.Series, group: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """Return the rows of the texts that hold a candidate of any rule meant for them."""
        common = self.applies.all(axis=0)
        dirty = np.zeros(len(texts), bool)
        own, signature = np.unique(self.applies & ~common, axis=0, return_inverse=True)
        for position, mask in enumerate([common, *own]):
            pattern = _pattern(
                tuple(
                    rule.candidates for rule, holds in zip(self.rules, mask, strict=True) if holds
                )
            )
            rows = np.flatnonzero(
                ~dirty & ((position == 0) | (signature.reshape(-1)[group] == position - 1))
            )
            if pattern and len(rows):
                dirty[rows] = texts.gather(rows).str.contains(pattern).to_numpy()
        return np.flatnonzero(dirty)

    def run_short(self, strings: pa.Array, group: npt.NDArray[np.uint32]) -> pa.Array:
        """Normalize n texts; those that no rule could change are not touched."""
        texts = pl.Series(strings, dtype=pl.String)
        dirty = self.find_dirty(texts, group)
        if not len(dirty):
            return strings
        sizes = np.cumsum(texts.gather(dirty).str.len_bytes().to_numpy())
        pieces = np.split(dirty, np.flatnonzero(np.diff(sizes // _SLICE_BYTES)) + 1)
        done = pl.concat([self.run(texts.gather(rows), group[rows]) for rows in pieces])
        order = np.arange(len(texts))
        order[dirty] = len(texts) + np.arange(len(dirty))
        return pl.concat([texts, done]).gather(order).to_arrow().cast(pa.large_string())

    def run(self, texts: pl.Series, group: npt.NDArray[np.uint32]) -> pl.Series:
        """Apply the rules to n texts until none changes; raises ValueError for a text that never
        settles."""
        counted = np.zeros((len(texts), len(self.rules)), bool)
        active = np.arange(len(texts))
        bundles = self._bundles(np.flatnonzero(self.applies[np.unique(group)].any(axis=0)).tolist())
        for _ in range(_MAX_PASSES):
            before = texts
            for bundle in bundles:
                pattern = _pattern(tuple(self.rules[number].candidates for number in bundle))
                # A text that holds no candidate of the bundle is not changed by it, and so gets
                # none on the way.
                held = active[texts.gather(active).str.contains(pattern).to_numpy()]
                for number in bundle:
                    rows = held[self.applies[group[held], number]]
                    if len(bundle) > 1 and len(rows):
                        rows = rows[
                            texts.gather(rows)
                            .str.contains(self.rules[number].candidates)
                            .to_numpy()
                        ]
                    if len(rows):
                        texts = self._apply(number, texts, rows, group[rows], counted)
            active = active[(texts.gather(active) != before.gather(active)).to_numpy()]
            if not len(active):
                return texts
        raise ValueError(
            f"text must settle in {_MAX_PASSES} passes of the normalization rules, but still changes"
        )

    def run_long(self, octets: memoryview, group: npt.NDArray[np.uint32]) -> pa.Array:
        """Do as `run_short` does with a single long text, piece by piece; it counts as one
        document.

        Each piece goes straight to where it stays: at this size every copy of the whole counts.
        """
        before = self.documents.copy()
        written = pa.BufferOutputStream()
        for start, end in _cuts(octets):
            written.write(self.run(pl.Series([str(octets[start:end], "utf-8")]), group)[0].encode())
        self.documents = before + (self.documents > before)
        offsets = pa.py_buffer(np.array([0, written.tell()], np.int64))
        return pa.LargeStringArray.from_buffers(1, offsets, written.getvalue())

    def _bundles(self, numbers: list[int]) -> list[list[int]]:
        """Cut rules, in their order, into those whose candidates are looked for at once; a long
        pattern stays alone."""
        bundles: list[list[int]] = [[]]
        for number in numbers:
            size = sum(len(self.rules[member].candidates) for member in [*bundles[-1], number])
            if bundles[-1] and (len(bundles[-1]) == _BUNDLE or size > _BUNDLE_CHARACTERS):
                bundles.append([])
            bundles[-1].append(number)
        return bundles

    def _apply(
        self,
        number: int,
        texts: pl.Series,
        rows: npt.NDArray[np.int64],
        group: npt.NDArray[np.uint32],
        counted: npt.NDArray[np.bool_],
    ) -> pl.Series:
        """Apply one rule to the texts that hold its candidates, and count by group what it
        changed."""
        rule = self.rules[number]
        kinds = self.kinds[number][group]
        order = np.argsort(kinds, kind="stable")
        rows, group = rows[order], group[order]
        old = texts.gather(rows)
        parts = []
        for start, end in _runs(kinds[order]):
            language, script = self.labels[group[start]]
            parts.append(rule.apply(old.slice(start, end - start), language, script, self.config))
        new = pl.concat(parts)
        differ = np.flatnonzero((old != new).to_numpy())
        if not len(differ):
            return texts
        old, new, rows, group = old.gather(differ), new.gather(differ), rows[differ], group[differ]
        self.documents[:, number] += np.bincount(
            group[~counted[rows, number]], minlength=len(self.labels)
        )
        counted[rows, number] = True
        changed = (
            _changed_code_points(old, new)
            if not rule.places
            else old.str.count_matches(rule.places).to_numpy()
        )
        self.code_points[:, number] += np.bincount(group, changed, len(self.labels)).astype(
            np.int64
        )
        places = np.arange(len(texts))
        places[rows] = len(texts) + np.arange(len(rows))
        return pl.concat([texts, new]).gather(places)

    def counts(self) -> pa.Table:
        """Return CHANGE of what changed so far, ordered by rule, language and script."""
        found = sorted(
            np.argwhere(self.documents).tolist(),
            key=lambda at: (at[1], *(label or "" for label in self.labels[at[0]])),
        )
        rows = [
            (
                self.rules[r].name,
                *self.labels[g],
                int(self.documents[g, r]),
                int(self.code_points[g, r]),
            )
            for g, r in found
        ]
        return pa.Table.from_pylist(
            [dict(zip(CHANGE.names, row, strict=True)) for row in rows], CHANGE
        )


def _cuts(data: memoryview) -> Iterator[tuple[int, int]]:
    """Cut UTF-8 into pieces of at most _LONG_BYTES that end with a line, else with a space, else
    with a code point."""
    start = 0
    while start < len(data):
        end = min(start + _LONG_BYTES, len(data))
        if end < len(data):
            piece = bytes(data[start:end])
            cut = piece.rfind(b"\n") + 1 or piece.rfind(b" ") + 1
            end = start + cut if cut else _start_of_code_point(data, end)
        yield start, end
        start = end


def _start_of_code_point(data: memoryview, place: int) -> int:
    while data[place] & 0xC0 == 0x80:
        place -= 1
    return place


def _numbered(values: list[object]) -> npt.NDArray[np.int64]:
    """Number values so that equal ones, and no others, have one number."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.asarray([numbers[value] for value in values], np.int64)


def _runs(group: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return where each run of equal numbers begins and ends."""
    starts = np.flatnonzero(np.diff(group, prepend=-1)).tolist()
    return list(zip(starts, [*starts[1:], len(group)], strict=True))


def _changed_code_points(old: pl.Series, new: pl.Series) -> npt.NDArray[np.int64]:
    """Count the positions that differ in n pairs of texts; in one of unequal lengths, the
    difference of the two."""
    before, after = (texts.str.len_chars().to_numpy().astype(np.int64) for texts in (old, new))
    changed = np.abs(before - after)
    same = np.flatnonzero(changed == 0)
    if len(same):
        differ = code_points(old.gather(same)) != code_points(new.gather(same))
        changed[same] = np.add.reduceat(
            differ.astype(np.int64), np.append(0, np.cumsum(before[same])[:-1])
        )
    return changed


@cache
def _pattern(candidates: tuple[str, ...]) -> str:
    """Join the candidates of several rules to one pattern."""
    return "|".join(f"(?:{candidate})" for candidate in candidates)
