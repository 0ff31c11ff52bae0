"""Rates of outcomes with their intervals, written for the page and the API: they only read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from django.db import transaction

from recommender.evaluation import ratios
from recommender.models import OutcomeCount, OutcomeOfPerson, OutcomeRate
from recommender.selectors import outcomes
from recommender.selectors.outcomes import RATIOS, Found, Metric, Parts
from recommender.services import locking

Span = OutcomeRate.Span
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# How long hours and days are kept; a year and a month are comparable with those of the year before.
HOURS_KEPT, DAYS_KEPT = timedelta(days=14), timedelta(days=400)
# Span that ends now, the one before it, and how long both are.
WINDOWS = (
    (Span.LAST_DAY, Span.DAY_BEFORE, DAY),
    (Span.LAST_WEEK, Span.WEEK_BEFORE, 7 * DAY),
    (Span.LAST_MONTH, Span.MONTH_BEFORE, 28 * DAY),
)
FIRST = datetime(2000, 1, 1, tzinfo=UTC)


def report(*, now: datetime) -> int:
    """Write the rates of the hours and days that have changed and of the windows that end now; return how many.

    People belong to the segments they belong to now.
    """
    with transaction.atomic():
        locking.take(locking.Lock.OUTCOMES)
        state, _ = OutcomeCount.objects.get_or_create(pk=OutcomeCount.ONLY)
        if not OutcomeOfPerson.objects.exists():
            return 0
        changed = outcomes.changed_hours(since=state.reported_at or FIRST, from_day=now - DAYS_KEPT)
        parts = Parts(now=now)
        rates = [*_of_hours(parts, changed, now), *_of_days(parts, changed), *_of_windows(parts, now)]  # fmt: skip
        OutcomeRate.objects.bulk_create(rates, batch_size=1_000)
        state.reported_at = now
        state.save(update_fields=["reported_at"])
        _forget(now)
    return len(rates)


def _of_hours(parts: Parts, changed: list[datetime], now: datetime) -> Iterator[OutcomeRate]:
    hours = [hour for hour in changed if hour >= now - HOURS_KEPT]
    OutcomeRate.objects.filter(span=Span.HOUR, begins_at__in=hours).delete()
    parts.gather_hours(hours)
    for name, dimension in parts.dimensions.items():
        yield from _rates(parts.found(dimension), Span.HOUR, name, length=HOUR)


def _of_days(parts: Parts, changed: list[datetime]) -> Iterator[OutcomeRate]:
    days = sorted({hour.replace(hour=0) for hour in changed})
    OutcomeRate.objects.filter(span=Span.DAY, begins_at__in=days).delete()
    parts.gather_days(days)
    for name, dimension in parts.dimensions.items():
        yield from _rates(parts.found(dimension), Span.DAY, name, length=DAY)


def _of_windows(parts: Parts, now: datetime) -> Iterator[OutcomeRate]:
    """Yield the rates of windows that end with the hour that runs."""
    end = now.replace(minute=0, second=0, microsecond=0) + HOUR
    dimensions = parts.with_attributes()
    for last, before, length in WINDOWS:
        OutcomeRate.objects.filter(span__in=(last, before)).delete()
        for span, until in ((last, end), (before, end - length)):
            since = until - length
            parts.gather_window(since=since, until=until)
            for name, dimension in dimensions.items():
                yield from _rates(
                    parts.found(dimension), span, name, length=length, begins_at=since
                )


def _rates(
    found: Iterable[Found],
    span: Span,
    dimension: str,
    *,
    length: timedelta,
    begins_at: datetime | None = None,
) -> Iterator[OutcomeRate]:
    for one in found:
        begin = one.bucket or begins_at
        assert begin is not None
        for metric, sums in one.sums.items():
            rate = ratios.ratio(sums, most=RATIOS[metric][2])
            if rate is None:
                continue
            yield OutcomeRate(
                span=span,
                begins_at=begin,
                ends_at=begin + length,
                placement=one.placement,
                dimension=dimension,
                part=one.part,
                metric=metric,
                value=rate.value,
                low=rate.low,
                high=rate.high,
                median=one.median_dwell if metric == Metric.DWELL else None,
                numerator=sums.y,
                denominator=sums.x,
                num_people=sums.num,
            )


def _forget(now: datetime) -> None:
    OutcomeRate.objects.filter(span=Span.HOUR, begins_at__lt=now - HOURS_KEPT).delete()
    OutcomeRate.objects.filter(span=Span.DAY, begins_at__lt=now - DAYS_KEPT).delete()
