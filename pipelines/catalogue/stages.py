"""The one table of stages a recipe may name, and the recipe model that is closed over them.

Every command that reads a recipe imports this. So only the options of stages are imported with it;
a stage itself is imported where it is bound to its options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from schemas.document import DOCUMENT
from schemas.recipe import CardConfig
from schemas.recipe import Recipe as AnyRecipe
from schemas.withdrawal import WithdrawnConfig
from stages.batches import Changed, Filtered, StageConfig, StageFunction, located
from stages.classification.options import ClassificationConfig
from stages.decontamination.options import DecontaminationConfig
from stages.deduplication.options import (
    AcrossLanguagesConfig,
    AcrossScriptsConfig,
    ComparingConfig,
    ExactDeduplicationConfig,
    KeeperOrder,
    LineDeduplicationConfig,
    NearDeduplicationConfig,
    SpanDeduplicationConfig,
    UrlDeduplicationConfig,
)
from stages.extraction.options import ExtractionConfig
from stages.language_filtering import LanguageFilteringConfig, filter_language
from stages.language_identification.identify import (
    LanguageIdentificationConfig,
    identify_language,
    load_identifier,
)
from stages.language_identification.purity_options import LanguagePurityConfig
from stages.language_models.options import LanguageModelConfig
from stages.length_filtering import LengthFilteringConfig, filter_length
from stages.normalization.options import NormalizationConfig
from stages.privacy.options import PersonalDataConfig
from stages.quality.learned_limits import load_limits
from stages.quality.options import BlockListConfig, DatatroveConfig, QualityFilteringConfig
from stages.script_marking import ScriptMarkingConfig, mark_scripts
from stages.synthesis.options import SynthesisConfig
from stages.translated_pages import TranslatedPagesConfig, translated_pages
from stages.translation.options import (
    BitextConfig,
    GivenPairsConfig,
    MiningConfig,
    PairSamplesConfig,
    TranslationConfig,
)
from stages.transliteration.options import TransliterationConfig
from stages.word_lists.options import WordListsConfig

if TYPE_CHECKING:
    from stages.deduplication.near import Signed
    from stages.language_identification.expected import Identify

DUPLICATE_ID = "duplicate_id"

AnyStage = TypeVar("AnyStage", bound=StageConfig)
IngestStage = Annotated[
    ExtractionConfig
    | LanguageIdentificationConfig
    | LanguageFilteringConfig
    | LengthFilteringConfig
    | QualityFilteringConfig
    | LanguageModelConfig
    | WordListsConfig
    | LanguagePurityConfig
    | ClassificationConfig
    | DatatroveConfig
    | BlockListConfig
    | ScriptMarkingConfig
    | BitextConfig
    | TranslatedPagesConfig
    | NormalizationConfig
    | TransliterationConfig
    | PersonalDataConfig,
    Field(discriminator="stage"),
]
DedupStage = Annotated[
    ExactDeduplicationConfig
    | UrlDeduplicationConfig
    | NearDeduplicationConfig
    | AcrossScriptsConfig
    | AcrossLanguagesConfig
    | LineDeduplicationConfig
    | SpanDeduplicationConfig,
    Field(discriminator="stage"),
]
AugmentFilter = (
    LengthFilteringConfig
    | QualityFilteringConfig
    | LanguageModelConfig
    | WordListsConfig
    | ClassificationConfig
    | BlockListConfig
)
AugmentStage = Annotated[
    TransliterationConfig
    | TranslationConfig
    | GivenPairsConfig
    | MiningConfig
    | PairSamplesConfig
    | AugmentFilter,
    Field(discriminator="stage"),
]


class Recipe(AnyRecipe[IngestStage, DedupStage]):
    """A recipe whose stages are the ones below."""

    keepers: KeeperOrder | None = Field(
        default=None,
        description="Which of several duplicates is kept. Without it, of near duplicates the cleanest, and of equally "
        "clean and of other duplicates the first one that was read: by the order of the recipe's sources, then by "
        "path, then by place in the file.",
    )
    augment: tuple[AugmentStage, ...] = Field(
        default=(),
        description="Stages that make documents from those that deduplication and decontamination left, in order, and "
        "filters of what those before them made; decontamination looks through what they make, too.",
    )
    synthesize: tuple[SynthesisConfig, ...] = Field(
        default=(),
        description="Strategies that make rows of questions, answers and instructions from found documents, after all "
        "that may remove one; each kind of row is a configuration of its own.",
    )
    decontaminate: DecontaminationConfig | None = Field(
        default=None,
        description="Evaluation sets whose texts are looked for and taken out, after deduplication.",
    )
    withdrawn: WithdrawnConfig | None = Field(
        default=None,
        description="What is taken back before publishing, with its copies and all that was made of it.",
    )

    @property
    def keeper_order(self) -> KeeperOrder | None:
        """`keepers`, with the recipe's own order of sources where it names none."""
        if self.keepers is None or self.keepers.sources or "source" not in self.keepers.by:
            return self.keepers
        return self.keepers.model_copy(
            update={"sources": tuple(source.name for source in self.sources)}
        )


