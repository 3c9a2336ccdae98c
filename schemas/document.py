"""DOCUMENT: one row per document, the record every text stage reads and writes.

RECORD is what a reader yields before that: the same identity and provenance, with the payload
either as text or as raw bytes that extraction still has to turn into text.
"""

from __future__ import annotations

import pyarrow as pa

from schemas.columns import column

DOCUMENT = pa.schema(
    [
        column(
            "id",
            pa.string(),
            "Hex BLAKE2b-128 of source name, file path as the recipe names it, and position in that file; "
            "or the source's own id where the recipe maps one.",
        ),
        column("text", pa.large_string(), "Text of the document, UTF-8."),
        column(
            "language",
            pa.string(),
            "ISO 639-3 code; `und` where no language reached its threshold, `zxx` where there is no language; "
            "null until identified.",
            nullable=True,
        ),
        column(
            "script",
            pa.string(),
            "ISO 15924 code of the script that most letters belong to; `Zyyy` where there are no letters; "
            "null until identified.",
            nullable=True,
        ),
        column(
            "language_score",
            pa.float32(),
            "Calibrated probability in [0, 1] that `language` is right; null until identified, and where `language` "
            "is what the source declares and no model could tell.",
            nullable=True,
        ),
        column(
            "runner_up_language",
            pa.string(),
            "Second best label, as `language_Script`; null if there was none.",
            nullable=True,
        ),
        column(
            "runner_up_score",
            pa.float32(),
            "Probability in [0, 1] of the second best label; null if there was none.",
            nullable=True,
        ),
        column(
            "source", pa.string(), "Name of the recipe's source that the document was read from."
        ),
        column("path", pa.string(), "File within the source, as the recipe names it."),
        column(
            "position",
            pa.int64(),
            "Where in the file: row number (Parquet), byte offset in the uncompressed file (JSONL, CSV, TSV, lines, "
            "WARC), page id (Wikipedia); 0 for a file that is one document, -1 for where a damaged dump breaks off.",
        ),
        column(
            "url", pa.string(), "Address the text was fetched from; null if unknown.", nullable=True
        ),
        column(
            "licence",
            pa.string(),
            "SPDX identifier or the source's own words; null if unknown.",
            nullable=True,
        ),
        column(
            "date",
            pa.string(),
            "ISO 8601 date or time of fetching or writing; null if unknown.",
            nullable=True,
        ),
        column(
            "parent_id",
            pa.string(),
            "Id of the document this one was made from; null for originals.",
            nullable=True,
        ),
        column("synthetic", pa.bool_(), "True if a model or a rule wrote the text."),
        column(
            "generator",
            pa.string(),
            "Engine and model that wrote the text; null for originals.",
            nullable=True,
        ),
        column(
            "declared_language",
            pa.string(),
            "Language that the page or the source itself declares (HTML `lang`, a mapped column), "
            "as written there; null if it declares none.",
            nullable=True,
        ),
        column(
            "language_group",
            pa.string(),
            "Group of near neighbours, such as `hbs_Latn`, that the text is surely in where its language among them is "
            "not clear; null where the language itself is clear, or has no such neighbours.",
            nullable=True,
        ),
        column(
            "other_language_share",
            pa.float32(),
            "Share in [0, 1] of the letters that lie in lines identified as another language than the document's; "
            "null until measured.",
            nullable=True,
        ),
        column(
            "transliterated_from",
            pa.string(),
            "Language and script of the text before transliteration, as `uzb_Cyrl`; null if it was not transliterated.",
            nullable=True,
        ),
        column(
            "transliteration_scheme",
            pa.string(),
            "Name of the scheme of transliteration; null if the text was not transliterated.",
            nullable=True,
        ),
        column(
            "transliteration_version",
            pa.string(),
            "Version of the scheme's table, or engine and its version; null if the text was not transliterated.",
            nullable=True,
        ),
        column(
            "cluster_size",
            pa.int64(),
            "Documents of the input that this one stands for: itself and those removed as its duplicates, and theirs; "
            "null if nothing was deduplicated.",
            nullable=True,
        ),
    ]
)

