"""What an item of a pool is worth at best, by ridge regression on what is known of it (Li et al., WWW 2010, LinUCB).

Learned from the log alone: the algorithm below is fitted without each end user's last choice, and asked for
its pool; reward is 1 for the item that was chosen, 0 for the others. The value of features x is
θᵀx + α √(xᵀ A⁻¹ x) with A = I + Σ x xᵀ and θ = A⁻¹ Σ r x: items of which little like them was ever shown may be
worth more than their estimate.

Legend: b end users, N items, m of the pool, C categories, d features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms import pools
from recommender.algorithms.protocol import event_counts

# With more categories than this their shares are left out: A is a full matrix.
MAX_CATEGORIES = 300
# End users asked at a time: their features are 100 MB at most.
BLOCK = 256


@dataclass(frozen=True)
class Regressed:
    """What was learned. of_items: features of the items themselves, [N, C + 1]; weights: θ, [d]; inverse: A⁻¹, [d, d]"""

    of_items: NDArray[np.float64]
    weights: NDArray[np.float64]
    inverse: NDArray[np.float64]
    alpha: float

    def upper(self, scores: NDArray[np.float64], items: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the most that items may be worth. scores: of the pool, best first. [b, m]"""
        found = np.empty(scores.shape)
        for first in range(0, len(scores), BLOCK):
            some = slice(first, first + BLOCK)
            features = _features(scores[some], items[some], self.of_items)  # [b, m, d]
            squares = ((features @ self.inverse) * features).sum(axis=2)
            width = np.sqrt(np.maximum(squares, 0))
            found[some] = features @ self.weights + self.alpha * width
        return found


def learned(log: InteractionLog, *, over: str, alpha: float, pool: int, seed: int) -> Regressed:
    """Learn from each end user's last choice, of those with two choices at least."""
    counts = event_counts(log)
    shares = log.catalogue.shares if log.catalogue.shares.shape[1] <= MAX_CATEGORIES else None
    popularity = np.log1p(counts)[:, None] / np.log1p(max(counts.max(initial=1), 1))
    of_items = popularity if shares is None else np.hstack([popularity, shares])
    width = of_items.shape[1] + 3
    matrix, target = np.eye(width), np.zeros(width)
    last = _last_choices(log)
    if len(last):
        before = log.take(np.setdiff1d(np.arange(log.num_events), last))
        below = pools.fitted_below(before, over=over, seed=seed)
        for first in range(0, len(last), BLOCK):
            events = last[first : first + BLOCK]
            users = log.users[events]
            scores = below.scores(before, users=users)
            items, own, may = pools.best_of(scores, before, users=users, size=pool)
            features = _features(own, items, of_items)[may]  # [b m, d]
            rewards = (items == log.items[events][:, None])[may]
            matrix += features.T @ features
            target += rewards @ features
    inverse = np.linalg.inv(matrix).astype(np.float64)
    return Regressed(of_items, np.asarray(inverse @ target, np.float64), inverse, alpha)


def _features(
    scores: NDArray[np.float64], items: NDArray[np.int64], of_items: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return 1, score, 1 / place, and the item's own features. [b, m, d]"""
    places = np.broadcast_to(1 / np.arange(1, scores.shape[1] + 1), scores.shape)
    shown = np.stack([np.ones(scores.shape), scores, places], axis=2)
    return np.concatenate([shown, of_items[items]], axis=2)


def _last_choices(log: InteractionLog) -> NDArray[np.intp]:
    """Return the last event that is not negative of everybody who has two of them."""
    chosen = np.flatnonzero(~log.is_negative)
    _, first, counts = np.unique(log.users[chosen], return_index=True, return_counts=True)
    return np.asarray(chosen[(first + counts - 1)[counts > 1]], np.intp)
