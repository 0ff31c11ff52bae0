"""Ratios of two sums over people, such as clicks by items seen, with intervals that know of people.

What one person does with one item says something of what they do with the next, so items are no sample: people
are. The variance of a ratio of means follows by the delta method (Deng, Knoblich & Lu, "Applying the Delta Method
in Metric Analytics", KDD 2018, section 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# The normal quantile of 95 %.
Z = 1.959964
# With fewer people the variance between them is hardly known, and neither is that their mean is nearly normal.
LEAST_PEOPLE = 30


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over people of what a ratio has below (x) and above (y), their squares and products.

    Attributes:
        num: people with something below
    """

    num: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio; without an interval where there are fewer than 30 people or none has anything above."""

    value: float
    low: float | None = None
    high: float | None = None
    standard_error: float | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The difference of two ratios; `is_sure`: its 95 % interval does not hold 0, None: not known."""

    difference: float
    half_width: float | None
    is_sure: bool | None


def ratio(sums: Sums, *, most: float = math.inf) -> Ratio | None:
    """Return y by x with its 95 % interval over people, None where x is 0.

    Args:
        most: what the ratio cannot pass, 1 for a share; the interval is cut there and at 0.
    """
    if sums.x <= 0:
        return None
    value = sums.y / sums.x
    if sums.num < LEAST_PEOPLE or sums.y == 0:
        return Ratio(value)
    mean_x, mean_y = sums.x / sums.num, sums.y / sums.num
    freedom = sums.num - 1
    var_x = (sums.xx - sums.num * mean_x**2) / freedom
    var_y = (sums.yy - sums.num * mean_y**2) / freedom
    cov = (sums.xy - sums.num * mean_x * mean_y) / freedom
    variance = (var_y - 2 * value * cov + value**2 * var_x) / (sums.num * mean_x**2)
    error = math.sqrt(max(variance, 0.0))
    low, high = max(value - Z * error, 0.0), min(value + Z * error, most)
    return Ratio(value, min(low, value), max(high, value), error)


def change(now: tuple[float, float | None], before: tuple[float, float | None]) -> Change:
    """Return how one ratio differs from another, each given with half the width of its interval.

    The same people are often in both, which makes the difference surer than it is called here.
    """
    difference = now[0] - before[0]
    if now[1] is None or before[1] is None:
        return Change(difference, None, None)
    half = math.hypot(now[1], before[1])
    return Change(difference, half, abs(difference) > half)
