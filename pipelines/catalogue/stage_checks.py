"""What is wrong with the stages of a recipe together; each alone has been checked by its own
options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from pipelines.catalogue.binding import bind_synthesis
from pipelines.catalogue.counted import tokenizer_versions
from pipelines.catalogue.engines import engine_versions, generator_version
from pipelines.catalogue.stages import (
    DEDUP_STAGES,
    Recipe,
    RepeatsEntry,
    card_at_home,
    kept_by,
    marks_page_languages,
)
from pipelines.catalogue.statements import read_statements
from schemas.card.funnel import FateCount
from schemas.card.versions import ModelVersion
from schemas.document import DOCUMENT
from schemas.language import one_code, one_label, parse_label
from schemas.language_groups import group_of, members_of
from stages.batches import StageConfig, file_version, located
from stages.deduplication.options import KeeperOrder
from stages.engines.engine import EngineError
from stages.language_filtering import LanguageFilteringConfig, kept_labels
from stages.language_identification.answers import Answers, embedded_answers, seldom_given
from stages.language_identification.identify import LanguageIdentificationConfig
from stages.translation.options import GivenPairsConfig, TranslationConfig
from stages.transliteration.options import TransliterationConfig


def model_versions(
    recipe: Recipe, base: str, *, allow_code: bool = False
) -> tuple[tuple[ModelVersion, ...], list[str]]:
    """Name the models, tables and word lists of the recipe's stages, for plan, manifest and card,
    and what is wrong.

    Files are loaded, to see if they are what they should be; a recipe's own code only where that is
    allowed.
    """
    named: list[ModelVersion] = []
    problems: list[str] = []
    for part, stages in (("ingest", recipe.ingest), ("augment", recipe.augment)):
        for place, stage in enumerate(stages):
            try:
                named += stage.named_models(base)
                if isinstance(stage, TranslationConfig | GivenPairsConfig):
                    named += engine_versions(stage.at_home(base))
                if isinstance(stage, LanguageIdentificationConfig) and stage.model_files:
                    problems += label_problems(recipe, stage.answers(base))
                stage.require_engines(kept_by(recipe.ingest))
            except (OSError, ValueError, ImportError, EngineError) as error:
                problems += [f"{part}[{place}]: {line}" for line in str(error).splitlines()]
    for place, config in enumerate(recipe.synthesize):
        if config.is_code and not allow_code:
            problems.append(
                f"synthesize[{place}].strategy: {config.strategy!r} is code of your own: read it, then say --allow-code"
            )
            continue
        try:
            own = config.at_home(base)
            named += generator_version(own)
            ((bound, _),) = bind_synthesis(recipe.model_copy(update={"synthesize": (own,)}))
            code = [own.strategy.rpartition(":")[0]] if own.is_code else []
            named += [
                file_version(Path(path).name, path) for path in (*code, *bound.strategy.files())
            ]
        except (OSError, ValueError, ImportError, EngineError) as error:
            problems += [f"synthesize[{place}]: {line}" for line in str(error).splitlines()]
    try:
        named += answer_versions(recipe.publish.answers, base)
    except (OSError, ValueError) as error:
        problems.append(f"publish: answers: {' '.join(str(error).split())}")
    try:
        named += tokenizer_versions(card_at_home(recipe, base))
    except (OSError, ValueError, ImportError) as error:
        problems.append(f"card: tokenizers: {' '.join(str(error).split())[:300]}")
    if path := recipe.corpus.statements:
        try:
            read_statements(located(path, base))
            named.append(file_version(path, located(path, base)))
        except (OSError, ValueError) as error:
            problems += [f"corpus: statements: {line}" for line in str(error).splitlines()]
    return tuple(dict.fromkeys(named)), problems


def answer_versions(paths: Sequence[str], base: str) -> list[ModelVersion]:
    """Name the sheets of speakers' answers, which decide what is published; raises ValueError for
    what is none."""
    if paths:
        from stages.proof.sheet import read_answers

        read_answers([Path(located(path, base)).read_bytes() for path in paths])
    return [file_version(path, located(path, base)) for path in paths]


def stage_problems(recipe: Recipe) -> list[str]:
    """List what is wrong with the stages as a chain; each alone has been checked by its own
    model."""
    names = [stage.stage for stage in recipe.ingest]
    problems = []
    raw = [source.name for source in recipe.sources if source.format in ("html", "warc")]
    if raw and "extract_text" not in names:
        problems.append(
            f"ingest: sources {', '.join(raw)} bring HTML and no stage takes the text out; begin with "
            '[[ingest]] stage = "extract_text"'
        )
    for part, stages, before in (("ingest", recipe.ingest, ()), ("augment", recipe.augment, names)):
        so_far: list[str] = list(before)
        for position, stage in enumerate(stages):
            problems += [f"{part}[{position}]: {wrong}" for wrong in stage.misplaced(part, so_far)]
            so_far.append(stage.stage)
    for position, config in enumerate(recipe.synthesize):
        problems += [
            f"synthesize[{position}]: {wrong}" for wrong in config.misplaced("synthesize", names)
        ]
    problems += _column_problems(recipe)
    problems += _share_problems(recipe)
    if recipe.decontaminate and not recipe.decontaminate.evaluation_sets:
        problems.append(
            'decontaminate: evaluation_sets must name what to look for, such as ["flores_200", "belebele"]; got none'
        )
    dedup = [stage.stage for stage in recipe.dedup]
    compared = {"across_scripts": "the scripts of a language", "across_languages": "languages"}
    problems += [
        f"dedup[{dedup.index(stage)}]: {stage} compares {what}, and no stage finds out languages; add "
        '[[ingest]] stage = "identify_language"'
        for stage, what in compared.items()
        if stage in dedup and "identify_language" not in names
    ]
    if (
        len(marking := [n for n, stage in enumerate(recipe.dedup) if marks_page_languages(stage)])
        > 1
    ):
        places = ", ".join(f"dedup[{place}]" for place in marking)
        problems.append(
            f"{places}: across_languages marks a page once; leave one, or drop by the others"
        )
    if not any(
        isinstance(stage, LanguageIdentificationConfig) and stage.model_files
        for stage in recipe.ingest
    ):
        problems += label_problems(recipe, embedded_answers())
    finding = [stage for stage in dedup if not isinstance(DEDUP_STAGES[stage], RepeatsEntry)]
    if recipe.publish.sampling_weight and not finding:
        problems.append(
            f'publish: sampling_weight = "{recipe.publish.sampling_weight}" goes by how many duplicates there were and '
            'no stage finds duplicates; add [[dedup]] stage = "near", or leave it out'
        )
    if recipe.keepers:
        problems += _keeper_problems(recipe, recipe.keepers)
    return problems


def _column_problems(recipe: Recipe) -> Iterator[str]:
    """Say which columns are to be translated that no source keeps."""
    kept = {name for source in recipe.sources for name in getattr(source, "keep", ())}
    for position, stage in enumerate(recipe.augment):
        if isinstance(stage, TranslationConfig):
            paths = {"fields": stage.fields, "spans": (*stage.spans, *stage.spans.values())}
            for option, named in paths.items():
                for column in dict.fromkeys(path.split(".")[0] for path in named):
                    if column not in kept | {"text"}:
                        yield (
                            f"augment[{position}].{option}: no source keeps a column {column!r}; name it in its `keep`"
                        )


def _share_problems(recipe: Recipe) -> Iterator[str]:
    """Say where bounds of made text count different things, or bound what is not published."""
    bounded = {
        position: stage
        for position, stage in enumerate(recipe.augment)
        if isinstance(stage, TranslationConfig) and stage.share is not None
    }
    for position, stage in bounded.items():
        if "documents" not in stage.outputs:
            yield (
                f'augment[{position}].share: bounds documents, and outputs has none; add "documents" or leave share out'
            )
    if len({stage.share_of for stage in bounded.values()}) > 1:
        places = ", ".join(f"augment[{position}]" for position in bounded)
        yield f"{places}: share_of must be the same wherever share stands, documents or bytes"


def unmatched_labels(recipe: Recipe, published: Collection[str]) -> list[str]:
    """List the labels that the recipe keeps and no document has; `published` are the labels that
    some have."""
    kept = [
        label
        for stage in recipe.ingest
        if isinstance(stage, LanguageFilteringConfig)
        for label in stage.keep
    ]
    return [
        label for label in dict.fromkeys(kept) if not set(kept_labels([label])) & set(published)
    ]


def labels_meant(recipe: Recipe) -> Iterator[str]:
    """Say of each label in a recipe that documents have another one for, or more, which these
    are."""
    for place, stage in _placed(recipe):
        for label in dict.fromkeys(stage.named_labels()):
            meant = (
                kept_labels([label])
                if isinstance(stage, LanguageFilteringConfig)
                else (one_label(label),)
            )
            if meant != (label,):
                yield f"{place}: {label} stands for {', '.join(meant)}"


def seldom_labels(recipe: Recipe) -> Iterator[str]:
    """Say of each label that the recipe keeps alone, and that the cascade seldom gives, what it
    gives instead."""
    by_cascade = any(
        isinstance(stage, LanguageIdentificationConfig) and stage.model == "cascade"
        for stage in recipe.ingest
    )
    for place, stage in _placed(recipe):
        if by_cascade and isinstance(stage, LanguageFilteringConfig):
            alone = [label for label in stage.keep if group_of(one_label(label)) not in stage.keep]
            for label in dict.fromkeys(alone):
                if said := seldom_given(one_label(label)):
                    yield f"{place}.keep: {said}"


def dropped_kin(label: str, fates: Iterable[FateCount]) -> dict[str, int]:
    """Count the documents that `filter_language` dropped for their label and that are in this
    label's language."""
    found = Counter[str]()
    for fate in fates:
        if (
            fate.reason == "unwanted_language"
            and fate.language
            and fate.language[:3] == one_label(label)[:3]
        ):
            found[fate.language] += fate.documents
    return dict(sorted(found.items()))


