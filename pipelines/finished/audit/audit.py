"""Audit a corpus: every check in turn, and what each found."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable

from pydantic import ValidationError

from pipelines.finished.audit.accounts import (
    account_findings,
    place_findings,
    read_ledger,
    reference_findings,
    schema_findings,
)
from pipelines.finished.audit.card import card_findings, licence_findings, read_card
from pipelines.finished.audit.documents import id_findings, read_shard, statistics_findings
from pipelines.finished.audit.files import corpus_files, file_findings
from pipelines.finished.audit.other_data import other_findings
from pipelines.finished.audit.synthetic import synthetic_findings
from pipelines.finished.signing import verify
from pipelines.staging.store import MANIFEST, SIGNATURE, StagingError, Store
from schemas.failures import FailureError
from schemas.finding import SEVERITIES, AuditResult, Finding, error
from schemas.manifest import Manifest


def audit(store: Store, report: Callable[[str], None], text: str = "text") -> AuditResult:
    """Check a corpus from its files alone. `report` is called with the path of each data file
    before it is read.

    A folder without a manifest is audited as a data set of Parquet files whose texts are in the
    column `text`. Raises StagingError if there is no Parquet file at all.
    """
    present = corpus_files(store)
    if MANIFEST not in present:
        return _audit_other(store, present, text, report)
    signed = []
    if SIGNATURE in present:
        try:
            verify(store)
        except FailureError as problem:
            signed.append(error("files", str(problem), SIGNATURE))
    try:
        manifest = Manifest.model_validate(store.read_json(MANIFEST))
    except (ValidationError, ValueError) as problem:
        found = error("files", f"is no manifest: {' '.join(str(problem).split())[:200]}", MANIFEST)
        return AuditResult(
            corpus=store.url, made_by_glotmill=True, findings=_ordered([*signed, found])
        )
    findings = [*signed, *file_findings(store, manifest, present)]
    card, problems = read_card(store)
    findings += problems
    shards = []
    for path in (
        path for path in present if path.startswith("data/") and path.endswith(".parquet")
    ):
        report(path)
        shards.append(read_shard(store, path, card))
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
    if card is not None:
        findings += statistics_findings(shards, card)
        findings += card_findings(store, card, manifest, importlib.metadata.version("glotmill"))
        findings += licence_findings(card)
    documents, labels = sum(len(shard.keys) for shard in shards), {shard.label for shard in shards}
    return AuditResult(
        corpus=store.url,
        made_by_glotmill=True,
        files=len(present),
        documents=documents,
        languages=len(labels),
        findings=_ordered(findings),
    )


def _audit_other(
    store: Store, present: list[str], text: str, report: Callable[[str], None]
) -> AuditResult:
    paths = [path for path in present if path.endswith(".parquet")]
    if not paths:
        raise StagingError(f"{store.url} holds neither a corpus (manifest.json) nor Parquet files")
    found = list(other_findings(store, paths, text, report))
    return AuditResult(
        corpus=store.url,
        made_by_glotmill=False,
        files=len(paths),
        documents=sum(each for each in found if isinstance(each, int)),
        findings=_ordered(each for each in found if isinstance(each, Finding)),
    )


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(
        sorted(
            findings,
            key=lambda each: (SEVERITIES.index(each.severity), each.check, each.path or ""),
        )
    )
