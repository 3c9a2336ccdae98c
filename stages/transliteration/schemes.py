"""The schemes of transliteration: name, languages and scripts, whose standard, what engine, and
what is lost.

A scheme is found by its name, the language and the script of the text; the script that it leads to
follows. It is reversible if its words are: `reversible_words` is a pattern of the words that come
back identical, every one of them (a test draws such words at random), also in running text, of
which `reversibility.masked` leaves out everything else. Where that cannot be, `lossy` says in a
line what is lost; a scheme may be right by its standard and still lose something, as Serbian in
Latin letters, where nj is two sounds in a few words.

Sources of the letters:

- `serbian`: Pravopis srpskoga jezika, Matica srpska 2010; Montenegrin: Pravopis crnogorskoga jezika
  2009.
- `uzbek_1995`: law 931-XII of 2 September 1993 as changed on 6 May 1995, and the spelling rules of
  24 August 1995. `uzbek_2023`: the draft of the working group at the Alisher Navoi university, 2023
  (four letters changed).
- `azerbaijani_1991`: law 33 of 25 December 1991, on the Cyrillic of 1958.
- `kazakh_2021`: the alphabet shown by the national commission on 28 January 2021; letters of
  Russian words as used.
- `turkmen_1993`: decree 1380 of 12 April 1993, with the letters of 1999.
- `belarusian_2007`: instruction of the State Committee on Property 15/2007 (UN resolution X/7).
  `lacinka`: J. Lesik, Dzietki, as codified by B. Taraskievic 1929.
- `iso9`: ISO 9:1995. `iso9985`: ISO 9985:1996. `iso9984`: ISO 9984:1996. `iso15919`: ISO
  15919:2001.
- `ala_lc`: ALA-LC Romanization Tables, Library of Congress (2012 edition).
- `elot_743`: ELOT 743 (1982), transcription, which is ISO 843 type 2.
- `ircam`: Institut Royal de la Culture Amazighe, 2004.
- `uly`: Uyghur Latin Yeziqi, Xinjiang University 2001, on the Arabic script of 1983.
- `hawar`: the alphabet of the magazine Hawar, 1932, for Sorani letters.
- `revised_romanization`: Ministry of Culture and Tourism, notice 2000-8, the main system, which
  writes the sound. `revised_romanization_letters`: its section 3.8, letter by letter for scholars,
  as CLDR has it.
- `bgn_pcgn`, `mns_5217`, `sera`, `pinyin`: as CLDR has them; see each row.
- `wylie`: T. Wylie 1959 with the extensions of the Tibetan and Himalayan Library.
- `maltese_arabic`: after Micallef et al. 2023 ("Treating Maltese as an Arabic Dialect", CAWL) and
  2024 ("Maltese as Multilingual Code-Switching", EACL): multilingual models have read much Arabic
  and little Maltese, so Maltese words of Arabic origin do better in Arabic script, and Arabic
  dialects in Maltese letters are more Maltese-like text. The table is ours: consonants as Maltese
  inherited them, long vowels written, the article joined to its noun.
"""

from __future__ import annotations

import unicodedata
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, NamedTuple

from schemas.alternatives import unknown
from schemas.language import one_code
from stages.transliteration.indic import BLOCKS as INDIC_BLOCKS

Engine = Literal["rules", "indic", "korean", "icu", "uroman", "pyewts", "opencc"]

RULES_VERSION = "2"  # of the tables in this folder; raise it when one changes what it writes
_PACKAGES = {"uroman": "uroman", "pyewts": "pyewts", "opencc": "opencc"}


