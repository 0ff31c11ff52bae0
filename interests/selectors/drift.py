"""Drift as plain values: who changed, when, from what to what, what shows it and what was made of it.

What counts is said in `selectors.drift_counts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Value, When

from interests.drift import populations
from interests.drift.scores import MIN_EVENTS
from interests.drift.self_test import wilson
from interests.models import DriftEvent, DriftMark, EndUser, Interaction, InterestState
from interests.selectors import drift_counts, states
from interests.selectors.states import CategoryName

# A category with less of somebody's weight than this is not worth naming as steady.
STEADY_FROM = 0.05
# A clock gone wrong dates a change years ahead; it leads no list.
AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Evidence:
    """One event that shows a change."""

    item_id: str
    title: str
    kind: str
    occurred_at: datetime


@dataclass(frozen=True)
class Mark:
    """What an analyst made of a drift event; `made_by` is empty where the account is gone."""

    verdict: str
    note: str
    made_by: str
    made_at: datetime


@dataclass(frozen=True)
class Side:
    """One category's share before and since a change began."""

    category: CategoryName
    before: float
    after: float


@dataclass(frozen=True)
class DriftLine:
    """One drift event; `sides` are the categories with a share, the most moved first."""

    pk: int
    end_user_id: int
    user_id: str
    detected_at: datetime
    begin_at: datetime
    num_events: int
    begin_event: int
    confidence: float
    score: float
    is_return: bool
    rising: list[CategoryName]
    falling: list[CategoryName]
    sides: list[Side]
    evidence: list[Evidence]
    mark: Mark | None
    is_live: bool
    detector_version: str


@dataclass(frozen=True)
class CurrentDrift:
    """How somebody's recent interest lies to their usual one.

    Attributes:
        at: time of the last event that it has seen; None: no state yet
        drift_score: None: too few events to say, and then nothing rises or falls
        p_value: chance of such a score while nothing changes, in one look
        new: those of `rising` that were hardly seen before
        steady: neither rising nor falling, the largest weight first
        num_needed: events that are not negative which a drift score needs
    """

    at: datetime | None
    num_events: int
    drift_score: float | None
    p_value: float | None
    rising: list[CategoryName]
    falling: list[CategoryName]
    new: list[CategoryName]
    steady: list[CategoryName]
    events_through: datetime | None
    num_needed: int = MIN_EVENTS

    @property
    def is_too_little(self) -> bool:
        return self.drift_score is None


@dataclass(frozen=True)
class Precision:
    """How many of the drift events that count and were marked are changes; explained ones are."""

    num_right: int
    num_wrong: int
    num_explained: int

    @property
    def num(self) -> int:
        return self.num_right + self.num_wrong + self.num_explained

    @property
    def value(self) -> float | None:
        """Return the precision; None: nothing is marked."""
        return (self.num_right + self.num_explained) / self.num if self.num else None

    @property
    def interval(self) -> tuple[float, float]:
        """Return its 95 % interval (Wilson, 1927); 0 to 1 where nothing is marked."""
        return wilson(self.num_right + self.num_explained, self.num)


def drift_events_of(
    end_user_id: int, *, since: datetime | None = None, until: datetime | None = None
) -> list[DriftLine]:
    """Return the drift events of one end user that count, oldest first; five queries, two without any.

    Args:
        since, until: of the time at which they were raised, both included.
    """
    rows = drift_counts.that_count(drift_counts.newest_run()).filter(end_user=end_user_id)
    if since is not None:
        rows = rows.filter(detected_at__gte=since)
    if until is not None:
        rows = rows.filter(detected_at__lte=until)
    return lines(rows.order_by("detected_at", "pk"))


def newest(
    *,
    limit: int,
    now: datetime,
    before: tuple[datetime, int] | None = None,
    since: datetime | None = None,
    min_confidence: float = 0.0,
    category_id: int | None = None,
    direction: str = "",
) -> list[DriftLine]:
    """Return the newest drift events of everybody; five queries, two without any.

    Args:
        before: time and key of the last one that was seen.
        since: raised at this time or later.
        category_id: only those in which it rises or falls.
        direction: "rising" or "falling", of that category; empty: either.
    """
    rows = drift_counts.that_count(drift_counts.newest_run()).filter(
        detected_at__lte=now + AHEAD, confidence__gte=min_confidence
    )
    if before is not None:
        at, key = before
        rows = rows.filter(Q(detected_at__lt=at) | Q(detected_at=at, pk__lt=key))
    if since is not None:
        rows = rows.filter(detected_at__gte=since)
    if category_id is not None:
        rises, falls = Q(rising__contains=[category_id]), Q(falling__contains=[category_id])
        rows = rows.filter({"rising": rises, "falling": falls}.get(direction, rises | falls))
    return lines(rows.order_by("-detected_at", "-pk")[:limit])


