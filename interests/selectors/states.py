"""Interest states as plain values: for pages, the API and charts.

What counts is the newest finished tracking run and the live states that have seen more than it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Max, Min, Q, QuerySet
from django.db.models.functions import Now, Trunc

from interests.datasets.log import UNCATEGORISED
from interests.models import Category, EndUser, InterestState, RunState, TrackingRun
from interests.selectors import event_shares

UNCATEGORISED_ID = 0
STEPS = ("event", "minute", "hour", "day", "week", "month")
# A figure is about a thousand pixels wide: with more points than these a coarser step shows as much.
MAX_AUTO_POINTS = 120
MINUTE_STEP_UNTIL = timedelta(minutes=MAX_AUTO_POINTS)
HOUR_STEP_UNTIL = timedelta(hours=MAX_AUTO_POINTS)
DAY_STEP_UNTIL = timedelta(days=MAX_AUTO_POINTS)
WEEK_STEP_UNTIL = timedelta(weeks=160)
# What a history is made of; the vectors, which are most of a row, are not.
COLUMNS = (
    "at",
    "category_ids",
    "weights",
    "long_term",
    "short_term",
    "drift_score",
    "num_events",
    "active_days",
)
# Outside these a time is doubtful: one event from 9999 would leave a figure a pixel for all the others.
SOUND_FROM = datetime(1990, 1, 1, tzinfo=UTC)
SOUND_AHEAD = timedelta(days=1)


class UnknownStep(ValueError):
    """The step is none of those there are."""


@dataclass(frozen=True)
class CategoryName:
    """A category as it is shown; "uncategorised" has the id 0 and no colour of its own."""

    category_id: int
    name: str
    colour_rank: int | None


@dataclass(frozen=True)
class CategoryWeight:
    """One category's part of a state."""

    category: CategoryName
    weight: float
    long_term: float
    short_term: float


@dataclass(frozen=True)
class CurrentState:
    """What one end user wants now, the largest weight first."""

    at: datetime
    categories: list[CategoryWeight]
    drift_score: float | None
    num_events: int
    active_days: int
    events_through: datetime
    created_at: datetime
    tracker_version: str
    tracking_run_id: int | None
    training_run_id: int | None


@dataclass(frozen=True)
class StatePoint:
    """One state in a history; the lists run parallel to the history's `categories`."""

    at: datetime
    weights: list[float]
    long_term: list[float]
    short_term: list[float]
    drift_score: float | None
    num_events: int
    active_days: int


@dataclass(frozen=True)
class StateHistory:
    """The states of one end user over time, oldest first; `step` is the one that was used."""

    categories: list[CategoryName]
    points: list[StatePoint]
    step: str


@dataclass(frozen=True)
class SharePoint:
    """Shares of the raw events of one step of time, parallel to the history's `categories`."""

    at: datetime
    shares: list[float]
    num_events: int


@dataclass(frozen=True)
class ShareHistory:
    """What one end user did over time, oldest first; steps without events are left out."""

    categories: list[CategoryName]
    points: list[SharePoint]
    step: str


def current_state(end_user_id: int) -> CurrentState | None:
    """Return what an end user wants now, None before their first state; two queries."""
    state = InterestState.objects.filter(
        pk__in=EndUser.objects.filter(pk=end_user_id).values("current_state")
    ).first()
    return to_plain(state) if state is not None else None


def state_at(end_user_id: int, *, at: datetime) -> tuple[CurrentState | None, bool]:
    """Return the stored state of an end user at a time, and whether its knowledge is newer than that.

    A state has seen only the person's events up to its own time. What other people teach was known by then
    if the newest run that was done by then made the state, or a live worker between it and the next run.
    Where there is none of these the newest run's is returned, None where it has none either; seven queries.
    `services.as_of` works out the state of any time afresh.
    """
    own = InterestState.objects.filter(end_user=end_user_id, at__lte=at)
    done = TrackingRun.objects.filter(state=RunState.DONE)
    run = done.filter(finished_at__lte=at).order_by("-finished_at", "-pk").first()
    if run is not None:
        state = _of_run_or_live(own, run, until=_end_of_knowledge(done, at)).first()
        if state is not None:
            return to_plain(state), False
    state = states_that_count(end_user_id, until=at).order_by("-at", "-pk").first()
    return (to_plain(state), True) if state is not None else (None, False)


