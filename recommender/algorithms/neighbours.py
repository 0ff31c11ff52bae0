"""Items like those that an end user chose, by who else chose both.

Legend: b end users, U of the fit, N items, c items at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import matrices
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity

# Cells of the dense block of similarities that is pruned at a time: 64 MB of float32.
BLOCK_CELLS = 16_000_000


@dataclass(frozen=True)
class ItemKNNSettings:
    """Which similarities count.

    Attributes:
        num_neighbours: similar items kept for each item.
        shrinkage: added to the denominator of the cosine: pulls similarities that rest on few end
            users towards 0.
    """

    num_neighbours: int = 100
    shrinkage: float = 0.0


@dataclass(frozen=True)
class Neighbours:
    """Fitted similarities: row i holds the neighbours of item i. [N, N]; `popularity`: [N]"""

    similarities: sparse.csr_array
    popularity: NDArray[np.float32]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        chosen = matrices.choices_of(histories, users=users)  # [b, N]
        known = chosen[:, np.flatnonzero(np.isfinite(self.popularity))]
        scores = (chosen @ self.similarities).toarray()  # [b, N]
        scores[:, np.isneginf(self.popularity)] = -np.inf
        is_useful = np.diff(known.indptr) > 0
        answer_strangers(scores, has_history=is_useful, popularity=self.popularity)
        return np.asarray(scores, np.float32)


class ItemKNN:
    """Cosine between items, the nearest of each kept, summed over what the end user chose."""

    name = "item_knn"
    is_baseline = True

    def grid(self) -> Sequence[ItemKNNSettings]:
        return (
            ItemKNNSettings(100, 0.0),
            ItemKNNSettings(20, 0.0),
            ItemKNNSettings(20, 10.0),
            ItemKNNSettings(100, 10.0),
            ItemKNNSettings(400, 10.0),
        )

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: ItemKNNSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Neighbours:
        chosen = matrices.choices(log)  # [U, N]
        if not chosen.nnz:
            raise CannotFit("There are no events to compare items by: item_knn needs at least one.")
        by_item = chosen.T.tocsr()  # [N, U]
        norms = np.sqrt(np.diff(by_item.indptr)).astype(np.float32)  # [N]
        step = max(1, BLOCK_CELLS // log.num_items)
        blocks = []
        for first in range(0, log.num_items, step):
            rows = np.arange(first, min(first + step, log.num_items))
            block = (by_item[rows] @ chosen).toarray()  # [c, N]
            block /= norms[rows, None] * norms + np.float32(settings.shrinkage) + 1e-12
            block[np.arange(len(rows)), rows] = 0
            blocks.append(_pruned(block, num_neighbours=settings.num_neighbours))
            if report:
                report("similarities", (rows[-1] + 1) / log.num_items)
        return Neighbours(sparse.vstack(blocks, format="csr"), popularity(log))


def _pruned(block: NDArray[np.float32], *, num_neighbours: int) -> sparse.csr_array:
    """Keep the highest `num_neighbours` of each row; several equally high last ones are all kept."""
    if num_neighbours < block.shape[1]:
        lowest = np.partition(block, -num_neighbours, axis=1)[:, -num_neighbours, None]  # [c, 1]
        block = np.where(block >= lowest, block, 0)
    return sparse.csr_array(block)
