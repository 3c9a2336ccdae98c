"""Word lists learned from trusted text: what they hold, what is refused, and documents judged by
them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from schemas.document import DOCUMENT
from schemas.model_signals import WORD_SIGNALS
from stages.word_lists.lists import (
    WordList,
    learn_lists,
    read_labelled,
    read_lists,
    words_of,
    write_lists,
)
from stages.word_lists.options import WordListsConfig
from stages.word_lists.word_lists import REQUIRED, word_lists

# Made languages of one script: both have a, b and c of COMMON; each has words of its own, the
# frequent ones first.
COMMON = [f"{first}{second}" for first in "bdfg" for second in "aeiou"]
OWN = {
    "eus_Latn": [f"k{x}tz{y}" for x in "aeiou" for y in "aeiou"],
    "spa_Latn": [f"ll{x}c{y}" for x in "aeiou" for y in "aeiou"],
}


def document(label: str, chance: random.Random, words: int = 60) -> str:
    return " ".join(
        chance.choice(OWN[label] if chance.random() < 0.5 else COMMON) for _ in range(words)
    )


@pytest.fixture(scope="module")
def texts() -> pl.DataFrame:
    chance = random.Random(3)
    rows = [(document(label, chance), label) for label in OWN for _ in range(200)]
    return pl.DataFrame(rows, schema=["text", "label"], orient="row")


@pytest.fixture(scope="module")
def lists(texts: pl.DataFrame) -> dict[str, WordList]:
    found, refused = learn_lists(texts)
    assert refused == {}
    return found


def block(*rows: tuple[str, str, str | None, str | None]) -> pa.RecordBatch:
    """Documents of (text, language, language_group, runner_up_language), in Latin script."""
    filled = [(text, language, "Latn", group, second) for text, language, group, second in rows]
    columns = list(zip(*filled, strict=True))
    fields = pa.schema([DOCUMENT.field(name) for name in REQUIRED])
    return pa.RecordBatch.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, fields, strict=True)], schema=fields
    )


WORDS = {
    "apostrophes and joiners are within a word": (
        "L\u2019eau, n'est-ce me\u200cxaham",
        ["l'eau", "n'est", "ce", "me\u200cxaham"],
    ),
    "marks are part of words": (
        "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e01",
        ["\u0939\u093f\u0928\u094d\u0926\u0940", "\u0e01"],
    ),
    "numbers and signs are none": ("12 + 3 = x2", ["x"]),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("text", "words"), WORDS.values(), ids=WORDS.keys())
def test_words(text: str, words: list[str]) -> None:
    assert words_of(pl.Series([text]))["word"].to_list() == words


def test_own_words_are_of_one_language_alone(lists: dict[str, WordList]) -> None:
    for label, own in OWN.items():
        assert set(lists[label].own_words) == set(own)
        assert set(lists[label].stop_words) == {*own, *COMMON}
        assert 0.4 < lists[label].least_stop_word_share <= 0.5
        assert lists[label].documents == 200


def test_the_order_of_texts_decides_nothing(
    texts: pl.DataFrame, lists: dict[str, WordList]
) -> None:
    assert learn_lists(texts.reverse())[0] == lists


def test_little_text_of_a_neighbour_proves_little(texts: pl.DataFrame) -> None:
    few = pl.concat(
        [texts.filter(label="eus_Latn").head(5), texts.filter(label="spa_Latn").head(1)]
    )
    assert learn_lists(few)[0]["eus_Latn"].own_words == ()


def test_what_gets_no_list() -> None:
    rows = [
        ("bat bi hiru", "eus_Latn"),
        ("今天早上我们和朋友一起去爬山", "zho_Hans"),
        ("เมื่อเช้านี้", "tha_Thai"),
    ]
    found, refused = learn_lists(pl.DataFrame(rows, schema=["text", "label"], orient="row"))
    assert found == {}
    assert refused["eus_Latn"] == "a list needs 20 words, its text has 3 different ones"
    assert "no spaces between words" in refused["zho_Hans"]
    assert "no spaces between words" in refused["tha_Thai"]


def test_lists_are_read_as_written(lists: dict[str, WordList], tmp_path: Path) -> None:
    write_lists(lists, tmp_path / "words.json")
    assert read_lists(str(tmp_path / "words.json")) == lists


def given(**changes: object) -> bytes:
    words = [f"w{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    row = {"stop_words": words, "least_stop_word_share": 0.1, "own_words": words} | changes
    return json.dumps({"eus_Latn": row}).encode()


BROKEN = {
    "missing": (None, FileNotFoundError, "learn them by glotmill wordlists learn"),
    "in Latin-1": ('{"eus_Latn": "ñ"}'.encode("latin-1"), ValueError, "is not UTF-8"),
    "no lists": (b"[1]", ValueError, "must hold stop_words"),
    "no label": (
        b'{"eus": {"stop_words": [], "least_stop_word_share": 0, "own_words": []}}',
        ValueError,
        "eus",
    ),
    "too short": (
        given(own_words=["a", "b"]),
        ValueError,
        "own_words of eus_Latn has 2 words, 20 are needed",
    ),
    "copies do not count": (given(stop_words=["eta"] * 30), ValueError, "has 1 words"),
    "a mark alone": (
        given(stop_words=["\u060c", *(f"w{x}" for x in range(30))]),
        ValueError,
        "which has no letter",
    ),
}


@pytest.mark.parametrize(("content", "error", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_lists(
    content: bytes | None, error: type[Exception], message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "words.json").write_bytes(content)
    with pytest.raises(error, match=message):
        read_lists(str(tmp_path / "words.json"))


def test_documents_with_few_stop_words_go(lists: dict[str, WordList]) -> None:
    good = document("eus_Latn", random.Random(9))
    other = " ".join(f"x{number}yz".replace("1", "i").replace("0", "o") for number in range(60))
    numbers = " ".join(f"part{letter}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
    rows = [(text, "eus", None, None) for text in (good, other, numbers, "short")]
    batch = block(*rows, (numbers, "fin", None, None))
    kept, rejected = word_lists(batch, lists, WordListsConfig(lists="x", keep_signals=True))
    assert kept["text"].to_pylist() == [good, "short", numbers], (
        "a short text and a language without a list pass"
    )
    assert rejected["reason"].to_pylist() == ["few_stop_words"] * 2
    assert rejected["value"].to_pylist() == [0.0, 0.0]
    assert (
        rejected["threshold"].to_pylist()
        == [pytest.approx(lists["eus_Latn"].least_stop_word_share)] * 2
    )
    assert [kept.schema.field(name) for name in WORD_SIGNALS.names] == list(WORD_SIGNALS)
    assert kept["stop_word_share"].to_pylist() == [1.0, None, None]


def test_a_document_without_an_own_word_is_condemned_and_one_hit_is_enough(
    lists: dict[str, WordList],
) -> None:
    none = " ".join(random.Random(1).choices(COMMON, k=40))
    one = f"{none} {OWN['eus_Latn'][7].upper()}"
    batch = block((none, "eus", None, None), (one, "eus", None, None), ("ba de", "eus", None, None))
    kept, rejected = word_lists(batch, lists, WordListsConfig(lists="x", own_words="require"))
    assert kept["text"].to_pylist() == [one, "ba de"]
    assert rejected["reason"].to_pylist() == ["no_own_words"]
    assert (rejected["value"].to_pylist(), rejected["threshold"].to_pylist()) == ([0.0], [1.0])
    assert word_lists(batch, lists, WordListsConfig(lists="x")).rejected.num_rows == 0


def test_own_words_rescue_what_identification_left(lists: dict[str, WordList]) -> None:
    basque, spanish = (document(label, random.Random(5)) for label in OWN)
    batch = block(
        (basque, "und", None, "eus_Latn"),  # likeliest, and it has its words
        (spanish, "und", None, "eus_Latn"),  # likeliest, and it has not
        (basque, "und", None, "eus_Cyrl"),
        (basque, "fin", None, "eus_Latn"),  # sure: not asked
        (basque, "und", None, None),
    )
    kept, _ = word_lists(batch, lists, WordListsConfig(lists="x", own_words="rescue"))
    assert kept["language"].to_pylist() == ["eus", "und", "und", "fin", "und"]
    kept, _ = word_lists(batch, lists, WordListsConfig(lists="x"))
    assert kept["language"].to_pylist() == ["und", "und", "und", "fin", "und"]


def test_own_words_settle_an_unclear_group(lists: dict[str, WordList]) -> None:
    group = {"hrv_Latn": lists["eus_Latn"], "srp_Latn": lists["spa_Latn"]}
    mine, both = (
        document("eus_Latn", random.Random(6)),
        f"{OWN['eus_Latn'][0]} {OWN['spa_Latn'][0]} ba",
    )
    batch = block((mine, "bos", "hbs_Latn", "srp_Latn"), (both, "bos", "hbs_Latn", "srp_Latn"))
    kept, _ = word_lists(batch, group, WordListsConfig(lists="x", own_words="rescue"))
    assert kept["language"].to_pylist() == ["hrv", "bos"]
    assert kept["language_group"].to_pylist() == [None, "hbs_Latn"]


def test_labels_come_from_columns(tmp_path: Path) -> None:
    pl.DataFrame({"text": ["a b"], "language": ["eus"], "script": ["Latn"]}).write_parquet(
        tmp_path / "a.parquet"
    )
    pl.DataFrame({"body": ["c"], "label": ["uzn_Cyrl"]}).write_parquet(tmp_path / "b.parquet")
    assert read_labelled([str(tmp_path / "a.parquet")]).rows() == [("a b", "eus_Latn")]
    assert read_labelled([str(tmp_path / "b.parquet")], "body").rows() == [("c", "uzb_Cyrl")]
    (tmp_path / "c.jsonl").write_text('{"text": "a b", "label": "eus_Latn"}\n')
    assert read_labelled([str(tmp_path / "c.jsonl")]).rows() == [("a b", "eus_Latn")]
    (tmp_path / "d.txt").write_bytes("ba\ndago\n".encode("utf-16"))
    with pytest.raises(ValueError, match=r"d\.txt must be Parquet or JSON lines"):
        read_labelled([str(tmp_path / "d.txt")])
    with pytest.raises(ValueError, match="lacks 'text'"):
        read_labelled([str(tmp_path / "b.parquet")])
