"""What divides text written without spaces into words, by name and version.

- `icu`: the break iterators of ICU, for Thai, Lao, Khmer, Burmese, Han and Kana;
- `rjieba`: jieba in Rust for Chinese, `nlpo3`: the newmm algorithm in Rust with PyThaiNLP's words
  for Thai, `rjieba+nlpo3`: both; ICU for all others;
- `graphemes`: no words, but letters with their marks.

Limits hold for the words that they were measured with, so a table of limits names segmenter and
version.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

Segmenter = Literal["icu", "rjieba", "nlpo3", "rjieba+nlpo3", "graphemes"]
Divide = Callable[[str], list[str]]  # the words of a text, which together are the text

CHINESE_SCRIPTS = ("Hans", "Hant", "Hani")
_DICTIONARY = "pythainlp words_th"  # its name within nlpO3


def segmenter_version(segmenter: Segmenter) -> str:
    """Name the versions of a segmenter, which its thresholds hold for; ImportError names what to
    install."""
    if segmenter == "graphemes":
        return "Unicode of the interpreter"
    versions = [f"ICU {load_icu().ICU_VERSION}"]
    if "rjieba" in segmenter:
        load_rjieba()
        versions.append(f"rjieba {importlib.metadata.version('rjieba')}")
    if "nlpo3" in segmenter:
        load_nlpo3()
        words = importlib.metadata.version("pythainlp")
        versions.append(
            f"nlpo3 {importlib.metadata.version('nlpo3')} with the words of pythainlp {words}"
        )
    return ", ".join(versions)


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


@cache
def load_rjieba() -> Divide:
    """Load jieba's dictionary; its hidden Markov model finds words that are not in it."""
    _require("rjieba", "rjieba")
    import rjieba  # type: ignore[import-not-found, import-untyped, unused-ignore]

    cut: Callable[[str, bool], list[str]] = rjieba.cut
    return lambda text: cut(text, True)


@cache
def load_nlpo3() -> Divide:
    """Load PyThaiNLP's list of words. Not the safe mode of nlpO3, which loses letters of text
    without spaces."""
    _, (corpus, *_) = _require("nlpo3", "nlpo3", "pythainlp")
    import nlpo3  # type: ignore[import-not-found, import-untyped, unused-ignore]

    nlpo3.load_dict(str(Path(corpus, "corpus", "words_th.txt")), _DICTIONARY)
    segment: Callable[[str, str], list[str]] = nlpo3.segment
    return lambda text: segment(text, _DICTIONARY)


def _require(segmenter: str, *modules: str) -> list[Sequence[str]]:
    """Return the folders of modules, without importing them; ImportError if one is not
    installed."""
    found = [find_spec(module) for module in modules]
    if missing := [module for module, spec in zip(modules, found, strict=True) if spec is None]:
        raise ImportError(
            f"segmenter = \"{segmenter}\" needs {' and '.join(missing)}: pip install 'glotmill[segmentation]', "
            'or choose segmenter = "icu"'
        )
    return [spec.submodule_search_locations or () for spec in found if spec]
