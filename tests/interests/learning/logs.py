"""Small logs for tests of learning."""

from __future__ import annotations

import numpy as np

from interests.datasets.log import Catalogue, InteractionLog

KINDS = ("view", "dislike")


def log_of(
    histories: list[list[int]],
    *,
    num_items: int,
    kinds: list[list[int]] | None = None,
    seconds: list[list[float]] | None = None,
    categories: list[list[str]] | None = None,
) -> InteractionLog:
    """Return a sorted log: item numbers of each end user; kind 1 is negative; a second apart by default."""
    users = [user for user, items in enumerate(histories) for _ in items]
    flat = [item for items in histories for item in items]
    times = [place for items in histories for place in range(len(items))]
    if seconds is not None:
        times = [second for row in seconds for second in row]
    return InteractionLog(
        catalogue=Catalogue.build(
            item_ids=[f"i{number}" for number in range(num_items)], categories=categories
        ),
        user_ids=np.array([f"u{number}" for number in range(len(histories))], object),
        users=np.array(users, np.int32),
        items=np.array(flat, np.int32),
        kinds=np.array([k for row in kinds for k in row] if kinds else [0] * len(flat), np.int16),
        values=np.full(len(flat), np.nan, np.float32),
        times=(np.array(times, np.float64) * 1_000_000).astype(np.int64),
        positions=np.arange(len(flat)),
        kind_names=KINDS,
        kind_weights=np.array([1, -1], np.float32),
    )


def chain(
    *, num_users: int = 60, num_items: int = 12, length: int = 8, seed: int = 0
) -> InteractionLog:
    """Return a log whose right answer is known: after item i comes item i + 1, round and round."""
    starts = np.random.default_rng(seed).integers(0, num_items, num_users)
    return log_of(
        [[int(start + step) % num_items for step in range(length)] for start in starts],
        num_items=num_items,
        categories=[["low"] if item < num_items // 2 else ["high"] for item in range(num_items)],
    )
