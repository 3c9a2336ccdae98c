"""Deduplication stages in a recipe: in order, each over what the ones before it kept, across splits
and files."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from pipelines.catalogue.stage_checks import stage_problems
from pipelines.catalogue.stages import Recipe
from schemas.recipe import parse_recipe
from tests.recipes import one_source
from tests.running import run

RECIPE = (
    one_source("dedup", "lines", paths="*.jsonl", split_bytes=1024)
    + """
[sources.columns]
url = "url"

{stages}
"""
)
DOCUMENTS = [  # (text, url): numbers are the documents' places
    ("Kaixo, mundua!", "https://eus.example/a?utm_source=x"),  # 0
    ("Kaixo,   mundua!", "https://eus.example/b"),  # 1 the text of 0
    ("Beste testu bat.", "http://EUS.example/a"),  # 2 the address of 0
    ("Hirugarren testua.", None),  # 3
    ("Laugarren testua.", None),  # 4 no address either, and so no duplicate
    ("Beste testu bat.", "https://eus.example/c"),  # 5 the text of 2
]
CASES = {
    "exact alone": (["exact"], {1: 0, 5: 2}),
    "url alone": (["url"], {2: 0}),
    "exact, then url": (["exact", "url"], {1: 0, 5: 2, 2: 0}),
    "url, then exact: 5 outlives 2, which was removed before": (["url", "exact"], {2: 0, 1: 0}),
}


@pytest.mark.parametrize(("stages", "expected"), CASES.values(), ids=CASES.keys())
def test_stages_in_order(stages: list[str], expected: dict[int, int], tmp_path: Path) -> None:
    for place, (text, url) in enumerate(DOCUMENTS):
        filler = "".join(
            json.dumps({"text": f"{place} {n}", "url": None}) + "\n" for n in range(40)
        )
        line = json.dumps({"text": text, "url": url}) + "\n"
        (tmp_path / f"{place}.jsonl").write_text(line + filler)  # several splits a file
    (tmp_path / "dedup.toml").write_text(
        RECIPE.format(stages="\n".join(f'[[dedup]]\nstage = "{stage}"' for stage in stages))
    )
    run(tmp_path / "dedup.toml", tmp_path / "out")
    ledger = ds.dataset(tmp_path / "out/ledger").to_table().to_pylist()
    place_of = {row["id"]: int(row["path"][0]) for row in ledger if row["position"] == 0}
    found = {
        place_of[row["id"]]: place_of[row["duplicate_of"]]
        for row in ledger
        if row["fate"] == "duplicate"
    }
    assert found == expected
    values = {row["stage"]: row["value"] for row in ledger if row["fate"] == "duplicate"}
    assert values == {stage: {"exact": 1.0, "url": None}[stage] for stage in values}, (
        "addresses say nothing of texts"
    )
    published = ds.dataset(tmp_path / "out/data").to_table().to_pylist()
    stands_for = {
        place_of[row["id"]]: row["cluster_size"] for row in published if row["position"] == 0
    }
    assert stands_for == {place: _stands_for(place, expected) for place in stands_for}


def _stands_for(place: int, removed: dict[int, int]) -> int:
    return 1 + sum(
        _stands_for(other, removed) for other, keeper in removed.items() if keeper == place
    )


ORDERS = {
    "a kept column": ('by = ["quality"]\nquality = "votes"', "keep = ['votes']", None),
    "a column that no source keeps": (
        'by = ["quality"]\nquality = "votes"',
        "keep = ['likes']",
        "keepers.quality: sources lines bring no column 'votes'; name it in their `keep`, or choose another column",
    ),
    "a column of text": (
        'by = ["quality"]\nquality = "text"',
        "",
        "keepers.quality: must be a column of numbers, got 'text', which holds large_string",
    ),
    "a score that no stage makes": (
        'by = ["quality"]',
        "",
        "keepers.quality: no stage finds out languages, so language_score is empty; add [[ingest]] stage = "
        '"identify_language", or name another column',
    ),
    "a source": ('by = ["source"]\nsources = ["lines"]', "", None),
    "a source that is none": (
        'by = ["source"]\nsources = ["wiki", "lines"]',
        "",
        "keepers.sources: no source is called wiki; there are lines",
    ),
}


@pytest.mark.parametrize(("order", "kept", "problem"), ORDERS.values(), ids=ORDERS.keys())
def test_what_keepers_go_by_is_there(order: str, kept: str, problem: str | None) -> None:
    text = RECIPE.format(stages=f'[[dedup]]\nstage = "exact"\n[keepers]\n{order}')
    recipe = parse_recipe(text.replace("[sources.columns]", f"{kept}\n[sources.columns]"), Recipe)
    assert stage_problems(recipe) == ([problem] if problem else [])
