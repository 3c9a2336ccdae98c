"""Evaluation texts in documents: found as they are, edited, and in another script; not found where
they are not."""

from __future__ import annotations

import unicodedata
from typing import Any

import pyarrow as pa
import pytest
from gflanguages import LoadLanguages
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.columns import SchemaError
from stages.decontamination.evaluation_sets import ITEM
from stages.decontamination.matching import (
    MATCH,
    ItemIndex,
    find_contamination,
    item_ngrams,
    numbered_texts,
    remove_contamination,
)
from stages.decontamination.options import DecontaminationConfig

DEFAULT = DecontaminationConfig()
SAMPLES = LoadLanguages()


def sample(code: str, field: str = "specimen_36") -> str:
    text: str = getattr(SAMPLES[code].sample_text, field)
    return text


def items_of(*texts: tuple[str | None, str]) -> pa.Table:
    rows = [
        {
            "evaluation_set": "set",
            "part": "part",
            "item": str(n),
            "field": "text",
            "language": language,
            "text": text,
        }
        for n, (language, text) in enumerate(texts)
    ]
    return numbered_texts(pa.Table.from_pylist(rows, ITEM))


def batch_of(*documents: tuple[str, str | None, str]) -> pa.RecordBatch:
    texts, languages, scripts = zip(*documents, strict=True) if documents else ((), (), ())
    return pa.record_batch(
        {
            "id": pa.array([f"d{n}" for n in range(len(texts))], pa.string()),
            "text": pa.array(texts, pa.large_string()),
            "language": pa.array(languages, pa.string()),
            "script": pa.array(scripts, pa.string()),
        }
    )


def found(
    batch: pa.RecordBatch, index: ItemIndex, config: DecontaminationConfig = DEFAULT
) -> list[dict[str, Any]]:
    matches = find_contamination(batch, index, config)
    assert matches.schema == MATCH
    rows: list[dict[str, Any]] = matches.to_pylist()
    return rows


