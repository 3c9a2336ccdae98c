"""`glotmill prove-removal`, and what `diff` and `audit` know of withdrawals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.running import glotmill, run
from tests.withdrawals import OTHERS, REGISTER, TAKEN, WITHDRAWN, basque, serbian, write_corpus


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus, and its next version without what `withdrawn.toml` names."""
    folder = tmp_path_factory.mktemp("corpora")
    run(write_corpus(folder), folder / "before", "--keep-staging")
    shutil.copytree(folder / "before", folder / "after")
    run(write_corpus(folder, more=WITHDRAWN, name="again"), folder / "after")
    return folder


def test_a_corpus_without_withdrawals_has_what_a_register_names(corpora: Path) -> None:
    register = corpora / "withdrawn.toml"
    found = glotmill("prove-removal", register, corpora / "before")
    assert found.returncode == 1, found.stderr
    assert "by name, withdrawn.toml entry 1 (host)" in found.stdout
    assert "no copies, as no texts were given (--texts)" in found.stdout
    clean = glotmill("prove-removal", register, corpora / "after", "--texts", corpora / "before")
    assert clean.returncode == 0, clean.stdout
    assert "nothing is left" in clean.stdout


def test_diff_counts_what_was_withdrawn_apart(corpora: Path) -> None:
    found = glotmill("diff", corpora / "before", corpora / "after", "--json")
    changes = [row["change"] for row in json.loads(found.stdout)["documents"]]
    assert set(changes) == {"withdrawn"}
    assert "register withdrawn.toml" in json.loads(found.stdout)["versions"]
    back = glotmill("diff", corpora / "after", corpora / "before", "--json")
    assert {row["change"] for row in json.loads(back.stdout)["documents"]} == {"added"}


def test_audit_finds_what_the_corpus_says_it_withdrew(corpora: Path) -> None:
    assert glotmill("audit", corpora / "after", "--second-opinion", "none").returncode == 0
    card = corpora / "after/card.json"
    content = card.read_text()
    card.write_text(content.replace("taken.example", "site1.example"))
    found = glotmill("audit", corpora / "after", "--second-opinion", "none")
    card.write_text(content)
    assert found.returncode == 1
    assert "withdrawn rows are still there, found by name" in found.stdout


FOREIGN = {
    "the text": (basque(TAKEN[3]), {}, "copy"),
    "a word changed": (basque(TAKEN[3]).replace("liburu", "koaderno"), {}, "copy"),
    "the other script": (
        serbian(TAKEN[4], "Latn"),
        {"language": "srp", "script": "Latn"},
        "copy in another script",
    ),
    "the host in capitals": ("Kaixo.", {"url": "HTTP://WWW.TAKEN.EXAMPLE/x"}, "name"),
    "another text": (basque(OTHERS[1]), {"url": "https://site9.example/"}, None),
    "a host that ends alike": ("Kaixo.", {"url": "https://nottaken.example/"}, None),
}