def _end_of_knowledge(done: QuerySet[TrackingRun], at: datetime) -> datetime | None:
    """Return when the first run after a time was done, None if there is none."""
    later = done.filter(finished_at__gt=at).order_by("finished_at")
    return later.values_list("finished_at", flat=True).first()


def _of_run_or_live(
    own: QuerySet[InterestState], run: TrackingRun, *, until: datetime | None
) -> QuerySet[InterestState]:
    live = own.filter(tracking_run=None, created_at__gt=run.finished_at)
    if until is not None:
        live = live.filter(created_at__lt=until)
    return (own.filter(tracking_run=run) | live).order_by("-at", "-pk")


def to_plain(state: InterestState) -> CurrentState:
    """Return a state with the names of its categories; one query."""
    names = category_names()
    rows = zip(state.category_ids, state.weights, state.long_term, state.short_term, strict=True)
    return CurrentState(
        at=state.at,
        categories=sorted(
            (CategoryWeight(named(names, key), *numbers) for key, *numbers in rows),
            key=lambda row: -row.weight,
        ),
        drift_score=state.drift_score,
        num_events=state.num_events,
        active_days=state.active_days,
        events_through=state.events_through,
        created_at=state.created_at,
        tracker_version=state.tracker_version,
        tracking_run_id=state.tracking_run_id,
        training_run_id=state.training_run_id,
    )


def history(
    end_user_id: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    step: str = "auto",
) -> StateHistory:
    """Return an end user's states, the last of each step; at most six queries where there are any.

    Args:
        since: states at this time or later.
        until: states at this time or earlier; without either, those of doubtful times are left out
            unless there are no others.
        step: "event" (every state), "minute", "hour", "day", "week", "month" (UTC), or "auto" for
            as many as a figure can show.

    Raises:
        UnknownStep: another word for `step`.
    """
    states = states_that_count(end_user_id, since=since, until=until)
    if since is None and until is None:
        sound = states.filter(at__gte=SOUND_FROM, at__lte=Now() + SOUND_AHEAD)
        if (found := _history(sound, step=step)).points:
            return found
    return _history(states, step=step)


def _history(states: QuerySet[InterestState], *, step: str) -> StateHistory:
    if step == "auto":
        facts = states.aggregate(first=Min("at"), last=Max("at"))
        is_few = states[: MAX_AUTO_POINTS + 1].count() <= MAX_AUTO_POINTS
        step = "event" if is_few else _step_for(facts["first"], facts["last"])
    _check(step)
    if step != "event":
        by_step = states.annotate(bucket=Trunc("at", step)).order_by("bucket", "-at", "-pk")
        # Whole rows of a long history do not fit the memory that a sort has; their keys do.
        last = by_step.distinct("bucket").values_list("pk", "bucket")
        states = InterestState.objects.filter(pk__in=[key for key, _ in last])
    return _to_history(list(states.only(*COLUMNS).order_by("at", "pk")), step=step)


def event_shares_over_time(
    end_user_id: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    step: str = "auto",
) -> ShareHistory:
    """Return the category shares of an end user's raw events that are not negative; three queries.

    Args:
        since: events at this time or later.
        until: events at this time or earlier; without either, those of doubtful times are left out
            unless there are no others.
        step: "minute" to "month" (UTC), "event" (each time with events), or "auto".

    Raises:
        UnknownStep: another word for `step`.
    """
    window = {"end_user": end_user_id, "since": since, "until": until}
    found = _event_shares(window | {"with_doubtful": bool(since or until)}, step=step)
    return found if found.points else _event_shares(window | {"with_doubtful": True}, step=step)


