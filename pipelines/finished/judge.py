"""A judged sheet comes back to its corpus: the answers are kept with it, and its card says what they amount to.

The card is written again from its own facts, and the manifest after all other files, so that a kill in between is
fixed by doing the same again.
"""

from __future__ import annotations

import pyarrow as pa

from pipelines.phases.decontaminate import SHEET_FILE
from pipelines.phases.publish.shards import file_record, write_card
from pipelines.staging.store import CARD, MANIFEST, StagingError, Store
from schemas.card.card import Card
from schemas.card.contamination import JudgedPrecision
from schemas.failures import MisuseError
from schemas.manifest import FileRecord, Manifest
from stages.decontamination.judging import fill_sheet, judged_precision, read_sheet, sheet_bytes

JUDGED_FILE = "decontamination/judged.csv"


def judge(store: Store, sheet: bytes) -> pa.Table:
    """Take the answers of a filled judging sheet into a corpus, in place of earlier ones; return PRECISION.

    Raises StagingError if the corpus has no judging sheet, MisuseError if the sheet is not that one, filled.
    """
    if not store.exists(MANIFEST) or not store.exists(SHEET_FILE):
        raise StagingError(
            f"{store.url} holds no finished corpus with a judging sheet; one is made where a recipe with "
            "[decontaminate] finds something"
        )
    try:
        filled = fill_sheet(read_sheet(store.read(SHEET_FILE)), read_sheet(sheet))
    except ValueError as error:
        raise MisuseError(" ".join(str(error).split())) from None
    with store.locked():
        precision = judged_precision(filled)
        judged = tuple(
            JudgedPrecision.model_validate(row)
            for row in precision.select(["evaluation_set", "judged", "right"]).to_pylist()
        )
        store.write(JUDGED_FILE, sheet_bytes(filled))
        card = Card.model_validate_json(store.read(CARD)).model_copy(update={"judged": judged})
        written = [FileRecord.model_validate(file_record(store, JUDGED_FILE)), *write_card(store, card)]
        manifest = Manifest.model_validate(store.read_json(MANIFEST))
        files = {file.path: file for file in (*manifest.files, *written)}
        updated = manifest.model_copy(update={"files": tuple(file for _, file in sorted(files.items()))})
        store.write(MANIFEST, updated.model_dump_json(indent=1).encode() + b"\n")
        unused = store.names("staging") <= {"lock", "partial"}
    if unused:
        store.remove("staging")
    return precision
