"""FINDING: what an audit found wrong with a corpus, or could not check."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Part):
    """One thing that was found. An error contradicts the corpus's own records; a note says what was
    not checked."""

    severity: Severity
    check: str = Field(
        description="What was looked at: files, documents, ledger, card, licences, languages, "
        "content, synthetic, parquet."
    )
    path: str | None = Field(
        default=None, description="File within the corpus; null if it is about no single file."
    )
    message: str


class Dispute(_Part):
    """A document whose label another model contradicts."""

    id: str
    other: str = Field(description="The `language_Script` that the other model gives.")
    text: str = Field(description="Its beginning.")


class SecondOpinion(_Part):
    """What another language-ID model says of sampled found documents of one label."""

    label: str
    model: str
    agrees: int
    contradicts: int = Field(description="It is sure of another language.")
    unsure: int = Field(description="It knows the language, and is sure of none.")
    low: float = Field(description="Of the share that it contradicts: end of the 95 % interval.")
    high: float
    examples: tuple[Dispute, ...]

    @property
    def answered(self) -> int:
        """Documents of which it was sure."""
        return self.agrees + self.contradicts


class PersonalData(_Part):
    """Personal data of one kind in sampled documents. The data themselves stand nowhere."""

    kind: str
    made: bool = Field(description="In texts that a model or a rule made from others.")
    documents: int = Field(description="Sampled documents that hold any.")
    sampled: int = Field(description="Documents that were looked at.")


class Contamination(_Part):
    """Texts of an evaluation set that stand in documents of a corpus."""

    evaluation_set: str
    texts: int = Field(description="Texts of the set that were looked for.")
    texts_found: int
    documents: int = Field(description="Documents that hold any.")
    examples: tuple[str, ...] = Field(description="Ids of some of these documents.")


class AuditResult(_Part):
    """What an audit looked at and found, gravest first."""

    corpus: str
    made_by_glotmill: bool
    files: int = 0
    documents: int = 0
    languages: int = 0
    findings: tuple[Finding, ...]
    sampled: int = Field(default=0, description="Documents whose texts were looked at in detail.")
    second_opinions: tuple[SecondOpinion, ...] = ()
    personal_data: tuple[PersonalData, ...] = ()
    contamination: tuple[Contamination, ...] = ()

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def error(check: str, message: str, path: str | None = None) -> Finding:
    return Finding(severity="error", check=check, path=path, message=message)


def warning(check: str, message: str, path: str | None = None) -> Finding:
    return Finding(severity="warning", check=check, path=path, message=message)


def note(check: str, message: str, path: str | None = None) -> Finding:
    return Finding(severity="note", check=check, path=path, message=message)
