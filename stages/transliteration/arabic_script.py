"""Letter tables from and to the Arabic script, by scheme and source script; their sources stand in
`schemes.py`.

Arabic writes few vowels, so all but Uyghur, which writes every one, lose something; what, their
schemes say.
"""

from __future__ import annotations

from collections.abc import Mapping

from stages.transliteration.alphabets import APOSTROPHES, ONE_APOSTROPHE
from stages.transliteration.letter_rules import LetterRules, swapped


def _pairs(written: str) -> list[tuple[str, str]]:
    words = written.split()
    return list(zip(words[::2], words[1::2], strict=True))


_PUNCTUATION = " \u060c , \u061b ; \u061f ?"
_BACK_PUNCTUATION = " , \u060c ; \u061b ? \u061f"

_UYGHUR_VOWELS = "ا a ە e ې ë ى i و o ۆ ö ۇ u ۈ ü"
_UYGHUR_CONSONANTS = (
    "ب b پ p ت t ج j چ ch خ x د d ر r ز z ژ zh س s ش sh غ gh ف f "
    "ق q ك k گ g ڭ ng ل l م m ن n ھ h ۋ w ي y"
)
_UYGHUR_BACK_CONTEXTS = "\n".join(
    f"{context}{vowel} > \u0626{arabic}"
    for arabic, vowel in _pairs(_UYGHUR_VOWELS)
    for context in ("$start { ", "\u02bc", "$vowel { ")
)

_SORANI = (
    "ا a ب b پ p ت t ج c چ ç ح ḧ خ x د d ر r ڕ r ز z ژ j س s ش ş ع \u02bc غ ẍ ف f ڤ v ق q ک k ك k گ g ل l ڵ l م m ن n "
    "ۆ o ه h ھ h ە e ێ ê وو û و u ی î ي î ى î \u0626 - \u200c -"
)
_SORANI_CONTEXTS = """
$start { و } $end > û
$start { \u0626وو > û
$start { \u0626و > u
$start { \u0626ی > î
$start { و > w
$start { ی > y
$vowel { و > w
$vowel { ی > y
و } $vowel > w
ی } $vowel > y
"""

# Urdu writes no short vowels: the commonest words are given whole.
_URDU_WORDS = (
    "اور और ایک एक میں में ہے है ہیں हैं نے ने سے से یہ यह وہ वह نہیں नहीं لیے लिए "
    "کیا क्या ہوں हूँ بھی भी کوئی कोई گیا गया اس इस ان उन جس जिस کسی किसी تم तुम تھی थी "
    "تھے थे شخص शख़्स حق हक़ انسان इंसान ہندی हिन्दी کتاب किताब پاکستان पाकिस्तान "
    "ہندوستان हिन्दुस्तान"
)
_URDU = (
    "بھ भ پھ फ تھ थ ٹھ ठ جھ झ چھ छ دھ ध ڈھ ढ ڑھ ढ़ کھ ख گھ घ لھ ल्ह مھ म्ह نھ न्ह ب ब "
    "پ प ت त ٹ ट ث स ج ज چ च ح ह خ ख़ د द ڈ ड ذ ज़ ر र ڑ ड़ ز ज़ ژ झ़ س स ش श ص स ض ज़ "
    "ط त ظ ज़ غ ग़ ف फ़ ق क़ ک क ك क گ ग ل ल م म ن न ں \u0902 ہ ह ه ह ھ ह و \u094b "
    "ا \u093e آ आ ی \u0940 ي \u0940 ى \u0940 ے \u0947 ئی ई ئے ए ئ इ ؤ ओ ء - ع - "
    "\u0651 - \u064e - \u0650 \u093f \u064f \u0941 \u200c - \u06d4 \u0964" + _PUNCTUATION
)
_URDU_CONTEXTS = "\n".join(
    [
        *(f"$start {{ {urdu} }} $end > {hindi}" for urdu, hindi in _pairs(_URDU_WORDS)),
        "$start { ای > ए",
        "$start { او > ओ",
        "$start { ا > अ",
        "$start { ع > अ",
        "$start { و > व",
        "$start { ی > य",
        "$sign { و > व",
        "$sign { ی > ई",
        "و } $open > व",
        "ی } $open > य",
        "ہ } $end > \u093e",
    ]
)

