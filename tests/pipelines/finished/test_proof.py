"""Speakers prove a corpus: what is drawn, what their answers say on the card, what the gate
publishes apart."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import shutil
from pathlib import Path

import datasets
import gflanguages
import polars as pl
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser
from typer.testing import CliRunner

from data_cards.pages.speaker import speaker_page
from pipelines.command_line.app import app
from pipelines.finished.audit.audit import audit
from pipelines.staging.store import Store
from schemas.card.card import Card
from schemas.failures import MisuseError
from stages.proof.sheet import as_sheet
from tests.running import digests, run

DOCUMENTS = 320
HOSTILE = "<script>alert(1)</script> \u202e </title>"


def write_corpus(folder: Path, publish: str = "") -> Path:
    """Write a recipe of Yoruba pages, a quarter of which declare to be English: of these a speaker
    finds half wrong."""
    chance, sample = random.Random(7), gflanguages.LoadLanguages()["yo_Latn"].sample_text
    words = " ".join(
        [sample.specimen_48, sample.specimen_36, sample.specimen_32, sample.specimen_21]
    ).split()
    pages = [
        {
            "text": f"{' '.join(chance.choices(words, k=90))} {HOSTILE if number == 0 else number}",
            "declared": "en" if number % 4 == 0 else "yo",
            "wrong": str(number % 8 == 0),
        }
        for number in range(DOCUMENTS)
    ]
    (folder / "pages.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    recipe = folder / f"proof{len(publish)}.toml"
    recipe.write_text(
        '[corpus]\nname = "proof"\n[[sources]]\nname = "pages"\nformat = "jsonl"\npaths = ["pages.jsonl"]\n'
        'keep = ["wrong"]\ncolumns = { text = "text", declared_language = "declared" }\n'
        f'[[ingest]]\nstage = "identify_language"\n{publish}'
    )
    return recipe


def command(*words: str | Path) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def fill(sheet: Path, wrong: set[str]) -> Path:
    rows = list(csv.reader(io.StringIO(sheet.read_text(encoding="utf-8-sig"))))
    place = rows[0].index("judgement")
    for row in rows[1:]:
        row[place] = "wrong_language" if row[0] in wrong else "correct"
    filled = sheet.with_name("filled.csv")
    with filled.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return filled


def published(folder: Path, pattern: str) -> list[dict[str, object]]:
    return [row for path in sorted(folder.glob(pattern)) for row in pq.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proof")
    run(write_corpus(folder), folder / "out")
    return folder


@pytest.fixture(scope="module")
def filled(corpus: Path) -> Path:
    command(
        "audit",
        "sample",
        corpus / "out",
        "--languages",
        "yor_Latn",
        "--budget",
        "60",
        "--output",
        corpus / "sheets",
    )
    wrong = {
        str(row["id"])
        for row in published(corpus / "out", "data/yor_Latn/*")
        if row["wrong"] == "True"
    }
    return fill(corpus / "sheets/yor_Latn.csv", wrong)


def test_answers_give_an_interval_that_the_card_shows(
    corpus: Path, filled: Path, tmp_path: Path
) -> None:
    judged = tmp_path / "judged"
    shutil.copytree(corpus / "out", judged)
    command("audit", "import", filled, "--corpus", judged, "--by", "Ad\u00e9 & <b>friends</b>")
    (proof,) = Card.model_validate_json((judged / "card.json").read_bytes()).proofs
    assert proof.low < 1 - 1 / 8 < proof.high
    assert proof.high - proof.low < 0.2
    assert [part.stratum for part in proof.strata if part.documents] == ["sure", "likely"]
    assert (
        "<b>" not in (judged / "README.md").read_text().partition("## Proof")[2].partition("##")[0]
    )
    assert "&lt;b&gt;friends" in (judged / "report.html").read_text()
    assert not audit(Store(str(judged)), lambda _: None).has_errors
    before = digests(judged)
    command("audit", "import", filled, "--corpus", judged, "--by", "Ad\u00e9 & <b>friends</b>")
    assert digests(judged) == before


def test_answers_to_other_labels_stay(corpus: Path, filled: Path, tmp_path: Path) -> None:
    judged = tmp_path / "judged"
    shutil.copytree(corpus / "out", judged)
    command("audit", "import", filled, "--corpus", judged)
    own = (judged / "proof/answers.csv").read_text()
    other = own.replace("yor_Latn", "ibo_Latn")
    (judged / "proof/answers.csv").write_text(other + own.partition("\n")[2])
    command("audit", "import", filled, "--corpus", judged)
    rows = list(
        csv.DictReader(io.StringIO((judged / "proof/answers.csv").read_text(encoding="utf-8-sig")))
    )
    assert [row["label"] for row in rows] == ["ibo_Latn"] * (len(rows) // 2) + ["yor_Latn"] * (
        len(rows) // 2
    )


def test_the_gate_publishes_apart_what_is_not_proved(corpus: Path, filled: Path) -> None:
    recipe = write_corpus(corpus, f'[publish]\nmin_precision = 0.9\nanswers = ["{filled}"]\n')
    run(recipe, corpus / "gated")
    everything = {str(row["id"]) for row in published(corpus / "out", "data/*/*")}
    proved, apart = (
        published(corpus / "gated", f"data/yor_Latn/{split}-*") for split in ("train", "unproved")
    )
    assert {str(row["id"]) for row in (*proved, *apart)} == everything
    assert {row["declared_language"] for row in apart} == {"en"}
    assert {row["wrong"] for row in proved} == {"False"}
    assert len(apart) == DOCUMENTS // 4
    loaded = datasets.load_dataset(
        str(corpus / "gated"), "yor_Latn_unproved", split="train", cache_dir=str(corpus)
    )
    assert len(loaded) == len(apart)
    assert len(
        datasets.load_dataset(str(corpus / "gated"), split="train", cache_dir=str(corpus))
    ) == len(proved)
    assert "80 documents" in (corpus / "gated/README.md").read_text()
    assert not audit(Store(str(corpus / "gated")), lambda _: None).has_errors


def test_sheets_that_are_not_of_the_corpus(corpus: Path, filled: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.csv"
    foreign.write_bytes(re.sub(rb"\b[0-9a-f]{32}\b", b"0" * 32, filled.read_bytes(), count=1))
    with pytest.raises(MisuseError, match=r"1 of .* judged documents are not in"):
        command("audit", "import", foreign, "--corpus", corpus / "out")
    with pytest.raises(MisuseError, match="got none"):
        command("audit", "import", corpus / "sheets/yor_Latn.csv", "--corpus", corpus / "out")
    with pytest.raises(MisuseError, match="publishes no ibo_Latn"):
        command("audit", "sample", corpus / "out", "--languages", "ibo_Latn", "--output", tmp_path)
    with pytest.raises(MisuseError, match="may hold answers"):
        command(
            "audit",
            "sample",
            corpus / "out",
            "--languages",
            "yor_Latn",
            "--output",
            corpus / "sheets",
        )


def test_a_speaker_judges_on_the_page(
    browser: Browser, corpus: Path, filled: Path, tmp_path: Path
) -> None:
    address = (corpus / "sheets/yor_Latn.html").as_uri()
    page = browser.new_page(viewport={"width": 375, "height": 740})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.goto(address)
    first = page.inner_text("#passage")
    page.keyboard.press("1")
    assert page.inner_text("#passage") != first
    page.get_by_role("button", name="Wrong language").click()
    page.fill("#note", "=HYPERLINK(1)")
    page.keyboard.press("Tab")
    page.reload()
    assert "2 answered" in page.inner_text("#progress")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save answers").click()
    saved.value.save_as(tmp_path / "answers.csv")
    rows = list(
        csv.DictReader(io.StringIO((tmp_path / "answers.csv").read_text(encoding="utf-8-sig")))
    )
    own = list(
        csv.DictReader(
            io.StringIO((corpus / "sheets/yor_Latn.csv").read_text(encoding="utf-8-sig"))
        )
    )
    assert [row["judgement"] for row in rows[:3]] == ["correct", "wrong_language", ""]
    assert rows[2]["note"] == "'=HYPERLINK(1)"
    assert [{**row, "judgement": "", "note": ""} for row in rows] == own
    assert not problems


KEYS = {  # what a key gives, where it is, whether it is held: is a passage answered?
    "a French keyboard": ("&", "Digit1", False, True),
    "an Arabic keyboard": ("\u0661", "Digit1", False, True),
    "a key block": ("1", "Numpad1", False, True),
    "a keyboard on a screen": ("1", "", False, True),
    "a key that is held down": ("1", "Digit1", True, False),
    "another key": ("q", "KeyQ", False, False),
}


@pytest.mark.parametrize(("key", "code", "held", "answered"), KEYS.values(), ids=KEYS.keys())
def test_keys_answer_where_they_are(
    key: str, code: str, held: bool, answered: bool, browser: Browser, tmp_path: Path
) -> None:
    columns = {
        **{name: ["x", "y"] for name in ("before", "passage", "after", "url", "document")},
        "label": ["fra_Latn"] * 2,
        "stratum": ["sure"] * 2,
        "stratum_documents": [2, 2],
    }
    (tmp_path / "page.html").write_text(
        speaker_page("corpus", "fra_Latn", as_sheet(pl.DataFrame(columns)))
    )
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate(
        "([key, code, repeat]) => "
        "document.dispatchEvent(new KeyboardEvent('keydown', { key, code, repeat }))",
        [key, code, held],
    )
    assert f"{int(answered)} answered" in page.inner_text("#progress")
    page.close()


@pytest.mark.parametrize(("label", "direction", "mode"), [
    ("uig_Arab", "rtl", "horizontal-tb"), ("mon_Mong", "ltr", "vertical-lr"), ("khm_Khmr", "ltr", "horizontal-tb"),
])  # fmt: skip
def test_scripts_run_in_their_direction(
    label: str, direction: str, mode: str, browser: Browser, tmp_path: Path
) -> None:
    letters = {
        "uig_Arab": "\u0626\u0627\u062f\u06d5\u0645",
        "mon_Mong": "\u182e\u1823\u1829",
        "khm_Khmr": "\u1780",
    }[label]
    texts = {name: [letters] for name in ("before", "passage", "after")}
    columns = {
        "document": ["a"],
        "label": [label],
        "stratum": ["sure"],
        "stratum_documents": [1],
        "url": [HOSTILE],
    }
    page = browser.new_page(viewport={"width": 375, "height": 740})
    (tmp_path / "page.html").write_text(
        speaker_page("corpus", label, as_sheet(pl.DataFrame({**columns, **texts})))
    )
    page.goto((tmp_path / "page.html").as_uri())
    style = page.evaluate(
        "(s => [s.direction, s.writingMode])(getComputedStyle(document.getElementById('passage')))"
    )
    assert style[1] == mode
    assert direction == "ltr" or page.evaluate(
        "document.querySelector('.text').matches(':dir(rtl)')"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.inner_text("#url") == HOSTILE
