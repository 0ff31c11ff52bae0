"""Bayesian change points: how long has a person's interest been what it is now?

After each event the interest either stays what it was or begins anew. The filter keeps a posterior over the
event at which the present interest began (Adams and MacKay, "Bayesian online changepoint detection", 2007),
with Dirichlet-multinomial predictions. The likeliest beginnings are kept, so that memory and time per event
are constant.

Legend: B end users of a batch, R beginnings that are kept, C categories.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interests.tracking.memories import MAX_EVENT_WEIGHT

BEGINNINGS = 16
# One change in so many events: fewer than most people have, more than it takes to learn an interest anew.
CHANGE_EVERY = 150.0
# A new interest leans on this many events of everybody's, or of the person's own.
PSEUDO_COUNT = 8.0
OWN_PSEUDO_COUNT = 12.0
PERSON_PSEUDO_COUNT = 15.0


class ChangePoints:
    """The posterior over beginnings of several people's present interest, [B, R]."""

    def __init__(self, shares: NDArray[np.float64], *, size: int, leans_on_person: bool) -> None:
        self._shares = shares
        self._leans = leans_on_person
        self._pseudo = OWN_PSEUDO_COUNT if leans_on_person else PSEUDO_COUNT
        self._counts = np.zeros((size, BEGINNINGS, len(shares)))
        self._totals = np.zeros((size, BEGINNINGS))
        self._person = np.zeros((size, len(shares)))
        self._posterior = np.zeros((size, BEGINNINGS))
        self._posterior[:, 0] = 1
        self._each = self._counts

    def keep(self, size: int) -> None:
        """Forget all but the first `size` end users."""
        self._counts, self._totals = self._counts[:size], self._totals[:size]
        self._person, self._posterior = self._person[:size], self._posterior[:size]

    def state(self) -> tuple[NDArray[np.float64], ...]:
        """Return what it holds of each person, each [B, ...]; the rest follows from it."""
        return self._counts, self._posterior, self._person

    def restore(self, rows: NDArray[np.intp], state: Sequence[NDArray[np.float64]]) -> None:
        """Hold of the people in `rows` what `state` returned."""
        self._counts[rows], self._posterior[rows], self._person[rows] = state
        self._totals[rows] = self._counts[rows].sum(2)

    @property
    def posterior(self) -> NDArray[np.float64]:
        """Return how likely each kept beginning is; rows sum to 1. [B, R]"""
        return self._posterior

    @property
    def run_events(self) -> NDArray[np.float64]:
        """Return how many (weighted) events lie since each kept beginning. [B, R]"""
        return self._totals

    def log_run(self) -> NDArray[np.float64]:
        """Return the expected log(1 + events since the present interest began). [B]"""
        expected: NDArray[np.float64] = (self._posterior * np.log1p(self._totals)).sum(1)
        return expected

    def predictions(self) -> NDArray[np.float64]:
        """Return what is expected next; rows sum to 1, none is 0. [B, C]"""
        prior = self._shares[None]
        if self._leans:
            own = self._person + PERSON_PSEUDO_COUNT * self._shares
            prior = own / own.sum(1, keepdims=True)
        self._each = self._counts + self._pseudo * prior[:, None]
        self._each /= (self._totals + self._pseudo)[:, :, None]
        mixed: NDArray[np.float64] = np.matmul(self._posterior[:, None], self._each)[:, 0]
        return mixed

    def add(self, event: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        """Take in one event of each person, after `predictions`: shares [B, C], weights [B].

        Events of weight 0 or less say nothing about when an interest began.
        """
        amounts = np.clip(weights, 0, MAX_EVENT_WEIGHT)
        seen = np.exp(np.matmul(np.log(self._each), event[:, :, None])[..., 0])  # [B, R]
        posterior = self._posterior * seen
        posterior *= (1 - 1 / CHANGE_EVERY) / posterior.sum(1, keepdims=True)
        added = event * amounts[:, None]
        self._counts += added[:, None]
        self._totals += amounts[:, None]
        self._person += added
        is_told = np.flatnonzero(amounts > 0)
        # The least likely beginning makes room for "it begins with the next event".
        least = posterior[is_told].argmin(1)
        posterior[is_told, least] = 1 / CHANGE_EVERY
        self._counts[is_told, least] = 0
        self._totals[is_told, least] = 0
        posterior /= posterior.sum(1, keepdims=True)
        self._posterior = np.where(amounts[:, None] > 0, posterior, self._posterior)
