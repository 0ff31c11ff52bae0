"""Areas of interest learned from what people do, for items that nobody has put into a category.

Items that are used alike lie near one another in the network's space. Their directions are grouped by
k-means (Lloyd, 1982; begun as in Arthur and Vassilvitskii, "k-means++", 2007).

Legend: N items, D width, K areas.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.optimize import linear_sum_assignment

# Fewer items say nothing by being near one another.
MIN_ITEMS = 40
# About so many items an area, squared: few enough to be told apart on a figure.
ITEMS_PER_SQUARE = 20
FEWEST, MOST = 4, 24
RESTARTS = 5
ROUNDS = 30
WORD = re.compile(r"[^\W\d_]{3,}")
NUM_WORDS = 2
# A word of one item names nothing, nor does one that is nearly as usual elsewhere.
MIN_WORD_ITEMS = 2
MIN_LIFT = 2.0


def usual_number(num_items: int) -> int:
    """Return how many areas suit so many items."""
    return int(np.clip(round((num_items / ITEMS_PER_SQUARE) ** 0.5), FEWEST, MOST))


def learn(embeddings: NDArray[np.floating], *, number: int, seed: int) -> NDArray[np.int64]:
    """Return the area of each item, 0 to K - 1 with K at most `number`, every one with items. [N]

    Args:
        embeddings: of the items, any length; their directions count. [N, D]
        number: of areas wanted, 1 or more.
    """
    length = np.linalg.norm(embeddings, axis=1, keepdims=True)
    directions = embeddings / np.maximum(length, 1e-12)
    number = min(number, len(np.unique(directions, axis=0)))
    rng = np.random.default_rng(seed)
    best, least = np.zeros(len(directions), np.int64), np.inf
    for _ in range(RESTARTS if number > 1 else 0):
        middles, labels = kmeans2(
            directions.astype(np.float64), number, iter=ROUNDS, minit="++", rng=rng, missing="raise"
        )
        spread = float(((directions - middles[labels]) ** 2).sum())
        if spread < least:
            best, least = labels.astype(np.int64), spread
    found: NDArray[np.int64] = np.unique(best, return_inverse=True)[1]
    return found


def matched(new: NDArray[np.int64], old: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each new area the old one that shares most items with it, one to one, -1: none. [K]

    Args:
        new: the area of each item. [N]
        old: the area that each item had, -1: none. [N]
    """
    num_new, num_old = int(new.max(initial=-1)) + 1, int(old.max(initial=-1)) + 1
    shared = np.zeros((num_new, num_old))
    np.add.at(shared, (new[old >= 0], old[old >= 0]), 1)
    found = np.full(num_new, -1, np.int64)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    found[rows] = columns
    return found


def names(labels: NDArray[np.int64], texts: Sequence[str], *, taken: Collection[str]) -> list[str]:
    """Return a name for each area: the words that are usual in it and unusual elsewhere. [K]

    Args:
        labels: the area of each item. [N]
        texts: what is written of each item: title, categories. [N]
        taken: names that are in use.
    """
    words = [sorted(set(WORD.findall(text.lower()))) for text in texts]
    everywhere = Counter(word for row in words for word in row)
    given: list[str] = []
    for area in range(int(labels.max(initial=-1)) + 1):
        members = np.flatnonzero(labels == area)
        here = Counter(word for item in members for word in words[item])
        telling: dict[str, float] = {}
        for word, count in here.items():
            share = count / len(members)
            lift = share * len(words) / everywhere[word]
            if count >= MIN_WORD_ITEMS and lift >= MIN_LIFT:
                telling[word] = share * float(np.log(lift))
        best = sorted(telling, key=lambda word: (-telling[word], word))[:NUM_WORDS]
        name = ", ".join(best).capitalize() or f"Area {area + 1}"
        given.append(_free(name, {*taken, *given}))
    return given


def _free(name: str, taken: Collection[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free
