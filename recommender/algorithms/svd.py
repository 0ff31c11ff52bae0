"""PureSVD: a history laid onto the strongest directions in which choices vary (Cremonesi, Koren, Turrin, RecSys 2010).

With X = P S Qᵀ cut after d singular values, the scores of a history x are x Q Qᵀ: what is left of it when only d
directions count. Nobody has to be known to the fit, and one decomposition serves every smaller d.

Legend: b end users, U of the fit, N items, n of the fit, d width; X [U, n] is 1 where an end user chose an item.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits, matrices
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity

# Up to so many end users or items all singular vectors are found at once, in seconds.
MAX_DENSE = 2_000
# Directions weaker than this share of the strongest are rounding.
LEAST_STRENGTH = 1e-6


@dataclass(frozen=True)
class SVDSettings:
    """How much of a history is kept.

    Attributes:
        width: d, directions that count, 1 or more; fewer where the data has no more.
        half_life: how many events of an end user ago a choice counts half as much as the last one when
            he is asked for; None: all count alike, as published.
    """

    width: int = 128
    half_life: float | None = 5.0


@dataclass(frozen=True)
class FittedSVD:
    """Directions of the items, strongest first. items: indices into the log's [n]; directions: [n, d]"""

    items: NDArray[np.intp]
    directions: NDArray[np.float32]
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
        chosen = matrices.choices_of(histories, users=users, half_life=self.half_life)
        chosen = chosen[:, self.items]  # [b, n]
        scores = np.full((len(users), histories.num_items), -np.inf, np.float32)  # [b, N]
        scores[:, self.items] = (chosen @ self.directions) @ self.directions.T
        has_history = np.diff(chosen.indptr) > 0
        answer_strangers(scores, has_history=has_history, popularity=self.popularity)
        return scores


@dataclass(frozen=True)
class _Last:
    """The last decomposition: settings that need no more directions share it."""

    log: InteractionLog
    width: int
    items: NDArray[np.intp]
    directions: NDArray[np.float32]
    seconds: float


class SVD:
    """Truncated singular value decomposition of who chose what."""

    name = "svd"
    is_baseline = True
    reads_order = True
    shares_fits = True

    def __init__(self) -> None:
        self._last: _Last | None = None

    def grid(self) -> Sequence[SVDSettings]:
        usual = ((128, 5.0), (64, 5.0), (32, 5.0), (128, 2.0), (128, 20.0))
        published = ((128, None), (64, None), (32, None))
        return tuple(SVDSettings(width, half_life) for width, half_life in (*usual, *published))

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: SVDSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedSVD:
        limits.insist(self.name, settings, half_life=limits.ABOVE_0)
        if settings.width < 1:
            raise CannotFit("svd needs a width of at least 1.")
        last, shared = self._last, 0.0
        if last and last.log is log and settings.width <= last.width:
            shared = last.seconds
        else:
            last = self._last = _decomposed(log, max(settings.width, *_widths(self.grid())))
        directions = np.ascontiguousarray(last.directions[:, : settings.width])
        return FittedSVD(last.items, directions, popularity(log), settings.half_life, shared)


def _widths(grid: Sequence[SVDSettings]) -> list[int]:
    return [settings.width for settings in grid]


def _decomposed(log: InteractionLog, width: int) -> _Last:
    began = time.perf_counter()
    chosen, items = matrices.compact(matrices.choices(log))  # [U, n]
    if not chosen.nnz:
        raise CannotFit("There are no events to learn from: svd needs at least one.")
    directions = directions_of(chosen, width=width)
    seconds = time.perf_counter() - began
    return _Last(log, width, items, directions.astype(np.float32), seconds)


def directions_of(chosen: sparse.csr_array, *, width: int) -> NDArray[np.float64]:
    """Return the right singular vectors of the `width` largest singular values, strongest first.

    Args:
        chosen: [U, n]

    Returns:
        Columns of length 1; fewer than `width` where there are fewer that are not 0. [n, d]
    """
    exact = chosen.astype(np.float64)
    if min(exact.shape) > max(MAX_DENSE, width):
        # From a fixed start, so that the same data gives the same vectors.
        start = np.ones(min(exact.shape))
        _, strengths, rows = linalg.svds(exact, k=width, v0=start)
        return np.asarray(rows.T[:, np.argsort(-strengths)])
    is_wide = exact.shape[0] <= exact.shape[1]
    gram = (exact @ exact.T if is_wide else exact.T @ exact).toarray()
    squares, vectors = np.linalg.eigh(gram)
    best = np.argsort(-squares)[:width]
    best = best[squares[best] > squares.max() * LEAST_STRENGTH**2]
    if not is_wide:
        return np.asarray(vectors[:, best])
    return np.asarray(exact.T @ (vectors[:, best] / np.sqrt(squares[best])))
