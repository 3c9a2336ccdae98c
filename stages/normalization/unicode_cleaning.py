"""Remove controls, bidi overrides and invisible characters where they do not belong; unify line
ends and spaces.

Invisible characters split words for a tokenizer, hide text from a reader (bidi overrides, tag
characters and long runs of variation selectors can carry a whole message), and many are spelling
somewhere: zero-width spaces part words in Khmer, Thai, Lao and Burmese, narrow no-break spaces bind
suffixes in Mongolian, variation selectors choose Mongolian letters and forms of emoji. Each rule
says where it does not hold.

Source: Unicode Standard, chapter 23 (special areas and format characters); UAX #9 for bidi
controls; UTS #51 for emoji sequences; UTS #37 and StandardizedVariants.txt for variation sequences.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import (
    About,
    Applies,
    Rule,
    everywhere,
    neither,
    not_written_in,
    pattern_rule,
    written_in,
)

SPACED_BY_ZERO_WIDTH = ("Khmr", "Laoo", "Mymr", "Thai", "Lana", "Talu", "Java", "Bali", "Tibt")
RIGHT_TO_LEFT = (
    *(
        "Adlm",
        "Arab",
        "Aran",
        "Hebr",
        "Mand",
        "Mend",
        "Nkoo",
        "Rohg",
        "Samr",
        "Syrc",
        "Thaa",
        "Yezi",
    ),
    *(
        "Armi",
        "Avst",
        "Chrs",
        "Cprt",
        "Elym",
        "Hatr",
        "Hung",
        "Khar",
        "Lydi",
        "Mani",
        "Merc",
        "Mero",
        "Narb",
        "Nbat",
    ),
    *("Orkh", "Ougr", "Palm", "Phli", "Phlp", "Phnx", "Prti", "Sarb", "Sogd", "Sogo"),
)
_NO_BREAK_LANGUAGES = (
    *("fra", "oci", "frp", "wln", "pcd", "bre", "kon"),  # the typography of French
    # one-letter words
    *(
        "pol",
        "csb",
        "szl",
        "ces",
        "slk",
        "hsb",
        "dsb",
        "rus",
        "ukr",
        "rue",
        "bel",
        "epo",
    ),
)
CHINESE_AND_NEIGHBOURS = (
    "Jpan",
    "Kore",
    "Hani",
    "Hans",
    "Hant",
    "Bopo",
    "Yiii",
    "Hira",
    "Kana",
    "Nshu",
    "Tang",
)


def _removal(name: str, description: str, source: str, applies: Applies, pattern: str) -> Rule:
    return pattern_rule(About(name, description, source, applies), pattern, "")


# Code points that begin a variation sequence: emoji (and keycaps), Han and CJK punctuation,
# mathematical operators, Myanmar, Phags-pa, Manichaean.
_EMOJI_BASE = r"[\p{Extended_Pictographic}0-9#*]"
_FORM_BASE = r"[\p{Han}\p{Sm}\p{Myanmar}\p{Phags_Pa}\p{Manichaean}0\x{2205}\x{3001}\x{3002}\x{ff01}-\x{ff1f}]"
_SEQUENCES = (
    rf"{_EMOJI_BASE}[\x{{fe0e}}\x{{fe0f}}]|{_FORM_BASE}[\x{{fe00}}-\x{{fe0d}}]"
    r"|\p{Han}[\x{e0100}-\x{e01ef}]"
)
_SELECTORS = r"[\x{fe00}-\x{fe0f}\x{e0100}-\x{e01ef}]"
_STRAY_SELECTOR = (
    r"(?:^|[^\p{Extended_Pictographic}0-9#*])[\x{fe0e}\x{fe0f}]"
    rf"|(?:^|[^{_FORM_BASE[1:-1]}])[\x{{fe00}}-\x{{fe0d}}]"
    r"|(?:^|\P{Han})[\x{e0100}-\x{e01ef}]"
)
_SPACED = "".join(rf"\p{{{script}}}" for script in SPACED_BY_ZERO_WIDTH)
# What Windows-1252 and its sisters 1250, 1251 and 1254 all have in the place of a C1 control, where
# it stands as such.
_C1 = r"[\x{80}-\x{9f}]"
_WINDOWS_MARKS = r"[\x{82}\x{84}\x{91}-\x{97}]"
_C1_MARKS = (
    (r"([\p{L}\p{N}])[\x{91}\x{92}](\p{L})", "${1}\u2019${2}"),
    (r"(\p{L})\x{92}($|[\s\p{P}])", "${1}\u2019${2}"),
    (r"(^|[\s(\[])\x{91}(\p{L})", "${1}\u2018${2}"),
    (r"(^|[\s(\[])\x{93}([\p{L}\p{N}])", "${1}\u201c${2}"),
    # as German and Czech close
    (
        r"([\p{L}\p{N}.,!?\x{2026}])\x{93}($|[\s\p{P}])",
        "${1}\u201c${2}",
    ),
    (r"([\p{L}\p{N}.,!?\x{2026}])\x{94}($|[\s\p{P}])", "${1}\u201d${2}"),
    (r"(^|[\s(\[])\x{94}([\p{L}\p{N}])", "${1}\u201d${2}"),  # as Finnish and Swedish open
    (r"(^|[\s(\[])\x{84}([\p{L}\p{N}])", "${1}\u201e${2}"),
    (r"(^|[\s(\[])\x{82}(\p{L})", "${1}\u201a${2}"),
    # Not after what may be the lead byte of a misread letter.
    (r"(^|[ \p{N}]|[\p{L}--[\x{c2}-\x{f4}]])\x{96}([ \p{N}\p{L}])", "${1}\u2013${2}"),
    (r"(^|[ \p{N}]|[\p{L}--[\x{c2}-\x{f4}]])\x{97}([ \p{N}\p{L}])", "${1}\u2014${2}"),
    (r"(^|\s)\x{95}([ \p{L}\p{N}])", "${1}\u2022${2}"),
    (r"(\p{N} ?)\x{80}($|[\s\p{P}])", "${1}\u20ac${2}"),
    (r"(^|[\s(])\x{80}( ?\p{N})", "${1}\u20ac${2}"),
)
# Letters that languages have where the code page of their region has what Latin-1 keeps for a C1
# control.
_CENTRAL_EUROPEAN = {
    "pol": "\u015b\u017a\u015a\u0179",
    "ces": "\u0161\u0165\u017e\u0160\u0164\u017d",
    "slk": "\u0161\u0165\u017e\u0160\u0164\u017d",
    "slv": "\u0161\u017e\u0160\u017d",
    "hrv": "\u0161\u017e\u0160\u017d",
    "bos": "\u0161\u017e\u0160\u017d",
}
_WESTERN = {
    "fra": "\u0153\u0152\u0178",
    "est": "\u0161\u017e\u0160\u017d",
    "fin": "\u0161\u017e\u0160\u017d",
}
C1_LETTERS: Mapping[str, Mapping[str, str]] = {
    language: {letter.encode(page).decode("latin-1"): letter for letter in letters}
    for page, table in (("cp1250", _CENTRAL_EUROPEAN), ("cp1252", _WESTERN))
    for language, letters in table.items()
}


def _read_c1_marks(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    # U+0085 ends a line, but where other marks say that the text is in a Windows code page.
    ellipses = texts.str.replace_all(r"([\p{L}\p{N}!?,])\x{85}", "${1}\u2026")
    texts = pl.select(
        pl.when(texts.str.contains(_WINDOWS_MARKS)).then(ellipses).otherwise(texts)
    ).to_series()
    for found, meant in _C1_MARKS:
        texts = texts.str.replace_all(f"(?m){found}", meant)
    return texts


def _read_c1_letters(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    for control, letter in C1_LETTERS[language or ""].items():
        texts = texts.str.replace_all(rf"(\p{{L}}){control}", f"${{1}}{letter}").str.replace_all(
            rf"{control}(\p{{L}})", f"{letter}${{1}}"
        )
    return texts


# ECMA-48: control sequences (colours, cursor), operating system commands (titles, links),
# two-character escapes.
_ANSI = r"\x1b\[[0-?]*[ -/]*[@-~]|\x{9b}[0-9;]+m|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[()][A-Za-z0-9]|\x1b[=>78]"
# A colour whose escape was lost before; only where the text also holds the code that ends one, and
# no bracket closes.
_LOST_COLOUR, _LOST_RESET = r"\[\d{1,2}(?:;\d{1,3})*m", r"\[0?m(?:$|[^\]\w])"


def _remove_ansi(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    whole = texts.str.replace_all(_ANSI, "")
    bare = whole.str.replace_all(rf"(?:{_LOST_COLOUR}|\[m)+($|[^\]])", "${1}")
    coloured = whole.str.contains(_LOST_RESET) & whole.str.contains(_LOST_COLOUR)
    return pl.select(pl.when(coloured).then(bare).otherwise(whole)).to_series()


# A zero-width space that is the only separator: after a comma or the end of a sentence, before a
# capital, and between letters in a line that has as many of them as spaces, and two at least.
_ZERO_WIDTH_SEPARATOR = (
    r"([\p{L}\p{N}][,;!?\x{60c}\x{61b}\x{61f}\x{6d4}\x{964}]|\p{Ll}\.?)\x{200b}+(\p{Lu})",
    r"([\p{L}\p{N}][,;!?\x{60c}\x{61b}\x{61f}\x{6d4}\x{964}])\x{200b}+(\p{L})",
)
_ZERO_WIDTH = rf"([{_SPACED}]\x{{200b}}+|\x{{200b}}+[{_SPACED}])|\x{{200b}}"
_BETWEEN_LETTERS = r"[\p{L}\p{M}\p{N}]\x{200b}+[\p{L}\p{N}]"


def _zero_width_spaces(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    """Write a space for a zero-width space that is the only separator of two words, and remove the
    others."""
    for separator in _ZERO_WIDTH_SEPARATOR:
        texts = texts.str.replace_all(separator, "${1} ${2}")
    frame = pl.DataFrame({"row": range(len(texts)), "line": texts.str.split("\n")}).explode("line")
    line = pl.col("line")
    places = line.str.count_matches(r"\x{200b}+")
    between = line.str.count_matches(_BETWEEN_LETTERS)
    spaced_by_it = (
        (places >= 2) & (between >= 1) & (places >= line.str.count_matches(r"[ \t\x{a0}]+"))
    )
    # twice, because the letter after one is the letter before the next
    parted = line
    for _ in range(2):
        parted = parted.str.replace_all(r"([\p{L}\p{M}\p{N}])\x{200b}+([\p{L}\p{N}])", "${1} ${2}")
    own = line.str.contains(rf"[{_SPACED}]")
    written = (
        pl.when(spaced_by_it & ~own)
        .then(parted)
        .otherwise(line)
        .str.replace_all(_ZERO_WIDTH, "${1}")
    )
    return frame.group_by("row", maintain_order=True).agg(written.str.join("\n"))["line"]


_FLAG = r"\x{1f3f4}[\x{e0020}-\x{e007e}]+\x{e007f}"
_TAGS = r"[\x{e0001}\x{e0020}-\x{e007f}]"

RULES = (
    Rule(
        "ansi_sequences",
        "Escape sequences of terminals (colours, titles) are removed whole, also where their escape was lost.",
        "ECMA-48",
        everywhere,
        rf"{_ANSI}|{_LOST_COLOUR}",
        _remove_ansi,
        looks_at=neither,
    ),
    Rule(
        "c1_marks",
        "C1 controls that stand as quotation marks, apostrophes, dashes or the euro sign become those.",
        "Windows code pages 1250 to 1254 (best fit tables of unicode.org), the places all of them share",
        everywhere,
        rf"{_C1}",
        _read_c1_marks,
        looks_at=neither,
    ),
    Rule(
        "c1_letters",
        "C1 controls in a word become the letter of the language that its Windows code page has in their place.",
        "Windows code pages 1250 and 1252; CLDR exemplar sets",
        written_in(*C1_LETTERS),
        rf"\p{{L}}{_C1}|{_C1}\p{{L}}",
        _read_c1_letters,
    ),
    pattern_rule(
        About(
            "line_ends",
            "Every line end (CR LF, CR, NEL, vertical tab, form feed, line and paragraph separator) becomes LF.",
            "Unicode Standard, section 5.8 (newline guidelines)",
            everywhere,
        ),
        r"\r\n|[\r\x0b\x0c\x{85}\x{2028}\x{2029}]",
        "\n",
        r"[\r\x0b\x0c\x{85}\x{2028}\x{2029}]",
    ),
    _removal(
        "controls",
        "C0 and C1 controls other than tab and line feed, noncharacters, interlinear annotation and deprecated format "
        "controls are removed.",
        "Unicode Standard, sections 23.1, 23.3, 23.7, 23.8",
        everywhere,
        r"[\x00-\x08\x0e-\x1f\x7f-\x{84}\x{86}-\x{9f}\x{206a}-\x{206f}\x{fdd0}-\x{fdef}\x{fff9}-\x{fffb}"
        + "".join(rf"\x{{{plane:x}fffe}}\x{{{plane:x}ffff}}" for plane in range(1, 17))
        + r"\x{fffe}\x{ffff}]",
    ),
    pattern_rule(
        About(
            "object_replacements",
            "U+FFFC, which stands for a picture that is not there, is removed; between two words it leaves a space.",
            "Unicode Standard, section 23.8",
            everywhere,
        ),
        r"([\p{L}\p{M}\p{N}])\x{fffc}+([\p{L}\p{N}])",
        "${1} ${2}",
        r"[\p{L}\p{M}\p{N}]\x{fffc}+[\p{L}\p{N}]",
    ),
    _removal(
        "stray_object_replacements",
        "U+FFFC that parts no two words is removed.",
        "Unicode Standard, section 23.8",
        everywhere,
        r"\x{fffc}",
    ),
    _removal(
        "byte_order_marks",
        "U+FEFF is removed: at the start a byte order mark, elsewhere one that concatenation left.",
        "Unicode Standard, section 23.8",
        everywhere,
        r"\x{feff}",
    ),
    _removal(
        "bidi_overrides",
        "Bidi overrides, embeddings and isolates are removed; they can show text in another order than it is stored.",
        "UAX #9; Boucher and Anderson 2021 (arXiv:2111.00169)",
        everywhere,
        r"[\x{202a}-\x{202e}\x{2066}-\x{2069}]",
    ),
    _removal(
        "bidi_marks",
        "Left-to-right, right-to-left and Arabic letter marks are removed from texts that are written left to right.",
        "UAX #9, section 2.6",
        not_written_in(*RIGHT_TO_LEFT),
        r"[\x{200e}\x{200f}\x{61c}]",
    ),
    pattern_rule(
        About(
            "no_break_spaces",
            "U+00A0 becomes U+0020, but where its place is a rule of spelling: before French punctuation, after the "
            "one-letter words of Polish and its neighbours.",
            "Imprimerie nationale, Lexique des r\u00e8gles typographiques; Unicode Standard, section 6.2",
            not_written_in(*_NO_BREAK_LANGUAGES),
        ),
        r"\x{a0}",
        " ",
        r"\x{a0}",
    ),
    pattern_rule(
        About(
            "spaces",
            "En, em, thin, hair and mathematical spaces become U+0020.",
            "Unicode Standard, section 6.2, table 6-2",
            everywhere,
        ),
        r"[\x{2000}-\x{200a}\x{205f}]",
        " ",
        r"[\x{2000}-\x{200a}\x{205f}]",
    ),
    pattern_rule(
        About(
            "narrow_no_break_spaces",
            "U+202F becomes U+0020, but in Mongolian script, where it binds suffixes, and where U+00A0 stays.",
            "Unicode Standard, sections 6.2 and 13.5",
            not_written_in("Mong", *_NO_BREAK_LANGUAGES),
        ),
        r"\x{202f}",
        " ",
        r"\x{202f}",
    ),
    pattern_rule(
        About(
            "ideographic_spaces",
            "U+3000 becomes U+0020 outside the East Asian scripts whose width it has.",
            "Unicode Standard, section 6.2",
            not_written_in(*CHINESE_AND_NEIGHBOURS),
        ),
        r"\x{3000}",
        " ",
        r"\x{3000}",
    ),
    _removal(
        "soft_hyphens",
        "Soft hyphens are removed: they say where a line may break, not how a word is spelled.",
        "Unicode Standard, section 23.2",
        everywhere,
        r"\x{ad}",
    ),
    Rule(
        "zero_width_spaces",
        "U+200B is removed, but next to scripts that part words with it (Khmer, Lao, Burmese, Thai and neighbours); "
        "where it is all that parts two words it becomes a space.",
        "Unicode Standard, section 23.2; section 16.4 for Khmer",
        not_written_in(*SPACED_BY_ZERO_WIDTH),
        r"\x{200b}",
        _zero_width_spaces,
        looks_at=neither,
    ),
    _removal(
        "word_joiners",
        "Word joiners, invisible mathematical operators and Hangul fillers are removed.",
        "Unicode Standard, sections 22.6, 23.2 and 18.6",
        not_written_in("Kore"),
        r"[\x{2060}-\x{2064}\x{115f}\x{1160}\x{3164}\x{ffa0}]",
    ),
    _removal(
        "grapheme_joiners",
        "U+034F is removed, but in Hebrew, where it keeps points in their order.",
        "Unicode Standard, sections 23.2 and 9.1",
        not_written_in("Hebr"),
        r"\x{34f}",
    ),
    _removal(
        "mongolian_selectors",
        "Mongolian variation selectors and vowel separators are removed outside Mongolian and Phags-pa.",
        "Unicode Standard, section 13.5",
        not_written_in("Mong", "Phag"),
        r"[\x{180b}-\x{180f}]",
    ),
    pattern_rule(
        About(
            "stray_variation_selectors",
            "Variation selectors are removed where their base has no variants; emoji and Han keep theirs.",
            "UTS #51, UTS #37, StandardizedVariants.txt",
            everywhere,
        ),
        f"({_SEQUENCES})|{_SELECTORS}",
        "${1}",
        _STRAY_SELECTOR,
    ),
    pattern_rule(
        About(
            "stray_tags",
            "Tag characters are removed where they do not spell a flag: they are "
            "invisible and can carry any ASCII text.",
            "UTS #51, section 4.4; Unicode Standard, section 23.9",
            everywhere,
        ),
        f"({_FLAG})|{_TAGS}",
        "${1}",
        _TAGS,
    ),
)
