"""Does a variant harm what it was not made for? Slow answers, empty answers, fewer different items.

A limit is passed only where the whole confidence sequence lies beyond it: with certainty, however often anybody
looks, not by noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from recommender.evaluation import sequential

# An experiment that a guardrail stops without reason is lost: once in a hundred of them at most.
ALPHA = 0.01
MIN_ANSWERS = 1_000
MIN_PEOPLE = 200
# Nobody feels less, however large a share of a short time it is: rules of a variant may well treble one millisecond.
LEAST_MS = 10.0


@dataclass(frozen=True, slots=True)
class Answers:
    """How a variant's answers were, at one look.

    Attributes:
        mean_ms, sd_ms: time of an answer
        asked, empty: people who asked; those of them who got an empty answer
        items: different items shown
        count_error: relative standard error of the last three
    """

    answers: int
    mean_ms: float
    sd_ms: float
    asked: int
    empty: int
    items: int
    count_error: float = 0.0


def slower(control: Answers, variant: Answers, *, most: float) -> str:
    """Say that a variant's answers take longer by more than a share, "" where that is not sure."""
    if min(control.answers, variant.answers) < MIN_ANSWERS:
        return ""
    margin = max(most * control.mean_ms, LEAST_MS)
    difference = variant.mean_ms - control.mean_ms
    variance = sum(one.sd_ms**2 / one.answers for one in (control, variant))
    if not _is_beyond(difference, variance, margin=margin):
        return ""
    return (
        f"answers take {variant.mean_ms:.1f} ms instead of {control.mean_ms:.1f} ms; more than "
        f"{100 * most:.0f} % longer was not allowed"
    )


def emptier(control: Answers, variant: Answers, *, most: float) -> str:
    """Say that more people get empty answers, by more than this share of people, "" where that is not sure."""
    if min(control.asked, variant.asked) < MIN_PEOPLE:
        return ""
    shares = [one.empty / one.asked for one in (control, variant)]
    variance = 0.0
    for share, one in zip(shares, (control, variant), strict=True):
        held = min(max(share, 1 / one.asked), 1 - 1 / one.asked)
        # Both counts of the share are estimates.
        variance += held * (1 - held) / one.asked + 2 * (held * one.count_error) ** 2
    if not _is_beyond(shares[1] - shares[0], variance, margin=max(most, 0.001)):
        return ""
    return (
        f"{100 * shares[1]:.1f} % of people got an empty answer instead of {100 * shares[0]:.1f} %; "
        f"{100 * most:g} points more were allowed"
    )


def narrower(
    control: Sequence[tuple[int, int]],
    variant: Sequence[tuple[int, int]],
    *,
    most: float,
    count_error: float = 0.0,
) -> str:
    """Say that fewer different items are shown, by more than a share, "" where that is not sure.

    More answers show more items, so both are held against each other where they had given as many answers.

    Args:
        control, variant: (answers, different items) at each look, oldest first.
    """
    if not control or not variant:
        return ""
    answers = min(control[-1][0], variant[-1][0])
    if answers < MIN_ANSWERS:
        return ""
    of_control, of_variant = items_at(control, answers), items_at(variant, answers)
    if not of_control:
        return ""
    lost = 1 - of_variant / of_control
    # How many different ones a number of answers shows varies by less than its root.
    variance = (of_variant / of_control) ** 2 * (
        1 / max(of_variant, 1) + 1 / of_control + 2 * count_error**2
    )
    if not _is_beyond(lost, variance, margin=max(most, 0.01)):
        return ""
    return (
        f"after {answers:,} answers it had shown {of_variant:,.0f} different items where the control had shown "
        f"{of_control:,.0f}; {100 * most:.0f} % fewer were allowed"
    )


def items_at(looks: Sequence[tuple[int, int]], answers: int) -> float:
    """Return how many different items were shown after so many answers, between looks along a power of them."""
    before: tuple[int, int] = (0, 0)
    for at, items in looks:
        if at >= answers:
            if at == answers or not before[0] or not before[1]:
                return items * (answers / at if at > answers else 1.0)
            part = math.log(answers / before[0]) / math.log(at / before[0])
            return before[1] * math.exp(part * math.log(items / before[1]))
        before = (at, items)
    return float(before[1])


def _is_beyond(estimate: float, variance: float, *, margin: float) -> bool:
    if variance <= 0:
        return estimate > margin
    low, _ = sequential.interval(estimate, variance, scale=margin, alpha=ALPHA)
    return low > margin
