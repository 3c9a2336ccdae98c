"""Addresses: which are one, which are neighbours that must stay two, and which are none."""

from __future__ import annotations

import string

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.columns import SchemaError
from stages.deduplication.options import UrlDeduplicationConfig
from stages.deduplication.url import canonical_urls, url_keys

DEFAULT = UrlDeduplicationConfig()


def canonical(*urls: str | None, config: UrlDeduplicationConfig = DEFAULT) -> list[str | None]:
    found: list[str | None] = canonical_urls(pa.array(urls, pa.string()), config).to_pylist()
    return found


def keys_equal(left: str, right: str, config: UrlDeduplicationConfig = DEFAULT) -> bool:
    found = url_keys(pa.record_batch({"url": pa.array([left, right], pa.string())}), config)
    assert found.present.all(), (left, right)
    return bool(found.keys[0] == found.keys[1])


SAME = {
    "scheme": ("http://example.org/a", "https://example.org/a"),
    "scheme case": ("HTTP://example.org/a", "http://example.org/a"),
    "host case": ("http://Example.ORG/a", "http://example.org/a"),
    "dot behind the host": ("http://example.org./a", "http://example.org/a"),
    "default port of http": ("http://example.org:80/a", "http://example.org/a"),
    "default port of https, with a zero": ("https://example.org:0443/a", "https://example.org/a"),
    "empty port": ("http://example.org:/a", "http://example.org/a"),
    "empty path": ("http://example.org", "http://example.org/"),
    "empty path before a query": ("http://example.org?a=1", "http://example.org/?a=1"),
    "empty query": ("http://example.org/a?", "http://example.org/a"),
    "query of trackers only": (
        "http://example.org/a?utm_source=x&utm_medium=y",
        "http://example.org/a",
    ),
    "trackers among parameters": (
        "http://example.org/a?p=1&fbclid=Iw&q=2",
        "http://example.org/a?p=1&q=2",
    ),
    "tracker in capitals": ("http://example.org/a?UTM_Source=x", "http://example.org/a"),
    "tracker with encoded letters": ("http://example.org/a?utm%5Fsource=x", "http://example.org/a"),
    "tracker without a value": ("http://example.org/a?gclid", "http://example.org/a"),
    "session in the path": (
        "http://example.org/a;jsessionid=0F3A9?b=1",
        "http://example.org/a?b=1",
    ),
    "fragment": ("http://example.org/a#part-2", "http://example.org/a"),
    "empty fragment": ("http://example.org/a#", "http://example.org/a"),
    "order of parameters": ("http://example.org/a?b=2&a=1", "http://example.org/a?a=1&b=2"),
    "empty parameters": ("http://example.org/a?&a=1&&b=2&", "http://example.org/a?a=1&b=2"),
    "unreserved letters need no encoding": (
        "http://example.org/%7euser/%41",
        "http://example.org/~user/A",
    ),
    "case of encoded octets": ("http://example.org/a%2fb%c3%a9", "http://example.org/a%2Fb%C3%A9"),
    "dot segments": ("http://example.org/a/./b/../c", "http://example.org/a/c"),
    "dot segments, encoded": ("http://example.org/a/%2e%2E/c", "http://example.org/c"),
    "dot segments above the root": ("http://example.org/../../a", "http://example.org/a"),
    "dot at the end": ("http://example.org/a/.", "http://example.org/a/"),
    "two dots at the end": ("http://example.org/a/b/..", "http://example.org/a/"),
    "kat: raw and encoded letters": (
        "https://ka.example/\u10d4\u10dc\u10d0",
        "https://ka.example/%E1%83%94%E1%83%9C%E1%83%90",
    ),
    "rus: host in letters and in punycode": (
        "http://\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444/",
        "http://xn--e1afmkfd.xn--p1ai/",
    ),
    "deu: host with an umlaut, capitals": (
        "http://B\u00dcCHER.example/",
        "http://xn--bcher-kva.example/",
    ),
    "deu: host with an umlaut, encoded": (
        "http://b%C3%BCcher.example/",
        "http://xn--bcher-kva.example/",
    ),
    "jpn: full-width host letters and full stop": (
        "http://\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\u3002org/",
        "http://example.org/",
    ),
    "space is encoded": ("http://example.org/a b", "http://example.org/a%20b"),
    "spaces around": ("  http://example.org/a\n", "http://example.org/a"),
    "line end inside": ("http://example.org/a\r\nb", "http://example.org/ab"),
    "lone percent sign": ("http://example.org/100%", "http://example.org/100%25"),
    "user of no name": ("http://@example.org/", "http://example.org/"),
}
DIFFERENT = {
    "path case": ("http://example.org/A", "http://example.org/a"),
    "trailing slash": ("http://example.org/a/", "http://example.org/a"),
    "index page": ("http://example.org/index.html", "http://example.org/"),
    "www": ("http://www.example.org/", "http://example.org/"),
    "another host that begins the same": ("http://example.org/", "http://example.org.evil/"),
    "a port of its own": ("http://example.org:8080/", "http://example.org/"),
    "the other scheme's port": ("http://example.org:443/", "http://example.org/"),
    "ftp": ("ftp://example.org/", "http://example.org/"),
    "value of a parameter": ("http://example.org/a?id=1", "http://example.org/a?id=2"),
    "case of a value": ("http://example.org/a?v=aB", "http://example.org/a?v=ab"),
    "parameter without and with an empty value": (
        "http://example.org/a?b",
        "http://example.org/a?b=",
    ),
    "order of values of one name": ("http://example.org/a?x=1&x=2", "http://example.org/a?x=2&x=1"),
    "a name that begins like a tracker": ("http://example.org/a?gclidx=1", "http://example.org/a"),
    "a name that some sites need": ("http://example.org/a?ref=2", "http://example.org/a?ref=3"),
    "encoded slash is no separator": ("http://example.org/a%2Fb", "http://example.org/a/b"),
    "encoded question mark is no query": ("http://example.org/a%3Fb=1", "http://example.org/a?b=1"),
    "encoded ampersand is no separator": (
        "http://example.org/?a=1%26b=2",
        "http://example.org/?a=1&b=2",
    ),
    "plus and space": ("http://example.org/?q=c++", "http://example.org/?q=c%20%20"),
    "percent sign encoded twice": ("http://example.org/%2541", "http://example.org/%41"),
    "hashbang names a view": ("http://example.org/#!/a", "http://example.org/#!/b"),
    "route in the fragment names a view": ("http://example.org/#/a", "http://example.org/"),
    "empty segment": ("http://example.org//a", "http://example.org/a"),
    "name that begins with a dot": ("http://example.org/a/.b", "http://example.org/a/b"),
    "three dots": ("http://example.org/a/.../b", "http://example.org/b"),
    "user": ("http://ana@example.org/", "http://example.org/"),
    "deu: sharp s is a letter of its own": ("http://fa\u00df.example/", "http://fass.example/"),
    "tur: dotless i is a letter of its own": ("http://\u0131.example/", "http://i.example/"),
    "slv: composed and decomposed octets are two resources": (
        "http://example.org/%C4%8D",
        "http://example.org/c%CC%8C",
    ),
    "rus: a look-alike host": ("http://\u0435xample.org/", "http://example.org/"),
}
NONE = {
    "null": None,
    "empty": "",
    "a word": "unknown",
    "not available": "N/A",
    "no scheme": "example.org/a",
    "another scheme": "javascript:alert(1)",
    "data": "data:text/plain,hello",
    "a file": "file:///etc/passwd",
    "no host": "http:///a",
    "host is a dot": "http://./a",
    "host with a space": "http://exa mple.org/",
    "host with brackets": "http://exa[mple].org/",
    "host of broken octets": "http://%ff%fe/",
    "port is no number": "http://example.org:port/",
    "backslash in the host": "http://example.org\\@other.example/",
    "null character": "http://example.org/\x00a",
    "escape character": "http://example.org/\x1b[31m",
    "a megabyte": "http://example.org/" + "a" * (1 << 20),
    "a megabyte of dots": "http://example.org" + "/.." * (1 << 18),
}


