"""The model of main content: two steps of symmetric trees, the second of which sees what the first
thought nearby."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.extraction.choice import MAX_SCORED
from stages.extraction.features import Context, first_features, second_features
from stages.extraction.layout import Layout
from stages.extraction.trees import Trees, make_trees, score

MODEL_FILE = "model.npz"
# Outside, the second step is not asked: of 18,677 blocks it gave none of those below more than 0.19;
# of 20,000 above, none less than 0.67.
UNSURE = (0.03, 0.98)


class Model(NamedTuple):
    """The trees of both steps."""

    first: Trees
    second: Trees

    def write(self, path: Path) -> None:
        """Write the numbers alone, as small as they can be: borders as float32, leaves as
        float16."""
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        for name, trees in zip(self._fields, self, strict=True):
            arrays |= {
                f"{name}_features": trees.features[trees.questions.T].astype(np.uint16),
                f"{name}_borders": trees.borders[trees.questions.T],
                f"{name}_leaves": trees.leaves.astype(np.float16),
                f"{name}_bias": np.array(trees.bias),
            }
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # its stub takes the names for options


def read_model(file: IO[bytes]) -> Model:
    """Read what `Model.write` wrote."""
    with np.load(file, allow_pickle=False) as arrays:
        return Model(
            *(
                make_trees(
                    arrays[f"{name}_features"].astype(np.int64),
                    arrays[f"{name}_borders"],
                    arrays[f"{name}_leaves"].astype(np.float32),
                    float(arrays[f"{name}_bias"]),
                )
                for name in Model._fields
            )
        )


@functools.cache
def shipped_model() -> Model:
    """Load the model that lies next to this file, once a process."""
    with (
        resources.files(__package__ or "stages.extraction").joinpath(MODEL_FILE).open("rb") as file
    ):
        return read_model(file)


def is_unsure(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Tell by the scores of the first step of which of m blocks the second is asked."""
    return (scores >= UNSURE[0]) & (scores < UNSURE[1])


def score_blocks(layout: Layout, model: Model) -> npt.NDArray[np.float32]:
    """Return for each of the m blocks of some pages the probability in [0, 1] that it is main
    content.

    The scores of a page are the same whatever pages are scored with it. Those of a page of more
    than MAX_SCORED blocks are not a number.
    """
    sizes = layout.block_ends - layout.block_begins
    scored = (sizes > 0) & (sizes <= MAX_SCORED)
    scores = np.full(len(layout.blocks.weights), np.nan, np.float32)
    if scored.any():
        context = Context(layout.take(np.flatnonzero(scored)))
        features = first_features(context)
        found = score(model.first, features)
        chosen = np.flatnonzero(is_unsure(found))
        found[chosen] = score(
            model.second, features, second_features(context, found), chosen=chosen
        )
        scores[np.repeat(scored, sizes)] = found
    return scores
