"""What a recipe may set of an engine; read with every recipe, so nothing is imported that does the work."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stages.batches import StageConfig


class ApertiumConfig(StageConfig):
    """Apertium's rules: offline, many small languages; Debian packages such as apertium-eu-es."""

    kind: Literal["apertium"] = "apertium"
    mode: str | None = Field(
        default=None, description="Installed mode, as `spa-eng_US`; by default the plain one of the direction."
    )
    timeout_seconds: float = Field(
        default=60.0, gt=0, description="Longest wait for the next answer, after which the mode is started again."
    )


class RecordedConfig(StageConfig):
    """Responses of the folders in `reuse` and nothing else: reruns without the engine that gave them."""

    kind: Literal["recorded"] = "recorded"


EngineConfig = Annotated[ApertiumConfig | RecordedConfig, Field(discriminator="kind")]


def named_engine() -> EngineConfig:
    """Return the default: what needs no network and no model."""
    return ApertiumConfig()
