"""Features on the card are what the `datasets` library makes of the same Arrow schema."""

from __future__ import annotations

import pyarrow as pa
import pytest
from datasets import Features

from data_cards.sections.columns import column_rows, hub_feature
from schemas.columns import SchemaError
from schemas.document import CANDIDATES, DOCUMENT

KINDS = [
    *(pa.bool_(), pa.int8(), pa.int64(), pa.uint16(), pa.float16(), pa.float32(), pa.float64()),
    *(pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.date32(), pa.null()),
    *(
        pa.decimal128(10, 2),
        pa.decimal256(50, 2),
        pa.time32("ms"),
        pa.time64("us"),
        pa.duration("ms"),
    ),
    *(pa.timestamp("us"), pa.timestamp("ms", tz="UTC"), pa.dictionary(pa.int8(), pa.string())),
    *(pa.list_(pa.int32()), pa.large_list(pa.string()), pa.list_(pa.list_(pa.string()))),
    pa.struct([("a", pa.string()), ("b", pa.list_(pa.int8()))]),
    pa.list_(pa.struct([("a", pa.large_string()), ("b", pa.struct([("c", pa.bool_())]))])),
    pa.large_list(pa.struct([("a", pa.list_(pa.struct([("b", pa.int8())])))])),
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_features_agree_with_the_datasets_library(kind: pa.DataType) -> None:
    theirs = Features.from_arrow_schema(pa.schema([("x", kind)]))._to_yaml_list()
    assert [{"name": "x", **hub_feature(kind)}] == theirs


def test_all_document_columns_are_described_and_agree() -> None:
    schema = pa.schema([*DOCUMENT, CANDIDATES, pa.field("extra", pa.string())])
    rows = column_rows(schema)
    assert [{"name": row.name, **row.feature} for row in rows] == Features.from_arrow_schema(
        schema
    )._to_yaml_list()
    assert [row.name for row in rows if not row.description] == ["extra"]


def test_seconds_are_declared_as_the_milliseconds_that_parquet_keeps() -> None:
    assert hub_feature(pa.timestamp("s")) == {"dtype": "timestamp[ms]"}


def test_types_that_a_card_cannot_declare_are_all_named() -> None:
    schema = pa.schema(
        [("a", pa.map_(pa.string(), pa.int8())), ("b", pa.int8()), ("c", pa.dense_union([]))]
    )
    with pytest.raises(SchemaError, match=r"column 'a': type map<.*; column 'c': type dense_union"):
        column_rows(schema)
