"""What is no whole corpus of ours gets a clear answer from every command, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.running import digests, glotmill

REGISTER = '[[withdrawn]]\nhost = "taken.example"\n'
TABLES = {
    "one file": (pa.table({"text": ["Kaixo, mundua."]}), 0, "1 documents, 1 files; 0 errors"),
    "lists and structs next to texts": (
        pa.table({"text": ["a b"], "meta": [{"x": 1}], "tags": [["a"]], "id": [7]}),
        0,
        "1 documents, 1 files; 0 errors",
    ),
    "a list for a text": (pa.table({"text": [["a"]]}), 1, "not text"),
    "a struct of texts": (pa.table({"translation": [{"en": "a"}]}), 1, "no column 'text'"),
    "no rows": (pa.table({"text": pa.array([], pa.string())}), 0, "0 documents, 1 files"),
    "null texts": (pa.table({"text": ["a", None]}), 0, "has 1 rows without text"),
    "a column of nulls": (pa.table({"text": pa.nulls(3)}), 0, "has 3 rows without text"),
    "views of texts": (
        pa.table({"text": pa.array(["a b"], pa.string_view())}),
        0,
        "1 documents, 1 files; 0 errors",
    ),
    "two columns of one name": (
        pa.table([pa.array(["a"]), pa.array(["b"])], names=["text", "text"]),
        1,
        "two columns of one name: text",
    ),
}


@pytest.mark.parametrize(("table", "code", "words"), TABLES.values(), ids=TABLES)
def test_audit_of_data_made_elsewhere(
    tmp_path: Path, table: pa.Table, code: int, words: str
) -> None:
    (tmp_path / "data").mkdir()
    pq.write_table(table, tmp_path / "data/train-00000-of-00001.parquet")
    done = glotmill("audit", tmp_path, "--second-opinion", "none")
    assert (done.returncode, done.stderr) == (code, "")
    assert words in done.stdout


def test_a_file_that_cannot_be_searched_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "register.toml").write_text(REGISTER)
    pq.write_table(pa.table({"content": ["a"]}), tmp_path / "data/a.parquet")
    pq.write_table(pa.table({"url": ["https://left.example/"]}), tmp_path / "data/b.parquet")
    done = glotmill("prove-removal", tmp_path / "register.toml", tmp_path / "data")
    assert done.returncode == 2
    assert "unknown  a.parquet: has no text column url, so it was not searched by" in done.stdout
    assert "unknown  b.parquet" not in done.stdout


def test_every_command_answers_a_half_written_corpus(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "data/eus_Latn").mkdir(parents=True)
    (out / "ledger").mkdir()
    pq.write_table(pa.table({"text": ["Kaixo."]}), out / "data/eus_Latn/train-00000.parquet")
    pq.write_table(pa.table({"fate": ["published"]}), out / "ledger/00000.parquet")
    (out / "card.json").write_text("{}")
    before = digests(out)
    found = glotmill("audit", out, "--second-opinion", "none")
    assert found.returncode == 1
    assert "manifest.json is not there, though card.json is" in found.stdout
    assert "ledger/00000" not in found.stdout
    for name, content in (("absent", None), ("cut", '{"format": "glotmill-man'), ("other", "[]")):
        if content is not None:
            (out / "manifest.json").write_text(content)
            before = digests(out)
        for command in (("status", out), ("diff", out, out), ("push", out, "a/b", "--dry-run")):
            done = glotmill(*command)
            assert done.returncode, (name, command)
            lines = done.stderr.splitlines()
            assert len(lines) == 1, (name, command, done.stderr)
            assert lines[0].startswith("glotmill: "), (name, command)
    assert digests(out) == before
