"""Translated documents, with an engine that is a table and an identification that is one too."""

from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.document import DOCUMENT
from stages.engines.engine import Answer, Identity, parse_direction
from stages.translation.gates import Identify
from stages.translation.options import TranslationConfig
from stages.translation.protection import Protection
from stages.translation.translate import Translated, Translator, translate_documents

BASQUE = "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela."
SPANISH = (
    "Todos los seres humanos nacen libres e iguales en dignidad y derechos, y asi deben vivir."
)
GERMAN = (
    "Alle Menschen sind frei und gleich an Rechten geboren, und so sollen sie miteinander leben."
)
DIRECTION = "eus_Latn -> spa_Latn"


def batch_of(texts: list[str], language: str = "eus", script: str = "Latn") -> pa.RecordBatch:
    """Make documents of one language, numbered from 0."""
    rows = len(texts)
    known = {
        "id": pa.array([str(number) for number in range(rows)]),
        "text": pa.array(texts, pa.large_string()),
        "language": pa.repeat(language, rows),
        "script": pa.repeat(script, rows),
        "synthetic": pa.repeat(False, rows),
        "source": pa.repeat("pages", rows),
        "path": pa.repeat("p", rows),
        "position": pa.array(range(rows), pa.int64()),
    }
    arrays = [
        known[f.name].cast(f.type) if f.name in known else pa.nulls(rows, f.type) for f in DOCUMENT
    ]
    return pa.RecordBatch.from_arrays(arrays, DOCUMENT.names)


def translated(
    texts: list[str],
    table: dict[str, str],
    identify: Identify | None = None,
    **options: object,
) -> Translated:
    config = TranslationConfig.model_validate({"directions": [DIRECTION], **options})
    protection = Protection(config.protect, "({})")
    identity = Identity("table", "table", "1")
    ask = lambda sentences: [Answer(table.get(sentence, sentence)) for sentence in sentences]  # noqa: E731
    translator = Translator(parse_direction(DIRECTION), identity, protection, ask)
    return translate_documents(batch_of(texts), [translator], config, identify)


class WordsTell:
    """An identification by single words, which counts what it is shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, texts: pa.Array, expected: str | None = None) -> pa.RecordBatch:
        self.shown += texts.to_pylist()
        languages = [
            "spa" if " y " in text else "deu" if " und " in text else "und"
            for text in texts.to_pylist()
        ]
        return pa.record_batch(
            {
                "language": pa.array(languages),
                "language_group": pa.nulls(len(texts), pa.string()),
                "language_score": pa.repeat(pa.scalar(1.0, pa.float32()), len(texts)),
            }
        )


SHORT = {"Bai eta ez.": "Ja und nein.", "Ura eta ogia.": "Brot und Salz."}
LOOKS = {
    "a sentence that is long enough shows the document's language": (
        {BASQUE: SPANISH},
        [SPANISH],
        None,
    ),
    "short sentences are looked at together": (SHORT, [" ".join(SHORT.values())], "wrong_language"),
    "a long sentence in another language is rejected": (
        {BASQUE: GERMAN},
        [GERMAN],
        "rejected_sentences",
    ),
}


@pytest.mark.parametrize(("table", "shown", "reason"), LOOKS.values(), ids=LOOKS.keys())
def test_the_language_of_a_document_is_looked_at_once(
    table: dict[str, str], shown: list[str], reason: str | None
) -> None:
    identify = WordsTell()
    found = translated([" ".join(table)], table, identify)
    assert identify.shown == shown
    assert found.rejected["reason"].to_pylist() == ([reason] if reason else [])
