"""Data for the benchmark of training: a folder, or simulated long histories of a known shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interests import datasets
from interests.datasets.log import Catalogue, InteractionLog

SEED = 1
# MovieLens-1M: 1,000,209 ratings, 165.6 of each user (median 96), at least 20 and at most 2,314 of one.
NUM_USERS, NUM_ITEMS, NUM_EVENTS = 6_040, 3_416, 1_000_000
SHORTEST, LONGEST = 20, 2_314
# Log-normal above the shortest: this spread puts the median of all lengths near 96.
LENGTH_SPREAD = 1.14
ZIPF_EXPONENT = 0.9
NUM_GROUPS = 40
# How much an end user prefers some groups of items, in log-odds, and how far the stretches of time
# that belong to one group overlap, as a share of the whole history.
TASTE_SPREAD, OVERLAP = 1.0, 0.02
SECOND = 1_000_000


def read(*, folder: Path | None, shape: str | None) -> InteractionLog:
    """Return a folder's events or those of a shape: sorted, ties as in the file, nothing negative.

    Raises:
        DatasetError: the folder cannot be read.
    """
    log = datasets.read(folder) if folder is not None else SHAPES[str(shape)]()
    log = log.sorted(ties="file")
    return log.take(~log.is_negative)


def movielens_1m() -> InteractionLog:
    """Return simulated events with the numbers of users, items and events of MovieLens-1M."""
    return simulate(num_users=NUM_USERS, num_items=NUM_ITEMS, num_events=NUM_EVENTS, seed=SEED)


def simulate(*, num_users: int, num_items: int, num_events: int, seed: int) -> InteractionLog:
    """Return log-normal histories without repeats of items that are as unequal as Zipf has it.

    Items belong to groups; each end user likes some groups more, and comes to them one after the
    other, so that what came last says something about what comes next.
    """
    rng = np.random.default_rng(seed)
    lengths = history_lengths(
        num_users=num_users, num_items=num_items, num_events=num_events, rng=rng
    )
    ranks = rng.permutation(num_items) + 1
    groups = rng.integers(NUM_GROUPS, size=num_items)
    histories = [
        _history(length, shares=-ZIPF_EXPONENT * np.log(ranks), groups=groups, rng=rng)
        for length in lengths
    ]
    gaps = np.exp(rng.normal(3, 2, lengths.sum()))
    total = len(gaps)
    return InteractionLog(
        catalogue=Catalogue.build(item_ids=[f"item-{item}" for item in range(num_items)]),
        user_ids=np.array([f"user-{user}" for user in range(num_users)], object),
        users=np.repeat(np.arange(num_users, dtype=np.int32), lengths),
        items=np.concatenate(histories).astype(np.int32),
        kinds=np.zeros(total, np.int16),
        values=np.full(total, np.nan, np.float32),
        # One clock for all, which only ever goes on: each end user's events are in order.
        times=np.cumsum((gaps * SECOND).astype(np.int64) + SECOND),
        positions=np.arange(total, dtype=np.int64),
        kind_names=("rating",),
        kind_weights=np.ones(1, np.float32),
    )


def history_lengths(
    *, num_users: int, num_items: int, num_events: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw log-normal lengths of at least `SHORTEST` that sum to about `num_events`. [num_users]"""
    extra = rng.lognormal(0, LENGTH_SPREAD, num_users)
    extra *= (num_events - SHORTEST * num_users) / extra.sum()
    lengths: NDArray[np.int64] = np.minimum(
        SHORTEST + np.round(extra).astype(np.int64), min(LONGEST, num_items)
    )
    return lengths


def _history(
    length: int, *, shares: NDArray[np.float64], groups: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw items without repeats, then put each into its group's stretch of time."""
    taste = rng.normal(0, TASTE_SPREAD, NUM_GROUPS)
    # The greatest of log-shares plus Gumbel noise are a draw without replacement.
    keys = shares + taste[groups] + rng.gumbel(size=len(shares))
    chosen = np.argpartition(-keys, length - 1)[:length]
    moments = rng.random(NUM_GROUPS)[groups[chosen]] + rng.normal(0, OVERLAP, length)
    history: NDArray[np.int64] = chosen[np.argsort(moments)]
    return history


SHAPES: dict[str, Callable[[], InteractionLog]] = {"movielens-1m": movielens_1m}
