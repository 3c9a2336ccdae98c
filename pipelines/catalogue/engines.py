"""The one table of engines a recipe may name, and how each is opened for a direction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pipelines.staging.responses import known_responses, recorded_identities
from schemas.card.versions import ModelVersion
from schemas.language import parse_label
from stages.engines.chat import CHAT, Generator, NoGenerator, RecordedGenerator
from stages.engines.engine import Direction, Engine, EngineError, Identity
from stages.engines.options import (
    ApertiumConfig,
    ChatEndpointConfig,
    CTranslate2Config,
    EndpointConfig,
    LlamaCppConfig,
    PivotConfig,
    RecordedConfig,
)
from stages.synthesis.options import SynthesisConfig
from stages.translation.options import GivenPairsConfig, TranslationConfig


class EngineEntry(NamedTuple):
    """How an engine is opened; `open` raises EngineError, in one line that says what to do."""

    config: type[Any]
    open: Callable[[Any, Direction, tuple[str, ...]], Engine]


def _apertium(config: ApertiumConfig, direction: Direction, _: tuple[str, ...]) -> Engine:
    from stages.engines.apertium import Apertium

    return Apertium(direction, config.mode, config.timeout_seconds)


def _recorded(config: RecordedConfig, direction: Direction, reuse: tuple[str, ...]) -> Engine:
    from stages.engines.recorded import Recorded

    return Recorded(_recorded_identity(config, direction, reuse))


def _recorded_identity(
    config: RecordedConfig, direction: Direction | str, reuse: tuple[str, ...]
) -> Identity:
    if not reuse:
        raise EngineError(
            'the recorded engine answers from folders of responses: name them, reuse = ["../v1/responses"]'
        )
    there = recorded_identities(reuse, direction)
    found = [identity for identity in there if config.accepts(identity)]
    if len(found) != 1:
        names = ("engine", "model", "version", "parameters")
        words = "; ".join(
            ", ".join(f"{name} {value}" for name, value in zip(names, identity, strict=True))
            for identity in found or there
        )
        remedy = '; name one: engine = { kind = "recorded", model = "…" }' if found else ""
        raise EngineError(
            f"{', '.join(reuse)} must hold responses of one such engine for {direction}, got {words or 'none'}{remedy}"
        )
    return found[0]


def _endpoint(config: EndpointConfig, direction: Direction, _: tuple[str, ...]) -> Engine:
    from stages.engines.endpoint import Endpoint

    return Endpoint(config, direction)


def _ctranslate2(config: CTranslate2Config, direction: Direction, _: tuple[str, ...]) -> Engine:
    from stages.engines.ctranslate2 import CTranslate2

    return CTranslate2(config, direction)


def _pivot(config: PivotConfig, direction: Direction, reuse: tuple[str, ...]) -> Engine:
    from stages.engines.pivot import Pivot

    via = parse_label(config.via)
    first = open_engine(config.first, Direction(direction.source, via), reuse)
    return Pivot(
        first, open_engine(config.second, Direction(via, direction.target), reuse), config.via
    )


ENGINES = {
    "apertium": EngineEntry(ApertiumConfig, _apertium),
    "recorded": EngineEntry(RecordedConfig, _recorded),
    "endpoint": EngineEntry(EndpointConfig, _endpoint),
    "ctranslate2": EngineEntry(CTranslate2Config, _ctranslate2),
    "pivot": EngineEntry(PivotConfig, _pivot),
}


def engine_versions(stage: TranslationConfig | GivenPairsConfig) -> Iterator[ModelVersion]:
    """Name the engine of each direction; raises EngineError for one that is not there or does not
    answer.

    FileNotFoundError names a folder to reuse that holds no responses.
    """
    if stage.reuse:
        known_responses(stage.reuse)
    ways = (
        [(direction, stage.engine) for direction in stage.pairs]
        if isinstance(stage, TranslationConfig)
        else []
    )
    if stage.round_trip:
        ways += [(direction.back, stage.round_trip) for direction in stage.pairs]
    for place, (direction, config) in enumerate(ways):
        if (direction, config) in ways[:place]:
            continue
        engine = open_engine(config, direction, stage.reuse)
        try:
            engine.check()
        finally:
            engine.close()
        identity = engine.identity
        yield ModelVersion(
            name=f"{identity.engine} {identity.model} ({direction})", version=identity.version
        )


def open_engine(config: Any, direction: Direction, reuse: tuple[str, ...]) -> Engine:
    """Open the engine that a recipe names for a direction; raises EngineError."""
    return ENGINES[config.kind].open(config, direction, reuse)


def open_generator(stage: SynthesisConfig) -> Generator:
    """Open the generator that a recipe names for a strategy; raises EngineError."""
    match stage.engine:
        case ChatEndpointConfig() as config:
            from stages.engines.endpoint import ChatEndpoint

            return ChatEndpoint(config)
        case LlamaCppConfig() as config:
            from stages.engines.llama_cpp import LlamaCpp

            return LlamaCpp(config)
        case RecordedConfig() as config:
            return RecordedGenerator(_recorded_identity(config, CHAT, stage.reuse))
        case None:
            return NoGenerator()


def generator_version(stage: SynthesisConfig) -> Iterator[ModelVersion]:
    """Name the generator of a strategy; raises EngineError for one that is not there."""
    if stage.reuse:
        known_responses(stage.reuse)
    generator = open_generator(stage)
    try:
        generator.check()
    finally:
        generator.close()
    if stage.engine is not None:
        identity = generator.identity
        yield ModelVersion(name=f"{identity.engine} {identity.model}", version=identity.version)
