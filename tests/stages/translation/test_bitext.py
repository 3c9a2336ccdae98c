"""Pairs that somebody else made, through the gates of translations."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from stages.engines.engine import Answer, Identity, parse_direction
from stages.translation.bitext import filter_bitext, given_pairs
from stages.translation.options import PROTECTED, BitextConfig, GivenPairsConfig
from stages.translation.protection import Protection
from stages.translation.translate import Translator
from tests.declaration import DECLARATION
from tests.running import run
from tests.stages.translation.test_translate import BASQUE, GERMAN, SPANISH, WordsTell, batch_of

DIRECTION = "eus_Latn -> spa_Latn"
PAIRS = {
    "a translation": ((BASQUE, SPANISH, DIRECTION), None),
    "no translation": ((BASQUE, None, None), None),
    "several lines": ((f"{BASQUE}\n{BASQUE}", f"{SPANISH}\n{SPANISH}", DIRECTION), None),
    "the source": ((BASQUE, BASQUE, DIRECTION), "copied_source"),
    "another language": ((BASQUE, GERMAN, DIRECTION), "wrong_language"),
    "from another language": ((GERMAN, SPANISH, DIRECTION), "wrong_source_language"),
    "nothing": ((BASQUE, " ", DIRECTION), "no_output"),
    "markup": ((BASQUE, f"<p>{SPANISH}</p>", DIRECTION), "markup_added"),
    "a number is missing": ((f"{BASQUE[:-1]} 1948.", SPANISH, DIRECTION), "number_lost"),
    "half": ((BASQUE, SPANISH[:45], DIRECTION), "cut_off"),
    "far too long": (
        (BASQUE, f"{SPANISH} {SPANISH[:-1]} y {SPANISH.lower()} {SPANISH}", DIRECTION),
        "length_ratio",
    ),
    "no direction": ((BASQUE, SPANISH, "eus"), "no_direction"),
}


def test_each_pair_is_judged_in_its_direction() -> None:
    texts, translations, directions = zip(*(pair for pair, _ in PAIRS.values()), strict=True)
    batch = batch_of(list(texts))
    batch = batch.append_column("translation", pa.array(translations, pa.string()))
    batch = batch.append_column("translation_direction", pa.array(directions, pa.string()))
    found = filter_bitext(batch, WordsTell(), BitextConfig())
    reasons = dict(
        zip(found.rejected["id"].to_pylist(), found.rejected["reason"].to_pylist(), strict=True)
    )
    ids = [str(place) for place in range(len(PAIRS))]
    assert {fact: reasons.get(i) for fact, i in zip(PAIRS, ids, strict=True)} == {
        f: r for f, (_, r) in PAIRS.items()
    }
    assert found.kept["id"].to_pylist() == [i for i in ids if i not in reasons]


@pytest.mark.parametrize("column", ["translation", "translation_direction", "other"])
def test_documents_without_translations_pass(column: str) -> None:
    batch = batch_of([BASQUE]).append_column(column, pa.array(["x"]))
    assert filter_bitext(batch, None, BitextConfig()).kept.num_rows == 1


def test_given_pairs_are_translated_back() -> None:
    sources, targets = DECLARATION["eus_Latn"], DECLARATION["spa_Latn"]
    returned = dict(zip(targets, sources, strict=True)) | {targets[1]: "Ur hotza da gaur hemen."}
    batch = batch_of(list(sources))
    for name, values in (
        ("translation", list(targets)),
        ("translation_direction", ["eus_Latn -> spa_Latn"] * len(sources)),
    ):
        batch = batch.append_column(name, pa.array(values, pa.string()))
    identity = Identity("table", "table", "1")
    back = Translator(
        parse_direction("spa_Latn -> eus_Latn"),
        identity,
        Protection(PROTECTED, "({})"),
        lambda asked: [Answer(returned[sentence]) for sentence in asked],
    )
    found = given_pairs(batch, GivenPairsConfig(), {"eus_Latn -> spa_Latn": back})
    wanted = [None, "round_trip", *[None] * (len(sources) - 2)]
    assert found["reason"].to_pylist() == wanted
    scores = found["round_trip_chrf"].to_pylist()
    assert [score == 100 for score in scores] == [reason is None for reason in wanted]
    plain = given_pairs(batch, GivenPairsConfig())
    assert plain["reason"].null_count == plain["round_trip_chrf"].null_count == len(sources)


@pytest.mark.parametrize(
    "options", [{"round_trip": "apertium"}, {"directions": ["eus_Latn -> spa_Latn"]}]
)
def test_a_way_back_has_an_engine_and_directions(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="round_trip and directions go together"):
        GivenPairsConfig.model_validate(options)


RECIPE = """
[corpus]
name = "bitext"

[[sources]]
name = "pairs"
format = "moses"
paths = ["a.eu"]
target_ending = "es"
source_language = "eus_Latn"
target_language = "spa_Latn"

[[ingest]]
stage = "identify_language"

[[ingest]]
stage = "filter_bitext"

[[augment]]
stage = "given_pairs"
outputs = ["tmx"]

[[augment]]
stage = "sample_pairs"
form = "mapping"
reverse_share = 0
"""


def test_pairs_go_from_moses_through_the_gates_into_tmx_and_samples(tmp_path: Path) -> None:
    good = list(zip(DECLARATION["eus_Latn"], DECLARATION["spa_Latn"], strict=True))
    pairs = [*good, (good[0][0], good[3][1]), (good[1][0], good[1][0])]
    for ending, side in (("eu", 0), ("es", 1)):
        (tmp_path / f"a.{ending}").write_text("".join(f"{pair[side]}\n" for pair in pairs), "utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    run(tmp_path / "recipe.toml", tmp_path / "out", "--workers", "1")
    (tmx,) = (tmp_path / "out/bitext").glob("*")
    units = ElementTree.parse(tmx).getroot().iter("tu")  # noqa: S314 - written by us
    assert [tuple(seg.text for seg in unit.iter("seg")) for unit in units] == good
    samples = ds.dataset(tmp_path / "out/samples").to_table().to_pylist()
    assert [(row["prompt"], row["completion"]) for row in samples] == [
        (f"{ours}\n", theirs) for ours, theirs in good
    ]
    ledger = ds.dataset(tmp_path / "out/ledger").to_table().to_pylist()
    reasons = sorted(row["reason"] for row in ledger if row["fate"] == "dropped")
    assert reasons == ["length_ratio", "wrong_language"]
