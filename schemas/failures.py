"""Errors that a user can mend: each is said in one line that ends with what to do, and never as a traceback."""

from __future__ import annotations


class MisuseError(ValueError):
    """A command, recipe or folder asks for what cannot be; nothing was run. Exit code 2."""


class FailureError(RuntimeError):
    """The work began and could not be finished. Exit code 1."""
