"""What the card tells of deduplication, and sampling weights, against what the ledger and the
Parquet files say."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from data_cards.statistics import statistics_json, statistics_of
from pipelines.build.plan import make_plan
from pipelines.catalogue.stage_checks import stage_problems
from pipelines.catalogue.stages import Recipe
from pipelines.finished.explain import document_history
from pipelines.phases.deduplication import report as report_module
from pipelines.phases.deduplication.report import dedup_reports
from pipelines.phases.order import dedup_phases, phases_after_ingest
from pipelines.phases.publish.sampling_weights import write_sampling_weights
from pipelines.phases.publish.shards import published_schema
from pipelines.staging.staged import StagedSplit, staged_split
from pipelines.staging.store import Store
from schemas.card.duplicates import CLUSTERS_KEPT, EXAMPLES_KEPT, DedupReport, SamplingWeights
from schemas.card.statistics import SAMPLE_CODE_POINTS
from schemas.document import DOCUMENT, SAMPLING_WEIGHT
from schemas.recipe import RecipeError, parse_recipe
from stages.deduplication.rehydration import by_removal_rate, by_size
from tests.laws.mixed_corpus import MENU, passages
from tests.phase_runs import ingested, phase_run
from tests.recipes import one_source
from tests.running import run

RECIPE = (
    one_source("clusters", split_bytes=40_000, part_bytes=8_000)
    + """
[sources.columns]
url = "url"

[[ingest]]
stage = "identify_language"

[[dedup]]
stage = "exact"

[[dedup]]
stage = "url"

[[dedup]]
stage = "near"
threshold = 0.6

[[dedup]]
stage = "lines"
min_documents = 6
min_code_points = 30

[publish]
sampling_weight = "removal_rate"
"""
)


class Corpus(NamedTuple):
    folder: Path
    staged: list[StagedSplit]
    recipe: Recipe
    reports: dict[str, DedupReport]
    weights: SamplingWeights
    texts: dict[int, str]  # by position in the source
    # in the order of the documents' numbers, without what ingest turned away
    ledger: list[dict[str, Any]]
    published: list[dict[str, Any]]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Passages in ten languages, each copied and edited up to 40 times; pages of little more than a
    menu."""
    folder = tmp_path_factory.mktemp("clusters")
    chance = random.Random(4)
    documents: list[tuple[str, str | None]] = []
    for number, text in enumerate(passages()):
        for copy in range((1, 2, 3, 7, 40)[number % 5]):
            words = text.split(" ")
            if copy % 3 and len(words) > 12:
                words[chance.randrange(len(words))] += f" {copy}"
            made = " ".join(words)
            documents.append(
                (
                    f"{MENU}\n{made}" if copy % 2 else made,
                    f"https://example.org/{number}/{copy // 2}",
                )
            )
    for number in range(40):
        documents += [(f"{MENU}\neta hau gure etxea da, {number}", None)] * (1, 2, 1, 3)[number % 4]
    chance.shuffle(documents)
    lines = [json.dumps({"text": text, "url": url}) + "\n" for text, url in documents]
    (folder / "pages.jsonl").write_text("".join(lines))
    (folder / "clusters.toml").write_text(RECIPE)
    run(folder / "clusters.toml", folder / "out", "--keep-staging", "--workers", "1")
    store, plan = Store(str(folder / "out")), make_plan(folder / "clusters.toml")
    staged = [staged_split(split.id, ingested(store, split.id)) for split in plan.splits]
    again = phase_run(store, plan.recipe)
    weights = write_sampling_weights(again, staged, phases_after_ingest(plan.recipe))
    assert weights
    ends = [sum(len(line) for line in lines[:number]) for number in range(len(lines))]
    ledger = (
        ds.dataset([str(path) for path in sorted((folder / "out/ledger").iterdir())])
        .to_table()
        .to_pylist()
    )
    return Corpus(
        folder / "out",
        staged,
        plan.recipe,
        {
            report.stage: report
            for report in dedup_reports(again, staged, dedup_phases(plan.recipe))
        },
        weights,
        {end: text for end, (text, _) in zip(ends, documents, strict=True)},
        [row for row in ledger if row["phase"] != "ingest"],
        ds.dataset(folder / "out/data").to_table().to_pylist(),
    )


