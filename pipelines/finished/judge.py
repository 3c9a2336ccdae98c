"""A judged sheet of decontamination comes back to its corpus, whose card says what the answers
amount to."""

from __future__ import annotations

import pyarrow as pa

from pipelines.finished.answers import take_in
from pipelines.phases.decontaminate import SHEET_FILE
from pipelines.staging.store import MANIFEST, StagingError, Store
from schemas.card.contamination import JudgedPrecision
from schemas.failures import MisuseError
from stages.decontamination.judging import NEEDED, SHEET, fill_sheet, judged_precision
from stages.sheets import read_sheet, sheet_bytes

JUDGED_FILE = "decontamination/judged.csv"


def judge(store: Store, sheet: bytes) -> pa.Table:
    """Take the answers of a filled judging sheet into a corpus, in place of earlier ones; return
    PRECISION.

    Raises StagingError if the corpus has no judging sheet, MisuseError if the sheet is not that
    one, filled.
    """
    if not store.exists(MANIFEST) or not store.exists(SHEET_FILE):
        raise StagingError(
            f"{store.url} holds no finished corpus with a judging sheet; one is made where a recipe with "
            "[decontaminate] finds something"
        )
    try:
        own, given = (
            read_sheet(content, SHEET.names, NEEDED) for content in (store.read(SHEET_FILE), sheet)
        )
        filled = fill_sheet(own, given)
    except ValueError as error:
        raise MisuseError(" ".join(str(error).split())) from None
    with store.locked():
        precision = judged_precision(filled)
        judged = tuple(
            JudgedPrecision.model_validate(row)
            for row in precision.select(["evaluation_set", "judged", "right"]).to_pylist()
        )
        take_in(store, JUDGED_FILE, sheet_bytes(filled), judged=judged)
    return precision
