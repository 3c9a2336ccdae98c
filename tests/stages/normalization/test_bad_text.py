"""Text that is broken, hostile or empty, and what the stage makes of it."""

from __future__ import annotations

import time
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from schemas.document import DOCUMENT
from stages.normalization.normalize import RULES, normalize_counted
from stages.normalization.options import NormalizationConfig

FIELDS = [DOCUMENT.field(name) for name in ("text", "language", "script")]
DEFAULT = NormalizationConfig()
FAMILY = "\U0001f468\U0001f3fd\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
EMOJI = {
    "a family with a skin tone": FAMILY,
    "a flag of two letters": "\U0001f1ea\U0001f1f8",
    "a flag of tags": WALES,
    "a rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "a heart that is an emoji": "\u2764\ufe0f",
    "a heart that is text": "\u2764\ufe0e",
    "a keycap": "1\ufe0f\u20e3",
    "a profession": "\U0001f469\U0001f3ff\u200d\u2695\ufe0f",
    "two people who kiss": "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f468",
    "the eye in a bubble": "\U0001f441\ufe0f\u200d\U0001f5e8\ufe0f",
}
LABELS = [
    ("eus", "Latn"),
    ("fas", "Arab"),
    ("hin", "Deva"),
    ("jpn", "Jpan"),
    ("khm", "Khmr"),
    (None, None),
]


def normalized(
    text: str, language: str | None = None, script: str | None = None, **options: Any
) -> str:
    columns = [
        pa.array([value], field.type)
        for value, field in zip((text, language, script), FIELDS, strict=True)
    ]
    config = NormalizationConfig(**options)
    result = normalize_counted(
        pa.RecordBatch.from_arrays(columns, schema=pa.schema(FIELDS)), config
    )
    out: str = result.documents["text"][0].as_py()
    return out


@pytest.mark.parametrize("sequence", EMOJI.values(), ids=EMOJI.keys())
@pytest.mark.parametrize(("language", "script"), LABELS)
def test_emoji_sequences_stay_whole(
    sequence: str, language: str | None, script: str | None
) -> None:
    text = f"a {sequence}{sequence} b"
    assert normalized(text, language, script) == text


def test_an_override_cannot_hide_text() -> None:
    """The attack of Boucher and Anderson 2021: an isolate inside an override shows another order
    than is stored."""
    attack = "if (role != 'user\u202e \u2066// admins only\u2069 \u2066') {"
    assert normalized(attack, "eng", "Latn") == "if (role != 'user // admins only ') {"
    counts = normalize_counted(
        pa.RecordBatch.from_arrays(
            [
                pa.array([value], field.type)
                for value, field in zip((attack, "eng", "Latn"), FIELDS, strict=True)
            ],
            schema=pa.schema(FIELDS),
        ),
        DEFAULT,
    ).counts.to_pylist()
    assert [(row["rule"], row["code_points"]) for row in counts] == [("bidi_overrides", 4)]


def test_hidden_ascii_in_tags_and_selectors_goes() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore all")
    selectors = "".join(chr(0xE0100 + byte) for byte in b"hidden")
    assert normalized(f"plain{hidden} text{selectors}", "eng", "Latn") == "plain text"
    assert normalized(f"\U0001f600{hidden}\U0001f600{selectors}") == "\U0001f600\U0001f600"


