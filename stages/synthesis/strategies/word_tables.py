"""Names in the other language, inserted after their mentions; no model is asked.

Paper: Yamada and Ri 2024, LEIA: Facilitating Cross-lingual Knowledge Transfer in Language Models
with Entity-based Data Augmentation. English names follow the mentions of entities in Wikipedia,
between two marks; a model that goes on training on such text ties what it knows of the name to the
new language. There mentions are links; here the table of names says what is a mention, so that any
text will do: names of at least four letters, longest first, at the ends of words. The language of
what is inserted is that of the table, so it is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field

from stages.batches import StageConfig, located
from stages.synthesis.options import SynthesisConfig
from stages.synthesis.passages import Passage
from stages.synthesis.strategy import Rejection, Row, Strategy, Talk

LEAST_LETTERS = 4


class TableOptions(StageConfig):
    """Options of strategies that take pairs from a table."""

    table: str = Field(
        description="File of pairs, one a line: what stands in the text, a tab, the other language."
    )
    share: float = Field(
        default=0.5, gt=0, le=1, description="Share of the mentions that are taken, every n-th."
    )

    def at_home(self, base: str) -> Self:
        return self.model_copy(update={"table": located(self.table, base)})


class TableStrategy(Strategy):
    """A strategy that changes mentions of a table's entries, without a model."""

    configurations = ("text",)
    Options = TableOptions
    mark: str  # how a change is written: {mention}, {other}

    def __init__(self, options: TableOptions, config: SynthesisConfig) -> None:
        super().__init__(options, config)
        self._pairs = read_pairs(options.table)
        names = sorted(self._pairs, key=lambda name: (-len(name), name))
        self._mention = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")

    def files(self) -> Sequence[str]:
        return (self.options.table,)

    def make(self, passage: Passage) -> Talk:
        every = round(1 / self.options.share)
        place = -1

        def change(found: re.Match[str]) -> str:
            nonlocal place
            place += 1
            return (
                self.mark.format(mention=found[0], other=self._pairs[found[0]])
                if place % every == 0
                else found[0]
            )

        text = self._mention.sub(change, passage.text)
        return (
            [Rejection("no_word")]
            if text == passage.text
            else [Row("text", {"text": text}, likeness="")]
        )
        yield []  # nothing is asked: this makes the function a talk


class EntityInsertions(TableStrategy):
    """Passage to the same with names in the other language after their mentions."""

    mark = "{mention} <translate>{other}</translate>"


class CodeSwitching(TableStrategy):
    """Passage to the same with words and phrases of the other language in the place of its own.

    Method: substitution by a lexicon or by alignments, after Qin et al. 2020, CoSDA-ML, and the aim
    of GLOSS (Hsu et al. 2023), without its model.
    """

    mark = "{other}"


def read_pairs(path: str) -> dict[str, str]:
    """Read a table of pairs; raises ValueError for a line that is none, and for a table without
    any."""
    pairs: dict[str, str] = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, other = (part.strip() for part in line.partition("\t"))
        if not other or len(name) < LEAST_LETTERS:
            raise ValueError(
                f"{path}: line {number} must be a name of at least {LEAST_LETTERS} letters, a tab, and the other name"
            )
        pairs.setdefault(name, other)
    if not pairs:
        raise ValueError(f"{path} must hold pairs, got none")
    return pairs
