"""What `EndUser` copies of the newest state, and who has events that it has not seen.

Written by `services.tracking` alone, with the end users locked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection

from interests.models import EndUser
from interests.selectors.events import DatabaseLog
from interests.services import detecting, state_rows, tracker_rows

# In order of key, so that a run and live workers never wait for each other in a circle.
LOCK_END_USERS = "SELECT id FROM interests_enduser WHERE {} ORDER BY id FOR NO KEY UPDATE"
# A state that has seen newer events stays: nobody goes back to what was known before. Whose newest time is
# doubtful was last seen at the newest that is not: an event from 9999 leads no list for ever.
COPY_NEWEST = """
    UPDATE interests_enduser AS person
    SET current_state_id = newest.id, num_events = newest.num_events,
        drift_score = newest.drift_score, last_event_at = CASE
            WHEN newest.at BETWEEN '1990-01-01Z' AND now() + interval '1 day' THEN newest.at
            ELSE coalesce((
                SELECT max(event.occurred_at) FROM interests_used_interaction AS event
                WHERE event.end_user_id = person.id AND NOT event.is_time_doubtful
            ), newest.at) END
    FROM (
        SELECT DISTINCT ON (end_user_id) id, end_user_id, num_events, at, drift_score, events_through
        FROM interests_intereststate WHERE {} ORDER BY end_user_id, id DESC
    ) AS newest
    WHERE person.id = newest.end_user_id AND NOT EXISTS (
        SELECT FROM interests_intereststate AS current
        WHERE current.id = person.current_state_id
        AND (current.events_through, current.num_events)
            > (newest.events_through, newest.num_events)
    )
"""

# Until when a state has seen its person's events, and how many.
Seen = Mapping[int, tuple[datetime | None, int]]


def lock(condition: str, parameters: list[Any]) -> None:
    """Lock the end users of a condition to the transaction's end."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_END_USERS.format(condition), parameters)


def copy_newest(condition: str, parameters: list[Any]) -> None:
    """Copy the newest of the states of a condition to their end users, unless those have seen more."""
    with connection.cursor() as cursor:
        cursor.execute(COPY_NEWEST.format(condition), parameters)


def seen_of(keys: Sequence[int]) -> dict[int, tuple[datetime | None, int]]:
    """Return what each end user's current state has seen: until when, and how many events."""
    rows = EndUser.objects.filter(pk__in=keys).values_list(
        "pk", "current_state__events_through", "current_state__num_events"
    )
    return {key: (seen, number or 0) for key, seen, number in rows}


def with_news(known: DatabaseLog) -> list[int]:
    """Return the places in the log of those whose current state has not seen all of it."""
    seen = seen_of(known.user_keys.tolist())
    return [place for place in range(known.log.num_users) if is_news(known, place, seen)]


def is_news(known: DatabaseLog, place: int, seen: Seen) -> bool:
    """Tell whether the log has events of an end user that their current state has not seen."""
    end_user = int(known.user_keys[place])
    if end_user not in seen:  # erased since the events were read
        return False
    until, number = seen[end_user]
    first, last = known.log.offsets[place : place + 2]
    return until is None or (through(known, place), int(last - first)) > (until, number)


def through(known: DatabaseLog, place: int) -> datetime:
    """Return when the newest event of an end user in the log arrived."""
    return state_rows.moment(known.events_through[place].astype(np.int64))


def clear_without_events(keys: Collection[int], *, now: datetime) -> None:
    """Let the copies of end users whose events are all gone say so."""
    detecting.clear(keys, now=now)
    tracker_rows.forget(keys)
    EndUser.objects.filter(pk__in=keys).exclude(current_state=None, num_events=0).update(
        current_state=None, num_events=0, last_event_at=None, drift_score=None
    )
