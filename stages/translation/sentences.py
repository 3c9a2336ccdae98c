"""Cut texts into lines and sentences for translation, so that nothing is lost and all can be put
together again.

    text        "# Bat\\n\\nKaixo! Zer moduz?"
    line        0: "# Bat"   1: ""   2: "Kaixo! Zer moduz?"
    sentence    lead "# " text "Bat" | text "Kaixo!" gap " " | text "Zer moduz?" gap ""

A line is a paragraph: a translation has as many lines as its source. What opens a line (bullets,
numbers of lists, quotation marks of mail) is its `lead` and is not translated.

Terminators are those of UAX #29 (Sentence_Terminal) without the clause mark U+104A, and the Tibetan
shads. Latin, Cyrillic and other terminators of ASCII need white space after them, and no small
letter after that; a full stop, no abbreviation, single letter or small consonants alone before it.
Thai and Lao have none: a long line of theirs is cut at its spaces.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa

# Terminators that end a sentence whatever follows.
_STRONG = (
    r"\x{589}\x{61d}-\x{61f}\x{6d4}\x{700}-\x{702}\x{7f9}\x{837}\x{839}\x{83d}\x{83e}\x{964}\x{965}\x{f0d}\x{f0e}"
    r"\x{104b}\x{1362}\x{1367}\x{1368}\x{166e}\x{1735}\x{1736}\x{17d4}\x{17d5}\x{1803}\x{1809}\x{1944}\x{1945}"
    r"\x{1aa8}-\x{1aab}\x{1b5a}\x{1b5b}\x{1b5e}\x{1b5f}\x{1c3b}\x{1c3c}\x{1c7e}\x{1c7f}\x{2cf9}-\x{2cfb}\x{3002}"
    r"\x{a4ff}\x{a60e}\x{a60f}\x{a6f3}\x{a6f7}\x{a876}\x{a877}\x{a8ce}\x{a8cf}\x{a92f}\x{a9c8}\x{a9c9}"
    r"\x{aa5d}-\x{aa5f}\x{aaf0}\x{aaf1}\x{abeb}\x{ff01}\x{ff0e}\x{ff1f}\x{ff61}"
)
_WEAK = r".!?\x{2026}\x{203c}\x{203d}\x{2047}-\x{2049}\x{37e}"
_CLOSING = r"\x22'\x{2019}\x{201d}\x{bb}\x{203a}\x{300d}\x{300f}\x{ff09}\x{3011}\)\]"
_OPENING = r"\x22'\x{2018}\x{201c}\x{201e}\x{ab}\x{2039}\x{bf}\x{a1}\(\[\x{300c}\x{300e}"
_ETHIOPIC = r"\x{1361}\x{1361}"  # two word spaces, as many type the full stop
_PIECE = rf"(?s).*?(?:[{_STRONG}{_WEAK}]|{_ETHIOPIC})+[{_CLOSING}]*\s*|.+"
_ENDS_STRONG = rf"(?:[{_STRONG}]|{_ETHIOPIC})[{_WEAK}]*[{_CLOSING}]*\s*$"
_ENDS_SPACED = rf"[{_WEAK}][{_CLOSING}]*\s+$"
_GOES_ON = rf"^[{_OPENING}]*[\p{{Ll}},;:)\]]"
_BULLETS = r"[\s>#*|\x{2022}\x{b7}\x{25cf}\x{25aa}\x{2013}\x{2014}-]+"
_LEAD = rf"^(?:{_BULLETS}|(?:\p{{Nd}}{{1,3}}[.)]|\p{{L}}\))\s+)+"
_ORDINAL = rf"^(?:{_BULLETS})?\p{{Nd}}+\.\s+\p{{Ll}}"  # "3. artikulua": a number of the sentence, not of a list
# Abbreviations before which a sentence goes on, of the languages that use the Latin and Cyrillic
# full stop for them.
_ABBREVIATIONS = (
    "mr|mrs|ms|dr|prof|st|no|nr|vs|etc|cf|ca|e\\.g|i\\.e|fig|al|vol|pp|art|sr|sra|srta|dra|ud|uds|vd|av|núm|pág|"
    "jn|and|or|adib|etab|bzw|z\\.b|d\\.h|usw|ggf|vgl|bijv|bv|enz|dhr|mevr|t\\.d|o\\.fl|m\\.a|bls|г|гг|т\\.е|т\\.д|т\\.п|им|"
    "стр|рис|см"
)
# Most short words without a vowel are cut, in any language: kl., Str., bzw., but PDF. is whole.
_CONSONANT = (
    r"b-df-hj-np-tv-xz\x{431}-\x{434}\x{436}\x{437}\x{43a}-\x{43d}\x{43f}-\x{442}\x{444}-\x{449}"
)
_CONSONANTS = rf"(?i:[{_CONSONANT}])[{_CONSONANT}]{{1,3}}"
_ABBREVIATED = rf"(?:^|[\s({_OPENING}])(?:(?i:\p{{L}}|{_ABBREVIATIONS})|{_CONSONANTS})\.\s+$"
_WITHOUT_TERMINATORS = r"[\p{Thai}\p{Lao}]"
_LONG_WITHOUT = 120  # code points of Thai or Lao from which on a line is cut at spaces

SENTENCE_COLUMNS = ("row", "line", "lead", "text", "gap")


def cut_sentences(texts: pa.Array, max_code_points: int) -> pl.DataFrame:
    """Cut n texts (no nulls) into sentences, in order: columns row, line, lead, text, gap.

    The `lead`, `text` and `gap` of a line's sentences, in a row, are the line; lines are joined by
    line feeds. An empty line is one row with an empty text.

    >>> frame = cut_sentences(pa.array(["1. Bai. Ez, Jon jn. etorri da!"]), 600)
    >>> frame.select("lead", "text", "gap").rows()
    [('1. ', 'Bai.', ' '), ('', 'Ez, Jon jn. etorri da!', '')]
    """
    lines = (
        pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)})
        .with_row_index("row")
        .select("row", pl.col("text").str.split("\n"))
        .explode("text")
        .with_columns(line=pl.int_range(pl.len()).over("row"))
    )
    bullets, lead = (
        pl.col("text").str.extract(pattern, 0).fill_null("") for pattern in (f"^{_BULLETS}", _LEAD)
    )
    lines = lines.with_columns(
        lead=pl.when(pl.col("text").str.contains(_ORDINAL)).then(bullets).otherwise(lead)
    )
    rest = pl.col("text").str.slice(pl.col("lead").str.len_chars())
    # What is nothing but a lead ("---") stays one.
    pieces_of = (
        pl.when(rest == "").then(pl.concat_list(pl.lit(""))).otherwise(rest.str.extract_all(_PIECE))
    )
    lines = lines.with_columns(pieces=pieces_of).with_row_index("place")
    pieces = lines.select("place", "pieces").explode("pieces")
    piece, following = pl.col("pieces"), pl.col("pieces").shift(-1).over("place")
    ends = piece.str.contains(_ENDS_STRONG) | (
        piece.str.contains(_ENDS_SPACED)
        & ~following.str.contains(_GOES_ON).fill_null(False)
        & ~piece.str.contains(_ABBREVIATED)
    )
    pieces = pieces.with_columns(ends=ends).with_columns(
        sentence=pl.col("ends").cast(pl.Int64).cum_sum().shift(1, fill_value=0).over("place")
    )
    sentences = pieces.group_by("place", "sentence", maintain_order=True).agg(
        pl.col("pieces").str.join("")
    )
    sentences = _cut_long(sentences, max_code_points)
    sentences = sentences.with_columns(
        text=pl.col("pieces").str.strip_chars_end(),
        gap=pl.col("pieces").str.extract(r"(\s*)$", 1).fill_null(""),
    )
    first = pl.int_range(pl.len()).over("place") == 0
    return sentences.join(
        lines.select("place", "row", "line", "lead"), on="place", how="left", maintain_order="left"
    ).select(
        "row",
        "line",
        pl.when(first).then("lead").otherwise(pl.lit("")).alias("lead"),
        "text",
        "gap",
    )


def _cut_long(sentences: pl.DataFrame, max_code_points: int) -> pl.DataFrame:
    """Cut what is too long after the last comma or space that fits, else between letters and their
    marks."""
    most = min(max_code_points, _LONG_WITHOUT)
    unended = pl.col("pieces").str.contains(_WITHOUT_TERMINATORS) & (
        pl.col("pieces").str.len_chars() > most
    )
    long = pl.col("pieces").str.len_chars() > max_code_points

    def cut(length: int) -> pl.Expr:
        stops = r"[\s,;:\x{60c}\x{61b}\x{104a}\x{3001}\x{ff0c}\x{ff1b}]"
        # Both alternatives begin differently: the regex library takes out a common beginning, and
        # then prefers wrongly.
        return pl.col("pieces").str.extract_all(
            rf"(?s).{{0,{length - 1}}}{stops}+|.{{1,{length}}}\p{{M}}*\s*"
        )

    kept = pl.concat_list("pieces")
    return sentences.with_columns(
        pieces=pl.when(long)
        .then(cut(max_code_points))
        .when(unended)
        .then(cut(most))
        .otherwise(kept)
    ).explode("pieces")
