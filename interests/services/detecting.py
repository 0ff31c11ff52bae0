"""Drift events: of everybody, as a part of a tracking run; of the few who just did something, live.

Only this module writes drift events, the detector's snapshots and what `EndUser` copies of the newest event.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models.fields.json import KeyTextTransform
from numpy.typing import NDArray

from interests.drift import detectors, replaying
from interests.drift.detectors import DetectorSettings, DetectorState
from interests.models import DetectorChoice, DetectorSnapshot, DriftEvent, EndUser, TrackingRun
from interests.selectors import drift_counts
from interests.services import detector_rows
from interests.services.detector_rows import Change, Person, Snapshot, Watch

# An event from 9999 changes nobody for ever: what a clock gone wrong raised leads no list.
COPY_NEWEST = """
    UPDATE interests_enduser AS person SET drifted_at = newest.at
    FROM (
        SELECT chosen.id, (
            SELECT max(event.detected_at) FROM interests_driftevent AS event
            WHERE event.end_user_id = chosen.id AND event.withdrawn_at IS NULL
            AND event.detected_at < now() + interval '1 day'
            AND (event.tracking_run_id = %(run)s OR event.tracking_run_id IS NULL AND NOT EXISTS (
                SELECT FROM interests_intereststate AS state
                WHERE state.end_user_id = chosen.id AND state.tracking_run_id = %(run)s
                AND state.events_through >= event.events_through
            ))
        ) AS at
        FROM interests_enduser AS chosen
        WHERE %(keys)s::bigint[] IS NULL OR chosen.id = ANY(%(keys)s::bigint[])
    ) AS newest
    WHERE person.id = newest.id AND person.drifted_at IS DISTINCT FROM newest.at
"""


@dataclass(frozen=True)
class Found:
    """What the detector made of one end user in a run."""

    person: Person
    changes: list[Change]
    snapshots: list[Snapshot]
    tracking_run: int | None

    def rows_of(self, snapshots: Sequence[Snapshot]) -> list[bytes]:
        """Return the rows that COPY takes of some snapshots."""
        rows = detector_rows.snapshot_rows(
            snapshots, person=self.person, tracking_run=self.tracking_run
        )
        return list(rows)


@dataclass(frozen=True)
class _Base:
    """Where a live detector goes on.

    Attributes:
        state: a detector's own form; None: from the first event
        known_until: events whose drift events stay as they are
        kept: numbers of events of the snapshots that still hold
        rows: keys of all the person's snapshots by their numbers of events
    """

    state: dict[str, Any] | None
    known_until: int
    kept: frozenset[int]
    rows: dict[int, int]

    @property
    def is_newest(self) -> bool:
        """Whether nothing that was seen has changed, so that nothing raised is open."""
        return bool(self.rows) and self.known_until == max(self.rows)


@dataclass(frozen=True)
class _Advanced:
    """What one person's new events did.

    Attributes:
        withdrawn: keys of drift events that are unmade
        snapshots: rows of new ones
        gone: keys of snapshots that are not kept
        is_settled: whether what was raised before stays as it is
    """

    person: Person
    raised: list[Change]
    withdrawn: list[int]
    snapshots: list[bytes]
    gone: list[int]
    is_settled: bool


def settings_in_force(*, at: datetime | None = None) -> DetectorSettings:
    """Return the product's settings with the threshold that was chosen last, now or by a time."""
    choices = DetectorChoice.objects.order_by("-chosen_at", "-pk")
    if at is not None:
        choices = choices.filter(chosen_at__lte=at)
    chosen = choices.values_list("threshold", flat=True).first()
    return detectors.DEFAULT if chosen is None else replace(detectors.DEFAULT, threshold=chosen)


def remove_of(run: TrackingRun) -> None:
    """Remove what an earlier attempt of a run left."""
    DriftEvent.objects.filter(tracking_run=run).delete()
    DetectorSnapshot.objects.filter(tracking_run=run).delete()


def find(people: Sequence[Person], *, watch: Watch) -> list[Found]:
    """Run the detector over whole histories; nothing is written."""
    points = [set(replaying.points(len(person.history))) for person in people]
    return _run(people, points=points, watch=watch)


def _run(
    people: Sequence[Person],
    *,
    points: Sequence[Collection[int]],
    watch: Watch,
    states: Sequence[DetectorState] | None = None,
) -> list[Found]:
    """Run the detector over events that it has not seen.

    Args:
        points: of each person after how many events a snapshot is wanted.
        states: of each person where it stands; None: at the first event.
    """
    snapshots: list[list[Snapshot]] = [[] for _ in people]

    def keep(place: int, state: DetectorState) -> None:
        mark = people[place].marks[state.num_events]
        snapshots[place].append(detector_rows.snapshot(state, watch=watch, fingerprint=mark))

    alarms = detectors.detect(
        [person.history for person in people],
        population=watch.population,
        settings=watch.settings,
        points=points,
        on_state=keep,
        states=states,
    )
    return [
        Found(
            person=person,
            changes=[detector_rows.change_of(one, person=person, watch=watch) for one in raised],
            snapshots=kept,
            tracking_run=watch.tracking_run,
        )
        for person, raised, kept in zip(people, alarms, snapshots, strict=True)
    ]


