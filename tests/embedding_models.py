"""A model of sentence embeddings that tests make: a table of word vectors in which words of two
languages that mean the same have one vector."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import tokenizers
from onnx import TensorProto, helper, numpy_helper

UNKNOWN = "<unk>"
SIZE = 24


def write_model(folder: Path, concepts: Sequence[Sequence[str]]) -> Path:
    """Write `model.onnx` and `tokenizer.json`: the words of a concept share a random vector."""
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(len(concepts), SIZE)).astype(np.float32)
    words = [(word, row) for row, own in enumerate(concepts) for word in own]
    table = np.concatenate([np.zeros((1, SIZE), np.float32), vectors[[row for _, row in words]]])
    vocabulary = {UNKNOWN: 0} | {word: place for place, (word, _) in enumerate(words, 1)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, UNKNOWN))
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    ids, mask = (
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "t"])
        for name in ("input_ids", "attention_mask")
    )
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "t", SIZE])
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "words",
        [ids, mask],
        [output],
        [numpy_helper.from_array(table, "table")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / "model.onnx")
    return folder


def write_modules(folder: Path, pooling: str, weight: np.ndarray | None = None) -> Path:
    """Write what sentence-transformers has next to a model: pooling, and a dense layer with tanh."""
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    modes = {f"pooling_mode_{name}": name == pooling for name in ("cls_token", "mean_tokens")}
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    if weight is not None:
        modules.append(("2_Dense", "Dense"))
        dense = folder / "2_Dense"
        dense.mkdir()
        activation = "torch.nn.modules.activation.Tanh"
        (dense / "config.json").write_text(
            json.dumps({"bias": False, "activation_function": activation})
        )
        data = weight.astype("<f4").tobytes()
        place = {"dtype": "F32", "shape": list(weight.shape), "data_offsets": [0, len(data)]}
        header = json.dumps({"linear.weight": place}).encode()
        (dense / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + data)
    named = [
        {"idx": n, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(named))
    return folder
