"""Prompt files: messages as Jinja templates, rendered in a sandbox, with found text as data between
marks.

    [system]
    You write questions in {{ language }}.
    [user]
    {{ document | data }}

A line with a role in brackets begins a message; one that is empty once it is filled in is left out.
The file is cut into messages before it is rendered, so that no text of a document can open one.
`data` puts a text between two marks that carry a hash of it, which the text cannot know. The
sandbox has no access to files or modules.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from stages.engines.chat import Message

_ROLE = re.compile(r"^\[(system|user|assistant)\][ \t]*$\n?", re.MULTILINE)
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
MARK = "\u27ea{} {}\u27eb"


class Prompt(NamedTuple):
    """A prompt file: its name, its text, and the hash by which rows name it."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def literal(self) -> str:
        """The prompt's own words, without what is filled in."""
        return _JINJA.sub("\n", _ROLE.sub("\n", self.text))

    def render(self, values: Mapping[str, Any]) -> tuple[Message, ...]:
        """Fill in a prompt; raises ValueError for a value that it wants and does not get."""
        from jinja2 import TemplateError

        try:
            written = [
                (role, template.render(**values).strip())
                for role, template in _templates(self.name, self.text)
            ]
        except TemplateError as error:
            raise ValueError(f"prompt {self.name}: {error}") from None
        return tuple(Message(role, content) for role, content in written if content)


@cache
def _templates(name: str, text: str) -> tuple[tuple[str, Any], ...]:
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["data"] = as_data
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    parts = _ROLE.split(text)
    if len(parts) < 3 or _JINJA.sub("", parts[0]).strip():
        raise ValueError(
            f"prompt {name} must begin with a line [system] or [user], before its first message"
        )
    try:
        return tuple(
            (role, environment.from_string(content))
            for role, content in zip(parts[1::2], parts[2::2], strict=True)
        )
    except TemplateError as error:
        raise ValueError(f"prompt {name}: {error}") from None


def as_data(text: str) -> str:
    """Put a text between marks that it cannot hold itself, since they carry its hash.

    >>> print(as_data("Kaixo"))
    ⟪text 4b339be3⟫
    Kaixo
    ⟪end 4b339be3⟫
    """
    tag = data_tag(text)
    return f"{MARK.format('text', tag)}\n{text}\n{MARK.format('end', tag)}"


def data_tag(text: str) -> str:
    """Return the hash that the marks around a text carry."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()


def built_in_prompt(name: str) -> Prompt:
    """Read a prompt that comes with a strategy, such as `extractive_qa.2`."""
    file = resources.files("stages.synthesis.prompts").joinpath(f"{name}.jinja")
    return Prompt(name, file.read_text(encoding="utf-8"))


def read_prompt(path: str) -> Prompt:
    """Read a user's prompt file, and see that it can be rendered; raises OSError or ValueError."""
    prompt = Prompt(Path(path).name, Path(path).read_text(encoding="utf-8"))
    _templates(prompt.name, prompt.text)
    return prompt
