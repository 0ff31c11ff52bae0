"""Linear models of interest: logistic and linear regression, and support vector machines.

Legend: n pairs, F features, D Fourier features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression as Logistic
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC, LinearSVR

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits
from recommender.algorithms.examples import Prepared
from recommender.algorithms.interest import Asked, InterestAlgorithm, Model
from recommender.algorithms.protocol import Report

MAX_STEPS = 1_000


@dataclass(frozen=True)
class Standard:
    """Features less their means, over their spreads. Both: [F]"""

    means: NDArray[np.float32]
    spreads: NDArray[np.float32]

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> Standard:
        spreads = features.std(axis=0, dtype=np.float64)
        # What never differs says nothing, whatever it is.
        spreads = np.where(spreads > 1e-6, spreads, np.inf)
        return cls(
            features.mean(axis=0, dtype=np.float64).astype(np.float32), spreads.astype(np.float32)
        )

    def of_pairs(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return values of about 1 in size, never beyond 10. [n, F]"""
        return np.asarray(np.clip((features - self.means) / self.spreads, -10, 10), np.float32)


@dataclass(frozen=True)
class Linear:
    """θᵀx + bias, and what it means.

    Attributes:
        weights: θ, of standardised features. [F]
        slope, shift: answers are σ(slope · raw + shift) where `is_sigmoid`, else the same without σ;
            then `low` and `width` put them on the scale of ratings.
    """

    standard: Standard
    weights: NDArray[np.float64]
    bias: float
    is_sigmoid: bool = True
    slope: float = 1.0
    shift: float = 0.0
    low: float = 0.0
    width: float = 1.0

    def raw(self, asked: Asked) -> NDArray[np.float64]:
        return np.asarray(self.standard.of_pairs(asked.features) @ self.weights + self.bias)

    def answers(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        found = self.slope * raw + self.shift
        return np.asarray(self.low + self.width * (expit(found) if self.is_sigmoid else found))


@dataclass(frozen=True)
class RegressionSettings:
    """How a regression is held back.

    Attributes:
        regularisation: λ of λ/2 |θ|² beside the loss summed over examples, above 0.
    """

    regularisation: float = 1.0


@dataclass(frozen=True)
class SVMSettings:
    """How the margin is found.

    Attributes:
        regularisation: λ of λ/2 |θ|² beside the loss summed over examples, above 0.
    """

    regularisation: float = 100.0


class LogisticRegression(InterestAlgorithm):
    """P(y=1|x) = σ(θᵀx) by most likelihood (Cox, 1958).

    Ratings are told as shares of their scale, each a part of a yes and of a no (fractional logit: Papke and
    Wooldridge, 1996).
    """

    name = "logistic_regression"
    bounds = {"regularisation": limits.ABOVE_0}

    def usual(self) -> Sequence[RegressionSettings]:
        return (RegressionSettings(1.0), RegressionSettings(1_000.0))

    def learn(
        self,
        log: InteractionLog,
        prepared: Prepared,
        *,
        settings: RegressionSettings,
        seed: int,
        budget_seconds: float | None,
        report: Report | None,
    ) -> Model:
        known = prepared.examples
        standard = Standard.of(known.features)
        x = standard.of_pairs(known.features).astype(np.float64)
        low = float(known.labels.min())
        width = float(known.labels.max()) - low
        shares = (known.labels - low) / width
        found = Logistic(C=1 / settings.regularisation, max_iter=MAX_STEPS)
        if self.task.is_yes_or_no:
            found.fit(x, shares)
        else:
            ones = np.repeat([1.0, 0.0], len(x))
            weights = np.concatenate([shares, 1 - shares])
            found.fit(np.concatenate([x, x]), ones, sample_weight=weights)
        return Linear(standard, found.coef_[0], float(found.intercept_[0]), low=low, width=width)


class LinearRegression(InterestAlgorithm):
    """The label itself by least squares, held back a little (ridge regression: Hoerl and Kennard, 1970)."""

    name = "linear_regression"
    bounds = {"regularisation": limits.FROM_0}

    def usual(self) -> Sequence[RegressionSettings]:
        return (RegressionSettings(1.0), RegressionSettings(10_000.0))

    def learn(
        self,
        log: InteractionLog,
        prepared: Prepared,
        *,
        settings: RegressionSettings,
        seed: int,
        budget_seconds: float | None,
        report: Report | None,
    ) -> Model:
        known = prepared.examples
        standard = Standard.of(known.features)
        x = standard.of_pairs(known.features).astype(np.float64)
        found = Ridge(alpha=settings.regularisation).fit(x, known.labels)
        return Linear(standard, found.coef_, float(found.intercept_), is_sigmoid=False)


class SVM(InterestAlgorithm):
    """The plane with the widest margin between yes and no (Cortes and Vapnik, 1995), squared hinge loss.

    Distances from it become probabilities by a sigmoid (Platt, 1999). Ratings are support vector regression
    (Drucker et al., 1997).
    """

    name = "svm"
    bounds = {"regularisation": limits.ABOVE_0}

    def usual(self) -> Sequence[SVMSettings]:
        return (SVMSettings(100.0), SVMSettings(10_000.0))

    def learn(
        self,
        log: InteractionLog,
        prepared: Prepared,
        *,
        settings: SVMSettings,
        seed: int,
        budget_seconds: float | None,
        report: Report | None,
    ) -> Model:
        known = prepared.examples
        standard = Standard.of(known.features)
        x = standard.of_pairs(known.features).astype(np.float64)
        cost = 1 / settings.regularisation
        if not self.task.is_yes_or_no:
            found = LinearSVR(
                C=cost, loss="squared_epsilon_insensitive", dual=False, max_iter=MAX_STEPS,
                intercept_scaling=10.0,
            ).fit(x, known.labels)  # fmt: skip
            return Linear(standard, found.coef_, float(found.intercept_[0]), is_sigmoid=False)
        found = LinearSVC(C=cost, dual=False, max_iter=MAX_STEPS).fit(x, known.labels)
        platt = Logistic().fit(found.decision_function(x)[:, None], known.labels)
        return Linear(
            standard,
            found.coef_[0],
            float(found.intercept_[0]),
            slope=float(platt.coef_[0, 0]),
            shift=float(platt.intercept_[0]),
        )
