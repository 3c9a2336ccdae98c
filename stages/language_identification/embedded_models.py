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
from typing import Any, NamedTuple

import numpy as np
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
_FORMAT = 2


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
    batch = 1 << 20
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
        answers = [
            detect(text, bestEffort=True) for text in texts
        ]  # CLD2 has no call for many texts
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
        self._weights, self._prior, self._fold = arrays["weights"], arrays["prior"], arrays["fold"]
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
        folded = np.zeros((len(texts), len(self.codes)), np.float32)
        np.add.at(folded.T, self._fold, scores.T)
        return folded

    def _walk(
        self, encoded: list[bytes], lengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Walk the automaton over all texts at once; return (text, feature) for each n-gram
        found."""
        order = np.argsort(
            -lengths, kind="stable"
        )  # so that the texts not yet at their end are a prefix
        starts = (np.cumsum(lengths) - lengths)[order]
        data = np.frombuffer(b"".join(encoded), np.uint8)
        longest = int(lengths.max(initial=0))
        alive = np.searchsorted(-lengths[order], -np.arange(longest), side="left")
        row = np.full(len(encoded), self._row[0], np.int32)
        walked = [np.zeros(0, np.int32)]
        for step, count in enumerate(alive.tolist()):  # as many steps as the longest text has bytes
            state = self._next[row[:count] + data[starts[:count] + step]]
            row = self._row[state]
            walked.append(state)
        feature = self._feature[np.concatenate(walked)]
        hit = np.flatnonzero(feature >= 0)
        place = np.arange(len(feature)) - np.repeat(np.cumsum(alive) - alive, alive)
        return order[place[hit]], feature[hit].astype(np.int64)

    def _bayes(
        self, rows: NDArray[np.int64], features: NDArray[np.int64], count: int
    ) -> NDArray[np.float32]:
        """Sum log(1 + occurrences) * weight of each text's features; texts without a feature score
        0 everywhere."""
        # A row's sum in this product does not depend on the other rows, as it might in BLAS.
        from scipy.sparse import csr_array  # type: ignore[import-untyped, unused-ignore]

        width = len(self._weights)
        keys, occurrences = np.unique(rows * width + features, return_counts=True)
        starts = np.searchsorted(keys, np.arange(count + 1) * width)
        present = keys % width
        occurs = np.zeros(width, bool)
        occurs[present] = True
        used, columns = np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[present]
        matrix = csr_array(
            (np.log1p(occurrences.astype(np.float32)), columns, starts),
            shape=(count, len(used)),
            dtype=np.float32,
        )
        scores = np.asarray(matrix @ self._weights[used])
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
    batch = 256  # the table of (text, code) stays in the processor's cache
    version = version("commonlid")
    SHARES = (0.05, 0.1, 0.15, 0.2, 0.28)
    LEADS = (0.04, 0.1, 0.2, 0.35)  # (best - second) / best
    BEHIND = (0.8, 0.95)  # later labels: share / best share
    _BINS = (len(SHARES) + 1) * (len(LEADS) + 1) + (RANKS - 1) * (len(BEHIND) + 1)
    bins = _BINS * LENGTHS
    _SINGLE = frozenset(
        {"zh", "zh-Hant", "yue", "ja"}
    )  # languages scored by single characters as well
    _SLOTS = 1 << 18

    def __init__(self) -> None:
        arrays = kept_arrays(f"fun_langid-{self.version}-{_FORMAT}", self._arrays)
        self.codes = tuple(arrays["codes"].tolist())
        self.labels = _labels_of(arrays)
        self._starts, self._owners = arrays["starts"], arrays["owners"]
        self._alphabet, self._space, self._single = (
            arrays["alphabet"],
            arrays["space"],
            arrays["single"],
        )
        self._keys, self._grams, self._slot_starts = (
            arrays["keys"],
            arrays["grams"],
            arrays["slot_starts"],
        )
        self._crowd = int(np.diff(self._slot_starts).max())
        self._single_owners = {code: self.codes.index(code) for code in sorted(self._SINGLE)}
        self._owned = {code: arrays[f"owned-{code}"] for code in self._single_owners}

    @classmethod
    def _arrays(cls) -> dict[str, NDArray[Any]]:
        """Index the lexicon: the languages that list a gram, numbers of letters, grams by the slot
        of their key."""
        lexicon = _fun_langid_lexicon()
        codes = tuple(code for code, _ in lexicon)
        pairs = [
            (gram, row)
            for row, (_, grams) in enumerate(lexicon)
            for gram in grams[:150]
            if 0 < len(gram) <= 4
        ]
        grams = sorted({gram for gram, _ in pairs})
        number = {gram: position for position, gram in enumerate(grams)}
        owners = np.asarray(
            [(number[gram], row) for gram, row in pairs]
        )  # a gram listed twice counts twice, as there
        owners = owners[np.lexsort((owners[:, 1], owners[:, 0]))]
        letters = sorted({character for gram in grams for character in gram})
        # a code point's number in the lexicon's alphabet; 1 for any other, 0 for nothing (a
        # stripped space)
        alphabet = np.ones(0x110000, np.uint16)
        alphabet[[ord(character) for character in letters]] = np.arange(2, len(letters) + 2)
        space = np.zeros(0x110000, bool)
        space[[c for c in range(0x3001) if chr(c).isspace()]] = True
        packed = np.asarray([[*map(ord, gram), *[-1] * (4 - len(gram))] for gram in grams])
        keys = cls._pack(*np.where(packed < 0, 0, alphabet[packed]).astype(np.int64).T)
        # laid out by slot, so that a lookup scans the few keys of one slot
        by_slot = np.lexsort((keys, cls._slot(keys)))
        slot_starts = np.searchsorted(cls._slot(keys)[by_slot], np.arange(cls._SLOTS + 1)).astype(
            np.int32
        )
        crowd = int(np.diff(slot_starts).max())
        singles = [
            (gram, row) for gram, row in pairs if len(gram) == 1 and codes[row] in cls._SINGLE
        ]
        single = np.zeros(0x110000, bool)
        single[[ord(gram) for gram, _ in singles if ord(gram) >= 126]] = True
        owned = {
            f"owned-{code}": np.asarray(
                sorted(ord(gram) for gram, row in singles if codes[row] == code), np.uint32
            )
            for code in sorted(cls._SINGLE)
        }
        return {
            **_label_arrays(codes, FUN_LANGID_CODES),
            "starts": np.searchsorted(owners[:, 0], np.arange(len(grams) + 1)),
            "owners": owners[:, 1],
            "alphabet": alphabet,
            "space": space,
            "single": single,
            "keys": np.append(keys[by_slot], np.full(crowd, -1)),
            "grams": by_slot,
            "slot_starts": slot_starts,
            **owned,
        }

    @staticmethod
    def _pack(*letters: NDArray[np.int64]) -> NDArray[np.int64]:
        """Pack four numbers below 2^14 into one key."""
        a, b, c, d = letters
        return (a << 42) | (b << 28) | (c << 14) | d

    @staticmethod
    def _slot(keys: NDArray[np.int64]) -> NDArray[np.int64]:
        mixed = keys.astype(np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )  # Fibonacci hashing: the same on every machine
        return (mixed >> np.uint64(64 - 18)).astype(np.int64)

    def _find(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of each key's gram, -1 where the lexicon has none."""
        slots = self._slot(keys)
        position = self._slot_starts[slots]
        found = np.full(len(keys), -1, np.int64)
        left = np.flatnonzero(position < self._slot_starts[slots + 1])
        for step in range(self._crowd):  # at most as many as keys share a slot: 4 or so
            at = position[left] + step
            hit = self._keys[at] == keys[left]
            found[left[hit]] = self._grams[at[hit]]
            left = left[~hit]
            left = left[position[left] + step + 1 < self._slot_starts[slots[left] + 1]]
        return found

    def counts(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count 4-grams that are in each code's list, shape (n, codes), and all 4-grams, shape
        (n,), of n texts."""
        stripped = [
            f" {text.lower().replace(chr(34), chr(39)).replace('/', ' ').strip()} "
            for text in texts
        ]
        lengths = np.asarray([len(text) for text in stripped])
        points = np.frombuffer("".join(stripped).encode("utf-32-le"), np.uint32)
        text_of = np.repeat(np.arange(len(texts)), lengths)
        keys, kept = self._windows(points)
        ends = np.repeat(np.cumsum(lengths), lengths)
        kept &= (
            np.arange(len(keys)) < ends[: len(keys)] - 4
        )  # within one text; the original leaves out the last window
        places = np.flatnonzero(kept)
        totals = np.bincount(text_of[places], minlength=len(texts))
        found = self._find(keys[places])
        hit = found >= 0
        scores = self._count(text_of[places[hit]], found[hit], len(texts))
        singles = np.flatnonzero(self._single[points])
        for code, column in self._single_owners.items():
            owned = singles[np.isin(points[singles], self._owned[code])]
            scores[:, column] += np.bincount(text_of[owned], minlength=len(texts)) * (totals > 0)
        return scores, totals

    def _windows(self, points: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Pack the four letters that begin at each place, white space stripped from both ends; keep
        those of two or more.
        """
        count = max(len(points) - 3, 0)
        letters, space = self._alphabet[points].astype(np.int64), self._space[points]
        a, b, c, d = (space[i : i + count] for i in range(4))
        two, three = c & d, b & c & d  # blanks at the end
        key = self._pack(letters[:count], *(letters[i : i + count] for i in (1, 2, 3)))
        key &= np.where(d, ~np.int64((1 << 14) - 1), -1)
        key &= np.where(two, ~np.int64((1 << 28) - 1), -1)
        lead = a.astype(np.int64) + (a & b) + (a & b & c)
        key <<= 14 * lead
        key &= (1 << 56) - 1
        size = 4 - lead - d - two - three
        return key, size > 1

    def _count(
        self, rows: NDArray[np.int64], grams: NDArray[np.int64], count: int
    ) -> NDArray[np.int64]:
        sizes = self._starts[grams + 1] - self._starts[grams]
        owner = self._owners[
            np.arange(sizes.sum())
            + np.repeat(self._starts[grams] - np.cumsum(sizes) + sizes, sizes)
        ]
        cells = np.repeat(rows * len(self.codes), sizes) + owner
        return np.bincount(cells, minlength=count * len(self.codes)).reshape(count, -1)

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
    return {
        **_label_arrays(codes),
        "next": np.asarray(model.tk_nextmove, np.int32),
        "row": np.asarray(model.tk_row, np.int32) << 8,
        "feature": np.asarray(model.tk_output, np.int32),
        "weights": np.asarray(model.nb_ptc, np.float32),
        "prior": np.asarray(model.nb_pc, np.float32),
        "fold": np.asarray([codes.index(code) for code in model.nb_classes]),
    }


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


def best(scores: NDArray[np.float32] | NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the columns of the `count` highest scores (at least 0) of each row, best first; of
    equals, the first."""
    scores = scores.copy()
    chosen = np.empty((len(scores), count), np.int64)
    every = np.arange(len(scores))
    for rank in range(count):
        chosen[:, rank] = scores.argmax(axis=1)
        scores[every, chosen[:, rank]] = -1
    return chosen
