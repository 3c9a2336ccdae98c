"""Page encodings: what a page is declared to be, where a declaration counts, and what is read
without one."""

from __future__ import annotations

import codecs

import gflanguages
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.reading.page_encoding import codec_of_label, declared_codec, decode_page

LANGUAGE_SAMPLES = gflanguages.LoadLanguages()


def sample(key: str, codec: str) -> str:
    """A passage of the Universal Declaration, less what the codec cannot write."""
    texts = LANGUAGE_SAMPLES[key].sample_text
    text = " ".join(
        (
            texts.specimen_48,
            texts.specimen_36,
            texts.specimen_32,
            texts.specimen_21,
            texts.specimen_16,
        )
    )
    return text.encode(codec, errors="ignore").decode(codec)


KAZAKHSTAN = (("kz1048", "kz-1048"), ("ptcp154", "ptcp154"))
# Language, its codec in Python, the label a page would use.
ENCODINGS = (
    ("ru_Cyrl", "cp1251", "windows-1251"),
    ("ru_Cyrl", "koi8-r", "koi8-r"),
    ("uk_Cyrl", "koi8-u", "koi8-u"),
    ("bg_Cyrl", "cp1251", "windows-1251"),
    ("kk_Cyrl", "kz1048", "kz-1048"),
    ("kk_Cyrl", "ptcp154", "ptcp154"),
    *(
        (key, codec, label)
        for key in ("ky_Cyrl", "mn_Cyrl", "bua_Cyrl")
        for codec, label in KAZAKHSTAN
    ),
    ("tt_Cyrl", "ptcp154", "pt154"),
    ("ba_Cyrl", "ptcp154", "cp154"),
    ("tg_Cyrl", "koi8_t", "koi8-t"),
    ("pl_Latn", "iso8859-2", "iso-8859-2"),
    ("hu_Latn", "iso8859-2", "latin2"),
    ("ja_Jpan", "cp932", "Shift_JIS"),
    ("ja_Jpan", "euc_jp", "EUC-JP"),
    ("ja_Jpan", "iso2022_jp", "ISO-2022-JP"),
    ("zh_Hans", "gb18030", "GB2312"),
    ("zh_Hant", "big5", "Big5"),
    ("ar_Arab", "cp1256", "windows-1256"),
    ("fa_Arab", "cp1256", "windows-1256"),
    ("he_Hebr", "cp1255", "windows-1255"),
    ("th_Thai", "cp874", "TIS-620"),
    ("mt_Latn", "iso8859-3", "iso-8859-3"),
    ("el_Grek", "iso8859-7", "iso-8859-7"),
    ("tr_Latn", "cp1254", "iso-8859-9"),
    ("eu_Latn", "cp1252", "iso-8859-1"),
    ("km_Khmr", "utf-8", "utf-8"),
    ("bo_Tibt", "utf-8", "utf8"),
)


@pytest.mark.parametrize(
    ("key", "codec", "label"), ENCODINGS, ids=[f"{key} {label}" for key, _, label in ENCODINGS]
)
def test_encoding(key: str, codec: str, label: str) -> None:
    page = f'<html lang="{key[:2]}"><p>{sample(key, codec)}</p></html>'
    declaring = f'<meta http-equiv="content-type" content="text/html; charset={label}">{page}'
    assert decode_page(page.encode(codec), label) == page, "declared by the transport"
    assert decode_page(declaring.encode(codec)) == declaring, "declared by the page"
    assert decode_page(page.encode(codec)) == page, "detected"


@pytest.mark.parametrize(
    ("language", "key", "codec"), [("kk", "ru_Cyrl", "cp1251"), ("tg", "ru_Cyrl", "koi8-r")]
)
def test_russian_on_a_page_in_another_language_stays_russian(
    language: str, key: str, codec: str
) -> None:
    page = f'<html lang="{language}"><p>{sample(key, codec)}</p></html>'
    assert decode_page(page.encode(codec)) == page


