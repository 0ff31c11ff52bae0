"""What curators and catalogues change: items and categories."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Max, Q
from django.dispatch import Signal

from interests.models import (
    AlertRule,
    Category,
    Controls,
    Impression,
    Interaction,
    Item,
    TrackingRun,
)
from interests.services import tracking

# JSON that is nested deeper is a mistake, and what reads it would give up.
MAX_DEPTH = 50
# What a catalogue says of an item, in columns of its row.
DESCRIBED = ["title", "description", "attributes", "is_described"]
# Sent in the transaction of a merge, for whoever above this app names categories: `names` of those that go,
# `into`, the name of the one that they become.
categories_merged = Signal()


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


@dataclass(frozen=True)
class Description:
    """What a catalogue says of one item; `is_hidden` None: as it was, shown for a new one."""

    item_id: str
    title: str
    description: str = ""
    categories: Sequence[str] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    is_hidden: bool | None = None


def put_items(*, descriptions: Sequence[Description], now: datetime) -> int:
    """Make items or replace what is known of them, each named once; return how many are new.

    All of them or none: a failure stores nothing.
    """
    ordered = sorted(descriptions, key=lambda one: one.item_id)
    ids = [one.item_id for one in ordered]
    with transaction.atomic():
        known = set(Item.objects.filter(item_id__in=ids).values_list("item_id", flat=True))
        for hiding in (False, True):
            rows = [_item(one, now=now) for one in ordered if (one.is_hidden is not None) == hiding]
            Item.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["item_id"],
                update_fields=[*DESCRIBED, "is_hidden"] if hiding else DESCRIBED,
            )
        _set_categories(ordered)
    return len(set(ids) - known)


def _item(one: Description, *, now: datetime) -> Item:
    return Item(
        item_id=one.item_id, title=one.title, description=one.description,
        attributes=dict(one.attributes), is_described=True, is_hidden=bool(one.is_hidden),
        created_at=now,
    )  # fmt: skip


def _set_categories(descriptions: Sequence[Description]) -> None:
    """Give items exactly the categories that they are described with; links that stay are not touched."""
    names = {name for one in descriptions for name in one.categories}
    keys = {category.name: category.pk for category in named_categories(names=names)}
    ids = [one.item_id for one in descriptions]
    items = dict(Item.objects.filter(item_id__in=ids).values_list("item_id", "pk"))
    wanted = {(items[one.item_id], keys[name]) for one in descriptions for name in one.categories}
    links = Item.categories.through.objects.filter(item__in=items.values())
    there = {
        (item, category): pk
        for pk, item, category in links.values_list("pk", "item_id", "category_id")
    }
    links.filter(pk__in=[pk for pair, pk in there.items() if pair not in wanted]).delete()
    Item.categories.through.objects.bulk_create(
        [
            Item.categories.through(item_id=item, category_id=category)
            for item, category in sorted(wanted - set(there))
        ],
        ignore_conflicts=True,
    )


def change_item(*, item_id: str, changes: Mapping[str, Any]) -> Item:
    """Replace only what is given of an item: title, description, categories, attributes, is_hidden.

    Raises:
        Item.DoesNotExist: nothing has named the item.
    """
    columns = {name: value for name, value in changes.items() if name != "categories"}
    with transaction.atomic():
        item = Item.objects.select_for_update().get(item_id=item_id)
        for name, value in columns.items():
            setattr(item, name, value)
        # Who only hides an item has not described it.
        item.is_described = item.is_described or bool(changes.keys() - {"is_hidden"})
        item.save(update_fields=[*columns, "is_described"])
        if "categories" in changes:
            item.categories.set(named_categories(names=changes["categories"]))
    return item


def remove_item(*, item_id: str) -> int | None:
    """Take an item out of the catalogue; return how many events and impressions keep it, None where it is gone.

    What people did with it is their history: an item that they have used stays with its title and categories,
    hidden, without description and attributes.

    Raises:
        Item.DoesNotExist: nothing has named the item.
    """
    with transaction.atomic():
        # Events that come in for it meanwhile wait, and find it hidden or make it anew.
        item = Item.objects.select_for_update().get(item_id=item_id)
        num_named = (
            Interaction.objects.filter(item=item).count()
            + Impression.objects.filter(item=item).count()
        )
        if not num_named:
            item.delete()
            return None
        item.description, item.attributes = "", {}
        item.is_described, item.is_hidden = False, True
        item.save(update_fields=[*DESCRIBED, "is_hidden"])
        return num_named


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
        _merge_in_controls(others, into=into.pk)
        names = dict(Category.objects.filter(pk__in=[*others, into.pk]).values_list("pk", "name"))
        stays = names.pop(into.pk)
        categories_merged.send(sender=Category, names=list(names.values()), into=stays)
        Category.objects.filter(pk__in=others).delete()
        run = tracking.request_anew(now=now, requested_by=requested_by)
    return replace(preview, tracking_run=run)


def _merge_in_controls(others: Collection[int], *, into: int) -> None:
    """Let what people mute or boost of merged categories hold for the one they have become."""
    names = [str(key) for key in others]
    named = Q(muted_category_ids__overlap=list(others)) | Q(boosts__has_any_keys=names)
    for controls in Controls.objects.filter(named).select_for_update().order_by("pk"):
        muted = {into if key in others else key for key in controls.muted_category_ids}
        # Of several boosts the strongest; what is muted is not boosted.
        boosts: dict[str, float] = {}
        for key, factor in controls.boosts.items():
            name = str(into) if key in names else key
            boosts[name] = max(factor, boosts.get(name, factor))
        controls.muted_category_ids = sorted(muted)
        controls.boosts = {key: boosts[key] for key in boosts if int(key) not in muted}
        controls.save(update_fields=["muted_category_ids", "boosts"])


def is_storable(value: Any, *, depth: int = 0) -> bool:
    """Tell whether PostgreSQL can keep a plain value as JSON, and others read it: no deeper than 50."""
    if depth > MAX_DEPTH:
        return False
    match value:
        case str():
            return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
        case float():
            return math.isfinite(value)
        case dict():
            inside = [*value, *value.values()]
            return all(is_storable(inner, depth=depth + 1) for inner in inside)
        case list():
            return all(is_storable(inner, depth=depth + 1) for inner in value)
    return True
