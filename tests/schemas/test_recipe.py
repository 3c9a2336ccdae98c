"""A recipe's mistakes are all reported at once, with line, path and alternatives."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from pipelines.catalogue.stages import Recipe
from schemas.recipe import RecipeError, parse_recipe
from schemas.source import CsvSource, TextSource

GOOD = """
[corpus]
name = "eus_web"
licence = "cc0-1.0"

[[sources]]
name = "crawl"
format = "warc"
paths = ["*.warc.gz"]

[[ingest]]
stage = "extract_text"

[[ingest]]
stage = "filter_length"
min_code_points = 50

[[dedup]]
stage = "exact"
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(RecipeError) as raised:
        parse_recipe(text, Recipe, "eus.toml")
    assert all(line.startswith("eus.toml: ") for line in str(raised.value).splitlines())
    return raised.value.problems


def test_good_recipe() -> None:
    recipe = parse_recipe(GOOD, Recipe)
    assert [stage.stage for stage in recipe.ingest] == ["extract_text", "filter_length"]
    assert recipe.publish.shard_bytes == 500_000_000


MISTAKES = {
    "unknown key, with the one that was meant": (
        GOOD.replace("min_code_points = 50", "min_codepoints = 50"),
        r"line 16: ingest\[1\]\.min_codepoints: unknown key, did you mean 'min_code_points'\? "
        r"\(known: max_code_points, min_code_points, stage\)",
    ),
    "unknown stage, with all there are": (
        GOOD.replace('"filter_length"', '"filter_lenght"'),
        r"line 15: ingest\[1\]\.stage: unknown stage 'filter_lenght', did you mean 'filter_length'\? "
        r"\(known: extract_text, .*filter_length, .*\)",
    ),
    "unknown format": (
        GOOD.replace('"warc"', '"warcs"'),
        r"line 8: sources\[0\]\.format: unknown format 'warcs', did you mean 'warc'\? "
        r"\(known: parquet, jsonl, .*warc.*\)",
    ),
    "missing key": (
        GOOD.replace('name = "eus_web"', ""),
        r"line 2: corpus\.name: required key is missing",
    ),
    "range": (
        GOOD.replace("min_code_points = 50", "min_code_points = -1"),
        r"line 16: ingest\[1\]\.min_code_points: input should be greater than or equal to 0, got -1",
    ),
    "two sources of one name": (
        GOOD + '\n[[sources]]\nname = "crawl"\nformat = "warc"\npaths = ["b"]\n',
        r"line 6: sources: sources must have different names, got crawl more than once",
    ),
    "a text for a list": (
        GOOD.replace('paths = ["*.warc.gz"]', 'paths = "udhr"'),
        r'line 9: sources\[0\]\.paths: must be a list: paths = \["udhr"\]$',
    ),
    "an empty list": (
        GOOD.replace('paths = ["*.warc.gz"]', "paths = []"),
        r"line 9: sources\[0\]\.paths: must have at least 1, has 0$",
    ),
    "a text for a number": (
        GOOD.replace("min_code_points = 50", 'min_code_points = "many"'),
        r"line 16: ingest\[1\]\.min_code_points: must be a whole number, got 'many'$",
    ),
    "a name with a space, and one that would do": (
        GOOD.replace('"eus_web"', '"Under Served"'),
        r"line 3: corpus\.name: must begin with a small letter or digit, .*, "
        r"got 'Under Served'; under_served would do$",
    ),
    "a value that is not one of the few": (
        GOOD + '\n[publish]\nsampling_weight = "cluster-size"\n',
        r"unknown value 'cluster-size', did you mean 'cluster_size'\? \(known: cluster_size, removal_rate\)",
    ),
    "not TOML": (GOOD + "\n= 3", r"not TOML: .*line 21"),
    "unknown table": (
        GOOD + "\n[dedupe]\nx = 1\n",
        r"line 21: dedupe: unknown key, did you mean 'dedup'\?",
    ),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake(text: str, message: str) -> None:
    (problem,) = problems_of(text)
    assert re.search(message, problem), problem


def test_all_mistakes_at_once() -> None:
    text = GOOD.replace("min_code_points = 50", "min_codepoints = 50").replace('"warc"', '"warcs"')
    text = text.replace('"eus_web"', '"E"')
    assert [problem.split(":")[0] for problem in problems_of(text)] == [
        "line 3",
        "line 8",
        "line 16",
    ]


def test_mistakes_within_a_value_are_all_named_at_the_line_of_their_key() -> None:
    table = '\n[[augment]]\nstage = "transliterate"\nschemes = { srp_Cyrl = "serbien", uzb_Cyrl = "uzbek_95" }'
    first, second = problems_of(GOOD + table)
    line = f"line {(GOOD + table).count(chr(10)) + 1}: augment[0].schemes: unknown scheme"
    assert first.startswith(f"{line} 'serbien', did you mean 'serbian'?")
    assert second.startswith(f"{line} 'uzbek_95', did you mean 'uzbek_1995'?")
    missing = table.replace("schemes =", "# schemes =")
    assert "augment[0].schemes: required key is missing" in problems_of(GOOD + missing)[0]


def test_mistakes_in_a_list_of_many_lines_are_each_at_their_line() -> None:
    text = GOOD.replace('paths = ["*.warc.gz"]', 'paths = [\n  "a.warc",\n  "",\n  7,\n]')
    assert [problem.split(":")[0] for problem in problems_of(text)] == ["line 9", "line 11"]


def test_nor_stays_a_string() -> None:
    recipe = parse_recipe(GOOD.replace('name = "eus_web"', 'name = "no"'), Recipe)
    assert recipe.corpus.name == "no"


FILES: dict[str, str] = {"name": "a", "paths": ["a"]}  # type: ignore[dict-item]
ENCODINGS = {
    "a byte order mark is no text": ("utf-8-sig", "utf-8"),
    "Kazakh": ("KZ-1048", "kz1048"),
    "Asian Cyrillic": ("ptcp154", "ptcp154"),
    "a label of the WHATWG": ("x-sjis", "cp932"),
    "Japanese mail, which ends each line in ASCII": ("iso-2022-jp", "iso2022_jp"),
}
REFUSED = (
    "utf-16-le",
    "utf-16be",
    "utf-32",
    "cp500",
    "cp037",
    "utf-7",
    "iso2022_kr",
    "punycode",
    "zip",
    "klingon",
)


@pytest.mark.parametrize(("encoding", "expected"), ENCODINGS.values(), ids=ENCODINGS.keys())
def test_encodings_are_known_by_every_name(encoding: str, expected: str) -> None:
    assert CsvSource(**FILES, format="csv", encoding=encoding).encoding == expected


@pytest.mark.parametrize("encoding", REFUSED)
def test_encodings_in_which_a_line_does_not_end_in_ascii_are_refused(encoding: str) -> None:
    with pytest.raises(ValidationError, match="encoding must "):
        CsvSource(**FILES, format="csv", encoding=encoding)
    with pytest.raises(ValidationError, match="encoding must "):
        TextSource(**FILES, format="text", unit="line", encoding=encoding)


def test_whole_files_may_have_any_encoding_of_text() -> None:
    for encoding in REFUSED[:7]:
        assert TextSource(**FILES, format="text", encoding=encoding).encoding
