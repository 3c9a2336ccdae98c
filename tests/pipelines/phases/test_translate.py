"""`[[augment]] stage = "translate"` through whole runs: what it publishes, whatever the engine
answers."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow.dataset as ds
import pytest

from pipelines.finished.audit.audit import audit
from pipelines.staging.store import Store
from schemas.language import parse_label
from tests.declaration import DIRECTIONS, asked, documents, plant_engine
from tests.recipes import one_source
from tests.running import digests, run_apart, start

RECIPE = (
    one_source("translated", paths="pages*.jsonl", split_bytes=4096)
    + """
[[ingest]]
stage = "identify_language"

[[augment]]
stage = "translate"
outputs = ["documents", "sentence_pairs", "tmx", "moses"]
publish_responses = true
"""
)
DIRECTIONS_LINE = (
    f"directions = {json.dumps([f'{source} -> {target}' for source, target in DIRECTIONS])}\n"
)
GARBAGE = {
    "wrong_language": "wrong_",
    "copies": "copied_source|wrong_",
    "truncates": "cut_off|length_ratio",
    "repeats": "repetition|wrong_|length_ratio|same_answer",
    "drops_numbers": "number_lost|placeholder_lost",
    "drops_placeholders": "placeholder_lost",
    "markup": "markup_added",
    "same": "same_answer|length_ratio|wrong_",
    "empty": "no_output",
    "lines": "line_break_added",
    "unknown": "unknown_words",
}


def make(
    folder: Path, more: str = "", texts: dict[str, list[str]] | None = None, name: str = "recipe"
) -> Path:
    for place, (source, _) in enumerate(DIRECTIONS):
        own = (texts or {}).get(source, documents(source) if texts is None else [])
        lines = "".join(json.dumps({"text": text}) + "\n" for text in own)
        (folder / f"pages{place}.jsonl").write_text(lines or json.dumps({"text": "..."}) + "\n")
    directions = "" if "directions" in more else DIRECTIONS_LINE
    (folder / f"{name}.toml").write_text(RECIPE + directions + more)
    return folder / f"{name}.toml"


def assert_same_pairs(folder: Path, pairs: list[dict[str, Any]]) -> None:
    """Hold that TMX and Moses files have the pairs that passed, in their order."""
    passed = sorted(
        (" ".join(p["source"].split()), " ".join(p["target"].split()))
        for p in pairs
        if not p["reason"]
    )
    units = [ElementTree.parse(path).getroot().iter("tu") for path in folder.glob("*.tmx")]  # noqa: S314 - written by us
    assert (
        sorted(tuple(seg.text for seg in unit.iter("seg")) for own in units for unit in own)
        == passed
    )
    lines = []
    for source, target in DIRECTIONS:
        for path in folder.glob(f"*.{source}-{target}.{source}"):
            both = [
                path.with_suffix(f".{label}").read_text("utf-8").splitlines()
                for label in (source, target)
            ]
            lines += list(zip(*both, strict=True))
    assert sorted(lines) == passed


def rows(folder: Path) -> list[dict[str, Any]]:
    return ds.dataset(sorted(folder.rglob("*.parquet")), format="parquet").to_table().to_pylist()


def assert_laws(out: Path) -> None:
    """Hold what a stranger can check of published translations."""
    published = {row["id"]: row for row in rows(out / "data")}
    for row in published.values():
        if not row["synthetic"]:
            continue
        source, target = published[row["parent_id"]]["text"], row["text"]
        assert source.count("\n") == target.count("\n"), "paragraphs in are paragraphs out"
        assert [bool(line.strip()) for line in source.split("\n")] == [
            bool(line.strip()) for line in target.split("\n")
        ]
        assert set(re.findall(r"https?://\S+?(?=[,)])|[0-9][0-9.,]*[0-9]", source)) <= set(
            re.findall(r"https?://\S+?(?=[,)])|https?://\S+|[0-9][0-9.,]*[0-9]", target)
        )
        assert row["translation_rejected_share"] <= 0.1
        assert not re.search(r"<p>|\*\w|\u27e6", target)
    assert_accounts(out, list(published.values()), rows(out / "ledger"))


def assert_accounts(
    out: Path, published: list[dict[str, Any]], ledger: list[dict[str, Any]]
) -> None:
    """Hold that ledger and manifest account for every document."""
    kept = {row["id"] for row in ledger if row["fate"] == "published"}
    assert kept == {row["id"] for row in published}
    manifest = json.loads((out / "manifest.json").read_text())
    for phase in manifest["phases"]:
        left = phase["kept"] + phase["dropped"] + phase["duplicates"] + phase["failed"]
        assert phase["documents_in"] + phase["created"] == left


@pytest.mark.slow
def test_translations_stand_beside_their_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APERTIUM_MODES", str(plant_engine(tmp_path / "modes")))
    recipe = make(tmp_path)
    run_apart(recipe, tmp_path / "out")
    assert_laws(tmp_path / "out")
    published = {row["id"]: row for row in rows(tmp_path / "out/data")}
    made = [row for row in published.values() if row["synthetic"]]
    assert len(made) == 2 * len(DIRECTIONS), "every document has its translation"
    for row in made:
        parent = published[row["parent_id"]]
        assert (parent["parent_id"], parent["synthetic"]) == (None, False)
        label = f"{parent['language']}_{parent['script']}"
        assert (label, f"{row['language']}_{row['script']}") in DIRECTIONS
        assert row["translated_from"] == label
        assert row["generator"].startswith("apertium unknown")
        assert row["language_score"] is None, "what was made was not identified as found text is"
    assert "10 made from these" in (tmp_path / "out/README.md").read_text()
    pairs = rows(tmp_path / "out/bitext")
    assert {pair["parent_id"] for pair in pairs} == {row["parent_id"] for row in made}
    assert {pair["reason"] for pair in pairs} == {None}
    assert_same_pairs(tmp_path / "out/bitext", pairs)
    questions = asked(tmp_path / "modes")
    assert len(questions) == len(set(questions)), (
        "a sentence that stands several times is asked once"
    )
    # The same bytes with one worker, and with recorded responses and no engine at all.
    run_apart(recipe, tmp_path / "one", "--workers", "1")
    assert digests(tmp_path / "one") == digests(tmp_path / "out")
    before = len(asked(tmp_path / "modes"))
    again = make(tmp_path, 'engine = "recorded"\nreuse = ["out/responses"]\n', name="again")
    run_apart(again, tmp_path / "again")
    assert len(asked(tmp_path / "modes")) == before
    assert [row["text"] for row in rows(tmp_path / "again/data")] == [
        row["text"] for row in rows(tmp_path / "out/data")
    ]
    assert {f: d for f, d in digests(tmp_path / "again").items() if f.startswith("responses/")} == {
        f: d for f, d in digests(tmp_path / "out").items() if f.startswith("responses/")
    }


@pytest.fixture(scope="module")
def garbage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run with every planted kind of garbage in every direction, each a stage of its own."""
    folder = tmp_path_factory.mktemp("garbage")
    stages = ""
    for kind in GARBAGE:
        plant_engine(folder / "modes", kind)
        for source, target in DIRECTIONS:
            stages += '[[augment]]\nstage = "translate"\noutputs = ["documents", "sentence_pairs"]\ndirections = '
            stages += f'["{source} -> {target}"]\nengine = {{ kind = "apertium", mode = "'
            stages += f'{source[:3]}-{target[:3]}-{kind}" }}\n'
    recipe = make(folder)
    recipe.write_text(RECIPE.partition("[[augment]]")[0] + stages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APERTIUM_MODES", str(folder / "modes"))
        run_apart(recipe, folder / "out")
    return folder / "out"


def test_found_text_stays_whatever_engines_answer(garbage: Path) -> None:
    assert_laws(garbage)
    originals = sorted(text for source, _ in DIRECTIONS for text in documents(source))
    assert (
        sorted(row["text"] for row in rows(garbage / "data") if not row["synthetic"]) == originals
    )


@pytest.mark.parametrize(("kind", "reasons"), GARBAGE.items(), ids=GARBAGE.keys())
def test_nothing_of_a_garbage_engine_is_published(kind: str, reasons: str, garbage: Path) -> None:
    made = [
        row
        for row in rows(garbage / "data")
        if (row["translation_model"] or "").endswith(f"-{kind}")
    ]
    if kind.startswith("drops"):  # documents without a number or an address are right
        assert not any("25" in row["text"] or "https" in row["text"] for row in made)
        assert len(made) == len(DIRECTIONS)
    else:
        assert not made
    pairs = [pair for pair in rows(garbage / "bitext") if pair["generator"].endswith(f"-{kind}")]
    found = {pair["reason"] for pair in pairs} - {None}
    assert found
    assert all(re.match(reasons, reason) for reason in found), found
    ids = {pair["id"] for pair in pairs if not pair["published"]}
    fates = [row["fate"] for row in rows(garbage / "ledger") if row["id"] in ids]
    assert fates == ["dropped"] * (2 * len(DIRECTIONS) - len(made))


def test_what_does_not_come_back_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = plant_engine(tmp_path / "modes", "moves")
    plant_engine(modes)
    plant_engine(modes, directions=[(target, source) for source, target in DIRECTIONS])
    monkeypatch.setenv("APERTIUM_MODES", str(modes))
    # Latin directions: Hindi closes up before its danda, which the planted table does not know.
    ways = [pair for pair in DIRECTIONS if pair[0] != "urd_Arab"]
    there = f"directions = {json.dumps([f'{one} -> {other}' for one, other in ways])}\n"
    both = f'{there}round_trip = "apertium"\n'
    moves = "".join(
        f'\n[[augment]]\nstage = "translate"\noutputs = ["documents", "sentence_pairs"]\n'
        f'directions = ["{one} -> {other}"]\nround_trip = "apertium"\n'
        f'engine = {{ kind = "apertium", mode = "{one[:3]}-{other[:3]}-moves" }}\n'
        for one, other in ways
    )
    recipe = make(tmp_path, both + moves)
    run_apart(recipe, tmp_path / "out", "--workers", "2")
    assert_laws(tmp_path / "out")
    made = [row for row in rows(tmp_path / "out/data") if row["synthetic"]]
    assert len(made) == 2 * len(ways), "what comes back is published"
    assert not any(row["translation_model"].endswith("-moves") for row in made)
    assert all(row["translation_round_trip_chrf"] > 90 for row in made)
    pairs = rows(tmp_path / "out/bitext")
    assert "round_trip" in {p["reason"] for p in pairs if p["generator"].endswith("-moves")}
    assert "`round_trip`" in (tmp_path / "out/README.md").read_text()
    directions = {row["direction"] for row in rows(tmp_path / "out/responses")}
    assert directions >= {f"{other} -> {one}" for one, other in ways}, "the way back is kept, too"


@pytest.mark.parametrize("unit", ["documents", "bytes"])
def test_a_run_bounds_what_is_made(
    unit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APERTIUM_MODES", str(plant_engine(tmp_path / "modes")))
    recipe = make(tmp_path, f'share = 0.45\nshare_of = "{unit}"\n')
    run_apart(recipe, tmp_path / "out", "--workers", "2")
    ledger = rows(tmp_path / "out/ledger")
    published = rows(tmp_path / "out/data")
    size = Counter[tuple[str, bool]]()
    for row in published:
        size[row["language"], row["synthetic"]] += (
            1 if unit == "documents" else len(row["text"].encode())
        )
    assert size["spa", True], "Spanish was found, so some may be made"
    for language, _ in list(size):
        assert size[language, True] <= 0.45 * (size[language, True] + size[language, False])
    beyond = [row for row in ledger if row["reason"] == "over_share"]
    named = {(row["phase"], row["stage"], row["threshold"]) for row in beyond}
    assert named == {("augment", "share", 0.45)}
    assert len(beyond) == 10 - sum(row["synthetic"] for row in published)
    values = {row["language"]: row["value"] for row in beyond}
    assert values["glg"] == 1.0, "no Galician was found"
    assert 0.45 < values["spa"] < 0.6
    step = f"| augment \u203a share | 20 | {20 - len(beyond)} | over\\_share {len(beyond)} |"
    assert step in (tmp_path / "out/README.md").read_text()
    assert_accounts(tmp_path / "out", published, ledger)
    if unit == "documents":
        run_apart(recipe, tmp_path / "one", "--workers", "1")
        assert digests(tmp_path / "one") == digests(tmp_path / "out")


@pytest.mark.parametrize("kind", ["hangs", "dies"])
def test_a_sentence_that_an_engine_hangs_or_dies_at_fails_alone(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "APERTIUM_MODES", str(plant_engine(tmp_path / "modes", kind, at="torturatu"))
    )
    basque = documents("eus_Latn")
    texts = {"eus_Latn": [*basque, basque[0].replace("torturatu", "zigortu")]}
    mode = f'engine = {{ kind = "apertium", mode = "eus-spa-{kind}", timeout_seconds = 3 }}\n'
    more = 'directions = ["eus_Latn -> spa_Latn"]\n' + mode
    run_apart(make(tmp_path, more, texts), tmp_path / "out", "--workers", "1")
    ledger = [row for row in rows(tmp_path / "out/ledger") if row["parent_id"]]
    assert sorted(row["fate"] for row in ledger if row["reason"] == "engine_failed") == [
        "failed",
        "failed",
    ]
    failed = [row for row in ledger if row["fate"] == "failed"]
    assert all("died or gave no answer within 3 seconds" in row["detail"] for row in failed)
    rejects = rows(tmp_path / "out/rejects")
    assert {row["id"] for row in rejects} == {row["id"] for row in failed}
    assert_laws(tmp_path / "out")


SAMPLED = """
[[augment]]
stage = "translate"
outputs = ["sentence_pairs", "document_pairs"]
directions = ["eus_Latn -> spa_Latn"]
engine = { kind = "apertium", mode = "eus-spa-drops_numbers" }

[[augment]]
stage = "sample_pairs"
form = "interleaved"

[[augment]]
stage = "sample_pairs"
form = "preference"
"""


@pytest.mark.slow
def test_a_killed_run_asks_for_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = plant_engine(tmp_path / "modes", seconds=0.25)
    plant_engine(tmp_path / "modes", "drops_numbers")
    monkeypatch.setenv("APERTIUM_MODES", str(modes))
    recipe = make(tmp_path, DIRECTIONS_LINE + SAMPLED)
    process = start(recipe, tmp_path / "out", "--workers", "1")
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "out").glob("staging/augment/*/responses/segment-*"))) < 2:
        assert time.monotonic() < deadline, "no answer was kept"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = sum(
        len(p.read_bytes().splitlines())
        for p in (tmp_path / "out").glob("staging/augment/*/responses/*")
    )
    first = asked(modes)
    plant_engine(tmp_path / "modes")
    run_apart(recipe, tmp_path / "out", "--workers", "1")
    second = asked(modes)[len(first) :] if len(asked(modes)) > len(first) else []
    assert kept
    assert len(asked(modes)) - len(set(asked(modes))) <= len(first) - kept, (
        "only what was not answered is asked again"
    )
    assert len(second) < len(set(asked(modes)))
    run_apart(recipe, tmp_path / "whole", "--workers", "2")
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    forms = ("bitext", "document_pairs", "samples/0-interleaved", "samples/1-preference")
    assert all(rows(tmp_path / "out" / form) for form in forms)
    found = audit(Store(str(tmp_path / "out")), lambda _: None).findings
    assert not [one for one in found if one.severity == "error"], "pairs alone are right, too"


