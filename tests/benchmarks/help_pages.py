"""Build the help-pages corpus: real HTML in 33 translations, from Debian's `libreoffice-help-*`
packages.

    python -m tests.benchmarks.help_pages --output out/help_pages

Downloads the packages with `apt-get download` (no root; `--debs DIR` reuses a folder of them),
takes the HTML pages under `help/<translation>/text/`, and writes

    warc/<translation>.warc.gz   one `response` record a page, one gzip member a record
    parquet/<translation>.parquet   the same pages: url, html, gold label
    corpus.json                  package versions, counts, bytes and the sha256 of every file

The bytes are a function of the packages and options alone: record ids come from the content, the
date is fixed, gzip carries no time. A file a translation, so the files are of about equal size.

The gold label is the package's claim. In the translations that volunteers left early (`dz`, `om`,
`hi`, `km` most of all) many pages are partly or wholly English, so an identifier that calls them
English is often right.

The pages are MPL-2.0 (https://www.libreoffice.org/licenses/) and are not part of this repository.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.language import parse_label

# `sk` is a package too, but holds only a link to the Czech pages
LABELS = {
    "ca": "cat_Latn",
    "cs": "ces_Latn",
    "da": "dan_Latn",
    "de": "deu_Latn",
    "dz": "dzo_Tibt",
    "el": "ell_Grek",
    "en-gb": "eng_Latn",
    "en-us": "eng_Latn",
    "es": "spa_Latn",
    "et": "est_Latn",
    "eu": "eus_Latn",
    "fi": "fin_Latn",
    "fr": "fra_Latn",
    "gl": "glg_Latn",
    "hi": "hin_Deva",
    "hu": "hun_Latn",
    "id": "ind_Latn",
    "it": "ita_Latn",
    "ja": "jpn_Jpan",
    "km": "khm_Khmr",
    "ko": "kor_Kore",
    "nl": "nld_Latn",
    "om": "orm_Latn",
    "pl": "pol_Latn",
    "pt": "por_Latn",
    "pt-br": "por_Latn",
    "ru": "rus_Cyrl",
    "sl": "slv_Latn",
    "sv": "swe_Latn",
    "tr": "tur_Latn",
    "vi": "vie_Latn",
    "zh-cn": "zho_Hans",
    "zh-tw": "zho_Hant",
}
LICENCE = "MPL-2.0"
DATE = "2023-05-03T00:00:00Z"  # of the upstream release; fixed, so that the bytes are
MAX_PAGE_BYTES = 16 * 1024 * 1024  # the largest page has 0.2 MB; more would be a broken package
PAGE = re.compile(r"\./usr/share/libreoffice/help/[A-Za-z-]{2,5}/(text/[A-Za-z0-9_./-]+\.html)")
SCHEMA = pa.schema(
    [
        pa.field("url", pa.string(), nullable=False),
        pa.field("html", pa.large_string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
    ]
)


class Page(NamedTuple):
    """One page: its address, its bytes as packaged (UTF-8) and the label the package claims."""

    url: str
    html: bytes
    label: str


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--output", type=Path, required=True, help="folder to write, made if missing"
    )
    parser.add_argument(
        "--pages", type=int, help="pages in all, the same share of every translation; default: all"
    )
    parser.add_argument(
        "--copies",
        type=int,
        default=1,
        help="times to write every page, at a new address each time",
    )
    parser.add_argument(
        "--debs", type=Path, help="folder of downloaded packages; default: download them"
    )
    arguments = parser.parse_args()
    if arguments.copies < 1 or (arguments.pages is not None and arguments.pages < len(LABELS)):
        parser.error(
            f"--copies must be at least 1 and --pages at least {len(LABELS)}, one a translation"
        )
    if arguments.debs:
        record = build_corpus(arguments.output, arguments.debs, arguments.pages, arguments.copies)
    else:
        with tempfile.TemporaryDirectory() as folder:
            download_packages([f"libreoffice-help-{name}" for name in LABELS], Path(folder))
            record = build_corpus(arguments.output, Path(folder), arguments.pages, arguments.copies)
    print(
        json.dumps(
            {name: record[name] for name in ("pages", "html_bytes", "warc_bytes", "parquet_bytes")}
        )
    )


def download_packages(names: list[str], folder: Path) -> None:
    """Fetch Debian packages into `folder` as the machine's apt sources offer them; installs
    nothing."""
    folder.chmod(0o755)  # apt fetches as its own user
    subprocess.run(["apt-get", "--quiet=2", "download", *names], cwd=folder, check=True)


def find_package(folder: Path, name: str) -> Path:
    """Return the one file of package `name` in `folder`."""
    found = sorted(folder.glob(f"{name}_*.deb"))
    if len(found) != 1:
        raise FileNotFoundError(
            f"expected one {name}_*.deb in {folder}, got {len(found)}: apt-get download {name}"
        )
    return found[0]


def package_files(
    deb: Path, wanted: re.Pattern[str], max_bytes: int = MAX_PAGE_BYTES
) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted regular files of a package as (path in the archive, bytes), in the archive's
    order.

    Nothing is unpacked to disk: names, links and modes in the archive are never followed.
    """
    with (
        subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE
        ) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive,
    ):
        for member in archive:
            if member.isreg() and wanted.fullmatch(member.name):
                if member.size > max_bytes:
                    raise ValueError(
                        f"file must have at most {max_bytes} bytes, got {member.size}: {member.name}"
                    )
                content = archive.extractfile(member)
                assert content is not None  # a regular file has content
                yield member.name, content.read()
    if unpacking.returncode:
        raise RuntimeError(
            f"dpkg-deb failed with exit code {unpacking.returncode} on {deb}: download it again"
        )