class IngestEntry(NamedTuple):
    """How a stage of the ingest phase gets its options and loads its models, and whether texts may
    leave it changed."""

    config: type[StageConfig]
    bind: Callable[[Any], StageFunction]
    changes_texts: bool = True


class Keyed(NamedTuple):
    """The documents of a block that a deduplication stage compares, by their rows in it, and a KEY
    for each."""

    rows: npt.NDArray[np.int64]
    keys: npt.NDArray[np.void]


class EqualEntry(NamedTuple):
    """A deduplication stage of whose keys equal ones mean duplicates: the columns it reads, and how
    it makes keys."""

    config: type[StageConfig] | None
    columns: tuple[str, ...]
    keys: Callable[[pa.RecordBatch, Any], Keyed]
    # of two texts with equal keys; null if their keys say nothing of the texts
    similarity: float | None = None


class NearEntry(NamedTuple):
    """A deduplication stage that compares signatures: see
    pipelines/phases/deduplication/near_shuffle.py.

    It says how signatures are made of a block, how they are compared, and the criteria of sort keys
    of its own.
    """

    config: type[StageConfig]
    columns: tuple[str, ...]
    sign: Callable[[pa.RecordBatch, Any], Signed]
    comparison: Callable[[Any], NearDeduplicationConfig]
    criteria: tuple[str, ...] = ()


FrequentKeys = Sequence[npt.NDArray[np.void]]  # FREQUENT of the rounds so far


class RepeatsEntry(NamedTuple):
    """A deduplication stage that takes out parts of texts which many documents share.

    In each of its rounds it makes keys, and receives those that occur in enough documents; then it
    rewrites the texts of a block, given the documents' numbers.
    """

    config: type[StageConfig]
    columns: tuple[str, ...]
    rounds: tuple[Callable[[pa.RecordBatch, FrequentKeys, Any], Keyed], ...]
    rewrite: Callable[[pa.RecordBatch, npt.NDArray[np.uint64], FrequentKeys, Any], Filtered]


def _bind_extraction(config: ExtractionConfig) -> StageFunction:
    from stages.extraction.extract import extract_text

    return partial(extract_text, config=config)


def _bind_identification(config: LanguageIdentificationConfig) -> StageFunction:
    identifier = load_identifier(config)
    return partial(
        identify_language, identify=identifier, config=config, answers=identifier.answers
    )


def _bind_normalization(config: NormalizationConfig) -> StageFunction:
    from stages.normalization.normalize import normalize_counted  # its tables take a while to make

    return lambda batch: Changed(*normalize_counted(batch, config))


def _bind_personal_data(config: PersonalDataConfig) -> StageFunction:
    from stages.privacy.personal_data import personal_data

    return partial(personal_data, config=config)


def _bind_quality(config: QualityFilteringConfig) -> StageFunction:
    from stages.quality.filter_quality import NONE_LEARNED, filter_quality

    learned = load_limits(config.learned).by_label if config.learned else NONE_LEARNED
    return partial(filter_quality, config=config, learned=learned)


def _bind_language_model(config: LanguageModelConfig) -> StageFunction:
    from stages.language_models.language_model import language_model
    from stages.language_models.reference import load_judged

    judged = {label: load_judged(path) for label, path in config.models.items()}
    return partial(language_model, models=judged, config=config)


def _bind_word_lists(config: WordListsConfig) -> StageFunction:
    from stages.word_lists.lists import read_lists
    from stages.word_lists.word_lists import word_lists

    return partial(word_lists, lists=read_lists(config.lists), config=config)


def _bind_classification(config: ClassificationConfig) -> StageFunction:
    from stages.classification.classify_text import classify_text, load_classifier

    return partial(classify_text, classify=load_classifier(config).scores, config=config)