def write(found: Sequence[Found], *, alive: Collection[int], run_id: int, now: datetime) -> int:
    """Write what a run found in those who still exist; it counts once the run is done.

    Returns:
        the number of drift events.
    """
    rows = [
        detector_rows.row_of(change, person=one.person, tracking_run=run_id, now=now)
        for one in found
        if one.person.end_user in alive
        for change in one.changes
    ]
    DriftEvent.objects.bulk_create(rows)
    detector_rows.insert_snapshots(
        [row for one in found if one.person.end_user in alive for row in one.rows_of(one.snapshots)]
    )
    return len(rows)


def copy_newest(*, run_id: int | None, keys: Sequence[int] | None = None) -> None:
    """Let end users, locked by the caller, say when they last changed.

    Args:
        run_id: the newest finished tracking run.
        keys: of these end users; None: of everybody.
    """
    with connection.cursor() as cursor:
        cursor.execute(COPY_NEWEST, {"run": run_id, "keys": None if keys is None else list(keys)})


def forget_snapshots_before(run_id: int) -> None:
    """Remove the snapshots of runs that are older than one that is done: nobody goes on from them."""
    DetectorSnapshot.objects.exclude(tracking_run__gte=run_id).delete()


def advance(people: Sequence[Person], *, watch: Watch, now: datetime) -> int:
    """Show each person's detector the events that it has not seen; the caller has locked the people.

    A detector goes on from the newest snapshot whose events are still the first ones of the person. Where an
    event came late, or was taken away, that is an older one, and what had been raised after it is
    withdrawn unless it is raised again just so: the result is that of a replay of the sorted events.

    Returns:
        how many drift events were raised.
    """
    bases = _bases(people, watch=watch)
    stored = _counted([one for one in people if not bases[one.end_user].is_newest], watch=watch)
    going = [_state(bases[person.end_user], watch=watch) for person in people]
    states = [state for state, _ in going]
    points = [
        {point for point in replaying.points(len(person.history)) if point > state.num_events}
        for person, state in zip(people, states, strict=True)
    ]
    found = _run(people, points=points, watch=watch, states=states)
    advanced = [
        _advanced(one, base=base, stored=stored.get(one.person.end_user, []))
        for one, (_, base) in zip(found, going, strict=True)
    ]
    _store(advanced, watch=watch, now=now)
    return sum(len(one.raised) for one in advanced)


def events_seen(
    *,
    end_user_id: int,
    keys: NDArray[np.int64],
    tracking_run: int | None,
    category_keys: NDArray[np.int64],
) -> int:
    """Return how many of a person's first events the stored detector has seen, just these; two queries.

    Args:
        keys: of the person's events in order. [L]
    """
    marks = replaying.fingerprints(keys)
    rows = DetectorSnapshot.objects.filter(
        end_user=end_user_id, tracking_run=tracking_run, detector_version=detectors.VERSION
    ).values_list("num_events", "state__fingerprint", "state__category_ids")
    holding = [
        number
        for number, fingerprint, categories in rows
        if number < len(marks)
        and _hexadecimal(marks[number]) == fingerprint
        and categories == category_keys.tolist()
    ]
    return max(holding, default=0)


def clear(keys: Collection[int], *, now: datetime) -> None:
    """Withdraw what was raised for end users whose events are all gone, and forget their detectors."""
    if keys:
        DetectorSnapshot.objects.filter(end_user__in=keys).delete()
        DriftEvent.objects.filter(end_user__in=keys, withdrawn_at=None).update(withdrawn_at=now)
        EndUser.objects.filter(pk__in=keys).update(drifted_at=None)


def _advanced(found: Found, *, base: _Base, stored: Sequence[DriftEvent]) -> _Advanced:
    numbers = {snapshot.num_events for snapshot in found.snapshots}
    kept = replaying.worth_keeping(base.kept | numbers)
    raised = {c.identity: c for c in found.changes if c.num_events > base.known_until}
    withdrawn = []
    for row in stored:
        is_open = row.num_events > base.known_until
        # Raised again just so: it stays, and nobody is told twice.
        if is_open and raised.pop(detector_rows.change_of_row(row).identity, None) is None:
            withdrawn.append(row.pk)
    made = [snapshot for snapshot in found.snapshots if snapshot.num_events in kept]
    return _Advanced(
        person=found.person,
        raised=list(raised.values()),
        withdrawn=withdrawn,
        snapshots=found.rows_of(made),
        gone=[pk for number, pk in base.rows.items() if number not in kept & base.kept],
        is_settled=base.is_newest and not raised and not withdrawn,
    )


