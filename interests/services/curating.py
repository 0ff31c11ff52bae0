"""What curators and catalogues change: items and categories."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Max

from interests.models import AlertRule, Category, Item, TrackingRun
from interests.services import tracking


class CannotMerge(Exception):
    """The categories cannot be merged; the message says why."""


@dataclass(frozen=True)
class Merged:
    """What a merge of categories did, or would do; `tracking_run` waits to follow it, None: nobody is tracked."""

    into: Category
    num_categories: int
    num_items: int
    tracking_run: TrackingRun | None = None


def put_item(
    *,
    item_id: str,
    title: str,
    description: str,
    categories: Collection[str],
    attributes: Mapping[str, Any],
    now: datetime,
    is_hidden: bool | None = None,
) -> tuple[Item, bool]:
    """Make an item or replace what is known of it; return it and whether it is new.

    An item that only events had named is described from now on.
    """
    fields: dict[str, Any] = {
        "title": title, "description": description, "attributes": dict(attributes),
        "is_described": True,
    }  # fmt: skip
    if is_hidden is not None:
        fields["is_hidden"] = is_hidden
    with transaction.atomic():
        item, is_new = Item.objects.select_for_update().update_or_create(
            item_id=item_id, defaults=fields, create_defaults=fields | {"created_at": now}
        )
        item.categories.set(named_categories(names=categories))
    return item, is_new


def named_categories(*, names: Collection[str]) -> list[Category]:
    """Return the categories of these names, making those that are new with the next free colours."""
    wanted = sorted(set(names))
    known = set(Category.objects.filter(name__in=wanted).values_list("name", flat=True))
    missing = [name for name in wanted if name not in known]
    if missing:
        last = Category.objects.aggregate(last=Max("colour_rank"))["last"]
        first = 0 if last is None else last + 1
        Category.objects.bulk_create(
            [Category(name=name, colour_rank=first + n) for n, name in enumerate(missing)],
            ignore_conflicts=True,
        )
    return list(Category.objects.filter(name__in=wanted).order_by("name"))


def set_hidden(*, item_keys: Iterable[int], is_hidden: bool) -> int:
    """Hide items from all recommendations, or show them again; return how many changed."""
    rows = Item.objects.filter(pk__in=list(item_keys), is_hidden=not is_hidden)
    return rows.update(is_hidden=is_hidden)


def merge_preview(*, category_keys: Collection[int], into: Category) -> Merged:
    """Say what `merge_categories` would do."""
    others = [key for key in category_keys if key != into.pk]
    num_items = Item.objects.filter(categories__in=others).distinct().count()
    return Merged(into=into, num_categories=len(others), num_items=num_items)


def merge_categories(
    *,
    category_keys: Collection[int],
    into: Category,
    now: datetime,
    requested_by: AbstractBaseUser | None = None,
) -> Merged:
    """Move the items of these categories into one and delete the others.

    Interest states and drift events stay as they were: they say what was known then, under the categories
    of then. A new tracking run replays everybody into a version with the merged category; the caller
    enqueues it after commit.

    Raises:
        CannotMerge: there is nothing to merge beside the category itself.
    """
    with transaction.atomic():
        preview = merge_preview(category_keys=category_keys, into=into)
        others = [key for key in category_keys if key != into.pk]
        if not others:
            raise CannotMerge("Choose at least two categories to merge.")
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO interests_item_categories (item_id, category_id)
                SELECT DISTINCT item_id, %(into)s FROM interests_item_categories
                WHERE category_id = ANY(%(others)s)
                ON CONFLICT (item_id, category_id) DO NOTHING
                """,
                {"into": into.pk, "others": others},
            )
        # Deleting a category deletes the rules that watch it.
        AlertRule.objects.filter(category__in=others).update(category=into)
        Category.objects.filter(pk__in=others).delete()
        run = tracking.request_anew(now=now, requested_by=requested_by)
    return replace(preview, tracking_run=run)


def is_storable(value: Any) -> bool:
    """Tell whether PostgreSQL can keep a plain value as JSON."""
    match value:
        case str():
            return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
        case float():
            return math.isfinite(value)
        case dict():
            return all(is_storable(key) and is_storable(inner) for key, inner in value.items())
        case list():
            return all(is_storable(inner) for inner in value)
    return True
