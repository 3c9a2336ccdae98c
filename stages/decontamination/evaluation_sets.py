"""Evaluation sets: which there are, and what of their rows is text that must not stand in a corpus.

`evaluation_sets.toml` lists the common multilingual ones by name; a recipe can describe its own in
the same words. Each text field of a row is an item text of its own, since a question leaks without
its passage, and a passage without its question.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Annotated, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.columns import column
from schemas.language import one_code, to_iso639_3

ITEM = pa.schema(
    [
        column("evaluation_set", pa.string(), "Name of the evaluation set."),
        column(
            "part",
            pa.string(),
            "Configuration and split, as `config/split`, or file, as the recipe names it.",
        ),
        column(
            "item",
            pa.string(),
            "The set's own id of the item, at most 200 code points and on one line, or its row number in the file.",
        ),
        column("field", pa.string(), "Field of the item that the text is from."),
        column(
            "language",
            pa.string(),
            "ISO 639-3 code of the text; null if the set does not say.",
            nullable=True,
        ),
        column("text", pa.large_string(), "The text to look for."),
    ]
)

# What sets call languages and ISO 639 does not.
_OTHER_NAMES = {
    "greek": "ell",
    "jp": "jpn",
    "north macedonian": "mkd",
}

_LONGEST_NAME = 200  # code points of an item's id, which the ledger repeats for each document


class EvaluationSet(BaseModel):
    """One evaluation set: where its rows are, and which of their fields are text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64, description="Name of the set on the card."
    )
    hub: str | None = Field(
        default=None,
        pattern=r"^[\w.-]+/[\w.-]+$",
        description="Name of the data set on the Hugging Face Hub.",
    )
    revision: str = Field(
        default="main",
        pattern=r"^[A-Za-z0-9][\w./-]*$",
        description="Branch, tag or commit on the Hub; the corpus records the commit.",
    )
    paths: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        description="Files or globs, instead of a Hub name: Parquet (.parquet) or JSON Lines (.jsonl, .ndjson, .json), "
        "plain, .gz, .bz2, .xz or .zst.",
    )
    configs: str = Field(
        default=".*",
        description="Regular expression of the Hub configurations, or of the files' names without ending, that are "
        "read; a group `language` in it is their language.",
    )
    splits: tuple[str, ...] = Field(
        default=(), description="Splits to read from the Hub; all if empty."
    )
    fields: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        min_length=1,
        description="Fields that hold text; `answers.text` is within a structure, lists count each, `*` is all columns "
        "named by a language and a script, such as eng_Latn.",
    )
    item_field: str | None = Field(
        default=None, description="Field that names the item; the row number if none."
    )
    language: str | None = Field(
        default=None, pattern="^[a-z]{3}$", description="ISO 639-3 code of all texts."
    )
    language_field: str | None = Field(
        default=None, description="Field that names the language of a row."
    )
    language_pattern: str = Field(
        default="(?P<language>.*)",
        description="Regular expression of that field's values, with the group `language`.",
    )
    verified: bool = Field(
        default=False,
        description="Whether fields and splits were checked against the set's page or a known harness.",
    )

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if (self.hub is None) == (not self.paths):
            raise ValueError(f"{self.name} must have either hub or paths")
        for name in ("configs", "language_pattern"):
            try:
                pattern = re.compile(getattr(self, name))
            except re.error as error:
                raise ValueError(
                    f"{name} of {self.name} must be a regular expression: {error}"
                ) from None
            if name == "language_pattern" and "language" not in pattern.groupindex:
                raise ValueError(
                    f"language_pattern of {self.name} must have a group (?P<language>...)"
                )
        return self


@cache
def known_sets() -> dict[str, EvaluationSet]:
    """Return the evaluation sets of the registry by name."""
    text = (
        resources.files("stages.decontamination")
        .joinpath("evaluation_sets.toml")
        .read_text(encoding="utf-8")
    )
    found = [EvaluationSet.model_validate(entry) for entry in tomllib.loads(text)["sets"]]
    return {entry.name: entry for entry in found}


def evaluation_set(name: str) -> EvaluationSet:
    """Return a set of the registry, which must be one of `known_sets`."""
    return known_sets()[name]


@cache
def language_code(name: str) -> str | None:
    """Map what sets call a language to this project's ISO 639-3 code; None for what is no language.

    What stands after a name, such as its script, is passed over.

    >>> language_code("uzn_Latn"), language_code("sw"), language_code("zh-CN"), language_code("uzbek-cyrillic")
    ('uzb', 'swa', 'zho', 'uzb')
    >>> language_code("default")
    """
    from iso639 import Lang
    from iso639.exceptions import DeprecatedLanguageValue, InvalidLanguageValue

    words = re.split("[-_ ]", name.lower())
    for count in range(len(words), 0, -1):  # crimean-tatar-cyrillic is no Tatar
        spoken = " ".join(words[:count])
        # Codes before names: "ha" is Hausa, though there is a language Ha.
        if code := _OTHER_NAMES.get(spoken) or to_iso639_3(spoken):
            return one_code(code)
        try:
            return one_code(Lang(spoken.title()).pt3)
        except (DeprecatedLanguageValue, InvalidLanguageValue):
            continue
    return None


