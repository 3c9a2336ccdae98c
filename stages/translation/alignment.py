"""Words and phrases of two languages that stand for each other, learned from sentence pairs.

    sentence pairs   Brown et al. 1993, "The Mathematics of Statistical Machine Translation", Model 1,
                     learned in both directions
    links            a word and a word, each the likeliest for the other (the intersection of both
                     directions: Och and Ney 2003, "A Systematic Comparison of Various Statistical
                     Alignment Models")
    table            words, and phrases of two and three words in the same order, whose links go to
                     one translation in most of the sentences that hold them

Only languages whose words are spaced can be aligned. Everything is a count over flat arrays: a cell
is a word of a sentence beside a word of its translation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from schemas.orthography import words_are_spaced
from stages.engines.engine import Direction

_COLUMNS = ("source_language", "target_language", "source", "target", "reason")
_WORD = r"\p{L}[\p{L}\p{M}'\x{2019}-]*"
_ROUNDS = 8  # of learning, after which Model 1 hardly changes
_EMPTY = 0.05  # what a word is caused by if by no word of the other sentence, next to 1 at most
MAX_CELLS = 8_000_000  # 1 GB; of more sentences the first are taken
MAX_WORDS = 80  # of a sentence
MIN_LETTERS = 4  # of what stands in the text, as tables of words have it


class _Cells(NamedTuple):
    """Words beside words: c cells, ordered by source word; numbers of the words as they stand, and
    of what they are."""

    source_place: NDArray[np.int64]
    target_place: NDArray[np.int64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    off_diagonal: NDArray[np.float64]  # how far apart the places are, each of its sentence's length


def learn_table(
    sources: pl.Series, targets: pl.Series, least_links: int = 3, least_share: float = 0.5
) -> pl.DataFrame:
    """Learn what stands for what from n sentence pairs.

    Returns `source`, `target`, `links` (how often the two were linked) and `share` (of the times
    that the source stands in a sentence), most links first; each source once. What is spelled alike
    in both languages is no entry. Raises ValueError for sentences without a word.
    """
    tokens = [_tokens(side) for side in (sources, targets)]
    cells = _cells(*tokens)
    if not len(cells.source):
        raise ValueError("sentence pairs must hold words that are spaced, got none")
    linked = _links(cells)
    links = pl.DataFrame({"s": cells.source_place[linked], "t": cells.target_place[linked]}).sort(
        "s"
    )
    found = [_counted(tokens[0], tokens[1], links, words) for words in (1, 2, 3)]
    kept = pl.concat(found).filter(
        pl.col("links") >= least_links,
        pl.col("share") >= least_share,
        pl.col("source") != pl.col("target"),
        pl.col("source").str.len_chars() >= MIN_LETTERS,
    )
    return kept.sort("links", "source", "target", descending=[True, False, False]).unique(
        "source", keep="first", maintain_order=True
    )


def read_sentences(paths: Sequence[str], direction: Direction) -> tuple[pl.Series, pl.Series]:
    """Read the sentence pairs of a direction, or of the other one turned round, that no gate
    rejected; equal pairs count once.

    Files are those of the folder `bitext`: Parquet with the columns of SENTENCE_PAIR. Raises
    ValueError for another file, for a language whose words are not spaced and for no pair.
    """
    for label in direction:
        if not words_are_spaced(str(label)):
            raise ValueError(f"words of {label} are not spaced, so they cannot be aligned")
    both = [(str(direction), False), (str(direction.back), True)]
    found = []
    for path in paths:
        try:
            table = pl.from_arrow(pq.ParquetFile(path).read(columns=list(_COLUMNS)))
        except (pa.ArrowInvalid, FileNotFoundError) as error:
            raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
        if not isinstance(table, pl.DataFrame) or set(table.columns) != set(_COLUMNS):
            raise ValueError(f"{path} must have the columns {', '.join(_COLUMNS)}")
        ways = pl.format("{} -> {}", "source_language", "target_language")
        passed = table.filter(pl.col("reason").is_null()).with_columns(way=ways)
        for way, turned in both:
            own = passed.filter(pl.col("way") == way).select("source", "target")
            found.append(own.select(source="target", target="source") if turned else own)
    pairs = pl.concat(found).unique(maintain_order=True)
    if not len(pairs):
        raise ValueError(f"no sentence pairs of {direction} in {', '.join(paths)}")
    return pairs["source"], pairs["target"]


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write a table as strategies of `[[synthesize]]` read it: source, tab, target."""
    lines = pl.concat_str("source", pl.lit("\t"), "target")
    path.write_text("".join(f"{line}\n" for line in table.select(lines).to_series()), "utf-8")