CYRILLIC_LABELS = (
    ("kk_Cyrl", "kz1048", "windows-1251"),
    ("kk_Cyrl", "ptcp154", "windows-1251"),
    ("tt_Cyrl", "ptcp154", "windows-1251"),
    ("mn_Cyrl", "ptcp154", "windows-1251"),
    *((key, "kz1048", "windows-1251") for key in ("ky_Cyrl", "mn_Cyrl", "bua_Cyrl")),
    *(
        (key, "ptcp154", "windows-1251")
        for key in ("tg_Cyrl", "uz_Cyrl", "ba_Cyrl", "ky_Cyrl", "ug_Cyrl")
    ),
    ("ba_Cyrl", "ptcp154", "ptcp154"),
    ("uz_Cyrl", "ptcp154", "ptcp154"),
    ("tg_Cyrl", "koi8_t", "windows-1251"),
    ("ru_Cyrl", "koi8-r", "windows-1251"),
    ("bg_Cyrl", "cp1251", "koi8-r"),
    ("uk_Cyrl", "koi8-u", "koi8-r"),
    ("tg_Cyrl", "koi8_t", "koi8-r"),
    ("uk_Cyrl", "cp1251", "windows-1251"),
    ("be_Cyrl", "cp1251", "windows-1251"),
    ("sr_Cyrl", "cp1251", "windows-1251"),
    ("mk_Cyrl", "cp1251", "windows-1251"),
    ("ru_Cyrl", "koi8-r", "koi8-r"),
)


@pytest.mark.parametrize(("key", "codec", "label"), CYRILLIC_LABELS, ids=lambda value: str(value))
def test_cyrillic_of_one_alphabet_is_believed_against_its_label(
    key: str, codec: str, label: str
) -> None:
    page = f"<p>{sample(key, codec)}</p>"
    assert decode_page(page.encode(codec), label) == page, "no language declared"
    assert decode_page(page.encode(codec)) == page, "nothing declared"


# Its own letters are those that Kazakh and Tatar have in their code pages; the commonest of them is
# rare here.
SHORT_MACEDONIAN = (
    "\u0411\u0438\u0434\u0435\u0458\u045c\u0438 \u043f\u0440\u0438\u0437\u043d\u0430\u0432\u0430\u045a\u0435\u0442"
    "\u043e \u043d\u0430 \u043d\u0435\u043e\u0442\u0443\u0453\u0438\u0432\u0438\u0442\u0435 "
    "\u043f\u0440\u0430\u0432\u0430, \u043a\u0443\u045c\u0430, \u043d\u043e\u045c"
)


@pytest.mark.parametrize(
    "text", [SHORT_MACEDONIAN, SHORT_MACEDONIAN.upper(), sample("ru_Cyrl", "cp1251").upper()[:60]]
)
def test_a_short_text_in_the_declared_code_page_stays(text: str) -> None:
    assert decode_page(text.encode("cp1251"), "windows-1251") == text


# A line of a dozen words: Tajik, Mongolian and Kyrgyz, whose capitals Mac Cyrillic reads as signs.
SHORT_ASIAN = (
    (
        "ptcp154",
        "\u04b2\u0430\u0440 \u043a\u0430\u0441 \u04b3\u0430\u049b \u0434\u043e\u0440\u0430\u0434 \u0431\u0430 "
        "\u043c\u0430\u043a\u0442\u0430\u0431 \u0440\u0430\u0432\u0430\u0434 \u0432\u0430 "
        "\u04b3\u0430\u043c\u0430 \u0447\u0438\u0437\u0440\u043e \u043e\u043c\u04ef\u0437\u0430\u0434",
    ),
    (
        "kz1048",
        "\u0445\u04af\u043d \u0431\u04af\u0440 \u04e9\u04e9\u0440\u0438\u0439\u043d \u0433\u044d\u0440\u0442 "
        "\u0430\u043c\u044c\u0434\u0430\u0440\u0434\u0430\u0433",
    ),
    (
        "ptcp154",
        "\u04e9\u0437\u04af\u043d\u04af\u043d \u04af\u0439\u04af\u043d\u0434\u04e9 "
        "\u0436\u0430\u0448\u0430\u0433\u0430\u043d \u0430\u0434\u0430\u043c"
        "\u0434\u044b\u043d \u0431\u0430\u043b\u0434\u0430\u0440\u044b",
    ),
)


