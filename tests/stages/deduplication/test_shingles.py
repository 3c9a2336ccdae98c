"""Shingles: what a unit is in each script, what separates units, and that every hash is what it
always was."""

from __future__ import annotations

import tracemalloc
import unicodedata

import gflanguages
import numpy as np
import pyarrow as pa
import pytest
import regex  # type: ignore[import-untyped, unused-ignore]
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import SchemaError
from stages.deduplication import shingles
from stages.deduplication.shingles import shingle_hashes
from stages.keys import mix64
from stages.segmentation import LOOKED_UP

WORDS, GRAPHEMES = 3, 4


def hashes_of(*texts: str, words: int = WORDS, graphemes: int = GRAPHEMES) -> list[list[int]]:
    batch = pa.record_batch({"text": pa.array(texts, pa.large_string())})
    found = shingle_hashes(batch, words, graphemes)
    assert found.hashes.dtype == np.uint64
    assert len(found.offsets) == len(texts) + 1
    return [part.tolist() for part in np.split(found.hashes, found.offsets[1:-1])] if texts else []


def units_of(text: str) -> list[int]:
    [units] = hashes_of(text, words=1, graphemes=1)
    return units


UNITS = {
    "eus: punctuation and white space separate words": (
        "Kaixo,\tmundua! (bai)",
        ["Kaixo", "mundua", "bai"],
    ),
    "eus: digits are words": ("3 urte 2024an", ["3", "urte", "2024an"]),
    "deu: soft hyphens are invisible": ("Donau\u00addampf", ["Donaudampf"]),
    "eng: an ordinary hyphen separates": ("well-known", ["well", "known"]),
    "fas: the zero-width non-joiner is spelling": ("\u0645\u06cc\u200c\u0631\u0648\u062f", None),
    "uzb: the modifier letter of o\u02bb is a letter": (
        "o\u02bbzbek tili",
        ["o\u02bbzbek", "tili"],
    ),
    "yor: tone and underdot belong to their letter": ("\u1ecd\u0301j\u1ecd\u0301 m\u00e9je", None),
    "hin: vowel signs and virama belong to the word": (
        "\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e",
        None,
    ),
    "tha: each consonant with its signs is a unit": (
        "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22",
        ["\u0e20", "\u0e32", "\u0e29", "\u0e32", "\u0e44", "\u0e17", "\u0e22"],
    ),
    "tha: sara am belongs to its consonant": (
        "\u0e19\u0e49\u0e33\u0e15\u0e32",
        ["\u0e19\u0e49\u0e33", "\u0e15", "\u0e32"],
    ),
    "lao: sara am belongs to its consonant": ("\u0e99\u0ec9\u0eb3", ["\u0e99\u0ec9\u0eb3"]),
    "khm: coeng stacks the next consonant": (
        "\u1781\u17d2\u1798\u17c2\u179a",
        ["\u1781\u17d2\u1798\u17c2", "\u179a"],
    ),
    "khm: the zero-width space separates": ("\u1780\u200b\u1781", ["\u1780", "\u1781"]),
    "mya: asat ends a syllable and does not stack": (
        "\u1000\u103a\u1000",
        ["\u1000\u103a", "\u1000"],
    ),
    "mya: virama stacks": ("\u1000\u1039\u1000", ["\u1000\u1039\u1000"]),
    "mya: visarga stays with its consonant": ("\u1000\u1038\u1001", ["\u1000\u1038", "\u1001"]),
    "jav: pangkon stacks": ("\ua98f\ua9c0\ua98f\ua98f", ["\ua98f\ua9c0\ua98f", "\ua98f"]),
    "ban: adeg adeg stacks": ("\u1b13\u1b44\u1b13\u1b13", ["\u1b13\u1b44\u1b13", "\u1b13"]),
    "sun: Sundanese is spaced": ("\u1b9e\u1ba5 \u1b9e\u1b9e", ["\u1b9e\u1ba5", "\u1b9e\u1b9e"]),
    "bod: tsheg separates syllables": (
        "\u0f56\u0f7c\u0f51\u0f0b\u0f61\u0f72\u0f42\u0f0d",
        ["\u0f56\u0f7c\u0f51", "\u0f61\u0f72\u0f42"],
    ),
    "jpn: the length mark and voicing belong to Kana": (
        "\u30b3\u30fc\u30d2\u30fc\u304b\u3099",
        ["\u30b3", "\u30fc", "\u30d2", "\u30fc", "\u304c"],
    ),
    "kor: Hangul is spaced": ("\ud55c\uad6d\uc5b4 \ub9d0", ["\ud55c\uad6d\uc5b4", "\ub9d0"]),
    "zho: each letter of Han is a unit, full-width punctuation separates": (
        "\u4e2d\u6587\uff0c\u6587",
        ["\u4e2d", "\u6587", "\u6587"],
    ),
    "jpn: Latin words within Han stay words": (
        "\u4e2dPython3\u6587",
        ["\u4e2d", "Python3", "\u6587"],
    ),
    "tha: a Latin word behind a tone mark is a word of its own": (
        "\u0e01\u0e48abc\u0e01",
        ["\u0e01\u0e48", "abc", "\u0e01"],
    ),
    "emoji and their selectors are no units": ("\u2764\ufe0f \U0001f469\u200d\U0001f33e", []),
    "private use letters are letters": ("\ue000\ue001", ["\ue000\ue001"]),
}