class Scheme(NamedTuple):
    """A way from one script to another.

    `languages` are ISO 639-3 codes as `one_code` has them, none where it is for all. `source` and
    `target` are ISO 15924 codes, source `Zyyy` where it is for all but Latin. `detail` is what the
    engine calls it, or the language that uroman is given.
    """

    name: str
    languages: tuple[str, ...]
    source: str
    target: str
    engine: Engine
    detail: str
    lossy: str = ""
    reversible_words: str = ""

    @property
    def reversible(self) -> bool:
        return bool(self.reversible_words)

    @property
    def version(self) -> str:
        """Version of what makes the text: `1` for our tables, else the engine's own, as `icu
        72.1`."""
        if self.engine in ("rules", "indic", "korean"):
            return RULES_VERSION
        if self.engine == "icu":
            try:
                from icu import ICU_VERSION  # type: ignore[import-untyped, unused-ignore]
            except ImportError as missing:
                raise missing_engine("icu") from missing
            return f"icu {ICU_VERSION}"
        try:
            return f"{self.engine} {version(_PACKAGES[self.engine])}"
        except PackageNotFoundError as missing:
            raise missing_engine(self.engine) from missing

    def __str__(self) -> str:
        languages = " ".join(self.languages) or "any language"
        return f"{self.name} ({languages}: {self.source} to {self.target})"


_INSTALLED_BY = {
    "icu": "`apt-get install libicu-dev pkg-config g++`, then `pip install pyicu`",
    "uroman": "`pip install uroman`",
    "pyewts": "`pip install pyewts`",
    "opencc": "`pip install opencc`",
}


def missing_engine(module: str) -> ImportError:
    """Say which command installs a module that is not there."""
    return ImportError(
        f"this scheme needs the module {module}, which is not installed: {_INSTALLED_BY[module]}"
    )


_UNCLEAR = "letters fall together"
_RESPELLED = "letters fall together or are dropped, and some words are respelled"
_VOWELS = "short vowels are not written in the source"
_SOUND = "written by sound: spelling is lost"


class _By(NamedTuple):
    """What makes a scheme's text: an engine, and what the engine calls the scheme."""

    engine: Engine
    detail: str


class _Lost(NamedTuple):
    """What is lost from the first script to the second and back: a line, or ("", the pattern of
    reversible words) where nothing is."""

    there: str | tuple[str, str]
    back: str | tuple[str, str]


def _both(
    name: str, languages: str, scripts: str, lost: _Lost, by: _By | None = None
) -> list[Scheme]:
    """Make the two directions of a scheme; by default from the tables of its name in this folder."""
    one, other = scripts.split()
    codes, by = tuple(languages.split()), by or _By("rules", name)
    there, back = [(given, "") if isinstance(given, str) else given for given in lost]
    return [
        Scheme(name, codes, one, other, *by, *there),
        Scheme(name, codes, other, one, *by, *back),
    ]


def _one_way(name: str, languages: str, scripts: str, lossy: str, by: _By | None = None) -> Scheme:
    source, target = scripts.split()
    return Scheme(
        name, tuple(languages.split()), source, target, *(by or _By("rules", name)), lossy
    )


_INDIC = {
    "Deva": "hin nep san mai bho awa hne mag doi brx",
    "Beng": "ben",
    "Guru": "pan",
    "Gujr": "guj",
    "Orya": "ori",
    "Taml": "tam",
    "Telu": "tel",
    "Knda": "kan tcy",
    "Mlym": "mal",
}
# Words of any letters: a vowel, or consonants joined by viramas and perhaps a vowel sign, and
# perhaps a nasal.
_INDIC_WORDS = "(?:[{vowel}][{mark}]?|[{consonant}](?:{virama}[{consonant}])*[{sign}]?[{mark}]?)+"
_INDIC_LETTERS = {  # places in the block of a script; what a script lacks is left out of its words
    "vowel": [*range(0x05, 0x0C), *range(0x0E, 0x11), *range(0x12, 0x15)],
    "sign": [*range(0x3E, 0x44), 0x46, 0x47, 0x48, 0x4A, 0x4B, 0x4C],
    "consonant": [*range(0x15, 0x3A)],
    "mark": [0x01, 0x02, 0x03],
    "virama": [0x4D],
}


def _indic_words(script: str, without: str = "") -> str:
    """Write the pattern of words of an Indic script, for any letters that it has and that are not
    `without`."""
    base = INDIC_BLOCKS[script]
    letters = {
        kind: "".join(map(chr, (base + place for place in places)))
        for kind, places in _INDIC_LETTERS.items()
    }
    kept = {
        kind: "".join(
            c for c in found if unicodedata.category(c) != "Cn" and c not in without and _stands(c)
        )
        for kind, found in letters.items()
    }
    return _INDIC_WORDS.format(**kept)


