"""Areas of interest learned for items without a category, written as categories like any other.

The first training of a site whose items mostly have none makes them. Later trainings sort the items anew;
an area keeps its row, and the name a curator gave it, by the items it shares with the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from interests.models import Category
from interests.selectors.events import LoadedCatalogue

if TYPE_CHECKING:  # without a network there is no need for torch
    from interests.learning.trained import TrainedNetwork

# With less of everybody's events uncategorised the catalogue's own categories tell enough.
NEEDED_SHARE = 0.3

# What items are written of: their title and the categories that are not used for interests.
TEXTS = """
    SELECT item.id, concat_ws(' ', item.title, string_agg(category.name, ' '))
    FROM interests_item AS item
    LEFT JOIN interests_item_categories AS link ON link.item_id = item.id
    LEFT JOIN interests_category AS category
        ON category.id = link.category_id AND NOT category.is_learned
    WHERE item.id = ANY(%s) GROUP BY item.id
"""


@dataclass(frozen=True)
class Sorted:
    """Items in their areas, ready to be written.

    Attributes:
        items: primary keys, ascending. [N]
        areas: primary key of each item's area; 0 and below: the one of `new_names` at -area. [N]
        new_names: of areas that are not there yet
    """

    items: NDArray[np.int64]
    areas: NDArray[np.int64]
    new_names: tuple[str, ...]


def sort_items(
    network: TrainedNetwork, log: InteractionLog, loaded: LoadedCatalogue, *, seed: int
) -> Sorted | None:
    """Return the areas of the items that have no category of their own, None where none are needed.

    Needed are they once three tenths of the events have no category, or where there are some already.
    """
    from interests.learning import areas, scoring  # noqa: PLC0415  # brings torch

    learned = list(
        Category.objects.filter(is_learned=True).order_by("pk").values_list("pk", flat=True)
    )
    old = _areas_now(loaded, learned)
    own = _has_own_category(loaded, learned)
    if not settings.LEARN_AREAS or (
        not learned and (~own[log.items]).mean() < NEEDED_SHARE if log.num_events else True
    ):
        return None
    index = network.item_index(loaded.catalogue)
    items = np.flatnonzero(~own & (index >= 0))
    if len(items) < areas.MIN_ITEMS:
        return None
    labels = areas.learn(
        scoring.item_embeddings(network)[index[items]],
        number=len(learned) or areas.usual_number(len(items)),
        seed=seed,
    )
    before = areas.matched(labels, old[items])
    fresh = areas.names(
        labels,
        _texts(loaded.item_keys[items]),
        taken=Category.objects.values_list("name", flat=True),
    )
    keys = np.array([learned[place] if place >= 0 else 0 for place in before], np.int64)
    missing = np.flatnonzero(before < 0)
    keys[missing] = -np.arange(len(missing))
    return Sorted(loaded.item_keys[items], keys[labels], tuple(fresh[area] for area in missing))


def write(found: Sorted) -> int:
    """Put items into their areas, making those that are new; return how many areas there are."""
    with transaction.atomic():
        last = Category.objects.aggregate(last=Max("colour_rank"))["last"]
        first = 0 if last is None else last + 1
        made = [
            Category.objects.create(name=name, colour_rank=first + n, is_learned=True)
            for n, name in enumerate(found.new_names)
        ]
        keys = found.areas.copy()
        for place, area in enumerate(made):
            keys[found.areas == -place] = area.pk
        with connection.cursor() as cursor:
            cursor.execute(
                """
                DELETE FROM interests_item_categories AS link USING interests_category AS category
                WHERE category.id = link.category_id AND category.is_learned
                """
            )
            cursor.execute(
                """
                INSERT INTO interests_item_categories (item_id, category_id)
                SELECT wanted.item, wanted.area
                FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (item, area)
                JOIN interests_item AS item ON item.id = wanted.item
                JOIN interests_category AS category ON category.id = wanted.area
                ON CONFLICT (item_id, category_id) DO NOTHING
                """,
                [found.items.tolist(), keys.tolist()],
            )
    return len(np.unique(keys))


def set_used(*, category_keys: list[int], is_used: bool) -> int:
    """Let interests follow categories or not; items of unused ones alone count as without a category."""
    return Category.objects.filter(pk__in=category_keys, is_used=not is_used).update(
        is_used=is_used
    )


def _areas_now(loaded: LoadedCatalogue, learned: list[int]) -> NDArray[np.int64]:
    """Return each item's place in `learned`, -1 where it is in no area. [N]"""
    columns = np.flatnonzero(np.isin(loaded.category_keys, learned))
    shares = loaded.catalogue.shares[:, columns]
    if not shares.shape[1]:
        return np.full(len(loaded.item_keys), -1, np.int64)
    return np.where(shares.any(1), shares.argmax(1), -1)


def _has_own_category(loaded: LoadedCatalogue, learned: list[int]) -> NDArray[np.bool_]:
    """Mark items that a client or curator has put into a category in use. [N]"""
    is_own = ~np.isin(loaded.category_keys, [*learned, 0])
    return np.asarray(loaded.catalogue.shares[:, is_own].any(1))


def _texts(item_keys: NDArray[np.int64]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(TEXTS, [item_keys.tolist()])
        written = dict(cursor.fetchall())
    return [written[key] for key in item_keys.tolist()]
