"""Synthetic rows on a card: what was asked, by which prompts, what passed, what it cost, and
samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from schemas.card.card import Card
from schemas.card.splits import PUBLISHED_SPLITS
from schemas.card.synthesis import SyntheticSample, SyntheticYield
from schemas.synthesis import CONFIGURATIONS

REASONS_NAMED = 3  # of a strategy and language, on README.md
SAMPLES_SHOWN = 3  # of each configuration, on README.md


class ConfigurationRow(NamedTuple):
    """A configuration: its rows by published split, in the order of PUBLISHED_SPLITS."""

    name: str
    rows: tuple[tuple[str, int], ...]
    files: int
    samples: tuple[SyntheticSample, ...]


class YieldRow(NamedTuple):
    """What a strategy gave in one language."""

    counts: SyntheticYield
    published: int
    share: float | None  # published of made; null if nothing was made
    rejected: tuple[tuple[str, int], ...]  # most frequent first


def configuration_rows(card: Card) -> tuple[ConfigurationRow, ...]:
    """List the configurations that have rows, in the order of CONFIGURATIONS."""
    return tuple(_configuration_rows(card))


def _configuration_rows(card: Card) -> Iterator[ConfigurationRow]:
    for name in CONFIGURATIONS:
        files = [file for file in card.synthetic if file.name == name]
        if not files:
            continue
        rows = tuple((s, sum(f.rows for f in files if f.split == s)) for s in PUBLISHED_SPLITS)
        samples = sorted(
            (sample for file in files for sample in file.samples), key=lambda sample: sample.id
        )
        yield ConfigurationRow(
            name,
            tuple((s, count) for s, count in rows if count),
            len(files),
            tuple(samples[:SAMPLES_SHOWN]),
        )


def yield_rows(card: Card) -> tuple[YieldRow, ...]:
    """List what each strategy gave in each language."""
    rows = []
    for counts in card.synthesis:
        published = sum(counts.published.values())
        rejected = sorted(
            ((one.reason, one.rows) for one in counts.rejected), key=lambda one: (-one[1], one[0])
        )
        total = published + sum(rows for _, rows in rejected)
        rows.append(
            YieldRow(counts, published, published / total if total else None, tuple(rejected))
        )
    return tuple(rows)


def prompt_texts(card: Card) -> dict[str, str]:
    """Return every prompt and template by its SHA-256."""
    return {sha256: text for counts in card.synthesis for sha256, text in counts.prompts.items()}


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    return {
        "synthetic_configurations": configuration_rows(card),
        "synthetic_yields": yield_rows(card),
        "synthetic_prompts": prompt_texts(card),
        "synthetic_reasons": REASONS_NAMED,
    }