@pytest.mark.parametrize(("text", "expected"), UNITS.values(), ids=UNITS.keys())
def test_units(text: str, expected: list[str] | None) -> None:
    """A unit in a text has the hash of that unit standing alone; null: as separated by spaces."""
    assert units_of(text) == [
        units_of(unit)[0] for unit in (text.split(" ") if expected is None else expected)
    ]


SAME = {
    "yor: composed and decomposed": ("\u1ecd\u0301", "o\u0323\u0301", True),
    "yor: marks in another order": ("o\u0301\u0323", "o\u0323\u0301", True),
    "yor: underdot typed behind the letter with its tone": ("\u00e9\u0323", "\u1eb9\u0301", True),
    "vie: dot below typed behind the letter with its hat": ("\u00e2\u0323", "\u1ead", True),
    "yor: another tone is another word": ("\u00e8d\u00e8", "\u00e9d\u00e9", False),
    "div: another vowel sign is another word": ("\u0788\u07a8", "\u0788\u07a6", False),
    "tel: another vowel sign is another word": ("\u0c15\u0c3f", "\u0c15\u0c3e", False),
    "ces: c with caron, composed and decomposed": ("\u010d", "c\u030c", True),
    "kor: conjoining jamo compose": ("\ud55c", "\u1112\u1161\u11ab", True),
    "tur: dotted capital I": ("\u0130zmir", "izmir", True),
    "tur: dotless i is another letter": ("\u0131z", "iz", False),
    "ell: final sigma": ("\u03c3\u03bf\u03c6\u03cc\u03c2", "\u03a3\u039f\u03a6\u038c\u03a3", True),
    "kat: Mtavruli capitals": ("\u10e5\u10d0", "\u1ca5\u1c90", True),
    "fas: with and without the non-joiner": (
        "\u0645\u06cc\u200c\u0631",
        "\u0645\u06cc\u0631",
        False,
    ),
    "rus: Cyrillic a is not Latin a": ("\u0430", "a", False),
    "letters in another order": ("ab", "ba", False),
}


@pytest.mark.parametrize(("left", "right", "same"), SAME.values(), ids=SAME.keys())
def test_same_unit(left: str, right: str, same: bool) -> None:
    assert (units_of(left) == units_of(right)) is same


