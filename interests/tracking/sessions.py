"""Sessions: what a person does in one visit, apart from what they do over many.

Somebody who watches one series all evening repeats a category within a session; that is no change of
interest. So the session at hand has a memory of its own, each session before counts once however long it
was, and a memory is kept in which a repeated category counts less with each repetition.

Legend: B end users of a batch, C categories.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interests.tracking.memories import MAX_EVENT_WEIGHT

# Of the repetition and the damped memory: about a hundred events back.
KEPT = 0.99
# Events of the same session that were not needed to believe in a habit of repeating.
HABIT_EVENTS = 5.0
# An interest not seen for longer is as far away as one never seen.
LONGEST_ABSENCE = 200.0


class Sessions:
    """What sessions say of several people."""

    def __init__(self, num_categories: int, *, size: int) -> None:
        self.now = np.zeros((size, num_categories))  # of the session at hand
        self.num_now = np.zeros(size)
        self.before = np.zeros((size, num_categories))  # shares of the session before
        self.means = np.zeros((size, num_categories))  # sum of the shares of ended sessions
        self.num_ended = np.zeros(size)
        self.damped = np.zeros((size, num_categories))
        self.absence = np.full((size, num_categories), LONGEST_ABSENCE)  # events since last seen
        self._repeated = np.zeros(size)
        self._chances = np.zeros(size)

    def keep(self, size: int) -> None:
        """Forget all but the first `size` end users."""
        for name, value in vars(self).items():
            setattr(self, name, value[:size])

    def state(self) -> tuple[NDArray[np.float64], ...]:
        """Return what it holds of each person, each [B, ...]."""
        return tuple(vars(self).values())

    def restore(self, rows: NDArray[np.intp], state: Sequence[NDArray[np.float64]]) -> None:
        """Hold of the people in `rows` what `state` returned."""
        for held, own in zip(vars(self).values(), state, strict=True):
            held[rows] = own

    def habit(self) -> NDArray[np.float64]:
        """Return how much more a person repeats within a session than their interest explains. [B]"""
        return self._repeated / (self._chances + HABIT_EVENTS)

    def add(
        self,
        event: NDArray[np.float64],
        weights: NDArray[np.float64],
        *,
        begins_session: NDArray[np.bool_],
        expected: NDArray[np.float64],
    ) -> None:
        """Take in one event of each person: shares [B, C], weights [B], what was expected [B, C]."""
        amounts = np.clip(weights, 0, MAX_EVENT_WEIGHT)
        self._end_sessions(begins_session)
        own = self.now / np.maximum(self.num_now, 1e-9)[:, None]
        is_inside = (self.num_now > 0) & (amounts > 0)
        surprise = (event * (own - expected)).sum(1)
        self._repeated = KEPT * self._repeated + np.where(is_inside, surprise, 0)
        self._chances = KEPT * self._chances + is_inside
        added = event * amounts[:, None]
        self.damped = KEPT * self.damped + added / (1 + self.now)
        self.now = self.now + added
        self.num_now = self.num_now + amounts
        self.absence = np.minimum(np.where(added > 0, 1, self.absence + 1), LONGEST_ABSENCE)

    def _end_sessions(self, begins: NDArray[np.bool_]) -> None:
        ended = begins & (self.num_now > 0)
        shares = self.now / np.maximum(self.num_now, 1e-9)[:, None]
        self.before = np.where(ended[:, None], shares, self.before)
        self.means = self.means + np.where(ended[:, None], shares, 0)
        self.num_ended = self.num_ended + ended
        self.now = np.where(begins[:, None], 0, self.now)
        self.num_now = np.where(begins, 0, self.num_now)
