"""Skeletons: the same text in two scripts gets about the same one; other texts and other languages
do not."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from gflanguages import LoadLanguages
from pydantic import ValidationError

from schemas.columns import SchemaError
from stages.deduplication.across_scripts import across_scripts_signatures, script_preference
from stages.deduplication.near import band_keys, estimated_similarity
from stages.deduplication.options import AcrossScriptsConfig
from stages.skeletons import SCRIPTS_BY_LANGUAGE, skeletons

PASSAGES = ("specimen_48", "specimen_36", "specimen_32", "specimen_21", "specimen_16")


def skeleton(text: str, language: str | None, script: str | None) -> str | None:
    made = skeletons(
        pa.array([text], pa.large_string()), pa.array([language], pa.string()), pa.array([script])
    )
    found: str | None = made[0].as_py()
    return found


def words_of(text: str, label: tuple[str, str], count: int = 5) -> set[tuple[str, ...]]:
    made = skeleton(text, *label)
    assert made is not None
    words = re.findall(r"\w+", made)
    return {tuple(words[i : i + count]) for i in range(len(words) - count + 1)}


def similarity(left: set[tuple[str, ...]], right: set[tuple[str, ...]]) -> float:
    return len(left & right) / len(left | right)


SAME = {
    "srp: one letter is two in Latin": (
        "srp",
        "Cyrl",
        "љубав њива џеп",
        "Latn",
        "ljubav njiva d\u017eep",
    ),
    "srp: Latin without its marks": ("srp", "Cyrl", "Ђорђе ћути", "Latn", "Djordje cuti"),
    "srp, bos: one text, two names": ("srp", "Cyrl", "међу људима", "Latn", "me\u0111u ljudima"),
    "cnr: decomposed letters": ("cnr", "Cyrl", "с\u0301екира", "Latn", "\u015bekira"),
    "srp: digraphs of one code point": (
        "srp",
        "Cyrl",
        "џеп љубав њива",
        "Latn",
        "\u01c6ep \u01c9ubav \u01cciva",
    ),
    "srp: soft hyphens": ("srp", "Cyrl", "љубави", "Latn", "lju\u00adbavi"),
    "uzb: apostrophes of every kind": ("uzb", "Cyrl", "ўзбек ғоз", "Latn", "o\u02bbzbek g'oz"),
    "uzb: e at the beginning": ("uzb", "Cyrl", "Европа ер", "Latn", "Yevropa yer"),
    "uzb: ts is s": ("uzb", "Cyrl", "конституция цирк", "Latn", "konstitutsiya sirk"),
    "aze: dotless i and schwa": (
        "aze",
        "Cyrl",
        "ҹәмијјәтин ҝөзәл гызы",
        "Latn",
        "c\u0259miyy\u0259tin g\u00f6z\u0259l q\u0131z\u0131",
    ),
    "aze: capital I is the dotless one": ("aze", "Cyrl", "Ышыг", "Latn", "I\u015f\u0131q"),
    "kaz: three scripts, Latin": (
        "kaz",
        "Cyrl",
        "қадір-қасиеті тумысынан",
        "Latn",
        "qadir-qas\u00efyeti twm\u0131s\u0131nan",
    ),
    "kaz: three scripts, Arabic": (
        "kaz",
        "Cyrl",
        "барлық адамдар азат",
        "Arab",
        "بارلىق ادامدار ازات",
    ),
    "tat: Latin of 1999": (
        "tat",
        "Cyrl",
        "кешеләр хокукларын",
        "Latn",
        "ke\u015fel\u00e4r xoquqlar\u0131n",
    ),
    "tuk: Latin of 1993": (
        "tuk",
        "Cyrl",
        "дүнйә җай ваң",
        "Latn",
        "d\u00fcn\u00fd\u00e4 ja\u00fd wa\u0148",
    ),
    "uig: Arabic writes its vowels": (
        "uig",
        "Arab",
        "ئۇيغۇر تىلى كېرەك",
        "Latn",
        "uyghur tili k\u00e9rek",
    ),
    "hin: as ISO 15919 has it": (
        "hin",
        "Deva",
        "संविधान में ज्ञान",
        "Latn",
        "saṃvidh\u0101na m\u0113ṃ gy\u0101n",
    ),
    "hin: jñ, flaps, vocalic r and visarga of ISO 15919": (
        "hin",
        "Deva",
        "ज्ञानी लड़का पढ़ाई ढंग ठीक कृषि दुःखी",
        "Latn",
        "jñānī laṛkā paṛhāī ḍhaṁg ṭhīk kr\u0325ṣi duḥkhī",
    ),
    "hin: joiners ask for a shape": ("hin", "Deva", "रक्\u200dषा", "Latn", "rak\u1e63\u0101"),
    "hin: as people type": ("hin", "Deva", "नहीं अच्छा लड़का क्षमा", "Latn", "nahi accha ladka kshama"),
    "hin: as other people type": (
        "hin",
        "Deva",
        "नहीं अच्छा ज़रूर पूरा",
        "Latn",
        "nahin achchha zaroor poora",
    ),
    "san: IAST": (
        "san",
        "Deva",
        "ज्ञानं कृष्णः ॐ",
        "Latn",
        "j\u00f1\u0101na\u1e43 k\u1e5b\u1e63\u1e47a\u1e25 o\u1e43",
    ),
    "san: ISO 15919": ("san", "Deva", "देवो गृहे", "Latn", "d\u0113v\u014d gr\u0325h\u0113"),
    "san: Devanagari joins words": ("san", "Deva", "किमकुर्वत तदेव", "Latn", "kim akurvata tad eva"),
    "san: an avagraha is an apostrophe": ("san", "Deva", "सोऽहम्", "Latn", "so 'ham"),
}
DIFFERENT = {
    "srp: another word": ("srp", "Cyrl", "љубав", "Latn", "ljubavi"),
    "uzb: q and k": ("uzb", "Cyrl", "қор", "Latn", "kor"),
    "aze: q and g": ("aze", "Cyrl", "ҝөл", "Latn", "qol"),
    "uig: sh and s": ("uig", "Arab", "باش", "Latn", "bas"),
    "hin: another consonant": ("hin", "Deva", "कल", "Latn", "kar"),
    "hin: a word that begins with a vowel": ("hin", "Deva", "अपना", "Latn", "pana"),
    "san: another vowel": ("san", "Deva", "देवः", "Latn", "diva\u1e25"),
    "san: aspiration": ("san", "Deva", "कलम्", "Latn", "khalam"),
}


@pytest.mark.parametrize(
    ("language", "left", "text", "right", "other"), SAME.values(), ids=SAME.keys()
)
def test_one_word_in_two_scripts(
    language: str, left: str, text: str, right: str, other: str
) -> None:
    made = skeleton(text, language, left)
    assert made == skeleton(other, language, right)
    assert made is not None
    assert made.isascii()


@pytest.mark.parametrize(
    ("language", "left", "text", "right", "other"), DIFFERENT.values(), ids=DIFFERENT.keys()
)
def test_two_words_stay_two(language: str, left: str, text: str, right: str, other: str) -> None:
    assert skeleton(text, language, left) != skeleton(other, language, right)


@pytest.mark.parametrize(
    ("language", "script"),
    [
        ("rus", "Cyrl"),
        ("nep", "Deva"),
        ("srp", "Grek"),
        ("eus", "Latn"),
        (None, "Cyrl"),
        ("srp", None),
    ],
)
def test_languages_of_one_script_have_no_skeleton(language: str | None, script: str | None) -> None:
    assert skeleton("text", language, script) is None


SAMPLES = LoadLanguages()


def passages(code: str, fields: tuple[str, ...] = PASSAGES) -> str:
    sample = SAMPLES[code].sample_text
    return "\n".join(getattr(sample, field) for field in fields)


PAIRS = {
    "srp": (("srp", "Cyrl", "sr_Cyrl"), ("srp", "Latn", "sr_Latn"), PASSAGES, 0.9),
    "aze": (("aze", "Cyrl", "az_Cyrl"), ("aze", "Latn", "az_Latn"), PASSAGES, 0.95),
    "uzb": (("uzb", "Cyrl", "uz_Cyrl"), ("uzb", "Latn", "uz_Latn"), ("specimen_48", "specimen_36"), 0.95),
    "kaz: Arabic and Latin": (("kaz", "Arab", "kk_Arab"), ("kaz", "Latn", "kk_Latn"), ("specimen_16",), 0.5),
    "rus is not srp, even where it is called so": (
        ("srp", "Cyrl", "ru_Cyrl"), ("srp", "Latn", "sr_Latn"), PASSAGES, 0.0),
    "mkd is not srp, even where it is called so": (
        ("srp", "Cyrl", "mk_Cyrl"), ("srp", "Latn", "sr_Latn"), PASSAGES, 0.0),
    "kaz is not uzb": (("kaz", "Cyrl", "kk_Cyrl"), ("uzb", "Latn", "uz_Latn"), PASSAGES, 0.0),
    "kaz is not uzb, even where it is called so": (
        ("uzb", "Cyrl", "kk_Cyrl"), ("uzb", "Latn", "uz_Latn"), PASSAGES, 0.0),
    "tat is not aze": (("tat", "Cyrl", "tt_Cyrl"), ("aze", "Latn", "az_Latn"), PASSAGES, 0.0),
    "nep is not hin, even where it is called so": (
        ("hin", "Deva", "ne_Deva"), ("hin", "Deva", "hi_Deva"), PASSAGES, 0.0),
    "nep is not san, even where it is called so": (
        ("san", "Deva", "ne_Deva"), ("san", "Deva", "sa_Deva"), PASSAGES, 0.0),
}  # fmt: skip


@pytest.mark.parametrize(("left", "right", "fields", "expected"), PAIRS.values(), ids=PAIRS.keys())
def test_the_declaration_of_human_rights_in_two_scripts(
    left: tuple[str, str, str],
    right: tuple[str, str, str],
    fields: tuple[str, ...],
    expected: float,
) -> None:
    """Word 5-gram Jaccard similarity: at least `expected` for one text, under 1 % where it is 0."""
    found = similarity(
        words_of(passages(left[2], fields), left[:2]),
        words_of(passages(right[2], fields), right[:2]),
    )
    assert found >= expected if expected else found < 0.01


# Articles 3, 4, 5 and 9 of the Declaration, and how they may be typed in Latin letters.
HINDI = (
    "प्रत्येक व्यक्ति को जीवन, स्वाधीनता और वैयक्तिक सुरक्षा का अधिकार है । कोई भी ग़ुलामी या दासता की हालत में न रखा जाएगा, "
    "ग़ुलामी-प्रथा और ग़ुलामों का व्यापार अपने सभी रूपों में निषिद्ध होगा । किसी को भी शारीरिक यातना न दी जाएगी और न किसी के भी प्रति "
    "निर्दय, अमानुषिक या अपमानजनक व्यवहार होगा । किसी को भी मनमाने ढंग से गिरफ़्तार, नज़रबन्द या देश-निष्कासित न किया जाएगा ।"
)
TYPED = (
    "Pratyek vyakti ko jeevan, swadhinta aur vaiyaktik suraksha ka adhikar hai. Koi bhi gulami ya dasta ki halat mein "
    "na rakha jayega, gulami-pratha aur gulamon ka vyapar apne sabhi roopon mein nishiddh hoga. Kisi ko bhi sharirik "
    "yatna na di jayegi aur na kisi ke bhi prati nirday, amanushik ya apmanjanak vyavhar hoga. Kisi ko bhi manmane "
    "dhang se giraftar, nazarband ya desh-nishkasit na kiya jaega."
)


def test_hindi_as_it_is_typed_in_latin_letters() -> None:
    typed = words_of(TYPED, ("hin", "Latn"))
    assert similarity(words_of(HINDI, ("hin", "Deva")), typed) > 0.8
    assert similarity(words_of(passages("hi_Deva"), ("hin", "Deva")), typed) < 0.05, (
        "other articles"
    )


# Bhagavadgita 1.1 and 1.2, as printed in Devanagari and as editions in IAST part its words.
GITA = (
    "धर्मक्षेत्रे कुरुक्षेत्रे समवेता युयुत्सवः । मामकाः पाण्डवाश्चैव किमकुर्वत सञ्जय ॥ १-१ ॥ "
    "दृष्ट्वा तु पाण्डवानीकं व्यूढं दुर्योधनस्तदा । आचार्यमुपसङ्गम्य राजा वचनमब्रवीत् ॥ १-२ ॥"
)
GITA_IN_IAST = (
    "dharmakṣetre kurukṣetre samavetā yuyutsavaḥ / māmakāḥ pāṇḍavāś caiva kim akurvata "
    "saṃjaya // 1.1 // dṛṣṭvā tu pāṇḍavānīkaṃ vyūḍhaṃ duryodhanas tadā / ācāryam "
    "upasaṃgamya rājā vacanam abravīt // 1.2 //"
)


def test_sanskrit_in_iast() -> None:
    romanized = words_of(GITA_IN_IAST, ("san", "Latn"))
    assert similarity(words_of(GITA, ("san", "Deva")), romanized) == 1
    assert similarity(words_of(passages("sa_Deva"), ("san", "Deva")), romanized) < 0.01, (
        "another text"
    )


def batch_of(
    rows: list[tuple[str, str | None, str]], **columns: list[str | None]
) -> pa.RecordBatch:
    texts, languages, scripts = zip(*rows, strict=True)
    unknown: list[str | None] = [None] * len(rows)
    return pa.record_batch(
        {
            "text": pa.array(texts, pa.large_string()),
            "language": pa.array(languages, pa.string()),
            "script": pa.array(scripts, pa.string()),
            "runner_up_language": pa.array(columns.get("runner_up_language", unknown), pa.string()),
            "declared_language": pa.array(columns.get("declared_language", unknown), pa.string()),
        }
    )


UNDETERMINED = {
    "srp in Latin, nearest to hrv": ("sr_Latn", "und", "Latn", "hrv_Latn", None, True),
    "aze in Cyrillic, nearest to aze": ("az_Cyrl", "und", "Cyrl", "aze_Cyrl", None, True),
    "srp in Latin, declared as written in HTML": (
        "sr_Latn",
        "und",
        "Latn",
        "slv_Latn",
        "sr-Latn-RS",
        True,
    ),
    "not identified at all, declared": ("uz_Latn", None, "Latn", None, "UZ", True),
    "declared as nothing we know": ("sr_Latn", "und", "Latn", "slv_Latn", "x-default", False),
    "declared as a language of one script": ("sr_Latn", "und", "Latn", "slv_Latn", "eu", False),
    "rus, whatever the page declares": ("ru_Cyrl", "rus", "Cyrl", None, "sr", False),
    "rus, whatever comes next": ("ru_Cyrl", "rus", "Cyrl", "srp_Cyrl", None, False),
}


@pytest.mark.parametrize(
    ("code", "language", "script", "nearest", "declared", "signed"),
    UNDETERMINED.values(),
    ids=UNDETERMINED.keys(),
)
def test_an_undetermined_language_is_what_it_may_be(
    code: str,
    language: str | None,
    script: str,
    nearest: str | None,
    declared: str | None,
    signed: bool,
) -> None:
    batch = batch_of(
        [(passages(code), language, script)],
        runner_up_language=[nearest],
        declared_language=[declared],
    )
    assert len(across_scripts_signatures(batch, AcrossScriptsConfig()).rows) == signed


HINDI_IN_ISO_15919 = (
    "pratyek vyakti kō jīvan, svādhīntā aur vaiyaktik surakṣā kā adhikār hai. kōī bhī gulāmī yā dāsatā "
    "kī hālat mēṁ na rakhā jāēgā"
)
ROMANIZED = {
    "san in IAST": (GITA_IN_IAST, GITA, "san"),
    "san in IAST, decomposed": (unicodedata.normalize("NFD", GITA_IN_IAST), GITA, "san"),
    "san in capitals": (GITA_IN_IAST.upper(), GITA, "san"),
    "hin in ISO 15919": (HINDI_IN_ISO_15919, HINDI[: HINDI.index(",", 90)], "hin"),
}


@pytest.mark.parametrize("taken_for", ["und", "glg", None])
@pytest.mark.parametrize(
    ("romanized", "text", "language"), ROMANIZED.values(), ids=ROMANIZED.keys()
)
def test_scholarly_romanization_is_told_by_its_letters(
    romanized: str, text: str, language: str, taken_for: str | None
) -> None:
    batch = batch_of(
        [(romanized, taken_for, "Latn"), (text, language, "Deva")],
        runner_up_language=["kam_Latn", None],
    )
    found = across_scripts_signatures(batch, AcrossScriptsConfig())
    assert found.rows.tolist() == [0, 1]
    assert estimated_similarity(found.signatures[:1], found.signatures[1:])[0] > 0.8


@pytest.mark.parametrize(
    "code", ["mi_Latn", "lv_Latn", "yo_Latn", "ig_Latn", "kab_Latn", "vi_Latn", "mh_Latn"]
)
def test_other_letters_with_marks_are_no_romanization(code: str) -> None:
    """Macrons of mri and lav, dots below of yor, ibo, kab and vie; mah has both."""
    batch = batch_of([(passages(code), "und", "Latn")])
    assert not len(across_scripts_signatures(batch, AcrossScriptsConfig()).rows)


def test_few_words_in_hindi_are_not_compared() -> None:
    """Day, money and right have the consonants of each other; a Serbian word is what it is in both
    scripts."""
    batch = batch_of(
        [
            ("दिन", "hin", "Deva"),
            ("dhan", "hin", "Latn"),
            ("यह मेरा दिन है", "hin", "Deva"),
            ("यह मेरा पहला दिन है", "hin", "Deva"),
            ("љубав", "srp", "Cyrl"),
            ("देव", "san", "Deva"),
        ]
    )
    assert skeleton("दिन", "hin", "Deva") == skeleton("dhan", "hin", "Latn")
    assert across_scripts_signatures(batch, AcrossScriptsConfig()).rows.tolist() == [3, 4, 5]


def test_the_rows_that_have_a_skeleton_are_signed() -> None:
    batch = batch_of(
        [
            (passages("ru_Cyrl"), "rus", "Cyrl"),
            (passages("sr_Cyrl"), "srp", "Cyrl"),
            ("?!", "srp", "Latn"),
            (passages("sr_Latn"), "bos", "Latn"),
            (passages("az_Latn"), "aze", "Latn"),
        ]
    )
    config = AcrossScriptsConfig(keep=("Latn",))
    found = across_scripts_signatures(batch, config)
    keys = band_keys(found.signatures, config.by_signature)
    assert found.rows.tolist() == [1, 3, 4]
    assert (found.scripts[0], found.scripts[1]) != (found.scripts[1], found.scripts[2])
    assert found.scripts[1] == found.scripts[2]
    assert estimated_similarity(found.signatures[:1], found.signatures[1:2])[0] > 0.9
    assert found.scripts.all()
    assert found.preference.tolist() == [[1], [0], [0]]
    assert (keys[0] == keys[1]).any()
    assert not (keys[0] == keys[2]).any()


def test_the_recipe_chooses_the_script_that_stays() -> None:
    scripts = pa.array(["Cyrl", "Latn", "Arab"])
    assert script_preference(scripts, AcrossScriptsConfig(keep=("Latn", "Cyrl"))).tolist() == [
        1,
        0,
        2,
    ]
    assert script_preference(scripts, AcrossScriptsConfig()).tolist() == [0, 0, 0]


def test_a_script_that_has_no_skeletons_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"keep must name scripts that have skeletons, Arab, .*got \['Thai'\]"
    ):
        AcrossScriptsConfig(keep=("Thai",))


def test_a_batch_without_languages_is_refused() -> None:
    with pytest.raises(SchemaError, match="'language' is missing"):
        across_scripts_signatures(
            pa.record_batch({"text": pa.array(["a"], pa.large_string())}), AcrossScriptsConfig()
        )


def test_an_empty_batch_has_no_keys() -> None:
    found = across_scripts_signatures(
        batch_of([("a", "srp", "Latn")]).slice(1), AcrossScriptsConfig()
    )
    assert len(found.rows) == len(found.scripts) == 0
    assert found.signatures.shape == (0, 100)
    assert found.preference.shape == (0, 1)


def test_every_group_gives_each_of_its_languages_the_same_scripts() -> None:
    assert SCRIPTS_BY_LANGUAGE["srp"] == SCRIPTS_BY_LANGUAGE["hrv"] == ("Cyrl", "Latn")
    assert all(len(set(scripts)) > 1 for scripts in SCRIPTS_BY_LANGUAGE.values())
    assert np.unique([len(code) for code in SCRIPTS_BY_LANGUAGE]).tolist() == [3]
