"""What is popular: counted from events alone, so that strangers get an answer before any network is."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

# Days of each window; None is all of time.
WINDOWS: dict[str, int | None] = {"all": None, "7d": 7, "30d": 30}
NUM_ITEMS = 200

NEWEST = """
    SELECT max(occurred_at) FROM interests_interaction
    WHERE occurred_at <= %(now)s AND NOT is_time_doubtful
"""
# Events of a kind that is a negative signal do not make an item popular. Everybody's list has category 0.
COUNT = """
    WITH counts AS (
        SELECT event.item_id, count(*) AS num
        FROM interests_interaction event
        JOIN interests_eventkind kind ON kind.id = event.kind_id AND kind.weight >= 0
        WHERE %(since)s::timestamptz IS NULL
           OR event.occurred_at > %(since)s AND event.occurred_at <= %(until)s
        GROUP BY event.item_id
    ), shown AS (
        SELECT item.id, item.item_id, counts.num
        FROM counts JOIN interests_item item ON item.id = counts.item_id AND NOT item.is_hidden
    ), placed AS (
        SELECT 0 AS category_id, id, item_id, num FROM shown
        UNION ALL
        SELECT link.category_id, shown.id, shown.item_id, shown.num
        FROM shown JOIN interests_item_categories link ON link.item_id = shown.id
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY category_id ORDER BY num DESC, id) AS place
        FROM placed
    )
    INSERT INTO recommender_popularitems
        ("window", category_id, items, item_ids, scores, counted_at)
    SELECT %(window)s, category_id, array_agg(id ORDER BY place),
           array_agg(item_id::text ORDER BY place), array_agg(num::float8 ORDER BY place), %(now)s
    FROM ranked WHERE place <= %(num_items)s
    GROUP BY category_id
    ON CONFLICT ("window", category_id) DO UPDATE SET
        items = excluded.items, item_ids = excluded.item_ids,
        scores = excluded.scores, counted_at = excluded.counted_at
"""
FORGET = """
    DELETE FROM recommender_popularitems WHERE "window" = %(window)s AND counted_at < %(now)s
"""


def count_popular_items(*, now: datetime) -> None:
    """Count the most chosen items of each window, over all and in each category.

    A window ends now, or, where the newest event is older than the window is long, with that event:
    data of last year still has its last week.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, {"now": now})
        newest: datetime | None = cursor.fetchone()[0]
        for window, days in WINDOWS.items():
            since, until = _limits(days=days, newest=newest, now=now)
            values = {"window": window, "since": since, "until": until, "now": now}
            with transaction.atomic():
                cursor.execute(COUNT, values | {"num_items": NUM_ITEMS})
                cursor.execute(FORGET, values)


def _limits(
    *, days: int | None, newest: datetime | None, now: datetime
) -> tuple[datetime | None, datetime]:
    """Return after when and until when events count; None where all of them do."""
    if days is None or newest is None:
        return None, now
    length = timedelta(days=days)
    until = now if newest > now - length else newest
    return until - length, until
