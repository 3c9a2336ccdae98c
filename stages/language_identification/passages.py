"""Cut documents into passages: what a language model is asked about, and how much each counts.

A page is rarely in one language throughout, and much of it is in none. So the unit of
identification is not the document but the passage: a line with enough letters, or a run of shorter
lines of one script put together. Lines that are code, addresses, numbers or markup (`no_language`)
are left out, and say so.

What comes out is ready for any model: lower case (in capitals lid.176 is right on 18 % of
sentences), no control characters, noncharacters, addresses or tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stages.language_identification.calibration import NOISE_SCRIPTS
from stages.language_identification.line_repair import repaired, where, without_repeats
from stages.script_detection import (
    ScriptCounts,
    by_content,
    count_scripts,
    main_scripts,
    utf8_bytes,
)

# a line longer than LONG_LINE is cut into pieces of about this many code points, at spaces
PIECE_CODE_POINTS = 250
LONG_LINE = 400
SHORT_LINE_LETTERS = 50  # shorter lines of one script are put together
PASSAGE_LETTERS = 200  # up to about this many letters
MIN_LETTER_SHARE = 0.5  # of what is neither space nor mark; running text of any script has over 0.8
MIN_LINE_LETTERS = 2
# brackets, operators and the like, of all code points; running text has next to none
MAX_CODE_MARKS = 0.06
SAMPLE_WINDOWS = 8

_BREAKS = r"[\r\x0B\x0C\x1C-\x1E\x{85}\x{2028}\x{2029}]"
_CONTROLS = r"[\p{Cc}\p{Noncharacter_Code_Point}--\n]"
# ASCII classes and boundaries: with Unicode ones the search falls back to a matcher ten times as
# slow.
_W, _B = "[A-Za-z0-9_]", r"(?-u:\b)"
_ADDRESS = (
    rf"(?:https?|ftp)://[!-~]+|{_B}www\.[!-~]+|[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+"
)
_NO_LANGUAGE = (
    _ADDRESS + r"|</?[A-Za-z!][^<>]*>|&#?[A-Za-z0-9]+;"  # tags and entities
    rf"|{_B}(?:0x)?[0-9A-Fa-f]*[0-9][0-9A-Fa-f]{{6,}}{_B}"  # hexadecimal numbers
    rf"|[A-Za-z0-9]*_{_W}+|[A-Za-z0-9]+(?:\.{_W}+)*\("  # snake_case, calls()
    r"|(?:[A-Za-z0-9_.:-]*[/\\]){2,}[A-Za-z0-9_.-]*"  # paths
)
_LONG_RUN = "[A-Za-z0-9+/=_-]{30,}"  # base64, hashes, keys; or words without spaces between
# lines are cut before
_LONG_RUNS = re.compile(rf"{_ADDRESS.replace(_B, chr(92) + 'b')}|({_LONG_RUN})", re.ASCII)
_BEFORE_CAPITAL = re.compile("(?<=[a-z])(?=[A-Z])")
_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+")
_MEAN_WORD = 3.0  # letters; in base64 capitals come at random, and words are of 2
_WORDS_SHARE = 0.8  # letters of a run of words; base64 of 60 characters passes both in 3 of 1,000
_OTHER_LETTER = (
    r"[[\p{L}\p{M}]--[\p{Latin}\p{Common}\p{Inherited}]]"  # of another script than Latin
)
_THEN_BLANK = r"([\p{L}\p{M}]) "
_INVISIBLE = r"[\x{AD}\x{200B}\x{2060}\x{FEFF}]"  # hyphens and word breaks that are not seen
# of all code points: a break after every letter; between words they are a tenth
_MOSTLY_INVISIBLE = 0.3
# Letters before a blank, of all code points: "l i k e   t h i s" has 0.44, with words of three letters
# (Persian, Urdu) 0.375; other text has a sixth, Vietnamese a quarter.
_SPACED_OUT = 0.35
_CODE_MARKS = r"[{}\[\]<>=|\\$^~`+*_]|;$|[#@](?:\P{L}|$)"  # before a letter # and @ are a topic's or a person's
# Style sheets: rules (`.menu li a { color: red; }`), and a property alone on its line.
_RULE = r"[A-Za-z0-9_.#:,>+~*@()'\"= \[\]-]{1,60}\{(?:\s*-{0,2}[a-z]+(?:-[a-z]+)*\s*:[^{};]*;?)*\s*\}?\s*"
_PROPERTY = (
    r"-{0,2}(?:[a-z]+-)?(?:background|border|color|cursor|display|float|font|height|line|list|margin|max|min"
    r"|overflow|padding|position|text|transform|transition|vertical|white|width)(?:-[a-z]+)*\s*:[^;{}]*;"
)
_LINE_OF_CODE = (  # Python, Java, C, SQL
    r"import [A-Za-z0-9_.]+(?: as [A-Za-z0-9_]+)?;?|from [A-Za-z0-9_.]+ import [A-Za-z0-9_., *()]+"
    r"|(?:async )?def [A-Za-z0-9_]+\(.*|class [A-Za-z0-9_]+(?:\([A-Za-z0-9_., =]*\))?:(?: pass)?"
    r"|return(?: [A-Za-z0-9_.]+(?:\(.*\))?(?: [-+*/%] [A-Za-z0-9_.]+)*)?;?|(?:pass|break|continue|else:|try:);?"
    r"|(?:if|elif|while|for) [A-Za-z0-9_. ()]+:|#include .*|(?:using|package) [A-Za-z0-9_.]+;"
    r"|SELECT (?:[A-Z]+ )?[a-z_*].* FROM .*|(?:INSERT INTO|(?:CREATE|DROP) TABLE|DELETE FROM) [a-z_].*"  # small
    r"|UPDATE [a-z_][a-z0-9_.]* SET .*"
)
_STATEMENT = f"^(?:(?:{_RULE})+|{_PROPERTY}|{_LINE_OF_CODE})$"  # code that has few marks


# A line of two scripts is in the other one, not in Latin, if that has half of the letters; or a
# sixth, where the Latin words are terms: running text has short words in small letters (articles,
# prepositions, endings), every third or so.
MIN_OWN_SCRIPT = 0.15
MAX_SHORT_WORDS = 0.2


# One to four words in small letters but for their first (or in capitals, or initials), with
# particles of up to three letters between (`van den`), after a number or a title (`Dr.`) and before
# years.
_OF_NAME = r"(?:\p{Lu}\.)+|\p{Lu}[\p{Lu}\p{M}'\x{2019}]+|\p{Lu}[\p{Ll}\p{M}'\x{2019}][\p{L}\p{M}'\x{2019}]*\.?"
_NAME = (
    rf"(?:\d{{1,3}}[.)]?\s+)?(?:{_OF_NAME})(?:[ -](?:\p{{Ll}}{{1,3}} ){{0,2}}(?:{_OF_NAME}|\p{{Lu}})){{0,3}}"
    r"(?:\s*\(?\d[\d/\x{2013}-]*\)?)?"
)
_NAME_BREAK = r"(?:\s*[,;/|&\x{B7}\x{2022}\t]\s*|\s+[-\x{2013}\x{2014}]\s+)"
_LIST_OF_NAMES = f"^{_NAME}(?:{_NAME_BREAK}{_NAME})*[.;,]?$"
_NOT_IN_NAMES = r" \p{Ll}{4}"  # a blank, and more small letters than a particle has
MIN_NAMES = 3

# Names in running text: words with a capital that follow each other, and one inside a sentence.
# Where they have so much of a line's letters, they decide what a model says of it (it takes French
# about Bruce Perens for Cornish), and what is left says more. In headings and in capitals too
# little is left; German has no line that is so full of nouns.
_CAPITALIZED = r"\p{Lu}[\p{L}\p{M}'\x{2019}-]*"
_NAMES_OF_A_ROW = rf"{_CAPITALIZED}(?:\.? {_CAPITALIZED})+"
_NAME_INSIDE = rf"([\p{{Ll}}\p{{M}}0-9,;:)\x{{BB}}\x{{201D}}\"'] ){_CAPITALIZED}"
MIN_CAPITALS = 0.04  # of all code points, or names have no such part of the letters
NAMES_SHARE = 0.3
LEFT_SHARE, LEFT_WORDS = 0.35, 4  # words and numbers


class Passages(NamedTuple):
    """Passages of n documents, in order: the document each belongs to, its text, script and weight
    in letters.

    `new_letters` are those of lines that the document has not had before: what is repeated is no
    further evidence. `names` are the passages that are lists of names.
    """

    documents: NDArray[np.int64]
    texts: pa.Array
    scripts: list[str]
    letters: NDArray[np.float64]
    new_letters: NDArray[np.float64]
    names: NDArray[np.bool_]


def cut_passages(texts: pa.Array, max_code_points: int) -> Passages:
    """Cut n texts (no nulls) into passages; of a text over `max_code_points`, evenly spread pieces
    that sum to that."""
    sampled = sample_long_texts(texts, max_code_points)
    lines = _cut_long_lines(pl.Series(sampled).str.replace_all(_BREAKS, "\n"))
    documents = np.repeat(np.arange(len(texts)), lines.list.len().to_numpy())
    # pages repeat their menus
    distinct = lines.explode(empty_as_null=False).to_arrow().dictionary_encode()
    numbers = distinct.indices.to_numpy(zero_copy_only=False)
    frame = judge_lines(pl.Series(distinct.dictionary, dtype=pl.String))[numbers]
    frame = frame.with_columns(document=documents, number=numbers).filter("linguistic")
    # A line counts with the letters of all its copies in the document, and stands where the first
    # of them does.
    frame = frame.group_by("document", "number", maintain_order=True).agg(
        pl.col("text", "script", "letters", "names").first(),
        pl.col("letters").sum().alias("weight"),
    )
    return _join_short_lines(frame)


def _cut_long_lines(texts: pl.Series) -> pl.Series:
    """Split each text at line feeds, and a line of over LONG_LINE code points at about every
    PIECE_CODE_POINTS."""
    lines = texts.str.split("\n")
    long = (lines.list.eval(pl.element().str.len_chars()).list.max() > LONG_LINE).fill_null(False)
    if not long.any():
        return lines
    cut = [  # a search and a slice a piece, in the texts that have long lines
        [piece for line in text for piece in (_pieces(line) if len(line) > LONG_LINE else (line,))]
        for text in lines.filter(long).to_list()
    ]
    rows = long.cast(pl.Int64).cum_sum() - 1
    longer = pl.Series(cut, dtype=pl.List(pl.String))
    return pl.select(pl.when(long).then(longer.gather(rows.clip(0))).otherwise(lines)).to_series()


def _pieces(line: str) -> Iterator[str]:
    start = 0
    while len(line) - start > LONG_LINE:
        end = line.find(" ", start + PIECE_CODE_POINTS, start + LONG_LINE)
        # scripts without spaces, or no text at all
        end = end if end >= 0 else start + PIECE_CODE_POINTS
        yield line[start:end]
        start = end
    yield line[start:]


def judge_lines(lines: pl.Series) -> pl.DataFrame:
    """Make lines readable and judge each: columns text, script, letters (by content), linguistic,
    names.

    `names` counts the names of a line that may be a list of them.
    """
    line = lines.str.strip_chars()
    broken = line.str.count_matches(_INVISIBLE) >= (_MOSTLY_INVISIBLE * line.str.len_chars()).clip(
        1
    )
    line = where(broken, line, lambda some: some.str.replace_all(_INVISIBLE, ""))
    spaced_out = line.str.count_matches(_THEN_BLANK) >= _SPACED_OUT * line.str.len_chars()
    line = where(spaced_out, line, lambda some: some.str.replace_all(_THEN_BLANK, "${1}"))
    line, without_words = without_repeats(repaired(line))
    text = readable(line)
    counts = count_scripts(text.to_arrow())
    code_points = line.str.len_chars().to_numpy()
    marks = line.str.count_matches(_CODE_MARKS).to_numpy()
    plain_letters = counts.letters
    counts = by_content(counts)
    letters = counts.letters
    scripts = pl.Series(_own_scripts(line, counts), dtype=pl.String)
    is_code = (marks > MAX_CODE_MARKS * code_points) & scripts.is_in(NOISE_SCRIPTS).to_numpy()
    linguistic = (
        (letters >= MIN_LINE_LETTERS)
        & (letters >= MIN_LETTER_SHARE * (counts.code_points - counts.neutral))
        & (letters >= MIN_LETTER_SHARE / 2 * (code_points + letters - plain_letters))
        & ~is_code
        & ~without_words
        & ~line.str.contains(_STATEMENT).to_numpy()
    )
    return pl.DataFrame(
        {
            "text": _in_own_script(_without_names(line, text), scripts),
            "script": scripts,
            "letters": letters,
            "linguistic": linguistic,
            "names": _count_names(line),
        }
    )


def _count_names(lines: pl.Series) -> pl.Series:
    """Count the names of each line that may be a list of them, 0 of others."""
    rows = (~lines.str.contains(_NOT_IN_NAMES)).arg_true()
    counts = lines.gather(rows).str.count_matches(_NAME)
    rows, counts = rows.filter(counts > 0), counts.filter(counts > 0)
    are_lists = lines.gather(rows).str.contains(_LIST_OF_NAMES)
    return pl.zeros(len(lines), counts.dtype, eager=True).scatter(rows, counts * are_lists)


def _without_names(lines: pl.Series, texts: pl.Series) -> pl.Series:
    """Take the names out of the readable `texts` of n lines that are full of them."""
    capitals = lines.str.count_matches(r"\p{Lu}")
    rows = ((capitals > 1) & (capitals >= MIN_CAPITALS * lines.str.len_chars())).arg_true()
    some = lines.gather(rows)
    left = some.str.replace_all(_NAMES_OF_A_ROW, " ").str.replace_all(_NAME_INSIDE, "${1}")
    changed = (left.str.len_bytes() < some.str.len_bytes()).arg_true()
    rows, some, left = (series.gather(changed) for series in (rows, some, left))
    letters, letters_left = (  # several times as fast as to count them one by one
        text.str.replace_all(r"\P{L}+", "").str.len_chars() for text in (some, left)
    )
    chosen = (
        (letters_left <= (1 - NAMES_SHARE) * letters)
        & (letters_left >= LEFT_SHARE * letters)
        & (left.str.count_matches(r"[\p{L}\p{M}\d]+") >= LEFT_WORDS)
    )
    return texts.scatter(rows.filter(chosen), readable(left.filter(chosen)))


def _own_scripts(lines: pl.Series, counts: ScriptCounts) -> list[str]:
    """Name the script of the language that each of n lines is in, whatever foreign terms it has."""
    scripts = main_scripts(counts)
    latin, letters = counts.of("Latn"), counts.letters
    others = letters - latin
    rows = np.flatnonzero((latin > others) & (others >= MIN_OWN_SCRIPT * letters) & (others > 0))
    if not len(rows):
        return scripts
    mixed = lines.gather(rows)
    words, short = (
        mixed.str.count_matches(rf"{_B}{word}{_B}").to_numpy()
        for word in ("[A-Za-z]+", "[a-z]{1,3}")
    )
    rows = rows[short < MAX_SHORT_WORDS * words]
    without_latin = counts._replace(
        counts=counts.counts[rows] * (np.asarray(counts.scripts) != "Latn")
    )
    for row, script in zip(rows.tolist(), main_scripts(without_latin), strict=True):
        scripts[row] = script
    return scripts


def _in_own_script(texts: pl.Series, scripts: pl.Series) -> pl.Series:
    """Take words of other scripts out of texts in Latin script, and Latin words out of others.

    Names and terms are no evidence of a text's language. A single letter stays in Cyrillic, Greek
    and Coptic, where it may stand for one of theirs.
    """
    foreign = (
        (
            scripts.is_in(["Cyrl", "Grek", "Copt"]) & texts.str.contains("[a-z]{2}"),
            r"\b\p{Latin}{2,}\b",
        ),
        (~scripts.is_in(["Latn", "Zyyy", "Cyrl", "Grek", "Copt"]), rf"{_B}[a-z]+{_B}"),
        ((scripts == "Latn") & texts.str.contains(_OTHER_LETTER), rf"\b{_OTHER_LETTER}+\b"),
    )
    for rows, words in foreign:
        if rows.any():
            texts = texts.scatter(rows.arg_true(), texts.filter(rows).str.replace_all(words, " "))
    return texts


def readable(lines: pl.Series) -> pl.Series:
    """Make lines ready for a model: lower case, and blanks for controls, noncharacters, addresses,
    tags and the like.
    """
    lines = lines.str.replace_all(_CONTROLS, " ")
    long = lines.str.contains(_LONG_RUN)
    if long.any():  # a search in each of the few lines that have such a run
        apart = pl.Series(
            [_LONG_RUNS.sub(_words, line) for line in lines.filter(long).to_list()], dtype=pl.String
        )
        lines = lines.scatter(long.arg_true(), apart)
    return lines.str.replace_all(_NO_LANGUAGE, " ").str.to_lowercase()


def _words(run: re.Match[str]) -> str:
    """Put blanks between the words of a run that is one of words (`HowAreYou`); of a key or an
    address, leave one."""
    if run[1] is None:
        return " "
    words = _WORD.findall(run[1])
    letters = sum(map(len, words))
    others = len(run[1]) - letters - run[1].count("-") - run[1].count("/")
    is_text = letters >= _MEAN_WORD * len(words) and letters >= _WORDS_SHARE * (letters + others)
    return _BEFORE_CAPITAL.sub(" ", run[1]) if is_text else " "


def _join_short_lines(frame: pl.DataFrame) -> Passages:
    """Put short lines of one document and script together, up to about PASSAGE_LETTERS.

    What is left alone and still short, such as a heading, goes with the long line after it, or else
    with the one before.
    """
    same = (pl.col("document") == pl.col("document").shift(1)) & (
        pl.col("script") == pl.col("script").shift(1)
    )
    long = pl.col("letters") >= SHORT_LINE_LETTERS
    opens = (long | long.shift(1) | ~same).fill_null(True)
    before = pl.col("letters").cum_sum() - pl.col("letters")
    in_run = before - pl.when(opens).then(before).forward_fill()
    frame = frame.with_columns(run=opens.cum_sum(), part=in_run // PASSAGE_LETTERS)
    runs = frame.group_by("run", maintain_order=True).agg(
        pl.col("document", "script").first(), pl.col("letters").sum()
    )
    alone = pl.col("letters") < SHORT_LINE_LETTERS
    after, before = (
        (pl.col("document") == pl.col("document").shift(step))
        & (pl.col("script") == pl.col("script").shift(step))
        for step in (-1, 1)
    )
    runs = runs.select(
        "run",
        group=pl.when(alone & after)
        .then(pl.col("run") + 1)
        .when(alone & before)
        .then(pl.col("run") - 1)
        .otherwise("run"),
    )
    joined = (
        frame.join(runs, on="run", maintain_order="left")
        .group_by("group", "part", maintain_order=True)
        .agg(
            pl.col("document").first(),
            pl.col("text"),
            pl.col("script").first(),
            pl.col("weight", "letters").sum(),
            names=(pl.col("names") > 0).all() & (pl.col("names").sum() >= MIN_NAMES),
        )
        .with_columns(pl.col("text").list.join(" "))  # twice as fast as to join while grouping
    )
    return Passages(
        joined["document"].to_numpy(),
        joined["text"].to_arrow().cast(pa.large_string()),
        joined["script"].to_list(),
        joined["weight"].to_numpy().astype(np.float64),
        joined["letters"].to_numpy().astype(np.float64),
        joined["names"].to_numpy(),
    )


def sample_long_texts(texts: pa.Array, max_code_points: int) -> pa.Array:
    """Shorten each text of more than `max_code_points` to evenly spread windows, joined by
    newlines.

    Only the windows are decoded, however long the text.
    """
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    long = np.flatnonzero(lengths > max_code_points)
    if not len(long):
        return texts
    data, offsets = utf8_bytes(texts)
    kept = max(max_code_points // SAMPLE_WINDOWS, 1)
    pieces: list[str] = []
    for row in long.tolist():  # a block holds few documents of this length
        start, stop = int(offsets[row]), int(offsets[row + 1])
        size = min(4 * kept, stop - start)
        begins = np.linspace(start, stop - size, SAMPLE_WINDOWS).astype(np.int64).tolist()
        windows = [
            bytes(data[begin : begin + size]).decode("utf-8", "ignore")[:kept] for begin in begins
        ]
        pieces.append("\n".join([_whole_lines(window) for window in windows]))
    mask = np.zeros(len(texts), bool)
    mask[long] = True
    whole = texts.cast(pa.large_string())
    return pc.replace_with_mask(whole, pa.array(mask), pa.array(pieces, pa.large_string()))


def _whole_lines(window: str) -> str:
    """Leave out the parts of lines at both ends of a window, if half of it remains: copies of a
    line stay copies."""
    first, last = window.find("\n"), window.rfind("\n")
    return window[first + 1 : last] if 2 * (last - first) > len(window) else window
