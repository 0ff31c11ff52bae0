"""What a population wants over time, and whether that moved by more than its own noise.

People, not events, are what chance draws: one person's events hang together. A share is a ratio of sums over
people, so its variance is that of a sum of one term for each person, own part less share times own events
(Cochran, "Sampling Techniques", 1977, chapter 9A: cluster samples). All of it follows from sums of products
over people: these are added up block by block, and memory does not grow with the population.

Legend: U end users of a block, S segments, T periods, C categories.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

# What a period is held against: so many periods before it, a quarter of weeks or a year of months.
NUM_BEFORE = 12
# Of the noise of independent events: people who all act alike by chance must not look certain.
MIN_NOISE = 0.5
# Two-sided, of the intervals.
LEVEL = 0.95
# Beyond this a normal probability is no number any more.
LARGEST = 37.0

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """What each segment did in each period; all 0 (`high` 1) where it did nothing.

    Attributes:
        shares: of the segment's events, 0 to 1, over categories they sum to 1. [S, T, C]
        low, high: 95 % interval, end users being drawn anew, 0 to 1. [S, T, C]
        significances: change against the periods before in standard normal units; 0: too few people to
            say. [S, T, C]
        num_events: float: each event counts once in all. [S, T]
        num_end_users: with events in the period. [S, T]
    """

    shares: Numbers
    low: Numbers
    high: Numbers
    significances: Numbers
    num_events: Numbers
    num_end_users: Numbers


class Tally:
    """Sums over end users, added up block by block, from which shares and their noise follow."""

    def __init__(self, *, num_segments: int, num_periods: int, num_categories: int) -> None:
        wide = (num_segments, num_periods, num_categories)
        # "n": own events of the category, "m": of all, "b" and "M" the same in the periods before.
        self._wide = {name: np.zeros(wide) for name in ("n", "nn", "nm", "bb", "bM", "nb", "nM", "mb")}  # fmt: skip
        self._narrow = {name: np.zeros(wide[:2]) for name in ("m", "mm", "MM", "mM", "people")}

    def add(self, parts: Numbers, *, members: sparse.csr_array) -> None:
        """Add the events of more end users.

        Args:
            parts: of each end user's events in each period, how many fall to each category; an event may
                be shared among several. [U, T, C]
            members: 1 where an end user belongs to a segment. [S, U]
        """
        n, m = parts, parts.sum(2)
        b, before = _periods_before(n), _periods_before(m)
        wide = {
            "n": n, "nn": n * n, "nm": n * m[:, :, None], "bb": b * b, "bM": b * before[:, :, None],
            "nb": n * b, "nM": n * before[:, :, None], "mb": b * m[:, :, None],
        }  # fmt: skip
        narrow = {"m": m, "mm": m * m, "MM": before**2, "mM": m * before, "people": m > 0}
        for sums, values in ((self._wide, wide), (self._narrow, narrow)):
            for name, value in values.items():
                flat = value.reshape(len(value), -1).astype(np.float64)
                sums[name] += (members @ flat).reshape(sums[name].shape)

    def shares(self) -> Shares:
        """Return the shares of what was added so far with their noise."""
        num_events = self._narrow["m"]
        now = _ratio(self._wide["n"], num_events[:, :, None])
        variance = self._variance(now)
        low, high = _intervals(
            now, variance, num_events, _effective(num_events, self._narrow["mm"])
        )
        return Shares(
            shares=now,
            low=low,
            high=high,
            significances=self._significances(now, variance),
            num_events=num_events,
            num_end_users=self._narrow["people"],
        )

    def _variance(self, now: Numbers) -> Numbers:
        sums = (
            self._wide["nn"] - 2 * now * self._wide["nm"] + now**2 * self._narrow["mm"][:, :, None]
        )
        return _ratio(sums, (self._narrow["m"] ** 2)[:, :, None])

    def _significances(self, now: Numbers, variance: Numbers) -> Numbers:
        """Compare each period with those before it; Student's t with as many people as there were in effect."""
        wide, narrow = self._wide, {name: value[:, :, None] for name, value in self._narrow.items()}
        num_now = narrow["m"]
        num_before = _periods_before(num_now)
        before = _ratio(_periods_before(wide["n"]), num_before)
        of_before = wide["bb"] - 2 * before * wide["bM"] + before**2 * narrow["MM"]
        shared = wide["nb"] - before * wide["nM"] - now * wide["mb"] + now * before * narrow["mM"]
        clustered = (
            variance + _ratio(of_before, num_before**2) - 2 * _ratio(shared, num_now * num_before)
        )
        people = np.minimum(_effective(num_now, narrow["mm"]), _effective(num_before, narrow["MM"]))
        clustered *= _small_sample(people)
        pooled = _ratio(num_now * now + num_before * before, num_now + num_before)
        independent = pooled * (1 - pooled) * (_ratio(1.0, num_now) + _ratio(1.0, num_before))
        noise = np.sqrt(np.maximum(clustered, MIN_NOISE**2 * independent))
        is_known = (noise > 0) & (people >= 2)
        ratio = np.where(is_known, (now - before) / np.where(noise > 0, noise, 1), 0.0)
        return _standard(ratio, freedom=np.maximum(people - 1, 1))


