"""What if: a person's history with events left out and put in, in memory only, beside the real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from django.utils import timezone

from interests.selectors.events import DatabaseLog
from interests.services import tracking, tracking_knowledge
from interests.tracking.mixture import Mixture
from recommender.ranking import versions
from recommender.services import previewing, refreshing, slating
from recommender.services.previewing import CannotPreview, Ranker


def what_if(
    *, end_user_id: int, removed: Sequence[int], added: Sequence[tuple[int, str]]
) -> dict[str, Any]:
    """Return weights and list of a person as they are and as they would be, as plain values.

    Each side leaves out what was seen on that side, as a slate does: an item that is put in leaves the
    list, one that is left out may come back.

    Args:
        removed: primary keys of events of this person.
        added: primary key of an item, and a kind; they follow the newest event, in this order.

    Raises:
        CannotPreview: an event, item or kind is not known, nothing is left, or nothing serves.
    """
    ranker = previewing.serving()
    known = previewing.history_of(
        end_user_id, catalogue=refreshing.memory.catalogue(timezone.now())
    )
    supposed = _with_added(known, added)
    is_kept = ~np.isin(supposed.log.positions, _checked(known, removed))
    if not is_kept.any():
        raise CannotPreview("No event would be left, so there would be nothing to go by.")
    sides = [np.arange(known.log.num_events), np.flatnonzero(is_kept)]
    both = replace(supposed, log=versions.of_one_person(supposed.log, kept=sides))
    weights = _weights(both, ranker)
    lists = previewing.rank(
        ranker.network.grown(both.log.catalogue),
        both.log,
        excluded=slating.is_hidden(both.loaded),
        exclude_seen=True,
    )
    return {
        "publication_id": ranker.publication.pk,
        "training_run_id": ranker.training_run.pk,
        "category_ids": known.category_keys.tolist(),
        "weights_before": weights[0],
        "weights_after": weights[1],
        "before": previewing.keys_of(known.loaded, lists[0]),
        "after": previewing.keys_of(known.loaded, lists[1]),
        "num_before": len(sides[0]),
        "num_after": len(sides[1]),
    }


def _with_added(known: DatabaseLog, added: Sequence[tuple[int, str]]) -> DatabaseLog:
    items, kinds = [], []
    for key, kind in added:
        place = np.flatnonzero(known.item_keys == key)
        if not len(place):
            raise CannotPreview(f"There is no item with the key {key} any more.")
        if kind not in known.log.kind_names:
            raise CannotPreview(f"There is no kind of event called {kind}.")
        items.append(int(place[0]))
        kinds.append(known.log.kind_names.index(kind))
    return replace(known, log=versions.with_supposed(known.log, items=items, kinds=kinds))


def _checked(known: DatabaseLog, removed: Sequence[int]) -> list[int]:
    unknown = set(removed) - set(known.log.positions.tolist())
    if unknown:
        raise CannotPreview(
            f"{min(unknown)} is no event of this person; it may have been deleted since."
        )
    return list(removed)


def _weights(both: DatabaseLog, ranker: Ranker) -> list[list[float]]:
    """Return the weights after the last event of each version, as live states have them."""
    run = ranker.training_run
    shares = tracking_knowledge.network_shares(ranker.network, both, training_run=run)
    histories = tracking_knowledge.histories_of(
        both, users=range(both.log.num_users), shares=shares, training_run=run
    )
    learned = tracking_knowledge.remember(tracking.latest_done(), category_keys=both.category_keys)
    found: list[list[float]] = [[] for _ in histories]
    for place, track in Mixture(learned.population).track_all(histories):
        found[place] = [round(weight, 6) for weight in track.weights[-1].tolist()]
    return found
