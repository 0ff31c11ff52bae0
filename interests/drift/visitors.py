"""Simulated people who go on visiting: what they click on follows interests of their own, and these change.

A visitor looks at a list from the top, sees each place less often than the one above (examination by position: Craswell,
Zoeter, Taylor and Ramsey, WSDM 2008), and clicks what is seen the more readily the more of it is of interest. Where the
list has nothing, visitors find items for themselves.

Legend: V visitors, N items, C categories.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# A click on what is seen, where the item is of no interest and where it is all that somebody is interested in.
LEAST_CLICK, MOST_CLICK = 0.02, 0.6
LIKE_CHANCE, PURCHASE_CHANCE, DISLIKE_CHANCE = 0.15, 0.08, 0.2
# One visit in so many begins a new interest, which takes this much of the others.
CHANGE_CHANCE = 0.02
CHANGE_SHARE = 0.7
NEW_VISITOR_CHANCE = 0.05
VISITOR = "visitor-"  # how the ids of new ones begin
# So many of the last events say what somebody is interested in at first.
LAST_EVENTS = 30


class Visitors:
    """Everybody's interests, and what they do with a list. One generator draws everything.

    Attributes:
        names: ids of the visitors. V of them
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        weights: NDArray[np.floating],
        shares: NDArray[np.floating],
        popularity: NDArray[np.floating],
        seed: int,
    ) -> None:
        """Take over people with their interests.

        Args:
            weights: what each is interested in; rows sum to 1. [V, C]
            shares: how an item is shared among categories; rows sum to 1. [N, C]
            popularity: how often an item is found beside lists, 0 or more, some above 0. [N]

        Raises:
            ValueError: there is nobody, or nothing to look at.
        """
        if not len(names) or not np.any(popularity > 0):
            raise ValueError("There is nobody to visit, or nothing to look at.")
        self.names = list(names)
        self._weights = [np.asarray(row, np.float64) for row in weights]
        self._shares = np.asarray(shares, np.float64)
        self._popularity = np.asarray(popularity, np.float64)
        self._rng = np.random.default_rng(seed)

    def next(self) -> int:
        """Return who visits next, perhaps somebody new, after a change of interests if there is one."""
        if self._rng.random() < NEW_VISITOR_CHANCE:
            self._weights.append(self._weights[self._rng.integers(len(self._weights))].copy())
            self.names.append(f"{VISITOR}{self._rng.integers(10**9):09}")
            return len(self.names) - 1
        visitor = int(self._rng.integers(len(self.names)))
        if self._rng.random() < CHANGE_CHANCE:
            self._change(visitor)
        return visitor

    def clicks(self, visitor: int, items: Sequence[int]) -> list[bool]:
        """Say which items of a list, best first, are clicked; -1 stands for an item that nobody here knows."""
        places = np.arange(len(items))
        seen = 1 / np.log2(places + 2)
        of_interest = np.array([self._interest(visitor, item) for item in items])
        chances = seen * (LEAST_CLICK + (MOST_CLICK - LEAST_CLICK) * of_interest)
        return [bool(one) for one in self._rng.random(len(items)) < chances]

    def finds(self, visitor: int) -> int:
        """Return the item that a visitor finds beside the list: of a category of interest, by popularity."""
        category = self._rng.choice(self._shares.shape[1], p=self._weights[visitor])
        chances = self._popularity * self._shares[:, category]
        if not chances.any():
            chances = self._popularity
        return int(self._rng.choice(len(chances), p=chances / chances.sum()))

    def says(self, visitor: int, item: int) -> str | None:
        """Return what kind of event follows a click: a like, a purchase, a dislike or none."""
        interest, draw = self._interest(visitor, item), self._rng.random()
        edges = (
            ("dislike", DISLIKE_CHANCE * (1 - interest)),
            ("like", LIKE_CHANCE),
            ("purchase", PURCHASE_CHANCE),
        )
        for kind, chance in edges:
            if draw < chance:
                return kind
            draw -= chance
        return None

    def looks_for(self, visitor: int, item: int) -> float:
        """Return for how many seconds a clicked item is looked at, more than 1."""
        middle = 20 + 60 * self._interest(visitor, item)
        return float(1 + round(middle * self._rng.gamma(2.0) / 2, 1))

    def interests(self, visitor: int) -> NDArray[np.float64]:
        """Return the true interests of a visitor; they sum to 1. [C]"""
        return self._weights[visitor].copy()

    def _interest(self, visitor: int, item: int) -> float:
        """Return how much of an item is of interest beside what is of most interest, 0 to 1."""
        if item < 0:
            return 0.0
        weights = self._weights[visitor]
        return float(self._shares[item] @ weights / weights.max())

    def _change(self, visitor: int) -> None:
        """Let a category that was of no great interest become the first."""
        weights = self._weights[visitor]
        has_items = (self._shares[self._popularity > 0] > 0).any(axis=0)  # [C]
        others = np.flatnonzero(has_items & (weights < 1 / len(weights)))
        if not len(others):
            return
        weights *= 1 - CHANGE_SHARE
        weights[self._rng.choice(others)] += CHANGE_SHARE
