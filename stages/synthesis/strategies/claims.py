"""Claims to check against a passage: supported, refuted, and such that it says nothing of.

Paper: Pan et al. 2021, Zero-shot Fact Verification by Claim Generation (QACG). Questions with
answers become claims:
with the answer a claim is supported, with another answer of the same kind it is refuted; of a third
one the passage says nothing. There a small model writes claims from pairs, and sense2vec gives
entities of one type as other answers.
Here the model that writes the pair writes the claims, and names the other answer; both are looked
for in passage and claims.
"""

from __future__ import annotations

from stages.synthesis.gates import span_answer
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import TEXT, language_of, object_of
from stages.synthesis.strategy import Ask, Made, Rejection, Row, Strategy, Talk, rejection_of

_PROMPT = "claims.2"
_NOTHING = "not_enough_information"
_SCHEMA = object_of(
    question=TEXT,
    answer=TEXT,
    supported=TEXT,
    other_answer=TEXT,
    refuted=TEXT,
    not_enough_information=TEXT,
)


class Claims(Strategy):
    """Passage to one claim of each kind."""

    configurations = ("claim",)
    prompts = (_PROMPT,)
    gates = ("own_instruction", "numbers_kept", "grounded")

    def make(self, passage: Passage) -> Talk:
        (reply,) = yield [
            Ask(_PROMPT, {"language": language_of(passage), "document": passage.text}, _SCHEMA)
        ]
        if reply.problem:
            return [rejection_of(reply)]
        found = {name: text.strip() for name, text in reply.value.items()}
        if span_answer(found["answer"], passage.text) is None:
            return [Rejection("answer_not_in_context", found["answer"][:200])]
        if span_answer(found["other_answer"], passage.text) is not None:
            return [
                Rejection(
                    "choices_alike",
                    f"the passage holds the other answer: {found['other_answer']}"[:200],
                )
            ]
        claims = [found[label].casefold() for label in ("supported", "refuted", _NOTHING)]
        if len(set(claims)) < len(claims):
            return [Rejection("choices_alike", "two claims are the same")]
        if span_answer(found["answer"], found["refuted"]) is not None:
            return [Rejection("choices_alike", "the refuted claim holds the right answer")]
        made: list[Row | Rejection] = []
        for label, inside in (
            ("supported", "answer"),
            ("refuted", "other_answer"),
            (_NOTHING, None),
        ):
            if inside and span_answer(found[inside], found[label]) is None:
                made.append(
                    Rejection(
                        "answer_not_in_context", f"{label}: the claim lacks {found[inside]}"[:200]
                    )
                )
            else:
                made.append(
                    Row("claim", {"claim": found[label], "evidence": passage.text, "label": label})
                )
        answers: Made = made
        return answers
