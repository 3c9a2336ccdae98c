"""Addresses of files stand in recipes, ledgers, manifests and messages: none may hold what lets a
stranger in."""

from __future__ import annotations

import re

from schemas.failures import MisuseError

# A password before the host, and the signed queries of S3 (both versions), Google Cloud Storage and
# Azure: AWS Signature Version 4, Google's signed URLs, Azure's shared access signatures.
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*@")
_SIGNED = re.compile(
    r"([?&](?:X-Amz-(?:Credential|Signature|Security-Token)|X-Goog-(?:Credential|Signature)|AWSAccessKeyId|Signature"
    r"|sig|access_token)=)[^&\s]*",
    re.IGNORECASE,
)


def without_credentials(words: str) -> str:
    """Leave out of an address, or of words with one, the keys of who asks.

    >>> without_credentials("s3://AKIA:secret@bucket/a")
    's3://…@bucket/a'
    >>> without_credentials("https://b.example/a?versionId=1&X-Amz-Signature=9f")
    'https://b.example/a?versionId=1&X-Amz-Signature=…'
    >>> without_credentials("hf://datasets/a/b@main/c.parquet")
    'hf://datasets/a/b@main/c.parquet'
    """
    return _SIGNED.sub(r"\1…", _PASSWORD.sub("…@", words))


def require_no_credentials(address: str) -> None:
    """Raise MisuseError for an address with a password or a signature, which does not repeat it."""
    hidden = without_credentials(address)
    if hidden != address:
        raise MisuseError(
            f"{hidden} holds credentials, which would be published with the corpus: leave them to the provider's own "
            "chain, such as its environment variables or its configuration file"
        )
