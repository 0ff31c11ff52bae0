"""Figures of people: how one's interests moved, what one change was, two people side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils.text import slugify

from interests import charts
from interests.charts import Category, Mark, Person, Series
from interests.selectors import states
from interests.selectors.states import StateHistory
from recommender.selectors.pages_end_user_drift import DriftEventPage, DriftLine
from recommender.selectors.pages_end_users import EVENTS_NEEDED
from recommender.views.figures import Choice, Figure

# How wide a bar of raw events is, by the length of the history: a few bars at least, not too many.
BARS = (
    (timedelta(days=28), "week", timedelta(days=7)),
    (timedelta(days=2), "day", timedelta(days=1)),
    (timedelta(hours=2), "hour", timedelta(hours=1)),
    (timedelta(0), "minute", timedelta(minutes=1)),
)
# Pairs of bars that fit a low figure.
FEW_PAIRS = 5
NOW, LATELY, LONG_RUN = "now", "short", "long"


@dataclass(frozen=True)
class _Part:
    """Which of the weights of a state a figure shows."""

    choice: str
    column: str
    axis: str


PARTS = {
    NOW: _Part("Now", "weights", "interest weights"),
    LATELY: _Part("Lately", "short_term", "short-term weights"),
    LONG_RUN: _Part("Long run", "long_term", "long-term weights"),
}


def interests_over_time(
    *, end_user_id: int, user_id: str, drift_events: Sequence[DriftLine], show: str
) -> Figure | None:
    """Return weights, raw shares and drift of an end user on one axis; None before there are two states.

    Args:
        show: which weights, a key of PARTS.
    """
    history = states.history(end_user_id)
    if len(history.points) < 2:
        return None
    since, until = history.points[0].at, history.points[-1].at
    step, length = next((step, length) for least, step, length in BARS if until - since >= least)
    weights = _weights(history, PARTS[show].column)
    scores = [point.drift_score for point in history.points]
    marks = [mark_of(line) for line in drift_events]
    days = [point.active_days for point in history.points]
    header, rows = charts.interests_table(
        weights, drift_scores=scores, active_days=days, drift_events=marks
    )
    return Figure(
        name="interests",
        question="How have interests moved?",
        sentence=charts.interests_sentence(
            weights,
            drift_score=scores[-1],
            drift_events=marks if show == NOW else [],
            active_days=days[-1],
            needed=EVENTS_NEEDED,
        ),
        plot=charts.interests_over_time(
            weights,
            shares=_raw_shares(end_user_id, step=step, length=length),
            drift_scores=scores,
            drift_events=marks,
            of_weights=PARTS[show].axis,
        ),
        header=header,
        rows=rows,
        file=_file("interests", user_id, end_user_id),
        size="tall",
        choices=[
            Choice(part.choice, "?" if key == NOW else f"?show={key}", key == show)
            for key, part in PARTS.items()
        ],
    )


def change(page: DriftEventPage, *, user_id: str) -> Figure:
    """Return how each category stood before and after a change, as paired bars."""
    header, rows = charts.change_table(page.changes)
    line = page.line
    return Figure(
        name="change",
        question="What changed?",
        sentence=f"{charts.change_sentence(mark_of(line))} Shares of {line.begin_event:,} events before "
        f"and {line.num_since:,} since; pale bars are before.",
        plot=charts.change_bars(page.changes),
        header=header,
        rows=rows,
        file=_file("change", user_id, line.pk),
        size="low" if len(page.changes) <= FEW_PAIRS else "middle",
    )


def two_people(people: Sequence[tuple[int, str, Sequence[DriftLine]]]) -> Figure:
    """Return two end users on one time axis; each is given as key, user id and drift events."""
    first, second = (
        Person(
            user_id,
            _weights(states.history(key), "weights"),
            [mark_of(line) for line in lines],
        )
        for key, user_id, lines in people
    )
    header, rows = charts.common_table(first, second)
    return Figure(
        name="compared",
        question="How do their interests run beside each other?",
        sentence=charts.common_sentence(first, second),
        plot=charts.two_over_time(first, second),
        header=header,
        rows=rows,
        file=_file("compared", f"{first.name} {second.name}", people[0][0]),
        size="tall",
    )


def mark_of(line: DriftLine) -> Mark:
    """Return a drift event as figures draw it."""
    return Mark(
        at=line.detected_at,
        begin_at=line.begin_at,
        confidence=line.confidence,
        rising=[row.name for row in line.rising],
        falling=[row.name for row in line.falling],
        is_return=line.is_return,
        verdict=line.mark.verdict if line.mark else "",
        note=line.mark.note if line.mark else "",
        href=reverse("recommender:drift_event", args=[line.end_user_id, line.pk]),
    )


def _weights(history: StateHistory, column: str) -> Series:
    return Series(
        _categories(history.categories),
        [point.at for point in history.points],
        [getattr(point, column) for point in history.points],
        [point.num_events for point in history.points],
    )


def _raw_shares(end_user_id: int, *, step: str, length: timedelta) -> Series:
    raw = states.event_shares_over_time(end_user_id, step=step)
    return Series(
        _categories(raw.categories),
        # A bar is drawn around its time: in the middle of its week it ends where the next begins.
        [point.at + length / 2 for point in raw.points],
        [point.shares for point in raw.points],
        [point.num_events for point in raw.points],
    )


def _categories(names: Sequence[states.CategoryName]) -> list[Category]:
    return [Category(name.name, name.colour_rank) for name in names]


def _file(what: str, name: str, otherwise: int) -> str:
    return f"{what}-{slugify(name)[:80] or otherwise}"
