"""Tell when a person's interests have changed: after every event, in constant time and memory.

    state = new_state(num_categories)
    for event in events:
        alarm = advance(state, shares=..., session=..., weight=..., population=None)

`detect` does the same for many histories at once. The method and its sources are in docs/drift.md.

Legend: B people, L length of the longest history, C categories, the last of them "uncategorised".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from interests.drift.detector_alarms import Alarm, probability, raise_alarm
from interests.drift.detector_bank import Bank, Floats
from interests.drift.detector_columns import Columns, empty_column
from interests.drift.detector_settings import DEFAULT, DetectorSettings, threshold_for
from interests.drift.detector_steps import step
from interests.drift.detector_storage import packed, unpacked

__all__ = [
    "DEFAULT",
    "VERSION",
    "Alarm",
    "DetectorSettings",
    "DetectorState",
    "StateOfAnotherVersion",
    "advance",
    "detect",
    "new_state",
    "threshold_for",
]

VERSION = "detector-1"
# Hypotheses that a block of people may have in all: enough to keep numpy busy, few enough for its caches.
BLOCK_HYPOTHESES = 100_000


class History(Protocol):
    """One end user's events in order: what the detector needs of them."""

    @property
    def shares(self) -> NDArray[np.float64]:
        """How each event is shared among categories. [L, C]"""

    @property
    def sessions(self) -> NDArray[np.int32]:
        """The number of the event's session, not falling. [L]"""

    @property
    def weights(self) -> NDArray[np.float64]:
        """How much each event tells, by its kind; below 0 it is negative. [L]"""


class StateOfAnotherVersion(ValueError):
    """A stored state is of another version of the detector: replay the history."""


