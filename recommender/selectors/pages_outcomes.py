"""What the page about outcomes shows: a placement's rates now, before, over time and in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from django.db.models import Q, Sum

from recommender import charts
from recommender.evaluation import ratios
from recommender.evaluation.ratios import Change
from recommender.models import (
    OutcomeCount,
    OutcomeRate,
    OutcomeRefusal,
    Placement,
    PlacementVersion,
)
from recommender.models.placements import DEFAULT
from recommender.selectors.outcomes import ALL, ATTRIBUTE

Metric: TypeAlias = OutcomeRate.Metric
Span: TypeAlias = OutcomeRate.Span
# Days -> the window that ends now and the one before it.
WINDOWS = {1: (Span.LAST_DAY, Span.DAY_BEFORE), 7: (Span.LAST_WEEK, Span.WEEK_BEFORE), 28: (Span.LAST_MONTH, Span.MONTH_BEFORE)}  # fmt: skip
METRIC_NAMES = {
    Metric.CLICK_THROUGH: "Click-through",
    Metric.CONVERSION: "Conversion",
    Metric.DWELL: "Dwell",
    Metric.SATISFACTION: "Satisfaction",
    Metric.RATING: "Rating",
}
DIMENSION_NAMES = {
    "source": "Source",
    "algorithm": "Algorithm",
    "run": "Publication",
    "version": "Version of the rules",
    "drift": "Drift",
    "activity": "Activity",
    "met": "New or known",
}
# More points than these are drawn by day.
MOST_HOURS_DAYS = 7


@dataclass(frozen=True)
class Rate:
    """One metric of a placement or a part of it, with its change against the window before."""

    metric: str
    value: float
    low: float | None
    high: float | None
    median: float | None
    denominator: float
    num_people: int
    change: Change | None = None

    @property
    def half_width(self) -> float | None:
        """Half of the interval: what stands behind ±."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


@dataclass(frozen=True)
class Part:
    """One part of a dimension with its rates by metric."""

    key: str
    name: str
    rates: dict[str, Rate]

    @property
    def num_people(self) -> int:
        return max(rate.num_people for rate in self.rates.values())

    @property
    def num_seen(self) -> float:
        """How many items were seen."""
        seen = self.rates.get(Metric.CLICK_THROUGH)
        return seen.denominator if seen else 0.0


@dataclass(frozen=True)
class Outcomes:
    """A placement's window: as a whole by metric, and in parts by dimension."""

    whole: dict[str, Rate]
    parts: dict[str, list[Part]]

    @property
    def dimensions(self) -> list[tuple[str, str]]:
        """Return the dimensions that there are, with their names."""
        return [(key, dimension_name(key)) for key in self.parts]


@dataclass(frozen=True)
class Moment:
    """One metric of a part in one hour or day."""

    begins_at: datetime
    part: str
    rate: Rate


def placements() -> list[tuple[int, str]]:
    """Return key and name of all placements, the default one first; one query."""
    found = list(Placement.objects.order_by("name").values_list("pk", "name"))
    return sorted(found, key=lambda one: one[1] != DEFAULT)


def dimension_name(dimension: str) -> str:
    """Return a dimension's name for readers."""
    return DIMENSION_NAMES.get(dimension, dimension.removeprefix(ATTRIBUTE))


def outcomes(placement: int, *, days: int) -> Outcomes:
    """Return a placement's rates over a window and their changes; two queries."""
    last, before = WINDOWS[days]
    rows = list(OutcomeRate.objects.filter(placement=placement, span__in=(last, before)))
    earlier = {(row.dimension, row.part, row.metric): row for row in rows if row.span == before}
    found: dict[str, dict[str, dict[str, Rate]]] = {}
    for row in rows:
        if row.span == last:
            old = earlier.get((row.dimension, row.part, row.metric))
            own = found.setdefault(row.dimension, {}).setdefault(row.part, {})
            own[row.metric] = _rate(row, old)
    numbers = dict(PlacementVersion.objects.filter(placement=placement).values_list("pk", "number"))
    whole = found.pop(ALL, {}).get("", {})
    order = list(DIMENSION_NAMES)
    return Outcomes(
        {metric: whole[metric] for metric in Metric if metric in whole},
        {
            dimension: _parts(dimension, found[dimension], numbers)
            for dimension in sorted(
                found, key=lambda name: (order.index(name) if name in order else 99, name)
            )
        },
    )


