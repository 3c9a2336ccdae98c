"""A register of withdrawals: what it may say, and what a mistake in it is answered with."""

from __future__ import annotations

import pytest

from schemas.recipe import RecipeError
from schemas.withdrawal import read_register

SOUND = {
    "a host in Unicode is its punycode": (
        'host = "B\u00fccher.example"',
        ("xn--bcher-kva.example",),
    ),
    "a host in punycode stays": ('host = "xn--bcher-kva.example"', ("xn--bcher-kva.example",)),
    "a final dot is none of a host": ('host = ["example.org.", "EXAMPLE.org"]', ("example.org",)),
    "an address of the internet protocol": ('host = "[2001:DB8::1]"', ("[2001:db8::1]",)),
    "its brackets may be left out": ('host = "2001:db8:0::1"', ("[2001:db8::1]",)),
    "a scheme is none of a prefix": ('url_prefix = "HTTP://Example.org/A"', ("example.org/A",)),
    "escapes are in one form": (
        'url_prefix = "https://example.org:443/%7eane/%c3%a4/ä"',
        ("example.org/~ane/%C3%A4/%C3%A4",),
    ),
    "another port is another place": ('url_prefix = "http://a.example:8080"', ("a.example:8080/",)),
    "an id is as it is": ('id = ["A b", "a"]', ("A b", "a")),
    "a hash with its name": (f'content_sha256 = "SHA256:{"aB" * 32}"', ("ab" * 32,)),
    "a licence, case aside": ('licence = " CC-BY-NC-4.0"', ("cc-by-nc-4.0",)),
}


@pytest.mark.parametrize(("line", "values"), SOUND.values(), ids=SOUND.keys())
def test_one_entry(line: str, values: tuple[str, ...]) -> None:
    found = read_register(f"[[withdrawn]]\n{line}\n".encode(), "w.toml")
    assert found.register.withdrawn[0].values == values


BROKEN = {
    "a wildcard": ('host = "*.example.org"', "covers its subdomains and has no wildcard: write 'example.org'"),
    "an address for a host": ('host = "https://example.org/"', "a host is no address: use url_prefix"),
    "a port": ('host = "example.org:8080"', "a host has no port: use url_prefix"),
    "a whole top-level domain": ('host = "org"', "a host has at least two labels"),
    "a prefix without a scheme": ('url_prefix = "example.org/a"', "must begin with https://"),
    "a prefix with a wildcard host": ('url_prefix = "https://*.a.example/"', "without wildcards"),
    "the beginning of an id": ('id = "0f3c*"', "an id is named whole"),
    "half a hash": ('content_sha256 = "abc"', "as 64 hex digits, got 'abc'"),
    "an empty name": ('source = ""', "must not be empty"),
    "two kinds": ('host = "a.example"\nid = "b"', "exactly one of .* got host and id"),
    "no kind": ('reason = "asked"', "exactly one of .* got none"),
    "an unknown kind": ('hots = "a.example"', "unknown key, did you mean 'host'?"),
    "a number": ("id = 7", r"line 2: withdrawn\[0\].id: must be a list"),
    "a wrong date": ('id = "a"\ndate = "yesterday"', r"line 3: withdrawn\[0\].date: "),
    "a wrong choice": ('id = "a"\ncopies = "keeps"', "did you mean 'keep'?"),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_mistakes_are_named_with_their_lines(lines: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as raised:
        read_register(f"[[withdrawn]]\n{lines}\n".encode(), "w.toml")
    assert all(problem.startswith("line ") for problem in raised.value.problems)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"private = true\n", b"withdrawn = []\n"])
def test_an_empty_register_names_nothing(content: bytes) -> None:
    assert read_register(content, "w.toml").register.withdrawn == ()


def test_bytes_that_are_no_register() -> None:
    with pytest.raises(RecipeError, match=r"w\.toml: is not UTF-8"):
        read_register(b"\xff\xfe", "w.toml")
    with pytest.raises(RecipeError, match=r"w\.toml: not TOML"):
        read_register(b"[[withdrawn]\n", "w.toml")