BAD_INPUT = {
    "empty": "",
    "only markup": "<b></b> *** {{x}} https://example.org/a 12",
    "no letters": "1 2 3\n\n4.5 - 6",
    "100,000 code points without a full stop": "askatasuna " * 9_091,
    "one word of 100,000 letters": "a" * 100_000,
    "placeholders of the engine's own": "\u27e60\u27e7 \u27e67\u27e7 Norbanako guztiek dute bizitzeko eskubidea.",
}


def test_bad_input_is_a_row_of_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APERTIUM_MODES", str(plant_engine(tmp_path / "modes")))
    texts = {"eus_Latn": [*BAD_INPUT.values(), *documents("eus_Latn")]}
    run_apart(make(tmp_path, 'directions = ["eus_Latn -> spa_Latn"]\n', texts), tmp_path / "out")
    assert_laws(tmp_path / "out")
    made = [row for row in rows(tmp_path / "out/data") if row["synthetic"]]
    assert len(made) == 2, "what can be translated is"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            'directions = ["eus_Latn -> fra_Latn"]',
            "apertium has no mode for eus_Latn -> fra_Latn; installed are afr -> nld",
        ),
        ('directions = ["eus_Latn - fra_Latn"]', 'a direction must be "source -> target"'),
        ('directions = ["eus_Latn -> eus_Latn"]', "a direction must join two languages"),
        (
            'directions = ["eus_Latn -> spa_Latn"]\nengine = "recorded"',
            "the recorded engine answers from folders",
        ),
        ('directions = ["eus_Latn -> spa_Latn"]\nengine = "oracle"', "engine"),
        ('directions = ["eus_Latn -> spa_Latn"]\nshare = 1.0', "share"),
        (
            'directions = ["eus_Latn -> spa_Latn"]\nshare = 0.5\n[[augment]]\nstage = "translate"\n'
            'directions = ["eus_Latn -> spa_Latn"]\nshare = 0.5\nshare_of = "bytes"',
            "augment[0], augment[1]: share_of must be the same wherever share stands",
        ),
        (
            'directions = ["eus_Latn -> spa_Latn"]\n[[augment]]\nstage = "translate"\nshare = 0.5\n'
            'directions = ["eus_Latn -> spa_Latn"]\noutputs = ["sentence_pairs"]',
            'augment[1].share: bounds documents, and outputs has none; add "documents"',
        ),
        (
            'directions = ["eus_Latn -> spa_Latn"]\nround_trip = "apertium"',
            "apertium has no mode for spa_Latn -> eus_Latn; installed are afr -> nld",
        ),
        (
            'directions = ["eus_Latn -> spa_Latn"]\nreuse = ["nowhere"]',
            "nowhere holds no responses",
        ),
        (
            "share = 0.5  # no directions",
            'name directions, as ["eus_Latn -> spa_Latn"], or targets',
        ),
        (
            'directions = ["eus_Latn -> spa_Latn"]\ntargets = ["spa_Latn"]',
            'targets and donor_candidates go with donors = "auto"',
        ),
        (
            'donors = "auto" # no directions\ntargets = ["khm_Khmr"]',
            "augment[0]: no installed mode of Apertium translates into khm_Khmr",
        ),
        (
            'donors = "auto" # no directions\ntargets = ["khm_Khmr"]\nengine = "recorded"',
            'donors = "auto" with the engine recorded needs donor_candidates',
        ),
        ('directions = ["eus_Latn -> spa_Latn"]\nglossary = "none.tsv"', "none.tsv"),
        (
            'directions = ["eus_Latn -> ast_Latn"]',
            "no document can be labelled ast_Latn: the model does not answer it; the nearest it can are "
            "frp_Latn, lij_Latn, est_Latn; gates = { language = false } publishes it unseen",
        ),
    ],
)
def test_a_wrong_recipe_is_told_before_anything_runs(
    options: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.build.plan import make_plan
    from schemas.recipe import RecipeError

    monkeypatch.setenv("APERTIUM_MODES", str(plant_engine(tmp_path / "modes")))
    with pytest.raises(RecipeError, match=re.escape(told)):
        make_plan(make(tmp_path, options + "\n"))


def test_donors_are_chosen_and_stand_on_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APERTIUM_MODES", str(plant_engine(tmp_path / "modes")))
    targets = 'targets = ["spa_Latn", "hin_Deva"]\ndonors = "auto" # no directions\n'
    run_apart(make(tmp_path, targets), tmp_path / "out")
    assert_laws(tmp_path / "out")
    made = {row["language"] for row in rows(tmp_path / "out/data") if row["synthetic"]}
    assert made == {"spa", "hin"}
    card = json.loads((tmp_path / "out/card.json").read_bytes())
    assert [
        (row["target_language"], row["donor_language"], row["chosen"]) for row in card["donors"]
    ] == [
        ("spa_Latn", "eus_Latn", True),
        ("hin_Deva", "urd_Arab", True),
    ]
    assert "## Donors" in (tmp_path / "out/README.md").read_text()


def test_labels_of_directions_are_labels() -> None:
    assert all(parse_label(label) for pair in DIRECTIONS for label in pair)
