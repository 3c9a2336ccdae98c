"""Turn what a model says into a probability, by a table learned from sentences of known language.

For a model m, the probability that its label l is right, given its evidence bin b, is modelled as
`logit P = bin[m, b] + label[m, l, g]`: how sure it looks, and how far that label is to be trusted
when it does. Models that agree are combined by noisy-or, `1 - product(1 - P)`, which is too sure of
itself because models err together, and knows nothing of how far the best label leads. So the result
is taken as the opinion of one more model, whose evidence is its value, the lead over the next label
and the length of the text (`combined_evidence`), and calibrated like the others on sentences that
they did not learn from.

Where one model names a language first and two agree on another, either is evidence of its own kind
(`contested`), and languages count by the prior of scores (below). Otherwise a short Persian
sentence is Kashmiri because fun_langid finds its 4-grams, and English is Nigerian Pidgin: as many
passages teach the one as the other, while texts of the large language are a hundred times as many.

Labels are chosen under a mild prior, so that a small language is not taken for its large neighbour.
How sure the best one is depends on the corpus: where languages occur by their size, labels are
right more often than where 800 of them are equally frequent. A last map of scores, monotone for
each path, says so (isotonic regression, Ayer et al. 1955).

A label here is a language in the script of the text (`srp_Latn` is not trusted because `srp_Cyrl`
is). A language that the calibration sentences have in other scripts only is taken as impossible in
this one, unless the model's own label names the script. A language that they do not have at all
gets `UNSEEN_CORRECT` imagined right answers next to its observed wrong ones, and a label of few
passages such a part of them as it lacks of `ENOUGH_PASSAGES`: otherwise two passages of Maori are
outweighed by the few of thousands in other languages that a model takes for it.

On a corpus where one language dominates, its neighbours' labels are right less often than the table
says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.language import NO_LINGUISTIC_CONTENT
from stages.language_identification.embedded_models import LabelTable, Opinions
from stages.language_identification.labels import same_script

RIDGE = 0.5  # how strongly a label's trust is drawn to 0, in observations of variance 1
UNSEEN_CORRECT = 60.0
ENOUGH_PASSAGES = 50  # of a label; the Declaration alone has about 60
GROUPS = 5
SURE = 1.0  # log-odds of an evidence bin (73 %) from which a model counts as sure
# code, keys and the like; letters of another script are in some language
NOISE_SCRIPTS = (
    "Latn",
    "Zyyy",
)
_STEPS = 40


class ModelCalibration(NamedTuple):
    """Log-odds of one model: one for each evidence bin, and one for each label and
    `trust_group`."""

    bins: NDArray[np.float64]
    labels: Mapping[str, tuple[float, ...]]

    def scores(
        self, opinions: Opinions, scripts: NDArray[np.str_], trust: Trust
    ) -> NDArray[np.float32]:
        """Return the probability of each opinion, shape (n, ranks); 0 where there is none or the
        script forbids it."""
        names, codes = np.unique(scripts, return_inverse=True)
        by_script = np.stack([trust[name] for name in names.tolist()])  # script, label, group
        logits = self.bins[opinions.evidence]
        groups = trust_group(opinions.evidence, logits, np.arange(opinions.labels.shape[1]))
        logits = logits + by_script[codes[:, None], opinions.labels, groups]
        return np.where(opinions.labels >= 0, 1 / (1 + np.exp(-logits)), 0).astype(np.float32)


class Trust(dict[str, NDArray[np.float64]]):
    """For each script, made when first asked for: the log-odds of a model's labels, shape (labels,
    GROUPS).

    Without `known` labels every one is possible: the answers that are combined have been through
    that gate.
    """

    def __init__(
        self, model: ModelCalibration, table: LabelTable, known: frozenset[str] | None
    ) -> None:
        super().__init__()
        self.model, self.table, self.known = model, table, known

    def __missing__(self, script: str) -> NDArray[np.float64]:
        trust = np.zeros((len(self.table.languages), GROUPS))
        for row, (language, own) in enumerate(
            zip(self.table.languages, self.table.scripts, strict=True)
        ):
            learned = self.model.labels.get(f"{language}_{script}", ())
            trust[row, : len(learned)] = learned
            if self.known is not None and not possible(language, own, script, self.known):
                trust[row] = -np.inf
        self[script] = trust
        return trust


class Calibration(NamedTuple):
    """The whole table: `models` by name (one is COMBINED), and the (language, script) labels it
    knows.

    `best` holds the last map of a best label's score, from and to, by who gave it. `languages` are
    those that any of the models can answer.
    """

    models: Mapping[str, ModelCalibration]
    known: frozenset[str]
    best: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    sources: Mapping[str, object]
    languages: frozenset[str] = frozenset()


def possible(language: str, own: str | None, script: str, known: frozenset[str]) -> bool:
    """Tell whether a label of `language` can be right for a text in `script`.

    >>> known = frozenset({"hin_Deva", "*hin"})
    >>> [possible("hin", own, script, known) for own, script in ((None, "Deva"), (None, "Latn"), ("Latn", "Latn"))]
    [True, False, True]
    """
    if language == NO_LINGUISTIC_CONTENT:
        return script in NOISE_SCRIPTS
    if own is not None:
        return same_script(own, script)
    return f"{language}_{script}" in known or f"*{language}" not in known


def known_labels(labels: Iterable[str]) -> frozenset[str]:
    """Make the lookup of `possible`: the labels themselves and `*language` for each of their
    languages."""
    labels = set(labels)
    return frozenset(labels | {f"*{label[:3]}" for label in labels})


class ModelTable(NamedTuple):
    """What a model can answer: its labels, and how many kinds of evidence it gives for one."""

    labels: LabelTable
    bins: int


class LabelledTexts(NamedTuple):
    """n texts to learn from: the script and the gold label (`eus_Latn`) of each, and how many texts
    it stands for, by default one.

    `passages` says how many there are of each label, by default enough.
    """

    scripts: Sequence[str]
    gold: Sequence[str]
    weights: NDArray[np.float64] | None = None
    passages: Mapping[str, int] = MappingProxyType({})


def fit_model(
    opinions: Opinions,
    model: ModelTable,
    texts: LabelledTexts,
    known: frozenset[str],
    gate: bool = True,
) -> ModelCalibration:
    """Learn a model's log-odds from its opinions on n texts whose gold labels are known.

    Without a `gate` opinions count that the script of their text makes impossible.
    """
    (table, bins), (scripts, gold, weights, passages) = model, texts
    rows, ranks = np.nonzero(opinions.labels >= 0)
    label_of = opinions.labels[rows, ranks]
    languages = np.asarray(table.languages)[label_of]
    script_of = np.asarray(scripts)[rows]
    allowed = np.asarray(
        [
            not gate or possible(language, table.scripts[number], script, known)
            for language, number, script in zip(
                languages.tolist(), label_of.tolist(), script_of.tolist(), strict=True
            )
        ],
        bool,
    )
    rows, ranks, languages, script_of = (
        rows[allowed],
        ranks[allowed],
        languages[allowed],
        script_of[allowed],
    )
    evidence = opinions.evidence[rows, ranks]
    right = (languages == np.asarray([g[:3] for g in gold])[rows]).astype(np.float64)
    weight = np.ones(len(rows)) if weights is None else weights[rows]
    total = np.bincount(evidence, weights=weight, minlength=bins)
    correct = np.bincount(evidence, weights=weight * right, minlength=bins)
    rate = (correct + 0.5) / (total + 1)
    offsets = np.log(rate / (1 - rate))
    names, code = np.unique(
        [f"{a}_{b}" for a, b in zip(languages, script_of, strict=True)], return_inverse=True
    )
    imagined = UNSEEN_CORRECT * np.asarray(
        [_lacking(name, passages, known) for name in names.tolist()], np.float64
    )
    outcomes = _Outcomes(right, weight)

    def label_trust() -> NDArray[np.float64]:
        at = offsets[evidence]
        typical = np.average(at, weights=weight * right + 1e-9) if len(at) else 0.0
        return _fit(at, code, outcomes, _Imagined(imagined, np.full(len(names), typical)))

    trust = label_trust()
    # once more for the bins, with the labels' trust known; its mean belongs to the bins
    trust -= np.average(trust[code], weights=weight) if len(code) else 0.0
    none = _Imagined(np.zeros(bins), np.zeros(bins))
    offsets = np.round(_fit(trust[code], evidence, outcomes, none, ridge=1e-2), 3)
    trust = label_trust()
    # and how much more or less each label is to be trusted when the model looks sure, unsure, or
    # says it second; imagined answers are spread over these as the right ones of all labels are
    group = trust_group(evidence, offsets[evidence], ranks)
    mass = np.bincount(group, weight * right, GROUPS)
    typical = np.bincount(group, weight * right * offsets[evidence], GROUPS) / np.maximum(
        mass, 1e-9
    )
    share = mass / max(mass.sum(), 1e-9)
    more = _fit(
        offsets[evidence] + trust[code],
        code * GROUPS + group,
        outcomes,
        _Imagined(np.outer(imagined, share).ravel(), np.add.outer(trust, typical).ravel()),
    )
    # no single model has contested evidence
    groups = GROUPS if bins > CONTESTED else GROUPS - 2
    rows_of = np.round(trust[:, None] + more.reshape(-1, GROUPS)[:, :groups], 2).tolist()
    return ModelCalibration(
        offsets, {name: tuple(row) for name, row in zip(names.tolist(), rows_of, strict=True)}
    )


def trust_group(
    evidence: NDArray[np.int64], logits: NDArray[np.float64], ranks: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Number the group of each opinion: 0 the first label of a sure model, 1 of an unsure one, 2 a
    later label; of what models say together, 3 a label that one names against two, 4 that of the
    two."""
    group = np.where(ranks > 0, 2, (logits < SURE).astype(np.int64))
    return np.where(evidence < CONTESTED, group, np.where(evidence < _OF_TWO, 3, 4))


