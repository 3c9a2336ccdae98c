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
from stages.translation.options import TranslationConfig


class EngineEntry(NamedTuple):
    """How an engine is opened; `open` raises EngineError, in one line that says what to do."""

    config: type[Any]
    open: Callable[[Any, Direction, tuple[str, ...]], Engine]


def _apertium(config: ApertiumConfig, direction: Direction, _: tuple[str, ...]) -> Engine:
    from stages.engines.apertium import Apertium

    return Apertium(direction, config.mode, config.timeout_seconds)


def _recorded(_: RecordedConfig, direction: Direction, reuse: tuple[str, ...]) -> Engine:
    from stages.engines.recorded import Recorded

    return Recorded(_recorded_identity(reuse, direction))


def _recorded_identity(reuse: tuple[str, ...], direction: Direction | str) -> Identity:
    if not reuse:
        raise EngineError(
            'the recorded engine answers from folders of responses: name them, reuse = ["../v1/responses"]'
        )
    found = recorded_identities(reuse, direction)
    if len(found) != 1:
        there = "; ".join(map(str, found)) or "none"
        raise EngineError(
            f"{', '.join(reuse)} must hold responses of one engine for {direction}, got {there}"
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


def engine_versions(stage: TranslationConfig) -> Iterator[ModelVersion]:
    """Name the engine of each direction; raises EngineError for one that is not there or does not
    answer.

    FileNotFoundError names a folder to reuse that holds no responses.
    """
    if stage.reuse:
        known_responses(stage.reuse)
    ways = [(direction, stage.engine) for direction in stage.pairs]
    if stage.round_trip:
        ways += [(direction.back, stage.round_trip) for direction in stage.pairs]
    for direction, config in dict.fromkeys(ways):
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
        case RecordedConfig():
            return RecordedGenerator(_recorded_identity(stage.reuse, CHAT))
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
