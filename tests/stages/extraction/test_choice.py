"""What is kept of a page once each block has a score: parts of one thing stay together, what only
asks for something goes. The scores are given here."""

from __future__ import annotations

import numpy as np
import pytest

from stages.extraction.choice import choose
from stages.extraction.rendering import render
from stages.extraction.walk import walk

TEXT = "This is the main text of the page, a paragraph that says enough to be one, and then it goes on."
GOOD, DOUBTFUL, BAD = 0.9, 0.4, 0.1


def kept_text(markup: str, other: dict[str, float]) -> str:
    """Keep all but what a block begins with one of the `other` texts, which have scores of their
    own."""
    layout = walk([markup]).layout
    firsts = [layout.texts[piece].strip() for piece in layout.blocks.first_pieces.tolist()]
    scores = [
        next((score for begin, score in other.items() if first.startswith(begin)), GOOD)
        for first in firsts
    ]
    kept, _ = choose(layout, np.array(scores, np.float32))
    return render(layout, kept)[0]


def law(labels: list[str], before: str = "p class=art") -> str:
    return "".join(f"<{before}>{label}</{before.split()[0]}><p>{TEXT}</p>" for label in labels)


LABELS = {
    "the fourth of four": (law(["Art. 1", "Art. 2", "Art. 3", "Art. 9"]), True),
    "the number alone": (law(["1.", "2.", "3.", "9"], "h4"), True),
    "in Devanagari digits": (law(["\u0967", "\u0968", "\u0969", "9"], "div class=n"), True),
    "one of two": (law(["Art. 1", "Art. 9"]), False),
    "most of its like are left out": (law(["Art. 1", "Art. 9", "9", "9 x"]), False),
    "before what is left out": (law(["Art. 1", "Art. 2", "Art. 3", "Art. 9"]) + "<p>Left", True),
    "before nothing": (law(["Art. 1", "Art. 2", "Art. 3"]) + "<p class=art>Art. 9", False),
    "in a link": (law(["Art. 1", "Art. 2", "Art. 3", "<a href=/9>Art. 9</a>"]), False),
}


@pytest.mark.parametrize(("markup", "kept"), LABELS.values(), ids=LABELS.keys())
def test_a_label_with_a_number_is_kept_as_its_like_are(markup: str, kept: bool) -> None:
    text = kept_text(markup, {"Art. 9": BAD, "9": BAD, "Left": BAD})
    assert ("9" in text) == kept
    assert "Left" not in text


def test_a_label_without_a_number_is_left_to_the_model() -> None:
    text = kept_text(law(["Art. 1", "Art. 2", "Art. 3", "Advertisement"]), {"Advertisement": BAD})
    assert "Advertisement" not in text


QUESTION = (
    f"<p>{TEXT}</p><form><fieldset><legend>What is it?</legend><label><input type=radio> An answer of"
    "</label><br><label><input type=radio> Another one</label></fieldset></form>"
)


@pytest.mark.parametrize(
    ("legend", "answer", "kept"),
    [(GOOD, DOUBTFUL, True), (BAD, DOUBTFUL, False), (GOOD, BAD, False)],
    ids=["doubtful", "of no question", "bad"],
)
def test_answers_are_kept_with_their_question(legend: float, answer: float, kept: bool) -> None:
    text = kept_text(QUESTION, {"What": legend, "An answer": answer, "Another": answer})
    assert ("An answer of" in text) == ("Another one" in text) == kept
    assert ("What is it?" in text) == (legend == GOOD)


ASKING = "<p>Write your address here and read all of our letters.</p>"
FORMS = {
    "a form to subscribe": (
        f"<div class=subscription-widget>{ASKING}<form><input></form></div>",
        0,
    ),
    "all in the form": (f'<div id="newsletter"><form>{ASKING}<input></form></div>', 0),
    "without a form": (f"<div class=subscription-note>{ASKING}</div>", 1),
    "without a name": (f"<div>{ASKING}<form><input></form></div>", 1),
}


@pytest.mark.parametrize(("box", "times"), FORMS.values(), ids=FORMS.keys())
def test_what_asks_to_subscribe_is_no_part_of_an_article(box: str, times: int) -> None:
    article = f"<article class=newsletter-post>{f'<p>{TEXT}</p>' * 6}{box}<p>{TEXT}</p></article>"
    text = kept_text(article, {})
    assert text.count("Write your address") == times
    assert text.count(TEXT) == 7
    assert "Write your address" in kept_text(box, {}), "it is all that the page says"


def test_an_empty_line_stands_between_stanzas_of_nested_divs() -> None:
    lines = ["<div class=l>One</div><div class=l>Two</div>", "<div>Three</div><div>Four</div>"]
    stanzas = "".join(f"<div class=stanza>{stanza}</div>" for stanza in lines)
    assert kept_text(f"<div class=poem>{stanzas}</div>", {}) == "One\nTwo\n\nThree\nFour"
    others = "".join(f"<div class=line><div>{word}</div></div>" for word in ("One", "Two"))
    assert kept_text(f"<div>{others}</div>", {}) == "One\nTwo"
