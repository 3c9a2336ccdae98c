"""A data set that glotmill did not make: what can be said of Parquet files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.finished.audit.card import incompatible
from pipelines.finished.audit.content import EvaluationTexts
from pipelines.finished.audit.hub_card import HubCard, label_of, language_of, row_findings
from pipelines.finished.audit.parted import Parted, repeated
from pipelines.finished.audit.sample import Sample
from pipelines.staging.store import Store
from schemas.finding import Finding, error, note, warning
from schemas.language import parse_label
from stages.deduplication.exact import normalized_texts
from stages.deduplication.options import ExactDeduplicationConfig
from stages.keys import KEY, hash_keys

CHECK = "parquet"
BATCH_ROWS = 4096
BATCH_BYTES = 256 << 20  # of text at once; rows may be huge
_UNCHECKED = (
    "no manifest, ledger or card facts: what was read, dropped or counted cannot be checked"
)
_LANGUAGE_COLUMNS = ("language", "lang", "language_code")
_LICENCE_COLUMNS = ("licence", "license")
_FEW = 1000  # different languages or licences of a column; with more it holds something else


class OtherData:
    """Looks through Parquet files for what no corpus should have, a batch in memory at a time; 32
    bytes of each row are kept in temporary files."""

    def __init__(
        self, store: Store, card: HubCard, sample: Sample, sets: EvaluationTexts | None
    ) -> None:
        self.store, self.card, self.sample, self.sets = store, card, sample, sets
        self.documents = 0
        self._schemas: dict[str, pa.Schema] = {}
        self._ids, self._texts = Parted(KEY), Parted(KEY)
        self._rows: Counter[str] = Counter()  # by configuration
        self._languages: Counter[str] = Counter()
        self._licences: Counter[str] = Counter()

    def findings(
        self, paths: Sequence[str], text: str, report: Callable[[str], None]
    ) -> Iterator[Finding]:
        """Look through all files, whose texts are in the column `text`."""
        yield note(CHECK, _UNCHECKED)
        for path in paths:
            report(path)
            try:
                with self.store.open(path) as stream, pq.ParquetFile(stream) as parquet:
                    yield from self._file(path, parquet, text)
            except (OSError, pa.ArrowException, ValueError, NotImplementedError) as problem:
                words = f"cannot be read: {' '.join(str(problem).split())[:300]}"
                yield error(CHECK, words, path)
        if not self._ids.size:
            yield note(CHECK, "rows have no id, by which a document could be found again")
        if again := repeated(self._ids):
            yield error(CHECK, f"{again:,} rows have an id that an earlier row has")
        if again := repeated(self._texts):
            words = "rows have the same text as an earlier row, but for white space"
            yield warning(CHECK, f"{again:,} {words}")
        unknown = {name: rows for name, rows in self._languages.items() if not language_of(name)}
        if unknown:
            named = ", ".join(repr(name[:40]) for name in sorted(unknown)[:5])
            yield warning(
                "languages",
                f"{sum(unknown.values()):,} rows name a language that is no ISO 639 code: {named}",
            )
        for licence in sorted(self._licences):
            for declared in self.card.licences[:1]:
                for words in incompatible(licence, declared):
                    yield warning("licences", f"{self._licences[licence]:,} rows: {words}")
        yield from row_findings(self.card, self._rows)

    def _file(self, path: str, parquet: pq.ParquetFile, text: str) -> Iterator[Finding]:
        schema = parquet.schema_arrow
        names = schema.names
        known = self._schemas.setdefault(path.rpartition("/")[0], schema)
        if not known.equals(schema, check_metadata=False):
            yield error(CHECK, "has other columns than the files next to it", path)
        if twice := sorted({name for name in names if names.count(name) > 1}):
            yield error(CHECK, f"has two columns of one name: {', '.join(twice[:5])}", path)
            return
        if text not in names:
            there = ", ".join(names[:20])
            yield error(CHECK, f"has no column {text!r} but {there}; name it by --text", path)
            return
        if not _is_text(schema.field(text).type):
            kind = schema.field(text).type
            yield error(CHECK, f"has {kind} in the column {text!r}, not text", path)
            return
        if name := self.card.configuration(path):
            self._rows[name] += parquet.metadata.num_rows
        self.documents += parquet.metadata.num_rows
        wanted = ["id", text, *_LANGUAGE_COLUMNS, *_LICENCE_COLUMNS]
        columns = [
            name
            for name in dict.fromkeys(wanted)
            if name in names and _is_text(schema.field(name).type)
        ]
        label = label_of(path, self.card)
        empty = broken = 0
        for group in range(parquet.num_row_groups):
            size = max(parquet.metadata.row_group(group).total_byte_size, 1)
            rows = max(1, parquet.metadata.row_group(group).num_rows * BATCH_BYTES // size)
            for batch in parquet.iter_batches(
                min(rows, BATCH_ROWS), row_groups=[group], columns=columns, use_threads=False
            ):
                values = pc.fill_null(batch[text].cast(pa.large_string()), "")
                trimmed = pc.binary_length(pc.utf8_trim_whitespace(values))
                empty += int(pc.sum(pc.equal(trimmed, 0)).as_py() or 0)
                damaged = pc.match_substring_regex(values, "[\\x00\ufffd]")
                broken += int(pc.sum(damaged).as_py() or 0)
                self._look(batch, values, label)
        if empty:
            yield warning(CHECK, f"has {empty:,} rows without text", path)
        if broken:
            words = "rows with replacement characters (U+FFFD) or NUL in their text"
            yield warning(CHECK, f"has {broken:,} {words}", path)

    def _look(self, batch: pa.RecordBatch, texts: pa.Array, label: str) -> None:
        names = batch.schema.names
        keys = hash_keys(normalized_texts(texts, ExactDeduplicationConfig()))
        self._texts.add(keys)
        if "id" in names:
            ids = pc.fill_null(batch["id"].cast(pa.large_string()), "")
            self._ids.add(hash_keys(ids))
        else:
            ids = pa.array([key.tobytes().hex() for key in keys], pa.large_string())
        for name in _LICENCE_COLUMNS:
            if name in names:
                _count(self._licences, batch[name])
        labels = self._labels(batch, label)
        made = pa.repeat(pa.scalar(value=False), len(texts))
        numbers = pa.array(labels).dictionary_encode()
        for number, own in enumerate(numbers.dictionary.to_pylist()):
            rows = np.flatnonzero(numbers.indices.to_numpy() == number)
            places = pa.array(rows)
            self.sample.add(
                own, keys[rows], ids.take(places), texts.take(places), made.take(places)
            )
        if self.sets is not None:
            columns = {
                "id": ids.cast(pa.string()),
                "text": texts,
                "language": pa.array([parse_label(one).language for one in labels], pa.string()),
                "script": pa.nulls(len(texts), pa.string()),
            }
            self.sets.look(pa.RecordBatch.from_pydict(columns))

    def _labels(self, batch: pa.RecordBatch, label: str) -> list[str]:
        """Return the label of each row: by its column of languages, or by the file's own."""
        for name in _LANGUAGE_COLUMNS:
            if name in batch.schema.names:
                _count(self._languages, batch[name])
                encoded = batch[name].dictionary_encode()
                if len(encoded.dictionary) > _FEW:
                    break
                known = [
                    language_of(value) or "und_Zyyy" for value in encoded.dictionary.to_pylist()
                ]
                places = pc.fill_null(encoded.indices, -1).to_pylist()
                return [known[place] if place >= 0 else label for place in places]
        return [label] * batch.num_rows


def _count(counts: Counter[str], values: pa.Array) -> None:
    for row in values.drop_null().value_counts().to_pylist()[:_FEW]:
        if len(counts) < _FEW or row["values"] in counts:
            counts[row["values"]] += row["counts"]


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    kinds = pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null
    return any(is_kind(kind) for is_kind in kinds)
