"""What a policy would have brought, told from the logs of another that explored.

Every answer was logged with its reward r and its propensity p, the chance with which the logging policy gave it.
With π the chance with which the policy in question would have given it, w = π / p is its weight, and a mean over
answers is

- IPS: of w r (Horvitz and Thompson, JASA 1952): right on average, but wide where weights are large;
- SNIPS: Σ w r / Σ w (Swaminathan and Joachims, NIPS 2015): narrower, right with many answers;
- doubly robust: of q̄ + w (r - q) with q the reward foretold for the answer and q̄ that foretold for the policy in
  question (Dudík, Langford and Li, ICML 2011): right if either propensities or foretold rewards are, and
  narrower the better these are. They must be told from other answers than those weighed here.

None can say anything of answers that were never given: where π > 0 and p = 0 the estimate is too low, and the mean
weight, which should be 1, says so.

Legend: n answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Normal deviate of a 95 % interval.
WIDTH = 1.959964


class CannotEstimate(Exception):
    """The logs do not allow an estimate; the message says why."""


@dataclass(frozen=True)
class Estimate:
    """A mean reward of an answer.

    Attributes:
        value: the estimate
        low, high: its 95 % interval, by the normal distribution
        variance: of the estimate itself, not of an answer
        mean_weight: 1 but for chance where the logging policy gave every answer that the other gives
        effective: how many answers of the policy itself would tell as much, by the weights (Kish 1965)
    """

    value: float
    low: float
    high: float
    variance: float
    mean_weight: float
    effective: float


def ips(
    rewards: NDArray[np.float64],
    *,
    propensities: NDArray[np.float64],
    wanted: NDArray[np.float64],
) -> Estimate:
    """Estimate by inverse propensity scores.

    Args:
        rewards: of each answer. [n]
        propensities: chance with which it was given, above 0, at most 1. [n]
        wanted: chance with which the policy in question would have given it, 0 to 1. [n]

    Raises:
        CannotEstimate: fewer than two answers, or chances that are none.
    """
    weights = _weights(rewards, propensities, wanted)
    return _mean(weights * rewards, weights)


def snips(
    rewards: NDArray[np.float64],
    *,
    propensities: NDArray[np.float64],
    wanted: NDArray[np.float64],
) -> Estimate:
    """Estimate by inverse propensity scores over the sum of weights, its interval by the delta method.

    Args and errors as those of `ips`; at least one weight must be above 0.
    """
    weights = _weights(rewards, propensities, wanted)
    if not weights.any():
        raise CannotEstimate("The policy in question would have given none of these answers.")
    value = float(weights @ rewards / weights.sum())
    influence = weights * (rewards - value) / weights.mean()
    return _around(value, influence, weights)


def doubly_robust(
    rewards: NDArray[np.float64],
    *,
    propensities: NDArray[np.float64],
    wanted: NDArray[np.float64],
    foretold: NDArray[np.float64],
    foretold_of_policy: NDArray[np.float64],
) -> Estimate:
    """Estimate by foretold rewards, put right by what was logged.

    Args and errors as those of `ips`, and:
        foretold: reward foretold for the answer that was given. [n]
        foretold_of_policy: mean of the rewards foretold for all answers, by the chances of the policy
            in question. [n]
    """
    weights = _weights(rewards, propensities, wanted)
    if not foretold.shape == foretold_of_policy.shape == rewards.shape:
        raise CannotEstimate("Each answer needs both foretold rewards.")
    return _mean(foretold_of_policy + weights * (rewards - foretold), weights)


def _weights(
    rewards: NDArray[np.float64], propensities: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.float64]:
    if not rewards.shape == propensities.shape == wanted.shape or rewards.ndim != 1:
        raise CannotEstimate("Each answer needs a reward, a propensity and a chance.")
    if len(rewards) < 2:
        raise CannotEstimate("An estimate with an interval needs at least two answers.")
    if not ((propensities > 0) & (propensities <= 1)).all():
        raise CannotEstimate("Propensities must be above 0 and at most 1.")
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise CannotEstimate("Chances must be from 0 to 1.")
    return np.asarray(wanted / propensities, np.float64)


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> Estimate:
    value = float(values.mean())
    return _around(value, values - value, weights)


def _around(value: float, influence: NDArray[np.float64], weights: NDArray[np.float64]) -> Estimate:
    """Return the estimate with the interval that the spread of what each answer adds to it gives."""
    number = len(influence)
    variance = float((influence**2).sum() / (number - 1) / number)
    margin = WIDTH * variance**0.5
    squares = float((weights**2).sum())
    effective = float(weights.sum()) ** 2 / squares if squares else 0.0
    return Estimate(
        value, value - margin, value + margin, variance, float(weights.mean()), effective
    )
