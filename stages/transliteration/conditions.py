"""Which tokens a conditional transliteration changes: by a word list, labels of words, a model, a
pattern or a script.

A token that is hyphenated is judged by what follows its last hyphen, too: `il-ktieb` is in a list
that has `ktieb`. Micallef et al. (2024) label Maltese words by etymology and transliterate those of
Arabic origin; a file of such labels or a fastText model trained on them goes here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from stages.transliteration.options import (
    ConditionConfig,
    LabelCondition,
    ModelCondition,
    PatternCondition,
    ScriptCondition,
    TransliterationConfig,
    WordCondition,
)

Condition = Callable[[pl.Series], pl.Series]
"""Takes distinct tokens, and says of each whether it is to be changed."""


def load_condition(config: ConditionConfig) -> Condition:
    """Load the word list, labels or model of a condition.

    Raises OSError for a file that cannot be read, ValueError for one that is not as its description
    says, and ImportError if fastText is needed and missing.
    """
    judge = _judge(config)
    return (lambda tokens: ~judge(tokens)) if config.negate else judge


def condition_of(config: TransliterationConfig) -> Condition | None:
    """Load the condition of a stage, if it has one."""
    return load_condition(config.condition) if config.condition else None


def _judge(config: ConditionConfig) -> Condition:
    if isinstance(config, PatternCondition):
        return lambda tokens: tokens.str.contains(config.pattern)
    if isinstance(config, ScriptCondition):
        scripts = "".join(rf"\p{{{script}}}" for script in config.scripts)
        return lambda tokens: tokens.str.contains(rf"^[{scripts}\p{{M}}]+$")
    if isinstance(config, ModelCondition):
        return _by_model(config)
    words = _labelled(config) if isinstance(config, LabelCondition) else _listed(config)
    return _among(words)


def _listed(config: WordCondition) -> pl.Series:
    lines = _lines(config.path) if config.path is not None else pl.Series([], dtype=pl.String)
    return pl.concat([pl.Series(config.words, dtype=pl.String), lines])


def _labelled(config: LabelCondition) -> pl.Series:
    lines = _lines(config.path)
    if not (right := lines.str.contains(r"^[^\t]+\t[^\t]+$")).all():
        number = int((~right).arg_true()[0]) + 1
        raise ValueError(
            f"{config.path}: every line must be a word, a tab and a label, got another in line {number}"
        )
    columns = lines.str.split_exact("\t", 1).struct.unnest()
    return columns.filter(pl.col("field_1").is_in(config.labels))["field_0"]


def _lines(path: str) -> pl.Series:
    return pl.Series(Path(path).read_text("utf-8").splitlines(), dtype=pl.String)


def _among(words: pl.Series) -> Condition:
    known = words.str.strip_chars().str.to_lowercase().unique().implode()

    def judged(tokens: pl.Series) -> pl.Series:
        whole = tokens.str.to_lowercase()
        return whole.is_in(known) | whole.str.replace("^.*-", "").is_in(known)

    return judged


def _by_model(config: ModelCondition) -> Condition:
    try:
        import fasttext
    except ImportError as missing:
        raise ImportError(
            "a condition by model needs the module fasttext; install fasttext-community"
        ) from missing
    if not Path(config.path).is_file():
        raise FileNotFoundError(
            f"path must be a fastText model, got {config.path!r}, which is no file"
        )
    model = fasttext.load_model(config.path)
    known = {label.removeprefix("__label__") for label in model.get_labels()}
    if unknown := sorted(set(config.labels) - known):
        raise ValueError(
            f"labels must be among the model's {', '.join(sorted(known))}, got {unknown}"
        )
    wanted = [f"__label__{label}" for label in config.labels]

    def judged(tokens: pl.Series) -> pl.Series:
        if not len(tokens):
            return pl.Series([], dtype=pl.Boolean)
        labels, scores = model.predict(tokens.str.to_lowercase().str.replace("^.*-", "").to_list())
        best = np.asarray([row[0] if len(row) else "" for row in labels])
        sure = np.asarray([row[0] if len(row) else 0.0 for row in scores]) >= config.min_score
        return pl.Series(np.isin(best, wanted) & sure)

    return judged
