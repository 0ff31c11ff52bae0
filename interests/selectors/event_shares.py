"""Category shares of one end user's raw events, straight from the events that are used."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

# Each event's one part is shared equally among its item's categories, which are looked up once for each item.
EVENT_SHARES = """
    WITH counted AS (
        SELECT {bucket} AS bucket, event.item_id, count(*) AS num_events
        FROM interests_used_interaction AS event
        JOIN interests_eventkind AS kind ON kind.id = event.kind_id
        WHERE event.end_user_id = %(end_user)s AND kind.weight >= 0
        AND (%(with_doubtful)s OR NOT event.is_time_doubtful)
        AND (%(since)s::timestamptz IS NULL OR event.occurred_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR event.occurred_at <= %(until)s)
        GROUP BY 1, 2
    ), own AS (
        SELECT item_id, category_id, count(*) OVER (PARTITION BY item_id) AS size
        FROM interests_item_used_categories WHERE item_id IN (SELECT item_id FROM counted)
    )
    SELECT bucket, coalesce(own.category_id, 0), sum(num_events / coalesce(own.size, 1)::numeric)
    FROM counted LEFT JOIN own USING (item_id)
    GROUP BY 1, 2 ORDER BY 1
"""
SPAN = """
    SELECT min(occurred_at), max(occurred_at), count(DISTINCT occurred_at)
    FROM interests_used_interaction
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
