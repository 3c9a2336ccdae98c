"""Find the character encoding of a page, and decode it.

Pages of small languages are more often in a legacy encoding than others, or name the wrong one, or
one that no browser knows. Wrongly decoded bytes become letters of another language or U+FFFD, which
no later stage can repair.

Sources: WHATWG HTML, 13.2.3 (sniffing) and "extracting a character encoding from a meta element";
WHATWG Encoding (labels); the IANA register of character sets and the aliases of Python's codecs
(labels that WHATWG left out); UTS #22, 1.4 (loose matching of labels).
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterator
from functools import lru_cache

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from stages.reading.cyrillic_encoding import cyrillic_codec

_DECLARATION_BYTES = 1024  # WHATWG HTML, 13.2.3.2: a declaration must lie in the first 1024 bytes
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Python's codecs of these names know fewer characters than the encodings the web means by them
# (WHATWG Encoding).
_CODECS = {
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gbk": "gb18030",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
}
_MULTIBYTE = frozenset(
    (
        *(
            "big5hkscs",
            "cp932",
            "cp949",
            "euc_jp",
            "gb18030",
            "hz",
            "iso2022_jp",
            "iso2022_kr",
            "johab",
        ),
        *("utf-8", "utf-16-le", "utf-16-be"),
    )
)
# Labels of real pages that WHATWG does not know, without their hyphens, by codec. HZ and
# ISO-2022-KR it knows and refuses to decode, for fear of scripts hidden in them; in a corpus no
# script runs.
_MORE_LABELS = {
    "cp1006": "cp1006 ibm1006",  # Urdu
    "cp1125": "cp1125 ibm1125 ruscii cp866u",  # Ukrainian
    "cp437": "cp437 ibm437 437",
    "cp720": "cp720 ibm720 dos720",
    "cp737": "cp737 ibm737",
    "cp775": "cp775 ibm775",
    "cp850": "cp850 ibm850 850",
    "cp852": "cp852 ibm852 852 pcp852",
    "cp855": "cp855 ibm855 855",
    "cp857": "cp857 ibm857 857",
    "cp858": "cp858 ibm858 cp00858 ibm00858",
    "cp860": "cp860 ibm860 860",
    "cp861": "cp861 ibm861 861 cpis",
    "cp862": "cp862 ibm862 862 dos862",
    "cp863": "cp863 ibm863 863",
    "cp864": "cp864 ibm864",
    "cp865": "cp865 ibm865 865",
    "cp869": "cp869 ibm869 869 cpgr",
    "hp_roman8": "hproman8 roman8",
    "hz": "hz hzgb hzgb2312",
    "iso2022_kr": "iso2022kr csiso2022kr",
    "johab": "johab ms1361 ksc56011992 xjohab",
    "koi8_t": "koi8t",  # Tajik
    "kz1048": "kz1048 rk1048 strk10482002 cskz1048",  # Kazakh
    "mac_arabic": "xmacarabic macarabic",
    "mac_croatian": "xmaccroatian maccroatian",
    "mac_cyrillic": "xmaccyrillic xmacukrainian maccyrillic macukrainian",
    "mac_farsi": "xmacfarsi macfarsi",
    "mac_greek": "xmacgreek macgreek",
    "mac_iceland": "xmacicelandic maciceland macicelandic",
    "mac_latin2": "xmacce xmaccentraleurroman maccentraleurope maclatin2",
    "mac_romanian": "xmacromanian macromanian",
    "mac_turkish": "xmacturkish macturkish",
    "ptcp154": "ptcp154 pt154 cp154 csptcp154 cyrillicasian",  # languages of Russia and Central Asia
    **{f"cp{page}": f"windows{page} win{page} cp{page} ms{page}" for page in range(1250, 1259)},
    "iso8859-16": "iso885916",
    "koi8-r": "koi8r",
    "koi8-u": "koi8u",
}
# Encodings of real pages that Python has no codec of. Detection would read them as another
# language.
_WITHOUT_CODEC = {
    "armscii-8": "armscii8 armscii8a armscii",  # Armenian
    "cp1133": "cp1133 ibm1133 mulelao1",  # Lao
    "geostd8": "geostd8 georgianacademy georgianps",
    "iscii": "iscii iscii91 xiscii xisciide xisciibe xisciita xisciite xisciias xisciior xisciika xisciima xisciigu "
    "xisciipa xmacdevanagari xmacgujarati xmacgurmukhi",
    "iso-2022-cn": "iso2022cn iso2022cnext",
    "iso-ir-111": "isoir111 ecmacyrillic",
    "tab": "tab tam xtab xtam",  # Tamil
    "tcvn": "tcvn tcvn3 tcvn5712 tcvn57121 xviettcvn57121 xviettcvn",  # Vietnamese
    "tscii": "tscii xtscii",  # Tamil
    "viscii": "viscii viscii111 csviscii xviscii",  # Vietnamese
    "vps": "vps xvietvps xvps",  # Vietnamese
    "x-mac-hebrew": "xmachebrew machebrew",
}
_CODEC_BY_LABEL = {
    "xuserdefined": "cp1252",  # as WHATWG reads it in a meta element
    **{
        label: codec
        for codec, labels in {**_WITHOUT_CODEC, **_MORE_LABELS}.items()
        for label in labels.split()
    },
}

# Detection answers these for pages of languages it has no model of; measured on the sample texts of
# gflanguages.
# equal but for eight box-drawing characters, which Ukrainian letters replaced
_DETECTED_AS = {"koi8-r": "koi8-u"}
_CODEC_BY_LANGUAGE = {"eo": "iso8859-3", "mt": "iso8859-3"}  # taken for Big5 or Latin-1
# Bytes that UTF-8 does not explain and detection neither: letters of Windows-1251 and those it is
# taken for, or ASCII.
_CYRILLIC_BYTE, _LATIN_BYTE, _TAG = (
    re.compile(rb"[\xc0-\xff]"),
    re.compile(rb"[A-Za-z]"),
    re.compile(rb"<[^>]*+>"),
)
_HTML_LANGUAGE = re.compile(rb"""<html\b[^>]*?\blang\s*=\s*["']?([A-Za-z]{2,3})\b""", re.IGNORECASE)
# ISO-2022-JP writes letters with ASCII bytes between these and ESC ( B
_JAPANESE_ESCAPES = (
    b"\x1b$B",
    b"\x1b$@",
)
_REPLACEMENT = "\ufffd"
_FORGIVEN = 20

