"""How far a person's recent interest lies from their usual one, in units of their own sampling noise.

The recent interest r is the mean of a person's event shares weighted by a memory of 20 events; the usual
one, u, is weighted by what that memory has lost. So d = r - u is a weighted sum of the events, and under
no change its covariance is V S: S that of one event's shares, V the sum of squared weights, with
the part of events in one session that repeat each other added. The statistic T = sum of d_c^2 / (p_c + 1/20)
is Pearson's chi-square with rare categories damped. Its mean V tr(DS) and variance 2 V^2 tr(DSDS) give a
scaled chi-square (Satterthwaite, "An approximate distribution of estimates of variance components",
1946), and its cube root (Wilson and Hilferty, 1931) a score of mean 0 and standard deviation 1 while nothing
changes. Looking after every event finds a score above 3 sooner or later: this is a measure, not an alarm.

Legend: L length of a history, M moments at which it is looked at, C categories, G groups of categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# Below this the recent twenty have too little beside them.
MIN_EVENTS = 30
MEMORY_EVENTS = 20
# A rising category is new to somebody who gave it less than this share of what came before twice the memory.
NEW_BELOW = 0.01
KEPT = 1 - 1 / MEMORY_EVENTS
# Everybody's interests count as this many events when a person's usual spread is worked out.
PSEUDO_COUNT = 4.0
# Covariances of more categories than this cost more than they tell: the rarest share one group.
MAX_GROUPS = 48
# |z| of one category that may rise or fall by chance in one look at 20 categories in twenty.
SIGNIFICANT = 3.0


class History(Protocol):
    """One end user's events in order: what the scores need of them."""

    @property
    def shares(self) -> NDArray[np.float64]:
        """How each event is shared among categories. [L, C]"""

    @property
    def sessions(self) -> NDArray[np.int32]:
        """The number of the event's session, not falling. [L]"""

    @property
    def is_negative(self) -> NDArray[np.bool_]:
        """Whether the event is left out. [L]"""


@dataclass(frozen=True)
class DriftScores:
    """What one history looked like at several moments.

    Attributes:
        scores: mean 0, standard deviation 1 while nothing changes; NaN: too few events. [M]
        differences: recent share less usual share of each category. [M, C]
        significances: the same in units of its own noise; 0 where too few events. [M, C]
    """

    scores: NDArray[np.float64]
    differences: NDArray[np.float64]
    significances: NDArray[np.float64]

    def at(self, moment: int) -> DriftScores:
        """Return one of the moments alone."""
        own = slice(moment, moment + 1)
        return DriftScores(self.scores[own], self.differences[own], self.significances[own])

    def rising(self, moment: int) -> list[int]:
        """Return the categories that rose by more than noise, the surest first."""
        z = self.significances[moment]
        return [int(c) for c in np.argsort(-z, kind="stable") if z[c] > SIGNIFICANT]

    def falling(self, moment: int) -> list[int]:
        """Return the categories that fell by more than noise, the surest first."""
        z = self.significances[moment]
        return [int(c) for c in np.argsort(z, kind="stable") if z[c] < -SIGNIFICANT]


