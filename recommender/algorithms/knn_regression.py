"""Ratings by k-nearest-neighbour regression over items (Sarwar et al., WWW 2001; Bell and Koren, ICDM 2007).

A rating is the item's mean, held back to that of all, plus the mean of what the end user said of like items
above or below theirs, weighted by how alike they are and held back to nothing where few of them are known:

    rating(u, i) = b_i + Σ_j s_ij (r_uj - b_j) / (Σ_j s_ij + shrinkage),    b_i = (Σ r_i + λ m) / (n_i + λ)

Items are ranked by the rating they would get. That is another question than which item comes next: with a small
λ those come first that few saw and all of them loved, with a large one those that many saw and liked.

Where the log has no ratings, what the kinds of events weigh is taken for them, and `is_rated` of the fit is False.

Legend: b end users, U of the fit, N items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import ratings
from recommender.algorithms.nearest import ItemKNNAdjusted, NearestSettings
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity


@dataclass(frozen=True)
class KNNRegressionSettings:
    """How far neighbours are believed.

    Attributes:
        num_neighbours: similar items kept for each item; 1 or more.
        similarity_shrinkage: added to the denominator of the adjusted cosine of two items.
        shrinkage: 0 or more: similarity that an end user's ratings must have to count by half.
        mean_shrinkage: λ, 0 or more: how many ratings of the usual kind an item is given besides its own.
    """

    num_neighbours: int = 40
    similarity_shrinkage: float = 10.0
    shrinkage: float = 1.0
    mean_shrinkage: float = 100.0


@dataclass(frozen=True)
class Regression:
    """Fitted neighbours and means.

    Attributes:
        similarities: column i holds the neighbours of item i. [N, N]
        means: b_i. [N]
        is_rated: whether ratings were learned from; else the weights of kinds
        shrinkage: of the settings
        popularity: [N]
    """

    similarities: sparse.csr_array
    means: NDArray[np.float32]
    is_rated: bool
    shrinkage: float
    popularity: NDArray[np.float32]
    shared_seconds: float = 0.0

    def ratings(
        self, histories: InteractionLog, *, users: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Return the rating that each end user would give each item, on the log's scale. [b, N]"""
        said = ratings.said(histories, users=users, has_ratings=self.is_rated)  # [b, N]
        known = said.copy()
        known.data[:] = 1
        said.data -= self.means[said.indices]
        above = (said @ self.similarities).toarray()
        weights = (known @ self.similarities).toarray() + np.float32(self.shrinkage)
        found = np.divide(above, weights, out=np.zeros_like(above), where=weights > 0)
        return np.asarray(found + self.means, np.float32)

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        scores = self.ratings(histories, users=users)  # [b, N]
        scores[:, np.isneginf(self.popularity)] = -np.inf
        has_history = histories.offsets[users + 1] > histories.offsets[users]
        answer_strangers(scores, has_history=has_history, popularity=self.popularity)
        return scores


class KNNRegression:
    """Items by the rating they would get, told from ratings of like items."""

    name = "knn_regression"
    is_baseline = False
    reads_order = True

    def __init__(self) -> None:
        self._items = ItemKNNAdjusted()

    def grid(self) -> Sequence[KNNRegressionSettings]:
        return tuple(
            KNNRegressionSettings(shrinkage=shrinkage, mean_shrinkage=mean_shrinkage)
            for mean_shrinkage in (100.0, 20.0)
            for shrinkage in (1.0, 0.1)
        )

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: KNNRegressionSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Regression:
        if settings.shrinkage < 0 or settings.mean_shrinkage < 0:
            raise CannotFit("knn_regression needs shrinkages of 0 or more.")
        is_rated = ratings.is_rated(log)
        asked = NearestSettings(
            settings.num_neighbours, settings.similarity_shrinkage, has_ratings=True
        )
        alike = self._items.fit(log, settings=asked, seed=seed, report=report)
        everybody = np.arange(log.num_users, dtype=np.int32)
        said = ratings.said(log, users=everybody, has_ratings=is_rated)
        means = _means(said, shrinkage=settings.mean_shrinkage)
        by_neighbour = alike.similarities.T.tocsr()
        known, shared = popularity(log), alike.shared_seconds
        return Regression(by_neighbour, means, is_rated, settings.shrinkage, known, shared)


def _means(said: sparse.csr_array, *, shrinkage: float) -> NDArray[np.float32]:
    """Return each item's mean, held back to that of all; that of all where nobody said anything. [N]"""
    sums = said.sum(axis=0)
    counts = np.bincount(said.indices, minlength=said.shape[1])
    usual = said.data.mean() if said.nnz else 0.0
    weights = counts + shrinkage
    means = np.divide(
        sums + shrinkage * usual, weights, out=np.full(len(weights), usual), where=weights > 0
    )
    return np.asarray(means, np.float32)
