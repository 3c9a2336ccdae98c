"""Measure published documents: the numbers on a card, block by block, and again from the Parquet
files alone.

`measure` runs in the worker that writes a shard; `merge` adds up what the workers found. Everything
is an integer, a set of integers by key, or the k smallest of a total order, so that any partition
of the rows into blocks, shards and row groups gives the same result. Shares and scores are summed
in millionths for that reason.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_cards.display import cut_text
from data_cards.distinct import DistinctCounter, merge_registers, mixed
from data_cards.sections.overview import added
from schemas.addresses import HOST
from schemas.card.statistics import (
    HOSTS_KEPT,
    LENGTH_BINS,
    OPENING_UNITS,
    SAMPLE_CODE_POINTS,
    SAMPLES_KEPT,
    SHARE_BINS,
    Sample,
    TermCount,
    TextFigures,
    TextStatistics,
    TextVolume,
)
from schemas.columns import SchemaError, require_columns
from schemas.document import DOCUMENT, PAGE_LANGUAGES, PAGE_MARKS, SAMPLING_WEIGHT
from schemas.language import parse_label, to_iso639_3
from schemas.orthography import has_units_between_spaces, words_are_spaced

# licences, generators or sources; beyond that the column holds something else
MAX_DISTINCT = 10_000
UNREADABLE = "unreadable"

_USED = tuple(
    name
    for name in DOCUMENT.names
    if name not in ("language", "script", "runner_up_score", "path", "position", "parent_id")
)
_SUMS = (
    *("documents", "code_points", "utf8_bytes", "arrow_bits"),
    *("score_millionths", "other_language_millionths"),
)
_COUNTS = (
    *("licences", "generators", "declared", "runner_ups", "years", "nulls"),
    *("sampling_weights", "page_languages"),
    *("page_kinds", "page_access", "extraction_fallbacks"),
)
_FIGURE_SUMS = ("documents", "sampled", "units", "trigrams", "opened", "opening_units")
_FIGURE_COUNTS = ("lengths", "tokens", "licences", "years", "hosts")
_DISTINCT = ("distinct_documents", "distinct_units", "distinct_trigrams", "distinct_hosts")
# Words and digits are counted by the first letter or digit of each run between white space that
# holds one, as the Unicode tables of Polars know them.
_WORD = r"(?:^|[\s\x{1361}])[^\s\x{1361}\p{L}\p{N}]*[\p{L}\p{N}]"
# Of a file as many documents, or this share of them if that is more, are looked at unit by unit.
_SAMPLED, _SAMPLED_SHARE = 8, 1 / 64
_READ_ROWS = 4096  # rows a batch when reading shards back
_PIECE_BYTES = 4 << 20  # of a longer text, whose units are found piece by piece
_HOST = r"(?i)^\s*(?:https?|ftp)://" + HOST


class Asked(NamedTuple):
    """What is counted on request: tokens of n large strings, by tokenizer; words of lists, by list
    and then by language or label; `hold_back` names lists whose words no sample may have, or
    `all`. `unit_share` is the share of the documents whose units are looked at, in (0, 1]."""

    tokenizers: Mapping[str, Callable[[pa.Array], int]] = {}
    terms: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    hold_back: tuple[str, ...] = ()
    unit_share: float = 1.0

    def of_file(self, rows: int) -> Asked:
        """Ask for a sample of a file of so many documents."""
        return self._replace(unit_share=min(1.0, max(_SAMPLED_SHARE, _SAMPLED / max(rows, 1))))

    def terms_of(self, label: str) -> dict[str, tuple[str, ...]]:
        """Return the lists that have words of a label, or of its language."""
        found = {
            name: words.get(label, ()) + words.get(parse_label(label).language, ())
            for name, words in self.terms.items()
        }
        return {name: words for name, words in found.items() if words}


NOTHING_MORE = Asked()


def measure(batch: pa.RecordBatch, label: str, asked: Asked = NOTHING_MORE) -> TextStatistics:
    """Measure n published documents of one `language_Script`.

    Raises SchemaError if a DOCUMENT column is missing or mistyped, or a column has a type that
    cards cannot declare.
    """
    require_columns(batch, DOCUMENT, _USED)
    columns = list(zip(batch.schema.names, batch.columns, strict=True))
    texts = batch["text"]
    code_points = _integers(pc.utf8_length(texts))
    utf8_bytes = _integers(pc.binary_length(texts))
    scores, others = _known(batch["language_score"]), _known(batch["other_language_share"])
    made = np.zeros(batch.num_rows, bool)
    if batch["synthetic"].true_count:
        made = pc.fill_null(batch["synthetic"], False).to_numpy(zero_copy_only=False)
    terms = {
        name: _occurrences(texts, words, label) for name, words in asked.terms_of(label).items()
    }
    keys = _id_keys(batch["id"])
    rows = _Rows(batch, code_points, keys, terms)
    rows_found, rows_made = rows.where(~made), rows.where(made)
    of_found, of_made = (_figures(part, label, asked) for part in (rows_found, rows_made))
    return TextStatistics(
        documents=batch.num_rows,
        code_points=int(code_points.sum()),
        utf8_bytes=int(utf8_bytes.sum()),
        words=_sum_known([of_found.words, of_made.words]),
        arrow_bits=sum(_value_bits(column, name) for name, column in columns),
        lengths=_length_bins(code_points),
        scores=_share_bins(scores),
        score_millionths=_millionths(scores),
        other_language_shares=_share_bins(others),
        other_language_millionths=_millionths(others),
        sources=_volumes(batch["source"], code_points, utf8_bytes),
        made=_volumes(rows_made.batch["source"], rows_made.code_points, utf8_bytes[made]),
        licences=_few(_added([of_found.licences, of_made.licences]), "licence"),
        generators=_counts(batch["generator"], "generator"),
        # no page declares what was made
        declared=_declared(rows_found.batch["declared_language"]),
        page_kinds=_counts_of(batch, PAGE_MARKS.field("page_kind")),
        page_access=_counts_of(batch, PAGE_MARKS.field("page_access")),
        extraction_fallbacks=_counts_of(batch, PAGE_MARKS.field("extraction_fallback")),
        runner_ups=_counts(batch["runner_up_language"], "runner_up_language"),
        years=_few(_added([of_found.years, of_made.years]), "year"),
        sampling_weights=_counts_of(batch, SAMPLING_WEIGHT),
        page_languages=_counts_of(batch, PAGE_LANGUAGES),
        nulls={name: column.null_count for name, column in columns},
        samples=_samples(rows, _shown(batch, terms, asked)),
        found=of_found,
        made_texts=of_made,
    )


def merge(parts: Iterable[TextStatistics]) -> TextStatistics:
    """Add up measurements of one language and script: the same whatever the order and grouping;
    none gives zeros.

    Raises ValueError if a column that should hold few values holds more than MAX_DISTINCT different
    ones.
    """
    found = list(parts)
    if len(found) == 1:
        return found[0]
    merged: dict[str, Any] = {name: sum(getattr(part, name) for part in found) for name in _SUMS}
    for name in ("lengths", "scores", "other_language_shares"):
        bins = np.array([getattr(part, name) for part in found], dtype=np.int64)
        merged[name] = (
            tuple(bins.sum(axis=0).tolist()) if found else getattr(TextStatistics(), name)
        )
    for name in _COUNTS:
        merged[name] = _few(_added(getattr(part, name) for part in found), name)
    return TextStatistics(
        **merged,
        words=_sum_known([part.words for part in found]),
        sources=_few(_added_volumes(part.sources for part in found), "sources"),
        made=_few(_added_volumes(part.made for part in found), "sources"),
        samples=_smallest(sample for part in found for sample in part.samples),
        found=_merge_figures([part.found for part in found]),
        made_texts=_merge_figures([part.made_texts for part in found]),
    )


def with_commonest_hosts(statistics: TextStatistics, most: int = HOSTS_KEPT) -> TextStatistics:
    """Leave out all but the commonest hosts, of equal ones the first by name: of a file when it is
    measured, of a label when all its files are."""

    def kept(figures: TextFigures) -> TextFigures:
        if len(figures.hosts) <= most:
            return figures
        ranked = sorted(figures.hosts.items(), key=lambda item: (-item[1], item[0]))[:most]
        return figures.model_copy(update={"hosts": dict(sorted(ranked))})

    return statistics.model_copy(
        update={"found": kept(statistics.found), "made_texts": kept(statistics.made_texts)}
    )


def read_statistics(file: Any, label: str, asked: Asked = NOTHING_MORE) -> TextStatistics:
    """Measure one Parquet file (a path or an open binary file) as its writer did, whatever its row
    groups."""
    with pq.ParquetFile(file) as parquet:
        asked = asked.of_file(parquet.metadata.num_rows)
        batches = parquet.iter_batches(batch_size=_READ_ROWS)
        return with_commonest_hosts(merge(measure(batch, label, asked) for batch in batches))


def statistics_of(paths: Iterable[str]) -> dict[str, TextStatistics]:
    """Measure published files; the folder that holds a file names its `language_Script`.

    Raises ValueError if a folder is not named so.
    """
    labelled: dict[str, list[TextStatistics]] = {}
    for path in sorted(map(str, paths)):
        label = str(parse_label(PurePosixPath(path).parent.name))
        labelled.setdefault(label, []).append(read_statistics(path, label))
    return {label: merge(labelled[label]) for label in sorted(labelled)}


def statistics_json(statistics: Mapping[str, TextStatistics]) -> str:
    """Write statistics as JSON with sorted keys, one language a line."""
    lines = (
        f"{json.dumps(label)}: {json.dumps(statistics[label].model_dump(), ensure_ascii=False, sort_keys=True)}"
        for label in sorted(statistics)
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _integers(array: pa.Array) -> np.ndarray:
    return array.to_numpy(zero_copy_only=False).astype(np.int64)


def _sum_known(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


class _Rows(NamedTuple):
    """Documents with their lengths in code points, the keys of their ids, and how often words of
    each list occur in each."""

    batch: pa.RecordBatch
    code_points: np.ndarray
    keys: np.ndarray  # of the ids, unsigned 64-bit
    terms: Mapping[str, np.ndarray]

    def where(self, chosen: np.ndarray) -> _Rows:
        if chosen.all():
            return self
        terms = {name: counts[chosen] for name, counts in self.terms.items()}
        batch = self.batch.filter(pa.array(chosen)) if chosen.any() else self.batch[:0]
        return _Rows(batch, self.code_points[chosen], self.keys[chosen], terms)


def _figures(rows: _Rows, label: str, asked: Asked) -> TextFigures:
    if not rows.batch.num_rows:
        return TextFigures(words=0 if words_are_spaced(label) else None)
    texts = rows.batch["text"]
    hosts = _hosts(rows.batch["url"])
    units = _UnitCounter(label)
    units.add(_sampled(texts, rows.keys, asked.unit_share))
    return TextFigures(
        documents=len(texts),
        words=_count_words(texts) if words_are_spaced(label) else None,
        lengths=_rounded_lengths(rows.code_points),
        distinct_documents=_registers(_hash_texts(texts)),
        **units.counted(),
        tokens={name: count(texts) for name, count in asked.tokenizers.items()},
        terms={
            name: TermCount(documents=int(np.count_nonzero(counts)), occurrences=int(counts.sum()))
            for name, counts in rows.terms.items()
        },
        licences=_counts(rows.batch["licence"], "licence"),
        years=_counts(_years(rows.batch["date"]), "year"),
        hosts=hosts,
        distinct_hosts=_registers(_hashed(list(hosts))),
    )


def _merge_figures(parts: list[TextFigures]) -> TextFigures:
    if len(parts) == 1:
        return parts[0]
    merged: dict[str, Any] = {
        name: sum(getattr(part, name) for part in parts) for name in _FIGURE_SUMS
    }
    for name in _FIGURE_COUNTS:
        total = _added(getattr(part, name) for part in parts)
        merged[name] = {key: total[key] for key in sorted(total)}
    for name in _DISTINCT:
        merged[name] = merge_registers(getattr(part, name) for part in parts)
    by_list: dict[str, list[TermCount]] = {}
    for part in parts:
        for name, count in part.terms.items():
            by_list.setdefault(name, []).append(count)
    merged["terms"] = {
        name: TermCount(
            documents=sum(count.documents for count in by_list[name]),
            occurrences=sum(count.occurrences for count in by_list[name]),
        )
        for name in sorted(by_list)
    }
    return TextFigures(words=_sum_known([part.words for part in parts]), **merged)


def _sampled(texts: pa.Array, keys: np.ndarray, share: float) -> pa.Array:
    """Take the texts with the smallest keys of ids, about a share of them."""
    if share == 1:
        return texts
    return texts.take(pa.array(np.flatnonzero(keys < np.uint64(share * 2.0**64))))


def _count_words(texts: pa.Array) -> int:
    import polars as pl  # in the worker that measures, not in the process that adds up

    found = pl.Series(texts)
    if len(texts) == 1:  # Polars copies a single text four times
        found = pl.concat([found, pl.Series([""])])
    return int(found.str.count_matches(_WORD).sum())


def _hash_texts(texts: pa.Array) -> np.ndarray:
    """Hash n large strings by length and CRC-32, in a loop that makes one C call a text.

    Of a billion texts, whose lengths differ by thousands of bytes, about one in ten thousand is
    taken for another: far fewer than the standard error of what counts them.
    """
    if not len(texts):
        return np.empty(0, np.uint64)
    offsets = np.frombuffer(texts.buffers()[1], np.int64, len(texts) + 1, texts.offset * 8)
    content = memoryview(texts.buffers()[2] or b"")
    sums = [zlib.crc32(content[start:end]) for start, end in pairwise(offsets.tolist())]
    return mixed(np.array(sums, np.uint64) | np.diff(offsets).astype(np.uint64) << np.uint64(32))


class _UnitCounter:
    """Counts the units of texts, and how many are distinct."""

    def __init__(self, label: str) -> None:
        self._spaced = has_units_between_spaces(label)
        self.sampled = self.units = self.trigrams = self.opened = self.opening_units = 0
        self._units, self._trigrams = DistinctCounter(), DistinctCounter()

    def add(self, texts: pa.Array) -> None:
        """Take n large strings; long ones one at a time, in pieces."""
        sizes = _integers(pc.binary_length(texts))
        if not (long := np.flatnonzero(sizes > _PIECE_BYTES)).size:
            self._add(texts, begin=True)
            return
        short = pa.array(sizes <= _PIECE_BYTES)
        if len(long) < len(texts):
            self.add(texts.filter(short))
        for row in long.tolist():  # a loop over texts of megabytes
            for place, piece in enumerate(_pieces(texts[row].as_buffer())):
                piece_of = pa.array([piece], pa.large_binary()).cast(pa.large_string())
                self._add(piece_of, begin=place == 0)

    def _add(self, texts: pa.Array, *, begin: bool) -> None:
        if not len(texts):
            return
        from data_cards import units as of  # NumPy and Polars, in the worker that measures

        found = of.find_words(texts) if self._spaced else of.find_characters(texts)
        hashes = of.hash_units(found)
        trigrams = of.hash_trigrams(hashes, found.documents)
        self._units.add(hashes)
        self._trigrams.add(trigrams)
        self.units += len(hashes)
        self.trigrams += int(np.maximum(np.diff(found.documents) - 2, 0).sum())
        if begin:
            self.sampled += len(texts)
            opened, opening = of.distinct_in_openings(hashes, found.documents, OPENING_UNITS)
            self.opened += opened
            self.opening_units += opening

    def counted(self) -> dict[str, Any]:
        return {
            "sampled": self.sampled,
            "units": self.units,
            "trigrams": self.trigrams,
            "opened": self.opened,
            "opening_units": self.opening_units,
            "distinct_units": self._units.registers(),
            "distinct_trigrams": self._trigrams.registers(),
        }


def _pieces(text: pa.Buffer) -> Iterator[bytes]:
    """Cut a text at blanks and line feeds, or where there is none between code points, into pieces
    of about _PIECE_BYTES."""
    content, start = memoryview(text), 0
    while start < len(content):
        piece = bytes(content[start : start + _PIECE_BYTES])
        if start + len(piece) < len(content):
            cut = 1 + max(piece.rfind(b" "), piece.rfind(b"\n"))
            while not cut and piece and (content[start + len(piece)] & 0xC0) == 0x80:
                piece = piece[:-1]
            piece = piece[: cut or len(piece)]
        yield piece
        start += len(piece)


def _rounded_lengths(lengths: np.ndarray) -> dict[int, int]:
    """Count lengths rounded down to five binary digits, as histograms of high dynamic range do."""
    spare = np.maximum(np.frexp(lengths.astype(np.float64))[1].astype(np.int64) - 5, 0)
    return dict(sorted(Counter((lengths >> spare << spare).tolist()).items()))


def _hosts(urls: pa.Array) -> dict[str, int]:
    """Count documents by the host of their address, in small letters."""
    if urls.null_count == len(urls):
        return {}
    import polars as pl

    hosts = (
        pl.Series(urls.drop_null()).str.extract(_HOST).str.to_lowercase().str.strip_chars_end(".")
    )
    counted = hosts.drop_nulls().value_counts(name="documents")
    return dict(sorted(zip(counted[:, 0].to_list(), counted[:, 1].to_list(), strict=True)))


def _hashed(values: list[str]) -> np.ndarray:
    digests = b"".join(hashlib.blake2b(value.encode(), digest_size=8).digest() for value in values)
    return np.frombuffer(digests, "<u8")


def _registers(hashes: np.ndarray) -> str:
    if not len(hashes):
        return ""
    counter = DistinctCounter()
    counter.add(hashes)
    return counter.registers()


def _occurrences(texts: pa.Array, words: tuple[str, ...], label: str) -> np.ndarray:
    """Count the words of a list in each of n texts, whatever their case; where words are not
    spaced, also within others."""
    import polars as pl

    either = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    edge = r"\b" if words_are_spaced(label) else ""
    # Polars copies a single text four times.
    with_another = pl.concat([pl.Series(texts), pl.Series([""])])
    counts = with_another.str.count_matches(rf"(?i){edge}(?:{either}){edge}")
    return counts.to_numpy()[:-1].astype(np.int64)


def _shown(batch: pa.RecordBatch, terms: Mapping[str, np.ndarray], asked: Asked) -> np.ndarray:
    """Tell which documents may be samples."""
    shown = np.full(batch.num_rows, "all" not in asked.hold_back)
    for name in asked.hold_back:
        if name in terms:
            shown &= terms[name] == 0
    return shown


def _length_bins(lengths: np.ndarray) -> tuple[int, ...]:
    # The number of binary digits, exact below 2**53.
    digits = np.frexp(lengths.astype(np.float64))[1]
    return tuple(np.bincount(np.minimum(digits, LENGTH_BINS - 1), minlength=LENGTH_BINS).tolist())


def _known(shares: pa.Array) -> np.ndarray:
    """Shares that are numbers, within [0, 1], as doubles; float32 to double is exact."""
    values = shares.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
    return np.clip(values[~np.isnan(values)], 0.0, 1.0)


def _share_bins(shares: np.ndarray) -> tuple[int, ...]:
    bins = np.minimum((shares * SHARE_BINS).astype(np.int64), SHARE_BINS - 1)
    return tuple(np.bincount(bins, minlength=SHARE_BINS).tolist())


def _millionths(shares: np.ndarray) -> int:
    return int(np.rint(shares * 1e6).astype(np.int64).sum())


def _counts(values: pa.Array, name: str) -> dict[Any, int]:
    if values.null_count == len(values):
        return {}
    counted = values.drop_null().value_counts()
    keys, counts = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
    return _few(dict(zip(keys, counts, strict=True)), name)


def _counts_of(batch: pa.RecordBatch, field: pa.Field) -> dict[Any, int]:
    """Count the values of a column that a corpus may lack."""
    if field.name not in batch.schema.names:
        return {}
    require_columns(batch, pa.schema([field]), [field.name])
    return _counts(batch[field.name], field.name)


def _few(counts: dict[Any, Any], name: str) -> dict[Any, Any]:
    if len(counts) > MAX_DISTINCT:
        raise ValueError(
            f"{name} must have at most {MAX_DISTINCT} different values, got {len(counts)}; "
            f"map a column to it that names a few, such as {sorted(counts)[0]!r}"
        )
    return {key: counts[key] for key in sorted(counts)}


def _added(parts: Iterable[Mapping[Any, int]]) -> dict[Any, int]:
    total: Counter[Any] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def _added_volumes(parts: Iterable[Mapping[str, TextVolume]]) -> dict[str, TextVolume]:
    by_name: dict[str, list[TextVolume]] = {}
    for part in parts:
        for name, volume in part.items():
            by_name.setdefault(name, []).append(volume)
    return {name: added(volumes) for name, volumes in by_name.items()}


def _volumes(
    sources: pa.Array, code_points: np.ndarray, utf8_bytes: np.ndarray
) -> dict[str, TextVolume]:
    if not len(sources):
        return {}
    encoded = sources.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    groups = encoded.indices.to_numpy(zero_copy_only=False)
    # Sums of integers below 2**53 are exact in doubles.
    sums = [
        np.bincount(groups, weights, len(names)).astype(np.int64).tolist()
        for weights in (None, code_points, utf8_bytes)
    ]
    volumes = {
        name: TextVolume(documents=documents, code_points=points, utf8_bytes=size)
        for name, documents, points, size in zip(names, *sums, strict=True)
    }
    return _few(volumes, "sources")


def _declared(declared: pa.Array) -> dict[str, int]:
    # A loop over the different values of a column of language codes, not over its rows.
    counts: Counter[str] = Counter()
    found = declared.drop_null().value_counts()
    for value, count in zip(
        found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True
    ):
        counts[_declared_code(value) if len(value) < 40 else UNREADABLE] += count
    return {code: counts[code] for code in sorted(counts)}


@cache
def _declared_code(value: str) -> str:
    """Read the language of an HTML `lang` or a locale such as `eu_ES.UTF-8`: its first subtag, as
    ISO 639-3."""
    match = re.match(r"\s*([A-Za-z]{2,3})(?![A-Za-z0-9])", value)
    return (match and to_iso639_3(match[1].lower())) or UNREADABLE


def _years(dates: pa.Array) -> pa.Array:
    if dates.null_count == len(dates):
        return dates
    kept = dates.filter(
        pc.match_substring_regex(dates, r"^[0-9]{4}($|-[0-9]{2})"), null_selection_behavior="drop"
    )
    return pc.utf8_slice_codeunits(kept, 0, 4)


def _value_bits(values: pa.Array, name: str) -> int:
    """Size in Arrow memory of values and offsets, in bits, independent of slices and of how rows
    are batched."""
    kind, rows = values.type, len(values)
    fixed, offset = _widths(kind)
    if fixed is not None:
        return rows * fixed
    if offset is None:
        if pa.types.is_dictionary(kind):
            return _value_bits(values.dictionary_decode(), name)
        if pa.types.is_struct(kind):
            return sum(_value_bits(child, name) for child in values.flatten())
        raise SchemaError(
            f"column {name!r} has type {kind}, which a card cannot declare; leave it out or cast it "
            "to string"
        )
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return rows * offset + _value_bits(values.flatten(), name)
    if values.null_count == rows:
        return rows * offset
    if values.null_count:  # there may be bytes behind a null
        return rows * offset + 8 * pc.sum(pc.binary_length(values)).as_py()
    integer = np.dtype(f"i{offset // 8}")
    ends = np.frombuffer(values.buffers()[1], integer, rows + 1, values.offset * integer.itemsize)
    return rows * offset + 8 * int(ends[-1] - ends[0])


@cache
def _widths(kind: pa.DataType) -> tuple[int | None, int | None]:
    """Return the bits of a value of a type, if all have as many, else those of its offset, if it
    has one."""
    types = pa.types
    if types.is_null(kind):
        return 0, None
    if types.is_primitive(kind) or types.is_decimal(kind) or types.is_fixed_size_binary(kind):
        return int(kind.bit_width), None
    if types.is_large_string(kind) or types.is_large_binary(kind) or types.is_large_list(kind):
        return None, 64
    if types.is_string(kind) or types.is_binary(kind) or types.is_list(kind):
        return None, 32
    return None, None


def _id_keys(ids: pa.Array) -> np.ndarray:
    """Hash n ids, by BLAKE2b-64, to unsigned integers."""
    # A loop over documents: one C call each; no vectorized hash of strings is fixed across library
    # versions.
    values = ids.cast(pa.large_binary()).to_pylist()
    digests = b"".join([hashlib.blake2b(value, digest_size=8).digest() for value in values])
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def _samples(rows: _Rows, shown: np.ndarray) -> tuple[Sample, ...]:
    rows = rows.where(shown)
    if not len(rows.keys):
        return ()
    kept = min(SAMPLES_KEPT, len(rows.keys))
    chosen = np.flatnonzero(rows.keys <= np.partition(rows.keys, kept - 1)[kept - 1])
    # Texts may be huge: the beginning is cut where it lies, with one code point to spare to see
    # whether there is more.
    most = SAMPLE_CODE_POINTS + 1
    texts = rows.batch["text"]
    heads = [texts[row].as_buffer()[: 4 * most].to_pybytes() for row in chosen.tolist()]
    names = ["id", "source", "url", "licence", "synthetic", "language_score"]
    columns = [
        [column[row].as_py() for row in chosen.tolist()] for column in map(rows.batch.column, names)
    ]
    return _smallest(
        Sample(
            key=f"{key:016x}",
            text=cut_text(head.decode("utf-8", "ignore")[:most], SAMPLE_CODE_POINTS),
            code_points=length,
            **dict(zip(names, values, strict=True)) | {"language_score": _rounded(values[-1])},
        )
        for key, length, head, values in zip(
            rows.keys[chosen].tolist(),
            rows.code_points[chosen].tolist(),
            heads,
            zip(*columns, strict=True),
            strict=True,
        )
    )


def _rounded(score: float | None) -> float | None:
    return None if score is None or score != score else round(score, 4)


def _smallest(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    ordered = sorted(samples, key=lambda sample: sample.key)
    # ids repeat: the whole sample breaks the tie
    if len({sample.key for sample in ordered}) < len(ordered):
        ordered.sort(key=lambda sample: (sample.key, sample.model_dump_json()))
    return tuple(ordered[:SAMPLES_KEPT])
