"""SLIM: each item from a few others, with weights that are sparse and not below 0 (Ning and Karypis, ICDM 2011).

The weights w of item j make ½ |x_j - X w|² + ½ β |w|² + λ |w|₁ least, w not below 0 and w_j = 0. Only items with
weights matter, so each item begins with the few others that pull most; those that still pull at the solution are let
in, until none does: the answer is that of all items.

Legend: b end users, U of the fit, N items, n of the fit, c items at a time, k let in; X [U, n] is 1 where an end user
chose an item.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits, matrices
from recommender.algorithms.descent import elastic_net
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity

Floats = NDArray[np.float32]
# The full matrix of this many items is 1.6 GB: the most that is sensible.
MAX_ITEMS = 20_000
# Items at a time, others that each begins with, and others let in after each look.
BLOCK_ITEMS, FIRST_OTHERS, MORE_OTHERS = 1_024, 64, 48
MAX_LOOKS = 20
FEW_ROUNDS, MAX_ROUNDS = 8, 240
# Fills rows of those let in that are shorter than others.
NOBODY = -1
# A pull this little above λ changes no ranking.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class SlimSettings:
    """How much the weights are held back.

    Attributes:
        l1: λ, 0 or more: an item gets a weight only if more people than this chose both.
        l2: β, above 0.
        half_life: how many events of an end user ago a choice counts half as much as the last one when
            he is asked for; None: all count alike, as published.
    """

    l1: float = 5.0
    l2: float = 50.0
    half_life: float | None = 5.0


@dataclass(frozen=True)
class FittedSlim:
    """Fitted weights. `items`: indices into the log's. [n]; `weights`: columns are predicted. [n, n]"""

    items: NDArray[np.intp]
    weights: sparse.csr_array
    popularity: Floats
    half_life: float | None = None
    shared_seconds: float = 0.0

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> Floats:
        chosen = matrices.choices_of(histories, users=users, half_life=self.half_life)
        chosen = chosen[:, self.items]  # [b, n]
        scores = np.full((len(users), histories.num_items), -np.inf, np.float32)  # [b, N]
        scores[:, self.items] = (chosen @ self.weights).toarray()
        has_history = np.diff(chosen.indptr) > 0
        answer_strangers(scores, has_history=has_history, popularity=self.popularity)
        return scores


@dataclass(frozen=True)
class _Last:
    """The last weights: settings that differ in the half-life alone share them."""

    log: InteractionLog
    penalties: tuple[float, float]
    items: NDArray[np.intp]
    weights: sparse.csr_array
    seconds: float


class Slim:
    """Sparse linear weights between items."""

    name = "slim"
    is_baseline = True
    reads_order = True
    shares_fits = True

    def __init__(self) -> None:
        self._last: _Last | None = None

    def grid(self) -> Sequence[SlimSettings]:
        # One pair of penalties: its weights are the whole work, and the half-life matters more.
        return tuple(SlimSettings(half_life=half_life) for half_life in (5.0, 2.0, 20.0, None))

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: SlimSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedSlim:
        limits.insist(self.name, settings, half_life=limits.ABOVE_0)
        if settings.l1 < 0 or settings.l2 <= 0:
            raise CannotFit("slim needs an l1 of at least 0 and an l2 above 0.")
        last, shared = self._last, 0.0
        penalties = (settings.l1, settings.l2)
        if last and last.log is log and last.penalties == penalties:
            shared = last.seconds
        else:
            began = time.perf_counter()
            chosen, items = matrices.compact(matrices.choices(log))  # [U, n]
            found = weights(chosen, l1=settings.l1, l2=settings.l2, report=report)
            seconds = time.perf_counter() - began
            last = self._last = _Last(log, penalties, items, found, seconds)
        return FittedSlim(last.items, last.weights, popularity(log), settings.half_life, shared)


def weights(
    chosen: sparse.csr_array, *, l1: float, l2: float, report: Report | None = None
) -> sparse.csr_array:
    """Return the weights of all items; column j predicts item j. [U, n] -> [n, n]

    Raises:
        CannotFit: no choices, or too many items for the matrix of all pairs.
    """
    num_items = chosen.shape[1]
    if not num_items:
        raise CannotFit("There are no events to learn from: slim needs at least one.")
    if num_items > MAX_ITEMS:
        raise CannotFit(
            f"slim needs the matrix of all pairs of items, and {num_items:,} are too many for it: "
            f"{MAX_ITEMS:,} fit. Leave it out, or evaluate on a part of the data."
        )
    gram = (chosen.T @ chosen).toarray().astype(np.float32)  # [n, n]
    by_item = chosen.T.tocsr().astype(np.float32)  # [n, U]
    # Items that others pull alike stand together, so that none waits for a longer one.
    pulling = (gram > l1).sum(axis=1) - (gram.diagonal() > l1)  # [n]
    order = np.argsort(-pulling, kind="stable")[: np.count_nonzero(pulling)]
    parts = [sparse.coo_array((num_items, num_items), dtype=np.float32)]
    for first in range(0, len(order), BLOCK_ITEMS):
        some = order[first : first + BLOCK_ITEMS]
        parts.append(_columns(some, gram, by_item, l1=l1, l2=l2))
        if report:
            report("weights", (first + len(some)) / len(order))
    rows, columns, data = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("row", "col", "data")
    )
    return sparse.csr_array((data, (rows, columns)), shape=(num_items, num_items))


