"""README.md holds what a card must hold, the same bytes every time, with hostile text kept
inert."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from markdown_it import MarkdownIt

from data_cards.pages.markdown import card_files
from data_cards.statistics import statistics_of
from schemas.card.card import Card


@pytest.fixture(scope="module")
def readme(published: Any) -> str:
    text: str = published.text("README.md")
    return text


def body(readme: str) -> str:
    return readme.split("\n---\n", 1)[1]


def table(readme: str, first_head: str) -> list[list[str]]:
    """Cells of the table whose first column is headed so."""
    lines = body(readme).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_head} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


SECTIONS = (
    *("How to load it", "Statements", "Proof", "Known limitations"),
    *("Languages", "Texts", "Sources and licences", "What was left out, and why"),
    *("What was changed", "Deduplication", "Sampling weights", "Evaluation sets"),
    *("Columns", "Samples"),
    *("How it was made", "How to check it"),
)


def test_sections(readme: str) -> None:
    tokens = MarkdownIt("commonmark").parse(body(readme))
    heads = [
        tokens[n + 1].content
        for n, token in enumerate(tokens)
        if token.type == "heading_open" and token.tag == "h2"
    ]
    assert heads == list(SECTIONS)


def test_files(published: Any) -> None:
    assert list(card_files(published.card)) == [
        "README.md",
        "charts/funnel.svg",
        "charts/languages.svg",
        "charts/lengths.svg",
        "charts/scores.svg",
        "croissant.json",
        "report.html",
        "statistics.json",
    ]
    for chart in re.findall(r"\]\((charts/.*?)\)", published.text("README.md")):
        assert (published.folder / chart).is_file()


def test_the_figures_are_those_of_the_parquet_files(published: Any, readme: str) -> None:
    counted = statistics_of(str(path) for path in published.folder.glob("data/*/*.parquet"))
    assert (
        published.text("statistics.json")
        == card_files(Card.model_validate(published.card.model_dump() | {"statistics": counted}))[
            "statistics.json"
        ].decode()
    )
    rows = {row[0].strip("`"): row for row in table(readme, "Subset")}
    assert rows.keys() == counted.keys()
    for label, part in counted.items():
        words = "\u2013" if part.words is None else f"{part.words:,}"
        assert rows[label][3:6] == [f"{part.documents:,}", words, f"{part.code_points:,}"]
    assert rows["bod_Tibt"][4] == "\u2013"
    assert rows["eus_Latn"][1:3] == ["Basque", "Euskara"]


def test_conservation_is_shown(readme: str, published: Any) -> None:
    rows = table(readme, "Language")
    for row in rows:
        read, *fates = (int(cell.replace(",", "")) for cell in row[1:6])
        assert read == sum(fates)
    assert rows[-1][0] == "**all**"
    assert sum(int(row[1]) for row in rows[:-1]) == int(rows[-1][1])
    steps = table(readme, "Step")
    assert [row[0].replace("\\", "") for row in steps] == [
        f"{step.phase} \u203a {step.stage}" for step in published.card.steps
    ]
    assert steps[1][3] == r"no\_text 11, error 2 (failed)"
    assert [row[2] for row in steps[:-1]] == [row[1] for row in steps[1:]]


def test_what_stages_changed_is_told_by_rule(readme: str) -> None:
    assert table("\n---\n" + readme.split("## What was changed")[1], "Stage") == [
        ["normalize", "`spaces`", "3", "1,201", "`mlt_Latn` 1,200, `eus_Latn` 1"],
        ["normalize", "`arabic_keyboard_letters`", "4", "900", "`uig_Arab` 900"],
        ["transliterate", r"&lt;b&gt;\|iso9", "1", "3", "`und_Zyyy` 3"],
    ]


def test_deduplication_is_told_by_stage(readme: str) -> None:
    unknown = "\u2013"
    assert table("\n---\n" + readme.split("## Deduplication")[1], "Stage") == [
        ["exact", "5", unknown, unknown, "2", unknown, unknown],
        ["near", "0", "40", "10 (25.0%)", "4", unknown, unknown],
        ["lines", "0", unknown, unknown, unknown, "7", "1,234"],
    ]
    assert "3 buckets held more kept documents" in readme


def test_weights_add_up(readme: str, published: Any) -> None:
    rows = table("\n---\n" + readme.split("## Sampling weights")[1], "Subset")
    for row in rows[:-1]:
        weights = published.card.statistics[row[0].strip("`")].sampling_weights
        assert row[1:3] == [
            f"{sum(weights.values()):,}",
            f"{sum(w * n for w, n in weights.items()):,}",
        ]
        assert (
            row[3] == f"1 \u2192 1 ({weights.get(1, 0)}), 3\u20134 \u2192 3 ({weights.get(3, 0)})"
        )
    assert rows[-1][0] == "**all**"
    assert int(rows[-1][2]) == sum(int(row[2]) for row in rows[:-1]) > int(rows[-1][1])
    assert "dropped for another reason than repetition, so every weight is 1" not in readme


def test_evaluation_sets_with_rate_and_precision(readme: str) -> None:
    assert table(readme, "Evaluation set") == [
        [r"&lt;b&gt;\|xnli", "1", "100", "50", "50.0%", "Yoruba 50.0%", "not judged"],
        [
            "flores",
            "3",
            "2,000",
            "20",
            "1.0%",
            "Basque 2.0%",
            "90.0% of 10 judged (95 %: 59.6% to 98.2%)",
        ],
        ["clean", "1", "10", "0", "0.0%", "", ""],
    ]
    assert "are in `decontamination/judging.csv`." in readme
    assert (
        "it was taken out of 1,234 documents; 0 documents were left out, since too little remained."
        in readme
    )
    assert f"- flores: 2,029 texts in `o/flores` at commit `{'a1' * 20}`" in readme
    assert rf"texts in 1\|&lt;i&gt;.jsonl (SHA-256 `{64 * '1'}`), " in readme
    assert "and 1 more file in `card.json`" in readme


def test_what_was_not_done_is_not_told(published: Any) -> None:
    plain = {
        "changes": (),
        "deduplication": (),
        "sampling": None,
        "contamination": (),
        "removal": None,
        "judged": (),
        "judging_sheet": None,
    }
    files = card_files(published.card.model_copy(update=plain))
    for file in ("README.md", "report.html"):
        for words in ("What was changed", "Deduplication", "Sampling weights", "Evaluation sets"):
            assert words not in files[file].decode()


def test_columns_come_from_the_schema(readme: str, published: Any) -> None:
    rows = table(readme, "Column")
    assert [row[0].strip("`") for row in rows] == [column.name for column in published.card.columns]
    assert all(row[3] for row in rows)


def test_the_recipe_is_verbatim(readme: str, published: Any) -> None:
    (fence,) = [
        t
        for t in MarkdownIt("commonmark").parse(body(readme))
        if t.type == "fence" and t.info == "toml"
    ]
    assert fence.content == published.card.recipe


def test_hostile_text_is_inert(readme: str) -> None:
    """Of all HTML in the card only our blockquotes are left; the hostile document is text in one of
    them."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body(readme))
    blocks = [token.content for token in tokens if token.type == "html_block"]
    inline = [
        child
        for token in tokens
        for child in token.children or []
        if child.type in ("html_inline", "image")
    ]
    assert {child.type for child in inline} == {"image"}
    assert {child.attrs["src"] for child in inline} == {
        f"charts/{name}.svg" for name in ("languages", "lengths", "scores", "funnel")
    }
    assert all(
        re.fullmatch(r'<blockquote dir="auto" lang="[\w-]+">[^<>]*(<br>[^<>]*)*</blockquote>\n', b)
        for b in blocks
    )
    assert any("&lt;script&gt;alert(" in block for block in blocks)
    assert "\x00" not in readme
    assert "\x1b" not in readme


