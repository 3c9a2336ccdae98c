"""Queries by way of a summary: what the passage says first, then what one would ask to find it.

Paper: Thakur et al. 2024, Leveraging LLMs for Synthesizing Training Data Across Many Languages in
Multilingual Dense Retrieval (SWIM-IR; the two steps are its summarize-then-ask prompting, SAP).
There five examples stand before the passage, which was chosen by its entities. Here a recipe may
give queries of the target language as examples.
"""

from __future__ import annotations

from pydantic import Field

from stages.batches import StageConfig
from stages.synthesis.passages import Passage
from stages.synthesis.shapes import TEXT, language_of, object_of
from stages.synthesis.strategy import Ask, Row, Strategy, Talk, rejection_of


class SummarizeThenAskOptions(StageConfig):
    """Options of `summarize_then_ask`."""

    queries: dict[str, tuple[str, ...]] = Field(
        default={},
        description="Queries of the target language, to show how people ask: { eus_Latn = [...] }.",
    )


class SummarizeThenAsk(Strategy):
    """Passage to a query that it answers."""

    configurations = ("retrieval",)
    prompts = ("summarize.2", "query_from_summary.2")
    gates = ("own_instruction", "grounded")
    Options = SummarizeThenAskOptions

    def make(self, passage: Passage) -> Talk:
        (summary,) = yield [Ask("summarize.2", {"document": passage.text}, object_of(summary=TEXT))]
        if summary.problem:
            return [rejection_of(summary)]
        values = {
            "language": language_of(passage),
            "summary": summary.value["summary"],
            "queries": self.options.queries.get(passage.label, ()),
            "document": passage.text,
        }
        (query,) = yield [Ask("query_from_summary.2", values, object_of(query=TEXT))]
        if query.problem:
            return [rejection_of(query)]
        return [
            Row(
                "retrieval",
                {"query": query.value["query"].strip(), "positive": passage.text, "negatives": []},
            )
        ]

    def own_texts(self) -> list[str]:
        return [query for queries in self.options.queries.values() for query in queries]
