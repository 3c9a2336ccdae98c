"""A small real corpus in many scripts, published the way the publish phase does it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_cards.pages.markdown import card_files
from data_cards.sections.columns import column_rows
from data_cards.sections.funnel import merge_fates
from data_cards.statistics import merge, read_statistics
from schemas.card.card import Card
from schemas.card.changes import ChangeCount
from schemas.card.contamination import (
    ContaminationRate,
    EvaluationSetVersion,
    JudgedPrecision,
    Removal,
)
from schemas.card.duplicates import (
    DedupReport,
    DuplicateCluster,
    DuplicateExample,
    SamplingWeights,
    SizeWeight,
)
from schemas.card.funnel import FateCount, Step
from schemas.card.identity import Identity, SourceRow
from schemas.card.splits import PublishedFile
from schemas.card.statistics import TextStatistics
from schemas.card.versions import ModelVersion
from schemas.document import CANDIDATES, DOCUMENT, SAMPLING_WEIGHT
from schemas.language import to_iso639_3

SCHEMA = pa.schema([*DOCUMENT, SAMPLING_WEIGHT, CANDIDATES])
HOSTILE = (
    "<script>alert('x')</script> | a | b | ```\n~~~\n# not a heading\n\n- [link](javascript:alert(1)) "
    "\u202eright to left\u0000 \x1b[31m <!-- --> ]]> &lt; {{ 7*7 }} $x$ \r\n\r\n</blockquote></details>"
    + " long"
    * 400
)
RECIPE = """# A recipe is shown as it is, ```even with fences```.
name = "udhr"
language = "no"

