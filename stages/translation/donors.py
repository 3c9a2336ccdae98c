"""Donors: the languages that a target language is translated from, chosen by how near they are.

Languages that are related to the target, and written as it is, help it most (Lin et al. 2019,
"Choosing Transfer Languages for Cross-Lingual Learning", https://aclanthology.org/P19-1301/). The
distances are those of URIEL's vectors (Littell et al. 2017, https://aclanthology.org/E17-2002/), as
the package lang2vec ships them, and one of words:

- `genetic`: cosine distance of the families and branches that a language is in (Glottolog).
- `geographic`: the part of half the Earth's circumference that lies between the places they are
  spoken in. URIEL gives the distances to 299 places; those of two languages differ most at the
  place behind one of them, by the distance between the two.
- `syntactic`, `phonological`, `inventory`: cosine distance of the features of the World Atlas of
  Language Structures and others, where no source has them predicted from kin and neighbours.
- `lexical`: cosine distance of the counts of three letters in a row in the same articles of the
  Declaration of Human Rights, of which gflanguages has an excerpt; for two scripts it is near 1.

All lie from 0 to 1. A donor's distance is the mean of those that are known; it counts as many as
are, since of small languages some have no text.
"""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.card.translation import DonorDistances
from schemas.language import one_code, parse_label, to_iso639_3, usual_labels
from stages.engines.apertium import installed_modes
from stages.engines.engine import EngineError

# URIEL has these members under their own codes; ours for the whole language
_MAIN_MEMBERS = {"ara": "arb", "zho": "cmn", "fas": "pes", "msa": "zsm", "nor": "nob"}
_KINDS = {"syntactic": "S_", "phonological": "P_", "inventory": "INV_"}


class _Vectors(NamedTuple):
    """Vectors of languages: float arrays (l, n), by ISO 639-3 code."""

    rows: dict[str, int]
    names: list[str]
    values: NDArray[np.float32]


def rank_donors(target: str, candidates: Sequence[str]) -> tuple[DonorDistances, ...]:
    """Return the distances of candidates to a target, `language_Script` each, nearest first.

    Of equally near ones the first by label comes first. Raises EngineError where lang2vec is not
    installed.
    """
    found = [distances(target, donor) for donor in dict.fromkeys(candidates) if donor != target]
    return tuple(sorted(found, key=lambda one: (one.distance, one.donor_language)))


def choose_donors(target: str, candidates: Sequence[str], number: int) -> tuple[str, ...]:
    """Return the nearest candidates, nearest first; without candidates, of those that Apertium can
    translate into the target here.

    Raises EngineError where there is none.
    """
    if not candidates and not (candidates := _apertium_sources(target)):
        raise EngineError(
            f"no installed mode of Apertium translates into {target}; `glotmill engines` shows what can "
            "be installed, or name donor_candidates"
        )
    nearest = [one.donor_language for one in rank_donors(target, candidates)][:number]
    if not nearest:
        raise EngineError(f"donor_candidates has nothing but the target {target}")
    return tuple(nearest)


def donor_table(
    target: str, candidates: Sequence[str], chosen: Collection[str]
) -> tuple[DonorDistances, ...]:
    """Return the distances of all candidates to a target, with which of them were chosen."""
    return tuple(
        one.model_copy(update={"chosen": one.donor_language in chosen})
        for one in rank_donors(target, candidates or _apertium_sources(target))
    )


def _apertium_sources(target: str) -> tuple[str, ...]:
    """List what Apertium translates into a target here, each language in the script that most
    write it in."""
    into = one_code(parse_label(target).language)
    sources = sorted({source for source, own in installed_modes() if own == into != source})
    return tuple(label for source in sources for label in usual_labels(source)[:1])


