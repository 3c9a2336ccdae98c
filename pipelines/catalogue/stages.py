"""The one table of stages a recipe may name, and the recipe model that is closed over them.

Every command that reads a recipe imports this. So only the options of stages are imported with it; a stage itself is
imported where it is bound to its options.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from schemas.card import ModelVersion
from schemas.document import DOCUMENT
from schemas.language import one_code, parse_label
from schemas.language_groups import members_of
from schemas.recipe import Recipe as AnyRecipe
from stages.batches import BoundStage, Changed, Filtered, StageConfig, StageFunction, run_stages, set_columns
from stages.decontamination.options import DecontaminationConfig
from stages.deduplication.options import (
    AcrossScriptsConfig,
    ExactDeduplicationConfig,
    KeeperOrder,
    LineDeduplicationConfig,
    NearDeduplicationConfig,
    SpanDeduplicationConfig,
    UrlDeduplicationConfig,
)
from stages.extraction.options import ExtractionConfig
from stages.language_filtering import LanguageFilteringConfig, filter_language, kept_labels
from stages.language_identification.answers import Answers, embedded_answers
from stages.language_identification.cascade import embedded_identity
from stages.language_identification.identify import (
    LanguageIdentificationConfig,
    identify_language,
    load_identifier,
)
from stages.length_filtering import LengthFilteringConfig, filter_length
from stages.normalization.options import NormalizationConfig
from stages.privacy.options import PersonalDataConfig
from stages.quality.options import DatatroveConfig, QualityFilteringConfig
from stages.quality.segmenters import segmenter_version
from stages.script_detection import detect_scripts
from stages.script_marking import ScriptMarkingConfig, mark_scripts
from stages.transliteration.options import ANY, TransliterationConfig, chosen_schemes

if TYPE_CHECKING:
    from stages.deduplication.near import Signed
    from stages.transliteration.conditions import Condition

DUPLICATE_ID = "duplicate_id"

AnyStage = TypeVar("AnyStage", bound=StageConfig)
IngestStage = Annotated[
    ExtractionConfig
    | LanguageIdentificationConfig
    | LanguageFilteringConfig
    | LengthFilteringConfig
    | QualityFilteringConfig
    | DatatroveConfig
    | ScriptMarkingConfig
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
    | LineDeduplicationConfig
    | SpanDeduplicationConfig,
    Field(discriminator="stage"),
]
AugmentStage = TransliterationConfig  # the only one so far


class Recipe(AnyRecipe[IngestStage, DedupStage]):
    """A recipe whose stages are the ones below."""

    keepers: KeeperOrder | None = Field(
        default=None,
        description="Which of several duplicates is kept; without it the first one that was read: by the order of the "
        "recipe's sources, then by path, then by place in the file.",
    )
    augment: tuple[AugmentStage, ...] = Field(
        default=(),
        description="Stages that make documents from those that deduplication and decontamination left, in order; "
        "decontamination looks through what they make, too.",
    )
    decontaminate: DecontaminationConfig | None = Field(
        default=None, description="Evaluation sets whose texts are looked for and taken out, after deduplication."
    )

    @property
    def keeper_order(self) -> KeeperOrder | None:
        """`keepers`, with the recipe's own order of sources where it names none."""
        if self.keepers is None or self.keepers.sources or "source" not in self.keepers.by:
            return self.keepers
        return self.keepers.model_copy(update={"sources": tuple(source.name for source in self.sources)})


class IngestEntry(NamedTuple):
    """How a stage of the ingest phase gets its options and loads its models, and whether texts may leave it changed."""

    config: type[StageConfig]
    bind: Callable[[Any], StageFunction]
    changes_texts: bool = True


class Keyed(NamedTuple):
    """The documents of a block that a deduplication stage compares, by their rows in it, and a KEY for each."""

    rows: npt.NDArray[np.int64]
    keys: npt.NDArray[np.void]


BlockFunction = Callable[[pa.RecordBatch], pa.RecordBatch]


class EqualEntry(NamedTuple):
    """A deduplication stage of whose keys equal ones mean duplicates: the columns it reads, and how it makes keys."""

    config: type[StageConfig] | None
    columns: tuple[str, ...]
    keys: Callable[[pa.RecordBatch, Any], Keyed]
    similarity: float | None = None  # of two texts with equal keys; null if their keys say nothing of the texts