def evaluation_items(
    rows: pa.Table, source: EvaluationSet, config: str, part: str, first_row: int = 0
) -> pa.Table:
    """Take the texts of n rows of an evaluation set, one ITEM for each text that is not empty, by
    field, then by row.

    `first_row` is the number of the first row in its file. Raises ValueError, with the columns
    there are, if a field is missing or leads to something else than text.
    """
    table = rows.combine_chunks()
    ids = pa.array(range(first_row, first_row + len(rows)), pa.int64()).cast(pa.string())
    if source.item_field:
        named, parents = _values(table, source.item_field)
        if len(named) != len(rows) or not parents.equals(pa.array(range(len(rows)), pa.int64())):
            raise ValueError(f"item_field must lead to one value a row, got {source.item_field!r}")
        names = pc.replace_substring_regex(
            _strings(named, source.item_field, pa.string()), r"[\s\p{Cc}]+", " "
        )
        ids = pc.coalesce(pc.utf8_slice_codeunits(names, 0, _LONGEST_NAME), ids)
    languages = _languages(table, source, config)
    made = []
    for field in _text_fields(table, source):
        texts, parents = _values(table, field)
        spoken = languages
        if source.fields == ("*",):
            spoken = pa.repeat(pa.scalar(language_code(field), pa.string()), len(rows))
        count = len(texts)
        columns = {
            "evaluation_set": pa.repeat(source.name, count),
            "part": pa.repeat(part, count),
            "item": ids.take(parents),
            "field": pa.repeat(field, count),
            "language": spoken.take(parents),
            "text": _strings(texts, field, pa.large_string()),
        }
        made.append(pa.table([columns[name] for name in ITEM.names], ITEM))
    items = pa.concat_tables(made)
    return items.filter(
        pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(pc.fill_null(items["text"], ""))), 0)
    )


def read_columns(source: EvaluationSet, names: Sequence[str]) -> list[str]:
    """Choose, of a file's columns, those that the set's fields are in; raises ValueError for a
    field in none."""
    wanted = [*_fields(names, source), *filter(None, (source.item_field, source.language_field))]
    columns = [field if field in names else field.split(".")[0] for field in wanted]
    if missing := [
        field for field, first in zip(wanted, columns, strict=True) if first not in names
    ]:
        raise ValueError(f"field must be one of {', '.join(names)}, got {missing[0]!r}")
    return list(dict.fromkeys(columns))


def _text_fields(table: pa.Table, source: EvaluationSet) -> list[str]:
    return _fields(table.column_names, source)


def _fields(columns: Sequence[str], source: EvaluationSet) -> list[str]:
    if source.fields != ("*",):
        return list(source.fields)
    named = [name for name in columns if re.fullmatch("[a-z]{3}_[A-Z][a-z]{3}", name)]
    if not named:
        raise ValueError(
            f"columns must be named by language and script, such as eng_Latn, got {list(columns)}"
        )
    return named


def _values(table: pa.Table, field: str) -> tuple[pa.Array, pa.Array]:
    """Return the values of a field of n rows and the row of each: lists are taken apart, dots lead
    into structures."""
    first, *path = [field] if field in table.column_names else field.split(".")
    if first not in table.column_names:
        raise ValueError(f"field must be one of {', '.join(table.column_names)}, got {field!r}")
    column_ = table[first]
    values = column_.chunk(0) if column_.num_chunks else pa.array([], column_.type)
    rows = pa.array(range(len(values)), pa.int64())
    while path or _is_list(values.type):
        if _is_list(values.type):
            rows = rows.take(pc.list_parent_indices(values))
            values = pc.list_flatten(values)
        elif pa.types.is_struct(values.type) and values.type.get_field_index(path[0]) >= 0:
            values = pc.struct_field(values, path.pop(0))
        elif pa.types.is_null(values.type):
            path.clear()  # nothing but nulls all the way
        else:
            raise ValueError(
                f"field must lead to text, got {field!r}; {path[0]!r} is not in {values.type}"
            )
    return values, rows


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _strings(values: pa.Array, field: str, kind: pa.DataType) -> pa.Array:
    """Write values as strings: texts, bytes in UTF-8, numbers; raises ValueError for what has no
    text."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    try:
        strings = values.cast(kind)
        strings.validate(full=True)
    except pa.ArrowException as error:
        raise ValueError(
            f"field must lead to text, got {field!r} of type {values.type}: {' '.join(str(error).split())[:200]}"
        ) from None
    return strings


def _languages(table: pa.Table, source: EvaluationSet, config: str) -> pa.Array:
    """Say the language of n rows, as the set or the configuration's name says it."""
    if source.language_field is None:
        match = re.fullmatch(source.configs, config)
        named = match["language"] if match and "language" in match.re.groupindex else None
        code = (
            one_code(source.language)
            if source.language
            else language_code(named)
            if named
            else None
        )
        return pa.repeat(pa.scalar(code, pa.string()), len(table))
    values, parents = _values(table, source.language_field)
    if len(values) != len(table) or not parents.equals(pa.array(range(len(table)), pa.int64())):
        raise ValueError(
            f"language_field must lead to one value a row, got {source.language_field!r}"
        )
    named = _strings(values, source.language_field, pa.string()).dictionary_encode()
    codes = []
    for value in named.dictionary.to_pylist():  # the distinct ones
        match = re.fullmatch(source.language_pattern, value)
        codes.append(language_code(match["language"]) if match else None)
    return pa.array(codes, pa.string()).take(named.indices)
