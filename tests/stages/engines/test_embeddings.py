"""Embeddings by a small ONNX model: vectors, what comes after the model, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from schemas.failures import FailureError
from stages.engines.embeddings import Embeddings
from stages.engines.engine import EngineError
from stages.engines.options import EmbeddingsConfig

for _module in ("onnx", "onnxruntime", "tokenizers"):
    pytest.importorskip(_module, reason="not installed; pip install 'glotmill[translate]'")

import onnx  # noqa: E402

from tests.embedding_models import SIZE, write_model, write_modules  # noqa: E402

CONCEPTS = [["etxe", "casa"], ["ura", "agua"], ["mendi", "monte"], ["bat", "una"]]


def vectors(folder: Path, texts: list[str], **options: object) -> np.ndarray:
    return Embeddings(EmbeddingsConfig.model_validate({"model": str(folder), **options}))(texts)


def test_words_of_one_concept_have_one_vector_in_any_batch(tmp_path: Path) -> None:
    folder = write_model(tmp_path, CONCEPTS)
    texts = ["etxe bat", "una casa", "ura", "", "mendi mendi ura etxe bat"]
    found = vectors(folder, texts)
    assert found.shape == (5, SIZE)
    assert np.allclose(np.linalg.norm(found[[0, 1, 2, 4]], axis=1), 1, atol=1e-6)
    assert np.allclose(found[0], found[1], atol=1e-6)
    assert not found[3].any()
    assert found[0] @ found[2] < 0.9
    alone = np.concatenate([vectors(folder, [text]) for text in texts])
    assert np.allclose(found, alone, atol=1e-6)
    assert vectors(folder, []).shape[0] == 0


def test_a_name_on_the_hub_is_looked_for_in_the_cache_of_its_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    commit = "0" * 40
    own = tmp_path / "models--planted--table"
    (own / "refs").mkdir(parents=True)
    (own / "refs" / "main").write_text(commit)
    write_model(own / "snapshots" / commit, CONCEPTS)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    model = Embeddings(EmbeddingsConfig(model="planted/table"))
    here = vectors(own / "snapshots" / commit, ["etxe"])
    assert np.array_equal(model(["etxe"]), here)
    with pytest.raises(EngineError, match="no model 'planted/other'"):
        Embeddings(EmbeddingsConfig(model="planted/other"))


def test_weights_next_to_a_model_are_read_and_hashed(tmp_path: Path) -> None:
    """Models above two gigabytes are kept so; the Hub's client keeps files as links."""
    plain = write_model(tmp_path / "plain", CONCEPTS)
    blobs, folder = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    folder.mkdir()
    onnx.save_model(
        onnx.load(plain / "model.onnx"),
        blobs / "model.onnx",
        save_as_external_data=True,
        location="model.onnx_data",
        size_threshold=0,
    )
    shutil.copy(plain / "tokenizer.json", blobs)
    for file in blobs.iterdir():
        (folder / file.name).symlink_to(Path("..", "blobs", file.name))
    assert np.array_equal(vectors(folder, ["etxe"]), vectors(plain, ["etxe"]))
    before = Embeddings(EmbeddingsConfig(model=str(folder))).version
    weights = blobs / "model.onnx_data"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert Embeddings(EmbeddingsConfig(model=str(folder))).version.sha256 != before.sha256


def test_long_texts_are_cut(tmp_path: Path) -> None:
    folder = write_model(tmp_path, CONCEPTS)
    long, cut = vectors(folder, ["ura " * 8 + "etxe " * 90_000, "ura " * 8], max_tokens=8)
    assert np.allclose(long, cut, atol=1e-6)


def test_modules_after_the_model_are_those_of_the_folder(tmp_path: Path) -> None:
    first = write_modules(write_model(tmp_path / "cls", CONCEPTS), "cls_token")
    one, other = vectors(first, ["etxe ura", "casa"])
    assert np.allclose(one, other, atol=1e-6)
    weight = np.random.default_rng(1).normal(size=(5, SIZE))
    folder = write_modules(write_model(tmp_path / "dense", CONCEPTS), "mean_tokens", weight)
    plain = write_model(tmp_path / "plain", CONCEPTS[:1])
    token = vectors(write_model(tmp_path / "same", CONCEPTS), ["ura"])[0]
    (found,) = vectors(folder, ["ura ura"])
    assert found.shape == (5,)
    # the table's own vector has the direction of `token`; tanh is taken before the norm is
    scale = np.linalg.norm(np.random.default_rng(7).normal(size=(4, SIZE)).astype("f4")[1])
    wanted = np.tanh(token * scale @ weight.T)
    assert np.allclose(found, wanted / np.linalg.norm(wanted), atol=1e-5)
    assert vectors(plain, ["etxe"]).shape == (1, SIZE)


def test_what_is_no_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"must hold a model, model\.onnx or onnx/model\.onnx"):
        vectors(tmp_path, ["ura"])
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EngineError, match=r"must hold a tokenizer\.json"):
        vectors(tmp_path, ["ura"])
    write_model(tmp_path, CONCEPTS)
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EngineError, match="no model that ONNX Runtime reads") as told:
        vectors(tmp_path, ["ura"])
    assert "\n" not in str(told.value)
    bad = write_modules(write_model(tmp_path / "bad", CONCEPTS), "max_tokens")
    (bad / "1_Pooling" / "config.json").write_text('{"pooling_mode_max_tokens": true}')
    with pytest.raises(FailureError, match="must pool by mean or first token"):
        vectors(bad, ["ura"])
