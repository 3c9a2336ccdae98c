"""What a recipe asks to be counted on the card: its tokenizers and word lists, loaded where texts
are measured."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from pydantic import ValidationError

from data_cards.statistics import Asked
from schemas.card.versions import ModelVersion
from schemas.recipe import CardConfig
from stages.batches import file_version


def asked_of(card: CardConfig) -> Asked:
    """Load what `[card]` names; its paths are absolute or names on the Hub.

    Raises OSError for a tokenizer that cannot be had, ValueError for one that cannot be read,
    ImportError for a missing package.
    """
    tokenizers = {name: load_tokenizer(place) for name, place in card.tokenizers.items()}
    return Asked(tokenizers, card.terms, card.hold_back)


def tokenizer_versions(card: CardConfig) -> list[ModelVersion]:
    """Name the files of the tokenizers, after loading each; raises as `asked_of` does."""
    asked_of(card)
    return [
        file_version(name, tokenizer_file(place)) for name, place in sorted(card.tokenizers.items())
    ]


def tokenizer_file(place: str) -> str:
    """Return the file of a tokenizer: itself, or `tokenizer.json` of a repository of the Hub."""
    if Path(place).is_file():
        return place
    if place.count("/") != 1 or place.endswith((".json", ".model")):
        raise FileNotFoundError(f"no such tokenizer: {place!r}")
    from huggingface_hub import hf_hub_download

    return str(hf_hub_download(place, "tokenizer.json"))


def load_tokenizer(place: str) -> Callable[[pa.Array], int]:
    """Load a tokenizer as a function that counts the tokens of n large strings, special ones
    aside."""
    path = tokenizer_file(place)
    if path.endswith(".json"):
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(path)
        except Exception as problem:  # the library raises no other class
            raise ValueError(f"{place!r} is no tokenizer: {problem}") from None
        tokenizer.no_truncation()
        tokenizer.no_padding()

        def count(texts: pa.Array) -> int:
            encoded = tokenizer.encode_batch_fast(texts.to_pylist(), add_special_tokens=False)
            return sum(len(one) for one in encoded)

        return count
    from sentencepiece import SentencePieceProcessor

    try:
        processor = SentencePieceProcessor(model_file=path)
    except RuntimeError as problem:
        raise ValueError(f"{place!r} is no SentencePiece model: {problem}") from None
    return lambda texts: sum(map(len, processor.encode(texts.to_pylist())))


def asked_of_corpus(recipe: str) -> tuple[Asked, list[str]]:
    """Load what the recipe of a finished corpus asked for; returns it, and the names of tokenizers
    that are not at hand, which count nothing.

    A recipe that somebody spoilt asks for nothing: what is wrong with it is said elsewhere.
    """
    try:
        card = CardConfig.model_validate(tomllib.loads(recipe).get("card", {}))
    except (tomllib.TOMLDecodeError, ValidationError):
        return Asked(), []
    tokenizers, missing = {}, []
    for name, place in card.tokenizers.items():
        try:
            tokenizers[name] = load_tokenizer(place)
        except (OSError, ValueError, ImportError):
            missing.append(name)
    return Asked(tokenizers, card.terms, card.hold_back), missing
