"""What alert rules look at in the population: shares of categories, and how many end users drift."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from django.db.models import QuerySet

from interests.models import (
    AlertRule,
    Category,
    Drifter,
    EndUser,
    PopulationRun,
    PopulationShare,
    RunState,
)

Condition, Scope = AlertRule.Condition, AlertRule.Scope
# A period that began longer ago than this is history, also where months are the periods.
RECENT = timedelta(days=62)
# Three standard deviations either way; of all categories together, where a rule watches all.
FALSE_ALARMS = 2 * (1 - NormalDist().cdf(3.0))
# Of the end users said to drift, at most this share is falsely said to.
FALSE_NAMES = 0.1
ALL = "all"
# Kinds that a report makes itself: it keeps no list of who belongs to them.
WORKED_OUT = ("first seen", "activity")


@dataclass(frozen=True)
class Happening:
    """Something that a rule may raise an alert about.

    Attributes:
        key: what happened; the same however often it is found
        subject: what a cool-down is about
        at: when, in the time of the events
        text: what happened, in a sentence
        facts: what a receiver is told
        is_newest: of periods, the newest of its report
    """

    key: str
    subject: str
    at: datetime
    text: str
    facts: dict[str, Any]
    end_user_id: int | None = None
    is_newest: bool = True


def new_happenings(
    rule: AlertRule, *, since: datetime, now: datetime, people: QuerySet[EndUser] | None
) -> list[Happening]:
    """Return what the newest population report shows, if it was done since a time; else nothing."""
    run = _reports().first()
    if run is None or run.finished_at is None or run.finished_at < since:
        return []
    if rule.condition == Condition.DRIFTERS_ABOVE:
        return list(_drifters(rule, run, people))
    oldest = (now - RECENT).date()
    return [
        found
        for found in _shares(rule, run)
        # Of what had begun when the rule was made, only what still is so.
        if found.at.date() >= oldest and (found.at >= rule.created_at or found.is_newest)
    ]


def past_happenings(
    rule: AlertRule, *, since: datetime, people: QuerySet[EndUser] | None
) -> list[Happening]:
    """Return what the reports that are stored show since a time."""
    if rule.condition == Condition.DRIFTERS_ABOVE:
        runs = _reports().filter(finished_at__gte=since).order_by("finished_at")
        return [found for run in runs for found in _drifters(rule, run, people)]
    run = _reports().first()
    return [found for found in _shares(rule, run) if found.at >= since] if run else []


def segments() -> list[tuple[str, str]]:
    """Return kind and name of all segments of the newest report; two queries."""
    rows = PopulationShare.objects.filter(run=_reports().first()).exclude(segment_kind=ALL)
    pairs = rows.values_list("segment_kind", "segment").distinct()
    return list(pairs.order_by("segment_kind", "segment"))


def _reports() -> QuerySet[PopulationRun]:
    return PopulationRun.objects.filter(state=RunState.DONE).order_by("-finished_at", "-pk")


def _shares(rule: AlertRule, run: PopulationRun) -> Iterator[Happening]:
    """Yield where a share passed the rule's threshold, or moved, from one period to the next."""
    of_segment = rule.scope == Scope.SEGMENT
    rows = PopulationShare.objects.filter(
        run=run,
        segment_kind=rule.segment_kind if of_segment else ALL,
        segment=rule.segment if of_segment else "",
    )
    periods = list(rows.order_by("period"))
    names = dict(Category.objects.values_list("pk", "name"))
    for before, row in pairwise([None, *periods]):
        assert row is not None
        watched = [
            key for key in row.category_ids if key in names and rule.category_id in (None, key)
        ]
        for key in watched:
            cell, earlier = _cell(row, key), _cell(before, key)
            if cell is not None and _speaks(rule, cell, earlier, num_watched=len(watched)):
                is_newest = row is periods[-1]
                yield _share(rule, names[key], cell, earlier, is_newest=is_newest)


@dataclass(frozen=True)
class _Cell:
    """One category in one period."""

    category_id: int
    period: date
    share: float
    low: float
    high: float
    significance: float
    num_events: int
    num_end_users: int


def _cell(row: PopulationShare | None, key: int) -> _Cell | None:
    if row is None or key not in row.category_ids:
        return None
    place = row.category_ids.index(key)
    return _Cell(
        category_id=key,
        period=row.period,
        share=row.shares[place],
        low=row.low[place],
        high=row.high[place],
        significance=row.significances[place],
        num_events=row.num_events,
        num_end_users=row.num_end_users,
    )


