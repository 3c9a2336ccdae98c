"""Limits are learned by the published formulas, clamped, refused where they say nothing, and hold
for one segmenter."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.quality_limits import ALL, LanguageLimits, LimitsTable
from schemas.quality_signals import QUALITY_SIGNALS
from stages.quality.learned_limits import load_limits, require_limits_for
from stages.quality.rules import RULES, ChosenLimits, limit_of
from stages.quality.segmenters import segmenter_version
from stages.quality.tuning import Pages, Way, learn, levelled, score_threshold

WORDS = 1_000_000  # so many that the slack of a page is nothing


def pages_of(**values: tuple[str, np.ndarray[Any, Any]]) -> Pages:
    """Make pages whose `top_2_gram_share` is given by label; all else is as in long good pages."""
    labels = np.concatenate([np.full(len(shares), label) for label, shares in values.values()])
    shares = np.concatenate([shares for _, shares in values.values()])
    columns: dict[str, np.ndarray[Any, Any]] = {
        field.name: np.zeros(
            len(shares), np.int64 if pa.types.is_integer(field.type) else np.float64
        )
        for field in QUALITY_SIGNALS
    }
    columns |= {"words": np.full(len(shares), WORDS), "tokens": np.full(len(shares), WORDS)}
    columns |= {"lines": np.full(len(shares), WORDS), "top_2_gram_share": shares}
    columns |= {
        "alphabetic_word_share": np.full(len(shares), 0.95),
        "mean_word_length": np.full(len(shares), 5.0),
    }
    columns |= dict.fromkeys(
        ("alphabetic_token_share", "end_mark_line_share"), np.full(len(shares), 0.9)
    )
    columns |= dict.fromkeys(("c4_sentences", "stop_words"), np.full(len(shares), WORDS))
    signals = pa.RecordBatch.from_arrays(
        [pa.array(columns[name]) for name in QUALITY_SIGNALS.names], schema=QUALITY_SIGNALS
    )
    return Pages(signals, labels, np.full(len(shares), 0.8))


RANDOM = np.random.default_rng(3)
ENGLISH = RANDOM.uniform(0.0, 0.3, 500)
BASQUE = RANDOM.uniform(0.1, 0.7, 400)
GIVEN = 0.2  # of the papers
SHARE = float((ENGLISH <= GIVEN).mean())
EXPECTED = {
    "mean_std": BASQUE.mean() + BASQUE.std() * (GIVEN - ENGLISH.mean()) / ENGLISH.std(),
    "quantile": np.quantile(BASQUE, SHARE),
    "tail": np.quantile(BASQUE, 0.9),
    "median_ratio": GIVEN * np.median(BASQUE) / np.median(ENGLISH),
    "budget": np.quantile(BASQUE, 0.9),  # one rule alone takes the whole budget
}


@pytest.mark.parametrize(("method", "expected"), EXPECTED.items(), ids=EXPECTED.keys())
def test_limits_are_those_of_the_published_formulas(method: Any, expected: float) -> None:
    found = learn(
        pages_of(eng=("eng_Latn", ENGLISH), eus=("eus_Latn", BASQUE)), Way(method, 0.1)
    ).languages
    assert found["eus_Latn"].limits == {"top_2_gram": pytest.approx(expected, abs=2e-3)}
    assert found["eus_Latn"].learned_from == "eus_Latn"
    if method in ("tail", "budget"):
        assert (found["eus_Latn"].limits["top_2_gram"] < BASQUE).mean() == pytest.approx(
            0.1, abs=0.003
        )
        assert found["eus_Latn"].false_positives[ALL] == pytest.approx(0.1, abs=0.04)


def test_limits_are_clamped_and_those_that_drop_nothing_are_refused() -> None:
    wide = pages_of(eng=("eng_Latn", RANDOM.uniform(0, 0.01, 500)), eus=("eus_Latn", BASQUE))
    found = learn(wide, Way("mean_std", 0.1))
    assert found.languages["eus_Latn"].limits == {}
    why = {(refusal.label, refusal.rule): refusal.why for refusal in found.refused}
    assert why["eus_Latn", "top_2_gram"] == "2 would drop no page of the reference"


def test_limits_that_drop_half_are_refused() -> None:
    found = learn(
        pages_of(eng=("eng_Latn", RANDOM.uniform(0.5, 0.9, 500)), eus=("eus_Latn", BASQUE)),
        Way("mean_std", 0.1),
    )
    why = {(refusal.label, refusal.rule): refusal.why for refusal in found.refused}
    assert "would drop 100% of the reference" in why["eng_Latn", "top_2_gram"]


def test_a_limit_that_any_page_with_one_breaks_is_refused() -> None:
    rare = np.where(np.arange(400) % 5 == 0, 0.01, 0.0)
    why = {
        refusal.rule: refusal.why
        for refusal in learn(pages_of(eus=("eus_Latn", rare)), Way("tail", 0.3)).refused
    }
    assert (
        "would drop nearly all pages that have any, and 80% have none" in why["top_2_gram"]
        or "no page" in why["top_2_gram"]
    )
    rare = np.where(np.arange(400) % 5 == 0, RANDOM.uniform(0.001, 0.02, 400), 0.0)
    why = {
        refusal.rule: refusal.why
        for refusal in learn(pages_of(eus=("eus_Latn", rare)), Way("tail", 0.1)).refused
    }
    assert "would drop nearly all pages that have any, and 80% have none" in why["top_2_gram"]


def test_nothing_is_no_limit_of_what_only_the_slack_of_short_pages_allows() -> None:
    rarely, often = (np.where(np.arange(400) % 20 == 0, 0.3, usual) for usual in (0.05, 0.2))
    limits = []
    for shares in (rarely, often):
        pages = pages_of(eus=("eus_Latn", shares))
        place = pages.signals.schema.get_field_index("words")
        words = pa.array([80] * len(shares))  # of which eight may repeat
        short = pages.signals.set_column(place, QUALITY_SIGNALS.field("words"), words)
        found = learn(pages._replace(signals=short), Way("tail", 0.1))
        limits.append(found.languages["eus_Latn"].limits)
        why = {refusal.rule: refusal.why for refusal in found.refused}
        assert why.get("top_2_gram", "").startswith("0 would drop every page") == (shares is rarely)
    assert limits == [{}, {"top_2_gram": pytest.approx(0.1)}]


def test_few_pages_take_the_limits_of_the_script_and_say_so() -> None:
    pages = pages_of(
        eus=("eus_Latn", BASQUE), yor=("yor_Latn", BASQUE[:50]), amh=("amh_Ethi", BASQUE[:50])
    )
    found = learn(pages, Way("tail", 0.1)).languages
    assert found["yor_Latn"].learned_from == "Latn"
    assert (found["yor_Latn"].pages, found["yor_Latn"].language_score) == (50, None)
    together = np.concatenate([BASQUE[:200], BASQUE[:50]])  # at most 200 pages of each language
    assert found["yor_Latn"].limits["top_2_gram"] == pytest.approx(
        np.quantile(together, 0.9), abs=1e-3
    )
    assert found["amh_Ethi"] == LanguageLimits(pages=50)


def test_methods_that_carry_english_limits_over_need_english_pages() -> None:
    with pytest.raises(
        ValueError,
        match="median_ratio carries over the limits of English, so the reference needs 200",
    ):
        learn(pages_of(eus=("eus_Latn", BASQUE)), Way("median_ratio", 0.1))


def test_short_pages_are_no_reference() -> None:
    pages = pages_of(eus=("eus_Latn", BASQUE))
    place = pages.signals.schema.get_field_index("words")
    short = pages.signals.set_column(
        place, QUALITY_SIGNALS.field("words"), pa.array(np.full(len(BASQUE), 49))
    )
    assert learn(pages._replace(signals=short), Way("tail", 0.1)).languages == {}


def test_slack_is_taken_from_what_is_learned() -> None:
    rule = next(rule for rule in RULES if rule.name == "top_2_gram")
    pages = pages_of(eus=("eus_Latn", BASQUE)).signals
    short = pages.set_column(
        pages.schema.get_field_index("words"),
        QUALITY_SIGNALS.field("words"),
        pa.array([80] * len(BASQUE)),
    )
    assert rule.slack is not None
    assert levelled(rule, short) == pytest.approx(BASQUE - rule.slack.units / 80)


def test_language_scores() -> None:
    scores = np.concatenate([np.full(150, 0.7), np.full(150, 0.9)])
    assert score_threshold(scores) == pytest.approx(0.8 - 0.1)
    assert score_threshold(np.where(np.arange(300) % 2, 0.1, 0.2)) == 0.3
    assert score_threshold(np.full(300, np.nan)) is None


TABLE = LimitsTable(
    segmenter="icu",
    segmenter_version="ICU 1.0",
    method="tail",
    reference='a "b"',
    languages={
        "eus_Latn": LanguageLimits(
            pages=300,
            learned_from="eus_Latn",
            limits={"top_2_gram": 0.3},
            false_positives={ALL: 0.1},
        ),
        "tha_Thai": LanguageLimits(
            pages=300, learned_from="Thai", language_score=0.5, limits={"top_2_gram": 0.4}
        ),
    },
)


def test_a_table_comes_back_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text(TABLE.to_toml())
    assert load_limits(str(file)) == TABLE
    assert tomllib.loads(file.read_text())["languages"]["tha_Thai"]["limits"] == {"top_2_gram": 0.4}
    assert TABLE.scores == {"tha_Thai": 0.5}


def test_learned_limits_stand_between_those_of_the_recipe_and_the_default() -> None:
    rule = next(rule for rule in RULES if rule.name == "top_2_gram")
    assert limit_of(rule, "eus", "Latn", ChosenLimits("fair", learned=TABLE.by_label)) == (
        0.3,
        False,
    )
    assert limit_of(
        rule, "eus", "Latn", ChosenLimits("fair", {"any": {"top_2_gram": 0.5}}, TABLE.by_label)
    ) == (
        0.5,
        True,
    )
    assert limit_of(rule, "fin", "Latn", ChosenLimits("fair", learned=TABLE.by_label)) == (
        rule.fair,
        False,
    )


GRAPHEMES = ("graphemes", segmenter_version("graphemes"))


def test_a_table_for_other_words_or_signals_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"the limits of tha_Thai hold for words by icu ICU 1\.0, here words are by graph",
    ):
        require_limits_for(TABLE, *GRAPHEMES, "limits.toml")
    spaced = TABLE.model_copy(update={"languages": {"eus_Latn": TABLE.languages["eus_Latn"]}})
    # words between spaces are the same for all
    require_limits_for(spaced, *GRAPHEMES, "limits.toml")
    own = TABLE.model_copy(
        update=dict(zip(("segmenter", "segmenter_version"), GRAPHEMES, strict=True))
    )
    require_limits_for(own, *GRAPHEMES, "limits.toml")
    other = TABLE.model_copy(update={"signals": "fineweb"})
    with pytest.raises(
        ValueError,
        match=r"limits\.toml: the limits are of fineweb, what is measured is glotmill-signals/3",
    ):
        require_limits_for(other, *GRAPHEMES, "limits.toml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "is no table of limits"),
        (b"a = ", "is no table of limits"),
        (b"method = 'tail'", "is no table of limits: segmenter"),
        (
            TABLE.to_toml().replace("top_2_gram", "top_9_gram").encode(),
            "no rule is called top_9_gram",
        ),
        (
            TABLE.to_toml().replace("glotmill-limits/1", "glotmill-limits/9").encode(),
            "is no table of limits: format",
        ),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "limits.toml"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_limits(str(file))
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"there is no table of limits .*limits\.toml; learn one by glotmill tune"
    ):
        load_limits(str(tmp_path / "limits.toml"))
