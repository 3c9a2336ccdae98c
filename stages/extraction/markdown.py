"""Write chosen blocks as Markdown (CommonMark, with GitHub's tables)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stages.extraction.rendering import render
from stages.extraction.walk import Tree


def render_markdown(tree: Tree, kept: npt.NDArray[np.bool_]) -> str:
    return render(tree, kept)