def read_translation(deb: Path, name: str, limit: int | None, copies: int) -> list[Page]:
    """Read the pages of one translation in the order of their paths, at most `limit` of them, each
    `copies` times.

    The limited choice is by the hash of the path without its language, so translations offer the
    same pages.
    """
    found: dict[str, bytes] = {}
    for path, html in package_files(deb, PAGE):
        match = PAGE.fullmatch(path)
        assert match is not None
        found[match[1]] = html
    chosen = sorted(sorted(found, key=lambda path: hashlib.blake2b(path.encode()).digest())[:limit])
    hosts = ["help.example", *(f"copy-{copy}.help.example" for copy in range(1, copies))]
    label = str(parse_label(LABELS[name]))
    return [
        Page(f"https://{host}/{name}/{path}", found[path], label)
        for host in hosts
        for path in chosen
    ]


def warc_record(page: Page) -> bytes:
    """Write a page as one WARC/1.1 response record (ISO 28500:2017) in a gzip member of its own."""
    payload = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Length: %d\r\n\r\n" % len(page.html) + page.html
    )
    digest = hashlib.blake2b(page.url.encode() + b"\0" + page.html, digest_size=16).hexdigest()
    uuid = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))
    head = (
        f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{uuid}>\r\nWARC-Date: {DATE}\r\n"
        f"WARC-Target-URI: {page.url}\r\nWARC-Identified-Payload-Type: text/html\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + payload + b"\r\n\r\n", compresslevel=6, mtime=0)


def build_corpus(
    output: Path, debs: Path, pages: int | None = None, copies: int = 1
) -> dict[str, object]:
    """Write the corpus and return its record, which is also written as corpus.json."""
    (output / "warc").mkdir(parents=True, exist_ok=True)
    (output / "parquet").mkdir(exist_ok=True)
    shares = {name: None if pages is None else pages // len(LABELS) for name in LABELS}
    for name in list(LABELS)[: (pages or 0) % len(LABELS)]:
        shares[name] = (shares[name] or 0) + 1
    translations: dict[str, dict[str, str | int]] = {}
    counted = ("pages", "html_bytes", "warc_bytes", "parquet_bytes")
    totals = dict.fromkeys(counted, 0)
    for name, share in shares.items():
        deb = find_package(debs, f"libreoffice-help-{name}")
        read = read_translation(deb, name, share, copies)
        warc, parquet = output / "warc" / f"{name}.warc.gz", output / "parquet" / f"{name}.parquet"
        with warc.open("wb") as file:
            file.writelines(map(warc_record, read))
        columns = {
            "url": [page.url for page in read],
            "html": [page.html.decode() for page in read],
            "label": [page.label for page in read],
        }
        pq.write_table(pa.table(columns, SCHEMA), parquet, compression="zstd", row_group_size=1000)
        html_bytes = sum(len(page.html) for page in read)
        sizes = dict(
            zip(
                counted,
                (len(read), html_bytes, warc.stat().st_size, parquet.stat().st_size),
                strict=True,
            )
        )
        totals = {key: totals[key] + sizes[key] for key in counted}
        digests = {"warc_sha256": _sha256(warc), "parquet_sha256": _sha256(parquet)}
        translations[name] = {"package": deb.name, "label": LABELS[name], **sizes, **digests}
    record = {
        "licence": LICENCE,
        "date": DATE,
        "copies": copies,
        **totals,
        "translations": translations,
    }
    (output / "corpus.json").write_text(json.dumps(record, indent=2) + "\n")
    return record


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
