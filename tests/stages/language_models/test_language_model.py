"""Language models of characters: another implementation's figures, files that are read back,
documents judged."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import gflanguages
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from schemas.document import DOCUMENT
from schemas.model_signals import LANGUAGE_MODEL_SIGNALS
from stages.language_models.arpa import read_arpa, write_arpa
from stages.language_models.language_model import language_model
from stages.language_models.model import UNKNOWN, LanguageModel, tokenize, train_model
from stages.language_models.options import LanguageModelConfig
from stages.language_models.reference import (
    JudgedModel,
    bits_per_character,
    load_judged,
    measure_reference,
)
from stages.language_models.training import (
    LanguageModelTraining,
    read_documents,
    train_language_model,
)


def sentences(code: str) -> list[str]:
    sample = gflanguages.LoadLanguages()[code].sample_text
    fields = (
        "styles",
        "tester",
        "poster_lg",
        "specimen_48",
        "specimen_36",
        "specimen_32",
        "specimen_21",
        "specimen_16",
    )
    return [
        line for field in fields for line in getattr(sample, field).splitlines() if len(line) > 20
    ]


BASQUE = sentences("eu_Latn")
TRUSTED = pl.Series(
    [" ".join(random.Random(n).sample(" ".join(BASQUE).split(), 12)) for n in range(300)]
)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return train_model(pa.array(BASQUE, pa.large_string()), 4)


def test_probabilities_by_hand() -> None:
    """`ab` and `aa`: <s>aa</s>, <s>ab</s>; order 2, where every discount falls back to 0.5, 1 and
    1.5."""
    small = train_model(pa.array(["aa", "ab"]), 2)
    assert small.letters.tolist() == [ord("a"), ord("b")]
    # Characters stand in the wake of: a of <s> and a (2), b of a (1), </s> of a and b (2).
    # Discounts: 1, 0.5 and 1.
    left = (1 + 0.5 + 1) / 5 / 4  # shared evenly by <unk>, </s>, a and b
    a, b, end = (2 - 1) / 5 + left, (1 - 0.5) / 5 + left, (2 - 1) / 5 + left
    assert 10 ** small.orders[0].probabilities == pytest.approx([left, 0, end, a, b], abs=1e-6)
    assert a + b + end + left == pytest.approx(1)
    # After <s> only a, twice (a count of 2: 1 is taken); after a: a, b and </s>, once each.
    bigrams = dict(
        zip(small.orders[1].keys.tolist(), 10 ** small.orders[1].probabilities, strict=True)
    )
    assert bigrams[1 * 5 + 3] == pytest.approx((2 - 1) / 2 + 1 / 2 * a, abs=1e-6)
    assert bigrams[3 * 5 + 4] == pytest.approx((1 - 0.5) / 3 + 1.5 / 3 * b, abs=1e-6)


def test_probabilities_after_any_context_sum_to_one(model: LanguageModel) -> None:
    for context in ("", "g", "es", "ari", "xqz"):
        letters = [*map(chr, model.letters.tolist()), "\u00ff"]  # the last one is unknown
        texts = pa.array(
            [(context + letter).replace("\u2581", " ") for letter in letters if letter != "\u2581"]
        )
        tokens = tokenize(texts, model.letters)
        last = np.flatnonzero(tokens.places == len(context) + 1)
        total = (10 ** model._scores(tokens)[last]).sum()
        ends = tokenize(pa.array([context]), model.letters) if context else None
        total += 10 ** model._scores(ends)[-1] if ends else 10 ** _end_of_nothing(model)
        blank = 10 ** _after(model, context)
        assert total + blank == pytest.approx(1, abs=1e-4), context


def _after(model: LanguageModel, context: str) -> float:
    """Return log10 of a blank after a context: lines have none at their ends, so another letter
    follows."""
    tokens = tokenize(pa.array([f"{context} a"]), model.letters)
    if context:
        return float(model._scores(tokens)[len(context) + 1])
    begin = model.orders[1].keys == np.uint64(
        model.size + 3 + int(np.searchsorted(model.letters, 0x2581))
    )
    if begin.any():
        return float(model.orders[1].probabilities[begin][0])
    blank = 3 + int(np.searchsorted(model.letters, 0x2581))
    return float(model.orders[0].backoffs[1] + model.orders[0].probabilities[blank])


def _end_of_nothing(model: LanguageModel) -> float:
    return float(model.orders[0].backoffs[1] + model.orders[0].probabilities[2])


def test_the_same_scores_as_kenlm(model: LanguageModel, tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm", reason="kenlm-ex is not installed")
    write_arpa(model, tmp_path / "m.arpa")
    theirs = kenlm.Model(str(tmp_path / "m.arpa"))
    texts = [*BASQUE[:5], "Zzz qqq \u0416\u0416 10 %", "a", "Kaixo"]
    bits, _ = model.bits(pa.array(texts))
    expected = [
        theirs.score(" ".join(text.replace(" ", "\u2581")), bos=True, eos=True) for text in texts
    ]
    assert bits / -np.log2(10) == pytest.approx(expected, abs=1e-3)


if shutil.which("lmplz"):  # no package has it: a test for those who built it

    def test_within_two_per_cent_of_lmplz(tmp_path: Path) -> None:
        own = train_language_model(TRUSTED, tmp_path / "own.arpa", LanguageModelTraining(order=4))
        theirs = train_language_model(
            TRUSTED, tmp_path / "theirs.arpa", LanguageModelTraining(4, trainer="lmplz")
        )
        assert own.bits == pytest.approx(theirs.bits, rel=0.02)
        assert own.ngrams == pytest.approx(theirs.ngrams, abs=1)


def test_a_model_is_the_same_when_read_back(model: LanguageModel, tmp_path: Path) -> None:
    write_arpa(model, tmp_path / "m.arpa")
    again = read_arpa(tmp_path / "m.arpa")
    texts = pa.array([*BASQUE, "nothing of this \u1234"])
    assert (again.bits(texts)[0] == model.bits(texts)[0]).all()
    write_arpa(again, tmp_path / "again.arpa")
    assert (tmp_path / "again.arpa").read_bytes() == (tmp_path / "m.arpa").read_bytes()


def test_each_text_depends_on_itself_alone(model: LanguageModel) -> None:
    texts = ["", "Kaixo", " \n\t", "Kaixo\nKaixo", *BASQUE[:3], "\u0416" * 3]
    bits, characters = model.bits(pa.array(texts))
    for row, text in enumerate(texts):
        (own,), (count,) = model.bits(pa.array([text]))
        assert (own, count) == (bits[row], characters[row])
    assert characters.tolist()[:4] == [0, 6, 0, 12]
    assert bits[3] == pytest.approx(2 * bits[1])
    assert np.isnan(bits_per_character(model, pa.array(texts))[[0, 2]]).all()


def test_unknown_characters_are_one(model: LanguageModel) -> None:
    assert tokenize(pa.array(["\u0416a"]), model.letters).characters.tolist()[1] == UNKNOWN


BROKEN = {
    "missing": (None, FileNotFoundError, "train one by glotmill lm train"),
    "binary": (b"mmap lm \xff\xfe", ValueError, "is not an ARPA file"),
    "cut off": (
        b"\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<unk>\n",
        ValueError,
        "is not a whole ARPA file",
    ),
    "fewer than counted": (
        b"\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<unk>\n\n\\end\\\n",
        ValueError,
        "1 are there",
    ),
    "words": (
        b"\\data\\\nngram 1=2\n\n\\1-grams:\n-1\t<unk>\n-1\tkaixo\n\n\\end\\\n",
        ValueError,
        "no model of characters: 'kaixo'",
    ),
    "no number": (
        b"\\data\\\nngram 1=1\n\n\\1-grams:\nx\t<unk>\n\n\\end\\\n",
        ValueError,
        "has no number",
    ),
}


@pytest.mark.parametrize(("content", "error", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_models(
    content: bytes | None, error: type[Exception], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.arpa"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=message):
        read_arpa(path)


def test_a_model_without_its_reference_is_refused(model: LanguageModel, tmp_path: Path) -> None:
    write_arpa(model, tmp_path / "m.arpa")
    with pytest.raises(FileNotFoundError, match="glotmill lm reference"):
        load_judged(str(tmp_path / "m.arpa"))
    (tmp_path / "m.arpa.json").write_text('{"documents": 3}')
    with pytest.raises(ValueError, match="must hold documents and quantiles"):
        load_judged(str(tmp_path / "m.arpa"))


def test_training_is_repeatable_and_reads_text_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(TRUSTED), "utf-8")
    pl.DataFrame({"text": TRUSTED.reverse()}).write_parquet(tmp_path / "b.parquet")
    one = train_language_model(
        read_documents([str(tmp_path / "a.txt")]),
        tmp_path / "one.arpa",
        LanguageModelTraining(order=3),
    )
    two = train_language_model(
        read_documents([str(tmp_path / "b.parquet")]),
        tmp_path / "two.arpa",
        LanguageModelTraining(order=3),
    )
    assert one == two
    assert one.documents + one.reference.documents == len(TRUSTED)
    assert (tmp_path / "one.arpa.json").read_bytes() == (tmp_path / "two.arpa.json").read_bytes()


def test_too_little_text(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs text, got none"):
        train_language_model(pl.Series([], dtype=pl.String), tmp_path / "m.arpa")
    with pytest.raises(ValueError, match="held out for the reference, 20 are needed"):
        train_language_model(TRUSTED.head(30), tmp_path / "m.arpa")
    (tmp_path / "latin1.txt").write_bytes("ñ".encode("latin-1"))
    with pytest.raises(ValueError, match="is not UTF-8"):
        read_documents([str(tmp_path / "latin1.txt")])


def documents(texts: list[str], languages: list[str]) -> pa.RecordBatch:
    fields = pa.schema([DOCUMENT.field(name) for name in ("text", "language", "script")])
    columns = [
        pa.array(values, field.type)
        for values, field in zip((texts, languages, ["Latn"] * len(texts)), fields, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=fields)


@pytest.fixture(scope="module")
def judged() -> JudgedModel:
    learned = train_model(TRUSTED[:200].to_arrow(), 5)
    return JudgedModel(learned, measure_reference(learned, TRUSTED[200:].to_arrow()))


def test_documents_are_judged_by_percentile(judged: JudgedModel) -> None:
    chance = random.Random(7)
    own = TRUSTED[230]
    texts = [
        own,
        " ".join(sentences("fi_Latn"))[:80],
        "".join(chance.sample(own, len(own))),
        "",
        own,
    ]
    batch = documents(texts, ["eus"] * 4 + ["fin"])
    config = LanguageModelConfig(models={"eus_Latn": "x"}, keep_signals=True)
    kept, rejected = language_model(batch, {"eus_Latn": judged}, config)
    assert kept["text"].to_pylist() == [own, "", own], (
        "another language has no model, an empty text no character"
    )
    assert rejected["reason"].to_pylist() == ["unlike_trusted_text"] * 2
    assert rejected["value"].to_pylist() == [1.0, 1.0]
    assert rejected["threshold"].to_pylist() == [pytest.approx(0.99)] * 2
    assert rejected["detail"].to_pylist()[0].endswith("bits a character")
    assert [kept.schema.field(name) for name in LANGUAGE_MODEL_SIGNALS.names] == list(
        LANGUAGE_MODEL_SIGNALS
    )
    assert [value is None for value in kept["language_model_percentile"].to_pylist()] == [
        False,
        True,
        True,
    ]


def test_what_is_too_likely_goes_too(judged: JudgedModel) -> None:
    likely = min(
        TRUSTED[:200], key=lambda text: bits_per_character(judged.model, pa.array([text]))[0]
    )
    batch = documents([likely, TRUSTED[240]], ["eus", "eus"])
    config = LanguageModelConfig(models={"eus_Latn": "x"}, min_percentile=0.01)
    _, rejected = language_model(batch, {"eus_Latn": judged}, config)
    assert rejected["reason"].to_pylist() == ["too_predictable"]


def test_limits_that_nothing_passes_are_refused() -> None:
    with pytest.raises(ValueError, match="min_percentile must be below max_percentile"):
        LanguageModelConfig(models={"eus_Latn": "x"}, min_percentile=0.9, max_percentile=0.5)
    with pytest.raises(ValueError, match="eus"):
        LanguageModelConfig(models={"eus": "x"})
