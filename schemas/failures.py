"""Errors that a user can fix: each is said in one line that ends with what to do, and never as a
traceback."""

from __future__ import annotations

import sys


class MisuseError(ValueError):
    """A command, recipe or folder asks for what cannot be; nothing was run. Exit code 2."""


class FailureError(RuntimeError):
    """The work began and could not be finished. Exit code 1."""


def store_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return what stores raise, together with other errors: OSError, and what loaded clients raise.

    S3's does so where it lacks credentials, the Hub's where it cannot be reached.
    """
    clients = {"botocore.exceptions": "BotoCoreError", "httpx2": "TransportError"}
    loaded = {
        sys.modules[module]: name for module, name in clients.items() if module in sys.modules
    }
    return (OSError, *others, *(getattr(module, name) for module, name in loaded.items()))
