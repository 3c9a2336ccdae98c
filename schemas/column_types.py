"""Types of the columns that a source brings and the recipe keeps: how each is written, and what two
have in common.

Views, dictionaries, extensions, maps and lists of a fixed size are ways to store values, which
differ from one writer to the next and which not every reader knows. They are written as what they
store.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

_UNSIGNED_BITS = {pa.uint8(): 8, pa.uint16(): 16, pa.uint32(): 32, pa.uint64(): 64}
_SIGNED = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
_UNITS = ("s", "ms", "us", "ns")
_DECIMAL128_DIGITS, _DECIMAL256_DIGITS = 38, 76
_WIDER_TEXT: Mapping[pa.DataType, pa.DataType] = {
    pa.string(): pa.large_string(),
    pa.binary(): pa.large_binary(),
}

_BYTES = {
    pa.string(): pa.binary(),
    pa.large_string(): pa.large_binary(),
    pa.string_view(): pa.binary_view(),
}


def written_type(kind: pa.DataType) -> pa.DataType:
    """Return the type under which a column is kept: what `kind` stores, in a type that every reader
    knows.

    >>> written_type(pa.dictionary(pa.int32(), pa.string_view()))
    DataType(string)
    """
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return (
            pa.bool_() if kind.extension_name == "arrow.bool8" else written_type(kind.storage_type)
        )
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return written_type(kind.value_type)
    if types.is_string_view(kind):
        return pa.string()
    if types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
        return pa.binary()
    if types.is_date64(kind):
        return pa.date32()
    if types.is_decimal32(kind) or types.is_decimal64(kind):
        return pa.decimal128(kind.precision, kind.scale)
    if types.is_map(kind):
        entry = [
            pa.field("key", written_type(kind.key_type)),
            pa.field("value", written_type(kind.item_type)),
        ]
        return pa.list_(pa.struct(entry))
    if types.is_large_list(kind) or types.is_large_list_view(kind):
        return pa.large_list(written_type(kind.value_type))
    if types.is_list(kind) or types.is_list_view(kind) or types.is_fixed_size_list(kind):
        return pa.list_(written_type(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([pa.field(field.name, written_type(field.type)) for field in kind])
    return kind


def bytes_type(kind: pa.DataType) -> pa.DataType:
    """Return a type under which the same memory can be viewed, with bytes for every string.

    >>> bytes_type(pa.dictionary(pa.int32(), pa.string()))
    DictionaryType(dictionary<values=binary, indices=int32, ordered=0>)
    """
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return _BYTES[kind]
    if types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, bytes_type(kind.value_type), kind.ordered)
    if types.is_struct(kind):
        return pa.struct([field.with_type(bytes_type(field.type)) for field in kind])
    if types.is_map(kind):
        key, item = (
            field.with_type(bytes_type(field.type)) for field in (kind.key_field, kind.item_field)
        )
        return pa.map_(key, item, kind.keys_sorted)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        values = kind.value_field.with_type(bytes_type(kind.value_type))
        if types.is_fixed_size_list(kind):
            return pa.list_(values, kind.list_size)
        return pa.list_(values) if types.is_list(kind) else pa.large_list(values)
    return kind


def widened(first: pa.DataType, second: pa.DataType) -> pa.DataType | None:
    """Return the narrowest type that holds every value of two written types unchanged; None if
    there is none.

    >>> widened(pa.int32(), pa.int64()), widened(pa.uint32(), pa.int8()), widened(pa.null(), pa.string())
    (DataType(int64), DataType(int64), DataType(string))
    >>> widened(pa.int64(), pa.float64())  # a double has 53 bits
    >>> widened(pa.decimal128(5, 2), pa.decimal128(6, 1))
    Decimal128Type(decimal128(7, 2))
    """
    if first == second or pa.types.is_null(second):
        return first
    if pa.types.is_null(first):
        return second
    if pa.types.is_integer(first) and pa.types.is_integer(second):
        return _wider_integer(first, second)
    if pa.types.is_floating(first) and pa.types.is_floating(second):
        return max(first, second, key=lambda kind: int(kind.bit_width))
    if pa.types.is_decimal(first) and pa.types.is_decimal(second):
        return _wider_decimal(first, second)
    if pa.types.is_time(first) and pa.types.is_time(second):
        unit = max(first.unit, second.unit, key=_UNITS.index)
        return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
    if _counts_units(first) and _counts_units(second):
        return _finer(first, second)
    for narrow, wide in _WIDER_TEXT.items():
        if {first, second} == {narrow, wide}:
            return wide
    if _is_list(first) and _is_list(second):
        values = widened(first.value_type, second.value_type)
        large = pa.types.is_large_list(first) or pa.types.is_large_list(second)
        return None if values is None else pa.large_list(values) if large else pa.list_(values)
    if pa.types.is_struct(first) and pa.types.is_struct(second):
        return _wider_struct(first, second)
    return None


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _wider_integer(first: pa.DataType, second: pa.DataType) -> pa.DataType | None:
    if (first in _UNSIGNED_BITS) == (second in _UNSIGNED_BITS):
        return max(first, second, key=lambda kind: int(kind.bit_width))
    unsigned, signed = (first, second) if first in _UNSIGNED_BITS else (second, first)
    return _SIGNED.get(max(2 * _UNSIGNED_BITS[unsigned], int(signed.bit_width)))


def _wider_decimal(first: pa.DataType, second: pa.DataType) -> pa.DataType | None:
    scale = max(first.scale, second.scale)
    digits = scale + max(first.precision - first.scale, second.precision - second.scale)
    if digits > _DECIMAL256_DIGITS:
        return None
    wide = digits > _DECIMAL128_DIGITS or max(first.bit_width, second.bit_width) > 128
    return pa.decimal256(digits, scale) if wide else pa.decimal128(digits, scale)


def _counts_units(kind: pa.DataType) -> bool:
    """Tell if values are of a day and time, or a span of it, in a unit that reaches beyond any date
    that is written: not nanoseconds, which end in 2262."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_duration(kind)) and kind.unit != "ns"


def _finer(first: pa.DataType, second: pa.DataType) -> pa.DataType | None:
    unit = max(first.unit, second.unit, key=_UNITS.index)
    if pa.types.is_duration(first) and pa.types.is_duration(second):
        return pa.duration(unit)
    both = pa.types.is_timestamp(first) and pa.types.is_timestamp(second)
    return pa.timestamp(unit, first.tz) if both and first.tz == second.tz else None


def _wider_struct(first: pa.StructType, second: pa.StructType) -> pa.DataType | None:
    """Unite two structs of the same fields, in the order of the first."""
    names = [field.name for field in first]
    if sorted(names) != sorted(field.name for field in second) or len(set(names)) < len(names):
        return None
    types = {name: widened(first.field(name).type, second.field(name).type) for name in names}
    if None in types.values():
        return None
    return pa.struct([pa.field(name, kind) for name, kind in types.items()])
