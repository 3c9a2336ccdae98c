"""Decontamination through the command line: what is injected is found and taken out, and nothing
else is."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from gflanguages import LoadLanguages
from typer.testing import CliRunner

from pipelines.catalogue.stages import Recipe
from pipelines.command_line.app import app
from pipelines.finished.explain import document_history
from pipelines.phases.decontaminate import decontaminate, publish_findings, read_evaluation_sets
from pipelines.runners.local import WorkerError
from pipelines.staging.staged import RowRun, StagedSplit
from pipelines.staging.store import StagingError, Store
from schemas.card.card import Card
from schemas.card.contamination import Removal
from schemas.columns import arrange
from schemas.document import DOCUMENT
from schemas.failures import MisuseError
from schemas.recipe import RecipeError
from stages.decontamination.evaluation_files import find_evaluation_sets
from stages.decontamination.evaluation_sets import EvaluationSet
from stages.decontamination.options import DecontaminationConfig
from tests.phase_runs import LEAST_RECIPE, phase_run
from tests.recipes import one_source
from tests.running import digests

SAMPLES = LoadLanguages()
RECIPE = (
    one_source("contaminated", options='columns = {{ id = "id" }}', split_bytes=150_000)
    + """
[[ingest]]
stage = "identify_language"
[decontaminate]
mode = "{mode}"
mask = "[...]"
min_code_points = 50

[[decontaminate.evaluation_sets]]
name = "own"
paths = ["items/*.jsonl"]
fields = ["question", "answers.text"]
configs = "(?P<language>...)_.*"