def _speaks(rule: AlertRule, cell: _Cell, before: _Cell | None, *, num_watched: int) -> bool:
    """Tell whether a share surely lies beyond the threshold and did not before, or moved beyond noise."""
    if rule.condition != Condition.SHARE_MOVES:
        return _is_beyond(rule, cell) and not (before and _is_beyond(rule, before))
    if before is None:
        return False
    edge = NormalDist().inv_cdf(1 - FALSE_ALARMS / 2 / num_watched)
    is_enough = abs(cell.share - before.share) >= (rule.threshold or 0.0)
    return abs(cell.significance) >= edge and is_enough


def _is_beyond(rule: AlertRule, cell: _Cell) -> bool:
    """Tell whether the whole interval of a share lies beyond the threshold."""
    if rule.condition == Condition.SHARE_ABOVE:
        return cell.low > (rule.threshold or 0.0)
    return cell.high < (rule.threshold or 0.0)


def _share(
    rule: AlertRule, name: str, cell: _Cell, before: _Cell | None, *, is_newest: bool
) -> Happening:
    share = {
        "category": name, "period": cell.period.isoformat(), "share": round(cell.share, 6),
        "low": round(cell.low, 6), "high": round(cell.high, 6),
        "share_before": round(before.share, 6) if before else None,
        "significance": round(cell.significance, 3),
        "num_events": cell.num_events, "num_end_users": cell.num_end_users,
    }  # fmt: skip
    subject = f"{rule.condition}:{cell.category_id}:{_digest(rule)}"
    return Happening(
        key=f"{subject}:{cell.period}",
        subject=subject,
        at=datetime.combine(cell.period, time(), UTC),
        text=_share_sentence(rule, name, cell, before),
        facts={"segment": _segment(rule), "share": share},
        is_newest=is_newest,
    )


def _share_sentence(rule: AlertRule, name: str, cell: _Cell, before: _Cell | None) -> str:
    of = f"of the events of {segment_name(rule)} in the period from {cell.period:%-d %B %Y}"
    counts = f"{cell.num_events:,} events of {cell.num_end_users:,} end users"
    interval = f"between {_percent(cell.low)} and {_percent(cell.high)}"
    if rule.condition == Condition.SHARE_MOVES and before is not None:
        verb = "rose" if cell.share > before.share else "fell"
        moved = f"{verb} from {_percent(before.share)} to {_percent(cell.share)}"
        return f"{name} {moved} {of} ({interval}; {counts})"
    side = "above" if rule.condition == Condition.SHARE_ABOVE else "below"
    was = f"{side} {_percent(rule.threshold or 0.0)}: {_percent(cell.share)}"
    return f"{name} is {was} {of} ({interval}; {counts})"


def _drifters(
    rule: AlertRule, run: PopulationRun, people: QuerySet[EndUser] | None
) -> Iterator[Happening]:
    """Yield that more end users drift than the rule allows, of those with events enough to say."""
    found = Drifter.objects.filter(run=run, q_value__lte=FALSE_NAMES)
    known = EndUser.objects.exclude(drift_score=None)
    if people is not None:
        keys = people.values("pk")
        found, known = found.filter(end_user__in=keys), known.filter(pk__in=keys)
    num, total = found.count(), known.count()
    limit = rule.threshold or 0.0
    if not total or num / total <= limit or run.finished_at is None:
        return
    subject = f"{rule.condition}:{_digest(rule)}"
    yield Happening(
        key=f"{subject}:{run.finished_at:%Y-%m-%d}",
        subject=subject,
        at=run.finished_at,
        text=f"{_percent(num / total)} of {segment_name(rule)} drift, above {_percent(limit)}: "
        f"{num:,} of {total:,} end users with enough events to say",
        facts={
            "segment": _segment(rule),
            "drifters": {"share": round(num / total, 6), "num": num, "num_end_users": total},
        },
    )


def segment_name(rule: AlertRule) -> str:
    """Return whom a rule on many is about, in words."""
    if rule.scope == Scope.SEGMENT:
        return f"{rule.segment_kind} {rule.segment}"
    return "everybody"


def _segment(rule: AlertRule) -> dict[str, str] | None:
    if rule.scope != Scope.SEGMENT:
        return None
    return {"kind": rule.segment_kind, "name": rule.segment}


def _digest(rule: AlertRule) -> str:
    """Return a short name of the segment for keys: its own may be too long."""
    if rule.scope != Scope.SEGMENT:
        return ALL
    return hashlib.sha256(f"{rule.segment_kind}\0{rule.segment}".encode()).hexdigest()[:16]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
