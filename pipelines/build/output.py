"""Build a corpus in an output folder.

Everything is resumable: what a phase finished is found by its markers, and an output folder that
another recipe or other input began is refused with the difference named. A folder with a finished
corpus is answered from its manifest, and the phases are not even imported.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.build.plan import Plan
from pipelines.runners.local import Runner
from pipelines.staging.corpus import read_manifest
from pipelines.staging.store import (
    AGAIN,
    CARD,
    MANIFEST,
    PLAN,
    RECIPE,
    SIGNATURE,
    StagingError,
    Store,
)
from pipelines.staging.tasks import Report
from schemas.failures import FailureError
from schemas.manifest import Manifest
from schemas.recipe import settings_hash, withdrawn_options
from schemas.split import InputFile
from stages.batches import located
from stages.reading.sources import BLOCK_BYTES

_STORE_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?<!http://)(?<!https://)")
# What stores raise on an output without a bucket, or one that we may not use, and what S3's client
# raises where it has no credentials or is given what is no bucket.
_NOT_OURS = (PermissionError, FileNotFoundError)
_NOT_USABLE = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "ParamValidationError",
}
_CUT = "splits of the input, as an earlier version may cut it"
# By what they hold, these are told from files of the same names that web apps and tools have.
_WRITTEN_BY_RUNS = {MANIFEST: b"glotmill-manifest/", PLAN: b'"weights"'}


@dataclass(frozen=True)
class BuildOptions:
    """How a corpus is built; none of it changes a byte of the corpus."""

    block_bytes: int = BLOCK_BYTES  # of text that a worker holds at a time
    restart: bool = False  # discard what the output folder holds
    keep_staging: bool = False  # leave the files of the phases there when all is done


def build(
    plan: Plan,
    output: str,
    runner: Runner,
    report: Report,
    options: BuildOptions = BuildOptions(),
) -> Manifest:
    """Run all phases that are not finished yet and return the manifest, which is written last."""
    store = Store(output)
    with contextlib.ExitStack() as locked:
        with first_contact(output):
            _refuse_foreign(store)
            locked.enter_context(store.locked())
            if options.restart:
                _clear(store, plan)
            _agree(store, plan)
        if not store.exists(MANIFEST):
            from pipelines.build.run import run_phases
            from pipelines.phases.run_context import Run

            run_phases(Run(store, plan.recipe, runner, report), plan, options.block_bytes)
        if not options.keep_staging:
            # on this machine without the lock, which is held; an object store is asked at once for all
            names = store.names("staging") - {"lock"}
            for path in sorted(f"staging/{n}" for n in names) if store.local else ["staging"]:
                store.remove(path)
    return read_manifest(store)


@contextlib.contextmanager
def first_contact(output: str) -> Iterator[None]:
    """Raise StagingError where the block fails because a store cannot be what --output says:
    another run of the same command would fail as well."""
    try:
        yield
    except FailureError as error:
        why = error.__cause__
        if isinstance(why, _NOT_OURS) or type(why).__name__ in _NOT_USABLE:
            words = str(error).removesuffix(f"; {AGAIN}")
            raise StagingError(f"--output {output} cannot be used: {words}") from error
        raise


def _refuse_foreign(store: Store) -> None:
    """Refuse an output folder that holds what no run of ours wrote, before anything is written
    there."""
    if store.local and store.fs.isfile(store.root):
        raise StagingError(f"--output must be a folder, {store.url} is a file")
    place = Path(store.root)
    for above in (place, *place.parents) if store.local else ():
        if above.is_symlink() and not above.exists():
            raise StagingError(f"--output must be a folder, {above} is a link to nothing")
        if above.exists():
            if not above.is_dir():
                raise StagingError(f"--output must be a folder, {above} is a file")
            break
    begun = [name for name in _WRITTEN_BY_RUNS if store.exists(name)]
    for name in begun:
        if _WRITTEN_BY_RUNS[name] not in store.read(name):
            raise StagingError(
                f"{store.url} holds a {name} that no run wrote; choose an empty or new --output"
            )
    if not begun:
        foreign = sorted(store.names("") - {"staging"}) or sorted(
            store.names("staging") - {"lock", "lease.json", "partial"}
        )
        if foreign:
            raise StagingError(
                f"{store.url} holds other files ({', '.join(foreign[:3])}); choose an empty or new --output"
            )


def _agree(store: Store, plan: Plan) -> None:
    """Begin an output folder, or refuse to go on with one that something else began."""
    facts = {
        "recipe": settings_hash(plan.recipe_text),
        "input": _input_state(plan),
        "limit": plan.limit,
        "evaluation_sets": _evaluation_state(plan),
        "packages": plan.packages,
        "models": {model.name: model.sha256 or model.version for model in plan.models},
        "indexes": {index.path: index.sha256 for index in plan.indexes},
    }
    withdrawn = _withdrawn_state(plan)
    weights = {split.id: split.size_bytes for split in plan.splits}
    begun = facts | {"weights": weights}
    if store.exists(MANIFEST):
        manifest = read_manifest(store)
        finished_by = store.read(RECIPE).decode() if store.exists(RECIPE) else ""
        known = {
            "recipe": settings_hash(finished_by),
            "packages": manifest.packages,
            "models": manifest.models,
        }
        known["indexes"] = manifest.indexes
        begun_splits = {split.id for split in manifest.splits}
        if _sets_read(manifest) != _sets_found(plan):
            known["evaluation_sets"] = "changed"
        before = {"registers": manifest.registers, "options": withdrawn_options(finished_by)}
    elif store.exists(PLAN):
        begun_with = store.read_json(PLAN)
        known = {name: value for name, value in begun_with.items() if name in facts}
        before = begun_with.get("withdrawn")
        begun_splits = set(begun_with["weights"])
    else:
        store.write_json(PLAN, begun | {"withdrawn": withdrawn})
        return
    changed = [
        _difference(name, value, facts[name])
        for name, value in sorted(known.items())
        if facts[name] != value
    ]
    if not changed and begun_splits not in (set(), set(weights)):
        changed = [_CUT if "input" in known else f"input, or {_CUT}"]  # a manifest has no times
    if changed:
        raise StagingError(
            f"{store.url} was begun with other {' and '.join(changed)}: choose another --output, or discard what is "
            "there with --restart"
        )
    if before != withdrawn:
        if not store.exists(PLAN):
            store.write_json(PLAN, begun | {"withdrawn": before})
        for name in PUBLISHED_AGAIN:  # the manifest first: without it, nothing is finished
            store.remove(name)
        store.write_json(PLAN, begun | {"withdrawn": withdrawn})


def _withdrawn_state(plan: Plan) -> dict[str, object]:
    """Say what is to be withdrawn: a change of it makes no more than publishing again."""
    registers = {found.file: found.sha256 for found in plan.registers}
    return {"registers": registers, "options": withdrawn_options(plan.recipe_text)}


def _difference(name: str, before: object, now: object) -> str:
    """Name a fact of a run that changed, and of many facts of one kind the first three."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return name
    differing = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    more = f" and {len(differing) - 3:,} more" if len(differing) > 3 else ""
    return f"{name} ({', '.join(differing[:3])}{more})"


