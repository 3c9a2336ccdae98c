"""Charts are well-formed SVG of a few harmless elements, whatever the labels, for one language and
for hundreds."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_cards.pages.charts import (
    MOST_BARS,
    WIDTH,
    Bar,
    Chart,
    funnel_chart,
    language_chart,
    length_chart,
    score_chart,
    sparkline,
)
from data_cards.sections.funnel import FunnelStep, Loss
from schemas.card.funnel import Step
from schemas.card.statistics import LENGTH_BINS, SHARE_BINS

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "style", "g", "rect", "line", "text", "tspan", "title"}
HOSTILE = "<script>\u202e&\"'\x00\x1b]]></text>"


def parsed(chart: Chart) -> ET.Element:
    """The chart's tree: legal XML, of known elements, with nothing that acts or points outside."""
    root = ET.fromstring(chart.standalone())  # noqa: S314 - ours
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ELEMENTS
        assert not [
            name for name in element.attrib if name.startswith("on") or name.endswith("href")
        ]
    assert "url(" not in chart.standalone()
    assert "@import" not in chart.standalone()
    return root


def inside(root: ET.Element) -> None:
    """Every bar lies within the drawing."""
    for rect in root.iter(f"{SVG}rect"):
        x, width = float(rect.get("x", "0")), float(rect.get("width", "0"))
        assert 0 <= x <= x + width <= WIDTH
        y, height = float(rect.get("y", "0")), float(rect.get("height", "0"))
        assert 0 <= y <= y + height <= float(root.get("height", "0"))


def bars(count: int) -> list[Bar]:
    return [
        Bar(f"Language {n}", f"aa{chr(97 + n % 26)}_Latn", 3 * (n + 1) ** 3, n + 1)
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "drawn"), [(0, 0), (1, 1), (MOST_BARS, MOST_BARS), (400, MOST_BARS + 1)]
)
def test_languages(count: int, drawn: int) -> None:
    root = parsed(language_chart(bars(count)))
    inside(root)
    assert len([r for r in root.iter(f"{SVG}rect") if r.get("class") in ("main", "rest")]) == drawn
    texts = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    assert any("370 more" in text for text in texts) == (count == 400)


def test_the_largest_language_comes_first_and_longest() -> None:
    root = parsed(language_chart(bars(5)))
    widths = [
        float(r.get("width", "")) for r in root.iter(f"{SVG}rect") if r.get("class") == "main"
    ]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 5


@pytest.mark.slow
@given(
    st.lists(
        st.builds(
            Bar,
            st.text() | st.just(HOSTILE),
            st.text(),
            st.integers(0, 10**15),
            st.integers(0, 10**9),
        )
    )
)
def test_any_labels_and_sizes_make_well_formed_svg(found: list[Bar]) -> None:
    inside(parsed(language_chart(found)))


@given(st.lists(st.integers(0, 10**12), min_size=LENGTH_BINS, max_size=LENGTH_BINS))
def test_lengths(bins: list[int]) -> None:
    root = parsed(length_chart(bins))
    inside(root)
    drawn = [r for r in root.iter(f"{SVG}rect") if r.get("class") == "main"]
    assert len(drawn) == sum(count > 0 for count in bins)
    parsed(sparkline(bins, HOSTILE))


@pytest.mark.parametrize(
    "bins", [(), (0,) * SHARE_BINS, (1,) + (0,) * (SHARE_BINS - 1), tuple(range(SHARE_BINS))]
)
def test_scores(bins: tuple[int, ...]) -> None:
    root = parsed(score_chart(bins))
    inside(root)
    edges = [text.text for text in root.iter(f"{SVG}text")]
    assert {"0", "0.5", "1"} <= set(edges)


def test_funnel_shows_each_fate_and_hostile_stage_names() -> None:
    steps = [
        FunnelStep(
            Step(phase="ingest", stage=HOSTILE),
            10,
            (Loss("dropped", "short", 3), Loss("failed", "error", 1)),
        ),
        FunnelStep(Step(phase="dedup", stage="exact"), 6, (Loss("duplicate", "same", 6),)),
    ]
    root = parsed(funnel_chart(steps))
    inside(root)
    widths = {
        r.get("class"): float(r.get("width", ""))
        for r in root.iter(f"{SVG}rect")
        if float(r.get("y", "0")) > 90
    }
    assert widths["duplicate"] == pytest.approx(2 * widths["dropped"], abs=0.2)
    assert widths["dropped"] == pytest.approx(3 * widths["failed"], abs=0.3)
    assert "10 documents read, 0 published" in "".join(root.itertext())


def test_no_steps_at_all() -> None:
    inside(parsed(funnel_chart([])))


def test_charts_follow_light_and_dark_and_stand_on_their_own_ground(published: Any) -> None:
    for name in ("languages", "lengths", "scores", "funnel"):
        svg = published.text(f"charts/{name}.svg")
        assert "prefers-color-scheme:dark" in svg
        assert '<rect class="ground"' in svg
        assert ET.fromstring(svg).get("aria-label")  # noqa: S314 - ours
