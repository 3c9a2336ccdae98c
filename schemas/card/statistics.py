"""How much text there is in a language and script, as sums over any partition of the rows, and
samples of it."""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart, Count

# bin k holds lengths of k binary digits: 0, 1, 2-3, 4-7, ...; the last one all longer ones
LENGTH_BINS = 40
SHARE_BINS = 20  # bin k holds [k/20, (k+1)/20); the last one also 1
SAMPLES_KEPT = 5  # for each language
SAMPLE_CODE_POINTS = 600
HOSTS_KEPT, HOSTS_SHOWN = 1000, 20  # of a file, of a card's label
OPENING_UNITS = 100  # whose distinct ones are counted: as long for a short text as for a long one


class Sample(CardPart):
    """The beginning of one published document, chosen by the hash of its id."""

    key: str = Field(
        description="Hex BLAKE2b-64 of the document's id; the smallest keys are the samples."
    )
    id: str
    text: str = Field(
        description=f"At most {SAMPLE_CODE_POINTS} code points, cut between graphemes."
    )
    code_points: Count = Field(description="Length of the whole document.")
    source: str
    url: str | None
    licence: str | None
    language_score: float | None = Field(description="Rounded to four digits.")
    synthetic: bool


class TextVolume(CardPart):
    """How much text: documents, Unicode code points, bytes in UTF-8."""

    documents: Count = 0
    code_points: Count = 0
    utf8_bytes: Count = 0


class TermCount(CardPart):
    """How often the words of a list stand in texts."""

    documents: Count = Field(default=0, description="Documents with at least one of them.")
    occurrences: Count = 0


class TextFigures(CardPart):
    """What is counted alike for found and for made texts of one language and script.

    A unit is a word (see `TextStatistics.words`) or, where spelling puts no spaces between words, a
    code point other than white space. Those that differ are told apart as they are written.
    """

    documents: Count = 0
    words: Count | None = Field(default=0, description="Null where `TextStatistics.words` is.")
    lengths: dict[int, Count] = Field(
        default_factory=dict,
        description="Documents by length in code points, rounded down to five binary digits.",
    )
    sampled: Count = Field(
        default=0,
        description="Documents whose units were looked at: those with the smallest keys of their ids, of each file "
        "1 in 64 or about 8, whatever is more.",
    )
    units: Count = Field(default=0, description="Of the sampled documents, as all below of units.")
    trigrams: Count = Field(default=0, description="Three units in a row, within a document.")
    distinct_documents: str = Field(
        default="",
        description="HyperLogLog registers of the documents, by their texts: base 64.",
    )
    distinct_units: str = Field(default="", description="Likewise of the units.")
    distinct_trigrams: str = Field(default="", description="Likewise of the trigrams.")
    opened: Count = Field(default=0, description=f"Documents of {OPENING_UNITS} units or more.")
    opening_units: Count = Field(
        default=0, description=f"Sum over these of the distinct ones of the first {OPENING_UNITS}."
    )
    tokens: dict[str, Count] = Field(
        default_factory=dict, description="By tokenizer, where the recipe names any."
    )
    terms: dict[str, TermCount] = Field(
        default_factory=dict, description="By list, where the recipe has one for the language."
    )
    licences: dict[str, Count] = Field(
        default_factory=dict, description="Documents by licence, where one is known."
    )
    years: dict[str, Count] = Field(
        default_factory=dict, description="Documents by year, where a date is known."
    )
    hosts: dict[str, Count] = Field(
        default_factory=dict,
        description=f"Documents by host of their address: the {HOSTS_SHOWN} commonest, as far as they are among the "
        f"{HOSTS_KEPT} commonest of each file.",
    )
    distinct_hosts: str = Field(default="", description="HyperLogLog registers of the hosts.")


class TextStatistics(TextVolume):
    """What the card says about the documents of one language and script; sums over any partition of
    the rows.

    Hosts alone depend on the files: a file's commonest are kept.
    """

    words: Count | None = Field(
        default=0,
        description="Runs of characters between white space (or Ethiopic wordspace) that hold a letter or a digit; "
        "null for languages whose spelling does not separate words by spaces.",
    )
    arrow_bits: Count = Field(
        default=0,
        description="Size in Arrow memory of values and offsets, in bits; without validity bitmaps.",
    )
    lengths: tuple[Count, ...] = Field(
        default=(0,) * LENGTH_BINS,
        description="Documents by binary digits of their length in code points: 0, 1, 2-3, 4-7, ...",
    )
    scores: tuple[Count, ...] = Field(
        default=(0,) * SHARE_BINS, description="Documents by language score, in steps of 0.05."
    )
    score_millionths: Count = Field(
        default=0, description="Sum of the language scores, each rounded to 1e-6."
    )
    other_language_shares: tuple[Count, ...] = Field(
        default=(0,) * SHARE_BINS,
        description="Documents by share of letters in other languages, in steps of 0.05.",
    )
    other_language_millionths: Count = Field(
        default=0, description="Sum of those shares, each rounded to 1e-6."
    )
    sources: dict[str, TextVolume] = Field(default_factory=dict)
    made: dict[str, TextVolume] = Field(
        default_factory=dict,
        description="Of these, by source, the texts that a model or a rule made from others.",
    )
    licences: dict[str, Count] = Field(
        default_factory=dict, description="Documents by licence, where one is known."
    )
    generators: dict[str, Count] = Field(
        default_factory=dict, description="Documents by the engine that wrote them."
    )
    declared: dict[str, Count] = Field(
        default_factory=dict,
        description="Documents by the language that their page declares, where it does: ISO 639-3, or `unreadable`.",
    )
    page_kinds: dict[str, Count] = Field(
        default_factory=dict, description="Documents by the kind of their page."
    )
    page_access: dict[str, Count] = Field(
        default_factory=dict,
        description="Documents by what stands in the place of their page's content.",
    )
    extraction_fallbacks: dict[str, Count] = Field(
        default_factory=dict,
        description="Documents by the fall-back that finding their main text needed.",
    )
    runner_ups: dict[str, Count] = Field(
        default_factory=dict, description="Documents by second best label."
    )
    years: dict[str, Count] = Field(
        default_factory=dict, description="Documents by year, where a date is known."
    )
    sampling_weights: dict[int, Count] = Field(
        default_factory=dict,
        description="Documents by `sampling_weight`, where there is that column.",
    )
    page_languages: dict[int, Count] = Field(
        default_factory=dict,
        description="Documents by `page_languages`, where there is that column.",
    )
    nulls: dict[str, Count] = Field(default_factory=dict, description="Null values by column.")
    samples: tuple[Sample, ...] = ()
    found: TextFigures = TextFigures()
    made_texts: TextFigures = TextFigures()

    @property
    def num_bytes(self) -> int:
        """Bytes of these rows as one Arrow table: values, offsets, and a bitmap for each column
        with nulls."""
        bitmaps = sum(1 for nulls in self.nulls.values() if nulls)
        return -(-self.arrow_bits // 8) + bitmaps * -(-self.documents // 8)
