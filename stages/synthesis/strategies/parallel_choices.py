"""Multiple choice from the English side of a parallel paragraph, translated and checked against the
other side.

Paper: Ghazaryan et al. 2024, SynDARin: Synthesising Datasets for Automated Reasoning in
Low-Resource Languages. English and target paragraphs on one thing are mined; questions with choices
are written in English, and translated; a row stays if the right choice is found in the target
paragraph. Here one model writes and translates, and the English paragraph is a column of the
source.
"""

from __future__ import annotations

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.gates import span_answer
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import ENGLISH, TEXT, language_of, list_of, object_of
from stages.synthesis.strategy import Ask, Rejection, Row, Strategy, Talk, rejection_of

_CHOICES = list_of(TEXT, 4, 4)


class ParallelChoicesOptions(StageConfig):
    """Options of `parallel_choices`."""

    english: str = Field(
        default="english", description="Column that the source keeps: the paragraph in English."
    )


class ParallelChoices(Strategy):
    """Parallel paragraphs to a question with four choices in the target language."""

    configurations = ("multiple_choice",)
    prompts = ("choices_in_english.2", "choices_translated.2")
    Options = ParallelChoicesOptions
    whole_documents = True

    def make(self, passage: Passage) -> Talk:
        if passage.label == ENGLISH:
            return [Rejection("same_language", "there is nothing to translate into")]
        english = passage.columns.get(self.options.english)
        if not isinstance(english, str) or not english.strip():
            return [Rejection("no_value", self.options.english)]
        schema = object_of(
            question=TEXT, choices=_CHOICES, answer={"type": "integer", "minimum": 0, "maximum": 3}
        )
        (written,) = yield [Ask("choices_in_english.2", {"document": english}, schema)]
        if written.problem:
            return [rejection_of(written)]
        right = written.value["choices"][written.value["answer"]]
        if span_answer(right, english) is None:
            return [Rejection("answer_not_in_context", f"in English: {right}"[:200])]
        values = {
            "language": language_of(passage),
            "question": written.value["question"],
            "choices": written.value["choices"],
            "document": passage.text,
        }
        (translated,) = yield [
            Ask("choices_translated.2", values, object_of(question=TEXT, choices=_CHOICES))
        ]
        if translated.problem:
            return [rejection_of(translated)]
        choices, answer = (
            [choice.strip() for choice in translated.value["choices"]],
            written.value["answer"],
        )
        if span_answer(choices[answer], passage.text) is None:
            return [Rejection("answer_not_in_context", choices[answer][:200])]
        row = {
            "context": passage.text,
            "question": translated.value["question"].strip(),
            "choices": choices,
        }
        return [Row("multiple_choice", row | {"answer": answer})]
