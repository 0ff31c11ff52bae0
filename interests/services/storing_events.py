"""Staged events -> the table of events, in chunks. Call inside one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from interests.datasets.kinds import weight_of
from interests.datasets.layout import Layout
from interests.models import EventKind
from interests.services import staging, storing
from interests.services.staging import Part

# One statement's foreign-key checks wait in memory until it ends, and progress shows between statements.
CHUNK_ROWS = 100_000
# Times outside these were typed or converted wrong; the events are kept and flagged.
EARLIEST_TIME = "1990-01-01Z"
FUTURE_ALLOWANCE = timedelta(days=1)
EVENT_COLUMNS = (
    "event_id, end_user_id, item_id, kind_id, value, occurred_at, received_at, session_id, "
    "recommendation_id, attributes, is_time_doubtful"
)


def store_events(
    part: Part,
    *,
    layout: Layout,
    now: datetime,
    is_marking: bool,
    on_share: Callable[[float], object],
) -> storing.Stored:
    """Add events, and whatever end users, items and kinds only they name.

    An import marks nobody as changed: a whole tracking run follows it and sees everybody. Only rows that
    are replayed later do (`is_marking`).
    """
    with connection.cursor() as cursor:
        _make_good(cursor, part, layout, now)
        on_share(0.2)
        stored = storing.counts(cursor, part)
        further: dict[str, Any] = {"new_kinds": _store_kinds(cursor)}
        further["new_end_users"] = _store_end_users(cursor, now)
        further["new_undescribed_items"] = _store_items(cursor, now)
        total = _make_ready(cursor)
        on_share(0.4)
        inserted = 0
        for first in range(0, total, CHUNK_ROWS):
            cursor.execute(
                f"""
                INSERT INTO interests_interaction ({EVENT_COLUMNS})
                SELECT event_id, end_user_id, item_id, kind_id, value, occurred_at, %s, session_id,
                    '', attributes, is_time_doubtful
                FROM import_events_ready WHERE place > %s AND place <= %s ORDER BY place
                ON CONFLICT (event_id) DO NOTHING
                """,
                [now, first, first + CHUNK_ROWS],
            )
            inserted += cursor.rowcount
            on_share(0.4 + 0.6 * min(1.0, (first + CHUNK_ROWS) / total))
        if is_marking:
            _mark(cursor, now)
        stored.good, stored.duplicates = inserted, total - inserted
        stored.further = further
    return stored


def _make_good(cursor: CursorWrapper, part: Part, layout: Layout, now: datetime) -> None:
    """Make the table of good events, with an id for those that came without.

    That id is a hash of all that the event says, so the same line imported again is the same event. It
    starts with a hash of the end user alone: one person's ids lie side by side in the index, which makes
    writing them a few times faster than ids without order.
    """
    kind = "%(kind)s" if layout.kind is not None else f"btrim({part.sql('kind')})"
    value = (
        f"nullif(btrim({part.sql('value')}), '')::float8" if part.has("value") else "NULL::float8"
    )
    own_id = "left(md5(user_id), 8) || md5(concat_ws(E'\\x1f', user_id, item_id, kind, occurred_at, value, session_id))"  # fmt: skip
    event_id = f"coalesce(nullif(given_id, ''), {own_id})" if part.has("event_id") else own_id
    has_more = "{}" not in storing.attributes_sql(part)
    attributes = storing.attributes_sql(part) if has_more else "NULL::jsonb"
    cursor.execute(
        f"""
        CREATE TEMP TABLE import_events_good AS
        SELECT line, user_id, item_id, kind, value, occurred_at, session_id, attributes,
            {event_id} AS event_id,
            NOT occurred_at BETWEEN '{EARLIEST_TIME}' AND %(latest)s AS is_time_doubtful
        FROM (
            SELECT s.line, {part.sql("user_id")} AS user_id, {part.sql("item_id")} AS item_id,
                {kind} AS kind, {value} AS value,
                {staging.time_sql(part, is_epoch=layout.is_epoch)} AS occurred_at,
                {part.sql("session_id")} AS session_id, {part.sql("event_id")} AS given_id,
                {attributes} AS attributes
            FROM {part.table} s WHERE {storing.good_sql(part)}
        ) typed
        """,
        {"kind": layout.kind, "latest": now + FUTURE_ALLOWANCE},
    )
    # The id of a guest who became a member means the member.
    cursor.execute(
        """
        UPDATE import_events_good good SET user_id = person.user_id
        FROM interests_alias alias JOIN interests_enduser person ON person.id = alias.end_user_id
        WHERE good.user_id = alias.user_id
        """
    )
    cursor.execute("ANALYZE import_events_good (user_id, item_id, kind)")


def _store_kinds(cursor: CursorWrapper) -> list[str]:
    """Make the kinds that are not known; a shop may have words of its own."""
    cursor.execute("SELECT DISTINCT kind FROM import_events_good ORDER BY kind")
    names = [row[0] for row in cursor.fetchall()]
    known = set(EventKind.objects.filter(name__in=names).values_list("name", flat=True))
    new = [name for name in names if name not in known]
    EventKind.objects.bulk_create(
        [EventKind(name=name, weight=weight_of(name)) for name in new], ignore_conflicts=True
    )
    return new


def _store_end_users(cursor: CursorWrapper, now: datetime) -> int:
    cursor.execute(
        """
        INSERT INTO interests_enduser (user_id, attributes, created_at, num_events)
        SELECT user_id, '{}', %s, 0 FROM (
            SELECT user_id, min(line) AS line FROM import_events_good GROUP BY user_id) named
        WHERE NOT EXISTS (SELECT FROM interests_enduser u WHERE u.user_id = named.user_id)
        ORDER BY line ON CONFLICT DO NOTHING
        """,
        [now],
    )
    return int(cursor.rowcount)


def _store_items(cursor: CursorWrapper, now: datetime) -> int:
    """Make the items that only events name."""
    cursor.execute(
        """
        INSERT INTO interests_item
            (item_id, title, description, attributes, is_described, is_hidden, created_at)
        SELECT item_id, '', '', '{}', false, false, %s FROM (
            SELECT item_id, min(line) AS line FROM import_events_good GROUP BY item_id) named
        WHERE NOT EXISTS (SELECT FROM interests_item i WHERE i.item_id = named.item_id)
        ORDER BY line ON CONFLICT DO NOTHING
        """,
        [now],
    )
    return int(cursor.rowcount)


def _make_ready(cursor: CursorWrapper) -> int:
    """Make the table of events as they will be stored, numbered in order of end user and time.

    In this order one person's rows lie together on disk and in the index of histories.
    """
    cursor.execute(
        """
        CREATE TEMP TABLE import_events_ready AS
        SELECT row_number() OVER (ORDER BY u.id, g.occurred_at, g.line) AS place,
            g.event_id, u.id AS end_user_id, i.id AS item_id, k.id AS kind_id, g.value,
            g.occurred_at, g.session_id, g.attributes, g.is_time_doubtful
        FROM import_events_good g
        JOIN interests_enduser u ON u.user_id = g.user_id
        JOIN interests_item i ON i.item_id = g.item_id
        JOIN interests_eventkind k ON k.name = g.kind
        """
    )
    total = int(cursor.rowcount)
    cursor.execute("CREATE INDEX ON import_events_ready (place)")
    cursor.execute("ANALYZE import_events_ready")
    return total


def _mark(cursor: CursorWrapper, now: datetime) -> None:
    cursor.execute(
        """
        INSERT INTO interests_changemark (end_user_id, marked_at, generation)
        SELECT DISTINCT e.end_user_id, %(now)s, 1 FROM interests_interaction e
        JOIN import_events_ready r USING (event_id) WHERE e.received_at = %(now)s
        ORDER BY e.end_user_id
        ON CONFLICT (end_user_id) DO UPDATE SET generation = interests_changemark.generation + 1
        """,
        {"now": now},
    )
