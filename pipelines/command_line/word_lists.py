"""`glotmill wordlists`: lists of words learned from trusted text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemas.failures import MisuseError

wordlists_app = typer.Typer(
    help="Learn stop words, and words of one language alone.",
    epilog="Example: glotmill wordlists learn trusted.parquet --output words.json",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@wordlists_app.callback()
def _group() -> None:
    """Learn stop words, and words of one language alone."""


@wordlists_app.command(
    "learn", epilog="Example: glotmill wordlists learn trusted.parquet --output words.json"
)
def wordlists_learn(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Parquet or JSON lines: trusted texts with their labels, of all languages.",
        ),
    ],
    output: Annotated[Path, typer.Option(help="File of word lists to write, JSON.")],
    text_column: Annotated[str, typer.Option(help="Column with the text.")] = "text",
) -> None:
    """Learn the lists of every language in the files, each against the others of its script.

    Labels are in a column label (eus_Latn), or in language and script. Give text of the neighbours
    too: a word belongs to one language only by comparison. A recipe names the file: [[ingest]]
    stage = "word_lists", lists = "words.json".
    """
    from stages.word_lists.lists import learn_lists, read_labelled, write_lists

    try:
        lists, refused = learn_lists(read_labelled(files, text_column))
    except (ValueError, OSError) as error:
        raise MisuseError(" ".join(str(error).split())) from None
    for label, reason in sorted(refused.items()):
        print(f"{label}: no list: {reason}")
    if not lists:
        raise MisuseError("no language has enough text for a list")
    write_lists(lists, output)
    for label, words in sorted(lists.items()):
        print(
            f"{label}: {words.documents:,} documents, {words.words:,} words; stop words {len(words.stop_words)}, at "
            f"least {words.least_stop_word_share:.1%} of a text; own words {len(words.own_words):,}"
        )
    print(f"{output}: written; languages {len(lists)}")
