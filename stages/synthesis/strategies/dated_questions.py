"""Questions on what happened after a date, which a model cannot know from before.

Benchmark: LiveCLKTBench (2025), tests without leakage of knowledge that crosses languages: entities
are dated, only those after the cut-off are asked about, and each question is checked to be
self-contained. Here the dates are that of the document, and what the model says of the event; a
second question, without the text, checks if it can be understood alone.
"""

from __future__ import annotations

import re
from datetime import date

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.gates import span_answer
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import TEXT, language_of, object_of, question_row
from stages.synthesis.strategy import Ask, Rejection, Strategy, Talk, rejection_of

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class DatedQuestionsOptions(StageConfig):
    """Options of `dated_questions`."""

    after: date = Field(description="Cut-off, as 2025-06-30: what happened later is asked about.")


class DatedQuestions(Strategy):
    """Passage of a later document to a question on what it tells of."""

    configurations = ("question_answer",)
    prompts = ("dated_question.2", "self_contained.2")
    Options = DatedQuestionsOptions

    def make(self, passage: Passage) -> Talk:
        cut_off = self.options.after.isoformat()
        written = _DAY.match(str(passage.columns.get("date") or ""))
        if written is None or written[0] <= cut_off:
            return [Rejection("too_early", written[0] if written else "no date")]
        values = {"language": language_of(passage), "after": cut_off, "document": passage.text}
        day = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
        schema = object_of(question=TEXT, answer=TEXT, entity=TEXT, day=day)
        (reply,) = yield [Ask("dated_question.2", values, schema)]
        if reply.problem:
            return [rejection_of(reply)]
        found = reply.value
        if not cut_off < found["day"] <= written[0]:
            return [Rejection("too_early", found["day"])]
        if span_answer(found["entity"], passage.text) is None:
            return [Rejection("answer_not_in_context", found["entity"][:200])]
        alone = {"language": values["language"], "question": found["question"]}
        (judged,) = yield [
            Ask("self_contained.2", alone, object_of(self_contained={"type": "boolean"}))
        ]
        if judged.problem:
            return [rejection_of(judged)]
        if not judged.value["self_contained"]:
            return [Rejection("not_self_contained", found["question"][:200])]
        return [question_row(found["question"], found["answer"], passage)]
