"""Pairs of answers to one question, one of which is better.

Paper: Lee et al. 2025, Cross-Lingual Optimization for Language Transfer in Large Language Models
(CLO): a model that knows English better drifts into it; preferring the answer in the language of
the question teaches it to stay. Both answers are the model's own, to one question.

With `worse = "gates"` both answers are in the language of the question, and the worse one is an
answer that a gate turns away: it has numbers that the passage has not, or nothing of it, refuses,
goes round in a circle. As in Meng et al. 2024, SimPO, and most work after it, answers are samples of
the model itself, told apart by a scorer; here the scorers are gates, whose reason is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.gates import Candidate, OwnWords, judge_row
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import ENGLISH, TEXT, conversation, language_of, object_of, turn
from stages.synthesis.strategy import Ask, Rejection, Reply, Row, Strategy, Talk, rejection_of

_FREE_ANSWER = ("numbers_kept", "grounded")


class PreferencesOptions(StageConfig):
    """Options of `preferences`."""

    worse: Literal["english", "gates"] = Field(
        default="english",
        description="The worse answer: one in English, or one of the samples that a gate turns away.",
    )
    samples: int = Field(
        default=4, ge=2, le=16, description="Answers among which gates look for a worse one."
    )


class Preferences(Strategy):
    """Passage to a question with an answer in its language, and a worse one."""

    configurations = ("preference",)
    prompts = ("question_alone.2", "answer_in.2")
    gates = ("own_instruction", *_FREE_ANSWER)
    Options = PreferencesOptions

    def make(self, passage: Passage) -> Talk:
        by_gates = self.options.worse == "gates"
        if passage.label == ENGLISH and not by_gates:
            return [Rejection("same_language", "no answer would be in another one")]
        values = {"language": language_of(passage), "document": passage.text}
        (asked,) = yield [Ask("question_alone.2", values, object_of(question=TEXT))]
        if asked.problem:
            return [rejection_of(asked)]
        question = asked.value["question"].strip()
        values["question"] = question
        if by_gates:
            samples = range(1, self.options.samples + 1)
            replies = yield [_answer(values, sample=sample) for sample in samples]
            return [self._of_samples(question, replies, passage)]
        right, wrong = yield [_answer(values), _answer(values | {"language": "English"})]
        for reply in (right, wrong):
            if reply.problem:
                return [rejection_of(reply)]
        answers = (right.value["answer"], wrong.value["answer"])
        return [_pair(question, answers, "wrong_language", {"rejected": ENGLISH})]

    def _of_samples(self, question: str, replies: list[Reply], passage: Passage) -> Row | Rejection:
        """Pair the first answer that passes with the first one that a gate turns away."""
        good: list[str] = []
        bad: list[tuple[str, str]] = []
        for reply in replies:
            if reply.problem:
                continue  # no answer that could be learned from
            answer = reply.value["answer"]
            row = conversation([turn("user", question), turn("assistant", answer)])
            limits, own = self.config.gates, OwnWords(())
            verdict = judge_row(Candidate(row, passage), own, limits, _FREE_ANSWER)
            if verdict is None:
                good.append(answer)
            else:
                bad.append((answer, verdict.reason))
        if not good or not bad:
            return Rejection("choices_alike", "gates do not tell the answers apart")
        return _pair(question, (good[0], bad[0][0]), bad[0][1], {})


def _answer(values: Mapping[str, Any], sample: int = 0) -> Ask:
    return Ask("answer_in.2", values, object_of(answer=TEXT), sample)


def _pair(question: str, answers: tuple[str, str], reason: str, labels: Mapping[str, str]) -> Row:
    row: dict[str, Any] = {"prompt": [turn("user", question)], "rejected_reason": reason}
    for name, answer in zip(("chosen", "rejected"), answers, strict=True):
        row[name] = [turn("assistant", answer)]
    return Row("preference", row, labels, likeness=question)
