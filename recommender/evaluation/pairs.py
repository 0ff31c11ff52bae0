"""How any two of many algorithms differ over the same end users: all pairs at once, by products of matrices.

Legend: b end users, A algorithms, g groups of users with equal values, r repetitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.significance import NUM_FLIPS, NUM_RESAMPLES

# Cells drawn at a time: 32 MB.
BLOCK_CELLS = 4_000_000
# Sums that differ by less are equal: they are sums of the same numbers in another order.
EQUAL = 1e-9


@dataclass(frozen=True)
class Pair:
    """Two algorithms: by how much the first is ahead, the 95 % interval of that, and a paired test."""

    first: str
    second: str
    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class _Groups:
    """Users with equal values count together, which is the same and faster.

    Attributes:
        values: each algorithm's values less the first one's: only differences matter. [g, A]
        counts: users of each group. [g]
    """

    values: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def num_users(self) -> int:
        return int(self.counts.sum())


def compare_all(values: Mapping[str, NDArray[np.float64]], *, seed: int) -> list[Pair]:
    """Return every pair of algorithms once, in the order in which they are given.

    The test is that of `significance.paired_p_value`: if neither were better, each user's difference could
    as well have the other sign. One pattern of signs serves all pairs, for the sums of differences are
    differences of sums: r x b signs times b x A values instead of A (A - 1) / 2 tests. The interval is
    the percentile bootstrap over users, drawn once for all pairs likewise.

    Args:
        values: name -> one number for each of the same users, in the same order. [b], b >= 1
    """
    names = list(values)
    if len(names) < 2:
        return []
    groups = _groups(np.stack([values[name] for name in names], axis=1))
    random = np.random.default_rng(seed)
    flipped = _flipped_sums(groups, random)  # [r, A]
    means = _resampled_means(groups, random)  # [r, A]
    sums = groups.counts @ groups.values  # [A]
    found = []
    for one in range(len(names) - 1):
        rest = slice(one + 1, None)
        seen = sums[one] - sums[rest]
        as_far = np.abs(flipped[:, one, None] - flipped[:, rest]) >= np.abs(seen) - EQUAL
        p_values = (as_far.sum(axis=0) + 1) / (NUM_FLIPS + 1)
        ends = np.quantile(means[:, one, None] - means[:, rest], [0.025, 0.975], axis=0)
        for place, other in enumerate(names[rest]):
            mean = float(seen[place] / groups.num_users)
            low, high = min(float(ends[0, place]), mean), max(float(ends[1, place]), mean)
            found.append(Pair(names[one], other, mean, low, high, float(p_values[place])))
    return found


def _groups(values: NDArray[np.float64]) -> _Groups:
    """Put users together who differ in nothing. values: [b, A]"""
    assert len(values), "a comparison needs a user"
    distinct, counts = np.unique(values - values[:, :1], axis=0, return_counts=True)
    return _Groups(distinct, counts)


def _flipped_sums(groups: _Groups, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the algorithms' sums over users whose differences had their signs drawn. [r, A]"""
    differs = groups.values.any(axis=1)
    values, counts = groups.values[differs], groups.counts[differs]
    found = np.zeros((NUM_FLIPS, values.shape[1]))
    for block in _blocks(len(counts), width=NUM_FLIPS):
        several = counts[block] > 1
        # How many of a group's users keep their sign; nearly all groups are one user.
        kept = random.integers(0, 2, (NUM_FLIPS, len(several)), np.int8).astype(np.float64)
        if several.any():
            size = (NUM_FLIPS, int(several.sum()))
            kept[:, several] = random.binomial(counts[block][several], 0.5, size)
        found += kept @ values[block]
    return 2 * found - counts @ values


def _resampled_means(groups: _Groups, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the algorithms' means over users drawn with replacement, as often as there are. [r, A]"""
    found = np.zeros((NUM_RESAMPLES, groups.values.shape[1]))
    left = np.full(NUM_RESAMPLES, groups.num_users)
    users_left = groups.num_users
    for block in _blocks(len(groups.counts), width=NUM_RESAMPLES):
        counts = groups.counts[block]
        # The last cell is for all users of later blocks.
        shares = np.append(counts, users_left - counts.sum()) / users_left
        drawn = random.multinomial(left, shares)  # [r, g of the block + 1]
        found += drawn[:, :-1] @ groups.values[block]
        left, users_left = drawn[:, -1], users_left - int(counts.sum())
    return found / groups.num_users


def _blocks(total: int, *, width: int) -> list[slice]:
    size = max(1, BLOCK_CELLS // width)
    return [slice(first, min(first + size, total)) for first in range(0, total, size)]
