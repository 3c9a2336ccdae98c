"""An audit finds every planted corruption, and nothing in a corpus that nobody touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import gflanguages
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.build.output import build
from pipelines.build.plan import make_plan
from pipelines.finished.audit.audit import Asked, audit
from pipelines.runners.local import Runner
from pipelines.staging.store import StagingError, Store
from schemas.finding import AuditResult, Finding
from tests.pipelines.finished.corruptions import CORRUPTIONS, reseal

RECIPE = """
[corpus]
name = "audited"
licence = "cc0-1.0"
[[sources]]
name = "lines"
format = "jsonl"
paths = ["lines.jsonl"]
licence = "cc0-1.0"
[[ingest]]
stage = "identify_language"
[[ingest]]
stage = "filter_length"
min_code_points = 20
[[dedup]]
stage = "exact"
[[augment]]
stage = "transliterate"
schemes = { srp_Cyrl = "serbian" }
mode = "parallel"
"""


def write_corpus(folder: Path) -> Path:
    samples = gflanguages.LoadLanguages()
    texts = [
        getattr(samples[label].sample_text, field)
        for label in ("eu_Latn", "sr_Cyrl")
        for field in ("specimen_48", "specimen_36", "specimen_32", "specimen_21", "specimen_16")
    ]
    lines = [json.dumps({"text": text}) for text in [*texts, texts[0], "laburra"]]
    (folder / "lines.jsonl").write_text("\n".join([*lines, '{"text": "no end']))
    (folder / "recipe.toml").write_text(RECIPE)
    output = folder / "out"
    build(
        make_plan(folder / "recipe.toml", str(output)),
        str(output),
        Runner(workers=1),
        lambda *_: None,
    )
    return output


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("audited"))


def audited(folder: Path, text: str = "text") -> AuditResult:
    return audit(Store(str(folder)), lambda _: None, Asked(text=text))


def errors(result: AuditResult) -> list[Finding]:
    return [finding for finding in result.findings if finding.severity == "error"]


def test_nothing_is_found_in_a_clean_corpus(corpus: Path, tmp_path: Path) -> None:
    result = audited(corpus)
    assert not result.findings
    assert result.documents == 15
    assert {path.name for path in (corpus / "data").iterdir()} == {
        "eus_Latn",
        "srp_Cyrl",
        "srp_Latn",
    }
    copy = shutil.copytree(corpus, tmp_path / "copy")
    reseal(copy)
    assert not audited(copy).findings, "what is resealed without a change is clean"


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_planted_corruption_is_found(name: str, corpus: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(corpus, tmp_path / "copy")
    CORRUPTIONS[name](copy)
    assert errors(audited(copy)), name


def test_a_finding_names_file_and_difference(corpus: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(corpus, tmp_path / "copy")
    CORRUPTIONS["more words on the card"](copy)
    messages = [finding.message for finding in errors(audited(copy))]
    assert any(
        message.startswith("eus_Latn: words: ") and "by the card" in message for message in messages
    )


def test_unknown_licences_are_warnings(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text('{"text": "Gizon-emakume guztiak aske jaiotzen dira."}\n')
    (tmp_path / "recipe.toml").write_text(
        RECIPE.replace(
            '"lines.jsonl"]\nlicence = "cc0-1.0"', '"lines.jsonl"]\nlicence = "cc-by-nc-4.0"'
        )
    )
    output = str(tmp_path / "out")
    build(make_plan(tmp_path / "recipe.toml", output), output, Runner(workers=1), lambda *_: None)
    findings = audited(tmp_path / "out").findings
    assert [(finding.severity, finding.check) for finding in findings] == [("warning", "licences")]
    assert "forbids commercial use" in findings[0].message


def test_parquet_that_glotmill_did_not_make(tmp_path: Path) -> None:
    folder = tmp_path / "eu"
    folder.mkdir()
    pq.write_table(
        pa.table({"content": ["bat", "bi", "bat ", ""], "id": ["a", "b", "c", "a"]}),
        folder / "0.parquet",
    )
    pq.write_table(pa.table({"content": ["lau"]}), folder / "1.parquet")
    (folder / "2.parquet").write_bytes(b"PAR1 no more")
    result = audited(tmp_path, "content")
    messages = [finding.message for finding in result.findings]
    assert not result.made_by_glotmill
    assert result.documents == 5
    assert any("other columns than the files next to it" in message for message in messages)
    assert any("cannot be read" in message for message in messages)
    assert "1 rows have an id that an earlier row has" in messages
    assert "1 rows have the same text as an earlier row, but for white space" in messages
    assert any("cannot be checked" in message for message in messages)
    assert any("no column 'text'" in finding.message for finding in errors(audited(tmp_path)))


def test_nothing_to_audit(tmp_path: Path) -> None:
    with pytest.raises(StagingError, match="neither a corpus"):
        audited(tmp_path)


def test_what_goes_to_disk_gives_the_same_findings(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids, places and references are looked at part by part, whether they are in memory or not."""
    copy = shutil.copytree(corpus, tmp_path / "copy")
    for name in (
        "an id twice",
        "another row in the ledger",
        "a duplicate of nothing",
        "a published document called dropped",
    ):
        CORRUPTIONS[name](copy)
    made = Asked(second_opinion="none")
    found = audit(Store(str(copy)), lambda _: None, made).findings
    assert {finding.check for finding in found} > {"documents", "ledger"}
    monkeypatch.setattr("pipelines.finished.audit.parted.HELD_BYTES", 1)
    assert audit(Store(str(copy)), lambda _: None, made).findings == found
    assert not audit(Store(str(corpus)), lambda _: None, made).has_errors
