"""Which places of a list are drawn for something else than its best item; the same for the same seed."""

from __future__ import annotations

import math
import random


class Draws:
    """Places for novelties and for exploration, spread evenly.

    Of any stretch of the list each kind has its share of the places, give or take one.
    """

    def __init__(self, seed: int, *, exploration: float, novelty: float) -> None:
        """Take the shares of places, 0 to 1 each; where they add up to more than 1 they are scaled to it."""
        self._seed = seed
        self._both = min(exploration + novelty, 1.0)
        self._exploration = exploration / (exploration + novelty) if self._both else 0.0
        begin = random.Random(seed) if self._both else None
        self._begin, self._begin_kind = (begin.random(), begin.random()) if begin else (0.0, 0.0)

    def kind(self, rank: int) -> str:
        """Return what a place is for: "exploration", "novelty" or "" for the best."""
        if not self._both:
            return ""
        number = _step(rank, self._both, self._begin)
        if number is None:
            return ""
        is_exploration = _step(number, self._exploration, self._begin_kind) is not None
        return "exploration" if is_exploration else "novelty"

    def share(self, rank: int) -> float:
        """Return a number from 0 to below 1 that is drawn for a place."""
        return random.Random(f"{self._seed}:{rank}").random()


def _step(rank: int, share: float, begin: float) -> int | None:
    """Return how many of the places up to `rank` are drawn when it is one of them, else None."""
    drawn = math.floor(rank * share + begin)
    return drawn if drawn > math.floor((rank - 1) * share + begin) else None
