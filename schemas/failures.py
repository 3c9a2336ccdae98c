"""Errors that a user can fix: each is said in one line that ends with what to do, and never as a
traceback."""

from __future__ import annotations

import sys
from errno import EDQUOT, ENOSPC


class MisuseError(ValueError):
    """A command, recipe or folder asks for what cannot be; nothing was run. Exit code 2."""


class FailureError(RuntimeError):
    """The work began and could not be finished. Exit code 1."""


def is_full(error: BaseException) -> bool:
    """Say if an error means that a disk, or one's share of it, is full."""
    return isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT)


def go_on(after: BaseException) -> str:
    """Say how a run goes on after an error of the system."""
    remedy = "make room" if is_full(after) else "fix it"
    return f"nothing finished is lost: {remedy}, then run the same command again"


def store_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return what stores raise, together with other errors: OSError, and what loaded clients raise.

    S3's does so where it lacks credentials or cannot be reached, Google's for every answer that is
    no file, the Hub's where it cannot be reached.
    """
    clients = {
        "botocore.exceptions": "BotoCoreError",
        "gcsfs.retry": "HttpError",
        "google.auth.exceptions": "GoogleAuthError",
        "aiohttp": "ClientError",
        "httpx2": "TransportError",
    }
    loaded = {
        sys.modules[module]: name for module, name in clients.items() if module in sys.modules
    }
    return (OSError, *others, *(getattr(module, name) for module, name in loaded.items()))
