"""Train the model of main content: `python -m stages.extraction.training PAGES.parquet ... --output
model.npz`.

A file of pages has a row a page:

    name           what the page is called in what is measured
    html           raw bytes
    group          pages of one group (a site, a generator) are never parted between training and measuring
    weight         what the page counts, compared with others
    main           CSS selector of the main content, or null
    left_out       CSS selector of what in it is not content, or null
    expected_html  the main content alone, or null
    outputs        texts that other extractors gave for the page, or null; a block's label is the share that kept it
    votes          what each of the outputs counts
    with, without  phrases that stand in the main text, and that do not; they overrule the outputs

so that exact labels, labels by content and soft labels are learned from together. No text and no
page enters the model: it is a table of features, borders and leaf values. Needs `catboost` (extra
`training`).

The second step of the model is trained on what the first step says of pages it has not seen (folds
by group). Some pages are read again as another writer would have written them: without class names
and ids, without sentence marks, in letters of another weight, without a title and structured data.
So the model rests on none of these alone.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from turbohtml import Document, Element

from stages.extraction.features import Context, Matrix, first_features, second_features
from stages.extraction.layout import Layout, inherit
from stages.extraction.model import Model, is_unsure
from stages.extraction.trees import Trees, make_trees, score
from stages.extraction.walk import walk, walk_visible
from stages.reading.page_encoding import decode_page

FOLDS = 4
# of the first and second step: a third of them costs 0.6 points of F1 on web pages
TREES = (
    100,
    180,
)
FIRST_RATE, SECOND_RATE = 0.2, 0.12  # of learning
MAX_BLOCKS = 200  # of one page; the long tail of a huge page teaches nothing new
_PHRASE_WEIGHT = 4.0
_COPIES = 0.3  # share of the pages of which a changed copy is added
_BODY = re.compile(r"<body[^>]*>", re.IGNORECASE)
_WINDOW = 12  # letters of a block by which it is found in another's output


class Page(NamedTuple):
    """One page as the model sees it, with the wanted score of each of its m blocks."""

    name: str | None  # None for a changed copy
    group: str
    layout: Layout
    context: Context
    features: Matrix
    labels: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]


def squeeze(text: str) -> str:
    """Keep the letters and digits alone, so that two layouts of one text are equal."""
    return "".join(filter(str.isalnum, text))


def block_texts(layout: Layout) -> list[str]:
    """Write the m blocks of a page as texts."""
    texts = [""] * len(layout.blocks.weights)
    for piece, block in zip(layout.texts, layout.piece_blocks.tolist(), strict=True):
        if block >= 0:
            texts[block] += piece
    return texts


def kept_share(block: str, text: str, lines: frozenset[str]) -> float:
    """Return the share of a squeezed block that a squeezed output holds; a short one must be a line
    of it."""
    if len(block) <= _WINDOW:
        return float(block in lines)
    if block in text:
        return 1.0
    windows = [block[at : at + _WINDOW] for at in range(0, len(block) - _WINDOW + 1, _WINDOW // 2)]
    return sum(window in text for window in windows) / len(windows)


def label(
    row: dict[str, Any], layout: Layout, document: Document
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the wanted score in [0, 1] and the weight of each block."""
    blocks = layout.blocks
    wanted = np.zeros(len(blocks.weights), np.float32)
    weights = np.sqrt(np.minimum(blocks.weights + blocks.digits / 2 + 2, 2000))
    if row.get("main"):
        wanted = _selected(layout, document, row["main"], row.get("left_out"))
    elif row.get("expected_html") or row.get("outputs"):
        texts = [squeeze(text) for text in block_texts(layout)]
        outputs = row.get("outputs") or [
            "\n".join(block_texts(walk([decode_page(row["expected_html"])]).layout))
        ]
        votes = row.get("votes") or [1.0] * len(outputs)
        for output, vote in zip(outputs, votes, strict=True):
            lines = frozenset(squeeze(line) for line in output.splitlines())
            text = squeeze(output)
            wanted += np.array(
                [vote * kept_share(block, text, lines) for block in texts], np.float32
            )
        wanted /= sum(votes)
        for phrase, answer in (
            (phrase, answer)
            for answer, name in ((0, "without"), (1, "with"))
            for phrase in row.get(name) or ()
        ):
            said = squeeze(phrase)
            holders = [place for place, text in enumerate(texts) if said and said in text]
            for place in holders:
                if answer or len(holders) == 1 or len(said) > 0.3 * len(texts[place]):
                    wanted[place] = answer
                    weights[place] *= _PHRASE_WEIGHT
    return wanted, (weights * row["weight"] / np.sqrt(max(float(weights.sum()), 1))).astype(
        np.float32
    )


