"""Many people's histories through the detector side by side, event by event.

Legend: B people, L length of the longest history, K columns, C categories.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interests.drift.detector_alarms import Alarm, raise_alarm
from interests.drift.detector_bank import Bank, Floats
from interests.drift.detector_columns import Columns, empty_columns
from interests.drift.detector_settings import DetectorSettings
from interests.drift.detector_states import DetectorState, new_state
from interests.drift.detector_steps import move_chances, step
from interests.drift.detector_storage import DERIVED

# Hypotheses that a block of people may have in all: enough to keep numpy busy, few enough for its caches.
BLOCK_HYPOTHESES = 100_000
# Events of a block, padded to its longest history, so that people with a million do not fill the memory.
BLOCK_EVENTS = 400_000


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


@dataclass(frozen=True)
class Evidence:
    """What of one history is evidence, and where its state is wanted.

    Attributes:
        history: all of it
        numbers: of the events that are evidence. [L]
        points: after how many events of the history a state is wanted, by the evidence seen before
    """

    history: History
    numbers: NDArray[np.int64]
    points: dict[int, list[int]]

    @classmethod
    def of(cls, history: History, points: Collection[int] = (), *, first: int = 0) -> Evidence:
        is_evidence = (history.weights >= 0) & (history.shares[:, :-1] > 0).any(1)
        is_evidence[:first] = False
        numbers = np.flatnonzero(is_evidence)
        wanted: dict[int, list[int]] = {}
        for point in sorted(points):
            wanted.setdefault(int(np.searchsorted(numbers, point)), []).append(point)
        return cls(history, numbers, wanted)


def blocks_of(histories: Sequence[History], settings: DetectorSettings) -> Iterator[list[int]]:
    """Yield the places of histories that go through side by side, long ones with long ones."""
    order = sorted(range(len(histories)), key=lambda i: -len(histories[i].shares))
    start = 0
    while start < len(order):
        length, num_categories = histories[order[start]].shares.shape
        size = new_state(num_categories, settings=settings).bank.past.size
        most = min(BLOCK_HYPOTHESES // size, BLOCK_EVENTS // max(length, 1))
        block = order[start : start + max(1, most)]
        yield block
        start += len(block)


def run_block(
    people: Sequence[Evidence],
    *,
    population: NDArray[np.floating] | None,
    settings: DetectorSettings,
    states: Sequence[DetectorState] = (),
) -> Iterator[tuple[int, Alarm | DetectorState]]:
    """Yield the place of a person with an alarm or a wanted state, event by event.

    Args:
        states: what is known of each person before; none: nobody is known.
    """
    order = sorted(range(len(people)), key=lambda i: -len(people[i].numbers))
    own = [people[i] for i in order]
    num_categories = own[0].history.shares.shape[1]
    columns = [Columns(num_categories) for _ in own]
    bank = Bank.new(len(own), columns[0].num_columns, settings)
    if states:
        columns = [replace(states[i].columns, places=dict(states[i].columns.places)) for i in order]
        _go_on_from(bank, [states[i].bank for i in order], settings)
    pseudo = pseudo_events(columns[0], population, settings)
    lengths = np.array([len(person.numbers) for person in own])
    numbers, sessions = np.zeros((2, lengths[0], len(own)), np.int64)
    for row, person in enumerate(own):
        numbers[: lengths[row], row] = person.numbers
        sessions[: lengths[row], row] = person.history.sessions[person.numbers]
    for seen in range(lengths[0] + 1):
        for row in np.flatnonzero(lengths >= seen).tolist():
            for point in own[row].points.get(seen, ()):
                yield order[row], _copy(bank.row(row), columns[row], point, settings)
        if not (left := int(np.searchsorted(-lengths, -seen))):
            break
        alarms = step_and_raise(
            bank.head(left),
            columns[:left],
            shares=_folded(bank, own[:left], columns, numbers[seen], settings),
            sessions=sessions[seen, :left],
            num_events=numbers[seen, :left] + 1,
            pseudo=pseudo,
            settings=settings,
        )
        for row, alarm in alarms.items():
            yield order[row], alarm


def _go_on_from(bank: Bank, people: Sequence[Bank], settings: DetectorSettings) -> None:
    for field in fields(bank):
        if field.name != DERIVED:
            getattr(bank, field.name)[:] = np.concatenate(
                [getattr(one, field.name) for one in people]
            )
    bank.chances[:] = move_chances(bank.before, bank.falling, bank.last_move, settings)


def _folded(
    bank: Bank,
    people: Sequence[Evidence],
    columns: Sequence[Columns],
    numbers: NDArray[np.int64],
    settings: DetectorSettings,
) -> Floats:
    """Return the shares of everybody's next event by column, and empty the columns that change hands. [B, K]"""
    shares = np.zeros((len(people), bank.num_columns))
    for row, person in enumerate(people):
        event = person.history.shares[numbers[row]]
        if columns[row].is_wide:
            shares[row], emptied = columns[row].fold(event)
            empty_columns(bank, row, emptied, settings)
        else:
            shares[row, : len(event) - 1] = event[:-1]
    return shares


def _copy(
    person: Bank, columns: Columns, num_events: int, settings: DetectorSettings
) -> DetectorState:
    own = Bank(**{f.name: getattr(person, f.name).copy() for f in fields(person)})
    own.num_events[:] = num_events
    return DetectorState(Columns(columns.num_categories, dict(columns.places)), own, settings)


def pseudo_events(
    columns: Columns, population: NDArray[np.floating] | None, settings: DetectorSettings
) -> Floats:
    # In a wide catalogue the columns hold different categories for everybody.
    known = None if columns.is_wide else population
    return settings.pseudo_events(known, columns.num_columns)


def step_and_raise(
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
    for row in np.flatnonzero(bank.evidence >= settings.threshold).tolist():
        person, own = bank.row(row), columns[row]
        alarm = raise_alarm(
            person, support=support[row], interests=person.interests(pseudo)[0], settings=settings
        )
        alarms[row] = replace(
            alarm,
            rising=tuple(own.category(column) for column in alarm.rising),
            falling=tuple(own.category(column) for column in alarm.falling),
            before=own.unfold(alarm.before),
            after_shares=own.unfold(alarm.after_shares),
        )
    return alarms