_SPACE = rb"[\t\n\f\r ]"
_QUOTED = rb"""(?: "(?P<double>[^"]*+)" | '(?P<single>[^']*+)' )"""
_NEXT_MARKUP = re.compile(
    rb"<(?: (?P<comment>!--) | (?P<meta>meta)(?=[\t\n\f\r /]) | (?P<tag>/?[a-z][^\t\n\f\r >]*+) | [!/?] )",
    re.IGNORECASE | re.VERBOSE,
)
# One step of the standard's "get an attribute"; no match means that the bytes ran out.
_ATTRIBUTE = re.compile(
    rb"""[\t\n\f\r /]*+ (?:
        (?P<end>>)
      | (?P<name>[^\t\n\f\r />][^\t\n\f\r />=]*+) SPACE*+ (?:
            = SPACE*+ (?: QUOTED | (?P<bare>[^\t\n\f\r "'>][^\t\n\f\r >]*+)(?=[\t\n\f\r >]) | (?=>) )
          | (?=[^\t\n\f\r =])
        )
    )""".replace(b"SPACE", _SPACE).replace(b"QUOTED", _QUOTED),
    re.VERBOSE,
)
_CHARSET_IN_CONTENT = re.compile(
    rb"charset SPACE*+ = SPACE*+ (?: QUOTED | (?P<bare>[^\t\n\f\r ;\"'][^\t\n\f\r ;]*+) | )".replace(
        b"SPACE", _SPACE
    ).replace(b"QUOTED", _QUOTED),
    re.VERBOSE,
)
_XML_DECLARATION = re.compile(
    rb"<\?xml (?:(?!encoding)[^>])*+ encoding [\x00-\x20]*+ = [\x00-\x20]*+ QUOTED [^>]*+ >".replace(
        b"QUOTED", _QUOTED
    ),
    re.VERBOSE,
)


