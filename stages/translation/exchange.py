"""Sentence pairs as translation tools read them: TMX 1.4b, and Moses, which is two files of equal
numbers of lines.

Both take the pairs that passed all gates. Language codes are BCP 47 in TMX, the labels of the
corpus in Moses. White space within a sentence is one space, since a line is a sentence. Source: TMX
1.4b Specification (LISA OSCAR, 2005).
"""

from __future__ import annotations

from xml.sax.saxutils import escape  # escapes; nothing is parsed here

import polars as pl
import pyarrow as pa

TMX_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n<header creationtool="glotmill" '
    b'creationtoolversion="1" segtype="sentence" o-tmf="glotmill" adminlang="en" srclang="*all*" '
    b'datatype="plaintext"/>\n<body>\n'
)
TMX_END = b"</body>\n</tmx>\n"
_NO_XML = r"[^\t\n\r\x{20}-\x{d7ff}\x{e000}-\x{fffd}\x{10000}-\x{10ffff}]"  # characters that XML 1.0 cannot hold


def passed_pairs(pairs: pa.Table) -> pl.DataFrame:
    """Take the pairs that no gate rejected, each sentence as one line: the columns but for `reason`
    and signals."""
    columns = ["source_language", "target_language", "source", "target", "reason"]
    frame = pl.DataFrame(pl.from_arrow(pairs.select(columns)))
    kept = frame.filter(pl.col("reason").is_null()).drop("reason")
    lines = (
        pl.col(name).str.replace_all(r"\s+", " ").str.strip_chars() for name in ("source", "target")
    )
    return kept.with_columns(*lines)


def tmx_units(pairs: pl.DataFrame) -> bytes:
    """Write a translation unit for each pair.

    >>> both = {"source_language": ["eus_Latn"], "target_language": ["spa_Latn"], "source": ["Bai & ez"]}
    >>> print(tmx_units(pl.DataFrame(both | {"target": ["Bien"]})).decode().strip().replace("</tuv>", "</tuv> "))
    <tu><tuv xml:lang="eus-Latn"><seg>Bai &amp; ez</seg></tuv> <tuv xml:lang="spa-Latn"><seg>Bien</seg></tuv> </tu>
    """

    def side(language: str, text: str) -> pl.Expr:
        code = pl.col(language).str.replace("_", "-")
        return pl.format('<tuv xml:lang="{}"><seg>{}</seg></tuv>', code, pl.col(text))

    texts = [
        pairs[name]
        .str.replace_all(_NO_XML, "")
        .str.replace_many(["&", "<", ">"], [escape(c) for c in "&<>"])
        for name in ("source", "target")
    ]
    sides = [side("source_language", "source"), side("target_language", "target")]
    lines = pairs.with_columns(*texts).select(pl.format("<tu>{}{}</tu>\n", *sides).alias("unit"))[
        "unit"
    ]
    return "".join(lines.to_list()).encode()


def moses_lines(pairs: pl.DataFrame) -> dict[str, bytes]:
    """Write the lines of each direction, by the name of the file: `eus_Latn-spa_Latn.eus_Latn` and
    `.spa_Latn`."""
    written: dict[str, bytes] = {}
    for (source, target), own in pairs.group_by(
        "source_language", "target_language", maintain_order=True
    ):
        for label, column in ((source, "source"), (target, "target")):
            written[f"{source}-{target}.{label}"] = "".join(
                f"{line}\n" for line in own[column].to_list()
            ).encode()
    return written
