"""Mine sentence pairs from pages that say the same in two languages.

    addresses       a.org/es/help/1.html, a.org/eu/help/1.html  ->  a.org/help/1.html: one key
    else numbers    a.org/es/noticias/48213-el-mar, a.org/eu/albisteak/48213-itsasoa  ->  a.org 48213
    documents       sentences of both, in order
    alignment       the cheapest chain of beads: 1-1, 1-2, 2-1, 1-0, 0-1
    pairs           the beads of one sentence each that stand out from any other chain

A language code in an address counts where it is the language of the document: as a segment of the
path (`/es/`, `/pt-br/`), a label of the host (`es.example.org`), a value of the query (`?lang=es`)
or an ending of the name (`page.es.html`); as STRAND and Bitextor do (Resnik and Smith 2003, "The
Web as a Parallel Corpus"). Beads and lengths are those of Gale and Church 1993, "A
Program for Aligning Sentences in Bilingual Corpora"; what two sentences share of numbers, names and
cognates is weighed as for moved lines (stages/translation/gates.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.language import one_code, to_iso639_3
from schemas.translation import SENTENCE_PAIR
from stages.engines.embeddings import load_embeddings
from stages.engines.engine import Direction
from stages.translation.bitext import judge_pairs
from stages.translation.gates import (
    LIKENESS_WEIGHT,
    content_length,
    length_log_ratio,
    length_unlikelihood,
)
from stages.translation.likeness import shared_matrix
from stages.translation.options import MiningConfig
from stages.translation.sentences import cut_sentences
from stages.translation.similarity import Vectors, bead_margins

_MAX_CODE_POINTS = 600  # of a sentence
MAX_SENTENCES = 1000  # of a document; a pair of longer ones is cut into no beads
BEADS = ((1, 1), (1, 0), (0, 1), (2, 1), (1, 2))  # sentences of the source and of the target
# Gale and Church have 0.005 for a sentence that one side lacks and 0.0445 for two in place of one;
# pages of two languages lack more. Of LibreOffice's help with a seventh of the paragraphs left out,
# 83 % of the beads are right by these, 64 % by theirs.
_COSTS = -np.log([0.7, 0.14, 0.14, 0.005, 0.005])
_ADDRESS = r"^(?:[a-z]+:)?//(?P<host>[^/?#]+)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?"
_CODE = r"^([a-z]{2,3})(?:[-_](?:[a-z]{2}|[a-z]{4}|[0-9]{3}))?$"
GENERATOR = "mined by address"
_QUERY_NUMBER = r"[?&](?:id|p|pid|nid|sid|aid|article|(?:page|post|article|news|item|content)_?id)=([0-9]+)(?:&|$)"
_PATH_NUMBER = r"/(?:[^/?]*[-_.])?([0-9]{4,})(?:[-_.][^/?]*)?(?:/[^/?]*)?(?:\?|$)"
_DAY = r"^(?:19|20)[0-9]{2}(?:[01][0-9](?:[0-3][0-9])?)?$"  # or year, or month
_NAMES = r"^(?:lang|language|hl|locale|lg|l)=(.+)$"


# n sentences to (n, d) vectors of length 1
Embed = Callable[[Sequence[str]], Vectors]


def mirror_addresses(urls: pa.Array, languages: Sequence[str | None]) -> pl.Series:
    """Write n addresses without the code of their documents' language; null where there is no
    address.

    >>> urls = pa.array(["https://a.org/es/x", "http://www.a.org/x", "https://a.org/no/x"])
    >>> mirror_addresses(urls, ["spa", "eng", "eng"]).to_list()
    ['a.org/x', 'a.org/x', 'a.org/no/x']
    """
    frame = pl.DataFrame(
        {"url": pl.Series(urls, dtype=pl.String), "language": pl.Series(languages, dtype=pl.String)}
    ).with_row_index("row")
    parts = frame.select(
        "row", "language", pl.col("url").str.to_lowercase().str.extract_groups(_ADDRESS)
    ).unnest("url")
    # Pieces of an address in order: labels of the host, segments of the path, endings, parameters.
    pieces = {
        "host": pl.col("host").str.strip_prefix("www.").str.split("."),
        "path": pl.col("path").fill_null("").str.replace_all(r"[./]", "\0$0").str.split("\0"),
        "query": pl.col("query").fill_null("").str.strip_chars_start("?").str.split("&"),
    }
    written = [
        _without_code(parts.select("row", "language", piece=cut), name)
        for name, cut in pieces.items()
    ]
    joined = parts.select("row", known=pl.col("host").is_not_null())
    for name, own in zip(pieces, written, strict=True):
        joined = joined.join(
            own.rename({"piece": name}), on="row", how="left", maintain_order="left"
        )
    query = pl.when(pl.col("query") != "").then("?" + pl.col("query")).otherwise(pl.lit(""))
    return joined.select(pl.when("known").then(pl.concat_str("host", "path", query))).to_series()


def page_numbers(addresses: pl.Series) -> pl.Series:
    """Return the host and the page's own number of n addresses without a language code; null where
    there is none.

    A number stands in a parameter such as `id`, or has at least four digits in the last two
    segments of the path, where names are translated. Years and days are none.

    >>> page_numbers(pl.Series(["a.org/noticias/48213-el-mar", "a.org/x?id=7", "a.org/2024/x"])).to_list()
    ['a.org 48213', 'a.org ?7', None]
    """
    in_path = addresses.str.extract(_PATH_NUMBER, 1)
    path = pl.select(pl.when(~in_path.str.contains(_DAY)).then(in_path)).to_series()
    query = "?" + addresses.str.extract(_QUERY_NUMBER, 1)
    host = addresses.str.extract(r"^([^/?]+)", 1)
    return pl.select(host + " " + pl.coalesce(query, path)).to_series()


def _without_code(parts: pl.DataFrame, name: str) -> pl.DataFrame:
    """Join the pieces of n addresses again, but for the first that is the code of the document's
    language."""
    pieces = parts.explode("piece").with_columns(pl.col("piece").fill_null(""))
    bare = pl.col("piece").str.strip_chars_start("./")
    code = bare.str.extract(_NAMES, 1) if name == "query" else bare
    pieces = pieces.with_columns(code=code.str.extract(_CODE, 1))
    known = {
        code: one_code(full)
        for code in pieces["code"].drop_nulls().unique().to_list()
        if (full := to_iso639_3(code))
    }
    named = pl.col("code").replace_strict(known, default=None, return_dtype=pl.String)
    found = (named == pl.col("language")).fill_null(False)
    first = found & (found.cum_sum().over("row") == 1)
    joiner = {"host": ".", "path": "", "query": "&"}[name]
    return (
        pieces.filter(~first)
        .group_by("row", maintain_order=True)
        .agg(pl.col("piece").str.join(joiner))
    )


def align_sentences(
    sources: pl.Series, targets: pl.Series, direction: Direction, embed: Embed | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Align n sentences with m: places of the sources and of the targets of the 1-1 beads, in order,
    and the margin of each; none where either side has more than MAX_SENTENCES.

        cost to (i, j) = least of, over beads (a, b):
                         cost to (i - a, j - b) - log P(bead) - log P(lengths) - 8 cosine
                         (- 8 margin of the embeddings, of what the best have, where `embed` is given)

    The margin of a bead is what the cheapest chain without it costs more.
    """
    n, m = len(sources), len(targets)
    nothing = np.empty(0, np.int64)
    if not (0 < n <= MAX_SENTENCES and 0 < m <= MAX_SENTENCES):
        return nothing, nothing, np.empty(0)
    lengths = content_length(sources), content_length(targets)
    shared = shared_matrix(sources, targets)
    steps = [
        _COSTS[number] + _bead_costs(shared, lengths, bead, direction)
        for number, bead in enumerate(BEADS)
    ]
    if embed:
        near = bead_margins(embed(sources.to_list()), embed(targets.to_list()), BEADS)
        for (a, b), step, margins in zip(BEADS, steps, near, strict=True):
            if a and b and margins.size:
                step -= LIKENESS_WEIGHT * margins
    there, back = _costs_to(n, m, steps), _costs_from(n, m, steps)
    # through[bead][i, j]: the cheapest chain with the bead that begins at i, j
    through = [
        there[: n - a + 1, : m - b + 1] + step[: n - a + 1, : m - b + 1] + back[a:, b:]
        for (a, b), step in zip(BEADS, steps, strict=True)
    ]
    best = there[n, m]
    i, j = np.nonzero(np.isclose(through[0], best, rtol=0, atol=1e-9))
    others = through[0].copy()
    others[i, j] = np.inf
    rows, columns = np.full(n, np.inf), np.full(m, np.inf)
    for (a, b), costs in zip(BEADS, [others, *through[1:]], strict=True):
        by_row, by_column = (costs.min(axis=axis, initial=np.inf) for axis in (1, 0))
        for step in range(a):  # the sentences that a bead covers
            own = rows[step : step + n - a + 1]
            np.minimum(own, by_row[: len(own)], out=own)
        for step in range(b):
            own = columns[step : step + m - b + 1]
            np.minimum(own, by_column[: len(own)], out=own)
    margin = np.minimum(rows[i], columns[j]) - best
    return i, j, margin