def _stands(letter: str) -> bool:
    """Say if a letter stands for itself in Unicode NFC."""
    return unicodedata.normalize("NFC", letter) == letter


# Gurmukhi doubles a consonant by a sign of its own, not by a virama.
_GURMUKHI_WORDS = (
    "[ਕਖਗਘਚਛਜਝਟਠਡਢਣਤਥਦਧਨਪਫਬਭਮਯਰਲਵਸਹ][\u0a3e-\u0a42\u0a47\u0a48\u0a4b\u0a4c]?(?:[\u0a70\u0a71]?"
    + ("[ਕਗਚਜਟਡਤਦਨਪਬਮਲਸ][\u0a3e-\u0a42\u0a47\u0a48\u0a4b\u0a4c]?)*")
)
_TIBETAN_WORDS = (
    "(?:[\u0f40-\u0f42\u0f44-\u0f47\u0f49\u0f4f-\u0f51\u0f53-\u0f56\u0f58-\u0f5b\u0f5d-\u0f64\u0f66-\u0f68]"
    "[\u0f72\u0f74\u0f7a\u0f7c]?[གངདནབམའརལས]?\u0f0b)+"
)
_CAPITALS = "the target has no capitals"
_MALAYALAM = "a letter without vowel is written as one with a virama"
_NOT_SANSKRIT = (
    "\u090e\u0912\u0929\u0931\u0934\u0946\u094a"  # letters of other languages in Devanagari
)
_NOT_PALI = _NOT_SANSKRIT + "\u090b\u090c\u0943\u0944"
_CYRILLIC_ALL = "абвгґѓғҕдђеӗёєжҗзѕиӣӥйіїјкќқҡлљмнњңҥоӧөпҧрстћҭуўӯӱүұфхҳһцчҷџшщыӹэәюяѣѫ"
_ISO_9_WORDS = f"[{_CYRILLIC_ALL.upper()}]?[{_CYRILLIC_ALL}ъь]+|[{_CYRILLIC_ALL.upper()}]+"
_AZERBAIJANI_LATIN = "abvqğdeəjziıykglmnoöprstuüfxhçcşABVQĞDEƏJZİIYKGLMNOÖPRSTUÜFXHÇCŞ"
_UYGHUR_VOWEL, _UYGHUR_CONSONANT = "[اەېىوۆۇۈ]", "[بپتجچخدرزژسشغفقكگڭلمنھۋي]"
_SERBIAN_LATIN = "(?:[abvgdđežzijklmnoprstćufhcčš]|lj|nj|dž)+"

