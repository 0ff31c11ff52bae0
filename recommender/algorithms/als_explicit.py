"""ALS of ratings: what people say of items as bias and product of two vectors (Zhou et al., AAIM 2008; Koren 2009).

The error of each rating r - (mean + b_u + b_i + p · q) is squared; what was not rated may count a little as a low
rating (Steck, KDD 2010), see `opinions`. A vector, its bias included, of someone with h ratings among n items is held
back by λ (h + w n)^ν: ν = 1 is that of Zhou et al. With one side fixed, the other has a closed form.

Legend: b end users, N items, n of the fit, m rows to solve for, d width.
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
from recommender.algorithms import opinions as reading
from recommender.algorithms.opinions import Floats, Opinions
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers

# Spread of the first vectors' products.
FIRST_SCALE = 0.1
# What an unrated cell counts at least where nobody rates.
LEAST_UNRATED_WEIGHT = 0.01


@dataclass(frozen=True)
class ALSExplicitSettings:
    """How the vectors are found.

    Attributes:
        width: numbers in a vector, 1 or more.
        regularisation: λ, above 0.
        scaling: ν, 0 to 1: how much more those with many ratings are held back.
        unrated_weight: w, 0 to 1: what a cell that was not rated counts beside a rating; 0 as published.
            Where nobody rates at least 0.01.
        num_passes: how often both sides are solved.
    """

    width: int = 32
    regularisation: float = 0.03
    scaling: float = 1.0
    unrated_weight: float = 0.03
    num_passes: int = 6


@dataclass(frozen=True)
class FittedALSExplicit:
    """Vectors and biases of the items. vectors: [n, d]; biases: [n]"""

    opinions: Opinions
    vectors: Floats
    biases: Floats
    settings: ALSExplicitSettings

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> Floats:
        """Return predicted ratings."""
        said = self.opinions.of(histories, users=users)  # [b, n]
        vectors, biases = _solve(
            said, self.vectors, self.biases, opinions=self.opinions, settings=self.settings
        )
        scores = np.full((len(users), histories.num_items), -np.inf, np.float32)  # [b, N]
        above = vectors @ self.vectors.T + biases[:, None] + self.biases
        scores[:, self.opinions.items] = above + self.opinions.mean
        answer_strangers(
            scores, has_history=np.diff(said.indptr) > 0, popularity=self.opinions.popularity
        )
        return scores


class ALSExplicit:
    """Matrix factorisation of ratings by alternating least squares."""

    name = "als_explicit"
    is_baseline = True
    reads_order = True

    def grid(self) -> Sequence[ALSExplicitSettings]:
        return (
            ALSExplicitSettings(),
            ALSExplicitSettings(regularisation=0.1, unrated_weight=0.01),
            ALSExplicitSettings(regularisation=0.1, unrated_weight=0.0),
        )

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: ALSExplicitSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedALSExplicit:
        began = time.perf_counter()
        _check(settings)
        read, said = reading.read(log, name="als_explicit")
        by_item = said.T.tocsr()
        random = np.random.default_rng(seed)
        spread = FIRST_SCALE / np.sqrt(settings.width)
        vectors = random.normal(0, spread, (len(read.items), settings.width)).astype(np.float32)
        biases = np.zeros(len(read.items), np.float32)
        for number in range(1, settings.num_passes + 1):
            of_users = _solve(said, vectors, biases, opinions=read, settings=settings)
            vectors, biases = _solve(by_item, *of_users, opinions=read, settings=settings)
            if report:
                report(f"pass {number}", number / settings.num_passes)
            if budget_seconds and time.perf_counter() - began > budget_seconds:
                break
        return FittedALSExplicit(read, vectors, biases, settings)


def _solve(
    said: sparse.csr_array,
    vectors: Floats,
    biases: Floats,
    *,
    opinions: Opinions,
    settings: ALSExplicitSettings,
) -> tuple[Floats, Floats]:
    """Return vectors and biases of the rows where those of the columns are fixed. [m, d], [m]"""
    weight = settings.unrated_weight
    if opinions.must_count_unrated:
        weight = max(weight, LEAST_UNRATED_WEIGHT)
    features = np.column_stack([vectors, np.ones_like(biases)])  # [n, d + 1]
    solved = np.zeros((said.shape[0], features.shape[1]), np.float32)
    step = reading.block_rows(features.shape[1])
    for first in range(0, said.shape[0], step):
        some = said[first : first + step]
        grams, right = reading.systems(
            some, features=features, bases=biases, unrated=opinions.unrated,
            weights=np.full(some.shape[0], weight, np.float32),
        )  # fmt: skip
        size = np.diff(some.indptr) + weight * some.shape[1]
        held_back = settings.regularisation * np.maximum(size, 1) ** settings.scaling
        grams[:, np.arange(grams.shape[1]), np.arange(grams.shape[1])] += held_back[:, None]
        lower = torch.linalg.cholesky(torch.from_numpy(grams))
        found = torch.cholesky_solve(torch.from_numpy(right)[:, :, None], lower)
        solved[first : first + step] = found[:, :, 0].numpy()
    return solved[:, :-1], solved[:, -1]


def _check(settings: ALSExplicitSettings) -> None:
    if settings.width < 1 or settings.num_passes < 1:
        raise CannotFit("als_explicit needs a width and a number of passes of at least 1.")
    if settings.regularisation <= 0 or not 0 <= settings.unrated_weight <= 1:
        raise CannotFit("als_explicit needs a regularisation above 0 and a weight from 0 to 1.")