class NearEntry(NamedTuple):
    """A deduplication stage that compares signatures: see pipelines/phases/deduplication/near_shuffle.py.

    It says how signatures are made of a block, how they are compared, and how many sort keys each brings of its own.
    """

    config: type[StageConfig]
    columns: tuple[str, ...]
    sign: Callable[[pa.RecordBatch, Any], Signed]
    comparison: Callable[[Any], NearDeduplicationConfig]
    criteria: int = 0


FrequentKeys = Sequence[npt.NDArray[np.void]]  # FREQUENT of the rounds so far


class RepeatsEntry(NamedTuple):
    """A deduplication stage that takes out parts of texts which many documents share.

    In each of its rounds it makes keys, and hears which of them enough documents have; then it rewrites the texts of a
    block, given the documents' numbers.
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
    return partial(identify_language, identify=identifier, config=config, answers=identifier.answers)


def _bind_normalization(config: NormalizationConfig) -> StageFunction:
    from stages.normalization.normalize import normalize_counted  # its tables take a while to make

    return lambda batch: Changed(*normalize_counted(batch, config))


def _bind_personal_data(config: PersonalDataConfig) -> StageFunction:
    from stages.privacy.personal_data import personal_data

    return partial(personal_data, config=config)


def _bind_quality(config: QualityFilteringConfig) -> StageFunction:
    from stages.quality.filter_quality import filter_quality

    return partial(filter_quality, config=config)


def _bind_datatrove(config: DatatroveConfig) -> StageFunction:
    from stages.quality.datatrove_block import load_block, run_datatrove
    from stages.quality.datatrove_words import tokenizer_of

    @cache
    def load(tokenizer: str | None) -> Any:
        return load_block(config, tokenizer)

    load(tokenizer_of("eng_Latn") if config.by_language else None)  # so that wrong arguments end the run at once
    return partial(
        run_datatrove, config=config, load=lambda label: load(tokenizer_of(label) if config.by_language else None)
    )


def _bind_replacement(config: TransliterationConfig) -> StageFunction:
    from stages.transliteration.transliterate import transliterate_batch

    return partial(transliterate_batch, config=config, condition=_condition(config))


def _bind_parallel(config: TransliterationConfig) -> BlockFunction:
    from stages.transliteration.transliterate import parallel_rows

    return partial(parallel_rows, config=config, condition=_condition(config))


def _bind_pairs(config: TransliterationConfig) -> BlockFunction:
    from stages.transliteration.transliterate import pairs

    return partial(pairs, config=config, condition=_condition(config))


def _condition(config: TransliterationConfig) -> Condition | None:
    from stages.transliteration.conditions import load_condition

    return load_condition(config.condition) if config.condition else None


INGEST_STAGES = {
    "extract_text": IngestEntry(ExtractionConfig, _bind_extraction),
    "identify_language": IngestEntry(LanguageIdentificationConfig, _bind_identification, changes_texts=False),
    "filter_language": IngestEntry(
        LanguageFilteringConfig, lambda config: partial(filter_language, config=config), changes_texts=False
    ),
    "mark_scripts": IngestEntry(
        ScriptMarkingConfig, lambda config: partial(mark_scripts, config=config), changes_texts=False
    ),
    "normalize": IngestEntry(NormalizationConfig, _bind_normalization),
    "transliterate": IngestEntry(TransliterationConfig, _bind_replacement),
    "datatrove": IngestEntry(DatatroveConfig, _bind_datatrove),
    "personal_data": IngestEntry(PersonalDataConfig, _bind_personal_data),
    "filter_quality": IngestEntry(QualityFilteringConfig, _bind_quality, changes_texts=False),
    "filter_length": IngestEntry(
        LengthFilteringConfig, lambda config: partial(filter_length, config=config), changes_texts=False
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


def _line_keys(batch: pa.RecordBatch, _: FrequentKeys, config: LineDeduplicationConfig) -> Keyed:
    from stages.deduplication.lines import line_keys

    found = line_keys(batch, config)
    return Keyed(found.rows, found.keys)


def _without_lines(
    batch: pa.RecordBatch, documents: npt.NDArray[np.uint64], known: FrequentKeys, config: LineDeduplicationConfig
) -> Filtered:
    from stages.deduplication.lines import remove_lines

    return remove_lines(batch, documents, known[0], config).documents


def _span_fingerprints(batch: pa.RecordBatch, _: FrequentKeys, config: SpanDeduplicationConfig) -> Keyed:
    from stages.deduplication.spans import span_fingerprints

    found = span_fingerprints(batch, config)
    return Keyed(found.rows, found.keys)


def _span_windows(batch: pa.RecordBatch, known: FrequentKeys, config: SpanDeduplicationConfig) -> Keyed:
    from stages.deduplication.spans import span_windows

    found = span_windows(batch, known[0]["key"], config)
    return Keyed(found.rows, found.keys)


def _without_spans(
    batch: pa.RecordBatch, documents: npt.NDArray[np.uint64], known: FrequentKeys, config: SpanDeduplicationConfig
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
        lambda config: config.of_skeletons,
        criteria=1,
    ),
    "lines": RepeatsEntry(
        LineDeduplicationConfig, ("text", "source", "language"), (_line_keys,), rewrite=_without_lines
    ),
    "spans": RepeatsEntry(
        SpanDeduplicationConfig, ("text",), (_span_fingerprints, _span_windows), rewrite=_without_spans
    ),
}


def bind_ingest(recipe: Recipe) -> list[BoundStage]:
    """Bind the recipe's ingest stages to their options and models, in the order they run; this loads the models.

    Where a recipe both normalizes and identifies languages, encodings are converted before languages are identified,
    and all rules run after it, wherever the recipe puts `normalize`: what a text is in is not known of its garbage,
    and the rules of a language hold once it is known.
    """
    stages = list(recipe.ingest)
    names = [stage.stage for stage in stages]
    if "identify_language" not in names or "normalize" not in names:
        return [BoundStage(config.stage, INGEST_STAGES[config.stage].bind(config)) for config in stages]
    first, normalizing = names.index("identify_language"), names.index("normalize")
    config = next(stage for stage in stages if isinstance(stage, NormalizationConfig))
    if normalizing < first:
        stages.insert(first + 1, config)
        del stages[normalizing]
        first -= 1
    bound = [BoundStage(stage.stage, INGEST_STAGES[stage.stage].bind(stage)) for stage in stages]
    convert, credit = _bind_conversion(config, _kept_labels(recipe.ingest))
    return [
        *bound[:first],
        BoundStage(config.stage, convert),
        bound[first],
        BoundStage(config.stage, credit),
        *bound[first + 1 :],
    ]


_UNCONVERTED = "text_before_conversion"  # on its way from conversion to `credit`, of rows that it changed


def _bind_conversion(config: NormalizationConfig, labels: Sequence[str]) -> tuple[StageFunction, StageFunction]:
    """Convert encodings by the script alone; `labels` are those that the recipe keeps, none if it keeps any.

    The second function runs after languages are identified, and counts what was converted under the language found.
    """
    from stages.normalization.normalize import RULES, Normalized, normalize_counted

    wanted = {name for name in CONVERSIONS if name not in config.disable}
    if labels and not any(parse_label(label).script == "Mymr" for label in labels):
        wanted.discard("zawgyi")  # its engine need not be installed then
    alone = NormalizationConfig(disable=tuple(rule.name for rule in RULES if rule.name not in wanted))

    def converted(batch: pa.RecordBatch) -> Normalized:
        unknown = pa.nulls(batch.num_rows, pa.string())
        return normalize_counted(set_columns(batch, language=unknown, script=detect_scripts(batch["text"])), alone)

    def convert(batch: pa.RecordBatch) -> pa.RecordBatch:
        text = converted(batch).documents["text"]
        changed = pc.not_equal(text, batch["text"])
        before = pc.if_else(changed, batch["text"], pa.scalar(None, batch["text"].type))
        return set_columns(batch, text=text).append_column(_UNCONVERTED, before)

    def credit(batch: pa.RecordBatch) -> pa.RecordBatch | Changed:
        rows = batch.filter(pc.is_valid(batch[_UNCONVERTED]))
        rows = set_columns(rows, text=rows[_UNCONVERTED]).drop_columns([_UNCONVERTED])
        counts = []
        for language, script in sorted(set(zip(*(rows[c].to_pylist() for c in ("language", "script")), strict=True))):
            of_label = pc.and_(pc.equal(rows["language"], language), pc.equal(rows["script"], script))
            found = converted(rows.filter(of_label)).counts
            for name, value in (("language", language), ("script", script)):
                place = found.schema.get_field_index(name)
                found = found.set_column(place, found.schema.field(name), pa.repeat(pa.scalar(value), found.num_rows))
            counts.append(found)
        batch = batch.drop_columns([_UNCONVERTED])
        return Changed(batch, pa.concat_tables(counts)) if counts else batch

    return convert, credit


CONVERSIONS = ("encoding_repair", "ansi_sequences", "c1_marks", "zawgyi")  # rules of bytes and fonts, of no orthography


def bind_rewriting(recipe: Recipe) -> Callable[[pa.RecordBatch], Iterator[pa.Array]]:
    """Bind what ingest does to the spelling of texts, for evaluation texts, which are compared with documents.

    The function takes n texts with their `language` and `script` (null if unknown) and yields them as they are after
    each of the recipe's stages that rewrite text. Documents may come under another label than an item has, so each
    text is also taken as one of no known language; an item whose language is unknown is taken as one of each language
    that the stages treat differently. A text that a stage cannot rewrite stays as it is.
    """
    rewriting = [
        (config, BoundStage(config.stage, INGEST_STAGES[config.stage].bind(config)))
        for config in recipe.ingest
        if isinstance(config, NormalizationConfig | TransliterationConfig)
    ]

    def rewrite(texts: pa.RecordBatch) -> Iterator[pa.Array]:
        if not rewriting:
            return
        for languages in _languages_to_try(texts, [config for config, _ in rewriting]):
            block = set_columns(_as_documents(texts), language=languages)
            for _, stage in rewriting:
                kept = run_stages(block, [stage]).kept
                rows = pc.cast(kept["id"], pa.int64()).to_numpy()
                if not len(rows):
                    break
                written = np.zeros(block.num_rows, bool)
                written[rows] = True
                block = set_columns(
                    block,
                    text=pc.replace_with_mask(block["text"], pa.array(written), kept["text"]),
                    script=pc.replace_with_mask(block["script"], pa.array(written), kept["script"]),
                )
                yield block["text"]

    return rewrite


def _as_documents(texts: pa.RecordBatch) -> pa.RecordBatch:
    """Give n texts with `language` and `script` all columns of documents; their ids are their row numbers."""
    rows = texts.num_rows
    known = {
        "id": pa.array(range(rows), pa.int64()).cast(pa.string()),
        "text": texts["text"],
        "language": texts["language"],
        "script": texts["script"],
    }
    arrays = [known.get(field.name, pa.repeat(pa.scalar(None, field.type), rows)) for field in DOCUMENT]
    return pa.RecordBatch.from_arrays(arrays, DOCUMENT.names)


def _languages_to_try(texts: pa.RecordBatch, configs: Sequence[StageConfig]) -> Iterator[pa.Array]:
    """Yield the n languages under which texts are rewritten: their own, none, and for unknown ones one of each kind."""
    own = texts["language"]
    codes = pc.dictionary_encode(own)
    if own.null_count < len(own):
        yield pa.array([one_code(code) for code in codes.dictionary.to_pylist()], pa.string()).take(codes.indices)
    yield pa.nulls(len(own), pa.string())
    scripts = pc.fill_null(texts["script"], "").dictionary_encode()
    apart = [_languages_apart(script or None, configs) for script in scripts.dictionary.to_pylist()]
    for position in range(max(map(len, apart), default=0) if own.null_count else 0):
        tried = pa.array([kinds[position] if position < len(kinds) else None for kinds in apart], pa.string())
        yield pc.if_else(pc.is_null(own), tried.take(scripts.indices), pa.scalar(None, pa.string()))


def _languages_apart(script: str | None, configs: Sequence[StageConfig]) -> list[str]:
    """List languages that any of the stages treats in a way of its own in a script."""
    from stages.normalization.normalize import languages_apart

    found: dict[str, None] = {}
    for config in configs:
        if isinstance(config, NormalizationConfig):
            found |= dict.fromkeys(language for language in languages_apart(script, config) if language)
        elif isinstance(config, TransliterationConfig):
            labels = [parse_label(label) for label in config.schemes if label != ANY]
            found |= dict.fromkeys(one_code(label.language) for label in labels if label.script == script)
    return list(found)


def bind_augment(recipe: Recipe) -> list[tuple[str, BlockFunction]]:
    """Bind the stages that make documents, by name; each answers a block with the new documents."""
    return [(config.stage, _bind_parallel(config)) for config in recipe.augment if config.mode == "parallel"]


def bind_pairs(recipe: Recipe) -> list[BlockFunction]:
    """Bind the stages that give pairs of texts; each answers a block with PAIR rows."""
    return [_bind_pairs(config) for config in recipe.augment if config.mode == "pair"]


def at_home(recipe: Recipe, base: str) -> Recipe:
    """Make the recipe's relative models, word lists and indexes absolute: they lie in its folder, as sources do."""
    return recipe.model_copy(
        update={
            "ingest": tuple(_stage_at_home(stage, base) for stage in recipe.ingest),
            "augment": tuple(_stage_at_home(stage, base) for stage in recipe.augment),
            "dedup": tuple(_dedup_at_home(stage, base) for stage in recipe.dedup),
        }
    )


