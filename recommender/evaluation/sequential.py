"""Comparing variants on people's outcomes so that anybody may look at any time.

A test that is planned for one look and looked at daily calls a difference where there is none five times as often
as it says. The intervals and p-values here hold at all looks together: confidence sequences by Robbins' normal
mixture (Robbins, 1970; Johari, Koomen, Pekelis and Walsh, "Peeking at A/B tests", 2017), in the asymptotic form of
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas ("Time-uniform central limit theory and asymptotic confidence
sequences", 2021), which asks for no law of the outcomes.

The unit is the person, because variants are given to people: all items and days of one person are one outcome
(c, n), such as clicks and impressions, or conversions and 1. A variant's value is R = sum c / sum n. What is
estimated is log R of the variant less log R of the control, its variance by the delta method over people. With
I = 1 / variance (the information) and the estimate d, the score I x d moves like a Brownian motion at time I: people
who come add independent steps, and further events of people who are there already add steps that go with what
these did before. Such steps make looks more alike than those of a Brownian motion, so its bound holds for them as
well (Slepian's inequality). Tried on simulated clicks in `evaluation.simulated_clicks`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

# Sums over fewer people who did something are not yet nearly normal, and nothing is said of them.
MIN_ACTIVE = 50
POWER = 0.8

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the people of one variant; all that a comparison needs.

    Attributes:
        people: who were shown something
        active: those with an outcome other than 0
        n: of denominators, such as impressions; the number of people for means
        c: of numerators, such as clicks
        nn, cc, nc: of squares and products
        x, xx, xn, xc: likewise of what is known of each person from before (x), for `compare` to take out
    """

    people: float
    active: float
    n: float
    c: float
    nn: float
    cc: float
    nc: float
    x: float = 0.0
    xx: float = 0.0
    xn: float = 0.0
    xc: float = 0.0

    @property
    def value(self) -> float | None:
        """The variant's value R, None where nobody has a denominator."""
        return self.c / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against its control: the lift R / R of control - 1, between `low` and `high` at all looks.

    Attributes:
        p_value: always valid: the chance that it ever gets this small without a difference is at most itself
        information: 1 / variance of the log ratio
    """

    effect: float
    low: float
    high: float
    p_value: float
    information: float


def sums_of(n: Array, c: Array, x: Array | None = None) -> Sums:
    """Return the sums of people's outcomes, arrays of one value a person."""
    before = np.zeros_like(n) if x is None else x
    pairs = ((n, n), (c, c), (n, c), (before, before), (before, n), (before, c))
    nn, cc, nc, xx, xn, xc = (float(np.dot(one, other)) for one, other in pairs)
    return Sums(
        people=len(n), active=int(np.count_nonzero(c)), n=float(n.sum()), c=float(c.sum()), nn=nn, cc=cc,
        nc=nc, x=float(before.sum()), xx=xx, xn=xn, xc=xc,
    )  # fmt: skip


def compare(
    control: Sums, variant: Sums, *, least_lift: float, alpha: float = 0.05, num_variants: int = 1
) -> Comparison | None:
    """Compare a variant with the control; None where there are too few outcomes to say anything.

    What is known of people from before they took part is taken out by one regression over both (Deng, Xu,
    Kohavi and Walker, "Improving the sensitivity of online controlled experiments by utilizing pre-experiment
    data", 2013).

    Args:
        least_lift: the smallest change that matters: intervals are narrowest where such a change is found. It
            must not be chosen by the outcomes.
        alpha: how often at most any of the variants' intervals ever misses the truth.
        num_variants: beside the control; alpha is shared among them (Bonferroni).
    """
    if min(control.active, variant.active) < MIN_ACTIVE or min(control.c, variant.c) <= 0:
        return None
    slope = _slope(control, variant)
    difference = math.log(variant.c / variant.n) - math.log(control.c / control.n)
    difference -= slope * (variant.x / variant.people - control.x / control.people)
    variance = _variance(control, slope) + _variance(variant, slope)
    if variance <= 0:
        return None
    low, high = interval(difference, variance, scale=_scale(least_lift), alpha=alpha / num_variants)
    p_value = always_valid_p(difference, variance, scale=_scale(least_lift))
    return Comparison(
        effect=math.expm1(difference),
        low=math.expm1(low),
        high=math.expm1(min(high, 700.0)),
        p_value=min(1.0, num_variants * p_value),
        information=1.0 / variance,
    )


