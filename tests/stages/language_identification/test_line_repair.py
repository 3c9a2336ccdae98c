"""Lines keep their language through foreign terms, tables, styled letters and wrong keyboards;
laughter has none."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.language_identification.cascade import Identifier
from stages.language_identification.identify import (
    LanguageIdentificationConfig,
    load_identifier,
    predict_languages,
)
from stages.language_identification.line_repair import _repetitive, repaired, without_repeats
from stages.look_alikes import TO_CYRILLIC, TO_GREEK, TO_LATIN
from stages.vowel_letters import AE, ALEF_MAKSURA, HEH, YEH, kurdish_ae, uyghur_ae, uyghur_i

DEFAULT = LanguageIdentificationConfig()

EUS = "Gaur goizean lagunekin mendira joan naiz eta ibilaldi luzea egin dugu basoan zehar."
ENG = "This morning I went to the mountains with my friends and we took a long walk through the forest."
SWA = "Jana tulienda sokoni kununua mkate, maziwa na mboga mbichi kwa ajili ya familia yote."
RUS = "Сегодня мы ходили на рынок и купили для дома свежий хлеб, овощи и фрукты."
UKR = "Вчора ми ходили на ринок і купили для родини свіжий хліб, молоко та овочі."
FAS = "دیروز با دوستانم به بازار رفتیم و برای خانه نان تازه و سبزی خریدیم و بعد با هم چای نوشیدیم."
CKB = "ئەمڕۆ بەیانی چووینە بازاڕ و سەوزە و میوەی تازەمان بۆ ماڵەوە کڕی، دواتر نانمان بۆ هەمووان ئامادە کرد."
UIG = "بۈگۈن ئەتىگەندە بىز بازارغا بېرىپ ئۆيگە يېڭى كۆكتات ۋە مېۋە سېتىۋالدۇق، ئاندىن ھەممەيلەنگە تاماق ئەتتۇق."


@pytest.fixture(scope="module")
def cascade() -> Identifier:
    return load_identifier(DEFAULT)


def label_of(cascade: Identifier, text: str) -> str:
    (row,) = predict_languages([text], cascade, DEFAULT)
    return f"{row['language']}_{row['script']}"


def turned(text: str, look_alikes: Mapping[str, str]) -> str:
    """Write every letter of the text that looks like one of another script in that script."""
    return text.translate({ord(letter): look_alike for letter, look_alike in look_alikes.items()})


FOREIGN_TERMS = {
    "Korean with more English than Korean": (
        "React의 useState와 useEffect hook을 사용하여 component state management를 구현. TypeScript generic "
        "interface와 async function, error handling pattern, unit test coverage, continuous integration 등을 설명",
        "kor_Kore",
    ),
    "Japanese": (
        "Kubernetes cluster に Docker image を deploy する時は Helm chart と values file を使って設定します。",
        "jpn_Jpan",
    ),
    "Chinese": (
        "在 Kubernetes cluster 里 deploy 一个 Docker container 的时候需要设置 namespace 和 service account",
        "zho_Hans",
    ),
    "Thai": (
        "วิธี deploy Docker container บน Kubernetes cluster ด้วย Helm chart สำหรับ production environment",
        "tha_Thai",
    ),
    "Russian": (
        "Как задеплоить Docker container на Kubernetes cluster через apply command и Helm chart в production",
        "rus_Cyrl",
    ),
    "Arabic": (
        "كيفية نشر Docker container على Kubernetes cluster باستخدام Helm chart في production environment",
        "ara_Arab",
    ),
    "Georgian": (
        "როგორ გავუშვათ Docker container Kubernetes cluster-ში Helm chart-ით production environment-ში",
        "kat_Geor",
    ),
    "Greek": (
        "Πώς να κάνετε deploy ένα Docker container σε Kubernetes cluster με Helm chart στο production",
        "ell_Grek",
    ),
    "English with a Russian word": (
        "The Russian word книга means book and the word дом means house in the same language.",
        "eng_Latn",
    ),
    "English with a Russian name": (
        "Moscow (Russian: Москва, romanized: Moskva) is the capital and largest city of Russia.",
        "eng_Latn",
    ),
    "Turkish with an Arabic name": (
        "Kur'an-ı Kerim'in ilk suresi الفاتحة olarak adlandırılır ve namazlarda okunur.",
        "tur_Latn",
    ),
    "Finnish with Japanese": (
        "Kävin viime kesänä Japanissa ja söin siellä ravintolassa nimeltä 食べ物 ystäväni kanssa.",
        "fin_Latn",
    ),
}


@pytest.mark.parametrize(("text", "label"), FOREIGN_TERMS.values(), ids=FOREIGN_TERMS.keys())
def test_foreign_terms_leave_the_script_of_the_language(
    cascade: Identifier, text: str, label: str
) -> None:
    assert label_of(cascade, text) == label


MATHEMATICAL = {ord("a") + n: chr(0x1D41A + n) for n in range(26)} | {
    ord("A") + n: chr(0x1D400 + n) for n in range(26)
}
FULL_WIDTH = {n: chr(n + 0xFEE0) for n in range(0x21, 0x7F)}
WRAPPED = {
    "a table of Markdown": (
        "| Izena | Biztanleria | Eskualdea |\n|:---|---|---:|\n"
        "| Bilbo | hirurehun mila biztanle | iparraldeko itsasoa |\n"
        "| Gasteiz | berrehun mila biztanle | barnealdeko lautada |",
        "eus_Latn",
    ),
    "a table of a wiki": (
        '{| class="wikitable"\n! Izena !! Biztanleria\n'
        "|-\n| Bilbo || hirurehun mila biztanle\n|-\n| Gasteiz || gutxiago\n|}",
        "eus_Latn",
    ),
    "rows with semicolons": (
        "izena;abizena;herria;probintzia\nMiren;Etxeberria;Donostia;Gipuzkoa\nJon;Agirre;Bilbo;Bizkaia",
        "eus_Latn",
    ),
    "a bullet list": (
        "* Gaur goizean\n* lagunekin mendira\n* joan naiz eta\n* ibilaldi luzea\n* egin dugu",
        "eus_Latn",
    ),
    "links and emphasis": (
        "[Gaur goizean](http://a.b/c) lagunekin [mendira joan naiz](http://a.b/d) eta **ibilaldi luzea** egin _dugu_",
        "eus_Latn",
    ),
    "references of characters": (
        "L&#39;&eacute;cole a d&eacute;cid&eacute; d&#39;ouvrir d&egrave;s la rentr&eacute;e une biblioth&egrave;que",
        "fra_Latn",
    ),
    "references escaped twice": (EUS.replace(" ", "&amp;nbsp;"), "eus_Latn"),
    "mathematical letters": (ENG.translate(MATHEMATICAL), "eng_Latn"),
    "full-width letters": (ENG.translate(FULL_WIDTH), "eng_Latn"),
    "struck through": ("".join(letter + "\u0336" for letter in SWA), "swa_Latn"),
    "a Greek question": ("\u03a0\u03bf\u03cd \u03b5\u03af\u03bd\u03b1\u03b9;", "ell_Grek"),
    "pipes between commands": (
        "cat access.log | grep error | sort | uniq -c | head\nls -la | wc -l",
        "und_Latn",
    ),
    "bars and semicolons of code": (
        "a = b | c | d;\nif (x || y) { z |= w; }\nint count;\nreturn a;",
        "zxx_Latn",
    ),
}


@pytest.mark.parametrize(("text", "label"), WRAPPED.values(), ids=WRAPPED.keys())
def test_words_are_read_through_what_is_around_them(
    cascade: Identifier, text: str, label: str
) -> None:
    assert label_of(cascade, text) == label


def test_thai_vowels_next_to_styled_letters_stay() -> None:
    sara_am = "\u0e19\u0e49\u0e33"
    assert repaired(pl.Series([f"{sara_am} \uff21\uff22"])).to_list() == [f"{sara_am} AB"]


LOOK_ALIKES = {
    "English in Cyrillic look-alikes": (turned(ENG, TO_CYRILLIC), "eng_Latn"),
    "Basque in Greek look-alikes": (turned(EUS, TO_GREEK), "eus_Latn"),
    "Swahili in Cyrillic look-alikes": (turned(SWA, TO_CYRILLIC), "swa_Latn"),
    "Russian in Latin look-alikes": (turned(RUS, TO_LATIN), "rus_Cyrl"),
    "Ukrainian with the Latin i": (UKR.replace("\u0456", "i"), "ukr_Cyrl"),
    "Ewe with Greek epsilon": (
        "N\u03b5 am\u03b5a\u0256e l\u00f5 eƒe hav\u0129 la, ava nɔ nu nyui wɔm n\u025b eye wòakpe ɖe eŋu",
        "ewe_Latn",
    ),
}


@pytest.mark.parametrize(("text", "label"), LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
def test_look_alike_letters(cascade: Identifier, text: str, label: str) -> None:
    assert label_of(cascade, text) == label


ALONE = {
    "Russian: one letter between words": ("Он ушел {a} другом и {b} потом", "\u0441", "\u0430"),
    "Macedonian: all letters look like Latin ones": ("Тој {b} јас и {b} тој", "", "\u0430"),
    "Ukrainian: i": ("Він прийшов {a} пішов", "\u0456", ""),
    "Greek: an article and o": ("{a} γυναίκα και {b} άνθρωπος", "\u0397", "\u03bf"),
    "Spanish: a and o, typed in Cyrillic": ("Va {a} casa uno {b} otro", "a", "o"),
}
LOOKS_LIKE = {"\u0441": "c", "\u0430": "a", "\u0456": "i", "\u0397": "H", "\u03bf": "o"} | {
    "a": "\u0430",
    "o": "\u043e",
    "": "",
}


@pytest.mark.parametrize(("line", "a", "b"), ALONE.values(), ids=ALONE.keys())
def test_single_letters_are_read_in_the_script_of_the_words_around(
    line: str, a: str, b: str
) -> None:
    damaged = line.format(a=LOOKS_LIKE[a], b=LOOKS_LIKE[b])
    assert repaired(pl.Series([damaged])).to_list() == [line.format(a=a, b=b)]


def test_letters_that_look_like_none_of_the_words_around_stay() -> None:
    lines = [
        "\u0420\u0430\u0437\u043c\u0435\u0440 L \u0438\u043b\u0438 R",
        "Type \u03b1 and \u0416 here",
    ]
    assert repaired(pl.Series(lines)).to_list() == lines


def test_words_of_two_scripts_on_purpose_stay() -> None:
    line = "\u041c\u043e\u0439 iPhone\u0430\u043c\u0438 \u0438 \u0414\u041d\u041a-\u0442\u0435\u0441\u0442"
    assert repaired(pl.Series([line])).to_list() == [line]


KEYS_OF_ARABIC = str.maketrans({"\u06cc": YEH, "\u06a9": "\u0643", "\u06be": HEH})
KEYBOARDS = {
    "Persian with Arabic yeh and kaf": (FAS.translate(KEYS_OF_ARABIC), "fas_Arab"),
    "Persian with Arabic kaf and no letter that Arabic lacks": (
        "دولت اعلام کرد که حقوق معلمان از ماه آینده افزایش خواهد یافت.".translate(KEYS_OF_ARABIC),
        "fas_Arab",
    ),
    "Arabic without an article": (
        "قال محمد إن أحمد وصل مساء أمس من بلد بعيد وإن والده سافر معه وعاد بعد يومين.",
        "ara_Arab",
    ),
    "Sorani with Arabic yeh and kaf": (CKB.translate(KEYS_OF_ARABIC), "ckb_Arab"),
    "Sorani with heh for every ae": (CKB.replace(AE, HEH), "ckb_Arab"),
    "Sorani with heh and a non-joiner": (CKB.replace(AE, HEH + "\u200c"), "ckb_Arab"),
    "Uyghur with heh and yeh for its vowels": (
        UIG.replace(AE, HEH).replace("\u06be", HEH).replace(ALEF_MAKSURA, YEH),
        "uig_Arab",
    ),
    "Arabic with a word of Persian letters": (
        "كان الوزير في الكراچ عندما أعلن عن الخطة الجديدة لدعم الأسر الفقيرة في البلاد",
        "ara_Arab",
    ),
}


@pytest.mark.parametrize(("text", "label"), KEYBOARDS.values(), ids=KEYBOARDS.keys())
def test_letters_of_an_arabic_keyboard(cascade: Identifier, text: str, label: str) -> None:
    assert label_of(cascade, text) == label


def test_persian_letters_are_written_where_nothing_says_arabic() -> None:
    persian, arabic = f"\u06af\u0643{YEH}", f"\u06af\u0643{YEH}\u0629"
    assert repaired(pl.Series([persian, arabic])).to_list() == ["\u06af\u06a9\u06cc", arabic]


def test_vowels_of_uyghur_and_kurdish_are_told_from_consonants() -> None:
    heh = UIG.replace("\u06be", HEH)
    assert uyghur_ae(heh.replace(AE, HEH)) == heh
    assert uyghur_i(UIG.replace(ALEF_MAKSURA, YEH)) == UIG
    assert kurdish_ae(CKB.replace(AE, HEH).replace("\u06be", HEH)) == CKB
    assert uyghur_ae(heh) == heh, "what is right stays"


LAUGHTER = """
    hahaha hahahahahahahaha, ha ha ha ha ha, lalalala lala la la la, jajajaja jajaja, kkkkkkkk, wwwwwwww, xaxaxa xaxaxa,
    хахаха хахахаха, rsrsrsrsrs, hehehehe hihihi, ههههههههه, 哈哈哈哈哈哈, あはははははは, ㅋㅋㅋㅋㅋㅋ, ㅠㅠ ㅎㅎㅎ,
    χαχαχα χαχα, हाहाहाहाहा, bla bla bla bla, la la la oh oh oh na na na, hahahahhahaahah hahaahaha ahahhaa,
    lol lol lol lol, 5555555, ฮ่าฮ่าฮ่าฮ่า, du du du du du dum dum du, mwahahahahaha muahahaha"""
WORDS = {
    "Swahili that repeats a word": (
        "Sasa hivi tunaenda polepole, polepole, polepole mpaka nyumbani kwa mama yangu",
        "swa_Latn",
    ),
    "Korean that laughs": ("오늘 진짜 웃겼다 ㅋㅋㅋㅋㅋㅋㅋ 다음에 또 만나자", "kor_Kore"),
    "English that laughs": (f"hahahahahahahahaha {ENG}", "eng_Latn"),
    "Indonesian that doubles every noun": (
        "Anak-anak itu berjalan-jalan di kebun sambil melihat bunga-bunga",
        "ind_Latn",
    ),
    "Indonesian that doubles words": (
        "Kami berjalan-jalan di kota dan melihat-lihat gedung-gedung tua yang indah",
        "ind_Latn",
    ),
}


@pytest.mark.parametrize("text", [text.strip() for text in LAUGHTER.split(",")])
def test_repeated_syllables_are_no_language(cascade: Identifier, text: str) -> None:
    assert label_of(cascade, text).startswith("zxx_")


@pytest.mark.parametrize(("text", "label"), WORDS.values(), ids=WORDS.keys())
def test_words_that_repeat_stay_words(cascade: Identifier, text: str, label: str) -> None:
    assert label_of(cascade, text) == label


LETTERS = ("An", "Bình", "Cường", "Dũng", "Giang", "Hải", "Khánh", "Linh")
NAMES = {
    "Spanish names": "María García López, José Martínez Ruiz, Antonio Sánchez Gómez, Carmen Fernández Díaz",
    "English names, one a line": "James Smith\nMary Johnson\nRobert Williams\nPatricia Brown\nJohn Jones",
    "Chinese names": "Li Wei, Wang Fang, Zhang Wei, Liu Yang, Chen Jie, Yang Min",
    "Russian names": "Иван Петров, Анна Смирнова, Сергей Кузнецов, Мария Попова, Дмитрий Васильев",
    "Dutch names with particles": "Jan de Vries\nPiet Jansen\nKees van den Berg\nWillem Bakker",
    "Irish names": "Siobhán Ní Bhriain; Pádraig Ó Conaill; Aoife Nic Dhonncha",
    "titles": "Mr. Tanaka Hiroshi\nMs. Sato Yuki\nMr. Suzuki Ken",
    "numbers and years": "1. John Smith (1923-1999)\n2. Peter Miller (1930)\n3. Mary Jones 1950",
    "family names first": "Smith, John; Doe, Jane; Miller, Peter; Jones, Mary",
    "companies": "Acme Corp., Foo Ltd., Bar GmbH, Baz S.A., Qux Inc.",
    "capitals, one a line": "JONAS PETRAITIS\nONA KAZLAUSKIENE\nDARIUS JANKAUSKAS",
    "dashes between": "Sipho Dlamini - Thandi Nkosi - Bongani Khumalo - Nomvula Mkhize",
    "tabs between": "Jonas Petraitis\tOna Kazlauskienė\tDarius Jankauskas",
    "many lists": "\n".join(
        f"Nguyễn Văn {one}, Trần Thị {two}" for one in LETTERS for two in LETTERS
    ),
}
NO_NAMES = {
    "a title in capitals": (
        "The Long Walk Through The Forest That We Took With Our Friends This Morning",
        "eng_Latn",
    ),
    "names in a sentence": (
        "Miren Etxeberria eta Jon Agirre lagunekin mendira joan dira gaur goizean.",
        "eus_Latn",
    ),
    "capitals": (SWA.upper(), "swa_Latn"),
    "dashes in a sentence": (SWA.replace(", ", " - "), "swa_Latn"),
    "names after a sentence": (f"{SWA}\nJan de Vries\nPiet Jansen\nKees van den Berg", "swa_Latn"),
}


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES.keys())
def test_a_list_of_names_is_in_no_language_for_sure(cascade: Identifier, text: str) -> None:
    assert label_of(cascade, text).startswith("und_")


@pytest.mark.parametrize(("text", "label"), NO_NAMES.values(), ids=NO_NAMES.keys())
def test_capitals_alone_are_no_list_of_names(cascade: Identifier, text: str, label: str) -> None:
    assert label_of(cascade, text) == label


@given(st.lists(st.text("ab \u0430\u4e00", max_size=40), max_size=30))
def test_repetitive_lines_are_those_where_letters_equal_the_one_a_lag_before(
    lines: list[str],
) -> None:
    def is_repetitive(line: str) -> bool:
        equal = (sum(a == b for a, b in zip(line, line[lag:], strict=False)) for lag in range(1, 9))
        return len(line) >= 6 and max(equal) >= 0.4 * len(line)

    found = _repetitive(pl.Series(lines, dtype=pl.String)).tolist()
    assert found == [row for row, line in enumerate(lines) if is_repetitive(line)]


def test_what_is_repeated_is_read_once() -> None:
    texts, empty = without_repeats(
        pl.Series(["goazen, goazen, goazen, etxera", "noooooooooo hori ez", "ez da egia"])
    )
    assert texts.to_list() == ["goazen, etxera", "no hori ez", "ez da egia"]
    assert not empty.any()
