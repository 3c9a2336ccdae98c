"""Train a fastText classifier for languages that no model knows, from Parquet with gold codes.

Sentences are cut and cleaned as `identify_language` will see them, every one is joined by a random
crop of 10 to 40 code points (short text is where classifiers fail), and a class `zxx` of made-up
noise is added, so that code and keyboard mash are not forced into some language. Then the model is
quantized to about a quarter.

Train a new language together with its neighbours: a classifier can only tell apart what it has
seen.

Source: Joulin et al. 2016 (arXiv:1607.01759, arXiv:1612.03651). Character n-grams of 2 to 5,
dimension 32 and 25 epochs were the best of what was tried on 123 classes: crops took the accuracy
on 20 characters from 67.8 to 83.5 %.
"""

from __future__ import annotations

import hashlib
import random
import string
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from schemas.columns import SchemaError
from schemas.language import NO_LINGUISTIC_CONTENT, UNDETERMINED
from schemas.language_groups import group_of, members_of
from stages.batches import require_utf8
from stages.keys import is_held_out, text_order
from stages.language_identification.additions import Addition, Extended, fit_addition, new_scores
from stages.language_identification.cascade import Identifier, crop
from stages.language_identification.fasttext_model import FastTextModel, load_fasttext
from stages.language_identification.labels import read_label, same_script
from stages.language_identification.passages import cut_passages, readable

NOISE_LABEL = f"{NO_LINGUISTIC_CONTENT}_Zyyy"
_BATCH_ROWS = 4096
CROP = (10, 40)  # code points
NEIGHBOURS = 12  # of a new language; what identifiers take it for is seldom more
NEIGHBOUR_SENTENCES = 300
OF_ANOTHER = 30  # passages of each other language of the script
MIN_ADDED = 5  # passages of a new language; a few hundred are better


