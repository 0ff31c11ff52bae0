"""The newest population report as plain values: shares, flows and drifters, as they were stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import F, QuerySet, Sum

from interests.models import (
    Drifter,
    PopulationFlow,
    PopulationRun,
    PopulationShare,
    RunState,
)
from interests.selectors import states
from interests.selectors.states import CategoryName

# Stands for all categories that are too small to be told apart.
OTHER_ID = -1
ALL = "all"

CELLS = """
    SELECT segment, period, shares[place], low[place], high[place], significances[place], num_events, num_end_users
    FROM (
        SELECT *, array_position(category_ids, %s) AS place FROM interests_populationshare
        WHERE run_id = %s AND segment_kind = %s AND period BETWEEN %s AND %s
    ) AS rows WHERE place IS NOT NULL ORDER BY id
"""
KINDS = """
    SELECT segment_kind FROM interests_populationshare
    WHERE run_id = %s AND segment_kind != 'all' GROUP BY 1 ORDER BY min(id)
"""


@dataclass(frozen=True)
class Report:
    """What a finished report says of itself; `period` is "week", "month", "quarter" or "year"."""

    run_id: int
    finished_at: datetime
    period: str
    num_end_users: int
    num_events: int
    num_tested: int


@dataclass(frozen=True)
class Cell:
    """One category's share in one segment and period."""

    segment: str
    period: date
    share: float
    low: float
    high: float
    significance: float
    num_events: int
    num_end_users: int


@dataclass(frozen=True)
class DrifterRow:
    """One name of the ranked list of those whose interests have moved."""

    rank: int
    end_user_id: int
    user_id: str
    num_events: int
    drift_score: float
    p_value: float
    q_value: float
    rising: list[CategoryName]
    falling: list[CategoryName]


def newest_report() -> Report | None:
    """Return the newest report that is done, None before the first; one query."""
    done = PopulationRun.objects.filter(state=RunState.DONE)
    run = done.order_by("-finished_at", "-pk").first()
    if run is None or run.finished_at is None:
        return None
    return Report(
        run_id=run.pk,
        finished_at=run.finished_at,
        period=run.results["period"],
        num_end_users=run.results["num_end_users"],
        num_events=run.results["num_events"],
        num_tested=run.results["num_tested"],
    )


def category_names() -> dict[int, CategoryName]:
    """Return all categories by key, with "other"; one query."""
    return states.category_names() | {OTHER_ID: CategoryName(OTHER_ID, "other categories", None)}


def of_everybody(run_id: int) -> dict[int, list[Cell]]:
    """Return the cells of each category over all end users, oldest first; one query."""
    found: dict[int, list[Cell]] = {}
    rows = PopulationShare.objects.filter(run=run_id, segment_kind=ALL).order_by("period")
    for row in rows:
        numbers = zip(row.shares, row.low, row.high, row.significances, strict=True)
        for key, parts in zip(row.category_ids, numbers, strict=True):
            cell = Cell("", row.period, *parts, row.num_events, row.num_end_users)
            found.setdefault(key, []).append(cell)
    return found


def segment_kinds(run_id: int) -> list[str]:
    """Return by what end users are put into segments; one query."""
    with connection.cursor() as cursor:
        cursor.execute(KINDS, [run_id])
        return [kind for (kind,) in cursor.fetchall()]


def of_segments(
    run_id: int, *, kind: str, category_id: int, since: date, until: date
) -> list[Cell]:
    """Return the cells of one category for all segments of a kind, segment by segment; one query."""
    with connection.cursor() as cursor:
        cursor.execute(CELLS, [category_id, run_id, kind, since, until])
        return [Cell(*row) for row in cursor.fetchall()]


def flows(run_id: int, *, since: date, until: date) -> dict[tuple[int, int], float]:
    """Return how much interest went from each category to each after one period up to another, in end users.

    What stayed is left out; one query.
    """
    rows = PopulationFlow.objects.filter(run=run_id, period__gt=since, period__lte=until)
    moved = rows.exclude(from_category_id=F("to_category_id")).values_list(
        "from_category_id", "to_category_id"
    )
    return {(start, end): total for start, end, total in moved.annotate(total=Sum("end_users"))}


def num_followed(run_id: int, *, period: date) -> float:
    """Return how many end users' interests are known in a period and the one before; one query."""
    rows = PopulationFlow.objects.filter(run=run_id, period=period)
    return float(rows.aggregate(total=Sum("end_users"))["total"] or 0.0)


def drifters(
    run_id: int, *, level: float, limit: int, offset: int = 0
) -> tuple[list[DrifterRow], int]:
    """Return a part of the list with at most this share of false names, and how long it is; three queries."""
    rows = _drifters(run_id, level)
    names = category_names()
    return [_row(row, names) for row in rows[offset : offset + limit]], rows.count()


def every_drifter(run_id: int, *, level: float) -> list[DrifterRow]:
    """Return the whole list with at most this share of false names; two queries."""
    names = category_names()
    return [_row(row, names) for row in _drifters(run_id, level).iterator(chunk_size=2_000)]


def _drifters(run_id: int, level: float) -> QuerySet[Drifter]:
    rows = Drifter.objects.filter(run=run_id, q_value__lte=level)
    return rows.select_related("end_user").order_by("rank")


def _row(row: Drifter, names: dict[int, CategoryName]) -> DrifterRow:
    return DrifterRow(
        rank=row.rank,
        end_user_id=row.end_user_id,
        user_id=row.end_user.user_id,
        num_events=row.end_user.num_events,
        drift_score=row.drift_score,
        p_value=row.p_value,
        q_value=row.q_value,
        rising=[states.named(names, key) for key in row.rising],
        falling=[states.named(names, key) for key in row.falling],
    )
