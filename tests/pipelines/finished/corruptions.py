"""Corruptions to plant in a finished corpus, by name. Most of them are resealed: the manifest
states the new bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Corruption = Callable[[Path], None]
Json = dict[str, Any]


def shard_of(corpus: Path, label: str = "eus_Latn") -> Path:
    return next((corpus / "data" / label).iterdir())


def reseal(corpus: Path) -> None:
    """Make the manifest state the files that are there now, as one who hides a change would."""
    manifest = json.loads((corpus / "manifest.json").read_text())
    known = {record["path"]: record for record in manifest["files"]}
    records = []
    for path in sorted(corpus.rglob("*")):
        name = str(path.relative_to(corpus))
        if path.is_file() and name != "manifest.json":
            record: Json = {
                "path": name,
                "bytes": path.stat().st_size,
                "rows": known.get(name, {}).get("rows"),
            }
            record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
            if name.startswith("data/"):
                record["rows"] = pq.read_metadata(path).num_rows
            records.append(record)
    (corpus / "manifest.json").write_text(json.dumps(manifest | {"files": records}))


def in_bytes(change: Callable[[bytes], bytes]) -> Corruption:
    def corrupt(corpus: Path) -> None:
        shard = shard_of(corpus)
        shard.write_bytes(change(shard.read_bytes()))

    return corrupt


def in_documents(change: Callable[[pa.Table], pa.Table]) -> Corruption:
    return _in_table(shard_of, change)


def in_ledger(change: Callable[[pa.Table], pa.Table]) -> Corruption:
    return _in_table(lambda corpus: min((corpus / "ledger").iterdir()), change)


def _in_table(find: Callable[[Path], Path], change: Callable[[pa.Table], pa.Table]) -> Corruption:
    def corrupt(corpus: Path) -> None:
        path = find(corpus)
        pq.write_table(change(pq.ParquetFile(path).read()), path)
        reseal(corpus)

    return corrupt


def in_text(name: str, change: Callable[[str], str]) -> Corruption:
    def corrupt(corpus: Path) -> None:
        path = corpus / name
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
        reseal(corpus)

    return corrupt


def in_json(name: str, change: Callable[[Json], object]) -> Corruption:
    def corrupt(corpus: Path) -> None:
        path = corpus / name
        value = json.loads(path.read_text(encoding="utf-8"))
        change(value)
        path.write_text(json.dumps(value), encoding="utf-8")
        if name != "manifest.json":
            reseal(corpus)

    return corrupt


def put(column: str, row: int, value: object) -> Callable[[pa.Table], pa.Table]:
    """Put a value into the first row or another; a function of the old value gives the new one."""

    def change(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        values[row] = value(values[row]) if callable(value) else value
        field = table.schema.field(column)
        return table.set_column(
            table.schema.get_field_index(column),
            field.with_nullable(field.nullable or None in values),
            pa.array(values, field.type),
        )

    return change


def where(fate: str, column: str, value: object) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        row = table["fate"].to_pylist().index(fate)
        return put(column, row, value)(table)

    return change


def remove_file(pattern: str) -> Corruption:
    def corrupt(corpus: Path) -> None:
        next(iter(sorted(corpus.glob(pattern)))).unlink()

    return corrupt


def resealed(corrupt: Corruption) -> Corruption:
    def both(corpus: Path) -> None:
        corrupt(corpus)
        reseal(corpus)

    return both


def copy_shard(corpus: Path) -> None:
    shard = shard_of(corpus)
    (shard.parent / "train-00001-of-00002.parquet").write_bytes(shard.read_bytes())


def move_shard(corpus: Path) -> None:
    shard = shard_of(corpus)
    (corpus / "data/mlt_Latn").mkdir()
    shard.rename(corpus / "data/mlt_Latn" / shard.name)


def cut_manifest(corpus: Path) -> None:
    (corpus / "manifest.json").write_text('{"format": "glotmill-man')


def swap_texts(corpus: Path) -> None:
    paths = [shard_of(corpus, "eus_Latn"), shard_of(corpus, "srp_Cyrl")]
    first, second = (pq.ParquetFile(path).read() for path in paths)
    texts = first["text"][0].as_py(), second["text"][0].as_py()
    pq.write_table(put("text", 0, texts[1])(first), paths[0])
    pq.write_table(put("text", 0, texts[0])(second), paths[1])
    reseal(corpus)


def _count(card: Json, label: str, name: str, by: int) -> None:
    card["statistics"][label][name] += by


def _one_more(rows: list[Json], key: str) -> None:
    rows[0][key] += 1


CORRUPTIONS: dict[str, Corruption] = {
    "a changed byte": in_bytes(
        lambda found: found[:2000] + bytes([found[2000] ^ 1]) + found[2001:]
    ),
    "a cut shard": in_bytes(lambda found: found[: len(found) // 2]),
    "an emptied shard": in_bytes(lambda found: b""),
    "bytes behind a shard": in_bytes(lambda found: found + b"PAR1"),
    "a missing shard": remove_file("data/eus_Latn/*"),
    "a missing shard, resealed": resealed(remove_file("data/eus_Latn/*")),
    "a shard too many": copy_shard,
    "a shard too many, resealed": resealed(copy_shard),
    "a shard of another language's folder": resealed(move_shard),
    "a dropped row": in_documents(lambda table: table.slice(1)),
    "a repeated row": in_documents(lambda table: pa.concat_tables([table, table.slice(0, 1)])),
    "rows in another order": in_documents(
        lambda table: table.take(list(reversed(range(table.num_rows))))
    ),
    "texts of two languages swapped": swap_texts,
    "another language in a row": in_documents(put("language", 0, "deu")),
    "another script in a row": in_documents(put("script", 0, "Cyrl")),
    "a word more": in_documents(put("text", 0, lambda text: text + " bat")),
    "a text emptied": in_documents(put("text", 0, "")),
    "no text": in_documents(put("text", 0, None)),
    "no id": in_documents(put("id", 0, None)),
    "no source": in_documents(put("source", 0, None)),
    "no language": in_documents(put("language", 0, None)),
    "a score that is no number": in_documents(put("language_score", 0, float("nan"))),
    "a NUL": in_documents(put("text", 0, lambda text: "\x00" + text[1:])),
    "an id changed": in_documents(put("id", 0, "f" * 32)),
    "an id twice": in_documents(lambda table: put("id", 0, table["id"][1].as_py())(table)),
    "a score above one": in_documents(put("language_score", 0, 1.5)),
    "a score changed": in_documents(put("language_score", 0, 0.123)),
    "a licence changed": in_documents(put("licence", 0, "cc0-1.0")),
    "a source renamed": in_documents(put("source", 0, "elsewhere")),
    "found text called made": in_documents(put("synthetic", 0, True)),
    "a column taken out": in_documents(lambda table: table.drop_columns(["url"])),
    "a column too many": in_documents(
        lambda table: table.append_column("note", pa.repeat("x", table.num_rows))
    ),
    "a column of another type": in_documents(
        lambda table: table.set_column(
            table.schema.get_field_index("text"), "text", pc.cast(table["text"], pa.large_binary())
        )
    ),
    "a ledger row taken out": in_ledger(lambda table: table.slice(1)),
    "a published document called dropped": in_ledger(where("published", "fate", "dropped")),
    "a dropped document called published": in_ledger(where("dropped", "fate", "published")),
    "a fate that there is not": in_ledger(where("dropped", "fate", "lost")),
    "another reason": in_ledger(where("dropped", "reason", "too_long")),
    "another shard in the ledger": in_ledger(
        where("published", "shard", "data/eus_Latn/train-00007-of-00008.parquet")
    ),
    "another row in the ledger": in_ledger(where("published", "row", lambda row: row + 1)),
    "a duplicate of nothing": in_ledger(where("duplicate", "duplicate_of", "f" * 32)),
    "made from nothing": in_ledger(where("published", "parent_id", "f" * 32)),
    "a missing ledger file": remove_file("ledger/*"),
    "a missing ledger file, resealed": resealed(remove_file("ledger/*")),
    "missing rejects": remove_file("rejects/*"),
    "more documents on the card": in_json(
        "card.json", lambda card: _count(card, "eus_Latn", "documents", 1)
    ),
    "more words on the card": in_json(
        "card.json", lambda card: _count(card, "eus_Latn", "words", 1000)
    ),
    "a better score on the card": in_json(
        "card.json", lambda card: _count(card, "eus_Latn", "score_millionths", 1)
    ),
    "fewer losses on the card": in_json("card.json", lambda card: card["fates"].pop(0)),
    "another licence on the card": in_json(
        "card.json", lambda card: card["identity"].update(licence="mit", title="Other")
    ),
    "no card": resealed(remove_file("card.json")),
    "a card edited by hand": in_text("README.md", lambda text: text.replace("Basque", "Bask", 1)),
    "a report edited by hand": in_text(
        "report.html", lambda text: text.replace("</p>", " </p>", 1)
    ),
    "statistics edited by hand": in_text(
        "statistics.json", lambda text: text.replace('"documents": ', '"documents": 1')
    ),
    "another recipe": in_text("recipe.toml", lambda text: text + "\n# more\n"),
    "another count of a phase": in_json(
        "manifest.json", lambda manifest: _one_more(manifest["phases"], "dropped")
    ),
    "another count of a split": in_json(
        "manifest.json", lambda manifest: _one_more(manifest["splits"], "documents_in")
    ),
    "another version of a package": in_json(
        "manifest.json", lambda manifest: manifest["packages"].update(polars="0.0.1")
    ),
    "another version of the corpus": in_json(
        "manifest.json", lambda manifest: manifest.update(version="9.9.9")
    ),
    "a file listed twice": in_json(
        "manifest.json", lambda manifest: manifest["files"].append(dict(manifest["files"][0]))
    ),
    "a cut manifest": cut_manifest,
}


def made_file(kind: str) -> Callable[[Path], Path]:
    return lambda corpus: min(corpus.glob(f"{kind}/**/*.parquet"))


def in_made(kind: str, change: Callable[[pa.Table], pa.Table]) -> Corruption:
    """Change a file of what was made; the manifest states its new bytes, and its new rows, too."""

    def corrupt(corpus: Path) -> None:
        path = made_file(kind)(corpus)
        table = change(pq.ParquetFile(path).read())
        pq.write_table(table, path)
        reseal(corpus)
        if kind != "samples":  # of which no card tells how many there are
            name = str(path.relative_to(corpus))
            manifest = json.loads((corpus / "manifest.json").read_text())
            for record in manifest["files"]:
                if record["path"] == name:
                    record["rows"] = table.num_rows
            (corpus / "manifest.json").write_text(json.dumps(manifest))

    return corrupt


def change_byte(kind: str) -> Corruption:
    def corrupt(corpus: Path) -> None:
        path = made_file(kind)(corpus)
        content = path.read_bytes()
        path.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])

    return corrupt


def _swapped(table: pa.Table) -> pa.Table:
    names = {"source_language": "target_language", "target_language": "source_language"}
    return table.rename_columns([names.get(name, name) for name in table.schema.names]).select(
        table.schema.names
    )


def _more_published(card: Json) -> None:
    counts = card["synthesis"][0]
    first = next(iter(counts["published"]))
    counts["published"][first] += 1
    counts["made"] += 1


# of what was made of documents: pairs, training samples, synthetic rows, what the card shows
MADE_CORRUPTIONS: dict[str, Corruption] = {
    "a changed byte of bitext": change_byte("bitext"),
    "a changed byte of samples of pairs": change_byte("samples"),
    "a changed byte of synthetic rows": change_byte("synthetic"),
    "a changed byte of document pairs": change_byte("document_pairs"),
    "a dropped pair": in_made("bitext", lambda table: table.slice(1)),
    "a dropped sample of pairs": in_made("samples", lambda table: table.slice(1)),
    "a dropped synthetic row": in_made("synthetic", lambda table: table.slice(1)),
    "a pair in another language": in_made("bitext", put("target_language", 0, "deu_Latn")),
    "pairs the other way round": in_made("bitext", _swapped),
    "document pairs the other way round": in_made("document_pairs", _swapped),
    "a sample of pairs in another language": in_made(
        "samples", put("target_language", 0, "deu_Latn")
    ),
    "a synthetic row in another language": in_made("synthetic", put("language", 0, "deu")),
    "a pair of no document": in_made("bitext", put("parent_id", 0, "f" * 32)),
    "a document pair of no document": in_made("document_pairs", put("id", 0, "f" * 32)),
    "a sample of no document": in_made("samples", put("id", 0, "f" * 32)),
    "a rejected pair called passed": in_made(
        "bitext", lambda table: put("reason", 0, lambda old: None if old else "length_ratio")(table)
    ),
    "a column of bitext taken out": in_made("bitext", lambda table: table.drop_columns(["line"])),
    "a column of samples taken out": in_made(
        "samples", lambda table: table.drop_columns(["reason"])
    ),
    "a synthetic row of another strategy": in_made("synthetic", put("strategy", 0, "other/1")),
    "more sentences on the card": in_json(
        "card.json", lambda card: _one_more(card["translations"], "sentences")
    ),
    "more synthetic rows on the card": in_json("card.json", _more_published),
    "another synthetic sample on the card": in_json(
        "card.json", lambda card: card["synthetic"][0]["samples"][0].update(row="{}")
    ),
    "another sample on the card": in_json(
        "card.json", lambda card: card["statistics"]["eus_Latn"]["samples"][0].update(text="Bai.")
    ),
}


def corruptions() -> Iterator[tuple[str, Corruption]]:
    yield from CORRUPTIONS.items()
