"""The three models of the default cascade, read from the packages that ship them, answering many
texts at once.

- CLD2 (package `pycld2`, Apache-2.0): native code, one call a text.
- py3langid (BSD-3-Clause): its automaton and naive Bayes table, walked here over all texts in step,
  because the package walks one text byte by byte in Python. The scores are the package's own; a
  test compares them.
- fun_langid (in package `commonlid`, CC BY 4.0, Isaac Caswell): for each of 1,600 languages its 150
  most telling character 4-grams. A text's score for a language is the share of its 4-grams that are
  in the language's list. Counted here with one hash table over all texts; again a test compares.

Each answers with `Opinions`: its best labels, and a number of evidence for each that calibration
turns into a probability. No model's own score is a probability.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution, version
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from schemas.language import UNDETERMINED
from stages.language_identification.labels import CLD2_CODES, FUN_LANGID_CODES, read_label
from stages.language_identification.model_arrays import Arrays, kept_arrays

RANKS = 3  # best labels that each model reports


class Opinions(NamedTuple):
    """What one model says of n texts: `labels[i, r]` indexes its `languages`, best first, -1 for
    none.

    `evidence[i, r]` is the number of the calibration bin: how sure the model looks, in its own
    terms.
    """

    labels: NDArray[np.int64]
    evidence: NDArray[np.int64]


class LabelTable(NamedTuple):
    """The classes of a model: `languages[i]` is ISO 639-3, `scripts[i]` ISO 15924 or None where it
    names none."""

    languages: tuple[str, ...]
    scripts: tuple[str | None, ...]


def _table(codes: Sequence[tuple[str, str | None]]) -> LabelTable:
    return LabelTable(tuple(c[0] for c in codes), tuple(c[1] for c in codes))


# Of what is kept in the cache; a change of the tables' making needs a new one.
_FORMAT = 4
_NO_BYTE = b"\xff"  # in no text of UTF-8
_BLANK_BIT, _SINGLE_BIT = np.uint16(1 << 15), np.uint16(1 << 14)
# Of a pair of letters, by which of them are blank (2 for the first, 1 for the second): what stays
# of it at the end of a gram, how far a gram that begins with it moves, and how many are left.
_BLANK_END = np.asarray([(1 << 28) - 1, ~((1 << 14) - 1), (1 << 28) - 1, 0])
_BLANK_BEGIN = np.asarray([0, 0, 14, 28])
_LETTERS_OF_PAIR = np.asarray([2, 1, 1, 0], np.uint8)
_STEPS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03))
_LANES = 2048  # pieces of a stream that are walked at once: what one step reads stays in cache


def _label_arrays(
    codes: Sequence[str], own: Mapping[str, str] | None = None
) -> dict[str, NDArray[Any]]:
    table = _table([read_label(code, own) for code in codes])
    scripts = [script or "" for script in table.scripts]
    return {
        "codes": np.asarray(codes),
        "languages": np.asarray(table.languages),
        "scripts": np.asarray(scripts),
    }


def _labels_of(arrays: Arrays) -> LabelTable:
    scripts = tuple(script or None for script in arrays["scripts"].tolist())
    return LabelTable(tuple(arrays["languages"].tolist()), scripts)


SHORT_TEXTS = (12, 25, 50)  # code points; below, the same score means less
LENGTHS = len(SHORT_TEXTS) + 1


def by_length(evidence: NDArray[np.int64], bins: int, texts: Sequence[str]) -> NDArray[np.int64]:
    """Number the evidence anew for short, middling and long texts: `bins` becomes `bins *
    LENGTHS`."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return evidence + bins * np.searchsorted(SHORT_TEXTS, lengths, side="right")[:, None]


