"""Is anything still there that the corpus's own registers of withdrawals name?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipelines.finished.prove_removal import prove_removal
from pipelines.staging.store import StagingError, Store
from schemas.card.card import Card
from schemas.finding import Finding, error, note
from schemas.withdrawal import Entry, NamedRegister, Register

CHECK = "withdrawn"


def withdrawal_findings(
    store: Store, card: Card, report: Callable[[str], None]
) -> Iterator[Finding]:
    """Search all rows for what the card's entries name; a private register is nowhere in the
    corpus, so a note says that it was not looked for."""
    if card.withdrawal is None:
        return
    for record in card.withdrawal.registers:
        if record.private:
            yield note(
                CHECK,
                f"register {record.file} is private: whoever has it can check it with glotmill prove-removal",
            )
    by_file: dict[str, list[Entry]] = {}
    for entry in card.withdrawal.entries:
        named = Entry.model_validate({entry.kind: entry.values, "copies": entry.copies})
        by_file.setdefault(entry.register_file, []).append(named)
    registers = [
        NamedRegister(file, "", Register(withdrawn=tuple(entries)))
        for file, entries in by_file.items()
    ]
    if not registers:
        return
    try:
        proof = prove_removal(registers, store, None, "text", report)
    except StagingError as problem:  # a file that is broken is named by the checks of files, too
        yield error(CHECK, str(problem))
        return
    for (path, by), rows in sorted(proof.counts.items()):
        yield error(CHECK, f"{rows:,} withdrawn rows are still there, found by {by}", path)
