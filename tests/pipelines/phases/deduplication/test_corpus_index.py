"""Version 2 of a corpus against the index of version 1: what is new is published, and nothing
else."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from gflanguages import LoadLanguages

from pipelines.build.output import BuildOptions, build
from pipelines.build.plan import make_plan
from pipelines.catalogue.stages import Recipe
from pipelines.phases.deduplication.index_writing import probe
from pipelines.phases.deduplication.kinds import kind_of
from pipelines.runners.local import Runner
from pipelines.staging.store import StagingError
from schemas.failures import MisuseError
from schemas.recipe import RecipeError
from stages.deduplication.options import NearDeduplicationConfig
from tests.laws.mixed_corpus import passages
from tests.phase_runs import LEAST_RECIPE
from tests.running import Program, digests, processes_in, run, start

RECIPE = """
[corpus]
name = "{name}"

[engine]
split_bytes = 20_000

[publish]
index = true

[[sources]]
name = "lines"
format = "jsonl"
paths = {paths}

[sources.columns]
url = "url"

{stages}
"""
STAGES = """
[[dedup]]
stage = "url"
{against}

[[dedup]]
stage = "exact"
{against}

[[dedup]]
stage = "near"
{against}
"""
EXACT = '[[dedup]]\nstage = "exact"\n{against}\n'
CHANCE = random.Random(11)


def edited(text: str, edits: int) -> str:
    """Replace some words by numbers: the more, the less similar."""
    words = text.split(" ")
    for place in CHANCE.sample(range(len(words)), min(edits, len(words))):
        words[place] = str(CHANCE.randrange(10**6))
    return " ".join(words)


def write_lines(file: Path, documents: Sequence[tuple[str, str | None]]) -> None:
    lines = [
        json.dumps({"text": text, "url": url}, ensure_ascii=False) + "\n" for text, url in documents
    ]
    file.write_text("".join(lines))


def write_recipe(
    folder: Path,
    name: str,
    paths: list[str],
    stages: str = STAGES,
    against: str | list[str] | None = None,
) -> Path:
    named = "" if against is None else f"against = {json.dumps(against)}"
    recipe = folder / f"{name}.toml"
    recipe.write_text(
        RECIPE.format(name=name, paths=json.dumps(paths), stages=stages.format(against=named))
    )
    return recipe


def make(recipe: Path, output: str | Path | None = None, workers: int = 1) -> Path:
    """Build a corpus beside its recipe."""
    target = output or recipe.with_suffix("")
    build(make_plan(recipe), str(target), Runner(workers=workers), lambda *_: None)
    return Path(target)


def ledger(corpus: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ds.dataset(corpus / "ledger").to_table().to_pylist()
    return rows


def published(corpus: Path) -> dict[str, str]:
    """The published texts by id."""
    if not (corpus / "data").exists():
        return {}
    return {
        row["id"]: row["text"]
        for row in ds.dataset(corpus / "data").to_table(["id", "text"]).to_pylist()
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1, of texts that partly repeat each other; version 2, of copies, edits, addresses and
    new texts."""
    folder = tmp_path_factory.mktemp("index")
    texts = [text for text in passages() if len(text.split(" ")) > 25][:20]
    first = [
        (f"{edited(text, edits)} {n}", f"https://e.org/{n}-{edits}")
        for n, text in enumerate(texts)
        for edits in (0, 1, 25)
    ]
    write_lines(folder / "first.jsonl", first)
    new = [
        *((text, None) for text, _ in first[:10]),  # copies
        *((f"{text} 7", None) for text, _ in first[10:20]),  # edits
        # addresses
        *((f"{n} unseen {CHANCE.random()}", url) for n, (_, url) in enumerate(first[20:30])),
        *(
            (edited(text, 1000) + " new", f"https://e.org/new-{n}")
            for n, (text, _) in enumerate(first[30:40])
        ),
        *((edited(text, 1000) + " without address", None) for text, _ in first[40:50]),
    ]
    write_lines(folder / "second.jsonl", new)
    make(write_recipe(folder, "v1", ["first.jsonl"]))
    make(write_recipe(folder, "v2", ["*.jsonl"], against="v1/index"))
    return folder


