"""Are the files there, all of them and no others, with the bytes that the manifest states?"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.staging.store import MANIFEST, SIGNATURE, StagingError, Store
from schemas.finding import Finding, error, warning
from schemas.manifest import Manifest

CHECK = "files"
READ_BYTES = 1 << 20
# a file there that nobody declared would be read as part of the corpus
_COUNTED = (
    "data/",
    "ledger/",
    "rejects/",
    "synthetic/",
)


def corpus_files(store: Store) -> list[str]:
    """List all files of a corpus, staging aside, relative to its folder and sorted. Raises
    StagingError for what is no folder."""
    root = store.root.rstrip("/") + "/"
    if store.fs.isfile(store.root):
        raise StagingError(f"{store.url} is a file: name the folder that it lies in")
    try:
        listed = store.fs.find(store.root)
    except ValueError as problem:  # of a store that names no bucket
        raise StagingError(f"{store.url} is no folder: {problem}") from None
    found = (str(path).removeprefix(root) for path in listed)
    return sorted(path for path in found if not path.startswith("staging/"))


def file_findings(store: Store, manifest: Manifest, present: list[str]) -> Iterator[Finding]:
    """Compare the files that are there with the manifest's records of them."""
    recorded = {record.path: record for record in manifest.files}
    for path in sorted(recorded.keys() - set(present)):
        yield error(CHECK, "is in the manifest, but is not there", path)
    for path in present:
        record = recorded.get(path)
        if record is None:
            if path not in (MANIFEST, SIGNATURE):
                tell = error if path.startswith(_COUNTED) else warning
                yield tell(CHECK, "is there, but is not in the manifest", path)
            continue
        size = store.size(path)
        if size != record.bytes:
            yield error(CHECK, f"has {size:,} bytes, {record.bytes:,} by the manifest", path)
        elif (digest := store.sha256(path)) != record.sha256:
            yield error(CHECK, f"has the SHA-256 {digest}, {record.sha256} by the manifest", path)
    if len(recorded) < len(manifest.files):
        yield error(CHECK, "names a file twice", MANIFEST)
