"""A card as a file: what goes to JSON comes back, and figures that cannot be are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from schemas.card.card import Card
from schemas.card.contamination import ContaminationRate, JudgedPrecision
from schemas.card.duplicates import (
    DedupReport,
    DuplicateCluster,
    DuplicateExample,
    SamplingWeights,
    SizeWeight,
)
from schemas.card.identity import Identity


def test_card_comes_back_from_json() -> None:
    example = DuplicateExample(
        id="b", similarity=0.9123, text="Kaixo,\u2028mundua!\u0000", code_points=9
    )
    cluster = DuplicateCluster(
        keeper="a", label="eus_Latn", documents=2, text="Kaixo", code_points=5, examples=(example,)
    )
    card = Card(
        identity=Identity(name="x", title="X", description="", version="1"),
        sources=(),
        recipe="",
        steps=(),
        fates=(),
        statistics={},
        columns=(),
        files=(),
        deduplication=(
            DedupReport(stage="near", removed=1, compared=3, refused=2, clusters=(cluster,)),
        ),
        sampling=SamplingWeights(
            rule="cluster_size",
            by_label={
                "eus_Latn": (
                    SizeWeight(least_size=5, greatest_size=99, documents=0, removed=1, weight=5),
                )
            },
        ),
        contamination=(
            ContaminationRate(
                evaluation_set="flores",
                language=None,
                texts=3,
                texts_checked=2,
                texts_found=1,
                documents=7,
            ),
        ),
        judged=(JudgedPrecision(evaluation_set="flores", judged=2, right=1),),
        judging_sheet="decontamination/judging.csv",
    )
    assert Card.model_validate_json(card.model_dump_json()) == card


IMPOSSIBLE: dict[str, tuple[Callable[[], object], str]] = {
    "refused without comparison": (
        lambda: DedupReport(stage="near", removed=0, refused=1),
        "near: refused 1 of None compared",
    ),
    "more found than checked": (
        lambda: ContaminationRate(
            evaluation_set="xnli",
            language="eus",
            texts=3,
            texts_checked=1,
            texts_found=2,
            documents=2,
        ),
        "xnli: texts found, checked and all must ascend, got 2, 1, 3",
    ),
    "more right than judged": (
        lambda: JudgedPrecision(evaluation_set="xnli", judged=1, right=2),
        "xnli: 2 matches right of 1 judged",
    ),
}


@pytest.mark.parametrize(("make", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_impossible_figures(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make()
