"""Tell personal data from other numbers and words: each kind by the standard that it follows.

- email: RFC 5321 (local part of at most 64 octets), with a domain that has a top-level one of
  letters; letters of any script (RFC 6531).
- ip_address: IPv4 and IPv6 of the public internet (RFC 6890: private and documentation addresses
  are nobody's); not the version of a program.
- phone: libphonenumber's plans. With a plus sign of any country; without one of the language's
  countries, where a word near it says so, or written in the groups that are usual there, or in
  others after a trunk prefix (0); see `phone_forms`.
- iban: ISO 13616, length by country and MOD 97-10; with spaces or hyphens, in small letters too.
- payment_card: ISO/IEC 7812, prefix and length of a scheme and the Luhn sum; in groups or in one
  run.
- national_id: where the number has a check digit, of the language's countries (python-stdnum), from
  eleven digits on, with a check letter, or with a date of birth in six digits and a sign after it:
  other short ones are as likely other numbers. Where one check digit is all that is in it, in the
  groups of the card or where a word near it says so; see `_FORMS`.

Digits of any script are read by their value, full-width letters and signs as those of ASCII.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import NamedTuple

from stages.digits import ascii_digits
from stages.privacy.options import Kind
from stages.privacy.phone_forms import is_in_form, is_other_number, is_sum, is_told

_SPACES = " \u00a0\u2007\u202f"


def _marks() -> str:
    """List the combining marks of the scripts in use as a class of `re`, whose own `\\w` has
    none."""
    marks = [
        point for point in range(0x300, 0x20000) if unicodedata.category(chr(point)) in ("Mn", "Mc")
    ]
    runs = itertools.groupby(enumerate(marks), key=lambda pair: pair[1] - pair[0])
    ends = [[point for _, point in run] for _, run in runs]
    return "[" + "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in ends) + "]"


# Addresses in ASCII first, which end where a script without spaces goes on; then those in letters
# of any script.
_M = _marks()
_ALPHABETS = (
    ("[A-Za-z0-9_]", "[A-Za-z0-9]", "[A-Za-z]"),
    (rf"(?:\w|{_M})", rf"(?:[^\W_]|{_M})", rf"(?:[^\W\d_]|{_M})"),
)
_LOCAL = tuple(
    re.compile(rf"{w}(?:{w}|[.!#$%&'*+/=?^`{{|}}~-]){{0,63}}\Z") for w, _, _ in _ALPHABETS
)
_DOMAIN = tuple(
    re.compile(rf"{a}(?:(?:{a}|-){{0,61}}{a})?(?:\.{a}(?:(?:{a}|-){{0,61}}{a})?)*\.{b}{{2,24}}")
    for _, a, b in _ALPHABETS
)
_GAP = rf"[{_SPACES}.()/\\-\u2010-\u2013\u2212]"  # what stands between the digits of a number
_FULL_WIDTH = re.compile("[\uff01-\uff5e]")
# One pass finds whatever may be personal data: an at sign, a run of digits with gaps, a country
# code with a number.
CANDIDATE = re.compile(
    r"@|(?<![A-Za-z0-9_.])\d{1,3}(?:\.\d{1,3}){3}(?![A-Za-z0-9_]|\.\d)"
    rf"|\+?\(?\d(?:{_GAP}{{0,3}}\d){{6,33}}(?:-?[A-Za-z])?"
    rf"|[A-Z]{{2}}\d{{2}}(?:[{_SPACES}-]?[A-Z\d]){{11,30}}"
    rf"|(?<![A-Za-z0-9_])[a-z]{{2}}\d{{2}}(?:[a-z\d]{{11,30}}(?![A-Za-z0-9_])|(?:[{_SPACES}-]?\d){{11,26}})"
    r"|[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]|[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z\d]\d|[XYZ]-?\d{7}-?[A-Z]"
    r"|(?<![A-Za-z0-9_:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![A-Za-z0-9_:])"
)
_CARD = re.compile(r"\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}")
_CARD_PREFIX = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}|35\d{14}|62\d{14,17}"
)
# Of each country the numbers of persons that python-stdnum can check.
NATIONAL = {
    "BA": ("si.emso",),
    "BE": ("be.nn", "be.bis"),
    "BG": ("bg.egn",),
    "BR": ("br.cpf",),
    "CH": ("ch.ssn",),
    "CL": ("cl.rut",),
    "CN": ("cn.ric",),
    "CU": ("cu.ni",),
    "CZ": ("cz.rc",),
    "DE": ("de.idnr",),
    "DO": ("do.cedula",),
    "EE": ("ee.ik",),
    "ES": ("es.dni", "es.nie"),
    "FI": ("fi.hetu",),
    "FR": ("fr.nir",),
    "GR": ("gr.amka",),
    "HR": ("hr.oib", "si.emso"),
    "IN": ("in_.aadhaar",),
    "IS": ("is_.kennitala",),
    "IT": ("it.codicefiscale",),
    "KR": ("kr.rrn",),
    "LT": ("lt.asmens",),
    "ME": ("si.emso",),
    "MK": ("si.emso",),
    "MX": ("mx.curp",),
    "NO": ("no.fodselsnummer",),
    "PL": ("pl.pesel",),
    "RO": ("ro.cnp",),
    "RS": ("si.emso",),
    "SE": ("se.personnummer",),
    "SI": ("si.emso",),
    "SK": ("sk.rc",),
    "TH": ("th.pin",),
    "TR": ("tr.tckimlik",),
    "ZA": ("za.idnr",),
}
# Lengths in countries whose banks use IBANs that the registry of ISO 13616 does not list; those that
# the package schwifty 2026.10.1 gives as "aspirational".
_UNREGISTERED_IBANS = {
    **dict.fromkeys(("AO", "CV", "GW", "MZ"), 25),
    **dict.fromkeys(("DZ", "IR"), 26),
    **dict.fromkeys(("CF", "CG", "CM", "GA", "GQ", "KM", "MG", "TD"), 27),
    **dict.fromkeys(("BF", "BJ", "CI", "MA", "ML", "NE", "SN", "TG"), 28),
}
_LEAST_DIGITS = 11
# Of random runs of their length, 8 to 10 % obey the rule of these (one check digit, no date of birth
# and no place), or 3 % (Cuba: a date alone); of other countries 2.2 % at most. They count in the
# groups that are printed on the card, or where a word says so (`id_words.txt`).
_FORMS = {
    "cu.ni": None,
    "do.cedula": re.compile(r"\d{3}-\d{7}-\d"),
    "hr.oib": None,
    "in_.aadhaar": re.compile(r"\d{4}([ -])\d{4}\1\d{4}"),
    "th.pin": re.compile(r"\d([ -])\d{4}\1\d{5}\1\d{2}\1\d"),
}
_DATED = re.compile(r"\d{6}[-+/]\d{4}")
_SMALL = 32
_RESOLVERS = ("1.1.1.1", "1.0.0.1", "4.2.2.2", "8.8.4.4", "8.8.8.8", "9.9.9.9")
# What stands before a version, in languages that programs are translated into; and before an
# address.
_VERSION_WORD = re.compile(
    r"(?:\bv|\bver|\bvers|\bversi\w*|\bverz\w*|\bwersj\w*|\b\u0432\u0435\u0440\u0441\w*|release|build|firmware|driver|bertsio\w*"
    r"|s\u00fcr\u00fcm\w*|\u7248\u672c|\u30d0\u30fc\u30b8\u30e7\u30f3|\ubc84\uc804|\u0627\u0644\u0625\u0635\u062f\u0627\u0631|\u05d2\u05e8\u05e1\u05d4)[.:]?\s*\Z",
    re.IGNORECASE,
)
_ADDRESS_WORD = re.compile(r"\bIP(?:v4)?\b|://|@", re.IGNORECASE)
# A number whose groups are joined, then a space and another: of open plans, such as Germany's, both
# would be one.
_HYPHENATED = re.compile(r"(\+?\d+(?:[-./\u2010-\u2013]\d+)+)\s\d{1,4}\Z")
# letters and digits of a run, and its pieces: an IBAN has nine
_LEAST_RUN, _LONGEST_RUN, _MAX_PIECES = (
    7,
    34,
    9,
)
# A number of a trunk call: one kind of gap, or the first one another.
_IN_GROUPS = re.compile(r"\(?0\d{1,4}\)?[ -]?\d{2,}(?:([ -])\d{2,})(?:\1\d{2,})*")
_LEAST_IN_GROUPS = 9
_LOCAL_SIGNS = re.compile(rf"(?:\d|{_GAP})+")
_FOUR_WITH_DOTS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_LEAST_LOCAL = 8  # digits of a number that no word is near
_DECIMAL = re.compile(r"\d[.]\d+")
_LONGEST_PHONE = 24  # code points with gaps; 15 digits (E.164)
# digits that may stand next to a number: a house number, a year, an extension
_MAX_OTHER_DIGITS = 4


class Found(NamedTuple):
    """Personal data: code points `start` to `end` of a text."""

    kind: Kind
    start: int
    end: int


def find(
    text: str, kinds: Iterable[Kind], regions: Callable[[int], tuple[str, ...]]
) -> Iterator[Found]:
    """Yield the personal data of a text, in order and without overlaps.

    `regions` gives for a place in the text the countries by whose rules local numbers there are
    read.
    """
    wanted = frozenset(kinds)
    # of East Asia, one code point for one
    text = _FULL_WIDTH.sub(lambda sign: chr(ord(sign[0]) - 0xFEE0), text)
    end = place = 0
    while match := CANDIDATE.search(text, place):
        if match[0] == "@":
            found = _email(text, match.start())
            chosen = [found] if found and "email" in wanted and found.start >= end else []
        else:
            chosen = list(
                _numbers(text, match.start(), match.end(), wanted, regions(match.start()))
            )
        yield from chosen
        end = chosen[-1].end if chosen else end
        place = end if chosen else match.end()  # what follows personal data may be more of it


def _email(text: str, at: int) -> Found | None:
    before = text[max(0, at - 64) : at]
    for local, domain in zip(_LOCAL, _DOMAIN, strict=True):
        name, host = local.search(before), domain.match(text, at + 1)
        if name and host and ".." not in name[0] and not name[0].endswith("."):
            return Found("email", at - len(name[0]), host.end())
    return None


def _numbers(
    text: str, start: int, end: int, wanted: frozenset[Kind], regions: tuple[str, ...]
) -> Iterator[Found]:
    """Yield what a candidate is, or what runs of its pieces between spaces are: a number, then a
    house number.

    A run of pieces without a plus sign counts only if what was found covers nearly all of the
    candidate: three pieces of a table of numbers may obey a rule by chance.
    """
    if re.match(r":\d", text[end : end + 2]) and (
        hour := re.search(r"\s+\d{1,2}\Z", text[start:end])
    ):
        end = start + hour.start()
    given = ascii_digits(text[start:end])
    if is_sum(given) and is_sum(given, is_told(text, start, end)):  # words are looked for last
        return
    head = _HYPHENATED.match(text, start, end)
    if head and (kind := _kind_of(text, start, head.end(1), wanted, regions)):
        yield Found(kind, start, head.end(1))
        return
    found = list(_whole(text, start, end, wanted, regions))
    if not found:
        if re.match(r"[.,]\d", text[end : end + 2]):
            return  # the whole part of a decimal number
        found = _most(text, start, end, wanted, regions)
    yield from found


def _most(
    text: str, start: int, end: int, wanted: frozenset[Kind], regions: tuple[str, ...]
) -> list[Found]:
    """List what is found in pieces, with phone numbers or without, whichever covers more of the
    digits, if what is left does not speak against it."""
    without = wanted - {"phone"}
    found, covered = max(
        (
            (some, sum(_count_digits(text, one.start, one.end) for one in some))
            for some in (
                list(_in_pieces(text, start, end, kinds, regions)) for kinds in (wanted, without)
            )
        ),
        key=lambda pair: pair[1],
    )
    others = _count_digits(text, start, end) - covered
    if others > _MAX_OTHER_DIGITS:
        return [one for one in found if text[one.start] == "+" or one.kind == "iban"]
    if others and len({len(piece) for piece in text[start:end].split()}) == 1:
        # numbers of one size in a row, of which some make a phone number by chance
        return [one for one in found if one.kind != "phone" or is_told(text, one.start, one.end)]
    return found


def _count_digits(text: str, start: int, end: int) -> int:
    return sum(map(str.isdigit, text[start:end]))


def _in_pieces(
    text: str, start: int, end: int, wanted: frozenset[Kind], regions: tuple[str, ...]
) -> Iterator[Found]:
    """Yield what runs of pieces are, from the left, the longest first, until too much was passed
    over."""
    pieces = [
        (start + match.start(), start + match.end())
        for match in re.finditer(r"\S+", text[start:end])
    ]
    sizes = [sum(map(str.isalnum, text[left:right])) for left, right in pieces]
    international = "+" in text[start:end]
    first = skipped = 0
    while first < len(pieces) and (international or skipped <= _MAX_OTHER_DIGITS):
        begin = pieces[first][0]
        for last in range(min(len(pieces), first + _MAX_PIECES), first, -1):
            run = sizes[first:last]
            if (
                not _LEAST_RUN <= sum(run) <= _LONGEST_RUN
                or run.count(1) > 1
                or (first, last) == (0, len(pieces))
            ):
                continue
            if kind := _kind_of(text, begin, pieces[last - 1][1], wanted, regions):
                yield Found(kind, begin, pieces[last - 1][1])
                if kind == "iban":
                    return  # what follows is searched anew
                first = last
                break
        else:
            skipped += sizes[first]
            first += 1


def _kind_of(
    text: str, start: int, end: int, wanted: frozenset[Kind], regions: tuple[str, ...]
) -> Kind | None:
    """Say what all of a run of pieces is."""
    given = ascii_digits(text[start:end])
    if _touches(text, start, end):
        return None
    if "phone" in wanted and len(given) <= _LONGEST_PHONE:
        if given.startswith("+"):
            if _is_phone(given, None):
                return "phone"
        elif any(_is_local_phone(text, start, end, region) for region in regions):
            return "phone"
    holds: dict[Kind, bool] = {
        "iban": _is_iban(given),
        "payment_card": _is_card(given),
        "ip_address": _is_public(given) and not _is_version(text, start, end),
        "national_id": _is_national(text, start, end, regions),
    }
    return next((kind for kind, right in holds.items() if right and kind in wanted), None)


def _is_local_phone(text: str, start: int, end: int, region: str) -> bool:
    """Tell whether it is a number of a country, by a word near it or by how it is written."""
    given = ascii_digits(text[start:end])
    return (
        _LOCAL_SIGNS.fullmatch(given) is not None
        and (given.startswith("0") or not _FOUR_WITH_DOTS.search(given))
        and _is_phone(given, region)
        and not is_other_number(text, start, end)
        and (is_told(text, start, end) or (is_in_form(given, region) and _is_usual(given, region)))
    )


@lru_cache(4096)
def _is_phone(given: str, region: str | None) -> bool:
    from phonenumbers import NumberParseException, is_valid_number, parse

    try:
        return bool(is_valid_number(parse(given, region)))
    except NumberParseException:
        return False


@lru_cache(4096)
def _is_usual(given: str, region: str) -> bool:
    """Tell whether a valid number stands in the groups of its country, or in others after a trunk
    prefix."""
    from phonenumbers import Leniency, PhoneNumberMatcher

    if _in_other_groups(given):
        return True
    found = PhoneNumberMatcher(given, region, leniency=Leniency.STRICT_GROUPING)
    return (
        any(match.end == len(given) and match.start <= 1 for match in found)
        and sum(map(str.isdigit, given)) >= _LEAST_LOCAL
    )


def _in_other_groups(given: str) -> bool:
    """Tell whether a number begins as calls within a country do and stands in groups of two digits
    and more, if not the usual ones: "010 0123 4567" for 010 01234567 in Egypt.

    No date has so many digits, and no count or sum begins with 0.
    """
    digits = re.sub(r"\D", "", given)
    return len(digits) >= _LEAST_IN_GROUPS and bool(_IN_GROUPS.fullmatch(given))


def _whole(
    text: str, start: int, end: int, wanted: frozenset[Kind], regions: tuple[str, ...]
) -> Iterator[Found]:
    """Yield what all of a candidate is: the first kind whose rule it obeys, or addresses and phone
    numbers in it."""
    given = ascii_digits(text[start:end])
    alone = not _touches(text, start, end)
    rules: tuple[tuple[Kind, Callable[[str], bool]], ...] = (
        ("iban", _is_iban),
        ("payment_card", _is_card),
    )
    for kind, holds in rules:
        if alone and kind in wanted and holds(given):
            yield Found(kind, start, end)
            return
    if "ip_address" in wanted and _is_public(given):
        if not _is_version(text, start, end):
            yield Found("ip_address", start, end)
        return
    if alone and "national_id" in wanted and _is_national(text, start, end, regions):
        yield Found("national_id", start, end)
        return
    if "phone" in wanted and not _DECIMAL.fullmatch(given):
        yield from _phones(text, start, end, regions)


def _touches(text: str, start: int, end: int) -> bool:
    """Tell whether it is a part of something longer, such as a web address or the name of a file.

    A letter of an unspaced script right before or after does not count.
    """
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    return (
        re.match(r"[A-Za-z0-9_/=#]", before) is not None
        or re.match(r"[A-Za-z0-9_=]", after) is not None
    )


def _is_iban(given: str) -> bool:
    from stdnum import iban  # type: ignore[import-untyped, unused-ignore]
    from stdnum.iso7064 import mod_97_10  # type: ignore[import-untyped, unused-ignore]

    compact = re.sub(rf"[{_SPACES}-]", "", given).upper()
    if not re.match(r"[A-Z]{2}\d{2}", compact):
        return False
    if _UNREGISTERED_IBANS.get(compact[:2]) == len(compact):
        return bool(mod_97_10.is_valid(compact[4:] + compact[:4]))
    return bool(iban.is_valid(compact))


def _is_card(given: str) -> bool:
    from stdnum import luhn

    if not _CARD.fullmatch(given):
        return False
    digits = re.sub(r"\D", "", given)
    return (
        bool(_CARD_PREFIX.fullmatch(digits))
        and len(set(digits)) > 1
        and bool(luhn.is_valid(digits))
    )


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _is_version(text: str, start: int, end: int) -> bool:
    """Tell whether four numbers with dots are the version of a program: a word says so, or all are
    small.

    All four numbers of an address are below 32 once in 4,096 times, those of a version nearly
    always.
    """
    before = text[max(0, start - 24) : start]
    if _VERSION_WORD.search(before):
        return True
    if _ADDRESS_WORD.search(before) or re.match(r":\d|/\d", text[end : end + 2]):
        return False
    given = ascii_digits(text[start:end])
    numbers = given.split(".")
    return (
        given not in _RESOLVERS
        and len(numbers) == 4
        and all(int(number) < _SMALL for number in numbers)
    )


def _is_national(text: str, start: int, end: int, regions: tuple[str, ...]) -> bool:
    given = ascii_digits(text[start:end])
    digits = sum(character.isdigit() for character in given)
    least = 9 if given[-1].isalpha() else _LEAST_DIGITS
    long = digits >= 7 and len(re.sub(r"[ -]", "", given)) >= least
    if not long and not _DATED.fullmatch(given):
        return False
    return any(
        _obeys(given, name)
        and (
            name not in _FORMS
            or ((form := _FORMS[name]) and form.fullmatch(given))
            or is_told(text, start, end, "id_words.txt")
        )
        for region in regions
        for name in NATIONAL.get(region, ())
    )


def _obeys(given: str, name: str) -> bool:
    try:
        return bool(import_module(f"stdnum.{name}").is_valid(given))
    except KeyError:  # cn.ric: check digit and date are right, the place is not in its list
        return True


def _phones(text: str, start: int, end: int, regions: tuple[str, ...]) -> Iterator[Found]:
    from phonenumbers import Leniency, PhoneNumberMatcher  # type: ignore[import-untyped, unused-ignore]

    whole = "+" not in text[start:end] and any(
        _is_local_phone(text, start, end, region) for region in regions
    )
    if whole and not _touches(text, start, end) and is_told(text, start, end):
        yield Found("phone", start, end)
        return
    first = max(0, start - 1)
    given = text[first : end + 1]  # with what stands right before and after
    international = "+" in given
    for region in (None,) if international else regions:
        leniency = Leniency.VALID if international else Leniency.STRICT_GROUPING
        places = [
            (first + match.start, first + match.end)
            for match in PhoneNumberMatcher(given, region, leniency=leniency)
        ]
        found = [
            Found("phone", *place)
            for place in places
            if not _touches(text, *place)
            and (region is None or _is_local_phone(text, *place, region))
        ]
        if found:
            yield from found
            return
    if whole and not international and not _touches(text, start, end):
        yield Found("phone", start, end)
