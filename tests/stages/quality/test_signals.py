"""Facts about words, lines and repetition in many scripts, each beside a neighbour."""

from __future__ import annotations

import math
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.document import DOCUMENT
from schemas.quality_signals import QUALITY_SIGNALS
from stages.quality import signals
from stages.quality.segmenters import Segmenter, load_nlpo3, segmenter_version
from stages.quality.signals import measure_quality

pytest.importorskip("icu", reason="words of scripts without spaces need glotmill[icu]")

COLUMNS = ("text", "language", "script")
ENGLISH = {"eng_Latn": ("the", "be", "to", "of", "and", "that", "have", "with")}


def block_of(*rows: tuple[str, str | None, str | None]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    fields = [DOCUMENT.field(name) for name in COLUMNS]
    return pa.RecordBatch.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, fields, strict=True)],
        schema=pa.schema(fields),
    )


def measured(text: str, label: str = "eng_Latn", segmenter: Segmenter = "icu") -> dict[str, Any]:
    language, script = label.split("_")
    found = measure_quality(block_of((text, language, script)), segmenter, ENGLISH)
    assert found.schema == QUALITY_SIGNALS
    return found.to_pylist()[0]


WORDS = {
    "eng: an apostrophe is part of a word, a hyphen is not": ("eng_Latn", "don't well-known", 3),
    "eng: a number with its point is one word, a dash alone none": (
        "eng_Latn",
        "3.5 \u2014 4,000",
        2,
    ),
    "eng: a hyphen between a letter and a digit is part of a word": (
        "eng_Latn",
        "COVID-19 in 1990-1995",
        4,
    ),
    "eng: a comma between letters divides, between digits not": ("eng_Latn", "one,two 4,000", 3),
    "eng: a slash before a letter divides, before a digit not": ("eng_Latn", "and/or 24/7", 3),
    "eng: a stop divides before a capital, not in an address": (
        "eng_Latn",
        "end.Next example.org",
        3,
    ),
    "eng: a bracket within a word is part of it": ("eng_Latn", "file(s) (all)", 2),
    "uzb: a turned comma is a letter's mark": ("uzb_Latn", "O\u2018zbek o`zbek g\u2019alaba", 3),
    "cat: a middle dot is part of a word": ("cat_Latn", "col\u00b7lecci\u00f3 \u00b7 nova", 2),
    "heb: gershayim are part of a word": ("heb_Hebr", "\u05e6\u05d4\u05f4\u05dc", 1),
    "hin: vowel signs and viramas are part of words": ("hin_Deva", "हिन्दी में क्या है", 4),
    "tam: so they are in Tamil": ("tam_Taml", "தமிழ் மொழி", 2),
    "fas: the zero-width non-joiner is spelling": (
        "fas_Arab",
        "\u0645\u06cc\u200c\u0631\u0648\u062f",
        1,
    ),
    "fas: a space is not": ("fas_Arab", "\u0645\u06cc \u0631\u0648\u062f", 2),
    "bod: a tsheg divides syllables": ("bod_Tibt", "བཀྲ་ཤིས་བདེ་ལེགས།", 4),
    "dzo: so it does in Dzongkha": ("dzo_Tibt", "འབྲུག་ཡུལ", 2),
    "amh: the word separator divides": ("amh_Ethi", "ሰላም፡ለሁሉም", 2),
    "tha: words are not spaced": ("tha_Thai", "ฉันรักภาษาไทย", 4),
    "lao: a zero-width space divides": ("lao_Laoo", "ພາສາ\u200bລາວ", 2),
    "khm: words are not spaced": ("khm_Khmr", "ខ្ញុំទៅសាលា", 3),
    "jpn: Kana and Han are words": ("jpn_Jpan", "東京に行く", 3),
    "kor: words are spaced": ("kor_Kore", "한국어는 재미있다", 2),
    "tha: an English word in Thai is one": ("tha_Thai", "ใช้Linux", 2),
    "jav: no dictionary divides Javanese letters: units are letters with marks": (
        "jav_Java",
        "ꦧꦱꦗꦮ",
        4,
    ),
    "emoji are no words, nor are their joiners": ("eng_Latn", "👩\u200d👩\u200d👧 ❤\ufe0f", 0),
}


