"""Texts of packages are read as their formats say, and what is not a translation is left out."""

from __future__ import annotations

import io
import struct
import zipfile

import polars as pl
import pytest

from stages.language_identification.answers import embedded_answers
from stages.language_identification.package_texts import (
    LEAST_SPEAKERS,
    clean,
    fluent_messages,
    is_written,
    locale_language,
    plain,
    read_mo,
    sample,
    speakers,
)

MESSAGES = {
    "": "Content-Type: text/plain",
    "File\0Files": "Fitxategia\0Fitxategiak",
    "menu\x04Open": "Ireki",
}


def catalogue(messages: dict[str, str], order: str) -> bytes:
    """Write a gettext catalogue by its manual: header, two tables of (length, offset), strings
    ending in NUL."""
    texts = [text.encode() for text in (*messages, *messages.values())]
    offset, table, data = 28 + 16 * len(messages), b"", b""
    for text in texts:
        table += struct.pack(f"{order}2I", len(text), offset + len(data))
        data += text + b"\0"
    count = len(messages)
    return struct.pack(f"{order}7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 0) + table + data


@pytest.mark.parametrize("order", ["<", ">"])
def test_catalogues_of_both_byte_orders(order: str) -> None:
    found = list(read_mo(catalogue(MESSAGES, order)))
    assert found == [("File", "Fitxategia"), ("File", "Fitxategiak"), ("Open", "Ireki")]


def test_no_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match="not a gettext catalogue"):
        list(read_mo(b"GIF89a" + bytes(40)))


FLUENT = {
    "a message": ("new-tab = Fitxa berria", ["Fitxa berria"]),
    "its attributes, and no text of its own": (
        "move-left =\n    .label = Mugitu ezkerrera\n    .accesskey = M",
        ["Mugitu ezkerrera", "M"],
    ),
    "an attribute of another name": ("-menu =\n\n  .title=Menua", ["Menua"]),
    "a text on the next line": (
        "hint =\n    Sakatu hemen\nend = Amaiera",
        ["Sakatu hemen", "Amaiera"],
    ),
    "a next line that begins with a dot": ("file =\n    .txt luzapena", [".txt luzapena"]),
    "a dot and an equals sign in a sentence": (
        "code = Idatzi .label = hitza, edo a.b = c",
        ["Idatzi .label = hitza, edo a.b = c"],
    ),
    "forms of a selector are no attributes": (
        "tabs =\n    { $count ->\n        [one] Fitxa bat\n       *[other] Fitxak\n    }",
        ["{ $count ->"],
    ),
    "windows' ends of lines": ("a =\r\n    .label = Bat\r\nb = Bi\r\n", ["Bat", "Bi"]),
}


@pytest.mark.parametrize(("content", "expected"), FLUENT.values(), ids=FLUENT.keys())
def test_messages_of_fluent(content: str, expected: list[str]) -> None:
    assert [text.strip() for text in messages_of("browser/menu.ftl", content)] == expected


def test_an_empty_property_does_not_take_the_next_one() -> None:
    found = messages_of("browser/menu.properties", "empty=\nnext=Hurrengoa\n")
    assert found == ["Hurrengoa"]


def messages_of(name: str, content: str) -> list[str]:
    """Read the messages of a language pack with one file."""
    pack = io.BytesIO()
    with zipfile.ZipFile(pack, "w") as archive:
        archive.writestr(name, content)
    return [text for _, text in fluent_messages(pack.getvalue())]


PLAIN = {
    "Qt's and GTK's keyboard marks": (
        "&Gorde fitxategia _beste izen batekin",
        "Gorde fitxategia beste izen batekin",
    ),
    "a mark within a word": ("Go~rde", "Gorde"),
    "placeholders": ("%s fitxategi {0} eta %(count)d $1", "fitxategi eta"),
    "tags": ("Sakatu <b>Gorde</b> orain", "Sakatu Gorde orain"),
    "a percentage stays": ("% 50 baino gehiago", "% 50 baino gehiago"),
}


@pytest.mark.parametrize(("text", "expected"), PLAIN.values(), ids=PLAIN.keys())
def test_plain(text: str, expected: str) -> None:
    assert plain(pl.Series("text", [text])).to_list() == [expected]


LOCALES: dict[str, str | None] = {
    "sr@latin": "srp",
    "pt_BR": "por",
    "zh-hans": "zho",
    "ff": "ful",
    "nr": "nbl",
    "ku_IQ": "ckb",
    "tlh": None,
}
# MediaWiki's Alemannic, the Declaration's Tosk Albanian
LOCALES |= {
    "als": "gsw",
    "iso639:als": "sqi",
}
# What gflanguages has as Hmong is Miao of China.
LOCALES |= {
    "iso639:hmn_Latn": None,
    "iso639:hms": None,
    "iso639:hea": "hea",
    "hmn": "hmn",
}


