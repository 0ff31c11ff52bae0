"""The algorithm below an exploration, and the best of its items.

Legend: b end users, N items, m of the pool.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender import algorithms
from recommender.algorithms import matrices
from recommender.algorithms.protocol import Fitted


def best_of(
    scores: NDArray[np.float32],
    histories: InteractionLog,
    *,
    users: NDArray[np.int32],
    size: int,
    hides_seen: bool = True,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return the best items, best first, their scores with mean 0 and spread 1, and which are any. [b, m]

    Args:
        hides_seen: what was chosen before is none of them.
    """
    open_scores = scores.astype(np.float64)
    if hides_seen:
        events, rows = matrices.events_of(histories, users=users)
        open_scores[rows, histories.items[events]] = -np.inf
    size = min(size, scores.shape[1])
    pool = np.argsort(-open_scores, axis=1, kind="stable")[:, :size]
    own = np.take_along_axis(open_scores, pool, axis=1)
    may = np.isfinite(own)
    counts = np.maximum(may.sum(axis=1, keepdims=True), 1)
    own = np.where(may, own, 0)
    above = np.where(may, own - own.sum(axis=1, keepdims=True) / counts, 0)
    spread = np.sqrt((above**2).sum(axis=1, keepdims=True) / counts)
    return pool, above / np.where(spread > 0, spread, 1), may


def fitted_below(log: InteractionLog, *, over: str, seed: int, **options: Any) -> Fitted:
    """Fit the algorithm of this name with its usual settings."""
    algorithm = algorithms.make(over)
    return algorithm.fit(log, settings=algorithm.grid()[0], seed=seed, **options)
