"""Near deduplication, against datatrove's four MinHash steps on the same texts: `make bench
NAME=dedup`.

Texts are the help pages as our ingest phase stages them (made once, kept under `out/bench`). Ours
is the whole dedup phase of `near`, one worker, counted in documents for each CPU second of all its
processes, from the start of Python to the last removal list. datatrove runs on a sample, every n-th
page, since it would take minutes for all; start-up weighs little in its time. Ours is measured on
that sample too, where half its time and more is start-up.

- `ratio`: ours with candidates verified by signature, to datatrove, which has no more to go by than
  signatures and does not verify; `ratio_with_exact_verification`: ours with its defaults, which
  compare the shingles of all candidates. All figures below are with the defaults.
- `text_dedup_ratio`, `rensa_ratio`: ours with candidates verified by signature to text-dedup and to
  a loop over rensa, on the same sample as datatrove.
- `time_10x`: CPU seconds on ten times the input by those on the input, one copy as it is and nine
  with a share of words replaced by numbers, from none to three in ten; `wall_10x` the same in wall
  time.
- `peak_rss_mb`: of the largest process, on all pages.
- `bytes_per_document`: a million short documents, a tenth of them copies: peak memory of the
  largest process of the shuffles beyond the same for a thousand documents, by the million.
  Signatures are made before, by tasks whose memory does not depend on the corpus.

The machine's other work only ever adds, and its speed drifts: all are run in turns, and of each the
run that took least counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.runners.local import Runner, run_tasks
from pipelines.staging.staged import RowRun, StagedSplit, staged_split
from pipelines.staging.store import Store
from schemas.document import DOCUMENT
from stages.script_detection import detect_scripts
from tests.benchmarks.datatrove_dedup_peer import run_peer
from tests.benchmarks.dedup_peers import run_rensa, run_text_dedup
from tests.benchmarks.dedup_phase import RECIPE, STAGED, read_splits
from tests.benchmarks.help_pages import LABELS, build_corpus, download_packages
from tests.benchmarks.measuring import Figures, keep_bytecode, measure

PEER_PAGES = 10_000
COPIES = 9
ROUNDS = 3
CPU_SECONDS = attrgetter("cpu_seconds")
SHARES = (0, 0.01, 0.02, 0.05, 0.1, 0.3)  # of words replaced in a copy
MILLION = 1_000_000
FEW = 1_000


class Pages(NamedTuple):
    """A split's documents: ids and texts."""

    name: str
    ids: Sequence[str]
    texts: Sequence[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--stage", nargs=3, metavar=("KIND", "PAGES", "FOLDER"), help="stage an input, and no more"
    )
    arguments = parser.parse_args()
    if arguments.stage:
        kind, pages, folder = arguments.stage
        stage(Path(folder), INPUTS[kind](Path(pages)))
    else:
        print(json.dumps(compare()))


