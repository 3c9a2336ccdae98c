"""`croissant.json`: the corpus as Croissant describes data sets for programs, with the fields of
its vocabulary for responsible AI.

Source: Croissant format specification 1.1 and Croissant RAI specification 1.0 (MLCommons). A
language has a record set of its own while there are few; of many, one record set holds all
documents. Each configuration of synthetic rows has one, too. Each shard is listed with its SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data_cards.display import one_line
from data_cards.pages.metadata import MOST_FEATURE_COPIES, Subset, hub_licence, subsets
from data_cards.sections.columns import column_rows
from data_cards.sections.overview import language_rows, totals
from data_cards.sections.synthesis import configuration_rows
from data_cards.sections.texts import (
    balance_rows,
    commonest_hosts,
    confusions,
    term_rows,
    text_rows,
)
from schemas.card.card import Card
from schemas.card.columns import ColumnRow
from schemas.card.splits import PublishedFile
from schemas.synthesis import synthetic_schema

NAME = "croissant.json"
_REPOSITORY = "repository"
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = (  # beginning of a type's name on the Hub -> data type
    *(("int", "sc:Integer"), ("uint", "sc:Integer")),
    *(("float", "sc:Float"), ("decimal", "sc:Float"), ("bool", "sc:Boolean")),
)


def croissant_json(card: Card) -> str:
    """Write the description of a card's corpus; the same card gives the same bytes."""
    identity = card.identity
    found = list(subsets(card))
    shown = found if len(card.statistics) <= MOST_FEATURE_COPIES else found[:1]
    description = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.1",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "name": identity.name,
        "alternateName": one_line(identity.title),
        "description": one_line(identity.description) or one_line(identity.title),
        "version": identity.version,
        "inLanguage": sorted({row.facts.tag for row in language_rows(card)}),
        "keywords": list(dict.fromkeys(["glotmill", *map(one_line, identity.tags)])),
        **_named("license", _licence(card)),
        **_named("url", identity.homepage),
        **_named("creator", _creator(card)),
        **_named("citeAs", one_line(card.statements.citation)),
        **_responsible(card),
        "distribution": [*_distribution(card, shown)],
        "recordSet": [
            *(_record_set(subset.name, _counted(subset.files), card.columns) for subset in shown),
            *(
                _record_set(
                    row.name,
                    f"{sum(count for _, count in row.rows)} synthetic rows",
                    column_rows(synthetic_schema(row.name)),
                )
                for row in configuration_rows(card)
            ),
        ],
    }
    return json.dumps(description, ensure_ascii=False, indent=1) + "\n"


def _named(name: str, value: object) -> dict[str, Any]:
    return {name: value} if value else {}


def _licence(card: Card) -> list[str]:
    stated = (
        [card.identity.licence]
        if card.identity.licence
        else sorted({s.licence or "" for s in card.sources} - {""})
    )
    return [hub_licence(licence) or one_line(licence) for licence in stated]


def _creator(card: Card) -> dict[str, str] | None:
    contact = card.identity.contact
    return {"@type": "sc:Organization", "name": one_line(contact)} if contact else None


def _responsible(card: Card) -> dict[str, Any]:
    """Tell what is computed of how the data came to be; what only people know is in the corpus's
    card, or missing."""
    sums = totals(card)
    steps = [f"{step.phase}: {step.stage}" if step.stage else step.phase for step in card.steps]
    return {
        "rai:dataCollection": "; ".join(
            f"{source.name}: {source.documents} documents read{_from(source.url)}"
            for source in card.sources
        )
        + f". Of {sums.documents} documents published, {sums.made.documents} were made by machines.",
        "rai:dataCollectionRawData": [source.url for source in card.sources if source.url],
        "rai:dataPreprocessingProtocol": steps,
        "rai:dataImputationProtocol": "None: no text was filled in.",
        "rai:machineAnnotationTools": [f"{model.name} {model.version}" for model in card.models],
        "rai:dataLimitations": [
            *map(one_line, card.identity.limitations),
            *_stated(card, "limitations"),
        ],
        "rai:dataUseCases": [*_stated(card, "intended_uses", "uses_to_avoid")],
        "rai:dataBiases": [*_counted_biases(card), *_stated(card, "biases")],
        "rai:dataSocialImpact": [*_stated(card, "social_impact")],
        "rai:personalSensitiveInformation": [*_stated(card, "consent", "removal")],
        "rai:dataReleaseMaintenancePlan": [*_stated(card, "maintenance")],
    }


