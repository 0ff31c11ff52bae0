"""Neighbourhoods of end users and of items under any similarity; `neighbours` has the usual one, of items by cosine.

End users are compared when they ask, by the history they ask with (Resnick et al., GroupLens, CSCW 1994; Herlocker
et al., SIGIR 1999); items are compared once, at the fit (Sarwar et al., WWW 2001). Scores are sums of
similarities, not means: for lists that is better by far (Cremonesi, Koren and Turrin, RecSys 2010).

Legend: b end users asked about, U of the fit, N items.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits, matrices, ratings, similarities
from recommender.algorithms.chance import keys_of
from recommender.algorithms.neighbours import BLOCK_CELLS, Neighbours, pruned
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity
from recommender.algorithms.similarities import Preparation, Vectors


@dataclass(frozen=True)
class NearestSettings:
    """Whom or what to ask.

    Attributes:
        num_neighbours: similar end users asked, or similar items kept for each item; 1 or more.
        shrinkage: 0 or more: pulls similarities that rest on few choices towards 0.
        half_life: how many events of an end user ago a choice counts half as much as the last one, when he
            is asked for; None: all count alike. Ratings have none: their end users are compared as they are.
        discount: 0 to 1: scores are divided by the item's number of end users to this power, so that those
            come up that are liked here more than everywhere.
        has_ratings: compare what was said of items, not only whether they were chosen: ratings, or the
            weights of kinds where the log has no ratings. For adjusted cosine and Pearson only.
    """

    num_neighbours: int = 100
    shrinkage: float = 0.0
    half_life: float | None = None
    discount: float = 0.0
    has_ratings: bool = False


@dataclass(frozen=True)
class Crowd:
    """The end users of the fit, to be compared with whoever asks.

    Attributes:
        chosen: what each adds to the scores: 1 where he chose an item, less a discount. [U, N]
        vectors: the same end users, ready for comparison
        turned: cells of `vectors`, transposed. [N, U]
        popularity: [N]
        user_keys: hashes of their ids, ascending, uint64. [U]
        user_rows: which row of the above each of these has. [U]
    """

    chosen: sparse.csr_array
    vectors: Vectors
    turned: sparse.csr_array
    preparation: Preparation
    settings: NearestSettings
    popularity: NDArray[np.float32]
    user_keys: NDArray[np.uint64]
    user_rows: NDArray[np.intp]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        asked = self._asked(histories, users=users)
        alike = similarities.compare(
            asked,
            self.vectors,
            turned=self.turned,
            measure=self.preparation.measure,
            shrinkage=self.settings.shrinkage,
        )  # [b, U]
        # Nobody is a neighbour of his own. Histories may number people otherwise than the fit: ids tell.
        own_rows = self._rows_of(histories.user_ids[users])
        owners = np.repeat(own_rows, np.diff(alike.indptr))
        alike.data[alike.indices == owners] = 0
        alike = pruned(alike, num_neighbours=self.settings.num_neighbours)
        scores = (alike @ self.chosen).toarray()  # [b, N]
        scores[:, np.isneginf(self.popularity)] = -np.inf
        has_neighbours = np.diff(alike.indptr) > 0
        answer_strangers(scores, has_history=has_neighbours, popularity=self.popularity)
        return np.asarray(scores, np.float32)

    def _rows_of(self, user_ids: NDArray[np.object_]) -> NDArray[np.intp]:
        """Return each end user's row of the fit, -1 for those who were not there. [b]"""
        keys = keys_of(user_ids)
        places = np.searchsorted(self.user_keys, keys).clip(max=len(self.user_keys) - 1)
        return np.where(self.user_keys[places] == keys, self.user_rows[places], -1)

    def _asked(self, histories: InteractionLog, *, users: NDArray[np.int32]) -> Vectors:
        if self.settings.has_ratings:
            is_rated = self.preparation.content == similarities.RATINGS
            cells = ratings.said(histories, users=users, has_ratings=is_rated)
        else:
            half_life = self.settings.half_life
            cells = matrices.choices_of(histories, users=users, half_life=half_life)
        return self.preparation.vectors(cells)


class Nearest:
    """What all neighbourhoods share. A subclass is a row of the registry: a name and a measure."""

    name = ""
    measure = similarities.COSINE
    is_baseline = False
    reads_order = True
    # Neighbours and shrinkage to choose from, the usual ones first.
    sizes: Sequence[tuple[int, float]] = ()
    # Half-life and discount to choose from, for each of the sizes.
    uses: Sequence[tuple[float | None, float]] = ((None, 0.0), (None, 0.3), (2.0, 0.0), (2.0, 0.3))

    def grid(self) -> Sequence[NearestSettings]:
        settings = [NearestSettings(*size, *use) for size in self.sizes for use in self.uses]
        if self.measure in similarities.OF_RATINGS:
            discounts = sorted({discount for _, discount in self.uses})
            settings += [NearestSettings(*self.sizes[0], None, each, True) for each in discounts]
        return tuple(settings)

    def _check(self, log: InteractionLog, settings: NearestSettings) -> None:
        limits.insist(self.name, settings, half_life=limits.ABOVE_0)
        if log.is_negative.all():
            raise CannotFit(f"There are no events to compare by: {self.name} needs at least one.")
        if settings.num_neighbours < 1 or settings.shrinkage < 0 or not 0 <= settings.discount <= 1:
            raise CannotFit(
                f"{self.name} needs at least 1 neighbour, a shrinkage of 0 or more, and a discount from 0 to 1."
            )
        if settings.has_ratings and self.measure not in similarities.OF_RATINGS:
            raise CannotFit(f"{self.name} compares choices only: has_ratings must be False.")

    def _compared(self, log: InteractionLog, *, has_ratings: bool) -> tuple[sparse.csr_array, str]:
        """Return what end users are told by, and what kind of cells that is. [U, N]"""
        if not has_ratings:
            return matrices.choices(log), similarities.CHOICES
        is_rated = ratings.is_rated(log)
        everybody = np.arange(log.num_users, dtype=np.int32)
        cells = ratings.said(log, users=everybody, has_ratings=is_rated)
        return cells, similarities.RATINGS if is_rated else similarities.CHOICES


