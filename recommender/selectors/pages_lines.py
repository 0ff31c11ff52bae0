"""Items and categories as lines of pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from interests.models import Category, Item


@dataclass(frozen=True)
class CategoryShare:
    """A category and how much of something falls to it; `colour_rank` None is grey."""

    name: str
    colour_rank: int | None
    share: float


@dataclass(frozen=True)
class ItemLine:
    """An item with its categories, as a line of a list."""

    pk: int
    item_id: str
    title: str
    categories: list[CategoryShare]


def categories_by_id() -> dict[int, Category]:
    """Return all categories by their key; one query."""
    return {category.pk: category for category in Category.objects.all()}


def item_lines(keys: list[int]) -> dict[int, ItemLine]:
    """Return items by key with their categories; two queries."""
    rows = Item.objects.filter(pk__in=keys).prefetch_related(with_categories("categories"))
    return {row.pk: item_line(row) for row in rows}


def with_categories(lookup: str) -> Prefetch[str, QuerySet[Category], str]:
    """Return what fetches the categories of items in the order of their colours."""
    return Prefetch(lookup, queryset=Category.objects.order_by("colour_rank"))


def item_line(item: Item) -> ItemLine:
    """Return an item, its categories fetched, as a line."""
    categories = list(item.categories.all())
    share = 1 / len(categories) if categories else 0.0
    return ItemLine(
        item.pk,
        item.item_id,
        item.title or item.item_id,
        [CategoryShare(category.name, category.colour_rank, share) for category in categories],
    )
