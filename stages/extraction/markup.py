"""What to know of a page's markup before it is parsed: its true type, and what XML means by it.

Sources: WHATWG MIME Sniffing, section 6 (signatures of other types); XHTML 1.0 (empty elements,
CDATA sections); RSS 2.0, RSS 1.0, RFC 4287 (the root elements of feeds).
"""

from __future__ import annotations

import html as html_entities
import re

import numpy as np
import numpy.typing as npt

_SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"(\xb5/\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    # Word, Excel, PowerPoint before 2007
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "application/x-ole-storage",
    ),
    (b"{\\rtf", "application/rtf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"OggS\x00", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x00\x01\x00\x00\x00", "font/ttf"),
    (b"OTTO", "font/otf"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ\x90\x00", "application/x-msdownload"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
)
_CONTAINERS = (
    (b"RIFF", 8, b"WEBP", "image/webp"),
    (b"RIFF", 8, b"AVI ", "video/avi"),
    (b"RIFF", 8, b"WAVE", "audio/wave"),
)
_MP4_BRAND = slice(4, 8)
_TYPE_OF_SIGNATURE = dict(_SIGNATURES)
_ANY_SIGNATURE = re.compile(b"|".join(map(re.escape, _TYPE_OF_SIGNATURE)))

_DECLARES_XML = re.compile(
    r"\s*<\?xml\s|[^<]*(?:<[!?][^>]*>[^<]*)*<html\b[^>]*\bxmlns\s*=\s*[\"']http://www\.w3\.org/1999/xhtml"
)
_HEAD = 4096  # code points in which a page says what it is
_EMPTY_ELEMENT = re.compile(
    r"""<([A-Za-z][A-Za-z0-9:-]*+)((?:\s++[^\s"'<>/=]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'))?+)*+)\s*+/>"""
)
_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_VOID_NAMES.split())
# Formatting elements left open are opened again in every later paragraph, as the standard wants it:
# each new one may cost all open ones. Pages of fewer tags cannot open a million; above that,
# formatting is taken out before parsing.
_FORMATTING = (
    "b",
    "big",
    "code",
    "em",
    "font",
    "i",
    "nobr",
    "s",
    "small",
    "strike",
    "strong",
    "tt",
    "u",
)
_NAME_BYTES = 8  # of "/strong" or "/strike" and what ends it
# lower-case ASCII letters and digits; 0 for what ends a name
_NAME_LETTERS = np.zeros(256, np.int64)
for _letter in "abcdefghijklmnopqrstuvwxyz0123456789":
    _NAME_LETTERS[[ord(_letter), ord(_letter.upper())]] = ord(_letter)
# by the first two letters, in lower case; 0 for what ends a name
_FORMATTING_PAIRS = np.zeros((256, 256), bool)
for _name in _FORMATTING:
    _FORMATTING_PAIRS[ord(_name[0]), ord(_name[1]) if len(_name) > 1 else 0] = True
_FORMATTING_CODES = np.array([int.from_bytes(name.encode(), "big") for name in _FORMATTING])
_FORMATTING_TAG = re.compile(
    rf"""</?(?:{"|".join(_FORMATTING)})(?:(?=[\s/>])(?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>""",
    re.IGNORECASE,
)
_FEW_TAGS = 2000
_MAX_REOPENED = 200_000
_ELEMENT_NAMES = """
    a abbr acronym address area article aside audio b base basefont bdi bdo big blink blockquote body br
    button canvas caption center cite code col colgroup data dd del details dfn dialog dir div dl dt em embed
    fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i
    iframe img input ins kbd label legend li link listing main map mark marquee math menu meta nav nobr
    noembed noframes noscript object ol optgroup option output p picture plaintext pre progress q rp rt ruby s
    samp script search section select small source span strike strong style sub summary sup svg table tbody td
    template textarea tfoot th thead time title tr tt u ul var video wbr
"""
_PAGE_OR_BLOCK = re.compile(
    r"[\s\uFEFF]*+<(?:(?P<page>!doctype\s++html|html[\s>])"
    r"|(?:body|main|article|section|header|div|p|h[1-6]|[uod]l|table|blockquote|pre|figure)[\s>])",
    re.IGNORECASE,
)
_CLOSING_TAG = re.compile(r"</[a-z][a-z0-9]*\s*>\s*\Z", re.IGNORECASE)
_TAIL = 200  # code points in which a closing tag and white space after it end a text
# A tag of HTML that ends, any end tag, or what begins a document; not `<file>` or
# `<me@example.org>` in a text.
_ANY_TAG = re.compile(
    rf"<(?:(?:{'|'.join(_ELEMENT_NAMES.split())})(?:[\s/][^<>]*)?>|/[a-z][^\s<>@]*>|!doctype\s|!--|\?xml\s)",
    re.IGNORECASE,
)
_BEFORE_ROOT = r"\s*(?:<\?[^>]*>\s*|<!--(?:[^-]|-(?!->))*+-->\s*|<!DOCTYPE[^>]*>\s*)*"
_SAVED = r"(?:<(?:html|body)\b[^>]*>\s*|<head\b[^>]*>\s*</head>\s*)*"  # what a browser that saves a feed puts around it
_FEED = re.compile(
    _BEFORE_ROOT + _SAVED + r"<(rss|rdf:RDF|(?:[a-z][\w.-]*:)?feed)\b", re.IGNORECASE
)
_XML_ROOT = re.compile(_BEFORE_ROOT + r"<((?:[a-z][\w.-]*:)?)([a-z][\w.-]*)", re.IGNORECASE)
_XML_TAG = re.compile(r"<(/?)[A-Za-z_][^\s<>/]*+(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+>")