[[decontaminate.evaluation_sets]]
name = "other"
paths = ["other.parquet"]
fields = ["text"]
item_field = "key"
"""
)
SHORT = "Zenbat ate ditu etxe honek?"  # five words: shorter than an n-gram


def sample(label: str, field: str = "specimen_36") -> str:
    text: str = getattr(SAMPLES[label].sample_text, field)
    return text


def page(label: str, injected: str = "") -> str:
    """A page of other passages in a language, with something between them."""
    return "\n".join(
        filter(None, (sample(label, "specimen_16"), injected, sample(label, "specimen_21")))
    )


def with_middle_word_changed(text: str) -> str:
    words = text.split(" ")
    words[len(words) // 2] = "zzz"
    return " ".join(words)


# Passages that the pages do not hold anyway.
THAI, KHMER, TIBETAN = (
    sample("th_Thai", "specimen_32"),
    sample("km_Khmr", "specimen_32"),
    sample("bo_Tibt", "specimen_48"),
)
# fact: (label of the item, the item, label of the page, what is injected)
INJECTED = {
    "eus: as it is": ("eu_Latn", sample("eu_Latn"), "eu_Latn", sample("eu_Latn")),
    "mlt: a word in the middle changed": (
        "mt_Latn", sample("mt_Latn"), "mt_Latn", with_middle_word_changed(sample("mt_Latn")),
    ),
    "yor: in capitals": ("yo_Latn", sample("yo_Latn"), "yo_Latn", sample("yo_Latn").upper()),
    "srp: a Latin item in a Cyrillic page": ("sr_Latn", sample("sr_Latn"), "sr_Cyrl", sample("sr_Cyrl")),
    "uzb: a Cyrillic item in a Latin page": ("uz_Cyrl", sample("uz_Cyrl"), "uz_Latn", sample("uz_Latn")),
    "tha: as it is": ("th_Thai", THAI, "th_Thai", THAI),
    "khm: as it is": ("km_Khmr", KHMER, "km_Khmr", KHMER),
    "bod: as it is": ("bo_Tibt", TIBETAN, "bo_Tibt", TIBETAN),
    "eus: a short question, whole": ("eu_Latn", SHORT, "eu_Latn", f"Galdera: {SHORT.lower()} Erantzun."),
}  # fmt: skip
NEIGHBOURS = {
    "slk: the passage of a Czech item": (
        "cs_Latn",
        sample("cs_Latn"),
        "sk_Latn",
        sample("sk_Latn"),
    ),
    "eus: all but a word of a short question": (
        "eu_Latn",
        SHORT,
        "eu_Latn",
        "Zenbat ate ditu etxe zaharrak?",
    ),
}
CLEAN = sorted({*[label for label in SAMPLES if label[0] == "k"], "th_Thai", "km_Khmr", "bo_Tibt"})


def pages(clean: bool = True) -> list[dict[str, str]]:
    made = [
        {"id": fact, "text": page(label, text)}
        for fact, (*_, label, text) in {**INJECTED, **NEIGHBOURS}.items()
    ]
    labels = [label for label in CLEAN if clean and sample(label, "specimen_16")]
    return made + [{"id": f"clean {label}", "text": page(label)} for label in labels]


def write_input(folder: Path, mode: str, clean: bool = True) -> Path:
    (folder / "items").mkdir()
    (folder / "pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pages(clean)))
    by_language: dict[str, list[dict[str, Any]]] = {}
    for number, (label, item, *_) in enumerate({**INJECTED, **NEIGHBOURS}.values()):
        if not label.startswith("bo"):
            language = {
                "eu": "eus",
                "mt": "mlt",
                "yo": "yor",
                "sr": "srp",
                "uz": "uzb",
                "th": "tha",
                "km": "khm",
            }
            code = language.get(label[:2], "ces")
            answers = {"text": [item], "start": 3} if number % 2 else {"text": [], "start": None}
            row = {
                "question": None if number % 2 else item,
                "answers": answers,
                "level": number if number % 3 else "x",
            }
            by_language.setdefault(code, []).append(row)
    for code, rows in by_language.items():
        file = folder / "items" / f"{code}_all.jsonl"
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    pq.write_table(pa.table({"key": [70, 71], "text": [TIBETAN, None]}), folder / "other.parquet")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(mode=mode))
    return recipe


def glotmill(*arguments: object) -> str:
    outcome = CliRunner().invoke(
        app, [str(argument) for argument in arguments], catch_exceptions=False
    )
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


@pytest.fixture(scope="module")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drop")
    glotmill("run", write_input(folder, "drop"), "--output", folder / "out", "--workers", 2)
    return folder / "out"


def test_what_was_injected_is_dropped_and_nothing_else(dropped: Path) -> None:
    ledger = ds.dataset(dropped / "ledger").to_table().to_pylist()
    assert len(ledger) > 50, "dozens of clean pages, or this says little of precision"
    found = {row["id"]: row for row in ledger if row["fate"] != "published"}
    assert set(found) == set(INJECTED)
    for fact, row in found.items():
        assert (row["fate"], row["phase"], row["stage"]) == (
            "dropped",
            "decontaminate",
            "decontaminate",
        )
        assert (row["reason"], row["threshold"]) == ("evaluation_text", 0.5), fact
        assert 0.5 <= row["value"] <= 1
    assert found["bod: as it is"]["detail"] == "other other.parquet 70 text"
    assert found["eus: as it is"]["detail"] == "own items/eus_all.jsonl 0 question"
    assert (
        found["mlt: a word in the middle changed"]["detail"]
        == "own items/mlt_all.jsonl 0 answers.text"
    )


def test_findings_say_where(dropped: Path) -> None:
    table = pq.read_table(dropped / "decontamination/matches-00000.parquet")
    rows = {row["document"]: row for row in table.to_pylist()}
    assert set(rows) == set(INJECTED)
    texts = {row["id"]: row["text"] for row in pages()}
    for fact, (*_, injected) in INJECTED.items():
        row = rows[fact]
        (span,) = row["spans"]
        passage = texts[fact].encode()[span["start"] : span["end"]].decode()
        assert passage in injected
        assert len(passage) > 0.5 * len(injected), fact
        assert passage in row["passage"]
        across = fact.startswith(("srp", "uzb"))
        assert row["form"] == ("skeleton" if across else "folded")
    srp, bod = rows["srp: a Latin item in a Cyrillic page"], rows["bod: as it is"]
    assert (srp["evaluation_set"], srp["language"], srp["part"]) == (
        "own",
        "srp",
        "items/srp_all.jsonl",
    )
    assert (bod["evaluation_set"], bod["item"], bod["field"]) == ("other", "70", "text")


def test_rates_and_versions_are_on_the_card(dropped: Path) -> None:
    card = Card.model_validate_json((dropped / "card.json").read_bytes())
    rates = {(rate.evaluation_set, rate.language): rate for rate in card.contamination}
    assert rates["own", "eus"].model_dump(exclude={"evaluation_set", "language"}) == {
        "texts": 2, "texts_checked": 2, "texts_found": 2, "documents": 2,
    }  # fmt: skip
    assert rates["own", "ces"].texts_found == 0
    assert rates["other", None].texts_found == 1
    published = pq.read_table(dropped / "decontamination/rates.parquet").to_pylist()
    assert {(row["evaluation_set"], row["language"]): row["rate"] for row in published} == {
        key: rate.texts_found / rate.texts_checked for key, rate in rates.items()
    }
    assert card.removal == Removal(mode="drop", masked=0)
    told = f"What was found is not published: {len(INJECTED)} documents were left out."
    assert told in (dropped / "README.md").read_text()
    assert told in (dropped / "report.html").read_text()
    own, other = card.evaluation_sets
    assert (own.name, own.revision, len(own.files)) == ("own", None, 8)
    sha256 = hashlib.sha256((dropped.parent / "other.parquet").read_bytes()).hexdigest()
    assert (other.texts, other.files) == (1, {"other.parquet": sha256})
    manifest = json.loads((dropped / "manifest.json").read_text())
    assert manifest["evaluation_sets"][1] == {
        "name": "other",
        "revision": None,
        "files": {"other.parquet": sha256},
    }
    assert {"decontamination/matches-00000.parquet", "decontamination/rates.parquet"} <= {
        file["path"] for file in manifest["files"]
    }


def test_masked_pages_keep_what_is_around(tmp_path: Path) -> None:
    recipe = write_input(tmp_path, "mask", clean=False)
    glotmill("run", recipe, "--output", tmp_path / "out", "--workers", 2)
    published = {
        row["id"]: row["text"] for row in ds.dataset(tmp_path / "out/data").to_table().to_pylist()
    }
    before = {row["id"]: row["text"] for row in pages(clean=False)}
    assert set(published) == set(before), "enough is left of each page"
    changed = {fact for fact, text in published.items() if "[...]" in text}
    assert changed == set(INJECTED)
    assert all(published[fact] == before[fact] for fact in published if fact not in INJECTED)
    for fact, (*_, label, injected) in INJECTED.items():
        head, _, tail = published[fact].partition("[...]")
        assert head.strip().startswith(sample(label, "specimen_16").strip())
        assert tail.strip().endswith(sample(label, "specimen_21").strip())
        assert len(published[fact]) < len(before[fact]) - 0.4 * len(injected)
    histories = {
        fact: list(document_history(Store(str(tmp_path / "out")), fact)) for fact in published
    }
    told = {
        fact
        for fact, lines in histories.items()
        if any("rewritten, without what it held of" in line for line in lines)
    }
    assert told == set(INJECTED)
    card = Card.model_validate_json((tmp_path / "out/card.json").read_bytes())
    assert card.removal == Removal(mode="mask", masked=len(INJECTED))
    phase = json.loads((tmp_path / "out/manifest.json").read_text())["phases"][-1]
    assert (phase["phase"], phase["documents_in"], phase["kept"]) == (
        "decontaminate",
        len(before),
        len(before),
    )


def test_the_text_that_deduplication_left_is_what_is_searched(tmp_path: Path) -> None:
    """The item stands on a line that many pages share, and so is gone before it is looked for."""
    folder = tmp_path
    item = sample("eu_Latn")
    texts = [
        f"{number} zenbakiko orria: {sample('eu_Latn', 'specimen_21')} {number}\n{item}"
        for number in range(12)
    ]
    texts.append(sample("mt_Latn", "specimen_16") + " " + item)
    (folder / "pages.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts)
    )
    (folder / "items.jsonl").write_text(json.dumps({"text": item}) + "\n")
    described = '[decontaminate]\nevaluation_sets = [{ name = "own", paths = ["items.jsonl"], fields = ["text"] }]\n'
    source = one_source("c")
    for dedup, expected in (("", 13), ('[[dedup]]\nstage = "lines"\nmin_documents = 6\n', 1)):
        (folder / "recipe.toml").write_text(source + dedup + described)
        output = folder / f"out{expected}"
        if expected == 13:
            with pytest.raises(AssertionError, match="no document was published"):
                glotmill("run", folder / "recipe.toml", "--output", output)
        else:
            glotmill("run", folder / "recipe.toml", "--output", output)
        ledger = ds.dataset(output / "ledger").to_table().to_pylist()
        found = [row for row in ledger if row["phase"] == "decontaminate"]
        assert len(found) == expected, "one page has it within a longer line"


def staged_split(store: Store, texts: list[str], synthetic: bool) -> StagedSplit:
    count = len(texts)
    columns = {
        "id": pa.array([f"d{n}" for n in range(count)]),
        "text": pa.array(texts, pa.large_string()),
        "language": pa.repeat("eus", count),
        "script": pa.repeat("Latn", count),
        "source": pa.repeat("pages", count),
        "path": pa.repeat("pages.jsonl", count),
        "position": pa.array(range(count)),
        "synthetic": pa.repeat(synthetic, count),
    }
    with store.writing_parquet("staging/ingest/s/part.parquet", DOCUMENT) as writer:
        writer.write_table(arrange(columns, DOCUMENT, count))
    run = RowRun(
        file="staging/ingest/s/part.parquet",
        row_group=0,
        label="eus_Latn",
        first_row=0,
        rows=count,
        text_bytes=9,
    )
    return StagedSplit(name="s", documents=count, runs=(run,))


def decontaminated(
    folder: Path, items: str, texts: list[str], *, synthetic: bool = False
) -> tuple[Store, Any]:
    """Run the phase alone over documents that are staged already."""
    (folder / "items.jsonl").write_text(items)
    source = EvaluationSet(name="own", paths=("items.jsonl",), fields=("text",))
    config = DecontaminationConfig(evaluation_sets=(source,))
    found, problems = find_evaluation_sets(config, str(folder))
    assert problems == []
    store = Store(str(folder / "out"))
    split = staged_split(store, texts, synthetic)
    run_alone = phase_run(store, Recipe.model_validate(LEAST_RECIPE | {"decontaminate": config}))
    read_evaluation_sets(run_alone, found)
    decontaminate(run_alone, config, [split])
    return store, publish_findings(run_alone, [split])


@pytest.mark.parametrize("synthetic", [False, True])
def test_synthetic_documents_are_searched_like_others(tmp_path: Path, synthetic: bool) -> None:
    items = json.dumps({"text": sample("eu_Latn")})
    store, found = decontaminated(
        tmp_path, items, ["Kaixo mundua", page("eu_Latn", sample("eu_Latn"))], synthetic=synthetic
    )
    with store.fs.open(store.full("staging/decontaminate-removed/s.parquet"), "rb") as stream:
        assert pq.read_table(stream)["row"].to_pylist() == [1]
    (rate,) = found.rates
    assert (rate.texts_found, rate.documents) == (1, 1)


def test_hostile_items_cost_no_more_than_their_length(tmp_path: Path) -> None:
    """A hundred thousand code points, one word over and over, nulls, numbers, emptiness; a page of
    one word too."""
    long = " ".join(f"hitz{n}" for n in range(15_000))
    items = [long, "bai " * 30_000, None, "", 12, "0 " * 40, True, sample("eu_Latn")]
    lines = "".join(json.dumps({"text": text, "extra": text}) + "\n" for text in items)
    texts = ["bai " * 200_000, "0 " * 300_000, f"eta {long} ere", page("eu_Latn")]
    _, found = decontaminated(tmp_path, lines, texts)
    table = pq.read_table(tmp_path / "out/decontamination/matches-00000.parquet")
    assert table["document"].to_pylist() == ["d2"], "what only repeats itself says nothing"
    (rate,) = found.rates
    assert (rate.texts, rate.texts_checked) == (6, 2)


REFUSED = {
    "a row that is a structure": (
        '{"text": "a"}\n{"text": {"b": 1}}\n',
        "evaluation set 'own': items.jsonl, after 1 rows: field must lead to text, got 'text' of type struct<b: int64>",
    ),
    "a row that is no object": (
        '{"text": "a"}\n[1]\n',
        "items.jsonl, after 0 rows: row 1 .from 0. must be a JSON object on one line, got list",
    ),
    "a list of texts and numbers": (
        '{"text": "a"}\n{"text": ["a", null, 7]}\n',
        "items.jsonl, after 1 rows: field 'text' must be text, a number, or a list of one: .*'int'",
    ),
    "half a surrogate pair": (
        '{"text": "a"}\n{"text": "\\ud800"}\n',
        "items.jsonl, after 1 rows: .*surrogates",
    ),
    "no text at all": (
        '{"text": null}\n{"text": " "}\n',
        "evaluation set 'own' must hold text, got none",
    ),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_set_that_cannot_be_read_stops_the_run_at_once(
    content: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(WorkerError, match=message) as caught:
        decontaminated(tmp_path, content, ["Kaixo"])
    assert len(str(caught.value).splitlines()) == 1


PROBLEMS = {
    "no such set": ('evaluation_sets = ["flores_201"]', "unknown evaluation set 'flores_201', did you mean"),
    "a key that there is not": (
        'evaluation_sets = [{ name = "o", path = "i.jsonl", fields = ["a"] }]',
        r"line \d+: decontaminate\.evaluation_sets\[0\]\.path: unknown key, did you mean 'paths'\? [^\n]*$",
    ),
    "no set": ("words = 9", "decontaminate: evaluation_sets must name what to look for"),
    "no such file": (
        'evaluation_sets = [{ name = "o", paths = ["x*.jsonl"], fields = ["a"] }]',
        r"decontaminate: evaluation set 'o': path 'x\*.jsonl' matches no file",
    ),
    "no such field in JSON Lines": (
        'evaluation_sets = [{ name = "o", paths = ["i.jsonl"], fields = ["b"] }]',
        "evaluation set 'o': i.jsonl: field must be one of a, got 'b'",
    ),
    "no such field in Parquet": (
        'evaluation_sets = [{ name = "o", paths = ["i.parquet"], fields = ["a.c"] }]',
        "evaluation set 'o': i.parquet: field must lead to text, got 'a.c'; 'c' is not in struct<b: string>",
    ),
    "an empty file": (
        'evaluation_sets = [{ name = "o", paths = ["empty.jsonl"], fields = ["a"] }]',
        "evaluation set 'o': empty.jsonl: must hold items, got an empty file",
    ),
    "Parquet without rows": (
        'evaluation_sets = [{ name = "o", paths = ["none.parquet"], fields = ["a"] }]',
        "evaluation set 'o': none.parquet: must hold items, got no rows",
    ),
    "another format": (
        'evaluation_sets = [{ name = "o", paths = ["i.csv"], fields = ["a"] }]',
        "evaluation set 'o': i.csv: must be named .parquet, .jsonl, .ndjson, .json, packed or not, to be read",
    ),
    "an array instead of lines": (
        'evaluation_sets = [{ name = "o", paths = ["list.json"], fields = ["a"] }]',
        "list.json: row 0 .from 0. must be a JSON object",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("described", "message"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_mistakes_are_told_before_anything_runs(
    described: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "p.jsonl").write_text('{"text": "Kaixo"}\n')
    (tmp_path / "i.jsonl").write_text('{"a": "x"}\n')
    (tmp_path / "list.json").write_text('[\n{"a": "x"}\n]\n')
    (tmp_path / "i.csv").write_text("a\nx\n")
    (tmp_path / "empty.jsonl").write_text("")
    pq.write_table(pa.table({"a": [{"b": "x"}]}), tmp_path / "i.parquet")
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), tmp_path / "none.parquet")
    source = one_source("c", "p")
    (tmp_path / "recipe.toml").write_text(f"{source}[decontaminate]\n{described}\n")
    with pytest.raises(RecipeError, match=message) as caught:
        glotmill("plan", tmp_path / "recipe.toml")
    assert len(caught.value.problems) == 1
    assert all("\n" not in problem for problem in caught.value.problems)


def test_other_evaluation_files_are_another_corpus(dropped: Path, tmp_path: Path) -> None:
    shutil.copytree(dropped.parent, tmp_path / "c")
    shutil.copy(tmp_path / "c/items/eus_all.jsonl", tmp_path / "c/items/new_all.jsonl")
    with pytest.raises(StagingError, match="was begun with other evaluation_sets"):
        glotmill("run", tmp_path / "c/recipe.toml", "--output", tmp_path / "c/out")


def filled(sheet: Path, answer: str) -> str:
    rows = list(csv.DictReader(io.StringIO(sheet.read_text("utf-8-sig"))))
    for row in rows:
        row["judgement"] = answer if row["evaluation_set"] == "own" else ""
    sink = io.StringIO()
    # as spreadsheet programs of half the world write it
    writer = csv.DictWriter(sink, [*rows[0]], delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()


def test_answers_flow_back_into_the_card(dropped: Path, tmp_path: Path) -> None:
    corpus, sheet = tmp_path / "out", tmp_path / "sheet.csv"
    shutil.copytree(dropped, corpus)
    before = digests(corpus)
    sheet.write_text(filled(corpus / "decontamination/judging_sheet.csv", " Yes"))
    shown = glotmill("judge", sheet, "--corpus", corpus)
    assert (
        "own: 8 of 8 judged matches are the item, 100.0% (95 % interval 67.6% to 100.0%)" in shown
    )
    card = Card.model_validate_json((corpus / "card.json").read_bytes())
    assert [row.model_dump() for row in card.judged] == [
        {"evaluation_set": "own", "judged": 8, "right": 8}
    ]
    after = digests(corpus)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {
        "README.md",
        "report.html",
        "card.json",
        "manifest.json",
        "decontamination/judged.csv",
    }
    manifest = json.loads((corpus / "manifest.json").read_text())
    assert {file["path"]: file["sha256"] for file in manifest["files"]} == {
        name: digest for name, digest in after.items() if name != "manifest.json"
    }
    glotmill("judge", sheet, "--corpus", corpus)
    assert digests(corpus) == after
    assert not (corpus / "staging").exists()
    glotmill("judge", corpus / "decontamination/judged.csv", "--corpus", corpus)
    assert digests(corpus) == after, "what was kept says the same"


def test_only_this_corpuss_own_sheet_is_taken(dropped: Path, tmp_path: Path) -> None:
    sheet, good = (
        tmp_path / "sheet.csv",
        filled(dropped / "decontamination/judging_sheet.csv", "no"),
    )
    before = digests(dropped)
    key = good.splitlines()[1].split(";")[0]
    unfit = {
        good.replace(
            key, "m" + 32 * "0"
        ): "match and evaluation_set must be of this corpus's own sheet, got row 2",
        good.replace(
            ";no", ";perhaps"
        ): r"judgement must be yes, no or empty, .*got row \d+ \('perhaps'\)",
        good.replace(";no", ";"): "sheet must hold answers, got none",
        good.replace(
            "judgement", "answer"
        ): "sheet must have each column of the judging sheet once, .*'judgement'",
        good + good.splitlines()[1] + "\n": "once for each match",
        good + "a;b;" * 20: "sheet must have 12 cells in a row, got 41 in row",
        "": "sheet must be CSV with a header",
    }
    for content, message in unfit.items():
        sheet.write_text(content)
        with pytest.raises(MisuseError, match=message):
            glotmill("judge", sheet, "--corpus", dropped)
    sheet.write_bytes(good.encode("utf-16"))
    with pytest.raises(MisuseError, match="sheet must be CSV in UTF-8, got other bytes at 0"):
        glotmill("judge", sheet, "--corpus", dropped)
    with pytest.raises(StagingError, match="holds no finished corpus with a judging sheet"):
        glotmill("judge", sheet, "--corpus", tmp_path)
    assert digests(dropped) == before


def _replaced(label: str, *pairs: tuple[str, str]) -> str:
    """Write a sample as an older keyboard, font or converter did; it must differ."""
    text = written = sample(label, "specimen_32")
    for new, old in pairs:
        written = written.replace(new, old)
    assert written != text
    return written


# fact: (code of the language, label of the page, the item and what stands in the page)
REWRITTEN = {
    "mal: chillus with a joiner": (
        "mal", "ml_Mlym", _replaced("ml_Mlym", ("\u0d7b", "\u0d28\u0d4d\u200d"), ("\u0d7c", "\u0d30\u0d4d\u200d")),
    ),
    "khm: a coeng behind its vowel": (
        "khm", "km_Khmr", re.sub("(\u17d2.)([\u17b6-\u17c5])", r"\2\1", sample("km_Khmr", "specimen_32")),
    ),
    "tha: sara am in parts": ("tha", "th_Thai", _replaced("th_Thai", ("\u0e33", "\u0e4d\u0e32"))),
    "lao: sara am in parts, e twice": (
        "lao", "lo_Laoo", _replaced("lo_Laoo", ("\u0eb3", "\u0ecd\u0eb2"), ("\u0ec1", "\u0ec0\u0ec0")),
    ),
    "hin: vowel letters in parts": (
        "hin", "hi_Deva", _replaced("hi_Deva", ("\u0906", "\u0905\u093e"), ("\u0914", "\u0905\u094c")),
    ),
    "isl: misread bytes": ("isl", "is_Latn", sample("is_Latn", "specimen_32").encode().decode("latin-1")),
    "urd: Arabic kaf and yeh": ("urd", "ur_Arab", _replaced("ur_Arab", ("\u06a9", "\u0643"), ("\u06cc", "\u064a"))),
    "hau: dots for hooks": (
        "hau", "ha_Latn", "Yara \u1e33anana suna \u1e0daukar \u1e33wallo a \u1e0dakin \u1e05oye kuma suna "
        "\u1e33o\u1e33arin bu\u1e0de \u1e33ofar gidan \u1e33asa.",
    ),
    "ron: cedillas": ("ron", "ro_Latn", _replaced("ro_Latn", ("\u0219", "\u015f"), ("\u021b", "\u0163"))),
    "uzb: transliterated": ("uzb", "uz_Cyrl", sample("uz_Cyrl", "specimen_32")),
}  # fmt: skip
REWRITING = (
    one_source("rewritten", options='columns = {{ id = "id" }}')
    + """
