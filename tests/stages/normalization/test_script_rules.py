"""Laws of the rules of Arabic, Indic, South-East Asian and Tibetan scripts and of digits, over
their letters."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
from gflanguages import LoadLanguages
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.document import DOCUMENT
from schemas.language import one_code, to_iso639_3
from stages.normalization import arabic, digits, indic, southeast_asian, tibetan
from stages.normalization.normalize import normalize, normalize_counted
from stages.normalization.options import NormalizationConfig, NormalizationOptions
from stages.normalization.rules import Rule

RULES = [
    rule
    for module in (arabic, indic, southeast_asian, tibetan, digits)
    for rule in module.RULES
    if rule.name != "zawgyi"  # a judgement of probability, tested by example
]
BLOCKS = {
    "Arab": [*range(0x620, 0x700), *range(0xFB50, 0xFBB2), *range(0xFE70, 0xFEFD)],
    **{
        script: [*range(0x900 + 0x80 * i, 0x980 + 0x80 * i)]
        for i, script in enumerate(indic.SCRIPTS)
    },
    "Thai": [*range(0xE01, 0xE5C)],
    "Laoo": [*range(0xE81, 0xEE0)],
    "Tibt": [*range(0xF40, 0xFBD), 0xF0B, 0xF0C, 0xF0D],
    "Mymr": [*range(0x1000, 0x1098)],
    "Khmr": [*range(0x1780, 0x17EA)],
}
LANGUAGES = {
    "Arab": "fas urd kas pus snd uig ckb ara msa uzb",
    "Deva": "hin sat mar",
    "Beng": "ben asm",
    "Guru": "pan",
    "Gujr": "guj",
    "Orya": "ori",
    "Mymr": "mya shn",
    "Khmr": "khm",
}
LABELS = [
    (language, script)
    for script in BLOCKS
    for language in (*LANGUAGES.get(script, "").split(), None)
]
NEIGHBOURS = [ord(c) for c in " \n|lI1\u200c\u200d\u0640\u0964"]
OPTIONS = [
    NormalizationOptions(),
    NormalizationOptions(digits="ascii", diacritics="strip"),
    NormalizationOptions(digits="native"),
]


def texts_of(script: str) -> st.SearchStrategy[list[str]]:
    """Draw texts over a few letters, so that the sequences that rules look for come up."""
    letters = st.sampled_from([*BLOCKS[script], *NEIGHBOURS]).map(chr)
    few = st.lists(letters, min_size=1, max_size=5, unique=True)
    return few.flatmap(
        lambda some: st.lists(st.text(st.sampled_from(some), max_size=9), min_size=1, max_size=30)
    )


def batch_of(texts: list[str], language: str | None, script: str | None) -> pa.RecordBatch:
    fields = [DOCUMENT.field(name) for name in ("text", "language", "script")]
    values = (texts, [language] * len(texts), [script] * len(texts))
    return pa.RecordBatch.from_arrays(
        [pa.array(v, f.type) for v, f in zip(values, fields, strict=True)], schema=pa.schema(fields)
    )


def rules_for(
    language: str | None, script: str | None, options: NormalizationOptions
) -> list[Rule]:
    return [rule for rule in RULES if rule.applies(language, script) and rule.wanted(options)]


@pytest.mark.parametrize(("language", "script"), LABELS)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_rules_are_idempotent_and_change_nothing_without_a_candidate(
    language: str | None, script: str, data: st.DataObject
) -> None:
    texts = pl.Series(data.draw(texts_of(script)), dtype=pl.String)
    for options in OPTIONS:
        for rule in rules_for(language, script, options):
            once = rule.apply(texts, language, script, options)
            assert once.to_list() == rule.apply(once, language, script, options).to_list(), (
                rule.name
            )
            spared = ~texts.str.contains(rule.candidates)
            assert once.filter(spared).to_list() == texts.filter(spared).to_list(), rule.name
            alone = [
                rule.apply(texts[i : i + 1], language, script, options)[0]
                for i in range(min(len(texts), 3))
            ]
            assert once.to_list()[:3] == alone, f"{rule.name}: the neighbours in a block are seen"


@pytest.mark.parametrize(("language", "script"), LABELS)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_the_chain_settles(language: str | None, script: str, data: st.DataObject) -> None:
    config = NormalizationConfig(disable=("zawgyi",))
    once = normalize(batch_of(data.draw(texts_of(script)), language, script), config)
    assert normalize(once, config)["text"].to_pylist() == once["text"].to_pylist()


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("Deva", "\u0915\u0947"),
        ("Khmr", "\u1780\u17b7"),
        ("Tibt", "\u0f40\u0f72"),
        ("Arab", "\u0628\u0640"),
    ],
)
def test_ten_thousand_marks_on_one_letter_become_one(script: str, text: str) -> None:
    done = normalize(batch_of([text + text[-1] * 9_999], None, script), NormalizationConfig())
    assert done["text"][0].as_py() == text


# What the rules change in text that people edited: the samples of gflanguages, mostly the first
# articles of the Universal Declaration of Human Rights, read by hand. All others of these scripts
# stay as they are.
EXPECTED_CHANGES = {
    ("azb_Arab", "arabic_presentation_forms"): "letters pasted as forms",
    ("azb_Arab", "persian_letters"): "typed on an Arabic keyboard",
    ("bo_Tibt", "tibetan_tsheg"): "tsheg that forbids a break before shad",
    ("ks_Arab", "kashmiri_letters"): "yeh of an Arabic keyboard",
    ("pa_Guru", "indic_nukta_order"): "nukta behind the vowel sign",
    ("skr_Arab", "urdu_letters"): "the last item of a list in letters of the Arabic alphabet",
    ("tg_Arab", "persian_letters"): "typed on an Arabic keyboard",
    ("tt_Arab", "arabic_presentation_forms"): "letters pasted as forms",
    ("zlm_Arab", "jawi_gaf"): "the gaf that the charts advise against",
}


@pytest.mark.slow
def test_edited_text_stays_as_it_is_but_for_what_was_read_by_hand() -> None:
    found = set()
    names = {rule.name for rule in RULES} | {"zawgyi"}
    for label, entry in sorted(LoadLanguages().items()):
        if entry.script in BLOCKS and entry.HasField("sample_text"):
            sample = entry.sample_text
            text = "\n".join(getattr(sample, field.name) for field in sample.DESCRIPTOR.fields)
            language = to_iso639_3(entry.language)
            batch = batch_of([text], language and one_code(language), entry.script)
            counts = normalize_counted(batch, NormalizationConfig()).counts
            found |= {(label, rule) for rule in counts["rule"].to_pylist() if rule in names}
    assert found == set(EXPECTED_CHANGES)


@pytest.mark.parametrize(
    ("language", "script", "text"),
    [
        ("mon", "Mong", "\u182a\u1820\u202f\u1836\u1822\u1828"),  # a suffix behind its narrow space
        ("mon", "Mong", "\u1834\u1822\u1837\u180e\u1820"),  # the vowel separator
        ("mon", "Mong", "\u182d\u180b\u1820"),  # a variant of a letter
        ("div", "Thaa", "\u078b\u07a8\u0788\u07ac\u0780\u07a8\u060c 12"),
        ("nqo", "Nkoo", "\u07ca\u07ec\u07d3\u07fa\u07ca"),  # its own sign of elongation
        ("ful", "Adlm", "\U0001e900\U0001e944\u0640\U0001e922"),
        ("syr", "Syrc", "\u0710\u0640\u0712\u0730"),
        # its own full stop
        (
            "sat",
            "Olck",
            "\u1c65\u1c5f\u1c71\u1c5b\u1c5f\u1c72\u1c64 \u1c7e 12",
        ),
        ("mni", "Mtei", "\uabc3\uabe4\uabc7\uabe9 \uabeb"),
        ("ccp", "Cakm", "\U00011103\U00011127\U00011133"),
        ("sun", "Sund", "\u1bae\u1b80 12"),
        ("khm", "Khmr", "\u1793\u1780\u200b\u1780"),  # words are parted by a space of no width
        # a coeng behind the vowel closes a syllable of Middle Khmer
        (
            "xhm",
            "Khmr",
            "\u1780\u17b6\u17d2\u1799",
        ),
        ("lao", "Laoo", "\u0eab\u0e99\u0eb2 \u0edc\u0eb2"),  # ho no of two letters and of one
        ("kan", "Knda", "\u0cb0\u200d\u0ccd\u0caf"),  # ra that does not move up
        ("sin", "Sinh", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"),  # rakaransaya
        ("ben", "Beng", "\u09b0\u200d\u09cd\u09af\u09be\u09ac"),  # ya-phalaa behind ra
        ("mal", "Mlym", "\u0d28\u0d4d\u0d31 \u0d7b\u0d4d\u0d31"),  # two living spellings of nta
        ("bod", "Tibt", "\u0f40\u0f0d \u0f0d\u0f41\u0f0e \u0f42\u0f0b\u0f0d"),
        # signs of the Quran
        (
            "ara",
            "Arab",
            "\u0628\u0650\u0633\u06e1\u0645\u0650 \ufdfd \u06dd\u0661",
        ),
        ("urd", "Arab", "\u0632\u06a9\u0648\u0670\u06c3 \u06c1\u06d2\u06d4"),
    ],
)
def test_spelling_of_other_scripts_and_languages_stays(
    language: str, script: str, text: str
) -> None:
    normalized = normalize_counted(batch_of([text], language, script), NormalizationConfig())
    assert (normalized.documents["text"][0].as_py(), normalized.counts.num_rows) == (text, 0)
