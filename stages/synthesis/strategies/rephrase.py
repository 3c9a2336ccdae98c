"""Own documents in other words, in the same language: a textbook, a dialogue, a list, simpler
words.

Papers: Maini et al. 2024, Rephrasing the Web (WRAP); Su et al. 2024, Nemotron-CC, with its styles;
both are of English. The facts of the original are checked: every number of the new text stands in
it (gate `numbers_kept`), most of its numbers and names are left (`facts_kept`), and the names that
the model says it kept are looked for in both.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.gates import span_answer
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import TEXT, language_of, list_of, object_of
from stages.synthesis.strategy import Ask, Rejection, Row, Strategy, Talk, rejection_of

STYLES = {
    "textbook": "as a chapter of a textbook that explains it step by step",
    "dialogue": "as a conversation of two people, one of whom knows the subject and one of whom asks",
    "list": "as a list of its facts, each in one sentence",
    "simple": "in simple words and short sentences, for a child of ten",
}


class RephraseOptions(StageConfig):
    """Options of `rephrase`."""

    styles: tuple[Literal["textbook", "dialogue", "list", "simple"], ...] = Field(
        default=("textbook", "simple"),
        min_length=1,
        description="Styles, each of which makes a text.",
    )


class Rephrase(Strategy):
    """Passage to the same in other words."""

    configurations = ("text",)
    prompts = ("rephrase.2",)
    gates = ("numbers_kept", "not_copied", "grounded", "facts_kept")
    Options = RephraseOptions

    def make(self, passage: Passage) -> Talk:
        schema = object_of(text=TEXT, names=list_of(TEXT, 20, 0))
        values = {"language": language_of(passage), "document": passage.text}
        replies = yield [
            Ask("rephrase.2", {**values, "style": STYLES[style]}, schema)
            for style in self.options.styles
        ]
        made: list[Row | Rejection] = []
        for reply in replies:
            if reply.problem:
                made.append(rejection_of(reply))
                continue
            text = reply.value["text"].strip()
            lost = [
                name
                for name in reply.value["names"]
                if not (span_answer(name, text) and span_answer(name, passage.text))
            ]
            made.append(
                Rejection("name_lost", lost[0][:200]) if lost else Row("text", {"text": text})
            )
        return made
