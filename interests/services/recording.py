"""Events as they come in: checked one by one, stored all at once, each exactly once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from interests.models import ID_LENGTH, EventKind

MAX_EVENTS = 1_000
# Recommenders and their clients are younger than this; a time before it is a clock or unit gone wrong.
EARLIEST_CREDIBLE = datetime(1990, 1, 1, tzinfo=UTC)
FIRST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
# Clocks and time zones go wrong by less than a day.
CREDIBLE_AHEAD = timedelta(days=1)
# An import holds the end users and items that it makes until it ends. Whoever meets one of them is told
# to try again, before requests that wait take up every thread of the web, and before PostgreSQL, after a
# second, looks for who waits for whom and may end the import.
LOCK_MILLISECONDS = 900
# Far beyond any price or rating, far within what sums stay exact in.
LARGEST_VALUE = 1e9
REQUIRED = ("event_id", "user_id", "item_id", "kind")
OPTIONAL_TEXTS = ("session_id", "recommendation_id")


class TooManyEvents(Exception):
    """More events at once than one transaction should hold."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event was not stored; `index` is its place in what was sent."""

    index: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the events."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]


class _NotAnEvent(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class _Event:
    """An event that can be stored."""

    event_id: str
    user_id: str
    item_id: str
    kind_id: int
    value: float | None
    occurred_at: datetime
    session_id: str
    recommendation_id: str
    is_time_doubtful: bool


def record_events(*, events: Sequence[Any], now: datetime) -> Recorded:
    """Store up to 1,000 events, each exactly once however often and from how many sides it is sent.

    Each is a mapping as the API takes it. What cannot be stored is rejected with its reason, the rest is
    stored. End users and items that nobody has named before are made. Whoever has new events is marked,
    in the same transaction, for a worker to renew state and slate.

    Raises:
        TooManyEvents: there are more than 1,000.
        OperationalError: an import that is not done yet holds what they name; nothing was stored.
    """
    if len(events) > MAX_EVENTS:
        raise TooManyEvents(
            f"{len(events):,} events are too many for one request; send up to {MAX_EVENTS:,}."
        )
    kinds = dict(EventKind.objects.values_list("name", "id"))
    good: dict[str, _Event] = {}
    rejected: list[Rejection] = []
    num_doubled = 0
    for index, raw in enumerate(events):
        try:
            event = _read(raw, kinds, now)
        except _NotAnEvent as error:
            rejected.append(Rejection(index, error.code, error.detail))
            continue
        num_doubled += event.event_id in good
        good.setdefault(event.event_id, event)
    num_stored = _store(good, now) if good else 0
    return Recorded(num_stored, num_doubled + len(good) - num_stored, rejected)


def _read(raw: Any, kinds: Mapping[str, int], now: datetime) -> _Event:
    if not isinstance(raw, dict):
        raise _NotAnEvent("not_an_object", "An event is an object with event_id, user_id, ...")
    event_id, user_id, item_id, kind = (_text(raw, name) for name in REQUIRED)
    kind_id = kinds.get(kind)
    if kind_id is None:
        raise _NotAnEvent(
            "kind_unknown",
            f'There is no kind "{kind[:50]}". Kinds are: {", ".join(sorted(kinds))}.',
        )
    occurred_at = _time(raw.get("occurred_at"), now)
    is_doubtful = not EARLIEST_CREDIBLE <= occurred_at <= now + CREDIBLE_AHEAD
    session_id, recommendation_id = (
        _text(raw, name) if raw.get(name) else "" for name in OPTIONAL_TEXTS
    )
    return _Event(
        event_id, user_id, item_id, kind_id, _number(raw.get("value")), occurred_at,
        session_id, recommendation_id, is_doubtful,
    )  # fmt: skip


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        value = str(value)  # many clients' ids are numbers
    if value is None or value == "":
        raise _NotAnEvent(f"{name}_missing", f"{name} is missing.")
    if not isinstance(value, str):
        raise _NotAnEvent(f"{name}_invalid", f"{name} must be a text.")
    if len(value) > ID_LENGTH:
        raise _NotAnEvent(
            f"{name}_too_long", f"{name} has {len(value)} characters; {ID_LENGTH} are allowed."
        )
    if "\0" in value or not _is_encodable(value):
        raise _NotAnEvent(f"{name}_invalid", f"{name} holds a character that cannot be stored.")
    return value


def _is_encodable(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _NotAnEvent("value_invalid", "value must be a number.")
    if not (abs(value) <= LARGEST_VALUE and math.isfinite(value)):
        raise _NotAnEvent("value_out_of_range", f"value must lie within ±{LARGEST_VALUE:,.0f}.")
    return float(value)


def _time(value: Any, now: datetime) -> datetime:
    """Return the time in UTC; one that leaves the calendar becomes its first or last moment."""
    if value is None or value == "":
        return now
    try:
        if not isinstance(value, str) or not 10 <= len(value) <= 64:
            raise ValueError
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise _NotAnEvent(
            "occurred_at_invalid",
            "occurred_at must be an ISO 8601 time such as 2026-03-04T12:00:00Z.",
        ) from None
    if parsed.tzinfo is None:
        return parsed.replace(tzinfo=UTC)
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        return FIRST_MOMENT if parsed.year == 1 else LAST_MOMENT


# Everybody inserts end users, then items, then events, then marks, each in the order of their ids: two
# transactions that meet wait for one another, never in a circle.
_NEW_END_USERS = """
    INSERT INTO interests_enduser (user_id, attributes, created_at, num_events)
    SELECT given.id, '{}', %(now)s, 0
    FROM unnest(%(user_ids)s) AS given(id)
    WHERE NOT EXISTS (SELECT FROM interests_enduser known WHERE known.user_id = given.id)
    ORDER BY given.id COLLATE "C"
    ON CONFLICT (user_id) DO NOTHING
"""
_NEW_ITEMS = """
    INSERT INTO interests_item
        (item_id, title, description, attributes, is_described, is_hidden, created_at)
    SELECT given.id, '', '', '{}', FALSE, FALSE, %(now)s
    FROM unnest(%(item_ids)s) AS given(id)
    WHERE NOT EXISTS (SELECT FROM interests_item known WHERE known.item_id = given.id)
    ORDER BY given.id COLLATE "C"
    ON CONFLICT (item_id) DO NOTHING
"""
_EVENTS_AND_MARKS = """
    WITH given AS (
        SELECT * FROM unnest(
            %(event_ids)s, %(event_user_ids)s, %(event_item_ids)s, %(kind_ids)s::bigint[],
            %(values)s::double precision[], %(times)s::timestamptz[], %(session_ids)s,
            %(recommendation_ids)s, %(doubts)s::boolean[]
        ) AS given(event_id, user_id, item_id, kind_id, value, occurred_at, session_id,
                   recommendation_id, is_time_doubtful)
    ),
    stored AS (
        INSERT INTO interests_interaction
            (event_id, end_user_id, item_id, kind_id, value, occurred_at, received_at, session_id,
             recommendation_id, is_time_doubtful)
        SELECT given.event_id, person.id, item.id, given.kind_id, given.value, given.occurred_at,
               %(now)s, given.session_id, given.recommendation_id, given.is_time_doubtful
        FROM given
        JOIN interests_enduser person USING (user_id)
        JOIN interests_item item ON item.item_id = given.item_id
        ORDER BY given.event_id COLLATE "C"
        ON CONFLICT (event_id) DO NOTHING
        RETURNING end_user_id
    ),
    marked AS (
        INSERT INTO interests_changemark (end_user_id, marked_at, generation)
        SELECT DISTINCT end_user_id, %(now)s::timestamptz, 1 FROM stored ORDER BY end_user_id
        ON CONFLICT (end_user_id)
        DO UPDATE SET generation = interests_changemark.generation + 1
    )
    SELECT count(*) FROM stored
"""


def _store(events: Mapping[str, _Event], now: datetime) -> int:
    """Store what is new among the events and return how many that were."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS};"
            "SELECT event_id FROM interests_interaction WHERE event_id = ANY(%s)",
            [list(events)],
        )
        known = {event_id for (event_id,) in cursor.fetchall()}
        new = [event for event in events.values() if event.event_id not in known]
        if not new:
            return 0
        arrays = _arrays(new) | {"now": now}
        cursor.execute(_NEW_END_USERS, arrays)
        cursor.execute(_NEW_ITEMS, arrays)
        cursor.execute(_EVENTS_AND_MARKS, arrays)
        row: tuple[int] = cursor.fetchone()
    return row[0]


def _arrays(events: Iterable[_Event]) -> dict[str, list[Any]]:
    """Return the events as columns, with each end user and item named once beside them."""
    rows = list(events)
    user_ids, item_ids = [e.user_id for e in rows], [e.item_id for e in rows]
    return {
        "user_ids": sorted(set(user_ids)),
        "item_ids": sorted(set(item_ids)),
        "event_ids": [e.event_id for e in rows],
        "event_user_ids": user_ids,
        "event_item_ids": item_ids,
        "kind_ids": [e.kind_id for e in rows],
        "values": [e.value for e in rows],
        "times": [e.occurred_at for e in rows],
        "session_ids": [e.session_id for e in rows],
        "recommendation_ids": [e.recommendation_id for e in rows],
        "doubts": [e.is_time_doubtful for e in rows],
    }
