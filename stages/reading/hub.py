"""Find the Parquet files of a data set on the Hugging Face Hub; they are read like any other
Parquet.

Which files belong to a configuration and a split is asked in this order: the data set's card
(`configs` in the head of its README.md), the folder and file names that the Hub itself goes by, and
the branch `refs/convert/parquet`, where the Hub keeps the Parquet that it makes of data sets in
other formats.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import fsspec

from schemas.source import HubSource
from schemas.split import InputFile
from stages.reading.files import find_files

_CONVERTED = "refs/convert/parquet"
_CARD_BYTES = 1 << 20
_FRONT_MATTER = re.compile(rb"\A---\r?\n(.*?\n)---\r?$", re.DOTALL | re.MULTILINE)
_ALL_ENDINGS = (".parquet",)
_USUAL_SPLITS = ("test", "train", "validation")


def find(source: HubSource, base: str) -> tuple[list[InputFile], list[str]]:
    """Return the Parquet files of the source's configuration and split, and what is wrong if there
    are none."""
    try:
        return _find(source, _card(source.dataset, source.revision), base)
    except _trouble() as error:
        return [], [_unreadable(source.dataset, error)]


class HubPart(NamedTuple):
    """The Parquet files of one split of one configuration."""

    config: str
    split: str
    files: tuple[InputFile, ...]


def find_parts(
    dataset: str, revision: str, wanted: Callable[[str], bool], splits: Sequence[str] = ()
) -> tuple[str, list[HubPart], list[str]]:
    """Return the commit that a revision stands for, its wanted configurations' parts, sorted, and
    what is wrong.

    Without `splits` all that are known are found. A configuration may lack some of those that are
    asked for, but each must be in one of them. What the Hub converted is read at its newest,
    whatever the revision.
    """
    # a tenth of a second, in every process that knows the sources
    from huggingface_hub import (
        HfApi,
    )

    try:
        commit = str(HfApi().dataset_info(dataset, revision=revision).sha)
        card = _card(dataset, commit)
        known = _splits_by_config(card) or _converted_splits(dataset) or {"default": ()}
        parts = []
        for config in sorted(filter(wanted, known)):
            for split in sorted(splits or known[config] or _USUAL_SPLITS):
                if split in known[config] or not known[config]:
                    named = None if config == "default" else config
                    source = HubSource(
                        name="set",
                        format="hub",
                        dataset=dataset,
                        config=named,
                        split=split,
                        revision=commit,
                    )
                    files, _ = _find(source, card, "")
                    parts += [HubPart(config, split, tuple(files))] if files else []
    except _trouble() as error:
        return "", [], [_unreadable(dataset, error)]
    names = ", ".join(sorted(known)[:20])
    if not parts:
        return (
            commit,
            [],
            [
                f"data set {dataset!r} has no Parquet in what is asked for; its configurations are {names}"
            ],
        )
    missing = [split for split in splits if split not in {part.split for part in parts}]
    return commit, parts, [f"data set {dataset!r} has no split {split!r}" for split in missing]


def _trouble() -> tuple[type[Exception], ...]:
    """Return what the Hub's client raises, its own errors and those of the network, and we of what
    it answers."""
    import httpx2  # when something went wrong, and not in every process that knows the sources

    return OSError, httpx2.HTTPError, ValueError


def _unreadable(dataset: str, error: Exception) -> str:
    return f"data set {dataset!r} cannot be read from the Hub: {' '.join(str(error).split())[:300]}"


def _splits_by_config(card: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return the splits of each configuration that a card names; none where it does not say."""
    found = {}
    for config in card:
        files = config.get("data_files")
        entries = [
            entry
            for entry in (files if isinstance(files, list) else [files])
            if isinstance(entry, dict | str)
        ]
        splits = (
            "train" if isinstance(entry, str) else str(entry.get("split", "train"))
            for entry in entries
        )
        found[str(config.get("config_name", "default"))] = tuple(dict.fromkeys(splits))
    return found


def _converted_splits(dataset: str) -> dict[str, tuple[str, ...]]:
    """Return the splits of each configuration that the Hub itself converted to Parquet."""
    root = f"hf://datasets/{dataset}@{_CONVERTED.replace('/', '%2F')}"
    store, folder = fsspec.url_to_fs(root)
    found: dict[str, list[str]] = {}
    try:
        names = store.glob(f"{folder}/*/*/*.parquet")
    except FileNotFoundError:
        return {}
    for name in sorted(names):
        *_, config, split, _ = name.split("/")
        found.setdefault(config, []).append(split)
    return {config: tuple(dict.fromkeys(splits)) for config, splits in found.items()}


