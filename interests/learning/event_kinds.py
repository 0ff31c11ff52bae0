"""Kinds of events and the levels of their values as one number, so that a rating of 1 is not one of 5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog

# A kind's values are told apart by at most so many levels, of about as many events each.
MAX_LEVELS = 10


@dataclass(frozen=True)
class EventKinds:
    """The kinds that a network knows, and where the levels of their values begin.

    A kind takes one number for events without a value (NaN) and one for each level. Number 0 is
    left to kinds that are unknown.

    Attributes:
        names: of the kinds, unique
        bounds: for each kind the least value of every level but the first, ascending; () for a kind
            without values or with a single one
    """

    names: tuple[str, ...]
    bounds: tuple[tuple[float, ...], ...]

    @classmethod
    def of_log(cls, log: InteractionLog) -> EventKinds:
        """Learn the levels from a log's values; infinite ones count as none."""
        return cls(
            names=log.kind_names,
            bounds=tuple(
                _bounds(log.values[log.kinds == number]) for number in range(len(log.kind_names))
            ),
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> EventKinds:
        """Return what `to_dict` wrote.

        Raises:
            KeyError: something is missing.
        """
        bounds = tuple(tuple(float(bound) for bound in row) for row in values["bounds"])
        return cls(names=tuple(values["names"]), bounds=bounds)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"names": list(self.names), "bounds": [list(row) for row in self.bounds]}

    @property
    def count(self) -> int:
        """How many numbers there are, 0 for unknown kinds included."""
        return 1 + sum(len(row) + 2 for row in self.bounds)

    def numbers(self, log: InteractionLog) -> NDArray[np.int64]:
        """Return the number of each event of any log, by the names of its kinds. [E]"""
        found = np.zeros(log.num_events, np.int64)
        first = 1
        for name, bounds in zip(self.names, self.bounds, strict=True):
            if name in log.kind_names:
                own = np.flatnonzero(log.kinds == log.kind_names.index(name))
                values = log.values[own]
                level = 1 + np.searchsorted(np.array(bounds, np.float32), values, side="right")
                found[own] = first + np.where(np.isfinite(values), level, 0)
            first += len(bounds) + 2
        return found


def _bounds(values: NDArray[np.float32]) -> tuple[float, ...]:
    known = values[np.isfinite(values)]
    if not len(known):
        return ()
    quantiles = np.quantile(known, np.arange(1, MAX_LEVELS) / MAX_LEVELS, method="lower")
    # A level begins above the smallest value, else the level below it would be empty.
    return tuple(float(bound) for bound in np.unique(quantiles) if bound > known.min())
