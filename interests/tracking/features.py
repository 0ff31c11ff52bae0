"""What the gate looks at before the next event: of each category, and of the person.

All of it is the same whichever way the categories are numbered, so that what is learned of one category
holds for all. Nothing knows the time of the next event: it is asked for before that.

Legend: B end users of a batch, K experts, C categories, F features of a category, P features of a person,
X shares that the gate crosses categories by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.tracking.experts import MEMORIES, NUM_EXPERTS, Experts
from interests.tracking.memories import Memory

DAY_MICROSECONDS = 86_400_000_000
# The longest and the shortest way to remember, and some between, as places among the memories.
PLAIN = tuple(
    MEMORIES.index(memory)
    for memory in (Memory(np.inf, 10), Memory(60, 8), Memory(25, 8), Memory(6, 6), Memory(3, 6))
)
CREDITED = tuple(
    len(MEMORIES) + MEMORIES.index(memory)
    for memory in (
        Memory(np.inf, 10), Memory(160, 12), Memory(60, 8), Memory(25, 8), Memory(12, 8), Memory(3, 6)
    )
)  # fmt: skip
CHANGES = (2 * len(MEMORIES), 2 * len(MEMORIES) + 1)
LEVELS = tuple(range(2 * len(MEMORIES) + 2, NUM_EXPERTS))
CROSSED = tuple(
    MEMORIES.index(memory) for memory in (Memory(np.inf, 10), Memory(25, 8), Memory(6, 6))
)
NUM_CROSSED = len(CROSSED) + 3
# Shares are made of logs of them; this much keeps a log finite.
SMALLEST = 1e-4


@dataclass(frozen=True)
class Features:
    """What the gate looks at, float32.

    Attributes:
        mixed: log of what the mixture of experts expects. [B, C]
        of_category: [B, C, F]
        of_person: [B, P]
        crossed: shares of what a person did last, lately and ever. [B, X, C]
    """

    mixed: NDArray[np.float32]
    of_category: NDArray[np.float32]
    of_person: NDArray[np.float32]
    crossed: NDArray[np.float32]


def features(
    experts: Experts, *, step: int | NDArray[np.int64], shares: NDArray[np.float64]
) -> Features:
    """Return the features after `step` events, the same of all or each one's own, after `Experts.foresee`."""
    predictions, sessions = experts.predictions, experts.sessions
    mixed = np.log(experts.mixed)
    now = _leaning(sessions.now, sessions.num_now, shares)
    logs = np.log(predictions[:, [*PLAIN, *CREDITED, *CHANGES, *LEVELS]]).transpose(
        0, 2, 1
    )  # [B, C, F]
    columns = [
        mixed,
        np.broadcast_to(np.log(shares), mixed.shape),
        np.log(now),
        np.log(_leaning(sessions.damped, sessions.damped.sum(1), shares)),
        np.log(_leaning(sessions.means, sessions.num_ended, shares)),
        np.log(experts.wanted),
        np.log1p(experts.credited.person),
        np.log1p(experts.plain.person),
        np.log(sessions.absence),
        sessions.before,
        *experts.events,
    ]
    crossed = [predictions[:, place] for place in CROSSED]
    crossed += [now, *experts.events]
    return Features(
        mixed=mixed.astype(np.float32),
        of_category=np.concatenate([np.stack(columns, -1), logs], -1).astype(np.float32),
        of_person=_of_person(experts, mixed=mixed, step=step),
        crossed=np.stack(crossed, 1).astype(np.float32),
    )


def _leaning(
    counts: NDArray[np.float64], totals: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return counts as shares that lean on everybody's by two events. [B, C]"""
    leaning: NDArray[np.float64] = (counts + 2 * shares) / (totals + 2)[:, None]
    return leaning


def _of_person(
    experts: Experts, *, mixed: NDArray[np.float64], step: int | NDArray[np.int64]
) -> NDArray[np.float32]:
    sessions = experts.sessions
    pause = np.where(
        np.asarray(step) > 1, (experts.times[0] - experts.times[1]) / DAY_MICROSECONDS, 1.0
    )
    columns = [
        np.broadcast_to(np.log1p(step), len(mixed)),
        np.log1p(sessions.num_now),
        np.log1p(sessions.num_ended),
        np.log(np.maximum(pause, SMALLEST)),
        sessions.habit(),
        *(changes.log_run() for changes in experts.changes),
        -(np.exp(mixed) * mixed).sum(1),
    ]
    beliefs = np.log(experts.belief + SMALLEST)
    return np.concatenate([np.stack(columns, 1), beliefs], 1).astype(np.float32)