# What identification says of a text, in addition to its language and script; null for a text that
# nobody identified.
IDENTIFICATION = ("language_score", "runner_up_language", "runner_up_score", "other_language_share")

RECORD = pa.schema(
    [
        *(DOCUMENT.field(name) for name in ("id", "source", "path", "position")),
        column(
            "text",
            pa.large_string(),
            "Text as the source has it; null where `raw` is to be extracted.",
            nullable=True,
        ),
        column(
            "raw",
            pa.large_binary(),
            "Payload bytes, for extraction or of a record that failed.",
            nullable=True,
        ),
        column(
            "media_type",
            pa.string(),
            "Media type of `raw`, such as text/html; null for text.",
            nullable=True,
        ),
        column(
            "charset",
            pa.string(),
            "Encoding that the transport declared for `raw`; null if none.",
            nullable=True,
        ),
        *(DOCUMENT.field(name) for name in ("url", "licence", "date", "declared_language")),
        column(
            "error",
            pa.string(),
            "Why the record is no document, as `<reason>: <words>`; null if it is one.",
            nullable=True,
        ),
    ]
)

SAMPLING_WEIGHT = column(
    "sampling_weight",
    pa.int64(),
    "How often to repeat the document in training, by what it stands for (`cluster_size`); only if the recipe asks.",
)

PAGE_LANGUAGES = column(
    "page_languages",
    pa.int32(),
    "In how many languages the page stands in this corpus, by its numbers, addresses and names; 1 if in no other.",
)

MANY_PAGE_LANGUAGES = 5  # languages of a page that few people write by hand

CANDIDATES = column(
    "language_candidates",
    pa.list_(pa.struct([("label", pa.string()), ("score", pa.float32())])),
    "Up to three best labels as `language_Script` with their probabilities, best first; only if the recipe asks.",
    nullable=True,
)

TRANSLATION_EVIDENCE = column(
    "translation_evidence",
    pa.string(),
    "What tells that a machine translated the page: `translated_by_browser`, `translation_proxy`, "
    "`translation_service`, `unknown_words`, `many_languages` or `same_page`; null if nothing does.",
    nullable=True,
)

TRANSLATION_WEIGHT = column(
    "translation_weight",
    pa.float32(),
    "How often to take the page in training, in [0, 1], by its `translation_evidence`; 1 where nothing tells. Only if "
    "the recipe asks.",
)

SCRIPT_MARKS = pa.schema(
    [
        column(
            "script_shares",
            pa.list_(pa.struct([("script", pa.string()), ("share", pa.float32())])),
            "Share in (0, 1] of the letters in each script (ISO 15924), the largest first; only if the recipe asks.",
            nullable=True,
        ),
        column(
            "mixed_script_words",
            pa.int64(),
            "Words with letters of two scripts; Han, Kana, Hangul and Bopomofo count as one; only if the recipe asks.",
            nullable=True,
        ),
        column(
            "unusual_script",
            pa.bool_(),
            "True if `language` is not known to be written in `script`; only if the recipe asks.",
            nullable=True,
        ),
    ]
)

PAGE_MARKS = pa.schema(
    [
        column(
            "page_kind",
            pa.string(),
            "Kind of the page that the text was extracted from: article, forum, listing, product, manual or other; "
            "null for text that no page was read for.",
            nullable=True,
        ),
        column(
            "page_access",
            pa.string(),
            "What stands in the place of the page's content: login, paywall, error, challenge (a check of the "
            "browser) or consent (a cookie wall); null if nothing does.",
            nullable=True,
        ),
        column(
            "extraction_fallback",
            pa.string(),
            "What main content was found by where the model kept next to nothing: too_many_blocks, lower_threshold, "
            "running_text, all_visible_text, noscript, noframes, embedded (text of form fields, drawings, players), "
            "script_data (JSON that a script makes the page from) or unclosed (an open title, style or the like "
            "held the page); null if none was needed.",
            nullable=True,
        ),
    ]
)
