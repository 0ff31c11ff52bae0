"""Staged items, end users and bad lines -> the tables that everybody reads. Call inside one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from interests.datasets.layout import NO_CATEGORY_WORDS
from interests.services import staging
from interests.services.staging import Part

_PLAIN = {
    "events": {"user_id", "item_id", "kind", "occurred_at", "value", "event_id", "session_id"},
    "items": {"item_id", "title", "description", "categories"},
    "users": {"user_id"},
}


@dataclass
class Stored:
    """What became of one file's lines: lines = good + duplicates + bad."""

    lines: int = 0
    good: int = 0
    duplicates: int = 0
    bad: int = 0
    further: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "lines": self.lines, "good": self.good, "duplicates": self.duplicates, "bad": self.bad,
        } | self.further  # fmt: skip


def store_items(part: Part, *, now: datetime) -> Stored:
    """Make or renew the items of a file, and their categories; the first line of an item counts."""
    with connection.cursor() as cursor:
        stored = _distinct(cursor, part, "item_id", ["title", "description"])
        changes = {
            "attributes": "interests_item.attributes || EXCLUDED.attributes",
            "is_described": "true",
        }
        changes |= {name: f"EXCLUDED.{name}" for name in ("title", "description") if part.has(name)}
        cursor.execute(
            f"""
            INSERT INTO interests_item
                (item_id, title, description, attributes, is_described, is_hidden, created_at)
            SELECT item_id, btrim(title), description, attributes, true, false, %s
            FROM import_items_good ORDER BY line
            ON CONFLICT (item_id) DO UPDATE SET {", ".join(f"{a} = {b}" for a, b in changes.items())}
            WHERE ({", ".join(f"interests_item.{name}" for name in changes)})
                IS DISTINCT FROM ({", ".join(changes.values())})
            """,
            [now],
        )
        stored.further["written"] = cursor.rowcount
        if part.has("categories") or part.flags:
            stored.further["new_categories"] = _store_categories(cursor, part)
    return stored


def store_users(part: Part, *, now: datetime) -> Stored:
    """Make or renew the end users of a file; the first line of each counts."""
    with connection.cursor() as cursor:
        stored = _distinct(cursor, part, "user_id", [])
        cursor.execute(
            """
            INSERT INTO interests_enduser (user_id, attributes, created_at, num_events)
            SELECT user_id, attributes, %s, 0 FROM import_users_good named
            -- Of a guest who became a member it is the member's own line that counts.
            WHERE NOT EXISTS (SELECT FROM interests_alias alias WHERE alias.user_id = named.user_id)
            ORDER BY line
            ON CONFLICT (user_id) DO UPDATE
                SET attributes = interests_enduser.attributes || EXCLUDED.attributes
            WHERE NOT interests_enduser.attributes @> EXCLUDED.attributes
            """,
            [now],
        )
        stored.further["written"] = cursor.rowcount
    return stored


