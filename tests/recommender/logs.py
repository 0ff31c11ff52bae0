"""Small logs for tests: by hand, and drawn with some structure in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from interests.datasets.log import Catalogue, InteractionLog

DAY = 86_400_000_000
KINDS = ("view", "dislike")


def log_of(
    rows: Sequence[tuple[str, str, float] | tuple[str, str, float, str]],
    *,
    item_ids: Sequence[str] = (),
) -> InteractionLog:
    """Return a sorted log of (user, item, day) or (user, item, day, kind), users in order of name."""
    full = [(*row, "view")[:4] for row in rows]
    users = sorted({user for user, _, _, _ in full})
    items = list(item_ids) or sorted({item for _, item, _, _ in full})
    log = InteractionLog(
        catalogue=Catalogue.build(item_ids=items, titles=[f"The {item}" for item in items]),
        user_ids=np.array(users, object),
        users=np.array([users.index(user) for user, _, _, _ in full], np.int32),
        items=np.array([items.index(item) for _, item, _, _ in full], np.int32),
        kinds=np.array([KINDS.index(kind) for _, _, _, kind in full], np.int16),
        values=np.full(len(full), np.nan, np.float32),
        times=np.array([day * DAY for _, _, day, _ in full], np.int64),
        positions=np.arange(len(full)),
        kind_names=KINDS,
        kind_weights=np.array([1, -1], np.float32),
    )
    return log.sorted(ties="file")


def drawn_log(
    *, num_users: int = 60, num_items: int = 40, num_events: int = 900, seed: int = 0
) -> InteractionLog:
    """Return a sorted log in which even users like the first half of the items, odd ones the second.

    Titles say which half an item is of.
    """
    random = np.random.default_rng(seed)
    users = random.integers(0, num_users, num_events)
    items = random.zipf(1.4, num_events) % (num_items // 2) + (users % 2) * (num_items // 2)
    kinds = (random.random(num_events) < 0.05).astype(np.int16)
    log = log_of([("u", "i", 0.0)])
    return replace(
        log,
        catalogue=Catalogue.build(
            item_ids=[f"item {number}" for number in range(num_items)],
            titles=[
                f"{'First' if number < num_items // 2 else 'Second'} {number}"
                for number in range(num_items)
            ],
        ),
        user_ids=np.array([f"user {number}" for number in range(num_users)], object),
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        kinds=kinds,
        values=np.full(num_events, np.nan, np.float32),
        times=random.integers(0, 300 * DAY, num_events),
        positions=np.arange(num_events),
    ).sorted()


def events_of(log: InteractionLog) -> list[tuple[str, str]]:
    """Return the (user, item) pairs of a log in its order."""
    items = log.catalogue.item_ids[log.items]
    return list(zip(log.user_ids[log.users], items, strict=True))
