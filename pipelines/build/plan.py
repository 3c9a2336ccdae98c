"""Plan a corpus: check a recipe, list its splits, and name the packages and models that decide its
bytes."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import platform
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pipelines.catalogue.stage_checks import model_versions, stage_problems
from pipelines.catalogue.stages import Recipe, against_of, at_home
from pipelines.staging.store import Store
from pipelines.staging.tasks import Task
from schemas.card.versions import IndexVersion, ModelVersion
from schemas.recipe import (
    RecipeError,
    at_line,
    at_source,
    by_line,
    parse_recipe,
    sound_sources,
    with_line,
)
from schemas.source import Source
from schemas.split import InputFile, InputSplit
from schemas.withdrawal import NamedRegister, read_register
from stages.batches import located
from stages.decontamination.evaluation_files import FoundSet, find_evaluation_sets
from stages.reading.sources import (
    Listing,
    kept_column_problems,
    plan_sources,
    source_problems,
    trial_splits,
)

# What decides the bytes of a corpus, after recipe and input; a change of one is refused on resume.
# These are what the stages import, which a test holds, without CARRIERS.
PACKAGES = (
    "glotmill", "apache-beam", "commonlid", "datasketch", "fasttext-community", "fastwarc", "fonttools", "ftfy",
    "gflanguages", "idna", "isal", "iso639-lang", "numpy", "phonenumbers", "polars", "py3langid", "pyarrow", "pycld2",
    "python-stdnum", "rensa", "resiliparse", "scipy", "turbohtml", "zstandard",
)  # fmt: skip


# fetch bytes or check options, alter no text
CARRIERS = (
    "fsspec",
    "httpx2",
    "huggingface-hub",
    "pydantic",
    "pyyaml",
)


ENGINES = (
    "ctranslate2", "datatrove", "jinja2", "jsonschema", "lang2vec", "myanmartools", "nlpo3", "onnxruntime", "openai",
    "opencc", "pyewts", "pyicu", "rjieba", "sentencepiece", "tokenizers", "trafilatura", "uroman", "xllamacpp",
)  # of extras, or asked for by few recipes: named where installed  # fmt: skip


class Plan(BaseModel):
    """What a run would do: pure facts of recipe, input and installed packages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe_text: str
    base: str  # folder that relative paths of the recipe start from
    splits: tuple[InputSplit, ...]
    limit: int | None = None  # records of each source that a trial run reads
    packages: dict[str, str]
    models: tuple[ModelVersion, ...]
    evaluation_sets: tuple[FoundSet, ...]
    indexes: tuple[IndexVersion, ...] = ()
    registers: tuple[NamedRegister, ...] = ()

    @property
    def recipe(self) -> Recipe:
        return at_home(parse_recipe(self.recipe_text, Recipe), self.base)

    @property
    def files(self) -> list[InputFile]:
        """List every file that the run reads, once."""
        read = [file for split in self.splits for file in split.files]
        read += [file.file for found in self.evaluation_sets for file in found.files]
        return list(dict.fromkeys(read))

    def ingest_tasks(self) -> list[Task]:
        return [
            Task(name=s.id, weight_bytes=s.size_bytes, payload=s.model_dump()) for s in self.splits
        ]


def output_of(name: str, output: str = "", limit: int | None = None) -> str:
    """Return where the corpus of a name is written: `output`, by default `out/` and the name.

    A trial run goes by default into a folder of its own.
    """
    return output or f"out/{name}" + ("" if limit is None else "-trial")


