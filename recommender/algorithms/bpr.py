"""BPR: vectors such that what somebody chose scores above what he did not (Rendle et al., UAI 2009).

A pair is a choice and an item drawn from all choices, so that popular items are drawn more often, as the library
`implicit` does it; pairs in which both were chosen are left out. Each moves both vectors and biases by learning rate ·
σ(-difference) · slope, and all towards 0 by λ; pairs of a batch move them at the same time. An end user who is asked
for is solved for with the items fixed, against other items drawn once: the loss is convex, so nobody has to be known to
the fit.

Legend: b end users, E choices, N items, n of the fit, d width, B pairs of a batch, J items drawn to ask with.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits, matrices
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity

Floats = NDArray[np.float32]
BATCH = 512
# Other items that an end user's choices are held against when he is asked for, and steps of it.
ASKED_AGAINST, ASKED_STEPS = 48, 25
# Cells of choices and other items at a time: 2 MB of float32, which caches hold.
BLOCK_CELLS = 500_000


@dataclass(frozen=True)
class BPRSettings:
    """How the vectors are found.

    Attributes:
        width: numbers in a vector, 1 or more.
        learning_rate: above 0.
        regularisation: λ, above 0.
        num_passes: how often as many pairs are drawn as there are choices.
        half_life: how many events of an end user ago a choice counts half as much as the last one when
            he is asked for; None: all count alike, as published.
    """

    width: int = 64
    learning_rate: float = 0.05
    regularisation: float = 0.01
    num_passes: int = 40
    half_life: float | None = 5.0


@dataclass(frozen=True)
class FittedBPR:
    """Vectors and biases of the items.

    Attributes:
        items: the fitted catalogue, indices into the log's. [n]
        vectors: [n, d]
        biases: [n]
        drawn: items that choices are held against, indices into `items`. [J]
        popularity: [N]
    """

    items: NDArray[np.intp]
    vectors: Floats
    biases: Floats
    drawn: NDArray[np.int64]
    settings: BPRSettings
    popularity: Floats
    shared_seconds: float = 0.0

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> Floats:
        chosen = matrices.choices_of(histories, users=users, half_life=self.settings.half_life)
        chosen = chosen[:, self.items]  # [b, n]
        scores = np.full((len(users), histories.num_items), -np.inf, np.float32)  # [b, N]
        for rows in _blocks(np.diff(chosen.indptr), most=BLOCK_CELLS // len(self.drawn)):
            own = self.people(chosen[rows.start : rows.stop])
            scores[rows.start : rows.stop, self.items] = own @ self.vectors.T + self.biases
        has_history = np.diff(chosen.indptr) > 0
        answer_strangers(scores, has_history=has_history, popularity=self.popularity)
        return scores

    def people(self, chosen: sparse.csr_array) -> Floats:
        """Return vectors at which the loss of their choices against `drawn` is least. [b, n] -> [b, d]

        By Nesterov's gradient steps; a stored value is what a choice counts among the end user's own.
        """
        lengths = np.diff(chosen.indptr)
        rows = torch.from_numpy(np.repeat(np.arange(chosen.shape[0]), lengths))
        counts = torch.from_numpy(chosen.data)  # [E]
        totals = torch.zeros(len(lengths)).index_add_(0, rows, counts)
        shares = counts / totals[rows] / len(self.drawn)
        picked = torch.from_numpy(chosen.indices.astype(np.int64))
        vectors, biases = torch.from_numpy(self.vectors), torch.from_numpy(self.biases)
        mine, others = vectors[picked], vectors[self.drawn]  # [E, d], [J, d]
        # What was chosen is no other item.
        is_other = torch.from_numpy(chosen[:, self.drawn].toarray() == 0)  # [b, J]
        offsets = biases[picked][:, None] - biases[self.drawn]  # [E, J]
        weights = shares[:, None] * is_other[rows]  # [E, J]
        curve = 0.25 * (2 * vectors.norm(dim=1).max()) ** 2 + self.settings.regularisation
        own = before = vectors.new_zeros(len(lengths), vectors.shape[1])
        for step in range(ASKED_STEPS):
            ahead = own + step / (step + 3) * (own - before)
            at_choice = (ahead[rows] * mine).sum(1)  # [E]
            pull = torch.sigmoid((ahead @ others.T)[rows] - at_choice[:, None] - offsets) * weights
            slope = torch.zeros_like(own).index_add_(0, rows, pull.sum(1, keepdim=True) * mine)
            pushed = pull.new_zeros(len(lengths), pull.shape[1]).index_add_(0, rows, pull)
            slope -= pushed @ others + self.settings.regularisation * ahead
            own, before = ahead + slope / curve, own
        return np.asarray(own.numpy())


@dataclass(frozen=True)
class _Last:
    """The last fit: settings that differ in the half-life alone share it."""

    log: InteractionLog
    seed: int
    fitted: FittedBPR
    seconds: float

    def fits(self, settings: BPRSettings) -> bool:
        return replace(self.fitted.settings, half_life=settings.half_life) == settings


class BPR:
    """Matrix factorisation by pairs of what was chosen and what was not."""

    name = "bpr"
    is_baseline = True
    reads_order = True
    shares_fits = True

    def __init__(self) -> None:
        self._last: _Last | None = None

    def grid(self) -> Sequence[BPRSettings]:
        return tuple(BPRSettings(half_life=half_life) for half_life in (5.0, 2.0, None))

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: BPRSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedBPR:
        last, began = self._last, time.perf_counter()
        if last and last.log is log and last.seed == seed and last.fits(settings):
            return replace(last.fitted, settings=settings, shared_seconds=last.seconds)
        _check(settings)
        chosen, items = matrices.compact(matrices.choices(log))  # [U, n]
        if not chosen.nnz:
            raise CannotFit("There are no events to learn from: bpr needs at least one.")
        random = np.random.default_rng(seed)
        pairs = Pairs.of(chosen)
        sides = Sides.drawn(chosen.shape, width=settings.width, random=random)
        for number in range(1, settings.num_passes + 1):
            for users, better, worse in pairs.batches(random):
                sides.step(users, better, worse, settings=settings)
            if report:
                report(f"pass {number}", number / settings.num_passes)
            if budget_seconds and time.perf_counter() - began > budget_seconds:
                break
        vectors = sides.items.numpy()
        drawn = pairs.items[random.integers(0, len(pairs.items), ASKED_AGAINST)]
        fitted = FittedBPR(
            items, vectors[:, :-1].copy(), vectors[:, -1].copy(), drawn, settings, popularity(log)
        )
        self._last = _Last(log, seed, fitted, time.perf_counter() - began)
        return fitted


@dataclass(frozen=True)
class Pairs:
    """Choices to draw from. users: [E]; items: [E]; keys: both as one number, ascending. [E]"""

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    keys: NDArray[np.int64]
    num_items: int

    @classmethod
    def of(cls, chosen: sparse.csr_array) -> Pairs:
        users = np.repeat(np.arange(chosen.shape[0]), np.diff(chosen.indptr))
        items = chosen.indices.astype(np.int64)
        return cls(users, items, np.sort(users * chosen.shape[1] + items), chosen.shape[1])

    def batches(self, random: np.random.Generator) -> list[tuple[torch.Tensor, ...]]:
        """Return end users, chosen and other items of as many pairs as there are choices. [B] each"""
        size = len(self.users)
        choice = random.integers(0, size, size)
        users, better = self.users[choice], self.items[choice]
        worse = self.items[random.integers(0, size, size)]
        wanted = users * self.num_items + worse
        places = np.minimum(np.searchsorted(self.keys, wanted), size - 1)
        is_other = self.keys[places] != wanted
        parts = (torch.from_numpy(part[is_other]) for part in (users, better, worse))
        return list(zip(*(part.split(BATCH) for part in parts), strict=True))  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Sides:
    """Vectors, a last number beside them: 1 for people, the bias for items. [U, d + 1], [n, d + 1]"""

    people: torch.Tensor
    items: torch.Tensor

    @classmethod
    def drawn(cls, shape: tuple[int, int], *, width: int, random: np.random.Generator) -> Sides:
        people, items = (
            torch.from_numpy(((random.random((size, width + 1)) - 0.5) / width).astype(np.float32))
            for size in shape
        )
        people[:, -1], items[:, -1] = 1, 0
        return cls(people, items)

    def step(
        self,
        users: torch.Tensor,
        better: torch.Tensor,
        worse: torch.Tensor,
        *,
        settings: BPRSettings,
    ) -> None:
        """Move both sides by one batch of pairs. [B] each"""
        own, liked, other = self.people[users], self.items[better], self.items[worse]
        difference = liked - other  # [B, d + 1]
        pull = torch.sigmoid(-(own * difference).sum(1))[:, None]
        held, rate = settings.regularisation, settings.learning_rate
        move = pull * difference - held * own
        move[:, -1] = 0
        both = torch.cat([pull * own - held * liked, -pull * own - held * other])
        self.people.index_add_(0, users, move, alpha=rate)
        self.items.index_add_(0, torch.cat([better, worse]), both, alpha=rate)


def _blocks(lengths: NDArray[np.integer], *, most: int) -> list[range]:
    """Return ranges of rows that have together about `most` choices, at least one row each."""
    numbers = np.cumsum(lengths) // most
    edges = np.flatnonzero(np.diff(numbers)) + 1
    starts = [0, *edges.tolist(), len(lengths)]
    return [range(a, b) for a, b in pairwise(starts) if b > a]


def _check(settings: BPRSettings) -> None:
    limits.insist("bpr", settings, half_life=limits.ABOVE_0)
    if settings.width < 1 or settings.num_passes < 1:
        raise CannotFit("bpr needs a width and a number of passes of at least 1.")
    if settings.learning_rate <= 0 or settings.regularisation <= 0:
        raise CannotFit("bpr needs a learning rate and a regularisation above 0.")
