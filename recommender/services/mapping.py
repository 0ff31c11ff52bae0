"""The map of a publication, worked out once with it: axes, categories, the most used items, a sample of people.

Legend: N items of the catalogue that the network knows, C categories, D width, P people.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from interests.learning import scoring
from interests.models import EndUser
from recommender.models import InterestMap
from recommender.ranking import axes
from recommender.ranking.axes import Axes
from recommender.services import filling
from recommender.services.filling import Work

# What a figure shows without becoming a cloud, and a browser draws at once.
NUM_ITEMS = 1_000
NUM_PEOPLE = 500
# Finer than a pixel.
DECIMALS = 5

COUNTS = "SELECT item_id, count(*) FROM interests_interaction GROUP BY item_id"
VECTORS = "SELECT vector::text FROM interests_intereststate WHERE id = ANY(%s)"


@dataclass(frozen=True)
class _Items:
    """Items of the catalogue that the network knows.

    Attributes:
        keys: primary keys, int64. [N]
        embeddings: float64. [N, D]
        shares: of categories, float64. [N, C]
        counts: events with each. [N]
    """

    keys: NDArray[np.int64]
    embeddings: NDArray[np.float64]
    shares: NDArray[np.float64]
    counts: NDArray[np.int64]


def write_map(work: Work) -> None:
    """Write the map of a publication in place of what an attempt before wrote; none without any item."""
    items = _items(work)
    category_keys = work.shelf.loaded.category_keys
    has_items = items.shares.sum(0) > 0
    if not has_items.any():
        return
    shares = items.shares[:, has_items]
    embeddings = (shares.T @ items.embeddings) / shares.sum(0)[:, None]  # [C, D]
    used = shares.T @ items.counts
    found = axes.of_categories(embeddings, weights=used if used.any() else shares.sum(0))
    with transaction.atomic():
        filling.keep_held(work.hold)
        InterestMap.objects.filter(publication_id=work.publication_id).delete()
        made = _map(found, items=items, category_keys=category_keys[has_items].tolist())
        made.publication_id = work.publication_id
        made.made_at = work.now
        made.category_x, made.category_y = _columns(found.project(embeddings))
        made.save()
        _add_people(made, found, training_run_id=work.hold.run.training_run_id)  # type: ignore[attr-defined]  # a publication


def _map(found: Axes, *, items: _Items, category_keys: list[int]) -> InterestMap:
    shown = np.argsort(-items.counts, kind="stable")[:NUM_ITEMS]
    item_x, item_y = _columns(found.project(items.embeddings[shown]))
    return InterestMap(
        x_axis=found.directions[0].tolist(),
        y_axis=found.directions[1].tolist(),
        x_middle=float(found.offset[0]),
        y_middle=float(found.offset[1]),
        category_ids=category_keys,
        items=items.keys[shown].tolist(),
        item_x=item_x,
        item_y=item_y,
        people_x=[],
        people_y=[],
        num_items=len(items.keys),
        num_end_users=0,
        items_explained=found.explained(items.embeddings),
    )


def _items(work: Work) -> _Items:
    loaded = work.shelf.loaded
    places = work.network.item_index(loaded.catalogue)
    is_known = places >= 0
    with connection.cursor() as cursor:
        cursor.execute(COUNTS)
        counts = dict(cursor.fetchall())
    keys = loaded.item_keys[is_known]
    return _Items(
        keys=keys,
        embeddings=scoring.item_embeddings(work.network)[places[is_known]].astype(np.float64),
        shares=loaded.catalogue.shares[is_known].astype(np.float64),
        counts=np.array([counts.get(key, 0) for key in keys.tolist()], np.int64),
    )


def _add_people(made: InterestMap, found: Axes, *, training_run_id: int) -> None:
    """Put a sample of people on the map, evenly taken from those whose states are of the same space."""
    states = EndUser.objects.filter(
        current_state__training_run=training_run_id, current_state__vector__isnull=False
    )
    keys = list(states.order_by("pk").values_list("current_state_id", flat=True))
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute(VECTORS, [keys[:: -(-len(keys) // NUM_PEOPLE)]])
        vectors = np.array([json.loads(row[0]) for row in cursor.fetchall()])  # [P, D]
    made.people_x, made.people_y = _columns(found.project(vectors))
    made.num_end_users = len(keys)
    made.people_explained = found.explained(vectors)
    made.save(update_fields=["people_x", "people_y", "num_end_users", "people_explained"])


def _columns(points: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    x, y = np.round(points, DECIMALS).T.tolist()
    return x, y
