"""The hot read: what to recommend to one end user, in one statement.

Without filters a function in the database answers, whose plan PostgreSQL keeps; with filters, and for
popular and similar items, a statement that writes the items as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

# The windows of `services.counting`, the first that has been counted answers.
WINDOWS_FOR_STRANGERS = ("30d", "all")


@dataclass(frozen=True, slots=True)
class Shown:
    """Items ready to be sent.

    Attributes:
        items: a JSON list, best first
        run: the publication, None where no network has been asked
        end_user: the end user's key, None for a stranger
        generated_at: when the list was made, None where there is none
        events_through: arrival of the newest event that the list has seen
    """

    items: str
    run: int | None = None
    end_user: int | None = None
    generated_at: datetime | None = None
    events_through: datetime | None = None


# A slate is cut to what is asked here, in the order of its arrays. Hidden items are few, and the partial
# index item_hidden holds only them, so leaving them out costs one look per item shown.
_SLICE = """
    SELECT coalesce(string_agg(
        '{{"item_id":' || to_json(kept.item_id) || ',"rank":' || kept.place
        || ',"score":' || kept.score || '}}', ',' ORDER BY kept.place
    ), '') AS items
    FROM (
        SELECT ranked.item_id, ranked.score, %(offset)s + row_number() OVER (ORDER BY ranked.place) AS place
        FROM (
            SELECT entry.item_id, entry.score, entry.place
            FROM unnest({row}.items, {row}.item_ids, {row}.scores)
                WITH ORDINALITY AS entry(item, item_id, score, place)
            WHERE NOT EXISTS (
                SELECT FROM interests_item hidden WHERE hidden.id = entry.item AND hidden.is_hidden
            ){filters}
            ORDER BY entry.place
            LIMIT %(n)s OFFSET %(offset)s
        ) ranked
    ) kept
"""
_IN_CATEGORY = """
            AND EXISTS (
                SELECT FROM interests_item_categories link
                JOIN interests_category category ON category.id = link.category_id
                WHERE link.item_id = entry.item AND category.name = %(category)s
            )"""
_NOT_EXCLUDED = """
            AND entry.item_id <> ALL(%(exclude)s)"""
_SLATE = """
    SELECT shown.items, slate.publication_id, slate.end_user_id, slate.generated_at,
           slate.events_through
    FROM recommender_serving serving
    JOIN interests_enduser person ON person.user_id = %(user_id)s
    JOIN recommender_slate slate
        ON slate.publication_id = serving.publication_id AND slate.end_user_id = person.id
    CROSS JOIN LATERAL ({slice}) shown
"""
_POPULAR = """
    SELECT shown.items, popular.counted_at
    FROM recommender_popularitems popular
    CROSS JOIN LATERAL ({slice}) shown
    WHERE popular."window" = ANY(%(windows)s)
      AND popular.category_id = CASE WHEN %(category)s = '' THEN 0 ELSE coalesce(
          (SELECT id FROM interests_category WHERE name = %(category)s), -1) END
    ORDER BY array_position(%(windows)s, popular."window"::text)
    LIMIT 1
"""
_SIMILAR = """
    SELECT shown.items, similar_row.publication_id
    FROM recommender_serving serving
    JOIN interests_item item ON item.item_id = %(item_id)s
    JOIN recommender_similaritems similar_row
        ON similar_row.publication_id = serving.publication_id AND similar_row.item_id = item.id
    CROSS JOIN LATERAL ({slice}) shown
"""


def slate_of(
    user_id: str, *, n: int, offset: int, category: str = "", exclude: Sequence[str] = ()
) -> Shown | None:
    """Return what serves this end user, or None where no slate does."""
    if not category and not exclude:
        return _plain_slate(user_id, n=n, offset=offset)
    sliced = _sliced("slate", category=category, exclude=exclude)
    values = {
        "user_id": user_id, "n": n, "offset": offset, "category": category, "exclude": list(exclude),
    }  # fmt: skip
    row = _one(_SLATE.format(slice=sliced), values)
    return Shown(f"[{row[0]}]", *row[1:]) if row else None


def _plain_slate(user_id: str, *, n: int, offset: int) -> Shown | None:
    row = _one("SELECT * FROM recommender_slate_of(%s, %s, %s)", (user_id, n, offset))
    if row is None:
        return None
    item_ids, scores, *rest = row
    entries = [
        {"item_id": item_id, "rank": rank, "score": score}
        for rank, (item_id, score) in enumerate(
            zip(item_ids or (), scores or (), strict=True), start=offset + 1
        )
    ]
    return Shown(json.dumps(entries, separators=(",", ":")), *rest)


def popular_items(
    *,
    n: int,
    offset: int,
    category: str = "",
    exclude: Sequence[str] = (),
    windows: Sequence[str] = WINDOWS_FOR_STRANGERS,
) -> Shown:
    """Return the most chosen items of the first of these windows that was counted."""
    # The row is the category's own, so its items need no further check.
    sliced = _sliced("popular", category="", exclude=exclude)
    values = {
        "n": n, "offset": offset, "category": category, "exclude": list(exclude),
        "windows": list(windows),
    }  # fmt: skip
    row = _one(_POPULAR.format(slice=sliced), values)
    return Shown(f"[{row[0]}]", generated_at=row[1]) if row else Shown("[]")


def similar_items(item_id: str, *, n: int) -> Shown:
    """Return the items nearest to one; none before the first publication has seen it."""
    sliced = _sliced("similar_row", category="", exclude=())
    row = _one(_SIMILAR.format(slice=sliced), {"item_id": item_id, "n": n, "offset": 0})
    return Shown(f"[{row[0]}]", run=row[1]) if row else Shown("[]")


def _sliced(row: str, *, category: str, exclude: Sequence[str]) -> str:
    filters = (_IN_CATEGORY if category else "") + (_NOT_EXCLUDED if exclude else "")
    return _SLICE.format(row=row, filters=filters)


def _one(statement: str, values: Any) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
