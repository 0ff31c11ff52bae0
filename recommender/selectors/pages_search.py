"""Finds a person, an item or a category from any page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Length

from interests.models import Category, EndUser, Item

NUM_FOUND = 8
M = TypeVar("M", EndUser, Item, Category)


@dataclass(frozen=True)
class Found:
    """The best matches of each sort."""

    end_users: list[tuple[int, str, int]]
    items: list[tuple[int, str, str]]
    categories: list[tuple[int, str, int]]

    @property
    def is_empty(self) -> bool:
        return not (self.end_users or self.items or self.categories)


def search(query: str) -> Found:
    """Return the people, items and categories that a text may mean, exact ids first; three queries."""
    people = _ranked(EndUser.objects.filter(user_id__icontains=query), "user_id", query)
    categories = _ranked(Category.objects.filter(name__icontains=query), "name", query)
    return Found(
        list(people.values_list("pk", "user_id", "num_events")[:NUM_FOUND]),
        items(query),
        list(categories.values_list("pk", "name", "colour_rank")[:NUM_FOUND]),
    )


def items(query: str) -> list[tuple[int, str, str]]:
    """Return key, title and id of the items that a text may mean, exact ids first; one query."""
    named = Item.objects.filter(Q(title__icontains=query) | Q(item_id=query))
    rows = _ranked(named, "title", query, exact=Q(item_id=query))
    return [
        (pk, title or item_id, item_id)
        for pk, title, item_id in rows.values_list("pk", "title", "item_id")[:NUM_FOUND]
    ]


def _ranked(rows: QuerySet[M], field: str, query: str, exact: Q | None = None) -> QuerySet[M]:
    """Order by closeness: the text itself, then what begins with it, then the shortest that holds it."""
    same = Q(**{f"{field}__iexact": query}) | (exact or Q(pk=None))
    begins = Q(**{f"{field}__istartswith": query})
    closeness = Case(
        When(same, then=Value(0)),
        When(begins, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return rows.order_by(closeness, Length(field), field)
