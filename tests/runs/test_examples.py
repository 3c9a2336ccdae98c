"""Every recipe of examples/ runs as it stands, over input of the shape that it names."""

from __future__ import annotations

import bz2
import io
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import gflanguages
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipelines.build.output import build
from pipelines.build.plan import make_plan, output_of
from pipelines.runners.local import Runner
from pipelines.runners.shuffles import Shuffle, shuffle_here
from pipelines.staging.tasks import Group, Report, Task, TaskResult, run_task
from schemas.manifest import Manifest

EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLES = gflanguages.LoadLanguages()


def passages(label: str) -> list[str]:
    sample = SAMPLES[label].sample_text
    return [
        sample.specimen_48,
        sample.specimen_36,
        sample.specimen_32,
        sample.specimen_21,
        sample.specimen_16,
    ]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let this process be the cluster, and list the jobs that it is given."""
    given: list[str] = []

    def run_job(groups: Sequence[Group], _: Runner, report: Report) -> list[dict[str, TaskResult]]:
        given.append(" and ".join(group.worker.phase for group in groups))
        return [go_along(group, report) for group in groups]

    def run_shuffle(shuffle: Shuffle, _: Runner, before: Group | None, report: Report) -> None:
        given.append(shuffle.name)
        if before:
            go_along(before, report)
        shuffle_here(shuffle)

    monkeypatch.setattr("pipelines.runners.cluster.run_on_beam", run_job)
    monkeypatch.setattr("pipelines.runners.cluster.shuffle_on_beam", run_shuffle)
    return given


def go_along(group: Group, report: Report) -> dict[str, TaskResult]:
    """Do the tasks of a chain of phases; return the results of the first."""
    done: dict[str, TaskResult] = {}
    coming = list(group.coming)
    for link in group.links:
        link.worker.setup()
        going: list[Task] = []
        for come in coming:
            task = link.task(come)
            result = run_task(link.worker, task)
            going += link.after(come, result)
            if link is group.links[0]:
                done[task.name] = result
                report(task, result)
        coming = going
    return done


def run(recipe: Path) -> tuple[Manifest, pa.Table]:
    plan = make_plan(recipe)
    output = str(recipe.parent / output_of(plan.recipe.corpus.name))
    manifest = build(plan, output, Runner(name="counted"), lambda *_: None)
    return manifest, ds.dataset(f"{output}/data").to_table()


def write_crawl(folder: Path) -> None:
    (folder / "crawl").mkdir()
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=True)
    for number, text in enumerate([*passages("eu_Latn"), *passages("es_Latn")]):
        page = (
            f"<html><body><nav><a href=/>Hasiera</a></nav><main><p>{text}</p></main></body></html>"
        )
        headers = StatusAndHeaders(
            "200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1"
        )
        uri = f"https://example.eus/{number}"
        writer.write_record(
            writer.create_warc_record(
                uri, "response", payload=io.BytesIO(page.encode()), http_headers=headers
            )
        )
    (folder / "crawl/pages.warc.gz").write_bytes(stream.getvalue())


def check_crawl(manifest: Manifest, found: pa.Table) -> None:
    assert set(found["language"].to_pylist()) == {"eus"}
    assert not any("Hasiera" in text for text in found["text"].to_pylist())


def write_dump(folder: Path) -> None:
    texts = passages("mt_Latn")
    pages = "".join(
        f"<page><title>{n}</title><ns>0</ns><id>{n}</id><revision><text>{escape(text)}</text></revision></page>"
        for n, text in enumerate(texts, 1)
    )
    (folder / "dump").mkdir()
    dump = f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">{pages}</mediawiki>'
    (folder / "dump/mtwiki-pages-articles.xml.bz2").write_bytes(bz2.compress(dump.encode()))
    (folder / "evaluation").mkdir()
    (folder / "evaluation/questions.jsonl").write_text(json.dumps({"question": texts[0]}) + "\n")


def check_dump(manifest: Manifest, found: pa.Table) -> None:
    assert passages("mt_Latn")[0] not in found["text"].to_pylist()
    assert set(found["language"].to_pylist()) == {"mlt"}


def write_pages(folder: Path) -> None:
    (folder / "pages").mkdir()
    texts = [*passages("sr_Cyrl"), *passages("sr_Latn")]
    (folder / "pages/all.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts)
    )


def check_scripts(manifest: Manifest, found: pa.Table) -> None:
    made = [
        row for row in found.select(["parent_id", "script", "text"]).to_pylist() if row["parent_id"]
    ]
    assert made
    assert {row["script"] for row in made} == {"Latn"}


def write_tables(folder: Path) -> None:
    texts = passages("yo_Latn")
    for name, some in (("old", texts[:3]), ("new", texts)):
        (folder / name).mkdir()
        keys = [f"{name}-{number}" for number in range(len(some))]
        pq.write_table(pa.table({"key": keys, "content": some}), folder / name / "all.parquet")
    first = folder / "first.toml"
    first.write_text(
        '[corpus]\nname = "first"\n[[sources]]\nname = "tables"\nformat = "parquet"\npaths = ["old/*.parquet"]\n'
        'columns = { text = "content", id = "key" }\n[[ingest]]\nstage = "identify_language"\n'
        '[[dedup]]\nstage = "exact"\n[publish]\nindex = true\n'
    )
    build(make_plan(first), str(folder / "first_version"), Runner(workers=1), lambda *_: None)


def check_version(manifest: Manifest, found: pa.Table) -> None:
    assert sorted(found["id"].to_pylist()) == ["new-3", "new-4"]


def write_documents(folder: Path) -> None:
    (folder / "documents").mkdir()
    for number, text in enumerate(passages("km_Khmr") * 2):
        (folder / f"documents/{number}.txt").write_text(text if number < 5 else f"{text}\n{number}")


def check_splits(manifest: Manifest, found: pa.Table) -> None:
    assert set(found["language"].to_pylist()) == {"khm"}
    assert found["sampling_weight"].null_count == 0


# What writes its input, what checks its corpus, and how many jobs it takes on a cluster, as
# docs/clusters.md counts them.
INPUT: dict[str, tuple[Callable[[Path], None], Callable[[Manifest, pa.Table], None], int]] = {
    "web_crawl": (write_crawl, check_crawl, 9),
    "wikipedia": (write_dump, check_dump, 4),
    "two_scripts": (write_pages, check_scripts, 6),
    "next_version": (write_tables, check_version, 5),
    "training_splits": (write_documents, check_splits, 5),
}


def test_every_example_has_input() -> None:
    assert sorted(INPUT) == sorted(path.stem for path in EXAMPLES.glob("*.toml"))


@pytest.mark.parametrize("name", sorted(INPUT))
def test_example(name: str, tmp_path: Path, jobs: list[str]) -> None:
    recipe = shutil.copy(EXAMPLES / f"{name}.toml", tmp_path)
    write, check, expected_jobs = INPUT[name]
    write(tmp_path)
    manifest, found = run(Path(recipe))
    assert found.num_rows
    assert len(jobs) == expected_jobs, jobs
    check(manifest, found)
