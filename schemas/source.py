"""Source: one `[[sources]]` entry of a recipe, told apart by its `format`."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from schemas.document import CANDIDATES, DOCUMENT, RECORD, SAMPLING_WEIGHT
from schemas.ledger import LEDGER, REJECTION

# What a kept column may not be called: each of these stands beside it in a block, a ledger or a published file.
RESERVED_COLUMNS = frozenset(
    (*DOCUMENT.names, *RECORD.names, *REJECTION.names, *LEDGER.names, CANDIDATES.name, SAMPLING_WEIGHT.name)
)

_ASCII = bytes(range(128))


class Columns(BaseModel):
    """Which column of the source fills which column of a document. `meta.url` names the field `url` of `meta`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(default="text", min_length=1, description="Column that holds the text of a document.")
    id: str | None = Field(
        default=None,
        min_length=1,
        description="Column whose value becomes the document's id, 1 to 256 bytes without control characters; "
        "without one the id is a hash of source, path and position.",
    )
    url: str | None = Field(default=None, min_length=1, description="Column that holds the address of the document.")
    licence: str | None = Field(
        default=None,
        min_length=1,
        description="Column that holds the licence of the document; where it is null the source's own licence holds.",
    )
    date: str | None = Field(default=None, min_length=1, description="Column that holds an ISO 8601 date or time.")
    declared_language: str | None = Field(
        default=None,
        min_length=1,
        description="Column that holds the language which the source itself declares.",
    )

    def mapped(self) -> dict[str, str]:
        """Return document column -> source column, for the columns that are mapped, in the order of the fields."""
        return {name: column for name in type(self).model_fields if (column := getattr(self, name)) is not None}


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]*$",
        max_length=64,
        description="Name of the source in every document and ledger row and on the card: small letters, digits, _, -.",
    )
    licence: str | None = Field(
        default=None,
        min_length=1,
        description="SPDX identifier or the source's own words, for every document that does not bring its own.",
    )
    url: str | None = Field(default=None, min_length=1, description="Home of the source, for the card.")
    description: str | None = Field(default=None, min_length=1, description="What the source is, for the card.")
    max_record_bytes: int = Field(
        default=256 << 20,
        ge=1,
        le=2 << 30,
        description="Longest record that is read, in bytes after decompression; a longer one fails alone.",
    )


class _Files(_Source):
    paths: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        min_length=1,
        description="Files or globs (`*`, `**`, `?`, `[ab]`), relative to the recipe's folder, absolute, or a URL of "
        "any store that fsspec knows: `s3://`, `gs://`, `hf://`.",
    )


