"""Events as they come in: checked one by one, stored all at once, each exactly once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg2.errors import SerializationFailure

from interests.models import EventKind
from interests.services import reading_events
from interests.services.reading_events import KINDS_OF_IMPRESSIONS, Event, NotAnEvent

MAX_EVENTS = 1_000
# An import holds the end users and items that it makes until it ends. Whoever meets one of them is told
# to try again, before requests that wait take up every thread of the web, and before PostgreSQL, after a
# second, looks for who waits for whom and may end the import.
LOCK_MILLISECONDS = 900
# Somebody who is erased or merged while an event of theirs comes in is made anew or found under the new id
# at the second try; the third is for who is unlucky twice.
MAX_TRIES = 3
# A kind that a curator makes is known after this; one that was taken away is noticed by its foreign key.
KINDS_REMEMBERED_SECONDS = 2.0


class TooManyEvents(Exception):
    """More events at once than one transaction should hold."""


class BadSentAt(Exception):
    """What should say when the sender sent is no time."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event was not stored; `index` is its place in what was sent."""

    index: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the events; `marked` of those accepted call for new states and slates."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]
    marked: int = 0


def record_events(*, events: Sequence[Any], now: datetime, sent_at: Any = None) -> Recorded:
    """Store up to 1,000 events, each exactly once however often and from how many sides it is sent.

    Each is a mapping as the API takes it. What cannot be stored is rejected with its reason, the rest is
    stored. End users and items that nobody has named before are made; an old id of somebody stands for
    this person. Whoever has new events is marked, in the same transaction, for a worker to renew state and
    slate. Events of the kinds "impression" and "dwell" are stored as `Impression` and mark nobody; an id is
    stored once between both, also where it comes as both at once.

    Args:
        sent_at: the sender's clock when it sent, as ISO 8601; where it is wrong by more than 5 seconds and
            less than a day, the events' times are corrected by as much, and what was sent is kept too.

    Raises:
        TooManyEvents: there are more than 1,000.
        BadSentAt: `sent_at` is no time.
        OperationalError: an import that is not done yet holds what they name; nothing was stored.
    """
    if len(events) > MAX_EVENTS:
        raise TooManyEvents(
            f"{len(events):,} events are too many for one request; send up to {MAX_EVENTS:,}."
        )
    try:
        skew = reading_events.skew_of(sent_at, now)
    except NotAnEvent as error:
        raise BadSentAt(error.detail) from error
    for tries_left in reversed(range(MAX_TRIES)):
        good, rejected = _checked(events, now, skew)
        try:
            num_events, num_impressions = _store(good, now) if good else (0, 0)
        except (IntegrityError, OperationalError) as error:
            if not tries_left or not _is_passing(error):
                raise
            forget_kinds()
        else:
            break
    num_stored = num_events + num_impressions
    return Recorded(num_stored, len(events) - len(rejected) - num_stored, rejected, num_events)


def _checked(
    events: Sequence[Any], now: datetime, skew: timedelta
) -> tuple[dict[str, Event], list[Rejection]]:
    """Return what can be stored, by event id, the first of each, and what cannot."""
    kinds = _kinds()
    good: dict[str, Event] = {}
    rejected: list[Rejection] = []
    for index, raw in enumerate(events):
        try:
            event = reading_events.read(raw, kinds, now, skew)
        except NotAnEvent as error:
            rejected.append(Rejection(index, error.code, error.detail))
        else:
            good.setdefault(event.event_id, event)
    return good, rejected


def _is_passing(error: Exception) -> bool:
    """Tell whether something that the events name went away while they were stored."""
    return isinstance(error, IntegrityError) or isinstance(error.__cause__, SerializationFailure)


# What kinds there are, and monotonic time until which this holds; one per process.
_remembered: tuple[dict[str, int], float] = ({}, 0.0)


def forget_kinds() -> None:
    """Look up what kinds there are at the next request."""
    global _remembered
    _remembered = ({}, 0.0)


def _kinds() -> dict[str, int]:
    global _remembered
    kinds, until = _remembered
    if time.monotonic() >= until:
        kinds = dict(EventKind.objects.values_list("name", "id")) | KINDS_OF_IMPRESSIONS
        _remembered = (kinds, time.monotonic() + KINDS_REMEMBERED_SECONDS)
    return kinds


# Its text is in the migration that makes it.
_STORE = """
    SELECT * FROM interests_store_events(
        %s, %s, %s::text[], %s::text[], %s::text[], %s::bigint[], %s::double precision[],
        %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[], %s::boolean[]
    )
"""


def _store(events: dict[str, Event], now: datetime) -> tuple[int, int]:
    """Store what is new; return how many events and how many impressions that were."""
    arguments = [now, LOCK_MILLISECONDS, *_columns([events[key] for key in sorted(events)])]
    # Inside somebody's transaction a failure must leave it usable; alone, the statement is a transaction.
    if connection.in_atomic_block:
        with transaction.atomic(), connection.cursor() as cursor:
            return _call(cursor, arguments)
    with connection.cursor() as cursor:
        return _call(cursor, arguments)


def _call(cursor: Any, arguments: list[Any]) -> tuple[int, int]:
    cursor.execute(_STORE, arguments)
    num_events, num_impressions = cursor.fetchone()
    return num_events, num_impressions


def _columns(events: Sequence[Event]) -> list[str]:
    """Return the events' columns as PostgreSQL writes arrays.

    As Python lists the same columns took three times as long to write, and longer still to be read as SQL.
    """
    return [
        _texts(event.event_id for event in events),
        _texts(event.user_id for event in events),
        _texts(event.item_id for event in events),
        _plain(event.kind_id for event in events),
        _plain(event.value for event in events),
        _plain(event.occurred_at.isoformat() for event in events),
        _plain(event.sent_at and event.sent_at.isoformat() for event in events),
        _texts(event.session_id for event in events),
        _texts(event.recommendation_id for event in events),
        _plain(event.is_time_doubtful for event in events),
    ]


def _texts(values: Iterable[str]) -> str:
    found = list(values)
    if "\\" in (joined := "".join(found)) or '"' in joined:
        found = [value.replace("\\", "\\\\").replace('"', '\\"') for value in found]
    return '{"' + '","'.join(found) + '"}'


def _plain(values: Iterable[Any]) -> str:
    """Return values whose text needs no quotes."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
