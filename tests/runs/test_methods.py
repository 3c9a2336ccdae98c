"""Every published method of examples/methods runs as it stands, by Apertium where that is
installed."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipelines.command_line.app import app
from pipelines.staging.responses import RESPONSE
from schemas.card.card import Card
from schemas.language import parse_label
from stages.engines.apertium import installed_modes
from stages.engines.engine import Direction, Identity, response_key
from stages.translation.sentences import cut_sentences
from tests.running import run
from tests.runs.test_examples import SAMPLES

METHODS = Path(__file__).parents[2] / "examples/methods"
# The first articles of the Declaration and what is told of it, as data sets have it.
ADOPTED = "The Universal Declaration of Human Rights was adopted in Paris in 1948. It has thirty articles."


def rows(folder: Path) -> list[dict[str, Any]]:
    return ds.dataset(sorted(folder.rglob("*.parquet")), format="parquet").to_table().to_pylist()


def made(out: Path) -> list[dict[str, Any]]:
    return [row for row in rows(out / "data") if row["parent_id"]]


def write(path: Path, *lines: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def nothing(folder: Path) -> None:
    """The sources are in a package."""


def check_mapping(out: Path) -> None:
    pairs = {(row["source"], row["target"]) for row in rows(out / "bitext") if not row["reason"]}
    samples = [(row["prompt"].rstrip("\n"), row["completion"]) for row in rows(out / "samples")]
    assert set(samples) == pairs | {(target, source) for source, target in pairs}
    assert len(samples) > 10
    assert not made(out), "the corpus itself has found text alone"


def check_crossic(out: Path) -> None:
    (pair, *_) = rows(out / "document_pairs")
    windows = [row["completion"].split("\n\n") for row in rows(out / "samples")]
    assert len(windows) > 1
    for ours, theirs in windows:
        assert ours in pair["source"]
        assert theirs in pair["target"]
        assert ours.count("\n") == theirs.count("\n")
    for (before, _), (after, _) in itertools.pairwise(windows):
        assert before.splitlines()[-1] == after.splitlines()[0], (
            "a window begins by what the one before it ended with"
        )


def train_hindi(folder: Path) -> None:
    """Train on windows of the Hindi sample: a model so small finds a translation unlike it."""
    words = " ".join(sample_lines("hi_Deva")).split()
    windows = {" ".join(words[start : start + 12]): None for start in range(0, len(words) - 12, 2)}
    clean = folder / "clean_hindi.txt"
    clean.write_text("\n".join(windows), "utf-8")
    options = ["--output", str(folder / "hin.arpa"), "--order", "3", "--held-out-share", "0.4"]
    done = CliRunner().invoke(app, ["lm", "train", str(clean), *options])
    assert done.exit_code == 0, done.output


def check_language_model(out: Path) -> None:
    (translation,) = [row for row in rows(out / "ledger") if row["parent_id"]]
    assert (translation["fate"], translation["stage"], translation["reason"]) == (
        "dropped",
        "language_model",
        "unlike_trusted_text",
    )
    passed = [row for row in rows(out / "bitext") if not row["reason"]]
    assert not passed, "its sentences are not taken for good ones either"
    (counted,) = Card.model_validate_json((out / "card.json").read_text("utf-8")).translations
    assert (counted.documents, counted.passed_documents) == (1, 0)
    reasons = Counter(row["reason"] for row in rows(out / "bitext"))
    assert {one.reason: one.sentences for one in counted.rejected} == reasons
    assert counted.sentences == sum(reasons.values())
    assert f"| 1 | 0 | {counted.sentences} | 0 |" in (out / "README.md").read_text("utf-8")


def record_maltese(folder: Path) -> None:
    """Stand for an engine: an answer to each sentence of the Arabic samples, from the Maltese
    ones."""
    (folder / "arabic_words.tsv").write_text(
        "għandu\tArabic\njew\tArabic\ntortura\tItalian\n", "utf-8"
    )
    direction = Direction(parse_label("arb_Arab"), parse_label("mlt_Latn"))
    identity = Identity("table", "samples", "1", '{"placeholder":"({})"}')
    maltese = [line for line in sample_lines("mt_Latn") if line.endswith(".")]
    answers: dict[bytes, dict[str, Any]] = {}
    for label in ("ar_Arab", "arb_Arab"):
        cut = cut_sentences(pa.array(["\n".join(sample_lines(label))], pa.large_string()), 600)
        for place, text in enumerate(cut["text"].to_list()):
            key = response_key(identity, direction, text)
            known = {
                "key": key,
                **identity._asdict(),
                "direction": str(direction),
                "sentence": text,
            }
            answers[key] = known | {
                "response": maltese[place % len(maltese)],
                "prompt_tokens": 0,
                "completion_tokens": 0,
            }
    (folder / "responses").mkdir()
    table = pa.Table.from_pylist([answers[key] for key in sorted(answers)], RESPONSE)
    pq.write_table(table, folder / "responses/all.parquet")


def sample_lines(label: str) -> list[str]:
    sample = SAMPLES[label].sample_text
    return [
        line
        for name in sample.DESCRIPTOR.fields_by_name
        for line in getattr(sample, name).split("\n")
        if line
    ]


def check_maltese(out: Path) -> None:
    found = made(out)
    latin = [row for row in found if row["transliterated_from"] == "ara_Arab"]
    assert latin
    assert all((row["language"], row["script"]) == ("ara", "Latn") for row in latin)
    (mixed,) = [row for row in found if row["transliterated_from"] == "mlt_Latn"]
    words = set(re.findall(r"\w+", mixed["text"]))
    arabic = {word for word in words if re.match("[\u0600-\u06ff]", word)}
    assert len(arabic) == 2, "the words of Arabic origin alone are changed"
    assert "tortura" in words
    assert "jew" not in words
    asked = [
        row for row in rows(out / "ledger") if row["parent_id"] and row["stage"] == "translate"
    ]
    translated = [row for row in found if row["translated_from"]]
    assert asked or translated


def check_romanized(out: Path) -> None:
    pairs = rows(out / "pairs")
    assert {"ell", "hin", "urd"} <= {row["language"] for row in pairs}
    assert "tur" not in {row["language"] for row in pairs}, "Turkish is in Latin letters as it is"
    assert all(
        row["romanization"].isascii() or row["romanization"] != row["original"] for row in pairs
    )


def check_lmt(out: Path) -> None:
    samples = rows(out / "samples")
    there = [row for row in samples if row["source_language"] == "eng_Latn"]
    shown = [row for row in samples if row["auxiliary_language"]]
    assert len(samples) - len(there) < 0.2 * len(there)
    assert {row["auxiliary_language"] for row in shown} == {"spa_Latn"}
    assert all("glg_Latn" in (row["source_language"], row["target_language"]) for row in shown)
    assert 0 < len(shown) < len(samples) / 2
    assert "\nSpanish: " in shown[0]["prompt"]
    assert re.search("\nEnglish: .+\nGalician: $", next(r for r in shown if r in there)["prompt"])


def write_squad(folder: Path) -> None:
    asked = {
        "In which city was the Universal Declaration of Human Rights adopted?": "Paris",
        "When was the Universal Declaration of Human Rights adopted?": "1948",
        "Who wrote the Universal Declaration of Human Rights?": "",
    }
    write(
        folder / "squad.jsonl",
        *(
            {
                "context": ADOPTED,
                "question": question,
                "answers": {
                    "text": [answer] * bool(answer),
                    "answer_start": [ADOPTED.index(answer)] * bool(answer),
                },
            }
            for question, answer in asked.items()
        ),
    )


def check_squad(out: Path) -> None:
    found = made(out)
    assert len(found) == 3
    answers = []
    for row in found:
        own = json.loads(row["answers"])
        for text, start in zip(own["text"], own["answer_start"], strict=True):
            assert row["text"][start : start + len(text)] == text
            answers.append(text)
    assert sorted(answers) == ["1948", "París"]


def write_news(folder: Path) -> None:
    abstract = "Everyone has the right to education. Education shall be free, at least in the elementary stages."
    news = {"news_id": "N1", "title": "Everyone has the right to education", "abstract": abstract}
    write(folder / "news.jsonl", news | {"category": "news", "subcategory": "newsworld"})


def check_news(out: Path) -> None:
    (row,) = made(out)
    assert (row["news_id"], row["category"], row["subcategory"]) == ("N1", "news", "newsworld")
    assert "derecho" in row["title"]
    assert "derecho" in row["text"]


def write_math(folder: Path) -> None:
    question = "Natalia sold 48 books in May, and then she sold half as many in June. How many books did she sell?"
    answer = "Natalia sold 48/2 = <<48/2=24>>24 books in June.\nShe sold 48+24 = <<48+24=72>>72 books.\n#### 72"
    write(folder / "math.jsonl", {"question": question, "answer": answer})


def check_math(out: Path) -> None:
    (row,) = made(out)
    assert re.findall("<<.*?>>|#### .*", row["answer"]) == [
        "<<48/2=24>>",
        "<<48+24=72>>",
        "#### 72",
    ]
    assert "libros" in row["answer"]


def write_calls(folder: Path) -> None:
    arguments = json.dumps({"city": "London", "days": 1, "unit": "metric"})
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": arguments},
    }
    messages = [
        {"role": "user", "content": "What is the weather in London tomorrow?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {
            "role": "tool",
            "tool_call_id": "c1",
            "content": '{"forecast": "It will rain in the morning.", "degrees": 12}',
        },
    ]
    instruction = "You are a helpful assistant that answers questions about the weather."
    write(folder / "calls.jsonl", {"instruction": instruction, "messages": messages})


def check_calls(out: Path) -> None:
    (row,) = made(out)
    user, assistant, tool = json.loads(row["messages"])
    function = assistant["tool_calls"][0]["function"]
    assert "Londres" in user["content"]
    assert function["name"] == "get_weather"
    assert json.loads(function["arguments"]) == {"city": "Londres", "days": 1, "unit": "metric"}
    answer = json.loads(tool["content"])
    assert answer.keys() == {"forecast", "degrees"}
    assert "mañana" in answer["forecast"]


Method = tuple[tuple[tuple[str, str], ...], Callable[[Path], None], Callable[[Path], None]]
INPUT: dict[str, Method] = {  # modes, input, what is held
    "cross_lingual_mapping": ((("eus", "spa"),), nothing, check_mapping),
    "crossic_pt": ((("glg", "spa"),), nothing, check_crossic),
    "indicmonodoc": ((("urd", "hin"),), train_hindi, check_language_model),
    "lmt": ((("eng", "spa"), ("spa", "glg")), nothing, check_lmt),
    "maltese_from_arabic": ((), record_maltese, check_maltese),
    "mapicall_bank": ((("eng", "spa"),), write_calls, check_calls),
    "mcot_math": ((("eng", "spa"),), write_math, check_math),
    "squad_tr": ((("eng", "spa"),), write_squad, check_squad),
    "transliteration_ppa": ((), nothing, check_romanized),
    "xmind": ((("eng", "spa"),), write_news, check_news),
}


def test_every_method_is_run() -> None:
    of_synthesis = {
        path.stem for path in METHODS.glob("*.toml") if "[[synthesize]]" in path.read_text("utf-8")
    }
    assert sorted(INPUT) == sorted({path.stem for path in METHODS.glob("*.toml")} - of_synthesis)
    for path in METHODS.glob("*.toml"):
        assert re.match(r"(?s)# .*20\d\d", path.read_text("utf-8")), (
            f"{path.name} begins with its paper"
        )


@pytest.mark.parametrize("name", sorted(INPUT))
def test_a_method_runs(name: str, tmp_path: Path) -> None:
    modes, prepare, check = INPUT[name]
    if missing := [pair for pair in modes if pair not in installed_modes()]:
        pytest.skip(f"apertium has no mode for {missing}")
    recipe = Path(shutil.copy(METHODS / f"{name}.toml", tmp_path))
    prepare(tmp_path)
    run(recipe, tmp_path / "out", "--workers", "1")
    check(tmp_path / "out")
