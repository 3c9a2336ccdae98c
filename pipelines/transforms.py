"""The stages as Beam transforms, for a pipeline of your own: blocks of documents in, blocks of
documents out.

    import apache_beam as beam
    from pipelines.transforms import Ingest, Stage

    with beam.Pipeline() as pipeline:
        blocks = pipeline | beam.Create([record_batch])
        done = blocks | Ingest("corpus.toml")
        done.kept | beam.Map(lambda block: print(block.num_rows))
        done.rejected | beam.Map(lambda block: print(block["reason"]))
        long = done.kept | Stage("filter_length", min_code_points=200)

Blocks are `pyarrow.RecordBatch`es with the columns `id` and `text` and whatever else DOCUMENT
names; columns that it names and a block lacks are null, all others travel on. Rows in = rows kept +
rows rejected: a row that makes a stage raise is rejected, too, with the fate `failed`.

Every stage counts in Beam's metrics, under its name: `documents`, those `dropped` and `failed`, and
its CPU `milliseconds`. All documents together are counted under `glotmill`, as `documents` and as
`kept`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
from pydantic import TypeAdapter

from pipelines.catalogue.binding import bind_ingest
from pipelines.catalogue.stage_checks import model_versions
from pipelines.catalogue.stages import INGEST_STAGES, IngestStage, Recipe, at_home
from pipelines.phases.ingest import close_block, open_block, require_text
from pipelines.runners.beam_tasks import count_in, timed
from schemas.columns import SchemaError, require_columns
from schemas.document import DOCUMENT
from schemas.ledger import LEDGER
from schemas.recipe import RecipeError, parse_recipe
from stages.batches import BoundStage, StageConfig, run_stages

REJECTED = "rejected"


class Decided(NamedTuple):
    """What became of blocks: two PCollections of RecordBatches.

    Rejected rows have their own columns as they were before the stage that rejected them, then
    those of REJECTION (stage, reason, value, threshold, detail) and `fate`, which is `dropped` or
    `failed`.
    """

    kept: Any
    rejected: Any


class Stage(beam.PTransform):
    """Run one stage of the ingest phase, named and with options as in a recipe, over blocks of
    documents.

    Raises `pydantic.ValidationError` for a stage or an option that there is not. Models are loaded
    once in a worker.
    """

    def __init__(self, stage: str, **options: Any) -> None:
        super().__init__()
        config: StageConfig = TypeAdapter(IngestStage).validate_python({"stage": stage, **options})
        self.stage, self.config = stage, config

    def default_label(self) -> str:
        return f"Stage({self.stage})"

    def expand(self, blocks: Any) -> Decided:
        return _decided(blocks, _BindStage(self.stage, self.config))


class Ingest(beam.PTransform):
    """Run all `[[ingest]]` stages of a recipe over blocks of documents, in the order in which
    `glotmill run` does.

    `recipe` is a recipe's path. Its sources are not read: the blocks are the input. Raises
    RecipeError, as `glotmill plan` does, for a recipe or a model that is not as it should be.
    """

    def __init__(self, recipe: str | Path) -> None:
        super().__init__()
        path = Path(recipe)
        base = str(path.resolve().parent)
        self.recipe = at_home(
            parse_recipe(path.read_text(encoding="utf-8"), Recipe, str(path)), base
        )
        _, problems = model_versions(self.recipe, base)
        if problems:
            raise RecipeError(str(path), problems)

    def expand(self, blocks: Any) -> Decided:
        return _decided(blocks, _BindRecipe(self.recipe))


@dataclass(frozen=True)
class _BindStage:
    stage: str
    config: StageConfig

    def __call__(self) -> Sequence[BoundStage]:
        return [BoundStage(self.stage, INGEST_STAGES[self.stage].bind(self.config))]


@dataclass(frozen=True)
class _BindRecipe:
    recipe: Recipe

    def __call__(self) -> Sequence[BoundStage]:
        return bind_ingest(self.recipe)


def _decided(blocks: Any, bind: Callable[[], Sequence[BoundStage]]) -> Decided:
    outputs = blocks | beam.ParDo(_RunStages(bind)).with_outputs(REJECTED, main="kept")
    return Decided(outputs["kept"], outputs[REJECTED])


class _RunStages(beam.DoFn):
    """Run a chain of stages over a block; empty blocks are not passed on."""

    def __init__(self, bind: Callable[[], Sequence[BoundStage]]) -> None:
        self.bind = bind
        self.stages: Sequence[BoundStage] = ()

    def setup(self) -> None:
        stages = [timed(stage) for stage in self.bind()]
        from_bytes = bool(stages) and stages[0].name == "extract_text"
        self.stages = stages if from_bytes else [BoundStage("require_text", require_text), *stages]

    def process(self, block: pa.RecordBatch) -> Iterator[Any]:
        outcome = run_stages(open_block(_as_documents(block)), self.stages)
        count_in("glotmill", "documents", block.num_rows)
        count_in("glotmill", "kept", outcome.kept.num_rows)
        if outcome.kept.num_rows:
            yield close_block(outcome.kept)
        for fate, batches in (("dropped", outcome.rejected), ("failed", outcome.failed)):
            for batch in batches:
                field = LEDGER.field("fate")
                fates = pa.repeat(pa.scalar(fate, field.type), batch.num_rows)
                count_in(batch["stage"][0].as_py(), fate, batch.num_rows)
                yield beam.pvalue.TaggedOutput(
                    REJECTED, close_block(batch).append_column(field, fates)
                )


def _as_documents(block: pa.RecordBatch) -> pa.RecordBatch:
    """Cast columns of documents to their types. Raises SchemaError for one that cannot be, or
    without id and text."""
    for position, name in enumerate(block.schema.names):
        if name in DOCUMENT.names:
            field = DOCUMENT.field(name)
            try:
                block = block.set_column(position, field, block[name].cast(field.type))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise SchemaError(
                    f"column {name!r} of a document must be {field.type}: {error}"
                ) from None
    require_columns(block, DOCUMENT, ("id", "text"))
    return block
