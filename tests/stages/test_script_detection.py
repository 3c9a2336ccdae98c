"""Scripts are counted by code point over a block, and named as gold labels name them."""

from __future__ import annotations

import unicodedata

import gflanguages
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import script_detection
from stages.script_detection import (
    by_content,
    count_mixed_words,
    count_scripts,
    detect_scripts,
    main_scripts,
    script_table,
    unusual_scripts,
    utf8_bytes,
)

FACTS = {
    "eus: Latin": ("Kaixo mundua", "Latn"),
    "uzb: Cyrillic": ("\u0421\u0430\u043b\u043e\u043c \u0434\u0443\u043d\u0451", "Cyrl"),
    "bod: Tibetan": ("\u0f56\u0f7c\u0f51\u0f0b\u0f61\u0f72\u0f42", "Tibt"),
    "khm: Khmer": ("\u1781\u17d2\u1798\u17c2\u179a", "Khmr"),
    "uig: Arabic": ("\u0626\u06c7\u064a\u063a\u06c7\u0631", "Arab"),
    "jpn: Han with Kana is Japanese": ("\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3067\u3059", "Jpan"),
    "jpn: Katakana alone is Japanese": ("\u30ab\u30bf\u30ab\u30ca", "Jpan"),
    "zho: one Kana quoted in thirty letters of Han stays Chinese": (
        "\u7684\u4e00\u662f\u4eba\u6211\u5728" * 5 + "\u306e",
        "Hani",
    ),
    "zho: simplified letters": ("\u6211\u4eec\u8bf4\u6c49\u8bed", "Hans"),
    "zho: traditional letters": ("\u6211\u5011\u8aaa\u6f22\u8a9e", "Hant"),
    "zho: letters that both sides share": ("\u4e2d\u6587", "Hani"),
    "kor: Hangul": ("\ud55c\uad6d\uc5b4", "Kore"),
    "kor: Hangul with Han": (
        "\u5927\u97d3\u6c11\u570b\uc740 \ubbfc\uc8fc\uacf5\ud654\uad6d\uc774\ub2e4",
        "Kore",
    ),
    "kat: Georgian, Mkhedruli": ("\u10e5\u10d0\u10e0\u10d7\u10e3\u10da\u10d8", "Geor"),
    "yor: accents belong to their letters": ("o\u0323\u0300\u0301 o\u0323\u0300\u0301", "Latn"),
    "more Latin than Cyrillic letters": ("abcd \u0430\u0431", "Latn"),
    "equal shares: first in the alphabet": ("ab\u0430\u0431", "Cyrl"),
    "numbers have no script": ("12 345,67", "Zyyy"),
    "emoji have no script": ("\U0001f600\U0001f389", "Zyyy"),
    "empty": ("", "Zyyy"),
    "NUL": ("\x00", "Zyyy"),
    "unassigned and private use": ("\ue000\u0378", "Zyyy"),
}


@pytest.mark.parametrize(("text", "script"), FACTS.values(), ids=FACTS.keys())
def test_main_script(text: str, script: str) -> None:
    assert detect_scripts(pa.array([text], pa.large_string())).to_pylist() == [script]


def test_samples_of_gflanguages_are_in_the_script_of_their_gold_label() -> None:
    samples = {
        key: language.sample_text.tester
        for key, language in gflanguages.LoadLanguages().items()
        if language.sample_text.tester
    }
    found = detect_scripts(pa.array(list(samples.values()), pa.large_string())).to_pylist()
    gold = [
        language.script for key, language in gflanguages.LoadLanguages().items() if key in samples
    ]
    wrong = {
        key: script
        for key, script, label in zip(samples, found, gold, strict=True)
        if script != label
    }
    # Labels finer than Unicode's property, or a choice between names of one writing.
    assert wrong == {
        "ka_Geok": "Geor",  # Khutsuri letters have the script property Georgian
        "vi_Hani": "Hant",
        "yue_Hani": "Hant",
        "ja_Hira": "Jpan",
        "ja_Kana": "Jpan",
    }


def test_table_agrees_with_the_names_of_letters() -> None:
    codes, table = script_table()
    prefixes = {
        "CYRILLIC": "Cyrl",
        "GREEK": "Grek",
        "ETHIOPIC SYLLABLE": "Ethi",
        "THAI CHARACTER": "Thai",
        "NKO": "Nkoo",
    }
    for point in range(0x3000):
        name = unicodedata.name(chr(point), "")
        for prefix, code in prefixes.items():
            if name.startswith(prefix + " ") and unicodedata.category(chr(point)) in (
                "Ll",
                "Lu",
                "Lo",
            ):
                assert codes[table[point]] == code, name


@given(st.lists(st.text(max_size=30), max_size=8))
def test_counts_are_those_of_each_text_alone(texts: list[str]) -> None:
    together = count_scripts(pa.array(texts, pa.large_string()))
    for position, text in enumerate(texts):
        alone = count_scripts(pa.array([text], pa.large_string()))
        expected = {s: int(alone.of(s)[0]) for s in together.scripts}
        assert {s: int(together.of(s)[position]) for s in together.scripts} == expected
        assert together.code_points[position] == len(text)
    assert detect_scripts(pa.array(texts, pa.large_string())).to_pylist() == main_scripts(
        by_content(together)
    )


