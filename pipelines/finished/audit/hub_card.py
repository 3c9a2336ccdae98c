"""What the card of a data set on the Hub declares, where glotmill did not write it: languages,
licence, configurations, counts of rows."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pipelines.staging.store import Store
from schemas.finding import Finding, error, note, warning
from schemas.language import to_iso639_3

CHECK = "card"
README = "README.md"
_MOST_BYTES = 8 << 20  # of a card; the largest on the Hub are below 1 MB
_FRONT_MATTER = re.compile(rb"\A---[ \t]*\r?\n(.*?)\r?\n---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_SCRIPT = re.compile(r"([a-z]{2,3})[_-]([A-Z][a-z]{3})")
_NO_LANGUAGE = frozenset({"code", "multilingual", "mul", "und", "zxx", "mis"})


class HubCard(NamedTuple):
    """Front matter as far as it can be checked. `configurations` are names with globs of files."""

    languages: tuple[str, ...]
    licences: tuple[str, ...]
    configurations: tuple[tuple[str, str], ...]
    rows: Mapping[str, int]  # of a configuration, all splits together

    def configuration(self, path: str) -> str | None:
        """Return the most closely fitting configuration that a file belongs to."""
        own = [(glob, name) for name, glob in self.configurations if fnmatch.fnmatch(path, glob)]
        return max(own, key=lambda pair: len(pair[0].partition("*")[0]))[1] if own else None


NO_CARD = HubCard((), (), (), {})


def read_hub_card(store: Store, present: Sequence[str]) -> tuple[HubCard, list[Finding]]:
    """Read README.md of a data set; what is wrong with it comes back as findings."""
    import yaml  # type: ignore[import-untyped]

    if README not in present:
        return NO_CARD, [note(CHECK, "there is no card that declares languages or a licence")]
    with store.open(README) as stream:
        head = stream.read(_MOST_BYTES)
    found = _FRONT_MATTER.search(head)
    if found is None:
        return NO_CARD, [warning(CHECK, "has no front matter, which the Hub reads", README)]
    try:
        given = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        words = f"has broken front matter: {' '.join(str(problem).split())[:200]}"
        return NO_CARD, [error(CHECK, words, README)]
    if not isinstance(given, dict):
        return NO_CARD, [error(CHECK, "has front matter that names nothing", README)]
    card = HubCard(
        tuple(map(str, _listed(given.get("language")))),
        tuple(map(str, _listed(given.get("license")))),
        tuple(_configurations(given.get("configs"))),
        dict(_rows(given.get("dataset_info"))),
    )
    return card, list(_findings(given, card, present))


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _configurations(configs: object) -> Iterator[tuple[str, str]]:
    for config in _listed(configs):
        if not isinstance(config, dict):
            continue
        folder = str(config.get("data_dir") or "").strip("/")
        for entry in _listed(config.get("data_files")):
            paths = _listed(entry.get("path")) if isinstance(entry, dict) else [entry]
            for path in paths:
                glob = f"{folder}/{path}" if folder else str(path)
                yield str(config.get("config_name", "default")), glob.replace("**/", "*")


def _rows(infos: object) -> Iterator[tuple[str, int]]:
    for info in _listed(infos):
        splits = _listed(info.get("splits")) if isinstance(info, dict) else []
        given = [split.get("num_examples") for split in splits if isinstance(split, dict)]
        counts = [count for count in given if isinstance(count, int)]
        if counts and len(counts) == len(given):
            yield str(info.get("config_name", "default")), sum(counts)


def _findings(given: Mapping[Any, Any], card: HubCard, present: Sequence[str]) -> Iterator[Finding]:
    for value in _listed(given.get("language")):
        if not isinstance(value, str):
            yield error(
                CHECK, f"has the language {value!r}, which is no text: put it in quotes", README
            )
        elif language_of(value) is None and value not in _NO_LANGUAGE:
            yield warning(
                CHECK, f"has the language {value[:40]!r}, which is no ISO 639 code", README
            )
    if not card.languages:
        yield note(CHECK, "declares no language", README)
    if not card.licences:
        yield warning("licences", "declares no licence", README)
    files = [path for path in present if path != README]
    for name, glob in card.configurations:
        if not fnmatch.filter(files, glob):
            words = f"configuration {name[:80]!r} names {glob[:120]}, which no file is"
            yield error(CHECK, words, README)
    if card.configurations:
        parquet = [path for path in present if path.endswith(".parquet")]
        unread = [path for path in parquet if card.configuration(path) is None]
        if unread:
            words = f"{len(unread):,} Parquet files are in no configuration, such as {unread[0]}"
            yield warning(CHECK, words, README)


def row_findings(card: HubCard, counted: Mapping[str, int]) -> Iterator[Finding]:
    """Compare the rows that the card states of each configuration with those that were counted."""
    for name, rows in card.rows.items():
        if name in counted and counted[name] != rows:
            words = (
                f"configuration {name[:80]!r}: {rows:,} rows by the card, {counted[name]:,} counted"
            )
            yield error(CHECK, words, README)


def language_of(name: str) -> str | None:
    """Return the label that a code means, with Zyyy where it names no script; None if it is none.

    >>> language_of("swh_Latn"), language_of("sw"), language_of("yo-Latn"), language_of("train")
    ('swa_Latn', 'swa_Zyyy', 'yor_Latn', None)
    """
    from schemas.language import one_code

    found = _SCRIPT.match(name)
    code = found[1] if found else name.partition("-")[0]
    if not re.fullmatch("[a-z]{2,3}", code):
        return None
    language = to_iso639_3(code)
    return f"{one_code(language)}_{found[2] if found else 'Zyyy'}" if language else None


def label_of(path: str, card: HubCard) -> str:
    """Return the label of a file by its configuration, its folders or its name; `und_Zyyy` if none
    names a language.

    A bare code counts in a configuration's name alone: too many words have three letters.
    """
    if label := language_of(card.configuration(path) or ""):
        return label
    for part in reversed(path.removesuffix(".parquet").split("/")):
        if _SCRIPT.match(part) and (label := language_of(part)):
            return label
    codes = set(filter(None, map(language_of, card.languages)))
    return codes.pop() if len(codes) == 1 else "und_Zyyy"