def _tokens(sentences: pl.Series) -> pl.DataFrame:
    """Return the words of n sentences in small letters, one a row: sentence, word."""
    words = sentences.str.to_lowercase().str.extract_all(_WORD)
    return (
        pl.DataFrame({"sentence": np.arange(len(sentences)), "word": words})
        .filter(pl.col("word").list.len().is_between(1, MAX_WORDS))
        .explode("word")
    )


def _cells(sources: pl.DataFrame, targets: pl.DataFrame) -> _Cells:
    own, other = (
        side.with_row_index("place").with_columns(
            number=pl.col("word").rank("dense").cast(pl.Int64),
            within=pl.int_range(pl.len()).over("sentence") / pl.len().over("sentence"),
        )
        for side in (sources, targets)
    )
    sizes = (
        own.group_by("sentence", maintain_order=True)
        .len("m")
        .join(other.group_by("sentence").len("n"), on="sentence")
        .sort("sentence")
        .with_columns(cells=(pl.col("m").cast(pl.Int64) * pl.col("n")).cum_sum())
    )
    last = sizes.filter(pl.col("cells") <= MAX_CELLS)["sentence"].max()
    within = pl.col("sentence") <= (-1 if last is None else last)
    joined = (
        own.filter(within)
        .join(other.filter(within), on="sentence", suffix="_target", maintain_order="left_right")
        .select(
            "place",
            "place_target",
            "number",
            "number_target",
            off_diagonal=(pl.col("within") - pl.col("within_target")).abs(),
        )
    )
    source_place, target_place, source, target = (
        joined[name].to_numpy().astype(np.int64) for name in joined.columns[:4]
    )
    return _Cells(source_place, target_place, source, target, joined["off_diagonal"].to_numpy())


def _links(cells: _Cells) -> NDArray[np.bool_]:
    """Mark the cells whose two words are each the likeliest for the other."""
    pairs = cells.source * (cells.target.max() + 1) + cells.target
    _, entry = np.unique(pairs, return_inverse=True)
    likely = _learned(entry, cells.source, cells.target_place) * _learned(
        entry, cells.target, cells.source_place
    )
    likely -= 1e-9 * cells.off_diagonal  # of equally likely ones that which stands in its place
    best = [np.full(places.max() + 1, -1.0) for places in (cells.source_place, cells.target_place)]
    linked = np.ones(len(likely), np.bool_)
    for most, places in zip(best, (cells.source_place, cells.target_place), strict=True):
        np.maximum.at(most, places, likely)
        linked &= likely == most[places]
    for places in (cells.source_place, cells.target_place):  # equally likely, equally far away
        linked &= np.bincount(places[linked], minlength=places.max() + 1)[places] < 2
    return linked


def _learned(
    entry: NDArray[np.int64], given: NDArray[np.int64], caused: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Learn Model 1 in one direction; returns for each cell the probability that its given word
    caused the other one, which stands at `caused`."""
    table = np.ones(entry.max() + 1)
    words = np.zeros(len(table), np.int64)
    words[entry] = given
    for _ in range(_ROUNDS):
        probability = table[entry]
        total = np.bincount(caused, probability) + _EMPTY
        probability = probability / total[caused]
        counts = np.bincount(entry, probability, minlength=len(table))
        table = counts / np.bincount(words, counts)[words]
    probability = table[entry]
    return probability / (np.bincount(caused, probability) + _EMPTY)[caused]


def _counted(
    sources: pl.DataFrame, targets: pl.DataFrame, links: pl.DataFrame, words: int
) -> pl.DataFrame:
    """Count phrases of so many words that are linked word by word in the same order."""
    follow = [
        (pl.col(side).shift(-step) == pl.col(side) + step)
        for side in "st"
        for step in range(1, words)
    ]
    heads = links.filter(pl.all_horizontal(pl.lit(value=True), *follow))
    own, other = (_phrases(side, words) for side in (sources, targets))
    pairs = pl.DataFrame(
        {"source": own.gather(heads["s"]), "target": other.gather(heads["t"])}
    ).drop_nulls()
    counts = pairs.group_by("source", "target").len("links")
    there = pl.DataFrame({"source": own}).drop_nulls().group_by("source").len("there")
    share = (pl.col("links") / pl.col("there")).alias("share")
    return counts.join(there, on="source").select(
        "source", "target", pl.col("links").cast(pl.Int64), share
    )


def _phrases(side: pl.DataFrame, words: int) -> pl.Series:
    """Join each word with those after it, so many in all; null where the sentence ends before."""
    whole = pl.col("sentence").shift(1 - words) == pl.col("sentence")
    joined = pl.concat_str([pl.col("word").shift(-step) for step in range(words)], separator=" ")
    return side.select(pl.when(whole).then(joined)).to_series()
