"""Instructions that a model answers by way of a language that it knows better.

Paper: Zhang et al. 2024, PLUG: Leveraging Pivot Language in Cross-Lingual Instruction Tuning: the
instruction, a pivot answer, and from it the target answer in one response. Likewise English-pivoted
and language-mixed chains of thought: the reasoning is in English, or in English with names and
terms of the target language, the answer in the target language. The pivot is a turn of its own, in
its own language, so that each is judged by its own.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import ENGLISH, TEXT, conversation, language_of, object_of, turn
from stages.synthesis.strategy import Ask, Rejection, Strategy, Talk, rejection_of


class PivotInstructionsOptions(StageConfig):
    """Options of `pivot_instructions`."""

    pivot: Literal["answer", "english_reasoning", "mixed_reasoning"] = Field(
        default="answer",
        description="What comes before the target answer: the answer in English, or the reasoning.",
    )


class PivotInstructions(Strategy):
    """Passage to an instruction about it, a pivot turn, and the answer."""

    configurations = ("conversation",)
    prompts = ("pivot_answer.2", "pivot_english_reasoning.2", "pivot_mixed_reasoning.2")
    gates = ("own_instruction", "grounded")
    Options = PivotInstructionsOptions

    def make(self, passage: Passage) -> Talk:
        if passage.label == ENGLISH:
            return [Rejection("same_language", "the passage is in the pivot language")]
        values = {"language": language_of(passage), "document": passage.text}
        schema = object_of(instruction=TEXT, pivot=TEXT, response=TEXT)
        (reply,) = yield [Ask(f"pivot_{self.options.pivot}.2", values, schema)]
        if reply.problem:
            return [rejection_of(reply)]
        found = reply.value
        turns = [
            turn("user", found["instruction"]),
            turn("assistant", found["pivot"]),
            turn("assistant", found["response"]),
        ]
        return [conversation(turns, labels={"messages[1]": ENGLISH}, likeness=found["instruction"])]
