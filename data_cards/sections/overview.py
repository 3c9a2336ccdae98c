"""What a reader wants to see first, worked out from the facts of a card: the languages, totals, and
limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from data_cards.languages import LanguageFacts, is_language, language_facts
from data_cards.sections.splits import split_limitations
from schemas.card.card import Card
from schemas.card.splits import subset_to_load
from schemas.card.statistics import SHARE_BINS, TextStatistics, TextVolume
from schemas.language import UNDETERMINED, one_code, parse_label, to_iso639_3
from schemas.orthography import words_are_spaced

FEW_DOCUMENTS = 100
LICENCES_SHOWN = 20
LOW_SCORE_BINS = SHARE_BINS // 2  # scores below 0.5


class LanguageRow(NamedTuple):
    """One line of the languages table."""

    facts: LanguageFacts
    statistics: TextStatistics
    share: float  # of the corpus, in code points
    mean_score: float | None
    mean_other_share: float | None
    made: TextVolume  # what a model or a rule made from other texts; the rest was found
    declared_same: float | None  # of the documents that declare a readable language

    @property
    def label(self) -> str:
        """The row's `language_Script`."""
        return self.facts.label

    @property
    def found_documents(self) -> int:
        """Documents that were read, not made."""
        return self.statistics.documents - self.made.documents


def language_rows(card: Card) -> tuple[LanguageRow, ...]:
    """List the languages of a card, largest first in code points; what is in no known language
    comes last."""
    total = sum(part.code_points for part in card.statistics.values())
    rows = [
        LanguageRow(
            language_facts(label),
            part,
            part.code_points / total if total else 0.0,
            _mean(part.score_millionths, sum(part.scores)),
            _mean(part.other_language_millionths, sum(part.other_language_shares)),
            added(part.made.values()),
            _declared_same(label, part),
        )
        for label, part in card.statistics.items()
    ]

    def rank(row: LanguageRow) -> tuple[bool, int, int, str]:
        return (
            not is_language(row.label),
            -row.statistics.code_points,
            -row.statistics.documents,
            row.label,
        )

    return tuple(sorted(rows, key=rank))


def _mean(millionths: int, count: int) -> float | None:
    return millionths / count / 1e6 if count else None


def _declared_same(label: str, part: TextStatistics) -> float | None:
    language = parse_label(label).language
    readable = {code: count for code, count in part.declared.items() if to_iso639_3(code)}
    same = sum(count for code, count in readable.items() if same_language(code, language))
    return same / sum(readable.values()) if readable else None


def same_language(declared: str, language: str) -> bool:
    """Tell whether a declared ISO 639-3 code fits a language: the same by `one_code`, or its
    macrolanguage.

    >>> same_language("nor", "nno"), same_language("fil", "tgl"), same_language("nob", "nno")
    (True, True, False)
    """
    return one_code(declared) == one_code(language) or declared == _macrolanguage(language)


def _macrolanguage(code: str) -> str | None:
    from iso639 import Lang
    from iso639.exceptions import InvalidLanguageValue

    try:
        macro = Lang(code).macro()
    except InvalidLanguageValue:
        return None
    return str(macro.pt3) if macro else None


class Totals(NamedTuple):
    """Sums over all languages."""

    languages: int  # und and zxx are none
    documents: int
    code_points: int
    utf8_bytes: int
    words: int  # in languages that space their words
    file_bytes: int
    made: TextVolume
    documents_read: int

    @property
    def found_documents(self) -> int:
        """Published documents that were read, not made."""
        return self.documents - self.made.documents


def totals(card: Card) -> Totals:
    """Sum up a card's statistics."""
    parts = card.statistics.values()
    return Totals(
        len({parse_label(label).language for label in card.statistics if is_language(label)}),
        sum(part.documents for part in parts),
        sum(part.code_points for part in parts),
        sum(part.utf8_bytes for part in parts),
        sum(part.words or 0 for part in parts),
        sum(file.size_bytes for file in card.files),
        added(volume for part in parts for volume in part.made.values()),
        sum(source.documents for source in card.sources),
    )


def added(volumes: Iterable[TextVolume]) -> TextVolume:
    """Add up amounts of text."""
    found = list(volumes)
    return TextVolume(
        **{name: sum(getattr(volume, name) for volume in found) for name in TextVolume.model_fields}
    )


class SourceVolume(NamedTuple):
    """What was published of a source: texts as found, and texts made from those."""

    found: TextVolume
    made: TextVolume


def source_volumes(card: Card) -> dict[str, SourceVolume]:
    """Add up what was published of each source."""
    names = {
        *(source.name for source in card.sources),
        *(n for part in card.statistics.values() for n in part.sources),
    }
    volumes = {}
    for name in sorted(names):
        published = added(
            part.sources[name] for part in card.statistics.values() if name in part.sources
        )
        made = added(part.made[name] for part in card.statistics.values() if name in part.made)
        found = {
            field: getattr(published, field) - getattr(made, field)
            for field in TextVolume.model_fields
        }
        volumes[name] = SourceVolume(TextVolume(**found), made)
    return volumes


PURE = 0.9  # a lower expected precision stands among the limitations


def merge_sizes(parts: Iterable[TextStatistics]) -> TextStatistics:
    """Add up what the size of rows as one Arrow table follows from: documents, bits, and nulls by
    column."""
    found = list(parts)
    names = sorted({name for part in found for name in part.nulls})
    return TextStatistics(
        documents=sum(part.documents for part in found),
        arrow_bits=sum(part.arrow_bits for part in found),
        nulls={name: sum(part.nulls.get(name, 0) for part in found) for name in names},
    )


