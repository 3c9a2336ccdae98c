"""Repeated spans: all of them and to the byte, by comparison with every window of every text; and
clean cuts."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from gflanguages import LoadLanguages
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.columns import SchemaError
from stages.deduplication import spans as spans_module
from stages.deduplication.lines import frequent_keys
from stages.deduplication.options import SpanDeduplicationConfig
from stages.deduplication.spans import (
    RemovedSpans,
    remove_spans,
    repeated_spans,
    span_fingerprints,
    span_windows,
)

SMALL = SpanDeduplicationConfig(
    min_bytes=8, fingerprint_bytes=4, stride=1, keep_first=False, min_code_points=0
)


def batch_of(texts: list[str]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def numbers(batch: pa.RecordBatch) -> npt.NDArray[np.uint64]:
    return np.arange(100, 100 + batch.num_rows, dtype=np.uint64)


def rounds(
    batch: pa.RecordBatch, config: SpanDeduplicationConfig
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
    """Do what the shuffle does: the fingerprints that are shared, and the windows that are
    repeated."""
    picked = span_fingerprints(batch, config)
    shared = frequent_keys(picked.keys, numbers(batch)[picked.rows], config.min_documents)["key"]
    windows = span_windows(batch, shared, config)
    return shared, frequent_keys(windows.keys, numbers(batch)[windows.rows], config.min_documents)


def found(texts: list[str], config: SpanDeduplicationConfig) -> list[tuple[int, int, int]]:
    batch = batch_of(texts)
    spans = repeated_spans(batch, numbers(batch), *rounds(batch, config), config)
    return list(zip(*(values.tolist() for values in spans), strict=True))


def removed(texts: list[str], config: SpanDeduplicationConfig) -> RemovedSpans:
    batch = batch_of(texts)
    return remove_spans(batch, numbers(batch), *rounds(batch, config), config)


def brute_force(texts: list[str], config: SpanDeduplicationConfig) -> list[tuple[int, int, int]]:
    octets = [text.encode() for text in texts]
    size = config.min_bytes
    homes: dict[bytes, list[int]] = defaultdict(list)
    for row, text in enumerate(octets):
        for window in {text[i : i + size] for i in range(len(text) - size + 1)}:
            homes[window].append(row)
    spans = []
    for row, text in enumerate(octets):
        taken, left = [False] * (len(text) + 1), [False] * (len(text) + 1)
        for i in range(len(text) - size + 1):
            rows = homes[text[i : i + size]]
            if len(rows) >= config.min_documents:
                marks = left if config.keep_first and rows[0] == row else taken
                marks[i : i + size] = [True] * size
        for begin, end in runs(left):
            # most of it stood in an earlier document
            if sum(not place for place in taken[begin:end]) < size:
                left[begin:end] = [False] * (end - begin)
        removable = [one and not other for one, other in zip(taken, left, strict=True)]
        spans += [(row, begin, end) for begin, end in runs(removable) if end - begin >= size]
    return spans


def runs(marked: list[bool]) -> list[tuple[int, int]]:
    """List where runs of true begin and end; the last of `marked` is false."""
    edges = [
        place for place in range(len(marked)) if marked[place] != (place > 0 and marked[place - 1])
    ]
    return list(zip(edges[::2], edges[1::2], strict=True))


PARTS = [
    "abcdefgh",
    "abcdefghijklm",
    "a" * 12,
    "\u0e01\u0e34\u0e02\u0e33",
    "\u4e00\u4e8c\u4e09",
    "x",
    "\U0001f600",
    "",
]
pieces = st.lists(st.sampled_from(PARTS), max_size=5)
documents = st.lists(st.one_of(pieces.map("".join), st.text("ab\u00e9", max_size=40)), max_size=5)


@settings(deadline=None)
@given(documents, st.integers(8, 14), st.integers(4, 8), st.booleans(), st.integers(2, 3))
def test_every_repeated_span_is_found_to_the_byte(
    texts: list[str], size: int, fingerprint: int, keep_first: bool, low: int
) -> None:
    config = SpanDeduplicationConfig(
        min_bytes=size,
        fingerprint_bytes=fingerprint,
        stride=1,
        keep_first=keep_first,
        min_documents=low,
    )
    assert found(texts, config) == brute_force(texts, config)


@settings(deadline=None)
@given(documents, st.integers(8, 16), st.integers(4, 8), st.integers(2, 4))
def test_a_stride_misses_no_span_and_takes_nothing_that_is_not_repeated(
    texts: list[str], size: int, fingerprint: int, stride: int
) -> None:
    config = SMALL.model_copy(
        update={"min_bytes": size, "fingerprint_bytes": fingerprint, "stride": stride}
    )

    def octets(spans: list[tuple[int, int, int]]) -> set[tuple[int, int]]:
        return {(row, place) for row, start, end in spans for place in range(start, end)}

    taken = octets(found(texts, config))
    shorter = config.model_copy(update={"min_bytes": config.window_bytes, "stride": 1})
    assert taken <= octets(brute_force(texts, shorter))
    windows = {
        text.encode()[i : i + size] for text in texts for i in range(len(text.encode()) - size + 1)
    }
    for window in windows:
        homes = [row for row, text in enumerate(texts) if window in text.encode()]
        for row in homes if len(homes) > 1 else []:
            at = texts[row].encode().index(window)
            inner = range(at + stride - 1, at + size - stride + 1)
            assert {(row, place) for place in inner} <= taken, (
                "a span of this length is found but for its ends"
            )


@settings(deadline=None)
@given(documents, st.integers(8, 14))
def test_pieces_change_nothing(texts: list[str], size: int) -> None:
    config = SpanDeduplicationConfig(min_bytes=size, fingerprint_bytes=4, stride=1)
    expected = brute_force(texts, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spans_module, "_PIECE_BYTES", 7)
        assert found(texts, config) == expected


@settings(deadline=None)
@given(documents, st.integers(0, 3))
def test_keys_and_spans_depend_on_the_document_alone(texts: list[str], cut: int) -> None:
    batch = batch_of(texts)
    shared, repeated = rounds(batch, SMALL)
    whole = repeated_spans(batch, numbers(batch), shared, repeated, SMALL)
    parts = [
        repeated_spans(
            batch.slice(begin, length),
            numbers(batch)[begin : begin + length],
            shared,
            repeated,
            SMALL,
        )
        for begin, length in ((0, min(cut, len(texts))), (min(cut, len(texts)), len(texts)))
        if batch.slice(begin, length).num_rows
    ]
    assert whole.starts.tolist() == [start for part in parts for start in part.starts.tolist()]
    assert whole.ends.tolist() == [end for part in parts for end in part.ends.tolist()]


@settings(deadline=None)
@given(documents, st.booleans(), st.sampled_from(["", "[...]", "\u2026"]))
def test_what_remains_is_the_text_without_its_spans(
    texts: list[str], keep_first: bool, mask: str
) -> None:
    config = SMALL.model_copy(update={"keep_first": keep_first, "mask": mask})
    result = removed(texts, config)
    kept = result.documents.kept["text"].to_pylist()
    for text, remaining, count, octets in zip(
        texts, kept, result.spans, result.octets, strict=True
    ):
        assert len(remaining.encode()) == len(text.encode()) - octets + count * len(mask.encode())
        if not count:
            assert remaining == text
        if not mask:
            letters = iter(text)
            assert all(letter in letters for letter in remaining), "letters in their order"


THAI, KHMER = "\u0e01\u0e02\u0e03\u0e04", "\u1780\u1781\u1782\u1783"
CUTS = {
    "eus: white space inside a text parts": (["xx Bai, hemen gaude yy", "Bai, hemen gaude"], ["xx  yy", ""]),
    "eus: no halves of words are left": (
        ["mendia eta itsasoa", "hondia eta itsasorik"],
        ["mendia itsasoa", "hondia itsasorik"],
    ),
    "eus: one of two spaces is left": (["bat hiru lau bost", "bi hiru lau sei"], ["bat bost", "bi sei"]),
    "eus: of two separators the stronger is left": (
        ["bat\n\nhiru lau bost", "bi\n\nhiru lau sei"],
        ["bat\n\nbost", "bi\n\nsei"],
    ),
    "eus: also where it is the later one": (["bat hiru lau\nbost", "bi hiru lau\nsei"], ["bat\nbost", "bi\nsei"]),
    "eus: a separator outside the span is enough": (
        ["bat\n\nhiru lau\nbost", "bi hiru lau\nsei"],
        ["bat\n\nbost", "bi \nsei"],
    ),
    "deu: no separator is left at the ends": (["(eins) zwei drei", "[eins) zwei drei"], ["(eins)", "[eins)"]),
    "deu: a quotation mark stays with its word": (
        ["er: \u201ezwei drei\u201c", "sie: \u201ezwei drei\u201d"],
        ["er: drei\u201c", "sie: drei\u201d"],
    ),
    "und: a web address is not halved": (
        ["http://a.eus/b/c/d", "http://a.eus/b/c/e"],
        ["http://a.eus/b/c/d", "http://a.eus/b/c/e"],
    ),
    "bod: syllables are parted by tsheg": (
        ["\u0f40\u0f0b\u0f41\u0f0b\u0f42\u0f0b\u0f43", "\u0f44\u0f0b\u0f41\u0f0b\u0f42\u0f0b\u0f45"],
        ["\u0f40\u0f0b\u0f43", "\u0f44\u0f0b\u0f45"],
    ),
    "amh: words are parted by wordspace": (
        ["\u1200\u1361\u1201\u1202\u1361\u1203", "\u1204\u1361\u1201\u1202\u1361\u1205"],
        ["\u1200\u1361\u1203", "\u1204\u1361\u1205"],
    ),
    "tha: a run is not cut inside": ([THAI + "\u0e05", THAI + "\u0e06"], [THAI + "\u0e05", THAI + "\u0e06"]),
    "tha: a run between spaces goes": (
        ["\u0e05 " + THAI + " \u0e06", "\u0e07 " + THAI + " \u0e08"],
        ["\u0e05 \u0e06", "\u0e07 \u0e08"],
    ),
    "khm: a zero-width space parts, and stays": (
        ["\u1784\u200b" + KHMER + "\u200b\u1785", "\u1786\u200b" + KHMER + "\u200b\u1787"],
        ["\u1784\u200b\u1785", "\u1786\u200b\u1787"],
    ),
    "zho: a full stop parts, and stays between two letters": (
        ["\u4e00\u3002\u4e8c\u4e09\u56db\u3002\u4e94", "\u516d\u3002\u4e8c\u4e09\u56db\u3002\u4e03"],
        ["\u4e00\u3002\u4e94", "\u516d\u3002\u4e03"],
    ),
    "yor: a mark stays with its letter": (["e\u0301 abcdefghi", "a\u0301 abcdefghi"], ["e\u0301", "a\u0301"]),
    "yor: a mark is no beginning": (["abcdefgh \u0301e", "abcdefgh \u0301a"], [" \u0301e", " \u0301a"]),
    "emoji: four bytes are one": (
        ["\U0001f600\U0001f601\U0001f602", "\U0001f600\U0001f601\U0001f603"], ["\U0001f602", "\U0001f603"]),
    "too short": (["abcdefg", "abcdefg"], ["abcdefg", "abcdefg"]),
    "twice in one document alone": (["abcdefghi abcdefghi", "x"], ["abcdefghi abcdefghi", "x"]),
    "across the border of two documents": (["abcd", "efgh", "abcdefgh"], ["abcd", "efgh", "abcdefgh"]),
}  # fmt: skip


@pytest.mark.parametrize(("texts", "expected"), CUTS.values(), ids=CUTS.keys())
def test_cuts(texts: list[str], expected: list[str]) -> None:
    assert removed(texts, SMALL).documents.kept["text"].to_pylist() == expected


def test_the_first_document_keeps_its_span_when_asked() -> None:
    config = SMALL.model_copy(update={"keep_first": True, "mask": "*"})
    kept = removed(
        ["a quoted passage", "so: a quoted passage!", "a quoted passage"], config
    ).documents.kept
    assert kept["text"].to_pylist() == ["a quoted passage", "so: * passage!", "*"]


words = st.lists(
    st.sampled_from(["bat", "bi", "hiru", "lau,", "\u0e01\u0e34", "\u4e00\u4e8c", "e\u0301"]),
    max_size=8,
)
spaced = st.lists(
    st.tuples(words.map(" ".join), st.sampled_from([" ", "\n", "\n\n", "\u3000", "\r\n"])),
    max_size=4,
)


@settings(deadline=None)
@given(
    st.lists(spaced.map(lambda parts: "".join(text + end for text, end in parts)), max_size=4),
    st.booleans(),
)
def test_every_word_that_is_left_is_a_word_of_the_original(
    texts: list[str], keep_first: bool
) -> None:
    result = removed(texts, SMALL.model_copy(update={"keep_first": keep_first}))
    for text, remaining in zip(texts, result.documents.kept["text"].to_pylist(), strict=True):
        words = iter(text.split())
        assert all(word in words for word in remaining.split()), "words of the text, in its order"


@pytest.mark.parametrize("around", ["\n\n", " ", "\n"])
def test_paragraphs_around_a_passage_are_not_glued(around: str) -> None:
    passage = " ".join(f"hitza{number}" for number in range(40))
    texts = [f"{number} lehena{around}{passage}{around}azkena {number}" for number in range(3)]
    config = SpanDeduplicationConfig(min_code_points=0)
    first, *others = removed(texts, config).documents.kept["text"].to_pylist()
    assert first == texts[0]
    for number, text in enumerate(others, 1):
        assert set(text.split()) <= set(texts[number].split())
        assert len(text) < 60
        assert text.startswith(f"{number} lehena{around}")
        assert text.endswith(f"azkena {number}")


@pytest.mark.parametrize("tail", ["", " ", "\n\n", " eta"])
def test_a_passage_goes_to_its_end_where_its_first_copy_ended_the_document(tail: str) -> None:
    """Later copies share what is next to the passage, so the windows over its end stand in the
    second one first."""
    passage = " ".join(f"hitza{number}" for number in range(60))
    texts = [f"bat {passage}", f"bi {passage}{tail} ondoren", f"hiru {passage}{tail} gero"]
    kept = removed(texts, SpanDeduplicationConfig(stride=1, min_code_points=100)).documents
    assert kept.kept["text"].to_pylist() == texts[:1]
    assert [row["value"] < 20 for row in kept.rejected.to_pylist()] == [True, True]


SENTENCES = (
    "Zuhaitz guztiak moztu zituzten ibaiaren ondoan. Gero euria hasi zuen, eta hiru egunez ez zen gelditu. "
    "Herrikoek elizaren ondoko zubia konpondu nahi zuten, baina ura goregi zegoen. Azkenean, laugarrenean, eguzkia."
)


@pytest.mark.parametrize(
    ("before", "after"), [("\n\n", "\n\n"), ("\n", "\n"), (". ", " "), ("", "\n"), ("\n", "")]
)
def test_a_passage_of_whole_lines_or_sentences_leaves_no_word_at_its_ends(
    before: str, after: str
) -> None:
    first, second = "Lehenengo testuaren hasiera", "Beste testu bat da hau"
    texts = [
        f"{first}{before}{SENTENCES}{after}Amaiera bat",
        f"{second}{before}{SENTENCES}{after}Bestelako bukaera",
    ]
    if not before:
        texts = [text[text.index(SENTENCES) :] for text in texts]
    if not after:
        texts = [text[: text.index(SENTENCES) + len(SENTENCES)] for text in texts]
    (one, other) = removed(texts, SpanDeduplicationConfig()).documents.kept["text"].to_pylist()
    assert one == texts[0]
    words = set(SENTENCES.replace(".", "").split())
    assert not words & set(other.replace(".", "").split()), other


@pytest.mark.parametrize("stride", [1, 8])
def test_a_passage_that_stays_is_left_whole(stride: int) -> None:
    """Two repeated spans overlap in the second Maltese text, and one stands there first: no three
    words go."""
    body = " ".join(f"kelma{n}" for n in range(30))
    texts = ["qabel tliet kelmiet " + body[:80], "tliet kelmiet " + body, "wara " + body]
    config = SpanDeduplicationConfig(
        min_bytes=80, fingerprint_bytes=32, stride=stride, min_code_points=0
    )
    kept = removed(texts, config).documents.kept["text"].to_pylist()
    assert kept[:2] == texts[:2]
    assert len(kept[2]) < 20


def test_a_document_left_too_short_is_rejected_with_the_text_it_came_with() -> None:
    result = removed(
        ["a quoted passage, x", "a quoted passage, yyyy"],
        SMALL.model_copy(update={"min_code_points": 2}),
    )
    assert result.documents.kept["text"].to_pylist() == ["yyyy"]
    rejected = result.documents.rejected.to_pylist()
    assert [(r["text"], r["reason"], r["value"], r["threshold"]) for r in rejected] == [
        ("a quoted passage, x", "too_short_without_repeated_spans", 1.0, 2.0)
    ]
    assert result.spans.tolist() == [1, 1]
    assert result.octets.tolist() == [18, 18]


def test_passages_in_many_scripts_with_the_default_lengths() -> None:
    config = SpanDeduplicationConfig(stride=1, keep_first=False, min_code_points=0)
    samples = LoadLanguages()
    for code in (
        "eu_Latn",
        "ru_Cyrl",
        "ar_Arab",
        "th_Thai",
        "km_Khmr",
        "bo_Tibt",
        "hi_Deva",
        "ja_Jpan",
    ):
        passage = samples[code].sample_text.specimen_21.strip()
        assert len(passage.encode()) > 300, code
        kept = removed([f"1 {passage} 2", f"3 {passage} 4", passage[:40]], config).documents.kept
        assert kept["text"].to_pylist() == ["1 2", "3 4", passage[:40]], code


def test_a_text_of_one_letter_makes_few_keys() -> None:
    picked = span_fingerprints(batch_of(["a" * 100_000, "a" * 50_000]), SpanDeduplicationConfig())
    assert picked.rows.tolist() == [0, 1]


def test_few_fingerprints_travel() -> None:
    generator = np.random.default_rng(0)
    text = "".join(map(chr, generator.integers(97, 123, 200_000)))
    count = len(span_fingerprints(batch_of([text]), SpanDeduplicationConfig()).keys)
    assert count == pytest.approx(len(text) * 2 / (200 - 64 + 2), rel=0.05), (
        "the density of winnowing: 2 / (w + 1)"
    )


def test_a_fingerprint_longer_than_a_span_is_refused() -> None:
    with pytest.raises(
        ValidationError,
        match="fingerprint_bytes must not exceed min_bytes, got fingerprint_bytes=64",
    ):
        SpanDeduplicationConfig(min_bytes=32)


def test_a_stride_longer_than_half_a_span_is_refused() -> None:
    with pytest.raises(
        ValidationError, match="stride must not exceed half of min_bytes, got stride=5, min_bytes=8"
    ):
        SpanDeduplicationConfig(min_bytes=8, fingerprint_bytes=4, stride=5)


def test_a_batch_without_text_is_refused() -> None:
    with pytest.raises(SchemaError, match="'text' is missing"):
        span_fingerprints(pa.record_batch({"id": ["a"]}), SMALL)


PASSAGE = " ".join(f"lerro{number} hitz{number * 7}" for number in range(20))
OWN = {
    "nothing else": (PASSAGE, None),
    "white space alone": (f"{PASSAGE}\n\n", None),
    "a word in a line of its own, however short": (f"Bai\n\n{PASSAGE}", "Bai"),
    "words at the end": (f"{PASSAGE} Eskerrik asko etorri zareten guztioi.", "guztioi."),
    "words on both sides": (
        f"Herriko berriak, lehen orria. {PASSAGE} Jarraituko du bihar goizean.",
        "Jarraituko",
    ),
}


@pytest.mark.parametrize(("text", "own"), OWN.values(), ids=OWN.keys())
def test_by_default_a_short_document_is_dropped_only_if_it_has_no_word_of_its_own(
    text: str, own: str | None
) -> None:
    documents = removed([PASSAGE, text], SpanDeduplicationConfig()).documents
    assert documents.kept["text"][0].as_py() == PASSAGE
    if own is None:
        assert documents.rejected.select(["text", "reason", "threshold"]).to_pylist() == [
            {"text": text, "reason": "nothing_but_repeated_spans", "threshold": None}
        ]
    else:
        assert documents.rejected.num_rows == 0
        assert own in documents.kept["text"][1].as_py()
        assert len(documents.kept["text"][1].as_py()) < len(text) - 150
