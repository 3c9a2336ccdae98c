"""The recipe reference, generated from the models: `python -m pipelines.catalogue.reference >
docs/recipe.md`."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pipelines.catalogue.engines import ENGINES
from pipelines.catalogue.stages import DEDUP_STAGES, INGEST_STAGES
from schemas.recipe import CardConfig, CorpusConfig, EngineConfig, PublishConfig
from schemas.source import Columns, Source
from schemas.withdrawal import Entry, Register, WithdrawnConfig
from stages.decontamination.evaluation_sets import EvaluationSet
from stages.decontamination.options import DecontaminationConfig
from stages.deduplication.options import KeeperOrder
from stages.engines.options import ChatEndpointConfig, EmbeddingsConfig, LlamaCppConfig
from stages.normalization.normalize import RULES
from stages.normalization.options import NormalizationConfig
from stages.synthesis.options import JudgeConfig, SynthesisConfig, SynthesisGates
from stages.translation.options import (
    GateConfig,
    GivenPairsConfig,
    MiningConfig,
    PairSamplesConfig,
    TranslationConfig,
)
from stages.transliteration.options import TransliterationConfig

HEAD = """# Recipe reference

Generated from the models by `python -m pipelines.catalogue.reference`; a test fails when it lags.

A recipe is TOML. Unknown keys are errors, and all mistakes are reported at once, each with its line. Paths are
relative to the recipe's folder. `glotmill recipe new FILE` writes a recipe to start from, `glotmill recipe check FILE`
checks one, and `glotmill recipe schema` prints the JSON Schema for editors.
"""


def reference() -> Iterator[str]:
    """Yield the lines of the page."""
    yield HEAD
    yield from _table("## `[corpus]`", CorpusConfig)
    yield "## `[[sources]]`\n"
    yield "What is read, in order of priority: of two equal documents the one from the earlier source is kept.\n"
    for model in typing.get_args(typing.get_args(Source)[0]):
        name = typing.get_args(model.model_fields["format"].annotation)[0]
        yield from _table(f'### `format = "{name}"`', model)
    yield from _table("### `[sources.columns]`", Columns)
    for title, stages in (("ingest", INGEST_STAGES), ("dedup", DEDUP_STAGES)):
        yield f"## `[[{title}]]`\n"
        yield {
            "ingest": "Stages on each document, in the order they are written.\n",
            "dedup": "Stages over all documents, in order, each over what the ones before it kept.\n",
        }[title]
        for name, entry in stages.items():
            if entry.config is not None:
                yield from _table(f'### `stage = "{name}"`', entry.config)
            if entry.config is NormalizationConfig:
                yield from _rules()
    yield from _table("## `[keepers]`", KeeperOrder)
    yield (
        "Without this table the first of several duplicates stays that was read: by the order of the recipe's sources, "
        "then by path, then by place in the file.\n"
    )
    yield "## `[[augment]]`\n"
    yield (
        "Stages that make documents, or pairs of texts, from those that deduplication and decontamination left. "
        "Decontamination looks through what they make, too. `filter_length`, `filter_quality`, `language_model`, "
        "`word_lists`, `classify_text` and `filter_blocked` stand here as well: they choose among the documents that "
        "stages before them made.\n"
    )
    yield from _table('### `stage = "transliterate"`', TransliterationConfig)
    yield from _table('### `stage = "translate"`', TranslationConfig)
    yield from _table("#### `gates = { … }` of pairs and translations", GateConfig)
    yield from _table("#### `gates = { embeddings = { … } }`", EmbeddingsConfig)
    for name, engine in ENGINES.items():
        yield from _table(f'#### `engine = {{ kind = "{name}" }}` of translation', engine.config)
    yield from _table('### `stage = "given_pairs"`', GivenPairsConfig)
    yield from _table('### `stage = "mine"`', MiningConfig)
    yield from _table('### `stage = "sample_pairs"`', PairSamplesConfig)
    yield "## `[[synthesize]]`\n"
    yield (
        "Strategies that make rows of questions, answers and instructions from found documents. [Synthetic rows]"
        "(synthesis.md) has the strategies and their options.\n"
    )
    yield from _table('### `strategy = "…"`', SynthesisConfig)
    yield from _table("#### `gates = { … }`", SynthesisGates)
    yield from _table("#### `gates = { judge = { … } }`", JudgeConfig)
    for kind, config in (("endpoint", ChatEndpointConfig), ("llama_cpp", LlamaCppConfig)):
        yield from _table(f'#### `engine = {{ kind = "{kind}" }}`', config)
    yield from _table("## `[decontaminate]`", DecontaminationConfig)
    yield from _table("### `[[decontaminate.evaluation_sets]]`", EvaluationSet)
    yield from _table("## `[withdrawn]`", WithdrawnConfig)
    yield "### A register of withdrawals\n"
    yield "The files that `[withdrawn]` names are TOML of their own, as strict as a recipe.\n"
    yield from _table("#### The register", Register)
    yield from _table("#### `[[withdrawn]]`", Entry)
    yield from _table("## `[publish]`", PublishConfig)
    yield from _table("## `[card]`", CardConfig)
    yield from _table("## `[engine]`", EngineConfig)


def _rules() -> Iterator[str]:
    yield "The rules, in the order in which they run; `disable` and `enable` take their names.\n"
    yield "| rule | by default | what it does | source |\n| --- | --- | --- | --- |"
    for rule in RULES:
        default = "on" if rule.default else "off"
        yield f"| `{rule.name}` | {default} | {_cell(rule.description)} | {_cell(rule.source)} |"
    yield ""


def _table(heading: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"{heading}\n"
    paragraphs = cleandoc(model.__doc__ or "").split("\n\n")
    yield "\n\n".join(" ".join(lines.split()) for lines in paragraphs) + "\n"
    yield "| key | type | default | meaning |\n| --- | --- | --- | --- |"
    inherited = {
        name
        for base in model.__mro__[1:]
        if issubclass(base, BaseModel)
        for name in base.model_fields
    }
    # own ones first
    for name, field in sorted(model.model_fields.items(), key=lambda item: item[0] in inherited):
        if not _is_tag(field):
            meaning = _cell(" ".join((field.description or "").split()))
            yield f"| `{name}` | {_cell(_type(field.annotation))} | {_cell(_default(field))} | {meaning} |"
    yield ""
    for name, field in model.model_fields.items():
        for kind in _kinds_of_table(field.annotation):
            tag = typing.get_args(kind.model_fields["by"].annotation)[0]
            yield from _table(f'#### `{name} = {{ by = "{tag}" }}`', kind)


def _is_tag(field: FieldInfo) -> bool:
    """Tell whether a key only says of which kind its table is: the heading has it."""
    return (
        typing.get_origin(field.annotation) is typing.Literal
        and len(typing.get_args(field.annotation)) == 1
    )


def _kinds_of_table(annotation: Any) -> list[type[BaseModel]]:
    """List the models of a table that comes in several kinds; the key `by` names the kind."""
    if isinstance(annotation, type):
        return (
            [annotation]
            if issubclass(annotation, BaseModel) and "by" in annotation.model_fields
            else []
        )
    return [kind for argument in typing.get_args(annotation) for kind in _kinds_of_table(argument)]


def _type(annotation: Any) -> str:
    arguments = typing.get_args(annotation)
    match typing.get_origin(annotation):
        case None:
            names = {str: "string", int: "integer", float: "number", bool: "true or false"}
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                return "table"
            return names.get(annotation, getattr(annotation, "__name__", str(annotation)))
        case typing.Literal:
            return " or ".join(f"`{value}`" for value in arguments)
        case typing.Annotated:
            return _type(arguments[0])
        case origin if isinstance(origin, type) and issubclass(origin, tuple | list):
            return f"list of {_type(arguments[0])}"
        case origin if (isinstance(origin, type) and issubclass(origin, dict)) or "Mapping" in str(
            origin
        ):
            return f"table of {_type(arguments[1])}"
        case _:
            kinds = [_type(argument) for argument in arguments if argument is not type(None)]
            return " or ".join(dict.fromkeys(kinds))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or value is None or isinstance(value, BaseModel):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f"`{value!r}`".replace("'", '"')


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print("\n".join(reference()).rstrip())
