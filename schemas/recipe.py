"""The recipe: one TOML file that says what goes in, what is done to it, and what comes out.

Which stages there are is known to the pipelines alone, so `Recipe` is generic over them: the
catalogue closes it. Every mistake in a recipe is reported at once, each with its line, its path and
what would be right.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from schemas.alternatives import did_you_mean, unknown
from schemas.failures import MisuseError
from schemas.source import Source

IngestStage = TypeVar("IngestStage", bound=BaseModel)
DedupStage = TypeVar("DedupStage", bound=BaseModel)

_SOURCE: TypeAdapter[Source] = TypeAdapter(Source)


class RecipeError(MisuseError):
    """A recipe cannot be used; `problems` holds one line for each mistake."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__(f"{name}: " + f"\n{name}: ".join(self.problems))


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CorpusConfig(_Table):
    """What the corpus is: goes to the head of the data card as it stands."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,95}$",
        description="Short name: small letters, digits, `.`, `_`, `-`.",
    )
    title: str = Field(
        default="", max_length=200, description="Title of the data card; the name if empty."
    )
    description: str = Field(
        default="", description="What the corpus is and whom it is for, as Markdown."
    )
    version: str = Field(
        default="0.1.0", max_length=50, description="Version of the corpus, by your own counting."
    )
    licence: str = Field(
        default="other",
        max_length=200,
        description="Licence of the whole, as the Hub names it (`cc0-1.0`, `cc-by-4.0`, `odc-by`); `other` if mixed.",
    )
    homepage: str = Field(
        default="", max_length=500, description="Where to read more, if anywhere."
    )
    contact: str = Field(
        default="", max_length=200, description="Whom to ask about the corpus or removals."
    )
    statements: str = Field(
        default="",
        max_length=500,
        description="File of what only people can say of the corpus, for its card; `glotmill card init` writes one to "
        "fill.",
    )


class EngineConfig(_Table):
    """How the work is cut. It decides the order of rows, so it belongs to the recipe; runners do
    not."""

    split_bytes: int | None = Field(
        default=None,
        ge=1 << 10,
        description="Input that one worker reads alone, in bytes, where the format can be split. By default it follows "
        "the size of the input: a 64th, as a power of two from 8 to 64 MiB.",
    )
    part_bytes: int = Field(
        default=64 << 20,
        ge=1 << 10,
        description="Text in one staged file, in bytes; with the block size it bounds a worker's memory.",
    )


class PublishConfig(_Table):
    """How the corpus is written."""

    shard_bytes: int = Field(
        default=500_000_000,
        ge=1 << 10,
        description="Text in one Parquet file, in bytes before compression; the Hub recommends at most 500 MB a file.",
    )
    row_group_bytes: int = Field(
        default=100_000_000,
        ge=1 << 10,
        description="Text in one row group, in bytes; 100 MB is what the Hub's own writer uses at most.",
    )
    compression_level: int = Field(
        default=3, ge=1, le=22, description="Level of zstd: 3 is fast, 19 is small."
    )
    index: bool = Field(
        default=False,
        description="Write the keys of the published documents into the folder `index`, so that a next version can be "
        "deduplicated `against` it: 16 bytes and the id for `exact` and `url`, 450 bytes for `near` as it is set. "
        "What stands after `lines` or `spans` and compares texts is left out: these take out what repeats in one run.",
    )
    sampling_weight: Literal["cluster_size", "removal_rate"] | None = Field(
        default=None,
        description="Adds a column `sampling_weight`: how often to repeat a document, by how often it was found. "
        "`cluster_size`: 1 for 1, 2 for 2, 3 for 3 to 4, 5 for 5 to 99, 8 for 100 to 999, 1 from 1,000 on. "
        "`removal_rate`: 1 to 10 for each cluster size of a language, the more the smaller the share of its documents "
        "that stages dropped for another reason than repetition.",
    )
    test: float = Field(
        default=0.0,
        ge=0.0,
        le=0.5,
        description="Share of the documents to publish as the split `test`, by a hash of the id: about as much of each "
        "language, so that one of 30 documents may get none. What `near` or `across_scripts` compared and kept, and "
        "what `[[augment]]` made from a document, is in one split with it.",
    )
    validation: float = Field(
        default=0.0,
        ge=0.0,
        le=0.5,
        description="Share of the documents to publish as the split `validation`, likewise.",
    )
    min_precision: float | None = Field(
        default=None,
        gt=0.0,
        lt=1.0,
        description="Least share of a label's documents that must be in its language, by the lower end of the 95 % "
        "interval that the `answers` give. Documents of strata of doubt that do not reach it are published apart, as "
        "`eus_Latn_unproved`. Labels without answers stay as they are.",
    )
    answers: tuple[str, ...] = Field(
        default=(),
        description="Sheets of `glotmill audit sample` that speakers filled, for `min_precision`; of an earlier run of "
        "the same recipe.",
    )

    @model_validator(mode="after")
    def _gate_has_both(self) -> PublishConfig:
        if bool(self.answers) != (self.min_precision is not None):
            raise ValueError(
                "min_precision and answers go together: the one is the limit, the others the evidence"
            )
        return self

    @model_validator(mode="after")
    def _leave_some_to_train(self) -> PublishConfig:
        if self.test + self.validation >= 1:
            raise ValueError(
                f"test and validation must leave documents to train on, got {self.test} + {self.validation}"
            )
        return self


class CardConfig(_Table):
    """What the card counts on request, and which samples it does not show."""

    tokenizers: dict[str, str] = Field(
        default_factory=dict,
        description="Tokenizers to count tokens by, and words' fertility: a list of `tokenizer.json` files, "
        "SentencePiece models (`.model`) or repositories of the Hub, or a table of names and these. Needs the extra "
        "`translate`.",
    )
    terms: dict[str, dict[str, tuple[str, ...]]] = Field(
        default_factory=dict,
        description="Word lists by name, then by language (`spa`) or label (`spa_Latn`): in how many documents a word "
        "of a list stands, whatever its case, and how often. Lists named `feminine` and `masculine` are shown against "
        "each other.",
    )
    hold_back: tuple[str, ...] = Field(
        default=(),
        description="Show no samples with words of these lists; `all`: show none at all.",
    )

    @field_validator("tokenizers", mode="before")
    @classmethod
    def _name_themselves(cls, tokenizers: Any) -> Any:
        return {name: name for name in tokenizers} if isinstance(tokenizers, list) else tokenizers

    @model_validator(mode="after")
    def _lists_are_there(self) -> CardConfig:
        if unknown_lists := sorted(set(self.hold_back) - self.terms.keys() - {"all"}):
            raise ValueError(
                f"hold_back must name lists of terms, or all, got {', '.join(unknown_lists)}; "
                f"there are {', '.join(sorted(self.terms)) or 'none'}"
            )
        for name, lists in self.terms.items():
            for language, words in lists.items():
                if not words or not all(word.strip() for word in words):
                    raise ValueError(
                        f"terms.{name}.{language} must be a list of words, got {words!r}"
                    )
        return self


class Recipe(_Table, Generic[IngestStage, DedupStage]):
    """A data set's full configuration, in the order in which things happen."""

    corpus: CorpusConfig
    sources: tuple[Source, ...] = Field(
        description="What is read, in order of priority; at least one."
    )
    ingest: tuple[IngestStage, ...] = Field(
        default=(), description="Stages on each document, in order."
    )
    dedup: tuple[DedupStage, ...] = Field(
        default=(), description="Deduplication stages over all documents, in order."
    )
    publish: PublishConfig = Field(default_factory=PublishConfig)
    card: CardConfig = Field(default_factory=CardConfig)
    engine: EngineConfig = Field(default_factory=EngineConfig)

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        if not sources:
            raise ValueError("sources must name at least one source")
        names = [source.name for source in sources]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"sources must have different names, got {', '.join(twice)} more than once"
            )
        return sources


