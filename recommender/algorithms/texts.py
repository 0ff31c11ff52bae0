"""What is said about items, as sparse vectors of their words and categories.

Legend: N items, W words.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import UNCATEGORISED, Catalogue

# A word of one item alone makes it like no other.
MIN_ITEMS = 2
# The most frequent are kept: beyond them words are names.
MAX_WORDS = 30_000
WORD = re.compile(r"\w+")
YEAR = re.compile(r"(?<!\d)(?:18[7-9]\d|19\d\d|20\d\d)(?!\d)")
NO_YEAR = 0


@dataclass(frozen=True)
class Words:
    """Words that at least two items share.

    Attributes:
        names: "category:NAME" or a word, lower case; the most frequent first. W of them
        counts: how often each item has each, float32. [N, W]
    """

    names: tuple[str, ...]
    counts: sparse.csr_array

    @property
    def num_items_with(self) -> NDArray[np.int64]:
        """Count the items that have each word. [W]"""
        return np.bincount(self.counts.indices, minlength=len(self.names))


def words_of(catalogue: Catalogue) -> Words:
    """Read the categories and the words of all items of a catalogue, chosen or not."""
    rows = [
        Counter(WORD.findall(text.lower()) + [f"category:{name}" for name in categories])
        for text, categories in zip(catalogue.texts, _categories(catalogue), strict=True)
    ]
    num_items = Counter(word for row in rows for word in row)
    # By name where equally frequent, so that the order of the catalogue does not matter.
    known = sorted((-n, word) for word, n in num_items.items() if n >= MIN_ITEMS)[:MAX_WORDS]
    place = {word: index for index, (_, word) in enumerate(known)}
    found = [
        (row, place[word], n)
        for row, words in enumerate(rows)
        for word, n in words.items()
        if word in place
    ]
    cells = np.array(found, np.int64).reshape(-1, 3)
    counts = sparse.csr_array(
        (cells[:, 2].astype(np.float32), (cells[:, 0], cells[:, 1])),
        shape=(catalogue.num_items, len(place)),
    )
    return Words(tuple(place), counts)


def rareness(words: Words) -> NDArray[np.float32]:
    """Return the inverse document frequency log((1 + N) / (1 + items with the word)) + 1. [W]"""
    with_word = words.num_items_with
    return (np.log((1 + words.counts.shape[0]) / (1 + with_word)) + 1).astype(np.float32)


def tf_idf(words: Words) -> sparse.csr_array:
    """Return the counts times the rareness of each word, rows of length 1 (Salton and Buckley, 1988). [N, W]"""
    weighted = sparse.csr_array(words.counts.multiply(rareness(words)[None, :]))
    lengths = np.sqrt(weighted.multiply(weighted).sum(axis=1))
    scale = sparse.diags_array(1 / np.maximum(lengths, 1e-12).astype(np.float32))
    return sparse.csr_array(scale @ weighted)


def years(catalogue: Catalogue) -> NDArray[np.int64]:
    """Return the last year that each item's title names, 1870 to 2099, or `NO_YEAR`. [N]

    Films, books and models of machines are called so, "Toy Story (1995)"; the first may be part of a name.
    """
    named = (YEAR.findall(title) for title in catalogue.titles)
    return np.array([int(found[-1]) if found else NO_YEAR for found in named], np.int64)


def _categories(catalogue: Catalogue) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(catalogue.num_items)]
    for item, column in zip(*np.nonzero(catalogue.shares), strict=True):
        if catalogue.category_names[column] != UNCATEGORISED:
            rows[item].append(catalogue.category_names[column])
    return rows