def make_plan(
    recipe_path: Path, output: str = "", limit: int | None = None, *, allow_code: bool = False
) -> Plan:
    """Check a recipe and list its splits; raises RecipeError with every problem found, before
    anything runs.

    What lies in the output folder is no input, whatever the recipe's paths match. With a `limit`,
    only the first so many records of each source are read.
    """
    try:
        text = recipe_path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError(
            str(recipe_path), ["no such file; `glotmill recipe new` writes one to start from"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(str(recipe_path), [f"cannot be read: {error}"]) from None
    base = str(recipe_path.resolve().parent)
    try:
        recipe = parse_recipe(text, Recipe, str(recipe_path))
    except RecipeError as error:
        problems = [
            *error.problems,
            *_source_problems(text, sound_sources(text), Listing(base, output)),
        ]
        raise RecipeError(str(recipe_path), by_line(problems)) from None
    listing = Listing(base, output_of(recipe.corpus.name, output, limit))
    problems = _source_problems(text, dict(enumerate(recipe.sources)), listing)
    if not problems:
        problems = [
            at_line(text, "sources", place, "keep") + problem
            for place, problem in kept_column_problems(recipe.sources, listing)
        ]
    sets: list[FoundSet] = []
    if recipe.decontaminate:
        sets, wrong = find_evaluation_sets(recipe.decontaminate, base)
        problems += [f"decontaminate: {problem}" for problem in wrong]
    problems += stage_problems(recipe)
    indexes: tuple[IndexVersion, ...] = ()
    if recipe.publish.index or any(against_of(stage) for stage in recipe.dedup):
        from pipelines.phases.deduplication.index_reading import plan_indexes
        from pipelines.phases.deduplication.index_writing import index_problems

        index_faults, indexes = plan_indexes(recipe, base, text)
        problems += [*index_problems(recipe, text), *index_faults]
    registers, wrong_registers = read_registers(recipe, base)
    problems += wrong_registers
    found_models, wrong_models = model_versions(recipe, base, allow_code=allow_code)
    problems += wrong_models
    if problems:
        raise RecipeError(
            str(recipe_path), by_line(with_line(text, problem) for problem in problems)
        )
    splits: list[InputSplit] = []
    planned = plan_sources(recipe.sources, listing, recipe.engine.split_bytes)
    for source, own in zip(recipe.sources, planned, strict=True):
        splits += own if limit is None else trial_splits(own, source, limit, _counted_apart)
    return Plan(
        recipe_text=text,
        base=base,
        splits=tuple(splits),
        limit=limit,
        packages=_packages(),
        models=found_models,
        evaluation_sets=tuple(sets),
        indexes=indexes,
        registers=registers,
    )


def read_registers(recipe: Recipe, base: str) -> tuple[tuple[NamedRegister, ...], list[str]]:
    """Read the registers of withdrawals that a recipe names; returns them, and what is wrong with
    any."""
    registers, problems = [], []
    for place, name in enumerate(recipe.withdrawn.files if recipe.withdrawn else ()):
        where = f"withdrawn.files[{place}]: "
        try:
            found = read_register(Store(located(name, base)).read(""), name)
        except RecipeError as error:
            problems += [f"{where}{name}: {problem}" for problem in error.problems]
        except OSError as error:
            reason = getattr(error, "strerror", None) or "no such file"
            problems.append(f"{where}{name!r} cannot be read: {reason}")
        else:
            registers.append(found)
    return tuple(registers), problems


def _counted_apart(split: InputSplit, source: Source) -> int | None:
    """Count the records of a split in a process of its own, which a hostile file may end; None if
    it does."""
    from pipelines.runners.local import KilledError, run_function

    try:
        return int(run_function("stages.reading.sources:count_records", (split, source)))
    except KilledError:
        return None


def _source_problems(text: str, sources: Mapping[int, Source], listing: Listing) -> list[str]:
    """List what is wrong with sources, each with its line; they are given by their places in the
    recipe."""
    return [
        at_source(text, place, source, problem)
        for place, source in sources.items()
        for problem in source_problems(source, listing)
    ]


def _packages() -> dict[str, str]:
    packages = {name: _version(name) for name in PACKAGES}
    packages |= {"python": platform.python_version(), "unicode": unicodedata.unidata_version}
    # ICU has the dictionaries that words are cut by, and PyICU is built against any version of it.
    with contextlib.suppress(ImportError):
        packages["icu"] = importlib.import_module("icu").ICU_VERSION
    for name in ENGINES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            packages[name] = _version(name)
    return packages


def _version(package: str) -> str:
    """Return a package's version from the first lines of its metadata: to parse all its description
    takes ten times."""
    metadata = importlib.metadata.distribution(package).read_text("METADATA") or ""
    found = re.search(r"^Version: *(\S+)", metadata.partition("\n\n")[0], re.MULTILINE)
    return found[1] if found else importlib.metadata.version(package)
