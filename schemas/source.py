"""Source: one `[[sources]]` entry of a recipe; its `format` says which kind it is."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from schemas.document import (
    CANDIDATES,
    DOCUMENT,
    PAGE_LANGUAGES,
    PAGE_MARKS,
    RECORD,
    SAMPLING_WEIGHT,
    TRANSLATION_EVIDENCE,
    TRANSLATION_WEIGHT,
)
from schemas.language import parse_label
from schemas.ledger import LEDGER, REJECTION
from schemas.model_signals import MODEL_SIGNALS
from schemas.quality_signals import QUALITY_SIGNALS

# What a kept column may not be called: each of these stands next to it in a block, a ledger or a
# published file.
RESERVED_COLUMNS = frozenset(
    (
        *DOCUMENT.names,
        *RECORD.names,
        *REJECTION.names,
        *LEDGER.names,
        *PAGE_MARKS.names,
        *QUALITY_SIGNALS.names,
        *MODEL_SIGNALS.names,
        CANDIDATES.name,
        PAGE_LANGUAGES.name,
        SAMPLING_WEIGHT.name,
        TRANSLATION_EVIDENCE.name,
        TRANSLATION_WEIGHT.name,
    )
)

# Bytes that must be ASCII where files are read by the line. Not asked are ESC, which ISO 2022-JP
# begins another set with (to end it in the same line: RFC 1468), and `%`, backslash and `~`, which
# some encodings use otherwise.
_STRUCTURE = bytes(octet for octet in range(128) if octet not in b"\x1b%\\~")

# Codecs of the standard library that write host names, programs or any byte.
_NO_ENCODINGS_OF_FILES = frozenset(
    ("charmap", "idna", "punycode", "raw-unicode-escape", "unicode-escape")
)

# Labels of the WHATWG Encoding Standard (section 4.2) that Python lacks, by Python's name of their
# encoding.
_WHATWG_LABELS = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "utf-16-le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff",
    "cp874": "dos-874 iso885911 windows-874",
    "iso8859-6": "csiso88596e csiso88596i iso-8859-6-e iso-8859-6-i",
    "iso8859-7": "sun_eu_greek",
    "iso8859-8": "csiso88598e csiso88598i iso-8859-8-e iso-8859-8-i logical visual",
    "iso8859-15": "csisolatin9",
    "koi8-r": "koi koi8",
    "koi8-u": "koi8-ru",
    "mac-roman": "csmacintosh mac x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gbk": "csgb2312 gb_2312 gb_2312-80 x-gbk",
    "big5hkscs": "cn-big5 x-x-big5",
    "euc_jp": "cseucpkdfmtjapanese x-euc-jp",
    "cp932": "windows-31j x-sjis",
    "cp949": "cseuckr csksc56011987 iso-ir-149 ks_c_5601-1989 ksc_5601 windows-949",
    **{f"iso8859-{part}": f"iso8859{part}" for part in (1, 2, 3, 4, 5, 9, 10, 13, 14, 16)},
    **{f"cp{page}": f"x-cp{page}" for page in range(1250, 1259)},
}
_PYTHON_NAMES = {label: name for name, labels in _WHATWG_LABELS.items() for label in labels.split()}


class Columns(BaseModel):
    """Which column of the source fills which column of a document. `meta.url` names the field `url`
    of `meta`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(
        default="text", min_length=1, description="Column that holds the text of a document."
    )
    id: str | None = Field(
        default=None,
        min_length=1,
        description="Column whose value becomes the document's id, 1 to 256 bytes without control characters; "
        "without one the id is a hash of source, path and position.",
    )
    url: str | None = Field(
        default=None, min_length=1, description="Column that holds the address of the document."
    )
    licence: str | None = Field(
        default=None,
        min_length=1,
        description="Column that holds the licence of the document; where it is null the source's own licence holds.",
    )
    date: str | None = Field(
        default=None,
        min_length=1,
        description="Column that holds an ISO 8601 date or time. Another value is left out and the document stays; "
        "the card counts documents without a date.",
    )
    declared_language: str | None = Field(
        default=None,
        min_length=1,
        description="Column that holds the language which the source itself declares.",
    )

    def mapped(self) -> dict[str, str]:
        """Return document column -> source column, for the columns that are mapped, in the order of
        the fields."""
        return {
            name: column
            for name in type(self).model_fields
            if (column := getattr(self, name)) is not None
        }


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
    url: str | None = Field(
        default=None, min_length=1, description="Home of the source, for the card."
    )
    description: str | None = Field(
        default=None, min_length=1, description="What the source is, for the card."
    )
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
    columns: Columns = Field(
        default_factory=Columns, description="Source columns that fill the document's columns."
    )
    keep: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        description="Further columns of the source that pass through under their own names.",
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
                    raise ValueError(
                        f"columns must not name a field and its parent, got {column!r} and {outer!r}"
                    )
        return self


