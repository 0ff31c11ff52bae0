"""Implicit ALS: end users and items as vectors whose product says who chooses what (Hu, Koren, Volinsky, ICDM 2008).

The loss is that of Rendle et al. (RecSys 2022): a choice should score 1, weight 1; every cell of end user and item,
chosen or not, should score 0, weight α; and a vector of someone with h choices among n is held back by
λ (h + α n)^ν. With the vectors V of one side fixed, each of the other has a closed form.

Turned so that α VᵀV = diag(e), the vector of h choices S = V[choices] · diag(e + λ (h + α n)^ν)^-½ is
Sᵀ (S Sᵀ + I)⁻¹ 1, in the same scale: a system of h unknowns instead of d, equal for all of the same h, who are
solved together. Neither loss nor scores change when both sides are turned, so nothing is ever turned back.

Legend: b end users, N items, d width of the vectors, h choices; m rows to solve for, n rows that are fixed.
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
from interests.learning import devices
from recommender.algorithms import matrices
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity

# Cells of the vectors gathered at a time: 64 MB of float32.
BLOCK_CELLS = 16_000_000
# Spread of the first vectors' products, as in the paper; the first solution leaves nothing of it.
FIRST_SCALE = 0.1


@dataclass(frozen=True)
class ALSSettings:
    """How the vectors are found.

    Attributes:
        width: numbers in a vector, 1 or more.
        unobserved_weight: α, above 0: what a cell that was not chosen weighs beside a choice.
        regularisation: λ, above 0.
        scaling: ν, 0 to 1: how much more those with many choices are held back.
        num_passes: how often both sides are solved; twice as many were no better on Amazon Beauty.
    """

    width: int = 256
    unobserved_weight: float = 0.03
    regularisation: float = 0.1
    scaling: float = 0.5
    num_passes: int = 8


@dataclass(frozen=True)
class Side:
    """The vectors of one side, turned so that α VᵀV is diagonal. vectors: [n, d]; diagonal: [d]"""

    vectors: torch.Tensor
    diagonal: torch.Tensor

    @classmethod
    def turned(cls, vectors: torch.Tensor, *, weight: float) -> Side:
        exact = vectors.double()
        diagonal, turn = torch.linalg.eigh(weight * exact.T @ exact)
        return cls((exact @ turn).float(), diagonal.clamp(min=0).float())

    def solve(self, chosen: sparse.csr_array, *, settings: ALSSettings) -> torch.Tensor:
        """Return the vectors of the other side, 0 where nothing was chosen. chosen: [m, n] -> [m, d]"""
        num_fixed, width = self.vectors.shape
        lengths = np.diff(chosen.indptr)
        solved = self.vectors.new_zeros(len(lengths), width)
        for length in np.unique(lengths[lengths > 0]):
            held_back = settings.regularisation * (
                (length + settings.unobserved_weight * num_fixed) ** settings.scaling
            )
            scale = torch.rsqrt(self.diagonal + held_back)  # [d]
            rows = np.flatnonzero(lengths == length)
            step = max(1, BLOCK_CELLS // int(length * max(length, width)))
            for first in range(0, len(rows), step):
                some = rows[first : first + step]
                places = chosen.indptr[some][:, None] + np.arange(length)
                choices = torch.from_numpy(chosen.indices[places].astype(np.int64))  # [m, h]
                picked = self.vectors[choices.to(scale.device)] * scale  # [m, h, d]
                solved[torch.from_numpy(some).to(scale.device)] = _solve_alike(picked) * scale
        return solved


@dataclass(frozen=True)
class FittedALS:
    """Fitted vectors of the items. `items`: which, indices into the log's. [n]; `popularity`: [N]"""

    items: NDArray[np.intp]
    side: Side
    settings: ALSSettings
    popularity: NDArray[np.float32]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        chosen = matrices.choices_of(histories, users=users)[:, self.items]  # [b, n]
        vectors = self.side.solve(chosen, settings=self.settings)  # [b, d]
        scores = np.full((len(users), histories.num_items), -np.inf, np.float32)  # [b, N]
        scores[:, self.items] = (vectors @ self.side.vectors.T).cpu().numpy()
        has_history = np.diff(chosen.indptr) > 0
        answer_strangers(scores, has_history=has_history, popularity=self.popularity)
        return scores


class ALS:
    """Matrix factorisation by alternating least squares over all cells."""

    name = "als"
    is_baseline = True

    def grid(self) -> Sequence[ALSSettings]:
        return (
            ALSSettings(256, unobserved_weight=0.03, regularisation=0.1, scaling=0.5),
            ALSSettings(64, unobserved_weight=0.03, regularisation=0.3, scaling=0.5),
            ALSSettings(256, unobserved_weight=0.003, regularisation=0.01, scaling=1.0),
            ALSSettings(64, unobserved_weight=0.3, regularisation=0.3, scaling=0.5),
        )

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: ALSSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedALS:
        began = time.perf_counter()
        _check(settings)
        chosen, items = matrices.compact(matrices.choices(log))  # [m, n]
        if not chosen.nnz:
            raise CannotFit("There are no events to learn from: als needs at least one.")
        by_item = chosen.T.tocsr()
        first = first_vectors(len(items), width=settings.width, seed=seed)
        vectors = torch.from_numpy(first).to(devices.best())
        weight = settings.unobserved_weight
        for number in range(1, settings.num_passes + 1):
            side = Side.turned(vectors, weight=weight)
            users = Side.turned(side.solve(chosen, settings=settings), weight=weight)
            vectors = users.solve(by_item, settings=settings)
            if report:
                report(f"pass {number}", number / settings.num_passes)
            if budget_seconds and time.perf_counter() - began > budget_seconds:
                break
        return FittedALS(items, Side.turned(vectors, weight=weight), settings, popularity(log))


def first_vectors(num_items: int, *, width: int, seed: int) -> NDArray[np.float32]:
    """Draw the vectors of items with which a fit begins. [n, d]"""
    random = np.random.default_rng(seed)
    spread = FIRST_SCALE / np.sqrt(width)
    return random.normal(0, spread, (num_items, width)).astype(np.float32)


def _solve_alike(picked: torch.Tensor) -> torch.Tensor:
    """Return Sᵀ (S Sᵀ + I)⁻¹ 1 of each S, by the smaller of its two sides. [m, h, d] -> [m, d]"""
    _, length, width = picked.shape
    turned = picked.mT  # [m, d, h]
    if length <= width:
        ones = picked.new_ones(len(picked), length, 1)
        return (turned @ _solve(picked @ turned, ones)).squeeze(2)
    return _solve(turned @ picked, turned.sum(2, keepdim=True)).squeeze(2)


def _solve(grams: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return (grams + I)⁻¹ right. grams: [m, s, s], changed in place; right: [m, s, 1]"""
    grams.diagonal(dim1=1, dim2=2).add_(1)
    return torch.cholesky_solve(right, torch.linalg.cholesky(grams))


def _check(settings: ALSSettings) -> None:
    if settings.width < 1 or settings.num_passes < 1:
        raise CannotFit("als needs a width and a number of passes of at least 1.")
    if settings.unobserved_weight <= 0 or settings.regularisation <= 0:
        raise CannotFit("als needs a weight of what was not chosen and a regularisation above 0.")
