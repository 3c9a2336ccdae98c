"""Pages that a machine translated, planted beside pages that were written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from schemas.document import DOCUMENT, TRANSLATION_EVIDENCE
from stages.translated_pages import TranslatedPagesConfig, translated_pages
from tests.declaration import DECLARATION
from tests.running import run

BASQUE = " ".join(DECLARATION["eus_Latn"])
SPANISH = " ".join(DECLARATION["spa_Latn"])
UNKNOWN = "La *Gizon de las *emakume libres *jaiotzen en dignidad y *eskubide iguales."  # as Apertium marks them
WEGLOT = '<script type="application/json" id="weglot-data">{"a":1,"language_from":"en","languages":[]}</script>'
GTRANSLATE = (
    '<script>window.gtranslateSettings = {"default_language":"en","native_language_names":true,'
    '"url_structure":"sub_directory","languages":["en","eu"]}</script>'
)


def page(text: str = BASQUE, root: str = 'lang="eu"', head: str = "") -> str:
    return f"<!DOCTYPE html><html {root}><head>{head}</head><body><p>{text}</p></body></html>"


def alternates(count: int) -> str:
    return links([f"{letter}a" for letter in "abcdefghijklmnop"[:count]])


def links(codes: Sequence[str]) -> str:
    return "".join(f'<link rel="alternate" hreflang="{c}" href="/{c}/">\n' for c in codes)


PAGES = {  # text, page, address, evidence
    "written": (BASQUE, page(), None, None),
    "text without a page": (BASQUE, None, None, None),
    "Google's class": (
        BASQUE,
        page(root='lang="eu" class="no-js translated-ltr"'),
        None,
        "translated_by_browser",
    ),
    "Google's class, right to left": (
        BASQUE,
        page(root="class='translated-rtl'"),
        None,
        "translated_by_browser",
    ),
    "the class is only talked of": (BASQUE, page("class=&quot;translated-ltr&quot;"), None, None),
    "a script that looks for the class": (
        BASQUE,
        page(head="<script>has('translated-ltr')</script>"),
        None,
        None,
    ),
    "Google's font": (
        BASQUE,
        page(
            f'<font style="vertical-align: inherit;"><font style="vertical-align: inherit;">{BASQUE}</font></font>'
        ),
        None,
        "translated_by_browser",
    ),
    "Google's font with a direction": (
        BASQUE,
        page(2 * '<font dir="auto" style="vertical-align: inherit;">' + BASQUE),
        None,
        "translated_by_browser",
    ),
    "many countries, few languages": (
        BASQUE,
        page(head=links(["x-default", *(f"es-{a}{b}" for a in "ABCD" for b in "XYZ"), "eu"])),
        None,
        None,
    ),
    "Microsoft's attributes": (
        BASQUE,
        page(f'<b _msttexthash="42250" _msthash="1">{BASQUE}</b>'),
        None,
        "translated_by_browser",
    ),
    "a widget offers translation": (
        BASQUE,
        page(head='<script src="//translate.google.com/translate_a/element.js?cb=i"></script>'),
        None,
        None,
    ),
    "a proxy": (
        BASQUE,
        page(),
        "https://example-org.translate.goog/a?_x_tr_tl=eu",
        "translation_proxy",
    ),
    "an address that names one": (BASQUE, page(), "https://example.org/translate.goog/", None),
    "Weglot, translated": (BASQUE, page(head=WEGLOT), None, "translation_service"),
    "Weglot, the original": (SPANISH, page(root='lang="en-GB"', head=WEGLOT), None, None),
    "GTranslate, translated": (BASQUE, page(head=GTRANSLATE), None, "translation_service"),
    "GTranslate in the browser alone": (
        BASQUE,
        page(head=GTRANSLATE.replace('"url_structure":"sub_directory",', "")),
        None,
        None,
    ),
    "unknown words of an engine of rules": (UNKNOWN, page(UNKNOWN), None, "unknown_words"),
    "emphasis": ("Un *texto* con *tres* o *cuatro* partes *dichas* con fuerza.", None, None, None),
    "bullets": ("*uno\n*dos\n*tres\n*cuatro", None, None, None),
    "alternates in many languages": (BASQUE, page(head=alternates(12)), None, "many_languages"),
    "alternates in some": (BASQUE, page(head=alternates(11)), None, None),
}


def batch_of_pages() -> pa.RecordBatch:
    texts, pages, urls, _ = zip(*PAGES.values(), strict=True)
    rows = len(texts)
    known = {
        "id": pa.array(list(PAGES)),
        "text": pa.array(texts, pa.large_string()),
        "language": pa.repeat("eus", rows),
        "script": pa.repeat("Latn", rows),
        "url": pa.array(urls, pa.string()),
    }
    arrays = [
        known[f.name].cast(f.type) if f.name in known else pa.nulls(rows, f.type) for f in DOCUMENT
    ]
    raw = pa.array([text and text.encode() for text in pages], pa.large_binary())
    return pa.RecordBatch.from_arrays([*arrays, raw], [*DOCUMENT.names, "raw"])


def test_each_page_is_marked_by_its_evidence() -> None:
    found = translated_pages(batch_of_pages(), TranslatedPagesConfig())
    assert not found.rejected.num_rows
    marks = dict(
        zip(
            found.kept["id"].to_pylist(),
            found.kept[TRANSLATION_EVIDENCE.name].to_pylist(),
            strict=True,
        )
    )
    assert marks == {fact: evidence for fact, (*_, evidence) in PAGES.items()}
    counted = {row["rule"]: row["documents"] for row in found.changes.to_pylist()}
    assert counted["translated_by_browser"] == 5
    assert sum(counted.values()) == sum(mark is not None for mark in marks.values())


@pytest.mark.parametrize("drop", [("unknown_words",), ("translation_proxy", "many_languages")])
def test_what_the_recipe_names_is_dropped(drop: tuple[str, ...]) -> None:
    found = translated_pages(batch_of_pages(), TranslatedPagesConfig.model_validate({"drop": drop}))
    assert sorted(found.rejected["detail"].to_pylist()) == sorted(drop)
    assert set(found.rejected["reason"].to_pylist()) == {"machine_translated"}
    assert found.kept.num_rows + found.rejected.num_rows == len(PAGES)


def test_a_hostile_page_takes_linear_time() -> None:
    batch = batch_of_pages().slice(0, 1)
    raw = pa.array([b"<html " + b'class="' * 200_000 + b"<link " * 100_000], pa.large_binary())
    batch = batch.set_column(batch.schema.get_field_index("raw"), "raw", raw)
    assert translated_pages(batch, TranslatedPagesConfig()).kept.num_rows == 1


RECIPE = """
[corpus]
name = "pages"

