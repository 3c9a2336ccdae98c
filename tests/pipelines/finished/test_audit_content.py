"""An audit reads texts: other models contradict a wrong language, personal data and evaluation texts
are counted, and what the card of a foreign data set declares is held against its files."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import gflanguages
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_cards.pages.audit import audit_page
from pipelines.finished.audit.audit import Asked, audit
from pipelines.finished.audit.parted import Parted, repeated
from pipelines.finished.audit.sample import Sample
from pipelines.staging.store import Store
from schemas.failures import MisuseError
from schemas.finding import AuditResult
from stages.keys import KEY, hash_keys

CARD = """---
language:
- sw
- yo
license: cc-by-4.0
configs:
- config_name: swh_Latn
  data_files: data/swh_Latn/*.parquet
- config_name: yo
  data_files:
  - split: train
    path: data/yo/train*.parquet
dataset_info:
- config_name: yo
  splits:
  - name: train
    num_examples: {yoruba}
---
Texts.
"""
ADDRESS = "ane@example.org"


def texts(label: str) -> list[str]:
    """Different texts of a language: sample texts, and those with their words moved on."""
    sample = gflanguages.LoadLanguages()[label].sample_text
    fields = ("specimen_48", "specimen_36", "specimen_32", "specimen_21", "specimen_16")
    words = [getattr(sample, field).split() for field in fields]
    return [" ".join(text[n:] + text[:n]) for n in (0, 3, 7) for text in words if text]


def write(folder: Path, swahili: list[str], yoruba: list[str], card: str = CARD) -> Path:
    for name, rows in (("swh_Latn", swahili), ("yo", yoruba)):
        (folder / "data" / name).mkdir(parents=True)
        ids = [f"{name}-{number}" for number in range(len(rows))]
        table = pa.table({"id": ids, "text": rows, "license": ["cc-by-4.0"] * len(rows)})
        pq.write_table(table, folder / "data" / name / "train-0.parquet")
    (folder / "README.md").write_text(card.replace("{yoruba}", str(len(yoruba))))
    return folder


def audited(folder: Path, asked: Asked = Asked()) -> AuditResult:  # noqa: B008
    return audit(Store(str(folder)), lambda _: None, asked)


def messages(result: AuditResult, *severities: str) -> list[str]:
    return [
        one.message
        for one in result.findings
        if one.severity in (severities or ("error", "warning"))
    ]


@pytest.fixture(scope="module")
def swahili() -> list[str]:
    return texts("sw_Latn")


@pytest.fixture(scope="module")
def yoruba() -> list[str]:
    return texts("yo_Latn")


@pytest.fixture(scope="module")
def english() -> list[str]:
    """English that each model is sure of alone, which not all are of a few words."""
    return [text for text in texts("en_Latn") if len(text) > 150]


def test_nothing_is_found_in_a_clean_data_set(
    tmp_path: Path, swahili: list[str], yoruba: list[str]
) -> None:
    result = audited(write(tmp_path, swahili, yoruba))
    assert not messages(result)
    assert not result.personal_data
    assert result.sampled == len(swahili) + len(yoruba)
    assert {opinion.label for opinion in result.second_opinions} == {"swa_Latn", "yor_Zyyy"}
    assert sum(opinion.contradicts for opinion in result.second_opinions) == 0


def test_models_contradict_a_wrong_language(
    tmp_path: Path, swahili: list[str], yoruba: list[str], english: list[str]
) -> None:
    hostile = [f"<script>alert(1)</script> {text} \u202e" for text in english[:6]]
    result = audited(write(tmp_path, swahili + hostile, yoruba))
    (warning,) = messages(result)
    assert warning.startswith("swa_Latn: ")
    assert f"contradicts the language of 6 of {len(swahili) + 6} sampled" in warning
    assert "eng_Latn" in warning
    own = [opinion for opinion in result.second_opinions if opinion.label == "swa_Latn"]
    assert all(opinion.low < 6 / opinion.answered < opinion.high for opinion in own)
    page = audit_page(result)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("<blockquote>") == 3, "the examples of one label stand there once"


def test_a_text_that_repeats_is_one_answer(
    tmp_path: Path, swahili: list[str], english: list[str]
) -> None:
    repeated = [f"{english[0]} ({number})" for number in range(40)]
    result = audited(write(tmp_path, swahili + repeated, swahili[:1]))
    own = [opinion for opinion in result.second_opinions if opinion.label == "swa_Latn"]
    assert {opinion.contradicts for opinion in own} == {1}
    assert not [message for message in messages(result) if "contradicts" in message]


NEIGHBOURS = {
    "Croatian under Serbian is no contradiction": ("srp_Latn", "hr_Latn", False),
    "Zulu under Xhosa is none": ("xho_Latn", "zu_Latn", False),
    "Slovenian under Croatian is one": ("hrv_Latn", "sl_Latn", True),
    "a language that no model knows has no opinion": ("qaa_Latn", "sl_Latn", False),
}


@pytest.mark.parametrize(("label", "spoken", "contradicted"), NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_near_neighbours(tmp_path: Path, label: str, spoken: str, contradicted: bool) -> None:
    (tmp_path / label).mkdir()
    pq.write_table(pa.table({"text": texts(spoken)}), tmp_path / label / "0.parquet")
    found = [message for message in messages(audited(tmp_path)) if "contradicts" in message]
    assert bool(found) is contradicted


def test_a_named_model_is_the_only_one(tmp_path: Path, swahili: list[str]) -> None:
    folder = write(tmp_path, swahili, swahili)
    result = audited(folder, Asked(second_opinion="pycld2", sampled=20))
    assert {opinion.model for opinion in result.second_opinions} == {"pycld2"}
    assert result.sampled == 20
    (warning,) = [message for message in messages(result) if message.startswith("yor_")]
    assert "of 10 sampled documents" in warning
    assert not audited(folder, Asked(second_opinion="none")).second_opinions
    with pytest.raises(MisuseError, match=r"no language model at no\.bin"):
        audited(folder, Asked(second_opinion="no.bin"))


def test_personal_data_are_counted_and_shown_nowhere(
    tmp_path: Path, swahili: list[str], yoruba: list[str]
) -> None:
    result = audited(write(tmp_path, [*swahili, f"Andika: {ADDRESS}"], yoruba))
    (row,) = result.personal_data
    assert (row.kind, row.made, row.documents) == ("email", False, 1)
    assert any("personal data: email" in message for message in messages(result, "note"))
    assert ADDRESS not in result.model_dump_json() + audit_page(result)


def test_texts_of_an_evaluation_set(tmp_path: Path, swahili: list[str], yoruba: list[str]) -> None:
    folder = write(tmp_path / "corpus", swahili, yoruba)
    sets = tmp_path / "Asked Things.jsonl"
    rows = [{"question": texts("eu_Latn")[0]}, {"question": yoruba[0]}, {"question": yoruba[1]}]
    sets.write_text("\n".join(map(json.dumps, rows)))
    result = audited(folder, Asked(against=(f"{sets}:question",)))
    (held,) = result.contamination
    assert (held.evaluation_set, held.texts, held.texts_found) == ("asked_things", 3, 2)
    assert held.documents >= 2
    assert set(held.examples) <= {f"yo-{number}" for number in range(len(yoruba))}
    (warning,) = messages(result)
    assert warning.startswith(f"{held.documents} documents hold 2 of the 3 texts of asked_things")
    for name, words in {
        "flores": "must be an evaluation set",
        f"{sets}:answer": "field must be one of question",
        str(tmp_path / "none.jsonl"): "matches no file",
    }.items():
        with pytest.raises(MisuseError, match=words):
            audited(folder, Asked(against=(name,)))


FAULTS: dict[str, tuple[Callable[[str], str], str]] = {
    "an unquoted no": (lambda card: card.replace("- sw", "- no"), "no text: put it in quotes"),
    "a language that is none": (lambda card: card.replace("- sw", "- swx0"), "no ISO 639 code"),
    "another licence": (lambda card: card.replace("cc-by-4.0", "cc-by-nd-4.0"), ""),
    "no licence": (lambda card: card.replace("license: cc-by-4.0\n", ""), "declares no licence"),
    "files that are not there": (lambda card: card.replace("/yo/", "/yor/"), "which no file is"),
    "another count": (lambda card: card.replace("{yoruba}", "3"), "3 rows by the card"),
    "no front matter": (lambda card: card.replace("---", "", 1), "no front matter"),
    "broken front matter": (lambda card: card.replace("- yo", "- [yo"), "broken front matter"),
    "a list for a mapping": (lambda card: "---\n- a\n---\n", "names nothing"),
}


@pytest.mark.parametrize(("change", "words"), FAULTS.values(), ids=FAULTS)
def test_what_the_card_declares(
    tmp_path: Path,
    swahili: list[str],
    yoruba: list[str],
    change: Callable[[str], str],
    words: str,
) -> None:
    folder = write(tmp_path, swahili, yoruba, change(CARD))
    found = messages(audited(folder, Asked(second_opinion="none")))
    assert bool(found) == bool(words)
    assert not words or any(words in message for message in found)


def test_licences_and_languages_of_rows(tmp_path: Path, swahili: list[str]) -> None:
    count = len(swahili)
    columns = {
        "text": swahili,
        "license": ["cc-by-nc-4.0", *["cc-by-4.0"] * (count - 1)],
        "lang": ["klingon", *["sw"] * (count - 1)],
    }
    pq.write_table(pa.table(columns), tmp_path / "0.parquet")
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n")
    found = messages(audited(tmp_path))
    assert "1 rows: cc-by-nc-4.0 forbids commercial use, the corpus declares cc-by-4.0" in found
    assert "1 rows name a language that is no ISO 639 code: 'klingon'" in found
    assert len(found) == 2


WITHOUT_WORDS = {
    "nothing but nulls": [None, None],
    "no letter": ["1", "\u202e", "\U0010ffff"],
    "one word without end": ["x" * 5_000_000],
}


@pytest.mark.parametrize("rows", WITHOUT_WORDS.values(), ids=WITHOUT_WORDS)
def test_texts_that_no_model_is_asked_about(rows: list[str | None], tmp_path: Path) -> None:
    columns = {
        "text": pa.array(rows, pa.string()).dictionary_encode(),
        "lang": ["en\n\x1b[31m"] * len(rows),
    }
    (tmp_path / "eus_Latn").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "eus_Latn/0.parquet")
    result = audited(tmp_path)
    assert result.documents == len(rows)
    assert not any("contradicts" in message for message in messages(result))


NO_TEXT: dict[str, pa.Array] = {
    "lists": pa.array([["bat"], ["bi"]]),
    "bytes": pa.array([b"bat", b"\xff"]),
    "numbers": pa.array([1, 2]),
}


@pytest.mark.parametrize("values", NO_TEXT.values(), ids=NO_TEXT)
def test_a_column_that_is_no_text(values: pa.Array, tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": values}), tmp_path / "0.parquet")
    (message,) = messages(audited(tmp_path))
    assert message.endswith("in the column 'text', not text")


def test_what_is_no_folder(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["bat"]}), tmp_path / "0.parquet")
    with pytest.raises(MisuseError, match="is a file: name the folder"):
        audited(tmp_path / "0.parquet")
    with pytest.raises(MisuseError, match="neither a corpus"):
        audited(tmp_path / "none")


def test_a_sample_does_not_depend_on_order_or_blocks() -> None:
    ids = pa.array([f"document {number}" for number in range(500)], pa.large_string())
    keys, made = hash_keys(ids), pa.array([False] * 500)

    def drawn(order: np.ndarray, block: int) -> list[str]:
        sample = Sample(labels=400)
        for start in range(0, 500, block):
            rows = order[start : start + block]
            some = ids.take(pa.array(rows))
            sample.add("eus_Latn", keys[rows], some, some, made.take(pa.array(rows)))
        ((_, documents),) = sample
        return list(documents["id"].to_pylist())

    first = drawn(np.arange(500), 500)
    assert len(first) == len(set(first)) == 10
    assert first == drawn(np.arange(500)[::-1], 7)
    assert first == drawn(np.random.default_rng(1).permutation(500), 64)


def test_repeats_are_counted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = pa.array([f"document {number % 700}" for number in range(1000)], pa.large_string())
    keys = hash_keys(ids)
    for held in (1, 1 << 22):
        monkeypatch.setattr("pipelines.finished.audit.parted.HELD_BYTES", held)
        parted = Parted(KEY)
        for start in range(0, 1000, 90):
            parted.add(keys[start : start + 90])
        assert (parted.size, repeated(parted)) == (1000, 300)
        assert repeated(Parted(KEY)) == 0


def test_no_key_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.finished.audit.parted.HELD_BYTES", 1 << 16)
    chance = np.random.default_rng(5)
    parted = Parted(KEY)
    tracemalloc.start()
    for _ in range(50):  # 3.2 MB of keys
        parted.add(chance.integers(0, 1 << 62, 8000, np.uint64).view(KEY))
    others = tracemalloc.Filter(inclusive=False, filename_pattern="*pathlib*")  # interned names
    held = tracemalloc.take_snapshot().filter_traces([others])
    tracemalloc.stop()
    assert sum(trace.size for trace in held.traces) < 1 << 18
    assert (parted.size, repeated(parted)) == (200_000, 0)