def other_media_type(raw: bytes) -> str | None:
    """Return the media type that the first bytes prove, if it is none of text.

    >>> other_media_type(b"%PDF-1.7 ..."), other_media_type(b"<p>x")
    ('application/pdf', None)
    """
    if found := _ANY_SIGNATURE.match(raw):
        return _TYPE_OF_SIGNATURE[found[0]]
    for signature, place, inner, media_type in _CONTAINERS:
        if raw.startswith(signature) and raw.startswith(inner, place):
            return media_type
    return "video/mp4" if raw[_MP4_BRAND] == b"ftyp" else None


def has_markup(html: str) -> bool:
    """Tell whether there is a tag at all; a text without one keeps its lines, whatever type it was
    served as."""
    return bool(_ANY_TAG.search(html))


def is_markup(text: str) -> bool:
    """Tell whether what came as text is a page or piece of HTML: it begins as a page does, or
    begins with a tag of a block and ends with a closing tag. Text that only holds tags is none.

    >>> is_markup("<p>Kaixo</p>"), is_markup("<b>Kaixo</b>"), is_markup("<p> opens a paragraph")
    (True, False, False)
    """
    begins = _PAGE_OR_BLOCK.match(text)
    return bool(begins and (begins["page"] or _CLOSING_TAG.search(text[-_TAIL:])))


def is_xhtml(html: str, media_type: str) -> bool:
    """Tell whether the media type, an XML declaration or the XHTML namespace says that the markup
    is XML."""
    head = html[:_HEAD]
    return media_type == "application/xhtml+xml" or (
        ("xmlns" in head or "<?xml" in head) and bool(_DECLARES_XML.match(head))
    )


def is_feed(html: str) -> bool:
    """Tell whether the root element, or all of the body, is that of a feed: `rss`, `rdf:RDF` or
    Atom's `feed`."""
    return bool(_FEED.match(html[:_HEAD]))


def close_empty_elements(html: str) -> str:
    """Write what XML closes so that HTML closes it too: `<script src="a.js"/>`, `<title/>`, CDATA
    sections.

    >>> close_empty_elements('<title/><br/><p>a<![CDATA[ < b]]>')
    '<title></title><br/><p>a &lt; b'
    """

    def closed(found: re.Match[str]) -> str:
        name = found[1]
        return found[0] if name.lower() in _VOID else f"<{name}{found[2]}></{name}>"

    root = _XML_ROOT.match(html[:_HEAD])
    if root and root[1] and root[2].lower() == "html":
        html = re.sub(rf"<(/?){re.escape(root[1])}", r"<\1", html)  # a prefix for XHTML's names
    if "/>" in html:
        html = _EMPTY_ELEMENT.sub(closed, html)
    if root and root[2].lower() not in ("html", "svg") and html.lstrip()[:5] == "<?xml":
        # of a language of its own, whose elements are all apart
        html = _XML_TAG.sub(r"<\1div>", html)
    parts, begin = [], 0
    while (opened := html.find("<![CDATA[", begin)) >= 0 and (end := html.find("]]>", opened)) >= 0:
        parts += [html[begin:opened], html_entities.escape(html[opened + 9 : end], quote=False)]
        begin = end + 3
    return "".join([*parts, html[begin:]]) if parts else html


def bound_formatting(html: str, octets: bytes) -> str:
    """Take out formatting tags (`b`, `font` ..) where those left open would be opened again more
    than 200,000 times.

    `octets` are the page in UTF-8.
    """
    if np.count_nonzero(np.frombuffer(octets, np.uint8) == ord("<")) <= _FEW_TAGS:
        return html
    codes = _formatting_codes(octets)
    places = np.flatnonzero(codes)
    other = np.cumsum(codes == 0)
    # Other tags after each formatting tag, before the next of any kind: each opens again what is
    # open there.
    between = np.diff(other[places], append=other[-1:])
    # No more are open than were opened, each to the page's end.
    opened = codes[places] > 0
    if int(np.cumsum(opened) @ between) <= _MAX_REOPENED:
        return html
    codes = codes[places]
    still_open = np.zeros(len(codes), np.int64)
    for code in np.unique(codes[opened]):
        level = np.cumsum((codes == code).astype(np.int64) - (codes == -code))
        # A closing tag that closes nothing is ignored, so the depth is counted from the lowest
        # level so far.
        still_open += level - np.minimum.accumulate(np.minimum(level, 0))
    if int((still_open * between).sum()) <= _MAX_REOPENED:
        return html
    return _FORMATTING_TAG.sub("", html)


def _formatting_codes(octets: bytes) -> npt.NDArray[np.int64]:
    """Return for each of t tags the letters of a formatting element's name as a number, negative if
    it closes; or 0."""
    points = np.frombuffer(octets + bytes(_NAME_BYTES), np.uint8)
    begins = np.flatnonzero(points == ord("<")) + 1
    begins = begins[begins < len(points) - _NAME_BYTES]
    closing = points[begins] == ord("/")
    begins += closing
    first = _NAME_LETTERS[points[begins]]
    is_tag = first > ord("9")
    begins, closing, first = begins[is_tag], closing[is_tag], first[is_tag]
    maybe = np.flatnonzero(_FORMATTING_PAIRS[first, _NAME_LETTERS[points[begins + 1]]])
    names, inside = np.zeros(len(maybe), np.int64), np.ones(len(maybe), bool)
    for offset in range(_NAME_BYTES - 1):
        letters = _NAME_LETTERS[points[begins[maybe] + offset]]
        inside &= letters != 0
        names = np.where(inside, names << 8 | letters, names)
    known = np.isin(names, _FORMATTING_CODES)
    codes = np.zeros(len(begins), np.int64)
    codes[maybe[known]] = np.where(closing[maybe[known]], -names[known], names[known])
    return codes
