"""Into which segments end users fall: everybody, by attribute, by first-seen month or year, by activity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.drift import populations
from interests.selectors import population_events
from interests.selectors.population_events import DAY_SECONDS

ALL, FIRST_SEEN, ACTIVITY = "all", "first seen", "activity"
ACTIVITIES = ("few events", "some events", "many events")
# Fewer people are themselves, not a segment.
MIN_END_USERS = 20
MAX_VALUES = 12
# More months than these are put together by year, more years than these the oldest into one.
MAX_FIRST_SEEN = 24


@dataclass(frozen=True)
class Segments:
    """Who belongs where.

    Attributes:
        names: kind and name of each segment, everybody first. [S]
        end_users: keys of those with events, ascending. [P]
        places: which segment of each kind somebody belongs to, -1 none; a column for each kind. [P, kinds]
    """

    names: list[tuple[str, str]]
    end_users: NDArray[np.int64]
    places: NDArray[np.int64]

    @property
    def num_people(self) -> int:
        return len(self.end_users)

    def members(self, end_users: NDArray[np.int64]) -> sparse.csr_array:
        """Return 1 where one of these end users belongs to a segment; newcomers only to everybody. [S, U]"""
        row = np.searchsorted(self.end_users, end_users)
        row = np.minimum(row, self.num_people - 1)
        is_known = self.end_users[row] == end_users
        own = np.where(is_known[:, None], self.places[row], -1)
        own[:, 0] = 0
        user, kind = np.nonzero(own >= 0)
        cells = (np.ones(len(user)), (own[user, kind], user))
        return sparse.csr_array(cells, shape=(len(self.names), len(end_users)))


def of_everybody() -> Segments:
    """Return the segments of all end users with events; those of fewer than 20 people are left out."""
    facts = population_events.counts()
    end_users = facts["user"]
    kinds = [
        (FIRST_SEEN, _first_seen(facts["day"])),
        (ACTIVITY, np.array(ACTIVITIES, object)[populations.thirds(facts["num"])]),
        *_attributes(end_users),
    ]
    names = [(ALL, "")]
    columns = [np.zeros(len(end_users), np.int64)]
    for kind, labels in kinds:
        own = [name for name, num in _counted(kind, labels) if num >= MIN_END_USERS]
        if len(own) < 2:
            continue
        place = {name: len(names) + number for number, name in enumerate(own)}
        columns.append(np.array([place.get(label, -1) for label in labels.tolist()], np.int64))
        names += [(kind, name) for name in own]
    return Segments(names, end_users, np.stack(columns, axis=1))


def _first_seen(days: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the month of each first day, or the year where there are too many months."""
    distinct, place = np.unique(days, return_inverse=True)
    dates = [datetime.fromtimestamp(day * DAY_SECONDS, UTC) for day in distinct.tolist()]
    labels = [f"{at:%Y-%m}" for at in dates]
    if len(set(labels)) > MAX_FIRST_SEEN:
        labels = [f"{at:%Y}" for at in dates]
        newest = sorted(set(labels))[-MAX_FIRST_SEEN:]
        labels = [max(label, newest[0]) for label in labels]
        if len(newest) == MAX_FIRST_SEEN:
            labels = [f"until {label}" if label == newest[0] else label for label in labels]
    found: NDArray[np.object_] = np.array(labels, object)[place]
    return found


def _attributes(end_users: NDArray[np.int64]) -> list[tuple[str, NDArray[np.object_]]]:
    """Return the value of each end user for each attribute that makes segments; None where there is none."""
    names = population_events.segment_attributes(most_values=MAX_VALUES, least_people=MIN_END_USERS)
    labels = {
        name: np.full(len(end_users), None, object)
        for name in names
        if name not in (ALL, FIRST_SEEN, ACTIVITY)
    }
    place = {key: number for number, key in enumerate(end_users.tolist())}
    for key, name, value in population_events.attribute_values(list(labels)):
        if key in place:
            labels[name][place[key]] = value
    return list(labels.items())


def _counted(kind: str, labels: NDArray[np.object_]) -> list[tuple[str, int]]:
    """Return the segments of a kind with their sizes, in the order in which they are shown."""
    known = [label for label in labels.tolist() if label is not None]
    found, counts = np.unique(np.array(known, str), return_counts=True)
    sizes = dict(zip(found.tolist(), counts.tolist(), strict=True))
    order = ACTIVITIES if kind == ACTIVITY else _naturally(sizes)
    return [(name, sizes[name]) for name in order if name in sizes]


def _naturally(sizes: dict[str, int]) -> list[str]:
    """Return names in order, numbers by their size and "until ..." before the rest."""

    def rank(name: str) -> tuple[bool, float, str]:
        try:
            return (not name.startswith("until"), float(name), name)
        except ValueError:
            return (not name.startswith("until"), float("inf"), name)

    return sorted(sizes, key=rank)
