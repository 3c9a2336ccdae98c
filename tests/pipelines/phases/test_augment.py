"""Documents and pairs made from documents: they are published, counted and accounted for like those
that were read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from schemas.card.card import Card
from tests.recipes import one_source
from tests.running import digests, run

pytest.importorskip("icu", reason="the letter tables of transliteration run on PyICU")

RECIPE = (
    one_source("augmented", split_bytes=1024)
    + """
[[ingest]]
stage = "identify_language"

[[dedup]]
stage = "exact"

[[augment]]
stage = "transliterate"
schemes = { srp_Cyrl = "serbian" }
mode = "MODE"
"""
)
SERBIAN = [
    "Сва људска бића рађају се слободна и једнака у достојанству и правима. Она су обдарена разумом и свешћу.",
    "Свако има право на живот, слободу и безбедност личности. Нико се не сме држати у ропству или ропском положају.",
]
BASQUE = "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela; eta ezaguera dute."


def corpus_of(mode: str, folder: Path, *options: str) -> Path:
    texts = [SERBIAN[0], BASQUE, SERBIAN[1], SERBIAN[0]]
    (folder / "pages.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts * 4)
    )
    (folder / "augmented.toml").write_text(RECIPE.replace("MODE", mode))
    run(folder / "augmented.toml", folder / "out", *options)
    return folder / "out"


def rows(folder: Path) -> list[dict[str, Any]]:
    return ds.dataset(folder).to_table().to_pylist()


def test_parallel_documents_stand_beside_their_parents(tmp_path: Path) -> None:
    """Serbian in Cyrillic gets a neighbour in Latin; Basque does not."""
    out = corpus_of("parallel", tmp_path)
    published = {row["id"]: row for row in rows(out / "data")}
    made = [row for row in published.values() if row["parent_id"]]
    assert {row["text"].split(". ")[0] for row in made} == {
        "Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima",
        "Svako ima pravo na život, slobodu i bezbednost ličnosti",
    }
    assert len(published) == 5, (
        "three different texts and two transliterations: duplicates have none"
    )
    for row in made:
        parent = published[row["parent_id"]]
        assert (row["language"], row["script"], parent["script"]) == ("srp", "Latn", "Cyrl")
        assert (row["transliterated_from"], row["transliteration_scheme"]) == (
            "srp_Cyrl",
            "serbian",
        )
        assert row["synthetic"]
        assert row["generator"]
        assert not parent["synthetic"]
        assert parent["transliteration_scheme"] is None
    ledger = {row["id"]: row for row in rows(out / "ledger")}
    assert {row["id"] for row in made} == {row["id"] for row in ledger.values() if row["parent_id"]}
    manifest = json.loads((out / "manifest.json").read_text())
    assert [(phase["phase"], phase["created"]) for phase in manifest["phases"]] == [
        ("ingest", 0),
        ("dedup", 0),
        ("augment", 2),
    ]
    for phase in manifest["phases"]:
        left = phase["kept"] + phase["dropped"] + phase["duplicates"] + phase["failed"]
        assert phase["documents_in"] + phase["created"] == left
    card = Card.model_validate_json((out / "card.json").read_text())
    assert [(source.documents, source.created) for source in card.sources] == [(16, 2)]


def test_pairs_lie_beside_the_corpus(tmp_path: Path) -> None:
    out = corpus_of("pair", tmp_path)
    assert len(rows(out / "data")) == 3
    pairs = rows(out / "pairs")
    assert {(pair["original"], pair["romanization"][:14]) for pair in pairs} == {
        (SERBIAN[0], "Sva ljudska bi"),
        (SERBIAN[1], "Svako ima prav"),
    }
    files = {
        file["path"]: file for file in json.loads((out / "manifest.json").read_text())["files"]
    }
    for path in (out / "pairs").iterdir():
        assert files[f"pairs/{path.name}"]["rows"] == pq.read_metadata(path).num_rows


def test_what_was_made_is_counted_apart_from_what_was_found(tmp_path: Path) -> None:
    out = corpus_of("parallel", tmp_path)
    card = Card.model_validate_json((out / "card.json").read_text())
    made = [row for row in rows(out / "data") if row["synthetic"]]
    assert len(made) == 2
    for row in made:
        assert row["language"] == "srp"
        scored = ("language_score", "runner_up_language", "runner_up_score", "other_language_share")
        assert [row[name] for name in scored] == [None] * 4, "nobody identified it"
    latin, cyrillic = card.statistics["srp_Latn"], card.statistics["srp_Cyrl"]
    assert ([v.documents for v in latin.made.values()], sum(latin.scores)) == ([2], 0)
    assert (cyrillic.made, sum(cyrillic.scores)) == ({}, 2)
    assert [row.documents for row in card.fates if row.made] == [2]
    shown = (out / "README.md").read_text()
    assert "| Documents | 5: 3 found, and 2 made from these; 16 were read |" in shown
    assert re.search(r"\| `srp_Latn` \| Serbian[^|]*\|[^|]*\| 0 \| 2 \|", shown)


def test_what_holds_evaluation_text_has_no_neighbour_either(tmp_path: Path) -> None:
    """Masked Serbian text is transliterated as it is left; documents of the evaluation set itself
    are not at all."""
    for mode, published in (("drop", 3), ("mask", 5)):
        folder = tmp_path / mode
        folder.mkdir()
        texts = [f"{SERBIAN[0]} {SERBIAN[1]}", SERBIAN[1], BASQUE]
        (folder / "pages.jsonl").write_text(
            "".join(json.dumps({"text": text}) + "\n" for text in texts)
        )
        (folder / "quiz.jsonl").write_text(json.dumps({"question": SERBIAN[0].split(". ")[0]}))
        decontaminate = f'[decontaminate]\nmode = "{mode}"\nmin_code_points = 20\n'
        table = '[[decontaminate.evaluation_sets]]\nname = "quiz"\npaths = ["quiz.jsonl"]\nfields = ["question"]\n'
        (folder / "augmented.toml").write_text(
            RECIPE.replace("MODE", "parallel") + decontaminate + table
        )
        run(folder / "augmented.toml", folder / "out")
        found = rows(folder / "out/data")
        assert not any("jednaka" in row["text"] or "једнака" in row["text"] for row in found)
        assert len(found) == published


def test_what_was_made_is_looked_through_too(tmp_path: Path) -> None:
    """The question is in Latin, and scripts are not compared: only what was made of the Cyrillic
    text holds it."""
    (tmp_path / "pages.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in (*SERBIAN, BASQUE))
    )
    question = "Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima"
    (tmp_path / "quiz.jsonl").write_text(json.dumps({"question": question}))
    decontaminate = "[decontaminate]\nacross_scripts = false\n"
    table = '[[decontaminate.evaluation_sets]]\nname = "quiz"\npaths = ["quiz.jsonl"]\nfields = ["question"]\n'
    (tmp_path / "augmented.toml").write_text(
        RECIPE.replace("MODE", "parallel") + decontaminate + table
    )
    run(tmp_path / "augmented.toml", tmp_path / "out")
    published = {row["id"]: row for row in rows(tmp_path / "out/data")}
    assert SERBIAN[0] in {row["text"] for row in published.values()}
    assert not any(question in row["text"] for row in published.values())
    (dropped,) = [row for row in rows(tmp_path / "out/ledger") if row["fate"] == "dropped"]
    assert (dropped["phase"], dropped["reason"]) == ("decontaminate", "evaluation_text")
    assert dropped["parent_id"] in published
    card = Card.model_validate_json((tmp_path / "out/card.json").read_text())
    (rate,) = card.contamination
    assert (rate.texts_found, rate.documents) == (1, 1)
    (tmp_path / "augmented.toml").write_text(RECIPE.replace("MODE", "pair") + decontaminate + table)
    run(tmp_path / "augmented.toml", tmp_path / "pairs")
    assert {row["original"] for row in rows(tmp_path / "pairs/pairs")} == {SERBIAN[1]}
    assert {row["text"] for row in rows(tmp_path / "pairs/data")} == {*SERBIAN, BASQUE}


def test_the_bytes_are_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    found = []
    for workers in ("1", "2"):
        folder = tmp_path / workers
        folder.mkdir()
        out = corpus_of("parallel", folder, "--workers", workers)
        found.append(digests(out))
    assert found[0] == found[1]
