"""What only people can say of a corpus: the questions of Data Statements and Datasheets that no
count answers.

Sources: Bender and Friedman, "Data Statements for Natural Language Processing", TACL 6, 2018; Gebru
et al., "Datasheets for Datasets", Communications of the ACM 64, 2021.
"""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart

_LONGEST = 20_000


def _question(words: str) -> str:
    answer: str = Field(default="", max_length=_LONGEST, description=words)
    return answer


class Statements(CardPart):
    """Answers in the words of whoever made the corpus, as plain text; empty while not given."""

    curation_rationale: str = _question("Why were these texts chosen, and what was the goal?")
    language_varieties: str = _question(
        "Which varieties, dialects and registers of each language are there?"
    )
    speakers: str = _question(
        "Who wrote or said the texts: age, gender, region, native language, as far as is known?"
    )
    situation: str = _question(
        "When, where and for whom were the texts written; spoken or written, edited or not?"
    )
    consent: str = _question(
        "Did the people who wrote the texts agree to this use? How was their right to object kept?"
    )
    intended_uses: str = _question("What is the corpus for?")
    uses_to_avoid: str = _question("What is it not for?")
    biases: str = _question("What is over- or under-represented: topics, groups, views?")
    limitations: str = _question("What else should a user know before relying on it?")
    social_impact: str = _question(
        "What good or harm may come of it for the people who speak these languages?"
    )
    maintenance: str = _question(
        "Who keeps the corpus, how are errors corrected, when is the next version?"
    )
    removal: str = _question("How does somebody have their text removed?")
    citation: str = _question("How is it cited?")


def questions() -> dict[str, str]:
    """Return the question of each statement by its name, in order."""
    return {name: field.description or "" for name, field in Statements.model_fields.items()}