class CLD2:
    """Compact Language Detector 2. Evidence: whether it calls itself reliable, its normalized
    score, and its share."""

    name = "pycld2"
    batch = 2048  # more answers at once are more objects for the garbage collector to walk
    version = version("pycld2")
    SCORES = (300.0, 600.0, 900.0, 1200.0, 1600.0, 2200.0)  # normalized score per 1,000 code points
    _BINS = 2 * 2 * (len(SCORES) + 1) + (RANKS - 1) * (len(SCORES) + 1)
    bins = _BINS * LENGTHS

    def __init__(self) -> None:
        import pycld2

        self._detect = pycld2.detect
        codes = sorted({code for _, code in pycld2.LANGUAGES if not code.startswith("xx-")})
        self._number = {code: position for position, code in enumerate(codes)}
        self.labels = _table([read_label(code, CLD2_CODES) for code in codes])
        self._undetermined = np.asarray(
            [language == UNDETERMINED for language in self.labels.languages]
        )

    def __call__(self, texts: Sequence[str]) -> Opinions:
        """Identify n texts without control characters (CLD2 refuses those)."""
        detect = self._detect
        # CLD2 has no call for many texts
        answers = [detect(text, bestEffort=True) for text in texts]
        reliable = np.asarray([sure for sure, _, _ in answers], np.int64)
        details = [entry for _, _, entries in answers for entry in entries]  # three of each text
        number = self._number
        labels = np.asarray([number.get(code, -1) for _, code, _, _ in details], np.int64).reshape(
            -1, RANKS
        )
        score = np.asarray([score for _, _, _, score in details], np.float64).reshape(-1, RANKS)
        # CLD2 normalizes by bytes; by code points, a letter of Cyrillic or Devanagari tells as much
        # as one of Latin.
        score *= np.asarray([len(text.encode()) / max(len(text), 1) for text in texts])[:, None]
        percent = np.asarray([share for _, _, share, _ in details[::RANKS]], np.int64)
        labels[self._undetermined[labels] & (labels >= 0)] = -1
        bands = np.searchsorted(self.SCORES, score, side="right")
        width = len(self.SCORES) + 1
        evidence = bands + width * (3 + np.arange(RANKS))
        evidence[:, 0] = bands[:, 0] + width * (reliable + 2 * (percent >= 90))
        return Opinions(labels, by_length(evidence, self._BINS, texts))