# The other way: letters of Arabic words are chosen by sound, but in the commonest words; short
# vowels inside a word are not written, nor is a consonant written twice; vowels next to each other
# are parted by hamza.
_HINDI_WORDS = _URDU_WORDS + (
    " ہوا हुआ یہ ये وہ वे کہ कि نہ न گئے गये گاؤں गाँव پاؤں पाँव دکھ दुःख ضرور ज़रूर صرف सिर्फ़ طرف तरफ़ "
    "بعد बाद وقت वक़्त صاحب साहब حکومت हुकूमत خاص ख़ास معلوم मालूम عورت औरत علم इल्म طرح तरह صبح सुबह "
    "شروع शुरू مطلب मतलब عمر उम्र ظاہر ज़ाहिर محبت मुहब्बत حال हाल حصہ हिस्सा جمع जमा مدرسہ मदरसा بچہ बच्चा "
    "قصہ क़िस्सा ہفتہ हफ़्ता زیادہ ज़्यादा ہمیشہ हमेशा راستہ रास्ता تاریخ तारीख़ اللہ अल्लाह"
)
_HINDI_CONSONANTS = (
    "क ک ग گ च چ ज ج ट ٹ ड ڈ त ت द د न ن प پ ब ب म م य ی र ر ल ل व و श ش ष ش स س ह ہ ङ ن ञ ن ण ن "
    "क़ ق ख़ خ ग़ غ ज़ ز झ़ ژ ड़ ڑ फ़ ف य़ ی ऩ ن ऱ ر ळ ل ऴ ل"
)
_HINDI_ASPIRATES = "ख کھ घ گھ छ چھ झ جھ ठ ٹھ ढ ڈھ थ تھ ध دھ फ پھ भ بھ ढ़ ڑھ"
_HINDI_PAIRS = "क ख ग घ च छ ज झ ट ठ ड ढ त थ द ध प फ ब भ"
_HINDI = (
    f"{_HINDI_CONSONANTS} {_HINDI_ASPIRATES} "
    + " ".join(f"{hindi}\u094d{hindi} {urdu}" for hindi, urdu in _pairs(_HINDI_CONSONANTS))
    + " "
    + " ".join(
        f"{plain}\u094d{aspirate} {dict(_pairs(_HINDI_ASPIRATES))[aspirate]}"
        for plain, aspirate in _pairs(_HINDI_PAIRS)
    )
    + " ज्ञ گی \u093e ا \u093f - \u0940 ی \u0941 - \u0942 و \u0943 ر \u0945 ی \u0947 ی \u0948 ی \u0949 ا \u094b و "
    "\u094c و \u0901 ن \u0902 ن \u0903 ہ \u094d - \u093c - ऽ - ॐ اوم अ ا आ آ इ ئ ई ئی उ ؤ ऊ ؤ ऋ ر ऍ ئی ए ئی ऐ ئی ऑ ؤ "
    "ओ ؤ औ ؤ \u0941आ وا \u0941ई وئی \u0941ए وئے \u0941ओ وؤ \u093fआ یا \u0940आ یا \u093fए یے \u093fओ یو \u0940ओ یو "
    "\u0964 \u06d4" + _BACK_PUNCTUATION
)
_HINDI_CONTEXTS = "\n".join(
    [
        *(f"$start {{ {hindi} }} $end > {urdu}" for urdu, hindi in _pairs(_HINDI_WORDS)),
        *(
            f"$start {{ {hindi} > {urdu}"
            for hindi, urdu in _pairs("इ ا ई ای उ ا ऊ او ऍ ای ए ای ऐ ای ऑ آ ओ او औ او")
        ),
        *(
            f"{hindi} }} $end > {urdu}"
            for hindi, urdu in _pairs("इ ئی ए ئے ऐ ئے \u093f ی \u0941 و \u0947 ے \u0948 ے")
        ),
        *(f"{nasal} }} $end > ں" for nasal in ("\u0901", "\u0902")),
        *(f"{nasal} }} $labial > م" for nasal in ("\u0901", "\u0902")),
    ]
)

