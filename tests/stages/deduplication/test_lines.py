"""Repeated lines: which count, in how many documents, and that nothing else of a text changes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import SchemaError
from stages.deduplication.lines import RemovedLines, frequent_keys, line_keys, remove_lines
from stages.deduplication.options import LineDeduplicationConfig

SMALL = LineDeduplicationConfig(min_documents=2, min_line_code_points=1, min_code_points=0)


def batch_of(
    texts: list[str], sources: list[str] | None = None, languages: list[str] | None = None
) -> pa.RecordBatch:
    n = len(texts)
    return pa.record_batch(
        {
            "text": pa.array(texts, pa.large_string()),
            "source": pa.array(sources or ["web"] * n, pa.string()),
            "language": pa.array(languages or ["eus"] * n, pa.string()),
        }
    )


def numbers(batch: pa.RecordBatch) -> npt.NDArray[np.uint64]:
    return np.arange(100, 100 + batch.num_rows, dtype=np.uint64)


def deduplicated(batch: pa.RecordBatch, config: LineDeduplicationConfig) -> RemovedLines:
    found = line_keys(batch, config)
    frequent = frequent_keys(found.keys, numbers(batch)[found.rows], config.min_documents)
    return remove_lines(batch, numbers(batch), frequent, config)


def texts_without_repeats(texts: list[str], config: LineDeduplicationConfig) -> list[str]:
    kept: list[str] = deduplicated(batch_of(texts), config).documents.kept["text"].to_pylist()
    return kept


FACTS = {
    "eus: a menu that two pages share": (
        ["Hasiera\nKaixo", "Hasiera\nAgur"],
        SMALL,
        ["Kaixo", "Agur"],
    ),
    "eus: a line of one page stays, however often it stands there": (
        ["Kaixo\nKaixo", "Agur"],
        SMALL,
        None,
    ),
    "white space around and inside is layout": (["a  b\r\nx", " a\tb \ny"], SMALL, ["x", "y"]),
    "yor: composed and decomposed tone are one line": (
        ["\u00e8d\u00e8\nx", "e\u0300de\u0300\ny"],
        SMALL,
        ["x", "y"],
    ),
    "yor: another tone is another line": (["\u00e8d\u00e8\nx", "\u00e9d\u00e9\ny"], SMALL, None),
    "khm: a line counts by code points, not bytes": (
        ["\u1791\u17c6\n\u1780\u1781", "\u1791\u17c6\n\u1782\u1783"],
        SMALL.model_copy(update={"min_line_code_points": 3}),
        None,
    ),
    "case distinguishes": (["Menu\nx", "MENU\ny"], SMALL, None),
    "numbers and rules are no templates": (["12.5 13\n---\nx", "12.5 13\n---\ny"], SMALL, None),
    "digits distinguish": (["Page 1\nx", "Page 2\ny"], SMALL, None),
    "digits are folded when asked, in any script": (
        ["Page 1\nx", "Page \u0967\ny"],
        SMALL.model_copy(update={"fold_digits": True}),
        ["x", "y"],
    ),
    "in fewer documents than asked": (
        ["a\nx", "a\ny"],
        SMALL.model_copy(update={"min_documents": 3}),
        None,
    ),
    "the first document keeps it when asked, once": (
        ["x\na\na", "a\ny", "a"],
        SMALL.model_copy(update={"keep_first": True}),
        ["x\na", "y", ""],
    ),
    "a paragraph is lines up to a blank one": (
        ["menu\nhome\n\n \nx", "menu\nhome\n\ny"],
        SMALL.model_copy(update={"unit": "paragraph"}),
        ["x", "y"],
    ),
    "a line of a paragraph is no paragraph": (
        ["menu\nhome\n\nx", "menu\nother\n\ny"],
        SMALL.model_copy(update={"unit": "paragraph"}),
        None,
    ),
    "blank lines inside stay where nothing is removed": (["\n\nx\n\n\ny\n", "z"], SMALL, None),
    "nothing remains": (["a", "a"], SMALL, ["", ""]),
}


@pytest.mark.parametrize(("texts", "config", "expected"), FACTS.values(), ids=FACTS.keys())
def test_lines_removed(
    texts: list[str], config: LineDeduplicationConfig, expected: list[str] | None
) -> None:
    assert texts_without_repeats(texts, config) == (texts if expected is None else expected)


@pytest.mark.parametrize(
    ("within", "expected"),
    [("source", ["a", "a", "a"]), ("language", ["", "", "a"]), ("corpus", ["", "", ""])],
)
def test_documents_are_counted_within_what_the_recipe_names(
    within: str, expected: list[str]
) -> None:
    batch = batch_of(["a"] * 3, ["news", "wiki", "books"], ["eus", "eus", "mlt"])
    config = LineDeduplicationConfig.model_validate(SMALL.model_dump() | {"within": within})
    assert deduplicated(batch, config).documents.kept["text"].to_pylist() == expected


def test_a_document_left_too_short_is_rejected_with_the_text_it_came_with() -> None:
    batch = batch_of(["menu of the page\nab", "menu of the page\nabcd", "ab"])
    config = LineDeduplicationConfig(min_documents=2, min_code_points=3)
    removed = deduplicated(batch, config)
    assert removed.documents.kept["text"].to_pylist() == ["abcd", "ab"], (
        "the last one lost nothing, and is not judged"
    )
    rejected = removed.documents.rejected.to_pylist()
    assert [(r["text"], r["reason"], r["value"], r["threshold"]) for r in rejected] == [
        ("menu of the page\nab", "too_short_without_repeated_lines", 2.0, 3.0)
    ]
    assert removed.lines.tolist() == [1, 1, 0]
    assert removed.code_points.tolist() == [17, 17, 0]


lines = st.sampled_from(["a", "b", "cc", "\u1780\u17d2", "", " ", "1", "\u00e9", "e\u0301"])
documents = st.lists(st.lists(lines, max_size=6).map("\n".join), max_size=6)


def brute_force(texts: list[str], config: LineDeduplicationConfig) -> list[str]:
    def key(line: str) -> str | None:
        found = line.strip().replace("e\u0301", "\u00e9")
        return (
            found
            if any(map(str.isalpha, found)) and len(line.strip()) >= config.min_line_code_points
            else None
        )

    split = [text.split("\n") for text in texts]
    counts = Counter(k for one in split for k in {key(line) for line in one})
    seen: set[str] = set()
    out = []
    for text, one in zip(texts, split, strict=True):
        kept = []
        for line in one:
            k = key(line)
            if (
                k is None
                or counts[k] < config.min_documents
                or (config.keep_first and k not in seen)
            ):
                kept.append(line)
            if k is not None:
                seen.add(k)
        out.append(text if kept == one else "\n".join(kept).strip("\n"))
    return out


@settings(deadline=None)
@given(documents, st.integers(2, 4), st.booleans(), st.integers(1, 2))
def test_lines_agree_with_brute_force(
    texts: list[str], low: int, keep_first: bool, shortest: int
) -> None:
    config = LineDeduplicationConfig(
        min_documents=low, keep_first=keep_first, min_line_code_points=shortest, min_code_points=0
    )
    assert texts_without_repeats(texts, config) == brute_force(texts, config)


@pytest.mark.slow
@settings(deadline=None)
@given(documents, st.integers(0, 3), st.sampled_from(["line", "paragraph"]))
def test_keys_and_removal_do_not_depend_on_where_the_rows_lie(
    texts: list[str], cut: int, unit: str
) -> None:
    config = LineDeduplicationConfig.model_validate(SMALL.model_dump() | {"unit": unit})
    batch = batch_of(texts)
    whole = line_keys(batch, config)
    parts = [line_keys(part, config) for part in (batch.slice(0, cut), batch.slice(cut))]
    assert sorted(whole.keys.tolist()) == sorted(parts[0].keys.tolist() + parts[1].keys.tolist())
    frequent = frequent_keys(whole.keys, numbers(batch)[whole.rows], config.min_documents)
    together = remove_lines(batch, numbers(batch), frequent, config)
    apart = [
        remove_lines(batch.slice(0, cut), numbers(batch)[:cut], frequent, config),
        remove_lines(batch.slice(cut), numbers(batch)[cut:], frequent, config),
    ]
    assert together.documents.kept["text"].to_pylist() == [
        text for part in apart for text in part.documents.kept["text"].to_pylist()
    ]
    assert together.lines.tolist() == [n for part in apart for n in part.lines.tolist()]


def test_a_batch_without_its_group_is_refused() -> None:
    with pytest.raises(SchemaError, match="'source' is missing"):
        line_keys(pa.record_batch({"text": pa.array(["a"], pa.large_string())}), SMALL)
