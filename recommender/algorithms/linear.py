"""EASE: each item predicted from all others by ridge regression, in closed form (Steck, WWW 2019).

With G = XᵀX and P = (G + λI)⁻¹ the weights are B = I - P · diag(1 / P), so that scores are
x B = x - (x P) / diag(P). Where there are fewer end users than items, P is worked out from the smaller
side: P = (I - Xᵀ M X) / λ with M = (X Xᵀ + λI)⁻¹, which is the same numbers in a fraction of the time.

Legend: b end users, U of the fit, N items; X [U, N] is 1 where an end user chose an item.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from interests.learning import devices
from recommender.algorithms import limits, matrices
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity

# The full matrix of this many items is 1.6 GB, and its inverse takes minutes: the most that is sensible.
MAX_ITEMS = 20_000


@dataclass(frozen=True)
class EaseSettings:
    """How much the weights are held back.

    Attributes:
        regularisation: λ, above 0: added to each item's number of end users.
        half_life: how many events of an end user ago a choice counts half as much as the last one when
            he is asked for; None: all count alike, as published.
    """

    regularisation: float = 200.0
    half_life: float | None = None


@dataclass(frozen=True)
class ItemSide:
    """P itself, for a catalogue smaller than the audience; columns are fitted items. [n, n]"""

    inverse: NDArray[np.float32]

    def diagonal(self) -> NDArray[np.float32]:
        return np.diag(self.inverse)

    def project(self, chosen: sparse.csr_array) -> NDArray[np.float32]:
        return np.asarray(chosen @ self.inverse)  # [b, n]


@dataclass(frozen=True)
class UserSide:
    """P through M, for an audience smaller than the catalogue. X: [U, n], M X: [U, n]"""

    chosen: sparse.csr_array
    weighted: NDArray[np.float32]
    regularisation: float

    def diagonal(self) -> NDArray[np.float32]:
        of_both = self.chosen.multiply(self.weighted).sum(axis=0)  # [n]
        return np.asarray((1 - of_both) / self.regularisation, np.float32)

    def project(self, chosen: sparse.csr_array) -> NDArray[np.float32]:
        alike = (chosen @ self.chosen.T).toarray()  # [b, U]
        projected = (chosen.toarray() - alike @ self.weighted) / self.regularisation
        return np.asarray(projected, np.float32)  # [b, n]


@dataclass(frozen=True)
class FittedEase:
    """Fitted weights. `items`: the fitted catalogue, indices into the log's. [n]; `popularity`: [N]"""

    items: NDArray[np.intp]
    side: ItemSide | UserSide
    diagonal: NDArray[np.float32]
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
        scores[:, self.items] = chosen.toarray() - self.side.project(chosen) / self.diagonal
        has_history = np.diff(chosen.indptr) > 0
        answer_strangers(scores, has_history=has_history, popularity=self.popularity)
        return scores


@dataclass(frozen=True)
class _Last:
    """The last fit while somebody holds it: those that differ in the half-life alone share its matrix."""

    log: InteractionLog
    regularisation: float
    fitted: weakref.ref[FittedEase]
    seconds: float


class Ease:
    """A linear autoencoder over items."""

    name = "ease"
    is_baseline = True

    def __init__(self) -> None:
        self._last: _Last | None = None

    def grid(self) -> Sequence[EaseSettings]:
        return tuple(EaseSettings(value) for value in (200.0, 50.0, 500.0, 1000.0))

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: EaseSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedEase:
        limits.insist(self.name, settings, half_life=limits.ABOVE_0)
        regularisation, half_life = settings.regularisation, settings.half_life
        last = self._last
        if last and last.log is log and last.regularisation == regularisation:
            known = last.fitted()
            if known:
                fitted = replace(known, half_life=half_life, shared_seconds=last.seconds)
                self._last = replace(last, fitted=weakref.ref(fitted))
                return fitted
        began = time.perf_counter()
        fitted = replace(_solve(log, regularisation), half_life=half_life)
        seconds = time.perf_counter() - began
        self._last = _Last(log, regularisation, weakref.ref(fitted), seconds)
        return fitted


class RecentEase(Ease):
    """The same weights, asked with a history in which the last choices count most."""

    name = "recent_ease"
    reads_order = True

    def grid(self) -> Sequence[EaseSettings]:
        # In this order each λ is solved once.
        return tuple(
            EaseSettings(value, half_life)
            for value in (200.0, 500.0, 50.0)
            for half_life in (2.0, 5.0, 20.0)
        )


def _solve(log: InteractionLog, regularisation: float) -> FittedEase:
    chosen, items = matrices.compact(matrices.choices(log))
    num_users, num_items = chosen.shape
    _insist_on_size(num_users, num_items)
    if num_items < num_users:
        inverse = _ridge_inverse(chosen.T.tocsr(), regularisation)
        side: ItemSide | UserSide = ItemSide(inverse)
    else:
        weights = _ridge_inverse(chosen, regularisation)  # [U, U]
        side = UserSide(chosen, np.asarray(weights @ chosen), regularisation)
    return FittedEase(items, side, side.diagonal(), popularity(log))


def _insist_on_size(num_users: int, num_items: int) -> None:
    if not num_items:
        raise CannotFit("There are no events to learn from: ease needs at least one.")
    if num_items * min(num_items, num_users) > MAX_ITEMS**2:
        raise CannotFit(
            f"ease needs a full matrix, and {num_items:,} items of {num_users:,} end users are too "
            f"many for it: {MAX_ITEMS:,} items fit. Leave it out, or evaluate on a part of the data."
        )


def _ridge_inverse(rows: sparse.csr_array, regularisation: float) -> NDArray[np.float32]:
    """Return (rows rowsᵀ + λI)⁻¹ by Cholesky, at most two full matrices in memory. [side, side]"""
    # torch's LAPACK takes 0.6 of the time of scipy's, and works on a GPU where there is one.
    gram = torch.from_numpy((rows @ rows.T).toarray()).to(devices.best())
    gram.diagonal().add_(regularisation)
    failed = gram.new_empty((), dtype=torch.int32)
    torch.linalg.cholesky_ex(gram, out=(gram, failed))
    if failed:
        raise CannotFit(f"ease has no solution for λ = {regularisation:g}: choose a larger one.")
    inverse = torch.cholesky_inverse(gram, out=gram).cpu().numpy()
    # Symmetric, so turning it round changes nothing but its order in memory, in which products with
    # sparse rows need no copy of it.
    return inverse if inverse.flags.c_contiguous else np.asarray(inverse.T)
