"""Pairs of answers to one question, one of which is better.

- `worse = "english"`: Lee et al. 2025, Cross-Lingual Optimization for Language Transfer in Large
  Language Models (CLO): a model that knows English better drifts into it; preferring the answer in
  the language of the question teaches it to stay. There both answers are those of an English data
  set and their translations, and English questions prefer English; here both are the model's own,
  to a question that is not in English.
- `worse = "gates"`: both answers are in the language of the question, and the worse one is an answer
  that a gate turns away: it has numbers that the passage has not, or nothing of it, refuses, goes
  round in a circle. In Meng et al. 2024, SimPO, the answers are samples of the model itself as well,
  five to a question, told apart by a reward model; here by gates, whose reason is kept.
- `worse = "translation"`: Tang et al. 2025, Mitigating Hallucinated Translations in Large Language
  Models with Hallucination-focused Preference Optimization: the worse answer is a translation of the
  model that a detector calls made up. There the better one is another translation of it; here it is
  the document, which the source has in English as well, and gates detect: numbers that the document
  has not, most of its names or numbers lost, nothing in common with it, a circle. What
  `[[augment]] stage = "sample_pairs"` with `form = "preference"` publishes is the same of engines
  that translate sentences, as plain texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.gates import Candidate, OwnWords, judge_row
from stages.synthesis.options import SynthesisConfig
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import ENGLISH, TEXT, conversation, language_of, object_of, turn
from stages.synthesis.strategy import Ask, Rejection, Reply, Row, Strategy, Talk, rejection_of

_FREE_ANSWER = ("numbers_kept", "grounded")
_TRANSLATION = (*_FREE_ANSWER, "facts_kept")


class PreferencesOptions(StageConfig):
    """Options of `preferences`."""

    worse: Literal["english", "gates", "translation"] = Field(
        default="english",
        description="The worse answer: one in English, one of the samples that a gate turns away, or "
        "such a translation of the English text of the document.",
    )
    samples: int = Field(
        default=4, ge=2, le=16, description="Answers among which gates look for a worse one."
    )
    english: str = Field(
        default="english",
        description="Column that the source keeps: the document in English, for `translation`.",
    )


class Preferences(Strategy):
    """Passage to a question with an answer in its language, and a worse one."""

    configurations = ("preference",)
    prompts = ("question_alone.2", "answer_in.2", "translation.1")
    gates = ("own_instruction", *_FREE_ANSWER)
    Options = PreferencesOptions

    def __init__(self, options: PreferencesOptions, config: SynthesisConfig) -> None:
        super().__init__(options, config)
        self.whole_documents = options.worse == "translation"

    def make(self, passage: Passage) -> Talk:
        if self.options.worse == "translation":
            return (yield from self._of_translations(passage))
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
            if verdict := self._judged(row, passage, _FREE_ANSWER):
                bad.append((answer, verdict.reason))
            else:
                good.append(answer)
        if not good or not bad:
            return Rejection("choices_alike", "gates do not tell the answers apart")
        return _pair(question, (good[0], bad[0][0]), bad[0][1], {})

    def _of_translations(self, passage: Passage) -> Talk:
        """Pair a document with the first translation of its English text that a gate turns away."""
        if passage.label == ENGLISH:
            return [Rejection("same_language", "there is nothing to translate into")]
        english = passage.columns.get(self.options.english)
        if not isinstance(english, str) or not english.strip():
            return [Rejection("no_value", self.options.english)]
        values = {"language": language_of(passage), "document": english}
        replies = yield [
            Ask("translation.1", values, object_of(answer=TEXT), sample)
            for sample in range(1, self.options.samples + 1)
        ]
        written = [reply.value["answer"] for reply in replies if not reply.problem]
        if not written:
            return [rejection_of(replies[0])]
        question = f"{english.strip()}\n\nTranslate this into {values['language']}."
        for text in written:
            if verdict := self._judged(Row("text", {"text": text}), passage, _TRANSLATION):
                answers = (passage.text, text)
                return [_pair(question, answers, verdict.reason, {"prompt": ENGLISH})]
        return [Rejection("choices_alike", "gates turn no translation away")]

    def _judged(self, row: Row, passage: Passage, more: tuple[str, ...]) -> Rejection | None:
        return judge_row(Candidate(row, passage), OwnWords(()), self.config.gates, more)


def _answer(values: Mapping[str, Any], sample: int = 0) -> Ask:
    return Ask("answer_in.2", values, object_of(answer=TEXT), sample)


def _pair(question: str, answers: tuple[str, str], reason: str, labels: Mapping[str, str]) -> Row:
    row: dict[str, Any] = {"prompt": [turn("user", question)], "rejected_reason": reason}
    for name, answer in zip(("chosen", "rejected"), answers, strict=True):
        row[name] = [turn("assistant", answer)]
    return Row("preference", row, labels, likeness=question)
