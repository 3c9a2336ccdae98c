"""The stages of a recipe with their options and models: what the workers of the phases run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.engines import open_engine, open_generator
from pipelines.catalogue.stages import (
    INGEST_STAGES,
    Recipe,
    as_documents,
    filters_made,
    gives_pairs,
    identify_texts,
    kept_by,
    makes_documents,
)
from schemas.language import one_code, parse_label
from stages.batches import BoundStage, Changed, StageConfig, StageFunction, run_stages, set_columns
from stages.engines.chat import Generator
from stages.engines.engine import Answer, Direction, Engine
from stages.engines.options import EngineConfig, token_budget
from stages.language_identification.identify import (
    LanguageIdentificationConfig,
)
from stages.normalization.options import NormalizationConfig
from stages.script_detection import detect_scripts
from stages.translation.options import PROTECTED, GivenPairsConfig, TranslationConfig
from stages.transliteration.options import ANY, TransliterationConfig

if TYPE_CHECKING:
    from stages.language_identification.expected import Identify
    from stages.synthesis.synthesize import Bound
    from stages.translation.translate import Translator


def bind_ingest(recipe: Recipe) -> list[BoundStage]:
    """Bind the recipe's ingest stages to their options and models, in the order they run; this
    loads the models.

    Where a recipe both normalizes and identifies languages, encodings are converted before
    languages are identified, and all rules run after it, wherever the recipe puts `normalize`: what
    a text is in is not known of its garbage, and the rules of a language hold once it is known.
    """
    stages = list(recipe.ingest)
    names = [stage.stage for stage in stages]
    if "identify_language" not in names or "normalize" not in names:
        return [
            BoundStage(config.stage, INGEST_STAGES[config.stage].bind(config)) for config in stages
        ]
    first, normalizing = names.index("identify_language"), names.index("normalize")
    config = next(stage for stage in stages if isinstance(stage, NormalizationConfig))
    if normalizing < first:
        stages.insert(first + 1, config)
        del stages[normalizing]
        first -= 1
    bound = [BoundStage(stage.stage, INGEST_STAGES[stage.stage].bind(stage)) for stage in stages]
    convert, credit = _bind_conversion(config, kept_by(recipe.ingest))
    return [
        *bound[:first],
        BoundStage(config.stage, convert),
        bound[first],
        BoundStage(config.stage, credit),
        *bound[first + 1 :],
    ]


_UNCONVERTED = (
    "text_before_conversion"  # on its way from conversion to `credit`, of rows that it changed
)


def _bind_conversion(
    config: NormalizationConfig, labels: Sequence[str]
) -> tuple[StageFunction, StageFunction]:
    """Convert encodings by the script alone; `labels` are those that the recipe keeps, none if it
    keeps any.

    The second function runs after languages are identified, and counts what was converted under the
    language found.
    """
    from stages.normalization.normalize import RULES, Normalized, normalize_counted

    wanted = {name for name in CONVERSIONS if name not in config.disable}
    if labels and not any(parse_label(label).script == "Mymr" for label in labels):
        wanted.discard("zawgyi")  # its engine need not be installed then
    alone = NormalizationConfig(
        disable=tuple(rule.name for rule in RULES if rule.name not in wanted)
    )

    def converted(batch: pa.RecordBatch) -> Normalized:
        unknown = pa.nulls(batch.num_rows, pa.string())
        return normalize_counted(
            set_columns(batch, language=unknown, script=detect_scripts(batch["text"])), alone
        )

    def convert(batch: pa.RecordBatch) -> pa.RecordBatch:
        text = converted(batch).documents["text"]
        changed = pc.not_equal(text, batch["text"])
        before = pc.if_else(changed, batch["text"], pa.scalar(None, batch["text"].type))
        return set_columns(batch, text=text).append_column(_UNCONVERTED, before)

    def credit(batch: pa.RecordBatch) -> pa.RecordBatch | Changed:
        rows = batch.filter(pc.is_valid(batch[_UNCONVERTED]))
        rows = set_columns(rows, text=rows[_UNCONVERTED]).drop_columns([_UNCONVERTED])
        counts = []
        for language, script in sorted(
            set(zip(*(rows[c].to_pylist() for c in ("language", "script")), strict=True))
        ):
            of_label = pc.and_(
                pc.equal(rows["language"], language), pc.equal(rows["script"], script)
            )
            found = converted(rows.filter(of_label)).counts
            for name, value in (("language", language), ("script", script)):
                place = found.schema.get_field_index(name)
                found = found.set_column(
                    place, found.schema.field(name), pa.repeat(pa.scalar(value), found.num_rows)
                )
            counts.append(found)
        batch = batch.drop_columns([_UNCONVERTED])
        return Changed(batch, pa.concat_tables(counts)) if counts else batch

    return convert, credit


# rules of bytes and fonts, of no orthography
CONVERSIONS = (
    "encoding_repair",
    "ansi_sequences",
    "c1_marks",
    "zawgyi",
)


def bind_rewriting(recipe: Recipe) -> Callable[[pa.RecordBatch], Iterator[pa.Array]]:
    """Bind what ingest does to the spelling of texts, for evaluation texts, which are compared with
    documents.

    The function takes n texts with their `language` and `script` (null if unknown) and yields them
    as they are after each of the recipe's stages that rewrite text. Documents may come under
    another label than an item has, so each text is also taken as one of no known language; an item
    whose language is unknown is taken as one of each language that the stages treat differently. A
    text that a stage cannot rewrite stays as it is.
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
            block = set_columns(as_documents(texts), language=languages)
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


