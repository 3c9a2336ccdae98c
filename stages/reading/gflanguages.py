"""Read the sample texts of the Python package `gflanguages`: real text in about 750 language-script
pairs, offline.

Most are passages of the Universal Declaration of Human Rights. A language's five passages (the
package calls them specimens, by the font size they are meant for) make one document; its shorter
fields are cut from them or are single letters. The package's own code, such as `uz_Cyrl`, becomes
the declared language: gold labels for language identification.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata, resources

import pyarrow as pa

from schemas.source import GflanguagesSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import whole_file_split
from stages.reading.records import make_records, record_schema

PASSAGES = ("specimen_48", "specimen_36", "specimen_32", "specimen_21", "specimen_16")


def find(_source: GflanguagesSource, _base: str) -> tuple[list[InputFile], list[str]]:
    """Return the installed package as if it were one file, named with its version."""
    folder = resources.files("gflanguages.data").joinpath("languages")
    with resources.as_file(folder) as path:
        size_bytes = sum(file.stat().st_size for file in path.glob("*.textproto"))
        name = f"gflanguages-{metadata.version('gflanguages')}"
        return [InputFile(path=name, location=str(path), file_bytes=size_bytes)], []


def plan(
    source: GflanguagesSource, files: Sequence[InputFile], _split_bytes: int
) -> Iterator[InputSplit]:
    """Return one split: a megabyte of text."""
    return (whole_file_split(source.name, file) for file in files)


def problems(_source: GflanguagesSource, _files: Sequence[InputFile]) -> list[str]:
    """Return nothing: the package is a dependency."""
    return []


def read(split: InputSplit, source: GflanguagesSource) -> Iterator[pa.RecordBatch]:
    """Yield one record for each language-script pair that has sample text, sorted by the package's
    code."""
    from gflanguages import LoadLanguages

    languages = sorted(LoadLanguages().items())
    described = [
        (code, language) for code, language in languages if language.HasField("sample_text")
    ]
    # 755 small messages, once: a protocol buffer has no columns.
    yield make_records(
        record_schema(),
        source,
        [f"{split.path}/{code}" for code, _ in described],
        [0] * len(described),
        text=[
            "\n".join(getattr(language.sample_text, name) for name in PASSAGES)
            for _, language in described
        ],
        declared_language=[f"{language.language}_{language.script}" for _, language in described],
    )