def _stage_at_home(stage: AnyStage, base: str) -> AnyStage:
    if isinstance(stage, LanguageIdentificationConfig) and stage.model_files:
        named = tuple(_model_at_home(name, base) for name in stage.models)
        return stage.model_copy(update={"model": named[0] if isinstance(stage.model, str) else named})
    if isinstance(stage, TransliterationConfig) and (path := _condition_file(stage)):
        condition = stage.condition.model_copy(update={"path": str(Path(base, path))}) if stage.condition else None
        return stage.model_copy(update={"condition": condition})
    return stage


def _dedup_at_home(stage: DedupStage, base: str) -> DedupStage:
    against = tuple(located(path, base) for path in against_of(stage))
    return stage.model_copy(update={"against": against}) if against else stage


def _condition_file(stage: TransliterationConfig) -> str | None:
    return getattr(stage.condition, "path", None)


def against_of(stage: StageConfig) -> tuple[str, ...]:
    """Return the indexes that a dedup stage names, none for a kind of stage that takes none."""
    named: tuple[str, ...] = getattr(stage, "against", ())
    return named


def located(path: str, base: str) -> str:
    """Make the path of an index absolute, if it is relative to the recipe's folder `base`."""
    return path if "://" in path or "::" in path else str(Path(base, path))