@pytest.mark.parametrize(("codec", "text"), SHORT_ASIAN)
def test_a_short_text_of_central_asia_is_read_against_its_label(codec: str, text: str) -> None:
    assert decode_page(text.encode(codec), "windows-1251") == text


def test_names_in_letters_of_another_alphabet_do_not_change_the_encoding() -> None:
    page = f"<p>{sample('uk_Cyrl', 'cp1251')} \u0409\u0438\u0459\u0430\u043d\u0430, \u040c\u0430\u045e</p>"
    assert decode_page(page.encode("cp1251"), "windows-1251") == page


KOREAN = "\ubaa8\ub4e0 \uc778\uac04\uc740 \ud0dc\uc5b4\ub0a0 \ub54c\ubd80\ud130 \uc790\uc720\ub85c\uc6b0\uba70 \ub611 "


def test_korean_syllables_outside_ks_x_1001_are_read_as_the_web_means_euc_kr() -> None:
    page = f"<p>{KOREAN * 20}\ub620\ubc29\uac01\ud558 \ud7a3</p>"  # HIH (U+D7A3) is in windows-949 alone
    assert decode_page(page.encode("cp949"), "euc-kr") == page
    assert decode_page(page.encode("cp949")) == page


DECLARATIONS = {
    "the transport comes before the page": (
        b"<meta charset=koi8-r><p>\xf0\xf0",
        "windows-1251",
        "\u0440\u0440",
    ),
    "a byte-order mark comes before both": (
        codecs.BOM_UTF16_LE + "\u1780".encode("utf-16-le"),
        "koi8-r",
        "\u1780",
    ),
    "UTF-8 that is declared Latin-1 is UTF-8": ("\u0127alq".encode(), "iso-8859-1", "\u0127alq"),
    "Latin-1 that is declared UTF-8 and is not": (
        b"<p>caf\xe9 ol\xe9 \xe0 la carte, d\xe9j\xe0 vu" * 9,
        "utf-8",
        "caf\u00e9",
    ),
    "GBK that happens to be valid UTF-8 is what it is declared to be": (
        b"\xc1\xaa\xcd\xa8",
        "gbk",
        "\u8054\u901a",
    ),
    "an unknown label is none": ("\u0127alq".encode(), "klingon", "\u0127alq"),
    "UTF-16 cannot be declared in ASCII": (
        "<meta charset=utf-16><p>\u0127".encode(),
        None,
        "\u0127",
    ),
    "UTF-7 is no encoding of the web": (b"<meta charset=utf-7><p>+ADw-", None, "+ADw-"),
    "a declaration in a meta element's other attributes is none": (
        b'<meta name=description content="charset=windows-1251"><p>\xc3\xa4',
        None,
        "\u00e4",
    ),
    "an XML declaration counts": (
        "<?xml version='1.0' encoding='koi8-r'?><p>\u0434".encode("koi8-r"),
        None,
        "\u0434",
    ),
}


@pytest.mark.parametrize(
    ("raw", "charset", "expected"), DECLARATIONS.values(), ids=DECLARATIONS.keys()
)
def test_declarations(raw: bytes, charset: str | None, expected: str) -> None:
    assert expected in decode_page(raw, charset)


@given(st.binary(max_size=400), st.sampled_from([None, "utf-8", "euc-kr", "koi8-r", "utf-16", "x"]))
def test_any_bytes_decode_to_text_that_utf_8_can_write(raw: bytes, charset: str | None) -> None:
    decode_page(raw, charset).encode()


