"""Engines that come with extras: whether they are installed, and the command that installs them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import NamedTuple

from stages.engines.engine import EngineError


class Extra(NamedTuple):
    """What an engine imports, the extra of pyproject.toml that brings it, and what its models
    are."""

    modules: tuple[str, ...]
    name: str
    model: str

    @property
    def command(self) -> str:
        return f"pip install 'glotmill[{self.name}]'"


EXTRAS: Mapping[str, Extra] = {
    "ctranslate2": Extra(("ctranslate2", "sentencepiece"), "translate", "any converted model"),
    "endpoint": Extra(("openai",), "translate", "any server of chat completions"),
    "llama_cpp": Extra(("xllamacpp", "openai", "jsonschema"), "synthesize", "any GGUF model"),
    "tokenizers": Extra(("tokenizers",), "translate", "models with a tokenizer.json"),
    "embeddings": Extra(("onnxruntime", "tokenizers"), "translate", "any ONNX model"),
}


def is_installed(engine: str) -> bool:
    """Tell whether what an engine imports is installed."""
    return all(find_spec(module) is not None for module in EXTRAS[engine].modules)


def require(engine: str) -> None:
    """Raise EngineError, in one line with the command, unless what an engine imports is
    installed."""
    extra = EXTRAS[engine]
    if missing := [module for module in extra.modules if find_spec(module) is None]:
        raise EngineError(f"the engine {engine} needs {' and '.join(missing)}; {extra.command}")