def _languages_to_try(texts: pa.RecordBatch, configs: Sequence[StageConfig]) -> Iterator[pa.Array]:
    """Yield the n languages under which texts are rewritten: their own, none, and for unknown ones
    one of each kind."""
    own = texts["language"]
    codes = pc.dictionary_encode(own)
    if own.null_count < len(own):
        yield pa.array([one_code(code) for code in codes.dictionary.to_pylist()], pa.string()).take(
            codes.indices
        )
    yield pa.nulls(len(own), pa.string())
    scripts = pc.fill_null(texts["script"], "").dictionary_encode()
    apart = [_languages_apart(script or None, configs) for script in scripts.dictionary.to_pylist()]
    for position in range(max(map(len, apart), default=0) if own.null_count else 0):
        tried = pa.array(
            [kinds[position] if position < len(kinds) else None for kinds in apart], pa.string()
        )
        yield pc.if_else(pc.is_null(own), tried.take(scripts.indices), pa.scalar(None, pa.string()))


def _languages_apart(script: str | None, configs: Sequence[StageConfig]) -> list[str]:
    """List languages that any of the stages treats in a way of its own in a script."""
    from stages.normalization.normalize import languages_apart

    found: dict[str, None] = {}
    for config in configs:
        if isinstance(config, NormalizationConfig):
            found |= dict.fromkeys(
                language for language in languages_apart(script, config) if language
            )
        elif isinstance(config, TransliterationConfig):
            labels = [parse_label(label) for label in config.schemes if label != ANY]
            found |= dict.fromkeys(
                one_code(label.language) for label in labels if label.script == script
            )
    return list(found)


class Made(NamedTuple):
    """Documents that an augment stage made of a block, those that it turned away, and pairs of
    sentences, if any.

    Those turned away have the REJECTION columns as well.
    """

    documents: pa.RecordBatch
    rejected: pa.RecordBatch | None = None
    failed: pa.RecordBatch | None = None
    pairs: pa.RecordBatch | None = None


# of whom, and with what budget
Ask = Callable[[Engine, Direction, int | None, Sequence[str]], list[Answer]]
AugmentFunction = Callable[[pa.RecordBatch, Ask], Made]


class BoundAugment(NamedTuple):
    """An augment stage as a worker runs it: either it makes documents of a block, or it chooses
    among those made.

    `published` is false where what is made is only paired.
    """

    name: str
    make: AugmentFunction | None = None
    choose: BoundStage | None = None
    published: bool = True


