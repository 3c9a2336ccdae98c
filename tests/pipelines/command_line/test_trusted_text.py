"""Models and lists are made by the command line, and judge the documents of a run."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipelines.command_line.app import app
from tests.recipes import one_source
from tests.running import glotmill

BASQUE = """gaur goizean lagunekin mendira joan naiz eta ibilaldi luzea egin dugu basoan zehar etxera itzuli
ginenean oso nekatuta geunden baina pozik bihar berriro irtengo gara eguraldi ona bada arratsaldean
liburutegira joango gara liburu berriak irakurtzera eta gero afaria prestatuko dugu gure familiarentzat
herriko plazan dantza egiten dute igandero""".split()  # noqa: SIM905
ENGLISH = """this morning we went to the mountains with our friends and took a long walk through the forest when we
came home we were very tired but happy tomorrow we will go again if the weather is good in the afternoon
we shall visit the library to read new books and then cook dinner for the whole family on sundays people
dance in the village square""".split()  # noqa: SIM905
RECIPE = (
    one_source("trusted", "texts")
    + """
[[ingest]]
stage = "identify_language"

[[ingest]]
stage = "classify_text"
model = "quality.bin"
positive = ["good"]
min_score = 0.3
keep_signals = true

[[ingest]]
stage = "word_lists"
lists = "words.json"
keep_signals = true

[[ingest]]
stage = "language_model"
models = { eus_Latn = "eus.arpa" }
keep_signals = true
"""
)


def sentence(words: list[str], chance: random.Random, count: int = 30) -> str:
    return " ".join(chance.choices(words, k=count)).capitalize() + "."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import fasttext

    folder, chance = tmp_path_factory.mktemp("trusted"), random.Random(1)
    rows = [
        (sentence(words, chance), label)
        for words, label in ((BASQUE, "eus_Latn"), (ENGLISH, "eng_Latn"))
        for _ in range(300)
    ]
    pl.DataFrame(rows, schema=["text", "label"], orient="row").write_parquet(
        folder / "trusted.parquet"
    )
    (folder / "basque.txt").write_text(
        "\n".join(text for text, label in rows if label == "eus_Latn"), "utf-8"
    )
    spam = " ".join(
        f"__label__bad {' '.join(chance.choices(['buy', 'now', 'click'], k=8))}\n"
        for _ in range(200)
    )
    good = "".join(f"__label__good {text}\n" for text, _ in rows)
    (folder / "lines.txt").write_text(good + spam, "utf-8")
    model = fasttext.train_supervised(
        input=str(folder / "lines.txt"),
        dim=8,
        epoch=10,
        minn=2,
        maxn=3,
        bucket=1000,
        thread=1,
        seed=1,
        verbose=0,
    )
    model.save_model(str(folder / "quality.bin"))
    own = sentence(BASQUE, chance)
    shuffled = "".join(chance.sample(own, len(own)))
    texts = {
        "own": own,
        "spam": "buy now click buy click now " * 8,
        "few": "Gaur " + " ".join(f"{x}tzarra{x}" for x in "abdefgilmnorstuz") * 2,
    }
    texts |= {"short": "Gaur goizean mendira joan naiz.", "garbled": f"{own} {shuffled}"}
    lines = (json.dumps({"id": name, "text": text}) for name, text in texts.items())
    (folder / "texts.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "recipe.toml").write_text(RECIPE, "utf-8")
    return folder


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Path:
    for command in (
        ("lm", "train", "basque.txt", "--output", "eus.arpa", "--order", "4"),
        ("wordlists", "learn", "trusted.parquet", "--output", "words.json"),
        ("run", "recipe.toml", "--output", "out"),
    ):
        done = glotmill(*command, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder / "out"


def test_each_stage_says_what_it_dropped_and_why(corpus: Path) -> None:
    ledger = pl.read_parquet(corpus / "ledger" / "*.parquet")
    dropped = dict(ledger.filter(fate="dropped").select("stage", "reason").unique().rows())
    assert dropped["classify_text"] == "low_quality"
    assert dropped["language_model"] == "unlike_trusted_text"
    assert ledger.filter(
        pl.col("fate") == "dropped", pl.col("value").is_null() | pl.col("threshold").is_null()
    ).is_empty()
    kept = pl.read_parquet(corpus / "data" / "eus_Latn" / "*.parquet")
    assert kept["classifier_scores"].list.len().to_list() == [1] * len(kept)
    assert kept["language_model_percentile"].is_not_null().all()
    assert {"stop_word_share", "own_words", "language_model_bits"} <= set(kept.columns)


def test_the_manifest_names_the_files(corpus: Path) -> None:
    named = json.loads((corpus / "manifest.json").read_text("utf-8"))["models"]
    assert {"eus.arpa", "words.json", "quality.bin"} <= named.keys()
    assert all(len(named[name]) == 64 for name in ("eus.arpa", "words.json", "quality.bin"))


def test_a_sentence_is_scored(corpus: Path, folder: Path) -> None:
    done = glotmill("lm", "score", "eus.arpa", " ".join(BASQUE[:20]), "zzzz qqqq xxxx", cwd=folder)
    likely, unlikely = (line.split("\t") for line in done.stdout.splitlines())
    assert float(likely[0]) < float(unlikely[0])
    assert unlikely[1] == "1.00"


MISTAKES = {
    "no such model": ("eus.arpa", "missing.arpa", "no language model at"),
    "a list for a model": ('"words.json"', '"quality.bin"', "is not UTF-8"),
    "no such class": ('["good"]', '["fine"]', "has no class fine; it has bad, good"),
    "a label that no document can get": (
        "eus_Latn =",
        "eus_Cyrl =",
        "no document can be labelled eus_Cyrl",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_reported_before_a_run(corpus: Path, old: str, new: str, message: str) -> None:
    wrong = corpus.parent / "wrong.toml"
    wrong.write_text(RECIPE.replace(old, new), "utf-8")
    done = glotmill("plan", "wrong.toml", cwd=corpus.parent)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


LATIN_1 = pa.Array.from_buffers(pa.string(), 1, pa.array([b"ol\xe9 uno"], pa.binary()).buffers())
TEXTS = {
    "in.jsonl": b'{"text": "ol\xe9 uno", "label": "spa_Latn"}\n',
    "in.parquet": pa.table({"text": LATIN_1, "label": ["spa_Latn"]}),
}
READERS = {
    "word lists": ("wordlists", "learn", "--output", "o.json"),
    "limits": ("tune", "--label", "spa_Latn", "--output", "o.toml"),
    "a language model": ("lm", "train", "--output", "o.arpa"),
    "identification": ("lid", "train", "--output", "o.bin"),  # of Parquet alone
}


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        (reader, name)
        for reader in READERS
        for name in TEXTS
        if (reader, name) != ("identification", "in.jsonl")
    ],
)
def test_texts_that_are_not_utf8_are_refused_in_one_line(
    reader: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = TEXTS[name]
    if isinstance(content, bytes):
        Path(name).write_bytes(content)
    else:
        pq.write_table(content, name)
    group, *arguments = READERS[reader]
    done = CliRunner().invoke(app, [group, *arguments, name])
    assert done.exit_code != 0
    assert f"{name} is not UTF-8" in f"{done.exception} {done.output}"
