"""The hot read: what an answer needs of a person, in one statement; and the few looks that some answers need."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

_READ = "SELECT * FROM recommender_read(%s, %s, %s, %s, %s, %s)"
_READ_MANY = """
    SELECT found.* FROM unnest(%s::text[]) WITH ORDINALITY AS given(user_id, place)
    LEFT JOIN LATERAL recommender_read(given.user_id, %s, %s, %s, %s, %s) found ON TRUE
    ORDER BY given.place
"""
_USED = """
    SELECT DISTINCT ON (event.item_id) event.item_id, event.occurred_at, kind.weight < 0
    FROM interests_used_interaction event
    JOIN interests_eventkind kind ON kind.id = event.kind_id
    WHERE event.end_user_id = %s
    ORDER BY event.item_id, event.occurred_at DESC, event.id DESC
"""
_FORGOTTEN = "SELECT forget_before FROM interests_controls WHERE end_user_id = %s"
_HIDDEN = "SELECT id FROM interests_item WHERE is_hidden AND id = ANY(%s)"
_IDS = "SELECT id, item_id FROM interests_item WHERE id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Used:
    """When a person used an item last, and whether that was a negative signal."""

    item: int
    at: datetime
    is_negative: bool


@dataclass(frozen=True, slots=True)
class Person:
    """What is stored of a person that an answer may need. Empty where there is none or it was not asked for.

    Attributes:
        boosts: factor by category
        publication: of the slate; None: the person has no slate in what serves
        hidden: those of the slate's and given items that nobody gets
        used: those of them that the person has used
        weights: of interests, by category
    """

    end_user: int
    is_opted_out: bool = False
    muted: Sequence[int] = ()
    boosts: dict[int, float] | None = None
    publication: int | None = None
    items: Sequence[int] = ()
    item_ids: Sequence[str] = ()
    scores: Sequence[float] = ()
    generated_at: datetime | None = None
    events_through: datetime | None = None
    hidden: Sequence[int] = ()
    seen_items: Sequence[int] = ()
    seen_item_ids: Sequence[str] = ()
    seen_scores: Sequence[float] = ()
    seen_at: Sequence[datetime] = ()
    used: Sequence[Used] = ()
    weights: dict[int, float] | None = None
    reasons: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read.

    Attributes:
        num: of the slate's items; None: all
        given: keys of items of a list that goes on
    """

    num: int | None = None
    given: tuple[int, ...] = ()
    seen: bool = False
    weights: bool = False
    reasons: bool = False

    def values(self) -> list[Any]:
        """Return what the function in the database takes."""
        given = list(self.given) if self.given else None
        return [self.num, given, self.seen, self.weights, self.reasons]


def person(user_id: str, wanted: Wanted) -> Person | None:
    """Return what is stored of a person; None: nobody is known by this id."""
    rows = _all(_READ, [user_id, *wanted.values()])
    return _person(rows[0]) if rows else None


def people(user_ids: Sequence[str], wanted: Wanted) -> list[Person | None]:
    """Return the same of several people, in their order."""
    rows = _all(_READ_MANY, [list(user_ids), *wanted.values()])
    return [None if row[0] is None else _person(row) for row in rows]


def used_by(end_user: int) -> list[Used]:
    """Return all items that a person has used."""
    return [Used(*row) for row in _all(_USED, [end_user])]


def forgotten_before(end_user: int) -> datetime | None:
    """Return before when a person wants everything forgotten, None where they said no such thing."""
    rows = _all(_FORGOTTEN, [end_user])
    return rows[0][0] if rows else None


def hidden_of(items: Collection[int]) -> set[int]:
    """Return which of these items are hidden now."""
    return {row[0] for row in _all(_HIDDEN, [list(items)])}


def ids_of(items: Collection[int]) -> dict[int, str]:
    """Return the ids of items by key; those that are gone are left out."""
    return dict(_all(_IDS, [list(items)]))


def _person(row: tuple[Any, ...]) -> Person:
    (
        end_user, is_opted_out, muted, boosts, publication, items, item_ids, scores, generated_at,
        events_through, hidden, seen_items, seen_item_ids, seen_scores, seen_at, used_items, used_at,
        used_is_negative, category_ids, weights, reasons,
    ) = row  # fmt: skip
    return Person(
        end_user=end_user,
        is_opted_out=bool(is_opted_out),
        muted=muted or (),
        boosts={int(key): float(by) for key, by in _plain(boosts).items()} if boosts else None,
        publication=publication,
        items=items or (),
        item_ids=item_ids or (),
        scores=scores or (),
        generated_at=generated_at,
        events_through=events_through,
        hidden=hidden or (),
        seen_items=seen_items or (),
        seen_item_ids=seen_item_ids or (),
        seen_scores=seen_scores or (),
        seen_at=seen_at or (),
        used=[Used(*one) for one in zip(used_items, used_at, used_is_negative, strict=True)]
        if used_items
        else (),
        weights=dict(zip(category_ids, weights, strict=True)) if category_ids else None,
        reasons=_plain(reasons) if reasons else (),
    )


def _plain(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


def _all(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