def compare() -> dict[str, float]:
    folder = Path(os.environ.get("GLOTMILL_BENCH", "out/bench")).resolve()
    pages = staged_help_pages(folder)
    keep_bytecode(folder / "bytecode")
    with tempfile.TemporaryDirectory(dir=folder) as scratch_name:
        inputs = {kind: Path(scratch_name) / kind for kind in INPUTS}
        for kind, path in inputs.items():  # by processes whose memory ends with them
            command = [
                sys.executable,
                "-m",
                "tests.benchmarks.dedup",
                "--stage",
                kind,
                str(pages),
                str(path),
            ]
            subprocess.run(command, check=True)
        sample = [text for split in read_pages(inputs["sample"]) for text in split.texts]
        ours, peers = [], []
        for _ in range(ROUNDS):
            of_pages = (figures_of(pages), figures_of(pages, "--verify", "signature"))
            ours.append((*of_pages, figures_of(inputs["sample"])))
            peers.append((run_peer(sample), run_rensa(sample), run_text_dedup(sample, folder)))
        all_pages, by_signature, of_sample = (
            min(runs, key=CPU_SECONDS) for runs in zip(*ours, strict=True)
        )
        peer = min((run[0] for run in peers), key=CPU_SECONDS)
        rensa, text_dedup = (
            min((run[place] for run in peers), key=CPU_SECONDS) for place in (1, 2)
        )
        tenfold = min((figures_of(inputs["tenfold"]) for _ in range(2)), key=CPU_SECONDS)
        few, million = shuffle_figures(inputs["few"]), shuffle_figures(inputs["million"])
        documents = sum(split.documents for split in read_splits(Store(str(pages))))
    for name, figures in (
        ("all pages", all_pages),
        ("by signature", by_signature),
        ("the sample", of_sample),
        ("ten times", tenfold),
    ):
        print(name, figures)
    print("shuffles of a thousand", few, "of a million", million)
    print(
        "datatrove on",
        len(sample),
        "pages:",
        peer.cpu_seconds,
        "CPU seconds,",
        len(peer.removed),
        "removed",
    )
    print("rensa on them:", rensa)
    print("text-dedup on them:", text_dedup)
    signed, theirs = documents / by_signature.cpu_seconds, len(sample) / peer.cpu_seconds
    verified = documents / all_pages.cpu_seconds
    return {
        "ratio": round(signed / theirs, 1),
        "ratio_with_exact_verification": round(verified / theirs, 1),
        "text_dedup_ratio": round(signed * text_dedup.cpu_seconds / len(sample), 1),
        "rensa_ratio": round(signed * rensa.cpu_seconds / len(sample), 1),
        "time_10x": round(tenfold.cpu_seconds / all_pages.cpu_seconds, 2),
        "peak_rss_mb": round(all_pages.peak_rss_mb, 1),
        "bytes_per_document": round(
            (million.peak_rss_mb - few.peak_rss_mb) * (1 << 20) / MILLION, 1
        ),
        "ours_docs_per_cpu_s": round(signed),
        "ours_docs_per_cpu_s_with_exact_verification": round(verified),
        "peer_docs_per_cpu_s": round(theirs, 1),
        "ours_docs_per_cpu_s_on_sample": round(len(sample) / of_sample.cpu_seconds),
        "wall_10x": round(tenfold.wall_seconds / all_pages.wall_seconds, 2),
        "peak_rss_mb_10x": round(tenfold.peak_rss_mb, 1),
    }


def staged_help_pages(folder: Path) -> Path:
    """Ingest all help pages, once; returns the folder that they are staged in."""
    output = folder / "help_texts"
    if not (output / STAGED).exists():  # written last
        corpus = folder / "help_pages"
        if not (corpus / "corpus.json").exists():  # written last
            with tempfile.TemporaryDirectory() as debs:
                download_packages([f"libreoffice-help-{name}" for name in LABELS], Path(debs))
                build_corpus(corpus, Path(debs))
        shutil.rmtree(output, ignore_errors=True)
        from pipelines.build.plan import make_plan
        from pipelines.phases.ingest import IngestWorker

        store = Store(str(output))
        with tempfile.TemporaryDirectory() as scratch:
            recipe = Path(scratch) / "help_pages.toml"
            recipe.write_text(RECIPE.format(paths=corpus / "warc" / "*.warc.gz"))
            plan = make_plan(recipe)
            worker = IngestWorker(store, plan.recipe)
            ingested = run_tasks(worker, plan.ingest_tasks(), Runner(), lambda task, counts: None)
        splits = [staged_split(split.id, ingested[split.id]) for split in plan.splits]
        store.write_json(STAGED, [split.model_dump() for split in splits])
    return output


def read_pages(folder: Path) -> Iterator[Pages]:
    for split in read_splits(Store(str(folder))):
        parts = [pq.read_table(folder / file, columns=["id", "text"]) for file in split.files]
        table = pa.concat_tables(parts)
        yield Pages(split.name, table["id"].to_pylist(), table["text"].to_pylist())


