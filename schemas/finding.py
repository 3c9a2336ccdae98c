"""FINDING: what an audit found wrong with a corpus, or could not check."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class Finding(BaseModel):
    """One thing that was found. An error contradicts the corpus's own records; a note says what was
    not checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Severity
    check: str = Field(
        description="What was looked at: files, documents, ledger, card, licences, parquet."
    )
    path: str | None = Field(
        default=None, description="File within the corpus; null if it is about no single file."
    )
    message: str


class AuditResult(BaseModel):
    """What an audit looked at and found, gravest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus: str
    made_by_glotmill: bool
    files: int = 0
    documents: int = 0
    languages: int = 0
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def error(check: str, message: str, path: str | None = None) -> Finding:
    return Finding(severity="error", check=check, path=path, message=message)


def warning(check: str, message: str, path: str | None = None) -> Finding:
    return Finding(severity="warning", check=check, path=path, message=message)


def note(check: str, message: str, path: str | None = None) -> Finding:
    return Finding(severity="note", check=check, path=path, message=message)
