"""Mark pages that a machine translated, by what translation leaves in HTML, addresses and text; no model is asked.

In small languages a large part of the web is machine translation, of the worst kind: text that was translated into many
languages at once (Thompson et al. 2024, "A Shocking Amount of the Web is Machine Translated"). What tells, surest first:

| evidence | what was found |
| --- | --- |
| `translated_by_browser` | marks that a browser's or widget's translation wrote into the page: Google's class `translated-ltr` or `-rtl` of the root and its `<font style="vertical-align: inherit;">` around texts, Microsoft's attributes `_msthash`, `_msttexthash` and `_mstmutation` |
| `translation_proxy` | an address of a service that translates whole pages: translate.goog, translate.googleusercontent.com, translatetheweb.com, translate.yandex |
| `translation_service` | settings of Weglot or of GTranslate with addresses of its own, whose original language is not that of the page |
| `unknown_words` | words after an asterisk, as engines of rules mark those they do not know (Apertium's stream format) |
| `many_languages` | alternates in twelve or more languages (`hreflang`, Google Search Central, "Localized versions") |

A page in many languages of one corpus is the evidence `same_page`, written when all documents are
there (`across_languages`). A widget that only offers translation says nothing of the text that a crawler got, and is no evidence.
"""  # noqa: E501 - a table

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from schemas.columns import require_columns
from schemas.document import DOCUMENT, TRANSLATION_EVIDENCE
from schemas.language import one_code, to_iso639_3
from schemas.ledger import CHANGE
from stages.batches import FilteredAndChanged, StageConfig, reject

STAGE = "translated_pages"
Evidence = Literal[
    "translated_by_browser",
    "translation_proxy",
    "translation_service",
    "unknown_words",
    "many_languages",
]
_BROWSER = (
    r"(?i)<(?:html|body)\b[^<>]*\sclass\s*=\s*[\"']?[^\"'<>]*\btranslated-(?:ltr|rtl)\b"
    r"|<[a-z][a-z0-9]*\b[^<>]*\s_mst(?:text)?(?:hash|mutation)\s*="
    r"|(?:<font(?: dir=\"auto\")? style=\"vertical-align: inherit;\">\s*){2}"
)
_PROXY = (
    r"(?i)^https?://(?:[^/]+\.translate\.goog|translate\.googleusercontent\.com|translate\.google\.[a-z.]+|"
    r"(?:www\.)?translatetheweb\.com|(?:www\.)?microsofttranslator\.com|translate\.yandex\.[a-z]+)(?:[:/?]|$)"
)
_PAGE_LANGUAGE = r"(?is)<html\b[^<>]*\slang\s*=\s*[\"']?(?P<code>[a-z]{2,3})\b"
_ORIGINAL_LANGUAGES = (
    r"(?is)id=[\"']weglot-data[\"'][^<>]*>[^<>]*\"language_from\"\s*:\s*\"(?P<code>[a-z]{2,3})\b",
    r"(?is)gtranslateSettings[^<>]{0,200}\"default_language\"\s*:\s*\"(?P<code>[a-z]{2,3})\b"
    r"[^<>]*\"url_structure\"\s*:\s*\"sub_",
)
_ALTERNATE = r"(?i)<link\b[^<>]*\shreflang\s*=\s*[\"']?([a-z]{2,3})\b"  # x-default is none
_MANY_LANGUAGES = 12
_MARKED_WORD = r"\S \*\p{L}[\p{L}\p{M}'\x{2019}-]*(?:[\s.,;:!?)]|$)"  # not a bullet, nor *emphasis*
_WORD = r"\p{L}[\p{L}\p{M}'\x{2019}-]*"
_MIN_MARKED_WORDS = 3


class TranslatedPagesConfig(StageConfig):
    """Options of `translated_pages`: pages are marked, and dropped if the recipe says so."""

    stage: Literal["translated_pages"] = "translated_pages"
    drop: tuple[Evidence, ...] = Field(
        default=(),
        description="Evidence for which pages are dropped; without it they are marked alone.",
    )
    min_unknown_share: float = Field(
        default=0.02,
        gt=0,
        le=1,
        description="Words that begin with an asterisk, three at least: from this share on a machine wrote the page.",
    )
    weights: dict[Evidence | Literal["same_page"], Annotated[float, Field(ge=0, le=1)]] = Field(
        default={},
        description="How often pages are taken in training by their evidence, as { many_languages = 0.2, same_page = "
        "0.1 }, in the column `translation_weight`; 1 for evidence that is not named and where nothing tells.",
    )

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield "translated_pages counts by language, so it needs identify_language before it"


