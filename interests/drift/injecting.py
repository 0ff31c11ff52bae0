"""Known changes of interest put into copies of real histories, and histories in which nothing changes.

What a detector finds among one's own people cannot be checked: nobody knows who changed. So each person's
sessions are put into a random order, which keeps how they act within a session and takes away whatever
changed between sessions; then, in a second copy, a part of the strongest interest is made to move, from a
random event on, to a category the person hardly knew, by events that others really had there.

Legend: L length of a history, C categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

# With fewer there is no telling before from after.
MIN_EVENTS = 60
MOVED_SHARE = (0.6, 1.0)
BEGIN = (0.3, 0.6)
# Rows kept of each category to draw from: enough that no event is met again and again.
POOL_ROWS = 200

H = TypeVar("H", bound=Any)  # a dataclass with shares, sessions, weights and is_negative


@dataclass(frozen=True)
class Injected:
    """A change that was put in: in which history, from which event on, from what to what."""

    history: int
    event: int
    falling: int
    rising: int


def without_changes(histories: Sequence[H], *, rng: np.random.Generator) -> list[H]:
    """Return the histories with the sessions of each in a random order; times stay where they are."""
    return [_reordered(history, rng) for history in histories]


def with_changes(
    histories: Sequence[H], *, rng: np.random.Generator
) -> tuple[list[H], list[Injected]]:
    """Return the histories with one change put into each that is long enough, and what was put in."""
    pools = _pools(histories, rng)
    changed: list[H] = []
    injected: list[Injected] = []
    for number, history in enumerate(histories):
        found = _with_change(history, number, pools, rng)
        changed.append(found[0] if found else history)
        if found:
            injected.append(found[1])
    return changed, injected


def _reordered(history: H, rng: np.random.Generator) -> H:
    if not len(history.sessions):
        return history
    starts = np.flatnonzero(np.diff(history.sessions, prepend=history.sessions[0] - 1))
    sizes = np.diff(starts, append=len(history.sessions))
    order = rng.permutation(len(starts))
    events = np.concatenate([np.arange(starts[s], starts[s] + sizes[s]) for s in order])
    return replace(
        history,
        shares=history.shares[events],
        weights=history.weights[events],
        sessions=np.repeat(np.arange(len(starts), dtype=np.int32), sizes[order]),
    )


def _pools(histories: Sequence[H], rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Return, for each category, shares of real events that fall mostly into it. [C][rows, C]"""
    rows = np.concatenate([history.shares[~history.is_negative] for history in histories])
    main = rows.argmax(1)
    pools = []
    for category in range(rows.shape[1]):
        own = np.flatnonzero(main == category)
        pools.append(rows[rng.choice(own, size=min(len(own), POOL_ROWS), replace=False)])
    return pools


def _with_change(
    history: H, number: int, pools: Sequence[NDArray[np.float64]], rng: np.random.Generator
) -> tuple[H, Injected] | None:
    if int((~history.is_negative).sum()) < MIN_EVENTS:
        return None
    event = int(len(history.shares) * rng.uniform(*BEGIN))
    usual = history.shares[:event][~history.is_negative[:event]].mean(0)
    falling = int(usual.argmax())
    weaker = [
        int(category)
        for category in np.argsort(usual)[: max(len(usual) // 2, 1)]
        if len(pools[category]) and category != falling
    ]
    if not weaker:
        return None
    rising = int(rng.choice(weaker))
    shares = history.shares.copy()
    is_after = np.arange(len(shares)) >= event
    # An event that lies in several categories falls to each in its share.
    is_of_falling = rng.random(len(shares)) < shares[:, falling]
    is_moved = is_after & is_of_falling & (rng.random(len(shares)) < rng.uniform(*MOVED_SHARE))
    shares[is_moved] = pools[rising][rng.integers(len(pools[rising]), size=int(is_moved.sum()))]
    return replace(history, shares=shares), Injected(number, event, falling, rising)