def over_time(
    placement: int, *, metric: str, dimension: str, is_hourly: bool, since: datetime
) -> list[Moment]:
    """Return one metric of a dimension's parts by hour or day, oldest first; one query."""
    rows = OutcomeRate.objects.filter(
        span=Span.HOUR if is_hourly else Span.DAY,
        placement=placement,
        metric=metric,
        dimension=dimension,
        begins_at__gte=since,
    ).order_by("begins_at", "part")
    return [Moment(row.begins_at, row.part, _rate(row, None)) for row in rows]


def first_moment(*, days: int, is_hourly: bool, now: datetime) -> datetime:
    """Return where the horizontal axis begins: with the window, or four weeks back for days."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if is_hourly:
        return hour + timedelta(hours=1) - timedelta(days=min(days, MOST_HOURS_DAYS))
    return hour.replace(hour=0) - timedelta(days=max(days, 28) - 1)


def refused(*, days: int, now: datetime) -> list[tuple[str, int]]:
    """Return why outcomes of so many days were not counted, and how many, most first; one query."""
    since = now.date() - timedelta(days=days - 1)
    counted = (
        OutcomeRefusal.objects.filter(day__gte=since).values("reason").annotate(sum=Sum("num"))
    )
    return sorted(
        ((OutcomeRefusal.Reason(row["reason"]).label, row["sum"]) for row in counted),
        key=lambda one: -one[1],
    )


def reported_at() -> datetime | None:
    """Return when the rates were worked out last; one query."""
    return OutcomeCount.objects.values_list("reported_at", flat=True).first()


def lines(parts: Sequence[Part], moments: Sequence[Moment]) -> Iterator[tuple[str, list[Moment]]]:
    """Yield name and moments of the parts most seen, as many as can be told apart."""
    for part in sorted(parts, key=lambda part: -part.num_seen)[: charts.MAX_LINES]:
        own = [moment for moment in moments if moment.part == part.key]
        if own:
            yield part.name, own


def page_of_rates(
    *,
    span: str,
    placement: int | None,
    dimension: str,
    metric: str,
    limit: int,
    after: tuple[datetime, int, str, str, str] | None,
) -> list[OutcomeRate]:
    """Return rates of a span in order of time, placement, dimension, part and metric; one query."""
    names = ("begins_at", "placement", "dimension", "part", "metric")
    rows = OutcomeRate.objects.filter(span=span)
    if placement is not None:
        rows = rows.filter(placement=placement)
    if dimension:
        rows = rows.filter(dimension=dimension)
    if metric:
        rows = rows.filter(metric=metric)
    if after is not None:
        beyond = Q()
        for place, name in enumerate(names):
            equal = dict(zip(names[:place], after[:place], strict=True))
            beyond |= Q(**equal, **{f"{name}__gt": after[place]})
        rows = rows.filter(beyond)
    return list(rows.order_by(*names)[:limit])


def _rate(row: OutcomeRate, before: OutcomeRate | None) -> Rate:
    rate = Rate(
        row.metric, row.value, row.low, row.high, row.median, row.denominator, row.num_people
    )
    if before is None:
        return rate
    old = _rate(before, None)
    change = ratios.change((rate.value, rate.half_width), (old.value, old.half_width))
    return Rate(
        row.metric, row.value, row.low, row.high, row.median, row.denominator, row.num_people, change
    )  # fmt: skip


def _parts(
    dimension: str, found: dict[str, dict[str, Rate]], numbers: dict[int, int]
) -> list[Part]:
    parts = [Part(key, _part_name(dimension, key, numbers), own) for key, own in found.items()]
    return sorted(parts, key=lambda part: (-part.num_seen, part.name))


def _part_name(dimension: str, key: str, numbers: dict[int, int]) -> str:
    if dimension == "algorithm":
        return charts.algorithm_name(key) if key != "none" else "None, popular items"
    if dimension == "run":
        return f"Publication {key}" if key != "0" else "None, popular items"
    if dimension == "version":
        number = numbers.get(int(key))
        return (
            f"Version {number}" if number else "Rules it starts with" if key == "0" else "Deleted"
        )
    return key if dimension.startswith(ATTRIBUTE) else key.capitalize()