@pytest.mark.parametrize(("label", "text", "expected"), WORDS.values(), ids=WORDS.keys())
def test_words(label: str, text: str, expected: int) -> None:
    assert measured(text, label)["words"] == expected


def test_graphemes_are_the_units_without_icu() -> None:
    assert measured("ฉันรัก", "tha_Thai", "graphemes")["words"] == 4  # 6 letters and signs
    assert measured("ខ្មែរ", "khm_Khmr", "graphemes")["words"] == 2  # a stacked letter joins
    assert measured("ใช้Linux", "tha_Thai", "graphemes")["words"] == 3
    assert measured("plain words", "eng_Latn", "graphemes") == measured(
        "plain words", "eng_Latn", "icu"
    )
    assert segmenter_version("icu").startswith("ICU ")


LIBRARIES: dict[str, tuple[Segmenter, str, str, int]] = {
    "zho: jieba's words": (
        "rjieba",
        "zho_Hans",
        "\u5317\u4eac\u5927\u5b66\u751f\u524d\u6765\u5e94\u8058",
        4,
    ),
    "zho: words go on over no line end": ("rjieba", "zho_Hans", "\u5317\n\u4eac", 2),
    "zho: Latin letters and digits are words of their own": (
        "rjieba",
        "zho_Hant",
        "\u5317\u4eac2008Linux",
        2,
    ),
    "jpn: Han in Japanese is for ICU": ("rjieba", "jpn_Jpan", "\u6771\u4eac\u306b\u884c\u304f", 3),
    "tha: PyThaiNLP's words": ("nlpo3", "tha_Thai", "ฉันรักภาษาไทยเพราะฉันเป็นคนไทย", 7),
    "tha: a sentence after a space": ("rjieba+nlpo3", "tha_Thai", "ฉันรัก ภาษาไทย\nใช้Linux", 5),
    "lao: others are for ICU": ("nlpo3", "lao_Laoo", "ພາສາ\u200bລາວ", 2),
    "eng: spaced words are the same": ("rjieba+nlpo3", "eng_Latn", "don't well-known", 3),
}


@pytest.mark.parametrize(
    ("segmenter", "label", "text", "expected"), LIBRARIES.values(), ids=LIBRARIES.keys()
)
def test_words_by_libraries(segmenter: Segmenter, label: str, text: str, expected: int) -> None:
    assert measured(text, label, segmenter)["words"] == expected


@settings(deadline=None, max_examples=60)
@given(
    st.text(
        st.sampled_from("ไปหามเหสี๒\u0e49 \nab1\u200b\u200d\u4eac\u5317\u3005\U00020000\u3002"),
        max_size=60,
    )
)
def test_libraries_lose_no_letter(text: str) -> None:
    marks = "\u0e35\u0e49"  # on no letter, a vowel sign or tone mark is no word to ICU
    text = re.sub(f"(?<![\u0e01-\u0e2e{marks}])[{marks}]+", "", text)
    by_library, by_icu = (
        measured(text, "zho_Hans", "rjieba+nlpo3"),
        measured(text, "zho_Hans", "icu"),
    )
    lengths = [found["words"] * found["mean_word_length"] for found in (by_library, by_icu)]
    assert lengths[0] == pytest.approx(lengths[1])


def test_a_segmenter_is_named_with_its_version_and_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert re.fullmatch(
        r"ICU [\d.]+, rjieba [\d.]+, nlpo3 [\d.]+ with the words of pythainlp [\d.]+",
        segmenter_version("rjieba+nlpo3"),
    )
    load_nlpo3.cache_clear()
    monkeypatch.setattr("stages.quality.segmenters.find_spec", lambda module: None)
    with pytest.raises(
        ImportError, match=r"needs nlpo3 and pythainlp: pip install 'glotmill\[segmentation\]', or"
    ):
        segmenter_version("nlpo3")


