"""What is installed, under which licence, and whether the lock files vouch for it:
`make audit-dependencies`.

Needs no network. What is locked has its hashes in the lock files, so a package cannot change under
its version; here each package also has to state a licence that ours can stand next to. A data base
of known holes is not asked: that needs the network, and a name for every package.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from email.message import Message
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import NamedTuple, cast

LOCK_FILES = (
    "requirements.txt",
    "requirements-test.txt",
    "requirements-icu.txt",
    "requirements-dataflow.txt",
)
# Come with Python's own tools, or are what is audited.
UNLOCKED = {"glotmill", "pip", "setuptools", "wheel"}
# SPDX names of licences under which a program may be used next to one under Apache-2.0. Those of
# the LGPL and the MPL bind changes of the package itself; CC BY-SA is that of data (lang2vec), of
# which nothing is copied.
ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-SA-4.0", "CC0-1.0", "CNRI-Python", "ISC",
    "LGPL-2.1-or-later", "MIT", "MIT-0", "MIT-CMU", "MPL-1.1", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip
# What packages wrote before there were SPDX expressions in their metadata (PEP 639).
SPDX_BY_WORDS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.1-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Packages without a word in their metadata, by the licence file that they bring or their repository
# has.
STATED_ELSEWHERE = {
    "gflanguages": "Apache-2.0",
    "gfmetadata": "Apache-2.0",
    "lang2vec": "CC-BY-SA-4.0",
    "mlcroissant": "Apache-2.0",
}


class Package(NamedTuple):
    """An installed package; no licence if it states none that is understood."""

    name: str
    version: str
    licence: str


def installed() -> list[Package]:
    """List what is installed, by name."""
    found = {
        _plain(each.name): Package(_plain(each.name), each.version, licence_of(each))
        for each in distributions()
    }
    return [found[name] for name in sorted(found)]


def licence_of(package: Distribution) -> str:
    """Return the SPDX expression of a package's licence: as it states it, or by its classifiers."""
    said = cast("Message", package.metadata)
    if expression := said.get("License-Expression"):
        return str(expression)
    words = [
        line.rpartition(" :: ")[2]
        for line in said.get_all("Classifier") or ()
        if " :: OSI Approved :: " in line
    ]
    words = words or (said.get("License") or "").strip().splitlines()[:1]
    if words in ([], ["UNKNOWN"]):
        return STATED_ELSEWHERE.get(_plain(package.name), "")
    return " OR ".join(SPDX_BY_WORDS.get(each, each) for each in sorted(words))


def is_allowed(expression: str) -> bool:
    """Say if an SPDX expression (ANDs, ORs, brackets) leaves a choice of allowed licences.

    >>> is_allowed("MIT AND (GPL-3.0-only OR MPL-2.0)"), is_allowed("GPL-3.0-only"), is_allowed("")
    (True, False, False)
    """
    inner = re.sub(
        r"\(([^()]*)\)", lambda found: "0BSD" if is_allowed(found[1]) else "none", expression
    )
    if inner != expression:
        return is_allowed(inner)
    return any(
        all(licence.strip() in ALLOWED for licence in choice.split(" AND "))
        for choice in expression.split(" OR ")
    )


def locked(files: Iterable[Path]) -> dict[str, set[str]]:
    """Read the versions that lock files have of each package; raises ValueError for one without
    hashes."""
    versions: dict[str, set[str]] = {}
    for file in files:
        entries = re.split(r"\n(?=\S)", file.read_text().strip())
        for entry in entries:
            pinned = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", entry)
            if not pinned or "--hash=sha256:" not in entry:
                raise ValueError(f"{file}: no version with hashes in {entry.splitlines()[0]!r}")
            versions.setdefault(_plain(pinned[1]), set()).add(pinned[2])
    return versions


def licence_problems(packages: Iterable[Package]) -> list[str]:
    """Name the packages whose licence is not stated, not known or not allowed."""
    return [
        f"{package.name} {package.version}: licence {package.licence or 'not stated'}"
        for package in packages
        if not is_allowed(package.licence)
    ]


def lock_problems(packages: Iterable[Package], pinned: Mapping[str, set[str]]) -> list[str]:
    """Name the packages that are not installed as locked."""
    return [
        f"{package.name} {package.version}: the lock files have "
        f"{', '.join(sorted(pinned.get(package.name, ()))) or 'nothing'}"
        for package in packages
        if package.name not in UNLOCKED and package.version not in pinned.get(package.name, ())
    ]


def _plain(name: str) -> str:
    """Write a package's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    packages = installed()
    for package in packages:
        print(f"{package.name:32} {package.version:16} {package.licence or 'not stated'}")
    wrong = licence_problems(packages) + lock_problems(packages, locked(map(Path, LOCK_FILES)))
    print(f"{len(packages)} packages, {len(wrong)} problems", *wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
