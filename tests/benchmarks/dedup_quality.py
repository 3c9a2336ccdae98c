"""How well near duplicates are found: `make bench NAME=dedup_quality`.

Texts are real: help pages (9 scripts), and the sample texts of gflanguages for scripts that these
lack. In each script, edited copies are planted: random units of a text (words between spaces, or
grapheme clusters where there are none) are replaced by units of other texts of the language, as
many as bring the exact Jaccard similarity of our shingles nearest to 0.0, 0.1 ... 1.0 and steps of
0.05 around the threshold. Every fifth copy is copied and edited once more, so that there are
chains.

- Truth is exact and complete: all pairs of documents of a script whose Jaccard similarity is at
  least 0.8, planted or not.
- Found are all pairs of documents that a system takes for duplicates of each other: ours, a kept
  document and those removed for it, and these among each other; datatrove's, the members of a
  cluster.
- Ours is measured twice: verified by shingles, the default, and (`signature_`) by signatures alone.
  The former knows what the truth is made of; what it lacks are pairs that share no band, and what
  it has too many are pairs of two documents removed for the same third.
- Precision, recall and F1 are over these two sets of pairs. Both systems have 14 bands of 8 and see
  the same texts.

The truth is by our shingles; datatrove's are of words as its tokenizers cut them, without accents
and numbers, and from scripts without spaces it has words only with the tokenizers of Thai and Lao
(it has others, which download a model or want further packages). So the two agree on what
similarity is where words are spaced, and only there it is MinHash and verification alone that are
compared.

Prints a table and, as its last line, one JSON object; the figures over all scripts are of all their
pairs together.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import regex  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray

from stages.deduplication.keepers import preference_keys, preference_ranks
from stages.deduplication.near import (
    band_keys,
    distinct_shingles,
    exact_similarity,
    near_duplicates,
    near_signatures,
    similarity_of,
)
from stages.deduplication.options import KeeperOrder, NearDeduplicationConfig
from stages.deduplication.shingles import shingle_hashes
from stages.extraction.extract import read_page
from stages.extraction.options import ExtractionConfig
from stages.script_detection import detect_scripts
from tests.benchmarks.datatrove_dedup_peer import run_peer
from tests.benchmarks.help_pages import LABELS, build_corpus, download_packages

CONFIG = NearDeduplicationConfig()
SIGNATURES = CONFIG.model_copy(update={"verify": "signature"})
TARGETS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
BASES = 105  # texts of a script, seven for each target
RUNGS = 40  # copies made with ever more edits, of which the one nearest to the target is taken
MIN_UNITS, MAX_UNITS = 120, 600
PHRASE = 40
PAGES = ("eu", "ru", "el", "dz", "km", "ja", "ko", "zh-cn", "zh-tw")
SAMPLES = {  # gflanguages' code: ours
    "th_Thai": "tha_Thai",
    "lo_Laoo": "lao_Laoo",
    "my_Mymr": "mya_Mymr",
    "jv_Java": "jav_Java",
    "ug_Arab": "uig_Arab",
    "am_Ethi": "amh_Ethi",
    "hi_Deva": "hin_Deva",
    "te_Telu": "tel_Telu",
    "dv_Thaa": "div_Thaa",
    "ka_Geor": "kat_Geor",
}
# languages for which datatrove cuts words offline; the rest is cut as English
WITH_TOKENIZER = (
    "tha",
    "lao",
)
_UNSPACED = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Javanese}\p{Han}\p{Hiragana}\p{Katakana}"
_GAP = r"\s\u1361\u0f0b"  # white space, the Ethiopic word space and the Tibetan tsheg
UNIT = regex.compile(rf"[{_UNSPACED}]\p{{M}}*|[^{_GAP}{_UNSPACED}]+|[{_GAP}]+")
GAP = regex.compile(rf"[{_GAP}]+")
Pairs = frozenset[tuple[int, int]]


class Score(NamedTuple):
    """Pairs that are true, found, and both."""

    true: int
    found: int
    both: int

    def figures(self, prefix: str = "") -> dict[str, float]:
        precision = self.both / self.found if self.found else 1.0
        recall = self.both / self.true if self.true else 1.0
        f1 = 2 * self.both / (self.found + self.true) if self.found + self.true else 1.0
        named = {"pair_f1": f1, "pair_precision": precision, "pair_recall": recall}
        return {prefix + name: round(value, 4) for name, value in named.items()}


def main() -> None:
    corpora = read_corpora()
    ours: dict[str, Score] = {}
    signed: dict[str, Score] = {}
    peers: dict[str, Score] = {}
    for label, texts in sorted(corpora.items()):
        truth = true_pairs(texts)
        for scores, found in (
            (ours, our_pairs(texts, CONFIG)),
            (signed, our_pairs(texts, SIGNATURES)),
            (peers, peer_pairs(texts, label[:3])),
        ):
            scores[label] = Score(len(truth), len(found), len(truth & found))
        print(
            label,
            len(texts),
            ours[label],
            "by signatures",
            signed[label],
            "datatrove",
            peers[label],
            flush=True,
        )
    by_script = {
        label.split("_")[1]: ours[label].figures()
        | {
            "signature_pair_f1": signed[label].figures()["pair_f1"],
            "peer_pair_f1": peers[label].figures()["pair_f1"],
        }
        for label in ours
    }
    result: dict[str, object] = {}
    for prefix, scores in (("", ours), ("signature_", signed), ("peer_", peers)):
        result |= total(scores.values()).figures(prefix)
    print(json.dumps(result | {"by_script": by_script}))


def total(scores: Iterable[Score]) -> Score:
    return Score(*np.sum(list(scores), axis=0).tolist())


def read_corpora() -> dict[str, list[str]]:
    """Return the documents of each language and script, edited copies included."""
    folder = Path(os.environ.get("GLOTMILL_BENCH", "out/bench")).resolve()
    corpus = folder / "help_pages"
    if not (corpus / "corpus.json").exists():  # written last
        with tempfile.TemporaryDirectory() as debs:
            download_packages([f"libreoffice-help-{name}" for name in LABELS], Path(debs))
            build_corpus(corpus, Path(debs))
    bases = {
        LABELS[name]: page_units(corpus / "parquet" / f"{name}.parquet", LABELS[name])
        for name in PAGES
    }
    bases |= {label: sample_units(code) for code, label in SAMPLES.items()}
    return {label: with_copies(units, seed_of(label)) for label, units in bases.items()}


def seed_of(label: str) -> int:
    return int.from_bytes(hashlib.blake2b(label.encode(), digest_size=8).digest())


def page_units(path: Path, label: str) -> list[list[str]]:
    """Cut the first pages of a translation that are in its script, in the order of their hashes,
    into units."""
    pages = pq.read_table(path, columns=["html"])["html"].to_pylist()
    pages.sort(key=lambda page: hashlib.blake2b(page.encode()).digest())
    found: list[list[str]] = []
    for page in pages:
        text = read_page(page, ExtractionConfig()).text
        units = UNIT.findall(" ".join(text.split()))[:MAX_UNITS]
        share = "".join(units)
        if (
            len(units) >= MIN_UNITS
            and detect_scripts(pa.array([share]))[0].as_py() == label.split("_")[1]
        ):
            found.append(units)
            if len(found) == BASES:
                break
    return found


def sample_units(code: str) -> list[list[str]]:
    """Make texts of random phrases of a language's sample text, half of them each, and cut them
    into units.

    A phrase is as many runs between spaces as make PHRASE code points. Texts share phrases, not
    their order.
    """
    from gflanguages import LoadLanguages

    sample = LoadLanguages()[code].sample_text
    fields = (
        sample.specimen_48,
        sample.specimen_36,
        sample.specimen_32,
        sample.specimen_21,
        sample.specimen_16,
    )
    phrases = [""]
    for run in " ".join(fields).split():
        if len(phrases[-1]) >= PHRASE:
            phrases.append("")
        phrases[-1] += run + " "
    random = np.random.default_rng(seed_of(code))
    size = max(2, len(phrases) // 2)
    texts = ["".join(random.permutation(phrases)[:size].tolist()) for _ in range(BASES)]
    return [UNIT.findall(text.strip())[:MAX_UNITS] for text in texts]


def with_copies(bases: list[list[str]], seed: int) -> list[str]:
    """Add a copy of each text, edited to a target similarity, and of each fifth copy a copy to the
    same target."""
    random = np.random.default_rng(seed)
    pool = [unit for units in bases for unit in units if not GAP.fullmatch(unit)]
    copies = [
        edited(units, TARGETS[n % len(TARGETS)], pool, random) for n, units in enumerate(bases)
    ]
    again = [
        edited(units, TARGETS[n % len(TARGETS)], pool, random)
        for n, units in enumerate(copies)
        if n % 5 == 3
    ]
    return ["".join(units) for units in [*bases, *copies, *again]]


def edited(
    units: list[str], target: float, pool: Sequence[str], random: np.random.Generator
) -> list[str]:
    """Replace random units of a text by others, so many that the similarity is the nearest to the
    target."""
    replaceable = [n for n, unit in enumerate(units) if not GAP.fullmatch(unit)]
    order = random.permutation(replaceable)
    others = random.integers(0, len(pool), len(order))
    rungs = []
    for count in np.unique(
        np.rint(len(order) * np.linspace(0, 1, RUNGS) ** 2).astype(int)
    ).tolist():
        rung = list(units)
        for place, other in zip(order[:count].tolist(), others[:count].tolist(), strict=True):
            rung[place] = pool[other]
        rungs.append(rung)
    batch = pa.record_batch({"text": pa.array(map("".join, rungs), pa.large_string())})
    distinct = distinct_shingles(
        shingle_hashes(batch, CONFIG.word_shingle, CONFIG.grapheme_shingle)
    )
    similarities = exact_similarity(distinct, np.zeros(len(rungs), np.int64), np.arange(len(rungs)))
    return rungs[int(np.abs(similarities - target).argmin())]


def batch_of(texts: Sequence[str]) -> pa.RecordBatch:
    ids = [f"{n:06d}" for n in range(len(texts))]
    return pa.record_batch({"id": ids, "text": pa.array(texts, pa.large_string())})


def true_pairs(texts: Sequence[str]) -> Pairs:
    """Compare all pairs as sets of shingles, apart from all that is measured but how a text is
    shingled."""
    shingles = shingle_hashes(batch_of(texts), CONFIG.word_shingle, CONFIG.grapheme_shingle)
    sets = [frozenset(part.tolist()) for part in np.split(shingles.hashes, shingles.offsets[1:-1])]
    return frozenset(
        (a, b)
        for b in range(len(sets))
        for a in range(b)
        if len(sets[a] & sets[b]) >= CONFIG.threshold * len(sets[a] | sets[b]) > 0
    )


def our_pairs(texts: Sequence[str], config: NearDeduplicationConfig) -> Pairs:
    batch = batch_of(texts)
    made = near_signatures(batch, config)
    keys = band_keys(made.signatures, config)
    ranks = preference_ranks(
        preference_keys(batch.take(pa.array(made.rows)), KeeperOrder(by=("longest",)))
    )
    distinct = distinct_shingles(
        shingle_hashes(
            batch.take(pa.array(made.rows)), config.word_shingle, config.grapheme_shingle
        )
    )
    found = near_duplicates(keys, ranks, similarity_of(made.signatures, distinct, config), config)
    return pairs_within(made.rows[found.keepers], made.rows[found.removed])


def pairs_within(keepers: NDArray[np.int64], removed: NDArray[np.int64]) -> Pairs:
    clusters: dict[int, list[int]] = {}
    for keeper, document in zip(keepers.tolist(), removed.tolist(), strict=True):
        clusters.setdefault(keeper, [keeper]).append(document)
    return all_pairs(clusters.values())


def peer_pairs(texts: Sequence[str], language: str) -> Pairs:
    return all_pairs(run_peer(texts, language if language in WITH_TOKENIZER else "eng").clusters)


def all_pairs(clusters: Iterable[Sequence[int]]) -> Pairs:
    return frozenset(
        (min(a, b), max(a, b)) for cluster in clusters for a in cluster for b in cluster if a != b
    )


if __name__ == "__main__":
    main()
