"""Measure the quality filters on help pages against datatrove's: documents a CPU second, agreement,
fairness, cost.

    python -m tests.benchmarks.quality [--packages FOLDER] [--pages 10000] [--sample 1200]
    [--no-fairness]

Pages are those of LibreOffice's help, paragraphs as lines, in languages whose words are spaced and
whose tokenizer datatrove has here (it names those it cannot load). Both sides run GopherQuality,
GopherRepetition, FineWebQuality and C4Quality on every page with the limits of the papers, each
filter by itself; stop words are asked of English alone.

- `ratio`: documents per CPU second of ours to datatrove's, in processes of their own, start of
  Python, imports and tables included. Ours reads all pages; datatrove a fourth of the sample and
  the sample, from which follows what all pages would take it. The machine's other work only ever
  adds: both are run in turns, and of each the run that took least counts. Modules are compiled
  before, ours and datatrove's, as where a program was installed and has run before.
- `parity`: share of (page, filter) on which `tokenizer = "datatrove"` decides as datatrove's block.
- `native_agreement`: the same of the native filters, with `alphabetic_over = "tokens"`, by filter
  as well; `native_over_words`: with the default, which holds the words with a letter against words
  alone.
- `worst_language_dropped`: see `quality_fairness`.
- `unspaced`: documents and millions of code points per CPU second of ours alone, by script, on
  pages of scripts without spaces, in a process that has started.
- `cost`: share of our time by step, with the filters that need it.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from schemas.document import DOCUMENT
from stages.quality.filter_quality import filter_quality, judge, measure
from stages.quality.options import QualityFilteringConfig
from stages.quality.rules import PUBLISHED_FAMILIES
from tests.benchmarks import good_texts, quality_fairness
from tests.benchmarks.held_out_texts import held_out_texts
from tests.benchmarks.measuring import keep_bytecode
from tests.benchmarks.measuring import measure as measure_command

FIELDS = [DOCUMENT.field(name) for name in ("text", "language", "script")]
UNSPACED = ("Hans", "Hant", "Jpan", "Khmr", "Tibt", "Thai", "Laoo", "Mymr")
ROUNDS = 2
STEPS = {
    "_scan": "words and marks (all filters)",
    "_lines": "lines (Gopher quality, FineWeb, C4, symbols)",
    "_repeated_grams": "repeated n-grams (Gopher repetition)",
    "_repeats": "repeated lines and paragraphs (Gopher repetition, FineWeb)",
    "present": "stop words (Gopher quality)",
    "contains_any": "phrases (C4)",
    "judge": "limits (all filters)",
}

PEER = """
import sys
import polars as pl
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
pages, output = sys.argv[1:]
blocks = {}
rows = []
for text, language, script in pl.read_parquet(pages).select("text", "language", "script").iter_rows():
    if language not in blocks:
        blocks[language] = [
            GopherQualityFilter(language=language, min_stop_words=2 if language == "eng" else 0),
            GopherRepetitionFilter(language=language),
            FineWebQualityFilter(language=language),
            C4QualityFilter(language=language),
        ]
    answers = []
    for block in blocks[language]:
        answer = block.filter(Document(text=text, id=""))
        answers.append(answer if isinstance(answer, bool) else answer[0])
    rows.append(answers)
pl.DataFrame(rows, schema=["gopher_quality", "gopher_repetition", "fineweb", "c4"], orient="row").write_parquet(output)
"""
OURS = """
import sys
import pyarrow as pa
import pyarrow.parquet as pq
from pipelines.runners.without_pandas import let_arrow_do_without_pandas
from schemas.document import DOCUMENT
from stages.quality.filter_quality import filter_quality
from stages.quality.options import QualityFilteringConfig
let_arrow_do_without_pandas()  # as the processes of `glotmill run` do
config = QualityFilteringConfig(limits="published")
schema = pa.schema([DOCUMENT.field(name) for name in ("text", "language", "script")])
kept = 0
for batch in pq.ParquetFile(sys.argv[1]).iter_batches(1000, columns=schema.names):
    columns = [batch[name].cast(schema.field(name).type) for name in schema.names]
    kept += filter_quality(pa.record_batch(columns, schema), config).kept.num_rows