def bind_augment(recipe: Recipe) -> list[BoundAugment]:
    """Bind the stages that make documents, and the filters after them, in the order of the recipe.

    What engines are asked goes through the second argument of `make`, which keeps their responses.
    """
    bound = []
    for stage in recipe.augment:
        if isinstance(stage, TranslationConfig):
            published = "documents" in stage.outputs
            bound.append(
                BoundAugment(stage.stage, _translation(stage, recipe), published=published)
            )
        elif isinstance(stage, TransliterationConfig) and makes_documents(stage):
            bound.append(BoundAugment(stage.stage, _transliteration(stage)))
        elif isinstance(stage, GivenPairsConfig):
            bound.append(BoundAugment(stage.stage, _given_pairs(stage), published=False))
        elif filters_made(stage):
            function = INGEST_STAGES[stage.stage].bind(stage)
            bound.append(BoundAugment(stage.stage, choose=BoundStage(stage.stage, function)))
    return bound


def _transliteration(config: TransliterationConfig) -> AugmentFunction:
    from stages.transliteration.conditions import condition_of
    from stages.transliteration.transliterate import parallel_rows

    condition = condition_of(config)
    return lambda batch, _: Made(parallel_rows(batch, config, condition))


def _given_pairs(config: GivenPairsConfig) -> AugmentFunction:
    from stages.translation.bitext import given_pairs

    ways = {
        str(direction): _opened(config.round_trip, direction.back, config, None)
        for direction in config.pairs
        if config.round_trip
    }

    def make(batch: pa.RecordBatch, ask: Ask) -> Made:
        back = {direction: way(ask) for direction, way in ways.items()}
        return Made(batch.slice(0, 0), pairs=given_pairs(batch, config, back))

    return make


def _opened(
    engine: EngineConfig,
    direction: Direction,
    config: TranslationConfig | GivenPairsConfig,
    terms: Mapping[str, str] | None,
) -> Callable[..., Translator]:
    """Open an engine: what is returned takes how it is asked, and who translates back."""
    from stages.translation.protection import Protection
    from stages.translation.translate import Translator

    own = open_engine(engine, direction, config.reuse)
    protect = config.protect if isinstance(config, TranslationConfig) else PROTECTED
    protection = Protection(protect, own.placeholder, terms)
    budget = token_budget(engine)
    return lambda ask, back=None: Translator(
        direction, own.identity, protection, partial(ask, own, direction, budget), back
    )


def _translation(config: TranslationConfig, recipe: Recipe) -> AugmentFunction:
    from stages.translation.protection import read_glossary
    from stages.translation.translate import translate_documents

    glossary = read_glossary(config.glossary) if config.glossary else None
    ways = [
        (
            _opened(config.engine, direction, config, glossary),
            _opened(config.round_trip, direction.back, config, None) if config.round_trip else None,
        )
        for direction in config.pairs
    ]
    identify = bind_identify(recipe) if config.gates.language else None

    def make(batch: pa.RecordBatch, ask: Ask) -> Made:
        translators = [there(ask, back and back(ask)) for there, back in ways]
        return Made(*translate_documents(batch, translators, config, identify))

    return make


def bind_synthesis(recipe: Recipe) -> list[tuple[Bound, Generator]]:
    """Bind the strategies of a recipe to their options, prompts and generators; strategies with the
    same engine share one, so that a model is loaded once."""
    from stages.synthesis.synthesize import bind_strategy
    from stages.synthesis.table import load_strategy

    found = []
    opened: dict[str, Generator] = {}
    for config in recipe.synthesize:
        engine = repr((config.engine, config.reuse))
        if engine not in opened:
            opened[engine] = open_generator(config)
        generator = opened[engine]
        found.append((bind_strategy(load_strategy(config), config, generator.identity), generator))
    return found


def bind_identify(recipe: Recipe) -> Identify:
    """Bind the recipe's own identification to texts without a document."""
    return identify_texts(
        next(stage for stage in recipe.ingest if isinstance(stage, LanguageIdentificationConfig))
    )


def bind_pairs(recipe: Recipe) -> list[Callable[[pa.RecordBatch], pa.RecordBatch]]:
    """Bind the stages that give pairs of texts; each answers a block with PAIR rows."""
    from stages.transliteration.conditions import condition_of
    from stages.transliteration.transliterate import pairs

    stages = (stage for stage in recipe.augment if gives_pairs(stage))
    return [partial(pairs, config=stage, condition=condition_of(stage)) for stage in stages]
