"""How a place of a slate is filled from what is left of a pool, and with which chances; see `exploration`.

Legend: b end users, N items, m of the pool.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from recommender.algorithms.chance import uniform
from recommender.algorithms.linucb import Regressed

# Where a drawn score may lie, in its own spreads, and in how many points the integral over it is taken: enough
# where another's spread is a tenth of it.
REACH, POINTS = 5.0, 161
# What a random number is for.
EXPLORES, WHICH, NOISE = 0, 1, 2


@dataclass(frozen=True)
class Randomness:
    """Where draws come from: the seed, end users and the place. users, items: keys. [b], [b, m]"""

    seed: int
    users: NDArray[np.uint64]
    items: NDArray[np.uint64]
    place: int

    def once(self, purpose: int) -> NDArray[np.float64]:
        return uniform(self.seed, self.users, self._key(purpose)).astype(np.float64)  # [b]

    def each(self, purpose: int) -> NDArray[np.float64]:
        own = uniform(self.seed, self.users[:, None], self._key(purpose), self.items)
        return own.astype(np.float64)  # [b, m]

    def _key(self, purpose: int) -> NDArray[np.uint64]:
        return np.array([4 * self.place + purpose], np.uint64)


@dataclass(frozen=True)
class Epsilon:
    """The best that is left, or with chance `epsilon` any. `hopes`: of LinUCB; else the scores below are the values."""

    epsilon: float
    hopes: Regressed | None = None

    def values(self, scores: NDArray[np.float64], items: NDArray[np.int64]) -> NDArray[np.float64]:
        return scores if self.hopes is None else self.hopes.upper(scores, items)

    def chances(
        self, values: NDArray[np.float64], items: NDArray[np.int64], is_left: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        num_left = np.maximum(is_left.sum(axis=1, keepdims=True), 1)
        found = is_left * (self.epsilon / num_left)
        found[np.arange(len(values)), _best(values, is_left)] += 1 - self.epsilon
        return np.asarray(found * is_left, np.float64)

    def chance(
        self,
        values: NDArray[np.float64],
        items: NDArray[np.int64],
        is_left: NDArray[np.bool_],
        drawn: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """Return the chance of one item of each end user to be shown at the next place. [b]"""
        return self.chances(values, items, is_left)[np.arange(len(values)), drawn]

    def draw(
        self,
        values: NDArray[np.float64],
        items: NDArray[np.int64],
        is_left: NDArray[np.bool_],
        *,
        random: Randomness,
    ) -> NDArray[np.intp]:
        places = np.cumsum(is_left, axis=1)
        wanted = np.floor(random.once(WHICH) * places[:, -1]) + 1
        other = (places >= wanted[:, None]).argmax(axis=1)
        return np.where(random.once(EXPLORES) < self.epsilon, other, _best(values, is_left))


@dataclass(frozen=True)
class Sampling:
    """The best by scores drawn around the values. `spreads`: of each item, above 0. [N]"""

    spreads: NDArray[np.float64]

    def values(self, scores: NDArray[np.float64], items: NDArray[np.int64]) -> NDArray[np.float64]:
        return scores

    def chances(
        self, values: NDArray[np.float64], items: NDArray[np.int64], is_left: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        columns = [
            self.chance(values, items, is_left, np.full(len(values), column))
            for column in range(values.shape[1])
        ]
        return np.stack(columns, axis=1)

    def chance(
        self,
        values: NDArray[np.float64],
        items: NDArray[np.int64],
        is_left: NDArray[np.bool_],
        drawn: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """Integrate over the score of one item of each end user the chance that all others stay below it. [b]"""
        nodes = np.linspace(-REACH, REACH, POINTS)
        weights = np.exp(-(nodes**2) / 2)
        rows, spreads = np.arange(len(values)), self.spreads[items]
        is_other = is_left.copy()
        is_other[rows, drawn] = False
        found = np.zeros(len(values))
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            own = values[rows, drawn] + spreads[rows, drawn] * node
            apart = (own[:, None] - values) / spreads  # [b, m]
            found += weight * np.prod(special.ndtr(apart), axis=1, where=is_other)
        return np.asarray(found * is_left[rows, drawn], np.float64)

    def draw(
        self,
        values: NDArray[np.float64],
        items: NDArray[np.int64],
        is_left: NDArray[np.bool_],
        *,
        random: Randomness,
    ) -> NDArray[np.intp]:
        # Half a step in, so that no draw is infinite.
        noise = special.ndtri(random.each(NOISE) + 2.0**-25)
        return _best(values + self.spreads[items] * noise, is_left)


def _best(values: NDArray[np.float64], is_left: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.asarray(np.where(is_left, values, -np.inf).argmax(axis=1), np.intp)
