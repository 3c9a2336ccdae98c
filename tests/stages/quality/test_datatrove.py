"""datatrove's blocks as a stage, and our filters by datatrove's words against its own filters."""

from __future__ import annotations

from typing import Any

import gflanguages
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines.catalogue.stage_checks import stage_problems
from pipelines.catalogue.stages import INGEST_STAGES, Recipe
from schemas.document import DOCUMENT
from schemas.recipe import parse_recipe
from stages.batches import BoundStage, Filtered, run_stages
from stages.quality.datatrove_block import load_block, run_datatrove
from stages.quality.filter_quality import filter_quality
from stages.quality.options import DatatroveConfig, QualityFilteringConfig
from tests.recipes import one_source

FILTERS = "datatrove.pipeline.filters"
SENTENCE = "The river rises in the hills and it runs to the sea with all that have come."


def block_of(*texts: str, label: str = "eng_Latn") -> pa.RecordBatch:
    language, script = label.split("_")
    columns = {
        "id": [str(number) for number in range(len(texts))],
        "text": texts,
        "language": [language] * len(texts),
        "script": [script] * len(texts),
    }
    fields = [DOCUMENT.field(name) for name in columns]
    return pa.RecordBatch.from_arrays(
        [pa.array(columns[field.name], field.type) for field in fields], schema=pa.schema(fields)
    )


def run(config: DatatroveConfig, block: pa.RecordBatch) -> Filtered:
    found = INGEST_STAGES["datatrove"].bind(config)(block)
    assert isinstance(found, Filtered)
    assert found.kept.num_rows + found.rejected.num_rows == block.num_rows
    return found


@pytest.mark.slow
def test_a_filter_rejects_with_its_reason() -> None:
    config = DatatroveConfig(
        block=f"{FILTERS}.GopherQualityFilter", arguments={"min_doc_words": 10}
    )
    found = run(config, block_of("Too short.", SENTENCE))
    assert found.kept["text"].to_pylist() == [SENTENCE]
    row = found.rejected.to_pylist()[0]
    assert (row["id"], row["stage"], row["reason"]) == ("0", "datatrove", "gopher_short_doc")
    assert row["detail"] == f"{FILTERS}.GopherQualityFilter: gopher_short_doc"


@pytest.mark.slow
def test_a_filter_may_take_lines_out_and_a_formatter_rewrite() -> None:
    page = f"{SENTENCE}\nHome | About\n{SENTENCE}"
    config = DatatroveConfig(block=f"{FILTERS}.C4QualityFilter", arguments={"min_num_sentences": 2})
    assert run(config, block_of(page)).kept["text"].to_pylist() == [f"{SENTENCE}\n{SENTENCE}"]
    config = DatatroveConfig(block="datatrove.pipeline.formatters.PIIFormatter")
    assert (
        "@private.org"
        not in run(config, block_of("write to me@private.org now")).kept["text"].to_pylist()[0]
    )


def test_a_block_that_fails_on_a_document_fails_that_document_alone() -> None:
    config = DatatroveConfig(
        block=f"{FILTERS}.GopherQualityFilter", arguments={"min_doc_words": 0, "max_doc_words": 0}
    )
    stage = BoundStage("datatrove", INGEST_STAGES["datatrove"].bind(config))
    outcome = run_stages(block_of(SENTENCE, "", SENTENCE), [stage])
    assert (outcome.kept.num_rows, [batch["id"].to_pylist() for batch in outcome.failed]) == (
        2,
        [["1"]],
    )


def test_each_language_can_have_its_tokenizer() -> None:
    arguments = {"min_doc_words": 7, "min_stop_words": 0, "max_non_alpha_words_ratio": 0}
    config = DatatroveConfig(
        block=f"{FILTERS}.GopherQualityFilter", arguments=arguments, by_language=True
    )
    assert (
        run(
            config, block_of("Ibaia mendian sortzen da eta itsasora doa.", label="eus_Latn")
        ).kept.num_rows
        == 1
    )
    assert run(config, block_of("Ein seltenes Wort", label="xxx_Latn")).rejected.num_rows == 1


BAD = {
    "only datatrove's own blocks": (
        {"block": "os.system"},
        "must be a class under datatrove.pipeline.filters",
    ),
    "no other part of it": (
        {"block": "datatrove.pipeline.readers.WarcReader"},
        "must be a class under",
    ),
    "no functions": (
        {"block": f"{FILTERS}.base_filter.get_filter_result"},
        "must be a class under",
    ),
    "nothing by chance": ({"block": f"{FILTERS}.SamplerFilter"}, "keeps by chance"),
    "no writer": (
        {"block": f"{FILTERS}.C4QualityFilter", "arguments": {"exclusion_writer": 1}},
        "stands in the ledger",
    ),
}


@pytest.mark.parametrize(("options", "message"), BAD.values(), ids=BAD.keys())
def test_what_is_no_block_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DatatroveConfig(**options)


