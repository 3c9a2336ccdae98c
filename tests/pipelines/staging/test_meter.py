"""The meter of tokens: what several workers spend and reserve is counted by all, and no budget is
overrun."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.staging.responses import Meter
from pipelines.staging.store import Store


@pytest.mark.parametrize("url", ["{}", "memory://{}"])
def test_what_a_question_did_not_take_is_released(url: str, tmp_path: Path) -> None:
    meter = Meter(Store(url.format(tmp_path)), "tokens.log")
    assert meter.reserve(700, 1000)
    assert not meter.reserve(301, 1000), "it could go beyond"
    assert meter.reserve(300, 1000)
    meter.add(120, -700)
    assert (meter.total(), meter.reserved()) == (420, 300)
    assert meter.reserve(580, 1000)


def test_workers_count_for_each_other(tmp_path: Path) -> None:
    meters = [Meter(Store(str(tmp_path)), "tokens.log") for _ in range(4)]

    def ask(number: int) -> bool:
        meter = Meter(Store(str(tmp_path)), "tokens.log")
        if not meter.reserve(10, 1000):
            return False
        meter.add(7, -10)
        return True

    with ThreadPoolExecutor(8) as pool:
        asked = sum(pool.map(ask, range(400)))
    assert {meter.total() for meter in meters} == {7 * asked}
    assert 900 <= 7 * asked <= 1000
    assert meters[0].reserved() == 0
