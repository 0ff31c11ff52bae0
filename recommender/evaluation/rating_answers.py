"""Ratings from algorithms that predict them for whole histories, asked at single moments.

Their scores are ratings, and what they know of a person is the history they are given. So each moment becomes a person of
its own, whose history is what the real one had done before it.

Legend: n questions, m moments, N items.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms.examples import Examples
from recommender.algorithms.protocol import Fitted

# What ranks all items best counts unrated ones as low ratings. Here they are asked as published.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "knn_regression": {"mean_shrinkage": 10.0},
    "biased_mf": {"unrated": 0, "l2": 0.1},
    "als_explicit": {"unrated_weight": 0.0, "regularisation": 0.1},
}
# Scores held at a time: 40 MB.
BLOCK_CELLS = 10_000_000


def ratings(
    fitted: Fitted, histories: InteractionLog, questions: Examples, *, labels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the rating of each question; the mean of all where nothing of the person or item is known.

    Args:
        fitted: one whose scores are ratings.
        histories: sorted
        labels: ratings of the fit: answers lie within them, and have their mean.

    Returns:
        [n]
    """
    moments = questions.moments
    apart, has_history = at_moments(histories, users=moments.users, ends=moments.ends)
    mean = float(labels.mean())
    found = np.full(len(questions.rows), mean)
    order = np.argsort(questions.rows, kind="stable")
    step = max(1, BLOCK_CELLS // max(histories.num_items, 1))
    for first in range(0, apart.num_users, step):
        users = np.arange(first, min(first + step, apart.num_users), dtype=np.int32)
        own = order[np.isin(questions.rows[order], users)]
        scores = fitted.scores(apart, users=users)  # [b, N]
        rows = questions.rows[own]
        told = scores[rows - first, questions.items[own]].astype(np.float64)
        is_told = np.isfinite(told) & has_history[rows]
        found[own] = np.where(is_told, told, mean)
    return np.asarray(np.clip(found, labels.min(), labels.max()))


def at_moments(
    log: InteractionLog, *, users: NDArray[np.int32], ends: NDArray[np.int64]
) -> tuple[InteractionLog, NDArray[np.bool_]]:
    """Return a log in which each moment is a person, and whether a choice of his is in it. [m]

    Args:
        log: sorted
        users: whose each moment is. [m]
        ends: events of the log before each moment, those of others included. [m]
    """
    starts = log.offsets[users]
    lengths = ends - starts
    rows = np.repeat(np.arange(len(users)), lengths)
    events = np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    names = np.array([f"moment {number}" for number in range(len(users))], object)
    apart = log.take(events).of_people(users, users=rows, user_ids=names)
    choices = np.bincount(rows[~apart.is_negative], minlength=len(users))
    return apart, choices > 0