def label_problems(recipe: Recipe, answers: Answers) -> list[str]:
    """List the labels in a recipe that no document can get by a model with these answers."""
    problems: list[str] = []
    merge: Mapping[str, Sequence[str]] = {}
    respelled = False  # transliteration gives scripts that no model answers
    for place, stage in _placed(recipe):
        if isinstance(stage, LanguageIdentificationConfig):
            merge = stage.merge
            for code, members in stage.merge.items():
                if unknown := [
                    member for member in members if one_code(member) not in answers.languages
                ]:
                    problems.append(
                        f"{place}.merge.{code}: the model does not answer {', '.join(unknown)}"
                    )
        respelled |= isinstance(stage, TransliterationConfig) and stage.mode == "replace"
        for label in stage.named_labels():
            spoken = one_code(parse_label(label).language)
            if members_of(label) or spoken in merge or (respelled and spoken in answers.languages):
                continue
            if into := next((code for code, members in merge.items() if spoken in members), None):
                problems.append(
                    f"{place}: {label} is merged into {into} by identify_language; name that"
                )
            elif problem := answers.problem(label):
                unseen = isinstance(stage, TranslationConfig) and label in stage.written
                way_on = "; gates = { language = false } publishes it unseen" if unseen else ""
                problems.append(f"{place}: {problem}{way_on}")
    return problems


def _placed(recipe: Recipe) -> Iterator[tuple[str, StageConfig]]:
    for part, stages in (("ingest", recipe.ingest), ("augment", recipe.augment)):
        yield from (
            (f"{part}[{position}] {stage.stage}", stage) for position, stage in enumerate(stages)
        )
    yield from (
        (f"synthesize[{position}]", stage) for position, stage in enumerate(recipe.synthesize)
    )


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
        if order.quality == "language_score" and all(
            stage.stage != "identify_language" for stage in recipe.ingest
        ):
            yield (
                "keepers.quality: no stage finds out languages, so language_score is empty; add [[ingest]] stage = "
                '"identify_language", or name another column'
            )
    elif lacking := [
        source.name for source in recipe.sources if order.quality not in getattr(source, "keep", ())
    ]:
        yield (
            f"keepers.quality: sources {', '.join(lacking)} bring no column {order.quality!r}; name it in their "
            "`keep`, or choose another column"
        )
