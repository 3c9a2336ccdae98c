"""Training writes a model that a recipe can name, the same one each time, and says how good it
is."""

from __future__ import annotations

import re
from pathlib import Path

import gflanguages
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.columns import SchemaError
from stages.language_identification.fasttext_model import load_fasttext
from stages.language_identification.identify import (
    LanguageIdentificationConfig,
    load_identifier,
    predict_languages,
)
from stages.language_identification.training import (
    TrainingOptions,
    TrainingReport,
    noise_lines,
    train,
)

QUICK = TrainingOptions(epochs=100, buckets=5000, noise_sentences=80, held_out_share=0.2)
LANGUAGES = ("eu_Latn", "es_Latn", "uz_Cyrl", "ru_Cyrl", "mt_Latn")
FIELDS = ("tester", "specimen_48", "specimen_36", "specimen_32", "specimen_21", "specimen_16")


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> str:
    samples = gflanguages.LoadLanguages()
    rows = [
        (line, label)
        for label in LANGUAGES
        for field in FIELDS
        for line in getattr(samples[label].sample_text, field).splitlines()
    ]
    path = tmp_path_factory.mktemp("gold") / "gold.parquet"
    pq.write_table(pa.table(list(zip(*rows, strict=True)), ["text", "label"]), path)
    return str(path)


@pytest.fixture(scope="module")
def trained(gold: str, tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    return train([gold], str(tmp_path_factory.mktemp("model") / "small.ftz"), QUICK)


def test_a_recipe_can_name_the_model(trained: TrainingReport) -> None:
    config = LanguageIdentificationConfig(model=trained.model)
    identifier = load_identifier(config)
    assert identifier.sha256 == trained.sha256
    texts = {
        "eus": "Gizon-emakume guztiek dute lan egiteko eta lana askatasunez aukeratzeko eskubidea.",
        "spa": "Todas las personas tienen derecho al trabajo y a elegirlo con libertad.",
        "uzb": "Ҳар бир инсон меҳнат қилиш ва ишни эркин танлаш ҳуқуқига эгадир.",
        "rus": "Каждый человек имеет право на труд и на свободный выбор работы.",
    }
    found = predict_languages(list(texts.values()), identifier, config)
    assert [row["language"] for row in found] == list(texts)
    assert [row["script"] for row in found] == ["Latn", "Latn", "Cyrl", "Cyrl"]
    (noise,) = predict_languages(["qwet zxcvb asdfg hjklq wrtzx cvbna"], identifier, config)
    assert noise["language"] == "zxx"


def test_a_label_of_another_script_is_no_answer(trained: TrainingReport) -> None:
    found = load_fasttext(trained.model)(["გიზონ ემაკუმე გუზტიეკ"])
    assert {found.languages[code] for code in found.codes[0] if code >= 0} <= {"zxx"}


def test_report(trained: TrainingReport) -> None:
    assert set(trained.labels) == {
        "eus_Latn",
        "spa_Latn",
        "uzb_Cyrl",
        "rus_Cyrl",
        "mlt_Latn",
        "zxx_Zyyy",
    }
    f1 = [report.f1 for label, report in trained.labels.items() if not label.startswith("zxx")]
    assert trained.macro_f1 == pytest.approx(sum(f1) / len(f1))
    assert trained.macro_f1 > 0.6
    assert all(report.learned > 0 for report in trained.labels.values())
    assert sum(report.held_out for report in trained.labels.values()) > 20
    assert trained.size_bytes == Path(trained.model).stat().st_size


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(
    gold: str, trained: TrainingReport, tmp_path: Path
) -> None:
    steps: list[str] = []
    again = train([gold], str(tmp_path / "again.ftz"), QUICK, steps.append)
    assert again.sha256 == trained.sha256
    assert [step.split(" on ")[0] for step in steps] == [
        "reading",
        "training",
        "quantizing",
        "measuring",
    ]
    assert re.fullmatch(r"training on \d+ passages of 6 labels, 100 times over", steps[1])
    other = train([gold], str(tmp_path / "other.ftz"), QUICK.model_copy(update={"seed": 1}))
    assert other.sha256 != trained.sha256
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["again.ftz", "other.ftz"]


def test_language_and_script_columns_serve_as_gold(
    gold: str, trained: TrainingReport, tmp_path: Path
) -> None:
    table = pq.read_table(gold)
    codes = [label.split("_") for label in table["label"].to_pylist()]
    parted = pa.table([table["text"], *zip(*codes, strict=True)], ["text", "language", "script"])
    pq.write_table(parted, tmp_path / "gold.parquet")
    report = train([str(tmp_path / "gold.parquet")], str(tmp_path / "model.ftz"), QUICK)
    assert report.sha256 == trained.sha256


def test_passages_in_another_script_than_their_label_are_left_out(tmp_path: Path) -> None:
    texts = [
        "Kaixo lagunak, zer moduz zaudete gaur goizean?",
        "Привет друзья, как дела сегодня утром?",
    ] * 2
    labels = ["eu_Latn", "eu_Latn", "qqq_nonsense", "ru"]
    pq.write_table(pa.table([texts, labels], ["text", "label"]), tmp_path / "gold.parquet")
    with pytest.raises(ValueError, match="at least two labels"):
        train(
            [str(tmp_path / "gold.parquet")],
            str(tmp_path / "m.ftz"),
            TrainingOptions(held_out_share=0.99),
        )
    assert not (tmp_path / "m.ftz").exists()


def test_missing_columns_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table([["a"]], ["content"]), tmp_path / "x.parquet")
    with pytest.raises(
        SchemaError, match=r"x\.parquet lacks 'text', 'language', 'script': .*; it has content"
    ):
        train([str(tmp_path / "x.parquet")], str(tmp_path / "m.ftz"))