def _costs_to(n: int, m: int, steps: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Return the (n + 1, m + 1) costs of the cheapest chains from the beginning to each place."""
    best = np.full((n + 1, m + 1), np.inf)
    best[0, 0] = 0.0
    for diagonal in range(1, n + m + 1):  # along i + j = d no place needs another one
        i = np.arange(max(0, diagonal - m), min(n, diagonal) + 1)
        j = diagonal - i
        for (a, b), step in zip(BEADS, steps, strict=True):
            fits = (i >= a) & (j >= b)
            at, to = i[fits] - a, j[fits] - b
            best[i[fits], j[fits]] = np.minimum(best[i[fits], j[fits]], best[at, to] + step[at, to])
    return best


def _costs_from(
    n: int, m: int, steps: Sequence[npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    """Return the (n + 1, m + 1) costs of the cheapest chains from each place to the end."""
    best = np.full((n + 1, m + 1), np.inf)
    best[n, m] = 0.0
    for diagonal in range(n + m - 1, -1, -1):
        i = np.arange(max(0, diagonal - m), min(n, diagonal) + 1)
        j = diagonal - i
        for (a, b), step in zip(BEADS, steps, strict=True):
            fits = (i + a <= n) & (j + b <= m)
            at, to = i[fits], j[fits]
            best[at, to] = np.minimum(best[at, to], step[at, to] + best[at + a, to + b])
    return best


def _bead_costs(
    shared: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]],
    lengths: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    bead: tuple[int, int],
    direction: Direction,
) -> npt.NDArray[np.float64]:
    """Return (n, m) costs of a bead of a and b sentences that begins at each pair of them."""
    dots, *norms = shared
    a, b = bead
    n, m = dots.shape
    if not (a and b):
        return np.zeros((n + 1, m + 1))
    rows, columns = n - a + 1, m - b + 1
    if rows <= 0 or columns <= 0:
        return np.full((n + 1, m + 1), np.inf)
    own = [np.zeros(rows), np.zeros(columns)]
    size = [np.zeros(rows, np.int64), np.zeros(columns, np.int64)]
    for side, (many, count) in enumerate(((a, rows), (b, columns))):
        for step in range(many):
            own[side] += norms[side][step : step + count] ** 2
            size[side] += lengths[side][step : step + count]
    dot = sum(dots[x : x + rows, y : y + columns] for x in range(a) for y in range(b))
    norm = np.sqrt(own[0])[:, None] * np.sqrt(own[1])[None, :]
    cosine = np.where(norm > 0, dot / np.where(norm > 0, norm, 1), 0.0)
    ours, theirs = np.broadcast_arrays(size[0][:, None], size[1][None, :])
    away = length_log_ratio(ours, theirs, direction)
    return length_unlikelihood(away, ours) - LIKENESS_WEIGHT * cosine


def mined_pairs(pages: pl.DataFrame, direction: Direction, config: MiningConfig) -> pa.RecordBatch:
    """Mine SENTENCE_PAIRs of pairs of pages, in order: columns source_id, target_id, source, target
    (texts)."""
    cut = [
        cut_sentences(pages[side].to_arrow().cast(pa.large_string()), _MAX_CODE_POINTS)
        .with_columns(sentence=pl.int_range(pl.len()).over("row").cast(pl.Int64))
        .filter(pl.col("text").str.contains(r"\p{L}"))
        .partition_by("row", as_dict=True)
        for side in ("source", "target")
    ]
    embed = load_embeddings(config.gates.embeddings) if config.gates.embeddings else None
    parts = []
    for row, ids in enumerate(pages.select("source_id", "target_id").iter_rows()):  # a chain each
        ours, theirs = (side.get((row,)) for side in cut)
        if ours is None or theirs is None:
            continue
        i, j, margin = align_sentences(ours["text"], theirs["text"], direction, embed)
        kept = margin >= config.min_margin
        if kept.sum() < config.min_aligned_share * min(len(ours), len(theirs)):
            continue
        found = ours[i[kept]].select("line", "sentence", source="text")
        parts.append(
            found.with_columns(
                theirs[j[kept]]["text"].alias("target"),
                parent_id=pl.lit(ids[0]),
                id=pl.lit(ids[1]),
                document=pl.lit(row),
            )
        )
    if not parts:
        return pa.RecordBatch.from_pylist([], SENTENCE_PAIR)
    pairs = pl.concat(parts)
    judged = judge_pairs(pairs, direction, None, config.gates)
    known = pairs.with_columns(
        judged.reasons,
        *judged.signals,
        source_language=pl.lit(str(direction.source)),
        target_language=pl.lit(str(direction.target)),
        published=judged.reasons.is_null(),
        generator=pl.lit(GENERATOR),
    )
    arrays = [known[field.name].to_arrow().cast(field.type) for field in SENTENCE_PAIR]
    return pa.RecordBatch.from_arrays(arrays, schema=SENTENCE_PAIR)
