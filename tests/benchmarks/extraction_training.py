"""Make the tables of labelled pages that the model of main content is trained on.

    python -m tests.benchmarks.extraction_training --data DIR --debs DIR --output tables python -m
    stages.extraction.training tables/{web,reader,manuals,handmade}.parquet --output model.npz

    manuals    pages of Debian's documentation packages, labelled by the rules of `tests.benchmarks.manual_pages`
    handmade   pages of templates in languages that are not measured
    reader     DIR/reader_pages.parquet (name, html, expected_html): the main content as its authors expect it
    web        DIR/web_pages.parquet (name, html, with, without): what several extractors kept, overruled by phrases
               that must, and must not, be there

Pages of one site or one documentation generator are one group, which is never parted between
training and measuring. The tables hold pages of others: they are made where they are needed, and
are no part of this repository. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
import logging
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import trafilatura

from stages.extraction.extract import read_page
from stages.extraction.options import ExtractionConfig
from stages.reading.page_encoding import decode_page
from tests.benchmarks.handmade_pages import TRAINED, TRAINING_LANGUAGES, handmade_pages
from tests.benchmarks.help_pages import download_packages
from tests.benchmarks.manual_pages import (
    GENERATORS,
    HELD_OUT,
    MANUALS,
    LabelledPage,
    labelled_pages,
)

PAGES = pa.schema(
    {
        "name": pa.string(),
        "html": pa.large_binary(),
        "group": pa.string(),
        "weight": pa.float32(),
        "main": pa.string(),
        "left_out": pa.string(),
        "expected_html": pa.large_binary(),
        "outputs": pa.list_(pa.large_string()),
        "votes": pa.list_(pa.float32()),
        "with": pa.list_(pa.string()),
        "without": pa.list_(pa.string()),
    }
)
KINDS = ("web", "reader", "manuals", "handmade")
_ADDRESS = rb'https?://([^"\'/]+)'
_SITE = re.compile(
    rb'rel=["\']?canonical["\']?[^>]*href=["\']%b|property=["\']og:url["\'][^>]*content=["\']%b'
    % (_ADDRESS, _ADDRESS)
)
_HEAD = 200_000  # bytes in which a page names its address


def _rs_trafilatura(html: str) -> str:
    import rs_trafilatura  # only for training

    return rs_trafilatura.extract(html).main_content or ""


def _resiliparse(html: str) -> str:
    try:
        return read_page(html, ExtractionConfig(engine="resiliparse")).text
    except ValueError:  # markup that it cannot parse in linear time
        return ""


LABELLERS: Mapping[str, tuple[Callable[[str], str], float]] = {  # and what each one's vote counts
    "trafilatura": (lambda html: trafilatura.extract(html, include_comments=False) or "", 1.0),
    "trafilatura_fast": (
        lambda html: trafilatura.extract(html, include_comments=False, fast=True) or "",
        1.0,
    ),
    "trafilatura_precision": (
        lambda html: trafilatura.extract(html, include_comments=False, favor_precision=True) or "",
        1.0,
    ),
    "rs_trafilatura": (_rs_trafilatura, 1.0),
    "resiliparse": (_resiliparse, 0.5),
}


def site(html: bytes, name: str) -> str:
    """Return the host that a page names as its own; else the page's name, so that it stands
    alone."""
    found = _SITE.search(html[:_HEAD])
    return (
        (found[1] or found[2]).decode("ascii", "ignore").lower().removeprefix("www.")
        if found
        else name
    )


def web_rows(file: Path) -> list[dict[str, Any]]:
    rows = pq.read_table(file).to_pylist()
    votes = [vote for _, vote in LABELLERS.values()]
    for row in rows:
        html = decode_page(row["html"])
        row |= {"group": f"web {site(row['html'], row['name'])}", "weight": 1.0, "votes": votes}
        row["outputs"] = [label(html) for label, _ in LABELLERS.values()]
    return rows


def reader_rows(file: Path) -> list[dict[str, Any]]:
    rows = pq.read_table(file).to_pylist()
    return [
        row | {"group": f"reader {site(row['html'], row['name'])}", "weight": 0.5} for row in rows
    ]


def manual_rows(pages: list[LabelledPage]) -> list[dict[str, Any]]:
    rules = GENERATORS | HELD_OUT
    return [
        {
            "name": page.name,
            "html": page.html.encode(),
            "group": f"manual {page.manual.generator.split('-')[0]}",
            "weight": 0.5,
            "main": rules[page.manual.generator].main,
            "left_out": rules[page.manual.generator].leave_out,
        }
        for page in pages
    ]


def handmade_rows() -> list[dict[str, Any]]:
    return [
        {
            "name": f"{page.template} {page.language}",
            "html": page.html.encode(),
            "group": f"handmade {page.template}",
            "weight": 0.4,
            "outputs": [page.main],
            "votes": [1.0],
        }
        for page in handmade_pages(TRAINED, TRAINING_LANGUAGES)
    ]


def write_tables(data: Path, manuals: list[LabelledPage], output: Path) -> list[Path]:
    """Write a Parquet file for each kind of page; return them in the order in which they are
    trained on."""
    # it warns of every page that it finds nothing on
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    web, reader = web_rows(data / "web_pages.parquet"), reader_rows(data / "reader_pages.parquet")
    output.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(KINDS, (web, reader, manual_rows(manuals), handmade_rows()), strict=True):
        whole = [dict.fromkeys(PAGES.names) | row for row in rows]
        pq.write_table(pa.Table.from_pylist(whole, PAGES), output / f"{name}.parquet")
    return [output / f"{name}.parquet" for name in KINDS]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder of web_pages.parquet and reader_pages.parquet",
    )
    parser.add_argument(
        "--debs", type=Path, help="folder of downloaded packages; default: download them"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for the tables")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.debs is None:
            download_packages(sorted({manual.package for manual in MANUALS}), Path(folder))
        manuals = labelled_pages(arguments.debs or Path(folder))
    for file in write_tables(arguments.data, manuals, arguments.output):
        print(file)


if __name__ == "__main__":
    main()