def translated_pages(batch: pa.RecordBatch, config: TranslatedPagesConfig) -> FilteredAndChanged:
    """Add the column TRANSLATION_EVIDENCE to n documents; kept and rejected sum to n, order kept.

    CHANGE rows count the marked documents by evidence, language and script. The page itself is
    looked at where the block still has its bytes (`raw`). Raises SchemaError if `text`, `language`,
    `script` or `url` is missing.

    >>> page = b'<html class="translated-ltr" lang="eu"><body><p>Kaixo, mundua'
    >>> block = pa.record_batch(
    ...     {
    ...         "text": pa.array(["Kaixo, mundua"], pa.large_string()),
    ...         "language": ["eus"],
    ...         "script": ["Latn"],
    ...         "url": ["https://example.org/eu"],
    ...         "raw": pa.array([page], pa.large_binary()),
    ...     }
    ... )
    >>> translated_pages(block, TranslatedPagesConfig()).kept["translation_evidence"].to_pylist()
    ['translated_by_browser']
    """
    require_columns(batch, DOCUMENT, ("text", "language", "script", "url"))
    found = _evidence(batch, config)
    evidence = pc.coalesce(
        *(pc.if_else(found[name], name, pa.scalar(None, pa.string())) for name in _order(found))
    )
    if TRANSLATION_EVIDENCE.name in batch.schema.names:
        batch = batch.drop_columns([TRANSLATION_EVIDENCE.name])
    batch = batch.append_column(TRANSLATION_EVIDENCE, evidence)
    out = pc.fill_null(pc.is_in(evidence, pa.array(config.drop, pa.string())), False)
    rejected = reject(batch.filter(out), STAGE, "machine_translated", detail=evidence.filter(out))
    return FilteredAndChanged(batch.filter(pc.invert(out)), rejected, _counted(batch))


def evidence_weights(evidence: pa.ChunkedArray, weights: Mapping[str, float]) -> pa.ChunkedArray:
    """Give each of n pages the weight of its evidence, 1 where there is none or it has no weight.

    >>> evidence = pa.chunked_array([["same_page", None, "unknown_words"]])
    >>> evidence_weights(evidence, {"same_page": 0.25}).to_pylist()
    [0.25, 1.0, 1.0]
    """
    known = pa.array(weights, pa.string())
    values = pa.array([*weights.values(), 1.0], pa.float32())
    places = pc.fill_null(pc.index_in(evidence, known), len(weights))
    return pc.take(values, places)


def _order(found: Mapping[str, pa.Array]) -> list[str]:
    """List the evidence that was looked for, surest first."""
    return [name for name in get_args(Evidence) if name in found]


def _evidence(batch: pa.RecordBatch, config: TranslatedPagesConfig) -> dict[str, pa.Array]:
    """Return a mask of n documents for each kind of evidence that can be looked for in them."""
    found: dict[str, pa.Array] = {}
    found["translation_proxy"] = pc.fill_null(pc.match_substring_regex(batch["url"], _PROXY), False)
    found["unknown_words"] = _marks_unknown_words(batch["text"], config)
    if "raw" in batch.schema.names and batch["raw"].null_count < batch.num_rows:
        raw = batch["raw"]
        found["translated_by_browser"] = pc.fill_null(
            pc.match_substring_regex(raw, _BROWSER), False
        )
        own = _codes(raw, _PAGE_LANGUAGE)
        originals = [_codes(raw, pattern) for pattern in _ORIGINAL_LANGUAGES]
        served = [
            any(there is not None and here not in (None, there) for there in original)
            for here, *original in zip(own, *originals, strict=True)
        ]
        found["translation_service"] = pa.array(served, pa.bool_())
        found["many_languages"] = _many_alternates(raw)
    return found


def _many_alternates(pages: pa.Array) -> pa.Array:
    """Say of n pages whether they have alternates in many languages; one for Mexico next to one for
    Spain is in the same."""
    many = pc.fill_null(
        pc.greater_equal(pc.count_substring_regex(pages, _ALTERNATE), _MANY_LANGUAGES), False
    )
    codes = [  # of the few pages that have as many links
        {code.lower() for code in re.findall(_ALTERNATE.encode(), page)}
        for page in pages.filter(many).to_pylist()
    ]
    distinct = pa.array([len(own) >= _MANY_LANGUAGES for own in codes], pa.bool_())
    return pc.replace_with_mask(many, many, distinct)


def _codes(pages: pa.Array, pattern: str) -> list[str | None]:
    """Return the language that a pattern finds in each of n pages, as one code; null where it finds
    none."""
    written = pc.struct_field(pc.extract_regex(pages, pattern), "code").to_pylist()
    codes = [code and to_iso639_3(code.decode().lower()) for code in written]
    return [one_code(code) if code else None for code in codes]


def _marks_unknown_words(texts: pa.Array, config: TranslatedPagesConfig) -> pa.Array:
    import polars as pl  # a plan needs the options alone

    series = pl.Series(pc.fill_null(texts, ""), dtype=pl.String)
    marked = series.str.count_matches(_MARKED_WORD)
    words = series.str.count_matches(_WORD)
    return ((marked >= _MIN_MARKED_WORDS) & (marked >= config.min_unknown_share * words)).to_arrow()


def _counted(batch: pa.RecordBatch) -> pa.Table:
    """Count marked documents by evidence, language and script; no code point is changed."""
    keys = [TRANSLATION_EVIDENCE.name, "language", "script"]
    marked = pa.Table.from_batches([batch.select(keys)]).filter(
        pc.is_valid(batch[TRANSLATION_EVIDENCE.name])
    )
    counted = (
        marked.group_by(keys)
        .aggregate([([], "count_all")])
        .sort_by([(key, "ascending") for key in keys])
    )
    columns = [
        *(counted[key] for key in keys),
        counted["count_all"],
        pa.repeat(0, counted.num_rows),
    ]
    return pa.table(
        [values.cast(field.type) for values, field in zip(columns, CHANGE, strict=True)], CHANGE
    )
