"""Pairs, training samples and synthetic rows are audited and compared as documents are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.finished.audit.audit import Asked, audit
from pipelines.finished.diff import difference, difference_lines
from pipelines.staging.store import Store
from schemas.translation import DOCUMENT_PAIR
from tests.endpoints import FaultyEndpoint
from tests.pipelines.finished.corruptions import MADE_CORRUPTIONS, reseal
from tests.running import run
from tests.withdrawals import answered
from tests.withdrawals import write_corpus as write_copies

NO_OPINION = Asked(second_opinion="none")


def write_made(folder: Path) -> Path:
    """Build a corpus with bitext, document pairs, training samples, synthetic rows, responses."""
    with FaultyEndpoint(answered).serving() as server:
        recipe = write_copies(folder, server.base_url)
        licensed = recipe.read_text().replace("[[sources]]", '[[sources]]\nlicence = "cc0-1.0"')
        before, _, after = licensed.partition("[decontaminate]")
        recipe.write_text(before + after[after.index("[[augment]]") :])
        run(recipe, folder / "out")
    write_document_pairs(folder / "out")
    return folder / "out"


def write_document_pairs(out: Path) -> None:
    """Add a file of document pairs, of which this corpus has none: its translations fail as wholes."""
    pairs = pq.read_table(min((out / "bitext").glob("*.parquet")))
    (out / "document_pairs").mkdir()
    pq.write_table(
        pairs.select(DOCUMENT_PAIR.names).cast(DOCUMENT_PAIR), out / "document_pairs/00000.parquet"
    )
    reseal(out)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("openai", reason="openai is not installed")
    pytest.importorskip("icu", reason="the letter tables of transliteration run on PyICU")
    return write_made(tmp_path_factory.mktemp("made"))


@pytest.fixture
def copy(corpus: Path, tmp_path: Path) -> Path:
    return shutil.copytree(corpus, tmp_path / "copy")


def test_a_corpus_with_made_rows_is_clean(corpus: Path) -> None:
    assert not audit(Store(str(corpus)), lambda _: None, NO_OPINION).has_errors


@pytest.mark.parametrize("name", MADE_CORRUPTIONS)
def test_a_corruption_of_what_was_made_is_found(copy: Path, name: str) -> None:
    MADE_CORRUPTIONS[name](copy)
    found = audit(Store(str(copy)), lambda _: None, NO_OPINION).findings
    errors = [one for one in found if one.severity == "error"]
    assert errors
    if "changed byte" not in name:
        assert {one.check for one in errors} <= {"made", "synthetic", "card"}


@pytest.mark.parametrize("own", [True, False], ids=["its own", "of another engine"])
def test_only_translations_whose_pairs_alone_are_published_need_no_document(
    copy: Path, own: bool
) -> None:
    MADE_CORRUPTIONS["a document pair of no document"](copy)
    card = json.loads((copy / "card.json").read_text())
    one = card["translations"][0]
    if own:
        one["pairs_only"] = True
    else:
        card["translations"].append(one | {"generator": "another", "pairs_only": True})
    (copy / "card.json").write_text(json.dumps(card))
    reseal(copy)
    found = audit(Store(str(copy)), lambda _: None, NO_OPINION).findings
    missing = [one for one in found if "a document that the ledger has no row for" in one.message]
    assert bool(missing) != own


def test_a_difference_names_what_was_made(corpus: Path, copy: Path) -> None:
    assert difference(Store(str(corpus)), Store(str(copy))).is_empty
    for name in ("a dropped pair", "a dropped sample of pairs", "a dropped synthetic row"):
        MADE_CORRUPTIONS[name](copy)
    card = json.loads((copy / "card.json").read_text())
    card["statistics"]["eus_Latn"]["samples"][0]["id"] = "f" * 32
    (copy / "card.json").write_text(json.dumps(card))
    reseal(copy)
    found = difference(Store(str(corpus)), Store(str(copy)))
    assert found.documents == {}
    changes = {
        (change, subset.split("/")[0]): rows for (change, subset, _), rows in found.made.items()
    }
    assert changes == {
        ("removed", "bitext"): 1,
        ("removed", "samples"): 1,
        ("removed", "synthetic"): 1,
    }
    assert found.samples["eus_Latn"][1] == ["f" * 32]
    lines = list(difference_lines(found, 20))
    assert "removed    1 rows of bitext: eus_Latn -> spa_Latn" in lines
    back = difference(Store(str(copy)), Store(str(corpus)))
    assert {change for change, *_ in back.made} == {"added"}
