"""Which documents a register names."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from schemas.withdrawal import read_register
from stages.withdrawal.causes import NONE, Names, causes_of

NAMED = {
    "the host": ('host = "example.org"', "https://example.org/a", True),
    "a subdomain": ('host = "example.org"', "http://WWW.Example.ORG:8080/a?b#c", True),
    "a host that ends alike": ('host = "example.org"', "https://notexample.org/", False),
    "a host in a path": ('host = "example.org"', "https://a.example/https://example.org/", False),
    "a user name like a host": ('host = "example.org"', "https://example.org@a.example/", False),
    "a user name before the host": ('host = "example.org"', "https://me:x@example.org/", True),
    "an IDN host in Unicode": ('host = "xn--bcher-kva.example"', "https://b\u00fccher.example/", True),
    "an IDN host in punycode": ('host = "b\u00fccher.example"', "https://XN--bcher-KVA.example", True),
    "an IDN host in escapes": ('host = "b\u00fccher.example"', "https://b%C3%BCcher.example/", True),
    "another IDN host": ('host = "b\u00fccher.example"', "https://bucher.example/", False),
    "the other scheme": ('url_prefix = "https://a.example/x"', "HTTP://A.example/x/y", True),
    "escapes of letters": ('url_prefix = "https://a.example/~ane"', "https://a.example/%7Eane/", True),
    "raw letters": ('url_prefix = "https://a.example/%C3%A4"', "https://a.example/\u00e4b", True),
    "an escaped slash is none": ('url_prefix = "https://a.example/x/y"', "https://a.example/x%2Fy", False),
    "the case of a path": ('url_prefix = "https://a.example/Ane"', "https://a.example/ane", False),
    "dots in a path": ('url_prefix = "https://a.example/x/"', "https://a.example/y/../x/z", True),
    "out of the folder by dots": ('url_prefix = "https://a.example/x/"', "https://a.example/x/../z", False),
    "a query": ('url_prefix = "https://a.example/?id=7"', "https://a.example?id=7&b", True),
    "a subdomain of a prefix": ('url_prefix = "https://a.example/"', "https://www.a.example/", False),
    "no address": ('host = "example.org"', None, False),
}  # fmt: skip


@pytest.mark.parametrize(("line", "url", "named"), NAMED.values(), ids=NAMED.keys())
def test_addresses(line: str, url: str | None, named: bool) -> None:
    names = Names([read_register(f"[[withdrawn]]\n{line}\n".encode(), "w.toml")])
    assert (names.find(pa.table({"url": pa.array([url], pa.string())}))[0] == 0) == named


def test_each_row_has_the_first_entry_that_names_it() -> None:
    text = "Kaixo, mundua."
    digest = hashlib.sha256(text.encode()).hexdigest()
    lines = [
        f'content_sha256 = "{digest}"',
        'licence = "CC-BY-NC-4.0"',
        'id = "b"',
        'source = "web"',
    ]
    register = read_register("".join(f"[[withdrawn]]\n{x}\n" for x in lines).encode(), "w.toml")
    rows = pa.table(
        {
            "id": ["a", "b", "b", "d", None],
            "text": pa.array([text, text + " ", "x", "y", None], pa.large_string()),
            "licence": ["cc-by-nc-4.0 ", "CC-BY-4.0", "Cc-By-Nc-4.0", None, None],
            "source": ["web", "book", "web", "web", "book"],
        }
    )
    names = Names([register])
    assert names.find(rows).tolist() == [0, 2, 1, 3, NONE]
    assert names.find(rows.select(["source"])).tolist() == [3, NONE, 3, 3, NONE]
    assert str(causes_of([register], ["noai"])[3]) == "w.toml entry 4"
    assert str(causes_of([register], ["noai"])[4]) == "opt-out noai"
    assert np.all(Names([]).find(rows) == NONE)
