"""Measure normalization by script: megabytes a CPU second of text that needs no rule, and of text
that needs all.

    python -m tests.benchmarks.normalization [--megabytes 8] [--scripts Latn Khmr]

Clean text are the sample texts that the package gflanguages has in each script, normalized once and
repeated to documents of about 4 KB, each with the code of its language. Dirty text are the same
documents, spoiled: decomposed (NFD), with a soft hyphen, a zero-width non-joiner and a bidi
override in every eighth word, every fourth space one that does not break, lines ending in CR LF, a
line in sixteen read in the wrong encoding, and at the end the misspellings of
`tests/language_samples` for that language or, if it has none, for any of the script.

Prints a line a script and then one JSON object: `clean_mb_per_s` and `dirty_mb_per_s` by script,
and the least of either.
"""

from __future__ import annotations

import argparse
import json
import re
import time
import tomllib
import unicodedata
from collections import defaultdict
from pathlib import Path

import gflanguages
import pyarrow as pa

from schemas.document import DOCUMENT
from schemas.language import one_code, to_iso639_3
from stages.normalization.normalize import normalize, normalize_counted
from stages.normalization.options import NormalizationConfig

FIELDS = [DOCUMENT.field(name) for name in ("text", "language", "script")]
SAMPLES = Path(__file__).parents[1] / "language_samples"
DOCUMENT_BYTES = 4096
DEFAULT = NormalizationConfig()

Row = tuple[str, str, str]


def block(rows: list[Row]) -> pa.RecordBatch:
    arrays = [
        pa.array(values, field.type)
        for values, field in zip(zip(*rows, strict=True), FIELDS, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(FIELDS))


def clean_samples() -> dict[str, list[Row]]:
    """Read the sample texts of gflanguages, about a document each, normalized, by script."""
    rows: list[Row] = []
    for language in gflanguages.LoadLanguages().values():
        sample = language.sample_text
        parts = [
            sample.specimen_48,
            sample.specimen_36,
            sample.specimen_32,
            sample.specimen_21,
            sample.specimen_16,
        ]
        text = "\n".join(part for part in [sample.tester, *parts] if part)
        if text:
            repeated = "\n".join([text] * -(-DOCUMENT_BYTES // len(text.encode())))
            rows.append(
                (
                    repeated,
                    one_code(to_iso639_3(language.language) or language.language),
                    language.script,
                )
            )
    texts = normalize(block(rows), DEFAULT)["text"].to_pylist()
    by_script: dict[str, list[Row]] = defaultdict(list)
    for text, (_, language, script) in zip(texts, rows, strict=True):
        by_script[script].append((text, language, script))
    return by_script


def misspellings() -> dict[str, list[str]]:
    """Read the texts that must change, by language and script and by script."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SAMPLES.glob("*.toml")):
        for fact in tomllib.loads(path.read_text())["fact"]:
            for key in (f"{fact.get('language')}_{fact.get('script')}", str(fact.get("script"))):
                found[key].append(fact["from"])
    return found


def spoil(row: Row, wrong: dict[str, list[str]]) -> Row:
    text, language, script = row
    words = unicodedata.normalize("NFD", text).split(" ")
    for first, noise in ((1, "\u00ad"), (3, "\u200c"), (5, "\u202e")):
        words[first::8] = [word[:1] + noise + word[1:] for word in words[first::8]]
    lines = re.sub(r"( [^ ]* [^ ]* [^ ]*) ", "\\1\u00a0", " ".join(words)).split("\n")
    lines[::16] = [line.encode().decode("cp1252", "ignore") for line in lines[::16]]
    own = wrong.get(f"{language}_{script}", wrong.get(script, []))
    return "\r\n".join([*lines, *own]), language, script


def measure(rows: list[Row], megabytes: float) -> tuple[float, dict[str, int]]:
    """Return megabytes a CPU second over a block of about that size, and the documents that each
    rule changed."""
    size = sum(len(text.encode()) for text, _, _ in rows)
    batch = block(rows * max(1, round(megabytes * 1e6 / size)))
    normalize(batch.slice(0, len(rows)), DEFAULT)  # patterns are compiled once a process
    begin = time.process_time()
    counts = normalize_counted(batch, DEFAULT).counts
    taken = time.process_time() - begin
    changed = counts.group_by("rule").aggregate([("documents", "sum")]).to_pydict()
    total: int = batch["text"].nbytes
    return total / 1e6 / taken, dict(zip(changed["rule"], changed["documents_sum"], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=float, default=8, help="text a script and measurement")
    parser.add_argument(
        "--scripts", nargs="*", help="ISO 15924 codes; all that have a sample text without it"
    )
    arguments = parser.parse_args()
    samples, wrong = clean_samples(), misspellings()
    clean: dict[str, float] = {}
    dirty: dict[str, float] = {}
    for script in arguments.scripts or sorted(samples):
        rows = samples[script][:64]
        rate, changed = measure(rows, arguments.megabytes)
        if changed:
            raise SystemExit(f"clean text of {script} must not change, got {changed}")
        spoiled = [spoil(row, wrong) for row in rows]
        clean[script] = round(rate, 1)
        rate, changed = measure(spoiled, arguments.megabytes)
        dirty[script] = round(rate, 1)
        print(
            f"{script} clean {clean[script]} MB/s, dirty {dirty[script]} MB/s by {len(changed)} rules",
            flush=True,
        )
    least = {"least_clean": min(clean.values()), "least_dirty": min(dirty.values())}
    print(json.dumps({"clean_mb_per_s": clean, "dirty_mb_per_s": dirty, **least}))


if __name__ == "__main__":
    main()
