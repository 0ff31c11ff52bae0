"""Groups of people who may need another mixture of algorithms, told from what they did before they ask.

Legend: b end users, C categories, G groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from interests.drift import scores as drift
from interests.tracking import histories as tracking
from interests.tracking.protocol import population_prior

# Events from which somebody is no longer new, and from which there are many.
FEW, MANY = 10, 50
GROUPS = ("new", "few events", "many events", "drifting", "stable")
# The recent lies so many standard deviations from the usual: one in forty where nothing changes.
DRIFTING_ABOVE = 2.0
# Mean interests hardly change after so many people.
MAX_PEOPLE = 2_000


@dataclass(frozen=True)
class Population:
    """What people have in common, which drift is told against. mean: interests, sums to 1. [C]"""

    mean: NDArray[np.float64]
    session_correlation: float

    @classmethod
    def of_log(cls, log: InteractionLog, *, seed: int) -> Population:
        """Learn it from a sorted log."""
        known = np.flatnonzero(_lengths(log) >= drift.MIN_EVENTS)
        if len(known) > MAX_PEOPLE:
            known = np.random.default_rng(seed).permutation(known)[:MAX_PEOPLE]
        people = tracking.of_log(log, users=np.sort(known).tolist())
        num_categories = log.catalogue.shares.shape[1]
        return cls(
            mean=population_prior(people, num_categories=num_categories),
            session_correlation=drift.session_correlation(people),
        )

    def groups(self, histories: InteractionLog, *, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return 1 where an end user is of a group of `GROUPS`, else 0. [b, G]"""
        lengths = _lengths(histories)[users]
        found = np.zeros((len(users), len(GROUPS)), np.float32)
        found[:, 0] = lengths < FEW
        found[:, 1] = (lengths >= FEW) & (lengths < MANY)
        found[:, 2] = lengths >= MANY
        # Of one category alone nobody can drift.
        enough = np.flatnonzero((lengths >= drift.MIN_EVENTS) & (len(self.mean) > 1))
        if len(enough):
            people = tracking.of_log(histories, users=users[enough].tolist())
            moved = drift.latest_scores(
                people, population=self.mean, session_correlation=self.session_correlation
            ).scores
            found[enough, 3] = moved > DRIFTING_ABOVE
            found[enough, 4] = moved <= DRIFTING_ABOVE
        return found


def _lengths(log: InteractionLog) -> NDArray[np.int64]:
    """Count each end user's events that are not negative."""
    return np.bincount(log.users[~log.is_negative], minlength=log.num_users)