@lru_cache(256)  # of a few hundred bytes at most, but for a hostile header
def codec_of_label(label: str | None) -> str | None:
    """Map a label to a Python codec, by WHATWG's table, then by those of `_MORE_LABELS`; None for
    no known label.

    An encoding that Python has no codec of gets its own name.

    >>> codec_of_label("latin1"), codec_of_label("KS_C_5601-1987"), codec_of_label("TIS-620"), codec_of_label("KZ-1048")
    ('cp1252', 'cp949', 'cp874', 'kz1048')
    >>> codec_of_label("win-1251"), codec_of_label("VISCII"), codec_of_label("klingon")
    ('cp1251', 'viscii', None)
    """
    if not label or not label.isascii():
        return None
    label = label.strip("\t\n\f\r ").lower()
    loose = re.sub("[^a-z0-9]", "", label)
    name = map_encoding_to_html5(label, fallback_utf8=False) or map_encoding_to_html5(
        loose, fallback_utf8=False
    )
    return _CODECS.get(name, name) if name else _CODEC_BY_LABEL.get(loose)


def declared_codec(raw: bytes, media_type: str = "text/html") -> str | None:
    """Return the codec a page declares in its first 1024 bytes; None if it declares none that is
    known.

    HTML: meta elements, then the XML declaration. XHTML: the XML declaration first. Plain text
    declares nothing.

    >>> declared_codec(b'<!-- charset=koi8-r --><meta name="x" content="charset=koi8-r"><meta charset="windows-1251">')
    'cp1251'
    """
    head = raw[:_DECLARATION_BYTES]
    if media_type == "text/html":
        return _meta_codec(head) or _xml_codec(head)
    if media_type == "application/xhtml+xml":
        return _xml_codec(head) or _meta_codec(head)
    return None


def _meta_codec(head: bytes) -> str | None:
    """The standard's prescan: elements, comments and declarations are stepped over until a meta
    element decides."""
    for utf_16, wide in ((b"<\0?\0x\0", "utf-16-le"), (b"\0<\0?\0x", "utf-16-be")):
        if head.startswith(utf_16):
            return wide
    position = 0
    while markup := _NEXT_MARKUP.search(head, position):
        if markup["meta"] or markup["tag"]:
            attributes: dict[bytes, bytes] = {}
            position = markup.end()
            while (attribute := _ATTRIBUTE.match(head, position)) and not attribute["end"]:
                attributes.setdefault(attribute["name"].lower(), _value(attribute).lower())
                position = attribute.end()
            if attribute is None:
                return None
            position = attribute.end()
            if markup["meta"] and (codec := _codec_of_meta(attributes)):
                return codec
        else:
            # The hyphens that open a comment may also close it.
            end = (
                head.find(b"-->", markup.end() - 2) + 2
                if markup["comment"]
                else head.find(b">", markup.end())
            )
            if end < markup.end() - 2:
                return None
            position = end + 1
    return None


def _codec_of_meta(attributes: dict[bytes, bytes]) -> str | None:
    if b"charset" in attributes:
        label: bytes | None = attributes[b"charset"]
    elif attributes.get(b"http-equiv") == b"content-type":
        content = _CHARSET_IN_CONTENT.search(attributes.get(b"content", b""))
        label = _value(content) if content else None
    else:
        label = None
    return _codec_in_ascii(label) if label else None


def _xml_codec(head: bytes) -> str | None:
    declaration = _XML_DECLARATION.match(head)
    label = (declaration["double"] or declaration["single"]) if declaration else None
    return _codec_in_ascii(label) if label and min(label) > 0x20 else None


