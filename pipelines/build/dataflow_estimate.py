"""What a run on Dataflow would take: vCPU hours, shuffle volume, requests, and what Google asks for
them, from constants that were measured and prices that were listed.

It is an estimate of the work alone. Workers that start, wait for the last task, or are more than the
tasks need come on top; so do models that translate and generate, which nothing here has measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pipelines.build.plan import Plan
from schemas.split import InputSplit


class Constant(NamedTuple):
    """A number that the estimate is made of, and where it is from."""

    value: float
    unit: str
    source: str


_BENCHES = "docs/measurements.md, on one core of a small server"
_COUNTED = "a run of all phases on S3: 2,930 requests for 127 tasks, 507 of them write"
_PRICES = "list price for us-central1, from memory: look it up before you rely on it"
_STORAGE = "Google's pricing examples for Cloud Storage"
CONSTANTS = {
    "ingest": Constant(592, "documents a vCPU second, ledger and card included", _BENCHES),
    "dedup": Constant(8_792, "documents a vCPU second and stage, near duplicates", _BENCHES),
    "shuffled": Constant(135, "bytes a document and stage", _BENCHES),
    "requests": Constant(23, "requests a task", _COUNTED),
    "writes": Constant(0.3, "of these that write or list", _COUNTED),
    "vcpu_price": Constant(0.056, "dollars a vCPU hour, batch", _PRICES),
    "memory_price": Constant(0.003557, "dollars a GB hour, batch", _PRICES),
    "memory": Constant(4, "GB a vCPU", "n1-standard machines have 3.75, n2-standard 4"),
    "shuffle_price": Constant(0.011, "dollars a GB shuffled", _PRICES),
    "write_price": Constant(0.005, "dollars for 1,000 requests that write or list", _STORAGE),
    "read_price": Constant(0.0004, "dollars for 1,000 requests that read", _STORAGE),
}


class Estimate(NamedTuple):
    """What a run would take; documents are counted in one split of each source."""

    documents: int
    vcpu_hours: float
    shuffle_bytes: int
    requests: int
    dollars: float


def estimate(plan: Plan, count: Callable[[InputSplit], int]) -> Estimate:
    """Estimate a plan, by the documents that `count` finds in the smallest split of each source."""
    own: dict[str, list[InputSplit]] = {}
    for split in plan.splits:
        own.setdefault(split.source, []).append(split)
    documents = round(sum(_documents(splits, count) for splits in own.values()))
    recipe, amount = plan.recipe, {name: constant.value for name, constant in CONSTANTS.items()}
    stages = len(recipe.dedup)
    seconds = documents / amount["ingest"] + stages * documents / amount["dedup"]
    # a phase that reads its splits once more: the stages of deduplication, and those at the end
    phases = 1 + stages + bool(recipe.decontaminate) + len(recipe.augment) + 2
    requests = round(len(plan.splits) * phases * amount["requests"])
    hours, shuffled = seconds / 3600, stages * documents * amount["shuffled"]
    dollars = (
        hours * (amount["vcpu_price"] + amount["memory"] * amount["memory_price"])
        + shuffled / 1e9 * amount["shuffle_price"]
        + requests / 1e3 * amount["writes"] * amount["write_price"]
        + requests / 1e3 * (1 - amount["writes"]) * amount["read_price"]
    )
    return Estimate(documents, hours, round(shuffled), requests, dollars)


def _documents(splits: Iterable[InputSplit], count: Callable[[InputSplit], int]) -> float:
    """Extrapolate from the smallest split that is not empty."""
    sized = [split for split in splits if split.size_bytes]
    if not sized:
        return 0.0
    least = min(sized, key=lambda split: (split.size_bytes, split.id))
    return count(least) * sum(split.size_bytes for split in sized) / least.size_bytes


def constants_table() -> str:
    """Return the constants as a table of Markdown, which docs/dataflow.md holds."""
    rows = [f"| {name} | {c.value:,} | {c.unit} | {c.source} |" for name, c in CONSTANTS.items()]
    return "\n".join(["| | | unit | source |", "| --- | --: | --- | --- |", *rows]) + "\n"
