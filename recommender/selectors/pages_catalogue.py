"""Items for analysts: the list, and one item with what is near to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet

from interests.models import Category, Interaction, Item
from recommender.models import Serving, SimilarItems
from recommender.selectors.pages_lines import ItemLine, item_lines

PAGE_SIZE = 50
NUM_SIMILAR = 12


@dataclass(frozen=True)
class ItemFilters:
    """What the list is narrowed to."""

    query: str = ""
    category_id: int = 0
    flag: str = ""


FLAGS = {
    "hidden": Q(is_hidden=True),
    "undescribed": Q(is_described=False),
    "uncategorised": Q(categories=None),
}


@dataclass(frozen=True)
class ItemRow:
    """One line of the catalogue."""

    line: ItemLine
    num_events: int
    is_hidden: bool
    is_described: bool


def items(filters: ItemFilters, *, page: int) -> tuple[list[ItemRow], int]:
    """Return a page of items with their events, and how many there are in all; four queries."""
    rows = _matching(filters)
    first = (page - 1) * PAGE_SIZE
    shown = list(rows.order_by("title", "id")[first : first + PAGE_SIZE])
    keys = [item.pk for item in shown]
    lines, counts = item_lines(keys), _num_events(keys)
    return [
        ItemRow(lines[item.pk], counts.get(item.pk, 0), item.is_hidden, item.is_described)
        for item in shown
    ], rows.count()


def _matching(filters: ItemFilters) -> QuerySet[Item]:
    rows = Item.objects.all()
    if filters.query:
        rows = rows.filter(Q(title__icontains=filters.query) | Q(item_id=filters.query))
    if filters.category_id:
        rows = rows.filter(categories=filters.category_id)
    if filters.flag in FLAGS:
        rows = rows.filter(FLAGS[filters.flag])
    return rows


def _num_events(keys: list[int]) -> dict[int, int]:
    rows = Interaction.objects.filter(item_id__in=keys).order_by()
    return dict(rows.values_list("item_id").annotate(num=Count("id")))


@dataclass(frozen=True)
class CategoryChoice:
    """A category to narrow the list to."""

    pk: int
    name: str


def category_choices() -> list[CategoryChoice]:
    """Return all categories by name; one query."""
    rows = Category.objects.order_by("name").values_list("pk", "name")
    return [CategoryChoice(*row) for row in rows]


@dataclass(frozen=True)
class SimilarLine:
    """An item near to another, with the cosine between them."""

    item: ItemLine
    cosine: float


@dataclass(frozen=True)
class ItemPage:
    """One item: what it is, how it is used, what is near to it."""

    line: ItemLine
    description: str
    attributes: list[tuple[str, Any]]
    is_hidden: bool
    is_described: bool
    num_events: int
    num_end_users: int
    first_event_at: datetime | None
    last_event_at: datetime | None
    similar: list[SimilarLine]


def item(*, pk: int) -> ItemPage | None:
    """Return one item, or None if there is none; six queries."""
    found = Item.objects.filter(pk=pk).first()
    if found is None:
        return None
    uses = Interaction.objects.filter(item_id=pk).aggregate(
        num=Count("id"),
        people=Count("end_user_id", distinct=True),
        first=Min("occurred_at"),
        last=Max("occurred_at"),
    )
    return ItemPage(
        line=item_lines([pk])[pk],
        description=found.description,
        attributes=sorted(found.attributes.items()),
        is_hidden=found.is_hidden,
        is_described=found.is_described,
        num_events=uses["num"],
        num_end_users=uses["people"],
        first_event_at=uses["first"],
        last_event_at=uses["last"],
        similar=_similar(pk),
    )


def _similar(pk: int) -> list[SimilarLine]:
    serving = Serving.objects.values_list("publication_id", flat=True)
    row = SimilarItems.objects.filter(publication_id__in=serving, item_id=pk).first()
    keys = row.items[:NUM_SIMILAR] if row else []
    scores = row.scores[:NUM_SIMILAR] if row else []
    lines = item_lines(keys)
    return [
        SimilarLine(lines[key], score)
        for key, score in zip(keys, scores, strict=True)
        if key in lines
    ]
