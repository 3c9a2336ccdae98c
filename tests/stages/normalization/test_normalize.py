"""The stage as a whole: rows stay, rules are chosen, counted and idempotent, clean text is not
touched."""

from __future__ import annotations

import re
from typing import Any

import gflanguages
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.columns import SchemaError
from schemas.document import DOCUMENT
from schemas.language import one_code, to_iso639_3
from schemas.ledger import CHANGE
from stages.normalization.normalize import (
    RULES,
    chosen_rules,
    normalize,
    normalize_counted,
)
from stages.normalization.options import NormalizationConfig
from stages.normalization.rules import Rule

SCHEMA = pa.schema([DOCUMENT.field(name) for name in ("id", "text", "language", "script")])
DEFAULT = NormalizationConfig()
EVERYTHING = [
    NormalizationConfig(enable=tuple(rule.name for rule in RULES), **options)
    for options in (
        {"form": "NFKC", "digits": "ascii"},
        {"diacritics": "strip", "digits": "native", "han": "simplified"},
    )
]

# Letters and marks that rules look for, a few at a time, so that they meet.
_NOISE = (
    "\u200b\u200c\u200d\u00ad\ufeff\u202e\u2066\u200f\u00a0\u3000\u202f\r\n\x00\x85\u0301\u0323\u0307\u0327\u0331\ufe0f"
    "\U0001f468\U0001f3fd\u2764\U0001f3f4\U000e0067\U000e007f'\u2019\u02bc\u02bb`:,. 01|I"
)
_LETTERS = (
    "aeogidscthlnyu\u0131\u0130\u015f\u0163\u00ea\u00e2\u00e1\u1ea1\u01a1\u0110\u0253\u0259\u025b\u0254",
    "\u0430\u0435\u043e\u0441\u0456\u0457\u0454\u044f\u043a\u0442\u04a1\u04cf\u0455ceoI1",
    "\u03b1\u03bf\u03c3\u03c2\u03b5\u00b5\u03d1\u0391\u0384oAv",
    "\u0627\u0643\u06a9\u064a\u06cc\u0649\u0647\u06be\u06d5\u0621\u0654\u064e\u0651\u0640\ufefb\u0626\u0631",
    "\u0915\u093c\u094d\u093f\u0930\u0958\u0939\u0947\u0964\u0905\u093e\u0945",
    "\u09b0\u09cd\u09af\u09be\u09c7\u09bc\u09a4\u09ce\u09f0\u09f1",
    "\u0d28\u0d4d\u0d30\u0d4a\u0d46\u0d3e\u0d7b\u0dc3\u0dca\u0d9a\u0dbb\u0dba\u0ddc\u0dd9",
    "\u1780\u17d2\u178f\u178a\u17b6\u17c9\u17c1\u17b8\u200b\u17d0",
    "\u1000\u1031\u103b\u103c\u1039\u103a\u102f\u1036\u1037\u1038\u105a\u1025\u102e",
    "\u0e01\u0e4d\u0e32\u0e33\u0e48\u0e49\u0e34\u0e40\u0e41\u0e99\u0e81\u0ecd\u0eb2\u0eb3\u0ec8",
    "\u0f40\u0fb1\u0f72\u0f74\u0f71\u0f0b\u0f0c\u0f0d\u0f0e\u0f73\u0f90",
    "\u05d0\u05b8\u05bc\ufb2a\u05f2\u05d2\"'\u1361\u1361\u1210\u1200",
    "\u30ab\u3099\uff76\uff9e\u309b\uff21\u2f00\u4e00\u1112\u1161\u11ab\uac00\u11a8\u3131",
)
_TEXTS = st.one_of(
    *(st.text(st.sampled_from(letters + _NOISE), max_size=24) for letters in _LETTERS), st.text()
)
LABELS = re.findall(
    r"\w+",
    "tur_Latn ron_Latn vie_Latn yor_Latn hau_Latn haw_Latn uzb_Latn nav_Latn cat_Latn aze_Latn ewe_Latn hrv_Latn "
    "isl_Latn bre_Latn grn_Latn hun_Latn pol_Latn ces_Latn slk_Latn mlt_Latn epo_Latn cym_Latn lit_Latn lav_Latn "
    "rus_Cyrl ukr_Cyrl kaz_Cyrl kir_Cyrl abk_Cyrl che_Cyrl mon_Cyrl tgk_Cyrl uzb_Cyrl mkd_Cyrl ell_Grek hye_Armn "
    "cre_Cans ara_Arab fas_Arab urd_Arab ckb_Arab uig_Arab pus_Arab snd_Arab kas_Arab uzb_Arab msa_Arab kaz_Arab "
    "hin_Deva mar_Deva ben_Beng asm_Beng pan_Guru mal_Mlym tam_Taml sin_Sinh khm_Khmr mya_Mymr tha_Thai lao_Laoo "
    "bod_Tibt heb_Hebr yid_Hebr amh_Ethi tir_Ethi jpn_Jpan kor_Kore zho_Hans zho_Hant mon_Mong None_None",
)


