"""QUALITY_SIGNALS: what the quality filters measure of a text; columns of the corpus if the recipe
keeps them."""

from __future__ import annotations

import pyarrow as pa

from schemas.columns import column

SIGNALS_VERSION = "glotmill-signals/3"  # a new one with every change of what a signal measures
TOP_GRAMS = (2, 3, 4)
DUPLICATE_GRAMS = (5, 6, 7, 8, 9, 10)


def _share(name: str, description: str) -> pa.Field:
    return column(name, pa.float64(), description)


def _count(name: str, description: str) -> pa.Field:
    return column(name, pa.int64(), description)


QUALITY_SIGNALS = pa.schema(
    [
        _count("words", "Words of the text with a letter or digit; syllables in Tibetan script."),
        _count(
            "tokens",
            "Words and punctuation marks; a repeated mark counts once, and a hyphen or slash on one side of a word, or "
            "a stop before it, with the word.",
        ),
        _share(
            "mean_word_length",
            "Code points in a word, marks included, on average; 0 without words.",
        ),
        _share("alphabetic_word_share", "Words with a letter, over words; 0 without words."),
        _share(
            "alphabetic_token_share",
            "Words with a letter, over words and punctuation marks; 0 without either.",
        ),
        _share("hash_share", "Number signs (#) over tokens; 0 without tokens."),
        _share(
            "ellipsis_share", "Ellipses (three dots or one sign) over tokens; 0 without tokens."
        ),
        column(
            "stop_words",
            pa.int64(),
            "Distinct stop words in the text; null if its language has no list.",
            nullable=True,
        ),
        _count("lines", "Lines with anything but white space."),
        _share(
            "mean_line_length",
            "Code points in such a line, white space around it left out, on average.",
        ),
        _share("bullet_line_share", "Lines that begin with a bullet, over lines."),
        _share("ellipsis_line_share", "Lines that end in an ellipsis, over lines."),
        _share("symbol_line_share", "Lines without a letter or digit, over lines."),
        _share(
            "short_line_share",
            "Lines of at most 30 code points (a Han, Kana or Hangul letter is 3), over lines.",
        ),
        _share(
            "end_mark_line_share",
            "Lines that end in an end mark of any script, a comma or a semicolon, over lines.",
        ),
        _share(
            "line_break_share", "Line breaks over tokens; without tokens the number of line breaks."
        ),
        _count("long_lines", "Lines of at least 200 code points."),
        _count("paragraphs", "Runs of lines without an empty line between them."),
        _share("duplicate_line_share", "Lines equal to an earlier one, over lines."),
        _share(
            "duplicate_line_character_share",
            "Code points in lines equal to an earlier one, over code points.",
        ),
        _share("duplicate_paragraph_share", "Paragraphs equal to an earlier one, over paragraphs."),
        _share(
            "duplicate_paragraph_character_share",
            "Code points in such paragraphs, over code points.",
        ),
        *(
            _share(
                f"top_{n}_gram_share",
                f"Code points in the most frequent {n}-gram that repeats, over code points.",
            )
            for n in TOP_GRAMS
        ),
        *(
            _share(
                f"duplicate_{n}_gram_share",
                f"Code points of words in a {n}-gram met before, over code points.",
            )
            for n in DUPLICATE_GRAMS
        ),
        _count("c4_sentences", "Sentences in the lines that C4 would keep."),
        _count("curly_brackets", "Opening curly brackets."),
        _count("lorem_ipsum", "1 if the text has the words lorem ipsum, else 0."),
    ]
)
