"""Levels of interest: for each category apart, how large its share is, and that it may change at any time.

When an interest changes, mostly one category rises and one falls and the others stay what they were. So each
category has a filter of its own over a grid of shares: after each event a category keeps its level or, with a
small chance, draws a new one from the levels that other people have (a hidden Markov model per category,
Rabiner, "A tutorial on hidden Markov models", 1989). That most people want most categories hardly at all is
learned with it, which no single pseudo-count can say.

Legend: B end users of a batch, U end users, C categories, G levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST, NUM_LEVELS = 0.002, 0.9, 16
# A category's own levels lean on those of all categories by so many people.
PEOPLE = 20.0


def grid() -> NDArray[np.float64]:
    """Return the levels, even in their log-odds. [G]"""
    odds = np.linspace(np.log(LOWEST / (1 - LOWEST)), np.log(HIGHEST / (1 - HIGHEST)), NUM_LEVELS)
    levels: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
    return levels


def log_likelihood(event: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what shares of events say of each level: x log r + (1 - x) log(1 - r). [..., C] to [..., C, G]"""
    levels = grid()
    odds: NDArray[np.float64] = event[..., None] * np.log(levels / (1 - levels))
    odds += np.log1p(-levels)
    return odds


def learn(credits: NDArray[np.float64], *, rounds: int = 20) -> NDArray[np.float64]:
    """Return how common each level of each category is among people, by EM; rows sum to 1. [C, G]

    Args:
        credits: what each person's events are credited to, summed. [U, C]
    """
    num_categories = credits.shape[1]
    totals = credits.sum(1)[:, None, None]
    levels = grid()
    table = credits[..., None] * np.log(levels) + (totals - credits[..., None]) * np.log1p(-levels)
    table = np.exp(table - table.max(2, keepdims=True))  # [U, C, G]
    common = np.full((num_categories, NUM_LEVELS), 1 / NUM_LEVELS)
    for _ in range(rounds if len(credits) else 0):
        posterior = common * table
        found = (posterior / posterior.sum(2, keepdims=True)).sum(0)  # [C, G]
        found += PEOPLE * found.sum(0) / found.sum() + 0.1 / NUM_LEVELS
        common = found / found.sum(1, keepdims=True)
    return common


class Levels:
    """The posterior over the level of each category of several people, [B, C, G]."""

    def __init__(self, common: NDArray[np.float64], *, chance: float, size: int) -> None:
        self._common = common
        self._chance = chance
        self._posterior = np.repeat(common[None], size, axis=0)
        self._levels = grid()

    def keep(self, size: int) -> None:
        """Forget all but the first `size` end users."""
        self._posterior = self._posterior[:size]

    def state(self) -> tuple[NDArray[np.float64], ...]:
        """Return what it holds of each person, each [B, ...]."""
        return (self._posterior,)

    def restore(self, rows: NDArray[np.intp], state: Sequence[NDArray[np.float64]]) -> None:
        """Hold of the people in `rows` what `state` returned."""
        (self._posterior[rows],) = state

    def predictions(self) -> NDArray[np.float64]:
        """Return what is expected next; rows sum to 1, none is 0. [B, C]"""
        means = self._posterior @ self._levels
        shares: NDArray[np.float64] = means / means.sum(1, keepdims=True)
        return shares

    def add(self, seen: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        """Take in one event of each person: likelihoods of the levels [B, C, G], weights [B].

        Events of weight 0 or less say nothing about levels.
        """
        posterior = self._posterior * seen
        posterior *= (1 - self._chance) / posterior.sum(2, keepdims=True)
        posterior += self._chance * self._common
        self._posterior = np.where(weights[:, None, None] > 0, posterior, self._posterior)
