"""TMX and Moses, from files that are written here."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from schemas.source import Source
from stages.reading.sources import Listing, plan_splits, read_split, source_problems

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4"><header srclang="*all*"/><body>\n'
)


def unit(*sides: tuple[str, str], more: str = "") -> str:
    inside = "".join(
        f'<tuv xml:lang="{language}"><seg>{text}</seg></tuv>' for language, text in sides
    )
    return f"<tu{more}>{inside}</tu>\n"


def source_of(folder: Path, **options: Any) -> Source:
    known = {"name": "pairs", "source_language": "eus_Latn", "target_language": "spa_Latn"}
    found: Source = TypeAdapter(Source).validate_python(known | options)
    assert not source_problems(found, Listing(str(folder)))
    return found


def read(
    folder: Path, content: str | bytes, name: str = "a.tmx", **options: Any
) -> list[dict[str, Any]]:
    octets = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(gzip.compress(octets) if name.endswith(".gz") else octets)
    source = source_of(folder, format="tmx", paths=[name], **options)
    splits = plan_splits(source, str(folder))
    return [
        row for split in splits for block in read_split(split, source) for row in block.to_pylist()
    ]


def pairs(rows: list[dict[str, Any]]) -> list[tuple[str | None, str | None]]:
    return [(row["text"], row["translation"]) for row in rows if not row["error"]]


BOTH = unit(("eu", "Bai."), ("es", "Sí."))
UNITS = {
    "codes of BCP 47, in any order": (unit(("es-ES", "Sí."), ("eu", "Bai.")), [("Bai.", "Sí.")]),
    "codes of ISO 639-3 with a script": (
        unit(("eus-Latn", "Bai."), ("spa_Latn", "Sí.")),
        [("Bai.", "Sí.")],
    ),
    "another script is another text": (
        unit(("eu-Cyrl", "Бай."), ("eu", "Bai."), ("es", "Sí.")),
        [("Bai.", "Sí.")],
    ),
    "a third language is passed over": (
        unit(("fr", "Oui."), ("eu", "Bai."), ("es", "Sí.")),
        [("Bai.", "Sí.")],
    ),
    "codes inside a segment are no text": (
        unit(
            ("eu", 'Bai <bpt i="1">&lt;b&gt;</bpt>hori<ept i="1">&lt;/b&gt;</ept>.'),
            ("es", "Sí <hi>eso</hi>."),
        ),
        [("Bai hori.", "Sí eso.")],
    ),
    "escaped characters": (
        unit(("eu", "Bai &amp; ez &#233;"), ("es", "A &lt; B")),
        [("Bai & ez é", "A < B")],
    ),
    "an empty side is a pair": (unit(("eu", "Bai."), ("es", "")), [("Bai.", "")]),
}


@pytest.mark.parametrize(("content", "expected"), UNITS.values(), ids=UNITS.keys())
def test_a_unit_is_a_record(content: str, expected: list[tuple[str, str]], tmp_path: Path) -> None:
    rows = read(tmp_path, HEAD + content + "</body></tmx>")
    assert pairs(rows) == expected
    assert {row["translation_direction"] for row in rows} == {"eus_Latn -> spa_Latn"}


def test_a_unit_without_one_language_fails_alone(tmp_path: Path) -> None:
    rows = read(tmp_path, HEAD + BOTH + unit(("eu", "Ez.")) + BOTH + "</body></tmx>")
    assert [row["error"] for row in rows] == [None, "no_pair: the unit has no spa_Latn", None]
    assert [row["position"] for row in rows] == [0, 1, 2]


def test_a_document_type_is_named_and_nothing_is_loaded(tmp_path: Path) -> None:
    doctype = HEAD.replace("<tmx", f'<!DOCTYPE tmx SYSTEM "file://{tmp_path}/tmx14.dtd">\n<tmx')
    assert pairs(read(tmp_path, doctype + BOTH + "</body></tmx>")) == [("Bai.", "Sí.")]


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>\n<tmx'
    (row,) = read(
        tmp_path, HEAD.replace("<tmx", bomb) + unit(("eu", "&b;"), ("es", "Sí.")) + "</body></tmx>"
    )
    assert (
        row["error"]
        == "broken_stream: the XML is damaged: it declares entities, which are not expanded"
    )


def test_what_stands_before_damage_is_read(tmp_path: Path) -> None:
    rows = read(tmp_path, HEAD + BOTH * 3 + "<tu><tuv>")
    assert pairs(rows) == [("Bai.", "Sí.")] * 3
    assert rows[-1]["error"].startswith("broken_stream: the XML is damaged: no element found")
    cut = gzip.compress((HEAD + BOTH * 3 + "</body></tmx>").encode())[:-30]
    (tmp_path / "b.tmx.gz").write_bytes(cut)
    source = source_of(tmp_path, format="tmx", paths=["b.tmx.gz"])
    (split,) = plan_splits(source, str(tmp_path))
    assert any(
        (row["error"] or "").startswith("broken_stream")
        for b in read_split(split, source)
        for row in b.to_pylist()
    )


def test_a_unit_that_is_too_large_fails_alone(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        HEAD + BOTH + unit(("eu", "a" * 5000), ("es", "b")) + BOTH + "</body></tmx>",
        max_record_bytes=1000,
    )
    assert pairs(rows) == [("Bai.", "Sí.")] * 2
    assert rows[1]["error"].startswith("too_large")


def moses(folder: Path, ours: bytes, theirs: bytes) -> list[dict[str, Any]]:
    (folder / "a.eu-es.eu").write_bytes(ours)
    (folder / "a.eu-es.es").write_bytes(theirs)
    source = source_of(folder, format="moses", paths=["*.eu"], target_ending="es")
    splits = plan_splits(source, str(folder))
    return [
        row for split in splits for block in read_split(split, source) for row in block.to_pylist()
    ]


def test_lines_of_two_files_are_pairs(tmp_path: Path) -> None:
    rows = moses(tmp_path, b"Bai.\n\nEz.\r\nAgur", "Sí.\n\nNo.\nAdiós\n".encode())
    assert pairs(rows) == [("Bai.", "Sí."), ("Ez.", "No."), ("Agur", "Adiós")]
    assert [row["position"] for row in rows] == [0, 2, 3]


def test_files_of_unequal_numbers_of_lines_give_no_pair(tmp_path: Path) -> None:
    (row,) = moses(tmp_path, b"Bai.\nEz.\n", b"No.\n")
    assert row["error"] == "broken_record: a.eu-es.eu has 2 lines, and a.eu-es.es has 1"


def test_a_line_that_is_not_utf8_fails_alone(tmp_path: Path) -> None:
    rows = moses(tmp_path, b"Bai.\nEz \xff.\nAgur.\n", "Sí.\nNo.\nAdiós.\n".encode())
    assert pairs(rows) == [("Bai.", "Sí."), ("Agur.", "Adiós.")]


def test_a_file_without_its_other_side_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.eu").write_text("Bai.\n")
    known = {
        "name": "pairs",
        "source_language": "eus_Latn",
        "target_language": "spa_Latn",
        "format": "moses",
    }
    source: Source = TypeAdapter(Source).validate_python(
        known | {"paths": ["a.eu"], "target_ending": "es"}
    )
    (problem,) = source_problems(source, Listing(str(tmp_path)))
    assert "a.eu has no other side a.es" in problem