def test_ten_thousand_marks_take_linear_time() -> None:
    """Twice the marks take about twice the time, for every rule: none looks back over them."""

    def seconds(marks: int) -> float:
        mixed = "a" + "\u0323\u0301\u0307\u0331\u0654\u093c\u09bc\u1037\u0e48\u0f72" * (marks // 10)
        texts = [
            (mixed, "yor", "Latn"),
            (mixed, "hin", "Deva"),
            (mixed, "mya", "Mymr"),
            (mixed, "tha", "Thai"),
        ]
        begin = time.process_time()
        for row in texts:
            once = normalized(*row)
            assert len(once) > 1
        return time.process_time() - begin

    seconds(1_000)
    small, large = seconds(10_000), seconds(80_000)
    assert large < 24 * small + 1


def test_one_letter_with_ten_thousand_marks_is_composed() -> None:
    text = "e" + "\u0301" * 10_000
    assert normalized(text, "fra", "Latn") == "\u00e9" + "\u0301" * 9_999


def test_unassigned_and_private_code_points_stay() -> None:
    text = "a\u0378 \ue000 \U000f0000 \U0003ffff b"
    # a noncharacter is a control
    assert normalized(text, "eng", "Latn") == text.replace("\U0003ffff", "")
    assert normalized("\uf8ff", "eng", "Latn", form="NFKC") == "\uf8ff"


def test_noncharacters_go() -> None:
    assert normalized("a\ufffeb\ufdd0c\U0010ffffd") == "abcd"


def test_a_lone_surrogate_cannot_get_here() -> None:
    """Arrow holds UTF-8, which has none: a reader fails the record or reads U+FFFD in its place,
    which stays."""
    with pytest.raises(UnicodeEncodeError):
        pa.array(["\ud800"], pa.large_string())
    with pytest.raises(UnicodeEncodeError):
        pl.Series(["\ud800"])
    assert normalized("a\ufffdb") == "a\ufffdb"


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "\u200d", "\u200c\u200c", "\u0301", "\ufe0f", "'", "\u202e", "\x00"]
)
@pytest.mark.parametrize(("language", "script"), LABELS)
def test_next_to_nothing_settles(text: str, language: str | None, script: str | None) -> None:
    once = normalized(text, language, script)
    assert normalized(once, language, script) == once


def test_unknown_codes_are_treated_as_unknown() -> None:
    assert normalized("e\u0301\u202e", "qqq", "Qaaa") == "\u00e9"
    assert normalized("e\u0301\u202e", "", "") == "\u00e9"


def test_nested_misreadings_settle() -> None:
    text = "\u00e9t\u00e9"
    for _ in range(5):
        text = text.encode().decode("latin-1")
    assert normalized(text, "fra", "Latn") == "\u00e9t\u00e9"


def test_runs_of_what_each_rule_looks_for_settle() -> None:
    """Repetition must not make a rule take a pass for each."""
    for label, unit in {
        "ell_Grek": "\u03c2",
        "che_Cyrl": "\u043a1",
        "ukr_Cyrl": "\u043f'\u044f",
        "uzb_Latn": "o'",
        "jpn_Jpan": "\uff76\uff9e",
        "amh_Ethi": "\u1361",
        "cat_Latn": "l\u2022",
        "hye_Armn": "\u0561: ",
        "cre_Cans": "\u1401\u00b7",
        "yor_Latn": "e\u0331\u0301",
        "aka_Latn": "b\u03b5",
        "heb_Hebr": '\u05d0"',
    }.items():
        language, script = label.split("_")
        once = normalized(unit * 500, language, script, enable=tuple(r.name for r in RULES))
        assert once


def latin(cyrillic: str) -> str:
    """Write the letters that have a look-alike in Latin."""
    return cyrillic.translate(
        str.maketrans("\u0430\u0435\u043e\u0441\u0443\u0456\u0458", "aeocyij")
    )


@pytest.mark.parametrize(
    ("language", "before", "word", "after"),
    [
        ("srp", "\u043e\u043d", "\u0458\u0435", "\u0434\u043e\u0448\u0430\u043e"),
        ("srp", "\u043f\u0440\u0438\u0447\u0430", "\u043e", "\u0433\u0440\u0430\u0434\u0443"),
        ("rus", "\u0447\u0430\u0439", "\u0441", "\u043c\u0451\u0434\u043e\u043c"),
        ("ukr", "\u0445\u043b\u0456\u0431", "\u0456", "\u0441\u0456\u043b\u044c"),
        ("mkd", "\u0442\u043e\u0458", "\u0441\u0435", "\u0432\u0440\u0430\u0442\u0438"),
    ],
)
def test_a_latin_function_word_between_cyrillic_ones_is_cyrillic(
    language: str, before: str, word: str, after: str
) -> None:
    text = f"{before} {word} {after}."
    assert normalized(text.replace(f" {word} ", f" {latin(word)} "), language, "Cyrl") == text
    for beside in ("NATO {}", "{} = 5", "b {}"):  # a Latin neighbour, a formula, another variable
        kept = f"{before} " + beside.format(latin(word)) + f" {after}."
        assert normalized(kept, language, "Cyrl") == kept