RecipeModel = TypeVar("RecipeModel", bound=BaseModel)


def parse_recipe(text: str, model: type[RecipeModel], name: str = "recipe") -> RecipeModel:
    """Parse a recipe's TOML; raises RecipeError with every mistake, each by line and path."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(name, [f"not TOML: {error}"]) from None
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [
            line
            for e in _meant(error.errors(include_url=False))
            for line in _problems(e, text, model)
        ]
        raise RecipeError(name, by_line(problems)) from None


def sound_sources(text: str) -> dict[int, Source]:
    """Return the sources of a recipe that are right by themselves, by their place, whatever is
    wrong with the rest."""
    try:
        entries = tomllib.loads(text).get("sources")
    except tomllib.TOMLDecodeError:
        return {}
    found = {}
    for place, entry in enumerate(entries if isinstance(entries, list) else []):
        with contextlib.suppress(ValidationError):
            found[place] = _SOURCE.validate_python(entry)
    return found


def at_source(text: str, place: int, source: Source, problem: str) -> str:
    """Put before a problem of a source the line of what it quotes: a path, a kept column, a mapped
    one; else of paths.

    >>> entry = '[[sources]]\\nname = "a"\\nformat = "jsonl"\\npaths = ["x"]\\nkeep = [\\n"n",\\n]'
    >>> at_source(entry, 0, sound_sources(entry)[0], "source 'a': no column 'n' to keep")
    "line 6: source 'a': no column 'n' to keep"
    """
    columns = getattr(source, "columns", None)
    mapped = {column: name for name, column in columns.mapped().items()} if columns else {}
    where: tuple[str | int, ...] = ("paths",)
    quoted: str | None = None
    for quoted in re.findall(r"'([^']*)'", problem.partition(": ")[2]):
        if quoted in getattr(source, "keep", ()):
            where = ("keep",)
        elif quoted in mapped:
            where = ("columns", mapped[quoted])
        elif quoted not in getattr(source, "paths", ()):
            continue
        break
    else:
        quoted = None
    return (
        _at_value(text, ("sources", place, *where), quoted, at_key=True).split(": ")[0]
        + ": "
        + problem
    )


def recipe_hash(text: str) -> str:
    """Return the hex SHA-256 of a recipe's bytes, by which runs and manifests name it."""
    return hashlib.sha256(text.encode()).hexdigest()