@pytest.mark.parametrize(
    "code",
    [
        "th_Thai",
        "lo_Laoo",
        "km_Khmr",
        "my_Mymr",
        "ja_Jpan",
        "yue_Hant",
        "jv_Java",
        "ban_Bali",
        "kkh_Lana",
        "ii_Yiii",
    ],
)
def test_clusters_are_those_of_uax_29(code: str) -> None:
    """On real text, against the extended grapheme clusters of `regex`, but for marks and stacked
    vowels."""
    sample = gflanguages.LoadLanguages()[code].sample_text
    text = unicodedata.normalize(
        "NFC", "\n".join((sample.specimen_48, sample.specimen_36, sample.specimen_16))
    )
    text = regex.sub(r"[\p{Cf}--[\u200b\u200c\u200d]]", "", text, flags=regex.V1)
    words = regex.split(r"[\p{P}\p{S}\p{Z}\p{Cc}\u200b]+", text)
    unspaced = regex.compile(
        r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Tham}\p{Javanese}\p{Balinese}\p{Yi}\p{Han}\p{Hira}\p{Kana}\u30fc]"
    )
    clusters: list[str] = []
    for word in words:
        pieces = regex.findall(r"\X", word) if unspaced.search(word) else [word]
        for position, piece in enumerate(pieces):
            before = pieces[position - 1] if position else "\u1000"
            alone = regex.match(r"\p{M}", piece) or before.endswith("\ua9c0")
            if alone or not unspaced.search(before + piece):
                clusters[-1] += piece
            elif piece:
                clusters.append(piece)
    found = units_of(text)
    assert len(clusters) > 100
    assert len(found) == len(clusters)
    folded = [cluster.casefold() for cluster in clusters]
    assert len(set(zip(found, folded, strict=True))) == len(set(found)) == len(set(folded))


def reference(text: str, words: int = WORDS, graphemes: int = GRAPHEMES) -> list[tuple[str, ...]]:
    """Make the shingles of a text of Latin words and Han letters, apart from all arrays."""
    units = regex.findall(r"[a-z0-9]+|\p{Han}", text.lower())
    lengths = [graphemes if regex.match(r"\p{Han}", unit) else words for unit in units]
    made = [
        tuple(units[start : start + length])
        for start, length in enumerate(lengths)
        if start + length <= len(units)
    ]
    return made or ([tuple(units)] if units else [])


TEXTS = st.lists(st.text(st.sampled_from("aB1 \u4e2d\u6587,\n"), max_size=40), max_size=8)


@settings(deadline=None)
@given(TEXTS, st.integers(0, 3))
def test_windows_as_one_would_write_them(texts: list[str], offset: int) -> None:
    batch = pa.record_batch(
        {"text": pa.array(["x y z w"] * offset + texts, pa.large_string())}
    ).slice(offset)
    made = shingle_hashes(batch, WORDS, GRAPHEMES)
    expected = [reference(text) for text in texts]
    assert np.diff(made.offsets).tolist() == list(map(len, expected))
    flat = [shingle for text in expected for shingle in text]
    pairs = set(zip(flat, made.hashes.tolist(), strict=True))
    assert len(pairs) == len(set(flat)) == len(set(made.hashes.tolist()))


@settings(deadline=None)
@given(TEXTS)
def test_a_text_has_the_same_shingles_in_any_company(texts: list[str]) -> None:
    assert hashes_of(*texts) == [hashes_of(text)[0] for text in texts]


@pytest.mark.parametrize(
    "later", ["\U0001611e\U0001611f", "\u0628\u0897\u0651", "\U00016d63\U00016d67"]
)
def test_letters_of_a_later_unicode_are_the_same_in_any_company(later: str) -> None:
    """Gurung Khema and Kirat Rai vowels, and Arabic pepet (Pegon), all of Unicode 16."""
    other = "e\u0301\u0323 \u0e01"  # has to be composed, and cut by code points
    assert hashes_of(later) == hashes_of(f"{later} \u200d") == hashes_of(later, other)[:1]
    assert units_of(f"{later} {other}")[:1] == units_of(later)


@settings(deadline=None)
@given(
    text=st.text(st.sampled_from("aB1 \u4e2d\u0301\u00ad\n"), min_size=64, max_size=400),
    spaced=st.booleans(),
)
def test_a_long_text_is_cut_without_a_trace(text: str, spaced: bool) -> None:
    """Pieces of 16 bytes against one piece; a run of letters of 16 bytes may be cut, so there are
    none here."""
    text = " ".join(regex.findall(r".{1,5}", text, regex.DOTALL))
    whole = hashes_of(text, "a b")
    original = shingles._PIECE_BYTES
    try:
        shingles._PIECE_BYTES = 16
        assert hashes_of(text, "a b") == whole
    finally:
        shingles._PIECE_BYTES = original


