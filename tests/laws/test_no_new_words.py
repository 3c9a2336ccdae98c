"""Law 8: where parts of texts are removed, every word that is left is a word of the original, in
its place."""

from __future__ import annotations

import json
import re

import pyarrow.dataset as ds
import pytest
from gflanguages import LoadLanguages

from tests.recipes import one_source
from tests.running import run

SPACED = ("eu_Latn", "mt_Latn", "yo_Latn", "de_Latn", "ru_Cyrl", "ug_Arab", "hi_Deva")
ONE_RUN = ("th_Thai", "km_Khmr", "lo_Laoo", "my_Mymr", "ja_Jpan", "zh_Hans", "bo_Tibt", "am_Ethi")
AROUND = ("\n\n", "\n", " ", "", " \u2013 ", "\n\n\n", "\r\n", ". ")
RECIPE = (
    one_source("shared_passages", options='columns = { id = "name" }')
    + """
[[dedup]]
stage = "lines"

[[dedup]]
stage = "spans"
"""
)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str, str]]:
    """Run the two stages over documents that share passages: language, original and published text
    of each."""
    folder = tmp_path_factory.mktemp("shared_passages")
    (folder / "recipe.toml").write_text(RECIPE)
    originals, samples = {}, LoadLanguages()
    for code in (*SPACED, *ONE_RUN):
        sample = samples[code].sample_text
        own = sample.specimen_48 + "\n" + sample.specimen_36
        for number in range(24):
            before, after = (AROUND[(number * step) % len(AROUND)] for step in (1, 3))
            half = len(own) * (number % 5 + 1) // 7
            text = f"{own[half:]} {number}{before}{sample.specimen_21}{after}{own[:half]} {number}"
            originals[f"{code}-{number}"] = (code, text)
    rows = ({"name": name, "text": text} for name, (_, text) in originals.items())
    (folder / "pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run(folder / "recipe.toml", folder / "out")
    published = ds.dataset(folder / "out/data").to_table(columns=["id", "text"]).to_pylist()
    return {row["id"]: (*originals[row["id"]], row["text"]) for row in published}


def test_words_that_are_left_are_words_of_the_original(
    texts: dict[str, tuple[str, str, str]],
) -> None:
    for name, (code, original, left) in texts.items():
        for pattern in (r"\w+", r"\S+") if code in SPACED else (r"\w+",):
            words = iter(re.findall(pattern, original))
            assert all(word in words for word in re.findall(pattern, left)), f"{name}: {left}"


def test_the_shared_passages_are_gone(texts: dict[str, tuple[str, str, str]]) -> None:
    for code in (*SPACED, *ONE_RUN):
        shorter = [
            name
            for name, (of, original, left) in texts.items()
            if of == code and len(left) < len(original)
        ]
        assert shorter, f"{code}: or the law says nothing"
