"""One person's history in several versions, as the users of one log: some events left out, some put in.

Legend: E events of the person, V versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog

HOUR_MICROSECONDS = 3_600_000_000
# An event that is only supposed has no row.
SUPPOSED = -1


def of_one_person(log: InteractionLog, *, kept: Sequence[NDArray[np.integer]]) -> InteractionLog:
    """Return a sorted log whose user v did what version v keeps.

    Args:
        log: sorted, of one person.
        kept: for each version the places of its events, ascending. V of them
    """
    assert log.num_users == 1, "one person at a time"
    index = np.concatenate([np.asarray(own, np.int64) for own in kept])
    users = np.repeat(np.arange(len(kept)), [len(own) for own in kept])
    names = np.empty(len(kept), object)
    names[:] = [f"version {number}" for number in range(len(kept))]
    return log.take(index).of_people(np.zeros(len(kept), int), users=users, user_ids=names)


def with_supposed(
    log: InteractionLog, *, items: Sequence[int], kinds: Sequence[int]
) -> InteractionLog:
    """Return a person's log with events after the newest, an hour apart, each a visit of its own.

    A supposed event has the value that the person's events of its kind have in the middle, and no device.

    Args:
        log: sorted, of one person.
        items: index into the catalogue.
        kinds: index into the log's kinds, as many.
    """
    count = len(items)
    newest = int(log.times[-1]) if log.num_events else 0
    return replace(
        log,
        users=np.append(log.users, np.zeros(count, np.int32)),
        items=np.append(log.items, np.asarray(items, np.int32)),
        kinds=np.append(log.kinds, np.asarray(kinds, np.int16)),
        values=np.append(log.values, [_usual_value(log, kind) for kind in kinds]).astype(
            np.float32
        ),
        times=np.append(log.times, newest + HOUR_MICROSECONDS * np.arange(1, count + 1)),
        positions=np.append(log.positions, np.full(count, SUPPOSED)),
        devices=None
        if log.devices is None
        else np.append(log.devices, np.full(count, -1, np.int16)),
    )


def _usual_value(log: InteractionLog, kind: int) -> float:
    own = log.values[log.kinds == kind]
    own = own[np.isfinite(own)]
    return float(np.median(own)) if len(own) else float("nan")
