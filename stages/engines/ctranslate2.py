"""CTranslate2: NLLB, OPUS-MT, M2M, MADLAD and any converted model, by folder or Hub name, on the
processor.

A batch is cut by tokens after sorting by length, so that memory depends on the batch and not on the
text. Answers do not depend on the batch: one thread, no sampling, and a beam of its own for each
sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from stages.engines.engine import Answer, Direction, EngineError, Identity, always, parameters_json
from stages.engines.model_folder import files_sha256, model_folder
from stages.engines.optional import require
from stages.engines.options import CTranslate2Config

_TOKENIZERS = (
    "source.spm",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "spiece.model",
    "tokenizer.json",
)
_SENTENCES = 512  # that go to the model in one call, which cuts them into batches


class CTranslate2:
    """A converted model with its tokenizer."""

    def __init__(self, config: CTranslate2Config, direction: Direction) -> None:
        require("ctranslate2")
        import ctranslate2

        self.config = config
        self.placeholder = config.placeholder
        folder = model_folder(config.model, config.revision)
        if not (folder / "model.bin").exists():
            raise EngineError(
                f"{config.model} must be a folder with model.bin, as CTranslate2's converters write it"
            )
        self._encode, self._decode = _tokenizer(folder)
        self._translator = ctranslate2.Translator(
            str(folder),
            device=config.device,
            compute_type=config.compute_type,
            inter_threads=1,
            intra_threads=1,
        )
        source, target = (f"{label.language}_{label.script}" for label in direction)
        self._source_prefix = [
            token.format(source=source, target=target) for token in config.source_prefix
        ]
        self._target_prefix = [
            token.format(source=source, target=target) for token in config.target_prefix
        ]
        parameters = {
            "beam_size": config.beam_size,
            "compute_type": config.compute_type,
            "placeholder": self.placeholder,
            "source_prefix": self._source_prefix,
            "target_prefix": self._target_prefix,
        }
        sha256 = files_sha256([folder / "model.bin"])
        version = f"{ctranslate2.__version__}, model {sha256[:16]}"
        self.identity = Identity(
            "ctranslate2", Path(config.model).name, version, parameters_json(parameters)
        )

    def check(self) -> None:
        """Raise EngineError unless the model answers."""
        next(iter(self.translate(["A."])))

    def translate(
        self, sentences: Sequence[str], go_on: Callable[[], bool] = always
    ) -> Iterator[tuple[int, Answer]]:
        """Yield answers with their tokens, batch by batch, the longest sentences first."""
        tokens = [[*self._source_prefix, *self._encode(sentence), "</s>"] for sentence in sentences]
        order = sorted(range(len(tokens)), key=lambda place: (-len(tokens[place]), place))
        for start in range(0, len(order), _SENTENCES):
            if not go_on():
                return
            places = order[start : start + _SENTENCES]
            results = self._translator.translate_batch(
                [tokens[place] for place in places],
                target_prefix=[self._target_prefix] * len(places) if self._target_prefix else None,
                beam_size=self.config.beam_size,
                max_batch_size=self.config.batch_tokens,
                batch_type="tokens",
                max_decoding_length=self.config.max_answer_tokens,
            )
            for place, result in zip(places, results, strict=True):
                found = result.hypotheses[0][len(self._target_prefix) :]
                if len(result.hypotheses[0]) >= self.config.max_answer_tokens:
                    answer = Answer(
                        None,
                        "the answer was cut off at the limit of tokens",
                        len(tokens[place]),
                        len(found),
                    )
                else:
                    answer = Answer(self._decode(found), None, len(tokens[place]), len(found))
                yield place, answer

    def close(self) -> None:
        """Free the model's memory."""
        self._translator.unload_model()


def _tokenizer(folder: Path) -> tuple[Callable[[str], list[str]], Callable[[list[str]], str]]:
    """Load the tokenizer that lies with a model: SentencePiece, or a `tokenizer.json`."""
    name = next((name for name in _TOKENIZERS if (folder / name).exists()), None)
    if name is None:
        raise EngineError(f"{folder} must hold a tokenizer, one of {', '.join(_TOKENIZERS)}")
    if name == "tokenizer.json":
        require("tokenizers")
        from tokenizers import Tokenizer

        tokenizer: Any = Tokenizer.from_file(str(folder / name))
        return (
            lambda text: tokenizer.encode(text, add_special_tokens=False).tokens,
            lambda tokens: tokenizer.decode([tokenizer.token_to_id(token) for token in tokens]),
        )
    import sentencepiece

    own = sentencepiece.SentencePieceProcessor(str(folder / name))
    target = folder / "target.spm"
    other = sentencepiece.SentencePieceProcessor(str(target)) if target.exists() else own
    return lambda text: own.encode(text, out_type=str), lambda tokens: other.decode(tokens)
