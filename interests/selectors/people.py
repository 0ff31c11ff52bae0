"""Somebody by an id; and everybody who has events, some at a time, so that only a few are held in memory.

Events that somebody wants forgotten do not count.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from interests.models import Alias, EndUser

# Each count is a look into the index of histories; the plan does not depend on statistics. Only of people who
# want events forgotten the events themselves are looked at.
COUNTS = """
    SELECT person.id, CASE WHEN controls.end_user_id IS NULL THEN (
        SELECT count(*) FROM interests_interaction event WHERE event.end_user_id = person.id
    ) ELSE (
        SELECT count(*) FROM interests_used_interaction event WHERE event.end_user_id = person.id
    ) END
    FROM interests_enduser person
    LEFT JOIN interests_controls controls ON controls.end_user_id = person.id
        AND (controls.is_opted_out OR controls.forget_before IS NOT NULL)
    WHERE person.id > %s ORDER BY person.id LIMIT %s
"""
NUM_WITH_EVENTS = """
    SELECT count(*) FROM interests_enduser person
    LEFT JOIN interests_controls controls ON controls.end_user_id = person.id
        AND (controls.is_opted_out OR controls.forget_before IS NOT NULL)
    WHERE CASE WHEN controls.end_user_id IS NULL THEN EXISTS (
        SELECT FROM interests_interaction event WHERE event.end_user_id = person.id
    ) ELSE EXISTS (
        SELECT FROM interests_used_interaction event WHERE event.end_user_id = person.id
    ) END
"""


def find(user_id: str) -> EndUser | None:
    """Return the end user of an id, that of a guest who became a member too; one query, two for an alias."""
    found = EndUser.objects.filter(user_id=user_id).first()
    if found is None:
        alias = Alias.objects.filter(user_id=user_id).select_related("end_user").first()
        found = alias.end_user if alias else None
    return found


def num_with_events() -> int:
    """Return how many end users have events."""
    with connection.cursor() as cursor:
        cursor.execute(NUM_WITH_EVENTS)
        return int(cursor.fetchone()[0])


def blocks(*, after: int, max_people: int, max_events: int) -> Iterator[NDArray[np.int64]]:
    """Yield the keys of end users with events, block by block, in order of key.

    Somebody with more than `max_events` events is a block of their own.

    Args:
        after: only keys above this one.
        max_people: of a block.
        max_events: that the people of a block have together.
    """
    while True:
        with connection.cursor() as cursor:
            cursor.execute(COUNTS, [after, max_people])
            rows = np.array(cursor.fetchall(), np.int64).reshape(-1, 2)
        if not len(rows):
            return
        num_taken = max(int(np.searchsorted(np.cumsum(rows[:, 1]), max_events, side="right")), 1)
        taken = rows[:num_taken]
        after = int(taken[-1, 0])
        keys = taken[taken[:, 1] > 0, 0]
        if len(keys):
            yield keys
