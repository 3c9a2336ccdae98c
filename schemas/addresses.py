"""Web addresses in one form, so that a host or the beginning of an address is known however it is
written.

Sources: RFC 3986, section 6.2 (case, percent-encoding and dot-segment normalization, default ports,
empty path); RFC 3987, section 5.3.2 (raw and percent-encoded UTF-8 are one address); UTS #46,
non-transitional (host names). http and https are one, as everywhere in this project. The case of a
path counts, as servers tell `/A` from `/a`. As browsers do (WHATWG URL, section 4.4), tabs and line
feeds within an address are passed over, and a backslash parts as a slash does. An IPv6 address is
written as RFC 5952 has it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from urllib.parse import quote, unquote

# What follows the scheme and `//` of an address up to the end of its host, which it captures: user
# names are passed over, a port or path is not read. For Polars, a column at a time.
HOST = r"(?:[^/?#\\@]*@)?(\[[0-9A-Fa-f:.]+\]|[^/?#\\:@\[\]]+)"

_ADDRESS = re.compile(
    r"\s*(?:https?|ftp):[/\\]{2}(?P<authority>[^/?#\\]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?",
    re.IGNORECASE | re.DOTALL,
)
_AUTHORITY = re.compile(r"(?:.*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]@]+)(?::0*(?P<port>[0-9]*))?")
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
# RFC 3986, section 2.3
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_PASSED_OVER = str.maketrans("", "", "\t\n\r")
_DEFAULT_PORTS = ("", "21", "80", "443")


def canonical_host(host: str) -> str:
    """Write a host name in small letters, in punycode, without a final dot.

    >>> canonical_host("WWW.B\u00fccher.Example."), canonical_host("www.xn--bcher-kva.example")
    ('www.xn--bcher-kva.example', 'www.xn--bcher-kva.example')
    """
    host = unquote(host).translate(_PASSED_OVER).strip().rstrip(".")
    if host.startswith("["):
        with contextlib.suppress(ipaddress.AddressValueError):
            return f"[{ipaddress.IPv6Address(host.strip('[]')).compressed}]"
    if not host.isascii():
        import idna  # its tables take longer to import than a recipe to check

        try:
            return idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:  # such a host is asked for as it is written
            return host.casefold()
    return host.lower()


def canonical_address(url: str) -> tuple[str, str] | None:
    """Return the host of a web address, and the address in one form without its scheme; None for
    what is none.

    >>> canonical_address("https://[0:0::1]\\\\a")
    ('[::1]', '[::1]/a')
    >>> canonical_address("HTTP://B\u00fccher.example:80/%7eane/./x%2f?q#top")
    ('xn--bcher-kva.example', 'xn--bcher-kva.example/~ane/x%2F?q')
    """
    parts = _ADDRESS.match(url.translate(_PASSED_OVER))
    authority = parts and _AUTHORITY.fullmatch(parts["authority"])
    if not parts or not authority:
        return None
    host, port = canonical_host(authority["host"]), authority["port"] or ""
    path = without_dots(_encoded(parts["path"].rstrip().replace("\\", "/"))) or "/"
    query = _encoded((parts["query"] or "").rstrip())
    return host, host + ("" if port in _DEFAULT_PORTS else f":{port}") + path + query


def _encoded(part: str) -> str:
    def rewritten(escape: re.Match[str]) -> str:
        octet = int(escape[1], 16)
        return chr(octet) if octet in _UNRESERVED else escape[0].upper()

    return quote(_ESCAPE.sub(rewritten, part), safe=_ASCII, errors="replace")


def without_dots(path: str) -> str:
    """Resolve the segments `.` and `..` of a path (RFC 3986, section 5.2.4).

    >>> without_dots("/a/./b/../c"), without_dots("/a/.."), without_dots("/x.y")
    ('/a/c', '/', '/x.y')
    """
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        is_last = place == len(segments) - 1
        if segment == "..":
            del kept[-1:]
        if segment in (".", ".."):
            kept += [""] if is_last else []
        else:
            kept.append(segment)
    return "/" + "/".join(kept)
