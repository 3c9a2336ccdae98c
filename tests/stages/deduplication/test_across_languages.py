"""What a translation leaves as it is: the anchors by which the same page is found in several
languages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from schemas.columns import SchemaError
from stages.deduplication.across_languages import _anchors, across_languages_signatures
from stages.deduplication.near import Signed, estimated_similarity
from stages.deduplication.options import AcrossLanguagesConfig

COMMON = "https://odf.example/12 hilfe@odf.example, 555 0199."
GERMAN = f"Am 14. Mai 2019 hatte LibreOffice 6.2 rund 200.000.000 Nutzer; HTML5, MP3 und ODF 1.2: {COMMON}"
HINDI = (
    "14 \u092e\u0908 \u0968\u0966\u0967\u096f \u0915\u094b LibreOffice 6.2 \u0915\u0947 200,000,000; "
    f"HTML5, MP3 \u0914\u0930 ODF 1.2: {COMMON}"
)
BASQUE = f"2019ko maiatzaren 14an LibreOffice 6.2 bertsioak 200 milioi zituen; HTML5, MP3, ODF 1.2: {COMMON}"
OTHER = "1998: 3.400 Besucher; DVD, CD und VHS 2: https://film.example/77, Tel. 444 1234, ISBN 978."


def signed(
    texts: list[str], languages: list[str], urls: Sequence[str | None], **options: object
) -> Signed:
    batch = pa.record_batch(
        {
            "text": pa.array(texts, pa.large_string()),
            "language": pa.array(languages, pa.string()),
            "url": pa.array(urls, pa.string()),
        }
    )
    return across_languages_signatures(batch, AcrossLanguagesConfig.model_validate(options))


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        ("1.000.000 und 1,000,000 und 1\u202f000\u202f000", "1000000 1000000 1000000"),
        ("\u0661\u0662 \u0643\u0645", "12"),  # Arabic-Indic digits
        ("\u0967\u0968.\u096b \u0915\u093f\u092e\u0940", "125"),  # Devanagari
        ("A 7 year old cat", ""),  # one digit and plain words say nothing
        ("LibreOffice, HTML, mp3, iPhone but Berlin", "LibreOffice HTML mp3 iPhone"),
        ("2024-05-31", "2024 05 31"),
        (
            "see https://a.example/b?c=1.5 or a.b@c.example",
            "https://a.example/b?c=1.5 a.b@c.example",
        ),
    ],
)
def test_anchors(text: str, anchors: str) -> None:
    assert _anchors(pl.Series([text])).to_list() == [anchors]


def test_one_page_in_three_languages_is_alike_and_another_is_not() -> None:
    found = signed([GERMAN, HINDI, BASQUE, OTHER], ["deu", "hin", "eus", "deu"], [None] * 4)
    assert found.rows.tolist() == [0, 1, 2, 3]
    german = np.repeat(found.signatures[:1], 3, axis=0)
    hindi, basque, other = estimated_similarity(german, found.signatures[1:]).tolist()
    assert hindi > 0.9, "the same numbers in other digits and with other separators"
    assert basque > 0.6, "a number that is written as a word is missing"
    assert other < 0.1


def test_documents_of_one_language_are_not_dropped_for_each_other() -> None:
    found = signed([GERMAN, OTHER, HINDI], ["deu", "deu", "hin"], [None] * 3, action="drop")
    assert found.scripts[0] == found.scripts[1] != found.scripts[2]
    assert found.scripts.all(), "0 would be compared with all"
    assert not signed([GERMAN, OTHER], ["deu", "deu"], [None] * 2).scripts.any(), "marks drop none"


def test_few_anchors_and_unknown_languages_say_nothing() -> None:
    few = "Im Jahr 1998 kam HTML 4.0."
    assert signed([few, GERMAN], ["deu", "und"], [None, None]).rows.tolist() == []
    assert signed([few], ["deu"], [None], min_anchors=3).rows.tolist() == [0]


def test_hosts_are_kept_apart_on_request() -> None:
    urls = ["https://a.example/de/x", "https://user@A.example:8080/hi/x", "https://b.example/hi"]
    found = signed([GERMAN, HINDI, HINDI], ["deu", "hin", "hin"], urls, within="host")
    one, two = estimated_similarity(
        np.repeat(found.signatures[:1], 2, axis=0), found.signatures[1:]
    ).tolist()
    assert one > 0.9
    assert two < 0.1


def test_what_is_empty_or_lacks_columns() -> None:
    assert len(signed([], [], []).rows) == 0
    assert len(signed(["", "..."], ["deu", "hin"], [None, None]).rows) == 0
    with pytest.raises(SchemaError, match="language"):
        across_languages_signatures(pa.record_batch({"text": ["a"]}), AcrossLanguagesConfig())
