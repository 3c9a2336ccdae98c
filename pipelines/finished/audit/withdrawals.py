"""Is anything still there that the corpus's own registers of withdrawals name, or whose page opted
out?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.finished.prove_removal import prove_removal
from pipelines.staging.store import StagingError, Store
from schemas.card.card import Card
from schemas.finding import Finding, error, note
from schemas.withdrawal import Entry, NamedRegister, Register

CHECK = "withdrawn"


def withdrawal_findings(
    store: Store, card: Card, report: Callable[[str], None]
) -> Iterator[Finding]:
    """Search all rows for what the card's entries name, and for pages that the ledger says opted
    out, with all that was made of them; a private register is nowhere in the
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
    if card.withdrawal.opt_out:
        signals = ", ".join(card.withdrawal.opt_out)
        yield note(
            CHECK,
            f"pages that opt out ({signals}) are known by the ledger; no archive is read again",
        )
        if ids := _opted_out(store):
            register = Register(withdrawn=(Entry(id=ids),))
            registers.append(NamedRegister("opt-out", "", register))
    if not registers:
        return
    try:
        proof = prove_removal(registers, store, None, "text", report)
    except StagingError as problem:
        yield error(CHECK, str(problem))
        return
    for file in proof.unsearched:  # one that is broken the checks of files name as an error
        yield note(CHECK, f"{file.why}: withdrawn rows were not looked for", file.path)
    for (path, by), rows in sorted(proof.counts.items()):
        yield error(CHECK, f"{rows:,} withdrawn rows are still there, found by {by}", path)


def _opted_out(store: Store) -> tuple[str, ...]:
    """List the ids of documents that the ledger calls withdrawn by a signal of their page."""
    ids: list[str] = []
    for name in sorted(store.names("ledger")):
        try:
            for table in store.row_groups(f"ledger/{name}", ["id", "reason", "detail"]):
                signalled = pc.starts_with(table["detail"], "opt-out ")
                own = pc.and_(pc.equal(table["reason"], "withdrawn"), signalled)
                ids += table.filter(own)["id"].drop_null().to_pylist()
        except (OSError, pa.ArrowException, KeyError):
            continue  # said where the ledger is read
    return tuple(ids)
