"""Conditional transliteration: only the tokens that match change, and everything else stays byte
for byte."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from pydantic import TypeAdapter, ValidationError

from stages.transliteration.conditions import load_condition
from stages.transliteration.options import (
    ConditionConfig,
    LabelCondition,
    ModelCondition,
    PatternCondition,
    ScriptCondition,
    WordCondition,
)
from stages.transliteration.schemes import scheme_for
from stages.transliteration.transliterate import transliterate

pytest.importorskip("icu", reason="the schemes need glotmill[icu]")
SENTENCE = "Il-ktieb tal-kompjuter u l-mejda, il-KELB  ta' Strada  Reali;\tkelb\u200bgrazzi"
ARABIC = ("ktieb", "kelb", "ta'", "u")


def maltese(config: ConditionConfig, text: str = SENTENCE) -> str:
    made: str = transliterate(
        pa.array([text]), scheme_for("maltese_arabic", "mlt", "Latn"), load_condition(config)
    )[0].as_py()
    return made


def test_maltese_words_of_arabic_origin_change_and_romance_and_english_ones_stay() -> None:
    assert maltese(WordCondition(words=ARABIC)) == (
        "الكتاب tal-kompjuter و l-mejda, الكلب  تاع Strada  Reali;\tكلب\u200bgrazzi"
    )


def test_negated_it_is_the_others_that_change() -> None:
    made = maltese(WordCondition(words=ARABIC, negate=True), "il-ktieb mejda")
    assert made == "il-ktieb ميدة"


def test_words_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "arabic_origin.txt"
    path.write_text("ktieb\nKelb\n", "utf-8")
    assert maltese(WordCondition(path=str(path)), "kelb ktieb dar") == "كلب كتاب dar"


def test_labels_of_etymology_choose(tmp_path: Path) -> None:
    path = tmp_path / "etymology.tsv"
    path.write_text("ktieb\tarabic\nmejda\titalian\nkompjuter\tenglish\ndar\tarabic\n", "utf-8")
    config = LabelCondition(path=str(path), labels=("arabic",))
    assert maltese(config, "il-ktieb mejda kompjuter dar kelb") == "الكتاب mejda kompjuter دار kelb"


def test_a_line_without_a_label_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "etymology.tsv"
    path.write_text("ktieb\tarabic\nmejda\n", "utf-8")
    with pytest.raises(
        ValueError, match="every line must be a word, a tab and a label, got another in line 2"
    ):
        load_condition(LabelCondition(path=str(path), labels=("arabic",)))


def test_a_model_chooses(tmp_path: Path) -> None:
    import fasttext  # type: ignore[import-not-found, import-untyped, unused-ignore]

    lines = [
        f"__label__arabic {w}"
        for w in ("qalb", "għajn", "ħobż", "triq", "għana", "qattus", "ħanut")
    ] * 20
    lines += [
        f"__label__italian {w}"
        for w in ("mejda", "strada", "karta", "pizza", "skola", "forma", "vjola")
    ] * 20
    path = tmp_path / "train.txt"
    path.write_text("\n".join(lines), "utf-8")
    model = fasttext.train_supervised(
        str(path), minn=1, maxn=3, dim=8, epoch=50, lr=0.5, thread=1, seed=1, verbose=0, bucket=1000
    )
    model.save_model(str(tmp_path / "etymology.bin"))
    config = ModelCondition(path=str(tmp_path / "etymology.bin"), labels=("arabic",))
    assert maltese(config, "il-qattus mejda ħobż strada") == "القطوس mejda حبز strada".replace(
        "ط", "ت"
    )
    with pytest.raises(
        ValueError, match=r"labels must be among the model's arabic, italian, got \['english'\]"
    ):
        load_condition(ModelCondition(path=config.path, labels=("english",)))


def test_a_model_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="path must be a fastText model, got"):
        load_condition(ModelCondition(path="nowhere.bin", labels=("arabic",)))


def test_a_pattern_chooses() -> None:
    assert maltese(PatternCondition(pattern="[għħq]"), "qalb strada ħobż") == "قلب strada حبز"


def test_a_script_chooses_for_a_scheme_that_takes_any() -> None:
    scheme = scheme_for("uroman", "khm", "Khmr")
    condition = load_condition(ScriptCondition(scripts=("Khmr",)))
    made = transliterate(pa.array(["ភាសា и ខ្មែរ"]), scheme, condition)[0].as_py()
    assert made == "phaasaa и khmaero"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            {"by": "regex", "pattern": "("},
            r"pattern must be a regular expression in Rust's syntax, got '\('",
        ),
        (
            {"by": "script", "scripts": ["Klng"]},
            "scripts must be ISO 15924 codes that Unicode has, got 'Klng'",
        ),
        ({"by": "words"}, "a condition by words needs words or a path, got neither"),
        ({"by": "labels", "path": "x", "labels": []}, "at least 1 item"),
        ({"by": "taste"}, "does not match any of the expected tags"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(written: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(ConditionConfig).validate_python(written)


def test_a_condition_sees_each_token_once() -> None:
    seen: list[str] = []

    def never(tokens: pl.Series) -> pl.Series:
        seen.extend(tokens.to_list())
        return pl.repeat(False, len(tokens), eager=True)

    text = pa.array(["kelb ktieb kelb", "kelb"])
    assert (
        transliterate(text, scheme_for("maltese_arabic", "mlt", "Latn"), never).to_pylist()
        == text.to_pylist()
    )
    assert seen == ["kelb", "ktieb"]
