"""The default identifier: CLD2 first, py3langid and fun_langid where it is not sure, combined by
calibrated noisy-or.

A script that one language alone uses answers before any model. The rest goes to CLD2, which is the
fastest and mostly right: if its calibrated probability reaches `ACCEPT`, that is the answer. What
is left (a fifth to a half of passages) goes to the other two, and the three are combined, until the
document's label is decided (`Cascade.of_documents`).

Accepting at 0.8 instead of 0.9 is no faster by more than a tenth, and takes Dutch for Afrikaans and
units of measurement for Danish with a score of 0.9: CLD2 alone cannot know that it errs. Nor is it
to be trusted alone for single labels below 0.9: where no more than 0.5 % of another language's
passages may be lost by that, 15 labels can, which saves 9 % of the slow models' calls on help
pages. More than half of these are about English, behind which Nigerian Pidgin stands. The benchmark
`language_identification` measures both.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.language import UNDETERMINED, macrolanguage
from stages.language_identification.answers import Answers, answers_by
from stages.language_identification.calibration import (
    COMBINED,
    COMBINED_BINS,
    CONTESTED,
    Calibration,
    LabelledTexts,
    ModelCalibration,
    ModelTable,
    Trust,
    combined_evidence,
    contested,
    fit_model,
    isotonic,
    known_labels,
    load_calibration,
    noisy_or,
    with_best,
    write_calibration,
)
from stages.language_identification.embedded_models import (
    CLD2,
    FunLangID,
    LabelTable,
    Opinions,
    Py3Langid,
)
from stages.language_identification.labels import ONE_LANGUAGE_SCRIPTS, same_script
from stages.script_detection import by_content, count_scripts, main_scripts

if TYPE_CHECKING:
    from stages.language_identification.passages import Passages

ACCEPT = 0.9
CANDIDATES = 3
CROP = (4, 45)  # code points of the crops that calibration adds
SLOW_CODE_POINTS = 400  # the slow models read no more of a passage
# Share of a document's letters that are answered before the rest may be left to the fast model. A
# quarter of the slow models' work is left out so. Of 4,204 documents of three or ten passages none
# gets another label, nor do 220 in two languages another share of the second. In documents of ten,
# 100 % of the passages left are in the document's language; asked about, 98.7 % would be called so.
ASKED = 0.6


class Candidates(NamedTuple):
    """The best languages of n texts: `codes[i, r]` indexes `languages`, best first, -1 for none;
    `scores` in [0, 1]."""

    languages: tuple[str, ...]
    codes: NDArray[np.int64]
    scores: NDArray[np.float32]


class Identifier(Protocol):
    """What names the language of texts: lower-case passages in, `Candidates` out, one row a
    passage.

    `name`, `version` and `sha256` (of the model file, or of the calibration table) go into the
    manifest.
    """

    name: str
    version: str
    sha256: str
    answers: Answers

    def __call__(self, texts: Sequence[str]) -> Candidates: ...


class Model(Protocol):
    """One embedded model."""

    name: str
    version: str
    bins: int
    batch: int  # texts to ask for at once
    labels: LabelTable

    def __call__(self, texts: Sequence[str]) -> Opinions: ...


class OneLanguageScript:
    """A model that knows only scripts: the language that alone uses the text's script."""

    name = "script"
    version = "1"
    bins = 1
    labels = LabelTable(tuple(ONE_LANGUAGE_SCRIPTS.values()), tuple(ONE_LANGUAGE_SCRIPTS))

    @staticmethod
    def opinions(scripts: NDArray[np.str_]) -> Opinions:
        """Answer n texts by their main scripts."""
        number = {script: position for position, script in enumerate(ONE_LANGUAGE_SCRIPTS)}
        names, of_name = np.unique(scripts, return_inverse=True)
        of_names = np.asarray([number.get(name, -1) for name in names.tolist()], np.int64)
        labels = of_names[of_name].reshape(-1, 1)
        return Opinions(labels, np.zeros_like(labels))


_NO_OPINION = ModelCalibration(np.zeros(COMBINED_BINS), {})


class Answered(NamedTuple):
    """What is known of n texts so far: codes and scores as in `Candidates`; which are `unsure`,
    and what the fast model said of each (languages by number, and their scores)."""

    texts: Sequence[str]
    scripts: NDArray[np.str_]
    codes: NDArray[np.int64]
    scores: NDArray[np.float32]
    unsure: NDArray[np.bool_]
    fast: NDArray[np.int64]
    first: NDArray[np.float32]