def _selected(
    layout: Layout, document: Document, main: str, left_out: str | None
) -> npt.NDArray[np.float32]:
    nodes = [node for node in document.descendants if isinstance(node, Element)]
    index = {node: number for number, node in enumerate(nodes, 2)}
    marks = np.zeros(len(layout.parents), np.int64)
    for bit, selector in ((1, main), (2, left_out)):
        for element in document.select(selector) if selector else ():
            marks[index[element]] |= bit
    inherited = inherit(marks, layout.parents)
    homes = layout.piece_elements[layout.blocks.first_pieces]
    return (inherited[homes] == 1).astype(np.float32)


def changed(layout: Layout, random: np.random.Generator) -> Layout:
    """Read a page as another writer would have written it."""
    blocks = layout.blocks
    if random.random() < 0.5:
        blocks = blocks._replace(
            marks=np.zeros_like(blocks.marks), commas=np.zeros_like(blocks.commas)
        )
    if random.random() < 0.6:
        factor = np.float32(random.uniform(0.5, 1.8))
        blocks = blocks._replace(
            weights=blocks.weights * factor, link_weights=blocks.link_weights * factor
        )
    if random.random() < 0.5:
        none_stated = np.full_like(blocks.in_article_body, -1)
        blocks = blocks._replace(
            in_title=np.zeros_like(blocks.in_title), in_article_body=none_stated
        )
    own_names = layout.own_names
    if random.random() < 0.7:
        share = random.choice([0.3, 1.0])
        dropped = random.random(len(own_names)) < share
        own_names = np.where(dropped, 0, own_names)
        names = inherit(own_names, layout.parents)
        blocks = blocks._replace(
            names=names[layout.piece_elements[blocks.first_pieces]] & blocks.names
        )
        layout = layout._replace(own_names=own_names, inherited_names=names)
    return layout._replace(blocks=blocks)


_WRAPPERS = (
    "<form>",
    "<header>",
    "<nav>",
    "<aside>",
    "<div hidden>",
    '<div class="footer">',
    "<select>",
    "<div>",
)


def wrapped(html: str, random: np.random.Generator) -> str:
    """Put all of a fifth of the pages into an element that should hold no main text, or leave one
    open before it."""
    if random.random() < 0.8:
        return html
    wrapper = _WRAPPERS[random.integers(len(_WRAPPERS))]
    return _BODY.sub(lambda found: found[0] + wrapper, html, count=1)


def read_pages(files: list[Path], seed: int) -> list[Page]:
    """Walk and label the pages of all files, and add changed copies."""
    random = np.random.default_rng(seed)
    pages = []
    for file in files:
        for row in pq.read_table(file).to_pylist():
            html = decode_page(row["html"])
            for copy in range(1 + (random.random() < _COPIES)):
                walked, _ = walk_visible([wrapped(html, random) if copy else html])
                layout, document = walked.layout, walked.documents[0]
                if len(layout.blocks.weights):
                    wanted, weights = label(row, layout, document)
                    name = None if copy else row["name"]
                    seen = changed(layout, random) if copy else layout
                    pages.append(_page(name, row["group"], seen, wanted, weights))
    return pages


def _page(
    name: str | None,
    group: str,
    layout: Layout,
    wanted: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
) -> Page:
    context = Context(layout)
    return Page(name, group, layout, context, first_features(context), wanted, weights)


def fold_of(group: str) -> int:
    """Part the groups evenly, the same in every run."""
    return zlib.crc32(group.encode()) % FOLDS


