"""Tell when a person's interests have changed: after every event, in constant time and memory.

    state = new_state(num_categories)
    for event in events:
        alarm = advance(state, shares=..., session=..., weight=..., population=None)

`detect` does the same for many histories at once. The method and its sources are in docs/drift.md.

Legend: B people, L length of the longest history, C categories, the last of them "uncategorised".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from interests.drift.detector_alarms import Alarm
from interests.drift.detector_blocks import (
    Evidence,
    History,
    blocks_of,
    pseudo_events,
    run_block,
    step_and_raise,
)
from interests.drift.detector_columns import empty_columns
from interests.drift.detector_settings import DEFAULT, DetectorSettings, threshold_for
from interests.drift.detector_states import (
    VERSION,
    DetectorState,
    StateOfAnotherVersion,
    new_state,
)

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
        empty_columns(state.bank, 0, emptied, settings)
    if folded is None or not folded.sum() > 0:
        state.bank.num_events += 1
        return None
    pseudo = pseudo_events(state.columns, population, settings)
    alarms = step_and_raise(
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
    states: Sequence[DetectorState] | None = None,
) -> list[list[Alarm]]:
    """Return each history's drift events in order, the same as `advance` would raise.

    Args:
        population: everybody's interests, None: unknown. [C]
        states: of the same people, after their first events, to go on from; None: from the first event.
        on_block: called with the number of people done since the last call.
        points: for each history after how many events its state is wanted, from 1 to all of them.
        on_state: called with the place of a history and its state at each of these points.
    """
    found: list[list[Alarm]] = [[] for _ in histories]
    for block in blocks_of(histories, settings):
        before = [states[i] for i in block] if states else []
        people = [
            Evidence.of(
                histories[i],
                points[i] if points else (),
                first=states[i].num_events if states else 0,
            )
            for i in block
        ]
        told_by = run_block(people, population=population, settings=settings, states=before)
        for place, told in told_by:
            if isinstance(told, Alarm):
                found[block[place]].append(told)
            else:
                on_state(block[place], told)
        on_block(len(block))
    return found
