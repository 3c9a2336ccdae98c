"""The report is one file that fetches nothing, runs only its own script, and shows every language's
text unharmed."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any

import pytest

from data_cards.display import visible

VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """Elements with attributes and text, after checking that every element is closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for number in self.open:
            self.elements[number][2].append(data)

    def all(self, tag: str) -> list[tuple[Mapping[str, str | None], str]]:
        return [
            (attributes, "".join(text)) for name, attributes, text in self.elements if name == tag
        ]


@pytest.fixture(scope="module")
def page(published: Any) -> Page:
    return Page(published.text("report.html"))


def test_nothing_is_fetched_and_nothing_acts(page: Page) -> None:
    names = {name for name, _, _ in page.elements}
    assert not names & {
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "video",
        "audio",
        "image",
        "use",
    }
    for _, attributes, _ in page.elements:
        assert not [
            name
            for name in attributes
            if name.startswith("on") or name in ("src", "srcset", "style", "action")
        ]
        assert (attributes.get("href") or "#").startswith("#")
    (style,) = page.all("style")
    assert not re.search(r"url\(|@import|@font-face", style[1])


def test_the_policy_allows_this_style_and_this_script_only(page: Page) -> None:
    (policy,) = [
        a["content"]
        for a, _ in page.all("meta")
        if a.get("http-equiv") == "Content-Security-Policy"
    ]
    directives = dict(part.strip().split(" ", 1) for part in (policy or "").split(";"))
    assert directives["default-src"] == "'none'"
    for name in ("style", "script"):
        ((_, content),) = page.all(name)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert directives[f"{name}-src"] == f"'sha256-{digest}'"


def test_every_sample_of_every_language_is_there_to_read(page: Page, published: Any) -> None:
    shown = [(a.get("lang"), a.get("dir"), text) for a, text in page.all("p") if "lang" in a]
    clusters = [cluster for report in published.card.deduplication for cluster in report.clusters]
    examples = [(cluster, example) for cluster in clusters for example in cluster.examples]
    differing = [example for cluster, example in examples if example.text != cluster.text]
    samples = [sample for part in published.card.statistics.values() for sample in part.samples]
    expected = [
        (text.text, len(text.text) < text.code_points) for text in [*samples, *clusters, *differing]
    ]
    assert 0 < len(differing) < len(examples)
    assert len(shown) == len(expected)
    texts = {text for _, _, text in shown}
    assert texts == {visible(text) + (" \u2026" if cut else "") for text, cut in expected}
    assert {direction for _, direction, _ in shown} == {"auto"}
    assert {"ug-Arab", "bo-Tibt", "km-Khmr", "no-Latn"} <= {tag for tag, _, _ in shown}


def test_languages_link_to_their_samples(page: Page, published: Any) -> None:
    places = {attributes["id"] for attributes, _ in page.all("details") if "id" in attributes}
    links = {(attributes["href"] or "")[1:] for attributes, text in page.all("a") if "_" in text}
    assert places == links == set(published.card.statistics)


def test_figures_add_up_in_the_funnel(page: Page, published: Any) -> None:
    ((_, foot),) = page.all("tfoot")
    read = sum(source.documents for source in published.card.sources)
    kept = sum(part.documents for part in published.card.statistics.values())
    assert foot.strip() == f"all{read}{kept}1952"
    assert read == kept + 19 + 5 + 2


def test_what_differs_within_a_cluster_is_marked(page: Page) -> None:
    marked = [text for _, text in page.all("mark")]
    assert marked == ["Marked", "<mark>x</mark> ", "\u0628\u0627\u0631"]
    captions = [text for _, text in page.all("figcaption")]
    assert (
        "removedsimilarity 1.000, 9,000 code points, <i>2</i>: the same as far as the other is shown"
        in captions
    )
    assert "kept, 26 code points, k1" in captions


def test_every_language_of_an_evaluation_set(page: Page) -> None:
    rows = [text.strip() for _, text in page.all("tr")]
    assert "Basque eus1,0121,000202.0%31" in rows
    assert "unknown500\u20130" in rows
    assert "flores3 languages2,0292,000201.0%90.0% of 10 judged (59.6% to 98.2%)" in rows
    (note,) = [text for _, text in page.all("p") if text.startswith("Texts of these sets")]
    assert note.endswith(
        "it was taken out of 1,234 documents; 0 documents were left out, since too little remained."
    )
    assert any("read from 1 file whose SHA-256" in text for _, text in page.all("p"))
    assert "<b>|xnli1 language1001005050.0%not judged: decontamination/judging.csv" in rows


def test_the_recipe_is_verbatim(page: Page, published: Any) -> None:
    assert page.all("pre")[0][1] == published.card.recipe


@pytest.mark.slow
def test_hundreds_of_languages_stay_under_a_few_megabytes(
    make_published: Callable[..., Any],
    make_row: Callable[..., Any],
    declaration: Mapping[str, list[str]],
) -> None:
    labels = sorted(declaration)[:400]
    documents = {
        label: [make_row((" ".join(declaration[label]) + " ") * 9, n, label) for n in range(1)]
        for label in labels
    }
    # One long document a language here; five would fill at most five times the room of the samples.
    size = len(make_published(documents).text("report.html").encode())
    assert size < 2_000_000


def test_nothing_published_makes_a_page(make_published: Callable[..., Any]) -> None:
    Page(make_published({}).text("report.html"))
