"""The gate before a publication serves: numbers of the candidate and of what serves in, reasons to hold it out."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

# NDCG may fall by this share of what serves, if that is more than noise: evaluations scatter by about as much.
MARGIN = 0.05
# Of the items in the top tens of what serves; half as many is a list that has collapsed onto a few.
MIN_COVERAGE = 0.5
# More people than this who would get nothing and now get something are no accident. Those who get nothing now
# and would get something make up for nobody.
MAX_EMPTY = 0.01
# Half of a 95 % interval in standard errors.
SURE = 1.96


@dataclass(frozen=True)
class Accuracy:
    """NDCG of both, and the 95 % interval of candidate less serving.

    Attributes:
        source: where the numbers are from, in words
    """

    candidate: float
    serving: float
    low: float
    high: float
    source: str

    @property
    def difference(self) -> float:
        """How much the candidate is ahead."""
        return self.candidate - self.serving


@dataclass(frozen=True)
class Standing:
    """What the slates of both come to.

    Attributes:
        num_end_users: people with a slate in either
        num_losing: of them, those to whom what serves shows something and the candidate nothing
        num_empty: those to whom the candidate shows nothing
        num_empty_serving: those to whom what serves shows nothing
        num_items: different items in the candidate's top tens for `num_sampled` people
        num_items_serving: likewise in those of what serves, for the same people
    """

    num_end_users: int
    num_losing: int
    num_empty: int
    num_empty_serving: int
    num_items: int
    num_items_serving: int
    num_sampled: int


@dataclass(frozen=True)
class Check:
    """One condition: whether it is met, and the numbers in a sentence."""

    name: str
    is_met: bool
    said: str


def independent(
    candidate: tuple[float, float], serving: tuple[float, float], *, source: str
) -> Accuracy:
    """Return the accuracy of two numbers measured apart: each with half of its 95 % interval."""
    difference = candidate[0] - serving[0]
    half = sqrt(candidate[1] ** 2 + serving[1] ** 2)
    return Accuracy(candidate[0], serving[0], difference - half, difference + half, source)


def widest_half(mean: float, *, num_users: int) -> float:
    """Return half of the widest 95 % interval that a mean of values from 0 to 1 can have.

    Such values scatter most when each is 0 or 1: their variance is at most mean (1 - mean).
    """
    return SURE * sqrt(max(mean * (1 - mean), 0.0) / max(num_users, 1))


def checks(standing: Standing, accuracy: Accuracy | None) -> list[Check]:
    """Return every condition, met or not."""
    return [_accuracy(accuracy), _coverage(standing), _emptiness(standing)]


def _accuracy(found: Accuracy | None) -> Check:
    if found is None:
        return Check("accuracy", True, "Nothing has measured both yet: an evaluation follows.")
    is_worse = found.difference < -MARGIN * found.serving and found.high < 0
    numbers = (
        f"NDCG {found.candidate:.4f}, against {found.serving:.4f} of what serves "
        f"(difference {found.low:+.4f} to {found.high:+.4f}; {found.source})"
    )
    if is_worse:
        return Check(
            "accuracy", False, f"Worse than what serves by more than {_percent(MARGIN)}: {numbers}."
        )
    return Check(
        "accuracy", True, f"Not shown to be worse than what serves by more than {_percent(MARGIN)}: {numbers}."
    )  # fmt: skip


def _coverage(found: Standing) -> Check:
    share = found.num_items / found.num_items_serving if found.num_items_serving else 1.0
    numbers = (
        f"{found.num_items:,} different items in the top tens of {_people(found.num_sampled)}, where what "
        f"serves has {found.num_items_serving:,}"
    )
    if share < MIN_COVERAGE:
        return Check(
            "coverage", False, f"Fewer than {_percent(MIN_COVERAGE)} of the items: {numbers}."
        )
    return Check("coverage", True, f"{numbers[:1].upper()}{numbers[1:]}.")


def _emptiness(found: Standing) -> Check:
    share = found.num_losing / max(found.num_end_users, 1)
    numbers = (
        f"{found.num_losing:,} of {_people(found.num_end_users)} would lose all recommendations of their own; "
        f"{found.num_empty:,} would get none, now {found.num_empty_serving:,} get none"
    )
    if share > MAX_EMPTY:
        return Check(
            "empty slates", False, f"More than {_percent(MAX_EMPTY)} of people would lose theirs: {numbers}."
        )  # fmt: skip
    return Check("empty slates", True, f"{numbers}.")


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _people(num: int) -> str:
    return f"{num:,} {'person' if num == 1 else 'people'}"
