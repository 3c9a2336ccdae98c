"""robots.txt by RFC 9309, and pages in encodings of their own."""

from __future__ import annotations

import time

import pytest

from stages.withdrawal.opt_out import (
    allowed,
    page_signals,
    reservation_rules,
    reserved,
    robots_rules,
)

# Examples of RFC 9309, sections 2.2.1 to 2.2.3 and 5, and neighbours of them.
RULES = {
    "an empty file": ("", "/a", True),
    "the longest rule decides": ("Disallow: /\nAllow: /p", "/page", True),
    "of equal rules allow decides": ("Disallow: /folder\nAllow: /folder", "/folder/page", True),
    "an empty disallow forbids nothing": ("Disallow:", "/a", True),
    "a star is any octets": ("Disallow: /*.gif$", "/x/y.gif", False),
    "a dollar is the end": ("Disallow: /*.gif$", "/x/y.gif?z", True),
    "the case of a path counts": ("Disallow: /Page", "/page", True),
    "keys and agents have no case": ("dIsAllow : /a # comment", "/a", False),
    "escapes of UTF-8": ("Disallow: /foo/bar/\u30c4", "/foo/bar/%E3%83%84", False),
    "escapes of letters": ("Disallow: /~%61ne", "/%7Eane", False),
    "an escaped star is a letter": ("Disallow: /path/%2A", "/path/x", True),
    "an escaped star is found": ("Disallow: /path/%2A", "/path/%2a", False),
    "robots.txt may be fetched": ("Disallow: /", "/robots.txt", True),
    "an unknown line is passed over": ("Sitemap: x\nDisallow: /a", "/a", False),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "path", "may"), RULES.values(), ids=RULES.keys())
def test_rules(lines: str, path: str, may: bool) -> None:
    text = f"\ufeffUser-Agent: gptBOT/1.2\n{lines}\n".encode()
    assert allowed(robots_rules(text, "GPTBot"), path) == may


def test_groups_of_one_agent_are_one_group() -> None:
    text = (
        b"User-agent: A\nDisallow: /a\nUser-agent: B\nDisallow: /b\rUser-agent: a\r\nDisallow: /c"
    )
    assert [rule.path for rule in robots_rules(text, "a")] == ["/a", "/c"]
    assert [rule.path for rule in robots_rules(text, "b")] == ["/b"]
    assert robots_rules(text, "c") == []


def test_hostile_rules_take_linear_time() -> None:
    started = time.process_time()
    rules = robots_rules(b"User-agent: *\nDisallow: /" + b"*a" * 5000 + b"b$\n", "x")
    assert allowed(rules, "/" + "a" * 100_000)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_metas_in_any_encoding(encoding: str) -> None:
    page = '\ufeff<title>ä</title><meta content="noindex, NOAI" name="Robots"><p>noai</p>'
    assert page_signals(None, page.encode(encoding), None, []) == ("noai",)
    assert page_signals(None, page.replace("NOAI", "no ai").encode(encoding), None, []) == ()


RESERVED, OPEN = "tdm_reservation", "tdm_open"
SAID = {
    "the meta decides over the header": ("1", "0", OPEN),
    "and the other way round": ("0", "1", RESERVED),
    "a header alone": ("1", None, RESERVED),
    "a meta of another value says nothing": ("1", "2", RESERVED),
    "a header of another value says nothing": ("yes", None, None),
    "nor does it hide the meta": ("yes", "0", OPEN),
}


@pytest.mark.parametrize(("header", "meta", "said"), SAID.values(), ids=SAID.keys())
def test_reservations_of_a_page(header: str, meta: str | None, said: str | None) -> None:
    page = "" if meta is None else f'<meta name="tdm-reservation" content="{meta}">'
    found = page_signals(f"tdm-reservation: {header}", page.encode(), None, [])
    assert found == ((said,) if said else ())


FILES = {
    "the first that fits": ('[{"location": "/a", "tdm-reservation": 0}, ALL]', False),
    "of those that fit": ('[{"location": "/b", "tdm-reservation": 0}, ALL]', True),
    "a value that there is not is no rule": (
        '[{"location": "/a", "tdm-reservation": 2}, ALL]',
        True,
    ),
    "nor is none": ('[{"location": "/a"}, ALL]', True),
    "nor is true": ('[{"location": "/a", "tdm-reservation": true}]', False),
    "digits in quotes are meant": ('[{"location": "/a", "tdm-reservation": "1"}]', True),
    "one rule without brackets is no list": ("ALL", False),
}


@pytest.mark.parametrize(("file", "is_reserved"), FILES.values(), ids=FILES.keys())
def test_rules_of_a_reservation_file(file: str, is_reserved: bool) -> None:
    content = file.replace("ALL", '{"location": "/", "tdm-reservation": 1}').encode()
    assert reserved(reservation_rules(content), "/a/page") == is_reserved