def _find(
    source: HubSource, card: list[dict[str, Any]], base: str
) -> tuple[list[InputFile], list[str]]:
    patterns, configs = _patterns(source, card)
    for revision, paths in patterns:
        root = f"hf://datasets/{source.dataset}@{revision.replace('/', '%2F')}"
        files, problems = find_files([f"{root}/{path}" for path in paths], base)
        files = [file for file in files if file.path.lower().endswith(_ALL_ENDINGS)]
        if files:
            return files, []
        denied = [problem for problem in problems if "matches no file" not in problem]
        if denied:
            return [], denied
    there_are = f"; its configurations are {', '.join(configs)}" if configs else ""
    return [], [
        f"data set {source.dataset!r} has no Parquet for config {source.config or 'default'!r}, "
        f"split {source.split!r} at revision {source.revision!r}{there_are}; "
        "check its name, or log in if it is not public"
    ]


def _patterns(
    source: HubSource, card: list[dict[str, Any]]
) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Return where the files may lie, as (revision, globs), best first, and the configurations that
    the card names."""
    configs = {str(config.get("config_name", "default")): config for config in card}
    names = list(configs)
    if source.config is not None:
        chosen = configs.get(source.config)
    else:
        defaults = [name for name, config in configs.items() if config.get("default") is True]
        chosen_name = (
            defaults[0]
            if defaults
            else "default"
            if "default" in configs
            else names[0]
            if len(names) == 1
            else ""
        )
        if names and not chosen_name:
            raise ValueError(
                f"it has several configurations; name one under config: {', '.join(names)}"
            )
        chosen = configs.get(chosen_name)
    if chosen is not None and (paths := list(_card_paths(chosen, source.split))):
        return [(source.revision, paths)], names
    split, config = _literal(source.split), _literal(source.config or "default")
    named = [
        f"{config}/{split}/*.parquet",
        f"{config}/{split}-*.parquet",
        f"data/{config}/{split}-*.parquet",
    ]
    flat = [
        f"data/{split}-*.parquet",
        f"data/{split}/*.parquet",
        f"{split}-*.parquet",
        f"{split}.parquet",
    ]
    return [
        (source.revision, named if source.config else flat),
        (_CONVERTED, [f"{config}/{split}/*.parquet"]),
    ], names


def _card(dataset: str, revision: str) -> list[dict[str, Any]]:
    """Return `configs` of the data set's card; empty if there is no card or it has none."""
    location = f"hf://datasets/{dataset}@{revision.replace('/', '%2F')}/README.md"
    try:
        with fsspec.open(location, "rb") as file:
            head = file.read(_CARD_BYTES)
    except FileNotFoundError:
        return []
    import yaml  # type: ignore[import-untyped]

    front_matter = _FRONT_MATTER.search(head)
    try:
        metadata = yaml.safe_load(front_matter[1]) if front_matter else None
    except yaml.YAMLError as error:
        raise ValueError(
            f"its card has broken YAML: {' '.join(str(error).split())[:200]}"
        ) from error
    configs = metadata.get("configs") if isinstance(metadata, dict) else None
    return (
        [config for config in configs if isinstance(config, dict)]
        if isinstance(configs, list)
        else []
    )


def _card_paths(config: dict[str, Any], split: str) -> Iterator[str]:
    """Yield the globs that a configuration of a card gives for a split, all below the data set's
    own root."""
    data_files = config.get("data_files")
    if isinstance(data_files, str):
        data_files = [data_files]
    folder = config.get("data_dir") or ""
    for entry in data_files if isinstance(data_files, list) else []:
        # A bare glob stands for the split `train`.
        described = {"split": "train", "path": entry} if isinstance(entry, str) else entry
        if not isinstance(described, dict) or described.get("split", "train") != split:
            continue
        paths = described.get("path")
        for path in [paths] if isinstance(paths, str) else paths if isinstance(paths, list) else []:
            joined = posixpath.normpath(posixpath.join(str(folder), str(path)))
            if joined.startswith(("/", "..")) or "://" in joined:
                raise ValueError(f"its card names a file outside the data set: {str(path)[:100]!r}")
            yield joined


def _literal(name: str) -> str:
    """Escape a name for use in a glob."""
    return re.sub(r"([*?\[])", r"[\1]", name)