# Maltese consonants and the Arabic letters that they continue; of several, the commonest.
_MALTESE = "b ب ċ چ d د f ف ġ ج g گ għ ع h ه ħ ح j ي k ك l ل m م n ن p پ q ق r ر s س t ت v ڤ w و x ش ż ز z تس"
_SUN = "ċdnrstxżz"  # consonants that the article's l becomes like
_ARTICLES = (
    "il- ال bil- بال fil- فال tal- تال mill- مال lill- لل l- ال",
    "i ال bi بال fi فال ta تال mi مال li لل - ال",
)
_MALTESE_CONTEXTS = "\n".join(
    [
        *(f"$start {{ {maltese} > {arabic}" for maltese, arabic in _pairs(_ARTICLES[0])),
        *(
            f"$start {{ {'' if prefix == '-' else prefix}{sun}- > {arabic}"
            for prefix, arabic in _pairs(_ARTICLES[1])
            for sun in _SUN
        ),
        "$start { għal } $end > على",
        "$start { u } $end > و",
        "$start { ta\u02bc } $end > تاع",
        "\u02bc } $end > ع",
        "għ\u0127 > ح",
        "għh > ح",
        *(
            f"{letter}{letter} > {arabic}"
            for letter, arabic in _pairs(_MALTESE)
            if len(letter) == 1
        ),
        "$start { ie > ا",
        *(f"$start {{ {vowel} > ا" for vowel in "aeiou"),
        *(f"ال {{ {vowel} > ا" for vowel in "aeiou"),
        "ie > ا",
        "at } $end > ات",
        "i } $consonant+$end > ي",
        "u } $consonant+$end > و",
        "a } $end > ة",
        "e } $end > ي",
        "i } $end > ي",
        "o } $end > و",
        "u } $end > و",
    ]
)
# The a of a word of one syllable that ends in one consonant is long.
_LONG_A = """
:: Lower ;
$start $consonant { a } $consonant $end > ا ;
$start $consonant $consonant { a } $consonant $end > ا ;"""
_MALTESE_LETTERS = (
    _MALTESE + " à ا è ي é ي ì ي ò و ù و a - e - i - o - u - \u02bc -" + _BACK_PUNCTUATION
)