SCHEMES: tuple[Scheme, ...] = (
    *_both(
        "serbian",
        "srp hbs bos cnr hrv",
        "Cyrl Latn",
        _Lost("нј, лј and дж fall together with њ, љ and џ", ("", _SERBIAN_LATIN)),
    ),
    *_both("uzbek_1995", "uzb", "Cyrl Latn", _Lost(_RESPELLED, _RESPELLED)),
    *_both("uzbek_2023", "uzb", "Cyrl Latn", _Lost(_RESPELLED, _RESPELLED)),
    *_both(
        "azerbaijani_1991",
        "aze",
        "Cyrl Latn",
        _Lost(
            "apostrophes and the signs of Russian words are dropped, its letters respelled",
            ("", f"[{_AZERBAIJANI_LATIN}]+"),
        ),
    ),
    _one_way("kazakh_2021", "kaz", "Cyrl Latn", "и and й, х and һ fall together; ъ ь are dropped"),
    _one_way("turkmen_1993", "tuk", "Cyrl Latn", _RESPELLED),
    _one_way("belarusian_2007", "bel", "Cyrl Latn", _RESPELLED),
    _one_way("lacinka", "bel", "Cyrl Latn", _RESPELLED),
    *_both("iso9", "", "Cyrl Latn", _Lost(("", _ISO_9_WORDS), _UNCLEAR)),
    _one_way(
        "ala_lc",
        "rus",
        "Cyrl Latn",
        "ш with щ, and е with ъ, can read as one",
        _By("rules", "ala_lc_rus"),
    ),
    _one_way("ala_lc", "ukr", "Cyrl Latn", "the apostrophe is dropped", _By("rules", "ala_lc_ukr")),
    _one_way("ala_lc", "amh tir", "Ethi Latn", _UNCLEAR, _By("icu", "Ethi-Latn/ALALOC")),
    *_both(
        "iso9985",
        "hye hyw",
        "Armn Latn",
        _Lost(
            ("", "(?:[աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցփքօֆև]|ու)+"),
            "ե with ւ becomes the ligature, as modern spelling has it",
        ),
    ),
    *_both(
        "iso9984",
        "kat xmf lzz sva",
        "Geor Latn",
        _Lost(("", "[აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ]+"), _CAPITALS),
    ),
    *_both(
        "ircam",
        "zgh tzm shi rif kab",
        "Tfng Latn",
        _Lost(("", "[ⴰⴱⴳⴷⴹⴻⴼⴽⵀⵃⵄⵅⵇⵉⵊⵍⵎⵏⵓⵔⵕⵖⵙⵚⵛⵜⵟⵡⵢⵣⵥ]+"), _CAPITALS),
    ),
    _one_way("elot_743", "ell", "Grek Latn", _SOUND),
    *_both(
        "uly",
        "uig",
        "Arab Latn",
        _Lost(("", f"(?:\u0626{_UYGHUR_VOWEL}|{_UYGHUR_CONSONANT}{_UYGHUR_VOWEL}?)+"), _CAPITALS),
    ),
    _one_way("hawar", "ckb", "Arab Latn", "the short i is not written in the source"),
    *_both("maltese_arabic", "mlt", "Latn Arab", _Lost("short vowels are dropped", _VOWELS)),
    _one_way(
        "maltese_arabic",
        "ara aeb ajp apc apd arq ary arz ayl shu acm acq acw afb",
        "Arab Latn",
        _VOWELS,
    ),
    _one_way("urdu_hindi", "hin", "Deva Arab", "letters of Arabic words are chosen by sound"),
    _one_way("urdu_hindi", "urd", "Arab Deva", _VOWELS),
    *(
        scheme
        for script, languages in _INDIC.items()
        for scheme in _both(
            "iso15919",
            languages,
            f"{script} Latn",
            _Lost(
                _MALAYALAM
                if script == "Mlym"
                else ("", _GURMUKHI_WORDS if script == "Guru" else _indic_words(script)),
                _CAPITALS,
            ),
            _By("indic", script),
        )
    ),
    *_both(
        "iso15919",
        "mar kok",
        "Deva Latn",
        _Lost(("", _indic_words("Deva")), _CAPITALS),
        _By("indic", "mar"),
    ),
    *_both(
        "iso15919",
        "asm",
        "Beng Latn",
        _Lost(("", _indic_words("Beng", "\u09b0")), _CAPITALS),
        _By("indic", "asm"),
    ),
    _one_way("iso15919", "sin", "Sinh Latn", _UNCLEAR, _By("icu", "si-si_Latn")),
    *(
        scheme
        for language, without in (("san", _NOT_SANSKRIT), ("pli", _NOT_PALI))
        for scheme in _both(
            "iast",
            language,
            "Deva Latn",
            _Lost(("", _indic_words("Deva", without)), _CAPITALS),
            _By("indic", "iast"),
        )
    ),
    *_both(
        "wylie",
        "bod dzo",
        "Tibt Latn",
        _Lost(("", _TIBETAN_WORDS), _UNCLEAR),
        _By("pyewts", "wylie"),
    ),
    *_both(
        "sera",
        "amh tir gez tig",
        "Ethi Latn",
        _Lost(
            "two word spaces and the full stop are written alike, and አ after a letter as its vowel",
            _UNCLEAR,
        ),
        _By("icu", "Ethiopic-Latin/SERA"),
    ),
    _one_way("revised_romanization", "kor", "Kore Latn", _SOUND, _By("korean", "")),
    *_both(
        "revised_romanization_letters",
        "kor",
        "Kore Latn",
        _Lost(("", "[가-힣]+"), _UNCLEAR),
        _By("icu", "Hangul-Latin"),
    ),
    _one_way("mns_5217", "mon", "Cyrl Latn", _UNCLEAR, _By("icu", "mn-mn_Latn/MNS")),
    *(
        _one_way(
            "pinyin",
            "zho",
            f"{script} Latn",
            "sound alone; of several readings the commonest",
            _By("icu", "Han-Latin"),
        )
        for script in ("Hans", "Hant")
    ),
    *(
        _one_way("bgn_pcgn", language, f"{script} Latn", _UNCLEAR, _By("icu", f"{name}-Latin/BGN"))
        for script, names in {
            "Cyrl": "rus Russian ukr Ukrainian bel Belarusian bul Bulgarian mkd Macedonian srp Serbian kaz Kazakh "
            "kir Kirghiz mon Mongolian uzb Uzbek aze Azerbaijani tuk Turkmen",
            "Armn": "hye Armenian",
            "Geor": "kat Georgian",
            "Grek": "ell Greek",
            "Ethi": "amh Amharic",
            "Thaa": "div Maldivian",
        }.items()
        for language, name in zip(names.split()[::2], names.split()[1::2], strict=True)
    ),
    _one_way(
        "hans",
        "zho yue wuu nan hak gan lzh",
        "Hant Hans",
        "several letters become one",
        _By("opencc", "t2s"),
    ),
    _one_way(
        "hant",
        "zho yue wuu nan hak gan lzh",
        "Hans Hant",
        "one letter becomes one of several",
        _By("opencc", "s2t"),
    ),
    _one_way(
        "hant_tw",
        "zho",
        "Hans Hant",
        "words of Taiwan replace those of the mainland",
        _By("opencc", "s2twp"),
    ),
    _one_way(
        "hant_hk",
        "zho yue",
        "Hans Hant",
        "one letter becomes one of several",
        _By("opencc", "s2hk"),
    ),
    _one_way("uroman", "", "Zyyy Latn", _SOUND, _By("uroman", "")),
)


