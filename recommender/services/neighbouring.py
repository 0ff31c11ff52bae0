"""Similar items: for each item that the network knows those nearest to it by cosine."""

from __future__ import annotations

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from interests.learning import scoring
from recommender.services import filling, packing, slating
from recommender.services.filling import Work

NUM_SIMILAR = 50
# More neighbours than are kept are asked for, because hidden items are taken out.
NUM_NEIGHBOURS = 80
ITEMS_A_BATCH = 2_000
COLUMNS = ("publication_id", "item_id", "items", "item_ids", "scores")


def write_similar_items(work: Work) -> None:
    """Write for each item of the catalogue that the network knows the items nearest to it."""
    loaded, arrays = work.shelf.loaded, work.shelf.arrays
    places = work.network.item_index(loaded.catalogue)
    known = np.flatnonzero(places >= 0)
    if work.network.num_items < 2:
        return
    neighbours, cosines = scoring.similar_items(work.network, NUM_NEIGHBOURS)
    shown = np.full(work.network.num_items, -1)
    is_shown = (places >= 0) & ~work.shelf.is_hidden
    # From a place in the network to one in the catalogue; -1: no longer in the catalogue, or hidden.
    shown[places[is_shown]] = np.flatnonzero(is_shown)
    for begin in range(0, len(known), ITEMS_A_BATCH):
        chosen = known[begin : begin + ITEMS_A_BATCH]
        items, scores = _without_gaps(shown[neighbours[places[chosen]]], cosines[places[chosen]])
        with transaction.atomic():
            filling.keep_held(work.hold)
            slating.copy_rows(
                table="recommender_similaritems",
                columns=COLUMNS,
                blocks=packing.rows(
                    arrays=arrays,
                    before=[
                        np.full(len(chosen), work.publication_id),
                        loaded.item_keys[chosen],
                    ],
                    items=items[:, :NUM_SIMILAR],
                    scores=scores[:, :NUM_SIMILAR],
                ),
            )


def _without_gaps(
    items: NDArray[np.int64], scores: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Move what is -1 behind the rest of its row."""
    order = np.argsort(items < 0, axis=1, kind="stable")
    return np.take_along_axis(items, order, 1), np.take_along_axis(scores, order, 1)
