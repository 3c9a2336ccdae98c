"""Every package that is installed states a licence that ours can stand next to, and is locked by
hashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dependencies import (
    LOCK_FILES,
    Package,
    installed,
    licence_problems,
    lock_problems,
    locked,
)

ROOT = Path(__file__).parents[1]


def test_every_installed_package_states_a_licence_that_is_known_and_allowed() -> None:
    packages = installed()
    assert {"apache-beam", "glotmill", "pyarrow", "pytest"} <= {each.name for each in packages}
    assert licence_problems(packages) == []


def test_a_package_without_a_licence_or_with_another_does_not_slip_in() -> None:
    packages = [
        Package("silent", "1", ""),
        Package("strange", "2", "Proprietary"),
        Package("bound", "3", "MIT AND GPL-3.0-only"),
        Package("either", "4", "GPL-3.0-only OR (MIT AND 0BSD)"),
    ]
    assert licence_problems(packages) == [
        "silent 1: licence not stated",
        "strange 2: licence Proprietary",
        "bound 3: licence MIT AND GPL-3.0-only",
    ]
    pinned = {"silent": {"1"}, "strange": {"1.9"}, "bound": {"3"}}
    assert lock_problems(packages, pinned) == [
        "strange 2: the lock files have 1.9",
        "either 4: the lock files have nothing",
    ]


def test_what_is_locked_has_hashes(tmp_path: Path) -> None:
    assert "pyarrow" in locked(ROOT / name for name in LOCK_FILES)
    (tmp_path / "lock.txt").write_text("a==1 \\\n    --hash=sha256:00\nb==2\n")
    with pytest.raises(ValueError, match="no version with hashes in 'b==2'"):
        locked([tmp_path / "lock.txt"])
