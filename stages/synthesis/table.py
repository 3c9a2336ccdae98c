"""The one table of strategies that a recipe may name, and how one is loaded."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from schemas.alternatives import unknown
from stages.batches import StageConfig
from stages.synthesis.options import SynthesisConfig
from stages.synthesis.strategy import Strategy

STRATEGIES: Mapping[str, str] = {
    "claims": "claims:Claims",
    "code_switching": "word_tables:CodeSwitching",
    "dated_questions": "dated_questions:DatedQuestions",
    "dialogues": "dialogues:Dialogues",
    "entity_insertions": "word_tables:EntityInsertions",
    "exemplar_questions": "exemplar_questions:ExemplarQuestions",
    "extractive_qa": "extractive_qa:ExtractiveQA",
    "function_calls": "function_calls:FunctionCalls",
    "parallel_choices": "parallel_choices:ParallelChoices",
    "pivot_instructions": "pivot_instructions:PivotInstructions",
    "preferences": "preferences:Preferences",
    "prompt_template": "prompt_template:PromptTemplate",
    "rephrase": "rephrase:Rephrase",
    "reverse_instructions": "reverse_instructions:ReverseInstructions",
    "summarize_then_ask": "summarize_then_ask:SummarizeThenAsk",
    "template_instructions": "template_instructions:TemplateInstructions",
    "unseeded_instructions": "unseeded_instructions:UnseededInstructions",
}


def strategy_class(config: SynthesisConfig) -> type[Strategy]:
    """Import the class of a strategy; raises ValueError for one that there is not."""
    if config.is_code:
        return _own_class(config.strategy)
    if config.strategy not in STRATEGIES:
        raise ValueError(unknown("strategy", config.strategy, STRATEGIES))
    module, _, name = STRATEGIES[config.strategy].partition(":")
    found: type[Strategy] = getattr(
        importlib.import_module(f"stages.synthesis.strategies.{module}"), name
    )
    return found


def _own_class(written: str) -> type[Strategy]:
    path, _, name = written.rpartition(":")
    spec = importlib.util.spec_from_file_location(f"own_strategy_{Path(path).stem}", path)
    if spec is None or spec.loader is None or not Path(path).is_file():
        raise ValueError(
            f"strategy must be a name or path.py:Class, got {written!r}: no such Python file"
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise ValueError(
            f"{path} must define a class {name} that extends stages.synthesis.strategy.Strategy"
        )
    return found


def options_of(config: SynthesisConfig) -> StageConfig:
    """Check the options of a strategy; raises ValueError with a line for each that is wrong."""
    try:
        return strategy_class(config).Options.model_validate(config.options)
    except ValidationError as error:
        lines = (f"options.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ValueError("\n".join(lines)) from None


def load_strategy(config: SynthesisConfig) -> Strategy:
    """Make a strategy with its options, whose files are read and checked."""
    return strategy_class(config)(options_of(config), config)
