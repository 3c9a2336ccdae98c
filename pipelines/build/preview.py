"""What strategies of synthesis would ask and make: a few documents go through ingest and the very
code of a run.

Deduplication and decontamination look at a whole corpus, so they are left out here. Answers are
kept only while the command runs; those of the folders to `reuse` are not asked again, as in a run.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import tempfile
from collections import Counter
from collections.abc import Iterator

from pipelines.build.plan import Plan
from pipelines.catalogue.binding import bind_identify, bind_synthesis
from pipelines.phases.ingest import IngestWorker
from pipelines.phases.synthesize import passages_of
from pipelines.runners.local import Runner, run_tasks
from pipelines.staging.responses import KeptResponses, Meter
from pipelines.staging.staged import SplitAfter, staged_split
from pipelines.staging.store import Store
from schemas.failures import MisuseError
from stages.engines.chat import Generator
from stages.synthesis.gates import judge_languages
from stages.synthesis.passages import Passage
from stages.synthesis.synthesize import Bound, Outcome, converse_about, shown_row

_INDENT = "    "
# What would steer a terminal, or show a text in another order than it is stored: controls,
# directions (UAX #9), line and paragraph separators, halves of surrogate pairs.
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def shown_line(line: str) -> str:
    """Write what a terminal must not get as escapes.

    >>> shown_line("a\\x1b[31mb")
    'a\\\\u001b[31mb'
    """
    return _UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def preview_strategies(plan: Plan, limit: int) -> Iterator[str]:
    """Yield lines about the first `limit` documents that each strategy asks about."""
    recipe = plan.recipe
    if not recipe.synthesize:
        raise MisuseError(
            'the recipe has no strategy to preview; add [[synthesize]] strategy = "extractive_qa"'
        )
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as opened:
        store = Store(folder)
        tasks = plan.ingest_tasks()
        staged = run_tasks(IngestWorker(store, recipe), tasks, Runner(workers=1), lambda *_: None)
        splits = [
            SplitAfter(store, staged_split(task.name, staged[task.name]), []) for task in tasks
        ]
        identify = bind_identify(recipe)
        for place, (bound, generator) in enumerate(bind_synthesis(recipe)):
            opened.callback(generator.close)  # it may be that of the next strategy as well
            responses = KeptResponses(
                store, f"responses-{place}", bound.config.reuse, Meter(store, f"{place}.log")
            )
            passages = _of_documents(
                (p for split in splits for p in passages_of(store, split, bound)), limit
            )
            yield f"strategy {bound.name}, {generator.identity if bound.config.engine else 'no model'}"
            counts: Counter[str] = Counter()
            conversations = (converse_about(passage, bound) for passage in passages)
            for outcome in responses.converse(generator, bound.config.token_budget, conversations):
                verdicts = judge_languages(
                    [row.candidate for row in outcome.rows],
                    bound.config.gates,
                    identify if bound.config.gates.language else None,
                )
                yield from _shown(outcome, bound, generator, responses, counts)
                for row, verdict in zip(outcome.rows, verdicts, strict=True):
                    counts["rejected" if verdict else "published"] += 1
                    said = f"rejected: {verdict.reason} ({verdict.detail})" if verdict else "passes"
                    measured = "".join(
                        f", {name} {value:g}"
                        for name, value in (
                            ("agreement", row.agreement),
                            ("score", row.judge_score),
                        )
                        if value is not None
                    )
                    yield f"{_INDENT}{said}{measured}: {shown_row(row.candidate.row)}"
            yield from _summed(counts, bound)
            responses.close()


def _of_documents(passages: Iterator[Passage], limit: int) -> Iterator[Passage]:
    groups = itertools.groupby(passages, key=lambda passage: passage.document_id)
    for _, group in itertools.islice(groups, limit):
        yield from group


def _shown(
    outcome: Outcome,
    bound: Bound,
    generator: Generator,
    responses: KeptResponses,
    counts: Counter[str],
) -> Iterator[str]:
    passage = outcome.passage
    counts["passages"] += 1
    yield f"\ndocument {passage.document_id} ({passage.label}), passage from code point {passage.start}"
    for one in outcome.asked:
        for request, completion in zip(one.requests, one.completions, strict=True):
            tokens = responses.tokens(request.key(generator.identity))
            counts["tokens"] += sum(tokens)
            counts["questions"] += 1
            yield f"  {one.ask.prompt}, seed {request.seed}, temperature {request.temperature:g}"
            for message in request.messages:
                yield f"  [{message.role}]"
                yield from (_INDENT + line for line in message.content.split("\n"))
            yield f"  [answer: {completion.finish}, {tokens[0]:,} + {tokens[1]:,} tokens]"
            yield from (_INDENT + line for line in completion.content.split("\n"))
        if one.reply.problem:
            yield f"  {one.reply.problem}: {one.reply.detail or 'no answer of the right form'}"
    yield "  rows"
    for rejection in outcome.rejections:
        counts["rejected"] += 1
        measured = (
            ""
            if rejection.value is None
            else f", {rejection.value:g} against {rejection.threshold:g}"
        )
        yield f"{_INDENT}rejected: {rejection.reason} ({rejection.detail}){measured}"


def _summed(counts: Counter[str], bound: Bound) -> Iterator[str]:
    passages = max(counts["passages"], 1)
    asked = f"{counts['passages']:,} passages, {counts['questions']:,} questions, {counts['tokens']:,} tokens"
    cost = f"{counts['tokens'] / passages:,.0f} a passage"
    yield f"\n{bound.name}: {asked} ({cost}), {counts['published']:,} rows pass, {counts['rejected']:,} are rejected"
    if bound.config.token_budget and counts["tokens"]:
        yield f"the budget of {bound.config.token_budget:,} tokens is enough for some " + (
            f"{bound.config.token_budget * passages // counts['tokens']:,} passages"
        )
