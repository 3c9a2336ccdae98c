"""The YAML front matter of a card: what the Hub and the `datasets` library read.

Built as objects and dumped by a YAML library, so that a language `no` stays a string. Licence
identifiers are those that the Hub documents (Hub documentation, "Licenses"); any other licence is
`other` with its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from huggingface_hub import DatasetCardData

from data_cards.display import one_line
from data_cards.sections.columns import hub_feature
from data_cards.sections.overview import language_rows, merge_sizes, totals
from data_cards.sections.splits import published_splits
from data_cards.sections.synthesis import configuration_rows
from schemas.card.card import Card
from schemas.card.splits import SUBSETS_APART, PublishedFile
from schemas.card.statistics import TextStatistics
from schemas.language import NO_LINGUISTIC_CONTENT, UNDETERMINED
from schemas.synthesis import synthetic_schema

_HUB_LICENCES = frozenset(
    """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0 bigscience-openrail-m bsd
    bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0
    cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
    cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0
    creativeml-openrail-m ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 gfdl gpl gpl-2.0 gpl-3.0 isc lgpl lgpl-2.1
    lgpl-3.0 lgpl-lr lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openrail openrail++ osl-3.0 pddl postgresql
    unknown unlicense wtfpl zlib
    """.split()  # noqa: SIM905 - sixty names read better so
)
_SIZES = (
    *(
        (10**3, "n<1K"),
        (10**4, "1K<n<10K"),
        (10**5, "10K<n<100K"),
        (10**6, "100K<n<1M"),
        (10**7, "1M<n<10M"),
    ),
    *((10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B")),
    (10**12, "100B<n<1T"),
)
# The Parquet files declare the features themselves; hundreds of copies would make the front matter
# unreadable.
MOST_FEATURE_COPIES = 100
_TASKS = {  # of configurations of synthetic rows
    "question_answer": "question-answering",
    "retrieval": "text-retrieval",
    "multiple_choice": "multiple-choice",
    "claim": "text-classification",
}
ALL = "all"  # the configuration that loads every language: no label can be called so


def hub_licence(licence: str) -> str | None:
    """Map an SPDX identifier to the Hub's, or None if the Hub has none.

    >>> hub_licence("CC-BY-4.0"), hub_licence("GPL-3.0-or-later"), hub_licence("ODC-By-1.0"), hub_licence("ours")
    ('cc-by-4.0', 'gpl-3.0', 'odc-by', None)
    """
    code = licence.strip().lower().removesuffix("-only").removesuffix("-or-later")
    family = code.rsplit("-", 1)[0]  # odc-by-1.0, odbl-1.0, pddl-1.0, gfdl-1.3
    if code in _HUB_LICENCES:
        return code
    return family if family in {"odc-by", "odbl", "pddl", "gfdl"} else None


def size_category(documents: int) -> str:
    """Name the Hub's size class of a number of documents.

    >>> size_category(999), size_category(1000)
    ('n<1K', '1K<n<10K')
    """
    return next((name for limit, name in _SIZES if documents < limit), "n>1T")


def front_matter(card: Card) -> str:
    """Write the metadata block of a card as YAML, without its fences."""
    identity = card.identity
    rows = language_rows(card)
    all_codes = {row.facts.hub_code for row in rows}
    codes = sorted(all_codes - {UNDETERMINED, NO_LINGUISTIC_CONTENT}) or sorted(all_codes)
    synthetic = totals(card).made.documents > 0 or bool(card.synthetic)
    tasks = [_TASKS[row.name] for row in configuration_rows(card) if row.name in _TASKS]
    metadata = DatasetCardData(
        pretty_name=one_line(identity.title),
        language=codes or None,
        language_details=", ".join(sorted(row.facts.tag for row in rows)) or None,
        **_licence(card),
        multilinguality="monolingual" if len(codes) == 1 else "multilingual",
        size_categories=size_category(totals(card).documents),
        source_datasets=["original"],
        language_creators=["found", "machine-generated"] if synthetic else ["found"],
        annotations_creators=["machine-generated"],
        task_categories=list(dict.fromkeys(["text-generation", "fill-mask", *tasks])),
        task_ids=["language-modeling", "masked-language-modeling"],
        tags=list(dict.fromkeys(["glotmill", *map(one_line, identity.tags)])),
        configs=_configs(card) or None,
        dataset_info=_dataset_info(card) or None,
    )
    order = [
        "pretty_name",
        "language",
        "language_details",
        "license",
        "license_name",
        "license_link",
    ]
    return metadata.to_yaml(original_order=order)


def _licence(card: Card) -> dict[str, Any]:
    stated = (
        [card.identity.licence]
        if card.identity.licence
        else sorted({s.licence for s in card.sources if s.licence})
    )
    known = [hub_licence(licence) for licence in stated]
    if not stated:
        return {"license": "unknown"}
    if None not in known:
        codes = sorted({code for code in known if code})
        return {"license": codes[0] if len(codes) == 1 else codes}
    named = {"license": "other", "license_name": one_line("; ".join(stated))}
    return named | (
        {"license_link": one_line(card.identity.licence_url)} if card.identity.licence_url else {}
    )


def _configs(card: Card) -> list[dict[str, Any]]:
    return [
        {"config_name": subset.name, "data_files": subset.paths()}
        | ({"default": True} if subset.name == ALL else {})
        for subset in subsets(card)
    ] + [
        {
            "config_name": row.name,
            "data_files": [
                {"split": split, "path": f"synthetic/{row.name}/{split}-*.parquet"}
                for split, _ in row.rows
            ],
        }
        for row in configuration_rows(card)
    ]


class Subset(NamedTuple):
    """A configuration of the Hub: its name, the folder of its files, the statistics of its
    language, the files."""

    name: str
    folder: str
    statistics: TextStatistics
    files: list[PublishedFile]

    def paths(self) -> list[dict[str, str]]:
        """Name the files of each split; those of documents apart are all there is of their subset:
        `train`."""
        return [
            {"split": _loaded(split), "path": f"data/{self.folder}/{split}-*.parquet"}
            for split in published_splits(self.files)
        ]


def subsets(card: Card) -> Iterator[Subset]:
    """Yield all documents but those apart as one subset, then those of each label, those apart by
    themselves."""
    parts = {apart: [file for file in card.files if file.split == apart] for apart in SUBSETS_APART}
    clear = [file for file in card.files if file.split not in parts]
    if clear:
        yield Subset(ALL, "*", merge_sizes(card.statistics.values()), clear)
    for label, part in sorted(card.statistics.items()):
        for name, files in (
            (label, clear),
            *((f"{label}_{apart}", found) for apart, found in parts.items()),
        ):
            if own := [file for file in files if file.language == label]:
                yield Subset(name, label, part, own)


def _loaded(split: str) -> str:
    return "train" if split in SUBSETS_APART else split


def _split_infos(part: TextStatistics, files: Sequence[PublishedFile]) -> list[dict[str, Any]]:
    splits = published_splits(files)
    if len(splits) < 2 and sum(file.documents for file in files) == part.documents:
        return [
            {"name": _loaded(s), "num_bytes": part.num_bytes, "num_examples": part.documents}
            for s in splits
        ]
    own = [(split, [file for file in files if file.split == split]) for split in splits]
    return [
        {
            "name": _loaded(split),
            "num_bytes": sum(file.num_bytes for file in found),
            "num_examples": sum(file.documents for file in found),
        }
        for split, found in own
    ]


def _dataset_info(card: Card) -> list[dict[str, Any]]:
    if not card.statistics:
        return []
    with_features = len(card.statistics) <= MOST_FEATURE_COPIES
    infos = []
    for subset in subsets(card):
        # A copy for each, or YAML would write references, which not every reader of cards follows.
        features = [{"name": column.name, **deepcopy(column.feature)} for column in card.columns]
        splits = _split_infos(subset.statistics, subset.files)
        infos.append(
            {
                "config_name": subset.name,
                **({"features": features} if with_features else {}),
                "splits": splits,
                "download_size": sum(file.size_bytes for file in subset.files),
                "dataset_size": sum(split["num_bytes"] for split in splits),
            }
        )
    return [*infos, *_synthetic_info(card)]


def _synthetic_info(card: Card) -> Iterator[dict[str, Any]]:
    for row in configuration_rows(card):
        files = [file for file in card.synthetic if file.name == row.name]
        sizes = {
            split: sum(file.num_bytes for file in files if file.split == split)
            for split, _ in row.rows
        }
        yield {
            "config_name": row.name,
            "features": [
                {"name": field.name, **hub_feature(field.type)}
                for field in synthetic_schema(row.name)
            ],
            "splits": [
                {"name": split, "num_bytes": sizes[split], "num_examples": count}
                for split, count in row.rows
            ],
            "download_size": sum(file.size_bytes for file in files),
            "dataset_size": sum(sizes.values()),
        }
