"""Let a process keep the memory that its arrays leave for those to come.

A page that is given back to the system and taken again comes emptied, which takes two microseconds.
Where blocks are read, worked on and let go by the hundred, these are tens of thousands of pages.
"""

import os

# malloc.h; the values are what glibc comes to by itself once an array of 32 MiB was freed
_TRIM_THRESHOLD, _FREE_BYTES = -1, 64 << 20
_MMAP_THRESHOLD, _MAPPED_BYTES = -3, 32 << 20
_PURGE_MILLISECONDS = "1000"


def keep_freed_memory() -> None:
    """Set glibc's thresholds for good; another C library is left as it is.

    By default glibc maps an array of 128 KiB for itself alone, and gives back what is free at the
    end of its heap. From here on only a single array of 32 MiB, or 64 MiB that are free, go back.
    """
    import ctypes  # 3 ms, which commands without workers are spared

    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _MAPPED_BYTES)
        set_option(_TRIM_THRESHOLD, _FREE_BYTES)


def let_mimalloc_keep_freed_memory() -> None:
    """Let the allocator of Arrow and rensa give pages back after a second in place of ten
    milliseconds, unless the environment says when.

    It reads that as it is loaded: to be called before Arrow is imported.
    """
    os.environ.setdefault("MIMALLOC_PURGE_DELAY", _PURGE_MILLISECONDS)
