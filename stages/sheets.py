"""Sheets that people fill: tables as CSV that any spreadsheet program opens, and that come back
from it."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence

import polars as pl
import pyarrow as pa
import pyarrow.csv


def safe_cell(text: pl.Expr, longest: int) -> pl.Expr:
    """Make text one line of at most `longest` code points that no spreadsheet program takes for a
    formula."""
    one_line = (
        text.str.replace_all(r"[\s\p{Cc}\x{2028}\x{2029}]+", " ")
        .str.strip_chars()
        .str.slice(0, longest)
    )
    # Full-width signs begin a formula too, in Japanese editions.
    return one_line.str.replace(r"^([=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])", "'$1")


def sheet_bytes(sheet: pa.Table) -> bytes:
    """Write a sheet as CSV in UTF-8, with the byte order mark by which spreadsheet programs know
    it."""
    sink = io.BytesIO(codecs.BOM_UTF8)
    sink.seek(0, io.SEEK_END)
    pa.csv.write_csv(sheet, sink)
    return sink.getvalue()


def read_sheet(content: bytes, names: Sequence[str], needed: Sequence[str]) -> pa.Table:
    """Read a sheet that came back: comma, semicolon or tab between the cells, all of them strings.

    Returns those columns of `names` that it has; raises ValueError that says what is wrong if it is
    no such table, or has not each of the `needed` columns once.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"sheet must be CSV in UTF-8, got other bytes at {error.start}; save it as such"
        ) from None
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    try:
        found, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        raise ValueError(
            f"sheet must be CSV with a header, got what cannot be read: {error}"
        ) from None
    while rows and not any(
        rows[-1]
    ):  # spreadsheet programs and editors leave empty rows at the end
        rows.pop()
    if missing := [name for name in needed if found.count(name) != 1]:
        raise ValueError(
            f"sheet must have each column of the judging sheet once, got no or several {missing[0]!r}"
        )
    for number, row in enumerate(rows, start=2):  # a sheet is short
        if len(row) > len(found):
            raise ValueError(
                f"sheet must have {len(found)} cells in a row, got {len(row)} in row {number}"
            )
    filled = [[*row, *[""] * (len(found) - len(row))] for row in rows]
    columns = dict(
        zip(found, zip(*filled, strict=True) if filled else [()] * len(found), strict=True)
    )
    return pa.table(
        {name: pa.array(columns[name], pa.string()) for name in names if name in columns}
    )
