"""A corpus with copies of every kind, of which some texts are withdrawn: found, made, and answered.

Each text has a number of its own, which stands in every copy of it and in all that is made of it,
in whatever language and script. So what is left of a withdrawn text is what has its number.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.declaration import DECLARATION, DIRECTIONS, sentence_table
from tests.endpoints import completion
from tests.planted_generators import good

TABLES = {one: other for pair in DIRECTIONS for one, other in sentence_table(*pair).items()}
TAKEN = range(73_000_000, 73_000_006)  # numbers of the withdrawn texts
OTHERS = range(51_000_000, 51_000_018)
SERBIAN = (
    "Сва људска бића рађају се слободна и једнака у достојанству и правима она су обдарена разумом и свешћу и треба "
    "једни према другима да поступају у духу братства свако има право на живот слободу и безбедност личности нико се "
    "не сме држати у ропству или ропском положају ропство и трговина робљем забрањени су у свим својим облицима"
)
CYRILLIC = "абвгдђежзијклљмнњопрстћуфхцчџшС"
LATIN = "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š S"
RECIPE = """
[corpus]
name = "copies"
licence = "cc0-1.0"

[engine]
split_bytes = 16000

[publish]
shard_bytes = 6000
test = 0.2
index = true
sampling_weight = "cluster_size"

[[sources]]
name = "pages"
format = "jsonl"
paths = ["pages.jsonl"]
columns = { text = "text", url = "url", licence = "licence" }

[[ingest]]
stage = "identify_language"

[[dedup]]
stage = "exact"

[[dedup]]
stage = "near"

[[dedup]]
stage = "across_scripts"
keep = ["Latn"]

[[augment]]
stage = "transliterate"
schemes = { srp_Cyrl = "serbian" }
mode = "parallel"

[decontaminate]
mode = "mask"
min_code_points = 30

[[decontaminate.evaluation_sets]]
name = "questions"
paths = ["questions.jsonl"]
fields = ["text"]
"""
MODELS = """
[[augment]]
stage = "translate"
directions = ["eus_Latn -> spa_Latn"]
outputs = ["documents", "sentence_pairs", "document_pairs", "tmx"]
publish_responses = true
engine = {{ kind = "endpoint", base_url = "{url}", model = "planted", timeout_seconds = 3 }}

[[augment]]
stage = "sample_pairs"
form = "mapping"

[[augment]]
stage = "sample_pairs"
form = "preference"

[[augment]]
stage = "sample_pairs"
form = "interleaved"

[[synthesize]]
strategy = "extractive_qa"
gates = {{ samples = 1 }}
engine = {{ kind = "endpoint", base_url = "{url}", model = "planted", timeout_seconds = 3 }}
"""


def basque(number: int) -> str:
    """Write a text of its own about a number, of which translations and questions can be made."""
    sentences = DECLARATION["eus_Latn"]
    first, second, third, fourth = (sentences[(number + place) % 4] for place in range(4))
    own = f"{first}\n{second[:-1]} ({number}, {number + 10**8}).\n{third}\n{fourth}"
    return f"{own}\n{evaluated(number)} {number} {words_of(number)}."


def words_of(number: int) -> str:
    """Write words that no other number has."""
    return " ".join(f"hitz{number}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")


def evaluated(number: int) -> str:
    """Write a sentence that an evaluation set may have."""
    return f"liburu hau {number} da, eta inon ez dago horrelakorik gehiago"


def serbian(number: int, script: str) -> str:
    """Write a text about a number in one of two scripts: words in an order of their own."""
    words = SERBIAN.split() * 2
    random.Random(number).shuffle(words)
    letters = str.maketrans(dict(zip(CYRILLIC, LATIN.split(), strict=True)))
    text = " ".join(words) if script == "Cyrl" else " ".join(words).translate(letters)
    return f"{text} {number}."


def pages() -> Iterator[dict[str, Any]]:
    """Yield pages, copies before what they are copies of, so that these stand for withdrawn ones."""

    places = itertools.count()

    def page(host: str, text: str) -> dict[str, Any]:
        return {"url": f"https://{host}/{next(places)}", "text": text, "licence": "CC-BY-4.0"}

    yield page("mirror.example", basque(TAKEN[0]))  # equal, and first
    yield page("near.example", basque(TAKEN[1]).replace("liburu", "koaderno"))
    yield page("latin.example", serbian(TAKEN[2], "Latn"))  # kept for the Cyrillic one
    for number in OTHERS:
        text = serbian(number, "Cyrl") if number % 3 == 0 else basque(number)
        yield page(f"site{number % 5}.example", text)
        if number % 6 == 1:
            yield page("copies.example", text)
    yield page("taken.example", basque(TAKEN[0]))
    yield page("www.Taken.example", basque(TAKEN[1]))
    yield page("taken.example", serbian(TAKEN[2], "Cyrl"))
    yield page("taken.example", basque(TAKEN[3]))  # alone
    yield page("taken.example", serbian(TAKEN[4], "Cyrl"))  # alone, but for its transliteration
    yield page("taken.example", basque(TAKEN[5]))
    yield page("later.example", basque(TAKEN[5]))  # equal, and last


REGISTER = """
[[withdrawn]]
host = "taken.example"
date = 2026-05-01
reason = "asked by the owner"
"""


def answered(body: dict[str, Any]) -> dict[str, Any]:
    """Answer questions about a passage, and translate sentences; what is in brackets and what no
    table has stays as it is."""
    if body.get("response_format"):
        return good(body)
    sentence = body["messages"][-1]["content"].rpartition("\n\n")[2]
    marked = re.search(r" ?\([^)]*\)", sentence)
    target = TABLES.get(sentence.replace(marked[0], "") if marked else sentence, sentence)
    return completion(target[:-1].rstrip() + marked[0] + target[-1] if marked else target)


def write_corpus(folder: Path, url: str = "", more: str = "", name: str = "copies") -> Path:
    """Write the pages, a register and a recipe; with the address of an endpoint, one with models."""
    folder.mkdir(exist_ok=True)
    lines = (json.dumps(page, ensure_ascii=False) + "\n" for page in pages())
    (folder / "pages.jsonl").write_text("".join(lines), encoding="utf-8")
    held = [evaluated(TAKEN[3]), evaluated(OTHERS[1])]
    (folder / "questions.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in held), encoding="utf-8"
    )
    (folder / "withdrawn.toml").write_text(REGISTER)
    recipe = folder / f"{name}.toml"
    recipe.write_text(RECIPE + (MODELS.format(url=url) if url else "") + more)
    return recipe


WITHDRAWN = '\n[withdrawn]\nfiles = ["withdrawn.toml"]\n'


def table_rows(folder: Path) -> list[dict[str, Any]]:
    """Read all rows of the Parquet files in a folder, with the folder of each as its subset."""
    return [
        {**row, "subset": str(path.parent.relative_to(folder))}
        for path in sorted(folder.rglob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def left_of(output: Path, numbers: range) -> list[str]:
    """Name every file of a corpus, staging aside, that still has one of some numbers, and how many
    of its rows do; the columns of a Parquet file are searched as text."""
    pattern = re.compile("|".join(map(str, numbers)))
    found = []
    for path in sorted(output.rglob("*")):
        inside = path.relative_to(output)
        if not path.is_file() or inside.parts[0] == "staging":
            continue
        rows = (
            list(map(str, pq.read_table(path).to_pylist()))
            if path.suffix == ".parquet"
            else path.read_text(encoding="utf-8", errors="replace").splitlines()
        )
        if hits := sum(bool(pattern.search(row)) for row in rows):
            found.append(f"{inside}: {hits}")
    return found
