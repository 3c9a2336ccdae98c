"""A column with its description, and the check that a batch carries what a stage needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa


class SchemaError(ValueError):
    """A batch or file breaks a column contract; the message names every problem at once."""


def column(name: str, kind: pa.DataType, description: str, *, nullable: bool = False) -> pa.Field:
    """Make an Arrow field that carries its description, from which the card's column table is
    generated."""
    return pa.field(name, kind, nullable=nullable, metadata={"description": description})


def description(field: pa.Field) -> str:
    """Return a column's description, or an empty string for a column that has none (a user's
    own)."""
    return (field.metadata or {}).get(b"description", b"").decode()


def column_problems(found: pa.Schema, expected: pa.Schema, names: Iterable[str]) -> list[str]:
    """List how `found` fails to offer the columns `names` of `expected`; empty when it offers
    all."""
    problems = []
    for name in names:
        position = found.get_field_index(name)
        wanted = expected.field(name).type
        if position < 0:
            problems.append(f"{name!r} is missing (expected {wanted})")
        elif found.field(position).type != wanted:
            problems.append(f"{name!r} is {found.field(position).type} (expected {wanted})")
    return problems


def require_columns(batch: pa.RecordBatch, expected: pa.Schema, names: Iterable[str]) -> None:
    """Raise SchemaError, naming every problem, unless `batch` has the columns `names` as `expected`
    types them.

    >>> require_columns(pa.record_batch({"id": ["a"]}), pa.schema([column("text", pa.large_string(), "t")]), ["text"])
    Traceback (most recent call last):
    ...
    schemas.columns.SchemaError: batch lacks required columns: 'text' is missing (expected large_string)
    """
    if problems := column_problems(batch.schema, expected, names):
        raise SchemaError(f"batch lacks required columns: {'; '.join(problems)}")


def arrange(columns: Mapping[str, Any], schema: pa.Schema, rows: int) -> pa.Table:
    """Put named arrays of n rows in the order and types of a schema; columns that are not given are
    null.

    >>> arrange({"b": pa.array([1])}, pa.schema([("a", pa.string()), ("b", pa.float64())]), 1).to_pylist()
    [{'a': None, 'b': 1.0}]
    """
    arrays = [
        columns[field.name].cast(field.type)
        if field.name in columns
        else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema)