@pytest.mark.parametrize("words", ["Je suis", "XIV c", "5 a", "Lope o Vega"])
def test_latin_words_in_serbian_stay(words: str) -> None:
    text = f"\u0440\u0435\u0447\u0438 {words} \u0442\u0430\u043c\u043e"
    assert normalized(text, "srp", "Cyrl") == text


def test_a_name_keeps_its_letters_before_an_ending_in_languages_that_glue_it() -> None:
    assert normalized("Coca\u043d\u044b\u04a3", "tat", "Cyrl") == "Coca\u043d\u044b\u04a3"
    assert normalized("Pecc\u0438\u044f", "rus", "Cyrl") == "\u0420\u0435\u0441\u0441\u0438\u044f"
    assert normalized("Pece\u0439", "kaz", "Cyrl") == "\u0420\u0435\u0441\u0435\u0439"


@pytest.mark.parametrize("language", ["rus", "ukr", "mon", None])
def test_a_name_with_a_capital_inside_keeps_its_letters_before_an_ending(
    language: str | None,
) -> None:
    text = "\u041d\u0430 eBay\u0443, \u0432 eBay\u0435"
    assert normalized(text, language, "Cyrl") == text
    assert (
        normalized("\u041d\u0430 p\u044b\u043do\u043a", language, "Cyrl")
        == "\u041d\u0430 \u0440\u044b\u043d\u043e\u043a"
    )


# Spellings of professional text that a default must not touch, and how one asks for the change.
WRITTEN_SO = {
    "bre: all of 337 are typed so": (
        "bre",
        "Latn",
        "breton_ch",
        "c'hoar ha c\u2019hwezh",
        "c\u02bchoar ha c\u02bchwezh",
    ),
    "yid: one-code digraphs": (
        "yid",
        "Hebr",
        "yiddish_digraphs",
        "\u05f2\u05b7",
        "\u05d9\u05d9\u05b7",
    ),
    "ell: a space is missing": (
        "ell",
        "Grek",
        "greek_medial_sigma",
        "\u03c4\u03b7\u03c2\u03b2",
        "\u03c4\u03b7\u03c3\u03b2",
    ),
    "oci: a no-break space before a colon": (
        "oci",
        "Latn",
        None,
        "aici\u00a0: \u00ab\u202fbon\u202f\u00bb",
        "",
    ),
    "ces: no-break spaces of a number": ("ces", "Latn", None, "10\u202f000 k\u00a0m\u011bstu", ""),
}


@pytest.mark.parametrize(
    ("language", "script", "rule", "text", "changed"), WRITTEN_SO.values(), ids=WRITTEN_SO.keys()
)
def test_a_default_follows_the_writers(
    language: str, script: str, rule: str | None, text: str, changed: str
) -> None:
    assert normalized(text, language, script) == text
    assert rule is None or normalized(text, language, script, enable=(rule,)) == changed
    assert "\u00a0" not in normalized("a\u00a0: \u202fb", "eng", "Latn"), "in English it is a slip"


def test_a_name_in_capitals_after_a_small_letter_is_meant() -> None:
    text = "\u041c\u0435\u0442\u043e\u0434HTTP -o\u0424\u0410\u0419\u041b"
    assert normalized(text, "ukr", "Cyrl") == text
    assert (
        normalized("K\u041e\u0414 \u0445\u0410T\u0410", "ukr", "Cyrl")
        == "\u041a\u041e\u0414 \u0445\u0410\u0422\u0410"
    )


