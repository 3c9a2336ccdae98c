"""Compare extractors of main text on pages whose main text is known: precision, recall and speed.

    python -m tests.benchmarks.extraction --debs DIR --data DIR

Three kinds of pages: manuals, web pages (`--data`, by default ../shared/data where it is), pages
written by hand. Our engine is measured on web pages by models that have not seen their site: folds
are trained in the run, which needs the extra `training` and takes some minutes. The manuals are
measured by the shipped model, which has seen other pages and some of these; a second figure is by
models that have not seen any page of their generator.

Measure: tokens are runs of letters, marks and digits, and single code points in scripts without
spaces; pages are compared as multisets of 3 consecutive tokens, so a lost paragraph, a kept menu,
two words glued and a changed order all cost. F1 is the mean over the pages of a generator, then
over generators, each counting once.

Web pages are measured by phrases that must, and must not, stand in the text.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import trafilatura

from stages.extraction import training
from stages.extraction.extract import finish, lay_out, read_page, read_pages
from stages.extraction.options import ExtractionConfig
from stages.reading.page_encoding import decode_page
from tests.benchmarks.extraction_training import KINDS, write_tables
from tests.benchmarks.handmade_pages import handmade_pages
from tests.benchmarks.help_pages import download_packages
from tests.benchmarks.manual_pages import HELD_OUT, MANUALS, LabelledPage, labelled_pages, shingles


def blocks(html: str) -> str:
    return read_page(html, ExtractionConfig()).text


def trafilatura_fast(html: str) -> str:
    return trafilatura.extract(html, include_comments=False, fast=True) or ""


def whole_page(html: str) -> str:
    return read_page(html, ExtractionConfig(engine="whole_page")).text


def selectors(html: str) -> str:
    return read_page(html, ExtractionConfig(engine="selectors")).text


def resiliparse_main(html: str) -> str:
    return read_page(html, ExtractionConfig(engine="resiliparse")).text


def trafilatura_default(html: str) -> str:
    return trafilatura.extract(html, include_comments=False) or ""


def trafilatura_precision(html: str) -> str:
    """As datatrove calls it."""
    return (
        trafilatura.extract(html, favor_precision=True, include_comments=False, deduplicate=True)
        or ""
    )


EXTRACTORS: tuple[Callable[[str], str], ...] = (
    blocks,
    selectors,
    resiliparse_main,
    whole_page,
    trafilatura_default,
    trafilatura_fast,
    trafilatura_precision,
)


def scores(expected: Counter[tuple[str, str, str]], text: str) -> tuple[float, float, float]:
    """Return precision, recall and F1 of a text's shingles against the label's."""
    found = shingles(text)
    shared = (found & expected).total()
    precision = shared / found.total() if shared else 0.0
    recall = shared / expected.total()
    return precision, recall, 2 * precision * recall / (precision + recall) if shared else 0.0


def measure_handmade(extract: Callable[[str], str]) -> tuple[float, float, int]:
    """Return F1 on pages written by hand: the mean, and that of the script where it is lowest; and
    the empty texts."""
    by_script: dict[str, list[float]] = {}
    empty = 0
    for page in handmade_pages():
        text = extract(page.html)
        empty += not text.strip()
        by_script.setdefault(page.language.split("_")[1], []).append(
            scores(shingles(page.main), text)[2]
        )
    everything = list(itertools.chain.from_iterable(by_script.values()))
    return statistics.fmean(everything), min(map(statistics.fmean, by_script.values())), empty


# scores of a page's blocks by a model that has not seen its group
Unseen = dict[str, npt.NDArray[np.float32]]


def unseen_scores(tables: list[Path]) -> Unseen:
    """Train models that have not seen a fold of the pages, and score its pages by name."""
    pages = training.read_pages(tables, seed=0)
    scored = training.unseen_scores(pages, *training.TREES, seed=0)
    return {page.name: scores for page, scores in zip(pages, scored, strict=True) if page.name}


def by_unseen(unseen: Unseen, name: str, html: str) -> str:
    """Extract by the scores of a model that has not seen the page; a page without a block has
    none."""
    return finish(lay_out([html]), unseen.get(name, np.zeros(0, np.float32)), ExtractionConfig())[
        0
    ].text


def measure_speed(pages: list[str], size: int) -> dict[str, float]:
    """Pages a CPU second of ours, which reads them in batches as a run does, and of the fast peer,
    which reads one page a call; in turns, of each the best of three rounds."""

    def ours() -> None:
        read_pages([(html, "text/html") for html in pages], ExtractionConfig())

    def peer() -> None:
        for html in pages:
            trafilatura_fast(html)

    seconds: dict[Callable[[], None], list[float]] = {ours: [], peer: []}
    for _ in range(3):
        for extract, rounds in seconds.items():
            begin = time.process_time()
            extract()
            rounds.append(time.process_time() - begin)
    best = {extract: min(rounds) for extract, rounds in seconds.items()}
    return {
        "pages_per_cpu_s": len(pages) / best[ours],
        "peer_pages_per_cpu_s": len(pages) / best[peer],
        "mb_per_cpu_s": size / 1e6 / best[ours],
    }


def phrase_scores(rows: list[dict[str, Any]], texts: list[str]) -> tuple[float, float]:
    """Return F1 of the phrases (white space folded), and the share of the unwanted ones that was
    kept."""
    found, wanted, kept, unwanted = 0, 0, 0, 0
    for row, text in zip(rows, texts, strict=True):
        folded = " ".join(text.split())
        found += sum(" ".join(phrase.split()) in folded for phrase in row["with"])
        kept += sum(" ".join(phrase.split()) in folded for phrase in row["without"])
        wanted, unwanted = wanted + len(row["with"]), unwanted + len(row["without"])
    precision, recall = found / max(found + kept, 1), found / max(wanted, 1)
    return 2 * precision * recall / max(precision + recall, 1e-9), kept / max(unwanted, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--debs", type=Path, help="folder of downloaded packages; default: download them"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data"),
        help="folder of web_pages.parquet and reader_pages.parquet",
    )
    parser.add_argument("--tables", type=Path, help="of extraction_training; default: make them")
    arguments = parser.parse_args()
    # it warns of every page that it finds nothing on
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.debs is None:
            download_packages(sorted({manual.package for manual in MANUALS}), Path(folder))
        manuals = labelled_pages(arguments.debs or Path(folder))
    web = pq.read_table(arguments.data / "web_pages.parquet").to_pylist()
    pages = [decode_page(row["html"]) for row in web]
    size = sum(len(page.html.encode()) for page in manuals) / len(manuals)
    languages = {page.manual.language for page in manuals}
    print(
        f"{len(manuals)} manual pages of {size:,.0f} bytes in {len(languages)} languages, {len(pages)} web pages"
    )
    speeds = measure_speed(pages, sum(len(row["html"]) for row in web))
    with tempfile.TemporaryDirectory() as folder:
        made = (
            [arguments.tables / f"{kind}.parquet" for kind in KINDS] if arguments.tables else None
        )
        unseen = unseen_scores(made or write_tables(arguments.data, manuals, Path(folder)))

    print(
        "web: F1 of phrases, share of boilerplate kept, empty; manuals: F1, of held-out generators; handmade: F1, worst"
    )
    figures = {}
    for extract in EXTRACTORS:
        texts = [extract(html) for html in pages]
        if extract is blocks:
            texts = [
                by_unseen(unseen, row["name"], html) for row, html in zip(web, pages, strict=True)
            ]
        f1, kept = phrase_scores(web, texts)
        empty = sum(not text.strip() for text in texts)
        manual_texts = [extract(page.html) for page in manuals]
        empty += sum(not text.strip() for text in manual_texts)
        by_generator = manual_scores(manuals, manual_texts)
        handmade, worst, empty_handmade = measure_handmade(extract)
        figures[extract] = Figures(
            f1, kept, empty + empty_handmade, manual_f1(by_generator), handmade, worst
        )
        held_out = manual_f1({name: by_generator[name] for name in HELD_OUT})
        print(
            extract.__name__.ljust(22),
            *(f"{figure:.3f}" for figure in (*figures[extract], held_out)),
        )
    texts = [by_unseen(unseen, page.name, page.html) for page in manuals]
    print(
        f"blocks on manuals, no generator seen in training: F1 {manual_f1(manual_scores(manuals, texts)):.3f}"
    )
    ours, peer = figures[blocks], figures[trafilatura_default]
    keys = {
        "web_f1": ours.web_f1,
        "web_peer_f1": peer.web_f1,
        "web_kept_boilerplate": ours.web_kept_boilerplate,
        "manuals_f1": ours.manuals_f1,
        "handmade_f1": ours.handmade_f1,
        "handmade_worst_script_f1": ours.handmade_worst_script_f1,
        "empty": ours.empty,
        **speeds,
    }
    print(json.dumps({key: round(value, 4) for key, value in keys.items()}))


class Figures(NamedTuple):
    """What one extractor reaches."""

    web_f1: float
    web_kept_boilerplate: float
    empty: int
    manuals_f1: float
    handmade_f1: float
    handmade_worst_script_f1: float


def manual_scores(pages: list[LabelledPage], texts: list[str]) -> dict[str, list[float]]:
    """Return F1 of each manual page, by generator."""
    by_generator: dict[str, list[float]] = {}
    for page, text in zip(pages, texts, strict=True):
        by_generator.setdefault(page.manual.generator, []).append(scores(page.tokens, text)[2])
    return by_generator


def manual_f1(by_generator: dict[str, list[float]]) -> float:
    """Return the mean over generators, each counting once."""
    return statistics.fmean(map(statistics.fmean, by_generator.values()))


if __name__ == "__main__":
    main()