def test_each_stage_is_told(corpus: Corpus) -> None:
    assert list(corpus.reports) == ["exact", "url", "near", "lines"]
    fates = Counter(row["stage"] for row in corpus.ledger)
    for stage, report in corpus.reports.items():
        assert report.removed == fates[stage] > 0
    near, lines = corpus.reports["near"], corpus.reports["lines"]
    assert near.compared
    assert near.refused is not None
    assert near.compared - near.refused >= near.removed
    assert [near.rewritten, lines.compared, corpus.reports["exact"].compared] == [None, None, None]
    by_id = {row["id"]: row for row in corpus.ledger}
    changes = [
        len(corpus.texts[by_id[row["id"]]["position"]]) - len(row["text"])
        for row in corpus.published
    ]
    assert lines.rewritten == sum(change > 0 for change in changes) > 0
    assert lines.code_points == sum(changes)


def test_the_ledger_has_the_limit_of_what_is_measured(corpus: Corpus) -> None:
    found = [row for row in corpus.ledger if row["fate"] == "duplicate"]
    assert {(row["stage"], row["threshold"]) for row in found} == {
        ("exact", 1.0),
        ("url", None),
        ("near", 0.6),
    }
    assert all(row["value"] >= 0.6 for row in found if row["stage"] == "near")


@pytest.mark.parametrize("stage", ["exact", "url", "near"])
def test_largest_clusters(corpus: Corpus, stage: str) -> None:
    numbers = {row["id"]: number for number, row in enumerate(corpus.ledger)}
    removed = [row for row in corpus.ledger if row["stage"] == stage and row["fate"] == "duplicate"]
    sizes = Counter(row["duplicate_of"] for row in removed)
    largest = sorted(sizes.items(), key=lambda item: (-item[1], numbers[item[0]]))[:CLUSTERS_KEPT]
    clusters = corpus.reports[stage].clusters
    assert [(cluster.keeper, cluster.documents - 1) for cluster in clusters] == largest
    rows = {row["id"]: row for row in corpus.ledger}
    for cluster in clusters:
        keeper = rows[cluster.keeper]
        assert cluster.label == f"{keeper['language']}_{keeper['script']}"
        own = [row for row in removed if row["duplicate_of"] == cluster.keeper]
        own.sort(key=lambda row: (row["value"], numbers[row["id"]]))
        assert [example.id for example in cluster.examples] == [
            row["id"] for row in own[:EXAMPLES_KEPT]
        ]
        for example, row in zip(cluster.examples, own, strict=False):
            assert example.reason.split(":")[0] in (
                {"cleanest", "first"} if stage == "near" else {"first"}
            )
            assert example.similarity == (round(row["value"], 4) if stage == "near" else None)
        shown = [(e.id, e.text, e.code_points) for e in cluster.examples]
        for document, text, code_points in [
            (cluster.keeper, cluster.text, cluster.code_points),
            *shown,
        ]:
            whole = corpus.texts[rows[document]["position"]]
            assert whole.startswith(text)
            assert code_points == len(whole)
            assert min(len(whole), SAMPLE_CODE_POINTS - 40) <= len(text) <= SAMPLE_CODE_POINTS


def test_of_near_duplicates_the_copy_without_a_menu_stays_and_the_card_says_why(
    corpus: Corpus,
) -> None:
    reasons = {
        (cluster.text.startswith(MENU), example.text.startswith(MENU)): example.reason
        for cluster in corpus.reports["near"].clusters
        for example in cluster.examples
    }
    assert (
        reasons[False, True]
        == f"cleanest: {len(MENU.replace(chr(10), ''))} code points of menus or comments more"
    )
    assert (True, False) not in reasons


def test_the_shuffle_found_the_same_clusters(corpus: Corpus) -> None:
    (phase,) = [phase for phase in dedup_phases(corpus.recipe) if phase.stage == "near"]
    counted = json.loads((corpus.folder / f"staging/{phase.name}-removed/done.json").read_text())
    assert [size for _, size in counted["largest"]] == [
        c.documents for c in corpus.reports["near"].clusters
    ]


