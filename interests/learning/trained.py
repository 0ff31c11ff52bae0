"""A network that has learned, with what is needed to use it on any log."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import Catalogue, InteractionLog
from interests.learning.config import TrainingConfig
from interests.learning.event_kinds import EventKinds
from interests.learning.item_features import ItemFeatures
from interests.learning.networks.averaged_network import AveragedNetwork
from interests.learning.networks.interest_network import InterestNetwork
from interests.learning.sequences import Histories, histories


class ForeignWeights(Exception):
    """The weights belong to another catalogue, or to a version of the network that is not this one."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A network in evaluation mode, the items and kinds it knows, and how its training went.

    Attributes:
        network: the module, on the device it was trained on or loaded to
        item_ids: the clients' ids of its items, in the order of its embeddings, object. [N]
        kinds: how the kinds and values of events that it knows are numbered
        config: settings of its training
        log_rises: how each item rose when its events ended, see `trend.log_rises`, float32. [N]
        feature_names: of items, see `ItemFeatures`, by which it places items that nobody has used
        repeats_items: whether end users came back to items they had used before; where they did not,
            what a person has used is no longer expected of them
        results: curves and validation of its training, plain values
    """

    network: InterestNetwork | AveragedNetwork
    item_ids: NDArray[np.object_]
    kinds: EventKinds
    config: TrainingConfig
    log_rises: NDArray[np.float32]
    feature_names: tuple[str, ...] = ()
    repeats_items: bool = True
    results: dict[str, Any] = field(default_factory=dict)
    # The catalogue asked about last, and where its items stand: asked again for each block of people.
    _last_index: list[tuple[Catalogue, NDArray[np.int64]]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    # Likewise, and the network grown by its new items.
    _last_grown: list[tuple[Catalogue, TrainedNetwork]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @property
    def num_items(self) -> int:
        return len(self.item_ids)

    @property
    def num_members(self) -> int:
        """How many networks are averaged."""
        return len(self.network.members) if isinstance(self.network, AveragedNetwork) else 1

    @property
    def trend(self) -> NDArray[np.float32]:
        """Return what is added to each item's score for being chosen more than usual now. [N]"""
        return np.float32(self.config.trend) * self.log_rises

    def with_trend(self, weight: float) -> TrainedNetwork:
        """Return the same network with another weight of what rises now, see `TrainingConfig`."""
        return replace(self, config=replace(self.config, trend=weight))

    def item_index(self, catalogue: Catalogue) -> NDArray[np.int64]:
        """Return for each item of a catalogue its place in `item_ids`, -1 where unknown. [N_catalogue]

        Raises:
            ForeignWeights: the catalogue has items, and the network knows none of them.
        """
        for known, index in self._last_index:
            if known is catalogue:
                return index
        index = self._find(catalogue)
        self._last_index[:] = [(catalogue, index)]
        return index

    def _find(self, catalogue: Catalogue) -> NDArray[np.int64]:
        if np.array_equal(catalogue.item_ids, self.item_ids):
            return np.arange(self.num_items)
        place = {item_id: index for index, item_id in enumerate(self.item_ids)}
        index = np.array([place.get(item_id, -1) for item_id in catalogue.item_ids], np.int64)
        if len(index) and (index < 0).all():
            raise ForeignWeights(
                f"The network knows none of the catalogue's {len(index)} items: it was trained on another"
                " catalogue. Train again."
            )
        return index

    def grown(self, catalogue: Catalogue) -> TrainedNetwork:
        """Return a network that also knows the catalogue's new items whose features it knows.

        Items that share no category and no word of their title with a known one stay unknown.

        Raises:
            ForeignWeights: the catalogue has items, and the network knows none of them.
        """
        for known, grown in self._last_grown:
            if known is catalogue:
                return grown
        grown = self._grow(catalogue)
        # A network that held itself would stay in memory after everybody let go of it.
        if grown is not self:
            self._last_grown[:] = [(catalogue, grown)]
        return grown

    def _grow(self, catalogue: Catalogue) -> TrainedNetwork:
        new = catalogue.take(self.item_index(catalogue) < 0)
        features = ItemFeatures.of_catalogue(new, names=self.feature_names)
        told = np.flatnonzero(np.diff(features.offsets))
        if not len(told):
            return self
        network = copy.deepcopy(self.network)
        network.grow(features.take(told))
        item_ids = np.concatenate([self.item_ids, new.item_ids[told]])
        log_rises = np.concatenate([self.log_rises, np.zeros(len(told), np.float32)])
        return replace(self, network=network, item_ids=item_ids, log_rises=log_rises)

    def histories(self, log: InteractionLog) -> Histories:
        """Return a sorted log's histories as this network reads them."""
        return histories(
            log,
            item_index=self.item_index(log.catalogue),
            kinds=self.kinds,
        )