def sample_of(folder: Path) -> Iterator[Pages]:
    """Yield every n-th page, PEER_PAGES in all."""
    texts = [text for split in read_pages(folder) for text in split.texts]
    chosen = texts[:: len(texts) // PEER_PAGES][:PEER_PAGES]
    yield Pages("sample", [f"{n:032x}" for n in range(len(chosen))], chosen)


def copies(folder: Path) -> Iterator[Pages]:
    """Yield every split as it is, then as often as COPIES with edited texts."""
    for split in read_pages(folder):
        yield split
        for copy in range(1, COPIES + 1):
            random = np.random.default_rng([copy, int(split.name, 16)])
            shares = random.choice(SHARES, len(split.texts)).tolist()
            texts = [
                edited(text, share, random) for text, share in zip(split.texts, shares, strict=True)
            ]
            yield Pages(f"{split.name}-{copy}", [f"{copy}{id_}" for id_ in split.ids], texts)


def edited(text: str, share: float, random: np.random.Generator) -> str:
    """Replace a share of the words of a text, taken at random, by numbers."""
    words = text.split(" ")
    count = int(share * len(words))
    for place, number in random.integers(0, [[len(words)], [10**6]], (2, count)).T.tolist():
        words[place] = str(number)
    return " ".join(words)


def short_documents(count: int) -> Iterator[Pages]:
    """Yield documents of 16 random words, of which a tenth are another one with a word more."""
    words = np.array([f"w{number}" for number in range(20_000)])
    size = min(count, 50_000)
    for start in range(0, count, size):
        random = np.random.default_rng(start)
        texts = [
            " ".join(row) for row in words[random.integers(0, len(words), (size, 16))].tolist()
        ]
        texts[::10] = [f"{text} {n}" for n, text in enumerate(texts[1::10])]
        yield Pages(f"{start:08d}", [f"{start + n:032x}" for n in range(size)], texts)


def stage(folder: Path, splits: Iterator[Pages]) -> None:
    """Stage documents as the ingest phase would, as far as the phase reads them: ids, texts, what
    tells clean ones."""
    store = Store(str(folder))
    schema = pa.schema(
        [DOCUMENT.field(name) for name in ("id", "text", "script", "other_language_share")]
    )
    staged = []
    for split in splits:
        file, runs, group = f"staging/ingest/{split.name}/documents-00000.parquet", [], 5_000
        with store.writing_parquet(file, schema, compression="zstd") as writer:
            for number, start in enumerate(range(0, len(split.ids), group)):
                rows = slice(start, start + group)
                texts = split.texts[rows]
                scripts = detect_scripts(pa.array(texts, pa.large_string()))
                unknown = pa.nulls(len(texts), pa.float32())
                table = pa.table([split.ids[rows], texts, scripts, unknown], schema=schema)
                writer.write_table(table, row_group_size=group)
                run = {"file": file, "row_group": number, "label": "und_Zyyy", "first_row": start}
                runs.append(RowRun(**run, rows=table.num_rows, text_bytes=table["text"].nbytes))
        staged.append(
            StagedSplit(name=split.name, documents=len(split.ids), runs=tuple(runs)).model_dump()
        )
    store.write_json(STAGED, staged)


INPUTS: dict[str, Callable[[Path], Iterator[Pages]]] = {
    "sample": sample_of,
    "tenfold": copies,
    "few": lambda _: short_documents(FEW),
    "million": lambda _: short_documents(MILLION),
}


def figures_of(folder: Path, *options: str) -> Figures:
    return measure([sys.executable, "-m", "tests.benchmarks.dedup_phase", str(folder), *options])


def shuffle_figures(folder: Path) -> Figures:
    figures_of(folder)
    return figures_of(folder, "--signed")


if __name__ == "__main__":
    main()