def distances(target: str, donor: str) -> DonorDistances:
    """Measure how far a donor is from a target."""
    codes = [_code(parse_label(label).language) for label in (target, donor)]
    known: dict[str, float | None] = {
        "genetic": _cosine_distance(_vectors("family_features"), codes),
        "geographic": _distance_on_earth(codes),
    }
    features = _vectors("feature_predictions")
    for kind, prefix in _KINDS.items():
        columns = [place for place, name in enumerate(features.names) if name.startswith(prefix)]
        known[kind] = _cosine_distance(features, codes, columns)
    known["lexical"] = _lexical_distance(target, donor)
    values = {kind: None if one is None else round(one, 3) for kind, one in known.items()}
    measured = [one for one in values.values() if one is not None]
    return DonorDistances(
        target_language=target,
        donor_language=donor,
        distance=round(sum(measured) / len(measured), 3) if measured else 1.0,
        **values,
    )


def _code(language: str) -> str:
    """Return URIEL's code for a language of ours."""
    return _MAIN_MEMBERS.get(language, language)


@cache
def _vectors(name: str) -> _Vectors:
    """Read vectors of lang2vec's data; of an array that several sources fill, each has its own
    layer, and there is one here."""
    try:
        package = importlib.metadata.distribution("lang2vec")
    except importlib.metadata.PackageNotFoundError:
        raise EngineError(
            'donors = "auto" needs the vectors of languages in lang2vec; '
            "pip install 'glotmill[translate]'"
        ) from None
    path = Path(str(package.locate_file(f"lang2vec/data/{name}.npz")))
    with np.load(path, allow_pickle=False) as data:
        rows = {code: place for place, code in enumerate(data["langs"].tolist())}
        return _Vectors(rows, data["feats"].tolist(), data["data"][:, :, 0])


def _pair(
    vectors: _Vectors, codes: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Return the vectors of two languages; None unless both are there."""
    if any(code not in vectors.rows for code in codes):
        return None
    first, second = (vectors.values[vectors.rows[code]] for code in codes)
    return first, second


def _cosine_distance(
    vectors: _Vectors, codes: Sequence[str], columns: Sequence[int] | None = None
) -> float | None:
    """Return 1 minus the cosine of two vectors; None where one is empty."""
    pair = _pair(vectors, codes)
    if pair is None:
        return None
    first, second = pair if columns is None else (pair[0][columns], pair[1][columns])
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return max(0.0, 1 - float(first @ second) / lengths) if lengths else None


def _distance_on_earth(codes: Sequence[str]) -> float | None:
    pair = _pair(_vectors("geocoord_features"), codes)
    return None if pair is None else float(np.abs(pair[0] - pair[1]).max())


def _lexical_distance(target: str, donor: str) -> float | None:
    """Return the cosine distance of counts of trigrams; None where one has no text."""
    first, second = _trigrams(target), _trigrams(donor)
    if not first or not second:
        return None
    shared = sum(count * second[gram] for gram, count in first.items() if gram in second)
    norms = [sum(count * count for count in counts.values()) ** 0.5 for counts in (first, second)]
    return max(0.0, 1 - shared / (norms[0] * norms[1]))


@cache
def _trigrams(label: str) -> Counter[str]:
    words = "".join(
        letter if letter.isalpha() or not letter.isascii() else " "
        for letter in _excerpts().get(label, "").lower()
    )
    text = f" {' '.join(words.split())} "
    return Counter(text[place : place + 3] for place in range(len(text) - 2))


@cache
def _excerpts() -> dict[str, str]:
    """Return by label what gflanguages has of the Declaration: the same articles in each language;
    of several orthographies the one with most speakers."""
    import gflanguages

    languages = sorted(gflanguages.LoadLanguages().values(), key=lambda one: one.population)
    found = {}
    for language in languages:
        code = to_iso639_3(language.language)
        if code and language.HasField("sample_text"):
            sample = language.sample_text
            parts = (sample.specimen_48, sample.specimen_36, sample.specimen_32, sample.specimen_21)
            text = " ".join(dict.fromkeys(part.strip() for part in parts if part.strip()))
            if text:
                found[f"{one_code(code)}_{language.script}"] = text
    return found