def without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def with_middle_word_changed(text: str) -> str:
    words = text.split(" ")
    words[len(words) // 2] = "zzz"
    return " ".join(words)


def with_middle_letter_changed(text: str) -> str:
    middle = len(text) // 2
    return text[:middle] + "\u0e46" + text[middle + 1 :]


EUS, YOR, THA, KHM, BOD, ARA = (
    sample(c) for c in ("eu_Latn", "yo_Latn", "th_Thai", "km_Khmr", "bo_Tibt", "ar_Arab")
)
INJECTED = {
    "eus: as it is": ("eus", EUS, EUS, "eus", "Latn"),
    "eus: in capitals": ("eus", EUS, EUS.upper(), "eus", "Latn"),
    "eus: a word in the middle changed": ("eus", EUS, with_middle_word_changed(EUS), "eus", "Latn"),
    "eus: without its beginning": ("eus", EUS, EUS[len(EUS) // 4 :], "eus", "Latn"),
    "eus: other punctuation": (
        "eus",
        EUS,
        EUS.replace(",", " --").replace(".", "!"),
        "eus",
        "Latn",
    ),
    "yor: decomposed": ("yor", YOR, unicodedata.normalize("NFD", YOR), "yor", "Latn"),
    "yor: without tones": ("yor", YOR, without_marks(YOR), "yor", "Latn"),
    "tha: as it is": ("tha", THA, THA, "tha", "Thai"),
    "tha: a letter in the middle changed": (
        "tha",
        THA,
        with_middle_letter_changed(THA),
        "tha",
        "Thai",
    ),
    "khm: as it is": ("khm", KHM, KHM, "khm", "Khmr"),
    "khm: with zero-width spaces": ("khm", KHM, "\u200b".join(KHM.split(" ")), "khm", "Khmr"),
    "bod: as it is": ("bod", BOD, BOD, "bod", "Tibt"),
    "ara: with vowel points": (
        "ara",
        ARA,
        ARA.replace("\u0627\u0644", "\u0627\u064e\u0644\u0652"),
        "ara",
        "Arab",
    ),
    "srp: a Latin item in a Cyrillic page": (
        "srp",
        sample("sr_Latn"),
        sample("sr_Cyrl"),
        "srp",
        "Cyrl",
    ),
    "srp: a Cyrillic item in a page called Bosnian": (
        "srp",
        sample("sr_Cyrl"),
        sample("sr_Latn"),
        "bos",
        "Latn",
    ),
    "uzb: a Latin item in a Cyrillic page": (
        "uzb",
        sample("uz_Latn"),
        sample("uz_Cyrl"),
        "uzb",
        "Cyrl",
    ),
    "aze: a Cyrillic item in a Latin page": (
        "aze",
        sample("az_Cyrl"),
        sample("az_Latn"),
        "aze",
        "Latn",
    ),
    "a language that nobody identified": (None, EUS, EUS, None, "Zyyy"),
}


@pytest.mark.parametrize(
    ("item_language", "item", "text", "language", "script"), INJECTED.values(), ids=INJECTED.keys()
)
def test_an_injected_item_is_found_where_it_stands(
    item_language: str | None, item: str, text: str, language: str | None, script: str
) -> None:
    before, behind = sample("mt_Latn", "specimen_16"), sample("qu_Latn", "specimen_16")
    batch = batch_of((before, "mlt", "Latn"), (f"{before}\n{text}\n{behind}", language, script))
    index = item_ngrams(items_of((item_language, item), ("mri", sample("mi_Latn"))), DEFAULT)
    (match,) = found(batch, index)
    assert (match["row"], match["id"], match["item_text"]) == (1, "d1", 0)
    assert match["overlap"] >= 0.5
    assert match["form"] == ("skeleton" if item_language in ("srp", "uzb", "aze") else "folded")
    (span,) = match["spans"]
    composed = unicodedata.normalize("NFC", text).strip(" .;,!\n\u0f0b\u0f0d")
    passage = (
        unicodedata.normalize("NFC", batch["text"][1].as_py())
        .encode()[span["start"] : span["end"]]
        .decode()
    )
    assert passage.strip(" .;,!\n\u0f0b\u0f0d") in composed
    assert len(passage) >= 0.8 * len(composed)


NOT_FOUND = {
    "another passage of the declaration": (("eus", sample("eu_Latn", "specimen_32")), (EUS, "eus", "Latn")),
    "the same passage in a neighbouring language": (("ces", sample("cs_Latn")), (sample("sk_Latn"), "slk", "Latn")),
    "the same passage in another neighbour": (("rus", sample("ru_Cyrl")), (sample("uk_Cyrl"), "ukr", "Cyrl")),
    "the words in another order": (("eus", EUS), (" ".join(sorted(EUS.split())), "eus", "Latn")),
    "a third of it": (("eus", EUS), (EUS[: len(EUS) // 3], "eus", "Latn")),
    "a text too short to say anything": (("eus", "Bai, noski"), ("Bai, noski", "eus", "Latn")),
    "nothing": (("eus", ""), ("", "eus", "Latn")),
}  # fmt: skip


@pytest.mark.parametrize(("item", "document"), NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_what_is_no_contamination(item: tuple[str, str], document: tuple[str, str, str]) -> None:
    assert found(batch_of(document), item_ngrams(items_of(item), DEFAULT)) == []


def test_another_script_is_not_looked_through_unless_asked() -> None:
    config = DecontaminationConfig(across_scripts=False)
    index = item_ngrams(items_of(("srp", sample("sr_Latn"))), config)
    assert found(batch_of((sample("sr_Cyrl"), "srp", "Cyrl")), index, config) == []


def test_texts_that_are_not_composed_do_not_shift_those_behind_them() -> None:
    index = item_ngrams(items_of(("srp", sample("sr_Latn"))), DEFAULT)
    decomposed = unicodedata.normalize("NFD", sample("sr_Latn", "specimen_16"))
    batch = batch_of((decomposed, "srp", "Latn"), (sample("sr_Cyrl"), "srp", "Cyrl"))
    assert [(m["row"], m["form"], m["spans"][0]["start"]) for m in found(batch, index)] == [
        (1, "skeleton", 0)
    ]


def test_a_text_shorter_than_an_ngram_is_found_whole_only() -> None:
    index = item_ngrams(items_of(("eus", "Non dago nire etxe berria?")), DEFAULT)
    assert index.checked.tolist() == [True]
    batch = batch_of(
        ("Esan: non dago nire etxe berria", "eus", "Latn"),
        ("non dago nire etxe zaharra", "eus", "Latn"),
    )
    assert [(m["row"], m["overlap"]) for m in found(batch, index)] == [(0, 1.0)]


def test_phrases_of_the_set_itself_are_no_evidence() -> None:
    template = "which of the following is true according to the passage that you have just read"
    config = DecontaminationConfig(max_texts=3)
    index = item_ngrams(
        items_of(*(("eng", f"{template} {word}") for word in ("a", "b", "c", "d"))), config
    )
    assert found(batch_of((template, "eng", "Latn")), index, config) == []
    few = item_ngrams(
        items_of(*(("eng", f"{template} {word}") for word in ("a", "b", "c"))), config
    )
    assert [m["item_text"] for m in found(batch_of((template, "eng", "Latn")), few, config)] == [
        0,
        1,
        2,
    ]


def test_a_text_that_only_repeats_itself_is_not_looked_for() -> None:
    """A row of zeros stands in many tables, and would meet each of its places at each of theirs."""
    index = item_ngrams(
        items_of(("eus", "0 " * 40), ("eus", f"{EUS} {EUS}"), ("tha", "\u0e01 " * 90)), DEFAULT
    )
    assert index.checked.tolist() == [False, True, False]
    zeros = batch_of(("0 " * 300_000, "zxx", "Zyyy"), (f"{EUS}\n{EUS}", "eus", "Latn"))
    assert [(m["row"], m["item_text"], len(m["spans"])) for m in found(zeros, index)] == [(1, 1, 1)]


def test_an_item_that_a_page_repeats_is_masked_wherever_it_stands() -> None:
    config = DecontaminationConfig(mode="mask", min_code_points=0)
    index = item_ngrams(items_of(("eus", "Non dago nire etxe berria?")), config)
    page = "Non dago nire etxe berria? " * 500
    batch = batch_of((f"Hara. {page}Hona.", "eus", "Latn"))
    kept, _ = remove_contamination(batch, find_contamination(batch, index, config), index, config)
    assert set(kept["text"][0].as_py().split()) <= {"Hara.", "?", "Hona."}


def test_items_with_equal_texts_share_a_number() -> None:
    numbered = items_of(("eus", EUS), ("eus", EUS), ("mlt", EUS))
    assert numbered["item_text"].to_pylist() == [0, 0, 1]
    assert item_ngrams(numbered, DEFAULT).names.to_pylist() == [
        "set part 0 text",
        "set part 2 text",
    ]


def test_an_item_that_stands_twice_has_two_spans() -> None:
    between = sample("mt_Latn", "specimen_16")
    (match,) = found(
        batch_of((f"{EUS}\n{between}\n{EUS}", "eus", "Latn")),
        item_ngrams(items_of(("eus", EUS)), DEFAULT),
    )
    assert len(match["spans"]) == 2


RIGHT = "Mọi người đều có quyền được hưởng bảo hiểm y tế."
NEAR_BY = {
    # what stands before the item, and behind it
    "vie: a phrase of the item opens the next article too": ("", RIGHT),
    "vie: and the one before": (f"{RIGHT}\n", ""),
}
VIE = (
    "Mọi người đều có quyền được hưởng bảo hiểm xã hội cũng như được thực hiện các quyền về kinh tế, xã hội và văn hoá"
    " không thể thiếu đối với nhân phẩm và tự do phát triển nhân cách của mình"
)


@pytest.mark.parametrize(("before", "behind"), NEAR_BY.values(), ids=NEAR_BY.keys())
def test_a_phrase_of_the_item_near_by_is_the_pages_own(before: str, behind: str) -> None:
    text = f"{before}{VIE}.\n{behind}"
    (match,) = found(batch_of((text, "vie", "Latn")), item_ngrams(items_of(("vie", VIE)), DEFAULT))
    assert match["overlap"] == 1
    assert [text.encode()[span["start"] : span["end"]].decode() for span in match["spans"]] == [VIE]


def test_parts_of_an_item_in_another_order_are_one_span() -> None:
    words = VIE.split(" ")
    text = " ".join([*words[15:], *words[:15]])
    (match,) = found(batch_of((text, "vie", "Latn")), item_ngrams(items_of(("vie", VIE)), DEFAULT))
    assert match["overlap"] == 1
    assert match["spans"] == [{"start": 0, "end": len(text.encode())}]


def test_an_item_beside_a_copy_with_another_word_in_it_is_found_as_both() -> None:
    edited = with_middle_word_changed(VIE)
    text = f"{VIE}. {edited}. {VIE}"
    (match,) = found(batch_of((text, "vie", "Latn")), item_ngrams(items_of(("vie", VIE)), DEFAULT))
    assert [text.encode()[span["start"] : span["end"]].decode() for span in match["spans"]] == [
        VIE,
        edited,
        VIE,
    ]


def test_a_dropped_document_says_what_was_found() -> None:
    index = item_ngrams(items_of(("eus", EUS), ("eus", EUS[: len(EUS) * 2 // 3])), DEFAULT)
    batch = batch_of(("Kaixo", "eus", "Latn"), (EUS, "eus", "Latn"))
    kept, rejected = remove_contamination(
        batch, find_contamination(batch, index, DEFAULT), index, DEFAULT
    )
    assert kept["text"].to_pylist() == ["Kaixo"]
    (row,) = rejected.to_pylist()
    assert (row["text"], row["reason"], row["threshold"], row["detail"]) == (
        EUS,
        "evaluation_text",
        0.5,
        "set part 0 text",
    )
    assert row["value"] == 1.0


def test_a_masked_document_keeps_the_rest() -> None:
    config = DecontaminationConfig(mode="mask", mask="[...]", min_code_points=12)
    index = item_ngrams(items_of(("tha", THA), ("eus", EUS)), config)
    batch = batch_of(
        (f"Hasiera {THA.strip()} eta {EUS.strip('.')} amaiera", "eus", "Latn"),
        ("e\u0301", "eus", "Latn"),
        (EUS, "eus", "Latn"),
    )
    kept, rejected = remove_contamination(
        batch, find_contamination(batch, index, config), index, config
    )
    assert kept["text"].to_pylist() == ["Hasiera [...] eta [...] amaiera", "e\u0301"]
    assert [(r["text"], r["reason"], r["value"]) for r in rejected.to_pylist()] == [
        (EUS, "too_short_without_evaluation_text", 6.0)
    ]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from([EUS, THA, "Kaixo", "", "e\u0301"]), max_size=6),
    st.sampled_from(["drop", "mask"]),
    st.integers(0, 4),
)
def test_kept_and_rejected_sum_and_matches_depend_on_the_document_alone(
    texts: list[str], mode: str, cut: int
) -> None:
    config = DecontaminationConfig.model_validate({"mode": mode})
    index = item_ngrams(items_of(("eus", EUS), ("tha", THA)), config)
    batch = (
        batch_of(*((text, "eus", "Latn") for text in texts))
        if texts
        else batch_of(("", "eus", "Latn")).slice(1)
    )
    matches = find_contamination(batch, index, config)
    kept, rejected = remove_contamination(batch, matches, index, config)
    assert kept.num_rows + rejected.num_rows == len(texts)
    apart = [
        find_contamination(part, index, config) for part in (batch.slice(0, cut), batch.slice(cut))
    ]
    strip = ["id", "item_text", "form", "overlap", "spans"]
    assert pa.concat_tables(apart).select(strip).to_pylist() == matches.select(strip).to_pylist()


def test_the_shortest_text_must_not_exceed_an_ngram() -> None:
    with pytest.raises(
        ValidationError, match="min_item_words and min_item_graphemes must not exceed"
    ):
        DecontaminationConfig(words=4)


def test_items_without_a_column_are_refused() -> None:
    with pytest.raises(SchemaError, match="'language' is missing"):
        numbered_texts(items_of(("eus", EUS)).drop_columns(["language"]))