def _model_at_home(model: str, base: str) -> str:
    return model if model == "cascade" or "://" in model else str(Path(base, model))


def models(recipe: Recipe, base: str) -> tuple[tuple[ModelVersion, ...], list[str]]:
    """Name the models, schemes and word lists of the recipe's stages, for plan, manifest and card, and what is wrong.

    Files are loaded, to see if they are what they should be.
    """
    named: list[ModelVersion] = []
    problems: list[str] = []
    resolved = at_home(recipe, base)
    for part in ("ingest", "augment"):
        for place, (written, stage) in enumerate(zip(getattr(recipe, part), getattr(resolved, part), strict=True)):
            try:
                if isinstance(stage, LanguageIdentificationConfig):
                    named.append(_identifier(" + ".join(written.models), stage, recipe, problems))
                elif isinstance(stage, TransliterationConfig):
                    named += _letter_tables(written, stage)
                elif isinstance(stage, QualityFilteringConfig):
                    segmenter = stage.resolved_segmenter
                    named.append(ModelVersion(name=f"segmenter {segmenter}", version=segmenter_version(segmenter)))
                    if stage.tokenizer == "datatrove":
                        named.append(_datatrove())
                elif isinstance(stage, DatatroveConfig):
                    INGEST_STAGES[stage.stage].bind(stage)  # to see if the block is there and takes its arguments
                    named.append(_datatrove())
                elif isinstance(stage, NormalizationConfig):
                    _require_engines(stage, _kept_labels(recipe.ingest))
            except (OSError, ValueError, ImportError) as error:
                problems += [f"{part}[{place}]: {line}" for line in str(error).splitlines()]
    return tuple(dict.fromkeys(named)), problems


