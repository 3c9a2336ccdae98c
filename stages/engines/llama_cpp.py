"""llama.cpp in the process: a GGUF model in a server on loopback that the worker starts itself.

The server is the one of xllamacpp, which has prebuilt wheels; it is asked like any other endpoint.
It starts at the first question, so that a run whose answers are all kept loads no model. Answers do
not depend on earlier questions: the cache of prompts is off, and by default one question is
answered at a time.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import threading
from pathlib import Path
from typing import Any

from stages.engines.chat import ChatRequest
from stages.engines.endpoint import Completions
from stages.engines.engine import Answer, EngineError, Identity, parameters_json
from stages.engines.optional import require
from stages.engines.options import ChatEndpointConfig, LlamaCppConfig

_MAGIC = b"GGUF"


class LlamaCpp:
    """A GGUF model, as a generator."""

    def __init__(self, config: LlamaCppConfig) -> None:
        require("llama_cpp")
        self.config, self.concurrency = config, config.concurrency
        self.path = find_gguf(config)
        with self.path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise EngineError(f"{self.path} must be a GGUF file, and does not begin like one")
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        version = f"xllamacpp {importlib.metadata.version('xllamacpp')}, model {sha256[:16]}"
        parameters = parameters_json({"context_tokens": config.context_tokens})
        self.identity = Identity("llama_cpp", self.path.name, version, parameters)
        self._lock = threading.Lock()
        self._server: Any = None
        self._completions: Completions | None = None

    def ask(self, request: ChatRequest) -> Answer:
        """Answer one question; the first one starts the server."""
        completion, *tokens = self._started().complete(request)
        return Answer(completion.kept(), None, *tokens)

    def check(self) -> None:
        """The file was found and looked at when the generator was made."""

    def _started(self) -> Completions:
        with self._lock:
            if self._completions is None:
                import xllamacpp

                params = xllamacpp.CommonParams()
                params.model.path = str(self.path)
                params.n_parallel = self.config.concurrency
                params.n_ctx = self.config.context_tokens * self.config.concurrency
                params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self.config.threads
                params.verbosity, params.ui = -1, False
                try:
                    self._server = xllamacpp.Server(params)
                except RuntimeError as error:
                    raise EngineError(f"llama.cpp cannot run {self.path}: {error}") from None
                config = ChatEndpointConfig(
                    base_url=f"{self._server.listening_address}/v1",
                    model=self.path.name,
                    timeout_seconds=self.config.timeout_seconds,
                )
                self._completions = Completions(config, {"cache_prompt": False})
            return self._completions

    def close(self) -> None:
        """Stop the server and free the model."""
        if self._completions is not None:
            self._completions.close()
        self._completions = self._server = None


def find_gguf(config: LlamaCppConfig) -> Path:
    """Find the GGUF file that a recipe names: a path, an installed package, a name on the Hub;
    raises EngineError."""
    if Path(config.model).is_file():
        return Path(config.model)
    if "/" not in config.model:
        try:
            files = importlib.metadata.files(config.model) or []
        except importlib.metadata.PackageNotFoundError:
            raise EngineError(
                f"no model {config.model!r}: it is no file and no installed package; pip install {config.model}"
            ) from None
        found = [Path(str(file.locate())) for file in files if file.name.endswith(".gguf")]
        named = [path for path in found if config.file in (None, path.name)]
        if len(named) != 1:
            there = ", ".join(sorted(path.name for path in found)) or "none"
            raise EngineError(
                f"the package {config.model} must hold one GGUF file, or `file` name one; it has {there}"
            )
        return named[0]
    if config.file is None:
        raise EngineError(
            f"no model {config.model!r}: it is no file; for a name on the Hub, say which GGUF by `file`"
        )
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            hf_hub_download(
                config.model.removeprefix("hf://"), config.file, revision=config.revision
            )
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise EngineError(
            f"no model {config.model!r} with {config.file!r}: it is no file, and the Hub has none "
            f"({' '.join(str(error).split())[:120]})"
        ) from None
