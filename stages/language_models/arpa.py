"""Write and read language models of characters as ARPA files, which KenLM, SRILM and others take as
well.

A token is one code point; the blank is U+2581. Each section lists the n-grams of one order: log10
of the probability, a tab, the tokens, and of all but the last order a tab and log10 of the backoff
weight.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.language_models.model import MARKS, NEVER, LanguageModel, Order

_MAX_BYTES = 4 << 30


def write_arpa(model: LanguageModel, path: Path) -> None:
    """Write a model; the file is there whole or not at all."""
    names = pl.Series([*MARKS, *map(chr, model.letters.tolist())])
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write("\\data\\\n")
        file.writelines(
            f"ngram {number}={len(order.keys)}\n" for number, order in enumerate(model.orders, 1)
        )
        shorter = names
        for number, order in enumerate(model.orders, 1):
            if number > 1:
                context, character = np.divmod(order.keys, np.uint64(model.size))
                names_of_contexts, letters = shorter.gather(context), names.gather(character)
                shorter = pl.select(
                    pl.concat_str([names_of_contexts, letters], separator=" ")
                ).to_series()
            columns = [_numbers(order.probabilities), shorter]
            if number < len(model.orders):
                columns.append(_numbers(order.backoffs))
            lines = pl.select(pl.concat_str(columns, separator="\t")).to_series()
            file.write(f"\n\\{number}-grams:\n")
            for part in lines.to_frame().iter_slices(100_000):
                file.write("\n".join(part.to_series().to_list()) + "\n")
        file.write("\n\\end\\\n")
    partial.replace(path)


def _numbers(values: NDArray[np.float64]) -> pl.Series:
    return pl.Series(np.char.mod("%.6f", values)).str.replace(r"\.?0+$", "")


def read_arpa(path: Path) -> LanguageModel:
    """Read a model whose tokens are single code points.

    Raises FileNotFoundError if there is no such file, and ValueError if it is something else or not
    whole.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no language model at {path}; train one by glotmill lm train")
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(
            f"{path} has over {_MAX_BYTES >> 30} GiB; a model of characters has some MB"
        )
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not an ARPA file: {error}; a binary model cannot be read"
        ) from None
    head, *sections = re.split(r"(?m)^\\(\d+)-grams:[ \t]*\n", text)
    counts = [int(count) for count in re.findall(r"(?m)^ngram +\d+ *= *(\d+)", head)]
    if not counts or len(sections) != 2 * len(counts) or not text.rstrip().endswith("\\end\\"):
        raise ValueError(
            f"{path} is not a whole ARPA file: it must have a section for each order it counts, and an end"
        )
    parts = [
        _section(body, number, count, path)
        for number, (body, count) in enumerate(zip(sections[1::2], counts, strict=True), 1)
    ]
    tokens = parts[0]["tokens"].to_list()
    found = [token for token in tokens if token not in MARKS]
    if wrong := [token for token in found if len(token) != 1]:
        raise ValueError(f"{path} is no model of characters: {wrong[0]!r} is one of its tokens")
    letters = np.sort(np.fromiter(map(ord, found), np.uint32, len(found)))
    model = LanguageModel(letters, [])
    number_of = {name: number for number, name in enumerate((*MARKS, *map(chr, letters.tolist())))}
    first = parts[0]
    place = np.asarray([number_of[token] for token in tokens])
    probabilities, backoffs = np.full(model.size, NEVER), np.zeros(model.size)
    probabilities[place], backoffs[place] = (
        first["probability"].to_numpy(),
        first["backoff"].to_numpy(),
    )
    model.orders.append(Order(np.arange(model.size).astype(np.uint64), probabilities, backoffs))
    for number, part in enumerate(parts[1:], 2):
        split = part["tokens"].str.split(" ")
        if (split.list.len() != number).any():
            raise ValueError(f"{path}: an n-gram of order {number} has not {number} tokens")
        keys = np.zeros(len(part), np.int64)
        for at in range(number):
            codes = split.list.get(at).replace_strict(
                number_of, default=None, return_dtype=pl.Int64
            )
            if codes.null_count():
                raise ValueError(
                    f"{path}: an n-gram of order {number} has a token that is no unigram"
                )
            if at == 0:
                keys = codes.to_numpy().astype(np.int64)
                continue
            keys = keys * model.size + codes.to_numpy()
            if at < number - 1:
                keys = model._find(at + 1, keys)
                if (keys < 0).any():
                    raise ValueError(
                        f"{path}: an n-gram of order {number} has a context that is not there"
                    )
        order = np.argsort(keys, kind="stable")
        model.orders.append(
            Order(
                keys[order].astype(np.uint64),
                part["probability"].to_numpy()[order],
                part["backoff"].to_numpy()[order],
            )
        )
    return model


def _section(body: str, number: int, count: int, path: Path) -> pl.DataFrame:
    lines = pl.Series(body.split("\n"), dtype=pl.String)
    lines = lines.filter(lines.str.contains("\t"))
    if len(lines) != count:
        raise ValueError(
            f"{path} is not whole: {count} n-grams of order {number} are counted, {len(lines)} are there"
        )
    fields = lines.str.split_exact("\t", 2).struct.unnest()
    fields.columns = ["probability", "tokens", "backoff"]
    numbers = fields.with_columns(
        pl.col("probability").cast(pl.Float64, strict=False),
        pl.col("backoff").fill_null("0").str.strip_chars().cast(pl.Float64, strict=False),
        pl.col("tokens").str.strip_chars(" \r"),
    )
    if numbers.null_count().sum_horizontal().item():
        raise ValueError(
            f"{path} is not an ARPA file: an n-gram of order {number} has no number, or no tokens"
        )
    return numbers