def _lacking(label: str, passages: Mapping[str, int], known: frozenset[str]) -> float:
    """Return the share that a label lacks of enough passages: 1 if there are none, 0 for noise.

    A label without passages has come through the gate, so a model of its own script answers it
    (Hindi in Latin letters), or nobody has text of its language.
    """
    if label[:3] == NO_LINGUISTIC_CONTENT:
        return 0.0
    if f"*{label[:3]}" not in known:
        return 1.0
    there = passages.get(label, 0 if passages else ENOUGH_PASSAGES)
    return max(0.0, 1 - there / ENOUGH_PASSAGES)


class _Outcomes(NamedTuple):
    """Whether n opinions are right (1 or 0), and how many texts each stands for."""

    right: NDArray[np.float64]
    weight: NDArray[np.float64]


class _Imagined(NamedTuple):
    """How many right outcomes to imagine for each group, and the log-odds that a model gives
    them."""

    number: NDArray[np.float64]
    log_odds: NDArray[np.float64]


def _fit(
    fixed: NDArray[np.float64],
    group: NDArray[np.int64],
    outcomes: _Outcomes,
    imagined: _Imagined,
    ridge: float = RIDGE,
) -> NDArray[np.float64]:
    """Fit one log-odds a group to n weighted outcomes, next to their `fixed` ones, and to imagined
    ones: ridge-penalized logistic regression, solved by Newton's method."""
    (right, weight), groups = outcomes, len(imagined.number)
    value = np.zeros(groups)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(fixed + value[group])))
        gradient = np.bincount(group, weights=weight * (right - p), minlength=groups)
        curvature = np.bincount(group, weights=weight * p * (1 - p), minlength=groups)
        q = 1 / (1 + np.exp(-(imagined.log_odds + value)))
        more = imagined.number * (1 - q) - ridge * value
        flatter = imagined.number * q * (1 - q) + ridge
        value += np.clip((gradient + more) / (curvature + flatter), -1, 1)
    return value