def drift_scores(
    history: History,
    *,
    after: Sequence[int] | NDArray[np.integer],
    population: NDArray[np.float64],
    session_correlation: float,
) -> DriftScores:
    """Return how far the recent lies from the usual after so many events; negative events are left out.

    Args:
        history: of one end user.
        after: numbers of events, ascending, each from 0 to the length. [M]
        population: mean interests, sums to 1. [C]
        session_correlation: of two events of one session, 0 to 1 (`session_correlation`).
    """
    is_kept = ~history.is_negative
    ends = np.concatenate([[0], np.cumsum(is_kept)])[np.asarray(after, int)]  # [M]
    shares, sessions = history.shares[is_kept], history.sessions[is_kept]
    moments, num_categories = len(ends), len(population)
    result = DriftScores(
        scores=np.full(moments, np.nan),
        differences=np.zeros((moments, num_categories)),
        significances=np.zeros((moments, num_categories)),
    )
    enough = np.flatnonzero(ends >= MIN_EVENTS)
    for part in np.array_split(enough, 1 + len(enough) * len(shares) // 2_000_000):
        if not len(part):
            continue
        weights = _contrasts(ends[part], len(shares))  # [M, L]
        noise = _noise(weights, sessions, session_correlation)  # [M]
        variances = _variances(shares, ends[part], population)  # [M, C]
        difference = weights @ shares
        result.differences[part] = difference
        result.significances[part] = difference / np.sqrt(noise[:, None] * variances)
        groups = _groups(population)
        result.scores[part] = _standardised(
            difference @ groups,
            noise,
            *_covariances(shares @ groups, ends[part], population @ groups),
        )
    return result


def latest_scores(
    histories: Sequence[History], *, population: NDArray[np.float64], session_correlation: float
) -> DriftScores:
    """Return what `drift_scores` says of each history after its last event, of all histories at once. [M]

    Args:
        histories: one for each moment of the result.
    """
    kept = [~history.is_negative for history in histories]
    ends = np.array([own.sum() for own in kept], np.int64)
    result = DriftScores(
        scores=np.full(len(ends), np.nan),
        differences=np.zeros((len(ends), len(population))),
        significances=np.zeros((len(ends), len(population))),
    )
    enough = np.flatnonzero(ends >= MIN_EVENTS)
    enough = enough[np.argsort(ends[enough], kind="stable")]  # like lengths together
    numbers = ends[enough].sum() * len(population)
    for part in np.array_split(enough, 1 + numbers // 1_000_000):
        if not len(part):
            continue
        shares = np.zeros((len(part), ends[part].max(), len(population)))
        sessions = np.full(shares.shape[:2], -1)
        for row, place in enumerate(part.tolist()):
            shares[row, : ends[place]] = histories[place].shares[kept[place]]
            sessions[row, : ends[place]] = histories[place].sessions[kept[place]]
        weights = _contrasts(ends[part], shares.shape[1])  # [M, L]
        difference = np.matmul(weights[:, None], shares)[:, 0]
        noise = _noise_of_each(weights, sessions, session_correlation)
        variances = _variances_of_each(shares, ends[part], population)
        result.differences[part] = difference
        result.significances[part] = difference / np.sqrt(noise[:, None] * variances)
        groups = _groups(population)
        result.scores[part] = _standardised(
            difference @ groups,
            noise,
            *_covariances_of_each(shares @ groups, ends[part], population @ groups),
        )
    return result


def _noise_of_each(
    weights: NDArray[np.float64], sessions: NDArray[np.int64], correlation: float
) -> NDArray[np.float64]:
    """Return what `_noise` does where each row has sessions of its own, [M, L] and [M, L] to [M]."""
    starts = np.flatnonzero(np.diff(sessions, axis=1, prepend=-2) != 0)
    of_sessions = np.add.reduceat(weights.ravel(), starts)
    sums = np.bincount(starts // weights.shape[1], of_sessions**2, minlength=len(weights))
    noise: NDArray[np.float64] = (1 - correlation) * (weights**2).sum(1) + correlation * sums
    return noise


def _variances_of_each(
    shares: NDArray[np.float64], ends: NDArray[np.integer], population: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what `_variances` does of histories that are padded with 0, [M, L, C] to [M, C]."""
    total = (ends + PSEUDO_COUNT)[:, None]
    means = (shares.sum(1) + PSEUDO_COUNT * population) / total
    squares = ((shares**2).sum(1) + PSEUDO_COUNT * population) / total
    variances: NDArray[np.float64] = np.maximum(squares - means**2, 1e-6)
    return variances


def _covariances_of_each(
    shares: NDArray[np.float64], ends: NDArray[np.integer], population: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what `_covariances` does of histories that are padded with 0, [M, L, G] to [M, G], [M, G, G]."""
    total = (ends + PSEUDO_COUNT)[:, None]
    means = (shares.sum(1) + PSEUDO_COUNT * population) / total
    products = np.matmul(shares.transpose(0, 2, 1), shares) + PSEUDO_COUNT * np.diag(population)
    covariances = products / total[:, :, None] - means[:, :, None] * means[:, None]
    return means, covariances


def new_to(
    history: History, drift: DriftScores, *, after: Sequence[int] | NDArray[np.integer]
) -> list[list[int]]:
    """Return for each moment the rising categories that were hardly seen before, the surest first. [M]

    Args:
        drift: what `drift_scores` returned for the same moments.
    """
    if not (drift.significances > SIGNIFICANT).any():
        return [[] for _ in after]
    is_kept = ~history.is_negative
    ends = np.concatenate([[0], np.cumsum(is_kept)])[np.asarray(after, int)]
    totals = np.cumsum(history.shares[is_kept], axis=0)
    found = []
    for moment, end in enumerate(ends):
        num_before = int(end) - 2 * MEMORY_EVENTS
        # Without anything before them nobody can say so.
        rising = drift.rising(moment) if num_before > 0 else []
        most = NEW_BELOW * num_before
        found.append([column for column in rising if totals[num_before - 1, column] < most])
    return found


def session_correlation(histories: Sequence[History]) -> float:
    """Return how alike two events of one session are beyond two of neighbouring sessions, 0 to 0.9.

    Neighbouring sessions are subtracted because people who change are alike there, too.
    """
    within = beside = variance = 0.0
    for history in histories:
        shares = history.shares[~history.is_negative]
        sessions = history.sessions[~history.is_negative]
        if len(shares) < MIN_EVENTS:
            continue
        residuals = shares - shares.mean(0)
        starts = np.flatnonzero(np.diff(sessions, prepend=-1))
        sums, sizes = np.add.reduceat(residuals, starts), np.diff(starts, append=len(shares))
        own = (residuals**2).sum()
        pairs, next_pairs = (sizes * (sizes - 1)).sum(), (sizes[1:] * sizes[:-1]).sum()
        if pairs and next_pairs:
            within += ((sums**2).sum() - own) / pairs
            beside += (sums[1:] * sums[:-1]).sum() / next_pairs
            variance += own / len(shares)
    return float(np.clip((within - beside) / variance, 0, 0.9)) if variance else 0.0


def _contrasts(ends: NDArray[np.integer], length: int) -> NDArray[np.float64]:
    """Return the weight of each event in "recent less usual"; rows sum to 0. [M, L]"""
    age = ends[:, None] - 1 - np.arange(length)
    recent = np.where(age >= 0, KEPT ** np.maximum(age, 0), 0.0)
    usual: NDArray[np.float64] = (age >= 0) - recent
    contrast: NDArray[np.float64] = recent / recent.sum(1, keepdims=True)
    contrast -= usual / usual.sum(1, keepdims=True)
    return contrast


def _noise(
    weights: NDArray[np.float64], sessions: NDArray[np.int32], correlation: float
) -> NDArray[np.float64]:
    starts = np.flatnonzero(np.diff(sessions, prepend=-1))
    of_sessions = np.add.reduceat(weights, starts, axis=1)
    noise: NDArray[np.float64] = (1 - correlation) * (weights**2).sum(1)
    noise += correlation * (of_sessions**2).sum(1)
    return noise


def _variances(
    shares: NDArray[np.float64], ends: NDArray[np.integer], population: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the variance of one event's share of each category, up to each moment. [M, C]"""
    total = (ends + PSEUDO_COUNT)[:, None]
    means = (np.cumsum(shares, axis=0)[ends - 1] + PSEUDO_COUNT * population) / total
    squares = (np.cumsum(shares**2, axis=0)[ends - 1] + PSEUDO_COUNT * population) / total
    variances: NDArray[np.float64] = np.maximum(squares - means**2, 1e-6)
    return variances


def _groups(population: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which group each category belongs to, as 0 and 1: itself, or the rarest together. [C, G]"""
    num_categories = len(population)
    if num_categories <= MAX_GROUPS:
        return np.eye(num_categories)
    place = np.empty(num_categories, int)
    place[np.argsort(-population, kind="stable")] = np.arange(num_categories)
    return np.eye(MAX_GROUPS)[np.minimum(place, MAX_GROUPS - 1)]


def _covariances(
    shares: NDArray[np.float64], ends: NDArray[np.integer], population: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean shares [M, G] and the covariance of one event's shares [M, G, G] up to each moment."""
    total = ends + PSEUDO_COUNT
    means = np.cumsum(shares, axis=0)[ends - 1] + PSEUDO_COUNT * population
    means /= total[:, None]
    products = np.empty((len(ends), shares.shape[1], shares.shape[1]))
    running, start = PSEUDO_COUNT * np.diag(population), 0
    for moment, end in enumerate(ends):
        running = running + shares[start:end].T @ shares[start:end]
        products[moment], start = running, end
    covariances = products / total[:, None, None] - means[:, :, None] * means[:, None]
    return means, covariances


def _standardised(
    difference: NDArray[np.float64],
    noise: NDArray[np.float64],
    means: NDArray[np.float64],
    covariances: NDArray[np.float64],
) -> NDArray[np.float64]:
    scale = 1 / (means + 1 / MEMORY_EVENTS)  # D, [M, G]
    statistic = (difference**2 * scale).sum(1)
    scaled = covariances * scale[:, :, None]  # D S, [M, G, G]
    expected = noise * np.trace(scaled, axis1=1, axis2=2)
    variance = 2 * noise**2 * np.einsum("mij,mji->m", scaled, scaled)
    # One category holds everything: nothing can vary, so nothing has changed.
    is_varied = (expected > 1e-9) & (variance > 1e-18)
    freedom = np.where(is_varied, 2 * expected**2 / np.where(is_varied, variance, 1), 1)
    ratio = np.where(is_varied, statistic / np.where(is_varied, expected, 1), 1)
    spread = 2 / (9 * freedom)
    score: NDArray[np.float64] = (np.cbrt(ratio) - (1 - spread)) / np.sqrt(spread)
    return np.where(is_varied, score, 0.0)