def _bind_purity(config: LanguagePurityConfig) -> StageFunction:
    from stages.language_identification.purity import language_purity

    first, second = config.identifiers()
    return partial(language_purity, identify=first, config=config, second=second)


def _bind_blocked(config: BlockListConfig) -> StageFunction:
    from stages.quality.block_lists import filter_blocked, load_block_lists

    return partial(filter_blocked, config=config, lists=load_block_lists(config))


def _bind_datatrove(config: DatatroveConfig) -> StageFunction:
    from stages.quality.datatrove_block import load_block, run_datatrove
    from stages.quality.datatrove_words import tokenizer_of

    @cache
    def load(tokenizer: str | None) -> Any:
        return load_block(config, tokenizer)

    # so that wrong arguments end the run at once
    load(tokenizer_of("eng_Latn") if config.by_language else None)
    return partial(
        run_datatrove,
        config=config,
        load=lambda label: load(tokenizer_of(label) if config.by_language else None),
    )


def _bind_bitext(config: BitextConfig) -> StageFunction:
    from stages.translation.bitext import filter_bitext

    return partial(
        filter_bitext, identify=identify_texts() if config.gates.language else None, config=config
    )


def identify_texts(config: LanguageIdentificationConfig | None = None) -> Identify:
    """Bind identification, as a recipe sets it, to texts without a document."""
    from stages.language_identification.expected import IDENTIFIED, with_expectation

    off = {"other_language_share": False, "declared": "ignore", "candidates": False}
    plain = (config or LanguageIdentificationConfig()).model_copy(update=off)
    identifier = load_identifier(plain)

    def whole(texts: pa.Array) -> pa.RecordBatch:
        unknown = pa.nulls(len(texts), pa.string())
        documents = as_documents(
            pa.record_batch({"text": texts, "language": unknown, "script": unknown})
        )
        return identify_language(
            documents, identify=identifier, config=plain, answers=identifier.answers
        ).select(IDENTIFIED)

    return with_expectation(whole, identifier, plain)


def as_documents(texts: pa.RecordBatch) -> pa.RecordBatch:
    """Give n texts with `language` and `script` all columns of documents; their ids are their row
    numbers."""
    rows = texts.num_rows
    known = {
        "id": pa.array(range(rows), pa.int64()).cast(pa.string()),
        "text": texts["text"],
        "language": texts["language"],
        "script": texts["script"],
    }
    arrays = [
        known.get(field.name, pa.repeat(pa.scalar(None, field.type), rows)) for field in DOCUMENT
    ]
    return pa.RecordBatch.from_arrays(arrays, DOCUMENT.names)


def _bind_replacement(config: TransliterationConfig) -> StageFunction:
    from stages.transliteration.conditions import condition_of
    from stages.transliteration.transliterate import transliterate_batch

    return partial(transliterate_batch, config=config, condition=condition_of(config))


INGEST_STAGES = {
    "extract_text": IngestEntry(ExtractionConfig, _bind_extraction),
    "identify_language": IngestEntry(
        LanguageIdentificationConfig, _bind_identification, changes_texts=False
    ),
    "filter_language": IngestEntry(
        LanguageFilteringConfig,
        lambda config: partial(filter_language, config=config),
        changes_texts=False,
    ),
    "mark_scripts": IngestEntry(
        ScriptMarkingConfig,
        lambda config: partial(mark_scripts, config=config),
        changes_texts=False,
    ),
    "normalize": IngestEntry(NormalizationConfig, _bind_normalization),
    "transliterate": IngestEntry(TransliterationConfig, _bind_replacement),
    "datatrove": IngestEntry(DatatroveConfig, _bind_datatrove),
    "personal_data": IngestEntry(PersonalDataConfig, _bind_personal_data),
    "filter_blocked": IngestEntry(BlockListConfig, _bind_blocked, changes_texts=False),
    "filter_quality": IngestEntry(QualityFilteringConfig, _bind_quality, changes_texts=False),
    "language_model": IngestEntry(LanguageModelConfig, _bind_language_model, changes_texts=False),
    "word_lists": IngestEntry(WordListsConfig, _bind_word_lists, changes_texts=False),
    "classify_text": IngestEntry(ClassificationConfig, _bind_classification, changes_texts=False),
    "language_purity": IngestEntry(LanguagePurityConfig, _bind_purity),
    "filter_bitext": IngestEntry(BitextConfig, _bind_bitext, changes_texts=False),
    "translated_pages": IngestEntry(
        TranslatedPagesConfig,
        lambda config: partial(translated_pages, config=config),
        changes_texts=False,
    ),
    "filter_length": IngestEntry(
        LengthFilteringConfig,
        lambda config: partial(filter_length, config=config),
        changes_texts=False,
    ),
}


