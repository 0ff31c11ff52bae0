"""Lists that are diverse and whose mix follows somebody's interests: the next item, one at a time.

N candidates, C categories, K different sets of categories that candidates have.

Diversity is MMR (Carbonell and Goldstein, "The use of MMR", 1998) on the items' category shares; calibration is
the greedy of Steck, "Calibrated recommendations" (2018). With both, the next item is the one of the largest

    (1 - d) (1 - c) relevance - d similarity - c divergence

with relevance the value scaled to 0 .. 1 over the candidates, similarity the largest cosine with an item above,
and divergence KL(p || (1 - a) q + a p) of the interest weights p from the mix q with the item in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SMOOTHING = 0.01  # a, as in the paper: a category that the mix lacks costs much and not everything
UNCATEGORISED = 0


def half(values: Sequence[float]) -> list[float]:
    """Return numbers as half precision floats, the way a list that goes on is written down."""
    within = np.clip(np.asarray(values, float), -60_000.0, 60_000.0)
    found: list[float] = within.astype(np.float16).astype(float).tolist()
    return found


class Balance:
    """Candidates of one list and the mix of what stands above."""

    def __init__(
        self,
        *,
        values: Sequence[float],
        low: float,
        high: float,
        categories: Sequence[tuple[int, ...]],
        weights: Mapping[int, float],
        diversity: float,
        calibration: float,
    ) -> None:
        """Take the candidates.

        Args:
            values: what each counts. [N]
            low, high: the values that stand for relevance 0 and 1
            categories: keys of each candidate's categories, in equal shares. [N]
            weights: the person's interest weights by category
            diversity, calibration: d and c, 0 to 1
        """
        self.diversity, self.calibration = diversity, calibration
        # What an item is said to be chosen by, where both have a say.
        self.stronger = "calibration" if calibration >= diversity else "diversity"
        own = {key for keys in categories for key in keys} | set(weights) | {UNCATEGORISED}
        self._column = {key: at for at, key in enumerate(sorted(own))}
        sets = {keys: at for at, keys in enumerate(dict.fromkeys(categories))}
        self._set = np.array([sets[keys] for keys in categories])  # [N]
        self._shares = np.array([self._row(keys) for keys in sets])  # [K, C]
        self._directions = np.array([self._direction(keys) for keys in sets])  # [K, C]
        self._nearest = np.zeros(len(sets))  # [K]
        spread = high - low
        scaled = (np.asarray(values, float) - low) / spread if spread > 0 else np.ones(len(values))
        self._relevance = (1 - diversity) * (1 - calibration) * scaled  # [N]
        self._weights = np.zeros(len(self._column))  # [C]
        for key, weight in weights.items():
            self._weights[self._column[key]] = weight
        self._known = np.flatnonzero(self._weights > 0)
        self._p = self._weights[self._known]
        self._sum = np.zeros(len(self._column))  # [C]
        self._num = 0

    def best(self, places: Sequence[int]) -> int:
        """Return the candidate that should come next, of those at these places."""
        at = np.asarray(places)
        gain = self._relevance[at]
        if self.diversity:
            gain = gain - self.diversity * self._nearest[self._set[at]]
        if self.calibration:
            gain = gain - self.calibration * self._divergence()[self._set[at]]
        return int(places[int(np.argmax(gain))])

    def take(self, categories: tuple[int, ...]) -> None:
        """Note that an item of these categories stands in the list."""
        self._sum += self._row(categories)
        self._num += 1
        if self.diversity:
            alike = self._directions @ self._direction(categories)
            np.maximum(self._nearest, alike, out=self._nearest)

    def _divergence(self) -> NDArray[np.float64]:
        """Return how far the mix would be from the weights with an item of each set in it. [K]"""
        mix = (self._sum[self._known] + self._shares[:, self._known]) / (self._num + 1)
        smoothed = (1 - SMOOTHING) * mix + SMOOTHING * self._p
        found: NDArray[np.float64] = self._p @ np.log(self._p / smoothed).T
        return found

    def _row(self, categories: tuple[int, ...]) -> NDArray[np.float64]:
        """Return an item's category shares; categories that no candidate has count for none. [C]"""
        row = np.zeros(len(self._column))
        for key in categories or (UNCATEGORISED,):
            if key in self._column:
                row[self._column[key]] += 1 / max(len(categories), 1)
        return row

    def _direction(self, categories: tuple[int, ...]) -> NDArray[np.float64]:
        """Return an item's shares at length 1; an item without a category is like nothing. [C]"""
        direction: NDArray[np.float64] = self._row(categories) * (len(categories) ** 0.5)
        return direction
