"""Neighbourhoods in which time counts: choices made close to each other, and choices made of late.

Time is counted in events of the end user, not in days: one may rate a hundred films in an evening, another
ten in a year, and what lies between two choices is in both cases other choices.

Items are alike by the end users who chose both, each pair counting half as much for every half-life of events
between the two (Ding and Li, Time weight collaborative filtering, CIKM 2005, with the weight on the pair as in
Xia et al., PRICAI 2010). End users are alike by choices that fade with the events since (Ludewig and Jannach,
Evaluation of session-based recommendation algorithms, UMUAI 2018, there V-SKNN).

Legend: b end users, U of the fit, N items, E events that are not negative.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits, matrices
from recommender.algorithms.nearest import UserKNN
from recommender.algorithms.neighbours import Neighbours, pruned
from recommender.algorithms.protocol import CannotFit, Report, popularity

# A pair further apart than this many half-lives counts less than one in fifty, and is left out.
MOST_HALF_LIVES = 6


@dataclass(frozen=True)
class DecayedSettings:
    """How fast choices fade.

    Attributes:
        pair_half_life: how many events further apart two choices count half as much as a pair. Above 0.
        half_life: how many events of an end user ago a choice counts half as much as the last one, when
            he is asked for; None: all count alike.
        num_neighbours: similar items kept for each item; 1 or more.
        shrinkage: added to the denominator: pulls similarities that rest on few pairs towards 0.
    """

    pair_half_life: float = 2.0
    half_life: float | None = 1.0
    num_neighbours: int = 200
    shrinkage: float = 10.0


@dataclass(frozen=True)
class _Paired:
    """The similarities of a log, kept while only the half-life of who asks changes."""

    log: InteractionLog
    key: tuple[float, int, float]
    similarities: sparse.csr_array
    seconds: float


class ItemKNNDecayed:
    """Items chosen shortly before or after each other by the same people."""

    name = "item_knn_decayed"
    is_baseline = True
    reads_order = True

    def __init__(self) -> None:
        self._last: _Paired | None = None

    def grid(self) -> Sequence[DecayedSettings]:
        return tuple(
            DecayedSettings(pair_half_life, half_life)
            for pair_half_life in (2.0, 8.0)
            for half_life in (1.0, 3.0, None)
        )

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: DecayedSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Neighbours:
        limits.insist(self.name, settings, half_life=limits.ABOVE_0)
        _check(log, settings)
        key = (settings.pair_half_life, settings.num_neighbours, settings.shrinkage)
        last, shared_seconds = self._last, 0.0
        if last and last.log is log and last.key == key:
            shared_seconds = last.seconds
        else:
            began = time.perf_counter()
            last = _Paired(log, key, _similarities(log, settings), time.perf_counter() - began)
            self._last = last
        return Neighbours(last.similarities, popularity(log), settings.half_life, shared_seconds)


class UserKNNDecayed(UserKNN):
    """What those choose who once chose what the end user chose of late."""

    name = "user_knn_decayed"
    sizes = ((50, 0.0), (100, 0.0))
    uses = ((2.0, 0.3), (1.0, 0.3), (4.0, 0.3), (2.0, 0.5))


def pairs(log: InteractionLog, *, half_life: float) -> sparse.csr_array:
    """Return how often two items were chosen by one end user, pairs next to each other counting 1. [N, N]

    Args:
        half_life: how many further events apart a pair counts half as much.
    """
    chosen = np.flatnonzero(~log.is_negative)
    items, users = log.items[chosen], log.users[chosen]
    shape = (log.num_items, log.num_items)
    found = sparse.csr_array(shape, dtype=np.float32)
    for apart in range(1, int(np.ceil(MOST_HALF_LIVES * half_life)) + 1):
        is_pair = users[apart:] == users[:-apart]
        first, second = items[:-apart][is_pair], items[apart:][is_pair]
        weights = np.full(len(first), 0.5 ** ((apart - 1) / half_life), np.float32)
        found = found + sparse.csr_array((weights, (first, second)), shape=shape)
    return sparse.csr_array(found + found.T)


def _similarities(log: InteractionLog, settings: DecayedSettings) -> sparse.csr_array:
    counts = np.bincount(matrices.choices(log).indices, minlength=log.num_items)
    lengths = np.sqrt(counts).astype(np.float32)
    found = pairs(log, half_life=settings.pair_half_life)
    rows = np.repeat(np.arange(log.num_items), np.diff(found.indptr))
    found.data /= lengths[rows] * lengths[found.indices] + np.float32(settings.shrinkage)
    found.data[found.indices == rows] = 0
    return pruned(found, num_neighbours=settings.num_neighbours)


def _check(log: InteractionLog, settings: DecayedSettings) -> None:
    if log.is_negative.all():
        raise CannotFit("There are no events to pair: item_knn_decayed needs at least one.")
    if settings.pair_half_life <= 0 or settings.num_neighbours < 1 or settings.shrinkage < 0:
        raise CannotFit(
            "item_knn_decayed needs a half-life above 0, at least 1 neighbour and a shrinkage of 0 or more."
        )
