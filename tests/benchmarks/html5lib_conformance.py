"""Compare the trees that our parser builds with html5lib's tests: `make bench
NAME=html5lib_conformance`.

The tests are those of the source package html5lib 1.1, downloaded with pip (`--tests FILE` reuses
it). Left out are fragments and tests with scripting, which we do not use. A tree that differs is
printed with `--show N`.

Format: https://github.com/html5lib/html5lib-tests/blob/master/tree-construction/README.md
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from turbohtml import (
    Comment,
    Doctype,
    DocumentFragment,
    Element,
    Namespace,
    Node,
    ProcessingInstruction,
    Text,
    parse,
)

_PREFIXES = {Namespace.SVG: "svg ", Namespace.MATHML: "math "}
_FOREIGN = ("xlink:", "xml:", "xmlns:")  # prefixes of attributes that the parser gives a namespace


class Case(NamedTuple):
    file: str
    markup: str
    tree: str


def read_cases(name: str, text: str) -> Iterator[Case]:
    """Read the tests of whole documents without scripting from a file of them."""
    for part in f"\n{text}".split("\n#data\n")[1:]:
        markup, _, rest = part.partition("\n#errors\n")
        head, _, tree = f"\n{rest}".partition("\n#document\n")
        if "#document-fragment" not in head and "#script-on" not in head:
            yield Case(name, markup, tree.rstrip("\n"))


def package_cases(package: Path) -> Iterator[Case]:
    with tarfile.open(package) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            content = tar.extractfile(member) if "/tree-construction/" in member.name else None
            if content is not None and member.name.endswith(".dat"):
                yield from read_cases(
                    Path(member.name).name, content.read().decode("utf-8", "surrogatepass")
                )


def written_tree(markup: str) -> str:
    """Parse a page as the extractor does, and write the tree as html5lib's tests have it."""
    document = parse(markup, positions=False, allow_declarative_shadow_roots=False)
    return "\n".join(f"| {line}" for child in document.children for line in _lines(child, ""))


def _lines(node: Node, margin: str) -> Iterator[str]:
    match node:
        case Element():
            prefix = _PREFIXES.get(node.namespace, "")
            yield f"{margin}<{prefix}{node.tag}>"
            names = (
                (name.replace(":", " ") if prefix and name.startswith(_FOREIGN) else name, name)
                for name in node.attrs
            )
            for written, name in sorted(names):
                yield f'{margin}  {written}="{node.attr(name) or ""}"'
        case DocumentFragment():
            yield f"{margin}content"
        case Text():
            yield f'{margin}"{node.data}"'
        case Comment():
            yield f"{margin}<!-- {node.data} -->"
        case ProcessingInstruction():
            yield f"{margin}<?{node.target} {node.data}>"
        case Doctype():
            identifiers = (node.public_id or "", node.system_id or "")
            named = node.public_id is not None or node.system_id is not None
            yield f"{margin}<!DOCTYPE {node.name}" + (
                ' "{}" "{}">'.format(*identifiers) if named else ">"
            )
    for child in node.children:
        yield from _lines(child, margin + "  ")


def download(folder: Path) -> Path:
    """Download the source package; its build needs a setuptools that still has pkg_resources."""
    constraint = folder / "constraint.txt"
    constraint.write_text("setuptools<75\n")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--no-binary=:all:",
            "html5lib==1.1",
        ],
        check=True,
        cwd=folder,
        env={
            **os.environ,
            "PIP_CONSTRAINT": str(constraint),
            "PIP_BUILD_CONSTRAINT": str(constraint),
        },
    )
    return folder / "html5lib-1.1.tar.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tests", type=Path, help="html5lib-1.1.tar.gz; default: download it")
    parser.add_argument("--show", type=int, default=0, help="trees to print of those that differ")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases = list(package_cases(arguments.tests or download(Path(folder))))
    differ = [case for case in cases if written_tree(case.markup) != case.tree]
    for case in differ[: arguments.show]:
        print(
            f"{case.file}: {case.markup!r}\n{case.tree}\nis built as\n{written_tree(case.markup)}\n"
        )
    passed = len(cases) - len(differ)
    print(
        json.dumps({"passed": passed, "tests": len(cases), "share": round(passed / len(cases), 4)})
    )


if __name__ == "__main__":
    main()