[[stages]]
stage = "filter_length"
min_code_points = 20
"""

Row = dict[str, Any]


def row(text: str, number: int = 0, label: str = "eus_Latn", **given: Any) -> Row:
    """One document; what is not given is as a reader and the language stage would leave it."""
    language, script = label.split("_")
    return {
        "id": hashlib.blake2b(f"{label}/{number}".encode(), digest_size=16).hexdigest(),
        "text": text,
        "language": language,
        "script": script,
        "language_score": 0.97,
        "source": "udhr",
        "path": "udhr.txt",
        "position": number,
        "synthetic": False,
        "sampling_weight": 1 if number % 3 else 3,
        **given,
    }


def batch(rows: Sequence[Row]) -> pa.RecordBatch:
    """Rows as a block of documents."""
    return pa.RecordBatch.from_pylist(list(rows), schema=SCHEMA)


def passages() -> dict[str, list[str]]:
    """Passages of the Universal Declaration of Human Rights by `language_Script`, real text in
    every script."""
    from gflanguages import LoadLanguages

    found: dict[str, list[str]] = {}
    for _, entry in sorted(LoadLanguages().items()):
        code = to_iso639_3(entry.language)
        if code and entry.HasField("sample_text"):
            sample = entry.sample_text
            parts = [
                sample.specimen_48,
                sample.specimen_36,
                sample.specimen_32,
                sample.specimen_21,
                sample.specimen_16,
            ]
            texts = [line for part in parts for line in part.splitlines() if line.strip()]
            found.setdefault(f"{code}_{entry.script}", []).extend(texts)
    found["nor_Latn"] = found["nob_Latn"]  # the code that YAML 1.1 takes for false
    return {label: list(dict.fromkeys(texts)) for label, texts in sorted(found.items()) if texts}


def corpus(count: int | None = None, labels: Sequence[str] = ()) -> dict[str, list[Row]]:
    """Documents by label, from the passages: scores, declared languages and a page address vary
    with the number."""
    texts = passages()
    chosen = list(labels) or list(texts)[:count]
    return {
        label: [
            row(
                text,
                number,
                label,
                language_score=1 - (number * 37 % 100) / 250,
                runner_up_language="spa_Latn" if number % 3 else None,
                url=f"https://example.org/{label}/{number}?a=1&b=2",
                licence="CC0-1.0" if number % 2 else None,
                declared_language=("eu-ES", "en", None)[number % 3],
                other_language_share=(number % 7) / 20,
                language_candidates=[{"label": label, "score": 0.5}] if number % 2 else None,
                date=f"20{10 + number % 15}-05-01",
            )
            for number, text in enumerate(texts[label])
        ]
        for label in chosen
    }


def publish(folder: Path, documents: dict[str, list[Row]], **identity: Any) -> Card:
    """Write shards and every file of the card into a folder, as the publish phase does."""
    statistics, files = {}, []
    for label, rows in sorted(documents.items()):
        shards = [rows] if len(rows) < 4 else [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
        found = []
        for number, part in enumerate(shards):
            path = folder / "data" / label / f"train-{number:05d}-of-{len(shards):05d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(
                pa.Table.from_batches([batch(part)]), path, compression="zstd", row_group_size=3
            )
            found.append(read_statistics(path, label))
            files.append(
                PublishedFile(
                    path=path.relative_to(folder).as_posix(),
                    language=label,
                    split="train",
                    documents=len(part),
                    size_bytes=path.stat().st_size,
                    sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                )
            )
        statistics[label] = merge(found)
    card = card_of(statistics, files, **identity)
    for name, content in card_files(card).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return card


def card_of(statistics: dict[str, Any], files: Sequence[PublishedFile], **identity: Any) -> Card:
    """A card with losses of every kind beside what was published."""
    losses = [
        ("eus_Latn", "dropped", "ingest", "filter_length", "too_short", 7),
        ("eus_Latn", "duplicate", "dedup", "exact", "same_text", 5),
        (None, "failed", "ingest", "extract", "error", 2),
        (None, "dropped", "ingest", "extract", "no_text", 11),
        ("uig_Arab", "dropped", "ingest", "filter_length", "too_long", 1),
    ]
    fates = [
        FateCount(source="udhr", language=a, fate=b, phase=c, stage=d, reason=e, documents=n)
        for a, b, c, d, e, n in losses
    ] + [
        FateCount(
            source="udhr",
            language=label,
            fate="published",
            phase="publish",
            stage=None,
            reason=None,
            documents=part.documents,
        )
        for label, part in statistics.items()
    ]
    return Card(
        identity=Identity(
            **{
                "name": "udhr",
                "title": "Declaration in many languages",
                "description": "Passages of the Universal Declaration of Human Rights, one passage a document.",
                "version": "1.0.0",
                "licence": "CC0-1.0",
                "homepage": "https://example.org/udhr",
                "contact": "corpus@example.org",
                "tags": ("udhr",),
                "limitations": ("One text in translation: no variety of style or subject.",),
                **identity,
            }
        ),
        sources=(
            SourceRow(
                name="udhr",
                documents=sum(f.documents for f in fates),
                licence="CC0-1.0",
                url="https://example.org",
                description="Sample texts of gflanguages.",
            ),
        ),
        recipe=RECIPE,
        steps=(
            Step(phase="ingest", stage="read"),
            Step(phase="ingest", stage="extract"),
            Step(phase="ingest", stage="identify_language"),
            Step(phase="ingest", stage="filter_length"),
            Step(phase="dedup", stage="exact"),
        ),
        fates=merge_fates([fates]),
        statistics=statistics,
        columns=column_rows(SCHEMA),
        files=tuple(files),
        packages={"pyarrow": pa.__version__},
        models=(ModelVersion(name="pycld2", version="0.42", sha256="0" * 64),),
        **findings(statistics),
    )


UYGHUR = (
    "\u06be\u06d5\u0645\u0645\u06d5 \u0626\u0627\u062f\u06d5\u0645 "
    "\u0626\u06d5\u0631\u0643\u0649\u0646 \u062a\u06c7\u063a\u06c7\u0644\u06c7\u067e"
)


def findings(statistics: dict[str, TextStatistics]) -> dict[str, Any]:
    """What deduplication and decontamination tell a card, hostile text among it."""

    def removed(
        number: int, text: str, similarity: float | None = None, code_points: int = 0
    ) -> DuplicateExample:
        return DuplicateExample(
            id=f"<i>{number}</i>",
            similarity=similarity,
            text=text,
            code_points=max(len(text), code_points),
        )

    clusters = (
        DuplicateCluster(
            keeper="k1",
            label="uig_Arab",
            documents=4,
            text=UYGHUR,
            code_points=len(UYGHUR),
            examples=(
                removed(1, UYGHUR + " \u0628\u0627\u0631", 0.8125),
                removed(2, UYGHUR, 1.0, 9_000),
            ),
        ),
        DuplicateCluster(
            keeper="k2",
            label="und_Zyyy",
            documents=2,
            text=HOSTILE[:600],
            code_points=len(HOSTILE),
            examples=(removed(3, "<mark>x</mark> " + HOSTILE[:500], 0.71),),
        ),
    )
    weights = {
        label: (
            SizeWeight(
                least_size=1,
                greatest_size=1,
                documents=part.sampling_weights.get(1, 0),
                removed=2,
                weight=1,
            ),
            SizeWeight(
                least_size=3,
                greatest_size=4,
                documents=part.sampling_weights.get(3, 0),
                removed=0,
                weight=3,
            ),
        )
        for label, part in statistics.items()
    }

    def rate(
        name: str, language: str | None, texts: int, checked: int, found: int, documents: int
    ) -> Any:
        return ContaminationRate(
            evaluation_set=name,
            language=language,
            texts=texts,
            texts_checked=checked,
            texts_found=found,
            documents=documents,
        )

    def change(stage: str, rule: str, label: str, documents: int, code_points: int) -> ChangeCount:
        return ChangeCount(
            stage=stage, rule=rule, label=label, documents=documents, code_points=code_points
        )

    return {
        "changes": (
            change("normalize", "arabic_keyboard_letters", "uig_Arab", 4, 900),
            change("normalize", "spaces", "eus_Latn", 1, 1),
            change("normalize", "spaces", "mlt_Latn", 2, 1200),
            change("transliterate", "<b>|iso9", "und_Zyyy", 1, 3),
        ),
        "deduplication": (
            DedupReport(stage="exact", removed=5, clusters=clusters[1:]),
            DedupReport(
                stage="near",
                removed=0,
                compared=40,
                refused=10,
                exhausted_buckets=3,
                clusters=clusters[:1],
            ),
            DedupReport(stage="lines", removed=0, rewritten=7, code_points=1234),
        ),
        "sampling": SamplingWeights(rule="removal_rate", by_label=weights),
        "evaluation_sets": (
            EvaluationSetVersion(
                name="flores", hub="o/flores", revision="a1" * 20, texts=2029, files={"x": "f" * 64}
            ),
            EvaluationSetVersion(
                name="<b>|xnli",
                hub=None,
                revision=None,
                texts=100,
                files={f"{n}|<i>.jsonl": 64 * str(n) for n in "1234"},
            ),
        ),
        "contamination": (
            rate("flores", "eus", 1012, 1000, 20, 31),
            rate("flores", "uig", 1012, 1000, 0, 0),
            rate("flores", None, 5, 0, 0, 0),
            rate("<b>|xnli", "yor", 100, 100, 50, 49),
            rate("clean", "khm", 10, 10, 0, 0),
        ),
        "removal": Removal(mode="mask", masked=1_234),
        "judged": (JudgedPrecision(evaluation_set="flores", judged=10, right=9),),
        "judging_sheet": "decontamination/judging.csv",
    }


class Published:
    """A published folder and the card it was made from."""

    def __init__(self, folder: Path, card: Card) -> None:
        self.folder, self.card = folder, card

    def text(self, name: str) -> str:
        """Content of a file of the folder."""
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Real text in seven languages, Norwegian among them, and one hostile document."""
    folder = tmp_path_factory.mktemp("published")
    documents = corpus(
        labels=["eus_Latn", "bod_Tibt", "mlt_Latn", "uig_Arab", "yor_Latn", "khm_Khmr", "nor_Latn"]
    )
    documents["und_Zyyy"] = [
        row(HOSTILE, 0, "und_Zyyy", source="udhr", licence="<b>|`", url='"><img src=x>')
    ]
    return Published(folder, publish(folder, documents))


@pytest.fixture(scope="session")
def make_row() -> Callable[..., Row]:
    """`row`, for tests that write their own documents."""
    return row


@pytest.fixture(scope="session")
def make_batch() -> Callable[[Sequence[Row]], pa.RecordBatch]:
    """`batch`, for tests that write their own documents."""
    return batch


@pytest.fixture(scope="session")
def make_published(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Published]:
    """`publish` into a new folder."""

    def make(documents: dict[str, list[Row]], **identity: Any) -> Published:
        folder = tmp_path_factory.mktemp("published")
        return Published(folder, publish(folder, documents, **identity))

    return make


@pytest.fixture(scope="session")
def declaration() -> dict[str, list[str]]:
    """`passages`, read once."""
    return passages()
