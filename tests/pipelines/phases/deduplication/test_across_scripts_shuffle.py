"""One text in two scripts, through a whole run: found where a language has both, and the recipe's
script is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from gflanguages import LoadLanguages

from pipelines.build.plan import make_plan
from schemas.columns import arrange
from schemas.document import DOCUMENT
from stages.transliteration.options import TransliterationConfig
from stages.transliteration.transliterate import transliterate_batch
from tests.recipes import one_source
from tests.running import run

RECIPE = (
    one_source("scripts", split_bytes=4_000)
    + """
[[ingest]]
stage = "identify_language"

[[dedup]]
stage = "across_scripts"
{keep}
"""
)
FIELDS = ("specimen_48", "specimen_36", "specimen_32", "specimen_21", "specimen_16")
# Articles 3, 4, 5 and 9 of the Universal Declaration of Human Rights, and how they may be typed in
# Latin letters.
HINDI = (
    "प्रत्येक व्यक्ति को जीवन, स्वाधीनता और वैयक्तिक सुरक्षा का अधिकार है । कोई भी ग़ुलामी या दासता की हालत में न रखा जाएगा, "
    "ग़ुलामी-प्रथा और ग़ुलामों का व्यापार अपने सभी रूपों में निषिद्ध होगा । किसी को भी शारीरिक यातना न दी जाएगी और न किसी के भी प्रति "
    "निर्दय, अमानुषिक या अपमानजनक व्यवहार होगा । किसी को भी मनमाने ढंग से गिरफ़्तार, नज़रबन्द या देश-निष्कासित न किया जाएगा ।"
)
TYPED = (
    "Pratyek vyakti ko jeevan, swadhinta aur vaiyaktik suraksha ka adhikar hai. Koi bhi gulami ya dasta ki halat mein "
    "na rakha jayega, gulami-pratha aur gulamon ka vyapar apne sabhi roopon mein nishiddh hoga. Kisi ko bhi sharirik "
    "yatna na di jayegi aur na kisi ke bhi prati nirday, amanushik ya apmanjanak vyavhar hoga. Kisi ko bhi manmane "
    "dhang se giraftar, nazarband ya desh-nishkasit na kiya jaega."
)


def passages(code: str, fields: tuple[str, ...] = FIELDS) -> str:
    sample = LoadLanguages()[code].sample_text
    return "\n".join(getattr(sample, field) for field in fields)


ROMANIZED = {"hi_Latn, else": "hin", "mr_Latn": "mar", "ne_Latn": "nep"}


def romanized(code: str, language: str, scheme: str) -> str:
    values = {"id": "0", "text": passages(code), "language": language, "script": "Deva"}
    (block,) = arrange(
        {name: pa.array([value]) for name, value in values.items()}, DOCUMENT, 1
    ).to_batches()
    config = TransliterationConfig(schemes={f"{language}_Deva": scheme}, mode="replace")
    text: str = transliterate_batch(block, config).batch["text"][0].as_py()
    return text


def pages() -> dict[str, str]:
    declared = {
        code: passages(code)
        for code in ("sr_Cyrl", "sr_Latn", "az_Cyrl", "az_Latn", "ru_Cyrl", "bg_Cyrl")
    }
    uzbek = {code: passages(code, FIELDS[:2]) for code in ("uz_Latn", "uz_Cyrl")}
    again = {
        "sr_Cyrl again": declared["sr_Cyrl"] + " А.",
        "uz_Latn again": uzbek["uz_Latn"] + " A.",
    }
    hindi = {"hi_Deva": HINDI, "hi_Latn": TYPED, "hi_Deva, else": passages("hi_Deva")}
    sanskrit = {"sa_Deva": passages("sa_Deva"), "sa_Latn": romanized("sa_Deva", "san", "iast")}
    scholarly = {
        code: romanized(f"{code[:2]}_Deva", language, "iso15919")
        for code, language in ROMANIZED.items()
    }
    return declared | uzbek | again | hindi | sanskrit | scholarly


KEPT = {
    "the Cyrillic one stays, for Hindi the first": ('keep = ["Cyrl"]', {
        "sr_Latn": "sr_Cyrl", "az_Latn": "az_Cyrl", "uz_Latn": "uz_Cyrl", "uz_Latn again": "uz_Cyrl",
        "hi_Latn": "hi_Deva", "hi_Latn, else": "hi_Deva, else", "sa_Latn": "sa_Deva"}),
    "the Latin one stays": ('keep = ["Latn"]', {
        "sr_Cyrl": "sr_Latn", "sr_Cyrl again": "sr_Latn", "az_Cyrl": "az_Latn", "uz_Cyrl": "uz_Latn",
        "hi_Deva": "hi_Latn", "hi_Deva, else": "hi_Latn, else", "sa_Deva": "sa_Latn"}),
    "the longest stays": ('[keepers]\nby = ["longest"]', {
        "sr_Cyrl": "sr_Latn", "sr_Cyrl again": "sr_Latn", "uz_Cyrl": "uz_Latn again", "hi_Deva": "hi_Latn",
        "hi_Deva, else": "hi_Latn, else", "sa_Deva": "sa_Latn",
        "az_Cyrl": "az_Latn"}),  # these are equally long: the hash of the id decides
}  # fmt: skip


@pytest.mark.parametrize(("keep", "expected"), KEPT.values(), ids=KEPT.keys())
def test_the_same_text_in_two_scripts(keep: str, expected: dict[str, str], tmp_path: Path) -> None:
    """Of srp, aze, uzb, hin and san; rus, bul, mar and nep have none here, and two pages of one
    script stay."""
    texts = pages()
    (tmp_path / "pages.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts.values())
    )
    (tmp_path / "scripts.toml").write_text(RECIPE.format(keep=keep))
    run(tmp_path / "scripts.toml", tmp_path / "out")
    ledger: list[dict[str, Any]] = (
        ds.dataset(tmp_path / "out/ledger").to_table().sort_by("position").to_pylist()
    )
    assert len(list((tmp_path / "out/ledger").iterdir())) > 1, "several splits"
    name_of = {row["id"]: name for row, name in zip(ledger, texts, strict=True)}
    found = {
        name_of[row["id"]]: name_of[row["duplicate_of"]]
        for row in ledger
        if row["fate"] == "duplicate"
    }
    assert found == expected


def test_languages_must_have_been_identified(tmp_path: Path) -> None:
    (tmp_path / "pages.jsonl").write_text('{"text": "a"}\n')
    recipe = RECIPE.replace('[[ingest]]\nstage = "identify_language"', "").format(keep="")
    (tmp_path / "scripts.toml").write_text(recipe)
    with pytest.raises(ValueError, match="across_scripts compares the scripts of a language"):
        make_plan(tmp_path / "scripts.toml")