def scheme_for(name: str, language: str, script: str) -> Scheme:
    """Find the scheme of that name for a language (ISO 639-3) and script (ISO 15924).

    Raises ValueError that lists the names, or the pairs of that name.

    >>> scheme_for("uzbek_1995", "uzn", "Cyrl").target
    'Latn'
    >>> scheme_for("serbian", "rus", "Cyrl")
    Traceback (most recent call last):
    ...
    ValueError: no transliteration serbian from rus_Cyrl; there is srp hbs bos cnr hrv: Cyrl to Latn, Latn to Cyrl
    """
    named = [scheme for scheme in SCHEMES if scheme.name == name]
    if not named:
        raise ValueError(unknown("scheme", name, scheme_names()))
    for scheme in named:
        if covers(scheme, language, script):
            return (
                scheme._replace(detail=one_code(language)) if scheme.engine == "uroman" else scheme
            )
    raise ValueError(
        f"no transliteration {name} from {language}_{script}; there is {_pairs(named)}"
    )


def covers(scheme: Scheme, language: str, script: str) -> bool:
    """Say if a scheme is for texts of this language and script."""
    if scheme.languages and one_code(language) not in scheme.languages:
        return False
    return scheme.source == script or (scheme.source == "Zyyy" and script not in ("Latn", "Zyyy"))


def reverse_of(scheme: Scheme) -> Scheme | None:
    """Find the scheme that leads back, if there is one."""
    for other in SCHEMES:
        same = other.name == scheme.name and set(scheme.languages) <= set(other.languages)
        if same and (other.source, other.target) == (scheme.target, scheme.source):
            return other
    return None


def scheme_names() -> list[str]:
    """List the names of all schemes, in alphabetical order."""
    return sorted({scheme.name for scheme in SCHEMES})


def _pairs(schemes: list[Scheme]) -> str:
    by_languages: dict[str, list[str]] = {}
    for scheme in schemes:
        source = "any script but Latn" if scheme.source == "Zyyy" else scheme.source
        key = " ".join(scheme.languages) or "any language"
        by_languages.setdefault(key, []).append(f"{source} to {scheme.target}")
    return "; ".join(
        f"{languages}: {', '.join(pairs)}" for languages, pairs in by_languages.items()
    )
