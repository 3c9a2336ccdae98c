"""Each fact of the TOML files beside this one holds: a text that must change, and a neighbour that
must not.

A fact names the rule, the language and script, what the text is (`from`) and what the whole chain
makes of it (`to`); `unlike` is a text, mostly of another language or script, that has what the rule
looks for and must stay as it is. `options` are those of `NormalizationConfig`. `known_failure` says
why a fact does not hold yet, and fails once it does.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel, ConfigDict, Field

from schemas.document import DOCUMENT
from schemas.language import one_code, parse_label
from stages.normalization.normalize import RULES, normalize_counted
from stages.normalization.options import NormalizationConfig

Row = tuple[str, str | None, str | None]
Label = tuple[str | None, str | None]

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.toml"))
# Rules whose packages are not installed: their facts are skipped, and all others hold without them.
MISSING = () if find_spec("icu") and find_spec("myanmartools") else ("zawgyi",)


class Unlike(BaseModel):
    """The neighbour that must not change."""

    model_config = ConfigDict(extra="forbid")
    says: str
    language: str | None = None
    script: str | None = None
    text: str


class Fact(BaseModel):
    model_config = ConfigDict(extra="forbid")
    says: str
    rule: str
    language: str | None = None
    script: str | None = None
    source: str = Field(alias="from")
    target: str = Field(alias="to")
    unlike: Unlike
    options: dict[str, Any] = {}
    known_failure: str | None = None

    @property
    def config(self) -> NormalizationConfig:
        """The options of the fact, with its rule enabled if it is not by default."""
        enable = [rule.name for rule in RULES if rule.name == self.rule and not rule.default]
        return NormalizationConfig(enable=tuple(enable), disable=MISSING, **self.options)


def read_facts(path: Path) -> list[Fact]:
    return [Fact.model_validate(fact) for fact in tomllib.loads(path.read_text())["fact"]]


# Rules whose code points are noise in every text: their neighbours have a relative of them.
NEVER_SPELLING = (
    *(
        "line_ends",
        "controls",
        "byte_order_marks",
        "bidi_overrides",
        "spaces",
        "soft_hyphens",
        "nfkc",
    ),
    *("latin_ligatures", "hebrew_presentation_forms", "full_width_letters"),
    *(
        "ansi_sequences",
        "c1_marks",
        "c1_letters",
        "object_replacements",
        "stray_object_replacements",
    ),
)

FACTS = {
    f"{path.stem}: {fact.language}: {fact.says}": fact
    for path in FILES
    for fact in read_facts(path)
}


def run(rows: list[Row], config: NormalizationConfig) -> tuple[list[str], set[tuple[Label, str]]]:
    """Normalize (text, language, script) each, and name the rules that changed any text of each
    label."""
    fields = [DOCUMENT.field(name) for name in ("text", "language", "script")]
    columns = [
        pa.array(values, field.type)
        for values, field in zip(zip(*rows, strict=True), fields, strict=True)
    ]
    documents, counts = normalize_counted(
        pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields)), config
    )
    changed = zip(
        *(counts[name].to_pylist() for name in ("language", "script", "rule")), strict=True
    )
    return documents["text"].to_pylist(), {
        ((language, script), rule) for language, script, rule in changed
    }


@cache
def normalized_facts() -> dict[tuple[Row, NormalizationConfig], tuple[str, set[str]]]:
    """Normalize what must change, and name the rules that did it.

    A block holds one text of each label, so that what rules are counted under a label is what they
    did to that text.
    """
    blocks: dict[tuple[NormalizationConfig, int], dict[Label, Row]] = {}
    seen: Counter[tuple[NormalizationConfig, Label]] = Counter()
    for fact in FACTS.values():
        label = (fact.language, fact.script)
        blocks.setdefault((fact.config, seen[fact.config, label]), {})[label] = (
            fact.source,
            *label,
        )
        seen[fact.config, label] += 1
    found = {}
    for (config, _), rows in blocks.items():
        texts, changed = run(list(rows.values()), config)
        for label, text in zip(rows, texts, strict=True):
            found[rows[label], config] = text, {rule for of, rule in changed if of == label}
    return found


@cache
def normalized_as_a_block() -> dict[tuple[Row, NormalizationConfig], str]:
    """Normalize what must not change, all of a config in one block: targets a second time, and
    neighbours."""
    blocks: dict[NormalizationConfig, list[Row]] = {}
    for fact in FACTS.values():
        neighbour = (fact.unlike.text, fact.unlike.language, fact.unlike.script)
        blocks.setdefault(fact.config, []).extend(
            [(fact.target, fact.language, fact.script), neighbour]
        )
    return {
        (row, config): text
        for config, rows in blocks.items()
        for row, text in zip(rows, run(rows, config)[0], strict=True)
    }


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(
            fact,
            id=name,
            marks=[pytest.mark.xfail(reason=fact.known_failure, strict=True)]
            if fact.known_failure
            else [],
        )
        for name, fact in FACTS.items()
    ],
)
def test_fact(fact: Fact) -> None:
    if fact.rule in MISSING:
        pytest.skip(f"{fact.rule} needs PyICU and myanmartools: make install-icu")
    text, rules = normalized_facts()[(fact.source, fact.language, fact.script), fact.config]
    assert text == fact.target
    assert fact.rule in rules, "another rule did it"
    block = normalized_as_a_block()
    assert block[(fact.target, fact.language, fact.script), fact.config] == fact.target, (
        "not idempotent"
    )
    neighbour = (fact.unlike.text, fact.unlike.language, fact.unlike.script)
    assert block[neighbour, fact.config] == fact.unlike.text, f"must not change: {fact.unlike.says}"


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS.keys())
def test_the_pair_is_comparable(fact: Fact) -> None:
    for language, script in (
        (fact.language, fact.script),
        (fact.unlike.language, fact.unlike.script),
    ):
        parse_label(f"{language or 'und'}_{script or 'Zyyy'}")
        assert language is None or one_code(language) == language, (
            f"{language} stands under {one_code(language)}"
        )
    assert fact.source != fact.target
    source, target, unlike = (
        set(unicodedata.normalize("NFD", text))
        for text in (fact.source, fact.target, fact.unlike.text)
    )
    if fact.rule not in NEVER_SPELLING:
        assert ((source - target) or source) & unlike, (
            "the neighbour has nothing of what the rule changes"
        )
    assert fact.source != fact.unlike.text or (fact.language, fact.script) != (
        fact.unlike.language,
        fact.unlike.script,
    )


def test_each_fact_says_something_of_its_own() -> None:
    count = sum(len(read_facts(path)) for path in FILES)
    assert len(FACTS) == count, "two facts of one file and language say the same"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_invisible_and_lookalike_characters_are_written_as_escapes(path: Path) -> None:
    text = path.read_text()
    hidden = {
        c
        for c in text
        if unicodedata.category(c) in ("Cc", "Cf", "Zs", "Co", "Cn") and c not in "\n "
    }
    assert not hidden, [f"U+{ord(c):04X}" for c in hidden]
    assert unicodedata.is_normalized("NFC", text), "marks that compose"
    for word in re.findall(r"[^\W\d_]+", re.sub(r"\\u[0-9a-f]{4}|\\U[0-9a-f]{8}", " ", text)):
        scripts = {unicodedata.name(c, "").split()[0] for c in word} & {
            "LATIN",
            "CYRILLIC",
            "GREEK",
            "ARMENIAN",
        }
        assert len(scripts) < 2, f"look-alikes: {word}"


def test_every_rule_that_runs_by_default_has_a_fact() -> None:
    have = Counter(fact.rule for fact in FACTS.values())
    assert not [rule.name for rule in RULES if rule.default and not have[rule.name]]


def test_there_are_as_many_facts_languages_and_scripts_as_promised() -> None:
    assert {fact.rule for fact in FACTS.values()} <= {rule.name for rule in RULES}
    languages = {fact.language for fact in FACTS.values()} - {None}
    scripts = {fact.script for fact in FACTS.values()} - {None}
    assert (len(FACTS), len(languages), len(scripts)) >= (300, 60, 30)