class Cascade:
    """The embedded models with one calibration table. Loading takes about a second and 150 MB."""

    name = "cascade"

    def __init__(
        self,
        calibration: Calibration | None = None,
        accept: float = ACCEPT,
        models: tuple[Model, ...] | None = None,
    ) -> None:
        self.calibration = calibration or load_calibration()
        self.accept = accept
        self.fast, *self.slow = models or embedded_models()
        tables = [
            OneLanguageScript.labels,
            self.fast.labels,
            *(model.labels for model in self.slow),
        ]
        self.languages = tuple(
            sorted({language for table in tables for language in table.languages})
        )
        number = {language: position for position, language in enumerate(self.languages)}
        self._numbers = [
            np.asarray([number[language] for language in table.languages]) for table in tables
        ]
        names = (OneLanguageScript.name, self.fast.name, *(model.name for model in self.slow))
        self._trust = {
            name: Trust(self.calibration.models[name], table, self.calibration.known)
            for name, table in zip(names, tables, strict=True)
        }
        every = LabelTable(self.languages, (None,) * len(self.languages))
        self._trust[COMBINED] = Trust(
            self.calibration.models.get(COMBINED, _NO_OPINION), every, None
        )
        self.answers = answers_by(self.calibration)
        self.version, self.sha256 = identity((self.fast, *self.slow), self.calibration)

    def __call__(self, texts: Sequence[str]) -> Candidates:
        """Identify n lower-case passages; each row depends on its own text alone."""
        answered = self._begin(texts)
        self._finish(answered, np.arange(len(texts)))
        return Candidates(self.languages, answered.codes, answered.scores)

    def at_once(self, texts: Sequence[str]) -> Candidates:
        """Identify those of n lower-case passages that need no slow model; of others, scores are
        below `accept`."""
        answered = self._begin(texts)
        return Candidates(self.languages, answered.codes, answered.scores)

    def of_documents(self, passages: Passages) -> Candidates:
        """Identify the passages of documents; each row depends on its own document alone.

        The slow models are asked about a document's longest unsure passages, until ASKED of its
        letters have an answer. Where one language then leads by more than all other letters, the
        label is decided. What the fast model also takes for that language is not asked about: it
        counts as much as what was answered.
        """
        unique = passages.texts.dictionary_encode()
        rows = unique.indices.to_numpy(zero_copy_only=False)
        answered = self._begin(unique.dictionary.to_pylist())
        likely = answered.codes[rows, 0]
        asked = ~answered.unsure[rows] | passages.names
        asked |= _longest(passages, asked)
        self._finish(answered, rows[asked])
        voting = asked & ~passages.names
        decided, mean = _decided(passages, voting, answered.codes[rows], answered.scores[rows])
        alike = ~asked & (likely >= 0) & (likely == decided[passages.documents])
        self._finish(answered, rows[~alike])
        codes, scores = answered.codes[rows], answered.scores[rows]
        codes[alike], scores[alike] = -1, 0
        codes[alike, 0], scores[alike, 0] = likely[alike], mean[passages.documents[alike]]
        return Candidates(self.languages, codes, scores)

    def _begin(self, texts: Sequence[str]) -> Answered:
        """Answer n texts by their scripts and by the fast model."""
        codes = np.full((len(texts), CANDIDATES), -1, np.int64)
        scores = np.zeros((len(texts), CANDIDATES), np.float32)
        unsure = np.zeros(len(texts), bool)
        fast, first = codes.copy(), scores.copy()
        scripts = text_scripts(texts)
        answered = Answered(texts, scripts, codes, scores, unsure, fast, first)
        if not len(texts):
            return answered
        sole = OneLanguageScript.opinions(scripts)
        codes[:, :1] = np.where(sole.labels >= 0, self._numbers[0][sole.labels], -1)
        scores[:, :1] = self._scores(OneLanguageScript.name, sole, scripts)
        rest = np.flatnonzero(scores[:, 0] < self.accept)
        if len(rest):
            fast[rest], first[rest] = self._first(
                [texts[row] for row in rest.tolist()], scripts[rest]
            )
            codes[rest], scores[rest] = noisy_or(fast[rest], first[rest])
            unsure[rest] = first[rest].max(axis=1) < self.accept
            sure = rest[~unsure[rest]]
            scores[sure] = self._best(self.fast.name, scores[sure])
        return answered

    def _finish(self, answered: Answered, rows: NDArray[np.int64]) -> None:
        """Ask the slow models about those of some texts that are unsure: then they are answered."""
        rows = np.unique(rows[answered.unsure[rows]])
        if not len(rows):
            return
        codes, scores = self._combine(
            [answered.texts[row] for row in rows.tolist()],
            answered.scripts[rows],
            answered.fast[rows],
            answered.first[rows],
        )
        answered.codes[rows], answered.scores[rows] = codes, self._best(COMBINED, scores)
        answered.unsure[rows] = False

    def _first(
        self, texts: Sequence[str], scripts: NDArray[np.str_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ask the fast model about n texts: languages by number, and their scores."""
        opinions = batched(self.fast, texts)
        languages = np.where(opinions.labels >= 0, self._numbers[1][opinions.labels], -1)
        return languages, self._scores(self.fast.name, opinions, scripts)

    def _combine(
        self,
        texts: Sequence[str],
        scripts: NDArray[np.str_],
        fast: NDArray[np.int64],
        first: NDArray[np.float32],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ask the slow models, and combine with what the fast one said."""
        together = self._together(texts, scripts, fast, first)
        scored = self._scores(COMBINED, together, scripts)
        scored /= np.maximum(scored.sum(axis=1, keepdims=True), 1)
        order = np.argsort(-scored, axis=1, kind="stable")
        return np.take_along_axis(together.labels, order, axis=1), np.take_along_axis(
            scored, order, axis=1
        )

    def _together(
        self,
        texts: Sequence[str],
        scripts: NDArray[np.str_],
        fast: NDArray[np.int64],
        first: NDArray[np.float32],
    ) -> Opinions:
        """Return what all models say together, as the opinions of one more model."""
        texts = [text[:SLOW_CODE_POINTS] for text in texts]
        languages, scores = [fast], [first]
        for number, model in zip(self._numbers[2:], self.slow, strict=True):
            opinions = batched(model, texts)
            languages.append(np.where(opinions.labels >= 0, number[opinions.labels], -1))
            scores.append(self._scores(model.name, opinions, scripts))
        combined, raw = noisy_or(np.concatenate(languages, axis=1), np.concatenate(scores, axis=1))
        combined, raw = combined[:, :CANDIDATES], raw[:, :CANDIDATES]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        named = np.stack(
            [
                np.where(score[:, 0] > 0, language[:, 0], -1)
                for language, score in zip(languages, scores, strict=True)
            ],
            axis=1,
        )
        return Opinions(combined, combined_evidence(combined, raw, lengths, contested(named)))

    def together(self, texts: Sequence[str]) -> Opinions:
        """Return what all models say together of n lower-case passages, however sure the fast one
        is."""
        scripts = text_scripts(texts)
        return self._together(texts, scripts, *self._first(texts, scripts))

    def _best(self, path: str, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        return (
            with_best(scores, self.calibration.best[path])
            if path in self.calibration.best
            else scores
        )

    def _scores(
        self, name: str, opinions: Opinions, scripts: NDArray[np.str_]
    ) -> NDArray[np.float32]:
        return self.calibration.models[name].scores(opinions, scripts, self._trust[name])


def _longest(passages: Passages, answered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Choose passages of each document, longest first, until with the answered ones they have ASKED
    of its letters."""
    order = np.lexsort((-passages.letters, ~answered, passages.documents))
    letters, documents = passages.letters[order], passages.documents[order]
    before = np.cumsum(letters) - letters
    before -= before[np.searchsorted(documents, documents)]
    chosen = np.empty(len(order), bool)
    chosen[order] = before < ASKED * np.bincount(documents, letters)[documents]
    return chosen


def _decided(
    passages: Passages,
    voting: NDArray[np.bool_],
    codes: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return, by document, the language that leads in the voting passages by more than all other
    letters (-1 for none), and its mean score in them."""
    documents, letters = passages.documents, passages.letters
    count = int(documents.max(initial=-1)) + 1
    votes = scores * (letters * voting)[:, None]
    width = int(codes.max(initial=-1)) + 2
    keys, of_key = np.unique(documents[:, None] * width + codes + 1, return_inverse=True)
    own = np.bincount(of_key.ravel(), votes.ravel(), len(keys))
    document, code = np.divmod(keys, width)
    voted = np.bincount(documents, letters * voting, count)
    rest = np.bincount(documents, letters, count) - voted
    others = np.bincount(documents, votes.sum(axis=1), count)[document] - own
    leads = (code > 0) & (own > others + rest[document])
    decided, mean = np.full(count, -1), np.zeros(count)
    decided[document[leads]] = code[leads] - 1
    mean[document[leads]] = own[leads] / voted[document[leads]]
    return decided, mean


def identity(models: Sequence[type[Model] | Model], calibration: Calibration) -> tuple[str, str]:
    """Name models with their versions, and hash the table they are trusted by; neither needs the
    models loaded."""
    version = " ".join(f"{model.name} {model.version}" for model in models)
    return version, hashlib.sha256(write_calibration(calibration).encode()).hexdigest()


def embedded_identity() -> tuple[str, str]:
    """Return version and sha256 of the default cascade, without loading it."""
    return identity((CLD2, Py3Langid, FunLangID), load_calibration())


def embedded_models() -> tuple[Model, ...]:
    """Load the models of the cascade: the fast one, then the slow ones."""
    return CLD2(), Py3Langid(), FunLangID()


def text_scripts(texts: Sequence[str]) -> NDArray[np.str_]:
    """Return the main script of each text."""
    return np.asarray(
        main_scripts(by_content(count_scripts(pa.array(texts, pa.large_string())))), dtype="<U4"
    )


def crop(texts: Sequence[str], shortest: int, longest: int, seed: int) -> list[str]:
    """Cut a random piece of `shortest` to `longest` code points out of each text."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    cropped = []
    for text in texts:  # two random numbers and a slice
        length = chance.randint(shortest, longest)
        start = chance.randint(0, max(0, len(text) - length))
        cropped.append(text[start : start + length].strip() or text[:length])
    return cropped


class GoldPassages(NamedTuple):
    """n lower-case passages with gold labels (`eus_Latn`; `zxx_Zyyy` for noise).

    `weights` says how many passages each stands for where labels are chosen, `in_corpora` where the
    chosen one's score is mapped; by default one.
    """

    texts: Sequence[str]
    gold: Sequence[str]
    weights: NDArray[np.float64] | None = None
    in_corpora: NDArray[np.float64] | None = None


def calibrate(passages: GoldPassages, sources: Mapping[str, object], seed: int = 0) -> Calibration:
    """Learn the cascade's table from passages.

    Each text is joined by a crop of 4 to 45 code points, so that scores mean the same for short
    text. The trust in what the models say together is learned from both halves of the texts, drawn
    with `seed`, each by tables that the other half taught; then all teach the tables.
    """
    texts, gold, weights, in_corpora = passages
    chance = np.random.default_rng(seed)
    order = chance.permutation(2 * len(texts))
    half = chance.permutation(len(texts))[order % max(len(texts), 1)] % 2  # a text's and its crop's
    weight = np.tile(np.ones(len(texts)) if weights is None else weights, 2)[order]
    in_corpora = np.tile(np.ones(len(texts)) if in_corpora is None else in_corpora, 2)[order]
    texts, gold = [*texts, *crop(texts, *CROP, seed)], [*gold, *gold]
    texts, gold = [texts[row] for row in order.tolist()], [gold[row] for row in order.tolist()]
    models = embedded_models()
    gold = _answerable(gold, [OneLanguageScript.labels, *(model.labels for model in models)])
    known = known_labels(label for label in gold if not label.startswith("zxx"))
    count = {label: rows // 2 for label, rows in Counter(gold).items()}  # a text and its crop
    scripts = text_scripts(texts)
    everything = np.arange(len(texts))
    opinions = {model.name: batched(model, texts) for model in models}
    opinions[OneLanguageScript.name] = OneLanguageScript.opinions(scripts)
    tables = {model.name: ModelTable(model.labels, model.bins) for model in models}
    tables[OneLanguageScript.name] = ModelTable(OneLanguageScript.labels, OneLanguageScript.bins)

    def learned_from(rows: NDArray[np.int64], weights: NDArray[np.float64]) -> LabelledTexts:
        labels = [gold[row] for row in rows.tolist()]
        return LabelledTexts(scripts[rows].tolist(), labels, weights, count)

    def fitted(rows: NDArray[np.int64]) -> dict[str, ModelCalibration]:
        return {
            name: fit_model(
                Opinions(opinions[name].labels[rows], opinions[name].evidence[rows]),
                table,
                learned_from(rows, weight[rows]),
                known,
            )
            for name, table in tables.items()
        }

    # Each half is answered by the tables of the other: all texts teach the trust in what the models
    # say together, and none of them by a table that learned from it.
    parts: list[tuple[NDArray[np.int64], Opinions]] = []
    for teaching in (0, 1):
        teach, check = np.flatnonzero(half == teaching), np.flatnonzero(half != teaching)
        trial = Cascade(Calibration(fitted(teach), known, {}, sources), models=models)
        sure = [
            trial._scores(
                name, Opinions(*(part[check] for part in opinions[name])), scripts[check]
            ).max(axis=1)
            for name in (OneLanguageScript.name, CLD2.name)
        ]
        left = check[np.maximum(*sure) < ACCEPT]
        parts.append((left, trial.together([texts[row] for row in left.tolist()])))
    unsure = np.concatenate([rows for rows, _ in parts])
    together = Opinions(
        *(np.concatenate(arrays) for arrays in zip(*(said for _, said in parts), strict=True))
    )
    # A small language that one model names against two is judged as rarer than where labels are
    # chosen, but not as rare as it is, which would lose it to its neighbour (Magahi, Silesian).
    of_contested = (together.evidence >= CONTESTED).any(axis=1)
    combined = fit_model(
        together,
        ModelTable(LabelTable(trial.languages, (None,) * len(trial.languages)), COMBINED_BINS),
        learned_from(
            unsure,
            np.where(of_contested, np.sqrt(in_corpora[unsure] * weight[unsure]), weight[unsure]),
        ),
        known,
        gate=False,
    )
    languages = frozenset(trial.languages) - {UNDETERMINED}
    table = Calibration({**fitted(everything), COMBINED: combined}, known, {}, sources, languages)
    return table._replace(best=_best_scores(Cascade(table, models=models), texts, gold, in_corpora))


def _answerable(gold: Sequence[str], tables: Sequence[LabelTable]) -> list[str]:
    """Put the macrolanguage in place of a member that no model answers in the label's script: Gan
    text is `zho`."""
    pairs = {pair for table in tables for pair in zip(table.languages, table.scripts, strict=True)}

    def answered(language: str, script: str) -> bool:
        return any(
            name == language and (own is None or same_script(own, script)) for name, own in pairs
        )

    names = {}
    for label in sorted(set(gold)):
        wider = macrolanguage(label[:3])
        use_wider = (
            wider is not None and not answered(label[:3], label[4:]) and answered(wider, label[4:])
        )
        names[label] = f"{wider}{label[3:]}" if use_wider else label
    return [names[label] for label in gold]


def _best_scores(
    cascade: Cascade, texts: list[str], gold: list[str], weight: NDArray[np.float64]
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Fit, for what the fast model settles and for what is combined, the map from a best label's
    score to its truth."""
    scripts = text_scripts(texts)
    sole = cascade._scores(OneLanguageScript.name, OneLanguageScript.opinions(scripts), scripts)
    left = np.flatnonzero(sole.max(axis=1) < cascade.accept)
    texts, gold = [texts[row] for row in left.tolist()], [gold[row] for row in left.tolist()]
    fast = cascade._scores(cascade.fast.name, batched(cascade.fast, texts), scripts[left]).max(
        axis=1
    )
    answer = cascade(texts)
    names = np.asarray([*cascade.languages, UNDETERMINED])
    right = (names[answer.codes[:, 0]] == np.asarray([label[:3] for label in gold])).astype(
        np.float64
    )
    maps = {}
    for path, rows in (
        (cascade.fast.name, np.flatnonzero(fast >= cascade.accept)),
        (COMBINED, np.flatnonzero(fast < cascade.accept)),
    ):
        x, y = isotonic(answer.scores[rows, 0], right[rows], weights=weight[left][rows])
        maps[path] = (np.asarray([0.0, *x, 1.0]), np.asarray([0.0, *y, 1.0]))
    return maps


def batched(model: Model, texts: Sequence[str]) -> Opinions:
    """Ask a model about n texts in the batches that suit it; each row's answer depends on its own
    text alone."""
    parts = [
        model(texts[start : start + model.batch]) for start in range(0, len(texts), model.batch)
    ]
    return Opinions(
        np.concatenate([p.labels for p in parts]), np.concatenate([p.evidence for p in parts])
    )
