"""What one simulated person wants at each of their events, and the changes in it.

Legend: E events of one end user, C categories.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONCENTRATION = 0.25  # of the Dirichlet that preferences are drawn from
UNIFORM_SHARE = 0.1  # of everybody's draws, spread over all categories
MOVED_SHARE = (0.6, 1.0)  # of the strongest interest
GRADUAL_EVENTS = (15, 61)
# Where in a stream changes begin.
ABRUPT_BEGIN = (0.3, 0.6)
GRADUAL_BEGIN = (0.25, 0.5)
THERE_BEGIN, BACK_BEGIN = (0.25, 0.4), (0.6, 0.75)
NEW_SHARE = (0.25, 0.5)  # what a new interest takes of all others alike
FADING_EVENTS = (30, 91)
LEFT_SHARE = 0.05  # of an interest that has faded


@dataclass(frozen=True)
class Change:
    """One change of interest; event numbers count from 0 within the end user's stream."""

    user: int
    event: int
    end_event: int
    kind: str
    falling: int
    rising: int


Drawn = tuple[NDArray[np.float64], list[Change]]


def preferences(
    behaviour: str, *, user: int, count: int, width: int, rng: np.random.Generator
) -> Drawn:
    """Return one end user's preference at each of `count` events, and the changes in it. [E, C]"""
    before = rng.dirichlet(np.full(width, CONCENTRATION)) * (1 - UNIFORM_SHARE)
    before += UNIFORM_SHARE / width
    change = _CHANGES.get(behaviour)
    if change is None:
        return np.repeat(before[None], count, axis=0), []
    return change(before, user, count, rng)


def _moved(before: NDArray[np.float64], rng: np.random.Generator) -> tuple[int, int, np.ndarray]:
    """Draw what falls, what rises, and the preference after a part of one moved to the other."""
    order = np.argsort(before)
    falling, rising = int(order[-1]), int(rng.choice(order[: len(before) // 2]))
    moved = before[falling] * rng.uniform(*MOVED_SHARE)
    after = before.copy()
    after[falling] -= moved
    after[rising] += moved
    return falling, rising, after


def _abrupt(before: NDArray[np.float64], user: int, count: int, rng: np.random.Generator) -> Drawn:
    falling, rising, after = _moved(before, rng)
    event = int(count * rng.uniform(*ABRUPT_BEGIN))
    return _until(before, after, event, count), [
        Change(user, event, event, "abrupt", falling, rising)
    ]


def _gradual(before: NDArray[np.float64], user: int, count: int, rng: np.random.Generator) -> Drawn:
    falling, rising, after = _moved(before, rng)
    event = int(count * rng.uniform(*GRADUAL_BEGIN))
    length = min(int(rng.integers(*GRADUAL_EVENTS)), count - 1 - event)
    change = Change(user, event, event + length, "gradual", falling, rising)
    return _ramp(before, after, event, length, count), [change]


def _there_and_back(
    before: NDArray[np.float64], user: int, count: int, rng: np.random.Generator
) -> Drawn:
    falling, rising, after = _moved(before, rng)
    event = int(count * rng.uniform(*THERE_BEGIN))
    rows = _until(before, after, event, count)
    back = int(count * rng.uniform(*BACK_BEGIN))
    rows[back:] = before
    return rows, [
        Change(user, event, event, "abrupt", falling, rising),
        Change(user, back, back, "abrupt", rising, falling),
    ]


def _new_interest(
    before: NDArray[np.float64], user: int, count: int, rng: np.random.Generator
) -> Drawn:
    """Something hardly known takes a part of everything else at once."""
    order = np.argsort(before)
    rising = int(rng.choice(order[: max(len(before) // 4, 1)]))
    share = rng.uniform(*NEW_SHARE)
    after = before * (1 - share)
    after[rising] += share
    event = int(count * rng.uniform(*ABRUPT_BEGIN))
    change = Change(user, event, event, "new_interest", int(order[-1]), rising)
    return _until(before, after, event, count), [change]


def _fading_interest(
    before: NDArray[np.float64], user: int, count: int, rng: np.random.Generator
) -> Drawn:
    """The strongest interest dies slowly, and everything else takes its place alike."""
    order = np.argsort(before)
    falling = int(order[-1])
    after = before.copy()
    after[falling] *= LEFT_SHARE
    after /= after.sum()
    event = int(count * rng.uniform(*GRADUAL_BEGIN))
    length = min(int(rng.integers(*FADING_EVENTS)), count - 1 - event)
    change = Change(user, event, event + length, "fading_interest", falling, int(order[-2]))
    return _ramp(before, after, event, length, count), [change]


def _until(
    before: NDArray[np.float64], after: NDArray[np.float64], event: int, count: int
) -> NDArray[np.float64]:
    rows = np.repeat(before[None], count, axis=0)
    rows[event:] = after
    return rows


def _ramp(
    before: NDArray[np.float64], after: NDArray[np.float64], event: int, length: int, count: int
) -> NDArray[np.float64]:
    mix = np.clip((np.arange(count) - event) / length, 0, 1)[:, None]
    rows: NDArray[np.float64] = (1 - mix) * before + mix * after
    return rows


_CHANGES: dict[str, Callable[[NDArray[np.float64], int, int, np.random.Generator], Drawn]] = {
    "abrupt": _abrupt,
    "gradual": _gradual,
    "there_and_back": _there_and_back,
    "new_interest": _new_interest,
    "fading_interest": _fading_interest,
}
