"""The command line: help with examples that work, one line for a user's mistake, exit codes 0, 1
and 2."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import gflanguages
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from typer.main import get_command

from pipelines.command_line.app import app
from tests.hub_server import hub_server
from tests.laws.mixed_corpus import write_mixed_corpus
from tests.recipes import one_source
from tests.running import Ended, glotmill

ROOT = Path(__file__).parents[3]
GLOTMILL = Path(sys.executable).with_name("glotmill")


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed program."""
    return subprocess.run(
        [str(GLOTMILL), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def example_run(example: str, folder: Path) -> Ended | subprocess.CompletedProcess[str]:
    """Run an example in a folder: here, or by a shell if it needs one, or the address of a hub
    before it starts."""
    if not re.search("[|&<>]|glotmill push", example):
        words = shlex.split(example)[1:]
        return glotmill(
            *(each for word in words for each in sorted(map(str, folder.glob(word))) or [word]),
            cwd=folder,
        )
    command = re.sub(r"\bglotmill ", lambda _: f"{shlex.quote(str(GLOTMILL))} ", example)
    with hub_server() as hub:
        return subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env={**os.environ, "HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def commands() -> dict[str, str]:
    """Every command by its words, with the example that its help ends with."""
    found: dict[str, str] = {}

    def walk(command: object, words: tuple[str, ...]) -> None:
        found[" ".join(words)] = getattr(command, "epilog", "") or ""
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*words, name))

    walk(get_command(app), ())
    return found


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the examples expect it: the recipes of this project and a finished quickstart
    corpus."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "pipelines").mkdir()
    (folder / "pipelines" / "recipes").symlink_to(ROOT / "pipelines" / "recipes")
    done = glotmill(
        "run", "pipelines/recipes/quickstart.toml", "--output", "out/quickstart", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    _write_contaminated(folder)
    _write_signals(folder)
    _write_trusted(folder)
    _write_judged(folder)
    return folder


def _write_contaminated(folder: Path) -> None:
    """Add a corpus in which an evaluation text was found, and its judging sheet, filled."""
    question, page = (
        "zenbat etxe zaharrago daude orain hiri honetan",
        "Egun on! Gaur ez dut ezer berririk kontatzeko.",
    )
    (folder / "questions.jsonl").write_text(json.dumps({"text": question}) + "\n")
    (folder / "pages.jsonl").write_text(
        "".join(json.dumps({"text": t}) + "\n" for t in (f"Esan {question}.", page))
    )
    (folder / "contaminated.toml").write_text(
        one_source("contaminated")
        + '[decontaminate]\nevaluation_sets = [{ name = "q", paths = ["questions.jsonl"], fields = ["text"] }]\n'
    )
    done = glotmill("run", "contaminated.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    sheet = (folder / "out/contaminated/decontamination/judging_sheet.csv").read_text()
    (folder / "judging_sheet.csv").write_text(re.sub('""$', '"yes"', sheet, flags=re.MULTILINE))


def _write_judged(folder: Path) -> None:
    """Add a copy of the corpus, and what a speaker says of its Basque."""
    shutil.copytree(folder / "out/quickstart", folder / "out/judged")
    done = glotmill(
        "audit", "sample", "out/judged", "--languages", "eus_Latn", "--output", "drawn", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    (folder / "answers.toml").write_text('intended_uses = "Tests."\n')
    (folder / "words.tsv").write_text("Gizon-emakume\tmen and women\n")
    (folder / "recipe.toml").write_text(
        one_source("made", "long")
        + '[[ingest]]\nstage = "identify_language"\n'
        + '[[synthesize]]\nstrategy = "code_switching"\noptions = { table = "words.tsv" }\n'
    )
    sheet = (folder / "drawn/eus_Latn.csv").read_text()
    (folder / "eus_Latn.csv").write_text(
        re.sub('"",""$', '"correct",""', sheet, flags=re.MULTILINE)
    )


def _write_signals(folder: Path) -> None:
    """Add a corpus that keeps its quality signals, and other limits for it."""
    text = (
        "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela. " * 20
    )
    (folder / "long.jsonl").write_text(
        "".join(json.dumps({"text": f"{text}{n}."}) + "\n" for n in range(3))
    )
    (folder / "signals.toml").write_text(
        one_source("signals", "long") + '[[ingest]]\nstage = "identify_language"\n'
        '[[ingest]]\nstage = "filter_quality"\nfamilies = ["c4"]\nkeep_signals = true\n'
    )
    done = glotmill("run", "signals.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "stricter.toml").write_text('families = ["gopher_quality"]\n')


def _write_trusted(folder: Path) -> None:
    """Add trusted text: a corpus, plain text, labelled text of three languages, and a language
    model of the first."""
    chance, languages = random.Random(5), gflanguages.LoadLanguages()
    texts: dict[str, list[str]] = {}
    for label, code in (("eus_Latn", "eu_Latn"), ("spa_Latn", "es_Latn"), ("fra_Latn", "fr_Latn")):
        sample = languages[code].sample_text
        words = " ".join(
            [sample.specimen_48, sample.specimen_36, sample.specimen_32, sample.specimen_21]
        ).split()
        sentences = [" ".join(chance.choices(words, k=12)).capitalize() + "." for _ in range(600)]
        texts[label] = [" ".join(chance.sample(sentences, 12)) for _ in range(240)]
    basque = texts["eus_Latn"]
    (folder / "trusted.txt").write_text("\n".join(basque))
    rows = [(text, label) for label, own in texts.items() for text in own]
    pq.write_table(
        pa.table({"text": [text for text, _ in rows], "label": [label for _, label in rows]}),
        folder / "trusted.parquet",
    )
    pq.write_table(pa.table({"text": basque[:120]}), folder / "news.parquet")
    nouns = {"etxe": "house", "mendi": "mountain", "liburu": "book", "zubi": "bridge"}
    pairs = [
        (f"Atzo {own} ikusi {n}.", f"Yesterday saw {other} {n}.")
        for n in "abcd"
        for own, other in nouns.items()
    ]
    columns = {"source": [own for own, _ in pairs], "target": [other for _, other in pairs]}
    labels = {"source_language": ["eus_Latn"] * 16, "target_language": ["eng_Latn"] * 16}
    reasons = {"reason": pa.nulls(16, pa.string())}
    pq.write_table(pa.table(columns | labels | reasons), folder / "pairs.parquet")
    (folder / "trusted.toml").write_text(
        one_source("trusted", "trusted", kind="text", options='unit = "line"')
        + '[[ingest]]\nstage = "identify_language"\n'
    )
    for words in (["run", "trusted.toml"], ["lm", "train", "trusted.txt", "--output", "eus.arpa"]):
        done = glotmill(*words, cwd=folder)
        assert done.returncode == 0, done.stderr


# minutes of work on packages that are downloaded; a bucket to write to
ELSEWHERE = {"lid calibrate", "recipe template"}


EXAMPLE_FILES = (
    *(
        "pipelines",
        "out",
        "judging_sheet.csv",
        "stricter.toml",
        "trusted.txt",
        "trusted.parquet",
        "news.parquet",
        "pairs.parquet",
    ),
    *(
        "eus.arpa",
        "eus.arpa.json",
        "eus_Latn.csv",
        "answers.toml",
        "recipe.toml",
        "words.tsv",
        "long.jsonl",
    ),
)


@pytest.mark.parametrize("words", commands())
def test_help_ends_with_an_example_that_works(words: str, workplace: Path, tmp_path: Path) -> None:
    for name in EXAMPLE_FILES:
        (tmp_path / name).symlink_to(workplace / name)
    shown = glotmill(*words.split(), "--help")
    example = commands()[words].removeprefix("Example: ")
    assert shown.returncode == 0
    assert " ".join(shown.stdout.split()).endswith(" ".join(f"Example: {example}".split()))
    if words in ELSEWHERE:
        return
    document = ds.dataset(workplace / "out/quickstart/data").head(1)["id"][0].as_py()
    ran = example_run(re.sub(r"\b[0-9a-f]{32}\b", document, example), tmp_path)
    assert ran.returncode == 0, ran.stderr
    written = [path for path in tmp_path.iterdir() if path.is_file() and path.stat().st_size]
    assert ran.stdout.strip() or written, "an example shows something or writes it"


def test_schemes_are_piped_as_lines_of_whole_names(tmp_path: Path) -> None:
    shown = glotmill("script", "schemes", cwd=tmp_path).stdout
    rows = [line.split("\t") for line in shown.splitlines()]
    assert {len(row) for row in rows} == {6}
    assert "revised_romanization_letters" in {row[0] for row in rows}
    assert shown.isprintable() or not re.search("[\u2500-\u257f\u2026]", shown)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "uzbek_1995 nowhere.parquet",
            "PARQUET must be files, got 'nowhere.parquet', which is none",
        ),
        (
            "uzbek_1994 here.parquet --label uzb_Cyrl",
            "unknown scheme 'uzbek_1994', did you mean 'uzbek_1995'?",
        ),
    ],
)
def test_a_round_trip_that_cannot_be_is_refused_in_one_line(
    words: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "here.parquet").touch()
    refused = glotmill("script", "roundtrip", *words.split(), cwd=tmp_path)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


REPEATED = """
import os, sys
import pipelines.build.run, pipelines.finished.explain, pipelines.command_line.progress  # once for all
import iso639, rich.table, stages.normalization.normalize, stages.transliteration.reversibility
from pipelines.command_line.app import console

for _ in range(int(sys.argv.pop(1))):
    child = os.fork()
    if not child:
        console()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        sys.exit(f"ended with {code}")
"""
# from files, through libraries with threads of their own
READING = (
    "plan",
    "status",
    "explain",
    "script roundtrip",
)


@pytest.mark.parametrize("words", READING)
def test_a_command_ends_well_every_time(words: str, workplace: Path, tmp_path: Path) -> None:
    """A library's thread that outlives the command may abort the process, in one of some calls."""
    for name in EXAMPLE_FILES:
        (tmp_path / name).symlink_to(workplace / name)
    if words in ELSEWHERE:
        return
    document = ds.dataset(workplace / "out/quickstart/data").head(1)["id"][0].as_py()
    example = re.sub(r"\b[0-9a-f]{32}\b", document, commands()[words].removeprefix("Example: "))
    repeated = shlex.join([sys.executable, "-c", REPEATED, "50"])
    command = re.sub(r"\bglotmill ", lambda _: f"{repeated} ", example)
    with hub_server() as hub:
        ran = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "HF_ENDPOINT": hub.address,
                "HF_HUB_OFFLINE": "0",
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr


def test_run_says_where_things_lie(workplace: Path) -> None:
    again = glotmill(
        "run", "pipelines/recipes/quickstart.toml", "--output", "out/quickstart", cwd=workplace
    )
    for expected in ("out/quickstart/README.md", "out/quickstart/report.html", "load_dataset"):
        assert expected in again.stdout
    status = glotmill("status", "out/quickstart", cwd=workplace)
    assert re.search(r"finished, \d+ documents published in \d+ files", status.stdout)


def test_datasets_loads_what_a_run_published(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    folder = str(workplace / "out/quickstart")
    loaded = datasets.load_dataset(
        folder, "eus_Latn", split="train", cache_dir=str(workplace / "cache")
    )
    streamed = list(datasets.load_dataset(folder, "eus_Latn", split="train", streaming=True))
    assert len(loaded) == len(streamed) >= 1
    assert loaded[0]["language"] == "eus"
    assert streamed[0]["id"] == loaded[0]["id"]
    assert loaded[0]["text"].startswith("Herri eta nazio guztiek")


def test_explain_tells_the_history(tmp_path: Path) -> None:
    recipe = write_mixed_corpus(tmp_path, 300)
    done = glotmill("run", str(recipe), "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    ledger = ds.dataset(tmp_path / "out" / "ledger").to_table().to_pylist()
    expected = {
        "published": r"publish +data/\w+/train-\d{5}-of-\d{5}\.parquet, row \d+",
        "dropped": r"filter_length: dropped, too_short, measured 2, threshold 20",
        "duplicate": r"(exact|near): duplicate of \w+, similarity (1|0\.\d+)$",
        "failed": r"read: failed, \w+: ",
    }
    for fate, pattern in expected.items():
        others = ("duplicate_id", "filter_quality")
        document = next(
            row["id"] for row in ledger if row["fate"] == fate and row["stage"] not in others
        )
        shown = glotmill("explain", document, "--corpus", str(tmp_path / "out"))
        assert re.search(pattern, shown.stdout, re.MULTILINE), (fate, shown.stdout, shown.stderr)
        assert shown.stdout.startswith(f"document      {document}\n")


def test_the_ledger_is_listed_by_what_became_of_documents(workplace: Path) -> None:
    def listed(*options: str) -> list[dict[str, str]]:
        shown = glotmill(
            "ledger", "out/quickstart", "--json", "--limit", "0", *options, cwd=workplace
        )
        assert shown.returncode == 0, shown.stderr
        return [json.loads(line) for line in shown.stdout.splitlines()]

    every = listed()
    basque = [row for row in every if row["language"] == "eus"]
    assert basque
    assert listed("--language", "eus") == listed("--language", "eus_Latn") == basque
    assert listed("--language", "eu") == basque
    assert listed("--fate", "published", "--source", "gflanguages") == [
        r for r in every if r["fate"] == "published"
    ]
    assert listed("--id", basque[0]["id"][:12]) == [basque[0]]
    assert listed("--reason", "too_short") == listed("--stage", "filter_length")
    options = ("--stage", "neer", "--language", "eus_Tibt", "--source", "gflanguages")
    none = glotmill("ledger", "out/quickstart", *options, cwd=workplace)
    assert none.returncode == 0
    assert re.search(
        "no row has the stage 'neer', did you mean 'near'\\?; there are: .*near.*\n"
        "glotmill: no row has the language 'eus_Tibt'.*; there are: .*_.* and [0-9]+ more\n$",
        none.stderr,
    )
    few = glotmill("ledger", "out/quickstart", "--limit", "3", cwd=workplace)
    assert len(few.stdout.splitlines()) == 4
    assert f"{len(every) - 3:,} more rows" in few.stderr
    explained = glotmill(
        "explain", basque[0]["id"][:12], "--corpus", "out/quickstart", cwd=workplace
    )
    assert explained.stdout.startswith(f"document      {basque[0]['id']}\n")
    several = glotmill("explain", every[0]["id"][:1], "--corpus", "out/quickstart", cwd=workplace)
    assert several.returncode == 2
    assert "documents of out/quickstart have ids that begin with" in several.stderr


def test_a_trial_reads_the_first_records_of_each_source_and_says_so(tmp_path: Path) -> None:
    lines = [f"{number}. lerroa, aurreko lerroa baino berriagoa" for number in range(30)]
    for part in range(3):
        (tmp_path / f"part-{part}.txt").write_text(
            "\n".join(lines[10 * part : 10 * part + 10]) + "\n"
        )
    (tmp_path / "trial.toml").write_text(
        '[corpus]\nname = "x"\n[[sources]]\nname = "a"\nformat = "text"\npaths = ["part-*.txt"]\nunit = "line"\n'
        '[[sources]]\nname = "b"\nformat = "text"\npaths = ["part-2.txt"]\nunit = "line"\n'
    )
    done = glotmill("run", "trial.toml", "--limit", "13", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = ds.dataset(tmp_path / "out/x-trial/data").to_table().to_pylist()
    assert sorted(row["text"] for row in rows if row["source"] == "a") == sorted(lines[:13])
    assert sorted(row["text"] for row in rows if row["source"] == "b") == sorted(lines[20:])
    card = (tmp_path / "out/x-trial/README.md").read_text()
    assert "# x (trial run)" in card
    assert "trial run over the first 13 records of each source" in card
    again = glotmill("run", "trial.toml", "--output", "out/x-trial", cwd=tmp_path)
    assert again.returncode == 2
    assert "out/x-trial was begun with other input" in again.stderr


def test_programs_read_plans_as_json(workplace: Path) -> None:
    shown = glotmill("plan", "pipelines/recipes/quickstart.toml", "--json", cwd=workplace)
    assert {"splits", "packages", "models"} <= set(json.loads(shown.stdout))
    status = glotmill("status", "out/quickstart", "--json", cwd=workplace)
    assert json.loads(status.stdout)["phase"] == "finished"


@pytest.mark.parametrize("arguments", [("--version",), ("-h",), ("plan", "-h")])
def test_what_every_program_answers(arguments: tuple[str, ...]) -> None:
    shown = program(*arguments)
    assert shown.returncode == 0
    assert shown.stdout


BAD_RECIPE = one_source("x", "lines", paths="nothing-*.jsonl")

MISTAKES = {
    "no such recipe": (
        ("run", "nowhere.toml"),
        2,
        r"nowhere\.toml: no such file; `glotmill recipe new` writes one",
    ),
    "a path that matches nothing": (("run", "bad.toml"), 2, r"bad\.toml: .*nothing-\*\.jsonl"),
    "a corpus that is not there": (
        ("explain", "x", "--corpus", "nowhere"),
        2,
        r"nowhere holds no finished corpus; ",
    ),
    "a run that has not begun": (
        ("status", "nowhere"),
        2,
        r"no run has begun in nowhere; begin one with",
    ),
    "an unknown flag": (("run", "bad.toml", "--speed", "9"), 2, "No such option"),
    "Beam options without a Beam runner": (
        ("run", "bad.toml", "--", "--parallelism=8"),
        2,
        "takes no Beam options",
    ),
    "an output that holds other files": (
        ("run", "good.toml", "--output", "full"),
        2,
        r"holds other files .*--output",
    ),
    "an output that holds the input": (
        ("run", "good.toml", "--output", "."),
        2,
        r"only files of the output .*--output",
    ),
    "a recipe file that exists": (("recipe", "new", "bad.toml"), 2, r"bad\.toml exists already"),
}


@pytest.mark.parametrize(("arguments", "code", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake(arguments: tuple[str, ...], code: int, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(BAD_RECIPE)
    (tmp_path / "good.toml").write_text(BAD_RECIPE.replace("nothing-*", "some"))
    (tmp_path / "some.jsonl").write_text('{"text": "kaixo"}\n')
    (tmp_path / "full").mkdir()
    (tmp_path / "full/other.txt").write_text("kaixo")
    ran = glotmill(*arguments, cwd=tmp_path)
    assert ran.returncode == code, ran.stderr
    assert re.search(message, " ".join(ran.stderr.split())), ran.stderr
    assert "Traceback" not in ran.stderr


def test_another_recipe_in_the_same_output_is_refused_until_restarted(tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").write_text('{"text": "kaixo mundua"}\n')
    (tmp_path / "a.toml").write_text(BAD_RECIPE.replace("nothing-*", "some"))
    (tmp_path / "b.toml").write_text(BAD_RECIPE.replace("nothing-*", "some").replace('"x"', '"y"'))
    assert glotmill("run", "a.toml", "--output", "out", cwd=tmp_path).returncode == 0
    refused = glotmill("run", "b.toml", "--output", "out", cwd=tmp_path)
    assert refused.returncode == 2
    assert "out was begun with other recipe: choose another --output" in refused.stderr
    assert glotmill("run", "b.toml", "--output", "out", "--restart", cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "out/manifest.json").read_text())["corpus"] == "y"


def test_only_workers_import_beam() -> None:
    """Beam takes three seconds to import: the process that plans and reports goes without."""
    code = "import sys, pipelines.build.run, pipelines.finished.explain; sys.exit('apache_beam' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