def test_only_what_is_new_is_published(place: Path) -> None:
    fates = Counter((row["path"], row["fate"]) for row in ledger(place / "v2"))
    assert fates["first.jsonl", "published"] == 0, "all of version 1 is known"
    assert fates["second.jsonl", "published"] == 20
    assert {text.rsplit(" ", 1)[-1] for text in published(place / "v2").values()} == {
        "new",
        "address",
    }
    by_stage = Counter(
        row["stage"] for row in ledger(place / "v2") if row["path"] == "second.jsonl"
    )
    assert (by_stage["url"], by_stage["exact"], by_stage["near"]) == (10, 10, 10)


def test_the_ledger_names_documents_of_version_1(place: Path) -> None:
    before, kept = ledger(place / "v1"), set(published(place / "v1"))
    assert 0 < len(kept) < len(before), "version 1 removed some itself, or this says little"
    removed = [row for row in ledger(place / "v2") if row["fate"] == "duplicate"]
    assert {row["duplicate_of"] for row in removed} == kept
    assert {(row["reason"], row["detail"]) for row in removed} == {
        ("already_indexed", "of the index v1/index")
    }
    ids = {
        (row["path"], row["position"]): row["id"] for row in before if row["fate"] == "published"
    }
    for row in removed:
        if (row["path"], row["position"]) in ids:
            assert row["duplicate_of"] == ids[row["path"], row["position"]], "it is what it was"
    assert set(published(place / "v2")).isdisjoint(kept)


def test_what_is_indexed_is_counted_nowhere(place: Path) -> None:
    manifest = json.loads((place / "v2/manifest.json").read_text())
    assert (
        sum(split["documents_in"] for split in manifest["splits"])
        == len(ledger(place / "v2"))
        > 100
    )
    sizes = ds.dataset(place / "v2/data").to_table(["cluster_size"])["cluster_size"].to_pylist()
    assert set(sizes) == {1}
    assert {file["path"]: file["sha256"] for file in manifest["files"]} == {
        path: digest for path, digest in digests(place / "v2").items() if path != "manifest.json"
    }


def test_manifest_and_card_say_against_what(place: Path) -> None:
    manifest = json.loads((place / "v2/manifest.json").read_text())
    assert manifest["indexes"] == {"v1/index": digests(place / "v1")["index/index.json"]}
    assert "v1/index" in (place / "v2/README.md").read_text().split("## How it was made")[0]


def test_the_index_holds_no_text_and_names_what_is_published(place: Path) -> None:
    head = json.loads((place / "v1/index/index.json").read_text())
    kept = set(published(place / "v1"))
    assert [part["stage"] for part in head["stages"]] == ["url", "exact", "near"]
    for part in head["stages"]:
        tables = [pq.read_table(place / "v1/index" / file["path"]) for file in part["files"]]
        entries = pa.concat_tables(tables)
        assert entries.num_rows == part["entries"] == sum(file["rows"] for file in part["files"])
        assert set(entries["id"].to_pylist()) == kept
        named = len(kept) if part["stage"] == "near" else len(ledger(place / "v1"))
        assert part["entries"] == named, (
            "duplicates leave the keys that are theirs alone, and no signatures"
        )
        assert entries.schema.names == (
            ["id", "signature", "script"] if part["stage"] == "near" else ["id", "key"]
        )


