"""What is chosen more than usual of late. The same list for every end user.

An item's choices of late are its events, each counting half as much for every half-life that has passed
since. Usual is its share of all events so far, times what all items have of late. Both are put through
Anscombe's transform (Biometrika, 1948), after which a count scatters alike however large it is, so that
neither the big items nor those with a single lucky event come first by their size alone:

    score = 2 sqrt(late + 3/8) - 2 w sqrt(usual + 3/8)

With w = 1 it says by how many standard deviations an item runs above its usual level; a smaller w leaves
some of the popularity in.

Legend: b end users, N items, E events that are not negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms.popularity import MICROSECONDS_A_DAY
from recommender.algorithms.protocol import CannotFit, Report, event_counts

# Anscombe's constant: with it the spread of a Poisson count is the most even.
EVEN = 3 / 8


@dataclass(frozen=True)
class TrendingSettings:
    """What "of late" and "more than usual" mean.

    Attributes:
        half_life_days: an event counts half as much for every so many days before the end of training
            (or before the request, where its time is known). Above 0.
        normalisation: w, 0 to 1: how much of the usual level is taken off.
    """

    half_life_days: float = 30.0
    normalisation: float = 1.0


@dataclass(frozen=True)
class Trends:
    """Events of the fit in order of time.

    Attributes:
        items: [E]
        times: ascending, microseconds. [E]
        is_known: whether an item was ever chosen. [N]
    """

    items: NDArray[np.int32]
    times: NDArray[np.int64]
    is_known: NDArray[np.bool_]
    settings: TrendingSettings

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        if request_times is None:
            now = self._scores_before(int(self.times[-1]) + 1)
            return np.tile(now, (len(users), 1))  # [b, N]
        return np.stack([self._scores_before(int(time)) for time in request_times])  # [b, N]

    def _scores_before(self, end: int) -> NDArray[np.float32]:
        until = int(np.searchsorted(self.times, end))
        items, num_items = self.items[:until], len(self.is_known)
        ages = (end - self.times[:until]) / (self.settings.half_life_days * MICROSECONDS_A_DAY)
        weights = np.exp2(-ages)
        late = np.bincount(items, weights, minlength=num_items)
        usual = np.bincount(items, minlength=num_items) * (weights.sum() / max(until, 1))
        own_level = self.settings.normalisation * np.sqrt(usual + EVEN)
        risen = 2 * np.sqrt(late + EVEN) - 2 * own_level
        return np.where(self.is_known, risen, -np.inf).astype(np.float32)


class Trending:
    """Items by how far their choices of late exceed their usual level."""

    name = "trending"
    is_baseline = True

    def grid(self) -> Sequence[TrendingSettings]:
        return tuple(
            TrendingSettings(days, normalisation)
            for normalisation in (1.0, 0.5)
            for days in (30.0, 7.0, 180.0, 730.0)
        )

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: TrendingSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Trends:
        if settings.half_life_days <= 0 or not 0 <= settings.normalisation <= 1:
            raise CannotFit("trending needs a half-life above 0 and a normalisation from 0 to 1.")
        is_known = event_counts(log) > 0
        if not is_known.any():
            raise CannotFit("There are no events to find a trend in: trending needs at least one.")
        positive = np.flatnonzero(~log.is_negative)
        order = positive[np.argsort(log.times[positive], kind="stable")]
        return Trends(log.items[order], log.times[order], is_known, settings)
