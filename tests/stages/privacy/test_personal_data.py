"""Personal data is found in ten scripts and their digits, and other numbers stay."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines.phases.ingest import open_block
from schemas.language import parse_label
from stages.batches import Changed, Filtered
from stages.privacy.detectors import NATIONAL
from stages.privacy.options import PersonalDataConfig
from stages.privacy.personal_data import personal_data
from tests.stages.privacy.privacy_samples import (
    BARE,
    LOCAL,
    NATIVE,
    NONE,
    PLANTED,
    SENTENCES,
    native,
)


def block(texts: list[str], labels: list[str]) -> pa.RecordBatch:
    parsed = [parse_label(label) for label in labels]
    given = pa.RecordBatch.from_arrays(
        [
            pa.array([str(number) for number in range(len(texts))]),
            pa.array(texts, pa.large_string()),
            pa.array([label.language for label in parsed]),
            pa.array([label.script for label in parsed]),
        ],
        names=["id", "text", "language", "script"],
    )
    return open_block(given)


def replaced(texts: list[str], labels: list[str], **options: object) -> list[str]:
    done = personal_data(block(texts, labels), PersonalDataConfig.model_validate(options))
    assert isinstance(done, Changed)
    return list(done.batch["text"].to_pylist())


@pytest.mark.parametrize("label", SENTENCES)
def test_planted_data_is_replaced_and_nothing_else(label: str) -> None:
    planted = [(kind, data) for kind, some in PLANTED.items() for data in some]
    if zero := NATIVE.get(label):
        planted += [
            (kind, native(data, zero))
            for kind, data in planted
            if kind in ("phone", "payment_card")
        ]
    texts = [SENTENCES[label].format(data) for _, data in planted]
    wanted = [SENTENCES[label].format(f"<{kind.upper()}>") for kind, _ in planted]
    assert replaced(texts, [label] * len(texts)) == wanted


FORMS = {
    "an IBAN with no-break spaces": (
        "deu_Latn",
        "Konto {} bis",
        "iban",
        "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000",
    ),
    "an IBAN in small letters": ("deu_Latn", "Konto {} bis", "iban", "de89370400440532013000"),
    "an IBAN in small letters and groups": (
        "deu_Latn",
        "Konto {}, bis",
        "iban",
        "de89 3704 0044 0532 0130 00",
    ),
    "an IBAN with hyphens": ("deu_Latn", "Konto {}.", "iban", "DE89-3704-0044-0532-0130-00"),
    "an address with vowel signs": (
        "hin_Deva",
        "\u092e\u0947\u0930\u093e \u092a\u0924\u093e {} \u0939\u0948",
        "email",
        "\u0930\u093e\u092e@\u0909\u0926\u093e\u0939\u0930\u0923.\u092d\u093e\u0930\u0924",
    ),
    "a full-width address": (
        "jpn_Jpan",
        "\u306f{}\u3067\u3059\u3002",
        "email",
        "\uff54\uff41\uff52\uff4f\uff20\uff45\uff58\uff0e\uff43\uff4f",
    ),
    "a full-width phone number": (
        "jpn_Jpan",
        "\u306f{}\u3067\u3059\u3002",
        "phone",
        "\uff10\uff13\uff0d\uff11\uff12\uff13\uff14\uff0d\uff15\uff16\uff17\uff18",
    ),
    "small numbers after a word for an address": (
        "eng_Latn",
        "The IP {} is slow",
        "ip_address",
        "5.6.7.8",
    ),
    "small numbers with a port": ("eng_Latn", "at {}:8080 now", "ip_address", "5.6.7.8"),
    "a well-known address": ("eng_Latn", "ask {} first", "ip_address", "8.8.4.4"),
    "a trunk call in other groups": (
        "arb_Arab",
        "\u0627\u062a\u0635\u0644 {} \u0627\u0644\u064a\u0648\u0645",
        "phone",
        native("010 0123 4567", 0x660),
    ),
    "an IBAN in the digits of its text": (
        "arb_Arab",
        "\u0627\u0644\u062d\u0633\u0627\u0628 {} \u0627\u0644\u064a\u0648\u0645",
        "iban",
        native("SA03 8000 0000 6080 1016 7519", 0x660),
    ),
    "an IBAN that is in no registry": (
        "pes_Arab",
        "\u062d\u0633\u0627\u0628 {} \u0627\u0633\u062a",
        "iban",
        native("IR580540105180021273113007", 0x6F0),
    ),
    "ten digits with a date of birth": (
        "swe_Latn",
        "Nummer {} finns",
        "national_id",
        "880320-0016",
    ),
    "six digits among letters": ("spa_Latn", "CURP: {}.", "national_id", "BOXW310820HNERXN09"),
    "a phone number in Italian": ("ita_Latn", "Chiama {} oggi", "phone", "02 7602 1234"),
    "large numbers": ("eng_Latn", "LibreOffice at {} is slow", "ip_address", "93.184.216.34"),
}


@pytest.mark.parametrize(("label", "sentence", "kind", "data"), FORMS.values(), ids=FORMS.keys())
def test_other_forms_are_found(label: str, sentence: str, kind: str, data: str) -> None:
    assert replaced([sentence.format(data)], [label]) == [sentence.format(f"<{kind.upper()}>")]


OTHERS = {
    "a number with a zero, too short": ("arb_Arab", "010 0123"),
    "a date range": ("swe_Latn", "01-02-1998 - 03-04-2005"),
    "ten digits without a date": ("swe_Latn", "993120-1234"),
    "ten digits with a date and a wrong check digit": ("ces_Latn", "710319/2746"),
    "a wrong sum in a country that is in no registry": ("pes_Arab", "IR580540105180021273113008"),
    "a decimal number whose digits are a phone number": ("eng_Latn", "0.2309714048"),
    "a part number": ("spa_Latn", "BOXW310820KNERXN09"),
}


@pytest.mark.parametrize(("label", "text"), OTHERS.values(), ids=OTHERS.keys())
def test_others_stay(label: str, text: str) -> None:
    assert replaced([f"- {text} -"], [label]) == [f"- {text} -"]


@pytest.mark.parametrize(("label", "told", "untold", "number"), [(k, *v) for k, v in BARE.items()])
def test_a_run_of_digits_is_a_phone_number_where_a_word_says_so(
    label: str, told: str, untold: str, number: str
) -> None:
    forms = [number] + ([native(number, NATIVE[label])] if label in NATIVE else [])
    wanted = [told.format("<PHONE>")] * len(forms) + [untold.format(form) for form in forms]
    texts = [told.format(form) for form in forms] + [untold.format(form) for form in forms]
    assert replaced(texts, [label] * len(texts)) == wanted


NO_PHONES = {
    "a sum in four groups": ("pol_Latn", "razem 7 912 382 860 osób"),
    "a sum with dots": ("spa_Latn", "unos 943.015.800 habitantes"),
    "an amount of money": ("spa_Latn", "cuesta 943 015 800 \u20ac"),
    "years": ("nob_Latn", "i 1998-2004 var"),
    "a date": ("nob_Latn", "den 22.07.1988 var"),
    "a decimal number": ("nob_Latn", "ved 30.165336 grader"),
    "a book number": ("deu_Latn", "ISBN 0306406152, Berlin"),
    "a number of a periodical": ("nob_Latn", "i 2049-3630 er"),
    "numbers of one size in a row": ("nob_Latn", "55 57 16 13 54 og"),
    "a number of a case": ("spa_Latn", "el caso 943298/2016 fue"),
}


@pytest.mark.parametrize(("label", "text"), NO_PHONES.values(), ids=NO_PHONES.keys())
def test_numbers_in_other_forms_are_no_phone_numbers(label: str, text: str) -> None:
    assert replaced([text], [label]) == [text]


# Words that begin as one for calling does, or of which it is a part, and say something else.
NEIGHBOURS = {
    "dei: of the, not a call": ("ita_Latn", "il numero dei {} soci", "3123456789", "deia {}"),
    "mobility": ("fra_Latn", "la mobilit\u00e9 {} est", "612345678", "mobile {}"),
    "in connection with": (
        "rus_Cyrl",
        "\u0432 \u0441\u0432\u044f\u0437\u0438 \u0441 {}",
        "4951234567",
        "\u0441\u0432\u044f\u0436\u0438\u0442\u0435\u0441\u044c: {}",
    ),
    "is called, in Tamil": (
        "tam_Taml",
        "{} \u0b85\u0bb4\u0bc8\u0b95\u0bcd\u0b95\u0baa\u0bcd\u0baa\u0b9f\u0bc1\u0bae\u0bcd",
        "9876543210",
        "{} \u0b85\u0bb4\u0bc8\u0b95\u0bcd\u0b95\u0bb5\u0bc1\u0bae\u0bcd",
    ),
    "a college, in Urdu": (
        "urd_Arab",
        "\u06a9\u0627\u0644\u062c {}",
        "9876543210",
        "\u06a9\u0627\u0644 \u06a9\u0631\u06cc\u06ba {}",
    ),
    "together with": (
        "pes_Arab",
        "\u0647\u0645\u0631\u0627\u0647 \u0628\u0627 {}",
        "9123456789",
        "\u0634\u0645\u0627\u0631\u0647 \u0647\u0645\u0631\u0627\u0647 {}",
    ),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_words_that_resemble_those_for_calls_tell_nothing(name: str) -> None:
    label, other, number, told = NEIGHBOURS[name]
    assert replaced([other.format(number), told.format(number)], [label] * 2) == [
        other.format(number),
        told.format("<PHONE>"),
    ]


STILL_PHONES = {
    "groups of the country": ("spa_Latn", "es el {} de aqu\u00ed", "943 015 800"),
    "a trunk prefix in one run": ("ind_Latn", "nomor {} itu", "081234567890"),
    "dots where a word tells": ("spa_Latn", "Tel. {}", "943.015.800"),
    "no-break spaces where a word tells": ("pol_Latn", "tel. {}", "501\u00a0234\u00a0567"),
    "an icon": ("spa_Latn", "\u260e {}", "943015800"),
    "a word in the line above": ("spa_Latn", "Tel\u00e9fono:\n{}", "943015800"),
}


@pytest.mark.parametrize(
    ("label", "sentence", "data"), STILL_PHONES.values(), ids=STILL_PHONES.keys()
)
def test_phone_numbers_in_their_forms_are_found(label: str, sentence: str, data: str) -> None:
    assert replaced([sentence.format(data)], [label]) == [sentence.format("<PHONE>")]


# Numbers whose only rule is one check digit: language, a number on its card, a sentence with a word
# for it, one without.
IDS = {
    "Aadhaar": (
        "hin_Deva",
        "8128 0619 2057",
        "\u0906\u0927\u093e\u0930: {}",
        "\u0911\u0930\u094d\u0921\u0930 {}",
    ),
    "Aadhaar in Tamil": (
        "tam_Taml",
        "5384-9163-6205",
        "\u0b86\u0ba4\u0bbe\u0bb0\u0bcd \u0b8e\u0ba3\u0bcd {}",
        "\u0b8e\u0ba3\u0bcd {}",
    ),
    "Thailand": (
        "tha_Thai",
        "1-6269-98726-22-1",
        "\u0e1a\u0e31\u0e15\u0e23\u0e1b\u0e23\u0e30\u0e0a\u0e32\u0e0a\u0e19{}",
        "\u0e23\u0e2b\u0e31\u0e2a{}",
    ),
    "Croatia": ("hrv_Latn", None, "OIB {}", "Narud\u017eba {}"),
    "Dominican Republic": ("spa_Latn", "532-0906921-9", "C\u00e9dula: {}", "El pedido {}"),
    "Cuba": ("spa_Latn", None, "carn\u00e9 de identidad {}", "El pedido {}"),
}
RUNS = {"Croatia": "97734526650", "Cuba": "84051334729"}
REGIONS = {"Dominican Republic": ["DO"], "Cuba": ["CU"]}


@pytest.mark.parametrize("country", IDS)
def test_an_id_with_one_check_digit_is_believed_in_the_form_of_its_card_or_by_a_word(
    country: str,
) -> None:
    label, card, told, untold = IDS[country]
    run = RUNS.get(country) or re.sub(r"\D", "", card or "")
    forms = [run] + ([native(run, NATIVE[label])] if label in NATIVE else [])
    texts = [told.format(form) for form in forms] + [untold.format(form) for form in forms]
    wanted = [told.format("<NATIONAL_ID>")] * len(forms) + texts[len(forms) :]
    if card:
        texts.append(untold.format(card))
        wanted.append(untold.format("<NATIONAL_ID>"))
    regions = {"regions": REGIONS[country]} if country in REGIONS else {}
    assert replaced(texts, [label] * len(texts), kinds=["national_id"], **regions) == wanted


def test_an_id_of_a_place_that_is_in_no_list_is_one() -> None:
    assert replaced(["\u53f7 330113194912310020"], ["zho_Hans"]) == ["\u53f7 <NATIONAL_ID>"]
    assert replaced(["\u53f7 330113194913310020"], ["zho_Hans"]) == ["\u53f7 330113194913310020"]


@pytest.mark.parametrize("region", sorted(NATIONAL))
def test_random_runs_are_seldom_ids(region: str) -> None:
    """2.2 % of runs obey the rule of Poland, those of all others less."""
    numbers = np.random.default_rng(1).integers(0, 10, (600, 18)).astype(str)
    runs = ["".join(row[: 9 + place % 10]) for place, row in enumerate(numbers)]
    texts = replaced(["\n".join(runs)], ["und_Latn"], regions=[region], kinds=["national_id"])
    assert texts[0].count("<NATIONAL_ID>") <= 6


def test_a_word_in_another_line_tells_nothing() -> None:
    text = "Tel\u00e9fono: no hay\nEl pedido 943015800 sali\u00f3"
    assert replaced([text], ["spa_Latn"]) == [text]


VERSIONS = [
    "The bug is in LibreOffice 7.4.7.2 and others",
    "fixed in version 93.184.216.34 of it",
    "\u0432\u0435\u0440\u0441\u0438\u044f 93.184.216.34",
    "\u7248\u672c 93.184.216.34",
    "in12 3456 7890 1234 5678 lines",
]


@pytest.mark.parametrize("text", VERSIONS)
def test_versions_are_no_addresses(text: str) -> None:
    assert replaced([text], ["eng_Latn"]) == [text]


BESIDE = ["{} 3", "{} 24", "{} 2024", "7 {}", "{} 10:00", "{} {}", "{}, 12", "{} (2)", "{}\n5"]


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("label", ["eus_Latn", "arb_Arab", "tha_Thai"])
def test_numbers_beside_do_not_hide_personal_data(label: str, beside: str) -> None:
    planted = [
        (kind, data) for kind, some in PLANTED.items() if kind != "ip_address" for data in some
    ]
    if zero := NATIVE.get(label):
        planted = [
            (kind, native(data, zero))
            for kind, data in planted
            if kind in ("phone", "payment_card")
        ]
    texts = [SENTENCES[label].format(f" {beside.replace('{}', data)} ") for _, data in planted]
    wanted = [
        SENTENCES[label].format(f" {beside.replace('{}', f'<{kind.upper()}>')} ")
        for kind, _ in planted
    ]
    assert replaced(texts, [label] * len(texts)) == wanted


TABLES = [
    "943 015 800 125 300 210",
    "+922 337 203 685 477,5807",
    "1 943 015 800 125 300 210 77 12",
    "2024 12 31 943 015 800 125",
    "12 34 56 78 90 12 34 56 78 90",
]


@pytest.mark.parametrize("text", TABLES)
def test_tables_of_numbers_stay(text: str) -> None:
    assert replaced([text], ["eus_Latn"]) == [text]


@pytest.mark.parametrize("label", SENTENCES)
def test_other_numbers_stay(label: str) -> None:
    given = NONE + [native(text, NATIVE[label]) for text in NONE if label in NATIVE]
    texts = [SENTENCES[label].format(f" {text} ") for text in given]
    assert replaced(texts, [label] * len(texts)) == texts


@pytest.mark.parametrize(
    ("label", "kind", "data"), [(label, *each) for label, some in LOCAL.items() for each in some]
)
def test_local_numbers_are_known_by_the_language_alone(label: str, kind: str, data: str) -> None:
    text = f"x {data} x"
    assert replaced([text], [label]) == [f"x <{kind.upper()}> x"]
    assert replaced([text], ["isl_Latn"]) == [text], "not in Icelandic"


def test_counts_by_kind_and_language() -> None:
    texts = ["a@example.org b@example.org", "nothing", "c@example.org 8.8.8.8"]
    done = personal_data(block(texts, ["eus_Latn", "eus_Latn", "mlt_Latn"]), PersonalDataConfig())
    assert isinstance(done, Changed)
    rows = [
        (row["rule"], row["language"], row["documents"], row["code_points"])
        for row in done.changes.to_pylist()
    ]
    assert rows == [("email", "eus", 1, 26), ("email", "mlt", 1, 13), ("ip_address", "mlt", 1, 7)]


def test_documents_can_be_dropped_with_how_many_they_hold() -> None:
    done = personal_data(
        block(["a@example.org b@example.org", "nothing"], ["eus_Latn"] * 2),
        PersonalDataConfig(mode="drop"),
    )
    assert isinstance(done, Filtered)
    assert done.kept["id"].to_pylist() == ["1"]
    assert [(row["reason"], row["value"]) for row in done.rejected.to_pylist()] == [
        ("personal_data", 2.0)
    ]


def test_kinds_token_and_regions_are_the_recipes() -> None:
    text, marked = "a@example.org 8.8.8.8 943 015 800", {"token": "[{kind}]"}
    assert replaced([text], ["isl_Latn"], kinds=["email"], **marked) == [
        "[EMAIL] 8.8.8.8 943 015 800"
    ]
    assert replaced([text], ["isl_Latn"], regions=["ES"], token="") == ["  "]
    with pytest.raises(ValidationError, match="kinds"):
        PersonalDataConfig.model_validate({"kinds": ["name"]})


HOSTILE = (
    "",
    "@" * 100_000,
    "1" * 100_000,
    "1 " * 50_000,
    "a:" * 50_000,
    "A1" * 50_000,
    "\n\x00\n@",
    "(" * 50_000,
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.slow
def test_bad_input_stays_as_it_is(text: str) -> None:
    assert replaced([text, "a@example.org"], ["eus_Latn"] * 2) == [text, "<EMAIL>"]


@pytest.mark.parametrize("region", sorted(NATIONAL))
def test_numbers_of_each_country_can_be_checked(region: str) -> None:
    text = "x 12345678901234 x"
    assert replaced([text], ["und_Latn"], regions=[region], kinds=["national_id"]) == [text]
