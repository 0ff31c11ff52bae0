"""How sure the numbers are: intervals over end users, and a paired test between two algorithms.

Legend: b end users, d different values among them, r repetitions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NUM_RESAMPLES = 2_000
NUM_FLIPS = 10_000
# Cells drawn at a time: 32 MB.
BLOCK_CELLS = 4_000_000


def bootstrap_interval(
    values: NDArray[np.float64], *, seed: int, share: float = 0.95
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean over users.

    Users are drawn with replacement, as often as there are. Users with equal values are drawn together,
    which is the same distribution and hundreds of times faster with one target each.

    Args:
        values: one number per user. [b], b >= 1

    Returns:
        The lower and upper end; the mean lies between them.
    """
    assert len(values), "an interval needs a user"
    random = np.random.default_rng(seed)
    distinct, counts = np.unique(values, return_counts=True)  # [d]
    means = np.concatenate(
        [
            random.multinomial(len(values), counts / len(values), size) @ distinct / len(values)
            for size in _sizes(NUM_RESAMPLES, width=len(distinct))
        ]
    )
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    mean = float(values.mean())
    return min(float(low), mean), max(float(high), mean)


def paired_p_value(
    values: NDArray[np.float64], baseline: NDArray[np.float64], *, seed: int
) -> float:
    """Return the two-sided p-value of a sign-flip permutation test on the users' differences.

    If neither were better, each user's difference could as well have the other sign: the p-value is the
    share of 10,000 random sign patterns (the one seen included) whose mean is at least as far from 0.

    Args:
        values, baseline: of the same users in the same order. [b]

    Returns:
        From 1 / 10,001 to 1; 1 where no user differs.
    """
    assert values.shape == baseline.shape, "the same users, please"
    differences = values - baseline
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)  # [d]
    if not len(sizes):
        return 1.0
    random = np.random.default_rng(seed)
    seen = abs(differences.sum())
    as_far = 0
    for size in _sizes(NUM_FLIPS, width=len(sizes)):
        positive = random.binomial(counts, 0.5, (size, len(sizes)))  # [r, d]
        sums = (2 * positive - counts) @ sizes  # [r]
        as_far += int((np.abs(sums) >= seen - 1e-9).sum())
    return (as_far + 1) / (NUM_FLIPS + 1)


def _sizes(total: int, *, width: int) -> list[int]:
    """Cut `total` repetitions into blocks that fit in memory."""
    size = max(1, min(total, BLOCK_CELLS // width))
    return [min(size, total - first) for first in range(0, total, size)]
