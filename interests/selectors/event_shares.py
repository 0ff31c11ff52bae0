"""Category shares of one end user's raw events, straight from the events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

# Each event's one part is shared equally among its item's categories.
EVENT_SHARES = """
    SELECT {bucket} AS bucket, coalesce(own.category_id, 0), sum(1.0 / greatest(sizes.size, 1))
    FROM interests_interaction AS event
    JOIN interests_eventkind AS kind ON kind.id = event.kind_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS size FROM interests_item_used_categories AS counted
        WHERE counted.item_id = event.item_id
    ) AS sizes
    LEFT JOIN interests_item_used_categories AS own ON own.item_id = event.item_id
    WHERE event.end_user_id = %(end_user)s AND kind.weight >= 0
    AND (%(with_doubtful)s OR NOT event.is_time_doubtful)
    AND (%(since)s::timestamptz IS NULL OR event.occurred_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR event.occurred_at <= %(until)s)
    GROUP BY 1, 2 ORDER BY 1
"""
SPAN = """
    SELECT min(occurred_at), max(occurred_at), count(DISTINCT occurred_at)
    FROM interests_interaction
    WHERE end_user_id = %(end_user)s AND (%(with_doubtful)s OR NOT is_time_doubtful)
    AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR occurred_at <= %(until)s)
"""


def parts(window: dict[str, Any], *, step: str) -> list[tuple[datetime, int, float]]:
    """Return time, category and events of each step, oldest first; an event is shared equally.

    Args:
        window: end_user, since, until, with_doubtful.
        step: "event", or what date_trunc takes.
    """
    bucket = (
        "event.occurred_at" if step == "event" else "date_trunc(%(step)s, event.occurred_at, 'UTC')"
    )
    with connection.cursor() as cursor:
        cursor.execute(EVENT_SHARES.format(bucket=bucket), window | {"step": step})
        return [(at, key, float(amount)) for at, key, amount in cursor.fetchall()]


def span(window: dict[str, Any]) -> tuple[datetime | None, datetime | None, int]:
    """Return the times of the first and last event of a window, and how many times there are."""
    with connection.cursor() as cursor:
        cursor.execute(SPAN, window)
        first, last, count = cursor.fetchone()
    return first, last, count