def fit(matrices: list[Matrix], pages: list[Page], trees: int, rate: float, seed: int) -> Trees:
    """Train symmetric trees on m blocks a page; needs catboost."""
    from catboost import CatBoostClassifier, Pool  # heavy, and only for training

    random = np.random.default_rng(seed)
    chosen = [
        np.arange(m.shape[1])
        if m.shape[1] <= MAX_BLOCKS
        else np.sort(random.choice(m.shape[1], MAX_BLOCKS, replace=False))
        for m in matrices
    ]
    features = np.concatenate(
        [m[:, rows] for m, rows in zip(matrices, chosen, strict=True)], axis=1
    ).T
    labels = np.concatenate([page.labels[rows] for page, rows in zip(pages, chosen, strict=True)])
    weights = np.concatenate([page.weights[rows] for page, rows in zip(pages, chosen, strict=True)])
    model = CatBoostClassifier(
        loss_function="CrossEntropy",
        iterations=trees,
        depth=6,
        learning_rate=rate,
        l2_leaf_reg=8,
        rsm=0.4,
        border_count=64,
        random_seed=seed,
        verbose=False,
        allow_writing_files=False,
        boosting_type="Plain",
        bootstrap_type="Bernoulli",
        subsample=0.7,
        thread_count=2,
    )
    model.fit(Pool(np.ascontiguousarray(features), labels, weight=weights))
    with tempfile.TemporaryDirectory() as folder:
        model.save_model(f"{folder}/model.json", format="json")
        written = json.loads(Path(folder, "model.json").read_text())
    depth = 6
    grown = [tree for tree in written["oblivious_trees"] if tree["splits"]]
    table = np.zeros((len(grown), depth), np.int64)
    # a level that a shorter tree lacks says no to all
    borders = np.full((len(grown), depth), np.inf, np.float32)
    leaves = np.zeros((len(grown), 1 << depth), np.float32)
    for row, tree in enumerate(grown):
        table[row, : len(tree["splits"])] = [
            split["float_feature_index"] for split in tree["splits"]
        ]
        borders[row, : len(tree["splits"])] = [split["border"] for split in tree["splits"]]
        leaves[row, : len(tree["leaf_values"])] = tree["leaf_values"]
    scale, (bias,) = written["scale_and_bias"]
    fitted = make_trees(table, borders, leaves * np.float32(scale), float(bias))
    ours, theirs = score(fitted, features.T), model.predict_proba(features)[:, 1]
    if np.abs(ours - theirs).max() > 1e-4:
        raise AssertionError(
            f"the trees score otherwise than catboost, by {np.abs(ours - theirs).max()}"
        )
    return fitted


def second_of_unseen(pages: list[Page], trees: int, seed: int) -> tuple[list[Matrix], list[Matrix]]:
    """Return of each page the scores of a first step that has not seen its group, and the second
    step's features."""
    firsts = out_of_fold([page.features for page in pages], pages, trees, FIRST_RATE, seed)
    return firsts, [
        np.concatenate([page.features, second_features(page.context, first)])
        for page, first in zip(pages, firsts, strict=True)
    ]


def out_of_fold(
    matrices: list[Matrix], pages: list[Page], trees: int, rate: float, seed: int
) -> list[Matrix]:
    """Score each page by trees that were trained on the other folds."""
    folds = [fold_of(page.group) for page in pages]
    by_fold = []
    for fold in range(FOLDS):
        others = [number for number, own in enumerate(folds) if own != fold]
        by_fold.append(
            fit([matrices[n] for n in others], [pages[n] for n in others], trees, rate, seed)
        )
    return [score(by_fold[fold], matrix) for fold, matrix in zip(folds, matrices, strict=True)]


def train(pages: list[Page], first_trees: int, second_trees: int, seed: int) -> Model:
    """Train both steps."""
    _, seconds = second_of_unseen(pages, first_trees, seed)
    first = fit([page.features for page in pages], pages, first_trees, FIRST_RATE, seed)
    return Model(first, fit(seconds, pages, second_trees, SECOND_RATE, seed))


def unseen_scores(
    pages: list[Page], first_trees: int, second_trees: int, seed: int
) -> list[Matrix]:
    """Score each page by a model that has not seen its group."""
    firsts, seconds = second_of_unseen(pages, first_trees, seed)
    scores = out_of_fold(seconds, pages, second_trees, SECOND_RATE, seed)
    return [
        np.where(is_unsure(first), second, first)
        for first, second in zip(firsts, scores, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pages", type=Path, nargs="+", help="Parquet files of labelled pages")
    parser.add_argument("--output", type=Path, required=True, help="the model, as .npz")
    parser.add_argument(
        "--trees", type=int, nargs=2, default=TREES, help="trees of the first and second step"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pages = read_pages(arguments.pages, arguments.seed)
    train(pages, arguments.trees[0], arguments.trees[1], arguments.seed).write(arguments.output)


if __name__ == "__main__":
    main()