@pytest.mark.parametrize(("left", "right"), SAME.values(), ids=SAME.keys())
def test_one_address(left: str, right: str) -> None:
    assert canonical(left) == canonical(right)
    assert keys_equal(left, right)


@pytest.mark.parametrize(("left", "right"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_two_addresses(left: str, right: str) -> None:
    assert not keys_equal(left, right)


@pytest.mark.parametrize("url", NONE.values(), ids=NONE.keys())
def test_no_address(url: str | None) -> None:
    assert canonical(url, "http://example.org/b") == [None, "//example.org/b"]


def test_rows_without_an_address_are_told_apart_from_those_that_have_one() -> None:
    found = url_keys(
        pa.record_batch({"url": pa.array([None, "http://a.example", "n/a", "http://A.example/"])}),
        DEFAULT,
    )
    assert found.present.tolist() == [False, True, False, True]
    assert found.keys[1] == found.keys[3]


@pytest.mark.parametrize(
    ("config", "left", "right"),
    [
        (UrlDeduplicationConfig(drop_www=True), "http://www.example.org/", "http://example.org/"),
        (
            UrlDeduplicationConfig(drop_trailing_slash=True),
            "http://example.org/a/",
            "http://example.org/a",
        ),
        (
            UrlDeduplicationConfig(tracking_parameters=("ref",)),
            "http://example.org/?ref=a",
            "http://example.org/",
        ),
    ],
)
def test_options_merge_what_the_default_keeps_apart(
    config: UrlDeduplicationConfig, left: str, right: str
) -> None:
    assert keys_equal(left, right, config)
    assert not keys_equal(left, right)


def test_unsorted_parameters_stay_apart() -> None:
    config = UrlDeduplicationConfig(sort_parameters=False)
    assert not keys_equal("http://example.org/?b=2&a=1", "http://example.org/?a=1&b=2", config)


def test_a_batch_without_addresses_is_refused() -> None:
    with pytest.raises(SchemaError, match="'url' is missing"):
        url_keys(pa.record_batch({"text": ["a"]}), DEFAULT)


tails = st.text(alphabet=string.printable + "\u00e9\u10d4\u0301%", max_size=40)


@pytest.mark.slow
@given(st.lists(tails, max_size=5), st.integers(0, 2))
def test_canonical_form_is_stable_ascii_and_the_same_wherever_the_row_lies(
    tail: list[str], offset: int
) -> None:
    urls = pa.array(["http://example.org/" + t for t in tail], pa.string())
    once = canonical_urls(urls.slice(offset), DEFAULT)
    assert once.to_pylist() == [canonical(u)[0] for u in urls.to_pylist()[offset:]]
    for address in once.drop_null().to_pylist():
        assert address.isascii()
        assert canonical("http:" + address) == [address]


def test_empty_batch() -> None:
    found = url_keys(pa.record_batch({"url": pa.array([], pa.string())}), DEFAULT)
    assert len(found.keys) == len(found.present) == 0
    assert found.keys.dtype.names == ("high", "low")
    assert found.present.dtype == np.bool_