class TrainingOptions(BaseModel):
    """Options of `train`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text_column: str = Field(
        default="text", description="Column with the text, a sentence or a document a row."
    )
    label_column: str = Field(
        default="label",
        description="Column with the gold label (`eus_Latn`, `eu`); else columns `language` and `script`.",
    )
    max_sentences: int = Field(
        default=1000, ge=1, description="Passages of one label to learn from, at most."
    )
    held_out_share: float = Field(
        default=0.1, gt=0, lt=1, description="Share of the passages kept to measure on."
    )
    noise_sentences: int = Field(
        default=1400, ge=0, description="Made-up lines of the class `zxx`."
    )
    dimension: int = Field(default=32, ge=4, description="Length of a feature's vector.")
    min_ngram: int = Field(default=2, ge=1, description="Shortest character n-gram.")
    max_ngram: int = Field(default=5, ge=1, description="Longest character n-gram.")
    buckets: int = Field(default=200_000, ge=1000, description="Slots that n-grams are hashed to.")
    epochs: int = Field(default=25, ge=1, description="Passes over the sentences.")
    learning_rate: float = Field(default=0.5, gt=0, description="Step size at the beginning.")
    quantize: bool = Field(
        default=True, description="Quantize the model to about a quarter of its size."
    )
    seed: int = Field(
        default=0, ge=0, description="Seed of crops, noise and training; 0 is a seed."
    )


class LabelReport(NamedTuple):
    """How well one label is recognized on the held-out passages."""

    precision: float
    recall: float
    f1: float
    learned: int
    held_out: int


class TrainingReport(NamedTuple):
    """What training came to: F1 of each label, and its mean over languages with held-out passages
    (not `zxx`)."""

    model: str
    sha256: str
    size_bytes: int
    macro_f1: float
    labels: dict[str, LabelReport]
    skipped: dict[str, int]
    added: Added | None = None


class Added(NamedTuple):
    """What a model that was trained with neighbours does to the cascade, on passages that neither
    learned from.

    `recall` is of the new labels that passages were held out of; `others_before` and
    `others_after` are the shares of other passages, in the scripts of the new labels, with the
    right best label by the cascade alone and with the model added. `known` are labels of languages
    that the cascade names without it, too.
    """

    recall: dict[str, float]
    others_before: float
    others_after: float
    neighbours: dict[str, tuple[str, ...]]
    known: tuple[str, ...]


def train(
    paths: Sequence[str],
    output: str,
    options: TrainingOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> TrainingReport:
    """Train on Parquet files and write the model to `output` (.bin or .ftz), which a recipe can
    name.

    The same files and options give the same bytes: one thread, and the held-out part is chosen by
    the hash of the text. `progress` is called with each step. Raises SchemaError if a file lacks
    the columns, and ValueError if fewer than two labels remain.
    """
    options = options or TrainingOptions()
    tell = progress or (lambda step: None)
    _check_output(output)
    tell("reading")
    return _train(read_sentences(paths, options), output, options, tell)


def _check_output(output: str) -> None:
    """Refuse a model that could not be written or named before it is trained. Raises
    ValueError."""
    if Path(output).suffix not in (".bin", ".ftz"):
        raise ValueError(f"a model must be a .ftz or .bin file, got {output!r}")
    if not Path(output).resolve().parent.is_dir():
        raise ValueError(f"there is no folder {str(Path(output).parent)!r} to write a model to")


class Before(NamedTuple):
    """What there is before a language is added: an identifier, and texts of other languages (columns
    text, label, source, kind, as `package_texts` gives them)."""

    identifier: Identifier
    others: pl.DataFrame


def train_with_neighbours(
    paths: Sequence[str],
    output: str,
    before: Before,
    options: TrainingOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> TrainingReport:
    """Train a model that adds the languages of Parquet files to an identifier, and write next to it
    what it adds.

    Languages that the identifier takes the new ones for are the neighbours, each a class of its
    own; some of every other language in the same scripts are one class, `und`. The map
    from score to probability (`fit_addition`) is learned from passages held out, one weight a
    language; recall and loss are measured on others that no part learned from.
    """
    options = options or TrainingOptions()
    tell = progress or (lambda step: None)
    _check_output(output)
    tell("reading")
    read = read_sentences(paths, options)
    (identifier, others), sentences = before, read.sentences
    new = sorted(set(sentences["label"]))
    if not new:
        raise ValueError(
            f"training needs passages of a label, got none from {', '.join(paths)}{_left_out(read)}"
        )
    passages = Counter(sentences["label"].to_list())
    if few := [f"{label} has {passages[label]}" for label in new if passages[label] < MIN_ADDED]:
        raise ValueError(
            f"a language is learned and measured from {MIN_ADDED} passages or more: {', '.join(few)}"
            f"{_left_out(read)}"
        )
    languages, scripts = {label[:3] for label in new}, {label[4:] for label in new}
    others = others.filter(
        pl.col("label").str.slice(4).is_in(list(scripts)),
        ~pl.col("label").str.slice(0, 3).is_in(list(languages)),
    )
    # The first text of each kind, then the second, so that no kind of text stands for a language:
    # by the first 300 of all, Xhosa learned from messages was recognized in 59 % of the paragraphs
    # of the Declaration, so in 71 %.
    in_kind = pl.int_range(pl.len()).over("label", "kind")
    others = (
        others.with_columns(turn=in_kind)
        .sort("label", "turn", maintain_order=True)
        .select("text", "label")
    )
    others = others.unique("text", keep="first", maintain_order=True)
    tell(f"looking for neighbours of {', '.join(new)}")
    neighbours = {label: _neighbours(label, sentences, identifier) for label in new}
    near = {name for names in neighbours.values() for name in names}
    most = max(passages.values())
    places = others.with_columns(
        place=pl.int_range(pl.len()).over("label"), near=pl.col("label").is_in(list(near))
    )
    is_learned = (
        pl.when("near").then(pl.col("place") < most).otherwise(pl.col("place") < OF_ANOTHER)
    )
    learned = places.filter(is_learned).with_columns(
        label=pl.when("near")
        .then("label")
        .otherwise(f"{UNDETERMINED}_" + pl.col("label").str.slice(4))
    )
    # the latter are not trained on either
    unseen = ~is_learned | is_held_out(places["text"], options.held_out_share)
    apart = places.filter(unseen).group_by("label", maintain_order=True).head(2 * OF_ANOTHER)
    together = pl.concat([sentences, learned.select("text", "label")])
    report = _train(read._replace(sentences=together), output, options, tell)
    tell("calibrating")
    model = load_fasttext(output)
    held_out = sentences.filter(is_held_out(sentences["text"], options.held_out_share))
    odd = pl.int_range(pl.len()) % 2 == 1
    fitted, judged = (
        pl.concat(
            [
                part.filter(odd if half else ~odd).select("text", "label")
                for part in (held_out, apart)
            ]
        )
        for half in (0, 1)
    )
    addition = _calibrated(model, new, fitted, options)
    addition.write(output)
    tell("measuring what it adds")
    extended = Extended(identifier, model, addition)
    gold = judged["label"].str.slice(0, 3).to_numpy()
    by_old, by_both = (
        _best_languages(by, judged["text"].to_list()) == gold for by in (identifier, extended)
    )
    is_new = np.isin(gold, sorted(languages))
    of_label = {label: by_both[(judged["label"] == label).to_numpy()] for label in new}
    recall = {label: float(right.mean()) for label, right in of_label.items() if right.size}
    known = tuple(label for label in new if identifier.answers.possible(label))
    added = Added(
        recall, float(by_old[~is_new].mean()), float(by_both[~is_new].mean()), neighbours, known
    )
    return report._replace(added=added)


def _calibrated(
    model: FastTextModel, new: Sequence[str], passages: pl.DataFrame, options: TrainingOptions
) -> Addition:
    """Fit how far the model's score for a new label is to be trusted, on passages and a crop of
    each."""
    texts = [*passages["text"].to_list(), *crop(passages["text"].to_list(), *CROP, options.seed)]
    labels = np.asarray(passages["label"].to_list() * 2)
    best, scores = new_scores(model, new, texts)
    _, of_label, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return fit_addition(new, scores, np.asarray(new)[best] == labels, 1 / counts[of_label])


def _neighbours(label: str, sentences: pl.DataFrame, identifier: Identifier) -> tuple[str, ...]:
    """Name the labels that an identifier gives to sentences of a language, the most frequent
    first."""
    texts = sentences.filter(pl.col("label") == label)["text"].head(NEIGHBOUR_SENTENCES).to_list()
    found = identifier(texts)
    sums = np.bincount(
        np.where(found.codes >= 0, found.codes, len(found.languages)).ravel(),
        found.scores.ravel(),
        len(found.languages) + 1,
    )[:-1]
    order = np.argsort(-sums, kind="stable")[: NEIGHBOURS + 1]
    names = [found.languages[code] for code in order.tolist() if sums[code] > 0]
    family = members_of(group_of(label) or "")
    close = [
        f"{name}_{label[4:]}"
        for name in names
        if name not in (label[:3], NO_LINGUISTIC_CONTENT, UNDETERMINED)
    ]
    return tuple(
        dict.fromkeys([*close[:NEIGHBOURS], *(member for member in family if member != label)])
    )


def _best_languages(identifier: Identifier, texts: list[str]) -> NDArray[np.str_]:
    found = identifier(texts)
    return np.asarray([*found.languages, UNDETERMINED])[found.codes[:, 0]]


def _train(
    read: Sentences, output: str, options: TrainingOptions, tell: Callable[[str], None]
) -> TrainingReport:
    noise = pl.DataFrame(
        {"text": noise_lines(options.noise_sentences, options.seed), "label": NOISE_LABEL}
    )
    sentences = pl.concat([read.sentences, noise]).filter(pl.col("text").str.strip_chars() != "")
    held_out = is_held_out(sentences["text"], options.held_out_share)
    learned, measured = sentences.filter(~held_out), sentences.filter(held_out)
    labels = sorted(set(learned["label"]) - {NOISE_LABEL})
    if len(labels) < 2:
        raise ValueError(
            f"training needs passages of at least two labels, got {', '.join(labels) or 'none'} from "
            f"{', '.join(read.paths)}{_left_out(read)}"
        )
    target = Path(output)
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "sentences.txt"
        lines.write_text("\n".join(_training_lines(learned, options)) + "\n", "utf-8")
        tell(
            f"training on {len(learned):,} passages of {len(labels) + 1} labels, {options.epochs} times over"
        )
        model = _fit(lines, options)
        if options.quantize:
            tell("quantizing")
            model.quantize(input=str(lines), qnorm=True, retrain=False, thread=1)
        partial = target.with_name(f".{target.name}.partial")
        model.save_model(str(partial))
        partial.replace(target)
    tell("measuring")
    sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    scores = measure(FastTextModel(model, output, sha256), learned, measured)
    judged = [scores[label].f1 for label in labels if scores[label].held_out]
    if not judged:
        raise ValueError(
            f"nothing was held out to measure on: {len(measured)} passages; give more, or a larger share"
        )
    macro = float(np.mean(judged))
    return TrainingReport(output, sha256, target.stat().st_size, macro, scores, read.skipped)


class Sentences(NamedTuple):
    """Passages of files: columns text and label, and how many passages were left out by reason:
    `unknown_label`, `other_script`."""

    sentences: pl.DataFrame
    skipped: dict[str, int]
    paths: Sequence[str]


def _left_out(read: Sentences) -> str:
    parts = [f"{count:,} {reason}" for reason, count in read.skipped.items() if count]
    return f" (left out: {', '.join(parts)})" if parts else ""


def read_sentences(paths: Sequence[str], options: TrainingOptions) -> Sentences:
    """Read passages with their labels, at most `max_sentences` a label, in an order that the text
    alone decides."""
    parts: list[pl.DataFrame] = []
    skipped = {"unknown_label": 0, "other_script": 0}
    for path in paths:
        try:
            file = pq.ParquetFile(path)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path} is no Parquet file: {error}") from None
        with file:
            columns = _columns(file.schema_arrow, path, options)
            batches = file.iter_batches(_BATCH_ROWS, columns=columns)
            for batch in batches:
                require_utf8(pa.Table.from_batches([batch]), path)
                parts.append(_passages(batch, options, skipped))
    frame = (
        pl.concat(parts) if parts else pl.DataFrame(schema={"text": pl.String, "label": pl.String})
    )
    frame = (
        frame.with_columns(order=text_order(frame["text"]))
        .unique(["text", "label"])
        .sort("order", "label")
    )
    sentences = frame.group_by("label", maintain_order=True).head(options.max_sentences)
    return Sentences(sentences.select("text", "label"), skipped, paths)


def _columns(schema: pa.Schema, path: str, options: TrainingOptions) -> list[str]:
    asked_for = options.label_column != TrainingOptions.model_fields["label_column"].default
    wanted = (
        [options.label_column]
        if asked_for or options.label_column in schema.names
        else ["language", "script"]
    )
    if missing := [name for name in (options.text_column, *wanted) if name not in schema.names]:
        raise SchemaError(
            f"{path} lacks {', '.join(map(repr, missing))}: training needs {options.text_column!r}, and "
            f"{options.label_column!r} or 'language' and 'script'; it has {', '.join(schema.names)}"
        )
    for name in (options.text_column, *wanted):
        kind = schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise SchemaError(f"{path}: {name!r} must be string, got {kind}")
    return [options.text_column, *wanted]


def _passages(
    batch: pa.RecordBatch, options: TrainingOptions, skipped: dict[str, int]
) -> pl.DataFrame:
    """Cut the texts of one batch, and keep the passages that are in the script of their label."""
    if options.label_column in batch.schema.names:
        names = batch[options.label_column].cast(pa.string())
    else:
        names = pc.binary_join_element_wise(
            batch["language"].cast(pa.string()), batch["script"].cast(pa.string()), "_"
        )
    texts = pc.fill_null(batch[options.text_column].cast(pa.large_string()), "")
    passages = cut_passages(texts, max_code_points=10**9)
    unique = names.dictionary_encode()
    read = [read_label(name) for name in unique.dictionary.to_pylist()]
    rows = np.asarray(unique.indices.fill_null(-1))[passages.documents].tolist()
    labels: list[str | None] = []
    # a step a passage: a pair of lookups
    for row, script in zip(rows, passages.scripts, strict=True):
        language, own = read[row] if row >= 0 else (UNDETERMINED, None)
        if language == UNDETERMINED:
            skipped["unknown_label"] += 1
            labels.append(None)
        elif own is not None and not same_script(own, script):
            skipped["other_script"] += 1
            labels.append(None)
        else:
            labels.append(f"{language}_{script}")
    frame = pl.DataFrame(
        {"text": pl.Series(passages.texts), "label": pl.Series(labels, dtype=pl.String)}
    )
    return frame.filter(pl.col("label").is_not_null())


def _training_lines(sentences: pl.DataFrame, options: TrainingOptions) -> Iterator[str]:
    """Write each sentence and one crop of it as fastText wants them, in a shuffled order."""
    texts, labels = sentences["text"].to_list(), sentences["label"].to_list()
    pairs = zip([*texts, *crop(texts, *CROP, options.seed)], [*labels, *labels], strict=True)
    lines = [f"__label__{label} {text}" for text, label in pairs]
    random.Random(options.seed).shuffle(lines)  # noqa: S311 - repeatable, not secret
    return iter(lines)


def _fit(lines: Path, options: TrainingOptions) -> Any:
    import fasttext

    return fasttext.train_supervised(
        input=str(lines),
        dim=options.dimension,
        minn=options.min_ngram,
        maxn=options.max_ngram,
        bucket=options.buckets,
        epoch=options.epochs,
        lr=options.learning_rate,
        loss="softmax",
        minCount=1000,  # words as such are learned by heart from small data; their n-grams stay
        thread=1,
        seed=options.seed,
        verbose=0,
    )


def measure(
    model: FastTextModel, learned: pl.DataFrame, measured: pl.DataFrame
) -> dict[str, LabelReport]:
    """Compare a model's best label with the gold one of held-out passages; `zxx` in any script is
    one label."""
    found = model(measured["text"].to_list())
    gold = measured["label"].to_numpy()
    languages = np.asarray([*found.languages, UNDETERMINED], dtype=object)
    predicted = languages[found.codes[:, 0]] + np.asarray(
        [f"_{label[4:]}" for label in gold], dtype=object
    )
    counts = dict(learned["label"].value_counts().iter_rows())
    return {label: _label_report(label, gold, predicted, counts[label]) for label in sorted(counts)}


def _label_report(
    label: str, gold: NDArray[np.object_], predicted: NDArray[np.object_], learned: int
) -> LabelReport:
    true, said = gold == label, predicted == label
    right = int((true & said).sum())
    precision, recall = right / max(int(said.sum()), 1), right / max(int(true.sum()), 1)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return LabelReport(precision, recall, f1, learned, int(true.sum()))


def noise_lines(count: int, seed: int) -> list[str]:
    """Make `count` lines in no language, as they look after cleaning: code, keys, names, numbers
    with units, random letters.
    """
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def word(least: int = 2, most: int = 10, letters: str = string.ascii_lowercase) -> str:
        return "".join(chance.choices(letters, k=chance.randint(least, most)))

    keywords = [
        "if",
        "else",
        "for",
        "while",
        "return",
        "def",
        "class",
        "import",
        "from",
        "var",
        "let",
        "const",
        "function",
        "int",
        "void",
        "null",
        "true",
        "self",
        "this",
    ]
    rows = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    kinds: list[Callable[[], str]] = [
        lambda: " ".join(word() for _ in range(chance.randint(2, 9))),
        lambda: " ".join(
            word(letters=string.ascii_lowercase + string.digits)
            for _ in range(chance.randint(1, 6))
        ),
        lambda: " ".join(word(3, 12, chance.choice(rows)) for _ in range(chance.randint(1, 6))),
        lambda: " ".join(
            chance.choice([chance.choice(keywords), word(1, 6), ".", "=", ":", ","])
            for _ in range(12)
        ),
        lambda: (
            f"{chance.choice(keywords)} {word()}.{word()} = {word()}, {word()}: {chance.choice(keywords)}"
        ),
        lambda: " ".join(
            f"{chance.randint(0, 999)} {word(1, 3)}" for _ in range(chance.randint(2, 8))
        ),
        lambda: " ".join(
            chance.choice(string.ascii_lowercase) for _ in range(chance.randint(3, 20))
        ),
        lambda: word(1, 3) * chance.randint(5, 20),
    ]
    lines = pl.Series(
        [kinds[position % len(kinds)]() for position in range(count)], dtype=pl.String
    )
    return readable(lines).to_list()
