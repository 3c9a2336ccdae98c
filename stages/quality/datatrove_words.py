"""Measure quality as datatrove's filters do, by its own tokenizers and definitions: slow, for
comparison.

`filter_quality` with `tokenizer = "datatrove"` holds these values against its limits. With `limits
= "published"` it keeps and drops what GopherQualityFilter, GopherRepetitionFilter,
FineWebQualityFilter and C4QualityFilter of datatrove 0.10 keep and drop with their defaults and the
language's tokenizer. Where datatrove would stop with an error (no words, no lines, a language
without a tokenizer) there are values here: 0, and the English tokenizer.

Source: huggingface/datatrove 0.10.1, `datatrove/pipeline/filters`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import pyarrow as pa

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.quality_signals import DUPLICATE_GRAMS, QUALITY_SIGNALS, TOP_GRAMS

# FineWeb's share of repeated lines has another denominator than Gopher's, so it stands by the name
# of its rule.
FINEWEB_REPEATS = pa.field("repeated_line_characters", pa.float64(), nullable=False)
DATATROVE_SIGNALS = pa.schema([*QUALITY_SIGNALS, FINEWEB_REPEATS])

_SHORT_LINE, _LONG_LINE, _MAX_WORD, _MIN_LINE_WORDS = 30, 200, 1000, 3
_CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
_POLICY = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)


def measure_by_datatrove(
    batch: pa.RecordBatch, stop_words: Mapping[str, Sequence[str]]
) -> pa.RecordBatch:
    """Measure n texts: n rows of DATATROVE_SIGNALS, one text at a time, as datatrove does."""
    require_columns(batch, DOCUMENT, ("text", "language", "script"))
    rows = []
    for text, language, script in zip(
        *(batch[name].to_pylist() for name in ("text", "language", "script")), strict=True
    ):
        label = f"{language}_{script}"
        with naming_packages(label):
            rows.append(
                _measured(
                    text,
                    tokenizer_of(label),
                    set(stop_words[label]) if label in stop_words else None,
                )
            )
    return pa.RecordBatch.from_pylist(rows, schema=DATATROVE_SIGNALS)


@contextmanager
def naming_packages(label: str | None) -> Iterator[None]:
    """Say for which language a package of datatrove's tokenizers is missing, which it loads at the
    first text.

    The run stops then, and goes on once the package is there: which documents a corpus has never
    depends on what happens to be installed.
    """
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f"datatrove's words of {label}: {error} Or take such documents out before, by filter_language"
        ) from None


@cache
def tokenizer_of(label: str | None) -> str:
    """Return datatrove's name of the tokenizer of a language and script; that of English if it has
    none."""
    from datatrove.utils.word_tokenizers import load_tokenizer_assignments

    known = load_tokenizer_assignments()
    return next((name for name in (label or "", (label or "")[:3]) if name in known), "eng")


def _measured(text: str, language: str, stop_words: Collection[str] | None) -> dict[str, Any]:
    from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION, split_into_words

    words = split_into_words(text, language) if text.strip() else []
    named = [word for word in words if any(letter not in PUNCTUATION_SET for letter in word)]
    alphabetic = sum(any(map(str.isalpha, word)) for word in words)
    all_lines = text.splitlines()
    lines = [line for line in text.split("\n") if line.strip()]
    gopher_lines, paragraphs = re.split("\n+", text), re.split("\n{2,}", text.strip())
    size = len(text)

    def over(value: float, whole: int) -> float:
        return value / max(whole, 1)

    line_copies, line_characters = _copies(gopher_lines)
    paragraph_copies, paragraph_characters = _copies(paragraphs)
    sentences, page_ends = _c4(text, language)
    return {
        "words": len(named),
        "tokens": len(words),
        "mean_word_length": over(sum(map(len, named)), len(named)),
        "alphabetic_word_share": over(alphabetic, len(words)),
        "alphabetic_token_share": over(alphabetic, len(words)),
        "hash_share": over(text.count("#"), len(words)),
        "ellipsis_share": over(text.count("...") + text.count("\u2026"), len(words)),
        "stop_words": None if stop_words is None else len(set(stop_words) & set(words)),
        "lines": len(lines),
        "mean_line_length": over(sum(map(len, lines)), len(lines)),
        "bullet_line_share": over(
            sum(line.lstrip().startswith(("\u2022", "-")) for line in all_lines), len(all_lines)
        ),
        "ellipsis_line_share": over(
            sum(line.rstrip().endswith(("...", "\u2026")) for line in all_lines), len(all_lines)
        ),
        "symbol_line_share": over(
            sum(not any(map(str.isalnum, line)) for line in lines), len(lines)
        ),
        "short_line_share": over(sum(len(line) <= _SHORT_LINE for line in lines), len(lines)),
        "end_mark_line_share": over(
            sum(line.endswith(tuple(TERMINAL_PUNCTUATION)) for line in lines), len(lines)
        ),
        "line_break_share": over(text.count("\n"), len(words)),
        "long_lines": sum(len(line) >= _LONG_LINE for line in lines),
        "paragraphs": len(paragraphs),
        "duplicate_line_share": over(line_copies, len(gopher_lines)),
        "duplicate_line_character_share": over(line_characters, size),
        "duplicate_paragraph_share": over(paragraph_copies, len(paragraphs)),
        "duplicate_paragraph_character_share": over(paragraph_characters, size),
        **{f"top_{n}_gram_share": over(_top(words, n), size) for n in TOP_GRAMS},
        **{f"duplicate_{n}_gram_share": over(_repeated(words, n), size) for n in DUPLICATE_GRAMS},
        "c4_sentences": sentences,
        "curly_brackets": int(page_ends == "{"),
        "lorem_ipsum": int(page_ends == "lorem ipsum"),
        FINEWEB_REPEATS.name: over(_copies(lines)[1], len(text.replace("\n", ""))),
    }


def _copies(parts: Sequence[str]) -> tuple[int, int]:
    """Count the parts met before, and their characters."""
    counts = Counter(parts)
    return len(parts) - len(counts), sum(len(part) * (count - 1) for part, count in counts.items())


def _top(words: Sequence[str], n: int) -> int:
    grams = Counter(" ".join(words[at : at + n]) for at in range(len(words) - n + 1))
    gram, count = grams.most_common(1)[0] if grams else ("", 0)
    return len(gram) * count


def _repeated(words: Sequence[str], n: int) -> int:
    """Count the characters of n-grams met before, greedily from the left."""
    seen, characters, at = set(), 0, 0
    while at < len(words) - n + 1:
        gram = "".join(words[at : at + n])
        if gram in seen:
            characters += len(gram)
            at += n
        else:
            seen.add(gram)
            at += 1
    return characters


def _c4(text: str, language: str) -> tuple[int, str]:
    """Count the sentences of the lines that C4 keeps; and what ends the page where something
    does."""
    from datatrove.utils.text import split_into_sentences

    sentences = 0
    for whole in text.splitlines():
        words = whole.split()
        if any(len(word) > _MAX_WORD for word in words):
            continue
        line = _CITATION.sub("", whole.strip())
        if (
            not line.endswith((".", "?", "!", '"', "'"))
            or line.endswith("...")
            or len(words) < _MIN_LINE_WORDS
        ):
            continue
        small = line.lower()
        if "lorem ipsum" in small:
            return sentences, "lorem ipsum"
        if "javascript" in small:
            continue
        if "{" in line:
            return sentences, "{"
        if not any(phrase in small for phrase in _POLICY):
            sentences += len(split_into_sentences(line, language))
    return sentences, ""
