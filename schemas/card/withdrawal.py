"""What was taken back: counts by kind of entry, and the entries where their register is not
private."""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart, Count
from schemas.withdrawal import Copies


class WithdrawnCount(CardPart):
    """What entries of one kind, or one signal of pages, took out of a corpus."""

    kind: str
    entries: Count = Field(description="Entries of this kind; 0 for a signal.")
    unmatched: Count = Field(description="Those of them that name no document that was read.")
    named: Count = Field(description="Published documents that they name themselves.")
    copies: Count = Field(description="Documents that repeat, or stood for, what they name.")
    made: Count = Field(description="Documents and synthetic rows that were made of all these.")


class WithdrawnEntry(CardPart):
    """An entry of a register that is not private."""

    register_file: str
    number: Count = Field(description="Its place in the register, from 1.")
    kind: str
    values: tuple[str, ...]
    date: str = ""
    reason: str = ""
    copies: Copies = "withdraw"


class RegisterRecord(CardPart):
    """A register that was applied."""

    file: str
    sha256: str
    private: bool
    entries: Count


class Withdrawal(CardPart):
    """What was taken back before publishing."""

    registers: tuple[RegisterRecord, ...] = ()
    entries: tuple[WithdrawnEntry, ...] = Field(
        default=(), description="Of the registers that are not private."
    )
    opt_out: tuple[str, ...] = Field(default=(), description="Signals of pages that counted.")
    agents: tuple[str, ...] = ()
    counts: tuple[WithdrawnCount, ...] = Field(description="By kind, in the order of the kinds.")
