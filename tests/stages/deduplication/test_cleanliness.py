"""Which of two copies is the cleaner, in several languages, each with a neighbour that must not be
taken for worse."""

from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.columns import SchemaError
from schemas.document import DOCUMENT
from stages.deduplication.cleanliness import COLUMNS, Cleanliness, cleanliness, shortcomings

EUS = (
    "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela.\n"
    "Ezaguera eta kontzientzia dutenez gero, elkarren artean senide legez jokatu beharra dute."
)
JPN = (
    "\u3059\u3079\u3066\u306e\u4eba\u9593\u306f\u3001\u751f\u307e\u308c\u306a\u304c\u3089\u306b\u3057\u3066\u81ea\u7531\u3067\u3042\u308b\u3002\n"
    "\u4e92\u3044\u306b\u540c\u80de\u306e\u7cbe\u795e\u3092\u3082\u3063\u3066\u884c\u52d5\u3057\u306a\u3051\u308c\u3070\u306a\u3089\u306a\u3044\u3002"
)
THA = (
    "\u0e21\u0e19\u0e38\u0e29\u0e22\u0e4c\u0e17\u0e31\u0e49\u0e07\u0e2b\u0e25\u0e32\u0e22\u0e40\u0e01\u0e34\u0e14\u0e21\u0e32"
    * 4
)
AMH = "የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብር እኩል የሆነ ነው።"
VIE = "Mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền."
POEM = "Izarren hautsa\negun batean\nbilakatu zen\nbizigai"

WORSE = {
    "eus: a menu before the text": ("Latn", EUS, "Hasiera\nAlbisteak\nKontaktua\n" + EUS),
    "eus: a notice after it": ("Latn", EUS, EUS + "\nOnartu cookieak"),
    "eus: broken off in the midst of a sentence": ("Latn", EUS, EUS[:-20]),
    "eus: what readers said": (
        "Latn",
        EUS,
        EUS + "\nMiren, 2020-05-03 12:30\nOso ona, eskerrik asko!",
    ),
    "eus: replacement characters": ("Latn", EUS, EUS.replace("z", "\ufffd", 3)),
    "vie: UTF-8 read as Windows-1252": ("Latn", VIE, VIE.encode().decode("cp1252", "replace")),
    "jpn: a menu": ("Jpan", JPN, "\u30db\u30fc\u30e0\n\u30cb\u30e5\u30fc\u30b9\n" + JPN),
    "jpn: broken off": ("Jpan", JPN, JPN[:-6]),
    "amh: broken off": ("Ethi", AMH * 3, AMH * 2 + AMH[:-2]),
    "tha: shorter, where nothing marks an end": ("Thai", THA, THA[:-12]),
    "eus: a shorter poem": ("Latn", POEM, POEM[: POEM.rindex("\n")]),
}
BETTER = {
    "eus: one more sentence is no frame": (
        "Latn",
        EUS + "\nHau da hirugarren esaldia, osorik dagoena.",
        EUS,
    ),
    "amh: a full stop of its own script ends a text": ("Ethi", AMH * 2, AMH),
    "vie: vowels with two marks are no misread bytes": ("Latn", f"{VIE} {VIE}", VIE),
    "tha: no text breaks off": ("Thai", THA * 2, THA + "\u0e04\u0e19."),
    "eus: lines of a poem are no menu": ("Latn", POEM + "\nirauten duten", POEM),
}


def measured(
    script: str | None, *texts: str, other: tuple[float | None, ...] = (None, None)
) -> Cleanliness:
    columns = (
        pa.array(texts, pa.large_string()),
        pa.array([script] * len(texts), pa.string()),
        pa.array(other, pa.float32()),
    )
    fields = [DOCUMENT.field(name) for name in COLUMNS]
    return cleanliness(pa.RecordBatch.from_arrays(list(columns), schema=pa.schema(fields)))


def scores(
    script: str | None, *texts: str, other: tuple[float | None, ...] = (None, None)
) -> list[int]:
    found: list[int] = measured(script, *texts, other=other).score.tolist()
    return found


@pytest.mark.parametrize(
    ("script", "clean", "worse"), [*WORSE.values(), *BETTER.values()], ids=[*WORSE, *BETTER]
)
def test_the_cleaner_copy_has_the_greater_score(script: str, clean: str, worse: str) -> None:
    better, other = scores(script, clean, worse)
    assert better > other


SAID = {
    "a menu": ("Latn", "Hasiera\n" + EUS, EUS, "7 code points of menus or comments more"),
    "damage": ("Latn", EUS.replace("z", "\ufffd", 3), EUS, "3 damaged characters more"),
    "broken off": ("Latn", EUS[:-20], EUS, "breaks off, 21 code points of text less"),
    "shorter, where nothing marks an end": ("Thai", THA[:-12], THA, "12 code points of text less"),
    "equal": ("Latn", EUS, EUS, ""),
    "wide letters are three": (
        "Jpan",
        "\u65e5\u672c\u3002",
        "\u65e5\u672c\u8a9e\u3002",
        "3 code points of text less",
    ),
    "wide letters of a text that nobody identified": (
        None,
        "\u65e5\u3002",
        "\u65e5\u672c\u3002",
        "3 code points of text less",
    ),
}


@pytest.mark.parametrize(("script", "worse", "better", "expected"), SAID.values(), ids=SAID.keys())
def test_shortcomings(script: str | None, worse: str, better: str, expected: str) -> None:
    copies = measured(script, worse, better)
    assert shortcomings(copies.one(0), copies.one(1)) == expected


def test_what_a_text_is_worth_does_not_depend_on_its_neighbours() -> None:
    texts = [JPN, EUS, THA, "", POEM, "1\nbai", AMH]
    together = scores("Latn", *texts, other=(None,) * len(texts))
    assert together == [scores("Latn", text, other=(None,))[0] for text in texts]


def test_text_in_another_language_weighs_what_it_takes_of_the_text() -> None:
    clean, mixed = scores("Latn", EUS, EUS, other=(0.0, 0.4))
    assert mixed == clean - round(0.4 * clean)


def test_empty_and_blank_texts_have_a_score() -> None:
    assert scores("Latn", "", " \n\n ") == [0, 0]


def test_columns_must_be_there() -> None:
    with pytest.raises(SchemaError, match="script"):
        cleanliness(pa.record_batch({"text": pa.array(["a"], pa.large_string())}))
