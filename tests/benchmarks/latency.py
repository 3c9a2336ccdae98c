"""Start-up: what commands cost that have next to nothing to do: `make bench NAME=latency`.

CPU seconds of the command and all its descendants, from the start of Python to the end of the last
one, as where the program was installed and has run before, with its modules compiled. Of several
runs the one that took least counts.

- `help_s`: `glotmill --help`.
- `plan_s`: the plan of a recipe over a text of ten lines, without a stage.
- `ten_lines_s`: the run of that recipe; `finished_s`: the same command again, which finds that
  nothing is to do.
- `ten_pages_s`: ten HTML pages, with text extraction and language identification.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import keep_bytecode, measure

RUNS = 5
LINES = """
[corpus]
name = "ten_lines"

[[sources]]
name = "lines"
format = "text"
unit = "line"
paths = ["lines.txt"]
"""
PAGES = """
[corpus]
name = "ten_pages"

[[sources]]
name = "pages"
format = "html"
paths = ["pages/*.html"]

[[ingest]]
stage = "extract_text"

[[ingest]]
stage = "identify_language"
"""
SENTENCES = (
    "The river rises in the hills north of the town and reaches the sea after a course of forty miles.",
    "Ibaia herriaren iparraldeko mendietan sortzen da, eta berrogei miliako bidea egin ondoren iristen da itsasora.",
    "El río nace en las colinas al norte del pueblo y llega al mar después de un curso de cuarenta millas.",
    "Der Fluss entspringt in den Hügeln nördlich der Stadt und erreicht nach vierzig Meilen das Meer.",
    "Mto huu unaanzia kwenye vilima kaskazini mwa mji na kufika baharini baada ya maili arobaini.",
)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        keep_bytecode(scratch / "bytecode")
        lines, pages = write_inputs(scratch)
        of_lines, of_pages = scratch / "out" / "lines", scratch / "out" / "pages"
        seconds: dict[str, list[float]] = {}

        def run(name: str, *arguments: object) -> None:
            command = [sys.executable, "-m", "pipelines.command_line.program", *map(str, arguments)]
            seconds.setdefault(name, []).append(measure(command).cpu_seconds)

        for _ in range(RUNS + 1):  # the first compiles modules
            shutil.rmtree(scratch / "out", ignore_errors=True)
            run("help_s", "--help")
            run("plan_s", "plan", lines)
            run("ten_lines_s", "run", lines, "--output", of_lines)
            run("ten_pages_s", "run", pages, "--output", of_pages)
            run("finished_s", "run", lines, "--output", of_lines)
    print(json.dumps({name: round(min(taken[1:]), 3) for name, taken in seconds.items()}))


def write_inputs(folder: Path) -> tuple[Path, Path]:
    """Write ten lines and ten pages, and a recipe for each; returns the recipes."""
    chosen = [SENTENCES[number % len(SENTENCES)] for number in range(10)]
    (folder / "lines.txt").write_text(
        "".join(f"{number} {sentence}\n" for number, sentence in enumerate(chosen))
    )
    (folder / "pages").mkdir()
    for number, sentence in enumerate(chosen):
        paragraphs = "".join(f"<p>{sentence} {part}</p>\n" for part in range(number, number + 5))
        page = f"<!DOCTYPE html><html><head><title>{number}</title></head><body><main>{paragraphs}</main></body></html>"
        (folder / "pages" / f"{number}.html").write_text(page)
    lines, pages = folder / "lines.toml", folder / "pages.toml"
    lines.write_text(LINES)
    pages.write_text(PAGES)
    return lines, pages


if __name__ == "__main__":
    main()