# What the standard's prescan finds in the first bytes of a page. 'x' elsewhere in the page is no
# declaration.
PRESCANS = {
    "charset": (b"<meta charset=koi8-r>", "koi8-r"),
    "capitals, single quotes, spaces, a slash": (b"<META / CharSet = 'KOI8-R' />", "koi8-r"),
    "spaces around a label": (b"<meta charset=' koi8-r\n'>", "koi8-r"),
    "http-equiv and content": (
        b'<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">',
        "koi8-r",
    ),
    "content and http-equiv": (
        b"<meta content=text/html;charset=koi8-r;x http-equiv=content-type>",
        "koi8-r",
    ),
    "a label in quotes in the content": (
        b"<meta http-equiv=content-type content='charset=\"koi8-r\"'>",
        "koi8-r",
    ),
    "the second charset of a content": (
        b"<meta http-equiv=content-type content='charset charset = koi8-r'>",
        "koi8-r",
    ),
    "content without http-equiv": (b"<meta content='text/html; charset=koi8-r'>", None),
    "another http-equiv": (b"<meta http-equiv=refresh content='0; url=?charset=koi8-r'>", None),
    "a description": (b"<meta name=description content='how to write charset=koi8-r'>", None),
    "quotes of a label never close": (
        b"<meta http-equiv=content-type content='charset=\"koi8-r'>",
        None,
    ),
    "the first attribute of a name counts": (b"<meta charset=koi8-r charset=cp1251>", "koi8-r"),
    "an unknown label lets the next element decide": (
        b"<meta charset=klingon><meta charset=koi8-r>",
        "koi8-r",
    ),
    "a comment": (b"<!-- <meta charset=cp1251> --><meta charset=koi8-r>", "koi8-r"),
    "a comment that closes with its opening hyphens": (b"<!--><meta charset=koi8-r>", "koi8-r"),
    "a comment that never closes": (b"<!-- <meta charset=koi8-r>", None),
    "another element's attribute": (b"<script charset=cp1251></script><link charset=cp1251>", None),
    "a longer name": (b"<metadata charset=koi8-r><meta-x charset=koi8-r>", None),
    "a closing tag": (b"</meta charset=koi8-r>", None),
    "an attribute that holds an element": (
        b"<p title='<meta charset=cp1251>'><meta charset=koi8-r>",
        "koi8-r",
    ),
    "a quote that never closes": (b"<p title='><meta charset=koi8-r>", None),
    "a document type": (b"<!DOCTYPE html><meta charset=koi8-r>", "koi8-r"),
    "a processing instruction": (b"<?php charset=cp1251 ?><meta charset=koi8-r>", "koi8-r"),
    "running text": (b"<p>charset=koi8-r and encoding='koi8-r'", None),
    "UTF-16 in ASCII is UTF-8": (b"<meta charset=utf-16le>", "utf-8"),
    "x-user-defined is windows-1252": (b"<meta charset=x-user-defined>", "cp1252"),
    "within 1024 bytes": (b"<!--" + b"x" * 996 + b"--><meta charset=koi8-r>", "koi8-r"),
    "beyond 1024 bytes": (b"<!--" + b"x" * 997 + b"--><meta charset=koi8-r>", None),
    "XML declaration": (b'<?xml version="1.0" encoding="koi8-r"?>', "koi8-r"),
    "XML declaration with spaces": (b"<?xml encoding = 'koi8-r' standalone='yes'?>", "koi8-r"),
    "a meta element before the XML declaration": (
        b"<?xml encoding='cp1251'?><meta charset=koi8-r>",
        "koi8-r",
    ),
    "XML declaration after something else": (b" <?xml encoding='koi8-r'?>", None),
    "XML declaration that names UTF-16 in ASCII": (b"<?xml encoding='utf-16'?>", "utf-8"),
    "XML declaration without an encoding": (b"<?xml version='1.0'?><p encoding='koi8-r'>", None),
    "XML declaration with a space in its label": (b"<?xml encoding='koi8-r '?>", None),
    "XML declaration in UTF-16": ("<?xml version='1.0'?>".encode("utf-16-be"), "utf-16-be"),
}


