"""Outcomes added up over people: what a ratio and its interval are worked out from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from django.db import connection

from interests.charts import NOTABLE_DRIFT
from interests.selectors import population_events
from recommender.evaluation.ratios import Sums
from recommender.models import OutcomeRate
from recommender.ranking.answer_ids import SOURCES

Metric: TypeAlias = OutcomeRate.Metric
ALL = "all"
# What each metric is a ratio of, and what it cannot pass.
RATIOS: dict[Metric, tuple[str, str, float]] = {
    Metric.CLICK_THROUGH: ("clicks", "impressions", 1.0),
    Metric.CONVERSION: ("conversions", "impressions", 1.0),
    Metric.DWELL: ("dwell_seconds", "num_dwells", float("inf")),
    Metric.SATISFACTION: ("likes", "feedbacks", 1.0),
    Metric.RATING: ("rating_sum", "num_ratings", float("inf")),
}
COLUMNS = tuple(dict.fromkeys(name for ratio in RATIOS.values() for name in ratio[:2]))
# Whose id was met within so many days is new.
NEW_DAYS = 28
ATTRIBUTE = "attribute "
# As in the population's report: fewer people are themselves, not a segment; more values are none either.
LEAST_PEOPLE, MOST_VALUES, LONGEST_ATTRIBUTE = 20, 12, 80

_RUN = "LEFT JOIN recommender_publicationrun AS run ON run.id = outcome.run"
_PERSON = "JOIN interests_enduser AS person ON person.id = outcome.end_user_id"
# Dimension -> how its parts are named, and what that needs.
ORIGINS = {
    ALL: ("''", ""),
    "source": ("outcome.source", ""),
    "algorithm": ("coalesce(run.algorithm, 'none')", _RUN),
    "run": ("outcome.run::text", ""),
    "version": ("outcome.version::text", ""),
}
SEGMENTS = {
    "drift": (
        """CASE WHEN person.drift_score >= %(notable)s THEN 'drifting'
            WHEN person.drift_score IS NULL THEN 'too few events' ELSE 'steady' END""",
        _PERSON,
    ),
    "activity": (
        """CASE WHEN person.num_events <= %(few)s THEN 'few events'
            WHEN person.num_events <= %(some)s THEN 'some events' ELSE 'many events' END""",
        _PERSON,
    ),
    "met": (
        "CASE WHEN person.created_at >= %(new_since)s THEN 'new' ELSE 'known' END",
        _PERSON,
    ),
}
_BUCKETS = {
    "hour": "outcome.day + make_interval(hours => outcome.hour)",
    "day": "outcome.day::timestamp",
    "": "NULL::timestamp",
}
_WINDOW = (
    "outcome.day + make_interval(hours => outcome.hour) >= %(since)s"
    " AND outcome.day + make_interval(hours => outcome.hour) < %(until)s"
    " AND outcome.day >= %(since)s::date AND outcome.day <= %(until)s::date"
)
_HOURS = (
    "(outcome.day, outcome.hour) IN"
    " (SELECT day, hour FROM unnest(%(days)s::date[], %(hours)s::smallint[]) AS wanted(day, hour))"
)
_DAYS = "outcome.day = ANY(%(days)s::date[])"
_MOMENTS = ", ".join(
    f"count(*) FILTER (WHERE {x} > 0), sum({x}), sum({y}), sum({x} * {x}), sum({y} * {y}), sum({x} * {y})"
    for y, x, _ in RATIOS.values()
)
# Read once for all dimensions: a person has a few rows left of it.
_GATHER = """
    DROP TABLE IF EXISTS gathered_outcomes;
    CREATE TEMPORARY TABLE gathered_outcomes ON COMMIT DROP AS
    SELECT end_user_id, placement, source, run, version, {bucket} AS bucket, {sums}
    FROM recommender_outcomeofperson AS outcome WHERE {condition} GROUP BY 1, 2, 3, 4, 5, 6