def _state(base: _Base, *, watch: Watch) -> tuple[DetectorState, _Base]:
    """Return the detector to go on with, a fresh one where the stored one cannot be used."""
    if base.state is not None:
        try:
            return DetectorState.from_dict(
                base.state, settings=watch.settings, is_for_many=True
            ), base
        except detectors.StateOfAnotherVersion:  # kept with settings of another shape
            base = replace(base, state=None, kept=frozenset())
    return detectors.new_state(len(watch.category_keys), settings=watch.settings), base


def _store(advanced: Sequence[_Advanced], *, watch: Watch, now: datetime) -> None:
    DetectorSnapshot.objects.filter(pk__in=[pk for one in advanced for pk in one.gone]).delete()
    detector_rows.insert_snapshots([row for one in advanced for row in one.snapshots])
    withdrawn = [key for one in advanced for key in one.withdrawn]
    raised = [
        detector_rows.row_of(change, person=one.person, tracking_run=None, now=now)
        for one in advanced
        for change in one.raised
    ]
    if withdrawn:
        DriftEvent.objects.filter(pk__in=withdrawn).update(withdrawn_at=now)
    if raised:
        DriftEvent.objects.bulk_create(raised)
    keys = [one.person.end_user for one in advanced if not one.is_settled]
    if keys:
        copy_newest(run_id=watch.tracking_run, keys=keys)


def _bases(people: Sequence[Person], *, watch: Watch) -> dict[int, _Base]:
    """Return where each person's detector goes on; two queries where all goes on from the newest."""
    own = DetectorSnapshot.objects.filter(
        end_user__in=[person.end_user for person in people], tracking_run=watch.tracking_run
    )
    rows: dict[int, dict[int, int]] = {person.end_user: {} for person in people}
    numbers = own.order_by("num_events").values_list("pk", "end_user_id", "num_events")
    for pk, key, number in numbers:
        rows[key][number] = pk
    newest = {key: max(found) for key, found in rows.items() if found}
    states = _states([rows[key][number] for key, number in newest.items()])
    marks = {person.end_user: person.marks for person in people}
    # Snapshots are of one past: where the newest holds, so do those before it.
    moved = [
        key
        for key, number in newest.items()
        if not _holds(number, states[rows[key][number]][0]["fingerprint"], marks[key])
    ]
    holding = {key: set(found) for key, found in rows.items() if key not in moved}
    if moved:
        marked = own.filter(end_user__in=moved).annotate(
            fingerprint=KeyTextTransform("fingerprint", "state")
        )
        for key, number, mark in marked.values_list("end_user_id", "num_events", "fingerprint"):
            if _holds(number, mark, marks[key]):
                holding.setdefault(key, set()).add(number)
        states |= _states([rows[key][max(holding[key])] for key in moved if holding.get(key)])
    return {
        key: _base(found, holding.get(key, set()), states, watch=watch)
        for key, found in rows.items()
    }


def _states(keys: Sequence[int]) -> dict[int, tuple[dict[str, Any], str]]:
    rows = DetectorSnapshot.objects.filter(pk__in=keys).values_list(
        "pk", "state", "bank", "detector_version"
    )
    return {pk: (_with_bank(state, bank), version) for pk, state, bank, version in rows}


def _with_bank(state: dict[str, Any], bank: bytes | memoryview) -> dict[str, Any]:
    state["detector"]["bank"] = bytes(bank)
    return state


def _holds(number: int, fingerprint: str, marks: NDArray[np.uint64]) -> bool:
    return number < len(marks) and _hexadecimal(marks[number]) == fingerprint


def _base(
    rows: dict[int, int],
    holding: Collection[int],
    states: dict[int, tuple[dict[str, Any], str]],
    *,
    watch: Watch,
) -> _Base:
    if not holding:
        return _Base(None, 0, frozenset(), rows)
    number = max(holding)
    state, version = states[rows[number]]
    if version != detectors.VERSION or state["category_ids"] != watch.category_keys.tolist():
        # Another release or other categories: the past is read again, and what was raised then stays.
        return _Base(None, number, frozenset(), rows)
    return _Base(state["detector"], number, frozenset(holding), rows)


def _counted(people: Sequence[Person], *, watch: Watch) -> dict[int, list[DriftEvent]]:
    """Return the drift events that count of each person; one query, none for nobody."""
    if not people:
        return {}
    run = TrackingRun(pk=watch.tracking_run) if watch.tracking_run is not None else None
    rows = drift_counts.that_count(run).filter(end_user__in=[one.end_user for one in people])
    found: dict[int, list[DriftEvent]] = {}
    for row in rows:
        found.setdefault(row.end_user_id, []).append(row)
    return found


def _hexadecimal(mark: np.uint64) -> str:
    return f"{int(mark):016x}"