UNUSABLE = {
    "numbers for texts": (
        pa.table([[1], ["eus"]], ["text", "label"]),
        "'text' must be string, got",
    ),
    "numbers for labels": (
        pa.table([["a"], [1]], ["text", "label"]),
        "'label' must be string, got",
    ),
    "labels that are none": (
        pa.table([["Gaur goizean mendira joan naiz"], ["no label"]], ["text", "label"]),
        r"got none from .*gold\.parquet \(left out: 1 unknown_label\)",
    ),
}


@pytest.mark.parametrize(("table", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_texts_are_named(table: pa.Table, message: str, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / "gold.parquet")
    with pytest.raises((SchemaError, ValueError), match=message):
        train([str(tmp_path / "gold.parquet")], str(tmp_path / "m.ftz"), QUICK)


def test_what_cannot_be_read_or_written_is_refused_before_training(
    gold: str, tmp_path: Path
) -> None:
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(ValueError, match=r"text\.parquet is no Parquet file: "):
        train([str(tmp_path / "text.parquet")], str(tmp_path / "m.ftz"), QUICK)
    with pytest.raises(ValueError, match=r"a model must be a \.ftz or \.bin file, got 'm\.txt'"):
        train([gold], "m.txt", QUICK)
    with pytest.raises(ValueError, match=r"there is no folder '.*nowhere' to write a model to"):
        train([gold], str(tmp_path / "nowhere" / "m.ftz"), QUICK)


def test_noise_is_repeatable() -> None:
    assert noise_lines(40, 0) == noise_lines(40, 0) != noise_lines(40, 1)
    assert len(noise_lines(1400, 0)) == 1400


BROKEN = {
    "no file": (
        None,
        FileNotFoundError,
        "no language model at .*; name a fastText .bin or .ftz file, or `cascade`",
    ),
    "not fastText": (b"not a model", ValueError, "is not a fastText model"),
    "empty": (b"", ValueError, "is not a fastText model"),
}


@pytest.mark.parametrize(("content", "error", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_models(
    content: bytes | None, error: type[Exception], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.bin"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=message):
        load_fasttext(str(path))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.9999])
@pytest.mark.parametrize("quantize", [True, False])
def test_a_truncated_model_is_refused(
    gold: str, tmp_path: Path, share: float, quantize: bool
) -> None:
    whole = tmp_path / "whole.bin"
    options = QUICK.model_copy(
        update={"quantize": quantize, "epochs": 1, "buckets": 1000, "dimension": 4}
    )
    train([gold], str(whole), options)
    assert load_fasttext(str(whole)).languages
    path = tmp_path / "cut.bin"
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with pytest.raises(ValueError, match=r"cut\.bin is not a (whole )?fastText model"):
        load_fasttext(str(path))


def test_a_hub_path_must_name_a_file() -> None:
    with pytest.raises(ValueError, match=r"a Hub model must look like hf://owner/name/file\.bin"):
        load_fasttext("hf://cis-lmu/glotlid")