def store_bad(part: Part, *, run_id: int) -> None:
    """Keep the bad lines of a file with reason and row."""
    columns = [column for column in part.columns][:100]
    pairs = [f"'{column.replace(chr(39), chr(39) * 2)}', left({part.sql(column)}, {staging.SHOWN_LENGTH})" for column in columns]  # fmt: skip
    row = " || ".join(
        f"jsonb_build_object({', '.join(pairs[start : start + 40])})"
        for start in range(0, len(pairs), 40)
    ).replace("%", "%%")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO interests_rejectedrow (import_run_id, file, line, reason, detail, row)
            SELECT %s, %s, s.line, b.reason, coalesce(%s::jsonb ->> b.reason, ''),
                CASE WHEN s.raw <> '' THEN s.raw::jsonb ELSE {row} END
            FROM {part.table} s JOIN {part.table}_bad b USING (line)
            ORDER BY s.line
            """,
            [run_id, part.file[:255], json.dumps(staging.REASONS)],
        )


def attributes_sql(part: Part) -> str:
    """Return the SQL of the further columns as JSON, without those that are empty."""
    names = [
        column
        for column in (part.columns[: -part.flags] if part.flags else part.columns)
        if column not in _PLAIN[part.name] and column not in part.unkept
    ]
    if not names:
        return "'{}'::jsonb"
    pairs = [
        f"'{name.replace(chr(39), chr(39) * 2)}', nullif({part.sql(name)}, '')" for name in names
    ]
    parts = [
        f"jsonb_build_object({', '.join(pairs[start : start + 40])})"
        for start in range(0, len(pairs), 40)
    ]
    return f"jsonb_strip_nulls({' || '.join(parts)})".replace("%", "%%")


def good_sql(part: Part) -> str:
    return f"NOT EXISTS (SELECT FROM {part.table}_bad b WHERE b.line = s.line)"


def counts(cursor: CursorWrapper, part: Part) -> Stored:
    lines = staging.count(cursor, part.table)
    return Stored(lines=lines, bad=staging.count(cursor, f"{part.table}_bad"))


def _distinct(cursor: CursorWrapper, part: Part, key: str, texts: list[str]) -> Stored:
    """Make the table of good lines, one per key, and count what became of all lines."""
    columns = "".join(f", {part.sql(name)} AS {name}" for name in texts)
    cursor.execute(
        f"""
        CREATE TEMP TABLE {part.table}_good AS
        SELECT DISTINCT ON ({part.sql(key)}) s.line, {part.sql(key)} AS {key}{columns},
            {attributes_sql(part)} AS attributes
        FROM {part.table} s WHERE {good_sql(part)} ORDER BY {part.sql(key)}, s.line
        """.replace("%%", "%")
    )
    cursor.execute(f"ANALYZE {part.table}_good")
    stored = counts(cursor, part)
    stored.good = staging.count(cursor, f"{part.table}_good")
    stored.duplicates = stored.lines - stored.bad - stored.good
    return stored


def _store_categories(cursor: CursorWrapper, part: Part) -> list[str]:
    """Give the items exactly the categories of the file; return the names that are new."""
    if part.flags:
        marks = [f"CASE WHEN {part.sql(name)} = '1' THEN '{name.replace(chr(39), chr(39) * 2)}' END" for name in part.columns[-part.flags :]]  # fmt: skip
        names = f"ARRAY[{', '.join(marks)}]"
    else:
        names = f"string_to_array({part.sql('categories')}, '|')"
    cursor.execute(
        f"""
        CREATE TEMP TABLE import_categories AS
        SELECT DISTINCT i.id AS item_id, btrim(n) AS name
        FROM import_items_good g JOIN {part.table} s USING (line)
        JOIN interests_item i ON i.item_id = g.item_id
        CROSS JOIN unnest({names}) n
        WHERE btrim(n) <> '' AND lower(btrim(n)) <> ALL (%s)
        """,
        [list(NO_CATEGORY_WORDS)],
    )
    # Ranks are colours: given once, to the category with most items first, never changed.
    cursor.execute(
        """
        INSERT INTO interests_category (name, colour_rank, is_learned, is_used)
        SELECT name, (SELECT coalesce(max(colour_rank) + 1, 0) FROM interests_category)
            + row_number() OVER (ORDER BY count(*) DESC, name) - 1, false, true
        FROM import_categories t
        WHERE NOT EXISTS (SELECT FROM interests_category c WHERE c.name = t.name)
        GROUP BY name ORDER BY count(*) DESC, name
        ON CONFLICT DO NOTHING RETURNING name
        """
    )
    new = [row[0] for row in cursor.fetchall()]
    cursor.execute(
        """
        DELETE FROM interests_item_categories l USING interests_item i, import_items_good g
        WHERE l.item_id = i.id AND i.item_id = g.item_id AND NOT EXISTS (
            SELECT FROM import_categories t JOIN interests_category c ON c.name = t.name
            WHERE t.item_id = l.item_id AND c.id = l.category_id)
        """
    )
    cursor.execute(
        """
        INSERT INTO interests_item_categories (item_id, category_id)
        SELECT t.item_id, c.id FROM import_categories t JOIN interests_category c ON c.name = t.name
        ON CONFLICT DO NOTHING
        """
    )
    return new
