"""New items beside known ones: vectors told from content, and how many are expected to choose such items.

Known items have the vectors of a truncated SVD of who chose what (Cremonesi, Koren and Turrin, RecSys 2010). Those of
new items are told by ridge regression from categories and words, as known items teach it (Gantner et al., Learning
Attribute-to-Feature Mappings for Cold-Start Recommendations, ICDM 2010). Among new items each end user's order is that of
how many will choose the item (see `prospects`), and a little of what its vector says of him. The best new item then
takes a stated place among the known ones.

Legend: b end users, N items, n known ones, d width, F features.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import embeddings, limits, matrices, prospects, texts
from recommender.algorithms.protocol import (
    CannotFit,
    Report,
    answer_strangers,
    event_counts,
    popularity,
)
from recommender.algorithms.texts import Words

# The most frequent words and categories that vectors are told from: a full matrix of them is solved.
MAX_FEATURES = 1_000
REGULARISATION = 3.0
WIDTH = 64


@dataclass(frozen=True)
class ContentFactorsSettings:
    """How new items are ranked.

    Attributes:
        first_place: the best new item stands there in the list of the known ones that its end user has not
            chosen, 1 or more.
        taste: what the vectors' word counts beside the expected number of people, 0 or more; both are in
            standard deviations among the new items.
        half_life: how many events of an end user ago a choice counts half as much as the last one.
    """

    first_place: int = 10
    taste: float = 0.2
    half_life: float | None = 10.0


@dataclass(frozen=True)
class FittedContentFactors:
    """Vectors of all items, those of new ones told from content.

    Attributes:
        vectors: [N, d]
        is_new: which items had no event. [N]
        expected: how many are expected to choose each new item, in standard deviations from their mean. [new]
        popularity: [N]
    """

    vectors: NDArray[np.float32]
    is_new: NDArray[np.bool_]
    expected: NDArray[np.float32]
    popularity: NDArray[np.float32]
    settings: ContentFactorsSettings
    shared_seconds: float = 0.0

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        settings = self.settings
        chosen = matrices.choices_of(histories, users=users)  # [b, N]
        counted = matrices.choices_of(histories, users=users, half_life=settings.half_life)
        scores = np.asarray((counted @ self.vectors) @ self.vectors.T, np.float32)  # [b, N]
        has_history = np.diff(chosen[:, np.flatnonzero(~self.is_new)].indptr) > 0
        new = _standardised((chosen @ self.vectors) @ self.vectors[self.is_new].T)  # [b, new]
        new *= settings.taste * has_history[:, None]
        new += self.expected
        answer_strangers(scores, has_history=has_history, popularity=self.popularity)
        known = np.where(self.is_new | (chosen.toarray() > 0), -np.inf, scores)
        scores[:, self.is_new] = _placed(new, known, place=settings.first_place)
        return scores


@dataclass(frozen=True)
class _Learned:
    """What does not depend on the settings, kept for the next of them."""

    log: InteractionLog
    seed: int
    vectors: NDArray[np.float32]
    expected: NDArray[np.float32]
    seconds: float


class ContentFactors:
    """Known items by factors, new ones by what is said about them (Gantner et al., ICDM 2010)."""

    name = "content_factors"
    is_baseline = False
    reads_order = True
    scores_new_items = True
    shares_fits = True

    def __init__(self) -> None:
        self._learned: _Learned | None = None

    def grid(self) -> Sequence[ContentFactorsSettings]:
        return tuple(
            ContentFactorsSettings(first_place=place, half_life=half_life)
            for half_life in (2.0, 10.0)
            for place in (10, 30)
        )

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: ContentFactorsSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedContentFactors:
        limits.insist(self.name, settings, half_life=limits.ABOVE_0)
        if settings.first_place < 1:
            raise CannotFit("content_factors needs a first place of at least 1.")
        counts = event_counts(log)
        learned, shared = self._learned, 0.0
        if learned and learned.log is log and learned.seed == seed:
            shared = learned.seconds
        else:
            learned = self._learned = _learn(log, counts=counts, seed=seed)
        return FittedContentFactors(
            vectors=learned.vectors,
            is_new=counts == 0,
            expected=learned.expected,
            popularity=popularity(log),
            settings=settings,
            shared_seconds=shared,
        )


def _learn(log: InteractionLog, *, counts: NDArray[np.int64], seed: int) -> _Learned:
    if not counts.any():
        raise CannotFit("There are no events to learn from: content_factors needs at least one.")
    words = texts.words_of(log.catalogue)
    if not words.names:
        raise CannotFit(
            "content_factors tells new items from words and categories, and no two items share one. Bring "
            "titles, descriptions or categories (items.csv)."
        )
    began = time.perf_counter()
    known = np.flatnonzero(counts > 0)
    chosen = sparse.csr_array(matrices.choices(log)[:, known])
    _, _, directions = embeddings.strongest(chosen, width=WIDTH, seed=seed)
    # In a scale that does not hang on the number of items: squares of mean 1.
    directions = directions * np.sqrt(np.float32(len(known)))
    vectors = mapped(words, known=known, directions=directions)
    vectors[known] = directions
    expected = prospects.prospects(log, words=words)[counts == 0]
    return _Learned(
        log, seed, vectors, _standardised(expected[None])[0], time.perf_counter() - began
    )


def mapped(
    words: Words, *, known: NDArray[np.intp], directions: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Tell the vectors of all items from what is said about them, as the known ones teach it.

    Args:
        known: indices of the items whose vectors are `directions`. [n]
        directions: [n, d]

    Returns:
        [N, d]
    """
    num_items = words.counts.shape[0]
    constant = sparse.csr_array(np.ones((num_items, 1), np.float32))
    stands = words.counts[:, :MAX_FEATURES].astype(bool).astype(np.float32)
    features = sparse.csr_array(sparse.hstack([stands, constant]))  # [N, F]
    taught = features[known].astype(np.float64)
    left = (taught.T @ taught).toarray() + REGULARISATION * np.eye(features.shape[1])
    weights = np.linalg.solve(left, taught.T @ directions)  # [F, d]
    return np.asarray(features @ weights, np.float32)