ENDS = {
    "eng: a full stop": ("eng_Latn", "This is it.", 1),
    "eng: a full stop in quotes": ("eng_Latn", "\u201cThis is it.\u201d", 1),
    "eng: a menu has none": ("eng_Latn", "Home | About", 0),
    "hin: danda": ("hin_Deva", "यह सच है।", 1),
    "hin: danda in quotes": ("hin_Deva", "\u201cयह सच है।\u201d ", 1),
    "mar: danda in brackets": ("mar_Deva", "(यह सच है।)", 1),
    "bod: shad": ("bod_Tibt", "བཀྲ་ཤིས་བདེ་ལེགས།", 1),
    "bod: double shad": ("bod_Tibt", "བཀྲ་ཤིས།།", 1),
    "bod: a tsheg ends no sentence": ("bod_Tibt", "བཀྲ་ཤིས་", 0),
    "amh: full stop": ("amh_Ethi", "ሰላም ለሁሉም።", 1),
    "amh: two word separators are a full stop": ("amh_Ethi", "ሰላም ለሁሉም፡፡", 1),
    "amh: one is not": ("amh_Ethi", "ሰላም ለሁሉም፡", 0),
    "mya: section sign": ("mya_Mymr", "မြန်မာ။", 1),
    "khm: khan": ("khm_Khmr", "ភាសាខ្មែរ។", 1),
    "hye: full stop": ("hye_Armn", "Բարեւ\u0589", 1),
    "hye: a colon typed for it": ("hye_Armn", "Բարեւ:", 1),
    "amh: two colons typed for a full stop": ("amh_Ethi", "ሰላም ነው::", 1),
    "eng: two colons are none": ("eng_Latn", "std::", 0),
    "eng: a colon ends no sentence": ("eng_Latn", "See:", 0),
    "urd: full stop": ("urd_Arab", "یہ سچ ہے\u06d4", 1),
    "ara: question mark": ("ara_Arab", "هل هذا صحيح\u061f", 1),
    "zho: ideographic full stop in corner brackets": ("zho_Hans", "「这是真的。」", 1),
    "zho: a title has none": ("zho_Hans", "首页", 0),
    "sin: kunddaliya": ("sin_Sinh", "ශ්‍රී\u0df4", 1),
    "fra: a recital ends in a semicolon": ("fra_Latn", "Considérant ce qui suit ;", 1),
}


@pytest.mark.parametrize(("label", "text", "expected"), ENDS.values(), ids=ENDS.keys())
def test_ends_of_lines(label: str, text: str, expected: float) -> None:
    assert measured(text, label)["end_mark_line_share"] == expected


def test_sentences_of_lines_that_c4_keeps() -> None:
    assert (
        measured("It is so. It was so, too. See example.org for 3.5 reasons.")["c4_sentences"] == 3
    )
    assert measured("यह सच है। वह भी सच है।", "hin_Deva")["c4_sentences"] == 2
    assert measured("ሰላም ለሁሉም ነው፡፡ ሰላም ለሁሉም ነው፡፡", "amh_Ethi")["c4_sentences"] == 2
    assert measured("这是真的。那也是真的！", "zho_Hans")["c4_sentences"] == 2
    assert measured("Too short.")["c4_sentences"] == 0
    assert measured("It goes on and on ...")["c4_sentences"] == 0
    assert measured("This page needs JavaScript to work.\nIt is so here.")["c4_sentences"] == 1
    assert (
        measured(
            "Sayfa \u0130\u0130 i\u00e7in JAVASCRIPT gerekir.\nBu ba\u015fka bir c\u00fcmle.",
            "tur_Latn",
        )["c4_sentences"]
        == 1
    )
    assert measured("a " + "b" * 1001 + " c d.")["c4_sentences"] == 0


def test_lines_and_marks() -> None:
    found = measured("\u2022 one\n- two\n-three\n\n\u25cb four\n# # ... \u2026 ......\n----")
    assert (found["lines"], found["bullet_line_share"], found["symbol_line_share"]) == (
        6,
        3 / 6,
        2 / 6,
    )
    assert found["hash_share"] * found["tokens"] == pytest.approx(2)
    assert found["ellipsis_share"] * found["tokens"] == pytest.approx(4)
    assert found["ellipsis_line_share"] == 1 / 6
    assert measured("今日は本を読みました。とても楽しい", "jpn_Jpan")["short_line_share"] == 0
    assert measured("one line of text")["short_line_share"] == 1


TOKENS = {
    "a hyphen or slash next to a word counts with it": ("-lo /usr pre- a/", 4),
    "one between spaces is a mark": ("a - b / c", 5),
    "a stop before a word counts with it, one after it is a mark": (".txt end.", 3),
    "a comma is a mark": ("a, b", 3),
    "dots are one mark": ("well...", 2),
}


@pytest.mark.parametrize(("text", "expected"), TOKENS.values(), ids=TOKENS.keys())
def test_tokens(text: str, expected: int) -> None:
    assert measured(text)["tokens"] == expected