def noisy_or(
    languages: NDArray[np.int64], scores: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Combine each row's (language, score) opinions: one entry a language, best first, then (-1,
    0).

    >>> noisy_or(np.array([[3, 5, 3]]), np.array([[0.5, 0.6, 0.5]], np.float32))
    (array([[ 3,  5, -1]]), array([[0.75, 0.6 , 0.  ]], dtype=float32))
    """
    languages = np.where(scores > 0, languages, -1)
    same = (languages[:, :, None] == languages[:, None, :]) & (languages[:, :, None] >= 0)
    doubt = np.where(same, 1 - scores[:, None, :].astype(np.float64), 1).prod(axis=2)
    repeated = np.tril(same, -1).any(axis=2)
    combined = np.where((languages < 0) | repeated, 0, 1 - doubt)
    order = np.argsort(-combined, axis=1, kind="stable")
    combined = np.take_along_axis(combined, order, axis=1)
    languages = np.where(combined > 0, np.take_along_axis(languages, order, axis=1), -1)
    return languages, combined.astype(np.float32)


COMBINED = "combined"
_SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
_BEHIND = (0.05, 0.2, 0.5)  # the next label's score / the best label's
_LENGTHS = (25, 50)  # code points
_BEST = (len(_SCORES) + 1) * (len(_BEHIND) + 1)
_SHARES = (0.35, 0.5, 0.65)  # of a label's score in its and its rival's
_CONTESTED_LENGTHS = (25, 50, 100)
_ONE_SIDE = (len(_SCORES) + 1) * (len(_SHARES) + 1) * (len(_CONTESTED_LENGTHS) + 1)
# Evidence from here on is that of contested labels; no single model has so many kinds.
CONTESTED = 2 * _BEST * (len(_LENGTHS) + 1)
_OF_TWO = CONTESTED + _ONE_SIDE
COMBINED_BINS = CONTESTED + 2 * _ONE_SIDE


def contested(named: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for n texts the label that one model names against two, and that of the two.

    `named[i, m]` is what model m names first of text i, -1 for nothing. Both are -1 where no two
    agree, or none contradicts them.

    >>> contested(np.array([[7, 7, 4], [7, 5, 4], [7, 7, 7], [7, 7, -1]]))
    (array([ 4, -1, -1, -1]), array([ 7, -1, -1, -1]))
    """
    votes = ((named[:, :, None] == named[:, None, :]) & (named >= 0)[:, :, None]).sum(axis=2)
    every = np.arange(len(named))
    is_contested = (votes.max(axis=1) > 1) & (votes == 1).any(axis=1)
    one, two = named[every, (votes == 1).argmax(axis=1)], named[every, votes.argmax(axis=1)]
    return np.where(is_contested, one, -1), np.where(is_contested, two, -1)


