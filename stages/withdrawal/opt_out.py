"""What pages reserve by themselves: robots.txt, `noai`, the TDM Reservation Protocol.

- `noai`: a directive of `X-Robots-Tag` or of `<meta name="robots">`, for all or for an agent that
  is named before it (`GPTBot: noai`) or by the meta's name. `noimageai` alone is about images.
- `tdm_reservation`: the header `tdm-reservation: 1`, a meta of that name, or a rule of the site's
  `/.well-known/tdmrep.json`. A page's own meta decides over the header, and the header over the
  file, 0 or 1; other values say nothing. Of the file's rules the first decides whose `location`
  fits, as in robots.txt.
- `robots`: rules of robots.txt, by RFC 9309: the group of an agent, or else that of `*`; the rule
  with the longest path decides, and `allow` of two equally long ones; `*` and `$` are special.

Sources: RFC 9309; TDM Reservation Protocol, W3C Community Group final report, sections
"tdm-reservation", "TDM File on the Origin Server" and "Processing priority"; the directives `noai`
and `noimageai` as DeviantArt published them in 2022.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

import pyarrow as pa
import turbohtml

from schemas.withdrawal import OPT_OUT, RESERVATIONS, TDM_OPEN
from stages.reading.page_encoding import decode_page

# of a robots.txt that are read: the least that RFC 9309, section 2.5, asks for
ROBOTS_BYTES = 500 << 10
_MENTIONED = re.compile(rb"noai|tdm-reservation", re.IGNORECASE)
_LINE = re.compile(r"[ \t]*([A-Za-z-]+)[ \t]*:[ \t]*([^#]*)")
_AGENT = re.compile(r"[A-Za-z_-]+|\*")  # RFC 9309, section 2.2.1: letters, underscores, hyphens
# What `page_signals` can tell; the last one, that a page leaves open what its site's file reserves.
_DIRECTIVES = ("noai", "tdm_reservation", TDM_OPEN)
TDM_FILE, ROBOTS_FILE = "/.well-known/tdmrep.json", "/robots.txt"


def page_signals(
    headers: str | None, raw: bytes | None, charset: str | None, agents: Collection[str]
) -> tuple[str, ...]:
    """Tell which of `noai`, `tdm_reservation` and `tdm_open` a page gives, by its metas and by the
    lines that `stages.reading.http_messages.reservation_lines` made of its header.

    >>> page = b'<meta name="robots" content="noindex,noai"><!-- <meta name="tdm-reservation" content="1"> -->'
    >>> page_signals(None, page, None, ["GPTBot"]), page_signals("gptbot: noai", b"", None, ["GPTBot"])
    (('noai',), ('noai',))
    >>> page_signals("otherbot: noai\\ntdm-reservation: 1", b"", None, ["GPTBot"])
    ('tdm_reservation',)
    """
    known = {agent.lower() for agent in agents}
    noai, reserved = False, None
    for line in (headers or "").split("\n"):
        name, _, value = line.partition(":")
        if name == "tdm-reservation":
            reserved = _reservation(value, reserved)
        else:
            noai |= _says_noai(line, known)
    wide = raw.replace(b"\0", b"") if raw and b"\0" in raw else raw  # of UTF-16, as good as ASCII
    for name, content in _metas(raw, charset) if raw and _MENTIONED.search(wide or b"") else ():
        if name == "tdm-reservation":
            reserved = _reservation(content, reserved)
        elif name == "robots" or name in known:
            noai |= "noai" in _words(content)
    said = (noai, reserved is True, reserved is False)
    return tuple(signal for signal, given in zip(_DIRECTIVES, said, strict=True) if given)


def _reservation(value: object, before: bool | None = None) -> bool | None:
    """Read a `tdm-reservation`, a number or its digits: reserved or open; other values are errors
    of the protocol, which leave it as it was `before`."""
    if isinstance(value, bool):
        return before
    return {"1": True, "0": False}.get(str(value).strip(), before)


def _says_noai(line: str, agents: Collection[str]) -> bool:
    """Read one `X-Robots-Tag`: directives, which hold for an agent if its name and a colon stand
    before them."""
    said, agent = False, ""
    for part in line.split(","):
        name, colon, rest = part.partition(":")
        if colon:
            agent, part = name.strip(), rest
        said |= part.strip() == "noai" and (not agent or agent in agents)
    return said


def _words(content: str) -> list[str]:
    return [word.strip() for word in content.lower().split(",")]


def _metas(raw: bytes, charset: str | None) -> Iterator[tuple[str, str]]:
    document = turbohtml.parse(decode_page(raw, charset))
    for meta in document.find_all("meta"):
        name, content = meta.attrs.get("name"), meta.attrs.get("content")
        if isinstance(name, str) and isinstance(content, str):
            yield name.strip().lower(), content


class Rule(NamedTuple):
    """A rule of robots.txt: a path in one form, and whether it allows."""

    path: str
    allows: bool


def robots_rules(content: bytes, agent: str) -> list[Rule]:
    """Read the rules of a robots.txt that hold for one agent: those of all its groups, or of `*`.

    >>> text = b"User-agent: *\\nDisallow: /a\\n\\nUser-agent: GPTBot\\nUser-agent: CCBot\\nDisallow: /\\n"
    >>> robots_rules(text, "ccbot"), robots_rules(text, "OtherBot")
    ([Rule(path='/', allows=False)], [Rule(path='/a', allows=False)])
    """
    groups: dict[str, list[Rule]] = {}
    names: list[str] = []
    begun = False  # the rules of the group
    text = content[:ROBOTS_BYTES].decode("utf-8-sig", "replace")
    for line in re.split(r"[\r\n]+", text):
        found = _LINE.match(line)
        key = found[1].lower() if found else ""
        value = found[2].strip() if found else ""
        if key == "user-agent":
            if begun:
                names, begun = [], False
            if token := _AGENT.match(value):
                names.append(token[0].lower())
                groups.setdefault(names[-1], [])
        elif key in ("allow", "disallow"):
            begun = True
            if value:
                for name in names:
                    groups[name].append(Rule(_in_one_form(value), key == "allow"))
    return groups.get(agent.lower(), groups.get("*", []))


def allowed(rules: Sequence[Rule], path: str) -> bool:
    """Tell if a path, with its query, may be fetched; /robots.txt always may.

    >>> rules = [Rule("/a", False), Rule("/a/b*.html$", True)]
    >>> allowed(rules, "/a/c"), allowed(rules, "/a/bc.html"), allowed(rules, "/a/bc.html?d"), allowed(rules, "/b")
    (False, True, False, True)
    """
    path = _in_one_form(path)
    if path == "/robots.txt":
        return True
    matching = [(len(rule.path), rule.allows) for rule in rules if _matches(rule.path, path)]
    return max(matching, default=(0, True))[1]


def reservation_rules(content: bytes) -> list[Rule]:
    """Read a `tdmrep.json`: its rules in order; what is no rule is left out, also what neither
    reserves nor opens, and a file that is no list of them has none.

    >>> reservation_rules(b'[{"location": "/a/*.html$", "tdm-reservation": 1}, {"location": 3}]')
    [Rule(path='/a/*.html$', allows=False)]
    """
    try:
        entries = json.loads(content[:ROBOTS_BYTES])
    except (ValueError, RecursionError):
        return []
    return [
        Rule(_in_one_form(entry["location"]), allows=not given)
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("location"), str)
        if (given := _reservation(entry.get("tdm-reservation"))) is not None
    ]


def reserved(rules: Sequence[Rule], path: str) -> bool:
    """Tell if the first rule that fits a path, with its query, reserves it.

    >>> rules = [Rule("/a/b", True), Rule("/a", False)]
    >>> reserved(rules, "/a/c"), reserved(rules, "/a/b/c"), reserved(rules, "/d")
    (True, False, False)
    """
    path = _in_one_form(path)
    return not next((rule.allows for rule in rules if _matches(rule.path, path)), True)


def _in_one_form(path: str) -> str:
    """Decode escapes of what need not be escaped, and escape what must be (RFC 9309, section
    2.2.2); `%2A` and `%24` stay, as they mean the letters."""
    parts = re.split(r"(%(?:2[AaFf4]|3[Ff]|25|23))", path)
    return "".join(
        part.upper() if place % 2 else quote(unquote_to_bytes(part), safe="/*$?=&;:@!'()+,~[]|-._")
        for place, part in enumerate(parts)
    )


def _matches(rule: str, path: str) -> bool:
    """Match a path from its beginning; each `*` takes as little as it can, which decides as
    well as any other way and takes linear time for each."""
    anchored = rule.endswith("$")
    first, *pieces = rule.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not pieces:
        return not anchored or at == len(path)
    last = pieces.pop() if anchored else None
    for piece in pieces:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return last is None or (len(path) - at >= len(last) and path.endswith(last))


def with_signals(block: pa.RecordBatch, agents: Collection[str]) -> pa.RecordBatch:
    """Add OPT_OUT to n records: what each page says of itself; null for one that says nothing."""
    headers = (
        block[RESERVATIONS.name].to_pylist()
        if RESERVATIONS.name in block.schema.names
        else [None] * block.num_rows
    )
    said = [  # page by page, as each has a header and an encoding of its own
        ",".join(page_signals(header, raw, charset, agents)) or None
        for header, raw, charset in zip(
            headers, block["raw"].to_pylist(), block["charset"].to_pylist(), strict=True
        )
    ]
    return block.append_column(OPT_OUT, pa.array(said, OPT_OUT.type))
