"""What an experiment says, in words that somebody can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from recommender.evaluation import ratio_check

MOST_DAYS = 1_000


class Code(StrEnum):
    """What to do about it: `BETTER`, `WORSE`, `SAME` can be decided on, with `UNTRUSTED` nothing can."""

    DRAFT = "draft"
    UNTRUSTED = "untrusted"
    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    EARLY = "early"


@dataclass(frozen=True, slots=True)
class Seen:
    """One variant at the newest look; the control has no effect.

    Attributes:
        share: of the experiment's people that it should have, 0 to 1
        value: of the metric
        effect, low, high: as a share of the control's value; of interleaving from -1 to 1
    """

    name: str
    people: int
    share: float
    value: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """An experiment as it stands.

    Attributes:
        metric: in words, such as "clicks per item seen"
        variants: the control first
        is_started: False for a draft
        is_running: False after its end
        days: since the start, until the end
        traffic: share of the placement's people who take part, in the end
        needed_people: to find the smallest change that matters; None: not known
        sample_ratio_p: p-value of people being shared out as planned
    """

    metric: str
    variants: Sequence[Seen]
    least_lift: float
    is_interleaved: bool
    is_started: bool
    is_running: bool
    days: float
    needed_people: int | None
    people_per_week: int | None
    sample_ratio_p: float
    traffic: float = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict and its sentences; `best`: place of the variant that it speaks of."""

    code: Code
    text: str
    best: int = 0

    @property
    def is_sure(self) -> bool:
        """Whether it can be decided on."""
        return self.code in (Code.BETTER, Code.WORSE, Code.SAME)


def verdict(of: Situation) -> Verdict:
    """Return what an experiment says."""
    if not of.is_started:
        return Verdict(Code.DRAFT, _plan(of))
    if of.sample_ratio_p < ratio_check.BROKEN:
        return Verdict(Code.UNTRUSTED, _untrusted(of))
    found = [(place, seen) for place, seen in enumerate(of.variants) if seen.effect is not None]
    better = [(place, seen) for place, seen in found if seen.low is not None and seen.low > 0]
    if better:
        place, seen = max(better, key=lambda pair: pair[1].effect or 0.0)
        return Verdict(Code.BETTER, f"{_finding(of, seen)}; sure enough to decide.", place)
    every = len(of.variants) - 1
    worse = [(place, seen) for place, seen in found if seen.high is not None and seen.high < 0]
    if worse and len(worse) == every:
        place, seen = max(worse, key=lambda pair: pair[1].effect or 0.0)
        return Verdict(Code.WORSE, f"{_finding(of, seen)}; sure enough to decide.", place)
    same = [(place, seen) for place, seen in found if _is_same(seen, of.least_lift)]
    if same and len(same) + len(worse) == every:
        place, seen = same[0]
        return Verdict(Code.SAME, _sameness(of, seen), place)
    return Verdict(Code.EARLY, _too_early(of, found))


def change(effect: float, *, decimals: int = 1) -> str:
    """Return a change of a value in words: 4.1 % more."""
    return f"{100 * abs(effect):.{decimals}f} % {'more' if effect >= 0 else 'fewer'}"


def _is_same(seen: Seen, least_lift: float) -> bool:
    assert seen.low is not None and seen.high is not None
    return -least_lift < seen.low and seen.high < least_lift


def _finding(of: Situation, seen: Seen) -> str:
    assert seen.effect is not None and seen.low is not None and seen.high is not None
    if of.is_interleaved:
        winner = seen.name if seen.effect > 0 else of.variants[0].name
        parts = sorted(0.5 + sign * part / 2 for part in (seen.low, seen.high) for sign in [1 if seen.effect > 0 else -1])  # fmt: skip
        return (
            f"People prefer {winner}: it earned {50 + 50 * abs(seen.effect):.1f} % of the clicks "
            f"({100 * parts[0]:.1f} to {100 * parts[1]:.1f})"
        )
    low, high = sorted((abs(seen.low), abs(seen.high)))
    return (
        f"{seen.name} brings {change(seen.effect)} {of.metric} than {of.variants[0].name} "
        f"({100 * low:.1f} to {100 * high:.1f})"
    )


