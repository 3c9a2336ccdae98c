"""The table of schemes: what it finds, what it says when it does not, and that reversible ones
are."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.language import one_code
from stages.script_detection import count_scripts
from stages.transliteration.alphabets import ALPHABETS
from stages.transliteration.arabic_script import ARABIC_SCRIPT
from stages.transliteration.engines import engine_for
from stages.transliteration.letter_rules import LetterRules, compile_letters
from stages.transliteration.schemes import SCHEMES, Scheme, reverse_of, scheme_for, scheme_names
from stages.transliteration.transliterate import transliterate

pytest.importorskip("icu", reason="the schemes need glotmill[icu]")
REVERSIBLE = [scheme for scheme in SCHEMES if scheme.reversible]


def test_an_unknown_scheme_lists_those_that_exist() -> None:
    with pytest.raises(
        ValueError, match=r"unknown scheme 'uzbek_2050', did you mean .*ala_lc, .*uzbek_1995"
    ):
        scheme_for("uzbek_2050", "uzb", "Cyrl")


@pytest.mark.parametrize(
    ("name", "language", "script", "message"),
    [
        (
            "uzbek_1995",
            "kaz",
            "Cyrl",
            "no transliteration uzbek_1995 from kaz_Cyrl; there is uzb: Cyrl to Latn, Latn to",
        ),
        (
            "uzbek_1995",
            "uzb",
            "Arab",
            "no transliteration uzbek_1995 from uzb_Arab; there is uzb: Cyrl to Latn",
        ),
        (
            "wylie",
            "bod",
            "Deva",
            "no transliteration wylie from bod_Deva; there is bod dzo: Tibt to Latn, Latn to Tibt",
        ),
        (
            "uroman",
            "eus",
            "Latn",
            "no transliteration uroman from eus_Latn; there is any language: any script but Latn",
        ),
        (
            "iso9",
            "ell",
            "Grek",
            "no transliteration iso9 from ell_Grek; there is any language: Cyrl to Latn, Latn to Cyrl",
        ),
    ],
)
def test_a_pair_that_does_not_exist_lists_those_that_do(
    name: str, language: str, script: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        scheme_for(name, language, script)


def test_a_language_is_found_by_either_of_its_codes() -> None:
    assert scheme_for("uzbek_1995", "uzn", "Cyrl") == scheme_for("uzbek_1995", "uzb", "Cyrl")
    assert scheme_for("hans", "cmn", "Hant").target == "Hans"


def test_the_direction_follows_from_the_script() -> None:
    assert scheme_for("serbian", "srp", "Cyrl").target == "Latn"
    assert scheme_for("serbian", "srp", "Latn").target == "Cyrl"
    assert scheme_for("iso15919", "hin", "Latn").target == "Deva"
    assert scheme_for("iso15919", "ben", "Latn").target == "Beng"


def test_the_table_is_sound() -> None:
    seen = set()
    for scheme in SCHEMES:
        assert scheme.reversible != bool(scheme.lossy), (
            f"{scheme} must say what is lost, or be reversible"
        )
        assert not scheme.reversible or reverse_of(scheme), (
            f"{scheme} claims to be reversible and has no reverse"
        )
        assert scheme.version
        for language in scheme.languages or ("",):
            assert language == one_code(language), f"{scheme} would never be found by {language}"
            key = (scheme.name, language, scheme.source)
            assert key not in seen, f"{key} leads to two places"
            seen.add(key)


def test_the_names_that_were_promised_exist() -> None:
    promised = (
        "ala_lc azerbaijani_1991 bgn_pcgn hans hant iast iso15919 iso9 kazakh_2021 maltese_arabic sera serbian "
        "turkmen_1993 uly urdu_hindi uroman uzbek_1995 uzbek_2023 wylie"
    )
    assert set(promised.split()) <= set(scheme_names())


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_every_scheme_loads_and_keeps_tokens_apart(scheme: Scheme) -> None:
    convert = engine_for(scheme)
    assert convert([]) == []
    assert len(convert(["x", "\u0430", "\u0939", "\u0628"])) == 4


@pytest.mark.slow
@pytest.mark.parametrize("scheme", REVERSIBLE, ids=str)
def test_a_reversible_scheme_brings_back_every_word_of_its_alphabet(scheme: Scheme) -> None:
    back = reverse_of(scheme)
    assert back is not None

    @settings(
        deadline=None,
        max_examples=25,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(
        st.lists(st.from_regex(scheme.reversible_words, fullmatch=True), min_size=1, max_size=20)
    )
    def comes_back(words: list[str]) -> None:
        given_words = pa.array([unicodedata.normalize("NFC", word) for word in words])
        there = transliterate(given_words, scheme)
        assert transliterate(there, back).to_pylist() == given_words.to_pylist(), there.to_pylist()

    comes_back()


TABLES = {**ALPHABETS, **ARABIC_SCRIPT}
TARGETS = {
    (scheme.detail, scheme.source): scheme.target for scheme in SCHEMES if scheme.engine == "rules"
}


@pytest.mark.parametrize("name", TABLES, ids="-".join)
def test_a_table_holds_letters_of_its_two_scripts_alone(name: tuple[str, str]) -> None:
    """Look-alikes are easily typed into a table: a Latin o among Cyrillic letters."""
    words = TABLES[name].letters.split()
    contexts = [line.split(" > ")[1] for line in TABLES[name].contexts.strip().splitlines()]
    found = [
        count_scripts(pa.array([" ".join(part)])).scripts
        for part in (words[::2], words[1::2] + contexts)
    ]
    assert set(found[0]) <= {name[1]}
    assert set(found[1]) <= {TARGETS[name]}


def test_a_rule_that_is_not_one_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"a rule must look like 'before \{ source \} after > target', got 'a b'"
    ):
        compile_letters(LetterRules("", "a b"))


def test_numbers_in_han_letters_that_uroman_trips_over_are_read_letter_by_letter() -> None:
    uroman = scheme_for("uroman", "zho", "Hans")
    made = transliterate(pa.array(["百分之五", "百分之百分之五"]), uroman).to_pylist()
    assert made[0] == "5%"
    assert made[1].startswith("100")
    assert made[1].isascii()
