"""Instructions by templates in the target language, from labelled data that is there: no model is
asked.

Study: instruction tuning on Slavic languages by templates that speakers wrote, filled in with
labelled documents. What a template says is right by construction; what it needs is a column that
the recipe keeps of the source.

A template file is TOML, for one language and script:

    label = "eus_Latn"
    version = "1"

    [[templates]]
    name = "topic"
    user = "Zer gairi buruzkoa da testu hau?\\n\\n{{ text }}"
    assistant = "{{ topic }}"

    [templates.values.topic]      # words for the values of a column; a row with another value is rejected
    sport = "kirola"
    economy = "ekonomia"

`text` is the document, every other name a column of it. `system` may give a first turn.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schemas.language import parse_label
from stages.batches import StageConfig, located
from stages.script_detection import detect_scripts
from stages.synthesis.options import SynthesisConfig
from stages.synthesis.passages import Passage
from stages.synthesis.prompt_files import Prompt
from stages.synthesis.strategy import Rejection, Row, Strategy, Talk


class TemplateInstructionsOptions(StageConfig):
    """Options of `template_instructions`."""

    files: tuple[str, ...] = Field(
        min_length=1, description="Template files, one or more for each language."
    )

    def at_home(self, base: str) -> Self:
        return self.model_copy(update={"files": tuple(located(path, base) for path in self.files)})


class Template(BaseModel):
    """One template."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    user: str = Field(min_length=1)
    assistant: str = Field(min_length=1)
    system: str = ""
    values: dict[str, dict[str, str]] = {}  # column -> value -> word

    @property
    def turns(self) -> tuple[tuple[str, str], ...]:
        return tuple(
            (role, text)
            for role in ("system", "user", "assistant")
            if (text := getattr(self, role))
        )

    def prompt(self) -> Prompt:
        """Return the template as a prompt file, to be rendered in the same sandbox."""
        return Prompt(self.name, "".join(f"[{role}]\n{text}\n" for role, text in self.turns))


class TemplateFile(BaseModel):
    """All templates of a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    version: str = Field(min_length=1)
    licence: str = ""
    templates: tuple[Template, ...] = Field(min_length=1)

    @field_validator("label")
    @classmethod
    def _known(cls, label: str) -> str:
        return str(parse_label(label))


def read_templates(path: str) -> TemplateFile:
    """Read and check a template file; raises OSError, or ValueError that says what is wrong,
    template by template."""
    try:
        read = TemplateFile.model_validate(tomllib.loads(Path(path).read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not TOML: {error}") from None
    except ValidationError as error:
        lines = (f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ValueError("\n".join(lines)) from None
    names = [template.name for template in read.templates]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(
            f"{path}: templates must have different names, got {', '.join(twice)} more than once"
        )
    wanted = parse_label(read.label).script
    for template in read.templates:
        prompt = template.prompt()
        columns = _columns(prompt)
        if unused := sorted(set(template.values) - columns):
            raise ValueError(
                f"{path}: template {template.name} gives words for {', '.join(unused)}, and uses none of it"
            )
        script = detect_scripts(pa.array([prompt.literal], pa.large_string()))[0].as_py()
        if script not in (wanted, "Zyyy"):
            raise ValueError(
                f"{path}: template {template.name} must be in {wanted}, its own words are in {script}"
            )
    return read


def _columns(prompt: Prompt) -> set[str]:
    """List what a template wants filled in; raises ValueError if it is no template."""
    from jinja2 import Environment, TemplateError, meta

    try:
        return set(meta.find_undeclared_variables(Environment().parse(prompt.text)))  # noqa: S701 - parsed, not rendered
    except TemplateError as error:
        raise ValueError(f"template {prompt.name}: {error}") from None


class TemplateInstructions(Strategy):
    """Labelled document to conversations, one for each template of its language."""

    configurations = ("conversation",)
    whole_documents = True
    Options = TemplateInstructionsOptions

    def __init__(self, options: Any, config: SynthesisConfig) -> None:
        super().__init__(options, config)
        self._files = [read_templates(path) for path in options.files]

    def files(self) -> Sequence[str]:
        files: tuple[str, ...] = self.options.files
        return files

    def templates(self) -> Sequence[Prompt]:
        return [template.prompt() for file in self._files for template in file.templates]

    def make(self, passage: Passage) -> Talk:
        yield from ()
        made = [
            _fill(template, passage)
            for file in self._files
            if file.label == passage.label
            for template in file.templates
        ]
        return made or [Rejection("no_template", passage.label)]


def _fill(template: Template, passage: Passage) -> Row | Rejection:
    values: dict[str, Any] = {**passage.columns, "text": passage.text}
    prompt = template.prompt()
    for name in sorted(_columns(prompt)):
        if values.get(name) is None:
            return Rejection("no_value", f"{template.name}: {name}")
        if name in template.values:
            word = template.values[name].get(str(values[name]))
            if word is None:
                return Rejection("no_word", f"{template.name}: {name} = {values[name]}"[:200])
            values[name] = word
    messages = [{"role": turn.role, "content": turn.content} for turn in prompt.render(values)]
    return Row(
        "conversation", {"messages": messages, "tools": None}, likeness="", template=prompt.sha256
    )
