"""What is predicted by those who predict ratings, and the least squares that they share.

A rating is predicted as mean + b_u + b_i + p · q. What was not rated is either left out, as published, or counts a
little as a low rating (Steck, KDD 2010): people seldom rate what they would not like, and a list of all items is
ranked better by who knows that. Where people do not rate, the kinds of events weigh what they weigh and what was not
chosen counts as 0: without, there would be nothing to tell apart.

Legend: b end users, N items, n of the fit, m rows to solve for, D width of the features, the constant 1 included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import ratings
from recommender.algorithms.protocol import CannotFit, popularity

Floats = NDArray[np.float32]
# Cells of the systems gathered at a time: 64 MB of float32.
BLOCK_CELLS = 16_000_000


@dataclass(frozen=True)
class Opinions:
    """How the events of a fit are read as ratings, so that later ones are read alike.

    Attributes:
        has_ratings: whether the values of events are read, else what their kinds weigh
        mean: of what was said
        unrated: what an item counts that was not rated: the lowest rating, or 0 for kinds; less the mean
        must_count_unrated: all said the same, so that only what was not said tells anything
        items: the fitted catalogue, indices into the log's. [n]
        popularity: [N]
    """

    has_ratings: bool
    mean: float
    unrated: float
    must_count_unrated: bool
    items: NDArray[np.intp]
    popularity: Floats

    def of(self, log: InteractionLog, *, users: NDArray[np.int32]) -> sparse.csr_array:
        """Return what end users said of the fitted items, less the mean; a 0 is a cell as well. [b, n]"""
        said = ratings.said(log, users=users, has_ratings=self.has_ratings)[:, self.items]
        said.data -= np.float32(self.mean)
        return said


def read(log: InteractionLog, *, name: str) -> tuple[Opinions, sparse.csr_array]:
    """Return how to read a log, and what everybody said, less the mean. [U, n]

    Raises:
        CannotFit: nobody chose anything; `name` is the algorithm that says so.
    """
    own_popularity = popularity(log)
    items = np.flatnonzero(np.isfinite(own_popularity))
    if not len(items):
        raise CannotFit(f"There are no events to learn from: {name} needs at least one.")
    has_ratings = ratings.is_rated(log)
    first = Opinions(has_ratings, 0.0, 0.0, True, items, own_popularity)
    said = first.of(log, users=np.arange(log.num_users, dtype=np.int32))
    mean, lowest = float(said.data.mean()), float(said.data.min())
    said.data -= np.float32(mean)
    # A single dislike among views does not make ratings of them.
    opinions = replace(
        first,
        mean=mean,
        unrated=(lowest if has_ratings else 0.0) - mean,
        must_count_unrated=not has_ratings or lowest == mean,
    )
    if has_ratings and lowest == mean:
        opinions = replace(opinions, unrated=-1.0)
    return opinions, said


def systems(
    said: sparse.csr_array, *, features: Floats, bases: Floats, unrated: float, weights: Floats
) -> tuple[Floats, Floats]:
    """Return the normal equations of each row's weighted least squares.

    Args:
        said: targets; a stored 0 is one. [m, n]
        features: [n, D]
        bases: what is predicted of each column before features. [n]
        unrated: the target of cells that are not stored
        weights: how much such a cell counts beside a stored one, 0 to 1. [m]

    Returns:
        matrices [m, D, D] and right sides [m, D]
    """
    missing = (unrated - bases).astype(np.float32)  # [n]
    counts = np.repeat(weights, np.diff(said.indptr))
    told = said.data - bases[said.indices] - counts * missing[said.indices]
    right = sparse.csr_array((told, said.indices, said.indptr), said.shape) @ features
    right += weights[:, None] * (missing @ features)
    grams = _grams(said, features) * (1 - weights)[:, None, None]
    grams += weights[:, None, None] * (features.T @ features)
    return grams, right.astype(np.float32)


def _grams(said: sparse.csr_array, features: Floats) -> Floats:
    """Return Fᵀ F over the stored cells of each row. [m, n], [n, D] -> [m, D, D]"""
    num_rows, width = said.shape[0], features.shape[1]
    grams = np.zeros((num_rows, width, width), np.float32)
    lengths = np.diff(said.indptr)
    # Rows of the same length are multiplied at once: ten times as fast as one sparse product.
    for length in np.unique(lengths[lengths > 0]):
        rows = np.flatnonzero(lengths == length)
        step = max(1, BLOCK_CELLS // int(length * width))
        for first in range(0, len(rows), step):
            some = rows[first : first + step]
            picked = features[said.indices[said.indptr[some][:, None] + np.arange(length)]]
            # torch multiplies many small matrices faster than numpy.
            told = torch.from_numpy(picked)  # [m, h, D]
            grams[some] = (told.mT @ told).numpy()
    return grams


def block_rows(width: int) -> int:
    """Return for how many rows the systems are made at a time."""
    return max(1, BLOCK_CELLS // (width * width))
