"""A tiny corpus whose recipe has every phase, so that a fault can meet each of them.

Pages lie in a WARC file, lines in a JSON Lines file that is read through `chaos://`, a file system
of ours that can fail. Models answer one run; the folder `responses` that it publishes answers all
others.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.chaos.file_system import PROTOCOL
from tests.declaration import DECLARATION
from tests.endpoints import FaultyEndpoint
from tests.withdrawals import REGISTER, answered, basque, evaluated, serbian

LINES = "lines.jsonl"
REGISTER_FILE = "withdrawn.toml"
TAKEN, NUMBERS = range(73_000_000, 73_000_002), range(51_000_000, 51_000_006)
# A paragraph that several texts repeat, for deduplication by lines and by spans.
REPEATED = (
    "Orri hau udal liburutegiak argitaratu zuen, eta edonork irakur dezake doan, bertan edo etxean."
)
RECIPE = """
[corpus]
name = "chaos"
licence = "cc0-1.0"

[engine]
split_bytes = 6000

[publish]
shard_bytes = 6000
test = 0.2
index = true
sampling_weight = "cluster_size"

[[sources]]
name = "crawl"
format = "warc"
paths = ["pages.warc.gz"]

[[sources]]
name = "lines"
format = "jsonl"
paths = ["{protocol}://{lines}"]
columns = {{ text = "text", url = "url", licence = "licence" }}

[[ingest]]
stage = "extract_text"

[[ingest]]
stage = "normalize"

[[ingest]]
stage = "identify_language"

[[ingest]]
stage = "normalize"

[[ingest]]
stage = "filter_length"
min_code_points = 20

[[ingest]]
stage = "filter_quality"
keep_signals = true

[[ingest]]
stage = "personal_data"

[[dedup]]
stage = "url"

[[dedup]]
stage = "exact"

[[dedup]]
stage = "near"

[[dedup]]
stage = "across_scripts"
keep = ["Latn"]

[[dedup]]
stage = "lines"
min_documents = 3
min_code_points = 30

[[dedup]]
stage = "spans"
min_bytes = 70
stride = 1
min_code_points = 30

[[augment]]
stage = "transliterate"
schemes = {{ srp_Cyrl = "serbian" }}
mode = "parallel"

[[augment]]
stage = "translate"
directions = ["eus_Latn -> spa_Latn"]
outputs = ["documents", "sentence_pairs", "document_pairs", "tmx"]
publish_responses = true
{engine}

[[augment]]
stage = "mine"
directions = ["spa_Latn -> glg_Latn"]

[[augment]]
stage = "sample_pairs"
form = "mapping"

[[synthesize]]
strategy = "extractive_qa"
{engine}

[decontaminate]
mode = "mask"
min_code_points = 30

[[decontaminate.evaluation_sets]]
name = "questions"
paths = ["questions.jsonl"]
fields = ["text"]
language = "eus"

[withdrawn]
files = ["{register}"]
"""
ENDPOINT = 'engine = {{ kind = "endpoint", base_url = "{url}", model = "planted" }}'
RECORDED = 'engine = "recorded"\nreuse = ["responses"]'


class Corpus(NamedTuple):
    """Where a corpus's recipe is, and the input that may change."""

    recipe: Path
    lines: Path
    pages: Path
    register: Path


def write_corpus(folder: Path) -> Corpus:
    """Write the input, and a recipe whose models answer from the folder `responses`."""
    corpus = Corpus(
        folder / "chaos.toml", folder / LINES, folder / "pages.warc.gz", folder / REGISTER_FILE
    )
    texts = list(_texts())
    half = len(texts) // 2
    corpus.pages.write_bytes(b"".join(itertools.starmap(_warc_record, texts[:half])))
    rows = [
        json.dumps({"url": url, "text": text, "licence": "CC-BY-4.0"}) for url, text in texts[half:]
    ]
    rows[2:2] = ['{"text": "no end', '{"text": "ez"}']
    corpus.lines.write_text("\n".join(rows) + "\n")
    corpus.register.write_text(REGISTER)
    held = [evaluated(NUMBERS[1]), evaluated(TAKEN[1])]
    (folder / "questions.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in held)
    )
    corpus.recipe.write_text(_recipe(corpus, RECORDED))
    return corpus


@contextlib.contextmanager
def answering(corpus: Corpus) -> Iterator[Path]:
    """Serve the models, and give a recipe that asks them."""
    with FaultyEndpoint(answered).serving() as server:
        recipe = corpus.recipe.with_name("answering.toml")
        recipe.write_text(_recipe(corpus, ENDPOINT.format(url=server.base_url)))
        yield recipe


def _recipe(corpus: Corpus, engine: str) -> str:
    return RECIPE.format(protocol=PROTOCOL, lines=LINES, register=REGISTER_FILE, engine=engine)


def _texts() -> Iterator[tuple[str, str]]:
    """Yield addresses and texts, with copies of each kind."""
    places = itertools.count()

    def page(host: str, text: str) -> tuple[str, str]:
        return f"https://{host}/{next(places)}", text

    yield page("mirror.example", basque(TAKEN[0]))
    yield page("near.example", basque(NUMBERS[1]).replace("liburu", "koaderno"))
    for number in NUMBERS:
        text = serbian(number, "Cyrl") if number % 3 == 0 else basque(number)
        yield page(f"site{number % 5}.example", text)
        if number % 3 == 1:
            yield page("copies.example", f"{text}\n{REPEATED}\nposta: ane{number}@example.eus")
    yield "https://a.example/es/rights", "\n".join(DECLARATION["spa_Latn"])
    yield "https://a.example/gl/rights", "\n".join(DECLARATION["glg_Latn"])
    yield page("latin.example", serbian(NUMBERS[0] - NUMBERS[0] % 3, "Latn"))
    yield page("taken.example", basque(TAKEN[0]))
    yield page("taken.example", serbian(TAKEN[1], "Cyrl"))
    yield page("later.example", basque(NUMBERS[1]))
    yield page("short.example", f"{REPEATED}\n{basque(NUMBERS[4])}")
    yield "https://a.example/es/rights?utm_source=x", "\n".join(DECLARATION["spa_Latn"][:3])


def _warc_record(url: str, text: str) -> bytes:
    html = "".join(f"<p>{line}</p>" for line in text.splitlines())
    page = f"<html><title>t</title><body><nav>menu</nav><main>{html}</main></body></html>".encode()
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\n"
        f"WARC-Target-URI: {url}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n", mtime=0)
