"""Write the text of each document one way: Unicode's own rules, then those of its script and language.

Raw text spells the same word in several ways that look alike: decomposed letters, Arabic letters of another keyboard,
a Cyrillic letter in a Latin word, presentation forms, invisible characters. Vocabularies split by them and duplicates
go unseen. But what is noise in one orthography is spelling in the next, so each rule says for which language and script
it is meant, cites what it follows, and can be switched off by its name.

The rules run in the order of `RULES`. A text that no rule could change is found by one scan for all of their candidates
and is not touched. A text that changes is looked at again until no rule changes it, so the stage is idempotent: what
removal, composition or repair uncovers is not left for a second run.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from schemas.columns import column, require_columns
from schemas.document import DOCUMENT
from stages.batches import set_columns
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
from stages.normalization.rules import NormalizationOptions, Rule

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

RULE_COUNTS = pa.schema(
    [
        column("rule", pa.string(), "Name of the normalization rule."),
        column("language", pa.string(), "ISO 639-3 code of the documents; null if not identified.", nullable=True),
        column("script", pa.string(), "ISO 15924 code of the documents; null if not identified.", nullable=True),
        column("documents", pa.int64(), "Documents that the rule changed."),
        column(
            "code_points",
            pa.int64(),
            "Code points that the rule changed: positions that differ in texts that kept their length; in others what "
            "was added or removed, whichever is more.",
        ),
    ]
)

_SLICE_BYTES = 1 << 22  # text worked on at once: bounds the copies that a chain of rules makes
_BUNDLE = 8  # rules whose candidates are looked for at once before those of each
_MAX_PASSES = 16  # real text settles in two; more takes noise nested in noise


class NormalizationConfig(NormalizationOptions):
    """Options of `normalize`."""

    stage: Literal["normalize"] = "normalize"
    disable: tuple[str, ...] = Field(default=(), description="Rules that are not to run, by name.")
    enable: tuple[str, ...] = Field(default=(), description="Rules to run that do not by default, by name.")

    @field_validator("disable", "enable")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [rule.name for rule in RULES]
        for name in names:
            if name not in known:
                raise ValueError(f"must name a normalization rule, got {name!r}; the rules are {', '.join(known)}")
        return names

    @model_validator(mode="after")
    def _not_both(self) -> NormalizationConfig:
        if both := sorted(set(self.disable) & set(self.enable)):
            raise ValueError(f"a rule must not be both enabled and disabled, got {', '.join(both)}")
        return self


class Normalized(NamedTuple):
    """The same n documents with their text normalized, and RULE_COUNTS of what each rule changed."""

    documents: pa.RecordBatch
    counts: pa.Table


def chosen_rules(config: NormalizationConfig) -> tuple[Rule, ...]:
    """List the rules that a config lets run, in their order."""
    return tuple(
        rule
        for rule in RULES
        if (rule.default or rule.name in config.enable) and rule.name not in config.disable and rule.wanted(config)
    )


def normalize(batch: pa.RecordBatch, config: NormalizationConfig) -> pa.RecordBatch:
    """Normalize the `text` of n documents: n rows in, the same n rows in the same order out.

    A null language or script gets the rules of Unicode only. Raises SchemaError without `text`, `language`, `script`.
    """
    return normalize_counted(batch, config).documents


def normalize_counted(batch: pa.RecordBatch, config: NormalizationConfig) -> Normalized:
    """Do as `normalize` does, and count for each rule, language and script the documents and code points it changed."""
    require_columns(batch, DOCUMENT, ("text", "language", "script"))
    rules = chosen_rules(config)
    texts = pl.Series(batch["text"], dtype=pl.String)
    labels = pl.DataFrame({"language": pl.Series(batch["language"]), "script": pl.Series(batch["script"])})
    groups = labels.unique(maintain_order=True).with_row_index("group")
    group = labels.join(groups, on=["language", "script"], how="left", nulls_equal=True, maintain_order="left")
    chain = _Chain(rules, groups.rows(), config)
    dirty = chain.find_dirty(texts, group["group"].to_numpy())
    if not len(dirty):
        return Normalized(batch, chain.counts())
    sizes = np.cumsum(texts.gather(dirty).str.len_bytes().to_numpy())
    pieces = np.split(dirty, np.flatnonzero(np.diff(sizes // _SLICE_BYTES)) + 1)
    done = pl.concat([chain.run(texts.gather(rows), group["group"].to_numpy()[rows]) for rows in pieces])
    order = np.arange(len(texts))
    order[dirty] = len(texts) + np.arange(len(dirty))
    text = pl.concat([texts, done]).gather(order).to_arrow().cast(pa.large_string())
    return Normalized(set_columns(batch, text=text), chain.counts())


class _Chain:
    """The chosen rules over the (language, script) groups of one block, and what they changed."""

    def __init__(
        self, rules: tuple[Rule, ...], groups: list[tuple[int, str | None, str | None]], config: NormalizationConfig
    ) -> None:
        self.rules, self.config = rules, config
        self.labels = [(language, script) for _, language, script in groups]
        self.applies = np.asarray(
            [[rule.applies(language, script) for rule in rules] for language, script in self.labels], bool
        ).reshape(len(groups), len(rules))
        self.documents = np.zeros(self.applies.shape, np.int64)
        self.code_points = np.zeros(self.applies.shape, np.int64)

    def find_dirty(self, texts: pl.Series, group: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """Return the rows of the texts that hold a candidate of any rule meant for them."""
        common = self.applies.all(axis=0)
        dirty = np.zeros(len(texts), bool)
        own, signature = np.unique(self.applies & ~common, axis=0, return_inverse=True)
        for position, mask in enumerate([common, *own]):
            pattern = _pattern(tuple(rule.candidates for rule, holds in zip(self.rules, mask, strict=True) if holds))
            rows = np.flatnonzero(~dirty & ((position == 0) | (signature.reshape(-1)[group] == position - 1)))
            if pattern and len(rows):
                dirty[rows] = texts.gather(rows).str.contains(pattern).to_numpy()
        return np.flatnonzero(dirty)

    def run(self, texts: pl.Series, group: npt.NDArray[np.uint32]) -> pl.Series:
        """Apply the rules to n texts until none changes; raises ValueError for a text that never settles."""
        counted = np.zeros((len(texts), len(self.rules)), bool)
        active = np.arange(len(texts))
        for _ in range(_MAX_PASSES):
            before = texts
            for first in range(0, len(self.rules), _BUNDLE):
                bundle = self.rules[first : first + _BUNDLE]
                pattern = _pattern(tuple(rule.candidates for rule in bundle))
                held = active[texts.gather(active).str.contains(pattern).to_numpy()]
                for number, rule in enumerate(bundle, first):
                    rows = held[self.applies[group[held], number]]
                    if len(rows):
                        rows = rows[texts.gather(rows).str.contains(rule.candidates).to_numpy()]
                    for one in np.unique(group[rows]).tolist():
                        texts = self._apply(number, one, texts, rows[group[rows] == one], counted)
            changed = active[(texts.gather(active) != before.gather(active)).to_numpy()]
            if not len(changed):
                return texts
            active = changed[self.find_dirty(texts.gather(changed), group[changed])]
        raise ValueError(f"text must settle in {_MAX_PASSES} passes of the normalization rules, but still changes")

    def _apply(
        self, number: int, one: int, texts: pl.Series, rows: npt.NDArray[np.int64], counted: npt.NDArray[np.bool_]
    ) -> pl.Series:
        """Apply one rule to the texts of one group that hold its candidates, and count what it changed."""
        old = texts.gather(rows)
        new = self.rules[number].apply(old, *self.labels[one], self.config)
        differ = np.flatnonzero((old != new).to_numpy())
        if not len(differ):
            return texts
        old, new, rows = old.gather(differ), new.gather(differ), rows[differ]
        self.documents[one, number] += np.count_nonzero(~counted[rows, number])
        counted[rows, number] = True
        self.code_points[one, number] += _changed_code_points(old, new)
        order = np.arange(len(texts))
        order[rows] = len(texts) + np.arange(len(rows))
        return pl.concat([texts, new]).gather(order)

    def counts(self) -> pa.Table:
        """Return RULE_COUNTS of what changed so far, ordered by rule, language and script."""
        found = sorted(
            np.argwhere(self.documents).tolist(),
            key=lambda at: (at[1], *(label or "" for label in self.labels[at[0]])),
        )
        rows = [
            (self.rules[r].name, *self.labels[g], int(self.documents[g, r]), int(self.code_points[g, r]))
            for g, r in found
        ]
        return pa.Table.from_pylist([dict(zip(RULE_COUNTS.names, row, strict=True)) for row in rows], RULE_COUNTS)


@cache
def _pattern(candidates: tuple[str, ...]) -> str:
    """Join the candidates of several rules to one pattern."""
    return "|".join(f"(?:{candidate})" for candidate in candidates)


def _changed_code_points(old: pl.Series, new: pl.Series) -> int:
    """Count the code points in which n pairs of texts differ, as RULE_COUNTS defines it."""
    same = old.str.len_chars() == new.str.len_chars()
    total = int(np.count_nonzero(_code_points(old.filter(same)) != _code_points(new.filter(same))))
    if not same.all():
        before, after = (np.bincount(_code_points(texts.filter(~same))) for texts in (old, new))
        length = max(len(before), len(after))
        change = np.pad(after, (0, length - len(after))) - np.pad(before, (0, length - len(before)))
        total += int(max(change[change > 0].sum(), -change[change < 0].sum()))
    return total


def _code_points(texts: pl.Series) -> npt.NDArray[np.uint32]:
    return np.frombuffer("".join(texts.to_list()).encode("utf-32-le"), np.uint32)