class _Tabular(_Source):
    columns: Columns = Field(default_factory=Columns, description="Source columns that fill the document's columns.")
    keep: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="Further columns of the source that pass through under their own names."
    )

    @field_validator("keep")
    @classmethod
    def _free_names(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        if taken := [name for name in keep if name in RESERVED_COLUMNS]:
            raise ValueError(
                f"keep must not name a column that glotmill writes itself, got {', '.join(map(repr, taken))}"
            )
        if len(set(keep)) < len(keep):
            raise ValueError(f"keep must name each column once, got {list(keep)!r}")
        return keep

    @model_validator(mode="after")
    def _no_column_within_another(self) -> Self:
        whole = set(self.columns.mapped().values()) | set(self.keep)
        for column in self.columns.mapped().values():
            parts = column.split(".")
            for end in range(1, len(parts)):
                if (outer := ".".join(parts[:end])) in whole:
                    raise ValueError(f"columns must not name a field and its parent, got {column!r} and {outer!r}")
        return self


class _Encoded(_Files):
    encoding: str = Field(
        default="utf-8", description="Encoding of the files, as Python names it: utf-8, windows-1252, big5."
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "a".encode(encoding)  # refuses codecs that are not of text, such as zip
        except LookupError:
            raise ValueError(
                f"encoding must be one that Python knows, such as utf-8 or big5, got {encoding!r}"
            ) from None
        return codecs.lookup(encoding).name


def _ascii_superset(encoding: str) -> str:
    if _ASCII.decode(encoding, "replace").encode(encoding, "replace") != _ASCII:
        raise ValueError(f"encoding must keep ASCII as it is, got {encoding!r}; convert the files to UTF-8")
    return encoding


class ParquetSource(_Files, _Tabular):
    """Parquet files, a document a row."""

    format: Literal["parquet"] = Field(description="Parquet, read by row groups.")


class JsonLinesSource(_Files, _Tabular):
    """JSON Lines, an object a line, UTF-8; plain, .gz, .bz2, .xz or .zst. Kept columns must hold strings."""

    format: Literal["jsonl"] = Field(description="JSON Lines: plain (split by byte range), .gz, .bz2, .xz, .zst.")


class _Delimited(_Encoded, _Tabular):
    header: tuple[str, ...] | None = Field(
        default=None, description="Column names, for files without a header line; by default the first line names them."
    )

    _splittable = field_validator("encoding")(_ascii_superset)


class CsvSource(_Delimited):
    """Comma-separated values with quoting as in RFC 4180; a quoted value may span lines. Kept columns are strings."""

    format: Literal["csv"] = Field(description="Comma-separated values: plain, .gz, .bz2, .xz, .zst.")
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="Character between two values.")
    quote: str = Field(default='"', max_length=1, description="Character around a value; empty for no quoting.")


class TsvSource(_Delimited):
    """Tab-separated values, by default without quoting: `"` is a letter like others. Kept columns are strings."""

    format: Literal["tsv"] = Field(description="Tab-separated values: plain, .gz, .bz2, .xz, .zst.")
    delimiter: str = Field(default="\t", min_length=1, max_length=1, description="Character between two values.")
    quote: str = Field(default="", max_length=1, description="Character around a value; empty for no quoting.")


class TextSource(_Encoded):
    """Plain text, a document a file or a document a line; empty lines are no documents."""

    format: Literal["text"] = Field(description="Plain text: plain, .gz, .bz2, .xz, .zst.")
    unit: Literal["file", "line"] = Field(default="file", description="What a document is: a whole file or a line.")

    @field_validator("unit")
    @classmethod
    def _lines_need_ascii(cls, unit: str, info: ValidationInfo) -> str:
        if unit == "line" and "encoding" in info.data:
            _ascii_superset(info.data["encoding"])
        return unit


class HtmlSource(_Files):
    """HTML pages, a document a file; a folder stands for every .html, .htm and .xhtml file below it."""

    format: Literal["html"] = Field(description="HTML pages in files: plain, .gz, .bz2, .xz, .zst.")


class WarcSource(_Files):
    """WARC files with HTTP responses or resources, and WET files with extracted text."""

    format: Literal["warc"] = Field(description="WARC and WET: plain, .gz, .zst.")


class WikipediaSource(_Files):
    """MediaWiki XML dumps (`pages-articles`): the articles, without redirects and other namespaces."""

    format: Literal["wikipedia"] = Field(description="MediaWiki XML dump: plain, .bz2, .gz, .xz, .zst.")


class HubSource(_Tabular):
    """A data set on the Hugging Face Hub, read from its Parquet files."""

    format: Literal["hub"] = Field(description="A data set on the Hugging Face Hub.")
    dataset: str = Field(
        pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$", description="Its name there, as `owner/dataset`."
    )
    config: str | None = Field(
        default=None,
        min_length=1,
        description="Configuration (subset) to read; without one, the data set's default or only one.",
    )
    split: str = Field(default="train", min_length=1, description="Split to read.")
    revision: str = Field(
        default="main",
        pattern=r"^[A-Za-z0-9][\w./-]*$",
        description="Branch, tag or commit; name a commit to read the same data for ever.",
    )


class GflanguagesSource(_Source):
    """The sample texts of the Python package `gflanguages`: passages in about 750 language-script pairs."""

    format: Literal["gflanguages"] = Field(
        description="Sample texts of the installed package `gflanguages`, each with its language and script."
    )


Source = Annotated[
    ParquetSource
    | JsonLinesSource
    | CsvSource
    | TsvSource
    | TextSource
    | HtmlSource
    | WarcSource
    | WikipediaSource
    | HubSource
    | GflanguagesSource,
    Field(discriminator="format"),
]
