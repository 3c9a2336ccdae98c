"""What a recipe may set of text extraction; read with every recipe, so nothing is imported that
does the work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from stages.batches import StageConfig


class ExtractionConfig(StageConfig):
    """Options of `extract_text`."""

    stage: Literal["extract_text"] = "extract_text"
    engine: Literal["blocks", "selectors", "resiliparse", "trafilatura", "whole_page"] = Field(
        default="blocks",
        description="How main content is found: `blocks` scores each block of text by a small model that knows no "
        "language (best on the web and on manuals); `selectors` leaves out what the page's own elements, roles and "
        "names mark as navigation; `resiliparse` and `trafilatura` use those libraries' rules (`trafilatura` is slow "
        "and must be installed); `whole_page` keeps all visible text.",
    )
    comments: Literal["auto", "keep", "leave_out"] = Field(
        default="auto",
        description="Comments of readers (engine `blocks`): `auto` keeps the posts of a forum and leaves out the "
        "comments below an article.",
    )
    structure: Literal["lines", "markdown"] = Field(
        default="lines",
        description="`lines` keeps paragraphs, list items, table rows, verse and code as lines; `markdown` also writes "
        "headings, lists, tables, code and links as Markdown (engines `blocks` and `whole_page`).",
    )
    max_html_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=1,
        description="Largest page that is parsed; a larger one fails. A parsed page takes about 20 times its size.",
    )
    max_damaged_share: float = Field(
        default=0.005,
        ge=0,
        le=1,
        description="Largest share of the text's code points that may be U+FFFD, the mark of a byte that could not be "
        "decoded; a page with more fails (`invalid_encoding`). The default forgives a stray byte in a "
        "paragraph, not a wrong encoding.",
    )

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if before:
            yield "extract_text must be the first stage"

    @model_validator(mode="after")
    def _structure_needs_blocks(self) -> Self:
        if self.structure == "markdown" and self.engine not in ("blocks", "whole_page"):
            raise ValueError(
                f"structure 'markdown' needs engine 'blocks' or 'whole_page', got {self.engine!r}"
            )
        return self
