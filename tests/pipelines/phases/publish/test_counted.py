"""What a recipe asks to be counted is on the card, whatever the number of workers, and audited."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import CharDelimiterSplit

from pipelines.catalogue.counted import load_tokenizer
from pipelines.finished.audit.audit import audit
from pipelines.staging.corpus import read_card
from pipelines.staging.store import Store
from tests.running import digests, glotmill, run

RECIPE = """
[corpus]
name = "counted"
licence = "cc0-1.0"

[engine]
split_bytes = 8192

[publish]
shard_bytes = 2048

[card]
tokenizers = ["tokenizer.json"]
terms = { feminine = { und = ["ella"] }, masculine = { und = ["\u00e9l"] }, bad = { und_Zyyy = ["feo"] } }
hold_back = ["bad"]

[[sources]]
name = "lines"
format = "jsonl"
paths = ["lines.jsonl"]
columns = { text = "text", url = "url" }
"""
TEXTS = ["ella y \u00e9l-ella", "un d\u00eda feo", "otro d\u00eda m\u00e1s"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("counted")
    tokenizer = Tokenizer(WordLevel({"-": 0, "?": 1}, "?"))
    tokenizer.pre_tokenizer = CharDelimiterSplit("-")
    tokenizer.save(str(folder / "tokenizer.json"))
    rows = [
        {
            "text": f"{TEXTS[number % 3]} {number}",
            "url": f"https://host{number % 2}.example/{number}",
            "language": "spa",
            "script": "Latn",
        }
        for number in range(300)
    ]
    (folder / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    run(folder / "recipe.toml", folder / "out")
    return folder


def test_the_card_has_what_was_asked_for(corpus: Path) -> None:
    figures = read_card(Store(str(corpus / "out"))).statistics["und_Zyyy"]
    assert figures.found.tokens == {"tokenizer.json": 400}
    counts = {
        name: (term.documents, term.occurrences) for name, term in figures.found.terms.items()
    }
    assert counts == {"feminine": (100, 200), "masculine": (100, 100), "bad": (100, 100)}
    assert figures.found.hosts == {"host0.example": 150, "host1.example": 150}
    assert not any("feo" in sample.text for sample in figures.samples)
    readme = (corpus / "out" / "README.md").read_text(encoding="utf-8")
    assert "200 feminine and 100 masculine terms, 66.7% feminine" in readme
    assert "| Tokens, tokenizer.json | Tokens a word |" in readme
    row = next(line for line in readme.splitlines() if line.startswith("| `und_Zyyy` | found |"))
    words = figures.found.words
    assert row.split(" | ")[-2:] == ["400", f"{400 / words:.2f} |" if words else " |"]
    assert len(list((corpus / "out" / "data").rglob("*.parquet"))) > 1


def test_more_workers_give_the_same_bytes(corpus: Path) -> None:
    run(corpus / "recipe.toml", corpus / "two", "--workers", "2")
    assert digests(corpus / "out") == digests(corpus / "two")


def test_audit_counts_again_where_the_tokenizer_is_at_hand(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> list[tuple[str, str]]:
        found = audit(Store(str(corpus / "out")), lambda _: None).findings
        return [(one.severity, one.message) for one in found if "oken" in one.message]

    missing = "tokens by tokenizer.json are not counted again: the tokenizer is not at hand"
    assert told() == [("note", missing)]
    monkeypatch.chdir(corpus)
    assert told() == []
    card = corpus / "out" / "card.json"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace('"tokenizer.json": 400', '"tokenizer.json": 401'))
    assert ("error", "und_Zyyy: found.tokens is not what was counted") in told()
    card.write_text(text)


WRONG = {
    "no such file": ("none.json", "no such tokenizer: 'none.json'"),
    "no tokenizer": ("lines.jsonl", "is no SentencePiece model"),
}


@pytest.mark.parametrize(("name", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_tokenizer_that_cannot_be_read_is_named(corpus: Path, name: str, message: str) -> None:
    recipe = corpus / "wrong.toml"
    recipe.write_text(RECIPE.replace('"tokenizer.json"', f'"{name}"'), encoding="utf-8")
    ended = glotmill("recipe", "check", recipe)
    assert ended.returncode == 2
    assert "card: tokenizers: " in ended.stderr
    assert message in ended.stderr


def test_hold_back_names_lists_that_there_are(corpus: Path) -> None:
    recipe = corpus / "wrong.toml"
    recipe.write_text(RECIPE.replace('["bad"]', '["worse"]'), encoding="utf-8")
    ended = glotmill("recipe", "check", recipe)
    assert "hold_back must name lists of terms, or all, got worse" in ended.stderr


def test_a_sentencepiece_model_counts_its_pieces(tmp_path: Path) -> None:
    import sentencepiece

    text = tmp_path / "text"
    text.write_text("kaixo mundua agur\n" * 50)
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(tmp_path / "sp"), vocab_size=18, model_type="char"
    )
    count = load_tokenizer(str(tmp_path / "sp.model"))
    assert count(pa.array(["kaixo", "agur", ""], pa.large_string())) == 6 + 5
