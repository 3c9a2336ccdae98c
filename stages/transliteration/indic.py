"""ISO 15919 and IAST for the Indic scripts, both ways, as rules for ICU's transliterator.

The nine scripts have the same letters at the same places of their Unicode blocks, so one table
serves. A consonant without a vowel sign or virama is followed by an inherent a. Two sequences would
read as one letter, and are kept apart as ISO 15919 says, by a colon: a before a separate i or u (ai
is one vowel), and a consonant before h (kh is one).

Why not a library: `indic-transliteration` 2.3.82 writes Bengali ba as va, Tamil ta as dha and
leaves nuktas; ICU drops the Gurmukhi tippi and addak, and writes one nasal for several, so that
they do not come back.

In Pali, which has no vocalic letters, IAST's l with a dot is the consonant; in Sanskrit it is the
vowel, and the Vedic consonant has a line. Digits, dandas and what stands outside a word stay. A
word with a letter that has no place here stays whole: letters of Kashmiri, Sindhi and Marwari in
Devanagari, Vedic signs but the two tones that Latin shares.

Sources: ISO 15919:2001; IAST as in Monier-Williams 1899, and for Pali as the Pali Text Society has
it; The Unicode Standard, chapter 12, for the parallel blocks, and for the second ways to write a
letter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from stages.transliteration.letter_rules import CompiledRules

BLOCKS = {
    "Deva": 0x0900,
    "Beng": 0x0980,
    "Guru": 0x0A00,
    "Gujr": 0x0A80,
    "Orya": 0x0B00,
    "Taml": 0x0B80,
    "Telu": 0x0C00,
    "Knda": 0x0C80,
    "Mlym": 0x0D00,
}
_MARKS = {0x01: "m\u0310", 0x02: "ṁ", 0x03: "ḥ"}
_VOWELS = {  # place of the letter, place of the sign, ISO 15919
    "ā": (0x06, 0x3E),
    "i": (0x07, 0x3F),
    "ī": (0x08, 0x40),
    "u": (0x09, 0x41),
    "ū": (0x0A, 0x42),
    "r\u0325": (0x0B, 0x43),
    "r\u0325\u0304": (0x60, 0x44),
    "l\u0325": (0x0C, 0x62),
    "l\u0325\u0304": (0x61, 0x63),
    "ê": (0x0D, 0x45),
    "e": (0x0E, 0x46),
    "ē": (0x0F, 0x47),
    "ai": (0x10, 0x48),
    "ô": (0x11, 0x49),
    "o": (0x12, 0x4A),
    "ō": (0x13, 0x4B),
    "au": (0x14, 0x4C),
}
_ROW = "k kh g gh ṅ c ch j jh ñ ṭ ṭh ḍ ḍh ṇ t th d dh n ṉ p ph b bh m y r ṟ l ḷ ḻ v ś ṣ s h"
_CONSONANTS = dict(
    zip(
        [*range(0x15, 0x3A)],
        _ROW.split(),
        strict=True,
    )
)
_WITH_NUKTA = {
    0x15: "q",
    0x16: "k\u035fh",
    0x17: "ġ",
    0x1C: "z",
    0x21: "ṛ",
    0x22: "ṛh",
    0x2B: "f",
    0x2F: "ẏ",
}
_GURMUKHI_NUKTA = {0x16: "k\u035fh", 0x17: "ġ", 0x1C: "z", 0x2B: "f", 0x38: "ś", 0x32: "ḷ"}
_OWN = {
    "Guru": {0x5C: "ṛ"},
    "Orya": {0x5F: "ẏ", 0x71: "w"},
    "Telu": {0x58: "ĉ", 0x59: "ẑ"},
    "Knda": {0x5E: "ḻ"},
    "Mlym": {0x3A: "ṯ"},
}
_ASSAMESE = {0x70: "r", 0x71: "v"}
_OWN_MARKS = {"Guru": {0x70: "ṃ"}, "Taml": {0x03: "ḵ"}, "Knda": {0x71: "ẖ", 0x72: "ḫ"}}
_CANDRA_A = 0x72  # what Marathi and Konkani write for the letter of candra e
# Second ways to write a vowel, which read as the first: letters, and signs.
_OTHER_LETTERS = {"Deva": {0x0D: "ê", _CANDRA_A: "ê"}, "Mlym": {0x5F: "ī"}}
_OTHER_SIGNS = {
    "Beng": {0x57: "au"},
    "Orya": {0x57: "au"},
    "Taml": {0x57: "au"},
    "Mlym": {0x4C: "au"},
}
_OM = {"Deva": "ōṁ", "Gujr": "ōṁ", "Taml": "ōm"}
_NUKTA, _AVAGRAHA, _VIRAMA, _KHANDA_TA, _ADDAK = 0x3C, 0x3D, 0x4D, 0x4E, 0x71
_IAST = {
    "ṁ": "ṃ",
    "r\u0325": "ṛ",
    "r\u0325\u0304": "ṝ",
    "l\u0325": "ḷ",
    "l\u0325\u0304": "ḹ",
    "ē": "e",
    "ō": "o",
}
# Malayalam letters without vowel; the last three are historic, and the dot is an r before a
# consonant.
_CHILLU = {
    0x7A: 0x23,
    0x7B: 0x28,
    0x7C: 0x30,
    0x7D: 0x32,
    0x7E: 0x33,
    0x7F: 0x15,
    0x54: 0x2E,
    0x55: 0x2F,
    0x56: 0x34,
}
_DOT_REPH = 0x4E


class _Letters:
    """The letters that one script has, in one standard."""

    def __init__(self, script: str, language: str, *, iast: bool) -> None:
        self.base = BLOCKS[script]
        self.iast = iast
        self.script = script
        consonants = {
            self.at(place): latin for place, latin in _CONSONANTS.items() if self.has(place)
        }
        if language == "asm":
            consonants.pop(self.at(0x30))
            consonants |= {self.at(place): latin for place, latin in _ASSAMESE.items()}
        consonants |= {self.at(place): latin for place, latin in _OWN.get(script, {}).items()}
        nukta = {} if iast else _GURMUKHI_NUKTA if script == "Guru" else _WITH_NUKTA
        if self.has(_NUKTA):
            consonants |= {
                self.at(p) + self.at(_NUKTA): latin for p, latin in nukta.items() if self.has(p)
            }
        if script == "Orya":  # which has a letter of its own for it
            consonants.pop(self.at(0x2F) + self.at(_NUKTA), None)
        if iast:
            consonants.pop(self.at(0x34))
            consonants[self.at(0x33)] = "ḷ" if language == "pli" else "ḻ"
        self.consonants = {
            unicodedata.normalize("NFC", c): self.latin(latin) for c, latin in consonants.items()
        }
        without = {"e", "o", "ê", "ô"} if iast else set()
        if language == "pli":
            without |= {vowel for vowel in _VOWELS if vowel[0] in "rl"}
        vowels = {
            v: places
            for v, places in _VOWELS.items()
            if v not in without and all(map(self.has, places))
        }
        if language == "mar":
            vowels["ê"] = (_CANDRA_A, vowels["ê"][1])
        if script == "Mlym":  # whose sign in two parts is historic
            vowels["au"] = (vowels["au"][0], 0x57)
        self.vowels = {
            self.latin(v): (self.at(letter), self.at(sign)) for v, (letter, sign) in vowels.items()
        }
        marks = {self.at(p): self.latin(m) for p, m in _MARKS.items() if self.has(p)}
        self.marks = marks | {self.at(p): m for p, m in _OWN_MARKS.get(script, {}).items()}
        if self.has(_AVAGRAHA):
            self.marks[self.at(_AVAGRAHA)] = "\u2019"
        others = {
            self.at(p): v
            for p, v in _OTHER_LETTERS.get(script, {}).items()
            if self.latin(v) in self.vowels
        }
        self.other_letters = {c: v for c, v in others.items() if c != self.vowels[v][0]}
        self.other_signs = {
            self.at(place): vowel for place, vowel in _OTHER_SIGNS.get(script, {}).items()
        }
        self.om = {self.at(0x50): "oṃ" if iast else _OM[script]} if script in _OM else {}
        self.virama = self.at(_VIRAMA)
        self.aspirated = [
            c for c, latin in self.consonants.items() if latin + "h" in self.consonants.values()
        ]

    def at(self, place: int) -> str:
        return chr(self.base + place)

    def has(self, place: int) -> bool:
        return unicodedata.category(self.at(place)) != "Cn"

    def latin(self, written: str) -> str:
        return unicodedata.normalize("NFC", _IAST.get(written, written) if self.iast else written)

    @property
    def chillu(self) -> dict[str, str]:
        """Map Malayalam letters without a vowel to their consonants."""
        found = _CHILLU | {_DOT_REPH: 0x30}
        return {self.at(c): self.at(p) for c, p in found.items()} if self.script == "Mlym" else {}


def compile_indic(
    script: str, language: str, *, to_latin: bool, iast: bool = False
) -> CompiledRules:
    """Write the rules from an Indic script to Latin, or back."""
    letters = _Letters(script, language, iast=iast)
    if to_latin:
        lines = list(_to_latin(letters))
        units = {
            *letters.consonants,
            *letters.marks,
            letters.virama,
            letters.at(0x05),
            *letters.chillu,
        }
        units |= {sign for pair in letters.vowels.values() for sign in pair}
        units |= {*letters.other_letters, *letters.other_signs, *letters.om}
        if script == "Guru":
            units.add(letters.at(_ADDAK))
        if script == "Beng":
            units.add(letters.at(_KHANDA_TA))
    else:
        lines = list(_from_latin(letters))
        units = {*letters.consonants.values(), *letters.vowels, *letters.marks.values(), "a", ":"}
        if script == "Beng":
            units.add("ṯ")
        units |= {unit.upper() for unit in units} | {unit.capitalize() for unit in units}
    return CompiledRules(":: NFC ;\n" + "\n".join(lines) + "\n:: NFC ;\n", frozenset(units))


def _to_latin(letters: _Letters) -> Iterator[str]:
    signs = "".join([*(sign for _, sign in letters.vowels.values()), *letters.other_signs])
    close = "".join(letters.vowels[v][0] for v in ("i", "u"))
    a = letters.at(0x05)
    yield f"$bare = [{signs}{letters.virama}];"
    for consonant, latin in sorted(letters.consonants.items(), key=lambda pair: -len(pair[0])):
        if letters.script == "Guru":
            yield f"{letters.at(_ADDAK)} }} {consonant} > {latin[0] if latin.endswith('h') else latin};"
    h = next(c for c, latin in letters.consonants.items() if latin == "h")
    for consonant, latin in sorted(letters.consonants.items(), key=lambda pair: -len(pair[0])):
        if consonant in letters.aspirated:
            yield f"{consonant}{letters.virama} }} {h} > {latin}\\:;"
        yield f"{consonant} }} $bare > {latin};"
        yield f"{consonant} }} [{close}] > {latin}a\\:;"
        yield f"{consonant} > {latin}a;"
    for chillu, consonant in letters.chillu.items():
        yield f"{chillu} > {letters.consonants[consonant]};"
    if letters.script == "Beng":
        yield f"{letters.at(_KHANDA_TA)} > ṯ;"
    yield f"{letters.virama} > ;"
    if "ê" in letters.vowels:  # typed as a letter and a sign
        yield f"{a}{letters.vowels['ê'][1]} > ê;"
    yield f"{a} }} [{close}] > a\\:;"
    yield f"{a} > a;"
    for vowel, (letter, sign) in letters.vowels.items():
        yield f"{letter} > {vowel};"
        yield f"{sign} > {vowel};"
    for letter, latin in [
        *letters.other_letters.items(),
        *letters.other_signs.items(),
        *letters.om.items(),
    ]:
        yield f"{letter} > {latin};"
    for mark, latin in letters.marks.items():
        yield f"{mark} > {latin};"


def _from_latin(letters: _Letters) -> Iterator[str]:
    yield ":: Lower ;"
    yield ":: NFC ;"
    consonants = sorted(letters.consonants.items(), key=lambda pair: (-len(pair[1]), pair[1]))
    marks = sorted(letters.marks.items(), key=lambda pair: -len(pair[1]))
    longer = [*consonants, *marks]
    if letters.script == "Guru":
        for _, latin in consonants:
            first = latin[0] if latin.endswith("h") else latin
            yield f"{first} }} {latin} > {letters.at(_ADDAK)};"
    if letters.script == "Beng":
        yield f"ṯ > {letters.at(_KHANDA_TA)};"
    for vowel in sorted(
        (v for v in letters.vowels if len(v) > 1 and v[0] in "rl"), key=lambda v: -len(v)
    ):
        yield f"{vowel} > {vowel};"  # a vowel that begins like a consonant
    for letter, latin in sorted(longer, key=lambda pair: -len(pair[1])):
        if letter in letters.aspirated:
            yield f"{latin}\\: }} h > {letter}{letters.virama};"
        yield f"{latin} > {letter}{letters.virama if letter in letters.consonants else ''};"
    yield ":: Null ;"
    vowels = sorted(letters.vowels.items(), key=lambda pair: -len(pair[0]))
    yield f"{letters.virama}a\\: }} [iu] > ;"
    yield f"a\\: }} [iu] > {letters.at(0x05)};"
    for vowel, (_, sign) in vowels:
        yield f"{letters.virama}{vowel} > {sign};"
    yield f"{letters.virama}a > ;"
    for vowel, (letter, _) in vowels:
        yield f"{vowel} > {letter};"
    yield f"a > {letters.at(0x05)};"
    if letters.script == "Mlym":
        yield ":: Null ;"
        for chillu, consonant in [*letters.chillu.items()][:5]:  # of living Malayalam
            yield f"{consonant}{letters.virama} }} [^[:L:][:M:]] > {chillu};"
