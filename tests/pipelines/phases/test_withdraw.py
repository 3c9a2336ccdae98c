"""`[withdrawn]` through whole runs: what is withdrawn leaves with its copies and all that was made of
it, and nothing else changes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.endpoints import FaultyEndpoint
from tests.recipes import one_source
from tests.running import digests, glotmill, run
from tests.withdrawals import (
    OTHERS,
    TAKEN,
    WITHDRAWN,
    answered,
    basque,
    left_of,
    table_rows,
    write_corpus,
)

SUBSETS = ("data", "synthetic", "bitext", "document_pairs", "samples", "responses", "index")


@pytest.mark.slow
def test_a_rebuild_is_the_corpus_without_the_withdrawn_rows(tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="openai is not installed")
    pytest.importorskip("icu", reason="the letter tables of transliteration run on PyICU")
    out = tmp_path / "out"
    with FaultyEndpoint(answered).serving() as server:
        run(write_corpus(tmp_path, server.base_url), out, "--keep-staging")
        named = {path.split("/")[0] for path in left_of(out, TAKEN)}
        assert {"data", "synthetic", "bitext", "samples", "responses"} < named
        before = {subset: table_rows(out / subset) for subset in SUBSETS}
        files, asked = digests(out), server.requests
        again = write_corpus(tmp_path, server.base_url, WITHDRAWN, "again")
        run(again, out, "--keep-staging")
        assert server.requests == asked, "what was made before is not asked again"
        run(again, tmp_path / "new")
    assert left_of(out, TAKEN) == []
    assert digests(out) == digests(tmp_path / "new")
    shards = [path for path in files if path.startswith("data/")]
    untouched = [path for path in shards if digests(out).get(path) == files[path]]
    assert untouched, "a shard without a withdrawn row keeps its name and its bytes"
    for subset, old in before.items():
        new = table_rows(out / subset)
        following = iter(old)
        assert all(row in following for row in new), f"{subset}: other rows, or another order"
        if subset in ("data", "synthetic"):  # where every row has its number
            kept = [row for row in old if not re.search("|".join(map(str, TAKEN)), str(row))]
            assert new == kept, subset
        elif subset in ("bitext", "samples", "responses"):
            assert 0 < len(new) < len(old), subset
    assert left_of(out, OTHERS)
    ledger = [row for row in table_rows(out / "ledger") if row["reason"] == "withdrawn"]
    assert {row["fate"] for row in ledger} == {"dropped"}
    assert {row["detail"] for row in ledger} == {
        f"withdrawn.toml entry 1, {how}" for how in ("host", "copy", "made")
    }
    (counts,) = json.loads((out / "card.json").read_text())["withdrawal"]["counts"]
    assert counts["named"] + counts["copies"] + counts["made"] == len(ledger)
    assert glotmill("audit", out).returncode == 0


def published(output: Path) -> set[str]:
    return {row["url"] for row in table_rows(output / "data")}


def test_copies_of_an_entry_may_stay(tmp_path: Path) -> None:
    """The mirror's equal page was kept for the withdrawn one, and stays; the others go or stay as
    before."""
    recipe = write_corpus(tmp_path, more=WITHDRAWN)
    run(recipe, tmp_path / "all")
    register = (tmp_path / "withdrawn.toml").read_text()
    (tmp_path / "withdrawn.toml").write_text(register + 'copies = "keep"\nprivate_note = 1\n')
    refused = glotmill("run", recipe, "--output", tmp_path / "out")
    assert refused.returncode == 2
    assert "withdrawn.toml: line 7: withdrawn[0].private_note: unknown key" in refused.stderr
    (tmp_path / "withdrawn.toml").write_text(register + 'copies = "keep"\n')
    run(recipe, tmp_path / "out")
    stay = published(tmp_path / "out") - published(tmp_path / "all")
    assert {re.sub(r"https://(.*?)/.*", r"\1", url) for url in stay} == {
        "mirror.example",
        "near.example",
        "latin.example",
    }


def test_a_private_register_leaves_no_address(tmp_path: Path) -> None:
    recipe = write_corpus(tmp_path, more=WITHDRAWN)
    register = tmp_path / "withdrawn.toml"
    register.write_text("private = true\n" + register.read_text())
    run(recipe, tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            read = pq.read_table(path).to_pylist() if path.suffix == ".parquet" else ""
            text = str(read or path.read_text(encoding="utf-8", errors="replace"))
            assert "taken.example" not in text.lower(), path
    assert "A register is private" in (tmp_path / "out/README.md").read_text()


def test_a_register_that_names_everything_leaves_an_empty_corpus(tmp_path: Path) -> None:
    recipe = write_corpus(tmp_path, more=WITHDRAWN)
    (tmp_path / "withdrawn.toml").write_text('[[withdrawn]]\nsource = "pages"\n')
    done = glotmill("run", recipe, "--output", tmp_path / "out")
    assert done.returncode == 1, "as for every corpus without a document"
    assert re.search(r"no document was published, and \d+ were withdrawn; ", done.stderr)
    assert table_rows(tmp_path / "out/data") == []
    assert left_of(tmp_path / "out", TAKEN) == left_of(tmp_path / "out", OTHERS) == []
    assert glotmill("audit", tmp_path / "out").returncode == 0


def test_an_empty_register_takes_nothing_back(tmp_path: Path) -> None:
    (tmp_path / "pages.jsonl").write_text('{"text": "Kaixo, mundua."}\n' * 2)
    (tmp_path / "withdrawn.toml").write_text("")
    recipe = tmp_path / "own.toml"
    recipe.write_text(one_source("own") + '[[dedup]]\nstage = "exact"\n' + WITHDRAWN)
    run(recipe, tmp_path / "out")
    assert len(table_rows(tmp_path / "out/data")) == 1


def test_a_stopped_rebuild_leaves_nothing_of_the_old_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even its card, which counts and shows what is withdrawn; what people wrote stays."""
    (tmp_path / "pages.jsonl").write_text('{"text": "Kaixo, mundua."}\n' * 2)
    (tmp_path / "withdrawn.toml").write_text("")
    recipe, out = tmp_path / "own.toml", tmp_path / "out"
    recipe.write_text(one_source("own") + WITHDRAWN)
    run(recipe, out)
    (out / "card.toml").write_text("")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.build.run.run_phases", stop)
    glotmill("run", recipe, "--output", out)
    assert (out / "README.md").exists(), "the same register: the corpus is finished"
    (tmp_path / "withdrawn.toml").write_text('[[withdrawn]]\nhost = "taken.example"\n')
    assert glotmill("run", recipe, "--output", out).returncode != 0
    left = {path.name for path in out.iterdir()}
    assert left <= {"card.toml", "recipe.toml", "staging"}, left
    monkeypatch.undo()
    run(recipe, out)
    assert glotmill("audit", out).returncode == 0


def test_the_raw_bytes_of_failed_records_are_withdrawn_too(tmp_path: Path) -> None:
    (tmp_path / "pages.jsonl").write_text(
        "".join(
            json.dumps({"text": text, "url": f"https://{host}/a", "licence": "CC0-1.0"}) + "\n"
            for host in ("taken.example", "other.example")
            for text in (basque(TAKEN[0] if host == "taken.example" else OTHERS[0]), None)
        )
        + '{"url": "https://taken.example/b", "licence": "73000000", "text": 7}\n'
    )
    recipe = write_corpus(tmp_path / "own", more=WITHDRAWN)
    (tmp_path / "own/pages.jsonl").write_bytes((tmp_path / "pages.jsonl").read_bytes())
    run(recipe, tmp_path / "out")
    assert left_of(tmp_path / "out", TAKEN) == []
    assert left_of(tmp_path / "out", OTHERS)
