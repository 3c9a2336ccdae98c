"""What pairs are made into, from pairs that are written here."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from schemas.translation import DOCUMENT_PAIR, SENTENCE_PAIR
from stages.translation.options import PairSamplesConfig
from stages.translation.samples import interleaved_samples, samples_of_sentences

ENGLISH = [
    "Everyone has the right to life.",
    "No one shall be held in slavery.",
    "All are equal before the law.",
]
GALICIAN = [
    "Todo individuo ten dereito á vida.",
    "Ninguén estará en escravitude.",
    "Todos son iguais ante a lei.",
]
SPANISH = [
    "Todo individuo tiene derecho a la vida.",
    "Nadie estará en esclavitud.",
    "Todos son iguales ante la ley.",
]


def sentence(
    number: int, target: str, label: str = "glg_Latn", reason: str | None = None
) -> dict[str, Any]:
    known = {
        "id": f"{label}-{reason}",
        "parent_id": "p",
        "line": 0,
        "sentence": number,
        "source_language": "eng_Latn",
        "target_language": label,
        "source": ENGLISH[number],
        "target": target,
        "reason": reason,
        "published": reason is None,
        "generator": "table",
    }
    return {
        f.name: known.get(f.name, 0.0 if pa.types.is_floating(f.type) else 0) for f in SENTENCE_PAIR
    }


def samples(pairs: list[dict[str, Any]], **options: Any) -> list[dict[str, Any]]:
    config = PairSamplesConfig.model_validate({"form": "mapping", **options})
    return samples_of_sentences(pa.Table.from_pylist(pairs, SENTENCE_PAIR), config).to_pylist()


BOTH = [sentence(n, text) for n, text in enumerate(GALICIAN)]
RELATED = [sentence(n, text, "spa_Latn") for n, text in enumerate(SPANISH[:2])]


def test_a_mapping_goes_both_ways() -> None:
    found = [(row["prompt"], row["completion"], row["target_language"]) for row in samples(BOTH)]
    there = [(f"{ENGLISH[n]}\n", GALICIAN[n], "glg_Latn") for n in range(3)]
    back = [(f"{GALICIAN[n]}\n", ENGLISH[n], "eng_Latn") for n in range(3)]
    assert found == [pair for both in zip(there, back, strict=True) for pair in both]


def test_a_rejected_translation_is_no_mapping() -> None:
    assert not samples([sentence(0, GALICIAN[0], reason="cut_off")])


def test_downsampling_takes_one_way_alone_and_the_same_pairs_whatever_comes_with_them() -> None:
    pairs = [sentence(n % 3, GALICIAN[n % 3]) | {"sentence": n} for n in range(400)]
    found = samples(pairs, reverse_share=0.05)
    assert sum(row["target_language"] == "glg_Latn" for row in found) == 400
    back = [row["place"] for row in found if row["target_language"] == "eng_Latn"]
    assert 8 <= len(back) <= 35
    fewer = samples(pairs[:200], reverse_share=0.05)
    assert [row["place"] for row in fewer if row["target_language"] == "eng_Latn"] == [
        p for p in back if p < 200
    ]
    assert not [
        row for row in samples(pairs, reverse_share=0) if row["target_language"] == "eng_Latn"
    ]


def test_a_prompt_shows_the_sentence_in_a_related_language_where_there_is_one() -> None:
    options = {"auxiliary": {"glg_Latn": "spa_Latn"}, "auxiliary_share": 1, "reverse_share": 0}
    prompts = {
        "prompt": "{source_language} to {target_language}: {source}",
        "auxiliary_prompt": "{auxiliary_language}: {auxiliary}\n{source_language} to {target_language}: {source}",
    }
    found = {
        (row["target_language"], row["place"]): row
        for row in samples(BOTH + RELATED, **options, **prompts)
    }
    assert (
        found["glg_Latn", 0]["prompt"]
        == f"Spanish: {SPANISH[0]}\nEnglish to Galician: {ENGLISH[0]}"
    )
    assert found["glg_Latn", 0]["auxiliary_language"] == "spa_Latn"
    assert found["glg_Latn", 2]["prompt"] == f"English to Galician: {ENGLISH[2]}", (
        "it has no translation into Spanish"
    )
    assert found["spa_Latn", 0]["prompt"] == f"English to Spanish: {ENGLISH[0]}", (
        "for which none is related"
    )


def test_a_preference_is_of_one_sentence_in_one_direction() -> None:
    bad = sentence(0, "Todo individuo ten", reason="cut_off")
    others = [
        sentence(1, "Nadie estará", "spa_Latn", reason="cut_off"),
        sentence(2, "", reason="no_output"),
    ]
    found = samples([*BOTH, bad, *others], form="preference")
    (row,) = found
    assert (row["completion"], row["rejected"], row["reason"]) == (
        GALICIAN[0],
        "Todo individuo ten",
        "cut_off",
    )
    assert row["prompt"] == f"{ENGLISH[0]}\n"


def windows(ours: list[str], theirs: list[str], **options: Any) -> list[str]:
    pair = dict.fromkeys(DOCUMENT_PAIR.names, "x") | {
        "source": "\n".join(ours),
        "target": "\n".join(theirs),
    }
    config = PairSamplesConfig.model_validate({"form": "interleaved", **options})
    return interleaved_samples(pa.Table.from_pylist([pair], DOCUMENT_PAIR), config)[
        "completion"
    ].to_pylist()


def test_a_window_holds_the_same_lines_in_both_languages() -> None:
    found = windows(ENGLISH, GALICIAN, max_window_code_points=150, overlap_lines=1)
    assert found == [
        "\n".join([*ENGLISH[:2], "", *GALICIAN[:2]]),
        "\n".join([*ENGLISH[1:], "", *GALICIAN[1:]]),
    ]
    assert windows(ENGLISH, GALICIAN) == ["\n".join([*ENGLISH, "", *GALICIAN])]
    assert windows(ENGLISH, GALICIAN, max_window_code_points=100, overlap_lines=9) == [
        f"{ours}\n\n{theirs}" for ours, theirs in zip(ENGLISH, GALICIAN, strict=True)
    ], "however much should overlap, windows go on"


def test_a_line_that_is_longer_than_a_window_stands_alone() -> None:
    long = "a" * 500
    assert windows([long, "b"], [long, "c"], max_window_code_points=100, overlap_lines=0) == [
        f"{long}\n\n{long}",
        "b\n\nc",
    ]


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("no field", "a prompt must have {source}"),
        ("{source} {tone}", "a prompt may have source,"),
        ("{source", "a prompt must have whole"),
    ],
)
def test_a_wrong_prompt_is_refused(prompt: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        PairSamplesConfig(form="mapping", prompt=prompt)
