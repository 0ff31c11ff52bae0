"""Lists that nobody stores: versions of one person's history, ranked by one network.

Legend: N items of the log's catalogue, V versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from interests.learning import scoring
from interests.learning.checkpoints import DamagedWeights
from interests.learning.trained import ForeignWeights, TrainedNetwork
from interests.models import TrainingRun
from interests.selectors import events
from interests.selectors.events import DatabaseLog, LoadedCatalogue
from interests.services import training
from interests.services.training import NotTrained
from recommender.models import PublicationRun, Serving
from recommender.services import refreshing

# As many as a page shows beside each other.
LENGTH = 20


class CannotPreview(Exception):
    """There is no such list; the message says why and what to do."""


@dataclass(frozen=True)
class Ranker:
    """The network that serves and the publication that it serves in."""

    publication: PublicationRun
    network: TrainedNetwork

    @property
    def training_run(self) -> TrainingRun:
        return self.publication.training_run


def serving() -> Ranker:
    """Return what serves now, kept by the worker between questions.

    Raises:
        CannotPreview: nothing serves, or its weights are damaged.
    """
    found = Serving.objects.select_related("publication__training_run").first()
    if found is None:
        raise CannotPreview("Nothing serves yet. The first publication changes that.")
    publication = found.publication
    return Ranker(publication, network_of(publication.training_run, is_serving=True))


def network_of(run: TrainingRun, *, is_serving: bool) -> TrainedNetwork:
    """Return the network of a training; only the one that serves is kept in memory afterwards.

    Raises:
        CannotPreview: its weights are missing, damaged or another release's.
    """
    try:
        return refreshing.memory.network(run) if is_serving else training.load(run)
    except (DamagedWeights, ForeignWeights, NotTrained) as error:
        raise CannotPreview(f"The network of {run} cannot be used: {error}") from error


def history_of(end_user_id: int, *, catalogue: LoadedCatalogue) -> DatabaseLog:
    """Return one person's events, sorted.

    Raises:
        CannotPreview: there are none.
    """
    known = events.interaction_log(end_users=[end_user_id], catalogue=catalogue)
    if not known.log.num_events:
        raise CannotPreview("This person has no events, so there is nothing to work with.")
    return known


def is_seen(log: InteractionLog, *, until: int | None = None) -> NDArray[np.bool_]:
    """Return which items of the catalogue a person has any event with, among their first `until`. [N]"""
    seen = np.zeros(log.num_items, bool)
    seen[log.items[:until]] = True
    return seen


def rank(
    network: TrainedNetwork,
    versions: InteractionLog,
    *,
    excluded: NDArray[np.bool_] | None = None,
    exclude_seen: bool = False,
) -> list[NDArray[np.int32]]:
    """Return the best items for each user of a log, best first, each at most `LENGTH` long.

    Args:
        versions: sorted.
        excluded: items that no version gets. [N]
        exclude_seen: leave out what a version itself has any event with.

    Raises:
        CannotPreview: the network knows no item of the catalogue.
    """
    found: list[NDArray[np.int32]] = [np.zeros(0, np.int32)] * versions.num_users
    try:
        blocks = scoring.top_items(
            network, versions, k=LENGTH, excluded_items=excluded, exclude_seen=exclude_seen
        )
        for users, items, _ in blocks:
            for user, own in zip(users.tolist(), items, strict=True):
                found[user] = own[own >= 0]
    except ForeignWeights as error:
        raise CannotPreview(str(error)) from error
    return found


def keys_of(loaded: LoadedCatalogue, items: Sequence[int] | NDArray[np.int32]) -> list[int]:
    """Return the primary keys of items of a catalogue."""
    keys: list[int] = loaded.item_keys[np.asarray(items, np.int64)].tolist()
    return keys


def category_mix(loaded: LoadedCatalogue, items: NDArray[np.int32]) -> dict[str, float]:
    """Return the share of each category in a list, by its key as text: plain values have no other keys."""
    if not len(items):
        return {}
    shares = loaded.catalogue.shares[items].mean(0).astype(float)
    return {
        str(key): round(share, 6)
        for key, share in zip(loaded.category_keys.tolist(), shares.tolist(), strict=True)
        if share > 0
    }
