"""The vectorized models answer as their packages do, and calibration is what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import gflanguages
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.language_identification.calibration import (
    COMBINED_BINS,
    CONTESTED,
    LabelledTexts,
    ModelTable,
    combined_evidence,
    fit_model,
    isotonic,
    known_labels,
    load_calibration,
    noisy_or,
    possible,
    read_calibration,
    trust_group,
    with_best,
    write_calibration,
)
from stages.language_identification.cascade import (
    Cascade,
    GoldPassages,
    _answerable,
    calibrate,
    crop,
)
from stages.language_identification.embedded_models import (
    CLD2,
    FunLangID,
    LabelTable,
    Opinions,
    Py3Langid,
    best,
    fun_langid_module,
)

SAMPLES = sorted(
    language.sample_text.tester.replace("\n", " ").lower()
    for language in gflanguages.LoadLanguages().values()
    if language.sample_text.tester
)[::3]
ODD = [
    "",
    " ",
    "a",
    "ab",
    "abc",
    "ab cd",
    "  a  b  ",
    "的一是",
    'say "a/b"',
    "ǆ ǅ",
    "i̇stanbul",
    "\u3000日本\u3000",
    "x" * 500,
]


@pytest.fixture(scope="module")
def py3langid() -> Py3Langid:
    return Py3Langid()


@pytest.fixture(scope="module")
def fun_langid() -> FunLangID:
    return FunLangID()


def test_py3langid_gives_the_package_s_label_and_probability(py3langid: Py3Langid) -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    theirs = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    texts = [*SAMPLES, *ODD]
    expected = [theirs.classify(text) for text in texts]
    found = py3langid.probabilities(texts)
    assert [py3langid.codes[column] for column in found.argmax(axis=1)] == [
        label for label, _ in expected
    ]
    assert found.max(axis=1) == pytest.approx([score for _, score in expected], abs=1e-4)


def test_fun_langid_gives_the_package_s_scores(fun_langid: FunLangID) -> None:
    theirs = fun_langid_module().FunLangID()
    texts = [*SAMPLES[::4], *ODD]
    counts, totals = fun_langid.counts(texts)
    shares = counts / np.maximum(totals, 1)[:, None]
    for row, text in enumerate(texts):
        expected = {
            code: score for code, score in theirs.predict(text, len(fun_langid.codes)) if score
        }
        found = {
            fun_langid.codes[column]: shares[row, column] for column in np.flatnonzero(shares[row])
        }
        assert found == pytest.approx(expected), text


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), max_size=60),
        min_size=1,
        max_size=6,
    )
)
def test_an_answer_depends_on_its_own_text_alone(
    py3langid: Py3Langid, fun_langid: FunLangID, texts: list[str]
) -> None:
    for model in (CLD2(), py3langid, fun_langid):
        together = model(texts)
        for row, text in enumerate(texts):
            alone = model([text])
            assert np.array_equal(alone.labels[0], together.labels[row]), (model.name, text)
            assert np.array_equal(alone.evidence[0], together.evidence[row]), (model.name, text)
            assert (alone.evidence >= 0).all()
            assert (alone.evidence < model.bins).all()


def test_cascade_accepts_the_fast_model_and_asks_the_others_when_it_is_unsure() -> None:
    cascade = Cascade()
    asked: list[str] = []
    slow, original = cascade.slow
    assert slow.name == "py3langid"

    class Listening:
        name, version, bins, batch, labels = "fun_langid", "1", FunLangID.bins, 8, original.labels

        def __call__(self, texts: Sequence[str]) -> Opinions:
            asked.extend(texts)
            return original(texts)

    cascade.slow = [slow, Listening()]
    sure, unsure = "hau euskarazko testu argia da, eta luzea ere bada, benetan", "mo dupe"
    found = cascade([sure, unsure, "ᱟᱞᱮ ᱦᱟᱴ"])
    assert asked == [unsure]
    assert [found.languages[code] for code in found.codes[:, 0]][::2] == ["eus", "sat"]
    assert (found.scores[[0, 2], 0] >= cascade.accept).all()


def test_table_is_the_one_that_the_packages_installed_were_calibrated_with() -> None:
    models = load_calibration().sources["models"]
    assert models == {model.name: model.version for model in (CLD2, Py3Langid, FunLangID)}, (
        "calibrate again: glotmill lid calibrate"
    )


def test_table_survives_writing() -> None:
    table = load_calibration()
    assert write_calibration(read_calibration(write_calibration(table))) == write_calibration(table)
    assert Cascade().sha256 == hashlib.sha256(write_calibration(table).encode()).hexdigest()


def test_fit_recovers_how_often_a_label_is_right() -> None:
    chance = np.random.default_rng(3)
    table = LabelTable(("eus", "spa", "sat"), (None, None, None))
    rate = np.asarray([[0.95, 0.5], [0.6, 0.1]])  # label, bin
    labels, bins = chance.integers(0, 2, 20_000), chance.integers(0, 2, 20_000)
    right = chance.random(20_000) < rate[labels, bins]
    gold = [
        ("eus_Latn", "spa_Latn")[label if ok else 1 - label]
        for label, ok in zip(labels, right, strict=True)
    ]
    opinions = Opinions(labels[:, None], bins[:, None])
    fitted = fit_model(
        opinions,
        ModelTable(table, 2),
        LabelledTexts(["Latn"] * 20_000, gold),
        known_labels(gold),
    )
    for label, name in enumerate(("eus_Latn", "spa_Latn")):
        groups = trust_group(np.arange(2), fitted.bins, np.zeros(2, np.int64))
        logits = fitted.bins + np.asarray(fitted.labels[name])[groups]
        assert 1 / (1 + np.exp(-logits)) == pytest.approx(rate[label], abs=0.06)


@pytest.mark.parametrize(
    ("passages", "gold", "least", "most"),
    [
        ({"mri_Latn": 2}, "mri_Latn", 0.5, 1.0),  # lacks 48 of 50: they are imagined
        ({"mri_Latn": 50}, "mri_Latn", 0.0, 0.3),  # lacks none: what was observed counts
        ({}, "", 0.5, 1.0),  # none at all, and every answer observed is wrong
    ],
    ids=["few", "enough", "none"],
)
def test_a_label_of_few_passages_is_not_outweighed_by_what_is_taken_for_it(
    passages: dict[str, int], gold: str, least: float, most: float
) -> None:
    table = LabelTable(("eus", "mri"), (None, None))
    # 2000 Basque texts: one in a hundred is taken for Maori, half of them surely
    said = np.where(np.arange(2000) % 100 == 0, 1, 0)
    sure = np.where(said == 1, np.arange(2000) % 200 == 0, True).astype(np.int64)
    right = ["eus_Latn"] * 2000
    if gold:  # and two texts in Maori, which are found
        said, sure = np.append(said, [1, 1]), np.append(sure, [1, 1])
        right += [gold] * 2
    fitted = fit_model(
        Opinions(said[:, None], sure[:, None]),
        ModelTable(table, 2),
        LabelledTexts(["Latn"] * len(right), right, passages=passages),
        known_labels(right),
    )
    groups = trust_group(np.arange(2), fitted.bins, np.zeros(2, np.int64))
    logits = fitted.bins + np.asarray(fitted.labels["mri_Latn"])[groups]
    assert least <= 1 / (1 + np.exp(-logits[1])) <= most


def test_isotonic_never_falls_and_meets_the_frequencies() -> None:
    chance = np.random.default_rng(5)
    scores = chance.random(20_000)
    x, y = isotonic(scores, (chance.random(20_000) < scores**2).astype(np.float64))
    assert y == sorted(y)
    assert np.interp([0.3, 0.6, 0.9], x, y) == pytest.approx([0.09, 0.36, 0.81], abs=0.04)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0.01, 0.99)), min_size=1, max_size=6))
def test_noisy_or_is_one_minus_the_product_of_doubts(opinions: list[tuple[int, float]]) -> None:
    languages, scores = noisy_or(
        np.asarray([[label for label, _ in opinions]]),
        np.asarray([[score for _, score in opinions]], np.float32),
    )
    expected = {
        label: 1 - np.prod([1 - score for other, score in opinions if other == label])
        for label, _ in opinions
    }
    found = {
        int(label): float(score)
        for label, score in zip(languages[0], scores[0], strict=True)
        if label >= 0
    }
    assert found == pytest.approx(expected, abs=1e-5)
    assert (np.diff(scores[0]) <= 0).all()


def test_calibrating_twice_gives_the_same_table() -> None:
    texts = SAMPLES[::2]
    gold = ["eus_Latn" if position % 2 else "zxx_Zyyy" for position in range(len(texts))]
    first, second = (write_calibration(calibrate(GoldPassages(texts, gold), {})) for _ in range(2))
    assert first == second
    assert json.loads(first)["known"] == "eus_Latn"
    assert crop(texts, 4, 9, seed=1) == crop(texts, 4, 9, seed=1)
    assert all(len(piece) <= 9 for piece in crop(texts, 4, 9, seed=1))


def test_texts_that_no_model_can_name_teach_their_macrolanguage() -> None:
    tables = [LabelTable(("zho", "zho", "yue", "nan"), ("Hans", "Hant", None, "Latn"))]
    gold = ["gan_Hans", "yue_Hant", "nan_Hant", "nan_Latn", "gan_Latn", "zho_Hani", "eus_Latn"]
    assert _answerable(gold, tables) == [
        "zho_Hans",  # nothing answers Gan
        "yue_Hant",
        "zho_Hant",  # Min Nan is answered in Latin script alone
        "nan_Latn",
        "gan_Latn",  # nor is Chinese there
        "zho_Hani",
        "eus_Latn",
    ]


def test_letters_of_other_scripts_are_no_noise() -> None:
    known = known_labels(["eus_Latn"])
    assert [
        possible("zxx", None, script, known) for script in ("Latn", "Zyyy", "Brah", "Cyrl")
    ] == [
        True,
        True,
        False,
        False,
    ]


def test_a_best_label_takes_from_what_was_left() -> None:
    scores = np.asarray([[0.6, 0.2, 0.0], [0.9, 0.05, 0.05]], np.float32)
    mapped = with_best(scores, (np.asarray([0.0, 0.6, 1.0]), np.asarray([0.0, 0.8, 1.0])))
    assert mapped[0].tolist() == pytest.approx([0.8, 0.1, 0.0])
    assert (mapped.sum(axis=1) <= 1 + 1e-6).all()


def test_evidence_of_combined_scores_is_told_apart() -> None:
    lengths = np.asarray([10, 30, 200, 200])
    scores = np.asarray([[0.6, 0.1, 0], [0.6, 0.1, 0], [0.6, 0.1, 0], [0.6, 0.5, 0]], np.float32)
    labels, nobody = np.asarray([[4, 7, -1]] * 4), np.full(4, -1)
    evidence = combined_evidence(labels, scores, lengths, (nobody, nobody))
    assert len(set(evidence[:, 0].tolist())) == 4, (
        "by length, and by how near the second label comes"
    )
    assert not set(evidence[:, 0].tolist()) & set(evidence[:, 1:].ravel().tolist())
    assert 0 <= evidence.min() <= evidence.max() < CONTESTED


def test_evidence_of_a_label_that_two_models_contradict_is_its_own() -> None:
    one, two = np.asarray([4, 4, -1]), np.asarray([7, 7, -1])
    labels = np.asarray([[4, 7, 9], [7, 4, 9], [4, 7, 9]])
    scores = np.asarray([[0.6, 0.5, 0.1]] * 3, np.float32)
    evidence = combined_evidence(labels, scores, np.asarray([30, 30, 30]), (one, two))
    groups = trust_group(evidence, np.zeros(evidence.shape), np.arange(3)).tolist()
    assert groups == [[3, 4, 2], [4, 3, 2], [1, 2, 2]]
    assert CONTESTED <= evidence[:2, :2].min() <= evidence.max() < COMBINED_BINS
    assert evidence[0, 2] == evidence[2, 2], "labels of neither side are judged as ever"


def test_best_prefers_the_first_of_equals() -> None:
    assert best(np.asarray([[1, 3, 3, 2]]), 3).tolist() == [[1, 2, 3]]
