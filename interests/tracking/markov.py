"""Markov chains of order 1 to 3 over categories, with back-off.

What follows a category, a pair or a triple of categories is counted on other people. A context seen n times
is believed by n / (n + k) and otherwise backs off to the next shorter one (Witten and Bell, "The
zero-frequency problem", 1991, with a constant k), the shortest to the person's own shares. Of all this a part
is said, and beside it the person's own shares. An event of several categories counts for each of its
contexts in parts.

Legend: L length of a history, C categories, S contexts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from interests.tracking.background import Background
from interests.tracking.histories import History
from interests.tracking.measure import cross_entropies
from interests.tracking.memories import MAX_FIT_EVENTS
from interests.tracking.protocol import Track, with_floor

ORDERS = (1, 2, 3)
PARTS = (0.1, 0.3, 0.6)
BACK_OFF_EVENTS = 100.0
# Of an event of many categories the strongest so many make contexts: 8 triples at most.
MAX_CATEGORIES = 2
# One person in so many says which order and part foresee best; the others are counted.
ASIDE = 5
MAX_ASIDE_EVENTS = 8_000

Context = tuple[int, ...]


@dataclass
class Markov:
    """A tracker by what others did next after the same; order and part are chosen on other people.

    Attributes:
        order: length of the longest context
        part: of what is said that comes from the chain
        back_off: k above
        tables: sums of the shares of what followed each context. [C] each
    """

    order: int = 1
    part: float = 0.3
    back_off: float = BACK_OFF_EVENTS
    name: str = "markov"
    tables: dict[Context, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._background = Background()

    def fit(self, histories: Sequence[History]) -> None:
        """Count what follows what, and choose order and part on one person in five."""
        self._background.fit(histories)
        step = 1 + sum(map(len, histories)) // MAX_FIT_EVENTS
        some = [history for history in histories[::step] if len(history) > 1]
        if not some:
            return
        aside, others = some[::ASIDE], [own for n, own in enumerate(some) if n % ASIDE]
        aside = aside[:: 1 + sum(map(len, aside)) // MAX_ASIDE_EVENTS]
        self.tables = count(others)
        own = {index: track.weights for index, track in self._background.tracks(aside, _own)}
        losses = {}
        if not self.tables:
            return
        for order, part in product(ORDERS, PARTS):
            self.order, self.part = order, part
            found = [self._loss(history, own[place]) for place, history in enumerate(aside)]
            losses[order, part] = float(np.concatenate(found).mean())
        self.order, self.part = min(losses, key=losses.__getitem__)

    def track_all(self, histories: Sequence[History]) -> Iterator[tuple[int, Track]]:
        """Yield the track of each history with its place in `histories`."""
        yield from self._background.tracks(histories, self.weights)

    def weights(self, history: History, own: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is expected after each event; `own` is what the person does in general. [L + 1, C]"""
        expected = own.copy()
        parts = [_parts(shares) for shares in history.shares]
        for order in range(1, self.order + 1):
            for place in range(order, len(history) + 1):
                expected[place] = self._backed_off(parts[place - order : place], expected[place])
        expected[1:] = self.part * expected[1:] + (1 - self.part) * own[1:]
        return expected

    def _backed_off(
        self, events: Sequence[dict[int, float]], shorter: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        mixed = np.zeros_like(shorter)
        for context, part in _contexts(events):
            followed = self.tables.get(context)
            if followed is None:
                mixed += part * shorter
            else:
                seen = followed.sum() + self.back_off
                mixed += part * (followed + self.back_off * shorter) / seen
        return mixed

    def _loss(self, history: History, own: NDArray[np.float64]) -> NDArray[np.float64]:
        weights = with_floor(self.weights(history, own))
        return cross_entropies(Track(weights, weights, weights), history)


def count(histories: Sequence[History]) -> dict[Context, NDArray[np.float64]]:
    """Return what followed each context of up to three events, as sums of shares. [C] each"""
    tables: dict[Context, NDArray[np.float64]] = {}
    for history in histories:
        parts = [_parts(shares) for shares in history.shares]
        for place in np.flatnonzero(~history.is_negative):
            for order in ORDERS[: int(place)]:
                for context, part in _contexts(parts[place - order : place]):
                    if context not in tables:
                        tables[context] = np.zeros(history.shares.shape[1])
                    tables[context] += part * history.shares[place]
    return tables


def _own(history: History, own: NDArray[np.float64]) -> NDArray[np.float64]:
    return own


def _parts(shares: NDArray[np.float64]) -> dict[int, float]:
    strongest = np.argsort(-shares, kind="stable")[:MAX_CATEGORIES]
    kept = {int(category): float(shares[category]) for category in strongest if shares[category]}
    total = sum(kept.values())
    return {category: part / total for category, part in kept.items()}


def _contexts(events: Sequence[dict[int, float]]) -> Iterator[tuple[Context, float]]:
    for chosen in product(*(event.items() for event in events)):
        yield (
            tuple(category for category, _ in chosen),
            float(np.prod([part for _, part in chosen])),
        )
