"""Statistics are the same for any partition of the rows, and counted as their descriptions say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_cards import statistics
from data_cards.statistics import measure, merge, read_statistics, statistics_json, statistics_of
from schemas.card.statistics import SAMPLE_CODE_POINTS, SAMPLES_KEPT, TextStatistics
from schemas.columns import SchemaError
from schemas.document import CANDIDATES, DOCUMENT

SCHEMA = pa.schema([*DOCUMENT, CANDIDATES])

documents = st.fixed_dictionaries(
    {
        "id": st.text(max_size=3),  # short, so that ids repeat
        "text": st.text(max_size=40),
        "language_score": st.none() | st.floats(0, 1, width=32),
        "runner_up_language": st.none() | st.sampled_from(["spa_Latn", "fra_Latn"]),
        "source": st.sampled_from(["web", "books"]),
        "path": st.just("p"),
        "position": st.just(0),
        "licence": st.none() | st.sampled_from(["CC0-1.0", "?"]),
        "date": st.none() | st.sampled_from(["2020-01-01", "1999", "soon", "20201"]),
        "synthetic": st.booleans(),
        "generator": st.none() | st.just("engine"),
        "declared_language": st.none() | st.sampled_from(["eu", "EN-gb", "", "x" * 50, "tlh-Latn"]),
        "other_language_share": st.none() | st.floats(0, 1, width=32),
        "language_candidates": st.none()
        | st.lists(st.fixed_dictionaries({"label": st.text(max_size=3)}), max_size=2),
    }
)


def block(rows: Sequence[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), schema=SCHEMA)


def measured(rows: Sequence[dict[str, Any]]) -> TextStatistics:
    return measure(block(rows), "eus_Latn")


@pytest.mark.slow
@given(st.lists(documents, max_size=14), st.data())
def test_any_partition_in_any_order_gives_the_same_json(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    whole = measured(rows)
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    parts = [measured(shuffled[a:b]) for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    middle = len(parts) // 2
    for merged in (merge(parts), merge([merge(parts[:middle]), merge(parts[middle:])])):
        assert statistics_json({"eus_Latn": merged}) == statistics_json(
            {"eus_Latn": merge([whole, merge([])])}
        )


@pytest.mark.slow
@given(st.lists(documents, min_size=1, max_size=8), st.data())
def test_a_slice_is_measured_like_a_copy(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(rows)))
    assert measure(block(rows).slice(start), "eus_Latn") == measured(rows[start:])


@settings(max_examples=20)
# of a file of eight documents the units of all are looked at
@given(st.lists(documents, min_size=1, max_size=8), st.integers(1, 3), st.data())
def test_the_parquet_files_alone_give_the_writers_numbers(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    group: int,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("shards") / "eus_Latn"
    folder.mkdir()
    cut = data.draw(st.integers(0, len(rows)))
    paths = []
    for number, part in enumerate((rows[:cut], rows[cut:])):
        paths.append(str(folder / f"train-{number}.parquet"))
        pq.write_table(
            pa.Table.from_batches([block(part)], SCHEMA), paths[-1], row_group_size=group
        )
    assert statistics_of(reversed(paths)) == {"eus_Latn": measured(rows)}


def test_a_folder_that_names_no_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="language must look like uzb_Cyrl"):
        statistics_of([str(tmp_path / "a.parquet")])


WORDS = {
    "eus: words between spaces": ("eus_Latn", "Gizon-emakume guztiak aske jaiotzen dira.", 5),
    "fra: a spaced punctuation mark is no word": (
        "fra_Latn",
        "\u00ab Quoi\u00a0? \u00bb \u2014 Rien\u202f!",
        2,
    ),
    "yor: combining tones stay with their word": (
        "yor_Latn",
        "o\u0301\u0323m\u1ecd \u00c8d\u00e8",
        2,
    ),
    "hin: vowel signs stay with their word": (
        "hin_Deva",
        "\u0938\u092d\u0940 \u092e\u0928\u0941\u0937\u094d\u092f",
        2,
    ),
    "amh: the wordspace divides": (
        "amh_Ethi",
        "\u1230\u120b\u121d\u1361\u1208\u12d3\u1208\u121d",
        2,
    ),
    "kor: spaces divide": ("kor_Hang", "\ubaa8\ub4e0 \uc778\uac04\uc740", 2),
    "vie: spaces divide syllables, not words": ("vie_Latn", "Vi\u1ec7t Nam", None),
    "khm: no spaces between words": ("khm_Khmr", "\u1798\u1793\u17bb\u179f\u17d2\u179f", None),
    "bod: the tsheg ends a syllable": (
        "bod_Tibt",
        "\u0f56\u0f7c\u0f51\u0f0b\u0f66\u0f90\u0f51\u0f0b",
        None,
    ),
    "zho: no spaces": ("zho_Hans", "\u4eba\u4eba\u751f\u800c\u81ea\u7531", None),
    "eus: nothing but marks": ("eus_Latn", " ... \u2014 !\n\t", 0),
}


@pytest.mark.parametrize(("label", "text", "words"), WORDS.values(), ids=WORDS.keys())
def test_words(
    label: str, text: str, words: int | None, make_row: Callable[..., dict[str, Any]]
) -> None:
    assert measure(block([make_row(text, 0, label)]), label).words == words


def test_uncounted_words_stay_uncounted_in_a_sum() -> None:
    some, none = TextStatistics(documents=1, words=3), TextStatistics(documents=1, words=None)
    assert merge([some, some]).words == 6
    assert merge([some, none]).words is merge([none, merge([])]).words is None


LENGTHS = {0: 0, 1: 1, 2: 2, 3: 2, 4: 3, 255: 8, 256: 9}


@pytest.mark.parametrize(("length", "expected"), LENGTHS.items())
def test_lengths_double(
    length: int, expected: int, make_row: Callable[..., dict[str, Any]]
) -> None:
    # Khmer letters: three bytes each, so a histogram of bytes would fail.
    lengths = measured([make_row("\u1780" * length)]).lengths
    assert [number for number, count in enumerate(lengths) if count] == [expected]


SCORES = {0.0: 0, 0.05: 1, 0.49: 9, 0.5: 10, 0.97: 19, 1.0: 19}


@pytest.mark.parametrize(("score", "expected"), SCORES.items())
def test_scores_fall_into_twentieths(
    score: float, expected: int, make_row: Callable[..., dict[str, Any]]
) -> None:
    part = measured([make_row("a", language_score=score, other_language_share=score)])
    for bins in (part.scores, part.other_language_shares):
        assert [number for number, count in enumerate(bins) if count] == [expected]
    assert part.score_millionths == part.other_language_millionths == round(score * 1e6)


def test_a_score_that_is_no_number_counts_nowhere(make_row: Callable[..., dict[str, Any]]) -> None:
    part = measured(
        [make_row("a", language_score=float("nan")), make_row("b", 1, language_score=None)]
    )
    assert (sum(part.scores), part.score_millionths, part.nulls["language_score"]) == (0, 0, 1)
    assert {sample.language_score for sample in part.samples} == {None}


def test_counts_by_key(make_row: Callable[..., dict[str, Any]]) -> None:
    part = measured(
        [
            make_row(
                "ab",
                0,
                licence="CC0-1.0",
                declared_language="eu_ES.UTF-8",
                date="2020-05",
                synthetic=True,
            ),
            make_row(
                "\u00f1", 1, source="other", declared_language="iw", date="2020", generator="engine"
            ),
            make_row(
                "", 2, declared_language="Basque", date="yesterday", runner_up_language="spa_Latn"
            ),
        ]
    )
    assert {name: volume.model_dump() for name, volume in part.sources.items()} == {
        "other": {"documents": 1, "code_points": 1, "utf8_bytes": 2},
        "udhr": {"documents": 2, "code_points": 2, "utf8_bytes": 2},
    }
    assert part.licences == {"CC0-1.0": 1}
    assert part.declared == {"heb": 1, "unreadable": 1}, (
        "no page declares the language of what was made"
    )
    assert part.years == {"2020": 2}
    assert {name: volume.documents for name, volume in part.made.items()} == {"udhr": 1}
    assert (part.generators, part.runner_ups) == ({"engine": 1}, {"spa_Latn": 1})
    assert part.nulls["licence"] == 2
    assert part.nulls["text"] == 0


def test_num_bytes_is_the_size_of_one_arrow_table(make_row: Callable[..., dict[str, Any]]) -> None:
    # All values set, none null: Arrow then needs no bitmaps, which are an implementation's choice.
    rows = [
        dict.fromkeys(DOCUMENT.names, "x" * (n % 7))
        | dict.fromkeys(("language_score", "runner_up_score", "other_language_share"), 0.5)
        | {"synthetic": True, "position": n, "cluster_size": n}
        for n in range(1000)
    ]
    batch = pa.RecordBatch.from_pylist(rows, schema=DOCUMENT)
    assert measure(batch, "eus_Latn").num_bytes == batch.nbytes


def test_num_bytes_is_what_the_datasets_library_would_record(published: Any) -> None:
    for label, part in published.card.statistics.items():
        paths = [
            published.folder / file.path for file in published.card.files if file.language == label
        ]
        assert part.num_bytes == pytest.approx(
            sum(pq.read_table(path).nbytes for path in paths), rel=0.05
        )


def test_samples_are_the_smallest_hashes_whatever_the_order(
    make_row: Callable[..., dict[str, Any]],
) -> None:
    rows = [make_row(f"text {n}", n, id=f"id-{n}") for n in range(300)]
    expected = sorted(
        rows, key=lambda row: hashlib.blake2b(row["id"].encode(), digest_size=8).hexdigest()
    )
    for part in (measured(rows), merge([measured(rows[200:]), measured(rows[:200])])):
        assert [sample.id for sample in part.samples] == [
            row["id"] for row in expected[:SAMPLES_KEPT]
        ]


def test_a_long_sample_is_cut_and_says_how_long_it_was(
    make_row: Callable[..., dict[str, Any]],
) -> None:
    (sample,) = measured([make_row("hitz " * 100_000)]).samples
    assert sample.code_points == 500_000
    assert SAMPLE_CODE_POINTS - 40 <= len(sample.text) <= SAMPLE_CODE_POINTS
    assert sample.text.endswith("hitz")


def test_a_column_of_free_text_where_few_values_belong_is_refused(
    make_row: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "MAX_DISTINCT", 3)
    parts = [measured([make_row("a", n, licence=f"licence {n}")]) for n in range(4)]
    with pytest.raises(
        ValueError, match="licences must have at most 3 different values, got 4; map a column"
    ):
        merge(parts)


def test_a_block_that_lacks_columns_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"'id' is missing .*'language_score' is missing"):
        measure(pa.record_batch({"text": pa.array(["a"], pa.large_string())}), "eus_Latn")


def test_extra_columns_are_measured_or_refused(make_row: Callable[..., dict[str, Any]]) -> None:
    plain = block([make_row("a")])
    numbers = plain.append_column("extra", pa.array([1], pa.int16()))
    assert measure(numbers, "eus_Latn").arrow_bits == measure(plain, "eus_Latn").arrow_bits + 16
    mapped = plain.append_column("extra", pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())))
    with pytest.raises(
        SchemaError, match=r"column 'extra' has type map<string, int8>, which a card cannot declare"
    ):
        measure(mapped, "eus_Latn")


def test_statistics_survive_a_done_marker(make_row: Callable[..., dict[str, Any]]) -> None:
    part = measured([make_row("\u0f56\u0f7c\u0f51 <b>", 0, url="u")])
    assert TextStatistics.model_validate_json(part.model_dump_json()) == part


def test_an_open_file_is_read_like_a_path(
    tmp_path: Path, make_row: Callable[..., dict[str, Any]]
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_batches([block([make_row("a")])]), path)
    with path.open("rb") as file:
        assert read_statistics(file, "eus_Latn") == read_statistics(path, "eus_Latn")
