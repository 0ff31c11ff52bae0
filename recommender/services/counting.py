"""What is popular: counted from events alone, so that strangers get an answer before any network is."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

# Days of each window; None is all of time.
WINDOWS: dict[str, int | None] = {"all": None, "7d": 7, "30d": 30}
TRENDING = "trending"
NUM_ITEMS = 200

NEWEST = """
    SELECT max(occurred_at) FROM interests_interaction
    WHERE occurred_at <= %(now)s AND NOT is_time_doubtful
"""
# Events of a kind that is a negative signal do not make an item popular. Everybody's list has category 0.
COUNTS = """
    SELECT event.item_id, count(*)::float8 AS num
    FROM interests_used_interaction event
    JOIN interests_eventkind kind ON kind.id = event.kind_id AND kind.weight >= 0
    WHERE %(since)s::timestamptz IS NULL
       OR event.occurred_at > %(since)s AND event.occurred_at <= %(until)s
    GROUP BY event.item_id
"""
# How far an item's events of about a day lie above what the weeks before let expect, in standard deviations of
# a count: counts decay with a half-life of a day and of 14 days, and where nothing changes the second is 14
# times the first. The 1 keeps items with hardly any events from the top.
TRENDING_DAYS, USUAL_DAYS, MOST_DAYS = 1, 14, 60
TRENDS = f"""
    SELECT item_id, (lately - usual) / sqrt(usual + 1) AS num
    FROM (
        SELECT event.item_id, sum(0.5 ^ (age.days / {TRENDING_DAYS}.0)) AS lately,
               sum(0.5 ^ (age.days / {USUAL_DAYS}.0)) * {TRENDING_DAYS} / {USUAL_DAYS} AS usual
        FROM interests_used_interaction event
        JOIN interests_eventkind kind ON kind.id = event.kind_id AND kind.weight >= 0
        CROSS JOIN LATERAL (
            SELECT extract(epoch FROM %(until)s::timestamptz - event.occurred_at)::float8 / 86400 AS days
        ) age
        WHERE event.occurred_at > %(since)s AND event.occurred_at <= %(until)s
          AND NOT event.is_time_doubtful
        GROUP BY event.item_id
    ) decayed
    WHERE lately > usual
"""
PLACE = """
    WITH counts AS ({counts}), shown AS (
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
    ), lists AS (
        SELECT category_id, array_agg(id ORDER BY place) AS items,
               array_agg(item_id::text ORDER BY place) AS item_ids,
               array_agg(num ORDER BY place) AS scores
        FROM ranked WHERE place <= %(num_items)s
        GROUP BY category_id
    )
"""
# The items that together make up four fifths of what people use, each person counted once for an item. Any
# other is a novelty. The list may be long, so it goes without the clients' ids.
HEAD, HEAD_SHARE = "head", 0.8
COMMON = f"""
    WITH used AS (
        SELECT item_id, count(DISTINCT end_user_id)::float8 AS num
        FROM interests_used_interaction GROUP BY item_id
    ), summed AS (
        SELECT *, sum(num) OVER (ORDER BY num DESC, item_id) - num AS above, sum(num) OVER () AS total
        FROM used
    ), lists AS (
        SELECT 0 AS category_id, array_agg(item_id ORDER BY num DESC, item_id) AS items,
               '{{}}'::text[] AS item_ids, array_agg(num ORDER BY num DESC, item_id) AS scores
        FROM summed WHERE above < {HEAD_SHARE} * total
        HAVING count(*) > 0
    )
"""
KEEP = """
    INSERT INTO recommender_popularitems
        ("window", category_id, items, item_ids, scores, counted_at)
    SELECT %(window)s, category_id, items, item_ids, scores, %(now)s FROM lists
    ON CONFLICT ("window", category_id) DO UPDATE SET
        items = excluded.items, item_ids = excluded.item_ids,
        scores = excluded.scores, counted_at = excluded.counted_at
"""
FORGET = """
    DELETE FROM recommender_popularitems WHERE "window" = %(window)s AND counted_at < %(now)s
"""


def count_popular_items(*, now: datetime) -> None:
    """Count the most chosen items of each window, what is chosen more than usual, and what is common.

    A window ends now, or, where the newest event is older than the window is long, with that event:
    data of last year still has its last week.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, {"now": now})
        newest: datetime | None = cursor.fetchone()[0]
    for window, days in WINDOWS.items():
        since, until = _limits(days=days, newest=newest, now=now)
        _keep(window, PLACE.format(counts=COUNTS), since=since, until=until, now=now)
    _, until = _limits(days=7, newest=newest, now=now)
    since = until - timedelta(days=MOST_DAYS)
    _keep(TRENDING, PLACE.format(counts=TRENDS), since=since, until=until, now=now)
    _keep(HEAD, COMMON, since=None, until=now, now=now)


@transaction.atomic
def _keep(
    window: str, lists: str, *, since: datetime | None, until: datetime, now: datetime
) -> None:
    """Write the lists that a statement makes in place of those of this window."""
    values = {
        "window": window, "since": since, "until": until, "now": now, "num_items": NUM_ITEMS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(lists + KEEP, values)
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
