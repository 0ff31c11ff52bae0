"""Matrix factorisation of ratings by stochastic gradient descent, with L1 and L2 (Koren, Bell, Volinsky, IEEE Computer 2009).

Each rating, in an order drawn anew for every pass, moves its biases and vectors by learning rate · (error · other side -
λ2 x - λ1 sign x); ratings of one batch move them at the same time. With every rating some unrated items are drawn, which
count as low ratings, see `opinions`; none as published. An end user who is asked for is solved for exactly: the same loss
with the items fixed, so nobody has to be known to the fit.

Legend: b end users, U of the fit, N items, n of the fit, d width, B ratings of a batch.
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
from recommender.algorithms.descent import elastic_net
from recommender.algorithms.opinions import Floats, Opinions
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers

FIRST_SCALE = 0.1
# Ratings of a batch: with little data fewer, or one side would move by too many of its ratings at once.
MOST_BATCH, LEAST_BATCH, BATCHES = 512, 16, 64


@dataclass(frozen=True)
class BiasedMFSettings:
    """How the vectors are found.

    Attributes:
        width: numbers in a vector, 1 or more.
        l2: λ2, above 0: pull of each step towards 0, in proportion.
        l1: λ1, 0 or more: pull of each step towards 0, the same for all sizes.
        unrated: how many unrated items are drawn with each rating, 0 as published; where nobody rates at least 1.
        unrated_weight: what each of them counts beside a rating, 0 to 1.
        learning_rate: of the first pass; it falls to a tenth of it.
        num_passes: how often all ratings are seen.
    """

    width: int = 32
    l2: float = 0.05
    l1: float = 0.0
    unrated: int = 4
    unrated_weight: float = 0.2
    learning_rate: float = 0.03
    num_passes: int = 10


@dataclass(frozen=True)
class FittedBiasedMF:
    """Vectors and biases of the items. vectors: [n, d]; biases: [n]"""

    opinions: Opinions
    vectors: Floats
    biases: Floats
    settings: BiasedMFSettings

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> Floats:
        """Return predicted ratings."""
        said = self.opinions.of(histories, users=users)  # [b, n]
        scores = np.full((len(users), histories.num_items), -np.inf, np.float32)  # [b, N]
        step = reading.block_rows(self.vectors.shape[1] + 1)
        for first in range(0, len(users), step):
            own = self._people(said[first : first + step])  # [b, d + 1]
            above = own[:, :-1] @ self.vectors.T + own[:, -1:] + self.biases
            scores[first : first + step, self.opinions.items] = above + self.opinions.mean
        answer_strangers(
            scores, has_history=np.diff(said.indptr) > 0, popularity=self.opinions.popularity
        )
        return scores

    def _people(self, said: sparse.csr_array) -> Floats:
        """Return vectors and, last, biases of end users: what the steps of the fit would come to. [b, d + 1]"""
        lengths = np.diff(said.indptr).astype(np.float32)
        drawn, weight = _drawn(self.settings, self.opinions)
        # What is drawn with h ratings, spread over all items.
        weights = np.minimum(drawn * weight * lengths / len(self.biases), 1).astype(np.float32)
        grams, right = reading.systems(
            said,
            features=np.column_stack([self.vectors, np.ones_like(self.biases)]),
            bases=self.biases,
            unrated=self.opinions.unrated,
            weights=weights,
        )
        steps = np.maximum(lengths * (1 + drawn * weight), 1)  # [b]
        diagonal = np.arange(grams.shape[1])
        grams[:, diagonal, diagonal] += self.settings.l2 * steps[:, None]
        if not self.settings.l1:
            lower = torch.linalg.cholesky(torch.from_numpy(grams))
            found = torch.cholesky_solve(torch.from_numpy(right)[:, :, None], lower)[:, :, 0]
        else:
            l1 = torch.from_numpy(self.settings.l1 * steps.astype(np.float32))
            found = elastic_net(torch.from_numpy(grams), torch.from_numpy(right), l1=l1)
        return np.asarray(found.numpy())


class BiasedMF:
    """Biases and vectors of people and items, by gradient steps."""

    name = "biased_mf"
    is_baseline = True
    reads_order = True

    def grid(self) -> Sequence[BiasedMFSettings]:
        return (
            BiasedMFSettings(),
            BiasedMFSettings(l1=0.001),
            BiasedMFSettings(unrated=0, l2=0.1),
        )

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: BiasedMFSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedBiasedMF:
        began = time.perf_counter()
        _check(settings)
        opinions, said = reading.read(log, name=self.name)
        random = np.random.default_rng(seed)
        sides = _Sides.drawn(said.shape, width=settings.width, random=random)
        for number in range(1, settings.num_passes + 1):
            cells = _cells_of_a_pass(said, opinions=opinions, settings=settings, random=random)
            done = (number - 1) / max(settings.num_passes - 1, 1)
            size = min(max(len(cells[0]) // BATCHES, LEAST_BATCH), MOST_BATCH)
            for batch in zip(*(part.split(size) for part in cells), strict=True):  # type: ignore[no-untyped-call]
                sides.step(*batch, rate=settings.learning_rate * 0.1**done, settings=settings)
            if report:
                report(f"pass {number}", number / settings.num_passes)
            if budget_seconds and time.perf_counter() - began > budget_seconds:
                break
        vectors = sides.items[:, :-2].numpy().copy()
        return FittedBiasedMF(opinions, vectors, sides.items[:, -1].numpy().copy(), settings)


@dataclass(frozen=True)
class _Sides:
    """Rows of vector and bias, each with the 1 that the other's bias is multiplied by, so that a prediction
    is one product. people: [U, d + 2], bias and 1 last; items: [n, d + 2], 1 and bias last"""

    people: torch.Tensor
    items: torch.Tensor

    @classmethod
    def drawn(cls, shape: tuple[int, int], *, width: int, random: np.random.Generator) -> _Sides:
        people, items = (
            torch.from_numpy(random.normal(0, FIRST_SCALE, (size, width + 2)).astype(np.float32))
            for size in shape
        )
        people[:, -2], people[:, -1] = 0, 1
        items[:, -2], items[:, -1] = 1, 0
        return cls(people, items)

    def step(
        self,
        users: torch.Tensor,
        items: torch.Tensor,
        told: torch.Tensor,
        counts: torch.Tensor,
        *,
        rate: float,
        settings: BiasedMFSettings,
    ) -> None:
        """Move both sides by one batch; `counts` is what each cell weighs. All [B]"""
        own, other = self.people[users], self.items[items]  # [B, d + 2]
        scaled = (told - (own * other).sum(1))[:, None] * counts[:, None]
        for side, rows, mine, theirs, constant in (
            (self.people, users, own, other, -1),
            (self.items, items, other, own, -2),
        ):
            pull = settings.l2 * mine + settings.l1 * mine.sign()
            move = scaled * theirs - counts[:, None] * pull
            move[:, constant] = 0
            side.index_add_(0, rows, move, alpha=rate)


def _drawn(settings: BiasedMFSettings, opinions: Opinions) -> tuple[int, float]:
    """Return how many unrated items are drawn with each rating, and what each counts."""
    if opinions.must_count_unrated and settings.unrated * settings.unrated_weight == 0:
        return 1, 1.0
    return settings.unrated, settings.unrated_weight


def _cells_of_a_pass(
    said: sparse.csr_array,
    *,
    opinions: Opinions,
    settings: BiasedMFSettings,
    random: np.random.Generator,
) -> list[torch.Tensor]:
    """Return end users, items, targets and weights of all ratings and what is drawn with them, shuffled."""
    rated = np.repeat(np.arange(said.shape[0]), np.diff(said.indptr))
    num_drawn, weight = _drawn(settings, opinions)
    users = np.repeat(rated, num_drawn)
    drawn = random.integers(0, said.shape[1], len(users))
    # Keys ascend, so one search tells who drew what he rated.
    keys = np.sort(rated * said.shape[1] + said.indices)
    wanted = users * said.shape[1] + drawn
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    is_unrated = keys[places] != wanted
    users, drawn = users[is_unrated], drawn[is_unrated]
    order = random.permutation(len(rated) + len(users))
    parts = (
        np.concatenate([rated, users]),
        np.concatenate([said.indices.astype(np.int64), drawn]),
        np.concatenate([said.data, np.full(len(users), opinions.unrated, np.float32)]),
        np.concatenate([np.ones(len(rated), np.float32), np.full(len(users), weight, np.float32)]),
    )
    return [torch.from_numpy(part[order]) for part in parts]


def _check(settings: BiasedMFSettings) -> None:
    if settings.width < 1 or settings.num_passes < 1:
        raise CannotFit("biased_mf needs a width and a number of passes of at least 1.")
    if settings.l2 <= 0 or settings.l1 < 0 or settings.learning_rate <= 0:
        raise CannotFit("biased_mf needs l2 and a learning rate above 0, and an l1 of at least 0.")
    if settings.unrated < 0 or not 0 <= settings.unrated_weight <= 1:
        raise CannotFit("biased_mf cannot draw fewer than 0 unrated items; each weighs 0 to 1.")