def added_bins(bins: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Add up histograms of the same bins; none gives none."""
    return tuple(sum(column) for column in zip(*bins, strict=True))


def limitations(card: Card) -> tuple[str, ...]:
    """State what the figures show a reader to beware of, then what the recipe's author wrote."""
    all_documents = totals(card).documents
    parts = card.statistics
    found = []

    def documents(count: int, what: str) -> None:
        if count:
            found.append(
                f"{count:,} of {all_documents:,} documents ({count / all_documents:.1%}) {what}."
            )

    if any(sum(part.scores) for part in parts.values()):
        found.append(
            "Models identified the languages; their scores are probabilities and not proofs."
        )
        documents(
            sum(
                part.documents - added(part.made.values()).documents - sum(part.scores)
                for label, part in parts.items()
                if is_language(label)
            ),
            "have no language score: no model could tell their language, which is the one that their source declares",
        )
    documents(
        sum(sum(part.scores[:LOW_SCORE_BINS]) for part in parts.values()),
        "have a language score below 0.5",
    )
    documents(
        sum(
            part.documents
            for label, part in parts.items()
            if parse_label(label).language == UNDETERMINED
        ),
        "are in no language that reached its threshold (und)",
    )

    def is_large(label: str) -> bool:  # a few documents have no shares to speak of
        return label in parts and parts[label].documents >= FEW_DOCUMENTS

    if impure := sorted(
        (share, label) for label, share in card.expected_precision.items() if share < PURE
    ):
        shown = _shortened([f"{label} ({share:.0%})" for share, label in impure if is_large(label)])
        if shown:
            found.append(
                "As models confuse languages and this corpus mixes them, fewer than nine in ten documents are expected "
                f"to be in the language of their label in {', '.join(shown)}."
            )
    if card.unmatched_labels:
        found.append(
            f"No document was in {', '.join(card.unmatched_labels)}, which the recipe asks for."
        )
    documents(
        sum(part.nulls.get("licence", 0) for part in parts.values()),
        "carry no licence of their own",
    )
    undated = sum(part.nulls.get("date", 0) for part in parts.values())
    if undated < all_documents:  # else nobody expects dates
        documents(undated, "carry no date, or one that is not ISO 8601 and was left out")
    documents(totals(card).made.documents, "were made from others by a model or a rule")
    small = [label for label, part in parts.items() if part.documents < FEW_DOCUMENTS]
    if small:
        found.append(
            f"{len(small):,} of {len(parts):,} subsets hold fewer than {FEW_DOCUMENTS} documents."
        )
    uncounted = [label for label in parts if not words_are_spaced(label)]
    if uncounted:
        found.append(
            "Words are not counted where spelling does not space them: "
            + ", ".join(_shortened(uncounted))
            + "."
        )
    if cut_short := sum(report.exhausted_buckets or 0 for report in card.deduplication):
        found.append(
            f"Some near duplicates may be left: {cut_short:,} buckets held more kept documents than others of the "
            "bucket were compared with."
        )
    found += split_limitations(card)
    if len(card.sources) == 1:
        found.append("All documents come from one source, and share its bias in subject and style.")
    return (*found, *card.identity.limitations)


def _shortened(labels: Sequence[str], most: int = 12) -> list[str]:
    return (
        [*labels[:most], f"and {len(labels) - most} more"] if len(labels) > most else list(labels)
    )


def compact(count: float) -> str:
    """Write a count in at most five characters.

    >>> [compact(n) for n in (0, 999, 1000, 15_340, 999_999, 2_500_000_000)]
    ['0', '999', '1k', '15k', '1M', '2.5G']
    """
    for unit, size in (("", 1), ("k", 10**3), ("M", 10**6), ("G", 10**9), ("T", 10**12)):
        scaled = count / size
        if scaled < 999.5 or unit == "T":
            return (
                f"{scaled:.1f}".removesuffix(".0") + unit
                if scaled < 9.95
                else f"{scaled:.0f}{unit}"
            )
    raise AssertionError("unreachable: the last unit takes everything")


def binary_size(count: int) -> str:
    """Write a number of bytes with a binary unit.

    >>> [binary_size(n) for n in (512, 2048, 5_000_000)]
    ['512 B', '2.0 KiB', '4.8 MiB']
    """
    if count < 1024:
        return f"{count} B"
    size, units = float(count), iter(("KiB", "MiB", "GiB", "TiB", "PiB"))
    unit = ""
    while size >= 1023.95:
        size, unit = size / 1024, next(units)
    return f"{size:.1f} {unit}"


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    rows = language_rows(card)
    return {
        "totals": totals(card),
        "rows": rows,
        "to_load": subset_to_load(
            [row.label for row in rows], {(file.language, file.split) for file in card.files}
        ),
        "largest_share": max((row.share for row in rows), default=0.0),
        "volumes": source_volumes(card),
        "licences": licences(card),
        "limitations": limitations(card),
    }


def licences(card: Card) -> list[tuple[str, int]]:
    """Count the commonest licences of the documents, then all others as one."""
    counts: Counter[str] = Counter()
    for part in card.statistics.values():
        counts.update(part.licences)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown, others = ranked[:LICENCES_SHOWN], ranked[LICENCES_SHOWN:]
    return (
        [*shown, (f"{len(others)} others", sum(number for _, number in others))]
        if others
        else shown
    )
