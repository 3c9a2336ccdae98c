"""A skeleton of a text that is about the same whichever script it is written in, for comparing and
for nothing else.

Skeletons are no transliteration, because what the two scripts of a language spell differently is
left out of both.

- Where the scripts correspond letter by letter (all but Hindi) the letters of each are mapped to
  Latin ones, and marks, apostrophes and invisible characters are dropped, which also covers Latin
  typed without them.
- Informal romanization spells Hindi vowels in many ways, and Devanagari does not write the absence
  of one, so the Hindi skeleton is the consonants alone, without aspiration, length, retroflexion
  and nasals at a word's end.
- Sanskrit is romanized letter by letter (IAST, ISO 15919), but Devanagari joins words that Latin
  letters part ("kim akurvata"), so its skeleton has no words: its letters in one run, cut after
  each vowel.

Only languages in `SCRIPTS_BY_LANGUAGE` have skeletons.

Sources of the correspondences. Serbian, Bosnian, Montenegrin: Cyrillic and Gaj's Latin, one to one
in the orthography of Matica srpska (2010). Uzbek: law 931-XII of 2 September 1993, as changed on 6
May 1995. Azerbaijani: law of 25
December 1991, on the Cyrillic of 1958. Kazakh: decree 569 of 26 October 2017 and its revision of 28
January 2021, KazAkparat's Latin, and the Arabic letters in use in China. Tatar: law of 15 September
1999. Turkmen: decree of 12 April
1993. Uyghur: the Latin alphabet of Xinjiang University (ULY, 2001) on the Arabic of 1983. Hindi and
Sanskrit: ISO 15919 for the letters; what informal spelling makes equal is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import polars as pl
import pyarrow as pa


class ScriptGroup(NamedTuple):
    """Languages that share a skeleton: the letters of each script, and what is folded since they
    spell it differently.

    Letters and folds are written "from to from to"; a to of `-` is nothing.
    """

    languages: tuple[str, ...]
    letters: Mapping[str, str]
    folded: str = ""
    consonants_alone: bool = False
    syllables: bool = False  # for words, which the scripts part differently


# Cyrillic letters that mean the same in all the languages below; a language's own table comes on
# top.
_CYRILLIC = (
    "а a б b в v г g д d е e ё yo ж j з z и i й y к k л l м m н n о o п p р r с s т t у u ф f х x ц ts ч ch ш sh щ sh "
    "ъ - ы i ь - э e ю yu я ya"
)
# The same letter is a flap after a vowel and a vowel after a consonant; informal spelling has d for
# the flap.
_FLAPS = " ".join(
    f"{vowel}\u1e5b{h} ad" for vowel in "a\u0101i\u012bu\u016be\u0113o\u014d" for h in ("", "h")
)
_GROUPS = (
    ScriptGroup(
        ("srp", "hbs", "bos", "cnr", "hrv"),
        {
            "Cyrl": _CYRILLIC + " ђ dj ж z ј j љ lj њ nj ћ c х h ц c ч c џ dz ш s",
            "Latn": "đ dj \u01c6 dz \u01c9 lj \u01cc nj",
        },
    ),
    ScriptGroup(
        ("uzb",),
        {"Cyrl": _CYRILLIC + " ў o қ q ғ g ҳ h", "Latn": "ş sh ç ch ı i"},
        "ye e ts s",  # е at the beginning of a word is ye, and ц is ts or s by its place
    ),
    ScriptGroup(
        ("aze",),
        {"Cyrl": _CYRILLIC + " г q ғ g ә e ј y ҝ g ө o ү u һ h ч c ҹ c ш s щ s", "Latn": "ə e ı i"},
    ),
    ScriptGroup(
        ("kaz",),
        {
            "Cyrl": _CYRILLIC
            + " ә a ғ g қ q ң n ө o ұ u ү u һ h х h й i ч c ш s щ s ц s ю iu я ia і i",
            "Latn": "ı i w u y i x h ch c sh s ts s",
            "Arab": "ا a ٵ a ب b پ p ت t ج j چ c ح h د d ر r ز z س s ش s ع g ف f ق q ك k ک k گ g ڭ n ل l م m ن n "
            "و o ٶ o ۇ u ٷ u ۋ u ۆ v ە e ى i ٸ i ي i ی i ھ h ه h ء - ٴ -",
        },
        "iii i ii i uu u",  # и is written ïy or y before a vowel
    ),
    ScriptGroup(
        ("tat",),
        {
            "Cyrl": _CYRILLIC + " ә a җ j ң n ө o ү u һ h",
            "Latn": "ə a ı i q k c j ç ch ş sh ɵ o",
        },
        "ye e x h v u w u",  # у and ү next to a vowel, and в in Arabic words, are w
    ),
    ScriptGroup(
        ("tuk",),
        {"Cyrl": _CYRILLIC + " в w ә a ж z җ j ң n ө o ү u х h ц s ч c ш s щ s ы y", "Latn": ""},
        "ye e ts s",
    ),
    ScriptGroup(
        ("uig",),
        {
            "Arab": "ا a ە e ب b پ p ت t ج j چ ch خ x د d ر r ز z ژ zh س s ش sh غ gh ف f ق q ك k ک k گ g ڭ ng ل l م m "
            "ن n ھ h ه h و o ۇ u ۆ o ۈ u ۋ w ې e ى i ي y ی y ئ -",
            "Cyrl": _CYRILLIC + " в w ә e ғ gh ж zh җ j қ q ң ng ө o ү u һ h",
            "Latn": "",
        },
    ),
    ScriptGroup(
        # Fiji Hindi, in Latin letters: what identification takes Hindi for that is typed in them
        (
            "hin",
            "hif",
        ),
        {
            "Deva": "क k ख k ग g घ g ङ n च c छ c ज j झ j ञ n ट t ठ t ड d ढ d ण n त t थ t द d ध d न n प p फ p ब b भ b "
            "म m य y र r ल l व v श s ष s स s ह h \u094dह - ज\u094dञ gy \u0902 n \u0901 n ऋ ra \u0943 ra "
            "अ a आ a इ a ई a उ a ऊ a ए a ऐ a ओ a औ a ऑ a "
            "\u093e a \u093f a \u0940 a \u0941 a \u0942 a \u0947 a \u0948 a \u094b a \u094c a \u0949 a "
            "\u094d - \u093c - \u0903 h ० 0 १ 1 २ 2 ३ 3 ४ 4 ५ 5 ६ 6 ७ 7 ८ 8 ९ 9",
            "Latn": "kh k gh g chh c ch c jh j zh j z j th t dh d ph p f p bh b sh s q k w v x ks nh n mh m lh l rh r "
            "\u1e6dh t \u1e0dh d j\u00f1 gy \u1e43 n \u1e41 n m\u0310 n " + _FLAPS,
        },
        consonants_alone=True,
    ),
    ScriptGroup(
        ("san",),
        {  # a vowel's sign replaces the vowel that a consonant has of itself: ki is "ka~i", and "a~" is nothing
            "Deva": "क ka ख kha ग ga घ gha ङ na च ca छ cha ज ja झ jha ञ na ट ta ठ tha ड da ढ dha ण na त ta थ tha द da "
            "ध dha न na प pa फ pha ब ba भ bha म ma य ya र ra ल la ळ la व va श sa ष sa स sa ह ha "
            "अ a आ a इ i ई i उ u ऊ u ऋ r ॠ r ऌ l ॡ l ए e ऐ ai ओ o औ au ॐ om ऽ - "
            "\u093e ~a \u093f ~i \u0940 ~i \u0941 ~u \u0942 ~u \u0943 ~r \u0944 ~r \u0962 ~l \u0963 ~l "
            "\u0947 ~e \u0948 ~ai \u094b ~o \u094c ~au \u094d ~ \u0901 m \u0902 m \u0903 h",
            "Latn": "",
        },
        "a~ - m n",  # anusvara is written for any nasal
        syllables=True,
    ),
)
LANGUAGES_OF_CONSONANTS = [
    language for group in _GROUPS if group.consonants_alone for language in group.languages
]
SCRIPTS_BY_LANGUAGE = {
    language: tuple(group.letters) for group in _GROUPS for language in group.languages
}
_MARKS_AND_APOSTROPHES = (
    r"[\p{Mn}\p{Cf}'\x{2018}\x{2019}\x{60}\x{B4}\x{2032}\x{2B9}\x{2BB}-\x{2BD}]"
)


def skeletons(texts: pa.Array, languages: pa.Array, scripts: pa.Array) -> pa.Array:
    """Make the skeleton of n texts; null where the language is not written in several scripts, or
    not in this one."""
    given = pl.DataFrame(
        {"text": pl.Series(texts), "language": pl.Series(languages), "script": pl.Series(scripts)}
    )
    given = given.with_row_index("row")
    made = [
        given.filter(
            pl.col("language").is_in(group.languages), pl.col("script").is_in(list(group.letters))
        ).select("row", skeleton=_skeleton(pl.col("text"), group))
        for group in _GROUPS
    ]
    found = given.select("row").join(pl.concat(made), on="row", how="left", maintain_order="left")
    return found["skeleton"].to_arrow().cast(pa.large_string())


def _skeleton(text: pl.Expr, group: ScriptGroup) -> pl.Expr:
    """Write texts of one group of languages without what its scripts spell differently."""
    plain = text.str.normalize("NFC").str.to_lowercase()
    plain = _replaced(plain, " ".join(group.letters.values())).str.normalize("NFD")
    plain = _replaced(plain.str.replace_all(_MARKS_AND_APOSTROPHES, ""), group.folded)
    if group.syllables:
        return (
            plain.str.replace_all("[^a-z]", "")
            .str.replace_all("[aeiou]+", "$0 ")
            .str.strip_chars_end()
        )
    if not group.consonants_alone:
        return plain
    bare = (
        plain.str.replace_all(r"\By", "")
        .str.replace_all(r"\B[aeiou]", "")
        .str.replace_all(r"\b[eiou]", "a")
    )
    return _replaced(
        bare.str.replace_all(r"\B(?:hn?|n)\b", ""),
        "mp np mb nb " + " ".join(f"{c}{c} {c}" for c in "bcdghjklmnprstv"),
    )


def _replaced(text: pl.Expr, pairs: str) -> pl.Expr:
    """Replace by "from to from to", in one pass, the longest that begins at a place."""
    table = _table(pairs)
    return (
        text.str.replace_many(list(table), list(table.values()), leftmost=True) if table else text
    )


@cache
def _table(pairs: str) -> dict[str, str]:
    words = pairs.split()
    table = {
        source: "" if target == "-" else target
        for source, target in zip(words[::2], words[1::2], strict=True)
    }
    return dict(sorted(table.items(), key=lambda pair: (-len(pair[0]), pair[0])))