[[sources]]
name = "pages"
format = "html"
paths = ["pages"]

[[ingest]]
stage = "extract_text"

[[ingest]]
stage = "identify_language"

[[ingest]]
stage = "translated_pages"
drop = ["translation_service"]
"""


def test_pages_are_marked_dropped_and_counted_by_language(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    for fact in ("written", "Google's class", "Weglot, translated"):
        _, content, _, _ = PAGES[fact]
        (tmp_path / f"pages/{fact[:3]}.html").write_text(content or "", "utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    run(tmp_path / "recipe.toml", tmp_path / "out", "--workers", "1")
    published = (
        ds.dataset(tmp_path / "out/data").to_table(["path", "translation_evidence"]).to_pylist()
    )
    assert {row["path"][-8:]: row["translation_evidence"] for row in published} == {
        "Goo.html": "translated_by_browser",
        "wri.html": None,
    }
    ledger = ds.dataset(tmp_path / "out/ledger").to_table().to_pylist()
    (dropped,) = [row for row in ledger if row["fate"] == "dropped"]
    assert (dropped["stage"], dropped["reason"], dropped["detail"]) == (
        "translated_pages",
        "machine_translated",
        "translation_service",
    )
    assert "translated_by_browser" in (tmp_path / "out/README.md").read_text("utf-8")