def _counted_biases(card: Card) -> Iterator[str]:
    """Tell what of the figures of found and of made texts bears on bias."""
    for row in text_rows(card):
        kind = "made" if row.made else "found"
        words = (
            f"{row.label}, {kind}: about {row.distinct_documents} of {row.documents} documents distinct, "
            f"median length {row.median} code points"
        )
        if row.distinct_hosts:
            words += f", about {row.distinct_hosts} hosts"
        words += "".join(
            f", {fertility:.2f} tokens a word by {one_line(name)}"
            for name, fertility in row.fertility.items()
            if fertility is not None
        )
        yield words
    for pair in balance_rows(card):
        yield (
            f"{pair.label}, {'made' if pair.made else 'found'}: {pair.feminine} feminine terms, "
            f"{pair.masculine} masculine ones"
        )
    for host, documents in commonest_hosts(card).items():
        yield f"{one_line(host)}: {documents} documents found"
    for term in term_rows(card):
        yield (
            f"{term.label}, {'made' if term.made else 'found'}: {term.documents} documents with words of the list "
            f"{one_line(term.name)}"
        )
    for one in confusions(card):
        yield f"{one.label}: second best label of {one.documents} documents was {one_line(one.runner_up)}"


def _stated(card: Card, *names: str) -> list[str]:
    given = card.statements.model_dump()
    return [one_line(given[name]) for name in names if given[name].strip()]


def _from(url: str | None) -> str:
    return f", from {url}" if url else ""


def _distribution(card: Card, shown: Sequence[Subset]) -> Iterator[dict[str, Any]]:
    yield {
        "@type": "cr:FileObject",
        "@id": _REPOSITORY,
        "name": _REPOSITORY,
        "description": "The folder that this file lies in.",
        "contentUrl": "./",
        "encodingFormat": "git+https",
        "sha256": "https://github.com/mlcommons/croissant/issues/80",  # what the specification has for a folder
    }
    sets = {subset.name: [file["path"] for file in subset.paths()] for subset in shown}
    sets |= {row.name: [f"synthetic/{row.name}/*.parquet"] for row in configuration_rows(card)}
    for name, paths in sets.items():
        yield {
            "@type": "cr:FileSet",
            "@id": f"files-{name}",
            "containedIn": {"@id": _REPOSITORY},
            "encodingFormat": "application/x-parquet",
            "includes": paths,
        }
    for file in card.files:
        yield {
            "@type": "cr:FileObject",
            "@id": file.path,
            "name": file.path,
            "contentUrl": file.path,
            "contentSize": f"{file.size_bytes} B",
            "encodingFormat": "application/x-parquet",
            "sha256": file.sha256,
        }


def _counted(files: Sequence[PublishedFile]) -> str:
    return f"{sum(file.documents for file in files)} documents"


def _record_set(name: str, description: str, columns: Sequence[ColumnRow]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "field": [
            _field(
                f"{name}/{column.name}",
                one_line(column.description),
                column.feature,
                {"fileSet": {"@id": f"files-{name}"}, "extract": {"column": column.name}},
            )
            for column in columns
        ],
    }


def _field(
    identifier: str, description: str, feature: Mapping[str, Any], source: dict[str, Any]
) -> dict[str, Any]:
    """Describe a column; `feature` is the column as a Hub card declares it."""
    field: dict[str, Any] = {"@type": "cr:Field", "@id": identifier, "name": identifier}
    if description:
        field["description"] = description
    inner = feature.get("list", feature.get("large_list"))
    if inner is not None:
        field |= {"isArray": True, "arrayShape": "-1"}
        feature = (
            inner
            if isinstance(inner, dict)
            else {"struct": inner}
            if isinstance(inner, list)
            else {"dtype": inner}
        )
    if "struct" in feature:
        field["subField"] = [
            _field(
                f"{identifier}/{part['name']}",
                "",
                part,
                source | {"transform": {"jsonPath": part["name"]}},
            )
            for part in feature["struct"]
        ]
    else:
        kind = str(feature.get("dtype"))
        field["dataType"] = next(
            (croissant for start, croissant in _TYPES if kind.startswith(start)), "sc:Text"
        )
    return field | {"source": source}