FEW = {
    "empty": ("", 0),
    "white space": (" \n\t", 0),
    "punctuation alone": ("... !? \u3002", 0),
    "one word": ("kaixo", 1),
    "as many words as a shingle": ("a b c", 1),
    "one more": ("a b c d", 2),
    "one letter of Han": ("\u4e2d", 1),
    "a lone combining mark": ("\u0301", 1),
}


@pytest.mark.parametrize(("text", "count"), FEW.values(), ids=FEW.keys())
def test_short_texts_are_compared_whole(text: str, count: int) -> None:
    assert len(hashes_of(text)[0]) == count


def test_a_short_text_is_not_a_part_of_a_longer_one() -> None:
    short, longer = hashes_of("a b", "a b c d")
    assert not set(short) & set(longer)


def test_text_in_another_script_changes_no_shingle() -> None:
    alone, mixed = hashes_of("a b c d", "a b c d \u4e2d\u6587\u4e2d\u6587\u6587")
    assert set(alone) < set(mixed)


def test_known_answers() -> None:
    """These hashes are stored in indexes: they never change."""
    assert mix64(np.array([1, 2**64 - 1], np.uint64)).tolist() == [
        6238072747940578789,
        13029008266876403067,
    ]
    assert hashes_of("Kaixo mundua", "\u4e2d\u6587", "a b c d") == [
        [10106915242050221461],
        [9683355780847193263],
        [14950312104638087461, 92376489726911894],
    ]


def mixed(value: int) -> int:
    """Scramble as SplitMix64 does, in Python's integers."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = (value ^ value >> shift) * factor % (1 << 64)
    return value ^ value >> 31


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "zortzi12",
        "bederatzi",
        "Donaudampfschifffahrtsgesellschaft",
        "\u0415\u0432\u0440\u043e\u043f\u0430",
        "\u4e2d",
    ],
)
def test_a_shingle_as_one_would_compute_it(unit: str) -> None:
    """Blocks of eight bytes of folded UTF-8, scrambled with their places; units times a factor for
    theirs."""
    folded, golden = unit.lower().encode(), 0x9E3779B97F4A7C15
    blocks = [
        int.from_bytes(folded[start : start + 8], "little") for start in range(0, len(folded), 8)
    ]
    made = sum(mixed((block + golden * place) % (1 << 64)) for place, block in enumerate(blocks, 1))
    assert units_of(unit) == [made * (mixed(golden) | 1) % (1 << 64)]
    assert units_of(f"{unit} \u4e2d")[0] == units_of(unit)[0], "cut another way"


@pytest.mark.parametrize("text", ["kaixo mundua ", "\u0e01\u0e32", "\u1e0b\u0323", "a"])
def test_memory_beside_the_result_does_not_grow_with_the_text(text: str) -> None:
    """A document of 8 MB; joining the pieces' results takes the result's size once more."""
    batch = pa.record_batch(
        {"text": pa.array([text * (8_000_000 // len(text.encode()))], pa.large_string())}
    )
    hashes_of("a")  # the tables are made
    tracemalloc.start()
    try:
        made = shingle_hashes(batch, 5, 8)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(made.hashes) > 10, "many pieces"
    assert peak < 2 * made.hashes.nbytes + (16 << 20)


RULED = [chr(c) for c in np.flatnonzero(shingles._tables().ways >= shingles._RULED).tolist()]
COMPOSED = [chr(c) for c in range(0x110000) if len(unicodedata.normalize("NFD", chr(c))) > 1]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.sampled_from([*RULED, *"a\u0b47\u0d46\u1100\u1112"]) | st.sampled_from(COMPOSED),
        max_size=12,
    )
)
def test_any_text_is_compared_in_nfc(letters: list[str]) -> None:
    text = "".join(letters)
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert hashes_of(text) == hashes_of(composed) == hashes_of(decomposed)


def test_every_pair_that_composes_is_composed() -> None:
    pairs = [unicodedata.normalize("NFD", letter) for letter in COMPOSED]
    changed = [pair for pair in pairs if unicodedata.normalize("NFC", pair) != pair]
    assert len(changed) > 12_000
    assert_compared_in_nfc(changed)


def test_marks_compose_past_those_that_a_letter_is_composed_of() -> None:
    letters = [
        letter
        for letter in COMPOSED
        if unicodedata.is_normalized("NFC", letter) and letter < "\uac00"
    ]
    texts = [letter + mark for letter in letters for mark in RULED if unicodedata.combining(mark)]
    changed = [text for text in texts if unicodedata.normalize("NFC", text) != text]
    assert len(changed) > 2_000
    assert_compared_in_nfc(changed)


def assert_compared_in_nfc(texts: list[str]) -> None:
    """Each beside a longer text that needs no look, or all would be composed as soon as one of them
    has to be."""
    beside = [part for text in texts for part in (text, "neither capitals nor marks")]
    assert hashes_of(*beside)[::2] == hashes_of(
        *(unicodedata.normalize("NFC", text) for text in texts)
    )


@pytest.mark.parametrize(
    "code",
    [
        "bn_Beng",
        "hi_Deva",
        "ta_Taml",
        "ml_Mlym",
        "or_Orya",
        "si_Sinh",
        "my_Mymr",
        "bo_Tibt",
        "he_Hebr",
        "el_Grek",
    ],
)
def test_a_text_in_nfc_is_not_composed_again(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though each of these languages writes marks that would compose with other letters, or have an
    order."""
    sample = gflanguages.LoadLanguages()[code].sample_text
    text = unicodedata.normalize(
        "NFC", "\n".join((sample.specimen_48, sample.specimen_36, sample.specimen_16))
    )
    whole = hashes_of(text)
    monkeypatch.setattr(shingles, "_composed", lambda *_: pytest.fail("composed again"))
    assert hashes_of(text) == whole
    with pytest.raises(pytest.fail.Exception, match="composed again"):
        hashes_of(f"{text} o\u0302")