def test_similarity_is_explained(corpus: Corpus) -> None:
    example = corpus.reports["near"].clusters[0].examples[0]
    assert example.similarity
    assert example.similarity < 1
    (told,) = [
        line
        for line in document_history(Store(str(corpus.folder)), example.id)
        if "duplicate of" in line
    ]
    shown = float(told.rsplit("similarity ", 1)[1])
    assert shown == pytest.approx(example.similarity, abs=1e-4)


def test_a_mask_longer_than_what_it_stands_for(tmp_path: Path) -> None:
    shared = " ".join(f"hitz{number}" for number in range(40))
    texts = [
        f"Lehen {number} zenbakia da hau. {shared} eta {number} amaitu da hemen."
        for number in range(4)
    ]
    (tmp_path / "pages.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts)
    )
    (tmp_path / "r.toml").write_text(
        f'{one_source("c")}[[dedup]]\nstage = "spans"\nmask = "{"x" * 900}"\n'
    )
    run(tmp_path / "r.toml", tmp_path / "out")
    (report,) = [
        r
        for r in json.loads((tmp_path / "out/card.json").read_text())["deduplication"]
        if r["rewritten"]
    ]
    published = ds.dataset(tmp_path / "out/data").to_table()["text"].to_pylist()
    assert report["rewritten"] == sum("x" * 900 in text for text in published)
    assert report["code_points"] == sum(map(len, texts)) - sum(map(len, published)) < 0


def test_weights_follow_from_ledger_and_rule(corpus: Corpus) -> None:
    """A document's cluster: itself, those removed for it, and those removed for these."""
    keeper = {row["id"]: row["duplicate_of"] for row in corpus.ledger if row["fate"] == "duplicate"}
    stands_for: Counter[str] = Counter()
    for row in corpus.ledger:
        last = row["id"]
        while last in keeper:
            last = keeper[last]
        stands_for[last] += 1
    counted: dict[str, dict[int, list[int]]] = {}
    for row in corpus.ledger:
        if row["fate"] != "duplicate":
            label = f"{row['language']}_{row['script']}"
            both = counted.setdefault(label, {}).setdefault(stands_for[row["id"]], [0, 0])
            both[0] += 1
            both[1] += row["fate"] == "dropped"
    expected: dict[tuple[str, int], int] = {}
    for label, sizes in counted.items():
        ordered = sorted(sizes)
        rule = by_removal_rate(
            [sizes[size][0] for size in ordered], [sizes[size][1] for size in ordered]
        )
        expected |= {
            (label, size): weight for size, weight in zip(ordered, rule.tolist(), strict=True)
        }
    for row in corpus.published:
        assert row["cluster_size"] == stands_for[row["id"]]
        assert (
            row["sampling_weight"]
            == expected[f"{row['language']}_{row['script']}", row["cluster_size"]]
        )
    assert len({row["sampling_weight"] for row in corpus.published}) > 2
    for label, ranges in corpus.weights.by_label.items():
        for part in ranges:
            inside = [
                size for size in counted[label] if part.least_size <= size <= part.greatest_size
            ]
            assert {expected[label, size] for size in inside} == {part.weight}
            kept, dropped = (sum(counted[label][size][k] for size in inside) for k in (0, 1))
            assert (part.documents, part.removed) == (kept - dropped, dropped)


def test_weights_by_size(corpus: Corpus) -> None:
    publish = corpus.recipe.publish.model_copy(update={"sampling_weight": "cluster_size"})
    recipe = corpus.recipe.model_copy(update={"publish": publish})
    run_again = phase_run(Store(str(corpus.folder)), recipe)
    weights = write_sampling_weights(run_again, corpus.staged, phases_after_ingest(recipe))
    assert weights
    found: Counter[int] = Counter()
    for ranges in weights.by_label.values():
        for part in ranges:
            assert by_size([part.least_size, part.greatest_size]).tolist() == [part.weight] * 2
            found[part.weight] += part.documents
    assert found == Counter(by_size([row["cluster_size"] for row in corpus.published]).tolist())


