"""Which scripts are written without spaces between words.

Their orthographies put none there: scripts of line-breaking class SA (UAX #14), the South-East Asian ones of classes AK
and AS, and the East Asian ones but Hangul. The passages of gflanguages in these scripts run for 20 letters or more
between spaces, or are spaced by syllable or phrase.
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
# A mark ends each syllable (Tibetan), or words are written in one run, or with dividers of their own. The blank of
# Braille is none of Unicode's spaces. The combined codes of East Asian scripts stand in labels.
_PARTED_BY_OTHER_MEANS = frozenset(
    {
        *("Tibt", "Maka", "Diak", "Bhks", "Hans", "Hant", "Jpan", "Hrkt"),
        *("Xpeo", "Sarb", "Samr", "Orkh", "Runr", "Hung", "Lyci", "Cari", "Khoj", "Brai"),
    }
)
# Orthographies that put spaces between syllables: a count of runs would be one of syllables.
_SPACED_BY_SYLLABLE = frozenset({("vie", "Latn"), ("lis", "Lisu")})


def words_are_spaced(label: str) -> bool:
    """Tell whether white space separates words in a language and script, so that counting runs counts words.

    >>> words_are_spaced("eus_Latn"), words_are_spaced("khm_Khmr"), words_are_spaced("vie_Latn")
    (True, False, False)
    """
    language, script = parse_label(label)
    return script not in UNSPACED_SCRIPTS | _PARTED_BY_OTHER_MEANS and (language, script) not in _SPACED_BY_SYLLABLE
