"""What the detector finds on its way into the tables: changes of a person, and where their detector stands.

Legend: L length of a history, C categories.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from interests.drift import detectors
from interests.drift.detectors import Alarm, DetectorSettings, DetectorState
from interests.models import DriftEvent
from interests.services import copying
from interests.services.state_rows import microseconds, moment
from interests.services.tracker_rows import Tracked

SNAPSHOT_COLUMNS = (
    "end_user_id", "num_events", "at", "events_through", "tracking_run_id", "detector_version",
    "state", "bank",
)  # fmt: skip
# The version of the format, before the text.
JSONB = b"\x01"


@dataclass(frozen=True)
class Watch:
    """With what the detector looks at people.

    Attributes:
        population: mean interests, sums to 1. [C]
        category_keys: in the order of the shares, 0 for "uncategorised". [C]
        settings: the threshold in force is one of them
        tracking_run: key of the run whose knowledge this is; None: no run is done yet
    """

    population: NDArray[np.float64]
    category_keys: NDArray[np.int64]
    settings: DetectorSettings
    tracking_run: int | None


@dataclass(frozen=True)
class Person(Tracked):
    """One end user's events in order; `events_through` is the arrival of the newest of them."""

    events_through: datetime


@dataclass(frozen=True)
class Change:
    """One change of a person's interests, in the words of the table of drift events."""

    detected_at: datetime
    begin_at: datetime
    num_events: int
    begin_event: int
    confidence: float
    score: float
    category_ids: tuple[int, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    rising: tuple[int, ...]
    falling: tuple[int, ...]
    evidence: tuple[int, ...]
    is_return: bool

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes two changes the same one, numbers that rounding moves left out."""
        return (
            self.num_events, self.begin_event, self.detected_at, self.begin_at, self.rising,
            self.falling, self.evidence,
        )  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """Where the detector of one person stands after so many events."""

    num_events: int
    state: str
    bank: bytes


def snapshot(state: DetectorState, *, watch: Watch, fingerprint: np.uint64) -> Snapshot:
    """Return where a detector stands, with its columns and which events it has seen."""
    detector = state.to_dict()
    bank = detector.pop("bank")
    value = {
        "category_ids": watch.category_keys.tolist(),
        "fingerprint": f"{int(fingerprint):016x}",
        "detector": detector,
    }
    return Snapshot(state.num_events, json.dumps(value, separators=(",", ":")), bank)


def change_of(alarm: Alarm, *, person: Person, watch: Watch) -> Change:
    """Return what an alarm says in keys and times."""
    keys, times = watch.category_keys.tolist(), person.history.times
    return Change(
        detected_at=moment(times[alarm.after - 1]),
        begin_at=moment(times[alarm.begin]),
        num_events=alarm.after,
        begin_event=alarm.begin,
        confidence=float(np.clip(alarm.confidence, 0, 1)),
        score=float(alarm.score),
        category_ids=tuple(keys),
        before=tuple(alarm.before.tolist()),
        after=tuple(alarm.after_shares.tolist()),
        rising=tuple(keys[column] for column in alarm.rising),
        falling=tuple(keys[column] for column in alarm.falling),
        evidence=tuple(int(person.keys[place]) for place in alarm.evidence),
        is_return=alarm.is_return,
    )


def change_of_row(row: DriftEvent) -> Change:
    """Return a stored drift event as a change."""
    return Change(
        detected_at=row.detected_at,
        begin_at=row.begin_at,
        num_events=row.num_events,
        begin_event=row.begin_event,
        confidence=row.confidence,
        score=row.score,
        category_ids=tuple(row.category_ids),
        before=tuple(row.before),
        after=tuple(row.after),
        rising=tuple(row.rising),
        falling=tuple(row.falling),
        evidence=tuple(row.evidence),
        is_return=row.is_return,
    )


def row_of(
    change: Change, *, person: Person, tracking_run: int | None, now: datetime
) -> DriftEvent:
    """Return the row of a change, not stored yet; without a tracking run it is a live one."""
    return DriftEvent(
        end_user_id=person.end_user,
        tracking_run_id=tracking_run,
        detector_version=detectors.VERSION,
        detected_at=change.detected_at,
        begin_at=change.begin_at,
        num_events=change.num_events,
        begin_event=change.begin_event,
        confidence=change.confidence,
        score=change.score,
        category_ids=list(change.category_ids),
        before=list(change.before),
        after=list(change.after),
        rising=list(change.rising),
        falling=list(change.falling),
        evidence=list(change.evidence),
        is_return=change.is_return,
        events_through=person.events_through,
        created_at=now,
    )


def snapshot_rows(
    snapshots: Sequence[Snapshot], *, person: Person, tracking_run: int | None
) -> Iterator[bytes]:
    """Yield the rows that a binary COPY takes, one for each snapshot."""
    for snapshot in snapshots:
        yield copying.row(
            copying.bigint(person.end_user),
            copying.integer(snapshot.num_events),
            copying.timestamp(int(person.history.times[snapshot.num_events - 1])),
            copying.timestamp(microseconds(person.events_through)),
            copying.bigint(tracking_run),
            copying.sized(detectors.VERSION.encode()),
            copying.sized(JSONB + snapshot.state.encode()),
            copying.sized(snapshot.bank),
        )


def insert_snapshots(rows: Sequence[bytes]) -> None:
    """Write rows into the table of snapshots."""
    if not rows:
        return
    with connection.cursor() as cursor:
        copying.copy_rows(
            cursor, table="interests_detectorsnapshot", columns=SNAPSHOT_COLUMNS, rows=iter(rows)
        )
