"""What attributes of people and devices of events say, as indicators that mean the same in every log.

Learned once, at a fit, they are told of any later log by name and value: what the fit did not know says nothing.

Legend: b end users asked about, m moments or events, F features, D devices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog

# What fewer share says more about these people than about others like them.
LEAST_PEOPLE, LEAST_EVENTS = 5, 5
MOST_FEATURES = MOST_DEVICES = 64
# A column with more different numbers than this is cut at its quartiles, if all but a tenth of it are numbers.
MOST_NUMBERS = 10
NUMBERS_SHARE = 0.9


class _Found(NamedTuple):
    """A feature that a column may give: a value, or the numbers from `low` up to before `high`."""

    num_people: int
    name: str
    value: str
    low: float
    high: float


@dataclass(frozen=True)
class PersonFeatures:
    """Which values of attributes count.

    Attributes:
        names: the attribute that each feature is about. F of them
        values: the value that has it; "" where it is a range of numbers. F of them
        bounds: from which number up to before which, NaN where it is a value, float64. [F, 2]
    """

    names: tuple[str, ...]
    values: tuple[str, ...]
    bounds: NDArray[np.float64]

    @classmethod
    def learned(cls, log: InteractionLog) -> PersonFeatures:
        """Return what enough people of a log have in common; of people without an event in it nothing counts."""
        found: list[_Found] = []
        if log.attributes is not None:
            people = np.unique(log.users)
            for column, name in enumerate(log.attributes.names):
                found += _of_column(name, log.attributes.values[people, column])
        best = sorted(found, key=lambda one: (-one.num_people, *one[1:]))[:MOST_FEATURES]
        return cls(
            tuple(one.name for one in best),
            tuple(one.value for one in best),
            np.array([one[3:] for one in best], np.float64).reshape(-1, 2),
        )

    @property
    def count(self) -> int:
        """How many features there are."""
        return len(self.names)

    def of(self, log: InteractionLog, *, users: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return which features some end users of a log have. [b, F]"""
        found = np.zeros((len(users), self.count), bool)
        if log.attributes is None or not self.count:
            return found
        for column, name in enumerate(log.attributes.names):
            own = [place for place, other in enumerate(self.names) if other == name]
            if not own:
                continue
            texts = log.attributes.values[users, column]
            numbers = _numbers(texts) if np.isfinite(self.bounds[own]).any() else None
            for place in own:
                low, high = self.bounds[place]
                if numbers is None or np.isnan(low):
                    found[:, place] = texts == self.values[place]
                else:
                    found[:, place] = (numbers >= low) & (numbers < high)
        return found


@dataclass(frozen=True)
class Known:
    """What counts beside histories: attributes of people, then devices of their last events. F of them"""

    people: PersonFeatures
    devices: tuple[str, ...]

    @classmethod
    def learned(cls, log: InteractionLog) -> Known:
        """Return what enough people and events of a log have in common."""
        return cls(PersonFeatures.learned(log), common_devices(log))

    @property
    def count(self) -> int:
        """How many features there are."""
        return self.people.count + len(self.devices)

    def at(
        self,
        log: InteractionLog,
        *,
        users: NDArray[np.integer],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Return the features of people at moments before which their events from `starts` up to before `ends` lie.

        Args:
            users: whose each moment is. [m]

        Returns:
            [m, F]
        """
        is_device = np.zeros((len(users), len(self.devices)), bool)
        rows = np.flatnonzero(ends > starts)
        places = devices_of(log, events=ends[rows] - 1, names=self.devices)
        is_device[rows[places >= 0], places[places >= 0]] = True
        # Of many moments of one person it is worked out once.
        own, places = np.unique(users, return_inverse=True)
        return np.hstack([self.people.of(log, users=own)[places], is_device])


def common_devices(log: InteractionLog) -> tuple[str, ...]:
    """Return the names of devices that enough events have, the commonest first."""
    if log.devices is None:
        return ()
    counts = np.bincount(log.devices[log.devices >= 0], minlength=len(log.device_names))
    named = sorted(zip(-counts, log.device_names, strict=True))
    return tuple(name for less, name in named if -less >= LEAST_EVENTS)[:MOST_DEVICES]


def devices_of(
    log: InteractionLog, *, events: NDArray[np.integer], names: tuple[str, ...]
) -> NDArray[np.int64]:
    """Return the place among `names` of each event's device, -1 where it is none of them. [m]"""
    if log.devices is None or not names:
        return np.full(len(events), -1)
    place = {name: number for number, name in enumerate(names)}
    # The last one stands for -1, too: not known.
    places = np.array([*(place.get(name, -1) for name in log.device_names), -1])
    return np.asarray(places[log.devices[events]])


def _of_column(name: str, texts: NDArray[np.object_]) -> Iterator[_Found]:
    """Yield the values, or quarters of the numbers, that enough people share."""
    known = texts[texts != ""]
    numbers = _numbers(known)
    numbers = numbers[np.isfinite(numbers)]
    if len(np.unique(numbers)) > MOST_NUMBERS and len(numbers) >= NUMBERS_SHARE * len(known):
        edges = [-np.inf, *np.unique(np.quantile(numbers, [0.25, 0.5, 0.75])), np.inf]
        for low, high in pairwise(edges):
            count = int(((numbers >= low) & (numbers < high)).sum())
            if count >= LEAST_PEOPLE:
                yield _Found(count, name, "", float(low), float(high))
        return
    for value, count in Counter(known.tolist()).items():
        if count >= LEAST_PEOPLE:
            yield _Found(count, name, value, np.nan, np.nan)


def _numbers(texts: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return texts as numbers, NaN where they are none."""
    found = np.full(len(texts), np.nan)
    for place, text in enumerate(texts):
        try:
            found[place] = float(text)
        except ValueError:
            continue
    return found
