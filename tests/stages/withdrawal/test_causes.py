"""Which documents a register names."""

from __future__ import annotations

import hashlib
import time

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


REACHED = {
    "user and port": "https://me:p@ss@Taken.example:8443/a",
    "without a scheme": "taken.example/a",
    "with slashes alone": "//www.taken.example/a",
    "backslashes": "https:\\\\taken.example\\a",
    "an ideographic full stop": "https://taken\u3002example/a",
    "a percent-encoded host": "https://t%61ken.example/a",
    "a line feed within": "https://tak\nen.example/a",
    "another spelling of an IPv6 address": "http://[0:0:0:0:0:0:0:1]:80/a",
}
NOT_REACHED = {
    "the host in a path": "https://other.example/taken.example/a",
    "the host as a user": "https://taken.example@other.example/a",
    "a host that begins alike": "https://taken.example.other.example/a",
    "an address of mail": "mailto:me@taken.example",
    "another IPv6 address": "http://[::2]/a",
}
ADDRESSES = {name: (url, True) for name, url in REACHED.items()}
ADDRESSES |= {name: (url, False) for name, url in NOT_REACHED.items()}


@pytest.mark.parametrize(("url", "named"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_a_host_is_named_however_its_address_is_written(url: str, named: bool) -> None:
    hosts = read_register(b'[[withdrawn]]\nhost = ["taken.example", "[::1]"]', "w.toml")
    prefixes = [
        *("https://taken.example:8443/%61", "http://[::1]/a"),
        *("https://taken.example/a", "https://www.taken.example/a"),
    ]
    by_prefix = read_register(f"[[withdrawn]]\nurl_prefix = {prefixes}".encode(), "w.toml")
    for register in (hosts, by_prefix):
        assert (Names([register]).find(pa.table({"url": [url]}))[0] != NONE) == named


def test_a_hundred_thousand_prefixes_of_one_host_take_time_by_their_lengths() -> None:
    listed = ",".join(f'"https://taken.example/{number}/"' for number in range(100_000))
    register = read_register(f"[[withdrawn]]\nurl_prefix = [{listed}]".encode(), "w.toml")
    urls = [f"https://taken.example/{number}/x" for number in range(99_000, 101_000)]
    began = time.process_time()
    found = Names([register]).find(pa.table({"url": urls * 5}))
    assert np.count_nonzero(found != NONE) == 5 * 1000
    assert time.process_time() - began < 5
