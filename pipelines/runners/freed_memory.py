"""Let a process keep the memory that its arrays leave for those to come."""

import ctypes

# malloc.h; the values are what glibc comes to by itself once an array of 32 MiB was freed
_TRIM_THRESHOLD, _FREE_BYTES = -1, 64 << 20
_MMAP_THRESHOLD, _MAPPED_BYTES = -3, 32 << 20


def keep_freed_memory() -> None:
    """Set glibc's thresholds for good; another C library is left as it is.

    By default glibc maps an array of 128 KiB for itself alone, and gives back what is free at the
    end of its heap. So a worker whose arrays come and go by the hundred is given the same pages
    again and again, emptied, at two microseconds each. A single array of 32 MiB, or 64 MiB that are
    free, still go back.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _MAPPED_BYTES)
        set_option(_TRIM_THRESHOLD, _FREE_BYTES)
