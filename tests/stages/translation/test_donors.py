"""Which languages are the donors of a target, by how near they are."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from stages.engines.engine import EngineError
from stages.translation.donors import choose_donors, distances, donor_table, rank_donors
from tests.declaration import plant_engine

if not list(importlib.metadata.distributions(name="lang2vec")):
    pytest.skip("lang2vec is not installed; it comes with glotmill[test]", allow_module_level=True)


@pytest.mark.parametrize(
    ("target", "candidates", "nearest"),
    [
        # kin comes before a large language that is spoken as near
        ("glg_Latn", "eng_Latn eus_Latn rus_Cyrl spa_Latn por_Latn", "por_Latn spa_Latn"),
        ("afr_Latn", "eng_Latn zul_Latn fra_Latn deu_Latn nld_Latn", "nld_Latn deu_Latn"),
        ("zul_Latn", "eng_Latn afr_Latn swa_Latn xho_Latn", "xho_Latn swa_Latn"),
        ("mlt_Latn", "eng_Latn ita_Latn ara_Arab", "ara_Arab ita_Latn"),
        ("bod_Tibt", "zho_Hans eng_Latn hin_Deva dzo_Tibt mya_Mymr", "dzo_Tibt mya_Mymr"),
        ("bel_Cyrl", "eng_Latn lit_Latn pol_Latn rus_Cyrl ukr_Cyrl", "ukr_Cyrl rus_Cyrl"),
        ("uig_Arab", "zho_Hans ara_Arab kaz_Cyrl eng_Latn uzb_Cyrl", "kaz_Cyrl uzb_Cyrl"),
        # Basque has no kin: its neighbours are nearest
        ("eus_Latn", "eng_Latn kat_Geor fin_Latn spa_Latn", "spa_Latn fin_Latn"),
    ],
)
def test_the_nearest_are_chosen(target: str, candidates: str, nearest: str) -> None:
    assert choose_donors(target, candidates.split(), 2) == tuple(nearest.split())


def test_distances_are_those_of_kin_place_and_words() -> None:
    xhosa, english = distances("zul_Latn", "xho_Latn"), distances("zul_Latn", "eng_Latn")
    assert (xhosa.genetic, english.genetic) == (0.0, 1.0)
    # Cape Town and Durban are 1,270 km apart, Durban and London 9,550, of 20,000
    assert xhosa.geographic == pytest.approx(0.05, abs=0.03)
    assert english.geographic == pytest.approx(0.47, abs=0.03)
    assert xhosa.lexical == pytest.approx(0.38, abs=0.1)
    assert english.lexical == pytest.approx(0.94, abs=0.05)
    known = [one for one in english.model_dump().values() if isinstance(one, float)]
    assert english.distance == pytest.approx(sum(known[1:]) / len(known[1:]), abs=0.001)


def test_what_is_not_known_does_not_count() -> None:
    basque = distances("eus_Latn", "spa_Latn")
    assert basque.genetic is None, "an isolate is in no family"
    unknown = distances("eus_Latn", "qaa_Latn")
    assert (unknown.distance, unknown.syntactic, unknown.lexical) == (1.0, None, None)


def test_order_and_repetition_of_candidates_do_not_matter() -> None:
    once = rank_donors("glg_Latn", ["spa_Latn", "por_Latn", "eng_Latn"])
    again = rank_donors("glg_Latn", ["eng_Latn", "por_Latn", "spa_Latn", "por_Latn", "glg_Latn"])
    assert once == again


def test_candidates_are_what_apertium_translates_into_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APERTIUM_MODES", str(plant_engine(tmp_path / "modes")))
    assert choose_donors("hin_Deva", (), 2) == ("urd_Arab",)
    (row,) = donor_table("hin_Deva", (), {"urd_Arab"})
    assert (row.donor_language, row.chosen) == ("urd_Arab", True)
    with pytest.raises(EngineError, match="no installed mode of Apertium translates into khm_Khmr"):
        choose_donors("khm_Khmr", (), 2)


def test_without_the_vectors_the_command_that_installs_them_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from stages.translation import donors

    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    donors._vectors.cache_clear()
    with pytest.raises(EngineError, match=r"pip install 'glotmill\[translate\]'"):
        rank_donors("eus_Latn", ["spa_Latn"])
