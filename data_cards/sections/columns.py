"""The column table of a card, and the features that `dataset_info` declares, both from the Arrow
schema.

The features follow what the `datasets` library makes of the same schema
(`Features.from_arrow_schema`), so that it finds what it would have written itself; that library is
not needed to write them.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from schemas.card.columns import ColumnRow
from schemas.columns import SchemaError, description

_NAMES = {"halffloat": "float16", "float": "float32", "double": "float64", "date32[day]": "date32"}
_SAFE = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_timestamp,
    pa.types.is_date32,
    pa.types.is_time,
    pa.types.is_duration,
    pa.types.is_decimal128,
    pa.types.is_decimal256,
    pa.types.is_null,
)


def column_rows(schema: pa.Schema) -> tuple[ColumnRow, ...]:
    """Describe the columns of a published schema.

    Raises SchemaError, naming every such column, if one has a type that a Hub card cannot declare.
    """
    problems = []
    rows = []
    for field in schema:
        try:
            feature = hub_feature(field.type)
        except SchemaError as error:
            problems.append(f"column {field.name!r}: {error}")
            continue
        rows.append(
            ColumnRow(
                name=field.name,
                kind=str(field.type),
                nullable=field.nullable,
                description=description(field),
                feature=feature,
            )
        )
    if problems:
        raise SchemaError("; ".join(problems))
    return tuple(rows)


def hub_feature(kind: pa.DataType) -> dict[str, Any]:
    """Write an Arrow type as a Hub card's feature, such as `{"list": [{"name": "score", "dtype":
    "float32"}]}`.

    Seconds become milliseconds, because Parquet has no timestamp in seconds.
    """
    if pa.types.is_dictionary(kind):
        return hub_feature(kind.value_type)
    if pa.types.is_struct(kind):
        return {"struct": [{"name": field.name, **hub_feature(field.type)} for field in kind]}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = hub_feature(kind.value_type)
        short = next(iter(inner.values())) if inner.keys() in ({"dtype"}, {"struct"}) else inner
        return {"large_list" if pa.types.is_large_list(kind) else "list": short}
    if pa.types.is_timestamp(kind):
        unit = "ms" if kind.unit == "s" else kind.unit
        return {"dtype": f"timestamp[{unit}, tz={kind.tz}]" if kind.tz else f"timestamp[{unit}]"}
    if not any(test(kind) for test in _SAFE):
        raise SchemaError(
            f"type {kind} cannot be declared on a card; leave the column out or cast it to string"
        )
    return {"dtype": _NAMES.get(str(kind), str(kind))}
