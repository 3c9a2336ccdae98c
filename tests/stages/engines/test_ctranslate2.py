"""CTranslate2 with a tiny model of random weights, which is enough to load, to batch, and to be
told apart."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from stages.engines import optional
from stages.engines.ctranslate2 import CTranslate2
from stages.engines.engine import Answer, EngineError, parse_direction
from stages.engines.options import CTranslate2Config
from tests.declaration import DECLARATION

ctranslate2 = pytest.importorskip(
    "ctranslate2", reason="not installed; pip install 'glotmill[translate]'"
)
sentencepiece = pytest.importorskip(
    "sentencepiece", reason="not installed; pip install 'glotmill[translate]'"
)

EUS_SPA = parse_direction("eus_Latn -> spa_Latn")
DEPTH, INNER, PIECES = 16, 32, 200


def fill(spec: object, rng: np.random.Generator, vocabulary: int, inside: str = "") -> None:
    """Give random weights to all layers of a transformer that have none, by where they are."""
    for name, value in [
        (name, value) for name, value in vars(spec).items() if not name.startswith("_")
    ]:
        where = f"{inside}.{name}"
        if isinstance(value, list):
            for place, part in enumerate(value):
                fill(part, rng, vocabulary, f"{where}{place}")
        elif value is None:
            if name in ("gamma", "beta"):
                shape: tuple[int, ...] = (DEPTH,)
            elif "embeddings" in inside or "projection" in inside:
                shape = (vocabulary, DEPTH)
            elif "ffn" in inside:
                shape = (INNER, DEPTH) if "linear_0" in inside else (DEPTH, INNER)
            elif "self_attention.linear0" in inside:
                shape = (3 * DEPTH, DEPTH)
            else:
                shape = (2 * DEPTH, DEPTH) if ".attention.linear1" in inside else (DEPTH, DEPTH)
            setattr(
                spec,
                name,
                np.ones(shape, np.float32)
                if name == "gamma"
                else rng.normal(size=shape).astype("f4"),
            )
        elif hasattr(value, "__dict__"):
            fill(value, rng, vocabulary, where)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(
            [text for label, texts in DECLARATION.items() if "Latn" in label for text in texts]
        ),
        model_writer=written,
        vocab_size=PIECES,
        model_type="bpe",
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    vocabulary = [processor.id_to_piece(number) for number in range(PIECES)]
    spec = ctranslate2.specs.TransformerSpec.from_config(
        num_layers=(1, 1), num_heads=2, pre_norm=True
    )
    fill(spec, np.random.default_rng(3), len(vocabulary))
    spec.decoder.projection.bias = np.where(np.array(vocabulary) == "</s>", 12, 0).astype(
        np.float32
    )
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    (folder / "sentencepiece.model").write_bytes(written.getvalue())
    return folder


def answers(model: Path, sentences: list[str], **options: int) -> dict[int, Answer]:
    engine = CTranslate2(CTranslate2Config(model=str(model), **options), EUS_SPA)
    found = dict(engine.translate(sentences))
    engine.close()
    return found


def test_answers_do_not_depend_on_the_batch(model: Path) -> None:
    sentences = [*DECLARATION["eus_Latn"], "Bai.", ""] * 3
    found = answers(model, sentences)
    assert sorted(found) == list(range(len(sentences)))
    assert found == answers(model, sentences, batch_tokens=8)
    alone = [answers(model, [sentence])[0] for sentence in sentences[:6]]
    assert [found[place] for place in range(6)] == alone
    assert any(answer.text for answer in found.values())
    assert all(answer.prompt_tokens for answer in found.values())


def test_an_answer_that_does_not_end_is_an_error(model: Path) -> None:
    found = answers(model, [*DECLARATION["eus_Latn"][:2]], max_answer_tokens=1)
    assert {answer.error for answer in found.values()} == {
        "the answer was cut off at the limit of tokens"
    }


def test_the_identity_is_that_of_the_weights(model: Path, tmp_path: Path) -> None:
    def identity(**options: object) -> object:
        return CTranslate2(CTranslate2Config(model=str(model), **options), EUS_SPA).identity

    assert identity() == identity()
    assert identity() != identity(beam_size=1)
    assert identity() != identity(target_prefix=("{target}",))


def test_what_is_no_model_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CTranslate2Config(model=str(tmp_path))
    with pytest.raises(EngineError, match=r"must be a folder with model\.bin"):
        CTranslate2(config, EUS_SPA)
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(EngineError, match=r"must hold a tokenizer, one of source\.spm"):
        CTranslate2(config, EUS_SPA)
    monkeypatch.setattr(optional, "find_spec", lambda _: None)
    with pytest.raises(
        EngineError,
        match=r"needs ctranslate2 and sentencepiece; pip install 'glotmill\[translate\]'",
    ):
        CTranslate2(config, EUS_SPA)
