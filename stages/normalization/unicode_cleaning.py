"""Remove controls, bidi overrides and invisible characters where they do not belong; unify line ends and spaces.

Invisible characters split words for a tokenizer, hide text from a reader (bidi overrides, tag characters and long runs
of variation selectors can carry a whole message), and many are spelling somewhere: zero-width spaces part words in
Khmer, Thai, Lao and Burmese, narrow no-break spaces bind suffixes in Mongolian, variation selectors choose Mongolian
letters and forms of emoji. Each rule says where it does not hold.

Source: Unicode Standard, chapter 23 (special areas and format characters); UAX #9 for bidi controls; UTS #51 for emoji
sequences; UTS #37 and StandardizedVariants.txt for variation sequences.
"""

from __future__ import annotations

from stages.normalization.rules import Applies, Rule, everywhere, not_written_in, pattern_rule

SPACED_BY_ZERO_WIDTH = ("Khmr", "Laoo", "Mymr", "Thai", "Lana", "Talu", "Java", "Bali", "Tibt")
RIGHT_TO_LEFT = (
    *("Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi"),
    *("Armi", "Avst", "Chrs", "Cprt", "Elym", "Hatr", "Hung", "Khar", "Lydi", "Mani", "Merc", "Mero", "Narb", "Nbat"),
    *("Orkh", "Ougr", "Palm", "Phli", "Phlp", "Phnx", "Prti", "Sarb", "Sogd", "Sogo"),
)
CHINESE_AND_NEIGHBOURS = ("Jpan", "Kore", "Hani", "Hans", "Hant", "Bopo", "Yiii", "Hira", "Kana", "Nshu", "Tang")


def _removal(name: str, description: str, source: str, applies: Applies, pattern: str) -> Rule:
    return pattern_rule(name, description, source, applies, pattern, "")


# Code points that begin a variation sequence: emoji (and keycaps), Han and CJK punctuation, mathematical operators,
# Myanmar, Phags-pa, Manichaean.
_EMOJI_BASE = r"[\p{Extended_Pictographic}0-9#*]"
_FORM_BASE = r"[\p{Han}\p{Sm}\p{Myanmar}\p{Phags_Pa}\p{Manichaean}0\x{2205}\x{3001}\x{3002}\x{ff01}-\x{ff1f}]"
_SEQUENCES = (
    rf"{_EMOJI_BASE}[\x{{fe0e}}\x{{fe0f}}]|{_FORM_BASE}[\x{{fe00}}-\x{{fe0d}}]|\p{{Han}}[\x{{e0100}}-\x{{e01ef}}]"
)
_SELECTORS = r"[\x{fe00}-\x{fe0f}\x{e0100}-\x{e01ef}]"
_STRAY_SELECTOR = (
    r"(?:^|[^\p{Extended_Pictographic}0-9#*])[\x{fe0e}\x{fe0f}]"
    rf"|(?:^|[^{_FORM_BASE[1:-1]}])[\x{{fe00}}-\x{{fe0d}}]"
    r"|(?:^|\P{Han})[\x{e0100}-\x{e01ef}]"
)
_SPACED = "".join(rf"\p{{{script}}}" for script in SPACED_BY_ZERO_WIDTH)
_FLAG = r"\x{1f3f4}[\x{e0020}-\x{e007e}]+\x{e007f}"
_TAGS = r"[\x{e0001}\x{e0020}-\x{e007f}]"

RULES = (
    pattern_rule(
        "line_ends",
        "Every line end (CR LF, CR, NEL, vertical tab, form feed, line and paragraph separator) becomes LF.",
        "Unicode Standard, section 5.8 (newline guidelines)",
        everywhere,
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
    _removal(
        "byte_order_marks",
        "U+FEFF is removed: at the start a byte order mark, elsewhere one that concatenation left behind.",
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
        "spaces",
        "No-break, en, em, thin, hair and mathematical spaces become U+0020.",
        "Unicode Standard, section 6.2, table 6-2",
        everywhere,
        r"[\x{a0}\x{2000}-\x{200a}\x{205f}]",
        " ",
        r"[\x{a0}\x{2000}-\x{200a}\x{205f}]",
    ),
    pattern_rule(
        "narrow_no_break_spaces",
        "U+202F becomes U+0020, but in Mongolian script, where it binds suffixes.",
        "Unicode Standard, sections 6.2 and 13.5",
        not_written_in("Mong"),
        r"\x{202f}",
        " ",
        r"\x{202f}",
    ),
    pattern_rule(
        "ideographic_spaces",
        "U+3000 becomes U+0020 outside the East Asian scripts whose width it has.",
        "Unicode Standard, section 6.2",
        not_written_in(*CHINESE_AND_NEIGHBOURS),
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
    pattern_rule(
        "zero_width_spaces",
        "U+200B is removed, but beside scripts that part words with it (Khmer, Lao, Burmese, Thai and neighbours).",
        "Unicode Standard, section 23.2; section 16.4 for Khmer",
        not_written_in(*SPACED_BY_ZERO_WIDTH),
        rf"([{_SPACED}]\x{{200b}}+|\x{{200b}}+[{_SPACED}])|\x{{200b}}",
        "${1}",
        r"\x{200b}",
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
        "stray_variation_selectors",
        "Variation selectors are removed where their base has no variants; emoji and Han keep theirs.",
        "UTS #51, UTS #37, StandardizedVariants.txt",
        everywhere,
        f"({_SEQUENCES})|{_SELECTORS}",
        "${1}",
        _STRAY_SELECTOR,
    ),
    pattern_rule(
        "stray_tags",
        "Tag characters are removed where they do not spell a flag: they are invisible and can carry any ASCII text.",
        "UTS #51, section 4.4; Unicode Standard, section 23.9",
        everywhere,
        f"({_FLAG})|{_TAGS}",
        "${1}",
        _TAGS,
    ),
)
