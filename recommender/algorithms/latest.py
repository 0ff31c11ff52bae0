"""What came last into the catalogue. The same list for every end user.

Legend: b end users, N items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms.protocol import CannotFit, Report, event_counts


@dataclass(frozen=True)
class LatestSettings:
    """Latest has nothing to choose."""


@dataclass(frozen=True)
class Newest:
    """When each item was first chosen.

    Attributes:
        places: 1 for the oldest item, 2 for the next; -inf where never chosen. [N]
        first_times: microseconds; those of items never chosen mean nothing. [N]
    """

    places: NDArray[np.float32]
    first_times: NDArray[np.int64]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        scores = np.tile(self.places, (len(users), 1))  # [b, N]
        if request_times is not None:
            # What nobody had chosen by then was not there yet: behind all others, the nearest first.
            is_later = self.first_times >= request_times[:, None]
            scores = np.where(is_later & np.isfinite(scores), -scores, scores)
        return scores


class Latest:
    """Items by their first event, the newest first; those first chosen together by the catalogue's order.

    Catalogues grow at their end, so where events have no times that tell them apart the last item of the
    catalogue counts as the newest.
    """

    name = "latest"
    is_baseline = False

    def grid(self) -> Sequence[LatestSettings]:
        return (LatestSettings(),)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: LatestSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Newest:
        is_known = event_counts(log) > 0
        if not is_known.any():
            raise CannotFit(
                "There are no events to tell new from old by: latest needs at least one."
            )
        positive = ~log.is_negative
        first = np.full(log.num_items, np.iinfo(np.int64).max)
        np.minimum.at(first, log.items[positive], log.times[positive])
        places = np.full(log.num_items, -np.inf, np.float32)
        oldest_first = np.lexsort((np.arange(log.num_items), first))[: is_known.sum()]
        places[oldest_first] = np.arange(1, len(oldest_first) + 1)
        return Newest(places, first)
