"""Some forty faults of every kind over a recipe of all phases: after each the same command goes on,
and at the end every byte is that of an undisturbed run. `make chaos` tries hundreds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.failing_store import KINDS as STORE_KINDS
from tests.chaos.failing_store import FailingStore
from tests.chaos.store_trials import StoreScene, draw_store_trials, store_environment
from tests.chaos.trials import KINDS, LIBFAKETIME, Scene, draw_trials, phase_of

SEED = 1
FAULTS, STORE_FAULTS = 30, 12
PHASES = {
    "augment",
    "bitext",
    "card",
    "data",
    "decontaminate-rewritten",
    "dedup-0-url",
    "dedup-1-exact",
    "dedup-2-near",
    "dedup-3-across_scripts",
    "dedup-4-lines-rewritten",
    "dedup-5-spans-rewritten",
    "index",
    "ingest",
    "ledger",
    "mine-addresses",
    "publish-splits",
    "samples",
    "synthesize",
    "withdraw-removed",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store() -> Iterator[FailingStore]:
    pytest.importorskip("moto.server", reason="moto is not installed; it comes with glotmill[test]")
    failing = FailingStore()
    with failing.serving() as address, store_environment(address):
        yield failing


@pytest.fixture(scope="module")
def scene(store: FailingStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("chaos"), workers=1)
    yield made
    made.close()


def test_faults_of_every_kind_lose_no_document_and_change_no_byte(scene: Scene) -> None:
    if not LIBFAKETIME:
        pytest.skip("libfaketime is not installed: apt-get install libfaketime")
    phases = {phase_of(place) for place, _ in scene.places}
    assert phases >= PHASES, "each phase is there, or the counts say little"
    (trial,) = draw_trials(scene.places, SEED, FAULTS, FAULTS)
    scene.try_faults(trial)
    assert scene.tally.problems == []
    assert set(scene.tally.faults) == set(KINDS)
    assert scene.tally.faults.total() >= FAULTS - 2, "places that a new fork server may pass over"


def test_a_store_that_fails_loses_no_document_and_changes_no_byte(
    scene: Scene, store: FailingStore
) -> None:
    stored = StoreScene(scene, store)
    before = len(scene.tally.problems)
    (trial,) = draw_store_trials(stored.places, SEED, STORE_FAULTS, STORE_FAULTS)
    stored.try_faults(trial)
    assert scene.tally.problems[before:] == []
    assert set(STORE_KINDS) <= set(scene.tally.faults)
