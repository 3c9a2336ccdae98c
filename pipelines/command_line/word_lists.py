"""`glotmill wordlists`: lists of words learned from trusted text, and tables from sentence
pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemas.failures import MisuseError

wordlists_app = typer.Typer(
    help="Learn stop words, words of one language alone, and words that stand for each other.",
    epilog="Example: glotmill wordlists learn trusted.parquet --output words.json",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@wordlists_app.callback()
def _group() -> None:
    """Learn stop words, words of one language alone, and words that stand for each other."""


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


@wordlists_app.command(
    "align",
    epilog="Example: glotmill wordlists align pairs.parquet --direction 'eus_Latn -> eng_Latn' --output table.tsv",
)
def wordlists_align(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="PARQUET...", help="Sentence pairs: files of the folder bitext of a corpus."
        ),
    ],
    direction: Annotated[
        str, typer.Option(help="From which language to which, as 'eus_Latn -> eng_Latn'.")
    ],
    output: Annotated[Path, typer.Option(help="Table to write: source, tab, target.")],
    least_links: Annotated[
        int, typer.Option(min=1, help="Sentences in which the two were linked, at least.")
    ] = 3,
    least_share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the sentences with the source, at least."),
    ] = 0.5,
) -> None:
    """Learn which words and phrases stand for each other, from sentence pairs.

    The table is what [[synthesize]] strategy = "code_switching" and "entity_insertions" take. Read
    it before you use it: what was linked by chance is in it too.
    """
    from stages.engines.engine import parse_direction
    from stages.translation.alignment import learn_table, read_sentences, write_table

    try:
        way = parse_direction(direction)
        pairs = read_sentences(files, way)
        table = learn_table(*pairs, least_links, least_share)
    except (ValueError, OSError) as error:
        raise MisuseError(" ".join(str(error).split())) from None
    if not len(table):
        raise MisuseError(
            f"nothing was linked often enough in {len(pairs[0]):,} sentence pairs; give more, or --least-links 2"
        )
    write_table(table, output)
    print(
        f"{output}: written; {len(table):,} entries from {len(pairs[0]):,} sentence pairs of {way}"
    )
