"""The document is the answer: which instruction would it follow?

Papers: Li et al. 2024, Self-Alignment with Instruction Backtranslation; Köksal et al. 2023,
LongForm, and MURI (Köksal et al. 2024), which does so for languages with little text. The answer is
found text, as somebody wrote it; the instruction alone is made, and a second question asks if the
text does what it asks.
"""

from __future__ import annotations

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import TEXT, conversation, language_of, object_of, turn
from stages.synthesis.strategy import Ask, Rejection, Strategy, Talk, rejection_of


class ReverseInstructionsOptions(StageConfig):
    """Options of `reverse_instructions`."""

    min_fit: int = Field(
        default=4, ge=1, le=5, description="Least score of how well the text follows, from 1 to 5."
    )


class ReverseInstructions(Strategy):
    """Passage to an instruction that it follows."""

    configurations = ("conversation",)
    prompts = ("reverse_instruction.2", "instruction_fit.2")
    gates = ("own_instruction",)
    Options = ReverseInstructionsOptions

    def make(self, passage: Passage) -> Talk:
        values = {"language": language_of(passage), "document": passage.text}
        (written,) = yield [Ask("reverse_instruction.2", values, object_of(instruction=TEXT))]
        if written.problem:
            return [rejection_of(written)]
        instruction = written.value["instruction"].strip()
        score = {"type": "integer", "minimum": 1, "maximum": 5}
        (fit,) = yield [
            Ask("instruction_fit.2", {**values, "instruction": instruction}, object_of(score=score))
        ]
        if fit.problem:
            return [rejection_of(fit)]
        if fit.value["score"] < self.options.min_fit:
            least = float(self.options.min_fit)
            return [
                Rejection("judge_rejected", instruction[:200], float(fit.value["score"]), least)
            ]
        turns = [turn("user", instruction), turn("assistant", passage.text)]
        return [conversation(turns, likeness=instruction)]