@pytest.mark.parametrize(("text", "more", "by"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_data_set_made_elsewhere(
    corpora: Path, tmp_path: Path, text: str, more: dict[str, str], by: str | None
) -> None:
    columns = {"content": pa.array(["Agur, mundua.", text])}
    columns |= {name: pa.array([None, value]) for name, value in more.items()}
    pq.write_table(pa.table(columns), tmp_path / "train.parquet")
    for label, own in (
        ("eus_Latn", basque(TAKEN[3])),
        ("srp_Cyrl", serbian(TAKEN[4], "Cyrl")),
    ):
        (tmp_path / "texts" / label).mkdir(parents=True)
        (tmp_path / "texts" / label / "own.txt").write_text(own, encoding="utf-8")
    arguments = [corpora / "withdrawn.toml", tmp_path, "--texts", tmp_path / "texts", "--json"]
    found = glotmill("prove-removal", *arguments, "--text", "content")
    assert found.returncode == int(by is not None), found.stderr
    rows = [(row["row"], row["by"]) for row in json.loads(found.stdout)["rows"]]
    assert rows == ([] if by is None else [(1, by)])


REFUSED = {
    "an empty register": ("", "names nothing"),
    "a mistake": (REGISTER.replace("host", "hots"), "unknown key, did you mean 'host'?"),
    "no Parquet": (REGISTER, "holds no Parquet file to search"),
}


@pytest.mark.parametrize(("register", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_searched_is_one_line(tmp_path: Path, register: str, message: str) -> None:
    (tmp_path / "w.toml").write_text(register)
    found = glotmill("prove-removal", tmp_path / "w.toml", tmp_path)
    assert found.returncode == 2
    assert message in found.stderr
    assert found.stderr.count("\n") == 1
    assert glotmill("prove-removal", tmp_path / "none.toml", tmp_path).returncode == 2


HOST_AND_ID = REGISTER + '\n[[withdrawn]]\nid = "77"\n'
NAMED = {"url": ["https://taken.example/1"], "id": ["1"]}
CLEAN = {"url": ["https://other.example/1"], "id": ["1"]}
SEARCHED = {
    "all columns are there, and clean": (CLEAN, {}, 0, []),
    "all columns are there, one names": (NAMED, {}, 1, []),
    "a card and a licence hold no rows": (CLEAN, {"README.md": b"#", "LICENSE": b"CC0"}, 0, []),
    "hidden files are no data": (CLEAN, {".cache/x.json": b"{}"}, 0, []),
    "no column tells the host": ({"id": ["1"]}, {}, 2, ["train.parquet"]),
    "no column tells anything": ({"count": [1]}, {}, 2, ["train.parquet"]),
    "an id is found, the host unknown": ({"id": ["77"]}, {}, 1, ["train.parquet"]),
    "an id that is a number": ({"id": [77], "url": [None]}, {}, 1, []),
    "a column of numbers for addresses": ({"id": ["1"], "url": [7]}, {}, 2, ["train.parquet"]),
    "rows in JSON lines": (CLEAN, {"more/x.jsonl": b"{}"}, 2, ["more/x.jsonl"]),
    "rows whose name begins as a card's": (
        CLEAN,
        {"readme_rows.json": b"{}"},
        2,
        ["readme_rows.json"],
    ),
    "rows in an archive": (CLEAN, {"old.csv.gz": b""}, 2, ["old.csv.gz"]),
    "rows in CSV, and clean": (CLEAN, {"x.csv": b"id,url\n1,https://a.example/\n"}, 0, []),
    "rows in CSV, one names": (CLEAN, {"x.csv": b"id,url\n77,https://a.example/\n"}, 1, []),
    "CSV without the columns": (CLEAN, {"x.csv": b"a,b\n1,2\n"}, 2, ["x.csv"]),
    "a broken file": (CLEAN, {"x.parquet": b"PAR1 and no more"}, 2, ["x.parquet"]),
    "a broken file, and a hit": (NAMED, {"a.parquet": b"PAR1 and no more"}, 1, ["a.parquet"]),
}


@pytest.mark.parametrize(
    ("columns", "files", "code", "unsearched"), SEARCHED.values(), ids=SEARCHED.keys()
)
def test_what_cannot_be_searched_is_listed_and_proves_nothing(
    tmp_path: Path,
    columns: dict[str, list[object]],
    files: dict[str, bytes],
    code: int,
    unsearched: list[str],
) -> None:
    (tmp_path / "w.toml").write_text(HOST_AND_ID)
    corpus = tmp_path / "corpus"
    for name, content in files.items():
        (corpus / name).parent.mkdir(parents=True, exist_ok=True)
        (corpus / name).write_bytes(content)
    corpus.mkdir(exist_ok=True)
    table = pa.table(columns)
    if columns.get("url") == [None]:
        table = table.set_column(1, "url", pa.nulls(1, pa.string()))
    pq.write_table(table, corpus / "train.parquet")
    found = glotmill("prove-removal", tmp_path / "w.toml", corpus, "--json")
    assert found.returncode == code, found.stderr
    assert [file["path"] for file in json.loads(found.stdout)["unsearched"]] == unsearched
    lines = glotmill("prove-removal", tmp_path / "w.toml", corpus).stdout
    assert ("nothing is proved of" in lines) == bool(unsearched)


def test_names_in_a_dictionary_are_found(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text(REGISTER)
    urls = pa.array(["https://taken.example/1"]).dictionary_encode()
    pq.write_table(pa.table({"url": urls}), tmp_path / "train.parquet")
    assert glotmill("prove-removal", tmp_path / "w.toml", tmp_path).returncode == 1


def test_the_ledger_tells_what_was_made_of_a_named_document(corpora: Path, tmp_path: Path) -> None:
    shutil.copytree(corpora / "before", tmp_path / "corpus")
    register = corpora / "withdrawn.toml"
    ledger = pa.concat_tables(
        pq.read_table(path, columns=["id", "url"])
        for path in sorted((tmp_path / "corpus/ledger").glob("*.parquet"))
    )
    hosts = [str(url).split("/")[2].lower() for url in ledger["url"].to_pylist()]
    ids = dict(zip(hosts, ledger["id"].to_pylist(), strict=True))
    for folder in ("data", "pairs", "index", "decontamination"):
        shutil.rmtree(tmp_path / "corpus" / folder, ignore_errors=True)
    (tmp_path / "corpus/card.json").unlink()
    for host, code in (("taken.example", 1), ("site1.example", 0)):
        rows = pa.table({"parent_id": [ids[host]], "answer": ["Bai."]})
        pq.write_table(rows, tmp_path / "corpus/rows.parquet")
        found = glotmill("prove-removal", register, tmp_path / "corpus")
        assert found.returncode == code, found.stdout
        assert ("made of it" in found.stdout) == bool(code)


def test_samples_on_a_card_are_searched(corpora: Path, tmp_path: Path) -> None:
    shutil.copytree(corpora / "before", tmp_path / "corpus")
    card = json.loads((tmp_path / "corpus/card.json").read_text())
    shown = card["statistics"]["eus_Latn"]["samples"][0]["url"]
    urls = [
        url.as_py()
        for path in (tmp_path / "corpus/data").rglob("*.parquet")
        for url in pq.read_table(path)["url"]
    ]
    hidden = next(url for url in urls if json.dumps(url) not in json.dumps(card))
    for folder in ("data", "pairs", "index", "decontamination"):
        shutil.rmtree(tmp_path / "corpus" / folder, ignore_errors=True)
    pq.write_table(pa.table(CLEAN), tmp_path / "corpus/rows.parquet")
    for url, paths in ((shown, {"card.json"}), (hidden, set())):
        (tmp_path / "w.toml").write_text(f'[[withdrawn]]\nurl_prefix = "{url}"\n')
        found = glotmill("prove-removal", tmp_path / "w.toml", tmp_path / "corpus", "--json")
        assert {row["path"] for row in json.loads(found.stdout)["counts"]} == paths
        assert found.returncode == int(bool(paths))