def _sameness(of: Situation, seen: Seen) -> str:
    if of.is_interleaved:
        return "People prefer neither list, as far as it would matter; sure enough to decide."
    assert seen.low is not None and seen.high is not None
    return (
        f"{seen.name} makes no difference that matters: between {change(seen.low)} and {change(seen.high)} "
        f"{of.metric}; sure enough to decide."
    )


def _untrusted(of: Situation) -> str:
    total = sum(seen.people for seen in of.variants) or 1
    worst = max(of.variants, key=lambda seen: abs(seen.people / total - seen.share))
    p_value = "p < 0.0001" if of.sample_ratio_p < 0.0001 else f"p = {of.sample_ratio_p:.4f}"
    return (
        f"Do not trust it: {100 * worst.people / total:.1f} % of people got {worst.name} where "
        f"{100 * worst.share:.1f} % should; {p_value}. Somewhere people are lost or counted twice: look whether "
        "answers fail or impressions are not reported in one of the variants, then make a new experiment."
    )


def _too_early(of: Situation, found: Sequence[tuple[int, Seen]]) -> str:
    people = sum(seen.people for seen in of.variants)
    if of.is_interleaved:
        people = max(seen.people for seen in of.variants)
    said = "Too early" if of.is_running else "It ended too early to say"
    if not people:
        return f"{said}: nobody has been seen to look at an answer yet."
    if not found:
        who = f"{people:,} {'person has' if people == 1 else 'people have'} been seen so far"
        return (
            f"{said}: {who}, too few of them with {of.metric.split(' per ')[0]}.{_when(of, people)}"
        )
    seen = max((seen for _, seen in found), key=lambda seen: seen.effect or 0.0)
    assert seen.low is not None and seen.high is not None
    if of.is_interleaved:
        low, high = (50 + 50 * part for part in (seen.low, seen.high))
        return f"{said}: {seen.name} earns between {low:.1f} and {high:.1f} % of the clicks.{_when(of, people)}"
    return (
        f"{said}: {seen.name} is between {change(seen.low)} and {change(seen.high)} {of.metric}."
        f"{_when(of, people)}"
    )


def _when(of: Situation, people: int) -> str:
    if not of.is_running or of.needed_people is None or not people or of.days <= 0:
        return ""
    if people >= of.needed_people:
        return (
            f" It has seen the {_about(of.needed_people)} people that it was planned for, so the difference is likely "
            f"smaller than the {100 * of.least_lift:g} % that would matter."
        )
    more = of.days * (of.needed_people / people - 1)
    return f" At this pace about {_days(more)} more to be sure of {100 * of.least_lift:g} %."


def _plan(of: Situation) -> str:
    """Say how long a draft would take, before anybody takes part."""
    if of.is_interleaved:
        return "Mixed lists need far fewer people than one list for each; some hundred clicks say a lot."
    if of.needed_people is None or not of.people_per_week:
        return (
            "How long it will take is not known: nobody has seen an answer of this placement in the last seven "
            "days, or none of them did what is counted."
        )
    weeks = of.needed_people / (of.people_per_week * of.traffic)
    return (
        f"To find a change of {100 * of.least_lift:g} % four times in five it needs about {_about(of.needed_people)} "
        f"people. {of.people_per_week:,} were seen here in the last seven days, so it takes about "
        f"{_days(7 * weeks)}."
    )


def _about(people: int) -> str:
    """Return a number of people with two digits that count."""
    unit = 10 ** max(len(str(people)) - 2, 0)
    return f"{round(people / unit) * unit:,}"


def _days(days: float) -> str:
    if days > MOST_DAYS:
        return f"{MOST_DAYS:,} days or more"
    whole = max(1, round(days))
    return f"{whole:,} day{'' if whole == 1 else 's'}"
