"""Instructions that a model makes up in the language, without a text or an example to start from.

Papers: Xu et al. 2024, Magpie: Alignment Data Synthesis from Scratch by Prompting Aligned LLMs with
Nothing; Sainz et al. 2025, Instructing Large Language Models for Low-Resource Languages: A
Systematic Study for Basque, which makes its instructions so. Engines here take chats, so the turn
of the user is asked for instead of left open. What keeps instructions apart is drawn from the
document's id and the passage's place: a kind of task, a subject, a seed. Of the document itself
nothing is shown to the model: it gives the row its language, its split and its parent.
"""

from __future__ import annotations

import hashlib

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import TEXT, conversation, language_of, object_of, turn
from stages.synthesis.strategy import Ask, Rejection, Strategy, Talk, rejection_of

_SEEDS = 1 << 20  # of so many draws, few documents share one; seeds stay below 2^31

TASKS = (
    "a question about a fact",
    "an explanation of how something works or why it is so",
    "advice on something to decide",
    "directions for something to do, step by step",
    "a short text to write, such as a letter, a notice, a story or a poem",
    "a list of ideas",
    "a comparison of two things",
    "a plan for a day, a week or a piece of work",
    "a small calculation or a puzzle, with all that is needed to solve it",
    "a paragraph to put into simpler words, with the paragraph",
    "a paragraph to sum up, with the paragraph",
    "a word or a saying of the language to explain",
)
SUBJECTS = (
    "animals and plants",
    "building and repairing",
    "celebrations and customs",
    "children and school",
    "clothes and crafts",
    "computers and telephones",
    "farming and fishing",
    "food and cooking",
    "geography and travel",
    "health",
    "history",
    "language and literature",
    "law and public offices",
    "money and trade",
    "music, dance and theatre",
    "neighbours and family",
    "science",
    "sport and games",
    "weather and nature",
    "work and professions",
)


class UnseededInstructionsOptions(StageConfig):
    """Options of `unseeded_instructions`."""

    tasks: tuple[str, ...] = Field(
        default=TASKS, min_length=1, description="Kinds of task, in English, one of which is drawn."
    )
    subjects: tuple[str, ...] = Field(
        default=SUBJECTS, min_length=1, description="Subjects, in English, one of which is drawn."
    )


class UnseededInstructions(Strategy):
    """An instruction for each passage, and the answer to it, neither of which is about it."""

    configurations = ("conversation",)
    prompts = ("unseeded_instruction.2", "unseeded_answer.1")
    gates = ("own_instruction",)
    Options = UnseededInstructionsOptions

    def make(self, passage: Passage) -> Talk:
        draw = _draw(passage)
        tasks, subjects = self.options.tasks, self.options.subjects
        values = {
            "language": language_of(passage),
            "task": tasks[draw % len(tasks)],
            "subject": subjects[draw // len(tasks) % len(subjects)],
        }
        schema = object_of(instruction=TEXT)
        (written,) = yield [Ask("unseeded_instruction.2", values, schema, 1 + draw % _SEEDS)]
        if written.problem:
            return [rejection_of(written)]
        instruction = written.value["instruction"].strip()
        asked = {"language": values["language"], "instruction": instruction}
        (answer,) = yield [Ask("unseeded_answer.1", asked)]
        if answer.problem:
            return [rejection_of(answer)]
        if answer.text == instruction:
            return [Rejection("repetition", "the answer is the instruction")]
        turns = [turn("user", instruction), turn("assistant", answer.text)]
        return [conversation(turns, likeness=instruction)]

    def own_texts(self) -> list[str]:
        return [*self.options.tasks, *self.options.subjects]


def _draw(passage: Passage) -> int:
    """Return a number of 64 bits that is of this passage alone."""
    place = f"{passage.document_id}\0{passage.start}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(place, digest_size=8).digest(), "big")