_ARABIC_SUN = "ت t ث t د d ذ d ر r ز ż س s ش x ص s ض d ط t ظ d ن n چ ċ"
_DOUBLED = _ARABIC_SUN + " ب b ج ġ ح ħ ف f ق q ك k ل l م m ي j و w"
_ARABIC_CONTEXTS = "\n".join(
    [
        "$start { على } $end > għal",
        "$start { و } $end > u",
        "$start { تاع } $end > ta'",
        "ع } $end > '",
        "$start { مeن } $end > minn",
        *(
            f"$start {{ {prefix}ال }} {sun} > {maltese}{latin}-"
            for prefix, maltese in (("", "i"), ("ب", "bi"), ("ف", "fi"))
            for sun, latin in _pairs(_ARABIC_SUN)
        ),
        "$start { ال } $arabic > il-",
        "$start { بال } $arabic > bil-",
        "$start { فال } $arabic > fil-",
        *(f"{letter}\u0651 > {latin}{latin}" for letter, latin in _pairs(_DOUBLED)),
        "$start { ا\u064e > a",
        "$start { ا\u064f > u",
        "$start { ا\u0650 > i",
        "$start { ا > a",
        "\u064eا > a",
        "\u0650ي > i",
        "\u064fو > u",
        "ا } $end > a",
        "$back { ا > a",
        "ا } $emphatic > a",
        "$start { ي > j",
        "$start { و > w",
        "$vowel { ي > j",
        "$vowel { و > w",
        "ي } $long > j",
        "و } $long > w",
    ]
)
_ARABIC = (
    "ب b ت t ث t ج ġ ح ħ خ ħ د d ذ d ر r ز ż س s ش x ص s ض d ط t ظ d ع għ غ għ ف f ق q "
    "ك k ک k ل l م m ن n ه h پ p ڤ v ڨ g گ g چ ċ تس z ء - أ a إ i آ a ة a ى a ا ie ئ j "
    "ؤ w ي i و u \u064e a \u064f u \u0650 i \u064b - \u064c - \u064d - \u0651 - "
    "\u0652 - \u0640 -" + _PUNCTUATION
)
_SKELETON = "بتثجحخدذرزسشصضطظعغفقكلمنه"
_BACKED = "حخرصضطظعغق"
# A word that writes no vowel gets one after its first consonant, as Maltese has it in most such
# nouns.
_FIRST_VOWEL = "\n".join(
    f"{place} {{ ([{first}]) }} [{_SKELETON}]+ $start > $1 {vowel} ;"
    for place in ("$start", "$start ال")
    for first, vowel in ((_BACKED, "\\u064E"), (_SKELETON, "e"))
)

ARABIC_SCRIPT: Mapping[tuple[str, str], LetterRules] = {
    ("uly", "Arab"): LetterRules(
        f"{_UYGHUR_VOWELS} {_UYGHUR_CONSONANTS} ک k ه h ی i \u0626 '" + _PUNCTUATION,
        "$start { \u0626 > -\nن } گ > n'\nن } غ > n'\nس } ھ > s'\nز } ھ > z'\nگ } ھ > g'",
    ),
    ("uly", "Latn"): LetterRules(
        swapped(f"{_UYGHUR_VOWELS} {_UYGHUR_CONSONANTS}") + " é ې" + _BACK_PUNCTUATION,
        _UYGHUR_BACK_CONTEXTS + "\n\u02bc } $consonant > -",
        {"vowel": "اەېىوۆۇۈ", "consonant": "bpcjtxdrzsghfqklmnwy"},
        first=ONE_APOSTROPHE,
        more=APOSTROPHES,
    ),
    ("hawar", "Arab"): LetterRules(
        _SORANI + _PUNCTUATION, _SORANI_CONTEXTS, {"vowel": "اەێۆaeêoîû"}
    ),
    ("urdu_hindi", "Arab"): LetterRules(
        _URDU,
        _URDU_CONTEXTS,
        {"sign": "\u093e\u0940\u0947\u094bअआ", "open": "اآےں\u064e\u064f\u0650"},
    ),
    ("urdu_hindi", "Deva"): LetterRules(
        _HINDI, _HINDI_CONTEXTS, {"labial": "\u092a\u092b\u092c\u092d"}
    ),
    ("maltese_arabic", "Latn"): LetterRules(
        _MALTESE_LETTERS,
        _MALTESE_CONTEXTS,
        {"consonant": "bċdfġghħjklmnpqrstvwxżz"},
        first=ONE_APOSTROPHE + _LONG_A,
        more=APOSTROPHES + "-",
        caseless=True,
    ),
    ("maltese_arabic", "Arab"): LetterRules(
        _ARABIC,
        _ARABIC_CONTEXTS,
        {
            "arabic": _SKELETON + "اويأإآئؤ",
            "vowel": "aeiou\u064e\u064f\u0650",
            "long": "اويىةآ",
            "back": "\u0127qr",
            "emphatic": _BACKED,
        },
        first=_FIRST_VOWEL,
        more="e",
    ),
}
