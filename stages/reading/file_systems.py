"""Open the file system of an address: what can be known to be wrong is said at once.

Clients of object stores try again and again where nothing answers, and Google's look for minutes
for a server that only machines of Google's have.
"""

from __future__ import annotations

import logging
import os
import socket
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import fsspec

from schemas.credentials import require_no_credentials
from schemas.failures import MisuseError

_BUCKETS = ("s3", "gs", "gcs")  # protocols whose addresses begin with a bucket
_ANSWER_SECONDS = 3.0  # within which a server must take a connection


def open_file_system(url: str, *, tried: bool = False, **options: object) -> tuple[Any, str]:
    """Return the file system of a path or URL, as fsspec does, and what that calls it. Where
    another process has `tried` the store, it is known to answer.

    Credentials come from the provider's own chain. Raises MisuseError for an address that has some,
    that names no bucket, whose protocol is unknown, or, of Google's, where nothing answers.
    """
    protocol = urlsplit(url).scheme if "://" in url else ""
    require_no_credentials(url)
    if protocol in _BUCKETS and not urlsplit(url).netloc:
        raise MisuseError(f"{url!r} names no bucket, as in {protocol}://bucket/corpus")
    if protocol in ("gs", "gcs"):  # its client logs each failure with its traceback
        logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
        logging.getLogger("google.auth").setLevel(logging.ERROR)
        if not tried and "NO_GCE_CHECK" not in os.environ:
            _look_for_metadata_server()
    try:
        fs, root = fsspec.url_to_fs(url, **options)
    except (ValueError, ImportError) as error:
        raise MisuseError(f"{url!r} cannot be opened: {error}") from error
    if protocol in ("gs", "gcs") and not tried:
        _require_answer(str(fs._location))
    return fs, root


@lru_cache
def _look_for_metadata_server() -> None:
    """Spare Google's clients the minutes in which they look for the server that machines of
    Google's have, where nothing is at its address."""
    try:
        host = os.environ.get("GCE_METADATA_HOST", "169.254.169.254")
        socket.create_connection((host, 80), _ANSWER_SECONDS).close()
    except OSError:
        os.environ.setdefault("NO_GCE_CHECK", "true")


@lru_cache
def _require_answer(address: str) -> None:
    """Raise MisuseError if nothing answers at the address of a store: its client would try again
    and again. Behind a proxy nobody can know."""
    place = urlsplit(address)
    if any(os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY")):
        return
    try:
        port = place.port or (443 if place.scheme == "https" else 80)
        socket.create_connection((place.hostname or "", port), _ANSWER_SECONDS).close()
    except OSError as error:
        raise MisuseError(f"{address} cannot be reached: {error.strerror or error}") from None