@pytest.mark.parametrize("joined", ["", "\u4e2d"], ids=["cut as bytes", "cut as code points"])
def test_all_of_ascii_is_cut_by_its_categories(joined: str) -> None:
    """All 128 characters, each between two letters, in capitals and in small."""
    for character in map(chr, range(128)):
        inside = unicodedata.category(character)[0] in "LN"
        words = [f"a{character}b".casefold()] if inside else ["a", "b"]
        units = units_of(f"A{character}B{joined}")
        assert units[: len(words)] == [units_of(word)[0] for word in words], ascii(character)
        assert len(units) == len(words) + len(joined)


def test_what_is_not_looked_up_is_a_letter_without_case_and_marks() -> None:
    looked_up = {c for start, stop in LOOKED_UP for c in range(start, stop)}
    others = [chr(c) for c in range(0x110000) if c not in looked_up and not 0xE0000 <= c < 0xE1000]
    assert {unicodedata.category(other) for other in others} == {"Lo", "Cn", "Co"}
    assert not any(map(unicodedata.combining, others))
    assert not any(other.casefold() != other for other in others)
    assert not any(unicodedata.normalize("NFC", other) != other for other in others)


def test_schema() -> None:
    with pytest.raises(SchemaError, match="'text' is missing"):
        shingle_hashes(pa.record_batch({"id": pa.array(["a"])}), 5, 10)


def test_no_documents() -> None:
    assert hashes_of() == []


@pytest.mark.parametrize("share", [0, 0.01, 0.03, 0.04, 0.09, 0.1, 0.11, 0.5, 1])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 999])
def test_places_are_those_of_marks_however_many_are_set(share: float, count: int) -> None:
    marks = np.random.default_rng(count).random(count) < share
    assert shingles._places(marks).tolist() == [n for n in range(count) if marks[n]]