@pytest.mark.parametrize(("locale", "language"), LOCALES.items())
def test_locales(locale: str, language: str | None) -> None:
    assert locale_language(locale) == language


WRITTEN = {
    "Korean in Hangul": ("kor_Kore", True),
    "Korean in Latin script": ("kor_Latn", False),
    "Tigrinya in Latin script": ("tir_Latn", False),
    "Chinese, its variants one script": ("zho_Hans", True),
    "Uzbek in its older script": ("uzb_Cyrl", True),
    "Karakalpak in its newer script": ("kaa_Latn", True),
    "a variety, after its macrolanguage": ("ojs_Cans", True),
    "a language of no table": ("aak_Latn", True),
}


@pytest.mark.parametrize(("label", "written"), WRITTEN.values(), ids=WRITTEN.keys())
def test_scripts_that_languages_are_written_in(label: str, written: bool) -> None:
    assert is_written(label) is written


def test_no_answer_of_the_default_is_in_a_script_that_its_language_is_not_written_in() -> None:
    shipped = embedded_answers().labels
    assert [label for label in sorted(shipped) if not is_written(label)] == []


EUS = "Gaur goizean lagunekin mendira joan naiz eta ibilaldi luzea egin dugu basoan"
ENG = "This morning the files of all users were copied to another folder on the disk"
UZB = "Бугун биз бозорга бориб, уйимиз учун янги нон ва мева-сабзавотлар сотиб олдик"


def test_what_is_not_a_translation_is_left_out() -> None:
    rows = [
        ("a", "a-x", "en", ENG, ""),
        ("a", "a-x", "eu", EUS, "something"),
        ("a", "a-x", "eu", ENG, "else"),  # English still
        ("a", "a-x", "eu", f"{ENG} bat", ""),  # mostly of English words
        ("a", "a-x", "eu", "Gorde", ""),  # short
        *(
            (
                "b",
                "b-x",
                "uz",
                f"Bugun biz bozorga borib, uyimiz uchun yangi non sotib oldik va {n}-uyga",
                "",
            )
            for n in range(30)
        ),
        ("b", "b-x", "uz", UZB, ""),  # a thirtieth of this source
        ("c", "c-x", "uz", f"{UZB} яна", ""),  # and all of that one
    ]
    found = clean(
        pl.DataFrame(rows, schema=["source", "kind", "locale", "text", "english"], orient="row")
    )
    kept = {(row["label"], row["source"]) for row in found.to_dicts()}
    assert kept == {("eng_Latn", "a"), ("eus_Latn", "a"), ("uzb_Latn", "b"), ("uzb_Cyrl", "c")}
    assert found.filter(pl.col("label") == "eus_Latn")["text"].to_list() == [EUS.lower()]


def test_a_sample_takes_turns_and_weighs_by_size() -> None:
    rows = [
        (f"{source} {n}", "eus_Latn", source, source)
        for source, count in (("a", 90), ("b", 10))
        for n in range(count)
    ]
    rows += [(f"c {n}", "hau_Latn", "c", "c") for n in range(4)]
    frame = pl.DataFrame(rows, schema=["text", "label", "source", "kind"], orient="row")
    chosen = sample(frame, 20)
    assert chosen.frame.filter(pl.col("label") == "eus_Latn")["source"].value_counts(sort=True)[
        "count"
    ].to_list() == [
        10,
        10,
    ]
    weighed = chosen.frame.with_columns(w=pl.Series(chosen.weights(0.5)))
    sums = dict(
        zip(*weighed.group_by("label", maintain_order=True).agg(pl.col("w").sum()), strict=True)
    )
    users = speakers()
    size = {
        label: count * (users[label] + LEAST_SPEAKERS)
        for label, count in (("eus_Latn", 100), ("hau_Latn", 4))
    }
    assert sums["eus_Latn"] / sums["hau_Latn"] == pytest.approx(
        (size["eus_Latn"] / size["hau_Latn"]) ** 0.5
    )
    assert chosen.weights(None).tolist() == [1.0] * 24


def test_speakers_are_known_of_labels_and_at_least_guessed() -> None:
    users = speakers()
    assert users["hau_Latn"] > 10 * users["eus_Latn"] > 10 * users["fao_Latn"] > 0
    assert users["uzb_Cyrl"] != users["uzb_Latn"]
