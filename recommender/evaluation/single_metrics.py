"""Measures of single answers: probabilities of a yes, or ratings; with intervals over people.

All are over all answers together, as scikit-learn has them. An interval draws people, not answers, with
replacement: the answers of one person are alike.

Legend: n answers, p people, r resamples, s sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

YES_OR_NO = (
    "accuracy", "precision", "recall", "f1", "auc", "log_loss", "mae", "rmse",
)  # fmt: skip
RATING = ("mae", "rmse")
NUM_RESAMPLES = 500
# From here on an answer is a yes.
YES_FROM = 0.5
# No answer counts as surer than this in log-loss.
SUREST = 1e-6

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Each measure, and its 95 % interval; without one where there are not two people."""

    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]


def measure(
    answers: Float, labels: Float, *, people: NDArray[np.integer], is_yes_or_no: bool, seed: int
) -> Measured:
    """Measure answers; the interval is the percentile bootstrap's.

    Args:
        answers: probabilities, or ratings. [n], n >= 1
        labels: 1 or 0, or ratings. [n]
        people: whose each answer is. [n]

    Returns:
        The measures of `RATING`, and of `YES_OR_NO` where that is asked:
        accuracy, precision, recall, f1: of answers from 0.5 on as a yes; 0 where nothing can be divided
        auc: the share of pairs of a yes and a no in which the yes has the higher answer, equal ones half;
            0.5 without such a pair
        log_loss: the mean of -log of what was thought of what came, answers kept within 1e-6 of 0 and 1
        mae, rmse: mean distance of answers from labels, and the root of the mean square
    """
    assert len(answers), "a measure needs an answer"
    different, own = np.unique(people, return_inverse=True)  # [p]
    sums = _Sums.of(answers, labels, own, is_yes_or_no=is_yes_or_no)
    num_people = len(different)
    values = {
        name: float(value[0]) for name, value in sums.measures(np.ones((1, num_people))).items()
    }
    if num_people < 2:
        return Measured(values, {})
    random = np.random.default_rng(seed)
    shares = np.full(num_people, 1 / num_people)
    drawn = sums.measures(random.multinomial(num_people, shares, NUM_RESAMPLES).astype(np.float64))
    ends = {name: np.quantile(each, [0.025, 0.975]) for name, each in drawn.items()}
    intervals = {
        name: (min(float(low), values[name]), max(float(high), values[name]))
        for name, (low, high) in ends.items()
    }
    return Measured(values, intervals)


def values(answers: Float, labels: Float, *, is_yes_or_no: bool) -> dict[str, float]:
    """Return each measure alone. answers, labels: [n]"""
    together = np.zeros(len(labels), np.intp)
    sums = _Sums.of(answers, labels, together, is_yes_or_no=is_yes_or_no)
    return {name: float(value[0]) for name, value in sums.measures(np.ones((1, 1))).items()}


@dataclass(frozen=True)
class _Sums:
    """What measures are made of.

    Attributes:
        parts: sums over each person's answers. [p, s]
        owners: whose each answer is, an index of people. [n]
        groups: which answers are equal, in ascending order. [n]
        is_yes: [n], empty for ratings
    """

    parts: Float
    owners: NDArray[np.intp]
    groups: NDArray[np.intp]
    is_yes: NDArray[np.bool_]

    @classmethod
    def of(
        cls, answers: Float, labels: Float, owners: NDArray[np.intp], *, is_yes_or_no: bool
    ) -> _Sums:
        columns = [np.ones(len(labels)), np.abs(answers - labels), (answers - labels) ** 2]
        is_yes = labels[:0] == 1
        if is_yes_or_no:
            is_yes, said_yes = labels == 1, answers >= YES_FROM
            sure = np.clip(answers, SUREST, 1 - SUREST)
            surprises = -np.where(is_yes, np.log(sure), np.log1p(-sure))
            columns += [is_yes & said_yes, is_yes, said_yes, is_yes == said_yes, surprises]
        sums = [np.bincount(owners, each.astype(np.float64)) for each in columns]
        parts: Float = np.asarray(np.stack(sums, axis=1), np.float64)
        return cls(parts, owners, np.unique(answers, return_inverse=True)[1], is_yes)

    def measures(self, counts: Float) -> dict[str, Float]:
        """Return each measure where people count so often. counts: [r, p] -> each [r]"""
        total, errors, squares, *rest = (counts @ self.parts).T
        distances = {"mae": errors / total, "rmse": np.sqrt(squares / total)}
        if not rest:
            return distances
        hits, yes, said, right, surprises = rest
        return {
            "accuracy": right / total,
            "precision": _share(hits, said),
            "recall": _share(hits, yes),
            "f1": _share(2 * hits, said + yes),
            "auc": np.array([self._auc(each) for each in counts]),
            "log_loss": surprises / total,
            **distances,
        }

    def _auc(self, counts: Float) -> float:
        weights, num_groups = counts[self.owners], int(self.groups.max()) + 1
        yes = np.bincount(self.groups, weights * self.is_yes, minlength=num_groups)
        no = np.bincount(self.groups, weights * ~self.is_yes, minlength=num_groups)
        pairs = yes.sum() * no.sum()
        return float(yes @ (np.cumsum(no) - no / 2) / pairs) if pairs else 0.5


def _share(part: Float, whole: Float) -> Float:
    return np.where(whole > 0, part / np.maximum(whole, 1e-12), 0.0)
