"""Run any filter or formatter block of datatrove as a stage.

A block works on one document at a time; so does this stage. A filter's reason is the ledger's, in
snake_case, with the block's own words as detail; a text that a block rewrites is taken over. Only
names under `datatrove.pipeline.filters` and `datatrove.pipeline.formatters` are run. Blocks that
keep documents by chance, or by those before them, are refused: their answer would depend on the
order of work.

Source: huggingface/datatrove, `pipeline/filters/base_filter.py`, `pipeline/formatters/base.py`.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict, TypeAdapter, ValidationError

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from stages.batches import Filtered, reject, set_columns
from stages.quality.datatrove_words import naming_packages
from stages.quality.options import DatatroveConfig


def load_block(config: DatatroveConfig, language: str | None = None) -> Any:
    """Make the block that a recipe names. Raises ValueError if it is none, or refuses its
    arguments."""
    module, _, name = config.block.rpartition(".")
    try:
        kinds = [
            importlib.import_module("datatrove.pipeline.filters.base_filter").BaseFilter,
            importlib.import_module("datatrove.pipeline.formatters.base").BaseFormatter,
        ]
        block = getattr(importlib.import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise ValueError(f"datatrove has no block {config.block}: {error}") from None
    if not (isinstance(block, type) and issubclass(block, tuple(kinds))):
        raise ValueError(f"block must be a filter or formatter of datatrove, got {config.block}")
    given = {"language": language} if language else {}
    try:
        _require_types(block, config.arguments)
        if "language" in config.arguments:  # else each document would fail for want of a tokenizer
            importlib.import_module("datatrove.utils.word_tokenizers").load_word_tokenizer(
                config.arguments["language"]
            )
        return block(**config.arguments, **given)
    except (ImportError, OSError):
        raise  # for want of a package, or of a file that the block loads
    except Exception as error:  # whatever the block makes of its arguments, as re.error
        words = " ".join(str(error).split())
        raise ValueError(f"{config.block} does not take these arguments: {words}") from None


def _require_types(block: type, arguments: Mapping[str, Any]) -> None:
    """Raise TypeError at a text, a number or a truth value where the block declares none, which it
    would only stumble over at a document.

    Its declarations do not tell whole numbers from others, nor what is in a list.
    """
    hints = get_type_hints(block.__init__)  # type: ignore[misc]
    for name, value in arguments.items():
        if name not in hints or isinstance(value, list | dict):
            continue
        kind = TypeAdapter(hints[name], config=ConfigDict(arbitrary_types_allowed=True))
        try:
            kind.validate_python(1 if type(value) in (int, float) else value, strict=True)
        except ValidationError:
            wanted = inspect.formatannotation(hints[name])
            raise TypeError(f"{name} must be {wanted}, got {value!r}") from None


def run_datatrove(
    batch: pa.RecordBatch, config: DatatroveConfig, load: Callable[[str | None], Any]
) -> Filtered:
    """Run a block on n documents: kept (with the text as the block leaves it) and rejected sum to
    n, order kept.

    `load` makes the block, for a language where the recipe asks for one of each. Raises SchemaError
    if `id` or `text` is missing or mistyped, or `language` and `script` where they are needed, and
    ImportError if datatrove's tokenizer of a language needs a package that is not installed.
    """
    named = ("language", "script") if config.by_language else ()
    require_columns(batch, DOCUMENT, ("id", "text", *named))
    from datatrove.data import Document

    labels = (
        pc.binary_join_element_wise(batch["language"], batch["script"], "_").to_pylist()
        if named
        else None
    )
    present = [
        name for name in ("url", "language", "language_score", "date") if name in batch.schema.names
    ]
    metadata = batch.select(present).to_pylist()
    texts: list[str] = []
    reasons: list[str | None] = []
    for row, (name, text) in enumerate(
        zip(batch["id"].to_pylist(), batch["text"].to_pylist(), strict=True)
    ):
        block = load(labels[row] if labels else None)
        if hasattr(block, "format"):
            texts.append(block.format(text))
            reasons.append(None)
            continue
        document = Document(
            text=text, id=name, metadata={k: v for k, v in metadata[row].items() if v is not None}
        )
        with naming_packages(labels[row] if labels else None):
            answer = block.filter(document)
        kept, words = answer if isinstance(answer, tuple) else (answer, None)
        texts.append(document.text)
        reasons.append(None if kept else str(words or "filtered"))
    out = np.array([reason is not None for reason in reasons], bool)
    slugs = [_slug(reason) for reason in reasons if reason is not None]
    rejected = reject(
        batch.filter(pa.array(out)),
        config.stage,
        pa.array(slugs, pa.string()),
        detail=pa.array(
            [f"{config.block}: {reason}" for reason in reasons if reason is not None], pa.string()
        ),
    )
    return Filtered(
        set_columns(batch, text=pa.array(texts, pa.large_string())).filter(pa.array(~out)), rejected
    )


def _slug(reason: str) -> str:
    """Write a block's reason as a short snake_case word.

    >>> _slug("< 3 paragraphs"), _slug("gopher_short_doc")
    ('3_paragraphs', 'gopher_short_doc')
    """
    return re.sub(r"[^a-z0-9]+", "_", reason.lower()).strip("_")[:60] or "filtered"
