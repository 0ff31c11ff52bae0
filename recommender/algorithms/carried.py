"""A fitted algorithm that carries the catalogue it was fitted on, so that it can answer about a later one.

Legend: b end users, N items of its own catalogue, M items of the catalogue that is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import Catalogue, InteractionLog
from recommender.algorithms.protocol import Fitted


@dataclass(frozen=True)
class Carried:
    """A fitted algorithm and its catalogue. Items that came later wait for the next fit: they score -inf."""

    catalogue: Catalogue
    fitted: Fitted
    # The catalogue asked about last, and where its items stand among its own, -1 for new ones.
    _last: list[tuple[Catalogue, NDArray[np.int64]]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        places = self._places(histories.catalogue)  # [M]
        own = self.fitted.scores(
            self._translated(histories, users, places),
            users=np.arange(len(users), dtype=np.int32),
            request_times=request_times,
        )  # [b, N]
        found = np.full((len(users), len(places)), -np.inf, np.float32)  # [b, M]
        is_known = places >= 0
        found[:, is_known] = own[:, places[is_known]]
        return found

    def _places(self, catalogue: Catalogue) -> NDArray[np.int64]:
        for known, places in self._last:
            if known is catalogue:
                return places
        place = {item_id: index for index, item_id in enumerate(self.catalogue.item_ids)}
        places = np.array([place.get(item_id, -1) for item_id in catalogue.item_ids], np.int64)
        self._last[:] = [(catalogue, places)]
        return places

    def _translated(
        self,
        histories: InteractionLog,
        users: NDArray[np.int32],
        places: NDArray[np.int64],
    ) -> InteractionLog:
        """Return the histories of these people alone, in the words of its own catalogue."""
        starts, ends = histories.offsets[users], histories.offsets[users + 1]
        lengths = ends - starts
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        events = np.repeat(starts, lengths) + within
        owners = np.repeat(np.arange(len(users), dtype=np.int32), lengths)
        items = places[histories.items[events]]
        kept = items >= 0
        own = histories.take(events[kept]).of_people(users, users=owners[kept])
        return replace(own, catalogue=self.catalogue, items=items[kept].astype(np.int32))
