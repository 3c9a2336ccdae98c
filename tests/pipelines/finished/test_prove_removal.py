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


def test_a_broken_file_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text(REGISTER)
    (tmp_path / "train.parquet").write_bytes(b"PAR1 and no more")
    found = glotmill("prove-removal", tmp_path / "w.toml", tmp_path)
    assert found.returncode == 2
    assert "cannot be read, so nothing is proved" in found.stderr


def test_rows_without_texts_are_not_what_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text(REGISTER)
    pq.write_table(pa.table({"count": [1, 2]}), tmp_path / "train.parquet")
    found = glotmill("prove-removal", tmp_path / "w.toml", tmp_path, "--json")
    assert (found.returncode, json.loads(found.stdout)["rows"]) == (0, [])
