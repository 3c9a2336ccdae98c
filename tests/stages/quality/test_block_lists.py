"""Documents are dropped for listed words of their language, domains and addresses, and nothing says
which."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from schemas.document import DOCUMENT
from stages.quality.block_lists import filter_blocked, load_block_lists, read_list
from stages.quality.options import BlockListConfig

COLUMNS = ("text", "language", "script", "url")


@pytest.fixture
def config(tmp_path: Path) -> BlockListConfig:
    lists = {
        "basque": "# comment\nZital\nbi hitz\n",
        "thai": "\u0e0a\u0e31\u0e48\u0e27\n",
        "domains": "bad.example\n\u0435\u043b.\u0440\u0444\n",
        "urls": "https://www.example.org/page/\nexample.net/a?b=1\n",
    }
    for name, content in lists.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return BlockListConfig.model_validate(
        {
            "words": {"eus": "basque", "Thai": "thai"},
            "domains": ["domains"],
            "urls": ["urls"],
            "max_matches": 1,
        }
    ).at_home(str(tmp_path))


def reason(
    config: BlockListConfig, text: str, label: str = "eus_Latn", url: str | None = None
) -> object:
    language, script = label.split("_")
    fields = [DOCUMENT.field(name) for name in COLUMNS]
    values = (text, language, script, url)
    batch = pa.RecordBatch.from_arrays(
        [pa.array([value], field.type) for value, field in zip(values, fields, strict=True)],
        schema=pa.schema(fields),
    )
    found = filter_blocked(batch, config, load_block_lists(config))
    assert found.kept.num_rows + found.rejected.num_rows == 1
    rows = found.rejected.to_pylist()
    assert all(row["detail"] is None for row in rows), "no word is shown"
    shown = {"blocked_words": url}  # no listed address is
    assert all(row["url"] == shown.get(row["reason"]) for row in rows)
    return (rows[0]["reason"], rows[0]["value"], rows[0]["threshold"]) if rows else None


THAI = "\u0e04\u0e19\u0e0a\u0e31\u0e48\u0e27\u0e0a\u0e31\u0e48\u0e27"
WORDS = {
    "two listed words, one in capitals": ("zital, ZITAL!", "eus_Latn", ("blocked_words", 2.0, 1.0)),
    "one is allowed": ("zital", "eus_Latn", None),
    "a longer word is another": ("zitala zitalak zitalez", "eus_Latn", None),
    "a phrase, over a line end": ("bi\nhitz bi hitz", "eus_Latn", ("blocked_words", 2.0, 1.0)),
    "words of another language": ("zital zital zital", "spa_Latn", None),
    "tha: anywhere, as words are not spaced": (THAI, "tha_Thai", ("blocked_words", 2.0, 1.0)),
    "no text": ("", "eus_Latn", None),
}


@pytest.mark.parametrize(("text", "label", "expected"), WORDS.values(), ids=WORDS.keys())
def test_words(config: BlockListConfig, text: str, label: str, expected: object) -> None:
    assert reason(config, text, label) == expected


URLS = {
    "the domain": ("http://bad.example/x", "blocked_domain"),
    "a subdomain with a port": ("https://www.a.bad.example:8080", "blocked_domain"),
    "an international domain": ("http://xn--e1am.xn--p1ai/", "blocked_domain"),
    "another domain that ends alike": ("http://notbad.example/", None),
    "the domain as a path": ("http://good.example/bad.example", None),
    "the address": ("http://example.org/page#top", "blocked_address"),
    "another page": ("http://example.org/page/2", None),
    "its query counts": ("https://example.net/a?b=1", "blocked_address"),
    "another query": ("https://example.net/a?b=2", None),
    "no address": (None, None),
    "not an address": ("\u0000", None),
}


@pytest.mark.parametrize(("url", "expected"), URLS.values(), ids=URLS.keys())
def test_addresses(config: BlockListConfig, url: str | None, expected: str | None) -> None:
    found = reason(config, "testu bat", "eus_Latn", url)
    assert found == (expected and (expected, 1.0, 0.0))


def test_lists_that_are_none_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("ma\u00f1ana".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin must be UTF-8; byte 2 is none"):
        read_list(str(tmp_path / "latin"))
    for encoding, problem in (
        ("utf-16", "byte 0 is none"),
        ("utf-16-le", "it holds zero bytes, as UTF-16 does"),
    ):
        (tmp_path / encoding).write_bytes("tonto\nbesoa\n".encode(encoding))
        with pytest.raises(ValueError, match=f"{encoding} must be UTF-8; {problem}"):
            read_list(str(tmp_path / encoding))
    (tmp_path / "empty").write_text("# nothing\n\n--\n")
    with pytest.raises(ValueError, match="empty has no entry"):
        read_list(str(tmp_path / "empty"))
    with pytest.raises(ValidationError, match="filter_blocked needs a list"):
        BlockListConfig()
    with pytest.raises(ValidationError, match="words must name the language of each list"):
        BlockListConfig.model_validate({"words": "basque"})
    with pytest.raises(ValidationError, match="got 'Basque'; did you mean eus_Latn"):
        BlockListConfig.model_validate({"words": {"Basque": "basque", "eus": "b", "Thai": "c"}})
    named = BlockListConfig.model_validate({"domains": ["missing"]})
    with pytest.raises(ValueError, match=r"there is no list .*missing"):
        list(named.named_models(str(tmp_path)))


def test_the_manifest_names_the_files(config: BlockListConfig, tmp_path: Path) -> None:
    named = BlockListConfig.model_validate({"words": {"any": "basque"}, "urls": ["urls"]})
    models = list(named.named_models(str(tmp_path)))
    assert [model.name for model in models] == ["basque", "urls"]
    assert all(len(model.sha256 or "") == 64 for model in models)
    by_language = BlockListConfig.model_validate({"words": {"eus": "basque"}})
    assert list(by_language.misplaced("ingest", [])) != list(named.misplaced("ingest", []))
