"""What is published of synthesis: a configuration for each kind of row, and the columns that all of
them have.

Formats: SQuAD (Rajpurkar et al. 2016) for questions and answers; `messages` as the Hub's trainers
read conversations; `prompt`, `chosen`, `rejected` for preferences; `query`, `positive`, `negatives`
for retrieval.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from schemas.columns import column
from schemas.document import DOCUMENT

_CALL = pa.struct([("id", pa.string()), ("name", pa.string()), ("arguments", pa.string())])
MESSAGE = pa.struct(
    [
        ("role", pa.string()),
        ("content", pa.large_string()),
        ("tool_calls", pa.list_(_CALL)),
        ("tool_call_id", pa.string()),
    ]
)

PROVENANCE = pa.schema(
    [
        column("id", pa.string(), "Hex BLAKE2b-128 of all that made the row."),
        column("parent_id", pa.string(), "Id of the document that the row was made from."),
        column("language", pa.string(), "ISO 639-3 code that the row is in."),
        column("script", pa.string(), "ISO 15924 code that the row is in."),
        DOCUMENT.field("source"),
        DOCUMENT.field("url"),
        column(
            "licence",
            pa.string(),
            "Of the document, as the source states it; null if unknown.",
            nullable=True,
        ),
        column("synthetic", pa.bool_(), "True: a model or a template wrote the row."),
        column("strategy", pa.string(), "Method, and its version after a slash."),
        column("generator", pa.string(), "Engine and model that answered; `none` for a template."),
        column("generator_version", pa.string(), "Version of engine and model."),
        column(
            "seed", pa.int64(), "Seed that the recipe gives; repeated questions count up from it."
        ),
        column(
            "parameters", pa.string(), "What else the answers depend on, as JSON with sorted keys."
        ),
        column(
            "prompts",
            pa.list_(pa.string()),
            "Hex SHA-256 of each prompt or template; the card has their texts.",
        ),
        column(
            "responses", pa.list_(pa.string()), "Hex keys of the kept responses that made the row."
        ),
        column(
            "passage_start",
            pa.int64(),
            "Where the passage that the row was made from begins, in code points.",
        ),
        column(
            "agreement",
            pa.float32(),
            "Share in [0, 1] of repeated answers that agree; null if not asked.",
            nullable=True,
        ),
        column(
            "judge_score",
            pa.float32(),
            "Score that the judging model gave; null if none was asked.",
            nullable=True,
        ),
    ]
)

_CONTEXT = column("context", pa.large_string(), "Passage of the document, as it was found.")
_QUESTION = column("question", pa.large_string(), "Question about the context.")

CONFIGURATIONS: Mapping[str, pa.Schema] = {
    "question_answer": pa.schema(
        [
            column("title", pa.string(), "Address of the document, or its id where there is none."),
            _CONTEXT,
            _QUESTION,
            column(
                "answers",
                pa.struct(
                    [("text", pa.list_(pa.large_string())), ("answer_start", pa.list_(pa.int32()))]
                ),
                "Spans of the context that answer, and where they begin, in code points.",
            ),
        ]
    ),
    "retrieval": pa.schema(
        [
            column("query", pa.large_string(), "What one would search for."),
            column("positive", pa.large_string(), "Passage that answers it, as it was found."),
            column(
                "negatives",
                pa.list_(pa.large_string()),
                "Passages that do not answer it; none for pairs.",
            ),
        ]
    ),
    "conversation": pa.schema(
        [
            column("messages", pa.list_(MESSAGE), "Turns, in order."),
            column(
                "tools",
                pa.large_string(),
                "Tools that may be called, as JSON; null without.",
                nullable=True,
            ),
        ]
    ),
    "multiple_choice": pa.schema(
        [
            _CONTEXT,
            _QUESTION,
            column("choices", pa.list_(pa.large_string()), "Answers to choose from."),
            column("answer", pa.int32(), "Place of the right choice, from 0."),
        ]
    ),
    "preference": pa.schema(
        [
            column("prompt", pa.list_(MESSAGE), "Turns before the answer."),
            column("chosen", pa.list_(MESSAGE), "The better answer."),
            column("rejected", pa.list_(MESSAGE), "The worse answer."),
            column(
                "rejected_reason", pa.string(), "What is wrong with it, as a short snake_case word."
            ),
        ]
    ),
    "claim": pa.schema(
        [
            column("claim", pa.large_string(), "Statement to check."),
            column("evidence", pa.large_string(), "Passage to check it by, as it was found."),
            column("label", pa.string(), "supported, refuted or not_enough_information."),
        ]
    ),
    "text": pa.schema([column("text", pa.large_string(), "Text made from the document.")]),
}


def synthetic_schema(configuration: str) -> pa.Schema:
    """Return the columns of a configuration: its own, then those that all have."""
    own = CONFIGURATIONS[configuration]
    return pa.schema(
        [PROVENANCE.field("id"), *own, *(field for field in PROVENANCE if field.name != "id")]
    )
