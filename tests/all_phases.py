"""A small corpus that goes through all phases, those that ask a model aside."""

from __future__ import annotations

import json
from pathlib import Path

from tests.laws.mixed_corpus import passages
from tests.recipes import one_source

RECIPE = """
[publish]
test = 0.2
index = true

[[ingest]]
stage = "identify_language"

[[dedup]]
stage = "exact"

[[dedup]]
stage = "near"

[[dedup]]
stage = "lines"
min_documents = 4
min_code_points = 20

[decontaminate]
mode = "mask"
min_code_points = 30

[[decontaminate.evaluation_sets]]
name = "questions"
paths = ["questions.jsonl"]
fields = ["text"]

[[augment]]
stage = "transliterate"
mode = "parallel"
schemes = { amh_Ethi = "uroman" }

[[synthesize]]
strategy = "template_instructions"
options = { files = ["shelves.toml"] }
labels = ["eus_Latn"]

[withdrawn]
files = ["withdrawn.toml"]
"""


def write_all_phases(folder: Path) -> Path:
    """Write 24 documents in four languages and the recipe that reads them, whose path is returned:
    copies, edited copies, lines that repeat, evaluation text, a withdrawn page."""
    texts = [text for text in passages() if text]
    chosen = [*texts[:5], *texts[45:], *texts[10:20], *texts[:3], texts[1][:-20] + " 1948."]
    lines = [
        {
            "text": f"Hasiera | Albisteak | Guri buruz\n{text}",
            "shelf": f"s{number % 3}",
            "url": f"https://example.org/{number}",
        }
        for number, text in enumerate(chosen)
    ]
    (folder / "pages.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "questions.jsonl").write_text(json.dumps({"text": texts[11]}) + "\n")
    (folder / "shelves.toml").write_text(
        'label = "eus_Latn"\nversion = "1"\n[[templates]]\nname = "shelf"\n'
        'user = "Zein apaletan dago? {{ text }}"\nassistant = "{{ shelf }}"\n'
    )
    (folder / "withdrawn.toml").write_text('[[withdrawn]]\nurl_prefix = "https://example.org/7"\n')
    recipe = folder / "all.toml"
    own = 'keep = ["shelf"]\n[sources.columns]\nurl = "url"'
    recipe.write_text(one_source("all", options=own, split_bytes=4000) + RECIPE)
    return recipe
