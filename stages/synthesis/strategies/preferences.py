"""Pairs of answers: one in the language of the question, one in English.

Paper: Lee et al. 2025, Cross-Lingual Optimization for Language Transfer in Large Language Models
(CLO): a model that knows English better drifts into it; preferring the answer in the language of
the question teaches it to stay. Both answers are the model's own, to one question.
"""

from __future__ import annotations

from stages.synthesis.passages import Passage
from stages.synthesis.shapes import ENGLISH, TEXT, language_of, object_of, turn
from stages.synthesis.strategy import Ask, Rejection, Row, Strategy, Talk, rejection_of


class Preferences(Strategy):
    """Passage to a question with an answer in its language, and one that is not."""

    configurations = ("preference",)
    prompts = ("question_alone.2", "answer_in.2")
    gates = ("own_instruction", "numbers_kept", "grounded")

    def make(self, passage: Passage) -> Talk:
        if passage.label == ENGLISH:
            return [Rejection("same_language", "no answer would be in another one")]
        values = {"language": language_of(passage), "document": passage.text}
        (asked,) = yield [Ask("question_alone.2", values, object_of(question=TEXT))]
        if asked.problem:
            return [rejection_of(asked)]
        question = asked.value["question"].strip()
        right, wrong = yield [
            Ask(
                "answer_in.2",
                {**values, "language": language, "question": question},
                object_of(answer=TEXT),
            )
            for language in (values["language"], "English")
        ]
        for reply in (right, wrong):
            if reply.problem:
                return [rejection_of(reply)]
        answers = {
            name: [turn("assistant", reply.value["answer"])]
            for name, reply in (("chosen", right), ("rejected", wrong))
        }
        row = {"prompt": [turn("user", question)], "rejected_reason": "wrong_language"}
        labels = {"rejected": ENGLISH}
        return [Row("preference", row | answers, labels, likeness=question)]
