"""Encodings are converted before languages are identified, rules of a language run after it,
wherever a recipe puts them.
"""

from __future__ import annotations

import pyarrow as pa

from pipelines.catalogue.binding import bind_ingest
from pipelines.catalogue.stages import Recipe
from pipelines.phases.ingest import open_block
from schemas.document import RECORD
from stages.batches import run_stages

IDENTIFY: dict[str, object] = {"stage": "identify_language"}
NORMALIZE: dict[str, object] = {"stage": "normalize"}
RUSSIAN = "Сегодня мы ходили на рынок и купили для дома свежий хлеб, овощи и фрукты для всей семьи."
BURMESE = (
    "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် လည်းကောင်း၊ တူညီလွတ်လပ်သော အခွင့်အရေးများဖြင့် လည်းကောင်း၊ မွေးဖွားလာသူများ ဖြစ်သည်။"
)
SHAN = "ဢမ်ႇၼပ်ႉယမ်တေႃႇသုၼ်ႇလႆႈသုၼ်ႇပဵၼ်ၶွင်ၵူၼ်းတင်းသဵင်ႈ"
PERSIAN = (
    "\u0643\u0648\u062f\u0643\u0627\u0646 \u0647\u0631 \u0631\u0648\u0632 \u0635\u0628\u062d "
    "\u0632\u0648\u062f \u0627\u0632 \u062e\u0648\u0627\u0628 \u0628\u064a\u062f\u0627\u0631 "
    "\u0645\u064a\u200c\u0634\u0648\u0646\u062f \u0648 \u0628\u0627 \u0647\u0645 \u0628\u0647 "
    "\u0645\u062f\u0631\u0633\u0647 \u0645\u064a\u200c\u0631\u0648\u0646\u062f."
)


ZAWGYI = (
    "\u103b\u1019\u1014\u1039\u1019\u102c\u1005\u102c\u1031\u1015\u1019\u103d\u102c "
    "\u1031\u1000\u102c\u1004\u1039\u1038\u1010\u101a\u1039"
)


def recipe(*stages: dict[str, object]) -> Recipe:
    source = {"name": "a", "format": "text", "paths": ["a.txt"], "licence": "CC0-1.0"}
    corpus = {"name": "c", "licence": "CC0-1.0"}
    return Recipe.model_validate({"corpus": corpus, "sources": [source], "ingest": list(stages)})


def ingested(
    texts: list[str], *stages: dict[str, object]
) -> tuple[list[tuple[str, str]], list[dict[str, object]]]:
    """Return (text, label) of each document, and the counted changes."""
    rows = [
        {
            field.name: {"id": str(n), "text": text, "source": "a", "path": "a", "position": n}.get(
                field.name
            )
            for field in RECORD
        }
        for n, text in enumerate(texts)
    ]
    block = open_block(pa.RecordBatch.from_pylist(rows, RECORD))
    outcome = run_stages(block, bind_ingest(recipe(*stages)))
    assert not outcome.failed
    kept = outcome.kept.to_pylist()
    changes = [row for _, table in outcome.changes for row in table.to_pylist()]
    return [(row["text"], f"{row['language']}_{row['script']}") for row in kept], changes


def test_repaired_text_gets_the_label_of_what_it_is() -> None:
    misread = RUSSIAN.encode("utf-8").decode("latin-1")
    ((text, label),), _ = ingested([misread], IDENTIFY, NORMALIZE)
    assert (text, label) == (RUSSIAN, "rus_Cyrl")
    ((text, label),), _ = ingested([RUSSIAN], IDENTIFY, NORMALIZE)
    assert (text, label) == (RUSSIAN, "rus_Cyrl"), "whole text stays as it is"


def test_zawgyi_is_burmese_and_shan_stays_shan() -> None:
    found, changes = ingested([ZAWGYI, BURMESE, SHAN], IDENTIFY, NORMALIZE)
    assert found[0][0].startswith("\u1019\u103c\u1014\u103a\u1019\u102c"), (
        "converted before anyone knew its language"
    )
    assert found[1] == (BURMESE, "mya_Mymr")
    assert found[2][0] == SHAN
    credited = [
        (row["language"], row["script"], row["documents"])
        for row in changes
        if row["rule"] == "zawgyi"
    ]
    assert credited == [("mya", "Mymr", 1)], "counted under the language that was found after it"


def test_normalize_first_or_last_gives_the_same_texts_and_labels() -> None:
    texts = [RUSSIAN.encode("utf-8").decode("latin-1"), ZAWGYI, PERSIAN, RUSSIAN, ""]
    first, last = ingested(texts, NORMALIZE, IDENTIFY), ingested(texts, IDENTIFY, NORMALIZE)
    assert first == last
    assert first[0][2][1] == "fas_Arab"
    assert "\u06a9" in first[0][2][0], "the rules of Persian ran after Persian was found"
    assert all(row["language"] for row in first[1]), "every rule is credited to a language"
    assert {row["language"] for row in first[1] if row["rule"] == "encoding_repair"} == {"rus"}
