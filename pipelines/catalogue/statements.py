"""The file of what only people can say of a corpus: written to be filled, and read for the card."""

from __future__ import annotations

from pathlib import Path

from schemas.card.statements import Statements, questions
from schemas.recipe import parse_recipe

HEAD = """\
# What only people can say of a corpus, for its card. Write answers between the quotes, as plain text. Leave empty
# what you do not know: the card names it as missing. Name this file in the recipe,
#     [corpus]
#     statements = "card.toml"
# or give it to a finished corpus: glotmill card write out/my_corpus --statements card.toml
"""


def statements_template() -> str:
    """Write the file to fill: each question as a comment, with an empty answer."""
    return HEAD + "".join(
        f'\n# {question}\n{name} = """\n"""\n' for name, question in questions().items()
    )


def read_statements(path: str) -> Statements:
    """Read a filled file; raises OSError if it cannot be read, RecipeError with every mistake and
    its line."""
    try:
        text = Path(path).read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8, got other bytes at {error.start}") from None
    return parse_recipe(text, Statements, path)