def _standardised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each row in standard deviations from its mean, zeros where all are equal. [b, new]"""
    if not values.shape[1]:
        return values.astype(np.float32)
    means, spreads = values.mean(axis=1, keepdims=True), values.std(axis=1, keepdims=True)
    return np.asarray((values - means) / np.where(spreads > 0, spreads, 1), np.float32)


def _placed(
    new: NDArray[np.float32], known: NDArray[np.float32], *, place: int
) -> NDArray[np.float32]:
    """Put the best new item of each row as high as the known one at a place; the others follow below.

    Args:
        new: in standard deviations; one is as much as one of the known scores. [b, new]
        known: scores, -inf for what may not be answered. [b, N]
    """
    if not new.shape[1]:
        return new
    place = min(place, known.shape[1])
    ranked = -np.partition(-known, place - 1, axis=1)[:, :place]
    is_known = np.isfinite(known)
    num_known = is_known.sum(axis=1, keepdims=True)
    # Where fewer are left than the place asks for, as high as the last of them.
    height = np.where(np.isfinite(ranked), ranked, np.inf).min(axis=1, keepdims=True)
    height = np.where(num_known > 0, height, 0)
    values = np.where(is_known, known, 0)
    means = values.sum(axis=1, keepdims=True) / np.maximum(num_known, 1)
    squares = np.where(is_known, (values - means) ** 2, 0).sum(axis=1, keepdims=True)
    step = np.maximum(np.sqrt(squares / np.maximum(num_known, 1)), 1e-6)
    return np.asarray(height - step * (new.max(axis=1, keepdims=True) - new), np.float32)
