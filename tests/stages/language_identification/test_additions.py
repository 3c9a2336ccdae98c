"""A language that no model knows is added to the cascade, and the others stay as they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import gflanguages
import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from stages.language_identification.additions import (
    Addition,
    Extended,
    fit_addition,
    new_scores,
    read_addition,
)
from stages.language_identification.answers import Answers
from stages.language_identification.calibration import load_calibration
from stages.language_identification.cascade import Candidates, Cascade, Identifier
from stages.language_identification.fasttext_model import load_fasttext
from stages.language_identification.identify import LanguageIdentificationConfig, load_identifier
from stages.language_identification.labels import read_label
from stages.language_identification.training import (
    Before,
    TrainingOptions,
    TrainingReport,
    train_with_neighbours,
)

NEW = "fao_Latn"
OTHERS = (
    "is",
    "nn",
    "nb",
    "sv",
    "da",
    "en",
    "fi",
    "es",
    "eu",
    "mt",
    "ha",
    "sw",
    "de",
    "fr",
    "tr",
    "uz",
)
FIELDS = (
    "tester",
    "poster_lg",
    "specimen_48",
    "specimen_36",
    "specimen_32",
    "specimen_21",
    "specimen_16",
)
OPTIONS = TrainingOptions(
    epochs=60, buckets=20_000, noise_sentences=80, held_out_share=0.3, quantize=False
)


def sentences(code: str) -> list[str]:
    sample = gflanguages.LoadLanguages()[code].sample_text
    lines = [line.strip() for field in FIELDS for line in getattr(sample, field).splitlines()]
    return list(dict.fromkeys(line.lower() for line in lines if len(line) > 30))


@pytest.fixture(scope="module")
def without_faroese() -> Cascade:
    table = load_calibration()
    return Cascade(table._replace(known=table.known - {NEW}))


@pytest.fixture(scope="module")
def trained(without_faroese: Cascade, tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    folder = tmp_path_factory.mktemp("added")
    mine = folder / "faroese.parquet"
    pl.DataFrame({"text": sentences("fo_Latn"), "label": NEW}).write_parquet(mine)
    rows = [
        (text, "_".join(map(str, read_label(f"{code}_Latn"))), "made", "made")
        for code in OTHERS
        for text in sentences(f"{code}_Latn")
    ]
    others = pl.DataFrame(rows, schema=["text", "label", "source", "kind"], orient="row")
    return train_with_neighbours(
        [str(mine)], str(folder / "faroese.ftz"), Before(without_faroese, others), OPTIONS
    )


def best(identifier: Identifier, texts: Sequence[str]) -> list[str]:
    found = identifier(texts)
    return [found.languages[code] for code in found.codes[:, 0].tolist()]


FAROESE = [
    "í morgun fóru vit til gongu í haganum, og tað var bæði kalt og vátt.",
    "hon sigur, at børnini skulu í skúla, tá ið summarið er farið.",
    "føroyingar hava altíð livað av tí, sum havið gevur.",
]
STAY = {
    "isl": "í morgun fórum við saman í fjallgöngu og tókum með okkur nesti.",
    "dan": "i morges gik vi en lang tur i skoven med vores venner og deres hund.",
    "eus": "gaur goizean lagunekin mendira joan naiz eta ibilaldi luzea egin dugu.",
    "rus": "сегодня утром мы пошли с друзьями в горы и долго гуляли по лесу.",
}


@pytest.mark.slow
def test_a_new_language_is_told_and_the_others_stay(
    without_faroese: Cascade, trained: TrainingReport
) -> None:
    extended = Extended(without_faroese, load_fasttext(trained.model), read_addition(trained.model))
    assert "fao" not in best(without_faroese, FAROESE)
    assert best(extended, FAROESE) == ["fao"] * 3
    assert best(extended, list(STAY.values())) == list(STAY)
    assert extended.answers.possible(NEW)
    assert extended.sha256 != without_faroese.sha256


def test_one_sentence_is_no_language(without_faroese: Cascade, tmp_path: Path) -> None:
    pl.DataFrame({"text": FAROESE[:1], "label": NEW}).write_parquet(tmp_path / "one.parquet")
    nothing = pl.DataFrame(schema=dict.fromkeys(("text", "label", "source", "kind"), pl.String))
    with pytest.raises(ValueError, match=f"5 passages or more: {NEW} has 1$"):
        train_with_neighbours(
            [str(tmp_path / "one.parquet")],
            str(tmp_path / "one.ftz"),
            Before(without_faroese, nothing),
            OPTIONS,
        )


@pytest.mark.slow
def test_the_report_says_what_is_won_and_lost(trained: TrainingReport) -> None:
    added = trained.added
    assert added is not None
    assert added.neighbours[NEW][0] in ("isl_Latn", "nno_Latn", "dan_Latn", "nob_Latn")
    assert added.recall[NEW] > 0.5
    assert added.others_after >= added.others_before - 0.003


@pytest.mark.slow
def test_a_recipe_names_the_cascade_and_the_model(trained: TrainingReport) -> None:
    identifier = load_identifier(LanguageIdentificationConfig(model=("cascade", trained.model)))
    assert identifier.name == f"cascade + {trained.model}"
    assert best(identifier, FAROESE) == ["fao"] * 3


@pytest.mark.slow
def test_a_row_depends_on_its_own_text_alone(
    without_faroese: Cascade, trained: TrainingReport
) -> None:
    extended = Extended(without_faroese, load_fasttext(trained.model), read_addition(trained.model))
    texts = [*FAROESE, *STAY.values()]
    together = extended(texts)
    for row, text in enumerate(texts):
        alone = extended([text])
        assert alone.codes[0].tolist() == together.codes[row].tolist()
        assert alone.scores[0].tolist() == together.scores[row].tolist()
    assert extended([]).codes.shape == (0, 3)


@pytest.mark.slow
def test_other_scripts_are_not_asked(trained: TrainingReport) -> None:
    _, scores = new_scores(load_fasttext(trained.model), [NEW], [*FAROESE, STAY["rus"]])
    assert (scores[:3] > 0).all()
    assert scores[3] == 0


def test_scores_become_the_share_that_is_right() -> None:
    chance = np.random.default_rng(7)
    scores = chance.random(5000)
    addition = fit_addition([NEW], scores, chance.random(5000) < scores**2, np.ones(5000))
    assert addition.labels == (NEW,)
    found = np.interp([0.3, 0.6, 0.9], addition.scores, addition.probabilities)
    assert found == pytest.approx([0.09, 0.36, 0.81], abs=0.06)


def test_the_others_share_what_the_new_language_leaves() -> None:
    class Sure:
        name, version, sha256 = "sure", "1", "0"
        answers = Answers(frozenset({"dan", "nob"}), frozenset({"dan_Latn"}))

        def __call__(self, texts: Sequence[str]) -> Candidates:
            codes, scores = np.asarray([[0, 1, -1]]), np.asarray([[0.9, 0.1, 0]], np.float32)
            return Candidates(
                ("dan", "nob"), codes.repeat(len(texts), 0), scores.repeat(len(texts), 0)
            )

    class Model:
        name, version, sha256 = "mine", "1", "1"

        def __call__(self, texts: Sequence[str]) -> Candidates:
            return Candidates(
                ("fao",), np.asarray([[0, -1, -1]]), np.asarray([[0.5, 0, 0]], np.float32)
            )

    extended = Extended(Sure(), Model(), Addition((NEW,), (0.0, 0.5, 1.0), (0.0, 0.6, 1.0)))  # type: ignore[arg-type]
    found = extended(["hvat er hetta"])
    assert [found.languages[code] for code in found.codes[0]] == ["fao", "dan", "nob"]
    assert found.scores[0].tolist() == pytest.approx([0.6, 0.36, 0.04])


BROKEN: dict[str, tuple[object, type[Exception], str]] = {
    "no file": (
        None,
        FileNotFoundError,
        "no mine.ftz.json next to it says what it adds; train it by glotmill lid train",
    ),
    "no JSON": (
        "{",
        ValueError,
        "must hold labels, scores and probabilities: .*; train the model again",
    ),
    "no labels": (
        {"labels": [], "scores": [], "probabilities": []},
        ValueError,
        "must hold labels and as many rising",
    ),
    "a path as label": (
        {"labels": ["../../etc"], "scores": [0], "probabilities": [0]},
        ValueError,
        "must hold labels, scores",
    ),
    "falling scores": (
        {"labels": [NEW], "scores": [1, 0], "probabilities": [0, 1]},
        ValueError,
        "as many rising scores as probabilities",
    ),
}


@pytest.mark.parametrize(("content", "error", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_addition_is_refused(
    content: object, error: type[Exception], message: str, tmp_path: Path
) -> None:
    model = tmp_path / "mine.ftz"
    if content is not None:
        text = content if isinstance(content, str) else json.dumps(content)
        Path(f"{model}.json").write_text(text, "utf-8")
    with pytest.raises(error, match=message):
        read_addition(str(model))


@pytest.mark.parametrize(
    "models", [("cascade",), ("mine.ftz", "cascade"), ("mine.ftz", "yours.ftz"), ()]
)
def test_a_list_of_models_begins_with_the_cascade(models: tuple[str, ...]) -> None:
    with pytest.raises(
        ValidationError,
        match=r'a list of models must be \["cascade", \.\.\.\] and name what is added',
    ):
        LanguageIdentificationConfig(model=models)
