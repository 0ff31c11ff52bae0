"""What is known of items beside their events: categories and words of the title.

Legend: N items, F features, M (item, feature) pairs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import UNCATEGORISED, Catalogue

# Words that only one item has say nothing about others.
MIN_ITEMS = 2
# The most frequent features are kept; a row of the network's width each.
MAX_FEATURES = 20_000
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class ItemFeatures:
    """Features of each item, as rows of places in `names`, and where each row begins.

    Attributes:
        names: "category:NAME" or "word:WORD"
        places: index into `names`, int64. [M]
        offsets: where each item's features begin in `places`, and one past the last, int64. [N + 1]
    """

    names: tuple[str, ...]
    places: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @classmethod
    def of_catalogue(
        cls, catalogue: Catalogue, *, names: Sequence[str] | None = None
    ) -> ItemFeatures:
        """Read the features of a catalogue's items.

        Args:
            names: the features to look for; None learns them from the catalogue.
        """
        rows = [
            [f"category:{name}" for name in categories] + [f"word:{word}" for word in _words(title)]
            for categories, title in zip(_categories(catalogue), catalogue.titles, strict=True)
        ]
        if names is None:
            counts = Counter(chain.from_iterable(rows))
            names = [name for name, n in counts.most_common(MAX_FEATURES) if n >= MIN_ITEMS]
        place = {name: index for index, name in enumerate(names)}
        known = [[place[name] for name in row if name in place] for row in rows]
        return cls(
            names=tuple(names),
            places=np.fromiter(chain.from_iterable(known), np.int64),
            offsets=np.concatenate([[0], np.cumsum([len(row) for row in known])]).astype(np.int64),
        )

    def take(self, index: NDArray[np.int64]) -> ItemFeatures:
        """Return the features of some items, in the order of `index`."""
        counts = np.diff(self.offsets)[index]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        order = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
        places = self.places[np.repeat(self.offsets[:-1][index], counts) + order]
        return ItemFeatures(names=self.names, places=places, offsets=offsets)


def _categories(catalogue: Catalogue) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(catalogue.num_items)]
    for item, column in zip(*np.nonzero(catalogue.shares), strict=True):
        if catalogue.category_names[column] != UNCATEGORISED:
            rows[item].append(catalogue.category_names[column])
    return rows


def _words(title: str) -> list[str]:
    return sorted(set(WORD.findall(title.lower())))