def _input_state(plan: Plan) -> dict[str, str]:
    """Fingerprint every input file by its path in the recipe, size and version."""
    return _fingerprints((split.source, file) for split in plan.splits for file in split.files)


def _evaluation_state(plan: Plan) -> dict[str, str]:
    """Fingerprint the evaluation sets: the commit on the Hub, and every file."""
    revisions = {
        found.source.name: found.revision for found in plan.evaluation_sets if found.revision
    }
    return revisions | _fingerprints(
        (found.source.name, f.file) for found in plan.evaluation_sets for f in found.files
    )


def _sets_found(plan: Plan) -> set[tuple[str, str | None, frozenset[str]]]:
    return {
        (f.source.name, f.revision, frozenset(x.file.path for x in f.files))
        for f in plan.evaluation_sets
    }


def _sets_read(manifest: Manifest) -> set[tuple[str, str | None, frozenset[str]]]:
    return {(read.name, read.revision, frozenset(read.files)) for read in manifest.evaluation_sets}


def _fingerprints(files: Iterable[tuple[str, InputFile]]) -> dict[str, str]:
    return {
        f"{owner} {file.path}": f"{file.file_bytes} bytes, {file.version}" for owner, file in files
    }


# What depends on withdrawals, and is made again where these change.
PUBLISHED_AGAIN = (
    MANIFEST,
    SIGNATURE,
    "README.md",
    "bitext",
    CARD,
    "charts",
    "croissant.json",
    "data",
    "decontamination",
    "document_pairs",
    "index",
    "ledger",
    "pairs",
    "rejects",
    "report.html",
    "responses",
    "samples",
    "statistics.json",
    "synthetic",
    *(
        f"staging/{name}"
        for name in (
            "bundles-published",
            "decontaminate-findings",
            "mine-addresses",
            "mine-matched",
            "publish-index",
            "publish-index-replaced",
            "publish-ledger",
            "mine-matched",
            "publish-made",
            "publish-mined",
            "publish-pairs",
            "publish-shards",
            "publish-synthetic",
            "publish-synthetic-responses",
            "sampling-weights",
            "synthesize-checked",
            "withdraw-copies",
            "withdraw-ids.npy",
            "withdraw-index",
            "withdraw-named",
            "withdraw-removed",
            "withdraw-robots.parquet",
        )
    ),
)
# What a run writes, and what is written next to it of a finished corpus: judgements and statements.
OUR_FILES = (
    *dict.fromkeys(path.split("/")[0] for path in PUBLISHED_AGAIN if path[:8] != "staging/"),
    RECIPE,
    "card.toml",
    "proof",
)