def test_repetition() -> None:
    found = measured("a b c d e f g\nx\n\na b c d e f g\nx\n\nz")
    assert found["duplicate_line_share"] == 2 / 5
    size = len("a b c d e f g\nx\n\na b c d e f g\nx\n\nz")
    assert found["duplicate_line_character_share"] == 14 / size
    assert found["duplicate_paragraph_share"] == 1 / 3
    assert found["duplicate_5_gram_share"] == 8 / size
    assert found["duplicate_8_gram_share"] == 8 / size, "n-grams go on over line ends"
    assert found["duplicate_9_gram_share"] == 0
    found = measured("la li lo la li ta")
    assert found["top_2_gram_share"] == 2 * len("la li") / 17
    assert found["top_3_gram_share"] == 0, "what occurs once does not repeat"
    assert measured("one two three four five six")["top_2_gram_share"] == 0
    assert measured("a b, a b; cc dd! cc dd?")["top_2_gram_share"] == 2 * 3 / 23, (
        "of equally frequent ones the first"
    )


def naive(text: str, n: int) -> int:
    """Count the code points of words in n-grams met before, word by word."""
    words, covered = text.split(), set[int]()
    seen = set[tuple[str, ...]]()
    for at in range(len(words) - n + 1):
        gram = tuple(words[at : at + n])
        if gram in seen:
            covered.update(range(at, at + n))
        seen.add(gram)
    return sum(map(len, (words[at] for at in covered)))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from(["aa", "b", "ccc"]), max_size=60).map(" ".join), max_size=5)
)
def test_duplicate_grams_are_those_of_a_plain_count(texts: list[str]) -> None:
    found = measure_quality(block_of(*((text, "eng", "Latn") for text in texts)), "graphemes")
    for text, row in zip(texts, found.to_pylist(), strict=True):
        for n in (5, 6, 7, 8, 9, 10):
            assert row[f"duplicate_{n}_gram_share"] * max(len(text), 1) == pytest.approx(
                naive(text, n)
            )


def test_stop_words_are_counted_where_a_language_has_a_list() -> None:
    assert measured("The cat and the dog")["stop_words"] == 2
    assert measured("THE cat")["stop_words"] == 0
    assert measured("The cat and the dog", "fin_Latn")["stop_words"] is None


BAD = {
    "empty": "",
    "white space": " \n\u3000\n",
    "digits": "1 2 3 \u0967\u0968\u0969",
    "emoji": "🙂🙂 👩\u200d👩\u200d👧",
    "marks without letters": "\u0301\u0301 \u200d\u200d",
    "noncharacters": "\ufdd0 \U0010ffff \x00",
    "only punctuation": "...!!!???",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_odd_texts_have_defined_values(text: str) -> None:
    found = measured(text)
    assert all(math.isfinite(value) for value in found.values())
    assert found["words"] == (4 if "1" in text else 0)
    assert found["alphabetic_word_share"] in (0, 1)


def test_a_long_text_is_measured_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(f"Line {number} says one thing, and it ends.\n" for number in range(400))
    within = [
        name
        for name in QUALITY_SIGNALS.names
        if not name.startswith(("top_", "duplicate_", "line_break"))
    ]
    whole = measured(text)
    monkeypatch.setattr(signals, "_PIECE", 1000)
    monkeypatch.setattr(signals, "_CHUNK", 500)
    in_pieces = measured(text)
    assert {name: in_pieces[name] for name in within} == {name: whole[name] for name in within}
    assert 0 < in_pieces["duplicate_5_gram_share"] < whole["duplicate_5_gram_share"]
    assert measured("the " * 600 + "and " * 600)["stop_words"] == 2
    line = measured("word " * 1000)
    assert (line["words"], line["lines"]) == (1000, 5)
    assert measured("x" * 5000)["words"] == 5


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from([*BAD.values(), *(text for _, text, _ in WORDS.values())]), max_size=8)
)
def test_a_text_is_measured_alike_in_any_block(texts: list[str]) -> None:
    together = measure_quality(
        block_of(*((text, "eng", "Latn") for text in texts)), "icu"
    ).to_pylist()
    assert together == [
        measure_quality(block_of((text, "eng", "Latn")), "icu").to_pylist()[0] for text in texts
    ]
