"""Options of `word_lists`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Self

from pydantic import Field

from schemas.card.versions import ModelVersion
from stages.batches import StageConfig, file_version, located


class WordListsConfig(StageConfig):
    """Options of `word_lists`."""

    stage: Literal["word_lists"] = "word_lists"
    lists: str = Field(description="File of word lists, as `glotmill wordlists learn` writes it.")
    stop_words: bool = Field(
        default=True,
        description="Drop documents of 20 words and more that have a smaller share of stop words than the list says.",
    )
    own_words: Literal["off", "require", "rescue"] = Field(
        default="off",
        description="What a word that only one language of its script has decides: `require` drops documents without "
        "any of their language; `rescue` gives documents of unknown or unclear language that have such words the "
        "label that identification found likeliest.",
    )
    min_own_words: int = Field(
        default=1, ge=1, description="Different own words that a document must have."
    )
    keep_signals: bool = Field(
        default=False,
        description="Keep the share of stop words and the number of own words, as columns.",
    )

    def at_home(self, base: str) -> Self:
        return self.model_copy(update={"lists": located(self.lists, base)})

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        from stages.word_lists.lists import read_lists

        path = self.at_home(base).lists
        read_lists(path)  # to see if it is there and right
        yield file_version(self.lists, path)

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield "word_lists goes by language and script, so it needs identify_language before it"
