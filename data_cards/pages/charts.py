"""Draw the charts of a card as SVG: plain shapes and text, no script, no font, no reference to
anything outside.

A chart stands on its own ground, so that it reads well on a page whose theme is not the system's,
and follows the reader's light or dark preference. Widths are fixed; a label too long for its place
is cut, with the whole as tooltip.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from data_cards.display import ELLIPSIS, one_line
from data_cards.languages import is_language
from data_cards.sections.funnel import FunnelStep
from data_cards.sections.overview import compact
from schemas.card.statistics import SHARE_BINS

WIDTH = 620
MOST_BARS = 30
_PADDING = 24
_TOP = 76  # below title and subtitle
_GLYPH = 6.8  # widest usual advance of a 13 px sans-serif letter

_LIGHT = {
    "ground": "#ffffff",
    "edge": "#d5dae1",
    "ink": "#1c2128",
    "faint": "#5b6673",
    "grid": "#e7eaee",
    "main": "#1f6f8b",
    "rest": "#9aa7b4",
    "dropped": "#c98a1b",
    "duplicate": "#7d62b3",
    "failed": "#bf4a3f",
}
_DARK = {
    "ground": "#161b22",
    "edge": "#30363d",
    "ink": "#e6edf3",
    "faint": "#9aa4af",
    "grid": "#262c35",
    "main": "#58b2d1",
    "rest": "#5f6b77",
    "dropped": "#d9a441",
    "duplicate": "#a58bd6",
    "failed": "#e0746a",
}
CHART_STYLE = (
    ".chart text{font:13px system-ui,-apple-system,'Segoe UI','Noto Sans',sans-serif;fill:var(--ink)}"
    ".chart .title{font-size:17px;font-weight:600}"
    ".chart .faint{fill:var(--faint)}"
    ".chart .small{font-size:11.5px;fill:var(--faint)}"
    ".chart .ground{fill:var(--ground);stroke:var(--edge)}"
    ".chart .grid{stroke:var(--grid)}"
    + "".join(
        f".chart .{name}{{fill:var(--{name})}}"
        for name in ("main", "rest", "dropped", "duplicate", "failed")
    )
)
PALETTE_STYLE = (
    ":root{"
    + "".join(f"--{name}:{value};" for name, value in _LIGHT.items())
    + "}@media (prefers-color-scheme:dark){:root{"
    + "".join(f"--{name}:{value};" for name, value in _DARK.items())
    + "}}"
)


class Chart(NamedTuple):
    """A drawing: its size in px, what it shows in words, and its SVG elements."""

    width: int
    height: int
    label: str
    body: str

    def inline(self) -> str:
        """SVG for a page that brings the style."""
        return (
            f'<svg class="chart" role="img" aria-label="{_escape(self.label)}" width="{self.width}" '
            f'height="{self.height}" viewBox="0 0 {self.width} {self.height}">{self.body}</svg>'
        )

    def standalone(self) -> str:
        """SVG as a file of its own."""
        svg = self.inline().replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        head, body = svg.split(">", 1)
        return f"{head}>\n<style>{PALETTE_STYLE}{CHART_STYLE}</style>\n{body}\n"


class Bar(NamedTuple):
    """A language and its size in code points."""

    name: str
    label: str
    code_points: int
    documents: int


def language_chart(bars: Sequence[Bar]) -> Chart:
    """Bars of code points on a logarithmic scale, the largest MOST_BARS, then all others as one.

    What is in no known language stands after all that is.
    """
    ranked = sorted(bars, key=lambda bar: (not is_language(bar.label), -bar.code_points, bar.label))
    shown, others = ranked[:MOST_BARS], ranked[MOST_BARS:]
    if others:
        rest = Bar(
            f"{len(others)} more",
            "",
            sum(bar.code_points for bar in others),
            sum(bar.documents for bar in others),
        )
        shown = [*shown, rest]
    sizes = [max(1, bar.code_points) for bar in shown] or [1]
    low = max(0, math.floor(math.log10(min(sizes))) - 1)
    high = max(low + 1, math.ceil(math.log10(max(sizes))))
    left, right, row = 244, WIDTH - 128, 23
    bottom = _TOP + row * len(shown)

    def x(size: float) -> float:
        return left + (right - left) * (math.log10(size) - low) / (high - low)

    parts = []
    decades = range(low, high + 1, max(1, (high - low) // 6))
    for power in decades:
        parts.append(_line(x(10**power), _TOP - 6, x(10**power), bottom + 4))
        parts.append(_text(x(10**power), bottom + 20, compact(10**power), "small", "middle"))
    for number, bar in enumerate(shown):
        y = _TOP + row * number
        unit = "doc" if bar.documents == 1 else "docs"
        end = x(max(1, bar.code_points))
        room = (left - 10 - _PADDING) / _GLYPH - len(bar.label) - 1
        parts.append(
            f'<text x="{left - 10}" y="{y + 15}" text-anchor="end">{_escape(_shortened(bar.name, room))}'
            f'<tspan class="faint" dx="6">{_escape(bar.label)}</tspan>{_tooltip(bar.name)}</text>'
        )
        parts.append(
            _rect((left, y + 3, max(1.0, end - left), row - 7), "main" if bar.label else "rest", 2)
        )
        parts.append(
            f'<text x="{end + 8:.1f}" y="{y + 15}">{compact(bar.code_points)}'
            f'<tspan class="faint"> in {compact(bar.documents)} {unit}</tspan></text>'
        )
    words = "; ".join(f"{bar.name} {bar.code_points}" for bar in shown[:5])
    return _framed(
        bottom + 38,
        "Languages by size",
        "code points, logarithmic scale; number of documents next to each bar",
        f"Languages by size in code points: {words or 'none'}",
        parts,
    )


def length_chart(bins: Sequence[int]) -> Chart:
    """Documents by length, in bins that double in width."""
    used = [number for number, count in enumerate(bins) if count] or [0]
    first, last = used[0], used[-1]
    labels = [compact(_lower_end(number)) for number in range(first, last + 2)]
    return _histogram(
        bins[first : last + 1],
        labels,
        "Document length",
        "documents by number of code points; each bin is twice as wide as the one before",
    )


def _lower_end(length_bin: int) -> int:
    return 2 ** (length_bin - 1) if length_bin else 0


def score_chart(bins: Sequence[int]) -> Chart:
    """Documents by language score, from 0 to 1."""
    labels = [
        f"{number / SHARE_BINS:g}" if number % 2 == 0 else "" for number in range(SHARE_BINS + 1)
    ]
    return _histogram(
        bins or (0,) * SHARE_BINS,
        labels,
        "Language score",
        "documents by the probability that their language is right",
    )


def _histogram(bins: Sequence[int], edges: Sequence[str], title: str, subtitle: str) -> Chart:
    """Vertical bars, each with its count, between labelled edges."""
    tallest, height = max(bins, default=0), 190
    step = (WIDTH - 2 * _PADDING) / max(len(bins), 6)
    left = (WIDTH - step * len(bins)) / 2
    base = _TOP + 14 + height
    parts = [_line(_PADDING, base, WIDTH - _PADDING, base)]
    for number, count in enumerate(bins):
        x = left + step * number
        tall = max(1.5, height * count / tallest) if count else 0.0
        if count:
            parts.append(_rect((x + 1.5, base - tall, step - 3, tall), "main", 2))
            parts.append(_text(x + step / 2, base - tall - 6, compact(count), "small", "middle"))
    for number, edge in enumerate(edges):
        if edge and (len(bins) <= 20 or number % 2 == 0):
            parts.append(_text(left + step * number, base + 18, edge, "small", "middle"))
    words = ", ".join(
        f"{count} from {edge}" for count, edge in zip(bins, edges, strict=False) if count and edge
    )
    return _framed(base + 36, title, subtitle, f"{title}: {words or 'no documents'}", parts)


def funnel_chart(steps: Sequence[FunnelStep]) -> Chart:
    """What goes on and what is lost at each step, on a linear scale of documents."""
    total = max((step.documents_in for step in steps), default=0)
    left, right, row = 232, WIDTH - 132, 32
    parts, legend_x = [], float(_PADDING)
    for name, words in (
        ("main", "goes on"),
        ("dropped", "dropped"),
        ("duplicate", "duplicate"),
        ("failed", "failed"),
    ):
        parts.append(_rect((legend_x, 66, 11, 11), name, 2))
        parts.append(_text(legend_x + 17, 76, words, "small"))
        legend_x += 34 + len(words) * 6.4
    top = _TOP + 22
    for number, step in enumerate(steps):
        y = top + row * number
        name = f"{step.step.phase} \u203a {step.step.stage}"
        room = (left - 12 - _PADDING) / _GLYPH
        parts.append(
            f'<text x="{left - 12}" y="{y + 17}" text-anchor="end">'
            f"{_escape(_shortened(name, room))}{_tooltip(name)}</text>"
        )
        x = float(left)
        lost = {
            fate: sum(loss.documents for loss in step.losses if loss.fate == fate)
            for fate in ("dropped", "duplicate", "failed")
        }
        for kind, count in (("main", step.documents_out), *lost.items()):
            if count:
                wide = max(1.5, (right - left) * count / total)
                parts.append(_rect((x, y + 4, wide, row - 11), kind, 1))
                x += wide
        gone = step.documents_in - step.documents_out
        change = f" \u2212{compact(gone)} ({gone / step.documents_in:.1%})" if gone else ""
        parts.append(
            f'<text x="{right + 12}" y="{y + 17}">{compact(step.documents_out)}'
            f'<tspan class="faint">{change}</tspan></text>'
        )
    read, out = (steps[0].documents_in, steps[-1].documents_out) if steps else (0, 0)
    made = sum(step.step.created for step in steps)
    words = (
        f"{read:,} documents read, "
        + (f"{made:,} made from them, " if made else "")
        + f"{out:,} published"
    )
    return _framed(
        top + row * len(steps) + 14,
        "From source to shelf",
        f"{words}; each bar shows what a step took in",
        f"Funnel: {words}",
        parts,
    )


def sparkline(bins: Sequence[int], label: str) -> Chart:
    """A histogram the size of a word."""
    used = [number for number, count in enumerate(bins) if count]
    shown = bins[used[0] : used[-1] + 1] if used else ()
    step, height, tallest = 7, 26, max(bins, default=0)
    talls = [max(1.5, height * count / tallest) for count in shown if count]
    places = [step * number for number, count in enumerate(shown) if count]
    parts = [
        _rect((x, height - tall, step - 1, tall)) for x, tall in zip(places, talls, strict=True)
    ]
    return Chart(max(step, step * len(shown)), height, label, "".join(parts))


def _framed(height: float, title: str, subtitle: str, label: str, parts: Iterable[str]) -> Chart:
    tall = math.ceil(height)
    frame = f'<rect class="ground" x=".5" y=".5" width="{WIDTH - 1}" height="{tall - 1}" rx="8"/>'
    head = _text(_PADDING, 34, title, "title") + _text(_PADDING, 54, subtitle, "small")
    return Chart(WIDTH, tall, label, frame + head + "".join(parts))


def _escape(text: str) -> str:
    return html.escape(one_line(text))


def _tooltip(text: str) -> str:
    return f"<title>{_escape(text)}</title>"


def _shortened(text: str, room: float) -> str:
    line = one_line(text)
    return line if len(line) <= room else line[: max(1, int(room) - 1)].rstrip() + ELLIPSIS


def _text(x: float, y: float, content: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_escape(content)}</text>'


def _rect(box: tuple[float, float, float, float], kind: str = "main", radius: int = 0) -> str:
    """Draw a rectangle; its box is left, top, width, height."""
    x, y, width, height = box
    corner = f' rx="{radius}"' if radius else ""
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{corner}/>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