def _codec_in_ascii(label: bytes) -> str | None:
    """Return the codec of a label that was read as ASCII, so that it cannot be UTF-16 (WHATWG HTML,
    13.2.3.2)."""
    codec = codec_of_label(label.decode("latin-1"))
    return "utf-8" if codec in ("utf-16-le", "utf-16-be") else codec


def _value(match: re.Match[bytes]) -> bytes:
    """Return what stands in double quotes, in single quotes or in none; empty if there is no
    value."""
    return match["double"] or match["single"] or match["bare"] or b""


def decode_page(raw: bytes, charset: str | None = None, media_type: str = "text/html") -> str:
    """Decode a page: byte-order mark, then the transport's charset, then the page's own, then
    detection.

    Departs from WHATWG in five places. Bytes that are valid UTF-8 beyond ASCII are UTF-8 even where
    a single-byte encoding is declared, since that does not happen by chance in a page of some
    length. A declared encoding that cannot decode the bytes is not forced on them, unless at most
    one in `_FORGIVEN` of the letters beyond ASCII is lost: detection would then be the greater
    risk. A Cyrillic code page gives way to another that the letters fit clearly better
    (`cyrillic_encoding`). And more labels are known. What fits no encoding becomes U+FFFD.

    Raises ValueError for a page in an encoding that has a name and no codec.
    """
    for mark, marked in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(marked, errors="replace")
    labelled = codec_of_label(charset)
    if labelled == "utf-8":
        with contextlib.suppress(UnicodeDecodeError):  # then what the page declares counts as well
            return raw.decode("utf-8")
    declared = [codec for codec in (labelled, declared_codec(raw, media_type)) if codec]
    if not declared and any(escape in raw for escape in _JAPANESE_ESCAPES):
        declared = ["iso2022_jp"]
    language = _language(raw)
    for codec in _candidates(declared, b"\x1b" in raw):
        if codec in _WITHOUT_CODEC:
            raise ValueError(f"pages in {codec} cannot be decoded; convert them to UTF-8")
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            continue  # the next candidate decides, and the last resort marks what is lost
        better = cyrillic_codec(raw, codec, language, is_declared=True)
        return text if better == codec else raw.decode(better, errors="replace")
    codec = cyrillic_codec(raw, declared[0], language, is_declared=True) if declared else "utf-8"
    lossy = raw.decode(codec, errors="replace")
    beyond_ascii = len(lossy) - len(lossy.encode("ascii", errors="ignore"))
    if lossy.count(_REPLACEMENT) * _FORGIVEN <= beyond_ascii:
        return lossy
    known = _CODEC_BY_LANGUAGE.get(language)
    # Not its web-compatible names: those turn cp949, what it answers for Korean, into UTF-8
    # (resiliparse 2.0.1).
    found = detect_encoding(raw, html5_compatible=False) or "utf-8"
    detected = codec_of_label(found) or found
    detected = known or _DETECTED_AS.get(detected, detected)
    if detected == "utf-8" and len(_CYRILLIC_BYTE.findall(raw)) > len(
        _LATIN_BYTE.findall(_TAG.sub(b"", raw))
    ):
        detected = "cp1251"
    return raw.decode(cyrillic_codec(raw, detected, language, is_declared=False), errors="replace")


def _language(raw: bytes) -> str:
    """Return the language that a page's root element declares, as it is written there; empty if it
    declares none."""
    found = _HTML_LANGUAGE.search(raw, 0, _DECLARATION_BYTES)
    return found[1].decode("ascii").lower() if found else ""


def _candidates(declared: list[str], has_escapes: bool) -> Iterator[str]:
    """Yield what to try, in order. Multi-byte encodings are strict enough to be believed before
    UTF-8 is tried; single-byte ones fit any bytes. Encodings that write with escapes look like
    ASCII, and so like UTF-8."""
    first = declared[0] if declared else None
    if first in _MULTIBYTE or (first in _WITHOUT_CODEC and has_escapes):
        yield first
    yield "utf-8"
    yield from declared
