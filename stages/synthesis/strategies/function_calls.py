"""Conversations in which the assistant calls a function: request, call, result, answer.

Papers: Liu et al. 2024, APIGen: calls are checked by their format and by the schema of the
function; MASSIVE-Agents (Kulkarni et al. 2025) does so in many languages. The names of functions
and arguments stay as the recipe's tools have them; request and answer are in the target language. A
call that the schema of its parameters refuses is rejected. No function is run: the model writes the
result, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from stages.batches import StageConfig, located
from stages.synthesis.gates import span_answer
from stages.synthesis.options import SynthesisConfig
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import TEXT, language_of, object_of, turn
from stages.synthesis.strategy import Ask, Rejection, Row, Strategy, Talk, rejection_of

_CALL = "call_0"


class FunctionCallsOptions(StageConfig):
    """Options of `function_calls`."""

    tools: str = Field(
        description="File of tools: a JSON list of { name, description, parameters: JSON Schema }."
    )

    def at_home(self, base: str) -> Self:
        return self.model_copy(update={"tools": located(self.tools, base)})


class FunctionCalls(Strategy):
    """Passage to a conversation with one checked call of a function."""

    configurations = ("conversation",)
    prompts = ("function_call.2", "function_answer.2")
    gates = ("own_instruction",)
    Options = FunctionCallsOptions

    def __init__(self, options: FunctionCallsOptions, config: SynthesisConfig) -> None:
        super().__init__(options, config)
        self._tools = _read_tools(options.tools)

    def files(self) -> Sequence[str]:
        return (self.options.tools,)

    def make(self, passage: Passage) -> Talk:
        written = json.dumps(list(self._tools.values()), ensure_ascii=False, sort_keys=True)
        values = {"language": language_of(passage), "tools": written, "document": passage.text}
        name = {"type": "string", "enum": list(self._tools)}
        schema = object_of(
            request=TEXT, name=name, arguments={"type": "object"}, result={"type": "object"}
        )
        (called,) = yield [Ask("function_call.2", values, schema)]
        if called.problem:
            return [rejection_of(called)]
        call = called.value
        if fault := _fault(call["arguments"], self._tools[call["name"]]["parameters"]):
            return [Rejection("invalid_call", fault)]
        if not call["result"]:
            return [Rejection("invalid_call", "the function gives nothing back")]
        if unsaid := _unsaid(call["arguments"], call["request"]):
            return [Rejection("invalid_call", f"the request does not say {unsaid}"[:200])]
        arguments, result = (
            json.dumps(call[part], ensure_ascii=False, sort_keys=True)
            for part in ("arguments", "result")
        )
        values |= {"request": call["request"], "result": result}
        (answered,) = yield [Ask("function_answer.2", values, object_of(answer=TEXT))]
        if answered.problem:
            return [rejection_of(answered)]
        calls = [{"id": _CALL, "name": call["name"], "arguments": arguments}]
        messages = [
            turn("user", call["request"]),
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "content": result, "tool_call_id": _CALL},
            turn("assistant", answered.value["answer"]),
        ]
        return [Row("conversation", {"messages": messages, "tools": written})]


def _unsaid(value: Any, request: str) -> str | None:
    """Return a text of the arguments that the request does not hold; one of a single word may have
    another ending there."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return next((found for part in parts if (found := _unsaid(part, request))), None)
    if not isinstance(value, str) or span_answer(value, request) is not None:
        return None
    stem = value.strip()[: max(3, 2 * len(value.strip()) // 3)]
    return None if " " not in stem and span_answer(stem, request) else value


def _fault(arguments: Any, schema: Mapping[str, Any]) -> str | None:
    import jsonschema  # type: ignore[import-untyped]

    kind = jsonschema.validators.validator_for(schema)
    wrong = next(kind(schema).iter_errors(arguments), None)
    return None if wrong is None else f"{wrong.json_path}: {wrong.message}"[:200]


def _read_tools(path: str) -> dict[str, dict[str, Any]]:
    """Read tools by their names; raises ValueError for a file that holds none."""
    import jsonschema

    try:
        tools = json.loads(Path(path).read_text(encoding="utf-8"))
        found = {str(tool["name"]): tool for tool in tools}
        for tool in tools:
            jsonschema.validators.validator_for(tool["parameters"]).check_schema(tool["parameters"])
    except (ValueError, TypeError, KeyError, jsonschema.SchemaError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{path} must be a JSON list of tools with name, description, parameters: {reason}"
        ) from None
    if not found:
        raise ValueError(f"{path} must hold a tool, got none")
    return found
