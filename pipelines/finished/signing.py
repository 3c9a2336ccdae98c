"""Sign a corpus: one signature over its manifest, which holds the SHA-256 of every file.

Signatures are those of OpenSSH (`ssh-keygen -Y sign`, the format of PROTOCOL.sshsig), made with a
key that people have already, and checked by a program that every system has. The namespace keeps a
signature from being taken for one of something else.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from pipelines.staging.store import MANIFEST, SIGNATURE, Store, require_corpus
from schemas.failures import FailureError, MisuseError

NAMESPACE = "glotmill-manifest"
SECONDS = 60  # for a key on a card, or one that asks for a passphrase


def sign(store: Store, key: Path) -> str:
    """Write the signature of a finished corpus next to its manifest; return the path of the
    signature in the corpus.

    Raises StagingError without a finished corpus, MisuseError for a key that cannot sign.
    """
    require_corpus(store)
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder, MANIFEST)
        manifest.write_bytes(store.read(MANIFEST))
        done = _ssh_keygen("-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(manifest))
        if done.returncode:
            raise MisuseError(f"--key {key} does not sign: {_words(done)}")
        store.write(SIGNATURE, manifest.with_name(f"{MANIFEST}.sig").read_bytes())
    return SIGNATURE


def verify(store: Store, signers: Path | None = None) -> str:
    """Check the signature of a corpus's manifest; return who signed: a name of `signers`, or the
    key's fingerprint.

    `signers` is a file of allowed signers, as `ssh-keygen` documents it: a name and a public key on
    each line. Without it the signature says only that whoever holds the key signed this manifest.
    Raises FailureError if it does not hold.
    """
    require_corpus(store)
    if not store.exists(SIGNATURE):
        raise FailureError(
            f"{store.url} is not signed: there is no {SIGNATURE}; glotmill sign makes one"
        )
    if signers is not None and not signers.is_file():
        raise MisuseError(f"--signers must be a file of names and keys, got {str(signers)!r}")
    manifest = store.read(MANIFEST)
    with tempfile.TemporaryDirectory() as folder:
        signature = Path(folder, "signature")
        signature.write_bytes(store.read(SIGNATURE))
        named = ["-s", str(signature), "-n", NAMESPACE]
        if signers is None:
            done = _ssh_keygen("-Y", "check-novalidate", *named, given=manifest)
        else:
            found = _ssh_keygen("-Y", "find-principals", "-f", str(signers), "-s", str(signature))
            if found.returncode:
                raise FailureError(f"{store.url}: signed by a key that {signers} does not list")
            name = found.stdout.decode(errors="replace").splitlines()[0]
            done = _ssh_keygen(
                "-Y", "verify", "-f", str(signers), "-I", name, *named, given=manifest
            )
    if done.returncode:
        raise FailureError(
            f"{store.url}: the signature is not one of this manifest: {_words(done)}"
        )
    return _words(done)


def _ssh_keygen(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise MisuseError("ssh-keygen is not installed: apt-get install openssh-client")
    return subprocess.run(  # noqa: S603 - our own words, and paths that the user names
        [program, *arguments], input=given, capture_output=True, timeout=SECONDS, check=False
    )


def _words(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join((done.stdout or done.stderr).decode(errors="replace").split())