def _event_shares(window: dict[str, Any], *, step: str) -> ShareHistory:
    if step == "auto":
        first, last, count = event_shares.span(window)
        step = "event" if count <= MAX_AUTO_POINTS else _step_for(first, last)
    _check(step)
    rows = event_shares.parts(window, step=step)
    return _to_share_history(rows, step=step)


def category_names() -> dict[int, CategoryName]:
    """Return all categories by key; one query."""
    rows = Category.objects.values_list("pk", "name", "colour_rank")
    return {key: CategoryName(key, name, rank) for key, name, rank in rows}


def named(names: dict[int, CategoryName], key: int) -> CategoryName:
    """Return the category of a key, a stand-in where there is none."""
    if key == UNCATEGORISED_ID:
        return CategoryName(key, UNCATEGORISED, None)
    return names.get(key) or CategoryName(key, f"removed category {key}", None)


def states_that_count(
    end_user_id: int, *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[InterestState]:
    """Return an end user's states of the newest finished run and the live ones that saw more."""
    run = TrackingRun.objects.filter(state=RunState.DONE).order_by("-finished_at", "-pk").first()
    own = InterestState.objects.filter(end_user=end_user_id)
    seen = own.filter(tracking_run=run).aggregate(through=Max("events_through"))["through"]
    is_live = Q(tracking_run=None)
    if run is None or seen is None:
        states = own.filter(is_live)
    else:
        states = own.filter(Q(tracking_run=run) | is_live & Q(events_through__gt=seen))
    if since is not None:
        states = states.filter(at__gte=since)
    if until is not None:
        states = states.filter(at__lte=until)
    return states


def _step_for(first: datetime | None, last: datetime | None) -> str:
    span = last - first if first and last else timedelta(0)
    if span < MINUTE_STEP_UNTIL:
        return "minute"
    if span < HOUR_STEP_UNTIL:
        return "hour"
    if span <= DAY_STEP_UNTIL:
        return "day"
    return "week" if span <= WEEK_STEP_UNTIL else "month"


def _check(step: str) -> None:
    if step not in STEPS:
        raise UnknownStep(f"step must be auto, {', '.join(STEPS)}, not {step!r}.")


def _to_history(states: Sequence[InterestState], *, step: str) -> StateHistory:
    keys = sorted({key for state in states for key in state.category_ids if key})
    keys.append(UNCATEGORISED_ID)
    names = category_names()
    points = []
    for state in states:
        place = {key: number for number, key in enumerate(state.category_ids)}
        order = [place.get(key) for key in keys]  # None: a category that is newer than the state
        weights, long_term, short_term = (
            [0.0 if number is None else row[number] for number in order]
            for row in (state.weights, state.long_term, state.short_term)
        )
        points.append(
            StatePoint(
                at=state.at,
                weights=weights,
                long_term=long_term,
                short_term=short_term,
                drift_score=state.drift_score,
                num_events=state.num_events,
                active_days=state.active_days,
            )
        )
    return StateHistory([named(names, key) for key in keys] if states else [], points, step)


def _to_share_history(rows: Sequence[tuple[Any, ...]], *, step: str) -> ShareHistory:
    keys = sorted({key for _, key, _ in rows} - {UNCATEGORISED_ID})
    if any(key == UNCATEGORISED_ID for _, key, _ in rows):
        keys.append(UNCATEGORISED_ID)
    names = category_names()
    column = {key: number for number, key in enumerate(keys)}
    sums: dict[datetime, list[float]] = {}
    for at, key, amount in rows:
        sums.setdefault(at, [0.0] * len(keys))[column[key]] += float(amount)
    points = [
        SharePoint(at, [part / sum(parts) for part in parts], round(sum(parts)))
        for at, parts in sums.items()
    ]
    return ShareHistory([named(names, key) for key in keys], points, step)
