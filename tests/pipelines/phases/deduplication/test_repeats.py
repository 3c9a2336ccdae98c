"""Repeated lines and spans across splits: the shuffles find what one process finds over all
documents at once."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipelines.catalogue.stages import DEDUP_STAGES, RepeatsEntry
from pipelines.finished.explain import document_history
from pipelines.phases.deduplication import repeats
from pipelines.staging.store import Store
from stages.batches import Filtered
from stages.deduplication.lines import frequent_keys
from stages.deduplication.options import LineDeduplicationConfig, SpanDeduplicationConfig
from tests.laws.mixed_corpus import passages
from tests.recipes import one_source
from tests.running import run

RECIPE = (
    one_source("repeats", split_bytes=20_000, part_bytes=8_000)
    + """
{stages}
"""
)
LINES = '[[dedup]]\nstage = "lines"\nmin_documents = 6\nmin_code_points = 60\n'
SPANS = '[[dedup]]\nstage = "spans"\nmin_bytes = 80\nfingerprint_bytes = 32\nstride = 1\nmin_code_points = 60\n'
EXACT = '[[dedup]]\nstage = "exact"\n'
MENU = "Hasiera | Albisteak | Harremanetarako"


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Pages with a menu on most, a quotation in a few, and two that are nothing but menu."""
    chance = random.Random(5)
    own_words = passages()
    made = []
    for number in range(160):
        own = (
            " ".join(chance.choice(own_words).split()[:8])
            + " "
            + " ".join(map(str, chance.sample(range(10**6), 40)))
        )
        lines = [MENU] if number % 4 else []
        lines.append(own if number not in {30, 90} else f"orria {number}")
        if number % 20 == 7:
            lines[-1] += " " + own_words[3]
        made.append("\n".join(lines))
    return made


def at_once(batch: pa.RecordBatch, stage: str, config: Any) -> Filtered:
    """Take the repeats out of all documents in one process."""
    entry, documents = DEDUP_STAGES[stage], np.arange(batch.num_rows, dtype=np.uint64)
    assert isinstance(entry, RepeatsEntry)
    known: list[Any] = []
    for round_ in entry.rounds:
        rows, keys = round_(batch, known, config)
        known.append(frequent_keys(keys, documents[rows], config.min_documents))
    return entry.rewrite(batch, documents, known, config)


def corpus_of(texts: list[str], stages: str, folder: Path) -> list[dict[str, Any]]:
    (folder / "pages.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts)
    )
    (folder / "repeats.toml").write_text(RECIPE.format(stages=stages))
    run(folder / "repeats.toml", folder / "out", "--keep-staging")
    ledger: list[dict[str, Any]] = (
        ds.dataset(folder / "out/ledger").to_table().sort_by("position").to_pylist()
    )
    return ledger


@pytest.mark.parametrize(
    ("stage", "table", "config", "reason"),
    [
        (
            "lines",
            LINES,
            LineDeduplicationConfig(min_documents=6, min_code_points=60),
            "too_short_without_repeated_lines",
        ),
        (
            "spans",
            SPANS,
            SpanDeduplicationConfig(
                min_bytes=80, fingerprint_bytes=32, stride=1, min_code_points=60
            ),
            "too_short_without_repeated_spans",
        ),
    ],
)
def test_the_shuffle_agrees_with_one_process(
    texts: list[str], stage: str, table: str, config: Any, reason: str, tmp_path: Path
) -> None:
    quotation = passages()[3]
    # nothing is left of the second without the span
    texts = [
        *texts,
        f"{quotation} bat",
        f"{quotation} bi",
    ]
    out = str(tmp_path / "out")
    ledger = corpus_of(texts, table, tmp_path)
    assert len(list((tmp_path / "out/ledger").iterdir())) > 3, "several splits"
    count = len(texts)
    batch = pa.record_batch(
        {
            "id": [row["id"] for row in ledger],
            "text": pa.array(texts, pa.large_string()),
            "source": pa.repeat("pages", count),
            "language": pa.nulls(count, pa.string()),
        }
    )
    expected = at_once(batch, stage, config)
    published = ds.dataset(tmp_path / "out/data").to_table(columns=["id", "text"]).to_pylist()
    assert {row["id"]: row["text"] for row in published} == dict(
        zip(expected.kept["id"].to_pylist(), expected.kept["text"].to_pylist(), strict=True)
    )
    dropped = [row for row in ledger if row["fate"] == "dropped"]
    assert {row["id"]: row["value"] for row in dropped} == dict(
        zip(
            expected.rejected["id"].to_pylist(), expected.rejected["value"].to_pylist(), strict=True
        )
    )
    assert {(row["phase"], row["stage"], row["reason"], row["threshold"]) for row in dropped} == {
        ("dedup", stage, reason, 60.0)
    }
    rewritten = {row["id"] for row, text in zip(ledger, texts, strict=True) if row["rewritten_by"]}
    originals = dict(zip((row["id"] for row in ledger), texts, strict=True))
    assert rewritten == {row["id"] for row in published if row["text"] != originals[row["id"]]}
    assert len(rewritten) > 5, "or this says little"
    assert {row["rewritten_by"] for row in ledger} == {None, stage}
    for id_, outcome in (
        (min(rewritten), "rewritten, a part of"),
        (min({*originals} - rewritten), "passed|dropped"),
    ):
        assert any(
            re.search(f"dedup +{stage}: ({outcome})", line)
            for line in document_history(Store(out), id_)
        )


def test_a_later_stage_sees_the_text_that_an_earlier_one_left(tmp_path: Path) -> None:
    """Two Basque pages differ by their menus alone, and are equal once the menus are taken out."""
    body = "Euskara hizkuntza bat da, Euskal Herrian hitz egiten dena, eta jatorria ez da ezagutzen oraindik."
    texts = [
        f"{MENU}\n{body}",
        *(f"{MENU}\n{n} zenbakiko orria, beste testu batekin" * 3 for n in range(20)),
        body,
    ]
    for stages, expected in ((LINES + EXACT, 1), (EXACT + LINES, 0)):
        folder = tmp_path / str(expected)
        folder.mkdir()
        ledger = corpus_of(
            texts, stages.replace("min_code_points = 60", "min_code_points = 0"), folder
        )
        duplicates = [row for row in ledger if row["fate"] == "duplicate"]
        assert len(duplicates) == expected
        assert all(row["duplicate_of"] == ledger[0]["id"] for row in duplicates)


def test_keys_go_through_in_slices_where_memory_is_short(
    texts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same corpus comes out when each shuffle takes but a few of the keys."""
    from typer.testing import CliRunner

    from pipelines.command_line.app import app

    found = []
    for name, budget in (("whole", repeats.LEAST_BUDGET), ("sliced", 60_000)):
        monkeypatch.setattr(repeats, "LEAST_BUDGET", budget)
        folder = tmp_path / name
        folder.mkdir()
        (folder / "pages.jsonl").write_text(
            "".join(json.dumps({"text": text}) + "\n" for text in texts)
        )
        (folder / "repeats.toml").write_text(RECIPE.format(stages=SPANS))
        outcome = CliRunner().invoke(
            app,
            [
                "run",
                str(folder / "repeats.toml"),
                "--output",
                str(folder / "out"),
                "--keep-staging",
            ],
        )
        assert outcome.exit_code == 0, outcome.output
        slices = len(list((folder / "out/staging/dedup-0-spans-frequent-0").iterdir()))
        found.append((slices, ds.dataset(folder / "out/data").to_table().to_pylist()))
    assert found[0][0] == 1 < found[1][0]
    assert found[0][1] == found[1][1]
