"""Sentence embeddings by an ONNX model, such as LaBSE, multilingual E5 or a converted SONAR: from a
folder or the Hub, on the processor.

A folder is one of sentence-transformers: an ONNX model of tokens, `tokenizer.json`, and
`modules.json`, which says what comes after the model (pooling, a dense layer as LaBSE has, norms).
Without `modules.json` the vectors of tokens are averaged. A model whose output is
`sentence_embedding` has done all that itself.

A sentence's vector hardly depends on the batch: what is added to its length is masked, and what is
left are errors of rounding in the seventh digit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.card.versions import ModelVersion
from stages.engines.engine import EngineError
from stages.engines.model_folder import files_sha256, model_folder
from stages.engines.optional import require
from stages.engines.options import EmbeddingsConfig

Vectors = NDArray[np.float32]
Layer = Callable[[Vectors], Vectors]
_FILES = ("model.onnx", "onnx/model.onnx")
_WANTED = ("*.json", "*/*.json", "*.onnx*", "onnx/model.onnx*", "*/model.safetensors")
_BATCH_TOKENS = 8192
_ACTIVATIONS: dict[str, Layer] = {"Tanh": np.tanh, "Identity": lambda vectors: vectors}
_TYPES = {"F32": "<f4", "F16": "<f2"}  # of safetensors


class Embeddings:
    """A model that gives a vector of length 1 for each text."""

    def __init__(self, config: EmbeddingsConfig) -> None:
        require("embeddings")
        import onnxruntime
        from tokenizers import Tokenizer

        folder = model_folder(config.model, config.revision, _WANTED)
        names = (config.file,) if config.file else _FILES
        path = next((folder / name for name in names if (folder / name).is_file()), None)
        if path is None:
            raise EngineError(f"{config.model} must hold a model, {' or '.join(names)}")
        places = (folder, path.parent)
        tokenizer = next((p for p in places if (p / "tokenizer.json").is_file()), None)
        if tokenizer is None:
            raise EngineError(f"{config.model} must hold a tokenizer.json")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path),
                options,
                providers=["CPUExecutionProvider"],
            )
        except Exception as error:  # its errors have no class of their own
            raise EngineError(
                f"{path} is no model that ONNX Runtime reads ({' '.join(str(error).split())[:120]})"
            ) from None
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
        self._tokenizer.enable_truncation(config.max_tokens)
        self._tokenizer.no_padding()
        self._inputs = {one.name for one in self._session.get_inputs()}
        outputs = [one.name for one in self._session.get_outputs()]
        self._whole = "sentence_embedding" in outputs
        self._output = "sentence_embedding" if self._whole else outputs[0]
        self._pooling, self._layers = _modules(folder)
        self._prefix = config.prefix
        # weights of a large model lie next to it, as model.onnx_data
        files = sorted(other for other in path.parent.iterdir() if other.name.startswith(path.name))
        self.version = ModelVersion(
            name=config.model,
            version=f"onnxruntime {onnxruntime.__version__}",
            sha256=files_sha256(files),
        )

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Return the (n, d) vectors of n texts, each of length 1."""
        encoded = self._tokenizer.encode_batch([self._prefix + text for text in texts])
        order = sorted(range(len(texts)), key=lambda row: (len(encoded[row].ids), row))
        parts: list[Vectors] = []
        start = 0
        while start < len(order):  # a call of the model each
            end = start + 1
            while end < len(order) and (
                (end + 1 - start) * len(encoded[order[end]].ids) <= _BATCH_TOKENS
            ):
                end += 1
            parts.append(self._of([encoded[row].ids for row in order[start:end]]))
            start = end
        if not parts:
            return np.empty((0, 0), np.float32)
        found = np.concatenate(parts)
        vectors = np.empty_like(found)
        vectors[order] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return vectors

    def _of(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        lengths = np.array([len(one) for one in tokens])
        mask = np.arange(max(int(lengths.max()), 1)) < lengths[:, None]
        ids = np.zeros(mask.shape, np.int64)
        ids[mask] = np.concatenate([np.asarray(one, np.int64) for one in tokens])
        given = {
            "input_ids": ids,
            "attention_mask": mask.astype(np.int64),
            "token_type_ids": np.zeros_like(ids),
        }
        fed = {name: given[name] for name in given if name in self._inputs}
        (output,) = self._session.run([self._output], fed)
        vectors: Vectors = output.astype(np.float32)
        if self._whole:
            return vectors
        if self._pooling == "cls":
            vectors = vectors[:, 0]
        else:
            weights = mask[:, :, None].astype(np.float32)
            vectors = (vectors * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        for layer in self._layers:
            vectors = layer(vectors)
        return vectors


@cache
def load_embeddings(config: EmbeddingsConfig) -> Embeddings:
    """Load a model, once a process; raises EngineError."""
    return Embeddings(config)


def _modules(folder: Path) -> tuple[str, list[Layer]]:
    """Read what comes after the model of tokens: how these are pooled, and dense layers."""
    if not (folder / "modules.json").is_file():
        return "mean", []
    pooling, layers = "mean", list[Layer]()
    for module in json.loads((folder / "modules.json").read_text("utf-8")):
        kind, own = module["type"].rpartition(".")[2], folder / module["path"]
        if kind == "Pooling":
            wanted = json.loads((own / "config.json").read_text("utf-8"))
            modes = [name for name, on in wanted.items() if name.startswith("pooling_mode") and on]
            if modes not in (["pooling_mode_mean_tokens"], ["pooling_mode_cls_token"]):
                raise EngineError(f"{own} must pool by mean or first token, not by {modes}")
            pooling = "cls" if modes == ["pooling_mode_cls_token"] else "mean"
        elif kind == "Dense":
            layers.append(_dense(own))
        elif kind not in ("Transformer", "Normalize"):
            raise EngineError(f"{folder} has a module {kind}, which is not known")
    return pooling, layers


def _dense(folder: Path) -> Layer:
    """Read a dense layer: `config.json`, and weights in the format safetensors (8 bytes that say how
    long the JSON of names, types and places is, that, and the numbers)."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    name = config["activation_function"].rpartition(".")[2]
    path = folder / "model.safetensors"
    if name not in _ACTIVATIONS or not path.is_file():
        raise EngineError(
            f"{folder} must have model.safetensors and one of the activations {', '.join(_ACTIVATIONS)}"
        )
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])

    def tensor(key: str) -> Vectors:
        one = header[key]
        first, last = one["data_offsets"]
        numbers = np.frombuffer(data[start + first : start + last], _TYPES[one["dtype"]])
        return numbers.reshape(one["shape"]).astype(np.float32)

    weight, activation = tensor("linear.weight"), _ACTIVATIONS[name]
    bias = tensor("linear.bias") if config.get("bias", True) else np.zeros(len(weight), np.float32)
    return lambda vectors: activation(vectors @ weight.T + bias)
