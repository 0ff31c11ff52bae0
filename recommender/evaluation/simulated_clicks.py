"""Experiments on simulated people, many at once: does the test call a difference where there is none, and find one?

Worse than a textbook's clicks in the ways that real ones are: people differ in how often they come and how readily
they click, days and items of the day move everybody's rate together, most people come again, and more of them come
every day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from recommender.evaluation import sequential
from recommender.evaluation.sequential import Sums

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
ITEMS_PER_VISIT = 10
RUNS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class World:
    """What the simulated people are like.

    Attributes:
        people: in one experiment, over all of its days
        days: looks, one a day
        growth: how many times more people come first on the last day than on the first
        click_rate: mean clicks per item seen
        rate_spread: standard deviation of people's own click rates over their mean
        visits_per_day: mean over people, who differ as in a gamma law of shape 0.7
        day_spread: of the factor that a day and its items put on everybody's clicks
        list_spread: of the factor that all items of one person's day share
        once: count whether somebody has clicked yet instead: conversions that happen once
    """

    people: int = 2_000
    days: int = 35
    growth: float = 3.0
    click_rate: float = 0.04
    rate_spread: float = 0.8
    visits_per_day: float = 0.4
    day_spread: float = 0.15
    list_spread: float = 0.5
    once: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found over all runs.

    Attributes:
        runs: experiments
        found: how many called a difference at any of their looks
        found_naive: by a t-test looked at daily
        found_once: by a t-test at the last day alone
        days: of those that called one, on which day each did, counted from 1
        missed: how many had the truth outside their interval at any look
    """

    runs: int
    found: int
    found_naive: int
    found_once: int
    days: Array
    missed: int

    @property
    def rate(self) -> float:
        """The share of runs that called a difference."""
        return self.found / self.runs

    @property
    def naive_rate(self) -> float:
        """The share that a daily t-test would have called."""
        return self.found_naive / self.runs


def try_out(
    world: World,
    *,
    lift: float,
    runs: int,
    seed: int,
    least_lift: float = 0.05,
    alpha: float = 0.05,
) -> Outcome:
    """Run experiments of two equal variants, the second with a lift on everybody's clicks.

    Args:
        lift: 0 for A/A.
    """
    rng = np.random.default_rng(seed)
    naive_z = float(special.ndtri(1 - alpha / 2))
    called: list[Flags] = []
    naive: list[Flags] = []
    once: list[Flags] = []
    missed: list[Flags] = []
    for start in range(0, runs, RUNS_AT_ONCE):
        estimate, variance = _log_ratios(world, lift, min(RUNS_AT_ONCE, runs - start), rng)
        error = np.sqrt(variance)
        allowed = sequential.bound(1 / variance, scale=np.log1p(least_lift), alpha=alpha) * error
        # Where too few did anything the variance is infinite and nothing is called.
        called.append(np.abs(estimate) > allowed)
        naive.append(_ever(np.abs(estimate) > naive_z * error))
        once.append(_ever(np.abs(estimate[-1:]) > naive_z * error[-1:]))
        missed.append(_ever(np.abs(estimate - np.log1p(lift)) > allowed))
    every = np.concatenate(called, axis=1)
    is_found = _ever(every)
    return Outcome(
        runs=runs,
        found=int(is_found.sum()),
        found_naive=int(np.concatenate(naive).sum()),
        found_once=int(np.concatenate(once).sum()),
        days=every.argmax(axis=0)[is_found] + 1.0,
        missed=int(np.concatenate(missed).sum()),
    )


def _ever(flags: Flags) -> Flags:
    """Return of each run whether a flag [days, runs] was up on any day."""
    found: Flags = np.logical_or.reduce(flags, axis=0)
    return found


def _log_ratios(
    world: World, lift: float, runs: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return estimate and variance of the log ratio, both [days, runs]."""
    is_second = rng.random((runs, world.people)) < 0.5
    estimates, variances = [], []
    for n, c in _days(world, lift, is_second, rng):
        both = [_sums(n, c, chosen) for chosen in (~is_second, is_second)]
        estimate = np.zeros(runs)
        variance = np.zeros(runs)
        for sign, sums in zip((-1, 1), both, strict=True):
            with np.errstate(divide="ignore", invalid="ignore"):
                estimate += sign * np.log(sums.c / sums.n)
                variance += sequential._variance(sums, 0.0)
        few = np.minimum(both[0].active, both[1].active) < sequential.MIN_ACTIVE
        estimates.append(np.where(few, 0.0, estimate))
        variances.append(np.where(few, 1e6, variance))
    return np.array(estimates), np.array(variances)


def _days(
    world: World, lift: float, is_second: Flags, rng: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Yield each evening everybody's denominators and numerators so far, [runs, people]."""
    shape = is_second.shape
    growing = np.linspace(1.0, world.growth, world.days)
    first_day = rng.choice(world.days, size=shape, p=growing / growing.sum())
    per_day = rng.gamma(0.7, world.visits_per_day / 0.7, size=shape)
    readiness = 1 / world.rate_spread**2
    rate = rng.gamma(readiness, world.click_rate / readiness, size=shape)
    rate *= np.where(is_second, 1 + lift, 1.0)
    n, c = np.zeros(shape), np.zeros(shape)
    for day in range(world.days):
        of_day = rng.lognormal(-(world.day_spread**2) / 2, world.day_spread, size=(shape[0], 1))
        visits = rng.poisson(per_day) * (first_day <= day) + (first_day == day)
        run, person = np.nonzero(visits)
        seen = ITEMS_PER_VISIT * visits[run, person]
        of_list = rng.lognormal(-(world.list_spread**2) / 2, world.list_spread, size=len(run))
        clicks = rng.poisson(seen * rate[run, person] * of_day[run, 0] * of_list)
        n[run, person] += seen
        c[run, person] += clicks
        if world.once:
            yield (first_day <= day).astype(np.float64), (c > 0).astype(np.float64)
        else:
            yield n, c


def _sums(n: Array, c: Array, chosen: Flags) -> Sums:
    """Return the sums of the chosen people who were there, each an array over runs."""
    n, c = n * chosen, c * chosen

    def total(values: Array) -> Array:
        found: Array = values.sum(axis=1)
        return found

    return Sums(
        people=total(n > 0), active=total(c > 0), n=total(n), c=total(c),  # type: ignore[arg-type]  # many at once
        nn=total(n * n), cc=total(c * c), nc=total(n * c),  # type: ignore[arg-type]
    )  # fmt: skip