def _datatrove() -> ModelVersion:
    return ModelVersion(name="datatrove", version=importlib.metadata.version("datatrove"))


def _identifier(name: str, stage: LanguageIdentificationConfig, recipe: Recipe, problems: list[str]) -> ModelVersion:
    if not stage.model_files:
        version, sha256 = embedded_identity()
    else:
        identifier = load_identifier(stage)
        version, sha256 = identifier.version, identifier.sha256
        problems += label_problems(recipe, identifier.answers)
    return ModelVersion(name=name, version=version, sha256=sha256)


def _letter_tables(written: TransliterationConfig, stage: TransliterationConfig) -> Iterator[ModelVersion]:
    for scheme in chosen_schemes(stage):
        yield ModelVersion(name=str(scheme), version=scheme.version)
    if path := _condition_file(stage):
        _condition(stage)
        sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        yield ModelVersion(name=_condition_file(written) or path, version="file", sha256=sha256)


def _kept_labels(stages: Sequence[AnyStage]) -> tuple[str, ...]:
    """Return the labels that these stages keep; none if they keep any."""
    return next((stage.keep for stage in stages if isinstance(stage, LanguageFilteringConfig) and stage.keep), ())


def _require_engines(stage: NormalizationConfig, labels: Sequence[str]) -> None:
    """Raise ImportError if documents may come that a chosen rule has no engine for."""
    from stages.normalization.east_asian import load_opencc
    from stages.normalization.normalize import chosen_rules
    from stages.normalization.southeast_asian import load_zawgyi

    for rule in chosen_rules(stage):
        expected = not labels or any(rule.applies(*parse_label(label)) for label in labels)
        if rule.name == "zawgyi" and expected:
            load_zawgyi()
        if rule.name == "chinese_conversion" and expected:
            load_opencc("t2s")


