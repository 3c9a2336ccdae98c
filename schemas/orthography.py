"""Which scripts are written without spaces between words, and what marks end sentences.

Their orthographies put none there: scripts of line-breaking class SA (UAX #14), the South-East
Asian ones of classes AK and AS, and the East Asian ones but Hangul. The passages of gflanguages in
these scripts run for 20 letters or more between spaces, or are spaced by syllable or phrase.
"""

from __future__ import annotations

from schemas.language import parse_label

UNSPACED_SCRIPTS = frozenset(
    {
        *("Thai", "Laoo", "Khmr", "Mymr", "Tale", "Talu", "Lana", "Tavt", "Ahom"),
        *("Bali", "Java", "Kawi", "Batk"),
        *("Hani", "Hira", "Kana", "Bopo", "Yiii", "Tang", "Nshu", "Kits", "Egyp", "Xsux"),
    }
)
# with the combined codes that stand in labels
UNSPACED_LABELS = UNSPACED_SCRIPTS | {
    "Hans",
    "Hant",
    "Jpan",
    "Hrkt",
}
# A mark ends each syllable (Tibetan), or words are written in one run, or with dividers of their
# own. The blank of Braille is none of Unicode's spaces.
_PARTED_BY_OTHER_MEANS = frozenset(
    {
        *("Tibt", "Maka", "Diak", "Bhks"),
        *("Xpeo", "Sarb", "Samr", "Orkh", "Runr", "Hung", "Lyci", "Cari", "Khoj", "Brai"),
    }
)
# Orthographies that put spaces between syllables: a count of runs would be one of syllables.
_SPACED_BY_SYLLABLE = frozenset({("vie", "Latn"), ("lis", "Lisu")})


def words_are_spaced(label: str) -> bool:
    """Tell whether white space separates words in a language and script, so that counting runs
    counts words.

    >>> words_are_spaced("eus_Latn"), words_are_spaced("khm_Khmr"), words_are_spaced("vie_Latn")
    (True, False, False)
    """
    language, script = parse_label(label)
    return (
        script not in UNSPACED_LABELS | _PARTED_BY_OTHER_MEANS
        and (language, script) not in _SPACED_BY_SYLLABLE
    )


def has_units_between_spaces(label: str) -> bool:
    """Tell whether white space separates the words or the syllables of a language and script.

    >>> has_units_between_spaces("vie_Latn"), has_units_between_spaces("khm_Khmr")
    (True, False)
    """
    return parse_label(label).script not in UNSPACED_LABELS | _PARTED_BY_OTHER_MEANS


# What ends a sentence: Unicode's property Sentence_Terminal (PropList.txt, 15.0), and what it
# leaves out and writers end sentences by: the shads of Tibetan, khan of Khmer, sof pasuq of Hebrew,
# kunddaliya of Sinhala, the Thai signs that close a chapter, the ellipsis and the forms for
# vertical lines.
SENTENCE_TERMINAL = (
    *(
        0x0021,
        0x002E,
        0x003F,
        0x0589,
        *range(0x061D, 0x0620),
        0x06D4,
        *range(0x0700, 0x0703),
        0x07F9,
        0x0837,
        0x0839,
    ),
    *(
        0x083D,
        0x083E,
        0x0964,
        0x0965,
        0x104A,
        0x104B,
        0x1362,
        0x1367,
        0x1368,
        0x166E,
        0x1735,
        0x1736,
        0x1803,
        0x1809,
    ),
    *(
        0x1944,
        0x1945,
        *range(0x1AA8, 0x1AAC),
        0x1B5A,
        0x1B5B,
        0x1B5E,
        0x1B5F,
        0x1B7D,
        0x1B7E,
        0x1C3B,
        0x1C3C,
    ),
    *(
        0x1C7E,
        0x1C7F,
        0x203C,
        0x203D,
        *range(0x2047, 0x204A),
        0x2E2E,
        0x2E3C,
        0x2E53,
        0x2E54,
        0x3002,
        0xA4FF,
    ),
    *(
        0xA60E,
        0xA60F,
        0xA6F3,
        0xA6F7,
        0xA876,
        0xA877,
        0xA8CE,
        0xA8CF,
        0xA92F,
        0xA9C8,
        0xA9C9,
        *range(0xAA5D, 0xAA60),
    ),
    *(
        0xAAF0,
        0xAAF1,
        0xABEB,
        0xFE52,
        0xFE56,
        0xFE57,
        0xFF01,
        0xFF0E,
        0xFF1F,
        0xFF61,
        0x10A56,
        0x10A57,
    ),
    *(
        *range(0x10F55, 0x10F5A),
        *range(0x10F86, 0x10F8A),
        0x11047,
        0x11048,
        *range(0x110BE, 0x110C2),
    ),
    *(
        *range(0x11141, 0x11144),
        0x111C5,
        0x111C6,
        0x111CD,
        0x111DE,
        0x111DF,
        0x11238,
        0x11239,
        0x1123B,
        0x1123C,
    ),
    *(
        0x112A9,
        0x1144B,
        0x1144C,
        0x115C2,
        0x115C3,
        *range(0x115C9, 0x115D8),
        0x11641,
        0x11642,
        *range(0x1173C, 0x1173F),
    ),
    *(
        0x11944,
        0x11946,
        0x11A42,
        0x11A43,
        0x11A9B,
        0x11A9C,
        0x11C41,
        0x11C42,
        0x11EF7,
        0x11EF8,
        0x11F43,
        0x11F44,
    ),
    *(0x16A6E, 0x16A6F, 0x16AF5, 0x16B37, 0x16B38, 0x16B44, 0x16E98, 0x1BC9F, 0x1DA88),
)
OTHER_END_MARKS = (
    *(
        0x05C3,
        0x0DF4,
        0x0E5A,
        0x0E5B,
        *range(0x0F0D, 0x0F13),
        0x0F14,
        0x17D4,
        0x17D5,
        0x17DA,
        0x2026,
        0x22EF,
    ),
    *(0xFE12, 0xFE15, 0xFE16, 0xFE19),
)
# Commas and semicolons: a line of a law, a poem or a list in prose ends in one, a line of a menu
# does not.
PAUSE_MARKS = (
    *(
        0x2C,
        0x3B,
        0x0387,
        0x055D,
        0x060C,
        0x061B,
        0x1363,
        0x1364,
        0x1802,
        0x1808,
        0x3001,
        0xA4FE,
        0xFF0C,
        0xFF1B,
    ),
)
