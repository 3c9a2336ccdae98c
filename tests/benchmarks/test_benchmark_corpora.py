"""What the benchmarks are built from: WARC records that others can read, the same bytes each time,
and fair scores."""

from __future__ import annotations

import gzip
import io
import subprocess
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator

from tests.benchmarks.datatrove_peer import copy_records, gzip_members
from tests.benchmarks.extraction import scores
from tests.benchmarks.help_pages import PAGE, Page, package_files, warc_record
from tests.benchmarks.html5lib_conformance import read_cases, written_tree
from tests.benchmarks.manual_pages import GENERATORS, main_text, shingles

PAGES = [
    Page(f"https://help.example/eu/{n}", f"<p>g\u0127aj {n}</p>".encode(), "mlt_Latn")
    for n in range(5)
]


def test_records_are_one_gzip_member_each_and_readable() -> None:
    octets = b"".join(map(warc_record, PAGES))
    records = [
        (record.headers, record.http_charset, record.reader.read())
        for record in ArchiveIterator(io.BytesIO(octets))
    ]
    assert [body for _, _, body in records] == [page.html for page in PAGES]
    assert [headers["WARC-Target-URI"] for headers, _, _ in records] == [page.url for page in PAGES]
    assert {charset for _, charset, _ in records} == {"utf-8"}
    assert len({headers["WARC-Record-ID"] for headers, _, _ in records}) == len(PAGES)
    assert octets == b"".join(map(warc_record, PAGES))


def test_copying_takes_the_same_share_of_every_file(tmp_path: Path) -> None:
    folders = tmp_path / "from", tmp_path / "to"
    for folder in folders:
        folder.mkdir()
    files = [folders[0] / f"{name}.warc.gz" for name in "abc"]
    for file in files:
        file.write_bytes(b"".join(map(warc_record, PAGES)))
    assert copy_records(files, folders[1], limit=7) == 7
    assert [len(list(gzip_members(folders[1] / file.name))) for file in files] == [3, 2, 2]
    files[0].write_bytes(files[0].read_bytes()[:-3])
    with pytest.raises(ValueError, match="must end with a whole gzip member"):
        list(gzip_members(files[0]))


def test_only_pages_are_taken_from_a_package_and_nothing_is_written(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    help_folder = tree / "usr/share/libreoffice/help/eu/text"
    help_folder.mkdir(parents=True)
    (help_folder / "a.html").write_text("<p>kaixo")
    (help_folder / "b.css").write_text("no page")
    (help_folder / "c.html").symlink_to("/etc/hostname")
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n"
    )
    deb = tmp_path / "x_1_all.deb"
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", str(tree), str(deb)],
        check=True,
        capture_output=True,
    )
    before = sorted(tmp_path.rglob("*"))
    assert list(package_files(deb, PAGE)) == [
        ("./usr/share/libreoffice/help/eu/text/a.html", b"<p>kaixo")
    ]
    assert sorted(tmp_path.rglob("*")) == before
    with pytest.raises(ValueError, match="must have at most 3 bytes, got 8"):
        list(package_files(deb, PAGE, max_bytes=3))


def test_scores_of_texts_that_are_known() -> None:
    label = shingles("a b c d e f")  # four runs of three
    assert scores(label, "a b c d e f") == (1, 1, 1)
    assert scores(label, "a b c d") == pytest.approx((1, 0.5, 2 / 3))
    assert scores(label, "a b c d e f x y z w")[:2] == (0.5, 1)
    assert scores(label, "") == (0, 0, 0)
    assert shingles("\u4e00\u4e8c\u4e09\u56db").total() == 2, "Han is counted by code point"
    assert shingles("\u1019\u103c\u1014\u103a\u1019\u102c").total() > 0, (
        "Burmese is counted by code point"
    )


def test_a_label_leaves_navigation_out_and_keeps_blocks_apart() -> None:
    page = "<div class=navheader>N</div><div class=chapter><div class=toc>N</div><h1>a</h1><p>b<b>c</b></p></div>"
    assert main_text(page, GENERATORS["docbook-xsl"]).split() == ["a", "bc"]


def test_members_of_gzip_are_returned_as_they_are(tmp_path: Path) -> None:
    members = [gzip.compress(bytes([n]) * 100_000, mtime=0) for n in range(3)]
    (tmp_path / "x.gz").write_bytes(b"".join(members))
    assert list(gzip_members(tmp_path / "x.gz")) == members


TREES = """#data
<p class=b id=a>x<svg xlink:href=y><!--c-->
#errors
#document
| <html>
|   <head>
|   <body>
|     <p>
|       class="b"
|       id="a"
|       "x"
|       <svg svg>
|         xlink href="y"
|         <!-- c -->

#data
x
#errors
#document-fragment
td
#document
| "x"
"""


def test_trees_are_written_as_the_tests_of_html5lib_have_them() -> None:
    [case] = read_cases("sample.dat", TREES)
    assert written_tree(case.markup) == case.tree
    assert written_tree(case.markup + "y") != case.tree