@pytest.mark.parametrize(("head", "expected"), PRESCANS.values(), ids=PRESCANS.keys())
def test_prescan(head: bytes, expected: str | None) -> None:
    assert declared_codec(head) == expected
    assert declared_codec(head, "text/plain") is None, "plain text declares nothing"


def test_xhtml_asks_its_xml_declaration_first() -> None:
    head = b"<?xml encoding='cp1251'?><meta charset=koi8-r>"
    assert declared_codec(head, "application/xhtml+xml") == "cp1251"
    assert declared_codec(head[25:], "application/xhtml+xml") == "koi8-r"


# Letter, label that pages use, codec. Read by another codec each is another letter.
KAZAKH_KA, TAJIK_HA, BASHKIR_DHE = "\u049b", "\u04b3", "\u0499"
LABELS = {
    "kaz: KZ-1048": (KAZAKH_KA, "KZ-1048", "kz1048"),
    "kaz: its number in the standard": (KAZAKH_KA, "STRK1048-2002", "kz1048"),
    "bak: PTCP154": (BASHKIR_DHE, "Cyrillic-Asian", "ptcp154"),
    "tgk: KOI8-T": (TAJIK_HA, "koi8-t", "koi8_t"),
    "ukr: ghe with upturn on a Macintosh": ("\u0491", "x-mac-ukrainian", "mac_cyrillic"),
    "fas: Macintosh": ("\u067e", "x-mac-farsi", "mac_farsi"),
    "ukr: MS-DOS": ("\u0454", "RUSCII", "cp1125"),
    "kor: every syllable": ("\ud7a3", "johab", "johab"),
    "zho: HZ, which browsers refuse": ("\u4e2d", "hz-gb-2312", "hz"),
    "bul: a label that browsers do not know": ("\u0449", "win-1251", "cp1251"),
    "ron: underscores": ("\u0219", "ISO_8859_16", "iso8859-16"),
    "mlt: underscores": ("\u0127", "iso_8859_3", "iso8859-3"),
}


@pytest.mark.parametrize(("letter", "label", "codec"), LABELS.values(), ids=LABELS.keys())
def test_labels(letter: str, label: str, codec: str) -> None:
    assert codec_of_label(label) == codec
    page = f"<meta charset='{label}'><p>{letter}"
    raw = page[:-1].encode() + letter.encode(codec)
    assert decode_page(raw) == page
    assert decode_page(raw, f" {label.upper()}\n") == page


@pytest.mark.parametrize(
    "label",
    ["klingon", "utf-7", "utf-32", "ebcdic-cp-us", "cp037", "idna", "rot13", "\u212aoi8-r", ""],
)
def test_labels_of_nothing_that_pages_are_in(label: str) -> None:
    assert codec_of_label(label) is None


REFUSED = {
    "viscii": b"vi\xaet",
    "tcvn-5712": b"vi\xd6t",
    "ARMSCII-8": b"\xb3\xb4",
    "iso-2022-cn": b"\x1b$)A\x0eVP",
}


@pytest.mark.parametrize(("label", "word"), REFUSED.items())
def test_an_encoding_without_a_codec_is_refused_where_it_matters(label: str, word: bytes) -> None:
    with pytest.raises(ValueError, match=r"pages in \S+ cannot be decoded; convert them to UTF-8"):
        decode_page(b"<meta charset=%s><p>%s" % (label.encode(), word))
    assert decode_page("<p>vi\u1ec7t".encode(), label) == "<p>vi\u1ec7t", "UTF-8 under an old label"
    assert decode_page(b"<p>viet", label) == "<p>viet", "ASCII"
