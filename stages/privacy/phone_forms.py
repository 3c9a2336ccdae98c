"""Tell local phone numbers from other numbers that a country's plan would allow.

In a plan whose numbers fill the range, such as India's or Poland's, nearly every number of the right
length is valid, so a plan alone tells nothing of "9876543210". A local number is believed where a
word near it says so (`phone_words.txt`), or where it is written as people write phone numbers: in
the groups of its country or after a trunk prefix, and not as sums, dates, years, decimal numbers or
ISSNs are written.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

from stages.digits import ascii_digits

_BEFORE, _AFTER = 60, 30  # code points in which a word may stand
_LEAST_AFTER_TRUNK = 9  # digits of a number in one run that begins with a trunk prefix
_DASHES = r"\-\u2010-\u2013\u2212"
_YEAR = r"(?:1[0-9]|20)\d\d"
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_SUM = re.compile(r"\d{1,3}(?:([ .\u00a0\u202f\u2007])\d{3})(?:\1\d{3})+")
_OTHER_FORMS = re.compile(
    rf"{_YEAR}[ /{_DASHES}]+{_YEAR}"
    rf"|{_YEAR}([ ./{_DASHES}]){_MONTH}\1{_DAY}(?: \d{{1,2}})?"
    rf"|{_DAY}([ ./{_DASHES}]){_MONTH}\2{_YEAR}(?: \d{{1,2}})?"
)
_PARTED_ONCE = re.compile(r"\d+[./]\d+")  # as a decimal number, or a number of a year
_IDENTIFIER = re.compile(
    r"(?<![^\W\d_])(?:ISBN|ISSN|ISMN|ISNI|ISIN|IMEI|EAN|UPC|GTIN|PMID|PMC|ORCID|OCLC|VIAF|LCCN|DOI)"
    r"(?:[ -]?1[03])?[\s:.#=\u2116]{0,3}\Z",
    re.IGNORECASE,
)
_CURRENCY = re.compile(
    r"\s?(?:USD|EUR|GBP|CHF|PLN|CZK|HUF|RON|SEK|NOK|DKK|RUB|UAH|TRY|INR|VND|BRL|MXN|ARS|COP|CLP|XOF|XAF|KES|NGN"
    r"|z\u0142|K\u010d|Ft|kr|lei|euro?s?|\u20ac|km|kg|%)(?![^\W\d_])",
    re.IGNORECASE,
)


def is_told(text: str, start: int, end: int, words: str = "phone_words.txt") -> bool:
    """Tell whether a word of a list in the same line says what a number is; before it also at the
    end of the line above."""
    before = text[max(0, start - _BEFORE) : start].rstrip(" \n\t:")
    near = before.rsplit("\n", 1)[-1] + " \n " + text[end : end + _AFTER].split("\n", 1)[0]
    return _words(words).search(unicodedata.normalize("NFC", near.lower())) is not None


def is_other_number(text: str, start: int, end: int) -> bool:
    """Tell whether it is a date, years, a book number or an amount of money, by its form and by what
    stands beside it."""
    before, after = text[max(0, start - 16) : start], text[end : end + 8]
    signs = before.rstrip()[-1:] + after.lstrip()[:1]
    return (
        _OTHER_FORMS.fullmatch(ascii_digits(text[start:end])) is not None
        or _IDENTIFIER.search(before) is not None
        or _CURRENCY.match(after) is not None
        or any(unicodedata.category(sign) == "Sc" for sign in signs)
    )


def is_sum(given: str, told: bool = False) -> bool:
    """Tell whether ASCII digits stand in threes as the digits of a sum do, where no phone number
    does: in four or five groups, or unless a word tells of one with dots or no-break spaces.

    >>> is_sum("7 943 015 800"), is_sum("943.015.800"), is_sum("943 015 800")
    (True, True, False)
    """
    found = _SUM.fullmatch(given)
    if found is None:
        return False
    groups = given.count(found[1]) + 1
    return groups in (4, 5) or (groups < 4 and found[1] != " " and not told)


def is_in_form(given: str, region: str) -> bool:
    """Tell whether a number of ASCII digits and gaps is written as phone numbers in a country are.

    >>> [is_in_form(given, "ES") for given in ("943 015 800", "943015800", "943.015800")]
    [True, False, False]
    >>> [is_in_form(given, "IN") for given in ("09876543210", "98765 43210", "9876543210")]
    [True, True, False]
    """
    from stdnum import issn  # type: ignore[import-untyped, unused-ignore]

    digits = re.sub(r"\D", "", given)
    if given.startswith(("0", "(0")):
        return len(digits) >= _LEAST_AFTER_TRUNK or digits != given
    if is_sum(given) or _PARTED_ONCE.fullmatch(given):
        return False
    if re.fullmatch(r"\d{4}-\d{4}", given) and issn.is_valid(given):
        return False
    trunk = _trunk(region)
    return digits != given or (trunk != "1" and bool(trunk) and given.startswith(trunk))


@cache
def _trunk(region: str) -> str:
    from phonenumbers import PhoneMetadata  # type: ignore[import-untyped, unused-ignore]

    found = PhoneMetadata.metadata_for_region(region, None)
    return (found.national_prefix or "") if found else ""


@cache
def _words(name: str) -> re.Pattern[str]:
    file = resources.files("stages.privacy").joinpath(name)
    parts: dict[bool, list[str]] = {True: [], False: []}  # of letters with capitals, of others
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            whole = line.endswith(".")
            parts[line[0].upper() != line[0]].append(
                re.escape(line.rstrip(".")) + (r"(?![^\W\d_])" if whole else "")
            )
    return re.compile(rf"(?<![^\W\d_])(?:{'|'.join(parts[True])})|{'|'.join(parts[False])}")