@dataclass
class DetectorState:
    """What the detector remembers of one person; its size does not grow with their events."""

    columns: Columns
    bank: Bank
    settings: DetectorSettings = DEFAULT

    @property
    def num_events(self) -> int:
        """How many events it has seen, negatives included."""
        return int(self.bank.num_events[0])

    @property
    def evidence(self) -> float:
        """Evidence above no change in nats, 0 or more; compare with the settings' threshold."""
        return float(self.bank.evidence[0])

    @property
    def probability(self) -> float:
        """The probability that interests have changed since the last alarm, 0 to 1."""
        return probability(self.evidence, self.settings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON takes, and from which `from_dict` goes on bit for bit."""
        return {
            "version": VERSION,
            "num_categories": self.columns.num_categories,
            "places": [list(place) for place in self.columns.places.items()],
            **packed(self.bank),
        }

    @classmethod
    def from_dict(
        cls, values: dict[str, Any], *, settings: DetectorSettings = DEFAULT
    ) -> DetectorState:
        """Return the state that was stored.

        Raises:
            StateOfAnotherVersion: it is of another version or of settings of another shape.
        """
        if values.get("version") != VERSION:
            raise StateOfAnotherVersion(
                f"The state is of {values.get('version')}, the detector of {VERSION}: replay the history."
            )
        places = {category: place for category, place in values["places"]}
        state = cls(Columns(values["num_categories"], places), unpacked(values), settings)
        expected = new_state(state.columns.num_categories, settings=settings).bank
        if state.bank.past.shape != expected.past.shape:
            raise StateOfAnotherVersion(
                "The state was kept with other settings of the detector: replay the history."
            )
        return state


def new_state(num_categories: int, *, settings: DetectorSettings = DEFAULT) -> DetectorState:
    """Return the state of a person without events; the last category is "uncategorised"."""
    columns = Columns(num_categories)
    return DetectorState(columns, Bank.new(1, columns.num_columns, settings), settings)


def advance(
    state: DetectorState,
    *,
    shares: NDArray[np.floating],
    session: int,
    weight: float,
    population: NDArray[np.floating] | None = None,
    settings: DetectorSettings = DEFAULT,
) -> Alarm | None:
    """Let the detector see a person's next event, and return the drift event it raises, if any.

    Args:
        state: changed in place.
        shares: how the event is shared among categories. [C]
        session: number of its session.
        weight: of its kind; below 0 it is negative and tells nothing.
        population: everybody's interests before this event, None: unknown. [C]
    """
    state.settings = settings
    folded = None
    if weight >= 0:
        folded, emptied = state.columns.fold(shares)
        for column in emptied:
            empty_column(state.bank, column)
    if folded is None or not folded.sum() > 0:
        state.bank.num_events += 1
        return None
    pseudo = _pseudo(state.columns, population, settings)
    alarms = _step(
        state.bank,
        [state.columns],
        shares=folded[None],
        sessions=np.array([session]),
        num_events=state.bank.num_events + 1,
        pseudo=pseudo,
        settings=settings,
    )
    return alarms.get(0)


def detect(
    histories: Sequence[History],
    *,
    population: NDArray[np.floating] | None = None,
    settings: DetectorSettings = DEFAULT,
    on_block: Callable[[int], None] = lambda num_people: None,
    points: Sequence[Collection[int]] | None = None,
    on_state: Callable[[int, DetectorState], None] = lambda history, state: None,
) -> list[list[Alarm]]:
    """Return each history's drift events in order, the same as `advance` would raise.

    Args:
        population: everybody's interests, None: unknown. [C]
        on_block: called with the number of people done since the last call.
        points: for each history after how many events its state is wanted, from 1 to all of them.
        on_state: called with the place of a history and its state at each of these points.
    """
    found: list[list[Alarm]] = [[] for _ in histories]
    order = sorted(range(len(histories)), key=lambda i: -len(histories[i].shares))
    start = 0
    while start < len(order):
        num_categories = histories[order[start]].shares.shape[1]
        size = new_state(num_categories, settings=settings).bank.past.size
        block = order[start : start + max(1, BLOCK_HYPOTHESES // size)]
        people = [_Folded.of(histories[i], points[i] if points else ()) for i in block]
        for row, told in _detect_block(people, population, settings):
            if isinstance(told, Alarm):
                found[block[row]].append(told)
            else:
                on_state(block[row], told)
        on_block(len(block))
        start += len(block)
    return found


@dataclass(frozen=True)
class _Folded:
    """The events of one history that are evidence.

    Attributes:
        numbers: of the events in the history. [L]
        shares: by column. [L, K]
        sessions: [L]
        emptied: columns to be emptied before an event, by event
        places: where categories stood at each event that changed it, by event
        points: after how many events of the history a state is wanted, by event that comes last before
    """

    columns: Columns
    numbers: NDArray[np.int64]
    shares: Floats
    sessions: NDArray[np.integer]
    emptied: dict[int, list[int]]
    places: dict[int, dict[int, int]]
    points: dict[int, list[int]]

    @classmethod
    def of(cls, history: History, points: Collection[int]) -> _Folded:
        is_evidence = (history.weights >= 0) & (history.shares[:, :-1] > 0).any(1)
        numbers = np.flatnonzero(is_evidence)
        columns = Columns(history.shares.shape[1])
        emptied: dict[int, list[int]] = {}
        places: dict[int, dict[int, int]] = {}
        if columns.is_wide:
            shares = np.zeros((len(numbers), columns.num_columns))
            for event, number in enumerate(numbers):
                shares[event], emptied[event] = columns.fold(history.shares[number])
                places[event] = dict(columns.places)
        else:
            shares = np.asarray(history.shares[numbers, :-1], np.float64)
            if not shares.shape[1]:
                shares = np.zeros((len(numbers), columns.num_columns))
        wanted: dict[int, list[int]] = {}
        for point in sorted(points):
            wanted.setdefault(int(np.searchsorted(numbers, point)) - 1, []).append(point)
        return cls(columns, numbers, shares, history.sessions[numbers], emptied, places, wanted)


def _detect_block(
    people: list[_Folded], population: NDArray[np.floating] | None, settings: DetectorSettings
) -> Iterator[tuple[int, Alarm | DetectorState]]:
    """Yield rows, alarms and wanted states of people, with most evidence first in the bank, by event."""
    order = sorted(range(len(people)), key=lambda i: -len(people[i].numbers))
    lengths = np.array([len(people[i].numbers) for i in order])
    first = people[0].columns
    bank = Bank.new(len(people), first.num_columns, settings)
    pseudo = _pseudo(first, population, settings)
    for row, person in enumerate(people):
        for point in person.points.get(-1, ()):
            yield row, _state_at(person, bank.row(0), event=-1, point=point, settings=settings)
    shares = np.zeros((lengths[0], len(people), first.num_columns))
    sessions, num_events = np.zeros((2, lengths[0], len(people)), np.int64)
    for row, person in enumerate(people[i] for i in order):
        shares[: lengths[row], row] = person.shares
        sessions[: lengths[row], row] = person.sessions
        num_events[: lengths[row], row] = person.numbers + 1
    for event in range(lengths[0]):
        num_longer = int(np.searchsorted(-lengths, -event))
        own = [people[i] for i in order[:num_longer]]
        for row, person in enumerate(own):
            for column in person.emptied.get(event, ()):
                empty_column(bank.row(row), column)
        alarms = _step(
            bank.head(num_longer),
            [_columns_at(person, event) for person in own] if first.is_wide else [first] * len(own),
            shares=shares[event, :num_longer],
            sessions=sessions[event, :num_longer],
            num_events=num_events[event, :num_longer],
            pseudo=pseudo,
            settings=settings,
        )
        for row, alarm in alarms.items():
            yield order[row], alarm
        for row, person in enumerate(own):
            for point in person.points.get(event, ()):
                one = bank.row(row)
                yield (
                    order[row],
                    _state_at(person, one, event=event, point=point, settings=settings),
                )


def _columns_at(person: _Folded, event: int) -> Columns:
    return Columns(person.columns.num_categories, person.places[event])


def _state_at(
    person: _Folded, one: Bank, *, event: int, point: int, settings: DetectorSettings
) -> DetectorState:
    """Return a copy of a person's state after `point` events, the last that tells something being `event`."""
    own = Bank(**{f.name: getattr(one, f.name).copy() for f in fields(one)})
    own.num_events[:] = point
    places = dict(person.places.get(event, {}))
    return DetectorState(Columns(person.columns.num_categories, places), own, settings)


def _pseudo(
    columns: Columns, population: NDArray[np.floating] | None, settings: DetectorSettings
) -> Floats:
    # In a wide catalogue the columns hold different categories for everybody.
    known = None if columns.is_wide else population
    return settings.pseudo_events(known, columns.num_columns)


def _step(
    bank: Bank,
    columns: Sequence[Columns],
    *,
    shares: Floats,
    sessions: NDArray[np.integer],
    num_events: NDArray[np.integer],
    pseudo: Floats,
    settings: DetectorSettings,
) -> dict[int, Alarm]:
    """Let every row see one event; return the alarms by row."""
    support = step(
        bank,
        shares=shares,
        sessions=sessions,
        num_events=num_events,
        pseudo=pseudo,
        settings=settings,
    )
    alarms = {}
    for row in np.flatnonzero(bank.evidence >= settings.threshold):
        person, own = bank.row(row), columns[row]
        alarm = raise_alarm(
            person, support=support[row], interests=person.interests(pseudo)[0], settings=settings
        )
        alarms[int(row)] = replace(
            alarm,
            rising=tuple(own.category(column) for column in alarm.rising),
            falling=tuple(own.category(column) for column in alarm.falling),
            before=own.unfold(alarm.before),
            after_shares=own.unfold(alarm.after_shares),
        )
    return alarms