def test_version_3_against_two_indexes(place: Path, tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        shutil.copytree(place / name, tmp_path / name)
    for name in ("first.jsonl", "second.jsonl"):
        shutil.copy(place / name, tmp_path)
    write_lines(
        tmp_path / "third.jsonl",
        [("A third thing", None), *((t, None) for t in published(place / "v2").values())],
    )
    corpus = make(write_recipe(tmp_path, "v3", ["*.jsonl"], against=["v1/index", "v2/index"]))
    assert list(published(corpus).values()) == ["A third thing"]
    named = Counter(
        row["detail"] for row in ledger(corpus) if row["path"] == "third.jsonl" and row["detail"]
    )
    assert named == {"of the index v2/index": 20}
    assert len(json.loads((corpus / "manifest.json").read_text())["indexes"]) == 2


def test_exact_against_an_index_is_exact_over_both(tmp_path: Path) -> None:
    """What version 1 and 2 publish is what one run over both publishes."""
    for name in ("a", "b"):
        texts = [f"text {CHANCE.randrange(1000)}  of many" for _ in range(1500)]
        write_lines(tmp_path / f"{name}.jsonl", [(text, None) for text in texts])
    make(write_recipe(tmp_path, "v1", ["a.jsonl"], EXACT))
    make(write_recipe(tmp_path, "v2", ["b.jsonl"], EXACT, "v1/index"))
    make(write_recipe(tmp_path, "both", ["*.jsonl"], EXACT))
    assert published(tmp_path / "v1") | published(tmp_path / "v2") == published(tmp_path / "both")
    assert 100 < len(published(tmp_path / "v2")) < 300, (
        "some are new and some are known, or this says little"
    )


def test_a_document_near_a_removed_one_alone_is_new(tmp_path: Path) -> None:
    """A chain a ~ b ~ c: b went for a, and c, which resembles b and not a, is new; so it is with
    keepers named."""
    words = [f"w{n}" for n in range(200)]
    a = " ".join(words)
    # Jaccard similarity 0.90 with a
    b = a.replace("w50 ", "longer-a ").replace("w90 ", "longer-b ")
    c = b.replace("w130 ", "longer-c ").replace("w170 ", "longer-d ")  # 0.90 with b, 0.81 with a
    stages = '[[dedup]]\nstage = "near"\nthreshold = 0.86\nbands = 50\n{against}\n[keepers]\nby = ["shortest"]\n'
    write_lines(tmp_path / "a.jsonl", [(a, None), (b, None)])
    write_lines(tmp_path / "b.jsonl", [(c, None), (b, None)])
    make(write_recipe(tmp_path, "v1", ["a.jsonl"], stages))
    assert list(published(tmp_path / "v1").values()) == [a]
    make(write_recipe(tmp_path, "v2", ["b.jsonl"], stages, "v1/index"))
    assert list(published(tmp_path / "v2").values()) == [c]
    (gone,) = [row for row in ledger(tmp_path / "v2") if row["fate"] == "duplicate"]
    assert gone["duplicate_of"] in published(tmp_path / "v1"), (
        "the longer one stays, since it is indexed"
    )
    assert 0.86 <= gone["value"] <= 1


def test_a_text_of_which_the_index_has_the_other_script(tmp_path: Path) -> None:
    """Of srp and uzb; rus has no second script, and two pages of one script are left alone."""
    languages = LoadLanguages()
    texts = {
        code: languages[code].sample_text.specimen_48
        for code in ("sr_Latn", "sr_Cyrl", "uz_Latn", "uz_Cyrl", "ru_Cyrl")
    }
    stages = '[[ingest]]\nstage = "identify_language"\n'
    stages += '[[dedup]]\nstage = "across_scripts"\nkeep = ["Cyrl"]\n{against}\n'
    write_lines(tmp_path / "a.jsonl", [(texts["sr_Latn"], None), (texts["uz_Latn"], None)])
    write_lines(tmp_path / "b.jsonl", [(text, None) for text in texts.values()])
    make(write_recipe(tmp_path, "v1", ["a.jsonl"], stages))
    corpus = make(write_recipe(tmp_path, "v2", ["b.jsonl"], stages, "v1/index"))
    ids = {text: number for number, text in published(tmp_path / "v1").items()}
    removed = [row["duplicate_of"] for row in ledger(corpus) if row["fate"] == "duplicate"]
    assert removed == [ids[texts["sr_Latn"]], ids[texts["uz_Latn"]]], (
        "the Latin ones stay, since they are indexed"
    )
    assert set(published(corpus).values()) == {
        texts[code] for code in ("sr_Latn", "uz_Latn", "ru_Cyrl")
    }


def test_the_index_wins_whatever_keepers_say(tmp_path: Path) -> None:
    stages = EXACT + '[keepers]\nby = ["newest"]\n'
    for name, date in (("a", "2020-01-01"), ("b", "2026-01-01")):
        (tmp_path / f"{name}.jsonl").write_text(
            json.dumps({"text": "the same", "date": date, "url": None}) + "\n"
        )
    make(write_recipe(tmp_path, "v1", ["a.jsonl"], stages))
    make(write_recipe(tmp_path, "v2", ["b.jsonl"], stages, "v1/index"))
    assert not published(tmp_path / "v2")


def test_workers_do_not_show(place: Path, tmp_path: Path) -> None:
    make(place / "v1.toml", tmp_path / "v1", workers=2)
    assert digests(tmp_path / "v1") == digests(place / "v1")
    make(place / "v2.toml", tmp_path / "v2", workers=2)
    assert digests(tmp_path / "v2") == digests(place / "v2")


def test_killed_and_resumed(place: Path, tmp_path: Path) -> None:
    moments, output, kills = random.Random(2), tmp_path / "v2", 0
    while kills < 3:
        process = start(place / "v2.toml", output, "--workers", "2")
        deadline = time.monotonic() + moments.uniform(2.0, 4.0 + 2 * kills)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if process.poll() is not None:
            assert process.returncode == 0, process.communicate()[1]
            shutil.rmtree(output)  # the run outpaced the kill: begin anew, and kill the next
        else:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            while processes_in(process.pid):
                time.sleep(0.05)
        kills += 1
    make(place / "v2.toml", output)
    assert digests(output) == digests(place / "v2")


def test_an_index_that_changes_under_a_run_is_refused(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "v1", tmp_path / "v1")
    shutil.copy(place / "second.jsonl", tmp_path)
    recipe = write_recipe(tmp_path, "v2", ["second.jsonl"], against="v1/index")
    plan = make_plan(recipe)
    make(recipe)
    head = tmp_path / "v1/index/index.json"
    head.write_text(head.read_text().replace('"version": "0.1.0"', '"version": "0.1.1"'))
    with pytest.raises(StagingError, match="begun with other indexes"):
        make(recipe)
    with pytest.raises(MisuseError, match="index 'v1/index': changed since this run was planned"):
        build(plan, str(tmp_path / "other"), Runner(workers=1), lambda *_: None)


@pytest.mark.parametrize("reads", ["against", "paths"])
def test_a_restart_removes_nothing_that_the_recipe_reads(reads: str, tmp_path: Path) -> None:
    """Whoever gives version 2 the output of version 1 is told of --restart, which would take the
    index away."""
    write_lines(tmp_path / "a.jsonl", [("something", None)])
    corpus = make(write_recipe(tmp_path, "v1", ["a.jsonl"]))
    before = digests(corpus)
    paths, against = (
        (["a.jsonl"], "v1/index") if reads == "against" else (["v1/data/*/*.parquet"], None)
    )
    recipe = write_recipe(tmp_path, "v2", paths, against=against)
    if reads == "paths":
        recipe.write_text(recipe.read_text().replace("jsonl", "parquet"))
    (tmp_path / "link").symlink_to(corpus)
    again = BuildOptions(restart=True)
    for output in (corpus, tmp_path / "link"):
        with pytest.raises(
            StagingError, match=r"holds (index|data/.*), which the recipe reads: nothing removed"
        ):
            build(make_plan(recipe), str(output), Runner(workers=1), lambda *_: None, again)
    assert digests(corpus) == before
    build(make_plan(recipe), str(tmp_path / "v2"), Runner(workers=1), lambda *_: None, again)


NEAR = '[[dedup]]\nstage = "near"\nagainst = "v1/index"\n'
MISMATCHES = {
    "bands": (NEAR + "bands = 20", "index has bands 14, recipe 20"),
    "rows": (NEAR + "rows = 6", "index has rows 8, recipe 6"),
    "seed": (NEAR + "seed = 1", "index has seed 0, recipe 1"),
    "words": (NEAR + "word_shingle = 3", "index has word_shingle 5, recipe 3"),
    "graphemes": (NEAR + "grapheme_shingle = 5", "index has grapheme_shingle 8, recipe 5"),
    "an optimum of other bands": (
        NEAR + 'bands = "optimum"\nthreshold = 0.5',
        r"index has bands 14, recipe \d+; index has rows 8, recipe \d+",
    ),
    "two at once": (
        NEAR + "seed = 1\nbands = 20",
        "index has bands 14, recipe 20; index has seed 0, recipe 1",
    ),
    "case": (
        '[[dedup]]\nstage = "exact"\nagainst = "v1/index"\nfold_case = true',
        "index has fold_case false, recipe true",
    ),
    "address": (
        '[[dedup]]\nstage = "url"\nagainst = "v1/index"\ndrop_www = true',
        "index has drop_www false, recipe true",
    ),
    "a stage it has no keys of": (
        '[[ingest]]\nstage = "identify_language"\n[[dedup]]\nstage = "across_scripts"\nagainst = "v1/index"',
        "index has keys of url, exact, near, recipe asks for across_scripts",
    ),
    "texts changed before": (
        '[[ingest]]\nstage = "extract_text"\n' + NEAR,
        "index has keys of texts as they were read, recipe of texts after extract_text",
    ),
    "repeated lines taken out before": (
        '[[dedup]]\nstage = "lines"\n' + NEAR,
        "lines before it takes out what repeats in one run, so that no index has the same texts; put near first",
    ),
}


@pytest.mark.parametrize(("stages", "message"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_an_index_made_with_other_settings(stages: str, message: str, place: Path) -> None:
    recipe = place / "other.toml"
    recipe.write_text(RECIPE.format(name="other", paths='["first.jsonl"]', stages=stages))
    with pytest.raises(
        RecipeError, match=rf"line \d+: dedup\[\d\].against: (index 'v1/index': )?{message}$"
    ) as raised:
        make_plan(recipe)
    (problem,) = raised.value.problems
    line = int(problem.split(":")[0].removeprefix("line "))
    assert recipe.read_text().splitlines()[line - 1].startswith("against")


@pytest.mark.parametrize(
    "stages",
    [
        NEAR + "threshold = 0.9",
        NEAR + 'verify = "signature"',
        '[[ingest]]\nstage = "filter_length"\n' + NEAR,
    ],
    ids=["threshold", "verification", "a filter before"],
)
def test_settings_that_no_key_depends_on(stages: str, place: Path) -> None:
    recipe = place / "other.toml"
    recipe.write_text(RECIPE.format(name="other", paths='["first.jsonl"]', stages=stages))
    assert [index.corpus for index in make_plan(recipe).indexes] == ["v1"]


def test_a_probe_tells_what_no_setting_does() -> None:
    recipe = Recipe.model_validate(LEAST_RECIPE)

    def probed(**options: Any) -> str:
        return probe(kind_of(recipe, "near", NearDeduplicationConfig(**options)))

    assert probed() == probed(threshold=0.5, verify="none")
    assert probed() != probed(seed=1)


def _without(name: str) -> Any:
    return lambda folder: (folder / name).unlink()


def _damage(pattern: str, at: int) -> Any:
    def damage(folder: Path) -> None:
        file = sorted(folder.glob(pattern))[0]
        content = bytearray(file.read_bytes())
        content[at] ^= 1
        file.write_bytes(content)

    return damage


def _cut(folder: Path) -> None:
    file = sorted(folder.glob("2-near/*"))[0]
    file.write_bytes(file.read_bytes()[:-10])


def _head(change: Any) -> Any:
    def rewrite(folder: Path) -> None:
        head = json.loads((folder / "index.json").read_text())
        change(head)
        (folder / "index.json").write_text(json.dumps(head))

    return rewrite


def _leads_out(head: Any) -> None:
    head["stages"][2]["files"][0]["path"] = "../../first.jsonl"


def _other_code(head: Any) -> None:
    for part in head["stages"]:
        part["probe"] = "0" * 64
        part["packages"]["rensa"] = "0.1.0"


DAMAGE = {
    "no index": (
        shutil.rmtree,
        r"there is no index.json in .*v1/index; name the folder `index` of a corpus",
    ),
    "no head": (_without("index.json"), "there is no index.json"),
    "a head that is no JSON": (
        lambda f: (f / "index.json").write_text("{"),
        "index.json is damaged: ",
    ),
    "a head in binary": (
        lambda f: (f / "index.json").write_bytes(b"\xff\xfe"),
        "index.json is damaged: ",
    ),
    "deeply nested": (
        lambda f: (f / "index.json").write_text("[" * 100_000),
        "index.json is damaged: ",
    ),
    "another format": (
        _head(lambda head: head.update(format="glotmill-index/0")),
        "index has format 'glotmill-index/0', this glotmill reads 'glotmill-index/1'; make the index anew",
    ),
    "a path that leads out": (_head(_leads_out), r"index.json is damaged: stages.2.files.0.path: "),
    "keys of other code": (_head(_other_code), "index has rensa 0.1.0, installed is "),
    "a file missing": (
        lambda f: sorted(f.glob("2-near/*"))[0].unlink(),
        "must have .* bytes, it is missing",
    ),
    "a folder missing": (lambda f: shutil.rmtree(f / "2-near"), "is missing; copy the index anew"),
    "a file cut short": (
        _cut,
        r"2-near/.* must have [\d,]+ bytes, got [\d,]+; copy the index anew",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_spoilt_index_is_refused_in_one_line(
    spoil: Any, message: str, place: Path, tmp_path: Path
) -> None:
    shutil.copytree(place / "v1/index", tmp_path / "v1/index")
    shutil.copy(place / "second.jsonl", tmp_path)
    recipe = write_recipe(tmp_path, "v2", ["second.jsonl"], NEAR)
    spoil(tmp_path / "v1/index")
    with pytest.raises(RecipeError, match=message) as raised:
        make_plan(recipe)
    assert len(str(raised.value).splitlines()) == 1


def test_a_flipped_bit_is_found_before_anything_is_read(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "v1/index", tmp_path / "v1/index")
    shutil.copy(place / "second.jsonl", tmp_path)
    recipe = write_recipe(tmp_path, "v2", ["second.jsonl"], NEAR)
    _damage("2-near/*", 100)(tmp_path / "v1/index")
    with pytest.raises(
        MisuseError, match=r"index 'v1/index': 2-near/.*parquet is damaged: its SHA-256 must be"
    ) as raised:
        make(recipe)
    assert len(str(raised.value).splitlines()) == 1
    assert not list((tmp_path / "v2/staging").glob("ingest*")), "nothing was read yet"
    _damage("2-near/*", 100)(tmp_path / "v1/index")  # mended
    assert 30 <= len(published(make(recipe))) < 40


def test_rows_that_are_no_entries(place: Path, tmp_path: Path) -> None:
    """A file with the right SHA-256 and the wrong columns: made by someone else, or by malice."""
    shutil.copytree(place / "v1/index", tmp_path / "v1/index")
    shutil.copy(place / "second.jsonl", tmp_path)
    recipe = write_recipe(tmp_path, "v2", ["second.jsonl"], NEAR)
    file = sorted((tmp_path / "v1/index").glob("2-near/*"))[0]
    for content, message in (
        (pa.table({"id": ["x"], "signature": [7]}), "must have the columns id string, signature"),
        (pq.read_table(file).slice(0, 1), "must have .* rows in groups of at most"),
    ):
        pq.write_table(content, file)
        _head(lambda head: _describe(head, file))(tmp_path / "v1/index")
        with pytest.raises(MisuseError, match=message):
            make(recipe, tmp_path / f"out-{content.num_columns}")


def _describe(head: Any, file: Path) -> None:
    import hashlib

    entry = next(f for f in head["stages"][2]["files"] if f["path"] == f"2-near/{file.name}")
    entry |= {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def test_the_command_line_says_it_and_exits_with_2(place: Path) -> None:
    recipe = place / "other.toml"
    recipe.write_text(
        RECIPE.format(name="other", paths='["first.jsonl"]', stages=NEAR + "bands = 20")
    )
    for command in ("plan", "run"):
        done = Program(command, recipe)
        _, errors = done.communicate()
        assert done.returncode == 2
        assert errors.strip().endswith("index 'v1/index': index has bands 14, recipe 20")
        assert len(errors.strip().splitlines()) == 1


def test_an_empty_index(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [])
    write_lines(tmp_path / "b.jsonl", [("something", None), ("something", None)])
    make(write_recipe(tmp_path, "v1", ["a.jsonl"]))
    head = json.loads((tmp_path / "v1/index/index.json").read_text())
    assert [part["entries"] for part in head["stages"]] == [0, 0, 0]
    corpus = make(write_recipe(tmp_path, "v2", ["b.jsonl"], against="v1/index"))
    assert list(published(corpus).values()) == ["something"]


@pytest.mark.parametrize("behind", ["", '\n[[dedup]]\nstage = "exact"'])
def test_an_index_of_nothing_is_refused(behind: str, tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [("something", None)])
    recipe = write_recipe(tmp_path, "v1", ["a.jsonl"], '[[dedup]]\nstage = "lines"' + behind)
    with pytest.raises(
        RecipeError,
        match=r"line 9: publish.index: an index holds the keys of dedup stages; .* near",
    ):
        make_plan(recipe)


def test_texts_that_lines_were_taken_out_of_are_not_indexed(tmp_path: Path) -> None:
    """A Basque menu is on ten pages of version 1 and on one of version 2, where it stays: that page
    is still known."""
    menu = "Hasiera | Albisteak | Harremanetarako\n"
    pages = [(menu + text, f"https://e.org/{n}") for n, text in enumerate(passages()[:12])]
    stages = EXACT + '[[dedup]]\nstage = "lines"\nmin_code_points = 0\n'
    stages += '[[dedup]]\nstage = "url"\n{against}\n[[dedup]]\nstage = "near"\n'
    write_lines(tmp_path / "a.jsonl", pages)
    write_lines(tmp_path / "b.jsonl", [(pages[0][0], None), ("Something else", "https://e.org/1")])
    v1 = make(write_recipe(tmp_path, "v1", ["a.jsonl"], stages))
    assert not any(menu in text for text in published(v1).values())
    assert [
        part["stage"] for part in json.loads((v1 / "index/index.json").read_text())["stages"]
    ] == ["exact", "url"]
    v2 = make(write_recipe(tmp_path, "v2", ["b.jsonl"], stages, "v1/index"))
    assert [row["stage"] for row in ledger(v2)] == ["exact", "url"]


@pytest.mark.parametrize("given", ['["v1/index", "v1/index"]', '""', "7"])
def test_against_names_different_indexes(given: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        RECIPE.format(
            name="x", paths='["a"]', stages=f'[[dedup]]\nstage = "exact"\nagainst = {given}'
        )
    )
    with pytest.raises(RecipeError, match=r"line 21: dedup\[0\].against: "):
        make_plan(tmp_path / "x.toml")


def test_a_chain_of_removals_ends_in_what_is_published(tmp_path: Path) -> None:
    """3 went for the text of 2, and 2 for 1, which it resembles, each in its own split: the address
    of 3 says 1."""
    p = passages()[0]  # without the number it is the shorter copy
    filler = [(f"filler {n}", None) for n in range(600)]
    write_lines(tmp_path / "1.jsonl", [(f"{p} 1", "https://e.org/p"), *filler])
    write_lines(tmp_path / "2.jsonl", [(p, "https://e.org/k"), *filler])
    write_lines(tmp_path / "3.jsonl", [(p, "https://e.org/d")])
    make(write_recipe(tmp_path, "v1", ["1.jsonl", "2.jsonl", "3.jsonl"]))
    rows = {row["path"][0]: row for row in ledger(tmp_path / "v1") if row["position"] == 0}
    assert [rows[name]["stage"] for name in "23"] == ["near", "exact"]
    assert rows["3"]["duplicate_of"] == rows["2"]["id"]
    write_lines(
        tmp_path / "4.jsonl",
        [("Something else", "https://e.org/d"), (p.replace(" ", "  ", 1), None)],
    )
    corpus = make(write_recipe(tmp_path, "v2", ["4.jsonl"], against="v1/index"))
    assert [(row["stage"], row["duplicate_of"]) for row in ledger(corpus)] == [
        ("url", rows["1"]["id"]),
        ("exact", rows["1"]["id"]),
    ]


def test_against_an_index_in_an_object_store(bucket: str, place: Path, tmp_path: Path) -> None:
    import fsspec

    store = fsspec.filesystem("s3")
    store.put(str(place / "v1/index"), f"{bucket.removeprefix('s3://')}/v1/index", recursive=True)
    shutil.copy(place / "second.jsonl", tmp_path)
    recipe = write_recipe(tmp_path, "v2", ["second.jsonl"], against=f"{bucket}/v1/index")
    run(recipe, tmp_path / "v2")
    assert len(published(tmp_path / "v2")) == 20
