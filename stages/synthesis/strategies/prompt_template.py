"""A strategy of a recipe's own, without code: a prompt, a JSON Schema, and what of the answer goes
into which column.

    [[synthesize]]
    strategy = "prompt_template"
    options = { prompt = "quiz.jinja", schema = "quiz.json", configuration = "question_answer",
    items = "pairs" }

The prompt gets `document`, `language`, `label`, `url`, the document's other columns as `columns`,
and `values`. The answer must fit the schema. With `items`, each element of that list of the answer
is a row. `fields` say how the answer names what a row needs:

| configuration | needs |
| --- | --- |
| `question_answer` | `question`, `answer` (a span of the passage) |
| `retrieval` | `query`; `negatives`, a list of texts, if there is one |
| `conversation` | `user`, `assistant`; `system`, if there is one |
| `multiple_choice` | `question`, `choices`, `answer` (the text of the right one, or its place from 0) |
| `preference` | `prompt`, `chosen`, `rejected` |
| `claim` | `claim`, `label` |
| `text` | `text` |

A field `document` of a conversation stands for the passage itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator

from schemas.alternatives import unknown
from stages.batches import StageConfig, located
from stages.synthesis.gates import OPTIONAL_GATES
from stages.synthesis.options import SynthesisConfig
from stages.synthesis.passages import Passage
from stages.synthesis.prompt_files import Prompt, read_prompt
from stages.synthesis.shapes import conversation, language_of, question_row, turn
from stages.synthesis.strategy import Ask, Rejection, Row, Strategy, Talk, rejection_of

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "question_answer": ("question", "answer"),
    "retrieval": ("query",),
    "conversation": ("user", "assistant"),
    "multiple_choice": ("question", "choices", "answer"),
    "preference": ("prompt", "chosen", "rejected"),
    "claim": ("claim", "label"),
    "text": ("text",),
}
_PROMPT = "own"


class PromptTemplateOptions(StageConfig):
    """Options of `prompt_template`."""

    prompt: str = Field(description="Prompt file.")
    json_schema: str = Field(alias="schema", description="JSON Schema of the answer, a file.")
    configuration: Literal[
        "question_answer",
        "retrieval",
        "conversation",
        "multiple_choice",
        "preference",
        "claim",
        "text",
    ] = Field(description="Kind of row.")
    items: str | None = Field(
        default=None, description="List of the answer whose elements are rows; none: one row."
    )
    fields: dict[str, str] = Field(
        default={}, description="Names in the answer of what a row needs."
    )
    values: dict[str, Any] = Field(default={}, description="Values for the prompt.")
    gates: tuple[str, ...] = Field(
        default=(), description="Gates besides those of the configuration."
    )

    @field_validator("gates")
    @classmethod
    def _known(cls, gates: tuple[str, ...]) -> tuple[str, ...]:
        for gate in gates:
            if gate not in OPTIONAL_GATES:
                raise ValueError(unknown("gate", gate, OPTIONAL_GATES))
        return gates

    def at_home(self, base: str) -> Self:
        return self.model_copy(
            update={
                "prompt": located(self.prompt, base),
                "json_schema": located(self.json_schema, base),
            }
        )


class PromptTemplate(Strategy):
    """Passage to rows by a prompt of the recipe."""

    Options = PromptTemplateOptions

    def __init__(self, options: PromptTemplateOptions, config: SynthesisConfig) -> None:
        super().__init__(options, config)
        self.configurations, self.gates = (options.configuration,), options.gates
        self._prompt = read_prompt(options.prompt)
        self._schema = _read_schema(options.json_schema)

    def more_prompts(self) -> Mapping[str, Prompt]:
        return {_PROMPT: self._prompt}

    def files(self) -> Sequence[str]:
        return (self.options.prompt, self.options.json_schema)

    def make(self, passage: Passage) -> Talk:
        values = {
            "document": passage.text,
            "language": language_of(passage),
            "label": passage.label,
            "url": passage.url,
            "columns": passage.columns,
            "values": self.options.values,
        }
        (reply,) = yield [Ask(_PROMPT, values, self._schema)]
        if reply.problem:
            return [rejection_of(reply)]
        items = reply.value.get(self.options.items) if self.options.items else [reply.value]
        if not isinstance(items, list) or not items:
            return [Rejection("no_output", f"{self.options.items} is no list with elements")]
        return [self._row(item, passage) for item in items]

    def _row(self, item: Any, passage: Passage) -> Row | Rejection:
        configuration = self.options.configuration
        names = {
            name: self.options.fields.get(name, name)
            for name in (*_NEEDS[configuration], "system", "negatives")
        }
        if not isinstance(item, dict):
            return Rejection("invalid_json", "an element that is no object")
        found = {name: item.get(field) for name, field in names.items()}
        found |= {name: passage.text for name, field in names.items() if field == "document"}
        if missing := [name for name in _NEEDS[configuration] if found[name] is None]:
            return Rejection("empty_field", ", ".join(missing))
        return _ROWS[configuration](found, passage)


def _read_schema(path: str) -> dict[str, Any]:
    import jsonschema  # type: ignore[import-untyped]

    try:
        schema: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        jsonschema.validators.validator_for(schema).check_schema(schema)
    except (json.JSONDecodeError, jsonschema.SchemaError) as error:
        raise ValueError(f"{path} must be a JSON Schema: {str(error).splitlines()[0]}") from None
    return schema


def _question_answer(found: Mapping[str, Any], passage: Passage) -> Row | Rejection:
    return question_row(str(found["question"]), str(found["answer"]), passage)


def _retrieval(found: Mapping[str, Any], passage: Passage) -> Row:
    negatives = [str(text) for text in found["negatives"] or ()]
    return Row(
        "retrieval",
        {"query": str(found["query"]).strip(), "positive": passage.text, "negatives": negatives},
    )


def _conversation(found: Mapping[str, Any], _: Passage) -> Row:
    return conversation(
        [
            turn(role, str(found[role]))
            for role in ("system", "user", "assistant")
            if found[role] is not None
        ]
    )


def _multiple_choice(found: Mapping[str, Any], passage: Passage) -> Row | Rejection:
    choices, answer = [str(choice).strip() for choice in found["choices"]], found["answer"]
    if isinstance(answer, str):
        if answer.strip() not in choices:
            return Rejection("answer_out_of_range", answer[:200])
        answer = choices.index(answer.strip())
    values = {
        "context": passage.text,
        "question": str(found["question"]).strip(),
        "choices": choices,
    }
    return Row("multiple_choice", values | {"answer": int(answer)})


def _preference(found: Mapping[str, Any], _: Passage) -> Row:
    values = {"prompt": [turn("user", str(found["prompt"]))], "rejected_reason": "model"}
    answers = {name: [turn("assistant", str(found[name]))] for name in ("chosen", "rejected")}
    return Row("preference", values | answers)


def _claim(found: Mapping[str, Any], passage: Passage) -> Row:
    values = {
        "claim": str(found["claim"]).strip(),
        "evidence": passage.text,
        "label": str(found["label"]),
    }
    return Row("claim", values)


def _text(found: Mapping[str, Any], _: Passage) -> Row:
    return Row("text", {"text": str(found["text"]).strip()})


_ROWS = {
    "question_answer": _question_answer,
    "retrieval": _retrieval,
    "conversation": _conversation,
    "multiple_choice": _multiple_choice,
    "preference": _preference,
    "claim": _claim,
    "text": _text,
}
