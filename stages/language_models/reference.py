"""What trusted text scores under a model that has not seen it: the measure that documents are held
against.

Bits a character say little by themselves: they differ by language, alphabet and domain, and fine
text of another kind than the model's has more of them. A document is judged by its place among
trusted documents instead.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stages.language_models.arpa import read_arpa
from stages.language_models.model import LanguageModel

LEAST_DOCUMENTS = 20  # of a reference; fewer have no hundredths to speak of
_QUANTILES = np.linspace(0, 1, 101)


class Reference(NamedTuple):
    """Quantiles 0, 0.01 ... 1 of the bits a character of `documents` trusted documents."""

    documents: int
    quantiles: tuple[float, ...]

    def percentiles(self, bits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of the reference that has fewer bits a character than each document; NaN
        stays."""
        return np.where(np.isnan(bits), np.nan, np.interp(bits, self.quantiles, _QUANTILES))


class JudgedModel(NamedTuple):
    """A model and its reference."""

    model: LanguageModel
    reference: Reference


def bits_per_character(model: LanguageModel, texts: pa.Array) -> NDArray[np.float64]:
    """Return bits a character of n texts (no nulls), line ends counted as characters; NaN for one
    without any."""
    bits, characters = model.bits(texts)
    return np.divide(bits, characters, out=np.full(len(bits), np.nan), where=characters > 0)


def measure_reference(model: LanguageModel, texts: pa.Array) -> Reference:
    """Measure n trusted documents that the model has not seen. Raises ValueError for fewer than
    LEAST_DOCUMENTS."""
    bits = bits_per_character(model, texts)
    bits = bits[~np.isnan(bits)]
    if len(bits) < LEAST_DOCUMENTS:
        raise ValueError(
            f"{len(bits)} documents were held out for the reference, {LEAST_DOCUMENTS} are needed: give more text, or "
            "a larger --held-out-share"
        )
    return Reference(len(bits), tuple(np.round(np.quantile(bits, _QUANTILES), 4).tolist()))


def reference_path(model: Path) -> Path:
    """Return where a model's reference lies: in the same folder."""
    return model.with_name(f"{model.name}.json")


def write_reference(reference: Reference, model: Path) -> None:
    """Write the reference next to the model."""
    reference_path(model).write_text(json.dumps(reference._asdict()) + "\n", "utf-8")


def load_judged(path: str) -> JudgedModel:
    """Read a model and its reference. Raises FileNotFoundError or ValueError saying what is missing
    or wrong."""
    model = read_arpa(Path(path))
    file = reference_path(Path(path))
    if not file.is_file():
        raise FileNotFoundError(
            f"{path} has no reference: there is no {file.name} in its folder; write one by glotmill lm reference"
        )
    try:
        content = json.loads(file.read_text("utf-8"))
        reference = Reference(int(content["documents"]), tuple(map(float, content["quantiles"])))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{file} must hold documents and quantiles: {error!r}; write it again"
        ) from None
    if len(reference.quantiles) != len(_QUANTILES) or list(reference.quantiles) != sorted(
        reference.quantiles
    ):
        raise ValueError(f"{file} must hold {len(_QUANTILES)} rising quantiles; write it again")
    return JudgedModel(model, reference)
