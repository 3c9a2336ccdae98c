"""Few-shot extractive questions and answers, with one example, and a choice of the good ones.

Paper: Namboori et al. 2024, GeMQuAD: Generating Multilingual Question Answering Datasets from Large
Language Models using Few Shot Learning. There one annotated example of the target language stands
before the passage, and of what a large model writes those pairs are kept that a student, trained on
it, answers alike, in several rounds. Here the generator itself is the student: with `gates = {
samples = 3 }` it answers each question anew from the passage alone, and a row is kept if enough
answers agree. An answer that is not a span of the passage is rejected, as in the paper.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import language_of, list_of, object_of, question_row
from stages.synthesis.strategy import Ask, Strategy, Talk, rejection_of

_STRING = {"type": "string"}  # an empty one is rejected by the gates


class Example(StageConfig):
    """One annotated example, in the target language where there is one."""

    context: str = Field(min_length=1, description="Passage.")
    question: str = Field(min_length=1, description="Question about it.")
    answer: str = Field(min_length=1, description="Its answer, as it stands in the passage.")


class ExtractiveQAOptions(StageConfig):
    """Options of `extractive_qa`."""

    questions: int = Field(
        default=2, ge=1, le=10, description="Questions that a passage is asked for."
    )
    examples: dict[str, Example] = Field(
        default={},
        description="An example for each label, as { eus_Latn = { context = …, question = …, answer = … } }.",
    )


class ExtractiveQA(Strategy):
    """Passage to questions with answers that stand in it."""

    configurations = ("question_answer",)
    prompts = ("extractive_qa.2",)
    Options = ExtractiveQAOptions

    def make(self, passage: Passage) -> Talk:
        count = self.options.questions
        values = {
            "language": language_of(passage),
            "count": count,
            "example": self.options.examples.get(passage.label),
            "document": passage.text,
        }
        schema = object_of(pairs=list_of(object_of(question=_STRING, answer=_STRING), count))
        (reply,) = yield [Ask("extractive_qa.2", values, schema)]
        if reply.problem:
            return [rejection_of(reply)]
        pairs = reply.value["pairs"]  # at least one, as the schema says
        return [question_row(pair["question"], pair["answer"], passage) for pair in pairs]

    def own_texts(self) -> Sequence[str]:
        return [
            text
            for example in self.options.examples.values()
            for text in (example.context, example.question)
        ]