def block(*rows: tuple[str, str | None, str | None]) -> pa.RecordBatch:
    columns: list[list[Any]] = [
        [str(number) for number in range(len(rows))],
        *map(list, zip(*rows, strict=True)),
    ]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def one(
    text: str, language: str | None, script: str | None, config: NormalizationConfig = DEFAULT
) -> str:
    result: str = normalize(block((text, language, script)), config)["text"][0].as_py()
    return result


def _row(text: str, label: str) -> tuple[str, str | None, str | None]:
    language, script = label.split("_")
    return (text, language, script) if language != "None" else (text, None, None)


@pytest.mark.slow
@pytest.mark.parametrize("config", [DEFAULT, *EVERYTHING], ids=["default", "nfkc", "strip"])
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(_TEXTS, st.sampled_from(LABELS)), min_size=1, max_size=6))
def test_the_chain_is_idempotent(config: NormalizationConfig, rows: list[tuple[str, str]]) -> None:
    batch = block(*(_row(*row) for row in rows))
    first = normalize(batch, config)
    again, counts = normalize_counted(first, config)
    assert again.equals(first), counts.to_pylist()
    assert counts.num_rows == 0
    assert first.drop_columns(["text"]).equals(batch.drop_columns(["text"]))


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(_TEXTS, st.sampled_from(LABELS)), min_size=1, max_size=6))
def test_a_document_does_not_depend_on_its_block(rows: list[tuple[str, str]]) -> None:
    whole, counts = normalize_counted(block(*(_row(*row) for row in rows)), DEFAULT)
    alone = [normalize_counted(block(_row(*row)), DEFAULT) for row in rows]
    assert whole["text"].to_pylist() == [part.documents["text"][0].as_py() for part in alone]
    together = (
        pa.concat_tables([part.counts for part in alone])
        .group_by(["rule"])
        .aggregate([("documents", "sum")])
    )
    found = counts.group_by(["rule"]).aggregate([("documents", "sum")])
    assert sorted(map(str, found.to_pylist())) == sorted(map(str, together.to_pylist()))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@settings(max_examples=8, deadline=None)
@given(st.lists(_TEXTS, min_size=1, max_size=24), st.sampled_from(EVERYTHING))
def test_each_rule_changes_only_candidates_and_is_idempotent(
    rule: Rule, texts: list[str], config: NormalizationConfig
) -> None:
    if rule.name == "zawgyi":
        pytest.importorskip("icu", reason="Zawgyi is converted by PyICU: make install-icu")
    assume(rule.wanted(config))
    label = next(label for label in LABELS if rule.applies(*_row("", label)[1:]))
    _, language, script = _row("", label)
    series = pl.Series(texts, dtype=pl.String)
    others = series.filter(~series.str.contains(rule.candidates))
    # a statistical detector: what it would say of text without its candidates is not asked
    if rule.name != "zawgyi":
        assert rule.apply(others, language, script, config).to_list() == others.to_list(), (
            "candidates miss some"
        )
    alone = config.model_copy(
        update={"disable": tuple({other.name for other in RULES} - {rule.name}), "enable": ()}
    )
    once = normalize(block(*((text, language, script) for text in texts)), alone)
    assert normalize(once, alone).equals(once)


def test_language_and_script_may_be_unknown() -> None:
    assert one("a\u0308\u202e", None, None) == "\u00e4"
    assert one("\u015f", None, None) == "\u015f"
    assert one("", None, None) == ""


