"""Servers that several parts of the tests talk to, samples that they share, and what a skipped test
means.

Tests whose engine is not installed are skipped with a reason. Where `GLOTMILL_REQUIRE_ENGINES=1` is
set, as in continuous integration, everything has to be there: a skip is a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import gflanguages
import pytest
from hypothesis import settings

from pipelines.runners import local
from tests.object_stores import s3_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

collect_ignore = ["preloaded.py", "worker_killer.py"]  # act when they are imported

Report = TypeVar("Report", pytest.CollectReport, pytest.TestReport)
# parses 750 files, which takes 0.4 s each time
gflanguages.LoadLanguages = cache(gflanguages.LoadLanguages)
local._IMPORTS = "tests.preloaded"  # of workers, and of programs that tests start
REQUIRED = os.environ.get("GLOTMILL_REQUIRE_ENGINES") == "1"

# A busy machine is no failure: examples have no deadline. Continuous integration tries the same
# examples each time, so that what fails there is of the change; elsewhere each run tries others.
settings.register_profile("glotmill", deadline=None, derandomize=REQUIRED)
settings.load_profile("glotmill")


def _required(report: Report) -> Report:
    if REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = (
            "failed",
            f"skipped where all engines are required: {reason}",
        )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _required((yield))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve S3 on loopback, and return the URL of an empty bucket there."""
    with s3_server(monkeypatch) as server:
        yield server.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window; each page has a context, and so cookies, of its own."""
    from playwright.sync_api import sync_playwright

    if not (program := shutil.which("chromium")):
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()
