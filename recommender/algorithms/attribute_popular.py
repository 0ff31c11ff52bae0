"""What people with the same attributes choose beyond the usual: for those of whom nothing else is known.

Naive Bayes over attributes (Zhang, The Optimality of Naive Bayes, 2004; of demographic groups: Pazzani, 1999):
log p(item) + Σ log p(attribute | item) / p(attribute), each ratio pulled towards 1 by choices that are like all. An
attribute that is not known says nothing; without any the answer is popularity.

Legend: b end users, P choices, each person's of an item once, N items, F features of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits, matrices
from recommender.algorithms.person_features import PersonFeatures
from recommender.algorithms.protocol import CannotFit, Report, popularity


@dataclass(frozen=True)
class AttributePopularSettings:
    """How much attributes have to prove.

    Attributes:
        shrinkage: choices that are like all, added to those of each item by people with each attribute, above 0.
    """

    shrinkage: float = 10.0


@dataclass(frozen=True)
class AttributePopularity:
    """Popularity and what attributes change about it.

    Attributes:
        popularity: events, -inf where never chosen. [N]
        features: which attributes count. F of them
        lifts: log of how much more an item is chosen by people with a feature than usual. [F, N]
    """

    popularity: NDArray[np.float32]
    features: PersonFeatures
    lifts: NDArray[np.float32]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        scores = np.tile(self.popularity, (len(users), 1))  # [b, N]
        known = self.features.of(histories, users=users)  # [b, F]
        has_any = known.any(axis=1)
        with np.errstate(divide="ignore"):
            logs = np.log(self.popularity.clip(min=0))
        scores[has_any] = logs + known[has_any].astype(np.float32) @ self.lifts
        return scores


class AttributePopular:
    """Popular items of people with the same attributes; popular items for whom no attribute is known."""

    name = "attribute_popular"
    is_baseline = False

    def grid(self) -> Sequence[AttributePopularSettings]:
        return tuple(AttributePopularSettings(value) for value in (10.0, 1.0, 100.0))

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: AttributePopularSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> AttributePopularity:
        own_popularity = popularity(log)
        if not np.isfinite(own_popularity).any():
            raise CannotFit("There are no events to count: attribute_popular needs at least one.")
        limits.insist(self.name, settings, shrinkage=limits.ABOVE_0)
        features = PersonFeatures.learned(log)
        everybody = np.arange(log.num_users, dtype=np.int32)
        known = features.of(log, users=everybody).astype(np.float32)  # [U, F]
        chosen = matrices.choices(log)  # [U, N]
        counts = np.asarray((chosen.T @ known).T)  # [F, N]
        share = counts.sum(axis=1, keepdims=True) / chosen.nnz  # of all choices, [F, 1]
        usual = share * chosen.sum(axis=0)  # [F, N]
        alike = settings.shrinkage * share
        # A feature of people who chose nothing says nothing.
        ratios = np.divide(counts + alike, usual + alike, where=share > 0, out=np.ones_like(usual))
        return AttributePopularity(own_popularity, features, np.log(ratios).astype(np.float32))
