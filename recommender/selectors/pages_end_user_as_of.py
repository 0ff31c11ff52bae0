"""What a page needs to look back: times worth a look, and the answer of a live worker with names in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max

from interests import charts
from interests.models import RunState, TrackingRun
from interests.selectors import histories, states
from interests.selectors.states import CategoryName
from recommender.models import Switch
from recommender.selectors import pages_end_user_drift

MAX_TIMES = 12


@dataclass(frozen=True)
class Moment:
    """A time worth a look, and what happened then."""

    at: datetime
    words: str


@dataclass(frozen=True)
class RecalledWish:
    """One category as a person wanted it at a time; `bar` is `now` as a share of the largest."""

    category: CategoryName
    now: float
    short_term: float
    long_term: float
    bar: float


@dataclass(frozen=True)
class RecalledChange:
    """A change that was known at a time."""

    change: str
    begin_at: datetime
    detected_at: datetime
    sureness: str
    num_events: int


@dataclass(frozen=True)
class Recalled:
    """The state of one end user at a time."""

    wishes: list[RecalledWish]
    drift_events: list[RecalledChange]
    drift_score: float | None
    num_events: int
    active_days: int
    last_event_at: datetime | None
    knowledge_is_newer: bool
    tracking_run_id: int | None
    training_run_id: int | None


def depends_on(*, end_user_id: int, at: datetime) -> list[Any]:
    """Return what the state at a time changes with: the events up to then and the runs that are done; two queries."""
    known = histories.used_by(end_user_id).filter(occurred_at__lte=at)
    events = known.aggregate(count=Count("pk"), newest=Max("pk"))
    runs = TrackingRun.objects.filter(state=RunState.DONE, finished_at__lte=at)
    run = runs.order_by("-finished_at", "-pk").values_list("pk", flat=True).first()
    return [events["count"], events["newest"], run]


def moments(*, end_user_id: int, until: datetime | None) -> list[Moment]:
    """Return the times of drift events and publications, newest first, none after `until`; five queries.

    A page that looks back may not name what came later either.
    """
    lines = pages_end_user_drift.drift_lines(end_user_id=end_user_id)
    switches = Switch.objects.order_by("-switched_at")
    if until is not None:
        lines = [line for line in lines if line.detected_at <= until]
        switches = switches.filter(switched_at__lte=until)
    found = [Moment(line.detected_at, f"change raised: {line.change}") for line in lines]
    found += [
        Moment(at, f"publication {publication} began to serve")
        for at, publication in switches.values_list("switched_at", "publication_id")[:MAX_TIMES]
    ]
    return sorted(found, key=lambda moment: moment.at, reverse=True)[:MAX_TIMES]


def recalled(answer: Mapping[str, Any]) -> Recalled:
    """Return what a live worker answered with the names of categories; one query."""
    names = states.category_names()
    rows = [row for row in answer["interests"] if max(row[1:]) > 0]
    largest = max((now for _, now, _, _ in rows), default=0.0) or 1.0
    last = answer["last_event_at"]
    return Recalled(
        wishes=sorted(
            (
                RecalledWish(states.named(names, key), now, short, long, now / largest)
                for key, now, short, long in rows
            ),
            key=lambda wish: -wish.now,
        ),
        drift_events=[_change(row, names) for row in answer["drift_events"]][::-1],
        drift_score=answer["drift_score"],
        num_events=answer["num_events"],
        active_days=answer["active_days"],
        last_event_at=datetime.fromisoformat(last) if last else None,
        knowledge_is_newer=answer["knowledge_is_newer"],
        tracking_run_id=answer["tracking_run_id"],
        training_run_id=answer["training_run_id"],
    )


def _change(row: Mapping[str, Any], names: dict[int, CategoryName]) -> RecalledChange:
    rising, falling = (
        [states.named(names, key).name for key in row[part]] for part in ("rising", "falling")
    )
    return RecalledChange(
        change=charts.change_words(rising=rising, falling=falling, is_return=row["is_return"]),
        begin_at=datetime.fromisoformat(row["begin_at"]),
        detected_at=datetime.fromisoformat(row["detected_at"]),
        sureness=charts.sureness(row["confidence"]),
        num_events=row["num_events"],
    )