def interval(
    estimate: float, variance: float, *, scale: float, alpha: float
) -> tuple[float, float]:
    """Return low and high of an estimate, which hold at all looks together with probability 1 - alpha.

    Args:
        variance: of the estimate at this look.
        scale: of the effects for which the interval is to be narrow, in the estimate's unit.
    """
    width = float(bound(1.0 / variance, scale=scale, alpha=alpha)) * math.sqrt(variance)
    return estimate - width, estimate + width


def bound(information: float | Array, *, scale: float, alpha: float) -> Array:
    """Return how many standard errors an estimate may lie from the truth at this information."""
    prior = 1.0 / scale**2
    grown = (information + prior) / prior
    found: Array = np.sqrt((1 + prior / information) * (np.log(grown) - 2 * math.log(alpha)))
    return found


def always_valid_p(estimate: float, variance: float, *, scale: float) -> float:
    """Return the p-value of no effect, 0 to 1: one over the likelihood ratio mixed over effects N(0, scale^2)."""
    information, prior = 1.0 / variance, 1.0 / scale**2
    score = information * estimate
    log_ratio = 0.5 * math.log(prior / (information + prior))
    log_ratio += score**2 / (2 * (information + prior))
    return math.exp(-max(log_ratio, 0.0))


def needed_information(lift: float, *, least_lift: float, alpha: float = 0.05) -> float:
    """Return at what information four in five experiments with a lift like this have found it."""
    # Half a second of whoever starts, most of whom never ask for this.
    from scipy import optimize  # noqa: PLC0415

    log_lift = abs(math.log1p(lift))
    power = float(special.ndtri(POWER))

    def lacks(log_information: float) -> float:
        information = math.exp(log_information)
        reached = log_lift * math.sqrt(information)
        return reached - float(bound(information, scale=_scale(least_lift), alpha=alpha)) - power

    return math.exp(optimize.brentq(lacks, -40.0, 80.0))


def information_per_person(sums: Sums) -> float | None:
    """Return what one person of a variant adds to 1 / variance of log R; None where nothing can be said."""
    if sums.people < 2 or sums.c <= 0:
        return None
    variance = _variance(sums, 0.0)
    return 1.0 / (variance * sums.people) if variance > 0 else None


def preference(sums: Sums, *, scale: float, alpha: float = 0.05) -> Comparison | None:
    """Compare two interleaved lists: c is B's credit less A's, n both; the effect is sum c / sum n, -1 to 1.

    0 is no preference. None where there are too few people with a credit.
    """
    if sums.active < MIN_ACTIVE or sums.n <= 0:
        return None
    share = sums.c / sums.n
    squares = sums.cc - 2 * share * sums.nc + share**2 * sums.nn
    variance = squares / sums.n**2 * sums.people / (sums.people - 1)
    if variance <= 0:
        return None
    low, high = interval(share, variance, scale=scale, alpha=alpha)
    return Comparison(
        share, max(low, -1.0), min(high, 1.0), always_valid_p(share, variance, scale=scale), 1 / variance
    )  # fmt: skip


def _scale(least_lift: float) -> float:
    return math.log1p(least_lift)


def _slope(control: Sums, variant: Sums) -> float:
    """Return by how much log R moves with the mean of x: one slope for both, from within each."""
    common, spread = 0.0, 0.0
    for sums in (control, variant):
        centred = sums.xc - sums.c / sums.n * sums.xn  # the mean of c - R n is 0
        common += centred * sums.people / sums.c
        spread += sums.xx - sums.x**2 / sums.people
    return common / spread if spread > 1e-12 else 0.0


def _variance(sums: Sums, slope: float) -> float:
    """Return the variance of a variant's log R less slope x mean of x."""
    ratio, people = sums.c / sums.n, sums.people
    squares = (sums.cc - 2 * ratio * sums.nc + ratio**2 * sums.nn) / sums.c**2
    if slope:
        with_x = (sums.xc - ratio * sums.xn) / (sums.c * people)
        of_x = (sums.xx - sums.x**2 / people) / people**2
        squares += slope**2 * of_x - 2 * slope * with_x
    return squares * people / (people - 1)