class _Encoded(_Files):
    encoding: str = Field(
        default="utf-8",
        description="Encoding of the files, as Python or the WHATWG names it: utf-8, windows-1252, big5, kz-1048. One "
        "that writes ASCII otherwise, such as utf-16, serves for text by the file alone.",
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        return known_encoding(encoding)


def known_encoding(encoding: str) -> str:
    """Return Python's name of an encoding of text files; raises ValueError if Python has none.

    A byte order mark at the beginning of a file is no text in any encoding, so that `utf-8-sig` is
    `utf-8`.
    """
    label = encoding.strip().lower()
    try:
        found = codecs.lookup(_PYTHON_NAMES.get(label, label))
        "a".encode(found.name)  # refuses codecs that are not of text, such as zip
    except (LookupError, ValueError):  # ValueError: a NUL in the name, and the codec `undefined`
        raise ValueError(
            f"encoding must be one that Python knows, such as utf-8 or big5, got {encoding!r}"
        ) from None
    if found.name.replace("_", "-") in _NO_ENCODINGS_OF_FILES:
        raise ValueError(
            f"encoding must be one that text files have, such as utf-8 or big5, got {encoding!r}"
        )
    return "utf-8" if found.name == "utf-8-sig" else found.name


def _ascii_superset(encoding: str) -> str:
    """Refuse an encoding that writes ASCII otherwise: files are cut at the byte 0A before they are
    decoded.

    In UTF-16 that byte is a part of letters; in EBCDIC it is no newline, and a comma is no comma.
    """
    if any(bytes([octet]).decode(encoding, "replace") != chr(octet) for octet in _STRUCTURE):
        raise ValueError(
            f"encoding must keep ASCII as it is, got {encoding!r}; convert the files to UTF-8"
        )
    return encoding


class ParquetSource(_Files, _Tabular):
    """Parquet files, a document a row."""

    format: Literal["parquet"] = Field(description="Parquet, read by row groups.")


class JsonLinesSource(_Files, _Tabular):
    """JSON Lines, an object a line, UTF-8; plain, .gz, .bz2, .xz or .zst.

    Kept columns are strings: other values are kept as their JSON text (`83`, `true`, `[1, 2]`).
    """

    format: Literal["jsonl"] = Field(
        description="JSON Lines: plain (split by byte range), .gz, .bz2, .xz, .zst."
    )


class _Delimited(_Encoded, _Tabular):
    header: tuple[str, ...] | None = Field(
        default=None,
        description="Column names, for files without a header line; by default the first line names them.",
    )

    _splittable = field_validator("encoding")(_ascii_superset)


class CsvSource(_Delimited):
    """Comma-separated values with quoting as in RFC 4180; a quoted value may span lines. Kept
    columns are strings."""

    format: Literal["csv"] = Field(
        description="Comma-separated values: plain, .gz, .bz2, .xz, .zst."
    )
    delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="Character between two values."
    )
    quote: str = Field(
        default='"', max_length=1, description="Character around a value; empty for no quoting."
    )


class TsvSource(_Delimited):
    """Tab-separated values, by default without quoting: `"` is a letter like others. Kept columns
    are strings."""

    format: Literal["tsv"] = Field(description="Tab-separated values: plain, .gz, .bz2, .xz, .zst.")
    delimiter: str = Field(
        default="\t", min_length=1, max_length=1, description="Character between two values."
    )
    quote: str = Field(
        default="", max_length=1, description="Character around a value; empty for no quoting."
    )


class TextSource(_Encoded):
    """Plain text, a document a file or a document a line; empty lines are no documents."""

    format: Literal["text"] = Field(description="Plain text: plain, .gz, .bz2, .xz, .zst.")
    unit: Literal["file", "line"] = Field(
        default="file", description="What a document is: a whole file or a line."
    )

    @field_validator("unit")
    @classmethod
    def _lines_need_ascii(cls, unit: str, info: ValidationInfo) -> str:
        if unit == "line" and "encoding" in info.data:
            _ascii_superset(info.data["encoding"])
        return unit


class HtmlSource(_Files):
    """HTML pages, a document a file; a folder stands for every .html, .htm and .xhtml file below
    it."""

    format: Literal["html"] = Field(description="HTML pages in files: plain, .gz, .bz2, .xz, .zst.")


class WarcSource(_Files):
    """WARC files with HTTP responses or resources, and WET files with extracted text."""

    format: Literal["warc"] = Field(description="WARC and WET: plain, .gz, .zst.")


class WikipediaSource(_Files):
    """MediaWiki XML dumps (`pages-articles`): the articles, without redirects and other
    namespaces."""

    format: Literal["wikipedia"] = Field(
        description="MediaWiki XML dump: plain, .bz2, .gz, .xz, .zst."
    )


class HubSource(_Tabular):
    """A data set on the Hugging Face Hub, read from its Parquet files."""

    format: Literal["hub"] = Field(description="A data set on the Hugging Face Hub.")
    dataset: str = Field(
        pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$",
        description="Its name there, as `owner/dataset`.",
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
    """The sample texts of the Python package `gflanguages`: passages in about 750 language-script
    pairs."""

    format: Literal["gflanguages"] = Field(
        description="Sample texts of the installed package `gflanguages`, each with its language and script."
    )


class _Bitext(_Files):
    """Pairs of sentences; the text is in the source language, the column `translation` has the
    other side."""

    source_language: str = Field(description="Language and script of the text, as eus_Latn.")
    target_language: str = Field(description="Language and script of its translation.")

    @field_validator("source_language", "target_language")
    @classmethod
    def _label(cls, label: str) -> str:
        return str(parse_label(label))

    @property
    def keep(self) -> tuple[str, ...]:
        """The columns next to the text."""
        return ("translation", "translation_direction")

    @property
    def direction(self) -> str:
        """Both languages, as translations name theirs."""
        return f"{self.source_language} -> {self.target_language}"


class TmxSource(_Bitext):
    """Translation memories: a document a unit, with its translation next to it, for
    `filter_bitext`."""

    format: Literal["tmx"] = Field(description="TMX 1.4: plain, .gz, .bz2, .xz, .zst.")


class MosesSource(_Bitext):
    """Two files whose lines answer each other: a document a line, with its translation, for
    `filter_bitext`."""

    format: Literal["moses"] = Field(
        description="Moses: plain, .gz, .bz2, .xz, .zst; `paths` name the source side."
    )
    target_ending: str = Field(
        min_length=1,
        description="What follows the last dot of the other side's file, as es of corpus.eu-es.es.",
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
    | GflanguagesSource
    | TmxSource
    | MosesSource,
    Field(discriminator="format"),
]
