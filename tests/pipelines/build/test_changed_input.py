"""What was planned is what is read: an input that changes in between ends the run; a moved folder
does not."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import zstandard

from pipelines.build.output import OUR_FILES, BuildOptions, build
from pipelines.build.plan import Plan, make_plan
from pipelines.runners.local import Runner
from pipelines.staging.store import StagingError
from schemas.failures import FailureError
from schemas.recipe import RecipeError
from stages.reading.files import check_unchanged
from stages.reading.sources import read_split
from tests.recipes import one_source
from tests.running import digests

TEXT = "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela."
RECIPE = one_source("changing", "input", kind="{format}", paths="{path}", split_bytes=2000)
CONFIG = Runner(workers=1)


def lines(count: int) -> bytes:
    return b"".join(
        json.dumps({"text": f"{TEXT} {number}"}).encode() + b"\n" for number in range(count)
    )


def write_recipe(folder: Path, path: str = "in/*.jsonl", kind: str = "jsonl") -> Path:
    recipe = folder / "changing.toml"
    recipe.write_text(RECIPE.format(format=kind, path=path))
    return recipe


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Two files of 50 lines, and a recipe that reads them."""
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"in/{name}.jsonl").write_bytes(lines(50))
    return write_recipe(tmp_path)


def run(recipe: Path, output: str = "out", restart: bool = False) -> None:
    folder = str(recipe.parent / output)
    build(make_plan(recipe, folder), folder, CONFIG, lambda *_: None, BuildOptions(restart=restart))


def read_all(plan: Plan) -> int:
    """Read every split as a worker does; return the number of records."""
    (source,) = plan.recipe.sources
    return sum(block.num_rows for split in plan.splits for block in read_split(split, source))


