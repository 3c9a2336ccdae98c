"""Repair UTF-8 that was read as another encoding, without touching text that only looks odd.

The decision and the repair are ftfy's (Robyn Speer): a line is looked at only if it holds a
sequence that its heuristic calls bad, and is changed only if re-encoding it in one of nine
single-byte encodings gives valid UTF-8, or if a part of it does. A C1 control that no repair
explains is not read as a letter here: see `unicode_cleaning`. A letter whose bytes are lost becomes
U+FFFD; a line that has lost bytes and would still look bad after the repair stays as it is.
"""

from __future__ import annotations

import re

import polars as pl
from ftfy import TextFixerConfig, apply_plan, fix_encoding_and_explain
from ftfy.badness import BADNESS_RE

from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import Rule, everywhere, neither

_FTFY = TextFixerConfig(explain=False, fix_c1_controls=False)
# ftfy's last resort: every C1 control of a line in Latin-1 becomes what Windows-1252 has in its
# place.
_AS_WINDOWS_1252 = [("encode", "latin-1"), ("decode", "windows-1252")]

# A lost byte, as ftfy marks it, with what is left of the sequence that it was in (RFC 3629, section
# 4).
_LOSSY = re.compile(
    rb"[\xc2-\xdf]\x1a|[\xe0-\xef](?:\x1a[\x1a\x80-\xbf]?|[\x80-\xbf]\x1a)"
    rb"|[\xf0-\xf4](?:\x1a[\x1a\x80-\xbf]{,2}|[\x80-\xbf]\x1a[\x1a\x80-\xbf]?|[\x80-\xbf]{2}\x1a)"
    rb"|\x1a[\x80-\xbf]{,3}"
)


def _in_rust_syntax(pattern: str) -> str:
    """Write ftfy's verbose pattern, of classes and literals, without its layout: a space counts in
    a class alone."""
    pattern = re.sub(r"^\s*#.*$", "", pattern, flags=re.MULTILINE)
    classes = re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", r"\x20"), pattern)
    return "(?m)" + re.sub(r"\s", "", classes.replace("\xa0", r"\xa0"))


def _repair_line(line: str) -> str:
    repaired, plan = fix_encoding_and_explain(line, _FTFY)
    lost = "\ufffd" in repaired + line
    if lost and (
        "\ufffd" not in repaired
        or BADNESS_RE.search(repaired)
        or not _brings_letters(line, repaired)
    ):
        return _repair_around_lost_bytes(line)
    return apply_plan(line, [*plan[:-2]]) if plan and plan[-2:] == _AS_WINDOWS_1252 else repaired


def _repair_around_lost_bytes(line: str) -> str:
    """Read a line again as UTF-8 though bytes of it were lost: what is left of their characters
    becomes U+FFFD.

    >>> _repair_around_lost_bytes("\u00d0\u009f\u00d1\ufffd\u00d0\u00b8\u00d0\u00b2\ufffd\u0082")
    '\u041f\ufffd\u0438\u0432\ufffd'
    """
    marked = line.replace("\x1a", "").replace("\ufffd", "\x1a")
    for encoding in ("latin-1", "sloppy-windows-1252"):
        try:
            repaired = _LOSSY.sub(b"\xef\xbf\xbd", marked.encode(encoding)).decode()
        except ValueError:
            continue  # not all of the line was read in this encoding, or it is no UTF-8
        if _brings_letters(line, repaired) and not BADNESS_RE.search(repaired):
            return repaired
    return line


def _brings_letters(line: str, repaired: str) -> bool:
    """Tell whether a letter at least came back; else a letter before a lost one is only taken for a
    misread lead."""
    return bool(set(repaired) - set(line) - {"\ufffd"})


def _repair(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    """Repair the lines that look bad, each distinct one once."""
    lines = pl.DataFrame({"row": range(len(texts)), "line": texts.str.split("\n")}).explode("line")
    bad = lines.filter(pl.col("line").str.contains(CANDIDATES))["line"].unique(maintain_order=True)
    # A loop over distinct bad lines, because ftfy works on one string; few lines of a corpus get
    # here.
    repaired = [_repair_line(line) for line in bad.to_list()]
    lines = lines.with_columns(pl.col("line").replace(bad, pl.Series(repaired, dtype=pl.String)))
    return lines.group_by("row", maintain_order=True).agg(pl.col("line").str.join("\n"))["line"]


CANDIDATES = _in_rust_syntax(BADNESS_RE.pattern)

RULES = (
    Rule(
        "encoding_repair",
        "UTF-8 that was read as Windows-1252 or another single-byte encoding is read again as UTF-8.",
        "ftfy 6 (Speer 2019, doi:10.5281/zenodo.2591652)",
        everywhere,
        CANDIDATES,
        _repair,
        looks_at=neither,
    ),
)