def test_the_code_shown_is_the_code_that_loads(readme: str, published: Any) -> None:
    code = [
        t.content
        for t in MarkdownIt("commonmark").parse(body(readme))
        if t.type == "fence" and t.info == "python"
    ]
    for snippet in code:
        compile(snippet, "README.md", "exec")
    largest = max(
        published.card.statistics, key=lambda label: published.card.statistics[label].code_points
    )
    assert f'"{largest}", split="train"' in code[0]
    assert f"data/{largest}/*.parquet" in code[1]


def test_limitations_are_counted(readme: str, published: Any) -> None:
    part = readme.split("## Known limitations")[1].split("\n## ")[0]
    unlicensed = sum(p.nulls["licence"] for p in published.card.statistics.values())
    assert (
        f"{unlicensed} of {sum(p.documents for p in published.card.statistics.values())} documents"
        in part
    )
    assert r"bod\_Tibt, khm\_Khmr." in part
    assert "mlt" not in part
    assert "One text in translation" in part


PROGRAM = """
import hashlib, sys
from data_cards.pages.markdown import card_files
from schemas.card.card import Card
files = card_files(Card.model_validate_json(sys.stdin.read()))
print(hashlib.sha256(b"".join(name.encode() + content for name, content in files.items())).hexdigest())
"""


@pytest.mark.slow
def test_other_processes_write_the_same_bytes(published: Any) -> None:
    """With other seeds for sets and another time zone and locale."""
    digests = set()
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=published.card.model_dump_json().encode(),
            env=environment,
            check=True,
            capture_output=True,
        )
        digests.add(run.stdout)
    assert len(digests) == 1


def test_a_long_table_folds(
    make_published: Callable[..., Any], make_row: Callable[..., Any], declaration: dict[str, Any]
) -> None:
    labels = list(declaration)[:42]
    documents = {label: [make_row(declaration[label][0], 0, label)] for label in labels}
    readme = make_published(documents).text("README.md")
    assert len(table(readme, "Subset")) == 40
    shown = MarkdownIt("commonmark").enable("table").parse(body(readme))
    assert [token.type for token in shown].count("tr_open") >= 40 + 2 + 40 + 2
    folded = re.findall(r"<details>\n<summary>(.*?)</summary>\n\n\|", readme)
    # three languages have losses alone
    assert folded == ["2 smaller ones", "2 more", "5 more"]
    assert readme.count("\n\n</details>\n") == 3
    forty = {label: documents[label] for label in labels[:40]}
    assert "smaller ones" not in make_published(forty).text("README.md")


def test_one_language_and_none(
    make_published: Callable[..., Any], make_row: Callable[..., Any]
) -> None:
    one = make_published({"eus_Latn": [make_row("Kaixo mundua")]}).text("README.md")
    front = yaml.safe_load(one.split("---\n")[1])
    assert front["multilinguality"] == "monolingual"
    assert [info["config_name"] for info in front["dataset_info"]] == ["all", "eus_Latn"]
    none = make_published({}).text("README.md")
    assert "No document was published." in none
    assert "configs" not in yaml.safe_load(none.split("---\n")[1])