@pytest.mark.parametrize(
    ("block", "arguments", "message"),
    [
        (f"{FILTERS}.NoFilter", {}, "datatrove has no block .*NoFilter"),
        (f"{FILTERS}.nowhere.NoFilter", {}, "datatrove has no block"),
        (f"{FILTERS}.base_filter.Document", {}, "must be a filter or formatter"),
        (
            f"{FILTERS}.GopherQualityFilter",
            {"min_words": 3},
            "does not take these arguments: .*min_words",
        ),
        (
            f"{FILTERS}.GopherQualityFilter",
            {"min_doc_words": "many"},
            r"does not take these arguments: min_doc_words must be .*int.*, got 'many'$",
        ),
        (
            f"{FILTERS}.GopherQualityFilter",
            {"language": "xxx"},
            "does not take these arguments: Language 'xxx' doesn't have a tokenizer",
        ),
        (
            f"{FILTERS}.RegexFilter",
            {"regex_exp": "("},
            "RegexFilter does not take these arguments: missing \\)",
        ),
    ],
)
def test_a_block_that_is_not_there_ends_the_run_before_it_starts(
    block: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        INGEST_STAGES["datatrove"].bind(DatatroveConfig(block=block, arguments=arguments))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("GopherQualityFilter", {"max_avg_word_length": 9.5, "stop_words": ["eta"]}),
        ("GopherRepetitionFilter", {"top_n_grams": [[2, 0.2], [3, 0.18]]}),
        ("FineWebQualityFilter", {"line_punct_thr": 0, "stop_chars": [".", "!"]}),
    ],
)
def test_arguments_as_toml_has_them_fit(name: str, arguments: dict[str, Any]) -> None:
    load_block(DatatroveConfig(block=f"{FILTERS}.{name}", arguments=arguments))


def test_languages_must_be_known_first() -> None:
    head = one_source("a", kind="text") + "[[ingest]]\n"
    block = f'stage = "datatrove"\nblock = "{FILTERS}.C4QualityFilter"\nby_language = true\n'
    assert stage_problems(parse_recipe(head + block, Recipe)) == [
        "ingest[0]: by_language needs identify_language before it"
    ]
    quality = stage_problems(parse_recipe(head + 'stage = "filter_quality"\n', Recipe))
    assert quality == [
        "ingest[0]: filter_quality judges by language and script, so it needs identify_language before it"
    ]


def test_a_tokenizer_without_its_package_says_for_which_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: object) -> None:
        raise ImportError("Please install `stanza` (`pip install stanza`).")

    monkeypatch.setattr("datatrove.utils.text.split_into_words", missing)
    said = r"datatrove's words of eng_Latn: Please install `stanza` .* take such documents out"
    parity = QualityFilteringConfig(limits="published", tokenizer="datatrove")
    with pytest.raises(ImportError, match=said):
        filter_quality(block_of("Ola mundo"), parity)
    config = DatatroveConfig(block=f"{FILTERS}.GopherQualityFilter", by_language=True)
    block = load_block(config, "eng")
    monkeypatch.setattr(block, "filter", missing)
    with pytest.raises(ImportError, match=said):
        run_datatrove(block_of("Ola mundo"), config, lambda _: block)


def test_by_its_words_our_filters_decide_as_datatrove_does() -> None:
    from datatrove.data import Document
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    samples = [
        language.sample_text
        for language in gflanguages.LoadLanguages().values()
        if language.script == "Latn"
    ]
    passages = [sample.specimen_48 for sample in samples if sample.specimen_48][:12]
    texts = [SENTENCE, "", " \n", "one two three four five six"]
    for number, passage in enumerate(passages):
        texts += [
            passage,
            passage + "\n" + passage,
            f"{passage}\n\n" + f"# menu {number} ...\n- one\n" * number,
        ]
        texts.append("\n".join([f"{SENTENCE} {passage}"] * (number % 4 + 1)))
    blocks = {
        "gopher_quality": GopherQualityFilter(min_doc_words=20, language="eng"),
        "gopher_repetition": GopherRepetitionFilter(language="eng"),
        "fineweb": FineWebQualityFilter(language="eng"),
        "c4": C4QualityFilter(min_num_sentences=2, language="eng"),
    }
    own = {"any": {"too_few_words": 20, "few_sentences": 2}}
    dropped = 0
    for family, block in blocks.items():
        config = QualityFilteringConfig.model_validate(
            {
                "families": [family],
                "limits": "published",
                "tokenizer": "datatrove",
                "thresholds": own,
            }
        )
        kept = filter_quality(block_of(*texts), config).kept["id"].to_pylist()
        # datatrove divides by zero without words
        wordy = [number for number, text in enumerate(texts) if text.strip()]
        expected = [n for n in wordy if block.filter(Document(text=texts[n], id="")) is True]
        assert [int(name) for name in kept if int(name) in wordy] == expected, family
        dropped += len(texts) - len(kept)
    assert dropped > 20, "both answers are met, or the test says little"
