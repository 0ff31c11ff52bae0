"""What was worked out of somebody's events, removed: states, drift, slates, alerts. The events stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import connection, transaction

from interests.models import EndUser
from interests.selectors import belongings
from recsite import caching

MARK = """
    INSERT INTO interests_changemark (end_user_id, marked_at, generation)
    SELECT key, %(now)s, 1 FROM unnest(%(keys)s::bigint[]) AS given(key) ORDER BY key
    ON CONFLICT (end_user_id) DO UPDATE SET generation = interests_changemark.generation + 1
"""


def unlearn(*, end_user_ids: Sequence[int]) -> None:
    """Remove all that was worked out about people whom the caller has locked, and answers kept in Redis."""
    EndUser.objects.filter(pk__in=end_user_ids).update(
        current_state=None, num_events=0, last_event_at=None, drift_score=None, drifted_at=None
    )
    for belonging in belongings.worked_out():
        belonging.rows(end_user_ids).delete()
    for key in end_user_ids:
        transaction.on_commit(partial(caching.forget_person, key))


def mark(*, end_user_ids: Sequence[int], now: datetime) -> None:
    """Let a live worker work out people anew; the caller asks for it after commit."""
    with connection.cursor() as cursor:
        cursor.execute(MARK, {"keys": list(end_user_ids), "now": now})
