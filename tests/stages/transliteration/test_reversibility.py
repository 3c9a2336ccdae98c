"""The report of what comes back from a scheme and its reverse, and of what is lost."""

from __future__ import annotations

import unicodedata

import gflanguages
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.language import one_code, to_iso639_3
from stages.transliteration.reversibility import Loss, masked, reversibility
from stages.transliteration.schemes import SCHEMES, Scheme, covers, scheme_for
from stages.transliteration.transliterate import transliterate

pytest.importorskip("icu", reason="the schemes need glotmill[icu]")


def test_texts_that_come_back_are_counted() -> None:
    found = reversibility(
        pa.array(["Његош", "џеп и коњ", "ињекција"]), scheme_for("serbian", "srp", "Cyrl")
    )
    assert (found.texts, found.identical, found.share) == (3, 2, 2 / 3)
    assert (found.tokens, found.changed) == (5, 1)
    assert found.losses == (Loss("иње", "инје", "letters", 1),)


def test_the_commonest_loss_comes_first() -> None:
    texts = pa.array(["ахоли ц", "цирк цедра цедра", "цирк"])
    found = reversibility(texts, scheme_for("uzbek_1995", "uzb", "Cyrl"))
    assert found.losses == (Loss("це", "се", "letters", 2), Loss("ц", "с", "letters", 1))
    assert reversibility(texts, found.scheme, most=1).losses == (Loss("це", "се", "letters", 2),)


def test_amharic_full_stops_of_two_word_spaces_come_back_as_one_sign() -> None:
    found = reversibility(pa.array(["ሰላም፡፡", "ሰላም።"]), scheme_for("sera", "amh", "Ethi"))
    assert (found.identical, found.losses) == (
        1,
        (Loss("ም፡፡", "ም።", "apostrophes or punctuation", 1),),
    )


# By how much the promised part of running text is smaller than the text: half of it, but for few
# forms of syllables.
LEAST_KEPT = {"iso15919": 3, "wylie": 20}
WHY = {
    "capitals": ("srp_Latn", "NJ.", "Nj."),
    "a word already in the target script": ("srp_Cyrl", "слово Linuks", "слово Линукс"),
    "a word joined to digits or signs": ("srp_Cyrl", "у 5км", "у 5km"),
    "invisible characters inside a word": ("srp_Cyrl", "Бео\u00adград", "Београд"),
    "apostrophes or punctuation": ("uzb_Latn", "ma'no", "ma\u02bcno"),
    "letters": ("uzb_Cyrl", "щётка", "шётка"),
}


@pytest.mark.parametrize("reason", WHY)
def test_a_loss_names_why(reason: str) -> None:
    label, text, back = WHY[reason]
    scheme = scheme_for("serbian" if label.startswith("srp") else "uzbek_1995", *label.split("_"))
    found = reversibility(pa.array([text, "1995"]), scheme)
    assert (found.identical, found.changed, found.reasons) == (1, 1, ((reason, 1),))
    [loss] = found.losses
    assert text.replace(loss.source, loss.returned) == back


def test_words_that_a_scheme_leaves_in_their_script_are_counted() -> None:
    found = reversibility(
        pa.array(["WhatsApp va kitob, Sainsbury's"]), scheme_for("uzbek_1995", "uzb", "Latn")
    )
    assert (found.tokens, found.left, found.share) == (4, 2, 1.0)


def test_texts_without_tokens_come_back() -> None:
    found = reversibility(pa.array(["1995 \U0001f600", ""]), scheme_for("iso9", "rus", "Cyrl"))
    assert (found.share, found.tokens, found.losses) == (1.0, 0, ())
    assert reversibility(pa.array([], pa.string()), found.scheme).share == 1.0


def test_a_scheme_that_nothing_leads_back_from_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing leads back from kazakh_2021, Cyrl to Latn"):
        reversibility(pa.array(["тіл"]), scheme_for("kazakh_2021", "kaz", "Cyrl"))


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme.reversible], ids=str)
def test_running_text_comes_back_but_for_what_is_masked(scheme: Scheme) -> None:
    languages = gflanguages.LoadLanguages().values()
    texts = [
        f"{sample.sample_text.tester} Linuks 5km {sample.sample_text.styles} \u0421\u0438\u0440 1995"
        for sample in languages
        if sample.sample_text.tester
        and covers(scheme, one_code(to_iso639_3(sample.language) or sample.language), sample.script)
    ][:40]
    kept = masked(pa.array(texts, pa.string()), scheme)
    assert reversibility(kept, scheme).losses == ()
    assert not texts or sum(map(len, kept.to_pylist())) > sum(map(len, texts)) / LEAST_KEPT.get(
        scheme.name, 2
    )


def test_a_token_too_long_to_look_at_is_counted() -> None:
    found = reversibility(pa.array(["ц" * 100]), scheme_for("uzbek_1995", "uzb", "Cyrl"))
    assert (found.changed, found.losses) == (1, ())


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text("абвцщъьёeіΩ \u0301", max_size=8), max_size=5))
def test_a_loss_turns_what_was_into_what_came_back(texts: list[str]) -> None:
    scheme = scheme_for("uzbek_1995", "uzb", "Cyrl")
    found = reversibility(pa.array(texts, pa.string()), scheme, most=100)
    assert (
        sum(loss.times for loss in found.losses)
        == found.changed
        == sum(times for _, times in found.reasons)
    )
    back = transliterate(
        transliterate(pa.array(texts, pa.string()), scheme), scheme_for("uzbek_1995", "uzb", "Latn")
    ).to_pylist()
    for loss in found.losses:
        assert loss.source != loss.returned
        assert any(loss.source in unicodedata.normalize("NFC", text) for text in texts)
        assert any(loss.returned in text for text in back)