def _id_keys(batch: pa.RecordBatch, _: None) -> Keyed:
    from stages.deduplication.exact import id_keys

    return _all(id_keys(batch))


def _exact_keys(batch: pa.RecordBatch, config: ExactDeduplicationConfig) -> Keyed:
    from stages.deduplication.exact import exact_keys

    return _all(exact_keys(batch, config))


def _url_keys(batch: pa.RecordBatch, config: UrlDeduplicationConfig) -> Keyed:
    from stages.deduplication.url import url_keys

    found = url_keys(batch, config)
    return Keyed(np.flatnonzero(found.present), found.keys[found.present])


def _all(keys: npt.NDArray[np.void]) -> Keyed:
    return Keyed(np.arange(len(keys)), keys)


def _near_signatures(batch: pa.RecordBatch, config: NearDeduplicationConfig) -> Signed:
    from stages.deduplication.near import near_signatures

    return near_signatures(batch, config)


def _across_scripts_signatures(batch: pa.RecordBatch, config: AcrossScriptsConfig) -> Signed:
    from stages.deduplication.across_scripts import across_scripts_signatures

    return across_scripts_signatures(batch, config)


def _across_languages_signatures(batch: pa.RecordBatch, config: AcrossLanguagesConfig) -> Signed:
    from stages.deduplication.across_languages import across_languages_signatures

    return across_languages_signatures(batch, config)


def _line_keys(batch: pa.RecordBatch, _: FrequentKeys, config: LineDeduplicationConfig) -> Keyed:
    from stages.deduplication.lines import line_keys

    found = line_keys(batch, config)
    return Keyed(found.rows, found.keys)


def _without_lines(
    batch: pa.RecordBatch,
    documents: npt.NDArray[np.uint64],
    known: FrequentKeys,
    config: LineDeduplicationConfig,
) -> Filtered:
    from stages.deduplication.lines import remove_lines

    return remove_lines(batch, documents, known[0], config).documents


def _span_fingerprints(
    batch: pa.RecordBatch, _: FrequentKeys, config: SpanDeduplicationConfig
) -> Keyed:
    from stages.deduplication.spans import span_fingerprints

    found = span_fingerprints(batch, config)
    return Keyed(found.rows, found.keys)


def _span_windows(
    batch: pa.RecordBatch, known: FrequentKeys, config: SpanDeduplicationConfig
) -> Keyed:
    from stages.deduplication.spans import span_windows

    found = span_windows(batch, known[0]["key"], config)
    return Keyed(found.rows, found.keys)


def _without_spans(
    batch: pa.RecordBatch,
    documents: npt.NDArray[np.uint64],
    known: FrequentKeys,
    config: SpanDeduplicationConfig,
) -> Filtered:
    from stages.deduplication.spans import remove_spans

    return remove_spans(batch, documents, known[0]["key"], known[1], config).documents


DEDUP_STAGES: dict[str, EqualEntry | NearEntry | RepeatsEntry] = {
    DUPLICATE_ID: EqualEntry(None, ("id",), _id_keys),
    "exact": EqualEntry(ExactDeduplicationConfig, ("text",), _exact_keys, similarity=1.0),
    "url": EqualEntry(UrlDeduplicationConfig, ("url",), _url_keys),
    "near": NearEntry(NearDeduplicationConfig, ("text",), _near_signatures, lambda config: config),
    "across_scripts": NearEntry(
        AcrossScriptsConfig,
        ("text", "language", "script", "runner_up_language", "declared_language"),
        _across_scripts_signatures,
        lambda config: config.by_signature,
        criteria=("script",),
    ),
    "across_languages": NearEntry(
        AcrossLanguagesConfig,
        ("text", "language", "url"),
        _across_languages_signatures,
        lambda config: config.by_signature,
    ),
    "lines": RepeatsEntry(
        LineDeduplicationConfig,
        ("text", "source", "language"),
        (_line_keys,),
        rewrite=_without_lines,
    ),
    "spans": RepeatsEntry(
        SpanDeduplicationConfig,
        ("text",),
        (_span_fingerprints, _span_windows),
        rewrite=_without_spans,
    ),
}