class Py3Langid:
    """Naive Bayes over byte n-grams. Evidence: the package's normalized probability."""

    name = "py3langid"
    batch = 4096
    version = version("py3langid")
    PROBABILITIES = (0.3, 0.5, 0.7, 0.85, 0.95, 0.99, 0.999)
    SECOND = (0.02, 0.1, 0.3)
    _BINS = len(PROBABILITIES) + 1 + (RANKS - 1) * (len(SECOND) + 1)
    bins = _BINS * LENGTHS

    def __init__(self) -> None:
        arrays = kept_arrays(f"py3langid-{self.version}-{_FORMAT}", _py3langid_arrays)
        self._next, self._row, self._feature = arrays["next"], arrays["row"], arrays["feature"]
        self._weights, self._prior, fold = arrays["weights"], arrays["prior"], arrays["fold"]
        _, self._first_class = np.unique(fold, return_index=True)
        more = np.setdiff1d(np.arange(len(fold)), self._first_class)
        self._more_classes = list(zip(more.tolist(), fold[more].tolist(), strict=True))
        self._depth = int(arrays["depth"])
        self.codes = tuple(arrays["codes"].tolist())
        self.labels = _labels_of(arrays)

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the package's normalized probabilities, shape (n, classes), of n texts."""
        encoded = [unicodedata.normalize("NFC", text).encode() for text in texts]
        lengths = np.asarray([len(e) for e in encoded])
        rows, features = self._walk(encoded, lengths)
        scores = self._bayes(rows, features, len(texts))
        scores *= (1.0 / np.sqrt(np.maximum(lengths, 1))).astype(np.float32)[:, None]
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        folded = scores[:, self._first_class]
        for place, number in self._more_classes:  # a few languages have two
            folded[:, number] += scores[:, place]
        return folded

    def _walk(
        self, encoded: list[bytes], lengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Walk the automaton over all texts; return (text, feature) for each n-gram found.

        A state depends on no more bytes than the longest n-gram has (Aho and Corasick), so the
        texts, each ended by a byte that no n-gram has, are one stream that is walked in _LANES
        pieces at once, each from a few bytes before it:

            stream   aaaa.bbbbbbb.cc.dddddd      pieces   aaaa.bbb  bb.bbbb.c  ..
        """
        stream = np.frombuffer(_NO_BYTE.join([*encoded, b""]), np.uint8)
        length = -(-len(stream) // _LANES)
        padded = np.full(self._depth + _LANES * length, ord(_NO_BYTE), np.uint8)
        padded[self._depth : self._depth + len(stream)] = stream
        pieces = sliding_window_view(padded, self._depth + length)[::length]
        states = np.empty((self._depth + length, _LANES), np.int32)
        row = np.full(_LANES, self._row[0], np.int32)
        for octets, state in zip(np.ascontiguousarray(pieces.T), states, strict=True):
            self._next.take(row + octets, out=state, mode="clip")  # which does not buffer `out`
            row = self._row.take(state)
        feature = self._feature.take(states[self._depth :].T.ravel()[: len(stream)])
        hit = np.flatnonzero(feature >= 0)
        return np.repeat(np.arange(len(encoded)), lengths + 1)[hit], feature[hit]

    def _bayes(
        self, rows: NDArray[np.int64], features: NDArray[np.int32], count: int
    ) -> NDArray[np.float32]:
        """Sum log(1 + occurrences) * weight of each text's features; texts without a feature score
        0 everywhere."""
        # A row's sum in this product does not depend on the other rows, as it might in BLAS.
        from scipy.sparse import csr_array  # type: ignore[import-untyped, unused-ignore]

        width = len(self._weights)
        occurs = np.zeros(width, bool)
        occurs[features] = True
        used = np.flatnonzero(occurs)
        column = np.zeros(width, np.int64)
        column[used] = np.arange(len(used))
        keys = rows * len(used) + column.take(features)
        # Numbers of 32 bits are sorted several times as fast as those of 64.
        keys = np.sort(keys.astype(np.uint32) if count * len(used) < 1 << 32 else keys)
        first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
        occurrences = np.diff(first, append=len(keys))
        keys = keys[first].astype(np.int64)
        starts = np.searchsorted(keys, np.arange(count + 1) * len(used))
        matrix = csr_array(
            (np.log1p(occurrences.astype(np.float32)), keys % len(used), starts),
            shape=(count, len(used)),
            dtype=np.float32,
        )
        scores = np.asarray(matrix @ self._weights.take(used, axis=0))
        scores += np.where(np.diff(starts)[:, None] > 0, self._prior, np.float32(0))
        return scores

    def __call__(self, texts: Sequence[str]) -> Opinions:
        """Identify n texts."""
        probabilities = self.probabilities(texts)
        labels = best(probabilities, RANKS)
        score = np.take_along_axis(probabilities, labels, axis=1)
        evidence = np.empty(labels.shape, np.int64)
        evidence[:, 0] = np.searchsorted(self.PROBABILITIES, score[:, 0], side="right")
        later = len(self.PROBABILITIES) + 1 + (len(self.SECOND) + 1) * np.arange(RANKS - 1)
        evidence[:, 1:] = later + np.searchsorted(self.SECOND, score[:, 1:], side="right")
        return Opinions(labels, by_length(evidence, self._BINS, texts))


class FunLangID:
    """Share of a text's 4-grams that are among the 150 most telling ones of a language.

    Evidence: the best share, and how far the second language is from the best.
    """

    name = "fun_langid"
    batch = 128  # the table of (text, code), 0.8 MB, stays in the cache of one core
    version = version("commonlid")
    SHARES = (0.05, 0.1, 0.15, 0.2, 0.28)
    LEADS = (0.04, 0.1, 0.2, 0.35)  # (best - second) / best
    BEHIND = (0.8, 0.95)  # later labels: share / best share
    _BINS = (len(SHARES) + 1) * (len(LEADS) + 1) + (RANKS - 1) * (len(BEHIND) + 1)
    bins = _BINS * LENGTHS
    # languages scored by single characters as well
    _SINGLE = frozenset({"zh", "zh-Hant", "yue", "ja"})
    _SLOTS = 1 << 18  # of which the lexicon's 89,000 grams need a third
    _SHIFT = np.uint64(64 - 17)  # leaves the number of a slot of one half

    def __init__(self) -> None:
        arrays = kept_arrays(f"fun_langid-{self.version}-{_FORMAT}", self._arrays)
        self.codes = tuple(arrays["codes"].tolist())
        self.labels = _labels_of(arrays)
        self._letters = arrays["letters"]
        self._keys, self._owners = arrays["keys"], arrays["owners"]
        self._first, self._pairs = arrays["first"], arrays["pairs"]
        self._single_owners = {code: self.codes.index(code) for code in sorted(self._SINGLE)}
        self._owned = {code: arrays[f"owned-{code}"] for code in self._single_owners}

    @classmethod
    def _arrays(cls) -> dict[str, NDArray[Any]]:
        """Index the lexicon: numbers of letters, grams by the slots of their keys, and the
        languages that list each."""
        lexicon = _fun_langid_lexicon()
        codes = tuple(code for code, _ in lexicon)
        owners: dict[str, list[int]] = {}  # a gram listed twice counts twice, as there
        for row, (_, grams) in enumerate(lexicon):
            for gram in grams[:150]:
                if 0 < len(gram) <= 4:
                    owners.setdefault(gram, []).append(row)
        alphabet = sorted({character for gram in owners for character in gram})
        # A code point's number in the lexicon's alphabet, 1 for any other; two bits more say what
        # is white space, and what is counted by itself.
        letters = np.ones(0x110000, np.uint16)
        letters[list(map(ord, alphabet))] = np.arange(2, len(alphabet) + 2)
        letters[[c for c in range(0x3001) if chr(c).isspace()]] |= _BLANK_BIT
        packed = np.zeros((len(owners), 4), np.int64)  # 0 where a gram has fewer letters
        for place, gram in enumerate(owners):
            packed[place, : len(gram)] = letters[list(map(ord, gram))] & ~_BLANK_BIT
        keys = packed @ (1 << np.array([42, 28, 14, 0]))
        # The owners of each gram stand in pairs, the last with nobody where they are odd.
        counts = np.asarray([-(-len(rows) // 2) for rows in owners.values()], np.int32)
        paired = [(*rows, *[len(codes)] * (len(rows) % 2)) for rows in owners.values()]
        slots = cls._place(keys)
        by_slot = np.zeros((3, cls._SLOTS), np.int64)
        by_slot[0] = -1
        by_slot[:, slots] = keys, np.cumsum(counts) - counts, counts
        singles = {
            code: sorted(
                ord(gram) for gram, rows in owners.items() if len(gram) == 1 and row in rows
            )
            for row, code in enumerate(codes)
            if code in cls._SINGLE
        }
        alone = [point for points in singles.values() for point in points if point >= 126]
        letters[alone] |= _SINGLE_BIT
        return {
            **_label_arrays(codes, FUN_LANGID_CODES),
            "letters": letters,
            "keys": by_slot[0],
            "first": by_slot[1].astype(np.int32),
            "pairs": by_slot[2].astype(np.int32),
            "owners": np.asarray([*chain.from_iterable(paired)], np.int32).view(np.int64),
            **{f"owned-{code}": np.asarray(points, np.uint32) for code, points in singles.items()},
        }

    @classmethod
    def _slots(cls, keys: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the two slots that a key may stand in, one in each half of the table.

        Fibonacci hashing with two odd numbers: the same on every machine.
        """
        first, second = (keys.view(np.uint64) * step >> cls._SHIFT for step in _STEPS)
        return first, second + np.uint64(cls._SLOTS // 2)

    @classmethod
    def _place(cls, keys: NDArray[np.int64]) -> list[int]:
        """Give each key a slot of its own: one that finds both taken turns another out (Pagh and
        Rodler, Cuckoo Hashing, 2004). That ends where less than half of the slots are needed."""
        first, second = (slots.tolist() for slots in cls._slots(keys))
        holders = [-1] * cls._SLOTS
        chosen = [-1] * len(keys)
        for moving in range(len(keys)):
            while moving >= 0:
                slot = second[moving] if chosen[moving] == first[moving] else first[moving]
                chosen[moving] = slot
                moving, holders[slot] = holders[slot], moving
        return chosen

    def counts(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Count 4-grams that are in each code's list, shape (n, codes), and all 4-grams, shape
        (n,), of n texts."""
        stripped = [
            f" {text.lower().replace(chr(34), chr(39)).replace('/', ' ').strip()} "
            for text in texts
        ]
        lengths = np.fromiter(map(len, stripped), np.int64, len(stripped))
        points = np.frombuffer("".join([*stripped, "   "]).encode("utf-32-le"), np.uint32)
        letters = self._letters.take(points)
        keys, kept = self._windows(letters & ~_SINGLE_BIT)
        # A window lies within one text, and the original leaves out the last one.
        ends = np.cumsum(lengths)
        kept[np.maximum(ends[:, None] - np.arange(1, 5), 0)] = False
        text_of = np.repeat(np.arange(len(texts)), lengths)
        places = np.flatnonzero(kept)
        totals = np.bincount(text_of[places], minlength=len(texts))
        slots = self._find(keys[places])
        hit = np.flatnonzero(slots >= 0)
        scores = self._count(text_of[places[hit]], slots[hit], len(texts))
        singles = np.flatnonzero(letters & _SINGLE_BIT)
        for code, column in self._single_owners.items() if len(singles) else ():
            owned = singles[np.isin(points[singles], self._owned[code])]
            scores[:, column] += np.bincount(text_of[owned], minlength=len(texts)) * (totals > 0)
        return scores, totals

    def _windows(self, letters: NDArray[np.uint16]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Pack the four letters that begin at each place but the last three, white space stripped
        from both ends; keep those of two or more letters.

            a b c d    key: a << 42 | b << 28 | c << 14 | d, moved up where a, or a and b, are blank
        """
        blank = (letters >> 15).view(np.int16)
        number = (letters & ~_BLANK_BIT).astype(np.int64)
        pair = number[:-1] << 14
        pair |= number[1:]
        blanks = 2 * blank[:-1] + blank[1:]  # of a pair
        keys = pair[:-2] << 28
        keys |= pair[2:] & _BLANK_END.take(blanks[2:])
        keys <<= _BLANK_BEGIN.take(blanks[:-2])
        keys &= (1 << 56) - 1
        both = _LETTERS_OF_PAIR.take(blanks)
        return keys, both[:-2] + both[2:] > 1

    def _find(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the slot of each key's gram, -1 where the lexicon has none."""
        first, second = self._slots(keys)
        slots = np.where(self._keys.take(first) == keys, first, second).view(np.int64)
        return np.where(self._keys.take(slots) == keys, slots, -1)

    def _count(
        self, rows: NDArray[np.int64], slots: NDArray[np.int64], count: int
    ) -> NDArray[np.int32]:
        """Count for each text the grams that each language lists: the owners of a text's grams,
        one after the other, are the column numbers of a sparse row, whose equal ones add up."""
        from scipy.sparse import csr_array  # type: ignore[import-untyped, unused-ignore]

        pairs = self._pairs.take(slots)
        ends = np.cumsum(pairs)
        places = np.arange(ends[-1] if len(ends) else 0)
        places += np.repeat(self._first.take(slots) - ends + pairs, pairs)
        owners = self._owners.take(places).view(np.int32)
        first_hits = np.searchsorted(rows, np.arange(count + 1))
        starts = (2 * np.append(0, ends)[first_hits]).astype(np.int32)
        ones = np.ones(len(owners), np.int32)
        listed = csr_array((ones, owners, starts), shape=(count, len(self.codes) + 1)).toarray()
        found: NDArray[np.int32] = listed[:, :-1]
        return found

    def __call__(self, texts: Sequence[str]) -> Opinions:
        """Identify n texts."""
        counts, totals = self.counts(texts)
        labels = best(counts, RANKS)
        score = np.take_along_axis(counts, labels, axis=1) / np.maximum(totals, 1)[:, None]
        top = np.maximum(score[:, :1], 1e-9)
        evidence = np.empty(labels.shape, np.int64)
        lead = np.searchsorted(self.LEADS, (score[:, 0] - score[:, 1]) / top[:, 0], side="right")
        evidence[:, 0] = (
            np.searchsorted(self.SHARES, score[:, 0], side="right") * (len(self.LEADS) + 1) + lead
        )
        later = (len(self.SHARES) + 1) * (len(self.LEADS) + 1) + (len(self.BEHIND) + 1) * np.arange(
            RANKS - 1
        )
        evidence[:, 1:] = later + np.searchsorted(self.BEHIND, score[:, 1:] / top, side="right")
        labels[score <= 0] = -1
        return Opinions(labels, by_length(evidence, self._BINS, texts))


def _py3langid_arrays() -> dict[str, NDArray[Any]]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    codes = tuple(dict.fromkeys(model.nb_classes))
    following = np.asarray(model.tk_nextmove, np.int32)
    row = np.asarray(model.tk_row, np.int32) << 8
    return {
        **_label_arrays(codes),
        "next": following,
        "row": row,
        "depth": np.asarray(_depth(following, row)),
        "feature": np.asarray(model.tk_output, np.int32),
        "weights": np.asarray(model.nb_ptc, np.float32),
        "prior": np.asarray(model.nb_pc, np.float32),
        "fold": np.asarray([codes.index(code) for code in model.nb_classes]),
    }


def _depth(following: NDArray[np.int32], row: NDArray[np.int32]) -> int:
    """Return how many bytes lead from the first state of an automaton to the farthest."""
    reached = np.zeros(len(row), bool)
    states, depth = np.zeros(1, np.int32), -1
    while len(states):
        reached[states] = True
        states = np.unique(following[row[states][:, None] + np.arange(256)])
        states, depth = states[~reached[states]], depth + 1
    return depth


def fun_langid_module() -> Any:
    """Load the one file of `commonlid` that holds fun_langid; the package itself, with its
    dependencies, is not imported.
    """
    found = (file.locate() for file in distribution("commonlid").files or [])
    path = next((str(path) for path in found if str(path).endswith("vendor/fun_langid.py")), None)
    spec = importlib.util.spec_from_file_location("fun_langid", path) if path else None
    if spec is None or spec.loader is None:
        raise ImportError("commonlid has no vendor/fun_langid.py; install commonlid==0.2.5")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _fun_langid_lexicon() -> list[tuple[str, list[str]]]:
    """Read fun_langid's lists of 4-grams without building its own index."""
    module = fun_langid_module()
    table = module.FunLangID.__new__(module.FunLangID)
    table._init_lexicon()
    return table._lexicon


def best(scores: NDArray[np.float32] | NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Return the columns of the `count` highest scores (at least 0) of each row, best first; of
    equals, the first."""
    scores = scores.copy()
    chosen = np.empty((len(scores), count), np.int64)
    every = np.arange(len(scores))
    for rank in range(count):
        chosen[:, rank] = scores.argmax(axis=1)
        scores[every, chosen[:, rank]] = -1
    return chosen