def stage_problems(recipe: Recipe) -> list[str]:
    """List what is wrong with the stages as a chain; each alone has been checked by its own model."""
    names = [stage.stage for stage in recipe.ingest]
    problems = []
    raw = [source.name for source in recipe.sources if source.format in ("html", "warc")]
    if raw and "extract_text" not in names:
        problems.append(
            f"ingest: sources {', '.join(raw)} bring HTML and no stage takes the text out; begin with "
            '[[ingest]] stage = "extract_text"'
        )
    if "extract_text" in names[1:]:
        problems.append(f"ingest[{names.index('extract_text', 1)}]: extract_text must be the first stage")
    for position, stage in enumerate(recipe.ingest):
        if isinstance(stage, TransliterationConfig):
            problems += _misplaced(stage, f"ingest[{position}]", names[:position])
    for position, stage in enumerate(recipe.augment):
        if "identify_language" not in names:
            problems.append(
                f"augment[{position}]: transliterate goes by language and script, so it needs [[ingest]] stage = "
                '"identify_language"'
            )
        if stage.mode == "replace":
            problems.append(
                f'augment[{position}]: mode = "replace" changes documents in place; put the stage under [[ingest]], or '
                'choose mode = "parallel" or "pair"'
            )
    for position, stage in enumerate(recipe.ingest):
        if isinstance(stage, DatatroveConfig) and stage.by_language and "identify_language" not in names[:position]:
            problems.append(f"ingest[{position}]: by_language needs identify_language before it")
    for position, stage in enumerate(recipe.ingest):
        if isinstance(stage, PersonalDataConfig) and not stage.regions and "identify_language" not in names[:position]:
            problems.append(
                f"ingest[{position}]: personal_data knows local phone numbers and ids by the language, so it needs "
                "identify_language before it, or `regions`"
            )
    if "filter_quality" in names and "identify_language" not in names[: names.index("filter_quality")]:
        problems.append(
            f"ingest[{names.index('filter_quality')}]: filter_quality judges by language and script, so it needs "
            "identify_language before it"
        )
    if "filter_language" in names and "identify_language" not in names[: names.index("filter_language")]:
        problems.append("ingest: filter_language needs identify_language before it")
    if recipe.decontaminate and not recipe.decontaminate.evaluation_sets:
        problems.append(
            'decontaminate: evaluation_sets must name what to look for, such as ["flores_200", "belebele"]; got none'
        )
    stages = [stage.stage for stage in recipe.dedup]
    if "across_scripts" in stages and "identify_language" not in names:
        problems.append(
            f"dedup[{stages.index('across_scripts')}]: across_scripts compares the scripts of a language, and no stage "
            'finds out languages; add [[ingest]] stage = "identify_language"'
        )
    if not any(isinstance(stage, LanguageIdentificationConfig) and stage.model_files for stage in recipe.ingest):
        problems += label_problems(recipe, embedded_answers())
    finding = [stage for stage in stages if not isinstance(DEDUP_STAGES[stage], RepeatsEntry)]
    if recipe.publish.sampling_weight and not finding:
        problems.append(
            f'publish: sampling_weight = "{recipe.publish.sampling_weight}" goes by how many duplicates there were and '
            'no stage finds duplicates; add [[dedup]] stage = "near", or leave it out'
        )
    if recipe.keepers:
        problems += _keeper_problems(recipe, recipe.keepers)
    return problems


