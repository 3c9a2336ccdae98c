"""Questions by the model of questions that people asked in the target language.

Paper: Hwang et al. 2024, Cross-lingual Transfer for Automatic Question Generation by Learning
Interrogative Structures in Target Languages (QuIST; the task is XLT-QG): a generator learns how
questions are asked from exemplars alone, without passages or answers of the language. There a
smaller model is trained; here the exemplars stand in the prompt, and a second question asks for the
answer from the passage alone.
"""

from __future__ import annotations

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import TEXT, language_of, list_of, object_of, question_row
from stages.synthesis.strategy import Ask, Made, Rejection, Strategy, Talk, rejection_of


class ExemplarQuestionsOptions(StageConfig):
    """Options of `exemplar_questions`."""

    exemplars: dict[str, tuple[str, ...]] = Field(
        description='Questions that people asked in each language: { eus_Latn = ["Nor ...?", ...] }.'
    )
    questions: int = Field(
        default=2, ge=1, le=10, description="Questions that a passage is asked for."
    )


class ExemplarQuestions(Strategy):
    """Passage to questions as people of the language ask them, with answers that stand in it."""

    configurations = ("question_answer",)
    prompts = ("exemplar_questions.2", "answer_again.2")
    Options = ExemplarQuestionsOptions

    def make(self, passage: Passage) -> Talk:
        exemplars = self.options.exemplars.get(passage.label)
        if not exemplars:
            return [Rejection("no_template", f"no exemplars in {passage.label}")]
        values = {
            "language": language_of(passage),
            "count": self.options.questions,
            "exemplars": exemplars,
            "document": passage.text,
        }
        schema = object_of(questions=list_of(TEXT, self.options.questions))
        (asked,) = yield [Ask("exemplar_questions.2", values, schema)]
        if asked.problem:
            return [rejection_of(asked)]
        questions = [question.strip() for question in asked.value["questions"]]
        answered = yield [
            Ask(
                "answer_again.2",
                {
                    "language": values["language"],
                    "question": question,
                    "choices": None,
                    "document": passage.text,
                },
                object_of(answer=TEXT),
            )
            for question in questions
        ]
        made: Made = [
            rejection_of(reply)
            if reply.problem
            else question_row(question, reply.value["answer"], passage)
            for question, reply in zip(questions, answered, strict=True)
        ]
        return made

    def own_texts(self) -> list[str]:
        return [question for questions in self.options.exemplars.values() for question in questions]