[[ingest]]
stage = "identify_language"
[[ingest]]
stage = "normalize"
{options}
[[ingest]]
stage = "transliterate"
schemes = {{ uzb_Cyrl = "uzbek_1995" }}
[decontaminate]
evaluation_sets = [{{ name = "own", paths = ["*_items.jsonl"], fields = ["text"]{language} }}]
"""
)


@pytest.mark.parametrize(
    ("options", "language"),
    [
        ("", ', configs = "(?P<language>...)_items"'),
        ('disable = ["thai_sara_am"]\ndigits = "native"', ""),
    ],
    ids=["languages named", "no language named, other rules"],
)
def test_items_are_found_in_the_spelling_that_the_recipe_gives_documents(
    tmp_path: Path, options: str, language: str
) -> None:
    folder = tmp_path
    rows = [{"id": fact, "text": page(label, text)} for fact, (_, label, text) in REWRITTEN.items()]
    rows += [{"id": f"clean {label}", "text": page(label)} for _, label, _ in REWRITTEN.values()]
    (folder / "pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for code, _, text in REWRITTEN.values():
        (folder / f"{code}_items.jsonl").write_text(json.dumps({"text": text}) + "\n")
    (folder / "recipe.toml").write_text(REWRITING.format(options=options, language=language))
    glotmill("run", folder / "recipe.toml", "--output", folder / "out", "--workers", 2)
    ledger = ds.dataset(folder / "out/ledger").to_table().to_pylist()
    assert {row["id"] for row in ledger if row["fate"] != "published"} == set(REWRITTEN)
    card = Card.model_validate_json((folder / "out/card.json").read_bytes())
    assert sum(rate.texts for rate in card.contamination) == len(REWRITTEN), (
        "writings of a text are one text"
    )