def at_home(recipe: Recipe, base: str) -> Recipe:
    """Make the recipe's relative models, word lists and indexes absolute: they lie in its folder,
    as sources do. Registers are read with the plan and keep their names."""
    parts = ("ingest", "augment", "dedup", "synthesize")
    answers = tuple(located(path, base) for path in recipe.publish.answers)
    statements = located(recipe.corpus.statements, base) if recipe.corpus.statements else ""
    return recipe.model_copy(
        update={
            **{
                part: tuple(stage.at_home(base) for stage in getattr(recipe, part))
                for part in parts
            },
            "corpus": recipe.corpus.model_copy(update={"statements": statements}),
            "publish": recipe.publish.model_copy(update={"answers": answers}),
            "card": card_at_home(recipe, base),
        }
    )


def card_at_home(recipe: Recipe, base: str) -> CardConfig:
    """Make the paths of tokenizers absolute; what is no file of the folder is a repository of the
    Hub."""
    tokenizers = {
        name: located(place, base) if Path(base, place).exists() else place
        for name, place in recipe.card.tokenizers.items()
    }
    return recipe.card.model_copy(update={"tokenizers": tokenizers})


def against_of(stage: StageConfig) -> tuple[str, ...]:
    """Return the indexes that a dedup stage names, none for a kind of stage that takes none."""
    return stage.against if isinstance(stage, ComparingConfig) else ()


def marks_page_languages(stage: StageConfig | None) -> bool:
    """Tell whether a dedup stage marks documents and leaves them all."""
    return isinstance(stage, AcrossLanguagesConfig) and stage.action == "mark"


def page_weights(recipe: Recipe) -> dict[str, float]:
    """Return how often pages are taken by their evidence of translation; empty where the recipe does
    not say."""
    stages = (stage for stage in recipe.ingest if isinstance(stage, TranslatedPagesConfig))
    return {evidence: weight for stage in stages for evidence, weight in stage.weights.items()}


def makes_documents(stage: StageConfig) -> bool:
    """Tell whether an augment stage makes documents, and no pairs of what is published, samples or
    choices."""
    if isinstance(stage, TransliterationConfig):
        return stage.mode == "parallel"
    return isinstance(stage, TranslationConfig | GivenPairsConfig)


def gives_pairs(stage: StageConfig) -> TypeGuard[TransliterationConfig]:
    """Tell whether an augment stage gives pairs of published texts."""
    return isinstance(stage, TransliterationConfig) and stage.mode == "pair"


def filters_made(stage: StageConfig) -> bool:
    """Tell whether an augment stage chooses among the documents that those before it made."""
    return isinstance(stage, AugmentFilter)


def sampling_stages(recipe: Recipe) -> list[PairSamplesConfig]:
    """List the stages that make samples of translated pairs."""
    return [stage for stage in recipe.augment if isinstance(stage, PairSamplesConfig)]


def translation_outputs(recipe: Recipe) -> set[str]:
    """Name all that the recipe's translations are published as, with what samples are made of."""
    named = {output for stage in _asking_stages(recipe) for output in stage.outputs}
    return named | {"samples" for _ in sampling_stages(recipe)}


def _asking_stages(recipe: Recipe) -> list[TranslationConfig | GivenPairsConfig]:
    """List the stages that give pairs of sentences and may ask engines."""
    return [
        stage for stage in recipe.augment if isinstance(stage, TranslationConfig | GivenPairsConfig)
    ]


def bounded_share(recipe: Recipe) -> tuple[float, bool] | None:
    """Return the bound of made text that holds in each language, and if it counts bytes; null
    without one."""
    bounds = [
        (stage.share, stage.share_of == "bytes")
        for stage in recipe.augment
        if isinstance(stage, TranslationConfig) and stage.share is not None
    ]
    return min(bounds, default=None)


def publishes_responses(recipe: Recipe) -> bool:
    """Tell whether the recipe asks for the folder `responses`."""
    return any(stage.publish_responses for stage in _asking_stages(recipe))


def reused_responses(recipe: Recipe) -> tuple[str, ...]:
    """List the folders of responses that its stages reuse, each once."""
    named = (stage.reuse for stage in _asking_stages(recipe))
    return tuple(dict.fromkeys(path for paths in named for path in paths))


def kept_by(stages: Sequence[StageConfig]) -> tuple[str, ...]:
    """Return the labels that these stages keep; none if they keep any."""
    return next(
        (
            stage.keep
            for stage in stages
            if isinstance(stage, LanguageFilteringConfig) and stage.keep
        ),
        (),
    )
