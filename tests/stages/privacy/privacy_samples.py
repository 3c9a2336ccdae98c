"""Planted personal data in ten scripts, and numbers that are none."""

from __future__ import annotations

# label, a sentence with {} where the data stands, what it is, the data; digits of a script are
# written by `native`
SENTENCES = {
    "eus_Latn": "Deitu {} zenbakira edo idatzi gaur.",
    "rus_Cyrl": "\u041f\u043e\u0437\u0432\u043e\u043d\u0438\u0442\u0435: {} \u0434\u043e \u0434\u043d\u044f.",
    "ell_Grek": "\u039a\u03b1\u03bb\u03ad\u03c3\u03c4\u03b5 {} \u03c3\u03ae\u03bc\u03b5\u03c1\u03b1.",
    "arb_Arab": "\u0627\u062a\u0635\u0644 {} \u0627\u0644\u064a\u0648\u0645.",
    "heb_Hebr": "\u05d4\u05ea\u05e7\u05e9\u05e8\u05d5 {} \u05d4\u05d9\u05d5\u05dd.",
    "hin_Deva": "\u0915\u0943\u092a\u092f\u093e {} \u092a\u0930 \u0932\u093f\u0916\u0947\u0902\u0964",
    "ben_Beng": "\u0986\u099c {} \u098f \u09b2\u09bf\u0996\u09c1\u09a8\u0964",
    "tha_Thai": "\u0e15\u0e34\u0e14\u0e15\u0e48\u0e2d{}\u0e27\u0e31\u0e19\u0e19\u0e35\u0e49",
    "khm_Khmr": "\u179f\u17bc\u1798\u1791\u17b6\u1780\u17cb\u1791\u1784{}\u1790\u17d2\u1784\u17c3\u1793\u17c1\u17c7",
    "zho_Hans": "\u8bf7\u8054\u7cfb{}\u8c22\u8c22\u3002",
}
NATIVE = {
    "arb_Arab": 0x660,
    "hin_Deva": 0x966,
    "ben_Beng": 0x9E6,
    "tha_Thai": 0xE50,
    "khm_Khmr": 0x17E0,
}

PLANTED = {
    "email": ["ane.etxeberria@example.eus", "o'neil+news@mail.example.co.uk", "x@example.org"],
    "ip_address": ["8.8.8.8", "193.146.78.12", "2a00:1450:4003:80f::200e"],
    "phone": ["+34 943 01 58 00", "+855 23 426 222", "+49-30-901820", "+1 (212) 736-5000"],
    "iban": [
        "GB82 WEST 1234 5698 7654 32",
        "ES9121000418450200051332",
        "DE89 3704 0044 0532 0130 00",
    ],
    "payment_card": ["4111 1111 1111 1111", "5500005555555559", "3782-822463-10005"],
}
# By the rules of a language's countries alone.
LOCAL = {
    "eus_Latn": [
        ("phone", "943 015 800"),
        ("national_id", "54362315K"),
        ("national_id", "X-2482300-W"),
    ],
    "pol_Latn": [("national_id", "44051401359"), ("phone", "22 621 03 11")],
    "tha_Thai": [("national_id", "1-2345-45678-78-1")],
    "zho_Hans": [("national_id", "11010519491231002X")],
    "tur_Latn": [("national_id", "17291716060")],
    "yor_Latn": [("phone", "0803 123 4567")],
    "hin_Deva": [("phone", "022 2778 2183"), ("national_id", "2341 2341 2346")],
}
NONE = [
    "1998-2004",
    "12.05.2023",
    "2023-05-12 14:30:00",
    "1 000 000 000",
    "3.14159265358979",
    "978-3-16-148410-0",
    "43.3183, -1.9812",
    "10.0.0.1",
    "192.168.1.254",
    "127.0.0.1",
    "version 2.10.4.1.7",
    "4111 1111 1111 1112",
    "GB82 WEST 1234 5698 7654 33",
    "12:30:45",
    "@kontua",
    "a@b",
    "@",
    "00:1A:2B",
    "1234567890123",
    "ISO 8601:2004",
    "100,000,000 - 200,000,000",
    "/posts/4111111111111111",
    "photo_2128507658.jpg",
    "?id=943015800&x",
]


def native(text: str, zero: int) -> str:
    """Write ASCII digits as those of a script."""
    return "".join(
        chr(zero + int(character)) if character.isascii() and character.isdigit() else character
        for character in text
    )


# A sentence with a word for phones or calls, one without, a number in one run without a trunk prefix
# that is valid in a country of the language; nothing in its form tells it from an order number.
BARE = {
    "eus_Latn": ("Deitu {} zenbakira gaur.", "Eskaera: {} da.", "943015800"),
    "pol_Latn": ("Prosz\u0119 dzwoni\u0107: {}.", "Numer zam\u00f3wienia {}.", "501234567"),
    "eng_Latn": ("WhatsApp: {}", "The order {} was sent.", "2127365000"),
    "rus_Cyrl": (
        "\u0422\u0435\u043b.: {}",
        "\u0417\u0430\u043a\u0430\u0437 {} \u0433\u043e\u0442\u043e\u0432.",
        "4951234567",
    ),
    "ell_Grek": (
        "\u03a4\u03b7\u03bb. {}",
        "\u03a0\u03b1\u03c1\u03b1\u03b3\u03b3\u03b5\u03bb\u03af\u03b1 {}.",
        "2103456789",
    ),
    "arb_Arab": (
        "\u0628\u0627\u0644\u0647\u0627\u062a\u0641 {} \u0627\u0644\u064a\u0648\u0645",
        "\u0627\u0644\u0637\u0644\u0628 {} \u062c\u0627\u0647\u0632",
        "1001234567",
    ),
    "heb_Hebr": (
        "\u05d1\u05d8\u05dc\u05e4\u05d5\u05df {} \u05d4\u05d9\u05d5\u05dd",
        "\u05d4\u05d6\u05de\u05e0\u05d4 {} \u05de\u05d5\u05db\u05e0\u05d4",
        "502345678",
    ),
    "hin_Deva": (
        "{} \u092a\u0930 \u0915\u0949\u0932 \u0915\u0930\u0947\u0902\u0964",
        "\u0911\u0930\u094d\u0921\u0930 {} \u0924\u0948\u092f\u093e\u0930 \u0939\u0948\u0964",
        "9876543210",
    ),
    "ben_Beng": (
        "\u09ab\u09cb\u09a8: {}",
        "\u0985\u09b0\u09cd\u09a1\u09be\u09b0 {} \u09aa\u09cd\u09b0\u09b8\u09cd\u09a4\u09c1\u09a4\u0964",
        "8123456789",
    ),
    "tha_Thai": (
        "\u0e42\u0e17\u0e23{}",
        "\u0e04\u0e33\u0e2a\u0e31\u0e48\u0e07\u0e0b\u0e37\u0e49\u0e2d{}\u0e1e\u0e23\u0e49\u0e2d\u0e21",
        "812345678",
    ),
    "khm_Khmr": (
        "\u1791\u17bc\u179a\u179f\u17d0\u1796\u17d2\u1791{}",
        "\u179b\u17c1\u1781\u1794\u1789\u17d2\u1787\u17b6\u1791\u17b7\u1789{}",
        "91234567",
    ),
    "zho_Hans": (
        "\u624b\u673a{}\u8c22\u8c22",
        "\u8ba2\u5355{}\u5df2\u53d1\u8d27",
        "13123456789",
    ),
}