@pytest.mark.parametrize("end", ["\n", " ", ""])
def test_a_long_text_is_normalized_in_pieces_as_it_is_whole(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "".join(f"cafe\u0301\u200b{number}, \u092f\u092e\u0938{end}" for number in range(300))
    rows = [("e\u0301", "fra", "Latn"), (words, "hin", "Deva"), (words.upper(), "hin", "Deva")]
    whole = normalize_counted(block(*rows), DEFAULT)
    monkeypatch.setattr("stages.normalization.normalize._LONG_BYTES", 1000)
    monkeypatch.setattr("stages.normalization.normalize._SLICE_BYTES", 1000)
    pieces = normalize_counted(block(*rows), DEFAULT)
    assert (
        pieces.documents["text"].to_pylist()
        == whole.documents["text"].to_pylist()
        != [row[0] for row in rows]
    )
    assert pieces.counts == whole.counts


def test_rows_that_need_nothing_are_the_same_block() -> None:
    batch = block(("Kaixo mundua", "eus", "Latn"), ("", None, None))
    assert normalize(batch, DEFAULT) is batch
    assert normalize(batch.slice(0, 0), DEFAULT).num_rows == 0


def test_counts_name_rule_language_and_script() -> None:
    batch = block(
        ("\u015fi \u0163\u0103", "ron", "Latn"),
        ("a\u202eb\u202cc", None, None),
        ("\u015fi", "ron", "Latn"),
        ("\u015fi", "tur", "Latn"),
    )
    counts = normalize_counted(batch, DEFAULT).counts
    assert counts.schema == CHANGE
    assert counts.to_pylist() == [
        {
            "rule": "bidi_overrides",
            "language": None,
            "script": None,
            "documents": 1,
            "code_points": 2,
        },
        {
            "rule": "romanian_comma_below",
            "language": "ron",
            "script": "Latn",
            "documents": 2,
            "code_points": 3,
        },
    ]


def test_a_rule_is_switched_off_and_on_by_name() -> None:
    assert (
        one("\u015fi", "ron", "Latn", NormalizationConfig(disable=("romanian_comma_below",)))
        == "\u015fi"
    )
    assert one("\u1210", "amh", "Ethi") == "\u1210"
    assert (
        one("\u1210", "amh", "Ethi", NormalizationConfig(enable=("amharic_homophones",)))
        == "\u1200"
    )


def test_a_wrong_name_lists_the_rules() -> None:
    with pytest.raises(
        ValidationError, match=r"got 'comma_below', did you mean 'romanian_comma_below'"
    ):
        NormalizationConfig(disable=("comma_below",))
    with pytest.raises(ValidationError, match="both enabled and disabled, got joiners"):
        NormalizationConfig(disable=("joiners",), enable=("joiners",))


def test_names_of_rules_are_unique_and_described() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.name.isidentifier()
        assert rule.name.islower()
        assert rule.description.endswith("."), rule.name
        assert rule.source, rule.name


def test_options_that_ask_for_nothing_leave_rules_out() -> None:
    names = {rule.name for rule in chosen_rules(DEFAULT)}
    assert not names & {"nfkc", "hebrew_points", "chinese_conversion"}
    assert "nfkc" in {rule.name for rule in chosen_rules(NormalizationConfig(form="NFKC"))}


def test_missing_columns_are_named() -> None:
    with pytest.raises(SchemaError, match="'language' is missing"):
        normalize(block(("a", None, None)).drop_columns(["language"]), DEFAULT)


def test_samples_of_many_languages_hardly_change() -> None:
    """The sample texts of gflanguages are clean: no rule may find much in them."""
    samples = [
        sample for sample in gflanguages.LoadLanguages().values() if sample.sample_text.tester
    ]
    rows = [
        (
            sample.sample_text.tester,
            one_code(to_iso639_3(sample.language) or sample.language),
            sample.script,
        )
        for sample in samples
    ]
    counts = normalize_counted(block(*rows), DEFAULT).counts
    assert len(rows) > 700
    changed = counts.group_by("rule").aggregate([("documents", "sum")]).to_pydict()
    assert sum(changed["documents_sum"]) < 0.05 * len(rows), changed


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.places], ids=lambda rule: rule.name
)
def test_a_rule_that_says_its_places_changes_each_of_them_to_one_other_code_point(
    rule: Rule,
) -> None:
    points = pl.Series([chr(point) for point in range(0x20000) if not 0xD800 <= point < 0xE000])
    matched = points.filter(points.str.contains(rule.places))
    assert len(matched)
    changed = rule.apply(matched, None, None, NormalizationConfig())
    assert (changed.str.len_chars() == 1).all()
    assert (changed != matched).all()
    others = points.filter(~points.str.contains(rule.places))
    assert (rule.apply(others, None, None, NormalizationConfig()) == others).all()