def _addresses(plan: Plan) -> set[str]:
    """List what a run reads: its files, its registers, and whatever its recipe names by a path."""
    files = {file.location for file in plan.files if file.location}
    registers = {located(register.file, plan.base) for register in plan.registers}
    return files | registers | set(_paths(plan.recipe.model_dump(mode="json")))


def _paths(value: object) -> Iterator[str]:
    """Yield the texts in a recipe that is at home which are absolute paths or URLs of a store."""
    if isinstance(value, str):
        if value.startswith("/") or _STORE_URL.match(value):
            yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _paths(inner)


def _all_below(store: Store, names: Iterable[str]) -> Iterator[Path]:
    """Yield what has these names in a local store, and all that lies below; links are not
    followed."""
    for name in names if store.local else ():
        path = Path(store.full(name))
        yield path
        yield from () if path.is_symlink() else path.rglob("*")


def _clear(store: Store, plan: Plan) -> None:
    """Remove what a run writes, and nothing else; the staging lock stays held. Refuses to remove
    what is to be read."""
    for address in sorted(_addresses(plan)):
        if (inside := store.path_of(address)) and inside.split("/")[0] in {*OUR_FILES, "staging"}:
            raise StagingError(
                f"{store.url} holds {inside}, which the recipe reads: nothing removed; choose another --output"
            )
    staged = sorted(store.names("staging") - {"lock", "plan.json"})
    ours = [*OUR_FILES, *(f"staging/{name}" for name in staged), PLAN]
    links = [path for path in _all_below(store, (*ours, "staging")) if path.is_symlink()]
    if links:
        raise StagingError(
            f"{links[0]} is a symbolic link, and what it leads to may be wanted: nothing removed; remove "
            "the link by hand, or choose another --output"
        )
    # whoever stops us half way finds a run that no recipe began
    store.write_json(PLAN, {"recipe": "", "weights": {}})
    for name in ours:
        store.remove(name)
