"""What divides text written without spaces into words, by name and version."""

from __future__ import annotations

from typing import Any, Literal

Segmenter = Literal["icu", "graphemes"]


def segmenter_version(segmenter: Segmenter) -> str:
    """Name the version of a segmenter, which its thresholds hold for; ImportError names what to install."""
    return f"ICU {load_icu().ICU_VERSION}" if segmenter == "icu" else "Unicode of the interpreter"


def default_segmenter() -> Segmenter:
    """Return `icu` where PyICU is installed, else `graphemes`."""
    try:
        load_icu()
    except ImportError:
        return "graphemes"
    return "icu"


def load_icu() -> Any:
    try:
        import icu  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ImportError(
            'segmenter = "icu" needs PyICU: make install-icu, or choose segmenter = "graphemes"'
        ) from None
    return icu
