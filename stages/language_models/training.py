"""Train a language model on trusted documents, and measure the reference that documents are held
against.

A share of the documents, chosen by the hash of their text, is not trained on: the reference is
measured on these. With `lmplz` on the PATH the counts can be smoothed by KenLM's own trainer
instead; both give the same model but for rounding and for the discounts that lmplz falls back on.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.columns import SchemaError
from stages.batches import require_utf8
from stages.keys import is_held_out, text_order
from stages.language_models.arpa import read_arpa, write_arpa
from stages.language_models.model import FALLBACK, LanguageModel, plain_lines, train_model
from stages.language_models.reference import Reference, measure_reference, write_reference

Trainer = Literal["own", "lmplz"]


class LanguageModelReport(NamedTuple):
    """What training came to: documents and code points learned from, n-grams, and the reference."""

    documents: int
    code_points: int
    ngrams: int
    size_bytes: int
    sha256: str
    bits: float  # a character, over all characters of the reference's documents
    reference: Reference


def read_documents(paths: Sequence[str], text_column: str = "text") -> pl.Series:
    """Read texts of Parquet files, or lines of text files, each a document, without copies, in the
    order of a hash.

    Raises FileNotFoundError, SchemaError for a Parquet file without the column, and ValueError for
    text that is not UTF-8.
    """
    parts = [_read(Path(path), text_column) for path in paths]
    texts = pl.concat(parts) if parts else pl.Series(dtype=pl.String)
    texts = texts.drop_nulls().unique()
    return pl.DataFrame({"text": texts, "order": text_order(texts)}).sort("order")["text"]


def _read(path: Path, text_column: str) -> pl.Series:
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    if path.suffix != ".parquet":
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not UTF-8 text: {error}") from None
        return pl.Series([line for line in lines if line.strip()], dtype=pl.String)
    with pq.ParquetFile(path) as file:
        if text_column not in file.schema_arrow.names:
            raise SchemaError(
                f"{path} lacks {text_column!r}; it has {', '.join(file.schema_arrow.names)}"
            )
        table = file.read([text_column])
    require_utf8(table, str(path))
    return pl.Series(table[text_column].cast(pa.large_string()))


@dataclass(frozen=True)
class LanguageModelTraining:
    """How a language model is trained."""

    order: int = 6  # characters of the longest n-grams
    held_out_share: float = 0.1  # of the documents, on which the reference is measured
    max_code_points: int = 5_000_000  # to learn from
    trainer: Trainer = "own"


def train_language_model(
    texts: pl.Series,
    output: Path,
    options: LanguageModelTraining = LanguageModelTraining(),
) -> LanguageModelReport:
    """Train on documents (as `read_documents` gives them), and write the model and, next to it, its
    reference.

    Reads the first documents that sum to `max_code_points`. The same texts and options give the
    same bytes. Raises ValueError where there is too little text, and FileNotFoundError if lmplz is
    asked for and not there.
    """
    texts = texts.filter(texts.str.len_chars().cum_sum() <= options.max_code_points)
    apart = is_held_out(texts, options.held_out_share)
    learned, judged = texts.filter(~apart), texts.filter(apart)
    if not len(learned):
        raise ValueError("a language model needs text, got none")
    model = (
        train_model(learned.to_arrow(), options.order)
        if options.trainer == "own"
        else _by_lmplz(learned, options.order)
    )
    reference = measure_reference(model, judged.to_arrow())
    write_arpa(model, output)
    write_reference(reference, output)
    bits, characters = model.bits(judged.to_arrow())
    return LanguageModelReport(
        len(learned),
        int(learned.str.len_chars().sum()),
        sum(len(part.keys) for part in model.orders),
        output.stat().st_size,
        hashlib.sha256(output.read_bytes()).hexdigest(),
        float(bits.sum() / characters.sum()),
        reference,
    )


def _by_lmplz(texts: pl.Series, order: int) -> LanguageModel:
    program = shutil.which("lmplz")
    if not program:
        raise FileNotFoundError("no lmplz on the PATH: build KenLM, or leave --trainer at own")
    lines, _ = plain_lines(texts.to_arrow())
    spaced = (
        lines.str.replace_all(" ", "\u2581").str.replace_all("(.)", "$1 ").str.strip_chars_end(" ")
    )
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "lines.txt"), Path(folder, "model.arpa")
        source.write_text("\n".join(spaced.to_list()) + "\n", "utf-8")
        asked = [
            program,
            "--order",
            str(order),
            "--text",
            str(source),
            "--arpa",
            str(target),
            "--temp_prefix",
            folder,
        ]
        asked += ["--memory", "20%", "--discount_fallback", *map(str, FALLBACK)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - a path that which found
        if done.returncode:
            raise ValueError(
                f"lmplz failed with exit code {done.returncode}: {done.stderr.strip().splitlines()[-1]}"
            )
        return read_arpa(target)
