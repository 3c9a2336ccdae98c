"""A messy corpus in several formats and scripts, made by the test from an installed package's
sample texts.

It holds what a crawl holds: HTML pages and JSON lines, exact copies across files, texts too short
to keep, lines that are not JSON, bytes that are not UTF-8, a gzip file that ends in the middle,
repetition, personal data.
"""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import gflanguages
import pyarrow as pa
import pyarrow.parquet as pq

LABELS = (
    "eu_Latn",
    "mt_Latn",
    "yo_Latn",
    "km_Khmr",
    "bo_Tibt",
    "ug_Arab",
    "uz_Cyrl",
    "ru_Cyrl",
    "fa_Arab",
    "am_Ethi",
)

RECIPE = """
[corpus]
name = "mixed"
licence = "cc0-1.0"

[engine]
split_bytes = 30000

[publish]
shard_bytes = 8000
row_group_bytes = 3000
index = true
sampling_weight = "removal_rate"

[[sources]]
name = "pages"
format = "warc"
paths = ["pages-*.warc.gz"]

[[sources]]
name = "lines"
format = "jsonl"
paths = ["lines.jsonl", "cut.jsonl.gz"]

[[sources]]
name = "table"
format = "parquet"
paths = ["table.parquet"]
keep = ["shelf"]

[sources.columns]
text = "content"
id = "key"

[[ingest]]
stage = "extract_text"

[[ingest]]
stage = "identify_language"

[[ingest]]
stage = "filter_length"
min_code_points = 20

[[ingest]]
stage = "filter_quality"
keep_signals = true

[[ingest]]
stage = "personal_data"

[[dedup]]
stage = "exact"

[[dedup]]
stage = "near"
threshold = 0.97

[[dedup]]
stage = "lines"
min_documents = 4
min_code_points = 30

[[dedup]]
stage = "spans"
min_bytes = 120
stride = 1
min_code_points = 30

[decontaminate]
mode = "mask"
min_code_points = 30

[[decontaminate.evaluation_sets]]
name = "questions"
paths = ["questions.jsonl"]
fields = ["text"]
"""
MENU = "Home | News | About us | Contact"


def passages() -> list[str]:
    """Passages in ten languages and six scripts, in a fixed order."""
    languages = gflanguages.LoadLanguages()
    fields = ("specimen_48", "specimen_36", "specimen_32", "specimen_21", "specimen_16")
    return [getattr(languages[label].sample_text, field) for label in LABELS for field in fields]


def write_mixed_corpus(folder: Path, documents: int, seed: int = 7) -> Path:
    """Write about `documents` documents and a recipe that reads them; returns the recipe's path."""
    random_ = random.Random(seed)
    texts = passages()

    def text() -> str:
        if random_.random() < 0.1:
            return "ez"  # too short to keep
        if random_.random() < 0.05:
            return "erosi orain hemen " * 30  # the quality filter drops it
        chosen = random_.choice(texts)
        if random_.random() < 0.2:
            return chosen  # a copy
        numbered = f"{chosen} {random_.randrange(10**9)}"  # a variant
        if random_.random() < 0.05:
            numbered += f" ane{random_.randrange(100)}@example.eus +34 943 01 58 00"
        return f"{MENU}\n{numbered}" if random_.random() < 0.2 else numbered

    third = documents // 3
    for number in range(3):
        records = b"".join(_warc_record(number * third + i, text()) for i in range(third // 3))
        (folder / f"pages-{number}.warc.gz").write_bytes(records)
    lines = [json.dumps({"text": text()}, ensure_ascii=False).encode() for _ in range(third)]
    lines[3:3] = [
        b'{"text": "no end',
        b'{"text": "\xff\xfe broken"}',
        b"[]",
        b'{"text": "nul \\u0000 byte"}',
    ]
    (folder / "lines.jsonl").write_bytes(b"\n".join(lines))
    packed = gzip.compress(b"\n".join(lines[:200]), mtime=0)
    (folder / "cut.jsonl.gz").write_bytes(packed[: len(packed) * 2 // 3])
    keys = [f"k{i % (third - 2)}" for i in range(third)]  # the last two ids were used before
    table = pa.table(
        {
            "key": keys,
            "content": [text() for _ in keys],
            "shelf": [f"s{i % 3}" for i in range(third)],
        }
    )
    pq.write_table(table, folder / "table.parquet", row_group_size=max(1, third // 5))
    questions = [
        texts[1],
        texts[6].split(".")[0],
        texts[15],
        texts[23],
        texts[41][: len(texts[41]) // 2],
    ]
    (folder / "questions.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in questions)
    )
    recipe = folder / "mixed.toml"
    recipe.write_text(RECIPE)
    return recipe


def _warc_record(number: int, text: str) -> bytes:
    html = f"<html lang=x><title>t</title><body><nav>menu</nav><main><p>{text}</p></main></body></html>".encode()
    http = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
        % len(html)
        + html
    )
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{number:032x}>\r\n"
        f"WARC-Target-URI: https://example.org/{number}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n", mtime=0)
