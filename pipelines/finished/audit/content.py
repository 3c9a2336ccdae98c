"""What the texts themselves say: are they in their languages by another model's judgement, do they
hold personal data, do they hold texts of evaluation sets?

The first two are asked of a sample, the last of every document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_cards.display import cut_text
from pipelines.finished.audit.sample import Sample
from schemas.columns import arrange
from schemas.document import DOCUMENT
from schemas.failures import MisuseError
from schemas.finding import (
    Contamination,
    Dispute,
    Finding,
    PersonalData,
    SecondOpinion,
    note,
    warning,
)
from schemas.intervals import wilson_interval
from schemas.language import UNDETERMINED, parse_label
from stages.batches import Changed
from stages.language_identification.cascade import Identifier
from stages.privacy.options import PersonalDataConfig
from stages.privacy.personal_data import personal_data

CHECK = "content"
LANGUAGES = "languages"
DISPUTED = 0.1  # a label whose lower bound is above this gets a warning
FEW_ANSWERS = 10  # below as many the models say too little for a warning
ALIKE_CODE_POINTS = 300  # of a text's beginning, by whose letters documents count as the same
EXAMPLES = 3
EXAMPLE_CODE_POINTS = 160


def second_opinions(sample: Sample, models: Sequence[Identifier]) -> Iterator[SecondOpinion]:
    """Ask each model about the found documents of each label, where it knows the language.

    Documents that begin with the same letters are asked about once: a page that stands there a
    hundred times is one answer.
    """
    from stages.language_identification.second_opinion import (  # it imports Polars
        UNKNOWN,
        opinions,
    )

    found = [
        (label, _different(documents.filter(pc.invert(documents["made"]))))
        for label, documents in sample
        if parse_label(label).language != UNDETERMINED
    ]
    labels = [label for label, documents in found for _ in range(documents.num_rows)]
    if not labels:
        return
    texts = pa.concat_arrays([documents["text"] for _, documents in found])
    for model in models:
        verdicts, others = opinions(texts, labels, model)
        first = 0
        for label, documents in found:
            own = slice(first, first + documents.num_rows)
            first += documents.num_rows
            counts = {verdict: verdicts[own].count(verdict) for verdict in set(verdicts[own])}
            if counts.pop(UNKNOWN, 0) == documents.num_rows:
                continue
            disputed = [n for n, verdict in enumerate(verdicts[own]) if verdict == "contradicts"]
            answered = len(disputed) + counts.get("agrees", 0)
            low, high = wilson_interval(len(disputed) / answered, answered) if answered else (0, 1)
            yield SecondOpinion(
                label=label,
                model=model.name,
                agrees=counts.get("agrees", 0),
                contradicts=len(disputed),
                unsure=counts.get("unsure", 0),
                low=round(low, 4),
                high=round(high, 4),
                examples=tuple(
                    Dispute(
                        id=documents["id"][n].as_py(),
                        other=others[own][n],
                        text=cut_text(documents["text"][n].as_py(), EXAMPLE_CODE_POINTS),
                    )
                    for n in disputed[:EXAMPLES]
                ),
            )


def _different(documents: pa.RecordBatch) -> pa.RecordBatch:
    beginnings = pc.utf8_slice_codeunits(documents["text"], 0, ALIKE_CODE_POINTS)
    letters = pc.replace_substring_regex(beginnings, r"\PL+", "")
    _, first = np.unique(np.array(letters.to_pylist(), object), return_index=True)
    return documents.take(pa.array(np.sort(first)))


def opinion_findings(opinions: Iterable[SecondOpinion]) -> Iterator[Finding]:
    """Warn of labels that every model contradicts which knows the language.

    The one that contradicts least counts: the embedded models are weak in many languages.
    """
    by_label: dict[str, list[SecondOpinion]] = {}
    for opinion in opinions:
        if opinion.answered >= FEW_ANSWERS:
            by_label.setdefault(opinion.label, []).append(opinion)
    for label, own in by_label.items():
        mildest = min(own, key=lambda opinion: (opinion.low, opinion.model))
        if mildest.low > DISPUTED:
            yield warning(LANGUAGES, f"{label}: {opinion_words(mildest)}")


def opinion_words(opinion: SecondOpinion) -> str:
    """Say in words what a model thinks of a label."""
    others = ", ".join(dict.fromkeys(example.other for example in opinion.examples))
    return (
        f"{opinion.model} contradicts the language of {opinion.contradicts:,} of "
        f"{opinion.answered:,} sampled documents (95 % interval {opinion.low:.0%} to "
        f"{opinion.high:.0%}){f', such as by {others}' if others else ''}"
    )


def personal_data_left(sample: Sample) -> Iterator[PersonalData]:
    """Count sampled documents with personal data by kind, those found and those made apart."""
    for made in (False, True):
        counts: dict[str, int] = {}
        sampled = 0
        for label, documents in sample:
            own = documents.filter(pc.equal(documents["made"], made))
            sampled += own.num_rows
            language, script = parse_label(label)
            columns = {
                "text": own["text"],
                "language": pa.repeat(language, own.num_rows),
                "script": pa.repeat(script, own.num_rows),
            }
            changed = personal_data(_block(columns, own.num_rows), PersonalDataConfig())
            if isinstance(changed, Changed):
                for row in changed.changes.to_pylist():
                    counts[row["rule"]] = counts.get(row["rule"], 0) + row["documents"]
        for kind, count in sorted(counts.items()):
            yield PersonalData(kind=kind, made=made, documents=count, sampled=sampled)


def personal_data_findings(counts: Iterable[PersonalData], *, removed: bool) -> Iterator[Finding]:
    """Tell of personal data; a warning where the recipe says that they were `removed`."""
    for row in counts:
        kind = row.kind.replace("_", " ")
        of = "made" if row.made else "found"
        tell = warning if removed else note
        words = ", although personal data were to be removed" if removed else ""
        yield tell(
            CHECK,
            f"{row.documents:,} of {row.sampled:,} sampled documents ({of}) seem to hold "
            f"personal data: {kind}{words}",
        )


class _Found(NamedTuple):
    texts: set[int]
    documents: list[int]
    examples: list[str]


class EvaluationTexts:
    """The texts of some evaluation sets, and in which documents they were found.

    `names` are sets of the registry, or files as `FILE:FIELD,FIELD` (Parquet or JSON Lines; the
    field `text` if none is named). Raises MisuseError for a set that cannot be read.
    """

    def __init__(self, names: Sequence[str]) -> None:
        import polars as pl

        from stages.decontamination.evaluation_files import (
            EvaluationSetError,
            copied,
            find_evaluation_sets,
            read_items,
        )
        from stages.decontamination.evaluation_sets import known_sets
        from stages.decontamination.matching import item_ngrams, numbered_texts
        from stages.decontamination.options import DecontaminationConfig

        known = known_sets()
        try:
            self.config = DecontaminationConfig(
                evaluation_sets=tuple(
                    name if name in known else _set_of_file(name, sorted(known)) for name in names
                )
            )
        except ValueError as problem:
            raise MisuseError(" ".join(str(problem).split())[:500]) from None
        found, problems = find_evaluation_sets(self.config, ".")
        if problems:
            raise MisuseError("; ".join(problems))
        items = []
        try:
            for one in found:
                for file in one.files:
                    with copied(file) as (copy, _):
                        items += [table for table, _ in read_items(one.source, file, copy)]
        except EvaluationSetError as problem:
            raise MisuseError(str(problem)) from None
        numbered = numbered_texts(pa.concat_tables(items))
        self.index = item_ngrams(numbered, self.config)
        frame = pl.DataFrame(numbered.select(["item_text", "evaluation_set"])).unique()
        self._sets: Mapping[int, list[str]] = {
            text: sorted(sets["evaluation_set"].to_list())
            for (text,), sets in frame.group_by("item_text")
        }
        self._found = {one.source.name: _Found(set(), [0], []) for one in found}

    def look(self, batch: pa.RecordBatch) -> None:
        """Look through n documents: `id`, `text`, `language` and `script`."""
        from stages.decontamination.matching import find_contamination

        columns = {name: batch[name] for name in ("id", "text", "language", "script")}
        matches = find_contamination(_block(columns, batch.num_rows), self.index, self.config)
        seen: set[tuple[str, int]] = set()
        for row, document, text in zip(
            *(matches[name].to_pylist() for name in ("row", "id", "item_text")), strict=True
        ):
            for name in self._sets[text]:
                found = self._found[name]
                found.texts.add(text)
                if (name, row) not in seen:
                    seen.add((name, row))
                    found.documents[0] += 1
                    if len(found.examples) < EXAMPLES:
                        found.examples.append(document)

    def found(self) -> tuple[Contamination, ...]:
        """Return what was found of each set."""
        checked = {text for text in self._sets if self.index.checked[text]}
        return tuple(
            Contamination(
                evaluation_set=name,
                texts=sum(name in self._sets[text] for text in checked),
                texts_found=len(found.texts),
                documents=found.documents[0],
                examples=tuple(found.examples),
            )
            for name, found in self._found.items()
        )


def contamination_findings(found: Iterable[Contamination]) -> Iterator[Finding]:
    """Warn of evaluation sets whose texts stand in documents."""
    for one in found:
        if one.documents:
            yield warning(
                CHECK,
                f"{one.documents:,} documents hold {one.texts_found:,} of the {one.texts:,} texts "
                f"of {one.evaluation_set}, such as {', '.join(one.examples)}",
            )


def _set_of_file(name: str, known: Sequence[str]) -> object:
    from stages.decontamination.evaluation_sets import EvaluationSet

    path, colon, fields = name.rpartition(":")
    if not colon or "/" in fields:  # the colon of hf:// names no field
        path, fields = name, ""
    stem = re.sub(r"[^a-z0-9_-]+", "_", PurePosixPath(path).name.partition(".")[0].lower())
    if "." not in PurePosixPath(path).name:
        raise MisuseError(
            f"--against must be an evaluation set ({', '.join(known)}) or FILE:FIELD, got {name!r}"
        )
    return EvaluationSet(
        name=stem.strip("_-") or "texts",
        paths=(path,),
        fields=tuple(filter(None, fields.split(","))) or ("text",),
    )


def _block(columns: Mapping[str, pa.Array], rows: int) -> pa.RecordBatch:
    table = arrange(columns, DOCUMENT, rows).combine_chunks()
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], DOCUMENT)