def unmatched_labels(recipe: Recipe, published: Collection[str]) -> list[str]:
    """List the labels that the recipe keeps and no document has; `published` are the labels that some have."""
    kept = [label for stage in recipe.ingest if isinstance(stage, LanguageFilteringConfig) for label in stage.keep]
    return [label for label in dict.fromkeys(kept) if not set(kept_labels([label])) & set(published)]


def label_problems(recipe: Recipe, answers: Answers) -> list[str]:
    """List the labels in a recipe that no document can get by a model with these answers."""
    problems: list[str] = []
    merge: Mapping[str, Sequence[str]] = {}
    respelled = False  # transliteration gives scripts that no model answers
    for place, stage in _placed(recipe):
        asked: Iterable[str] = ()
        if isinstance(stage, LanguageIdentificationConfig):
            merge, asked = stage.merge, (*stage.thresholds,)
            for code, members in stage.merge.items():
                if unknown := [member for member in members if one_code(member) not in answers.languages]:
                    problems.append(f"{place}.merge.{code}: the model does not answer {', '.join(unknown)}")
        elif isinstance(stage, LanguageFilteringConfig):
            asked = stage.keep
        elif isinstance(stage, TransliterationConfig):
            asked, respelled = (label for label in stage.schemes if label != ANY), respelled or stage.mode == "replace"
        for label in asked:
            spoken = one_code(parse_label(label).language)
            if members_of(label) or spoken in merge or (respelled and spoken in answers.languages):
                continue
            if into := next((code for code, members in merge.items() if spoken in members), None):
                problems.append(f"{place}: {label} is merged into {into} by identify_language; name that")
            elif problem := answers.problem(label):
                problems.append(f"{place}: {problem}")
    return problems


def _placed(recipe: Recipe) -> Iterator[tuple[str, StageConfig]]:
    for part, stages in (("ingest", recipe.ingest), ("augment", recipe.augment)):
        yield from ((f"{part}[{position}] {stage.stage}", stage) for position, stage in enumerate(stages))


def _keeper_problems(recipe: Recipe, order: KeeperOrder) -> Iterator[str]:
    """Say what criteria of the order of keepers the recipe's sources and stages do not bring."""
    names = [source.name for source in recipe.sources]
    if unknown := [name for name in order.sources if name not in names]:
        yield f"keepers.sources: no source is called {', '.join(unknown)}; there are {', '.join(names)}"
    if "quality" not in order.by:
        return
    if order.quality in DOCUMENT.names:
        kind = DOCUMENT.field(order.quality).type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
            yield f"keepers.quality: must be a column of numbers, got {order.quality!r}, which holds {kind}"
        if order.quality == "language_score" and all(stage.stage != "identify_language" for stage in recipe.ingest):
            yield (
                "keepers.quality: no stage finds out languages, so language_score is empty; add [[ingest]] stage = "
                '"identify_language", or name another column'
            )
    elif lacking := [source.name for source in recipe.sources if order.quality not in getattr(source, "keep", ())]:
        yield (
            f"keepers.quality: sources {', '.join(lacking)} bring no column {order.quality!r}; name it in their "
            "`keep`, or choose another column"
        )


def _misplaced(stage: TransliterationConfig, place: str, before: Sequence[str]) -> Iterator[str]:
    """Say what is wrong with where a recipe of the ingest phase transliterates."""
    if "identify_language" not in before:
        yield f"{place}: transliterate goes by language and script, so it needs identify_language before it"
    if stage.mode != "replace":
        yield (
            f'{place}: mode = "{stage.mode}" makes documents of those that are left in the end; put the stage under '
            '[[augment]], or choose mode = "replace"'
        )