@given(st.lists(st.text(max_size=20), min_size=1, max_size=6), st.integers(4, 9))
def test_the_size_of_the_pieces_does_not_matter(texts: list[str], size: int) -> None:
    whole = count_scripts(pa.array(texts, pa.large_string()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script_detection, "_CHUNK_BYTES", size)
        pieces = count_scripts(pa.array(texts, pa.large_string()))
    assert sorted(pieces.scripts) == sorted(whole.scripts)
    assert np.array_equal(pieces.code_points, whole.code_points)
    assert np.array_equal(pieces.counts, whole.counts)


def test_sliced_and_narrow_arrays_are_read_from_their_place() -> None:
    texts = pa.array(["abc", "\u0430\u0431", "\u05d0", ""])
    assert detect_scripts(texts.slice(1, 2)).to_pylist() == ["Cyrl", "Hebr"]
    assert detect_scripts(pa.array([None, "abc"], pa.large_string())).to_pylist() == [
        "Zyyy",
        "Latn",
    ]
    data, offsets = utf8_bytes(texts.slice(1, 1))
    assert bytes(data[offsets[0] : offsets[1]]).decode() == "\u0430\u0431"


def test_shares_of_each_script_sum_to_one() -> None:
    found = count_scripts(
        pa.array(["ab \u0430\u0431\u0432\u0433\u0434\u0435", "12 !", "\u05d0"], pa.large_string())
    )
    assert found.scripts == ("Cyrl", "Hebr", "Latn")
    assert found.shares.tolist() == [[0.75, 0.0, 0.25], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


MIXED = {
    "eus: a Cyrillic letter in a Latin word": ("k\u0430ixo mundua", 2, 1),
    "rus: scripts in neighbouring words do not mix": ("IT-\u043e\u0442\u0434\u0435\u043b", 2, 0),
    "jpn: Han, Kana and Hiragana are one writing": (
        "\u65e5\u672c\u306e\u30c6\u30ec\u30d3 \u3067\u3059",
        2,
        0,
    ),
    "kor: Hangul and Han are one writing": ("\u5927\u97d3\ubbfc\uad6d", 1, 0),
    "jpn: Latin in a Japanese word mixes": ("T\u30b7\u30e3\u30c4", 1, 1),
    "yor: marks belong to their letters": ("o\u0323\u0301o\u0323\u0300", 1, 0),
    "haw: the okina has no script": ("Hawai\u02bbi", 1, 0),
    "fas: a joiner ends no word of two scripts": ("\u0645\u06cc\u200c\u0631\u0648\u062f", 2, 0),
    "a formula mixes": ("\u0394t 5\u03bcm", 2, 2),
    "numbers are no words": ("12 345", 0, 0),
    "empty": ("", 0, 0),
}


@pytest.mark.parametrize(("text", "words", "mixed"), MIXED.values(), ids=MIXED.keys())
def test_mixed_words(text: str, words: int, mixed: int) -> None:
    found = count_mixed_words(pa.array(["x", text, "", text], pa.large_string()))
    assert found.words.tolist() == [1, words, 0, words]
    assert found.mixed.tolist() == [0, mixed, 0, mixed]


@given(
    st.lists(st.text("ab\u0430\u0431\u0301 \n.", max_size=20), min_size=1, max_size=6),
    st.integers(8, 20),
)
def test_mixed_words_do_not_depend_on_the_pieces(texts: list[str], size: int) -> None:
    spaced = [" ".join(text[i : i + 3] for i in range(0, len(text), 3)) for text in texts]
    whole = count_mixed_words(pa.array(spaced, pa.large_string()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script_detection, "_CHUNK_BYTES", size)
        pieces = count_mixed_words(pa.array(spaced, pa.large_string()))
    assert pieces.words.tolist() == whole.words.tolist()
    assert pieces.mixed.tolist() == whole.mixed.tolist()


UNUSUAL = {
    "uzb: three orthographies live": ("uzb", ["Latn", "Cyrl", "Arab"], ["Thai", "Hebr"]),
    "srp: two orthographies live": ("srp", ["Latn", "Cyrl"], ["Arab"]),
    "eus: Latin alone": ("eus", ["Latn"], ["Cyrl"]),
    "zho: simplified, traditional, either": ("zho", ["Hans", "Hant", "Hani"], ["Latn", "Jpan"]),
    "jpn: one writing": ("jpn", ["Jpan"], ["Hans", "Latn"]),
    "kor: Hangul with Han": ("kor", ["Kore"], ["Jpan"]),
    "bod: Tibetan": ("bod", ["Tibt"], ["Latn"]),
    "ara: Arabic, not its romanization": ("ara", ["Arab"], ["Latn"]),
    "hau: Latin and Ajami": ("hau", ["Latn", "Arab"], ["Cyrl"]),
    "no letters, no mark": ("eus", ["Zyyy"], []),
    "a language without an entry is not marked": ("und", ["Latn", "Thai"], []),
    "an unknown language is not marked": (None, ["Latn", None], []),
    "an unknown script is not marked": ("eus", [None], []),
}


@pytest.mark.parametrize(("language", "usual", "unusual"), UNUSUAL.values(), ids=UNUSUAL.keys())
def test_documents_in_a_script_that_their_language_is_not_written_in(
    language: str | None, usual: list[str | None], unusual: list[str]
) -> None:
    scripts = [*usual, *unusual]
    marks = unusual_scripts(
        pa.array([language] * len(scripts), pa.string()), pa.array(scripts, pa.string())
    )
    assert marks.to_pylist() == [False] * len(usual) + [True] * len(unusual)


def test_no_document_none_marked() -> None:
    assert unusual_scripts(pa.array([], pa.string()), pa.array([], pa.string())).to_pylist() == []