"""
_QUERY = """
    WITH own AS (
        SELECT outcome.end_user_id, outcome.placement, {part} AS part, outcome.bucket, {sums}
        FROM gathered_outcomes AS outcome {join} GROUP BY 1, 2, 3, 4
    )
    SELECT placement, part, bucket, {moments},
        percentile_cont(0.5) WITHIN GROUP (ORDER BY dwell_seconds / num_dwells)
            FILTER (WHERE num_dwells > 0)
    FROM own WHERE part IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 3, 2
"""
_SUMS = ", ".join(f"sum(outcome.{name})::float8 AS {name}" for name in COLUMNS)
_THIRDS = """
    SELECT percentile_disc(ARRAY[1/3.0, 2/3.0]) WITHIN GROUP (ORDER BY num_events)
    FROM interests_enduser WHERE num_events > 0
"""
_CHANGED = """
    SELECT DISTINCT day, hour FROM recommender_outcomeofperson
    WHERE counted_at >= %s AND day >= %s ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Found:
    """The sums of one part of a dimension of a placement; `bucket` is the begin of the hour or day, or None."""

    placement: int
    part: str
    bucket: datetime | None
    sums: dict[Metric, Sums]
    median_dwell: float | None


class Parts:
    """How answers are split: by where they came from, and by who got them, as people are now."""

    def __init__(self, *, now: datetime) -> None:
        few, some = _thirds()
        self.values: dict[str, Any] = {
            "notable": NOTABLE_DRIFT,
            "few": few,
            "some": some,
            "new_since": now - timedelta(days=NEW_DAYS),
        }
        self.dimensions = {**ORIGINS, **SEGMENTS}

    def with_attributes(self) -> dict[str, tuple[str, str]]:
        """Return the dimensions and those of people's attributes that make segments."""
        found = dict(self.dimensions)
        names = population_events.segment_attributes(
            most_values=MOST_VALUES, least_people=LEAST_PEOPLE
        )
        for number, name in enumerate(name for name in names if len(name) <= LONGEST_ATTRIBUTE):
            self.values[f"attribute_{number}"] = name
            text = f"person.attributes ->> %(attribute_{number})s"
            short = f"CASE WHEN length({text}) BETWEEN 1 AND 200 THEN {text} END"
            found[ATTRIBUTE + name] = (short, _PERSON)
        return found

    def gather_window(self, *, since: datetime, until: datetime) -> None:
        """Take the hours from `since` to before `until` together, until the transaction ends."""
        self._gather("", _WINDOW, {"since": _naive(since), "until": _naive(until)})

    def gather_hours(self, hours: Sequence[datetime]) -> None:
        """Take each of these hours for itself."""
        days, numbers = [hour.date() for hour in hours], [hour.hour for hour in hours]
        self._gather("hour", _HOURS, {"days": days, "hours": numbers})

    def gather_days(self, days: Sequence[datetime]) -> None:
        """Take each of these days for itself."""
        self._gather("day", _DAYS, {"days": [day.date() for day in days]})

    def found(self, dimension: tuple[str, str]) -> Iterator[Found]:
        """Yield the sums of each part of a dimension over what was gathered last."""
        part, join = dimension
        query = _QUERY.format(part=part, join=join, moments=_MOMENTS, sums=_SUMS)
        with connection.cursor() as cursor:
            cursor.execute(query, self.values)
            for placement, name, begin, *numbers, median in cursor.fetchall():
                sums = {
                    metric: Sums(*numbers[6 * place : 6 * place + 6])
                    for place, metric in enumerate(RATIOS)
                }
                begins_at = begin.replace(tzinfo=UTC) if begin else None
                yield Found(placement, SOURCES.get(name, name), begins_at, sums, median)

    def _gather(self, bucket: str, condition: str, values: dict[str, Any]) -> None:
        query = _GATHER.format(bucket=_BUCKETS[bucket], condition=condition, sums=_SUMS)
        with connection.cursor() as cursor:
            cursor.execute(query, values)


def changed_hours(*, since: datetime, from_day: datetime) -> list[datetime]:
    """Return the hours from a day on of which somebody was counted at or after a time, ascending."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, [since, from_day.date()])
        return [
            datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=hour)
            for day, hour in cursor.fetchall()
        ]


def _thirds() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(_THIRDS)
        found = cursor.fetchone()[0]
    return tuple(found) if found else (0, 0)


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
