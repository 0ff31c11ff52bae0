"""Items like those that an end user chose, by who else chose both.

Legend: b end users, U of the fit, N items, c items at a time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits, matrices
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity

# Cells of the block of similarities that is pruned at a time: 128 MB at most, less where many are 0.
BLOCK_CELLS = 16_000_000


@dataclass(frozen=True)
class ItemKNNSettings:
    """Which similarities count.

    Attributes:
        num_neighbours: similar items kept for each item.
        shrinkage: added to the denominator of the cosine: pulls similarities that rest on few end
            users towards 0.
        half_life: how many events of an end user ago a choice counts half as much as the last one;
            None: all count alike.
    """

    num_neighbours: int = 100
    shrinkage: float = 0.0
    half_life: float | None = None


@dataclass(frozen=True)
class Neighbours:
    """Fitted similarities: row i holds the neighbours of item i. [N, N]; `popularity`: [N]"""

    similarities: sparse.csr_array
    popularity: NDArray[np.float32]
    half_life: float | None = None
    shared_seconds: float = 0.0

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        chosen = matrices.choices_of(histories, users=users, half_life=self.half_life)  # [b, N]
        known = chosen[:, np.flatnonzero(np.isfinite(self.popularity))]
        scores = (chosen @ self.similarities).toarray()  # [b, N]
        scores[:, np.isneginf(self.popularity)] = -np.inf
        is_useful = np.diff(known.indptr) > 0
        answer_strangers(scores, has_history=is_useful, popularity=self.popularity)
        return np.asarray(scores, np.float32)


@dataclass(frozen=True)
class _Compared:
    """The similarities of a log, kept while only the half-life changes."""

    log: InteractionLog
    num_neighbours: int
    shrinkage: float
    similarities: sparse.csr_array
    seconds: float


class ItemKNN:
    """Cosine between items, the nearest of each kept, summed over what the end user chose.

    Item-based neighbours (Sarwar et al., WWW 2001; Deshpande and Karypis, TOIS 2004).
    """

    name = "item_knn"
    is_baseline = True
    reads_order = True

    def __init__(self) -> None:
        self._compared: _Compared | None = None

    def grid(self) -> Sequence[ItemKNNSettings]:
        similarities = ((100, 0.0), (20, 10.0), (400, 30.0), (20, 0.0), (10, 10.0), (100, 30.0))
        return tuple(
            ItemKNNSettings(num_neighbours, shrinkage, half_life)
            for num_neighbours, shrinkage in similarities
            for half_life in (None, 2.0, 10.0)
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
        limits.insist(
            "item_knn",
            settings,
            half_life=limits.ABOVE_0,
            num_neighbours=limits.FROM_1,
            shrinkage=limits.FROM_0,
        )
        asked = (settings.num_neighbours, settings.shrinkage)
        known, shared_seconds = self._compared, 0.0
        if known and known.log is log and (known.num_neighbours, known.shrinkage) == asked:
            shared_seconds = known.seconds
        else:
            began = time.perf_counter()
            found = _similarities(log, *asked, report=report)
            known = _Compared(log, *asked, found, time.perf_counter() - began)
            self._compared = known
        return Neighbours(known.similarities, popularity(log), settings.half_life, shared_seconds)


def _similarities(
    log: InteractionLog, num_neighbours: int, shrinkage: float, *, report: Report | None
) -> sparse.csr_array:
    """Return the pruned similarities of all items, block by block. [N, N]"""
    chosen = matrices.choices(log)  # [U, N]
    if not chosen.nnz:
        raise CannotFit("There are no events to compare items by: item_knn needs at least one.")
    by_item = chosen.T.tocsr()  # [N, U]
    norms = np.sqrt(np.diff(by_item.indptr)).astype(np.float32)  # [N]
    step = max(1, BLOCK_CELLS // log.num_items)
    blocks = []
    for first in range(0, log.num_items, step):
        rows = np.arange(first, min(first + step, log.num_items))
        block = by_item[rows] @ chosen  # [c, N]
        owners = np.repeat(rows, np.diff(block.indptr))
        block.data /= norms[owners] * norms[block.indices] + np.float32(shrinkage) + 1e-12
        block.data[block.indices == owners] = 0
        blocks.append(pruned(block, num_neighbours=num_neighbours))
        if report:
            report("similarities", (rows[-1] + 1) / log.num_items)
    similarities: sparse.csr_array = sparse.vstack(blocks, format="csr")
    return similarities


def pruned(block: sparse.csr_array, *, num_neighbours: int) -> sparse.csr_array:
    """Keep the highest `num_neighbours` of each row; several equally high last ones are all kept."""
    for row in np.flatnonzero(np.diff(block.indptr) > num_neighbours):
        values = block.data[block.indptr[row] : block.indptr[row + 1]]
        lowest = np.partition(values, -num_neighbours)[-num_neighbours]
        values[values < lowest] = 0
    block.eliminate_zeros()
    return block
