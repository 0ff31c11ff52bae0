"""Lists that nobody stores: for somebody unknown from what they did just now, and whole categories for a person.

A live worker works them out with the network that serves; see `services.asking`. Where none answers in
time, `services.nearest` does from stored similarities.

Legend: N items of the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from interests.learning import scoring
from interests.learning.trained import ForeignWeights
from interests.models import Category, Item
from interests.selectors.events import LoadedCatalogue
from recommender.services import previewing, refreshing, slating
from recommender.services.nearest import SessionEvent
from recommender.services.previewing import CannotPreview
from recommender.services.ranked_categories import MAX_RANKED
from recommender.services.slating import SLATE_LENGTH


def session(*, done: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return the best items for somebody of whom only this is known, as plain values, best first.

    What they have used is left out, hidden items too.

    Args:
        done: the four values of `SessionEvent`, oldest first.

    Raises:
        CannotPreview: nothing serves, or the network knows none of the items.
    """
    ranker = previewing.serving()
    loaded = refreshing.memory.catalogue(timezone.now())
    log = log_of([SessionEvent(*values) for values in done], loaded=loaded)
    if not log.num_events:
        raise CannotPreview("No event names an item of the catalogue.")
    network = ranker.network.grown(loaded.catalogue)
    if not len(network.histories(log).items):
        raise CannotPreview("The network that serves knows none of these items.")
    top = scoring.top_items(
        network, log, k=SLATE_LENGTH, excluded_items=slating.is_hidden(loaded), exclude_seen=True
    )
    _, items, scores = next(iter(top))
    is_there = items[0] >= 0
    return _plain(ranker.publication.pk, loaded, items[0][is_there], scores[0][is_there])


def category_for(*, end_user_id: int, category_id: int) -> dict[str, Any]:
    """Return all items of a category ranked for a person as plain values, best first.

    Used items are ranked with the others; hidden ones are left out. Items that the network lacks come
    last, without a score, the oldest first.

    Raises:
        CannotPreview: nothing serves, the person has no events, or the category is gone.
    """
    category = Category.objects.filter(pk=category_id).first()
    if category is None:
        raise CannotPreview("There is no such category any more.")
    ranker = previewing.serving()
    known = previewing.history_of(
        end_user_id, catalogue=refreshing.memory.catalogue(timezone.now())
    )
    network = ranker.network.grown(known.log.catalogue)
    members = np.flatnonzero(
        np.isin(known.item_keys, _item_keys_of(category_id)) & ~slating.is_hidden(known.loaded)
    )
    try:
        scores = scoring.scores(network, known.log, users=np.zeros(1, np.int64))[0][members]
    except ForeignWeights as error:
        raise CannotPreview(str(error)) from error
    order = np.argsort(-scores, kind="stable")[:MAX_RANKED]
    return _plain(ranker.publication.pk, known.loaded, members[order], scores[order]) | {
        "num_items": len(members)
    }


def log_of(done: Sequence[SessionEvent], *, loaded: LoadedCatalogue) -> InteractionLog:
    """Return a log of one user who did this; items and kinds that nobody knows are left out."""
    wanted = {one.item_id for one in done}
    keys = dict(Item.objects.filter(item_id__in=wanted).values_list("item_id", "pk"))
    places = np.searchsorted(loaded.item_keys, list(keys.values()))
    # An item that came after the catalogue was read has no place in it yet.
    place = {
        item_id: int(index)
        for (item_id, key), index in zip(keys.items(), places, strict=True)
        if index < len(loaded.item_keys) and loaded.item_keys[index] == key
    }
    kinds = {name: index for index, name in enumerate(loaded.kind_names)}
    rows = [
        (place[one.item_id], kinds[one.kind], one.value, one.occurred_at)
        for one in done
        if one.item_id in place and one.kind in kinds
    ]
    return InteractionLog(
        catalogue=loaded.catalogue,
        user_ids=np.array(["session"], object),
        users=np.zeros(len(rows), np.int32),
        items=np.array([row[0] for row in rows], np.int32),
        kinds=np.array([row[1] for row in rows], np.int16),
        values=np.array([np.nan if row[2] is None else row[2] for row in rows], np.float32),
        times=np.array([row[3] for row in rows], np.int64),
        positions=np.arange(len(rows)),
        kind_names=loaded.kind_names,
        kind_weights=loaded.kind_weights,
    ).sorted(ties="file")


def _item_keys_of(category_id: int) -> NDArray[np.int64]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT item_id FROM interests_item_categories WHERE category_id = %s", [category_id]
        )
        return np.array([row[0] for row in cursor.fetchall()], np.int64)


def _plain(
    publication_id: int,
    loaded: LoadedCatalogue,
    items: NDArray[np.integer],
    scores: NDArray[np.float32],
) -> dict[str, Any]:
    return {
        "publication_id": publication_id,
        "items": loaded.item_keys[items].tolist(),
        "item_ids": loaded.catalogue.item_ids[items].tolist(),
        # The network lacks an item whose score is not finite; plain values know no infinity.
        "scores": [
            round(score, 6) if np.isfinite(score) else None
            for score in scores.astype(np.float64).tolist()
        ],
    }
