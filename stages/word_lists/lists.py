"""Learn word lists from trusted text in several languages, and keep them in one file.

Stop words are the most frequent words of a language. Its own words are frequent in it and next to
absent in the other languages of its script that the text has: their affinity, the word's share of
the words of the language over the sum of such shares in all, is `AFFINITY` or more.

A word is a run of letters and marks, in lower case. Scripts without spaces between words have none
here: a language model judges them.

Sources: Rae et al. 2021 (stop words tell text from lists and code), Caswell et al. 2020 (lists of
words that are frequent in a language and not elsewhere make its bucket clean).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq
from numpy.typing import NDArray

from schemas.columns import SchemaError
from schemas.language import one_label, parse_label
from schemas.orthography import UNSPACED_LABELS
from stages.batches import require_utf8

_LINE_BYTES = 64 << 20  # the longest line of JSON
# of all words; some 40 words of a language with short words, 25 of one with long ones
STOP_WORD_SHARE = 0.003
STOP_WORDS = (20, 60)  # at least and at most
LEAST_WORDS = 20  # of a list
AFFINITY = 0.85
OWN_WORDS = 1000  # at most
OWN_DOCUMENTS = 3  # that an own word occurs in, at least
JUDGED_WORDS = 20  # a shorter text has too few to go by
# share of the trusted documents that may have fewer stop words than half of them need
_LOWEST = 0.01
WORD = r"[\p{L}\p{M}]+(?:[\x{200C}\x{200D}'\x{2019}\x{2BC}][\p{L}\p{M}]+)*"


class WordList(NamedTuple):
    """What is known of one language: its lists, the least share of stop words, and the size of the
    text it is from."""

    stop_words: tuple[str, ...]
    least_stop_word_share: float
    own_words: tuple[str, ...]
    documents: int
    words: int


def words_of(texts: pl.Series) -> pl.DataFrame:
    """Return the words of n texts, one a row: columns row (of the text), word."""
    words = texts.str.to_lowercase().str.extract_all(WORD)
    frame = pl.DataFrame({"word": words}).with_row_index("row").explode("word").drop_nulls()
    return frame.with_columns(pl.col("word").str.replace_all("\u2019", "'"))


def read_labelled(paths: Sequence[str], text_column: str = "text") -> pl.DataFrame:
    """Read texts with their labels from Parquet files or JSON lines: columns text, label, without
    copies.

    The label is that of the column `label`, or of `language` and `script`. Raises
    FileNotFoundError, SchemaError for a file without these columns, and ValueError for what is no
    label, no such file or not UTF-8.
    """
    parts = []
    for path in paths:
        if not Path(path).is_file():
            raise FileNotFoundError(f"no file {path}")
        names, table = _read_columns(Path(path), (text_column, "label", "language", "script"))
        labelled = ["label"] if "label" in names else ["language", "script"]
        if missing := [name for name in (text_column, *labelled) if name not in names]:
            raise SchemaError(
                f"{path} lacks {', '.join(map(repr, missing))}: word lists need {text_column!r}, and 'label' or "
                f"'language' and 'script'; it has {', '.join(names)}"
            )
        own = table.select([text_column, *labelled])
        require_utf8(own, path)
        frame = pl.DataFrame(own.rename_columns(["text", *labelled]))
        label = pl.col("label") if "label" in names else pl.col("language") + "_" + pl.col("script")
        parts.append(frame.select("text", label=label.cast(pl.String)).drop_nulls())
    found = (
        pl.concat(parts) if parts else pl.DataFrame(schema={"text": pl.String, "label": pl.String})
    )
    found = found.unique(["label", "text"], keep="first", maintain_order=True)
    codes = {label: one_label(label) for label in found["label"].unique().to_list()}
    return found.with_columns(label=pl.col("label").replace_strict(codes, return_dtype=pl.String))


def _read_columns(path: Path, columns: Sequence[str]) -> tuple[list[str], pa.Table]:
    """Return the names of all columns of a file, and those of the given ones that it has."""
    try:
        if path.suffix in (".jsonl", ".ndjson"):
            table = pj.read_json(path, pj.ReadOptions(block_size=_LINE_BYTES))
            return table.schema.names, table
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            return names, file.read([name for name in columns if name in names])
    except pa.ArrowException as error:
        words = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{path} must be Parquet or JSON lines (.jsonl) with texts and their labels: {words}"
        ) from None


def learn_lists(texts: pl.DataFrame) -> tuple[dict[str, WordList], dict[str, str]]:
    """Learn the lists of each label (columns text, label); returns them, and why others have none,
    by label.

    A list with fewer than LEAST_WORDS words is refused. What is learned depends on the texts and
    not on their order.
    """
    lists: dict[str, WordList] = {}
    refused: dict[str, str] = {}
    counts: dict[str, pl.DataFrame] = {}
    for label in sorted(set(texts["label"])):
        if parse_label(label).script in UNSPACED_LABELS:
            refused[label] = (
                "its script has no spaces between words; train a language model instead"
            )
            continue
        words = words_of(texts.filter(pl.col("label") == label)["text"])
        counts[label] = words.group_by("word").agg(
            pl.len(), pl.col("row").n_unique().alias("documents")
        )
    for label, own in counts.items():
        total = int(own["len"].sum())
        ordered = own.sort(["len", "word"], descending=[True, False])
        frequent = min(
            max(int((ordered["len"] >= STOP_WORD_SHARE * total).sum()), STOP_WORDS[0]),
            STOP_WORDS[1],
        )
        stop_words = ordered["word"].head(frequent).to_list()
        if len(stop_words) < LEAST_WORDS:
            refused[label] = (
                f"a list needs {LEAST_WORDS} words, its text has {len(stop_words)} different ones"
            )
            continue
        of_label = texts.filter(pl.col("label") == label)["text"]
        rest = [other for name, other in counts.items() if name != label and name[4:] == label[4:]]
        lists[label] = WordList(
            tuple(stop_words),
            _least_share(of_label, stop_words),
            _own_words(own, rest),
            len(of_label),
            total,
        )
    return lists, refused


def _least_share(texts: pl.Series, stop_words: Sequence[str]) -> float:
    """Return half of the share of stop words that all but a hundredth of the trusted documents
    reach."""
    shares = stop_word_shares(texts, stop_words)
    shares = shares[~np.isnan(shares)]
    return round(float(np.quantile(shares, _LOWEST)) / 2, 4) if len(shares) else 0.0


def stop_word_shares(texts: pl.Series, stop_words: Sequence[str]) -> NDArray[np.float64]:
    """Return the share of words of n texts that are stop words; NaN for a text of fewer than
    JUDGED_WORDS words."""
    words = words_of(texts)
    rows = words["row"].to_numpy()
    total = np.bincount(rows, minlength=len(texts))
    found = np.bincount(rows, words["word"].is_in(list(stop_words)).to_numpy(), len(texts))
    return np.divide(found, total, out=np.full(len(texts), np.nan), where=total >= JUDGED_WORDS)


def _own_words(own: pl.DataFrame, rest: Sequence[pl.DataFrame]) -> tuple[str, ...]:
    """Return the words with enough affinity, the most frequent first; none where there is nothing
    to compare with.

    A word that another language's text happens not to have counts there as half of one: little text
    proves little.
    """
    if not rest:
        return ()
    wanted = own.filter(pl.col("documents") >= OWN_DOCUMENTS, pl.col("word").str.len_chars() > 1)
    share = wanted.select("word", share=pl.col("len") / own["len"].sum())
    elsewhere = np.zeros(len(share))
    for other in rest:
        there = (
            share.join(other, on="word", how="left", maintain_order="left")["len"]
            .fill_null(0)
            .to_numpy()
        )
        elsewhere = elsewhere + there / max(int(other["len"].sum()), 1)
    largest = max(int(other["len"].sum()) for other in rest)
    affinity = share["share"].to_numpy() / (
        share["share"].to_numpy() + elsewhere + 0.5 / max(largest, 1)
    )
    chosen = share.with_columns(affinity=affinity).filter(pl.col("affinity") >= AFFINITY)
    chosen = chosen.sort(["share", "word"], descending=[True, False]).head(OWN_WORDS)
    return tuple(chosen["word"].to_list()) if len(chosen) >= LEAST_WORDS else ()


def write_lists(lists: Mapping[str, WordList], path: Path) -> None:
    """Write the lists of all labels as JSON, one label a line."""
    lines = (
        f'"{label}": {json.dumps(words._asdict(), ensure_ascii=False)}'
        for label, words in sorted(lists.items())
    )
    path.write_text("{" + ",\n".join(lines) + "}\n", "utf-8")


def read_lists(path: str) -> dict[str, WordList]:
    """Read a file of lists, as `write_lists` wrote it or by hand.

    Raises FileNotFoundError, and ValueError for a file that is not UTF-8 or not such a file, and
    for a list that has fewer than LEAST_WORDS words, or one without a letter.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no word lists at {path}; learn them by glotmill wordlists learn")
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        lists = {
            one_label(label): WordList(
                tuple(map(str, given["stop_words"])),
                float(given["least_stop_word_share"]),
                tuple(map(str, given["own_words"])),
                int(given.get("documents", 0)),
                int(given.get("words", 0)),
            )
            for label, given in content.items()
        }
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error}; save it as UTF-8") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must hold stop_words, least_stop_word_share and own_words by label: {error!r}"
        ) from None
    for label, given in lists.items():
        for name, words in (("stop_words", given.stop_words), ("own_words", given.own_words)):
            if words and len(set(words)) < LEAST_WORDS:
                raise ValueError(
                    f"{path}: {name} of {label} has {len(set(words))} words, {LEAST_WORDS} are needed"
                )
            found = pl.Series(words, dtype=pl.String)
            if wrong := found.filter(~found.str.contains(r"\p{L}")).to_list():
                raise ValueError(f"{path}: {name} of {label} has {wrong[0]!r}, which has no letter")
    return lists


def as_texts(texts: pa.Array) -> pl.Series:
    """View texts as Polars has them."""
    return pl.Series(texts.cast(pa.large_string()))
