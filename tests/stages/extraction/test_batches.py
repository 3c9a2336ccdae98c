"""Pages read together: each text and each score is what it is alone, and a batch holds a bounded
amount of markup."""

from __future__ import annotations

import numpy as np
import pytest

from stages.extraction import extract
from stages.extraction.choice import MAX_SCORED
from stages.extraction.extract import lay_out, read_page, read_pages
from stages.extraction.layout import Blocks, Layout, join
from stages.extraction.model import score_blocks, shipped_model
from stages.extraction.options import ExtractionConfig
from stages.extraction.trees import score

CONFIG = ExtractionConfig()
PARAGRAPH = "The river rose in the night, and by morning the lower fields stood under water. "
KHMER = "\u1791\u17b9\u1780\u1791\u1793\u17d2\u179b\u17c1"
KHMER += "\u17a1\u17be\u1784\u1793\u17c5\u1796\u17c1\u179b\u1799\u1794\u17cb"


def article(number: int) -> str:
    said = (PARAGRAPH, KHMER * 4)[number % 2] * (1 + number % 5)
    posts = f"<h2 class=title>{number}</h2><p>{said}<p>{said[::-1]}" * (1 + number % 7)
    menu = "".join(
        f"<li><a href=/{place}>{KHMER[:place]}{place}</a>" for place in range(number * 3)
    )
    return f"<title>{number}</title><nav><ul>{menu}</ul></nav><main><h1>{number}</h1>{posts}</main><footer>{number}"


PAGES = [
    *(article(number) for number in range(12)),
    "",
    "no tag",
    "<p>one block",
    "<p>one block",
    "<nav><a href=x>y</a></nav>",
    "<div>" * 3000 + PARAGRAPH,
    "<script>nothing</script>",
    f"<select><option>{PARAGRAPH}",
    '<rss version="2.0"><channel><item><title>a</title></item></channel></rss>',
]


def test_scores_do_not_depend_on_the_pages_scored_with_it() -> None:
    layouts = [lay_out([page]).layout for page in PAGES]
    alone = [score_blocks(layout, shipped_model()) for layout in layouts]
    for order in (range(len(layouts)), reversed(range(len(layouts))), [5] * 20):
        places = list(order)
        together = lay_out([PAGES[place] for place in places]).layout
        scores = np.split(score_blocks(together, shipped_model()), together.block_ends[:-1])
        for place, own in zip(places, scores, strict=True):
            np.testing.assert_array_equal(own, alone[place])


def test_pages_laid_out_together_are_those_laid_out_alone() -> None:
    together = lay_out(PAGES).layout
    alone = [lay_out([page]).layout for page in PAGES]
    assert_equal(join(alone), together)
    for page, layout in enumerate(alone):
        assert_equal(together.take(np.array([page])), layout)
    order = np.arange(len(PAGES))[::-1]
    assert_equal(together.take(order), join(alone[::-1]))
    assert together.take(order[::-1]) is together


def assert_equal(found: Layout, expected: Layout) -> None:
    for name, value, wanted in zip(Layout._fields, found, expected, strict=True):
        if name == "blocks":
            for field, row, other in zip(
                Blocks._fields, found.blocks, expected.blocks, strict=True
            ):
                np.testing.assert_array_equal(row, other, field)
        elif name == "piece_breaks":
            pass  # counted from the first page on
        elif isinstance(value, list):
            assert value == wanted, name
        else:
            np.testing.assert_array_equal(value, wanted, name)


@pytest.mark.parametrize("step", range(2))
def test_a_row_of_features_has_one_score_whatever_rows_stand_next_to_it(step: int) -> None:
    trees, random = shipped_model()[step], np.random.default_rng(0)
    shape = (int(trees.features.max()) + 1, 600)
    rows = (random.random(shape) * random.choice([1, 10, 100], (shape[0], 1))).astype(np.float32)
    alone = [score(trees, rows[:, place : place + 1])[0] for place in range(600)]
    for count in (1, 2, 512, 513, 514, 600):
        np.testing.assert_array_equal(score(trees, rows[:, :count]), alone[:count])
    some = np.flatnonzero(random.random(600) < 0.8)
    np.testing.assert_array_equal(
        score(trees, rows[:1], rows[1:], chosen=some), np.array(alone)[some]
    )


@pytest.mark.parametrize(
    "options", [{}, {"structure": "markdown", "comments": "keep"}, {"engine": "whole_page"}]
)
def test_pages_read_together_are_read_as_alone(
    options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ExtractionConfig.model_validate(options)
    alone = [read_page(page, config) for page in PAGES]
    assert len({page.text for page in alone}) > 12
    pages = [(page, "text/html") for page in PAGES]
    assert read_pages(pages, config) == alone
    monkeypatch.setattr(extract, "BATCH_CODE_POINTS", 3000)
    assert read_pages(pages, config) == alone


def test_a_page_of_too_many_blocks_does_not_touch_the_others() -> None:
    huge = "<p>x" * (MAX_SCORED + 1)
    first, second, third = read_pages([(PAGES[3], ""), (huge, ""), (PAGES[4], "")], CONFIG)
    assert (first, third) == (read_page(PAGES[3], CONFIG), read_page(PAGES[4], CONFIG))
    assert second.fallback == "too_many_blocks"


def test_a_batch_holds_a_bounded_amount_of_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[int] = []

    def counted(pages: list[str]) -> extract.Laid:
        waiting.append(len(pages))
        return lay_out(pages)

    monkeypatch.setattr(extract, "lay_out", counted)
    large = PAGES[2] + " " * (extract.BATCH_CODE_POINTS // 3)
    read_pages(
        [
            (page, "text/html")
            for page in [*PAGES[:5], *[large] * 7, " " * extract.BATCH_CODE_POINTS]
        ],
        CONFIG,
    )
    assert sum(waiting) == 12, "the last holds no markup"
    assert max(waiting[1:]) == 2
