"""A language model of characters: interpolated modified Kneser-Ney, on sorted keys.

Text is read line by line. A line is a run of code points between the tokens `<s>` and `</s>`, with
its white space collapsed to single blanks, which are written as U+2581: ARPA files part tokens by
spaces.

An n-gram is named by a number, its place among the sorted n-grams of its order. Its key is `context
* V + character`, where `context` is the number of the n-gram without its last character, and V the
size of the vocabulary:

    order 1     a b c ...                      number = character
    order 2     keys  [a*V+b, a*V+n, b*V+a]    number = place of the key
    order 3     keys  [ab*V+n, ...]            ab is the number of "ab" in order 2

So models of any order and alphabet fit 64-bit keys, and nothing is hashed but to find a key again.

Sources: Chen and Goodman 1999 (modified Kneser-Ney, interpolated); Heafield et al. 2013 (adjusted
counts, n-grams that begin with `<s>` keep their counts, the unknown character gets what unigrams
leave, as lmplz does).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from stages.batches import code_points

UNKNOWN, BEGIN, END = 0, 1, 2  # the first numbers of every vocabulary: <unk>, <s>, </s>
MARKS = ("<unk>", "<s>", "</s>")
BLANK = 0x2581
NEVER = -99.0  # log10 of a probability that is none
# discounts where counts of counts give none: lmplz's --discount_fallback
FALLBACK = (
    0.5,
    1.0,
    1.5,
)
_PIECE = 1 << 15  # tokens
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)

Array = NDArray[np.int64]
Floats = NDArray[np.float64]


class Order(NamedTuple):
    """The n-grams of one order: sorted keys, log10 of the probability, and of the weight left to
    shorter contexts."""

    keys: NDArray[np.uint64]
    probabilities: Floats
    backoffs: Floats


class Tokens(NamedTuple):
    """Lines of n texts as characters of a vocabulary, each between BEGIN and END.

    `texts` says which text each token belongs to, `places` how far it is from the beginning of its
    line.
    """

    characters: Array
    texts: Array
    places: Array


class LanguageModel:
    """A model that gives characters their probabilities. `letters` are the code points of the
    vocabulary, sorted."""

    def __init__(self, letters: NDArray[np.uint32], orders: Sequence[Order]) -> None:
        self.letters = letters
        self.orders = list(orders)
        self._tables: list[tuple[NDArray[np.uint64], NDArray[np.int32], int]] = []

    @property
    def size(self) -> int:
        """Characters of the vocabulary, with <unk>, <s> and </s>."""
        return len(self.letters) + len(MARKS)

    def bits(self, texts: pa.Array) -> tuple[Floats, Array]:
        """Return for n texts (no nulls) the bits of all their characters, and how many these are,
        line ends among them.

        Each text depends on itself alone. Texts without a character have 0 of both.
        """
        tokens = tokenize(texts, self.letters)
        scored = tokens.places > 0  # what begins a line is given
        of_text = tokens.texts[scored]
        scores = self._in_pieces(tokens)[scored]
        bits = np.bincount(of_text, scores, len(texts)) * -np.log2(10)
        return bits, np.bincount(of_text, minlength=len(texts))

    def _in_pieces(self, tokens: Tokens) -> Floats:
        """Score lines of about _PIECE tokens at a time: what one step writes is in the cache for
        the next."""
        starts = np.flatnonzero(tokens.places == 0)
        cuts = starts[np.flatnonzero(np.diff(starts // _PIECE, prepend=-1))]
        if not len(cuts):
            return np.zeros(0)
        bounds = zip(cuts.tolist(), [*cuts[1:].tolist(), len(tokens.characters)], strict=True)
        parts = [
            self._scores(Tokens(*(column[first:last] for column in tokens)))
            for first, last in bounds
        ]
        return np.concatenate(parts)

    def _scores(self, tokens: Tokens) -> Floats:
        """Return log10 of the probability of each token after those before it in its line."""
        total = len(tokens.characters)
        scores = self.orders[0].probabilities[tokens.characters]
        # of the n-gram that ends here, one shorter; -1: not in the model
        numbers = tokens.characters
        for order in range(2, len(self.orders) + 1):
            context = np.append(np.int64(-1), numbers[:-1])  # ends one before
            context[tokens.places < order - 1] = -1
            known = np.flatnonzero(context >= 0)
            scores[known] += self.orders[order - 2].backoffs[context[known]]
            longer = np.full(total, -1, np.int64)
            longer[known] = self._find(order, context[known] * self.size + tokens.characters[known])
            there = longer >= 0
            scores[there] = self.orders[order - 1].probabilities[longer[there]]
            numbers = longer
        return scores

    def _find(self, order: int, keys: Array) -> Array:
        """Return the number of each n-gram of an order, -1 where the model has none: by an open
        hash table."""
        table, numbers, shift = self._table(order)
        wanted = keys.astype(np.uint64)
        mask = np.uint64(len(table) - 1)
        place = (wanted * _MULTIPLIER) >> np.uint64(shift)
        found = table[place]
        result = np.where(found == wanted, numbers[place], -1).astype(np.int64)
        left = np.flatnonzero((found != wanted) & (found != _EMPTY))
        place = place[left]
        while len(left):
            place = (place + np.uint64(1)) & mask
            found = table[place]
            same = found == wanted[left]
            result[left[same]] = numbers[place[same]]
            going = ~same & (found != _EMPTY)
            left, place = left[going], place[going]
        return result

    def _table(self, order: int) -> tuple[NDArray[np.uint64], NDArray[np.int32], int]:
        while len(self._tables) < order - 1:
            self._tables.append(_hash_table(self.orders[len(self._tables) + 1].keys))
        return self._tables[order - 2]


# 2^64 over the golden ratio: Knuth's multiplicative hashing
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def _hash_table(keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int32], int]:
    """Put keys into an open table of at least twice their number, in steps for all keys at once."""
    bits = max(int(2 * len(keys) - 1).bit_length(), 4)
    shift = 64 - bits
    table = np.full(1 << bits, _EMPTY, np.uint64)
    numbers = np.full(1 << bits, -1, np.int32)
    left = np.arange(len(keys))
    place = ((keys * _MULTIPLIER) >> np.uint64(shift)).astype(np.int64)
    while len(left):
        free = table[place] == _EMPTY
        # of several keys for one place the first stays
        table[place[free][::-1]] = keys[left[free]][::-1]
        stays = table[place] == keys[left]
        numbers[place[stays]] = left[stays]
        left, place = left[~stays], (place[~stays] + 1) & ((1 << bits) - 1)
    return table, numbers, shift


def plain_lines(texts: pa.Array) -> tuple[pl.Series, Array]:
    """Return the lines of n texts that hold anything, white space collapsed, and the text each
    belongs to."""
    lines = pl.Series(texts.cast(pa.large_string())).str.replace_all(
        r"[\r\v\f\x{85}\x{2028}\x{2029}]", "\n"
    )
    frame = pl.DataFrame({"line": lines.str.split("\n")}).with_row_index("text").explode("line")
    frame = frame.with_columns(
        pl.col("line").str.replace_all(r"\s+", " ").str.strip_chars(" ")
    ).filter(pl.col("line") != "")
    return frame["line"], frame["text"].to_numpy().astype(np.int64)


def tokenize(texts: pa.Array, letters: NDArray[np.uint32]) -> Tokens:
    """Turn n texts into characters of a vocabulary of sorted code points; others are UNKNOWN."""
    lines, of_line = plain_lines(texts)
    points = code_points(lines)
    if not len(points):
        none = np.zeros(0, np.int64)
        return Tokens(none, none, none)
    points = np.where(points == ord(" "), BLANK, points)
    place = np.minimum(np.searchsorted(letters, points), max(len(letters) - 1, 0))
    known = letters[place] == points if len(letters) else np.zeros(len(points), bool)
    lengths = lines.str.len_chars().to_numpy().astype(np.int64)
    begins = np.cumsum(lengths + 2) - (lengths + 2)
    characters = np.full(len(points) + 2 * len(lengths), BEGIN, np.int64)
    characters[begins + lengths + 1] = END
    inside = np.arange(len(points)) + 2 * np.repeat(np.arange(len(lengths)), lengths) + 1
    characters[inside] = np.where(known, place + len(MARKS), UNKNOWN)
    places = np.arange(len(characters)) - np.repeat(begins, lengths + 2)
    return Tokens(characters, np.repeat(of_line, lengths + 2), places)


def train_model(texts: pa.Array, order: int) -> LanguageModel:
    """Train a model of n-grams of up to `order` characters on n texts (no nulls); nothing is
    pruned.

    Takes about 150 bytes of memory a character. Raises ValueError if there is no text.
    """
    lines, _ = plain_lines(texts)
    letters = np.unique(code_points(lines))
    letters = np.unique(np.where(letters == ord(" "), BLANK, letters)).astype(np.uint32)
    tokens = tokenize(texts, letters)
    if not len(tokens.characters):
        raise ValueError("a language model needs text, got none")
    size = len(letters) + len(MARKS)
    grams = _count(tokens, order, size)
    return LanguageModel(letters, _smoothed(grams, size))


class _Grams(NamedTuple):
    """Distinct n-grams of one order, by sorted key: how often each occurs, its context, and what is
    left without its first character (numbers of the order below), and whether it begins with <s>.
    """

    keys: NDArray[np.uint64]
    counts: Array
    contexts: Array
    suffixes: Array
    begins: NDArray[np.bool_]


def _count(tokens: Tokens, order: int, size: int) -> list[_Grams]:
    """Count the n-grams of each order up to `order`."""
    characters = tokens.characters
    counts = np.bincount(characters, minlength=size)
    everything = np.arange(size)
    grams = [
        _Grams(
            everything.astype(np.uint64),
            counts,
            everything * 0,
            everything * 0,
            everything == BEGIN,
        )
    ]
    shorter = characters  # number of the n-gram, one shorter, that ends at each token
    for length in range(2, order + 1):
        ends = np.flatnonzero(tokens.places >= length - 1)
        context = shorter[ends - 1]
        keys = context.astype(np.uint64) * np.uint64(size) + characters[ends].astype(np.uint64)
        distinct, first, number, times = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        at = ends[first]
        grams.append(
            _Grams(
                distinct, times, context[first], shorter[at], characters[at - (length - 1)] == BEGIN
            )
        )
        longer = np.full(len(characters), -1, np.int64)
        longer[ends] = number
        shorter = longer
    return grams


def _smoothed(grams: Sequence[_Grams], size: int) -> list[Order]:
    """Turn counts into interpolated probabilities and the weights that contexts leave to shorter
    ones."""
    orders: list[Order] = []
    below: Floats = np.full(1, 1 / (size - 1))  # of any character but <s>
    for number, gram in enumerate(grams):
        counts = gram.counts
        # in how many characters' wake an n-gram stands; none stands before <s>
        if number + 1 < len(grams):
            wake = np.bincount(grams[number + 1].suffixes, minlength=len(counts))
            counts = np.where(gram.begins, counts, wake)
        if number == 0:
            counts = np.where(gram.begins, 0, counts)
        discounts = _discounts(counts if number else counts[counts > 0])
        contexts = (
            int(gram.contexts.max(initial=0)) + 1 if number == 0 else len(grams[number - 1].keys)
        )
        kinds = np.minimum(counts, 3)
        taken = np.asarray([0.0, *discounts])[kinds]
        sums = np.bincount(gram.contexts, counts, contexts)
        left = np.bincount(gram.contexts, taken, contexts)
        gamma = np.divide(left, sums, out=np.ones(contexts), where=sums > 0)
        own = np.divide(
            counts - taken,
            sums[gram.contexts],
            out=np.zeros(len(counts)),
            where=sums[gram.contexts] > 0,
        )
        shorter = below[gram.suffixes] if number else below[np.zeros(len(counts), np.int64)]
        probability: Floats = own + gamma[gram.contexts] * shorter
        if number == 0:
            probability[BEGIN] = 0.0
        else:
            orders[-1] = orders[-1]._replace(backoffs=_log10(gamma))
        orders.append(Order(gram.keys, _log10(probability), np.zeros(len(counts))))
        below = probability
    return orders


def _log10(values: Floats) -> Floats:
    """Take log10, rounded as an ARPA file has it, so that a model is the same before and after it
    is written."""
    logs = np.full(len(values), NEVER)
    np.log10(values, out=logs, where=values > 0)
    return np.round(logs, 6)


def _discounts(counts: Array) -> tuple[float, float, float]:
    """Return what is taken from counts of 1, 2 and 3 or more: Chen and Goodman's estimate, or
    FALLBACK."""
    times = np.bincount(np.minimum(counts, 5), minlength=5)[1:5].astype(np.float64)
    if (times[:3] == 0).any():
        return FALLBACK
    y = times[0] / (times[0] + 2 * times[1])
    found = tuple(k - (k + 1) * y * times[k] / times[k - 1] for k in (1, 2, 3))
    if any(not 0 < discount < k for k, discount in zip((1, 2, 3), found, strict=True)):
        return FALLBACK
    return found[0], found[1], found[2]
