"""Words and phrases that stand for each other, learned from sentence pairs."""

from __future__ import annotations

import itertools
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.engines.engine import parse_direction
from stages.synthesis.strategies.word_tables import read_pairs
from stages.translation.alignment import MAX_WORDS, learn_table, read_sentences, write_table

# Basque puts the verb last and the article behind the noun; English does not.
NOUNS = {"etxea": "house", "mendia": "mountain", "liburua": "book", "ibaia": "river"}
ADJECTIVES = {"handia": "big", "zaharra": "old", "polita": "pretty"}
VERBS = {"ikusi": "saw", "aurkitu": "found", "margotu": "painted"}


def sentence_pairs() -> tuple[pl.Series, pl.Series]:
    own, other = [], []
    for noun, adjective, verb in itertools.product(NOUNS, ADJECTIVES, VERBS):
        plain = noun.removesuffix("a")
        own.append(f"Atzo {plain} {adjective} {verb} zuen.")
        other.append(f"Yesterday she {VERBS[verb]} the {ADJECTIVES[adjective]} {NOUNS[noun]}.")
    return pl.Series(own), pl.Series(other)


def table(own: pl.Series, other: pl.Series) -> dict[str, str]:
    found = learn_table(own, other)
    return dict(zip(found["source"], found["target"], strict=True))


def test_words_are_found_whatever_their_order() -> None:
    found = table(*sentence_pairs())
    words = (
        {noun.removesuffix("a"): english for noun, english in NOUNS.items()} | ADJECTIVES | VERBS
    )
    assert {word: found.get(word) for word in words if len(word) >= 4} == {
        word: english for word, english in words.items() if len(word) >= 4
    }


def test_phrases_in_the_same_order_are_entries_and_others_are_none() -> None:
    """Galician and Spanish have one order."""
    nouns = {"casa": "casa", "rapaza": "chica", "ponte": "puente", "rua": "calle"}
    adjectives = {"vella": "vieja", "branca": "blanca", "pequena": "peque\u00f1a"}
    both = list(itertools.product(nouns, adjectives, ("vin", "pintei")))
    own = pl.Series(
        [f"onte {verb} a {noun} {adjective} no monte" for noun, adjective, verb in both]
    )
    spanish = {"vin": "vi", "pintei": "pint\u00e9"}
    other = pl.Series(
        [f"ayer {spanish[v]} la {nouns[n]} {adjectives[a]} en el cerro" for n, a, v in both]
    )
    found = table(own, other)
    assert found["vella"] == "vieja"
    assert (found["rapaza"], found["ponte"]) == ("chica", "puente")
    assert found["pintei a"] == "pint\u00e9 la"
    assert (found["onte"], found["monte"]) == ("ayer", "cerro"), "in all sentences: by their places"
    assert "casa" not in found, "what is spelled alike in both is no entry"
    basque = table(*sentence_pairs())
    assert "etxe handia" not in basque, "the words of these stand the other way round"


def test_the_same_pairs_give_the_same_table_in_any_order() -> None:
    own, other = sentence_pairs()
    assert (
        learn_table(own, other)
        .sort("source")
        .equals(learn_table(own.reverse(), other.reverse()).sort("source"))
    )


def test_rare_words_and_long_sentences_are_left_out() -> None:
    own, other = sentence_pairs()
    long = " ".join(f"hitz{n}" for n in range(MAX_WORDS + 1))
    found = table(
        pl.concat([own, pl.Series(["elefantea etorri zen", long, long, long])]),
        pl.concat([other, pl.Series(["the elephant came", long, long, long])]),
    )
    assert "elefantea" not in found
    assert not any(word.startswith("hitz") for word in found)


@pytest.mark.parametrize("sentences", [[], ["", "..."], ["12", "34"]])
def test_sentences_without_words_are_refused(sentences: list[str]) -> None:
    empty = pl.Series(sentences, dtype=pl.String)
    with pytest.raises(ValueError, match="must hold words"):
        learn_table(empty, empty)


def write_pairs(path: Path, rows: list[tuple[str, str, str, str, str | None]]) -> str:
    names = ("source_language", "target_language", "source", "target", "reason")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(
        pa.table({name: pa.array(own, pa.string()) for name, own in columns.items()}), path
    )
    return str(path)


def test_pairs_of_both_directions_are_read_and_rejected_ones_are_not(tmp_path: Path) -> None:
    rows = [
        ("eus_Latn", "eng_Latn", "etxea", "house", None),
        ("eng_Latn", "eus_Latn", "mountain", "mendia", None),
        ("eus_Latn", "eng_Latn", "liburua", "boook", "wrong_language"),
        ("eus_Latn", "spa_Latn", "ibaia", "r\u00edo", None),
        ("eus_Latn", "eng_Latn", "etxea", "house", None),
    ]
    own, other = read_sentences(
        [write_pairs(tmp_path / "a.parquet", rows)], parse_direction("eus_Latn -> eng_Latn")
    )
    assert list(zip(own, other, strict=True)) == [("etxea", "house"), ("mendia", "mountain")]


def test_files_and_languages_that_cannot_be_aligned_are_told(tmp_path: Path) -> None:
    way = parse_direction("eus_Latn -> eng_Latn")
    path = write_pairs(tmp_path / "a.parquet", [("eus_Latn", "spa_Latn", "a", "b", None)])
    with pytest.raises(ValueError, match="no sentence pairs of eus_Latn -> eng_Latn"):
        read_sentences([path], way)
    with pytest.raises(ValueError, match="words of tha_Thai are not spaced"):
        read_sentences([path], parse_direction("eus_Latn -> tha_Thai"))
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet"):
        read_sentences([str(tmp_path / "b.parquet")], way)
    (tmp_path / "c.parquet").write_text("no Parquet")
    with pytest.raises(ValueError, match=r"c\.parquet"):
        read_sentences([str(tmp_path / "c.parquet")], way)


def test_a_table_is_one_that_code_switching_takes(tmp_path: Path) -> None:
    learned = learn_table(*sentence_pairs())
    write_table(learned, tmp_path / "table.tsv")
    taken = read_pairs(str(tmp_path / "table.tsv"))
    assert taken == dict(zip(learned["source"], learned["target"], strict=True))
