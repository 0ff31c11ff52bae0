"""Lists for nobody in particular, each in one statement that writes the items as JSON.

What is for a person reads `selectors.reading`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Shown:
    """Items ready to be sent.

    Attributes:
        items: a JSON list, best first
        run: the publication, None where no network has been asked
        generated_at: when the list was made, None where there is none
    """

    items: str
    run: int | None = None
    generated_at: datetime | None = None


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
            )
            ORDER BY entry.place
            LIMIT %(n)s OFFSET %(offset)s
        ) ranked
    ) kept
"""
_POPULAR = """
    SELECT shown.items, popular.counted_at
    FROM recommender_popularitems popular
    CROSS JOIN LATERAL ({slice}) shown
    WHERE popular."window" = %(window)s
      AND popular.category_id = CASE WHEN %(category)s = '' THEN 0 ELSE coalesce(
          (SELECT id FROM interests_category WHERE name = %(category)s), -1) END
"""
_SIMILAR = """
    SELECT shown.items, similar_row.publication_id
    FROM recommender_serving serving
    JOIN interests_item item ON item.item_id = %(item_id)s
    JOIN recommender_similaritems similar_row
        ON similar_row.publication_id = serving.publication_id AND similar_row.item_id = item.id
    CROSS JOIN LATERAL ({slice}) shown
"""


def popular_items(*, window: str, n: int, offset: int, category: str = "") -> Shown:
    """Return the items of a window of `services.counting`, in all or in one category."""
    values = {"n": n, "offset": offset, "category": category, "window": window}
    row = _one(_POPULAR.format(slice=_SLICE.format(row="popular")), values)
    return Shown(f"[{row[0]}]", generated_at=row[1]) if row else Shown("[]")


def similar_items(item_id: str, *, n: int) -> Shown:
    """Return the items nearest to one; none before the first publication has seen it."""
    statement = _SIMILAR.format(slice=_SLICE.format(row="similar_row"))
    row = _one(statement, {"item_id": item_id, "n": n, "offset": 0})
    return Shown(f"[{row[0]}]", run=row[1]) if row else Shown("[]")


def _one(statement: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
