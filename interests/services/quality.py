"""What a curator should know about the data that just came in. Reads the tables of `storing_events`."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

NUM_EXAMPLES = 20


def report_on_events() -> dict[str, Any]:
    """Return facts about the staged events that are fit to be stored."""
    with connection.cursor() as cursor:
        facts = _one(
            cursor,
            """
            SELECT count(*) AS events, count(DISTINCT end_user_id) AS end_users,
                count(DISTINCT item_id) AS items, min(occurred_at) AS first_event_at,
                max(occurred_at) AS last_event_at,
                count(*) FILTER (WHERE is_time_doubtful) AS doubtful_times
            FROM import_events_ready
            """,
        )
        for name in ("first_event_at", "last_event_at"):
            facts[name] = facts[name].isoformat() if facts[name] else None
        return facts | {
            "kinds": _kinds(cursor),
            "tied_in_time": _number(
                cursor,
                """
                SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM import_events_ready
                GROUP BY end_user_id, occurred_at HAVING count(*) > 1) tied
                """,
            ),
            "without_category": _number(
                cursor,
                """
                SELECT count(*) FROM import_events_ready r WHERE NOT EXISTS
                (SELECT FROM interests_item_categories l WHERE l.item_id = r.item_id)
                """,
            ),
            "end_users_with_one_event": _number(
                cursor,
                """
                SELECT count(*) FROM (SELECT FROM import_events_ready
                GROUP BY end_user_id HAVING count(*) = 1) single
                """,
            ),
            "longest_gap": _longest_gap(cursor),
            "unmatched_items": _unmatched(cursor),
        }


def bad_by_reason(tables: list[str]) -> dict[str, int]:
    """Return how many lines of these staged tables are bad for each reason."""
    union = " UNION ALL ".join(f"SELECT reason FROM {table}_bad" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT reason, count(*) FROM ({union}) b GROUP BY 1 ORDER BY 2 DESC, 1")
        return dict(cursor.fetchall())


def _kinds(cursor: CursorWrapper) -> dict[str, int]:
    cursor.execute(
        """
        SELECT k.name, count(*) FROM import_events_ready r
        JOIN interests_eventkind k ON k.id = r.kind_id GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50
        """
    )
    return dict(cursor.fetchall())


def _longest_gap(cursor: CursorWrapper) -> dict[str, Any] | None:
    """Return the longest run of whole days without an event of anybody, or None where there is none."""
    facts = _one(
        cursor,
        """
        SELECT day AS after, next_day AS before, next_day - day - 1 AS days FROM (
            SELECT day, lead(day) OVER (ORDER BY day) AS next_day FROM (
                SELECT DISTINCT occurred_at::date AS day FROM import_events_ready
                WHERE NOT is_time_doubtful) days) pairs
        WHERE next_day - day > 1 ORDER BY next_day - day DESC, day LIMIT 1
        """,
    )
    if not facts:
        return None
    return {"days": facts["days"], "after": str(facts["after"]), "before": str(facts["before"])}


def _unmatched(cursor: CursorWrapper) -> dict[str, Any]:
    """Return which items events name and no catalogue describes."""
    cursor.execute(
        """
        SELECT i.item_id, count(*) FROM import_events_ready r
        JOIN interests_item i ON i.id = r.item_id WHERE NOT i.is_described
        GROUP BY 1 ORDER BY 2 DESC, 1
        """
    )
    rows = cursor.fetchmany(NUM_EXAMPLES)
    num_items, num_events = len(rows), sum(count for _, count in rows)
    while more := cursor.fetchmany(10_000):
        num_items, num_events = num_items + len(more), num_events + sum(count for _, count in more)
    return {
        "items": num_items,
        "events": num_events,
        "examples": [item_id for item_id, _ in rows],
    }


def _one(cursor: CursorWrapper, statement: str) -> dict[str, Any]:
    cursor.execute(statement)
    row = cursor.fetchone()
    return dict(zip([column[0] for column in cursor.description], row, strict=True)) if row else {}


def _number(cursor: CursorWrapper, statement: str) -> int:
    cursor.execute(statement)
    return int(cursor.fetchone()[0])