def test_the_figures_are_those_of_the_parquet_files(corpus: Corpus) -> None:
    counted = statistics_of(str(path) for path in corpus.folder.glob("data/*/*.parquet"))
    assert (corpus.folder / "statistics.json").read_text() == statistics_json(counted)
    weighted = sum(row["sampling_weight"] for row in corpus.published)
    assert (
        f"| **all** | {len(corpus.published):,} | {weighted:,} | |"
        in (corpus.folder / "README.md").read_text()
    )


def test_the_column_stands_behind_those_of_a_document() -> None:
    own = pa.schema([*DOCUMENT, pa.field("shelf", pa.string())])
    assert published_schema([own], [SAMPLING_WEIGHT]).names == [
        *DOCUMENT.names,
        SAMPLING_WEIGHT.name,
        "shelf",
    ]
    assert SAMPLING_WEIGHT.name not in published_schema([own]).names


REFUSED = {
    "nothing finds duplicates": (
        RECIPE.split("[[dedup]]")[0],
        '[[dedup]]\nstage = "lines"\n',
        True,
    ),
    "one stage does": (RECIPE.split("[[dedup]]")[0], '[[dedup]]\nstage = "url"\n', False),
}


@pytest.mark.parametrize(("head", "stages", "refused"), REFUSED.values(), ids=REFUSED.keys())
def test_weights_need_duplicates(head: str, stages: str, refused: bool) -> None:
    recipe = parse_recipe(f'{head}{stages}[publish]\nsampling_weight = "cluster_size"\n', Recipe)
    problems = stage_problems(recipe)
    assert len(problems) == refused
    for problem in problems:
        assert problem.startswith(
            'publish: sampling_weight = "cluster_size" goes by how many duplicates'
        )
        assert problem.endswith(
            'no stage finds duplicates; add [[dedup]] stage = "near", or leave it out'
        )


def test_the_name_of_the_column_is_taken() -> None:
    with pytest.raises(
        RecipeError, match="column that glotmill writes itself, got 'sampling_weight'"
    ):
        parse_recipe(
            RECIPE.replace("[sources.columns]", 'keep = ["sampling_weight"]\n[sources.columns]'),
            Recipe,
        )


class _Lists(report_module._Removed):
    """Removal lists of keepers that are given."""

    def __init__(self, keepers: list[list[int | None]]) -> None:
        self.given = keepers
        self.times_read = 0

    def _lists(self) -> Iterator[tuple[np.uint64, pa.Table]]:
        self.times_read += 1
        for keepers in self.given:
            yield np.uint64(0), pa.table({"keeper": pa.array(keepers, pa.uint64())})


@pytest.mark.parametrize("joined", [1, 10_000], ids=["counted list by list", "counted at once"])
def test_the_largest_clusters_are_the_same_however_few_keepers_are_held(
    monkeypatch: pytest.MonkeyPatch, joined: int
) -> None:
    monkeypatch.setattr(report_module, "_KEEPERS_JOINED", joined)
    chance = random.Random(4)
    drawn = [int(chance.paretovariate(0.4)) for _ in range(3000)]
    lists = [[*drawn[start : start + 300], None] for start in range(0, 3000, 300)]
    counts = Counter(drawn)
    expected = sorted(counts, key=lambda keeper: (-counts[keeper], keeper))[:CLUSTERS_KEPT]
    times = {}
    for held in (len(counts), len(counts) // 5):
        monkeypatch.setattr(report_module, "_KEEPERS_HELD", held)
        removed = _Lists(lists)
        rows, nodes, sizes = removed.largest()
        assert (rows, nodes.tolist()) == (3010, expected)
        assert sizes.tolist() == [counts[keeper] for keeper in expected]
        times[held] = removed.times_read
    assert times[len(counts)] == 1
    assert times[len(counts) // 5] in (8, 16)
    assert _Lists([[], [None, None]]).largest()[0] == 2
