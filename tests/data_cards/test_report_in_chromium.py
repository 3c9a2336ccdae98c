"""The report of 500 languages in a browser: quick, searchable, inert, and whole on a phone; in light
and dark. Screenshots are kept in pytest's folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

HOSTILE = (
    "</title><script>alert('x')</script> </blockquote></details> \u202eright to left\u0000 "
    "\x1b[31m <img src=x onerror=alert(1)> {{ 7*7 }} javascript:alert(1)"
)
LANGUAGES = 500
SECONDS = 2.0
PHONE, DESKTOP = {"width": 375, "height": 740}, {"width": 1280, "height": 900}
SCRIPTS = ("eus_Latn", "uig_Arab", "mon_Mong", "tha_Thai", "hin_Deva", "und_Zyyy")


@pytest.fixture(scope="module")
def report(
    make_published: Callable[..., Any],
    make_row: Callable[..., Any],
    declaration: Mapping[str, list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    labels = [*SCRIPTS[:-1], *(label for label in declaration if label not in SCRIPTS)]
    documents = {
        label: [make_row(text, n, label) for n, text in enumerate(declaration[label][:2])]
        for label in labels[: LANGUAGES - 1]
    }
    hostile = [HOSTILE, "\u202e\u2066" * 50, "a" * 3000, "\u0301" * 2000]
    documents["und_Zyyy"] = [make_row(text, n, "und_Zyyy") for n, text in enumerate(hostile)]
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(make_published(documents, title=HOSTILE).text("report.html"), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Callable[..., Page]]:
    """Open the report; whatever the browser complains of fails the test at its end."""
    problems: list[str] = []
    fetched: list[str] = []

    def open_(size: Mapping[str, int], scheme: str = "light") -> Page:
        page = browser.new_page(viewport=dict(size), color_scheme=scheme)  # type: ignore[arg-type]
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(report.as_uri())
        return page

    yield open_
    assert not problems
    assert {url.partition("#")[0] for url in fetched} == {report.as_uri()}


def test_hundreds_of_languages_load_at_once(opened: Callable[..., Page]) -> None:
    """In seconds of the page's own thread, which other work on the machine does not lengthen."""
    page = opened(DESKTOP)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.reload()
    found = session.send("Performance.getMetrics")["metrics"]
    metrics = {metric["name"]: metric["value"] for metric in found}
    assert 0 < metrics["TaskDuration"] < SECONDS
    assert metrics["LayoutCount"] < 50
    assert page.locator("#languages-table tbody tr").count() == LANGUAGES


def test_the_table_is_searched_and_sorted(opened: Callable[..., Page]) -> None:
    page = opened(DESKTOP)
    page.fill("#find", "ug-arab")
    assert page.locator("#languages-table tbody tr:visible code").all_inner_texts() == ["uig_Arab"]
    assert page.locator("#samples > details:visible").count() == 1
    assert page.inner_text("#found").startswith(f"1 of {LANGUAGES}")
    page.fill("#find", "no such language")
    assert page.inner_text("#found") == "nothing found"
    page.fill("#find", "")
    page.get_by_role("button", name="Language", exact=True).click()
    names = page.locator("#languages-table tbody tr:visible td:nth-child(2)").all_inner_texts()
    assert len(names) >= 40
    assert names[:5] == sorted(names[:5], key=str.lower)


def test_a_long_table_is_folded_until_asked(opened: Callable[..., Page]) -> None:
    page = opened(DESKTOP)
    rows = page.locator("#languages-table tbody tr:visible")
    assert rows.count() == page.locator("#samples > details:visible").count() == 40
    page.evaluate("location.hash = '#und_Zyyy'")
    assert page.locator("#und_Zyyy").is_visible()
    page.get_by_role("button", name=f"Show all {LANGUAGES}").click()
    assert rows.count() == LANGUAGES


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", PHONE), ("dark", DESKTOP)], ids=["phone", "desktop"]
)
def test_nothing_is_wider_than_the_screen(
    opened: Callable[..., Page], size: Mapping[str, int], scheme: str, tmp_path: Path
) -> None:
    page = opened(size, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = false; })")
    for place in ("top", "languages", "samples"):
        page.evaluate(f"location.hash = '#{place}'")
        if place == "samples":
            page.fill("#find", "mongolian")
            page.evaluate("location.hash = '#mon_Mong'")
        page.screenshot(path=tmp_path / f"{place}.png")


def test_the_first_column_stays_where_a_table_is_scrolled(
    opened: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened(PHONE, "dark")
    page.evaluate("location.hash = '#texts'")
    page.locator("#texts .wide").first.evaluate("table => { table.scrollLeft = 400; }")
    box = page.locator("#texts tbody tr td:first-child").first.bounding_box()
    assert box is not None
    assert 0 <= box["x"] < 40
    assert 80 < box["width"] < PHONE["width"] / 2
    page.screenshot(path=tmp_path / "texts.png")


def test_hostile_samples_are_text(opened: Callable[..., Page]) -> None:
    page = opened(DESKTOP)
    assert page.title().startswith("</title><script>alert('x')</script>")
    assert page.locator("script").count() == 1
    page.evaluate("document.getElementById('und_Zyyy').open = true")
    sample = page.locator("#und_Zyyy blockquote p").first
    assert "<script>alert('x')</script>" in page.inner_text("#und_Zyyy")
    # An override ends with its paragraph: what follows reads from left to right.
    assert sample.evaluate("p => getComputedStyle(p).unicodeBidi") == "plaintext"


DIRECTIONS = {
    "Uyghur runs from right to left": ("uig_Arab", "rtl", "horizontal-tb"),
    "Mongolian runs from top to bottom": ("mon_Mong", "ltr", "vertical-lr"),
    "Thai runs from left to right": ("tha_Thai", "ltr", "horizontal-tb"),
}


@pytest.mark.parametrize(("label", "direction", "mode"), DIRECTIONS.values(), ids=DIRECTIONS)
def test_scripts_run_in_their_direction(
    opened: Callable[..., Page], label: str, direction: str, mode: str
) -> None:
    page = opened(PHONE)
    page.evaluate(f"location.hash = '#{label}'")
    sample = page.locator(f"#{label} blockquote p").first
    assert sample.evaluate("p => getComputedStyle(p).writingMode") == mode
    assert sample.evaluate(f"p => p.matches(':dir({direction})')")
    box = sample.bounding_box()
    assert box is not None
    assert box["height"] < 600
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