def _columns(
    predicted: NDArray[np.intp], gram: Floats, by_item: sparse.csr_array, *, l1: float, l2: float
) -> sparse.coo_array:
    """Return the weights of some items as columns of an otherwise empty matrix. [n, n]"""
    rows = np.arange(len(predicted))
    pulls = gram[predicted]  # [c, n]
    pulls[rows, predicted] = -np.inf
    let_in = np.empty((len(predicted), 0), np.intp)  # [c, k]
    found = np.empty((len(predicted), 0), np.float32)
    left, solution = pulls, _rows(let_in, found, num_columns=len(gram))
    is_first, is_exact = True, False
    for _ in range(MAX_LOOKS):
        num_pulling = int((left > l1 + TOLERANCE).sum(axis=1).max())
        if not num_pulling and (is_exact or is_first):
            break
        # Nearly solved will do until nobody else pulls.
        is_exact = not num_pulling
        let_in, found = _without_zeros(let_in, found)
        more = min(num_pulling, FIRST_OTHERS if is_first else MORE_OTHERS)
        is_first = False
        new = np.argpartition(-left, max(more - 1, 0), axis=1)[:, :more]
        # Where fewer pull than elsewhere, some are let in that may not be.
        new = np.where(np.take_along_axis(left, new, axis=1) > l1, new, NOBODY)
        let_in = np.concatenate([let_in, new], axis=1)
        found = np.pad(found, ((0, 0), (0, more)))
        found = _solve(let_in, predicted, gram, start=found, l1=l1, l2=l2, is_exact=is_exact)
        solution = _rows(let_in, found, num_columns=len(gram))
        explained = sparse.csr_array(solution @ by_item).toarray()  # [c, U]
        left = pulls - np.asarray(by_item @ explained.T, np.float32).T
        left[np.repeat(rows, np.diff(solution.indptr)), solution.indices] = -np.inf
    own = solution.tocoo()
    return sparse.coo_array((own.data, (own.col, predicted[own.row])), shape=gram.shape)


def _without_zeros(let_in: NDArray[np.intp], found: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Put those with a weight first, and leave out columns that have none. [c, k] each"""
    order = np.argsort(found <= 0, axis=1, kind="stable")
    kept = order[:, : int((found > 0).sum(axis=1).max(initial=0))]
    found = np.take_along_axis(found, kept, axis=1)
    return np.where(found > 0, np.take_along_axis(let_in, kept, axis=1), NOBODY), found


def _rows(let_in: NDArray[np.intp], found: Floats, *, num_columns: int) -> sparse.csr_array:
    """Return the weights as rows of a sparse matrix. [c, n]"""
    places, columns = np.nonzero(found > 0)
    values = (found[places, columns], (places, let_in[places, columns]))
    return sparse.csr_array(values, shape=(len(found), num_columns))


def _solve(
    let_in: NDArray[np.intp],
    predicted: NDArray[np.intp],
    gram: Floats,
    *,
    start: Floats,
    l1: float,
    l2: float,
    is_exact: bool,
) -> Floats:
    """Return the weights of the items let in. [c, k]"""
    grams = gram[let_in[:, :, None], let_in[:, None, :]]  # [c, k, k]
    grams[:, np.arange(let_in.shape[1]), np.arange(let_in.shape[1])] += l2
    right = gram[predicted[:, None], let_in]  # [c, k]
    # Below 0, so that it gets no weight.
    right[let_in == NOBODY] = -1.0
    found = elastic_net(
        torch.from_numpy(grams), torch.from_numpy(right), l1=torch.full((len(right),), l1),
        start=torch.from_numpy(start), is_positive=True, tolerance=TOLERANCE / 5,
        max_rounds=MAX_ROUNDS if is_exact else FEW_ROUNDS,
    )  # fmt: skip
    return np.asarray(found.numpy())
