"""Files of evaluation sets: found by path, read row by row whatever the types."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.decontamination.evaluation_files import (
    EvaluationSetError,
    copied,
    find_evaluation_sets,
    read_items,
)
from stages.decontamination.evaluation_sets import EvaluationSet
from stages.decontamination.options import DecontaminationConfig


def read(folder: Path, **described: Any) -> list[tuple[str, str, str | None, str]]:
    source = EvaluationSet.model_validate({"name": "own", **described})
    (found,), problems = find_evaluation_sets(
        DecontaminationConfig(evaluation_sets=(source,)), str(folder)
    )
    assert problems == []
    rows = []
    for file in found.files:
        with copied(file) as (copy, sha256):
            assert sha256 == hashlib.sha256(Path(file.file.location).read_bytes()).hexdigest()
            rows += [
                row for items, _ in read_items(source, file, copy) for row in items.to_pylist()
            ]
    return [(row["part"], row["item"], row["language"], row["text"]) for row in rows]


def test_rows_of_changing_types_are_read_one_by_one(tmp_path: Path) -> None:
    rows = [
        {"q": "bat", "n": 1},
        {"q": "bi", "n": "x"},
        {"n": [1]},
        {"q": 4, "n": None},
        {"q": "lau"},
        {"q": 2**70},
    ]
    (tmp_path / "a.jsonl").write_text("\n\n".join(map(json.dumps, rows[:5])))
    found = read(tmp_path, paths=["a.jsonl"], fields=["q"])
    assert found == [
        ("a.jsonl", str(n), None, text) for n, text in ((0, "bat"), (1, "bi"), (3, "4"), (4, "lau"))
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(
        EvaluationSetError, match=r"evaluation set 'own': a.jsonl, after 5 rows: .*too large"
    ):
        read(tmp_path, paths=["a.jsonl"], fields=["q"])


def test_rows_keep_their_numbers_through_any_number_of_batches(tmp_path: Path) -> None:
    rows = [{"q": f"galdera {n}", "id": None if n % 2 else f"i{n}"} for n in range(3000)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=700)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    for file in ("a.parquet", "a.jsonl.gz"):
        found = read(tmp_path, paths=[file], fields=["q"], item_field="id")
        assert [item for _, item, *_ in found] == [
            str(n) if n % 2 else f"i{n}" for n in range(3000)
        ]


def test_the_name_of_a_file_says_its_language(tmp_path: Path) -> None:
    for name in ("eus_Latn", "uzn_Cyrl", "readme"):
        (tmp_path / f"{name}.jsonl").write_text('{"q": "bai"}\n')
    described = {
        "paths": ["*.jsonl"],
        "fields": ["q"],
        "configs": "(?P<language>[a-z]{3}_[A-Z][a-z]{3})",
    }
    found = read(tmp_path, **described)
    assert [(part, language) for part, _, language, _ in found] == [
        ("eus_Latn.jsonl", "eus"),
        ("uzn_Cyrl.jsonl", "uzb"),
    ]


NESTED = {
    "a dictionary": (pa.array(["a", "b", "a"]).dictionary_encode(), "t", ["a", "b", "a"]),
    "bytes": (pa.array([b"a", None, "\u00e9".encode()]), "t", ["a", "\u00e9"]),
    "a list of structures": (pa.array([[{"x": "a"}, {"x": "b"}], None, [{"x": None}]]), "t.x", ["a", "b"]),
    "a list of fixed size": (pa.array([["a", "b"], ["c", "d"]], pa.list_(pa.string(), 2)), "t", list("abcd")),
    "numbers": (pa.array([1, None, 3]), "t", ["1", "3"]),
}  # fmt: skip


@pytest.mark.parametrize(("values", "field", "expected"), NESTED.values(), ids=NESTED.keys())
def test_texts_of_any_type(
    values: pa.Array, field: str, expected: list[str], tmp_path: Path
) -> None:
    pq.write_table(pa.table({"t": values}), tmp_path / "a.parquet")
    assert [text for *_, text in read(tmp_path, paths=["a.parquet"], fields=[field])] == expected


def test_a_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    rows = "".join(
        json.dumps({"q": f"{hashlib.sha256(b'%d' % n).hexdigest()}"}) + "\n" for n in range(60_000)
    )
    whole = gzip.compress(rows.encode())
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EvaluationSetError, match=r"a.jsonl.gz, after \d+ rows: .*truncated"):
        read(tmp_path, paths=["a.jsonl.gz"], fields=["q"])
    (tmp_path / "a.jsonl.gz").write_bytes(b"x" * 20)
    source = EvaluationSet(name="own", paths=("a.jsonl.gz",), fields=("q",))
    _, problems = find_evaluation_sets(
        DecontaminationConfig(evaluation_sets=(source,)), str(tmp_path)
    )
    assert len(problems) == 1
    assert "a.jsonl.gz: the .gz stream is damaged" in problems[0]