# Text in Cyrillic but for look-alikes, and what it is: a language is not known.
UNLABELLED = {
    "function words": (
        "\u0422\u043e je \u0434\u043e\u0431\u0440\u043e, a o \u0442\u043e\u043c\u0435 cy",
        "\u0422\u043e \u0458\u0435 \u0434\u043e\u0431\u0440\u043e, \u0430 \u043e \u0442\u043e\u043c\u0435 \u0441\u0443",
    ),
    "a letter that Russian lacks": (
        "\u0412i\u043d \u043f\u0456\u0448\u043e\u0432 \u0443 \u043bi\u0441",
        "\u0412\u0456\u043d \u043f\u0456\u0448\u043e\u0432 \u0443 \u043b\u0456\u0441",
    ),
    "a word that could be Latin": (
        "\u041a\u0430\u043a \u043c\u043d\u043e\u0433\u043e \u043ea",
        "\u041a\u0430\u043a \u043c\u043d\u043e\u0433\u043e \u043e\u0430",
    ),
    "two points": (
        "\u0442\u043e\u0447\u043a\u0430 a \u043b\u0435\u0436\u0438\u0442 \u043d\u0430 b",
        None,
    ),
    "a Latin sentence": (
        "Il va y avoir \u041c\u043e\u0441\u043a\u0432\u0430 c \u041f\u0430\u0440\u0438\u0436",
        None,
    ),
}


@pytest.mark.parametrize("script", [None, "Cyrl"])
@pytest.mark.parametrize(("text", "expected"), UNLABELLED.values(), ids=UNLABELLED.keys())
def test_look_alikes_of_a_text_in_no_known_language(
    text: str, expected: str | None, script: str | None
) -> None:
    assert normalized(text, None, script) == (expected or text)
    assert normalized(text, "und", script) == (expected or text)


def test_function_words_in_a_row_are_cyrillic() -> None:
    text = "\u041e\u043d\u0430 je c \u043d\u0438\u043c, a y \u0442\u043e\u043c\u0435 je c \u043d\u0438\u043c"
    cyrillic = text.translate(str.maketrans("jecay", "\u0458\u0435\u0441\u0430\u0443"))
    assert normalized(text, "srp", "Cyrl") == cyrillic
    assert normalized(text, "mon", "Cyrl") == text


def test_a_palochka_next_to_a_look_alike() -> None:
    assert (
        normalized("xI\u0443\u043c\u0430 \u0434Ia", "che", "Cyrl")
        == "\u0445\u04cf\u0443\u043c\u0430 \u0434\u04cf\u0430"
    )
    assert normalized("xI\u0443\u043c\u0430 B12 XI", "rus", "Cyrl") == "xI\u0443\u043c\u0430 B12 XI"


def test_a_word_beside_a_lost_character_stays() -> None:
    whole = "\u043f\u0440o\u0441\u0442o"
    assert normalized(whole, "rus", "Cyrl") == whole.replace("o", "\u043e")
    assert normalized(whole + "\ufffd", "rus", "Cyrl") == whole + "\ufffd"


def test_a_label_is_believed_only_if_most_letters_are_in_its_script() -> None:
    word = "B\u0410"  # all of it can be Latin, and Cyrillic
    assert normalized(word, "rus", "Cyrl") == "\u0412\u0410"
    assert (
        normalized(f"{word} several words of English", "rus", "Cyrl")
        == f"{word} several words of English"
    )


@pytest.mark.parametrize("lost", ["\u00d0\ufffd", "\ufffd"])
def test_a_misread_line_with_lost_bytes_is_repaired_as_a_whole_or_not_at_all(lost: str) -> None:
    start, end = (
        word.encode().decode("latin-1") for word in ("\u043f\u0438", "\u0432\u0435\u043d")
    )
    repaired = normalized(start + lost + end, "rus", "Cyrl")
    assert repaired in ("\u043f\u0438\ufffd\u0432\u0435\u043d", start + lost + end)
    assert normalized(start + end, "rus", "Cyrl") == "\u043f\u0438\u0432\u0435\u043d"
    assert normalized("MANH\u00c3?", "por", "Latn") == "MANH\u00c3?"
