"""Trials on an object store: input and output lie on a server that fails at some requests.

A client asks again where that may help, so a run may end well all the same; else it ends with one
line, and the same command goes on.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256

from tests.chaos.failing_store import BUCKET, KINDS, FailingStore
from tests.chaos.places import Watch
from tests.chaos.trials import Scene
from tests.recipes import one_source
from tests.running import Ended

OUTPUT = f"s3://{BUCKET}/out"
RECIPE = (
    one_source("stored", "lines", paths=f"s3://{BUCKET}/input/lines.jsonl", split_bytes=6000)
    + """
[[ingest]]
stage = "filter_length"
min_code_points = 20

[[dedup]]
stage = "exact"

[[dedup]]
stage = "near"
"""
)


class StoreScene:
    """A bucket with input, and the output of an undisturbed run."""

    def __init__(self, scene: Scene, store: FailingStore) -> None:
        from s3fs import S3FileSystem

        S3FileSystem.clear_instance_cache()
        self.scene, self.store, self.files = scene, store, S3FileSystem()
        store.kill = lambda: os.killpg(scene.running, signal.SIGKILL)
        self.recipe = scene.folder / "stored.toml"
        self.recipe.write_text(RECIPE)
        self.files.mkdir(BUCKET)
        self.files.pipe(f"{BUCKET}/input/lines.jsonl", scene.corpus.lines.read_bytes())
        store.places.clear()
        ended = self._run({})
        if ended.returncode:
            raise RuntimeError(f"the undisturbed run on a store: {ended.stderr}")
        self.places = sorted(store.places)  # before our own look at what stands there
        self.expected = self._digests()

    def try_faults(self, faults: Mapping[str, str]) -> None:
        """Meet the faults of one trial, kinds by request, and compare what stands at the end."""
        self._empty()
        tally, armed = self.scene.tally, dict(faults)
        for _ in range(len(faults) + 1):
            ended = self._run(armed)
            met = [armed.pop(place) for place in self.store.met]
            tally.faults.update(met)
            codes = (-9,) if "kill group" in met else (0, 1) if met else (0,)
            silent = all(line.startswith("glotmill: ") for line in ended.stderr.splitlines())
            if ended.returncode not in codes or not silent:
                tally.problems.append(f"after {met}: {ended}")
            for name, digest in self._digests().items():
                if self.expected.get(name) != digest:
                    tally.problems.append(f"after {met} {name} stands with other bytes")
            if not ended.returncode:
                break
        if armed:
            tally.problems.append(f"never reached: {armed}")
        if self._digests() != self.expected:
            tally.bytes_differ.update(set(faults.values()))
            tally.problems.append(f"other bytes after {faults}")

    def _run(self, faults: Mapping[str, str]) -> Ended:
        """Run with faults that are armed as long as the run goes on."""
        self.store.faults, self.store.met = dict(faults), []
        ended = self.scene.run(Watch({}, ""), self.recipe, OUTPUT)
        self.store.faults = {}
        return ended

    def _empty(self) -> None:
        self.files.invalidate_cache()
        if self.files.exists(OUTPUT):
            self.files.rm(OUTPUT, recursive=True)

    def _digests(self) -> dict[str, str]:
        self.files.invalidate_cache()
        found = self.files.find(OUTPUT)
        return {
            path.removeprefix(f"{BUCKET}/out/"): sha256(self.files.cat_file(path)).hexdigest()
            for path in found
            if "/staging/" not in path
        }


def draw_store_trials(
    places: list[str], seed: int, count: int, size: int
) -> Iterator[dict[str, str]]:
    """Draw trials until they have `count` faults, each of `size` at different requests."""
    chance = random.Random(seed)
    for start in range(0, count, size):
        own = chance.sample(places, min(size, count - start))
        yield {place: KINDS[(start + n) % len(KINDS)] for n, place in enumerate(own)}


@contextmanager
def store_environment(address: str) -> Iterator[None]:
    """Let this process and those to come know the store by the provider's own variables."""
    named = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": address,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in named}
    os.environ.update(named)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