class UserKNN(Nearest):
    """What those choose who are most like who asks, by cosine."""

    name = "user_knn"
    sizes: Sequence[tuple[int, float]] = ((20, 0.0), (100, 0.0), (10, 30.0))

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: NearestSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Crowd:
        self._check(log, settings)
        chosen = matrices.choices(log)  # [U, N]
        cells, content = self._compared(log, has_ratings=settings.has_ratings)
        preparation = Preparation.of(cells, measure=self.measure, content=content)
        vectors = preparation.vectors(cells)
        counts = np.bincount(chosen.indices, minlength=log.num_items)
        chosen.data /= counts[chosen.indices].astype(np.float32) ** np.float32(settings.discount)
        turned = vectors.cells.T.tocsr()
        keys = keys_of(log.user_ids)
        rows = np.argsort(keys)
        return Crowd(
            chosen, vectors, turned, preparation, settings, popularity(log), keys[rows], rows
        )


class UserKNNAdjusted(UserKNN):
    name = "user_knn_adjusted"
    measure = similarities.ADJUSTED_COSINE


class UserKNNPearson(UserKNN):
    name = "user_knn_pearson"
    measure = similarities.PEARSON


class UserKNNJaccard(UserKNN):
    name = "user_knn_jaccard"
    measure = similarities.JACCARD


class UserKNNEuclidean(UserKNN):
    name = "user_knn_euclidean"
    measure = similarities.EUCLIDEAN


class UserKNNManhattan(UserKNN):
    name = "user_knn_manhattan"
    measure = similarities.MANHATTAN


@dataclass(frozen=True)
class _Compared:
    """The similarities of a log's items, kept while only what is asked of them changes."""

    log: InteractionLog
    key: tuple[int, float, bool]
    similarities: sparse.csr_array
    seconds: float


class NearestItems(Nearest):
    """Items like those that an end user chose, under a measure of the subclass."""

    sizes = ((100, 0.0), (20, 30.0))

    def __init__(self) -> None:
        self._last: _Compared | None = None

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: NearestSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Neighbours:
        self._check(log, settings)
        key = (settings.num_neighbours, settings.shrinkage, settings.has_ratings)
        last, shared_seconds = self._last, 0.0
        if last and last.log is log and last.key == key:
            shared_seconds = last.seconds
        else:
            began = time.perf_counter()
            found = self._similarities(log, settings, report=report)
            last = _Compared(log, key, found, time.perf_counter() - began)
            self._last = last
        kept = last.similarities
        if settings.discount:
            counts = np.bincount(matrices.choices(log).indices, minlength=log.num_items)
            kept = kept.copy()
            kept.data /= counts[kept.indices].astype(np.float32) ** np.float32(settings.discount)
        return Neighbours(kept, popularity(log), settings.half_life, shared_seconds)

    def _similarities(
        self, log: InteractionLog, settings: NearestSettings, *, report: Report | None
    ) -> sparse.csr_array:
        """Return the neighbours of each item, block by block. [N, N]"""
        cells, content = self._compared(log, has_ratings=settings.has_ratings)
        by_item = cells.T.tocsr()  # [N, U]
        preparation = Preparation.of(by_item, measure=self.measure, content=content)
        items = preparation.vectors(by_item)
        turned = items.cells.T.tocsr()  # [U, N]
        step = max(1, BLOCK_CELLS // log.num_items)
        blocks = []
        for first in range(0, log.num_items, step):
            rows = np.arange(first, min(first + step, log.num_items))
            block = similarities.compare(
                items.take(rows),
                items,
                turned=turned,
                measure=self.measure,
                shrinkage=settings.shrinkage,
            )
            block.data[block.indices == np.repeat(rows, np.diff(block.indptr))] = 0
            blocks.append(pruned(block, num_neighbours=settings.num_neighbours))
            if report:
                report("similarities", (rows[-1] + 1) / log.num_items)
        found: sparse.csr_array = sparse.vstack(blocks, format="csr")
        return found


class ItemKNNAdjusted(NearestItems):
    name = "item_knn_adjusted"
    measure = similarities.ADJUSTED_COSINE


class ItemKNNPearson(NearestItems):
    name = "item_knn_pearson"
    measure = similarities.PEARSON


class ItemKNNJaccard(NearestItems):
    name = "item_knn_jaccard"
    measure = similarities.JACCARD


class ItemKNNEuclidean(NearestItems):
    name = "item_knn_euclidean"
    measure = similarities.EUCLIDEAN


class ItemKNNManhattan(NearestItems):
    name = "item_knn_manhattan"
    measure = similarities.MANHATTAN
