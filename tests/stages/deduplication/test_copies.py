"""Copies of given texts: equal, nearly equal, in another script; and what is only alike."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from stages.deduplication.copies import find_copies, index_of, sign_texts, threshold_of
from tests.withdrawals import basque, serbian

TEXT = basque(73_000_000)
FACTS = {
    "the text itself": (TEXT, "near"),
    "with other spaces and capitals": (TEXT.upper().replace(" ", "  "), "near"),
    "with a word changed": (TEXT.replace("liburu", "koaderno"), "near"),
    "with a heading": (f"Hasiera\n{TEXT}", "near"),
    "another text of the same sentences": (basque(51_000_001), None),
    "a part of it": (TEXT[: len(TEXT) // 2], None),
    "in Latin letters": (serbian(73_000_002, "Latn"), "across_scripts"),
    "another one in Latin letters": (serbian(51_000_003, "Latn"), None),
    "no letters": ("...", None),
}


def block(texts: list[str], language: str, script: str) -> pa.RecordBatch:
    columns = {"text": pa.array(texts, pa.large_string())}
    columns |= {
        name: pa.array([value] * len(texts))
        for name, value in (("language", language), ("script", script))
    }
    return pa.RecordBatch.from_pydict(columns)


@pytest.mark.parametrize(("text", "way"), FACTS.values(), ids=FACTS.keys())
def test_copies(text: str, way: str | None) -> None:
    wanted = [sign_texts(block([TEXT], "eus", "Latn"))]
    wanted.append(sign_texts(block([serbian(73_000_002, "Cyrl")], "srp", "Cyrl")))
    language = "srp" if "in Latin" in text or "ljudska" in text else "eus"
    signed = sign_texts(block(["agur", text], language, "Latn"))
    found = []
    for name, own in signed.items():
        numbers = [
            np.full(len(part[name].rows), place, np.int32) for place, part in enumerate(wanted)
        ]
        index = index_of([(part[name], n) for part, n in zip(wanted, numbers, strict=True)])
        copies = find_copies(own, index, threshold_of(name))
        found += [
            (name, row, number)
            for row, number in zip(copies.rows.tolist(), copies.numbers.tolist(), strict=True)
        ]
    assert found == ([] if way is None else [(way, 1, int(way == "across_scripts"))])