print(kept)
"""


def blocks_of(pages: pl.DataFrame, rows: int = 1000) -> list[pa.RecordBatch]:
    return [
        pa.RecordBatch.from_arrays(
            [part[field.name].to_arrow().cast(field.type) for field in FIELDS],
            schema=pa.schema(FIELDS),
        )
        for part in pages.iter_slices(rows)
    ]


def help_pages(folder: Path, pages: int) -> pl.DataFrame:
    """Read help pages in spaced languages that datatrove has a working tokenizer for, in an order
    of hashes."""
    from datatrove.utils.text import split_into_words

    rows = list(good_texts.manuals(folder, ("libreoffice-help-*",)))
    frame = good_texts.with_scripts(rows).filter(~pl.col("script").is_in(UNSPACED))
    for language, text in (
        frame.group_by("language", maintain_order=True).agg(pl.first("text")).iter_rows()
    ):
        try:
            split_into_words(text, language)
        except Exception as error:
            print(
                f"datatrove cannot split {language}: {str(error).splitlines()[0][:80]}",
                file=sys.stderr,
            )
            frame = frame.filter(pl.col("language") != language)
    return frame.head(pages)


def decisions(pages: pl.DataFrame, **options: object) -> dict[str, NDArray[np.bool_]]:
    """Say by family which pages a configuration keeps."""
    kept: dict[str, list[NDArray[np.bool_]]] = {family: [] for family in PUBLISHED_FAMILIES}
    whole = QualityFilteringConfig.model_validate({"limits": "published", **options})
    for block in blocks_of(pages):
        signals = measure(block, whole)
        for family in PUBLISHED_FAMILIES:
            config = whole.model_copy(update={"families": (family,)})
            kept[family].append(
                judge(signals, block["language"], block["script"], config).rules < 0
            )
    return {family: np.concatenate(parts) for family, parts in kept.items()}


def agreement(one: dict[str, NDArray[np.bool_]], other: pl.DataFrame) -> dict[str, float]:
    same = {
        family: float((one[family] == other[family].to_numpy()).mean())
        for family in PUBLISHED_FAMILIES
    }
    return {
        **{family: round(value, 4) for family, value in same.items()},
        "all": round(float(np.mean([*same.values()])), 4),
    }


def unspaced(folder: Path) -> dict[str, list[float]]:
    """Measure pages of each script that is not spaced: documents and millions of code points per
    CPU second."""
    rows = list(good_texts.manuals(folder, ("libreoffice-help-*",)))
    frame = good_texts.with_scripts(rows).filter(pl.col("script").is_in(UNSPACED))
    config = QualityFilteringConfig()
    measure(blocks_of(frame.head(10))[0], config)  # loads tables and dictionaries
    found = {}
    for (script,), pages in sorted(frame.group_by("script")):
        blocks = blocks_of(pages)
        start = process_time()
        for block in blocks:
            filter_quality(block, config)
        seconds = process_time() - start
        code_points = sum(pages["text"].str.len_chars().to_list())
        found[str(script)] = [round(pages.height / seconds), round(code_points / seconds / 1e6, 2)]
    return found


def cost(pages: pl.DataFrame) -> dict[str, float]:
    """Share of the time of each step, without the steps inside it that are named themselves."""
    profile = cProfile.Profile()
    config = QualityFilteringConfig(limits="published")
    profile.runcall(lambda: [filter_quality(block, config) for block in blocks_of(pages)])
    stats = pstats.Stats(profile)
    times: Counter[str] = Counter()
    for (_, _, name), (_, _, _, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        if name in STEPS:
            times[name] += cumulative
    times["_scan"] -= times["_lines"]
    shares = {STEPS[name]: seconds / stats.total_tt for name, seconds in times.most_common()}  # type: ignore[attr-defined]
    return {step: round(share, 3) for step, share in shares.items()} | {
        "the rest": round(1 - sum(shares.values()), 3)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--packages", type=Path, default=Path("out/packages"), help="folder of downloaded packages"
    )
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--sample", type=int, default=1200, help="pages that datatrove reads")
    parser.add_argument(
        "--no-fairness", action="store_true", help="leave out the texts known to be good"
    )
    arguments = parser.parse_args()
    pages = help_pages(arguments.packages, arguments.pages)
    sample = pages.head(arguments.sample)
    with tempfile.TemporaryDirectory() as folder:
        files = {
            name: Path(folder, f"{name}.parquet") for name in ("pages", "sample", "quarter", "kept")
        }
        for name, frame in (
            ("pages", pages),
            ("sample", sample),
            ("quarter", sample.head(sample.height // 4)),
        ):
            frame.write_parquet(files[name])
        keep_bytecode(Path(folder, "bytecode"))
        commands = {
            "ours": [OURS, str(files["pages"])],
            "quarter": [PEER, str(files["quarter"]), str(files["kept"])],
            "sample": [PEER, str(files["sample"]), str(files["kept"])],
        }
        pages.head(10).write_parquet(Path(folder, "few.parquet"))
        for code, *output in (commands["ours"], commands["sample"]):  # compiles modules
            few = str(Path(folder, "few.parquet"))
            measure_command([sys.executable, "-c", code, few, *output[1:]])
        rounds = [
            {
                name: measure_command([sys.executable, "-c", *command])
                for name, command in commands.items()
            }
            for _ in range(ROUNDS)
        ]
        ours, quarter, peer = (
            min((figures[name] for figures in rounds), key=lambda run: run.cpu_seconds)
            for name in commands
        )
        kept = pl.read_parquet(files["kept"])
    each = (peer.cpu_seconds - quarter.cpu_seconds) / (sample.height - sample.height // 4)
    peer_seconds = peer.cpu_seconds + each * (pages.height - sample.height)
    parity = agreement(decisions(sample, tokenizer="datatrove"), kept)
    native = agreement(decisions(sample, alphabetic_over="tokens"), kept)
    by_words = agreement(decisions(sample), kept)
    record = {
        "pages": pages.height,
        "languages": pages["language"].n_unique(),
        "megabytes": round(sum(pages["text"].str.len_bytes().to_list()) / 1e6, 1),
        "documents_per_cpu_second": round(pages.height / ours.cpu_seconds, 1),
        "datatrove_documents_per_cpu_second": round(pages.height / peer_seconds, 1),
        "ratio": round(peer_seconds / ours.cpu_seconds, 1),
        "peak_rss_mb": round(ours.peak_rss_mb),
        "parity": parity["all"],
        "parity_by_filter": parity,
        "native_agreement": native["all"],
        "native_by_filter": native,
        "native_over_words": by_words["all"],
        "unspaced": unspaced(arguments.packages),
        "cost": cost(pages),
    }
    if not arguments.no_fairness:
        texts = held_out_texts(arguments.packages)
        found = quality_fairness.by_language(
            quality_fairness.judged(texts, QualityFilteringConfig())
        )
        fairness = quality_fairness.figures(found)
        record |= {"languages_of_good_text": fairness.pop("languages"), **fairness}
    print(json.dumps(record))


if __name__ == "__main__":
    main()
