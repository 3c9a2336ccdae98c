"""What is counted of found and of made texts: each figure has its right value, and adds up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_cards import statistics
from data_cards.distinct import DistinctCounter, estimate, merge_registers
from data_cards.sections.texts import distinct_documents, percentile
from data_cards.statistics import Asked, measure, merge, with_commonest_hosts
from data_cards.units import find_characters, find_words, hash_units
from schemas.card.statistics import TermCount, TextFigures, TextStatistics
from schemas.document import DOCUMENT

HUNDRED = [f"hitz{number}" for number in range(100)]
ROWS: list[dict[str, Any]] = [
    {"text": "bat bi hiru lau", "url": "https://a.example/1", "date": "2020-05-01"},
    {"text": "bat bi\n hiru lau", "url": "http://ane@A.example.:80/2", "licence": "CC0-1.0"},
    {"text": "bi bat hiru lau", "url": "https://b.example"},
    {"text": " ".join([*HUNDRED[:50], *HUNDRED[:50], "more"]), "url": "none"},
    {"text": "Ella y \u00e9l, ella; bella", "synthetic": True, "date": "2021"},
]


def block(*rows: dict[str, Any]) -> pa.RecordBatch:
    common = {"path": "p", "position": 0, "source": "s", "synthetic": False}
    return pa.RecordBatch.from_pylist(
        [common | {"id": f"{place}"} | row for place, row in enumerate(rows)], schema=DOCUMENT
    )


@pytest.fixture(scope="module")
def measured() -> TextStatistics:
    terms = {
        "feminine": {"spa": ("ella",)},
        "masculine": {"spa_Latn": ("\u00e9l",)},
        "other": {"fra": ("elle",)},
    }
    asked = Asked({"bytes": lambda texts: texts.nbytes, "one": len}, terms)
    return measure(block(*ROWS), "spa_Latn", asked)


def test_found_and_made_texts_are_counted_apart_and_sum_to_the_whole(
    measured: TextStatistics,
) -> None:
    found, made = measured.found, measured.made_texts
    assert (found.documents, made.documents, measured.documents) == (4, 1, 5)
    assert (found.words, made.words, measured.words) == (4 + 4 + 4 + 101, 5, 118)
    assert (found.years, made.years) == ({"2020": 1}, {"2021": 1})
    assert (found.licences, made.licences) == ({"CC0-1.0": 1}, {})
    assert (found.tokens["one"], made.tokens["one"]) == (4, 1)


def test_distinct_documents_words_and_trigrams(measured: TextStatistics) -> None:
    found = measured.found
    assert estimate(found.distinct_documents) == 4
    twice = measure(block(ROWS[0], ROWS[1], ROWS[0]), "spa_Latn").found
    assert estimate(twice.distinct_documents) == 2, "white space tells texts apart"
    assert found.units == 113
    assert estimate(found.distinct_units) == pytest.approx(4 + 50 + 1, rel=0.05)
    assert found.trigrams == 2 + 2 + 2 + 99
    # those of the long text repeat but for the two that reach over its middle, and the last one
    assert estimate(found.distinct_trigrams) == pytest.approx(2 + 2 + 48 + 2 + 1, rel=0.05)


def test_variety_is_of_the_first_hundred_words(measured: TextStatistics) -> None:
    assert (measured.found.opened, measured.found.opening_units) == (1, 50)
    assert (measured.made_texts.opened, measured.made_texts.opening_units) == (0, 0)


def test_hosts_are_counted_without_user_port_and_case(measured: TextStatistics) -> None:
    assert measured.found.hosts == {"a.example": 2, "b.example": 1}
    assert estimate(measured.found.distinct_hosts) == 2
    assert with_commonest_hosts(measured, 1).found.hosts == {"a.example": 2}


def test_terms_are_whole_words_of_the_labels_own_lists(measured: TextStatistics) -> None:
    none = TermCount(documents=0, occurrences=0)
    assert measured.found.terms == {"feminine": none, "masculine": none}
    assert measured.made_texts.terms == {
        "feminine": TermCount(documents=1, occurrences=2),
        "masculine": TermCount(documents=1, occurrences=1),
    }


def test_samples_with_words_of_a_list_are_held_back() -> None:
    rows = [{"text": "un texto"}, {"text": "un texto FEO"}]
    shown = {}
    for hold_back in ((), ("bad",), ("all",)):
        asked = Asked(terms={"bad": {"spa": ("feo",)}}, hold_back=hold_back)
        shown[hold_back] = sorted(s.text for s in measure(block(*rows), "spa_Latn", asked).samples)
    assert shown == {(): ["un texto", "un texto FEO"], ("bad",): ["un texto"], ("all",): []}


def test_lengths_are_rounded_down_to_five_binary_digits() -> None:
    rows = [{"text": "a" * length} for length in (3, 31, 32, 33, 1000)]
    lengths = measure(block(*rows), "eus_Latn").found.lengths
    assert lengths == {3: 1, 31: 1, 32: 2, 992: 1}
    assert [percentile(lengths, percent) for percent in (5, 50, 95)] == [3, 32, 992]


def test_no_more_documents_are_distinct_than_there_are(measured: TextStatistics) -> None:
    registers = measured.found.distinct_documents  # of four
    few, many = (TextFigures(documents=n, distinct_documents=registers) for n in (1, 9))
    assert [distinct_documents(parts) for parts in ([few], [few, few], [many])] == [1, 2, 4]


def test_parts_in_any_order_add_up_to_the_whole(measured: TextStatistics) -> None:
    whole = measure(block(*ROWS), "spa_Latn").model_dump(exclude={"samples"})
    rows = [row | {"id": f"{place}"} for place, row in enumerate(ROWS)]
    parts = [measure(block(row), "spa_Latn") for row in reversed(rows)]
    assert merge(parts).model_dump(exclude={"samples"}) == whole


UNITS = {
    "tha: code points where words are not spaced": (find_characters, "\u0e01 \u0e34\u3000a", 3),
    "amh: wordspace parts words": (find_words, "\u1230\u1361\u1208", 2),
    "fra: a narrow blank parts, and a mark alone is no word": (find_words, "a\u202f! b", 2),
    "ff: letters beyond the first plane": (find_words, "(\U0001e900) \U0001f600", 1),
    "c0: a file separator is none of Unicode's white space": (find_words, "a\x1cb", 1),
    "none": (find_words, " -- ", 0),
}


@pytest.mark.parametrize(("find", "text", "units"), UNITS.values(), ids=UNITS.keys())
def test_units(find: Any, text: str, units: int) -> None:
    texts = pa.array(["x", text, "x"], pa.large_string())
    assert find(texts).documents.tolist() == [0, 1, 1 + units, 2 + units]
    assert find(texts.slice(1, 1)).documents.tolist() == [0, units]


# letters, digits, marks, punctuation and white space of one to four bytes, of several planes
MIXED = st.text(
    "a9!\n\xa0\xd7\xe9\u0301\u0915\u093e\u1361\u2003\u2019\u4e00"
    "\U0001d7ce\U0001e900\U0001f600\U00020000\U000e0041\U0010fffd"
)


@given(st.lists(MIXED, min_size=1, max_size=4))
def test_units_are_the_words_that_are_counted(texts: list[str]) -> None:
    figures = measure(block(*({"text": text} for text in texts)), "eus_Latn").found
    assert figures.units == figures.words


def test_units_are_told_apart_whatever_their_length() -> None:
    words = [*("a" * n for n in range(1, 33)), "b" + "a" * 31, "a" * 31 + "b", "a" * 15 + "b" * 2]
    hashes = hash_units(find_words(pa.array([" ".join(words)] * 2, pa.large_string())))
    assert len(np.unique(hashes)) == len(words)


def test_a_text_of_many_pieces_has_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": " ".join(HUNDRED)}, {"text": "\u00e9" * 999}]
    monkeypatch.setattr(statistics, "_PIECE_BYTES", 100)
    pieces = measure(block(*rows), "eus_Latn").found
    assert (pieces.words, pieces.sampled) == (101, 2)
    assert pieces.units == 100 + 20, "a word of 1,998 bytes is cut into 20"


def test_units_are_those_of_the_documents_with_the_smallest_keys() -> None:
    rows = block(*({"text": f"bat {place}"} for place in range(4000)))
    whole, sample = (
        measure(rows, "eus_Latn", asked).found for asked in (Asked(), Asked().of_file(4000))
    )
    assert (whole.sampled, whole.units) == (4000, 8000)
    assert sample.sampled == pytest.approx(4000 / 64, rel=0.4)
    assert (sample.units, sample.words) == (2 * sample.sampled, 8000)
    assert Asked().of_file(8).unit_share == 1
    assert Asked().of_file(16).unit_share == 0.5


@pytest.mark.parametrize("values", [1, 100, 3000, 200_000])
def test_estimates_are_within_four_standard_errors_and_add_up(values: int) -> None:
    hashes = np.random.default_rng(values).integers(0, 1 << 64, values, np.uint64, endpoint=False)
    counters = [DistinctCounter() for _ in range(3)]
    for counter, part in zip(counters, (hashes, hashes[::2], hashes[1::2]), strict=True):
        counter.add(part)
    whole, *parts = (counter.registers() for counter in counters)
    assert merge_registers(parts) == merge_registers([whole, ""]) == whole
    assert abs(estimate(whole) - values) <= 4 * 0.023 * values