def same_size_later(file: Path) -> None:
    content, before = file.read_bytes(), file.stat()
    file.write_bytes(content.replace(b"aske", b"azke"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def become_a_pipe(file: Path) -> None:
    """A pipe that nobody writes to is waited for by whoever opens it."""
    file.unlink()
    os.mkfifo(file)


def become_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (
        lambda f: f.write_bytes(f.read_bytes()[:3000]),
        r"in/b\.jsonl changed .*planned, 3,000 now",
    ),
    "emptied": (lambda f: f.write_bytes(b""), r"in/b\.jsonl changed .*planned, 0 now"),
    "grown": (lambda f: f.write_bytes(lines(60)), r"in/b\.jsonl changed"),
    "text put in front": (
        lambda f: f.write_bytes(b'{"text": "lehena"}\n' + f.read_bytes()),
        r"in/b\.jsonl changed",
    ),
    "replaced by as many bytes": (same_size_later, r"in/b\.jsonl changed .*written again"),
    "removed": (lambda f: f.unlink(), r"in/b\.jsonl was removed"),
    "replaced by a pipe": (become_a_pipe, r"in/b\.jsonl changed .*planned, 0 now"),
    "replaced by a folder": (become_a_folder, r"in/b\.jsonl changed"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES.keys())
def test_a_split_of_a_file_that_changed_after_the_plan_is_not_read(
    change: Callable[[Path], object], message: str, recipe: Path, tmp_path: Path
) -> None:
    plan = make_plan(recipe)
    assert read_all(plan) == 100
    change(tmp_path / "in/b.jsonl")
    with pytest.raises(FailureError, match=message):
        read_all(plan)


def test_the_run_says_so(recipe: Path, tmp_path: Path) -> None:
    plan, output = make_plan(recipe), tmp_path / "out"
    (tmp_path / "in/b.jsonl").write_bytes(lines(49))
    with pytest.raises(
        FailureError, match=r"^in/b\.jsonl changed while this run went on .*--restart$"
    ):
        build(plan, str(output), CONFIG, lambda *_: None)
    assert not (output / "manifest.json").exists()


def parquet(path: Path, rows: int) -> None:
    pq.write_table(
        pa.table({"text": [f"{TEXT} {n}" for n in range(rows)]}), path, row_group_size=20
    )


WRITERS: dict[str, tuple[str, Callable[[Path, int], object]]] = {
    "x.jsonl.gz": ("jsonl", lambda path, rows: path.write_bytes(gzip.compress(lines(rows)))),
    "x.jsonl.zst": ("jsonl", lambda path, rows: path.write_bytes(zstandard.compress(lines(rows)))),
    "x.parquet": ("parquet", parquet),
}


@pytest.mark.parametrize(("name", "kind_and_writer"), WRITERS.items(), ids=WRITERS.keys())
def test_packed_and_columnar_files_too(
    name: str, kind_and_writer: tuple[str, Callable[[Path, int], object]], tmp_path: Path
) -> None:
    kind, write = kind_and_writer
    write(tmp_path / name, 100)
    plan = make_plan(write_recipe(tmp_path, name, kind))
    write(tmp_path / name, 40)
    with pytest.raises(FailureError, match=rf"{name} changed while this run went on"):
        read_all(plan)


def test_a_file_that_changes_after_it_was_read_is_found_before_the_manifest(
    recipe: Path, tmp_path: Path
) -> None:
    def change(*_: object) -> None:
        same_size_later(tmp_path / "in/a.jsonl")

    with pytest.raises(
        FailureError, match=r"in/a\.jsonl changed while this run went on .*--restart"
    ):
        build(make_plan(recipe), str(tmp_path / "out"), CONFIG, change)
    assert not (tmp_path / "out/manifest.json").exists()
    with pytest.raises(
        StagingError, match=r"begun with other input \(input in/a\.jsonl\): choose another"
    ):
        run(recipe)
    run(recipe, restart=True)


def test_an_object_that_is_replaced_in_a_store(bucket: str, tmp_path: Path) -> None:
    store = fsspec.filesystem("s3")
    for name in ("a", "b"):
        store.pipe_file(f"{bucket}/in/{name}.jsonl", lines(50))
    recipe = write_recipe(tmp_path, f"{bucket}/in/*.jsonl")
    plan = make_plan(recipe)
    assert read_all(plan) == 100
    check_unchanged(file for split in plan.splits for file in split.files)
    store.pipe_file(f"{bucket}/in/b.jsonl", lines(50).replace(b"aske", b"azke"))
    with pytest.raises(
        FailureError, match=r"in/b\.jsonl changed while this run went on .*written again"
    ):
        read_all(plan)
    with pytest.raises(FailureError, match=r"in/b\.jsonl changed"):
        check_unchanged(file for split in plan.splits for file in split.files)


def stopped(recipe: Path) -> None:
    """Leave a run that ended after its first split."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(make_plan(recipe), str(recipe.parent / "out"), CONFIG, stop)


def moved(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def linked_copy(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("elsewhere"), copy_function=os.link)


def other_mode(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("elsewhere"))  # keeps the times
    for file in folder.with_name("elsewhere").glob("in/*"):
        file.chmod(0o600)


@pytest.mark.parametrize("move", [moved, linked_copy, other_mode])
def test_a_run_goes_on_in_a_folder_that_was_moved_or_copied(
    move: Callable[[Path], None],
    recipe: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("home") / "first"
    shutil.copytree(tmp_path, home)
    stopped(home / recipe.name)
    move(home)
    run(home.with_name("elsewhere") / recipe.name)
    run(recipe)
    assert digests(home.with_name("elsewhere") / "out") == digests(tmp_path / "out")


def test_a_run_does_not_go_on_after_a_file_was_written_again(recipe: Path, tmp_path: Path) -> None:
    stopped(recipe)
    (tmp_path / "in/b.jsonl").touch()
    with pytest.raises(StagingError, match=r"begun with other input \(input in/b\.jsonl\)"):
        run(recipe)


def test_a_run_does_not_go_on_with_splits_of_another_size(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade that cuts input otherwise: numbers of documents follow from splits, so
    that what later phases have done would be taken for what it is not."""
    recipe.write_text(recipe.read_text().replace("split_bytes = 2000\n", ""))
    stopped(recipe)
    before = digests(tmp_path / "out")
    with monkeypatch.context() as upgraded:
        upgraded.setattr("stages.reading.sources.split_bytes_for", lambda _: 3000)
        words = r"begun with other splits of the input, as an earlier version may cut it: choose"
        with pytest.raises(StagingError, match=words):
            run(recipe)
        assert digests(tmp_path / "out") == before
    run(recipe)
    with monkeypatch.context() as upgraded:
        upgraded.setattr("stages.reading.sources.split_bytes_for", lambda _: 3000)
        with pytest.raises(StagingError, match=r"begun with other input, or splits of the input"):
            run(recipe)
        run(recipe, restart=True)
        run(recipe)


def test_what_a_run_writes_is_not_its_input(tmp_path: Path) -> None:
    parquet(tmp_path / "x.parquet", 10)
    recipe = write_recipe(tmp_path, "**/*.parquet", "parquet")
    run(recipe)
    before = digests(tmp_path / "out")
    run(recipe)
    (tmp_path / "link").symlink_to(tmp_path / "out")
    run(recipe, "link")
    run(recipe, restart=True)
    assert digests(tmp_path / "out") == before
    assert ds.dataset(tmp_path / "out/data").count_rows() == 10
    recipe.write_text(recipe.read_text().replace("**/*.parquet", "out/data/*/*.parquet"))
    with pytest.raises(RecipeError, match="its paths match only files of the output"):
        run(recipe)
    run(recipe, "next")
    assert ds.dataset(tmp_path / "next/data").count_rows() == 10


def test_files_behind_symbolic_links_are_read(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/a.jsonl").write_bytes(lines(10))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/b.jsonl").write_bytes(lines(20))
    (tmp_path / "in/a.jsonl").symlink_to(tmp_path / "disk/a.jsonl")
    recipe = write_recipe(tmp_path)
    run(recipe)
    assert ds.dataset(tmp_path / "out/data").count_rows() == 30
    plan = make_plan(recipe)
    same_size_later(tmp_path / "disk/a.jsonl")
    with pytest.raises(FailureError, match=r"in/a\.jsonl changed"):
        build(plan, str(tmp_path / "again"), CONFIG, lambda *_: None)
    (tmp_path / "disk/a.jsonl").unlink()
    with pytest.raises(RecipeError, match=r"a\.jsonl' is a link to nothing"):
        make_plan(recipe)


@pytest.mark.parametrize("pattern", ["out/data", "out/data/*"])
def test_a_restart_leaves_a_symbolic_link_and_what_is_behind_it(
    pattern: str, recipe: Path, tmp_path: Path
) -> None:
    run(recipe)
    name = str(next(tmp_path.glob(pattern)).relative_to(tmp_path))
    (tmp_path / name).rename(tmp_path / "disk")
    (tmp_path / name).symlink_to(tmp_path / "disk")
    before = digests(tmp_path / "disk")
    with pytest.raises(StagingError, match=f"{name} is a symbolic link.*nothing removed"):
        run(recipe, restart=True)
    assert (tmp_path / name).is_symlink()
    assert (tmp_path / "out/manifest.json").exists()
    assert digests(tmp_path / "disk") == before


def test_a_restart_removes_all_that_a_run_writes_and_nothing_else(
    recipe: Path, tmp_path: Path
) -> None:
    """What an earlier recipe published and this one does not would be taken for a part of the
    corpus."""
    run(recipe)
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written <= {*OUR_FILES, "staging"}
    earlier = ["synthetic/qa/a.parquet", "responses/a.parquet", "bitext/a.tmx", "samples/a.parquet"]
    for name in [*earlier, "document_pairs/a.parquet", "notes/a.txt"]:
        (tmp_path / "out" / name).parent.mkdir(parents=True)
        (tmp_path / "out" / name).write_bytes(b"")
    run(recipe, restart=True)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*written, "notes"}
    (tmp_path / "disk").mkdir()
    (tmp_path / "out/responses").symlink_to(tmp_path / "disk")
    with pytest.raises(StagingError, match=r"out/responses is a symbolic link.*nothing removed"):
        run(recipe, restart=True)


def test_a_restart_leaves_the_responses_that_the_recipe_reuses(
    recipe: Path, tmp_path: Path
) -> None:
    run(recipe)
    (tmp_path / "out/responses").mkdir()
    (tmp_path / "out/responses/a.parquet").write_bytes(b"")
    plan = make_plan(recipe, str(tmp_path / "out"))
    stage = '[[augment]]\nstage = "translate"\nreuse = ["out/responses"]\n'
    stage += 'directions = ["eus_Latn -> spa_Latn"]\n'
    reusing = plan.model_copy(update={"recipe_text": plan.recipe_text + stage})
    with pytest.raises(StagingError, match=r"holds responses, which the recipe reads: nothing"):
        build(reusing, str(tmp_path / "out"), CONFIG, lambda *_: None, BuildOptions(restart=True))
    assert (tmp_path / "out/manifest.json").exists()


@pytest.mark.parametrize("name", ["manifest.json", "staging/plan.json"])
@pytest.mark.parametrize("restart", [False, True])
def test_files_of_our_names_that_no_run_wrote_are_left(
    name: str, restart: bool, recipe: Path, tmp_path: Path
) -> None:
    """A web app has a manifest.json too, and a data/ and a README.md next to it."""
    folder = tmp_path / "app"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text('{"name": "app"}')
    (folder / "README.md").write_text("app")
    with pytest.raises(StagingError, match=f"holds a {name} that no run wrote; choose an empty"):
        run(recipe, "app", restart=restart)
    files = sorted(path.name for path in folder.rglob("*") if path.is_file())
    assert files == ["README.md", Path(name).name]


def test_nothing_is_written_into_a_folder_that_is_refused(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("kaixo")
    (tmp_path / "theirs/staging").mkdir(parents=True)
    (tmp_path / "theirs/staging/letter.txt").write_text("kaixo")
    for folder in ("mine", "theirs"):
        with pytest.raises(
            StagingError,
            match=r"holds other files \(letter\.txt\); choose an empty or new --output",
        ):
            run(recipe, folder)
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("letter.txt"))] == [
        "mine/letter.txt",
        "theirs/staging/letter.txt",
    ]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    for folder, words in (
        ("mine/letter.txt", r"mine/letter\.txt is a file"),
        ("mine/letter.txt/out", r"mine/letter\.txt is a file"),
        ("gone/out", "gone is a link to nothing"),
    ):
        with pytest.raises(StagingError, match=f"--output must be a folder, .*{words}$"):
            run(recipe, folder)
    assert not (tmp_path / "nowhere").exists()
    run(recipe)
    other = tmp_path / "other.toml"
    other.write_text(recipe.read_text().replace('"changing"', '"other"'))
    with pytest.raises(StagingError, match="begun with other recipe"):
        run(other)
    assert not (tmp_path / "out/staging").exists()
