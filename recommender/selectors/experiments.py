"""Sums over people that tests of experiments begin with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import connection

from recommender.evaluation.sequential import Sums
from recommender.models import Experiment

Metric = Experiment.Metric
# Denominator and numerator of each metric, of one person.
_PARTS = {
    Metric.CLICKS_PER_IMPRESSION: ("impressions", "clicks"),
    Metric.CLICKS_PER_PERSON: ("1", "clicks"),
    Metric.CONVERSIONS_PER_PERSON: ("1", "conversions"),
}
_SUMS = """
    count(*), count(*) FILTER (WHERE c <> 0), sum(n), sum(c), sum(n * n), sum(c * c), sum(n * c),
    sum(x), sum(x * x), sum(x * n), sum(x * c)
"""


def sums_by_variant(experiment: Experiment) -> dict[int, Sums]:
    """Return the sums of each variant's people by the variant's key; those without people are left out."""
    n, c = _PARTS[Metric(experiment.metric)]
    rows = _rows(
        f"""
        SELECT variant_id, {_SUMS} FROM (
            SELECT variant_id, {n}::float8 AS n, {c}::float8 AS c, earlier AS x
            FROM recommender_experimentperson
            WHERE experiment_id = %(experiment)s AND variant_id IS NOT NULL
        ) AS person
        GROUP BY variant_id
        """,
        {"experiment": experiment.pk},
    )
    return {row[0]: Sums(*map(float, row[1:])) for row in rows}


def num_crossed(experiment: Experiment) -> int:
    """Return how many people had more than one variant."""
    return experiment.people.filter(variant=None).count()


def credit_sums(experiment: Experiment) -> tuple[Sums | None, int, int]:
    """Return of interleaving the sums of credit, and how many people prefer the second list and the first.

    Of the sums c is the clicks of the second list less those of the first, n both; of people with a click.
    """
    rows = _rows(
        f"""
        SELECT {_SUMS}, count(*) FILTER (WHERE c > 0), count(*) FILTER (WHERE c < 0) FROM (
            SELECT clicks::float8 AS n, (2 * second_clicks - clicks)::float8 AS c, earlier AS x
            FROM recommender_experimentperson
            WHERE experiment_id = %(experiment)s AND variant_id IS NOT NULL AND clicks > 0
        ) AS person
        """,
        {"experiment": experiment.pk},
    )
    *sums, wins, losses = rows[0]
    return (Sums(*map(float, sums)) if sums[0] else None), wins, losses


def recent_sums(*, placement_id: int, metric: str, since: datetime) -> Sums:
    """Return the sums of all people of a placement since a day, as if they were one variant's."""
    n, c = _PARTS[Metric(metric)]
    rows = _rows(
        f"""
        SELECT {_SUMS} FROM (
            SELECT {n}::float8 AS n, {c}::float8 AS c, 0.0::float8 AS x FROM (
                SELECT sum(impressions) AS impressions, sum(clicks) AS clicks, sum(conversions) AS conversions
                FROM recommender_outcomeofperson
                WHERE placement = %(placement)s AND day >= %(day)s
                GROUP BY end_user_id
            ) AS added
        ) AS person
        """,
        {"placement": placement_id, "day": since.date()},
    )
    return Sums(*(float(value or 0) for value in rows[0]))


def _rows(query: str, parameters: Mapping[str, int | date]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
