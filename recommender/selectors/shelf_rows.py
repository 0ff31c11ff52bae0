"""Rows that the shelf keeps, a piece at a time, so that no thread waits long for whoever reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from recommender.ranking.expressions import Facts

PIECE = 500  # rows are made in a few milliseconds, and only then may another thread go on

# Items that only events have named have no category and are not kept, unless a curator hid them or a
# placement pins them.
_ITEM = """
    SELECT item.id, item.item_id, item.is_hidden, item.is_described,
        ARRAY(SELECT category_id FROM interests_item_categories link
              WHERE link.item_id = item.id ORDER BY category_id)::int[] AS categories
    FROM interests_item item
"""
_ITEMS_AFTER = f"""
    SELECT * FROM ({_ITEM} WHERE item.id > %s ORDER BY item.id LIMIT {PIECE}) found
"""
_ITEMS_NAMED = _ITEM + "WHERE item.id = ANY(%s)"
_ITEMS_CALLED = _ITEM + "WHERE item.item_id = ANY(%s)"
_FACTS = """
    SELECT id, item_id, title, created_at, attributes FROM interests_item WHERE id = ANY(%s)
"""
_POPULAR_AFTER = f"""
    SELECT id, "window", category_id, items, item_ids, scores, counted_at
    FROM recommender_popularitems WHERE id > %s ORDER BY id LIMIT {PIECE // 10}
"""
_CHANGES = """
    SELECT id, kind, items FROM recommender_shelfchange WHERE id <> ALL(%s::bigint[]) ORDER BY id
"""

# Key, id, whether it is hidden, whether the catalogue describes it, categories.
ItemRow = tuple[int, str, bool, bool, list[int]]
# Window, category, keys, ids, scores, when they were counted.
PopularRow = tuple[str, int, list[int], list[str], list[float], datetime]
# Key, kind of change, keys of items or None.
ChangeRow = tuple[int, str, list[int] | None]


def items() -> Iterator[list[ItemRow]]:
    """Yield all items in pieces."""
    last = 0
    while rows := _all(_ITEMS_AFTER, [last]):
        yield rows
        last = rows[-1][0]


def items_of(keys: Sequence[int]) -> list[ItemRow]:
    """Return the items of these keys that are there."""
    return _all(_ITEMS_NAMED, [list(keys)])


def items_called(item_ids: Sequence[str]) -> list[ItemRow]:
    """Return the items of these ids that are there."""
    return _all(_ITEMS_CALLED, [list(item_ids)])


def facts_of(keys: Sequence[int]) -> list[tuple[int, Facts]]:
    """Return what expressions ask of items, without their categories."""
    return [
        (key, Facts(item_id=item_id, title=title, created_at=at, attributes=_plain(attributes)))
        for key, item_id, title, at, attributes in _all(_FACTS, [list(keys)])
    ]


def categories() -> list[tuple[int, str, bool]]:
    """Return key, name and whether interests follow it, of each category."""
    return _all("SELECT id, name, is_used FROM interests_category ORDER BY id", [])


def popular() -> Iterator[list[PopularRow]]:
    """Yield the lists of popular items in pieces."""
    last = 0
    while rows := _all(_POPULAR_AFTER, [last]):
        yield [row[1:] for row in rows]
        last = rows[-1][0]


def changes(known: Sequence[int]) -> list[ChangeRow]:
    """Return what has changed and is not known yet."""
    return _all(_CHANGES, [list(known)])


def _plain(attributes: Any) -> dict[str, Any]:
    found = json.loads(attributes) if isinstance(attributes, str) else attributes
    return found if isinstance(found, dict) else {}


def _all(statement: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
    return rows