def settings_hash(text: str) -> str:
    """Return the hex SHA-256 of what a recipe sets, by which it is known whether a run goes on.

    How it is written does not count, and not what decides publishing alone: the registers of
    withdrawals and what is done with copies.
    """
    values = _values_of(text)
    withdrawn = values.pop("withdrawn", {})
    read = {name: withdrawn[name] for name in _READ_OF_WITHDRAWN if name in withdrawn}
    return recipe_hash(json.dumps([values, read], sort_keys=True, default=str))


def withdrawn_options(text: str) -> dict[str, Any]:
    """Return what a recipe sets of withdrawals, the registers' names aside."""
    withdrawn = _values_of(text).get("withdrawn", {})
    return {name: withdrawn[name] for name in sorted(withdrawn) if name != "files"}


# Options of `[withdrawn]` that decide what is read of the archives.
_READ_OF_WITHDRAWN = ("opt_out", "agents")


def _values_of(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # a recipe of a finished corpus that somebody edited
        return {"text": text}


def at_line(text: str, *path: str | int) -> str:
    r"""Say where in a recipe a problem is, as every message about one begins: `line 7:
    sources[0].paths: `.

    >>> at_line('[[dedup]]\nstage = "exact"\nagainst = "v1/index"', "dedup", 0, "against")
    'line 3: dedup[0].against: '
    """
    lines = _key_lines(text)
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    return (f"line {line}: " if line else "") + (f"{where}: " if where else "")


def by_line(problems: Iterable[str]) -> list[str]:
    """Sort problems by the line of the recipe that they name; those that name none come last."""

    def line(problem: str) -> float:
        named = re.match(r"line (\d+): ", problem)
        return int(named[1]) if named else float("inf")

    return sorted(problems, key=line)


_PLACE = re.compile(r"(?P<path>[a-z_]+(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*): ")


def with_line(text: str, problem: str) -> str:
    r"""Put the line of the recipe before a problem that begins with its place there.

    >>> with_line('[[dedup]]\nstage = "exact"', "dedup[0].stage: is wrong")
    'line 2: dedup[0].stage: is wrong'
    """
    if place := _PLACE.match(problem):
        names = re.findall(r"[a-z_]+|\d+", place["path"])
        path = tuple(int(name) if name.isdigit() else name for name in names)
        return (
            at_line(text, *path).split(": ")[0] + ": " + problem
            if path[:1] in _key_lines(text)
            else problem
        )
    return problem


# How TOML and its users call what a schema asks for.
_KINDS = {
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "string_type": "text in quotation marks",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}


def _meant(errors: Sequence[Any]) -> list[Any]:
    """Leave out that a table is no text or number, where a table is allowed as well and its own
    mistakes are listed."""
    return [
        error
        for error in errors
        if not isinstance(error.get("input"), dict)
        or error["type"] not in ("string_type", "int_type", "float_type", "bool_type")
        or all(
            other is error or other["loc"][: len(error["loc"]) - 1] != error["loc"][:-1]
            for other in errors
        )
    ]


def _problems(error: Any, text: str, model: type[BaseModel]) -> list[str]:
    """Write one pydantic error as `line 7: sources[0].paths: …`, with the alternatives where there
    are some.

    A validator that finds several mistakes writes them as lines of one message; each becomes a
    problem.
    """
    loc = error["loc"]
    path, _ = _followed(loc, model)
    message, given = error["msg"].removeprefix("Value error, "), error.get("input")
    match error["type"]:
        case "extra_forbidden":
            siblings = _siblings(loc, model)
            message = "unknown key" + did_you_mean(str(path[-1]), siblings)
            message += f" (known: {', '.join(siblings)})" if siblings else ""
        case "union_tag_invalid":
            known = error["ctx"]["expected_tags"].replace("'", "").split(", ")
            key = error["ctx"]["discriminator"].strip("'")
            message, path = unknown(key, str(error["ctx"]["tag"]), known), (*path, key)
        case "union_tag_not_found":
            message = f"needs a key {error['ctx']['discriminator']}"
        case "literal_error" if isinstance(given, str):
            message = unknown("value", given, re.findall(r"'([^']+)'", error["ctx"]["expected"]))
        case "missing":
            message = "required key is missing"
        case "too_short":
            message = f"must have at least {error['ctx']['min_length']}, has {len(given)}"
        case kind if kind in _KINDS:
            message = f"must be {_KINDS[kind]}, got {given!r}"
            if _KINDS[kind] == "a list" and isinstance(given, str):
                message = f'must be a list: {path[-1]} = ["{given}"]'
        case "string_pattern_mismatch" if path[-1] == "name" and isinstance(given, str):
            proposal = re.sub(r"[^a-z0-9]+", "_", given.lower()).strip("_")[:64]
            message = f"must begin with a small letter or digit, and have only those, `_` and `-`, got {given!r}"
            message += f"; {proposal} would do" if proposal else ""
        case _ if isinstance(given, str | int | float) and "got" not in message:
            message = f"{message[:1].lower()}{message[1:]}, got {given!r}"
    return [_at_value(text, path, given) + line for line in message.splitlines()]


def _at_value(text: str, path: tuple[str | int, ...], given: Any, *, at_key: bool = False) -> str:
    """Say where a problem is, as `at_line`; a text in a list of many lines is looked for below the
    list's key."""
    lines = _key_lines(text)
    known = next((n for n in range(len(path), 0, -1) if path[:n] in lines), 0)
    if not isinstance(given, str) or known == 0 or (known == len(path) and not at_key):
        return at_line(text, *path)
    first = lines[path[:known]]
    following = [line for line in lines.values() if line > first]
    written = text.splitlines()[first - 1 : min(following, default=None) and min(following) - 1]
    line = first + next(
        (
            n
            for n, content in enumerate(written)
            if f'"{given}"' in content or f"'{given}'" in content
        ),
        0,
    )
    return at_line(text, *path).replace(f"line {first}: ", f"line {line}: ", 1)


def _siblings(loc: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """List the keys that would have been right where an unknown one was found."""
    return sorted(_followed(loc[:-1], model)[1].get("properties", {}))


def _followed(
    loc: Sequence[str | int], model: type[BaseModel]
) -> tuple[tuple[str | int, ...], dict[str, Any]]:
    """Follow the place of a pydantic error through the schema: the path as the user wrote it, and
    what is there.

    pydantic also names the tag of a discriminated union, or what it calls the alternative, which
    the user never wrote.
    """
    schema = model.model_json_schema()

    def alternatives(node: Any) -> list[Any]:
        if "$ref" in node:
            return alternatives(schema["$defs"][node["$ref"].rsplit("/", 1)[1]])
        kinds = [kind for kind in node.get("anyOf", ()) if kind.get("type") != "null"]
        return [each for kind in kinds for each in alternatives(kind)] or [node]

    def resolved(node: Any) -> Any:
        kinds = alternatives(node)
        return next((kind for kind in kinds if "properties" in kind), kinds[0]) | {
            "several": len(kinds) > 1
        }

    path: tuple[str | int, ...] = ()
    node = resolved(schema)
    for part in loc:
        tags = node.get("discriminator", {}).get("mapping", {})
        if part in tags:
            node = resolved({"$ref": tags[part]})
        elif node["several"] and isinstance(part, str) and part not in node.get("properties", {}):
            node |= {"several": False}
        else:
            path = (*path, part)
            inside = (
                node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
            )
            node = resolved(inside or {})
    return path, node


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\-\"']+)\s*=")


def _key_lines(text: str) -> dict[tuple[str | int, ...], int]:
    """Map each key's path to its line, for tables and keys written one to a line (TOML parsers keep
    no lines)."""
    lines: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    prefix: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            prefix = ()
            for key in _parts(header[2]):
                prefix = (*prefix, key)
                if prefix in counts and not (
                    header[1] == "[[" and len(prefix) == len(list(_parts(header[2])))
                ):
                    prefix = (*prefix, counts[prefix])
            if header[1] == "[[":
                lines.setdefault(prefix, number)
                counts[prefix] = counts.get(prefix, -1) + 1
                prefix = (*prefix, counts[prefix])
            lines.setdefault(prefix, number)
        elif assignment := _KEY.match(line):
            lines.setdefault((*prefix, *_parts(assignment[1])), number)
    return lines


def _parts(dotted: str) -> Iterable[str]:
    return (part.strip().strip("\"'") for part in dotted.split("."))
