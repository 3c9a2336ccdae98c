"""Decisions: the first rule a document breaks, its value and limit; limits by language; nothing
lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gflanguages
import pyarrow as pa
import pytest
from pydantic import ValidationError

from schemas.columns import SchemaError
from schemas.document import DOCUMENT
from schemas.language import one_code, to_iso639_3
from schemas.quality_signals import QUALITY_SIGNALS
from stages.batches import Filtered
from stages.quality.filter_quality import filter_quality
from stages.quality.options import QualityFilteringConfig
from stages.quality.rules import FAIR, OFF, RULE_NAMES, RULES

PROSE = "The old house by the river has many rooms, and each of them tells a story that few people have heard."
GOOD = " ".join(
    [
        PROSE,
        "In winter the water rises to the lowest step.",
        "Nobody who lives there would ever leave it,",
    ]
)
GOOD += "\nThey say that the first owner came with a boat full of books and a dog that could not swim.\nSo it began."


def filtered(text: str, label: str | None = "eng_Latn", **options: Any) -> Filtered:
    language, script = label.split("_") if label else (None, None)
    fields = [DOCUMENT.field(name) for name in ("text", "language", "script")]
    arrays = [
        pa.array([value], field.type)
        for value, field in zip((text, language, script), fields, strict=True)
    ]
    return filter_quality(
        pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)),
        QualityFilteringConfig(**options),
    )


def reason(
    text: str, label: str | None = "eng_Latn", **options: Any
) -> tuple[str, float, float] | None:
    found = filtered(text, label, **options)
    assert found.kept.num_rows + found.rejected.num_rows == 1
    row = found.rejected.to_pylist()
    return (row[0]["reason"], row[0]["value"], row[0]["threshold"]) if row else None


def test_good_prose_stays() -> None:
    assert reason(GOOD) is None
    assert reason(GOOD, None) is None, "a text of no known language is judged by the limits for all"


def test_a_rejected_document_has_rule_value_and_limit() -> None:
    assert reason("Too short.", limits="published") == ("too_few_words", 2, 50)
    assert reason("") == ("too_few_words", 0, 1)
    assert reason("🙂" * 500) == ("too_few_words", 0, 1)
    assert reason("12 34 " * 50) == ("short_words", 2, 3 - 15 / 100)
    assert reason("123 456 " * 50) == ("few_alphabetic_words", 0, 0.8 - 4 / 100)
    spam = reason(GOOD + "\nbuy it here now today my friend" * 40)
    assert spam is not None
    assert spam[0] == "duplicate_lines"


SHORT = {
    "eng: two words": ("Too short.", "eng_Latn"),
    "eng: a sentence without stop words": ("Nobody came yesterday.", "eng_Latn"),
    "ces: one word of four is a number": ("Kolik stojí iPhone 12?", "ces_Latn"),
    "zho: a phrase that comes twice": ("应返回的语言的语言代码，或所有语言。", "zho_Hans"),
    "fin: one long word": ("Kansainvälistymiskehitysyhteistyö.", "fin_Latn"),
    "deu: a dialogue of short lines": (
        "\n".join(["Komm!", "Wohin?", "Ans Meer.", "Jetzt?", "Ja, jetzt."]),
        "deu_Latn",
    ),
    "kin: one line with a bullet": ("- Ali ngombwa ko hashingwa amategeko", "kin_Latn"),
    "lit: a sentence that is left open": ("Naudokite atsargiai\u2026", "lit_Latn"),
    "mya: a sentence": ("ဤစာမျက်နှာကို ပြင်ဆင်နိုင်သည်။", "mya_Mymr"),
}


@pytest.mark.parametrize(("text", "label"), SHORT.values(), ids=SHORT.keys())
def test_short_texts_stay(text: str, label: str) -> None:
    assert reason(text, label) is None


SHORT_AND_BAD = {
    "three words, eight times": ("buy it now " * 8, "eng_Latn"),
    "a line, eight times": ("Click here to read the rest of it\n" * 8, "eng_Latn"),
    "symbols with a word among them": (
        "$$ && ## word @@ ** ~~ == ++ <> || \\\\ __ -- %% ^^",
        "eng_Latn",
    ),
    "hash tags": (" ".join(f"#tag{letter}" for letter in "abcdefgh"), "eng_Latn"),
    "a number": ("2024", "und_Zyyy"),
    "numbers in other digits": ("\u0661\u0662\u0663 \u0664\u0665 \u0666", "ara_Arab"),
    "times and numbers": ("12:30 4,5 2024 17 12:45 5,5 2025 18", "eus_Latn"),
}


@pytest.mark.parametrize(("text", "label"), SHORT_AND_BAD.values(), ids=SHORT_AND_BAD.keys())
def test_short_texts_go_if_they_are_bad(text: str, label: str) -> None:
    assert reason(text, label) is not None


def test_limits_of_the_recipe_hold_for_short_texts_as_they_stand() -> None:
    four = ("Kolik stojí iPhone 12?", "ces_Latn")
    assert reason(*four, thresholds={"any": {"few_alphabetic_words": 0.8}}) == (
        "few_alphabetic_words",
        0.75,
        0.8,
    )
    assert reason(*four, thresholds={"any": {"few_alphabetic_words": 0.75}}) is None
    assert reason(*four, limits="published", families=["gopher_quality"]) == (
        "too_few_words",
        4,
        50,
    )


def test_stop_words_are_asked_of_english_alone() -> None:
    finnish = (
        "Talo joen rannalla on vanha ja siinä on monta huonetta. "
        + " ".join(f"sana{n}" for n in range(50))
        + "."
    )
    assert reason(finnish, "eng_Latn", limits="published", families=["gopher_quality"]) == (
        "few_stop_words",
        0,
        2,
    )
    assert reason(finnish, "fin_Latn", limits="published", families=["gopher_quality"]) is None


def test_end_marks_are_not_asked_of_thai() -> None:
    thai = "\n".join(
        ["ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอน"] + [f"บ้านหลังที่ {n} อยู่ใกล้แม่น้ำสายใหญ่" for n in range(40)]
    )
    khmer = "\n".join(f"ផ្ទះទី {n} នៅជិតទន្លេធំមួយ" for n in range(40))
    options: dict[str, Any] = {
        "families": ["fineweb", "c4"],
        "thresholds": {"any": {"short_lines": False}},
    }
    assert reason(thai, "tha_Thai", **options) is None
    assert reason(khmer, "khm_Khmr", **options) == ("few_lines_with_end_mark", 0, 0.02)
    assert (
        reason(khmer[:200], "khm_Khmr", families=["fineweb"], thresholds=options["thresholds"])
        is None
    ), "few lines"


BAD = {
    "tha: a button, over and over": ("คลิกที่นี่ " * 300, "tha_Thai"),
    "lao: a button": ("ກົດທີ່ນີ້ " * 200, "lao_Laoo"),
    "hin: a button": ("यहाँ क्लिक करें। " * 200, "hin_Deva"),
    "bod: a button": ("འདིར་གནོན་དང་། " * 200, "bod_Tibt"),
    "amh: a button": ("እዚህ ይጫኑ። " * 200, "amh_Ethi"),
    "zho: a line": ("免费下载最新版本。\n" * 80, "zho_Hans"),
    "jpn: a line": ("今すぐ購入！\n" * 100, "jpn_Jpan"),
    "eng: a list of numbers": ("\n".join(f"Item {number}" for number in range(200)), "eng_Latn"),
    "eus: dates and times": ("2026-11-28 12:30 4,5 " * 100, "eus_Latn"),
    "eng: a program": ("if (a) { b(); }\n" * 100, "eng_Latn"),
}


@pytest.mark.parametrize(("text", "label"), BAD.values(), ids=BAD.keys())
def test_what_is_bad_in_any_language_goes(text: str, label: str) -> None:
    assert reason(text, label) is not None


@pytest.mark.parametrize("segmenter", ["auto", "graphemes"])  # the latter without PyICU
def test_passages_of_the_declaration_stay_in_hundreds_of_languages(segmenter: str) -> None:
    rows = []
    for language in gflanguages.LoadLanguages().values():
        sample = language.sample_text
        longest = max(
            (sample.tester, sample.specimen_48, sample.specimen_32, sample.specimen_16), key=len
        )
        text = "\n".join(dict.fromkeys(longest.splitlines()))
        if len(text) >= 200:
            rows.append(
                (
                    text,
                    one_code(to_iso639_3(language.language) or language.language),
                    language.script,
                )
            )
    fields = [DOCUMENT.field(name) for name in ("text", "language", "script")]
    arrays = [
        pa.array(values, field.type)
        for values, field in zip(zip(*rows, strict=True), fields, strict=True)
    ]
    block = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))
    config = QualityFilteringConfig.model_validate(
        {"stage": "filter_quality", "segmenter": segmenter}
    )
    found = filter_quality(block, config)
    assert block.num_rows > 400
    rejected = [
        f"{row['language']}_{row['script']} {row['reason']}" for row in found.rejected.to_pylist()
    ]
    assert len(rejected) <= 0.02 * block.num_rows, rejected


def test_limits_of_the_recipe_come_first_the_nearest_wins() -> None:
    text = "one two three four five six."
    few = {"too_few_words": 5}
    assert reason(text, thresholds={"any": few}, families=["gopher_quality"]) is None
    assert reason(text, thresholds={"any": few, "Latn": {"too_few_words": 7}})[1:] == (6, 7)  # type: ignore[index]
    assert reason(text, thresholds={"Latn": few, "eng": {"too_few_words": 8}})[1:] == (6, 8)  # type: ignore[index]
    assert reason(text, thresholds={"eng": few, "eng_Latn": {"too_few_words": 9}})[1:] == (6, 9)  # type: ignore[index]
    off = dict.fromkeys(RULE_NAMES, False)
    assert reason("", thresholds={"any": off}) is None


def test_mean_word_length_is_by_script() -> None:
    han = "今天天气很好，我们去公园散步。" * 3
    options: dict[str, Any] = {
        "families": ["gopher_quality"],
        "thresholds": {"any": {"too_few_words": 1}},
    }
    assert reason(han, "zho_Hans", **options) is None
    published = reason(han, "zho_Hans", limits="published", **options)
    assert published is not None
    assert published[0] == "short_words"


def test_signals_are_kept_if_asked() -> None:
    kept = filtered(GOOD, keep_signals=True).kept
    assert [kept.schema.field(name) for name in QUALITY_SIGNALS.names] == list(QUALITY_SIGNALS)
    again = filter_quality(kept, QualityFilteringConfig(keep_signals=True)).kept
    assert again.equals(kept)
    assert set(filtered(GOOD).kept.schema.names) == {"text", "language", "script"}


def test_bad_options_are_named() -> None:
    with pytest.raises(ValidationError) as error:
        QualityFilteringConfig(
            thresholds={"any": {"to_few_words": 3, "xyz": 1}, "eus_Lat": {"too_few_words": 1}}
        )
    for words in (
        "any: unknown rule 'to_few_words', did you mean 'too_few_words'? (known: too_few_words",
        "any: unknown rule 'xyz' (known: too_few_words",
        "got 'eus_Lat'; did you mean eus_Latn",
    ):
        assert words in str(error.value)
    assert "eus_Lat:" not in str(error.value), "its rule is known"
    with pytest.raises(
        ValidationError, match=r"got 'xx'\neng_Latn: the list of stop words is empty"
    ):
        QualityFilteringConfig(stop_words={"eng_Latn": (), "xx": ("a",), "eus_Latn": ("eta",)})
    with pytest.raises(SchemaError, match="'language' is missing"):
        filter_quality(pa.record_batch({"text": ["a"]}), QualityFilteringConfig())


def test_the_page_on_quality_has_every_rule_with_its_limits() -> None:
    page = (Path(__file__).parents[3] / "docs" / "quality.md").read_text()
    for rule in RULES:
        side = "at least" if rule.side == "min" else "at most"
        published = "none" if rule.published is None else f"{rule.published:g}"
        slack = f"{rule.slack.units:g} {rule.slack.whole}" if rule.slack else ""
        row = f"| `{rule.name}` | `{rule.signal}` {side} | {published} | {rule.fair:g} | {slack}"
        assert row in page


def test_limits_by_language_name_rules_that_are_there() -> None:
    assert {name for limits in (*FAIR.values(), *OFF.values()) for name in limits} <= set(
        RULE_NAMES
    )
    assert {rule.signal for rule in RULES} <= set(QUALITY_SIGNALS.names)