def q_values(p_values: Numbers) -> Numbers:
    """Return for each test the share of false ones in the list that ends with it, 0 to 1.

    Benjamini and Hochberg, "Controlling the false discovery rate", 1995: keep those whose value is at most
    5 % and on average at most 5 % of the kept ones are false.

    Args:
        p_values: in any order, 0 to 1. [U]
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    raw = p_values[order] * count / np.arange(1, count + 1)
    q_of_order = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    found = np.empty(count)
    found[order] = q_of_order
    return found


def p_values_of_scores(scores: Numbers) -> Numbers:
    """Return how often chance alone takes a drift score at least this far in one look. [U]"""
    found: Numbers = special.ndtr(-scores)
    return found


def moved(before: Numbers, after: Numbers) -> Numbers:
    """Return how much weight went from each category to each, summed over end users; their sum is U. [C, C]

    Of all ways to turn one person's weights into the others, these move the least: what a category keeps stays
    (the diagonal), and only what it loses, half the sum of absolute differences in all, goes to those that
    gain. Where it goes the weights do not say; each gainer takes of each loser in proportion, which is the
    way of largest entropy.

    Args:
        before: weights of each end user, rows sum to 1. [U, C]
        after: the same later. [U, C]
    """
    change = after - before
    lost, gained = np.maximum(-change, 0.0), np.maximum(change, 0.0)
    in_all = lost.sum(1, keepdims=True)
    flows: Numbers = _ratio(lost, in_all).T @ gained
    return flows + np.diag(np.minimum(before, after).sum(0))


def thirds(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return to which third of the people each belongs by a count: 0 few, 1 some, 2 many; equals together. [U]"""
    if not len(counts):
        return np.zeros(0, np.int64)
    return np.searchsorted(np.quantile(counts, [1 / 3, 2 / 3]), counts, side="left")


def _periods_before(values: Numbers) -> Numbers:
    """Return the sum over the periods before each, along axis 1."""
    sums = np.cumsum(values, axis=1)
    before = np.zeros_like(sums)
    before[:, 1:] = sums[:, :-1]
    if values.shape[1] > NUM_BEFORE:
        before[:, NUM_BEFORE + 1 :] -= sums[:, : -NUM_BEFORE - 1]
    return before


def _effective(totals: Numbers, squares: Numbers) -> Numbers:
    """Return how many people with equally many events would weigh as much (Kish, 1965)."""
    return _ratio(totals**2, squares)


def _small_sample(people: Numbers) -> Numbers:
    found: Numbers = np.where(people >= 2, people / np.maximum(people - 1, 1), 2.0)
    return found


def _intervals(
    now: Numbers, variance: Numbers, num_events: Numbers, people: Numbers
) -> tuple[Numbers, Numbers]:
    """Return Wilson's interval for as many independent events as would be as uncertain.

    After Korn and Graubard, "Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data", 1998; a share of 0 counts one event for each person.
    """
    people, num_events = people[:, :, None], num_events[:, :, None]
    spread = now * (1 - now)
    effective = np.where(
        (spread > 0) & (variance > 0), _ratio(spread, variance * _small_sample(people)), people
    )
    effective = np.minimum(effective, num_events)
    critical = special.stdtrit(np.maximum(people - 1, 1), (1 + LEVEL) / 2).astype(np.float64)
    weight = _ratio(critical**2, effective)
    middle = (now + weight / 2) / (1 + weight)
    half = np.sqrt(_ratio(spread, effective) * critical**2 + weight**2 / 4) / (1 + weight)
    is_known = (effective > 0) & (people >= 2 - 1e-9)
    # Rounding must not push a share out of its own interval.
    low = np.where(is_known, np.clip(np.minimum(middle - half, now), 0, 1), 0.0)
    high = np.where(is_known, np.clip(np.maximum(middle + half, now), 0, 1), 1.0)
    return low, high


def _standard(ratio: Numbers, *, freedom: Numbers) -> Numbers:
    """Return the normal quantile as rare as a value of Student's t."""
    tail = np.maximum(special.stdtr(freedom, -np.abs(ratio)), 1e-300)
    found: Numbers = np.where(
        ratio == 0, 0.0, np.sign(ratio) * np.minimum(-special.ndtri(tail), LARGEST)
    )
    return found


def _ratio(part: Numbers | float, whole: Numbers) -> Numbers:
    """Divide, 0 where there is nothing to divide by."""
    found: Numbers = np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 0.0)
    return found
