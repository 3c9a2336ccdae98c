"""Audit a corpus: every check in turn, and what each found."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pipelines.catalogue.counted import asked_of_corpus
from pipelines.finished.audit.accounts import (
    account_findings,
    place_findings,
    read_ledger,
    reference_findings,
    schema_findings,
)
from pipelines.finished.audit.card import card_findings, licence_findings, read_card
from pipelines.finished.audit.content import (
    EvaluationTexts,
    contamination_findings,
    opinion_findings,
    personal_data_findings,
    personal_data_left,
    second_opinions,
)
from pipelines.finished.audit.documents import (
    Looked,
    id_findings,
    read_shard,
    statistics_findings,
)
from pipelines.finished.audit.files import corpus_files, file_findings
from pipelines.finished.audit.hub_card import read_hub_card
from pipelines.finished.audit.made import made_findings
from pipelines.finished.audit.other_data import OtherData
from pipelines.finished.audit.parted import KeyFile
from pipelines.finished.audit.sample import DOCUMENTS, Sample
from pipelines.finished.audit.synthetic import synthetic_findings
from pipelines.finished.audit.withdrawals import withdrawal_findings
from pipelines.finished.signing import verify
from pipelines.staging.corpus import read_manifest
from pipelines.staging.store import CARD, MANIFEST, SIGNATURE, StagingError, Store
from schemas.failures import FailureError, MisuseError
from schemas.finding import SEVERITIES, AuditResult, Finding, error
from stages.language_identification.cascade import Identifier


class Asked(NamedTuple):
    """What an audit looks at besides what every corpus states of itself.

    `second_opinion` is a model by name, path or place on the Hub, `none`, or null for the embedded
    ones. `against` are evaluation sets, by name or as FILE:FIELD. `sampled` is about how many
    documents are sampled.
    """

    text: str = "text"  # column of texts, where glotmill did not make the data
    second_opinion: str | None = None
    against: tuple[str, ...] = ()
    sampled: int = DOCUMENTS


def audit(store: Store, report: Callable[[str], None], asked: Asked = Asked()) -> AuditResult:  # noqa: B008
    """Check a corpus from its files alone. `report` is called with the path of each data file
    before it is read.

    A folder without a manifest is audited as a data set of Parquet files. Raises StagingError if
    there is no Parquet file at all, MisuseError for a model or an evaluation set that cannot be
    read.
    """
    present = corpus_files(store)
    parquet = [path for path in present if path.endswith(".parquet")]
    if MANIFEST not in present and not parquet:
        raise StagingError(f"{store.url} holds neither a corpus (manifest.json) nor Parquet files")
    named = _named_opinion(asked.second_opinion)
    sets = EvaluationTexts(asked.against) if asked.against else None
    if MANIFEST not in present:
        labels = len({path.rpartition("/")[0] for path in parquet})
        models = _models(asked, named, first=True)
        content = Content(Sample(labels, asked.sampled), models, sets, personal_data_removed=False)
        return _audit_other(store, present, asked, content, report)
    signed = []
    if SIGNATURE in present:
        try:
            verify(store)
        except FailureError as problem:
            signed.append(error("files", str(problem), SIGNATURE))
    try:
        manifest = read_manifest(store)
    except FailureError as problem:
        found = error("files", str(problem).partition("; ")[0], MANIFEST)
        return AuditResult(
            corpus=store.url, made_by_glotmill=True, findings=_ordered([*signed, found])
        )
    findings = [*signed, *file_findings(store, manifest, present)]
    card, problems = read_card(store)
    findings += problems
    shards = []
    data = [path for path in parquet if path.startswith("data/")]
    sample = Sample(len({path.split("/")[1] for path in data}), asked.sampled)
    counted, uncounted = asked_of_corpus(card.recipe if card is not None else "")
    looked = Looked(counted, sample, sets, KeyFile())
    for path in data:
        report(path)
        shards.append(read_shard(store, path, card, looked))
        findings += shards[-1].findings
    recorded = {record.path: record.rows for record in manifest.files}
    for shard in shards:
        if recorded.get(shard.path) not in (None, len(shard.keys)):
            message = f"has {len(shard.keys):,} rows, {recorded[shard.path]:,} by the manifest"
            findings.append(error("documents", message, shard.path))
    findings += id_findings(shards)
    paths = [path for path in present if path.startswith("ledger/")]
    ledger = read_ledger(store, paths)
    findings += ledger.findings
    findings += schema_findings(store, paths)
    findings += place_findings(ledger, shards)
    findings += reference_findings(ledger, manifest)
    findings += account_findings(ledger, manifest, card)
    findings += synthetic_findings(store, present, shards, card, report)
    findings += made_findings(store, present, manifest, card, report)
    if card is not None:
        findings += statistics_findings(shards, card, uncounted)
        findings += card_findings(store, card, manifest, importlib.metadata.version("glotmill"))
        findings += licence_findings(card)
        findings += withdrawal_findings(store, card, report)
    cascade = any("cascade" in name for name in manifest.models)
    removed = card is not None and any(step.stage == "personal_data" for step in card.steps)
    models = _models(asked, named, first=not cascade)
    return _with_content(
        AuditResult(
            corpus=store.url,
            made_by_glotmill=True,
            files=len(present),
            documents=sum(len(shard.keys) for shard in shards),
            languages=len({shard.label for shard in shards}),
            findings=tuple(findings),
        ),
        Content(sample, models, sets, removed),
    )


class Content(NamedTuple):
    """What of the texts is looked at in detail, and by whom."""

    sample: Sample
    models: Sequence[Identifier]
    sets: EvaluationTexts | None
    personal_data_removed: bool


def _named_opinion(model: str | None) -> list[Identifier]:
    if model in (None, "none"):
        return []
    from stages.language_identification.second_opinion import named_opinion

    try:
        return [named_opinion(str(model))]
    except (OSError, ValueError) as problem:
        raise MisuseError(f"--second-opinion: {' '.join(str(problem).split())[:300]}") from None


def _models(asked: Asked, named: list[Identifier], *, first: bool) -> list[Identifier]:
    if asked.second_opinion is not None:
        return named
    from stages.language_identification.second_opinion import embedded_opinions

    return embedded_opinions(first)


def _with_content(result: AuditResult, content: Content) -> AuditResult:
    """Add to a result what the texts say, and put its findings in order."""
    opinions = tuple(second_opinions(content.sample, content.models))
    personal = tuple(personal_data_left(content.sample))
    contamination = content.sets.found() if content.sets else ()
    findings = [
        *result.findings,
        *opinion_findings(opinions),
        *personal_data_findings(personal, removed=content.personal_data_removed),
        *contamination_findings(contamination),
    ]
    found = {
        "findings": _ordered(findings),
        "sampled": sum(documents.num_rows for _, documents in content.sample),
        "second_opinions": opinions,
        "personal_data": personal,
        "contamination": contamination,
    }
    return result.model_copy(update=found)


def _audit_other(
    store: Store,
    present: list[str],
    asked: Asked,
    content: Content,
    report: Callable[[str], None],
) -> AuditResult:
    card, findings = read_hub_card(store, present)
    paths = [path for path in present if path.endswith(".parquet")]
    if CARD in present:
        words = "is not there, though card.json is: the corpus is not whole, or a run has not ended"
        findings.append(error("files", words, MANIFEST))
        paths = [path for path in paths if path.startswith("data/")]
    other = OtherData(store, card, content.sample, content.sets)
    findings += other.findings(paths, asked.text, report)
    result = AuditResult(
        corpus=store.url,
        made_by_glotmill=False,
        files=len(paths),
        documents=other.documents,
        findings=tuple(findings),
    )
    return _with_content(result, content)


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(
        sorted(
            findings,
            key=lambda each: (SEVERITIES.index(each.severity), each.check, each.path or ""),
        )
    )
