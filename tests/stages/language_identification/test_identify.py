"""Languages are told from their neighbours, noise is no language, and rows stay as they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.columns import SchemaError
from schemas.document import CANDIDATES, DOCUMENT
from stages.language_identification.answers import Answers
from stages.language_identification.cascade import Candidates, Cascade, Identifier, _decided
from stages.language_identification.identify import (
    WRITTEN,
    LanguageIdentificationConfig,
    identify_language,
    load_identifier,
    predict_languages,
)
from stages.language_identification.labels import (
    CLD2_CODES,
    LID_176_CODES,
    ONE_LANGUAGE_SCRIPTS,
    read_label,
)
from stages.language_identification.passages import Passages, cut_passages

DEFAULT = LanguageIdentificationConfig()
FIELDS = pa.schema([DOCUMENT.field(name) for name in ("id", "text", *WRITTEN)])


def batch_of(texts: list[str]) -> pa.RecordBatch:
    identity = pa.array([str(i) for i in range(len(texts))], pa.string())
    empty = [pa.nulls(len(texts), field.type) for field in list(FIELDS)[2:]]
    return pa.RecordBatch.from_arrays(
        [identity, pa.array(texts, pa.large_string()), *empty], schema=FIELDS
    )


@pytest.fixture(scope="module")
def cascade() -> Identifier:
    return load_identifier(DEFAULT)


def answering(*rows: Sequence[tuple[str, float]]) -> Callable[[list[str]], Candidates]:
    """An identifier that gives the same answers to whatever passages come, in turn."""
    names = tuple(sorted({name for row in rows for name, _ in row}))

    def identify(texts: list[str]) -> Candidates:
        assert len(texts) == len(rows)
        codes = [[names.index(n) for n, _ in row] + [-1] * (3 - len(row)) for row in rows]
        scores = [[s for _, s in row] + [0.0] * (3 - len(row)) for row in rows]
        return Candidates(names, np.asarray(codes), np.asarray(scores, np.float32))

    return identify


EUS = "Gaur goizean lagunekin mendira joan naiz eta ibilaldi luzea egin dugu basoan zehar."
ENG = "This morning I went to the mountains with my friends and we took a long walk through the forest."
LANGUAGES = {
    "eus": (EUS, "eus_Latn"),
    "eus in capitals": (EUS.upper(), "eus_Latn"),
    "mlt": (
        "Illum il-bieraħ mort is-suq ma' ommi biex nixtru l-ħut u l-ħaxix għall-ikla tal-lejl.",
        "mlt_Latn",
    ),
    "yor": ("Mo lọ sí ọjà lánàá láti ra oúnjẹ fún ìdílé mi, ṣùgbọ́n òjò ń rọ̀ púpọ̀.", "yor_Latn"),
    "uig": ("بىز بۈگۈن مەكتەپكە بېرىپ ئۇيغۇر تىلى دەرسىنى ئاڭلىدۇق ۋە كىتاب ئوقۇدۇق.", "uig_Arab"),
    "khm": ("ថ្ងៃនេះ យើងបានទៅផ្សារដើម្បីទិញម្ហូប ហើយបានជួបមិត្តភក្តិចាស់ៗជាច្រើននាក់។", "khm_Khmr"),
    "bod": ("དེ་རིང་ང་ཚོ་སློབ་གྲྭར་ཕྱིན་ནས་བོད་ཡིག་གི་དཔེ་ཆ་ཀློག་པ་ཡིན།", "bod_Tibt"),
    "dzo is not bod": ("ད་རིས་ང་བཅས་སློབ་གྲྭ་ནང་འགྱོ་སྟེ་ རྫོང་ཁའི་དཔེ་དེབ་ལྷབ་ཅི།", "dzo_Tibt"),
    "uzb in Cyrillic is not rus": (
        "Бугун биз бозорга бориб, уйимиз учун янги нон ва мева-сабзавотлар сотиб олдик.",
        "uzb_Cyrl",
    ),
    "rus": (
        "Сегодня мы ходили на рынок и купили для дома свежий хлеб, овощи и фрукты.",
        "rus_Cyrl",
    ),
    "ukr is not rus": (
        "Вчора ми ходили на ринок і купили для родини свіжий хліб, молоко та овочі.",
        "ukr_Cyrl",
    ),
    "srp in Latin is not slv": (
        "Juče smo išli na pijacu da kupimo hleb, mleko i sveže povrće za celu porodicu.",
        "srp_Latn",
    ),
    "slv": (
        "Včeraj smo šli na tržnico, da bi kupili kruh, mleko in svežo zelenjavo za vso družino.",
        "slv_Latn",
    ),
    "orm": (
        "Kaleessa gabaa dhaqnee daabboo, aannan fi kuduraa haaraa maatii keenyaaf binne.",
        "orm_Latn",
    ),
    "fin": (
        "Eilen kävimme torilla ostamassa leipää, maitoa ja tuoreita vihanneksia koko perheelle.",
        "fin_Latn",
    ),
    "ben": ("আজ সকালে আমরা বাজারে গিয়ে পরিবারের জন্য তাজা শাকসবজি কিনেছি।", "ben_Beng"),
    "asm is not ben": ("আজি ৰাতিপুৱা আমি বজাৰলৈ গৈ পৰিয়ালৰ বাবে সতেজ শাক-পাচলি কিনিলোঁ।", "asm_Beng"),
    "kat": (
        "დღეს დილით ბაზარში წავედით და ოჯახისთვის ახალი პური და ბოსტნეული ვიყიდეთ.",
        "kat_Geor",
    ),
    "xmf is Georgian script and not kat": (
        "ამდღა ჩქი ბაზარშა მიდაფრთით დო ჩქინი ოჯახიშო ახალი ქობალი იფჩითით.",
        "xmf_Geor",
    ),
    "div: a script of one language": ("މިއަދު އަހަރެމެން ބާޒާރަށް ގޮސް ގެޔަށް ބޭނުންވާ ތަކެތި ގަތީމެވެ.", "div_Thaa"),
    "sat: a script of one language": ("ᱛᱮᱦᱮᱧ ᱟᱞᱮ ᱦᱟᱴ ᱛᱮ ᱪᱟᱞᱟᱣ ᱞᱮᱱᱟ", "sat_Olck"),
    "glg is not por": (
        "Onte fomos ao mercado mercar pan, leite e verduras frescas para toda a familia.",
        "glg_Latn",
    ),
    "por": (
        "Ontem fomos ao mercado comprar pão, leite e legumes frescos para toda a família.",
        "por_Latn",
    ),
    "swa": (
        "Jana tulienda sokoni kununua mkate, maziwa na mboga mbichi kwa ajili ya familia yote.",
        "swa_Latn",
    ),
    "yue is not zho": ("我哋尋日去咗街市買餸，跟住返屋企煮飯食，個仔話好好味呀。", "yue_Hant"),
    "zho, traditional": (
        "我們昨天去市場買了新鮮的蔬菜和水果，然後回家做飯給全家人吃。",
        "zho_Hant",
    ),
    "zho, simplified": ("我们昨天去市场买了新鲜的蔬菜和水果，然后回家做饭给全家人吃。", "zho_Hans"),
    "jpn": ("昨日、私たちは市場に行って、家族のために新鮮な野菜を買いました。", "jpn_Jpan"),
    "kor": ("어제 우리는 시장에 가서 가족을 위해 신선한 채소를 샀습니다.", "kor_Kore"),
    "eus with NUL and control characters": (
        "Gaur\x00 goizean\x07 lagunekin\x1b mendira joan\x9f naiz\ufffe eta.",
        "eus_Latn",
    ),
    "hin in Latin letters": (
        "yeh kitab bahut acchi hai lekin mujhe samajh nahi aayi, tum kya kar rahe ho yaar",
        "hin_Latn",
    ),
    "ell in Latin letters": (
        "i kyvernisi anakoinose simera oti tha avksisei tous misthous ton daskalon",
        "ell_Latn",
    ),
    "rus in Latin letters": (
        "privet kak dela ya segodnya ne pridu na rabotu potomu chto zabolel",
        "rus_Latn",
    ),
    "hmn, that no package has text of": (
        "Lub tsoom fwv tau tshaj tawm tias yuav muab nyiaj pab rau cov tsev neeg txom nyem.",
        "hmn_Latn",
    ),
    "jav is no hin": (
        "Esuk iki aku lan kanca-kanca menyang gunung lan mlaku-mlaku suwe ing alas",
        "jav_Latn",
    ),
    "ara in its chat alphabet": (
        "9olt lek ma tkhafch 3la had chi, rah kolchi mzyan hna inchallah ya khoya",
        "ara_Latn",
    ),
    "a word is too little": ("agur", "und_Latn"),
    "deu, words joined by capitals": (
        "IchHabeDasNichtGewusstUndDuHastEsAuchNichtGesehen",
        "deu_Latn",
    ),
    "pol, words joined by capitals": (
        "JakDojechacDoWarszawyZDworcaGlownegoWNocyAlboRano",
        "pol_Latn",
    ),
    "eus, all hashtags": (
        "#Gaur #goizean #lagunekin #mendira #joan #gara #eta #ibilaldi #luzea",
        "eus_Latn",
    ),
    "rus, a break after each letter": (
        "\u200b".join("Сегодня утром мы пошли с друзьями в горы и долго гуляли по лесу."),
        "rus_Cyrl",
    ),
    "tha, breaks between words": (
        "เมื่อเช้านี้\u200bเรา\u200bไป\u200bภูเขา\u200bกับ\u200bเพื่อน\u200bและ\u200bเดินเล่น\u200bในป่า",
        "tha_Thai",
    ),
    "tam, spaced out with its vowel signs": (
        " ".join("இன்று காலை நாங்கள் நண்பர்களுடன் மலைக்குச் சென்றோம்"),
        "tam_Taml",
    ),
    "fas, spaced out, with short words": (
        " ".join("وزیر دیروز گفت که مدرسهٔ جدید پیش از پایان سال باز می شود"),
        "fas_Arab",
    ),
    "eng, spaced out, with short words": (
        " ".join("The minister said it is to be so on the day of a new school"),
        "eng_Latn",
    ),
    "vie, short words are not spaced out": ("Ở đó có ba ca sĩ và cô ấy đi xa", "vie_Latn"),
    "eng, capitals are no SQL": (
        "INSERT INTO THE SLOT AND TURN THE KEY UNTIL IT STOPS, THEN WAIT A MOMENT",
        "eng_Latn",
    ),
    "mkd, with a style sheet": (
        "Полицијата трага по двајца мажи.\nbody { font-family: Arial; margin: 0 auto; }\n"
        ".header { background: url(img.png) no-repeat; }",
        "mkd_Cyrl",
    ),
    "eng, braces are no style sheet": (
        "The set {red: warm, blue: cold} is what the painters of the town talk about every day.",
        "eng_Latn",
    ),
    "eng, import is a word": (
        "Import duties on cars from Japan will return to the former level in June.",
        "eng_Latn",
    ),
    "fin, hyphens within": (
        "kirja-avain-sanakirja-tietokone-ikkuna-ruoka-lusikka-haarukka",
        "fin_Latn",
    ),
}
# Short plain sentences of large languages, which a rare neighbour's lists of 4-grams name as well;
# and of rare neighbours.
NEIGHBOURS = {
    "fas is no kas": ("من کتاب را به برادرم دادم.", "fas"),
    "fas is no lrc": ("باران می\u200cبارد و هوا سرد است.", "fas"),
    "urd is no skr": ("میں نے کتاب اپنے بھائی کو دی۔", "urd"),
    "hin is no mai": ("बारिश हो रही है और ठंड है।", "hin"),
    "mar is no kok": ("माझे वडील शहरात काम करतात.", "mar"),
    "rus is no bul": ("Я отдал книгу своему брату.", "rus"),
    "ukr is no rue": ("Мій батько працює в місті.", "ukr"),
    "ind is no bew": ("Besok kami akan pergi ke pasar.", "ind"),
    "fil is no bik": ("Nagtatrabaho ang tatay ko sa lungsod.", "fil"),
    "ben is no syl": ("আমার বাবা শহরে কাজ করেন।", "ben"),
    "ara is no arz": ("الأطفال يلعبون في الحديقة.", "ara"),
    "tur is no crh": ("Yağmur yağıyor ve hava soğuk.", "tur"),
    "deu is no gsw": ("Ich habe das Buch meinem Bruder gegeben.", "deu"),
    "nld is no lim": ("Ik heb het boek aan mijn broer gegeven.", "nld"),
    "ita is no vec": ("I bambini giocano in giardino.", "ita"),
    "pol is no szl": ("Dzisiaj jest bardzo ładna pogoda.", "pol"),
    "kat is no xmf": ("ბავშვები ბაღში თამაშობენ.", "kat"),
    "kan is no tcy": ("ನನ್ನ ತಂದೆ ನಗರದಲ್ಲಿ ಕೆಲಸ ಮಾಡುತ್ತಾರೆ.", "kan"),
    "eng is no pcm": ("Click on the install button to install the new theme.", "eng"),
    "pcm": (
        "Di goment don tell pipol say dem go increase di moni wey teachers dey collect.",
        "pcm",
    ),
    "kas": ("یہٕ چھُ کٲشِر زَبانۍ مَنٛز لیٚکھنہٕ آمُت اکھ جُملہٕ۔", "kas"),
    "gsw": ("Ich ha das Buech mim Brueder ggä, wil är's het welle läse.", "gsw"),
    "mai": ("हम अपन किताब भाइ केँ देलहुँ आ ओ बहुत खुश भेल छथि।", "mai"),
    "mzn": ("مه پیر شهر دله کار کانده و مه مار سره دره.", "mzn"),
}
NOISE = {
    "empty": "",
    "white space": " \t\n\u2003\r\n",
    "numbers": "12 345,67 89-01-02 +34 943 00 00 00",
    "address": "https://example.org/eu/hasiera?id=20 www.example.org/aa/bb",
    "code": "for (int i = 0; i < n; i++) { sum += values[i]; }",
    "markup": '<div class="a"><span id="b"></span></div>',
    "base64": "aGF1IGV1c2thcmF6a28gdGVzdHUgYmF0IGRhCg==",
    "base64 without digits": "aGFuIHpUbmQgQmxKdWxHbFJsbUZhdERhCgZkQWxRcE",
    "numbers in Devanagari digits": "१२३४ ५६७८ ९०१२ ३४५६",
    "numbers in Arabic digits": "١٢٣ ٤٥٦ ٧٨٩",
    "Python": "import numpy as np\nfrom x import y\ndef f(a, b):\n    return a + b\nclass Foo:\n    pass",
    "a rule of a style sheet": "body { font-family: Arial; color: #333; margin: 0 auto; }",
    "rules on one line": ".menu li a { padding: 5px 10px; text-decoration: none } h1, h2 { color: red }",
    "a rule on lines": "#main p {\n  background: url(img.png) no-repeat;\n  line-height: 1.5em;\n}",
    "SQL": "SELECT a.id, b.name FROM users a JOIN orders b ON a.id = b.user_id WHERE b.total > 100 ORDER BY b.name",
    "a hash": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "UUID": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "long name of a variable": "the_number_of_documents_that_were_kept",
    "words within an address": "https://example.org/HowAreYouTodayMyFriendAndAllTheOthers",
    "emoji": "\U0001f600 \U0001f603 \U0001f389",
    "keyboard": "asdf ghjk qwer zxcv lkjh poiu asdkj qweoi zmxnc",
    "only control characters": "\x00\x01\x02\x7f",
}


@pytest.mark.parametrize(("text", "label"), LANGUAGES.values(), ids=LANGUAGES.keys())
def test_language(cascade: Identifier, text: str, label: str) -> None:
    (row,) = identify_language(batch_of([text]), cascade, DEFAULT).to_pylist()
    assert f"{row['language']}_{row['script']}" == label, row
    assert (row["language_score"] >= DEFAULT.min_score) == (row["language"] != "und")


@pytest.mark.parametrize(("text", "language"), NEIGHBOURS.values(), ids=NEIGHBOURS.keys())
def test_large_languages_and_their_rare_neighbours(
    cascade: Identifier, text: str, language: str
) -> None:
    (row,) = identify_language(batch_of([text]), cascade, DEFAULT).to_pylist()
    assert row["language"] == language, row


@pytest.mark.parametrize("text", NOISE.values(), ids=NOISE.keys())
def test_noise_is_no_language(cascade: Identifier, text: str) -> None:
    (row,) = identify_language(batch_of([text]), cascade, DEFAULT).to_pylist()
    assert row["language"] == "zxx"
    assert row["other_language_share"] is None


def test_code_around_text_does_not_count(cascade: Identifier) -> None:
    text = f"<p>{EUS}</p>\nif (x == 1) {{ return a[i] + b[i]; }}\nhttps://example.org/aaa/bbb"
    (row,) = identify_language(batch_of([text]), cascade, DEFAULT).to_pylist()
    assert (row["language"], row["other_language_share"]) == ("eus", 0.0)


def test_share_of_another_language(cascade: Identifier) -> None:
    mixed, pure = identify_language(
        batch_of([f"{EUS}\n{ENG}\n{EUS.replace('Gaur', 'Atzo')}", EUS]), cascade, DEFAULT
    ).to_pylist()
    letters = sum(map(str.isalpha, ENG)) / sum(map(str.isalpha, EUS * 2 + ENG))
    assert mixed["language"] == "eus"
    assert mixed["language_score"] >= 0.9, "a page in two languages is surely in the first"
    assert mixed["other_language_share"] == pytest.approx(letters, abs=0.02)
    assert mixed["runner_up_language"] == "eng_Latn"
    assert pure["other_language_share"] == 0.0
    off = LanguageIdentificationConfig(other_language_share=False)
    assert identify_language(batch_of([EUS]), cascade, off)["other_language_share"].to_pylist() == [
        None
    ]


def test_thresholds_and_what_und_says() -> None:
    def answer(config: LanguageIdentificationConfig) -> tuple[object, ...]:
        (row,) = identify_language(
            batch_of([EUS]), answering([("eus", 0.6), ("spa", 0.3)]), config
        ).to_pylist()
        return tuple(row[name] for name in ("language", "runner_up_language", "runner_up_score"))

    assert answer(DEFAULT) == ("eus", "spa_Latn", pytest.approx(0.3))
    assert answer(LanguageIdentificationConfig(min_score=0.7)) == (
        "und",
        "eus_Latn",
        pytest.approx(0.6),
    )
    assert (
        answer(LanguageIdentificationConfig(min_score=0.7, thresholds={"eus_Latn": 0.6}))[0]
        == "eus"
    )
    assert answer(LanguageIdentificationConfig(thresholds={"eus_Latn": 0.61}))[0] == "und"
    assert answer(LanguageIdentificationConfig(thresholds={"eus_Cyrl": 0.99}))[0] == "eus", (
        "another script's threshold"
    )
    nepali = answering([("nep", 0.6)])
    config = LanguageIdentificationConfig(thresholds={"npi_Latn": 0.7})
    (row,) = identify_language(batch_of([EUS]), nepali, config).to_pylist()
    assert row["language"] == "und", "a member's threshold is that of what identification calls it"


def test_merged_languages_add_up() -> None:
    identify = answering([("bos", 0.35), ("hrv", 0.3), ("slv", 0.2)])
    plain = identify_language(batch_of([ENG]), identify, DEFAULT).to_pylist()[0]
    config = LanguageIdentificationConfig(merge={"hbs": ("bos", "hrv", "srp", "cnr")})
    merged = identify_language(batch_of([ENG]), identify, config).to_pylist()[0]
    assert (plain["language"], plain["language_group"]) == ("bos", "hbs_Latn")
    assert (merged["language"], merged["language_group"]) == ("hbs", None)
    assert merged["language_score"] == pytest.approx(0.65)
    assert merged["runner_up_language"] == "slv_Latn"


LINES = [
    f"{ENG[:80]} {word}"
    for word in [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
    ]
]


def voted(
    lines: Sequence[str], rows: Sequence[Sequence[tuple[str, float]]], **options: object
) -> dict[str, Any]:
    config = LanguageIdentificationConfig.model_validate(options)
    (row,) = identify_language(batch_of(["\n".join(lines)]), answering(*rows), config).to_pylist()
    return row


def test_scores_grow_with_passages_that_agree_and_with_nothing_else() -> None:
    one, ten = (
        voted(LINES[:n], [[("zul", 0.45), ("fin", 0.2)]] * n)["language_score"] for n in (1, 10)
    )
    assert one == pytest.approx(0.45)
    assert ten == pytest.approx(0.82, abs=0.01), "logit(0.45) + 1.5 * 1/2 * ln(10)"
    split = (
        [[("zul", 0.45)]] * 3
        + [[("fin", 0.3), ("zul", 0.25)]] * 4
        + [[("swa", 0.3), ("zul", 0.25)]] * 3
    )
    assert voted(LINES, split)["language"] == "und", "three of ten agree"
    repeated = voted(LINES[:1] * 1000, [[("zul", 0.45), ("fin", 0.2)]])
    assert repeated["language_score"] == pytest.approx(0.45), (
        "a line sung a thousand times is one line"
    )
    mixed = voted(LINES, [[("zul", 0.35)]] * 7 + [[("eng", 0.95)]] * 3)
    assert (mixed["language"], mixed["runner_up_language"]) == ("und", "eng_Latn"), (
        "the mean decides the label"
    )
    mixed = voted(LINES, [[("zul", 0.6)]] * 7 + [[("eng", 0.95)]] * 3)
    assert (mixed["language"], mixed["other_language_share"]) == (
        "zul",
        pytest.approx(0.3, abs=0.03),
    )
    assert mixed["language_score"] > 0.8, "letters that are surely English say nothing about Zulu"


def test_what_may_be_the_documents_own_language_is_in_no_other() -> None:
    own, mixed = [[("lue", 0.9)]] * 7, [("eng", 0.95)]
    assert voted(LINES, [*own, *[mixed] * 3])["other_language_share"] == pytest.approx(
        0.3, abs=0.03
    )
    neighbour = [("lun", 0.92), ("lue", 0.07)]
    assert voted(LINES, [*own, *[neighbour] * 3])["other_language_share"] == 0
    doubtful = [("eng", 0.85)]
    assert voted(LINES, [*own, *[doubtful] * 3])["other_language_share"] == 0


def test_near_neighbours_are_sure_together() -> None:
    unclear = [
        [("hrv", 0.35), ("bos", 0.32), ("srp", 0.25)],
        [("bos", 0.36), ("hrv", 0.33), ("srp", 0.25)],
    ] * 5
    row = voted(LINES, unclear)
    assert (row["language"], row["language_group"]) == ("bos", "hbs_Latn"), "the likeliest member"
    assert row["language_score"] < 0.5, "and a score that says how likely"
    row = voted(LINES, unclear, unclear_member="group")
    assert (row["language"], row["language_group"]) == ("hbs", "hbs_Latn")
    assert row["language_score"] > 0.95
    assert row["runner_up_language"] == "bos_Latn"
    assert voted(LINES, unclear, groups=False)["language"] == "und"
    assert voted(LINES, unclear, thresholds={"bos_Latn": 0.9})["language"] == "hbs", (
        "no unclear one past a threshold"
    )
    assert (
        voted(LINES, unclear, thresholds={"bos_Latn": 0.9, "hbs_Latn": 0.999})["language"] == "und"
    )
    clear = voted(LINES, [[("hrv", 0.9), ("bos", 0.05)]] * 10)
    assert (clear["language"], clear["language_group"]) == ("hrv", None)
    apart = voted(LINES, [[("slv", 0.35), ("hrv", 0.3), ("pol", 0.25)]] * 10)
    assert apart["language_group"] is None, "Slovene is no member"
    beaten = voted(LINES, [[("slv", 0.4), ("hrv", 0.3), ("srp", 0.3)]] * 10)
    assert (beaten["language"], beaten["language_group"]) == ("hrv", "hbs_Latn")


DENSE = {
    "Chinese with a date": ("\u6211\u51fa\u751f\u4e8e2023\u5e7412\u670815\u65e5\u3002", "zho"),
    "Chinese with a name": ("\u4ed6\u7684\u82f1\u6587\u540d\u5b57\u53ebHarry Potter", "zho"),
    "Korean with terms": (
        "\uc11c\ubc84 API configuration\uc744 \ubcc0\uacbd\ud558\ub824\uba74 Settings \uba54\ub274\ub97c "
        "\uc5f4\uace0 Network\ub97c \uc120\ud0dd\ud569\ub2c8\ub2e4.",
        "kor",
    ),
    "English with a Chinese name": (
        "The capital of China is called \u5317\u4eac in the language of its people.",
        "eng",
    ),
    "a price and a unit": ("12.5 kg 2023-12-15 $45", "zxx"),
}


@pytest.mark.parametrize(("text", "expected"), DENSE.values(), ids=DENSE.keys())
def test_letters_that_say_more_weigh_more(cascade: Identifier, text: str, expected: str) -> None:
    (row,) = identify_language(batch_of([text]), cascade, DEFAULT).to_pylist()
    assert row["language"] == expected


def test_a_long_line_gives_the_evidence_of_its_sentences(cascade: Identifier) -> None:
    sentences = [f"{EUS} {word}." for word in "mendia basoa itsasoa etxea kalea herria".split()]  # noqa: SIM905
    passages = cut_passages(pa.array([" ".join(sentences)], pa.large_string()), 20_000)
    assert len(passages.texts) > 1
    assert sum(map(len, passages.texts.to_pylist())) >= len(" ".join(sentences)) - len(
        passages.texts
    )
    unspaced = cut_passages(
        pa.array(["".join(map(chr, range(0x4E00, 0x5600)))], pa.large_string()), 20_000
    )
    assert len(unspaced.texts) > 4


def test_candidates_on_request(cascade: Identifier) -> None:
    config = LanguageIdentificationConfig(candidates=True)
    batch = identify_language(batch_of([EUS, "", "12"]), cascade, config)
    assert batch.schema.field(CANDIDATES.name) == CANDIDATES
    first, *rest = batch[CANDIDATES.name].to_pylist()
    assert first[0]["label"] == "eus_Latn"
    assert rest == [[], []]
    again = identify_language(batch, cascade, config)
    assert again.schema.names.count(CANDIDATES.name) == 1


PIECES = st.sampled_from(
    [EUS, ENG, "12 34", "\n", "\x00", "agur", "Привет", "{}[];", "\ufdd0", "", *NOISE.values()]
)


@settings(deadline=None, max_examples=40)  # seven model calls an example
@given(st.lists(st.lists(PIECES, max_size=4).map("\n".join) | st.text(max_size=40), max_size=6))
@pytest.mark.slow
def test_rows_keep_their_order_and_do_not_depend_on_each_other(
    cascade: Identifier, texts: list[str]
) -> None:
    batch = batch_of(texts)
    found = identify_language(batch, cascade, DEFAULT)
    assert found.schema.equals(batch.schema)
    assert found["id"].equals(batch["id"])
    assert found["text"].equals(batch["text"])
    alone = [
        identify_language(batch.slice(i, 1), cascade, DEFAULT).to_pylist()[0]
        for i in range(len(texts))
    ]
    assert found.to_pylist() == alone


# Passages of English, which the fast model alone is not sure of.
MANUAL = [
    "You can use this window to change how the text in the selected cells is shown to readers.",
    "Press the button to open the list of all the documents that were used in the last few days.",
    "If there is no such folder, the program asks whether it should make a new one at that place.",
    "The name of the table is shown in the first line, and its columns are listed below it in order.",
    "To move a picture, hold the key and drag it with the mouse to where it should stand on the page.",
    "Choose whether the numbers are rounded when they are printed.",
]


def asked_about(cascade: Identifier, text: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the passages of a document that the slow models are asked about."""
    assert isinstance(cascade, Cascade)
    asked: list[str] = []
    combine = cascade._combine

    def counting(texts: Sequence[str], *rest: Any) -> Any:
        asked.extend(texts)
        return combine(texts, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(cascade, "_combine", counting)
        identify_language(batch_of([text]), cascade, DEFAULT)
    return asked


def test_slow_models_are_asked_until_the_label_is_decided(
    cascade: Identifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked_about(cascade, "\n".join(MANUAL), monkeypatch)
    assert 0.6 * sum(map(len, MANUAL)) <= sum(map(len, asked)) < sum(map(len, MANUAL))
    assert MANUAL[-1].lower() not in asked, "the longest come first"


def test_what_the_fast_model_takes_for_another_language_is_asked_about(
    cascade: Identifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = MANUAL[-1][::-1]
    assert other.lower() in asked_about(cascade, "\n".join([*MANUAL, other]), monkeypatch)


def test_a_document_of_halves_is_asked_about_as_a_whole(
    cascade: Identifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = [*MANUAL[:2], *(line[::-1] for line in MANUAL[:2])]
    assert len(asked_about(cascade, "\n".join(halves), monkeypatch)) == len(halves)


ANSWERED = st.tuples(
    st.integers(1, 300),  # letters
    st.booleans(),  # voting
    st.integers(-1, 3),  # the language, and its score
    st.floats(0, 1, width=32),
)


@given(st.lists(ANSWERED, min_size=1, max_size=8), st.integers(0, 3))
def test_no_answer_about_the_rest_changes_a_decided_label(
    answers: list[tuple[int, bool, int, float]], other: int
) -> None:
    letters, voting, codes, scores = map(np.asarray, zip(*answers, strict=True))
    scores = np.where(codes >= 0, scores, 0)[:, None]
    count = len(answers)
    one = np.zeros(count, np.int64)
    texts = pa.array([""] * count, pa.large_string())
    passages = Passages(one, texts, ["Latn"] * count, letters, letters, one.astype(bool))
    (decided,), (mean,) = _decided(passages, voting, codes[:, None], scores)
    if decided < 0:
        return
    codes, scores = np.where(voting, codes, other), np.where(voting, scores[:, 0], 1)
    sums = np.bincount(codes + 1, letters * scores, 5)[1:]
    assert sums.argmax() == decided
    own = voting & (codes == decided)
    assert mean == pytest.approx((letters * scores * own).sum() / letters[voting].sum())


def test_passages_of_other_documents_in_the_block_change_nothing(cascade: Identifier) -> None:
    texts = ["\n".join(MANUAL), MANUAL[-1], "\n".join(MANUAL[::-1])]
    together = identify_language(batch_of(texts), cascade, DEFAULT).drop_columns("id")
    alone = [identify_language(batch_of([text]), cascade, DEFAULT) for text in texts]
    assert together.to_pylist() == [one.drop_columns("id").to_pylist()[0] for one in alone]


def test_time_on_a_long_document_does_not_grow_with_it(cascade: Identifier) -> None:
    long = "\n".join([EUS] * 250_000)  # 21 MB
    start = time.process_time()
    (row,) = identify_language(batch_of([long]), cascade, DEFAULT).to_pylist()
    assert row["language"] == "eus"
    assert time.process_time() - start < 10, "reads a sample; without one this takes minutes"
    passages = cut_passages(pa.array([long], pa.large_string()), DEFAULT.max_code_points)
    assert sum(map(len, passages.texts.to_pylist())) <= DEFAULT.max_code_points


def test_the_sample_of_a_long_document_reaches_its_end() -> None:
    text = f"{EUS} " * 200 + "\n" + f"{LANGUAGES['khm'][0]} " * 400
    scripts = cut_passages(pa.array([text], pa.large_string()), 2000).scripts
    assert set(scripts) == {"Latn", "Khmr"}


def test_predict_gives_a_row_a_text(cascade: Identifier) -> None:
    rows = predict_languages([EUS, ENG], cascade, DEFAULT)
    assert [(row["text"], row["language"]) for row in rows] == [(EUS, "eus"), (ENG, "eng")]
    assert rows[0][CANDIDATES.name][0]["label"] == "eus_Latn"


BAD_OPTIONS = {
    "a score above one": ({"min_score": 1.5}, "less than or equal to 1"),
    "a threshold above one": (
        {"thresholds": {"eus_Latn": 2}},
        r"threshold of eus_Latn must be in \[0, 1\], got 2",
    ),
    "a threshold of a language without script": (
        {"thresholds": {"eus": 0.5}},
        "language must look like uzb_Cyrl",
    ),
    "three wrong thresholds at once": (
        {"thresholds": {"eu": 0.5, "kaz_Cyrl": 0.4, "foo": 0.1, "eus_Latn": 2}},
        r"got 'eu'; did you mean eus_Latn\n.*got 'foo'\nthreshold of eus_Latn must be in \[0, 1\]",
    ),
    "a merged name": ({"merge": {"serbo-croatian": ("srp",)}}, "language must look like uzb_Cyrl"),
    "an unknown option": ({"threshold": 0.5}, "Extra inputs are not permitted"),
}


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS.values(), ids=BAD_OPTIONS.keys())
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LanguageIdentificationConfig.model_validate(options)


def test_missing_columns_are_named(cascade: Identifier) -> None:
    with pytest.raises(SchemaError, match="'text' is missing"):
        identify_language(batch_of([EUS]).drop_columns(["text"]), cascade, DEFAULT)


LABELS = {
    "GlotLID, Northern Uzbek": ("__label__uzn_Cyrl", None, ("uzb", "Cyrl")),
    "GlotLID, Standard Arabic": ("__label__arb_Arab", None, ("ara", "Arab")),
    "GlotLID, Egyptian Arabic is no Standard Arabic": ("__label__arz_Arab", None, ("arz", "Arab")),
    "GlotLID, Mandarin": ("__label__cmn_Hani", None, ("zho", "Hani")),
    "OpenLID, Cantonese is not Mandarin": ("__label__yue_Hant", None, ("yue", "Hant")),
    "OpenLID, Central Kurdish is not Kurmanji": ("__label__ckb_Arab", None, ("ckb", "Arab")),
    "two letters": ("__label__eu", None, ("eus", None)),
    "Norwegian is Bokm\u00e5l": ("no", None, ("nob", None)),
    "Nynorsk is not": ("nn", None, ("nno", None)),
    "Tagalog is Filipino": ("tl", None, ("fil", None)),
    "retired Hebrew": ("iw", None, ("heb", None)),
    "als is Tosk Albanian": ("__label__als_Latn", None, ("sqi", "Latn")),
    "lid.176: als is Alemannic": ("__label__als", LID_176_CODES, ("gsw", None)),
    "lid.176: eml": ("__label__eml", LID_176_CODES, ("egl", None)),
    "lid.176: bh": ("__label__bh", LID_176_CODES, ("bho", None)),
    "lid.176: sh": ("__label__sh", LID_176_CODES, ("hbs", None)),
    "CLD2: ChineseT": ("zh-Hant", CLD2_CODES, ("zho", "Hant")),
    "CLD2: Montenegrin": ("sr-ME", CLD2_CODES, ("cnr", None)),
    "CLD2: unknown": ("un", CLD2_CODES, ("und", None)),
    "noise": ("__label__zxx_Zyyy", None, ("zxx", "Zyyy")),
    "no language": ("__label__../../etc", None, ("und", None)),
}


@pytest.mark.parametrize(("label", "codes", "expected"), LABELS.values(), ids=LABELS.keys())
def test_read_label(
    label: str, codes: dict[str, str] | None, expected: tuple[str, str | None]
) -> None:
    assert read_label(label, codes) == expected


def test_scripts_of_several_languages_have_no_shortcut() -> None:
    assert {"Thaa", "Cher", "Olck"} <= ONE_LANGUAGE_SCRIPTS.keys()
    shared = {
        "Geor": "kat, xmf",
        "Tibt": "bod, dzo",
        "Ethi": "amh, tir",
        "Hebr": "heb, yid",
        "Cans": "iku, cre",
    }
    assert not shared.keys() & ONE_LANGUAGE_SCRIPTS.keys()


ANSWERS = Answers(frozenset({"eus", "tah", "mri"}), frozenset({"eus_Latn", "tah_Latn", "mri_Latn"}))
DECLARED = {
    "a language that the model does not know": ("shi_Latn", {}, ("shi", None)),
    "one that is among its best": ("tah", {}, ("tah", None)),
    "one that it knows and did not think of": ("eu", {}, ("und", 0.4)),
    "another script": ("shi_Tfng", {}, ("und", 0.4)),
    "no language": ("klingon", {}, ("und", 0.4)),
    "nothing": (None, {}, ("und", 0.4)),
    "merged": ("shi_Latn", {"merge": {"tzm": ("shi",)}}, ("tzm", None)),
    "only on request": ("shi_Latn", {"declared": "ignore"}, ("und", 0.4)),
    "no sure language is overruled": ("shi_Latn", {"min_score": 0.3}, ("mri", 0.4)),
}


@pytest.mark.parametrize(
    ("declared", "options", "expected"), DECLARED.values(), ids=DECLARED.keys()
)
def test_declared_languages(
    declared: str | None, options: dict[str, Any], expected: tuple[str, float | None]
) -> None:
    batch = batch_of(["te mau mea atoa o te fenua nei"])
    batch = batch.append_column(
        DOCUMENT.field("declared_language"), pa.array([declared], pa.string())
    )
    config = LanguageIdentificationConfig(**{"declared": "where_unknown", **options})
    (row,) = identify_language(
        batch, answering([("mri", 0.4), ("tah", 0.2)]), config, ANSWERS
    ).to_pylist()
    assert row["language"] == expected[0]
    assert row["language_score"] == (pytest.approx(expected[1]) if expected[1] else None)


def test_declared_languages_say_nothing_of_texts_without_language(cascade: Identifier) -> None:
    batch = batch_of(["12.5 kg 2023-12-15 $45"])
    batch = batch.append_column(DOCUMENT.field("declared_language"), pa.array(["shi_Latn"]))
    (row,) = identify_language(
        batch, cascade, LanguageIdentificationConfig(declared="where_unknown")
    ).to_pylist()
    assert row["language"] == "zxx"


# Short documents, as news begins: the best label of each was right before, and `und` was published.
SHORT = {
    "hrv": "Vlada je danas usvojila nove mjere pomoći za obitelji s djecom.",
    "bos": "Općinsko vijeće je juče usvojilo budžet za narednu godinu, a pomoć će dobiti i porodice s djecom.",
    "bem": "Abantu abengi balesanga ulupwalala lwa kuti batwale abana ku sukulu.",
    "zul": "UMongameli uthe uhulumeni uzokwakha izindlu ezintsha kulo nyaka.",
    "xho": "UMongameli uthe urhulumente uza kwakha izindlu ezintsha kulo nyaka.",
    "ful": "Laamu nguu hollitii wonde yimɓe heewɓe njiyaama e nder wuro ngoo hanki.",
    "mya": "ယနေ့ နံနက်တွင် ကျောင်းသားများ စာအုပ်အသစ်များ ရရှိခဲ့ကြသည်။",
    "ara": "أعلنت الحكومة اليوم عن خطة جديدة لدعم الأسر الفقيرة في البلاد.",
    "hin": "सरकार ने आज गरीब परिवारों के लिए एक नई योजना की घोषणा की है।",
}


@pytest.mark.parametrize(("language", "text"), SHORT.items(), ids=SHORT.keys())
def test_one_sentence_is_not_lost(cascade: Identifier, language: str, text: str) -> None:
    (row,) = identify_language(batch_of([text]), cascade, DEFAULT).to_pylist()
    group = {"hrv": "hbs_Latn", "bos": "hbs_Latn", "zul": "qng_Latn", "xho": "qng_Latn"}.get(
        language
    )
    assert row["language"] == language or (group and row["language_group"] == group)


def test_letters_of_a_script_that_no_model_knows_are_no_noise(cascade: Identifier) -> None:
    (row,) = identify_language(batch_of(["𑀲𑀩𑁆𑀩𑁂 𑀲𑀢𑁆𑀢𑀸 𑀪𑀯𑀦𑁆𑀢𑀼 𑀲𑀼𑀔𑀺𑀢𑀢𑁆𑀢𑀸"]), cascade, DEFAULT).to_pylist()
    assert (row["language"], row["script"]) == ("und", "Brah")


ONE_MODEL_ALONE = {
    "Dutch that CLD2 takes for Afrikaans": (
        "Een naald waaromheen de hemel draait, zo wordt de poolster vaak gezien.",
        "nld_Latn",
    ),
    "Dutch of a manual": (
        "In een venster met tabbladen naar het tabblad links of rechts gaan.",
        "nld_Latn",
    ),
    "Afrikaans stays": (
        "Die poolster word gesien as 'n naald waarom die hemel draai.",
        "afr_Latn",
    ),
}


@pytest.mark.parametrize(("text", "label"), ONE_MODEL_ALONE.values(), ids=ONE_MODEL_ALONE.keys())
def test_what_one_model_is_nearly_sure_of_the_others_are_asked_too(
    cascade: Identifier, text: str, label: str
) -> None:
    (row,) = predict_languages([text], cascade, DEFAULT)
    assert f"{row['language']}_{row['script']}" == label


@pytest.mark.parametrize(
    "text", ["5 kg 3 m 2 cm 10 ml 4 l 7 km/h", "12 km, 4 h 30 min, 850 m, 8 kg"]
)
def test_units_are_in_no_language(cascade: Identifier, text: str) -> None:
    (row,) = predict_languages([text], cascade, DEFAULT)
    assert row["language"] in ("und", "zxx")