def combined_evidence(
    labels: NDArray[np.int64],
    scores: NDArray[np.float32],
    lengths: NDArray[np.int64],
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Number the evidence of combined scores, shape (n, ranks), best first, of texts of these
    lengths (code points).

    That of a best label is its score and how near the second comes; that of a later one its score
    and how near it comes to the best. Where two models contradict one (`sides`, see `contested`),
    that of either label is its score and its share of both.
    """
    best = np.maximum(scores[:, :1], 1e-9)
    behind = np.searchsorted(
        _BEHIND, np.concatenate([scores[:, 1:2], scores[:, 1:]], axis=1) / best, side="right"
    )
    evidence = np.searchsorted(_SCORES, scores, side="right") * (len(_BEHIND) + 1) + behind
    evidence[:, 1:] += _BEST
    evidence += 2 * _BEST * np.searchsorted(_LENGTHS, lengths, side="right")[:, None]
    of_sides = [(labels == side[:, None]) & (side >= 0)[:, None] for side in sides]
    both = np.where(of_sides[0] | of_sides[1], scores, 0).sum(axis=1, keepdims=True)
    share = np.searchsorted(_SHARES, scores / np.maximum(both, 1e-9), side="right")
    of_length = np.searchsorted(_CONTESTED_LENGTHS, lengths, side="right")[:, None]
    number = np.searchsorted(_SCORES, scores, side="right") * (len(_SHARES) + 1) + share
    number = number * (len(_CONTESTED_LENGTHS) + 1) + of_length
    return np.select(of_sides, [CONTESTED + number, _OF_TWO + number], evidence)


def isotonic(
    scores: NDArray[np.floating],
    right: NDArray[np.floating],
    knots: int = 40,
    weights: NDArray[np.float64] | None = None,
) -> tuple[list[float], list[float]]:
    """Fit the non-decreasing step from score to frequency, by pooling adjacent violators over
    equally filled bins."""
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, knots) if len(part)]
    pools: list[list[float]] = []  # weight, mean score, mean frequency
    for part in parts:
        each = np.ones(len(part)) if weights is None else weights[part]
        means = (float(np.average(values[part], weights=each)) for values in (scores, right))
        pools.append([float(each.sum()), *means])
        while len(pools) > 1 and pools[-2][2] >= pools[-1][2]:
            weight, score, share = pools.pop()
            before = pools[-1]
            joint = before[0] + weight
            pools[-1] = [
                joint,
                (before[0] * before[1] + weight * score) / joint,
                (before[0] * before[2] + weight * share) / joint,
            ]
    return [round(p[1], 4) for p in pools], [round(p[2], 4) for p in pools]


def with_best(
    scores: NDArray[np.float32], best: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> NDArray[np.float32]:
    """Map the scores of best labels, shape (n, ranks), best first; later ones share what is left as
    before.

    >>> with_best(np.array([[0.6, 0.2]], np.float32), (np.array([0.0, 1.0]), np.array([0.5, 1.0])))
    array([[0.8, 0.1]], dtype=float32)
    """
    first = scores[:, :1]
    mapped = np.interp(first, *best)
    rest = scores[:, 1:] * (1 - mapped) / np.maximum(1 - first, 1e-6)
    return np.where(
        scores > 0, np.concatenate([mapped, np.minimum(rest, mapped)], axis=1), 0
    ).astype(np.float32)


@cache
def load_calibration() -> Calibration:
    """Read the table that ships with the project."""
    return read_calibration(files(__package__).joinpath("calibration.json").read_text("utf-8"))


def read_calibration(text: str) -> Calibration:
    """Read a table as `write_calibration` wrote it."""
    content = json.loads(text)
    models = {
        name: ModelCalibration(
            np.asarray(model["bins"], np.float64),
            {label: tuple(row) for label, row in model["labels"].items()},
        )
        for name, model in content["models"].items()
    }
    return Calibration(
        models,
        known_labels(content["known"].split()),
        {
            path: (np.asarray(x, np.float64), np.asarray(y, np.float64))
            for path, (x, y) in content["best"].items()
        },
        content["sources"],
        frozenset(content["languages"].split()),
    )


def write_calibration(calibration: Calibration) -> str:
    """Write the table as JSON, a line for each model's labels, in one order always."""
    content = {
        "sources": calibration.sources,
        "known": " ".join(
            sorted(label for label in calibration.known if not label.startswith("*"))
        ),
        "languages": " ".join(sorted(calibration.languages)),
        "best": {
            path: [x.tolist(), y.tolist()] for path, (x, y) in sorted(calibration.best.items())
        },
        "models": {
            name: {
                "bins": model.bins.tolist(),
                "labels": {label: list(row) for label, row in sorted(model.labels.items())},
            }
            for name, model in sorted(calibration.models.items())
        },
    }
    return (
        json.dumps(content, separators=(",", ":"), ensure_ascii=False).replace("},", "},\n") + "\n"
    )
