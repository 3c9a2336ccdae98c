"""Dialogues of several turns without an example in the target language.

Paper: Njifenjou et al. 2025, Open-Source Large Language Models as Multilingual Crowdworkers.
Personas, a speech event (after Hymes 1974) and common ground (Clark 1996) are set first, in English;
the dialogue in the target language follows from them, so that no example in it is needed. There
personas are those of PersonaChat; here all three are made from the passage.
"""

from __future__ import annotations

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import TEXT, conversation, language_of, list_of, object_of, turn
from stages.synthesis.strategy import Ask, Rejection, Strategy, Talk, rejection_of

_SCENE = object_of(first_speaker=TEXT, second_speaker=TEXT, speech_event=TEXT, common_ground=TEXT)


class DialoguesOptions(StageConfig):
    """Options of `dialogues`."""

    exchanges: int = Field(default=3, ge=1, le=8, description="Turns of each speaker.")


class Dialogues(Strategy):
    """Passage to a dialogue of two people about it."""

    configurations = ("conversation",)
    prompts = ("dialogue_scene.2", "dialogue.2")
    gates = ("own_instruction", "numbers_kept", "grounded")
    Options = DialoguesOptions

    def make(self, passage: Passage) -> Talk:
        values = {
            "language": language_of(passage),
            "document": passage.text,
            "exchanges": self.options.exchanges,
        }
        (scene,) = yield [Ask("dialogue_scene.2", values, _SCENE)]
        if scene.problem:
            return [rejection_of(scene)]
        turns = 2 * self.options.exchanges
        (reply,) = yield [
            Ask(
                "dialogue.2",
                {**values, "scene": scene.value},
                object_of(turns=list_of(TEXT, turns, 2)),
            )
        ]
        if reply.problem:
            return [rejection_of(reply)]
        said = [text.strip() for text in reply.value["turns"]]
        if len(said) % 2:
            return [Rejection("no_output", "the last turn has no answer")]
        if len(set(said)) < len(said):
            return [Rejection("repetition", "a turn is said twice")]
        return [
            conversation([turn(("user", "assistant")[n % 2], text) for n, text in enumerate(said)])
        ]
