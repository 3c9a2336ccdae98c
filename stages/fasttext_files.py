"""Open fastText classifiers, from this machine or the Hub.

A model file is data, not code: fastText's format holds numbers and words. It is read in full, so a
broken one fails when it is loaded, in one line.
"""

from __future__ import annotations

import hashlib
import logging
import struct
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

HUB = "hf://"
_MAGIC = 793712314  # of fastText's model files


def open_classifier(path: str) -> tuple[Any, str]:
    """Load a classifier from a local path or from `hf://owner/name/file.bin`, with the sha256 of
    its file.

    Raises FileNotFoundError if there is none, and ValueError if it is not a fastText classifier.
    """
    file = _hub_file(path) if path.startswith(HUB) else Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"no fastText model at {path}; name a .bin or .ftz file")
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    _check_whole(file, path)
    from fasttext.FastText import _FastText

    model = _FastText(str(file))
    if not model.labels or not all(label.startswith("__label__") for label in model.labels):
        raise ValueError(f"{path} is not a classifier: its labels do not begin with __label__")
    return model, sha256


def _check_whole(file: Path, path: str) -> None:
    """Walk a model file's structure without loading it: fastText itself takes a truncated one, and
    makes up the rest.

    Source: the writers of fastText 0.9 (args, dictionary, matrix and product quantizer).
    """
    size = file.stat().st_size
    if not size:
        raise ValueError(f"{path} is not a fastText model: it is empty")
    try:
        with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as content:
            end = _end_of_model(content)
    except struct.error as error:
        raise ValueError(f"{path} is not a whole fastText model: it ends too early") from error
    except ValueError as error:
        raise ValueError(f"{path} is not a fastText model: {error}") from error
    if end > size:
        raise ValueError(
            f"{path} is not a whole fastText model: it needs {end} bytes, got {size}; fetch it again"
        )


def _end_of_model(content: mmap) -> int:
    """Return the number of bytes that a model's own counts say it has; may lie beyond the end of
    `content`."""
    magic, version_number = struct.unpack_from("<2i", content, 0)
    if (magic, version_number) not in ((_MAGIC, 11), (_MAGIC, 12)):
        raise ValueError(
            f"expected format {_MAGIC} version 11 or 12, got {magic} version {version_number}"
        )
    place = 8 + 12 * 4 + 8  # after the options
    entries, _, _, _, pruned = struct.unpack_from("<3i2q", content, place)
    place += 3 * 4 + 2 * 8
    for _ in range(entries):  # a word ends with a zero byte, then come its count and its kind
        word_end = content.find(b"\0", place)
        if word_end < 0:
            raise ValueError("it ends within its dictionary")
        place = word_end + 1 + 8 + 1
    place += 8 * max(pruned, 0)
    (quantized,) = struct.unpack_from("<?", content, place)
    place = _end_of_matrix(content, place + 1, quantized)
    (quantized_output,) = struct.unpack_from("<?", content, place)
    return _end_of_matrix(content, place + 1, quantized and quantized_output)


def _end_of_matrix(content: mmap, place: int, quantized: bool) -> int:
    if not quantized:
        rows, columns = struct.unpack_from("<2q", content, place)
        return place + 16 + 4 * rows * columns
    norms, rows, _, codes = struct.unpack_from("<?2qi", content, place)
    place = _end_of_quantizer(content, place + 1 + 16 + 4 + codes)
    return _end_of_quantizer(content, place + rows) if norms else place


def _end_of_quantizer(content: mmap, place: int) -> int:
    (dimension,) = struct.unpack_from("<i", content, place)
    return place + 4 * 4 + 4 * 256 * dimension


def _hub_file(path: str) -> Path:
    """Fetch `hf://owner/name/file` (a model repository) into the Hub's cache, or find it there."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    owner, _, rest = path.removeprefix(HUB).partition("/")
    name, _, file = rest.partition("/")
    if not (owner and name and file):
        raise ValueError(f"a Hub model must look like hf://owner/name/file.bin, got {path!r}")
    # it writes a line for each time that it tries again
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        return Path(hf_hub_download(f"{owner}/{name}", file))
    except LocalEntryNotFoundError as error:
        raise FileNotFoundError(
            f"{path}: the Hub cannot be reached, and no copy of the file is in its cache; try again with a network, "
            "or name a file on this machine"
        ) from error