def lines(events: QuerySet[DriftEvent]) -> list[DriftLine]:
    """Return drift events in their order with names, marks and evidence; four queries, one without any."""
    rows = list(events.select_related("end_user"))
    if not rows:
        return []
    names, marks, evidence = states.category_names(), _marks(rows), _evidence(rows)
    return [
        DriftLine(
            pk=row.pk,
            end_user_id=row.end_user_id,
            user_id=row.end_user.user_id,
            detected_at=row.detected_at,
            begin_at=row.begin_at,
            num_events=row.num_events,
            begin_event=row.begin_event,
            confidence=row.confidence,
            score=row.score,
            is_return=row.is_return,
            rising=[states.named(names, key) for key in row.rising],
            falling=[states.named(names, key) for key in row.falling],
            sides=_sides(row, names),
            evidence=[evidence[key] for key in row.evidence if key in evidence],
            mark=marks.get((row.end_user_id, row.detected_at)),
            is_live=row.tracking_run_id is None,
            detector_version=row.detector_version,
        )
        for row in rows
    ]


def current(end_user_id: int) -> CurrentDrift:
    """Return how an end user's recent interest lies to their usual one; two queries, one without a state."""
    state = InterestState.objects.filter(
        pk__in=EndUser.objects.filter(pk=end_user_id).values("current_state")
    ).first()
    if state is None:
        return CurrentDrift(None, 0, None, None, [], [], [], [], None)
    names, score = states.category_names(), state.drift_score

    def named(keys: Sequence[int] | None) -> list[CategoryName]:
        return [states.named(names, key) for key in keys or ()]

    return CurrentDrift(
        at=state.at,
        num_events=state.num_events,
        drift_score=score,
        p_value=None
        if score is None
        else float(populations.p_values_of_scores(np.array([score]))[0]),
        rising=named(state.rising),
        falling=named(state.falling),
        new=named(state.new),
        steady=[] if score is None else named(_steady(state)),
        events_through=state.events_through,
    )


def marked_precision() -> Precision:
    """Return how many of the marked drift events that count are changes; two queries."""
    counting = drift_counts.that_count(drift_counts.newest_run()).filter(
        end_user=OuterRef("end_user"), detected_at=OuterRef("detected_at")
    )
    verdict = DriftMark.Verdict
    found = DriftMark.objects.filter(Exists(counting)).aggregate(
        **{
            name: Count(Case(When(verdict=value, then=Value(1))))
            for name, value in (
                ("num_right", verdict.RIGHT),
                ("num_wrong", verdict.WRONG),
                ("num_explained", verdict.EXPLAINED),
            )
        }
    )
    return Precision(**found)


def _steady(state: InterestState) -> list[int]:
    moving = {*(state.rising or ()), *(state.falling or ())}
    rows = sorted(zip(state.weights, state.category_ids, strict=True), key=lambda row: -row[0])
    return [
        key
        for weight, key in rows
        if weight >= STEADY_FROM and key not in moving and key != states.UNCATEGORISED_ID
    ]


def _sides(row: DriftEvent, names: dict[int, CategoryName]) -> list[Side]:
    found = [
        Side(states.named(names, key), before, after)
        for key, before, after in zip(row.category_ids, row.before, row.after, strict=True)
        if before or after
    ]
    return sorted(found, key=lambda side: -abs(side.after - side.before))


def _marks(rows: Sequence[DriftEvent]) -> dict[tuple[int, datetime], Mark]:
    marks = DriftMark.objects.filter(
        end_user__in={row.end_user_id for row in rows},
        detected_at__in={row.detected_at for row in rows},
    )
    return {
        (mark.end_user_id, mark.detected_at): Mark(
            mark.verdict,
            mark.note,
            mark.made_by.get_username() if mark.made_by else "",
            mark.made_at,
        )
        for mark in marks.select_related("made_by")
    }


def _evidence(rows: Sequence[DriftEvent]) -> dict[int, Evidence]:
    keys = {key for row in rows for key in row.evidence}
    found = Interaction.objects.filter(pk__in=keys).values_list(
        "pk", "item__item_id", "item__title", "kind__name", "occurred_at"
    )
    return {
        key: Evidence(item_id, title, kind, occurred_at)
        for key, item_id, title, kind, occurred_at in found
    }
