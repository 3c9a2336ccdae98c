"""Documents are scored by any fastText classifier, and split by the score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from schemas.columns import SchemaError
from schemas.document import DOCUMENT
from schemas.model_signals import CLASSIFIER_SCORES
from stages.classification.classify_text import classify_text, load_classifier
from stages.classification.options import ClassificationConfig

GOOD = [
    "the river runs past the old mill and into the valley",
    "she wrote about birds and rivers and the old valley",
]
BAD = ["buy cheap pills now click here buy now", "click here cheap casino bonus win now click"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    import fasttext

    folder = tmp_path_factory.mktemp("classifier")
    lines = [
        f"__label__{name} {text}"
        for name, texts in (("hq", GOOD), ("spam", BAD))
        for text in texts * 20
    ]
    (folder / "lines.txt").write_text("\n".join(lines), "utf-8")
    trained = fasttext.train_supervised(
        input=str(folder / "lines.txt"),
        dim=8,
        epoch=30,
        lr=0.5,
        minn=2,
        maxn=4,
        bucket=2000,
        thread=1,
        seed=1,
        verbose=0,
    )
    trained.save_model(str(folder / "quality.bin"))
    return str(folder / "quality.bin")


def block(*texts: str, language: str = "eng") -> pa.RecordBatch:
    fields = pa.schema([DOCUMENT.field(name) for name in ("text", "language", "script")])
    columns = (list(texts), [language] * len(texts), ["Latn"] * len(texts))
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=fields)


def counting(texts: list[str]) -> NDArray[np.float64]:
    """Score by length: a stand-in for a model."""
    return np.asarray([min(len(text) / 10, 1.0) for text in texts])


def test_a_model_scores_by_its_positive_classes(model: str) -> None:
    classify = load_classifier(
        ClassificationConfig(model=model, positive=("hq",), min_score=0.5)
    ).scores
    other = load_classifier(
        ClassificationConfig(model=model, positive=("__label__spam",), max_score=0.5)
    ).scores
    both = load_classifier(
        ClassificationConfig(model=model, positive=("hq", "spam"), max_score=0.5)
    ).scores
    texts = [GOOD[0], BAD[0]]
    assert classify(texts)[0] > 0.9 > 0.1 > classify(texts)[1]
    assert other(texts) == pytest.approx(1 - classify(texts), abs=1e-3)
    assert both(texts) == pytest.approx([1, 1], abs=1e-3)


def test_documents_are_split_by_the_score(model: str) -> None:
    config = ClassificationConfig(model=model, positive=("hq",), min_score=0.5, keep_signals=True)
    lines = GOOD[1].replace(" and ", "\n and \n")
    kept, rejected = classify_text(
        block(lines, BAD[1], "", "12 34"), load_classifier(config).scores, config
    )
    assert kept["text"].to_pylist() == [lines, "", "12 34"], "what has no letter has no score"
    assert rejected["reason"].to_pylist() == ["low_quality"]
    assert rejected["threshold"].to_pylist() == [0.5]
    assert rejected["value"].to_pylist()[0] < 0.1
    assert kept.schema.field(CLASSIFIER_SCORES.name) == CLASSIFIER_SCORES
    first, second, third = kept[CLASSIFIER_SCORES.name].to_pylist()
    assert (first[0]["name"], second, third) == ("quality", None, None)


def test_several_classifiers_stand_side_by_side() -> None:
    batch = block("abc")
    for score in ("quality", "toxicity"):
        config = ClassificationConfig(model="x", score=score, positive=("a",), keep_signals=True)
        batch = classify_text(batch, counting, config).kept
    assert [row["name"] for row in batch[CLASSIFIER_SCORES.name].to_pylist()[0]] == [
        "quality",
        "toxicity",
    ]


def test_other_languages_and_too_high_scores() -> None:
    config = ClassificationConfig(
        model="x", score="toxicity", positive=("a",), max_score=0.5, languages=("eng_Latn",)
    )
    kept, rejected = classify_text(block("abc", "abcdefghij"), counting, config)
    assert (kept["text"].to_pylist(), rejected["reason"].to_pylist()) == (
        ["abc"],
        ["high_toxicity"],
    )
    assert (
        classify_text(block("abcdefghij", language="fin"), counting, config).rejected.num_rows == 0
    )
    with pytest.raises(SchemaError, match="'language' is missing"):
        classify_text(block("abc").select(["text"]), counting, config)


WRONG = {
    "nothing decided": ({}, "decides nothing"),
    "nothing passes": (
        {"min_score": 0.8, "max_score": 0.2},
        "min_score must not be above max_score",
    ),
    "no label": ({"min_score": 0.5, "languages": ("eng",)}, "eng"),
    "a name that is no word": ({"min_score": 0.5, "score": "Very Good"}, "pattern"),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassificationConfig.model_validate({"model": "x", "positive": ("a",), **options})


def test_wrong_models(model: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no class good; it has hq, spam"):
        load_classifier(ClassificationConfig(model=model, positive=("good",), min_score=0.5))
    with pytest.raises(FileNotFoundError, match="no fastText model at"):
        load_classifier(
            ClassificationConfig(model=str(tmp_path / "x.bin"), positive=("a",), min_score=0.5)
        )
    (tmp_path / "cut.bin").write_bytes(Path(model).read_bytes()[:500])
    with pytest.raises(ValueError, match="is not a"):
        load_classifier(
            ClassificationConfig(model=str(tmp_path / "cut.bin"), positive=("a",), min_score=0.5)
        )
