"""Margins of embeddings: a pair against its nearest neighbours, beads of an alignment, and a gate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stages.engines.engine import parse_direction
from stages.translation.gates import judge_sentences
from stages.translation.mining import align_sentences
from stages.translation.options import GateConfig
from stages.translation.similarity import WINDOW, bead_margins, pair_margins

EUS_SPA = parse_direction("eus_Latn -> spa_Latn")
# words of four letters that share no beginning, so that lengths and cognates say nothing
BASQUE = ["mahai", "leiho", "zubia", "haran", "egunak", "gauez", "bidea", "oihan"]
SPANISH = ["cuadro", "puerta", "fuente", "valles", "tiempo", "noches", "camino", "bosque"]


def unit(rows: list[list[float]]) -> np.ndarray:
    vectors = np.asarray(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_margin_is_the_ratio_of_the_paper() -> None:
    sources, targets = unit([[1, 0], [0, 1]]), unit([[1, 0], [1, 1]])
    found = pair_margins(sources, targets)
    root = np.sqrt(0.5)
    assert np.allclose(found.cosines, [1, root], atol=1e-4)
    # neighbours of source 0: 1 and root, of target 0: 1 and 0; of source 1: 0 and root, of target 1: root twice
    wanted = [1 / ((1 + root) / 4 + 0.25), root / (root / 4 + root / 2)]
    assert np.allclose(found.margins, wanted, atol=1e-3)


def test_what_is_near_to_all_has_no_margin() -> None:
    rng = np.random.default_rng(2)
    vectors = unit((rng.normal(size=(9, 8)) + np.append(np.zeros(7), 5)).tolist())
    hub = unit([[0.0] * 7 + [1.0]])
    found = pair_margins(np.concatenate([vectors, hub]), np.concatenate([vectors[::-1], hub]))
    own = pair_margins(vectors, vectors)
    assert found.cosines[-1] == 1
    assert own.margins.min() > 1.02
    assert np.isnan(pair_margins(hub, hub).margins[0])


def test_neighbours_are_those_of_a_window() -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(WINDOW + 1, 4)).tolist())
    found = pair_margins(vectors, vectors)
    assert np.isnan(found.margins[-1])
    assert np.array_equal(found.margins[:-1], pair_margins(vectors[:-1], vectors[:-1]).margins)


def test_two_sentences_for_one_are_added_up() -> None:
    one, two = unit([[1, 0, 0]]), unit([[0, 1, 0]])
    sources = np.concatenate([unit([[1, 1, 0]]), unit([[0, 0, 1]])])
    targets = np.concatenate([one, two, unit([[0, 0, 1]])])
    single, split = bead_margins(sources, targets, [(1, 1), (1, 2)])
    assert split.shape == (2, 2)
    assert split[0, 0] >= single[0].max()
    assert bead_margins(sources, targets, [(2, 1), (3, 1)])[1].size == 0


def by_places(words: Sequence[str]) -> np.ndarray:
    """Embed a sentence as the place of its word in either list."""
    known = {word: place for side in (BASQUE, SPANISH) for place, word in enumerate(side)}
    return np.eye(len(BASQUE), dtype=np.float32)[[known[word] for word in words]]


def test_sentences_are_aligned_where_only_embeddings_tell() -> None:
    # in the target the third sentence is missing, and the last one
    targets = [SPANISH[place] for place in (0, 1, 3, 4, 5, 6)]
    i, j, margin = align_sentences(pl.Series(BASQUE), pl.Series(targets), EUS_SPA, by_places)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [
        (0, 0),
        (1, 1),
        (3, 2),
        (4, 3),
        (5, 4),
        (6, 5),
    ]
    assert margin.min() > 3
    _, _, blind = align_sentences(pl.Series(BASQUE), pl.Series(targets), EUS_SPA)
    assert blind.max() < 3


def test_a_translation_of_another_sentence_is_not_similar(tmp_path: Path) -> None:
    for module in ("onnx", "onnxruntime", "tokenizers"):
        pytest.importorskip(module, reason="not installed; pip install 'glotmill[translate]'")
    from tests.embedding_models import write_model

    folder = write_model(tmp_path, list(zip(BASQUE, SPANISH, strict=True)))
    order = [0, 1, 2, 3, 7, 5, 6, 4]  # the fifth and the last one are exchanged
    targets = [SPANISH[place] for place in order]
    frame = pl.DataFrame({"source": BASQUE, "target": targets, "answer": targets}).with_columns(
        error=pl.lit(None, pl.String), whole=True, markup=False
    )
    gates = {"embeddings": {"model": str(folder)}}
    found = judge_sentences(frame, EUS_SPA, GateConfig.model_validate(gates), None)
    wrong = [reason == "not_similar" for reason in found.reasons.to_list()]
    assert wrong == [place != own for own, place in enumerate(order)]
    assert found.signals["similarity"].to_list()[:4] == [1.0] * 4
    plain = judge_sentences(frame, EUS_SPA, GateConfig(), None)
    assert plain.reasons.null_count() == len(order)
    assert plain.signals["margin_score"].null_count() == len(order)
    strict = GateConfig.model_validate({**gates, "min_similarity": 0.5, "min_margin_score": 0})
    assert judge_sentences(frame, EUS_SPA, strict, None).reasons.null_count() == len(order) - 2
