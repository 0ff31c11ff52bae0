"""What the page about drift shows: the population over time, segments, flows, drifters, the newest changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Q

from interests.charts import population_words
from interests.charts.population import Flow
from interests.charts.population_words import Move
from interests.charts.series import Category
from interests.models import DriftMark, PopulationRun, RunState
from interests.selectors import drift_counts, population, states
from interests.selectors.population import Cell, Report
from interests.selectors.states import CategoryName

# More lines than these cannot be told apart.
NUM_LINES = 8
NUM_FLOWS = 24
NUM_CHANGES = 8
DRIFTERS_PER_PAGE = 20
# Shares of false names that the list may have, in percent.
LEVELS = (5, 10, 20)
# An event from 9999 is not what has just changed.
AHEAD = timedelta(days=1)
Verdict = DriftMark.Verdict


@dataclass(frozen=True)
class Lines:
    """Categories over time, the largest first, with the looks that were taken at all of them."""

    categories: list[tuple[CategoryName, list[Cell]]]
    moves: list[Move]
    surest_id: int | None
    is_sure_from: float


@dataclass(frozen=True)
class Segments:
    """One category in the segments of a kind."""

    kind: str
    category: CategoryName
    names: list[str]
    periods: list[date]
    cells: dict[tuple[str, date], Cell]
    moves: list[Move]


@dataclass(frozen=True)
class Flows:
    """Interest that went from category to category on balance, the largest first.

    Attributes:
        in_all: what moved at all, back and forth, in end users
        num_left_out: smaller ones that are not drawn
    """

    rows: list[Flow]
    gross: dict[tuple[str, str], float]
    in_all: float
    num_end_users: float
    num_left_out: int


@dataclass(frozen=True)
class ChangeLine:
    """A drift event of somebody, as a line."""

    pk: int
    end_user_id: int
    user_id: str
    detected_at: datetime
    confidence: float
    rising: list[CategoryName]
    falling: list[CategoryName]
    is_return: bool


@dataclass(frozen=True)
class Marks:
    """What people made of drift events so far."""

    num: int
    num_wrong: int
    num_explained: int

    @property
    def precision(self) -> float | None:
        """Return which share of the marked changes were changes; explained ones were."""
        return (self.num - self.num_wrong) / self.num if self.num else None


def lines(
    cells: dict[int, list[Cell]],
    names: dict[int, CategoryName],
    *,
    since: date,
    until: date,
    category_id: int | None,
) -> Lines:
    """Return the largest categories of a window, or the one that was chosen."""
    shown = {
        key: [cell for cell in own if since <= cell.period <= until] for key, own in cells.items()
    }
    shown = {key: own for key, own in shown.items() if own and key != population.OTHER_ID}
    named_ones = [key for key in shown if key != states.UNCATEGORISED_ID] or list(shown)
    order = sorted(
        named_ones, key=lambda key: -sum(cell.share * cell.num_events for cell in shown[key])
    )
    chosen = [category_id] if category_id in shown else order[:NUM_LINES]
    looked = chosen if category_id in shown else order
    moves = {
        key: [move for move in _moves(named(names, key), cells[key]) if since <= move.period <= until]
        for key in looked
    }  # fmt: skip
    every = [move for own in moves.values() for move in own]
    surest = max(
        (key for key in moves if moves[key]),
        key=lambda key: max(_sureness(move) for move in moves[key]),
        default=None,
    )
    return Lines(
        categories=[(named(names, key), shown[key]) for key in chosen],
        moves=every,
        surest_id=surest,
        is_sure_from=population_words.noise_of_looks(sum(bool(move.significance) for move in every)),
    )  # fmt: skip


def period_range(
    periods: Sequence[date], *, since: date | None, until: date | None
) -> tuple[date, date]:
    """Return the first and the last period of a window that was asked for, at least two where there are."""
    last = max(
        (period for period in periods if until is None or period <= until), default=periods[-1]
    )
    first = max(
        (period for period in periods if since is not None and period <= since), default=periods[0]
    )
    if first >= last:
        place = periods.index(last)
        first = periods[max(place - 1, 0)]
    return first, last


def segments(
    report: Report,
    names: dict[int, CategoryName],
    *,
    kind: str,
    category_id: int,
    since: date,
    until: date,
) -> Segments:
    """Return one category in all segments of a kind; one query."""
    cells = population.of_segments(
        report.run_id, kind=kind, category_id=category_id, since=since, until=until
    )
    category = named(names, category_id)
    by_segment: dict[str, list[Cell]] = {}
    for cell in cells:
        by_segment.setdefault(cell.segment, []).append(cell)
    return Segments(
        kind=kind,
        category=category,
        names=list(by_segment),
        periods=sorted({cell.period for cell in cells}),
        cells={(cell.segment, cell.period): cell for cell in cells},
        moves=[
            Move(category.name, cell.period, None, cell.share, cell.significance, cell.segment)
            for cell in cells
        ],
    )


def flows(report: Report, names: dict[int, CategoryName], *, since: date, until: date) -> Flows:
    """Return how interest moved between two periods; what went there and back cancels out; two queries."""
    gross = population.flows(report.run_id, since=since, until=until)
    net = {pair: amount - gross.get(pair[::-1], 0.0) for pair, amount in gross.items()}
    order = sorted((pair for pair in net if net[pair] > 0.0), key=lambda pair: -net[pair])
    return Flows(
        rows=[
            Flow(_drawn(names, start), _drawn(names, end), net[start, end])
            for start, end in order[:NUM_FLOWS]
        ],
        gross={
            (named(names, start).name, named(names, end).name): amount
            for (start, end), amount in gross.items()
        },
        in_all=sum(gross.values()),
        num_end_users=population.num_followed(report.run_id, period=until),
        num_left_out=max(len(order) - NUM_FLOWS, 0),
    )


def newest_changes(*, now: datetime) -> list[ChangeLine]:
    """Return the newest drift events that count, of everybody; three queries."""
    rows = drift_counts.that_count(drift_counts.newest_run()).filter(detected_at__lte=now + AHEAD)
    names = states.category_names()
    newest = rows.select_related("end_user").order_by("-detected_at", "-pk")[:NUM_CHANGES]
    return [
        ChangeLine(
            pk=row.pk,
            end_user_id=row.end_user_id,
            user_id=row.end_user.user_id,
            detected_at=row.detected_at,
            confidence=row.confidence,
            rising=[states.named(names, key) for key in row.rising[:2]],
            falling=[states.named(names, key) for key in row.falling[:2]],
            is_return=row.is_return,
        )
        for row in newest
    ]


def marks() -> Marks:
    """Return how many drift events were marked, and how many of them as wrong or explained; one query."""
    found = DriftMark.objects.aggregate(
        num=Count("pk"),
        wrong=Count("pk", filter=Q(verdict=Verdict.WRONG)),
        explained=Count("pk", filter=Q(verdict=Verdict.EXPLAINED)),
    )
    return Marks(found["num"], found["wrong"], found["explained"])


def under_way() -> PopulationRun | None:
    """Return a report that waits or is being made; one query."""
    active = PopulationRun.objects.filter(state__in=[RunState.WAITING, RunState.STARTED])
    return active.order_by("-pk").first()


def failed() -> PopulationRun | None:
    """Return the last report if it failed; one query."""
    ended = PopulationRun.objects.filter(state__in=[RunState.DONE, RunState.FAILED])
    last = ended.order_by("-finished_at").first()
    return last if last is not None and last.state == RunState.FAILED else None


def named(names: dict[int, CategoryName], key: int) -> CategoryName:
    """Return the name of a category, of "other", or a stand-in."""
    return names[key] if key in names else states.named(names, key)


def _drawn(names: dict[int, CategoryName], key: int) -> Category:
    found = named(names, key)
    return Category(found.name, found.colour_rank)


def _sureness(move: Move) -> tuple[float, float]:
    """Return by what moves are ordered: how sure they are; of two alike, the rise."""
    return (round(abs(move.significance), 3), move.significance)


def _moves(category: CategoryName, own: Sequence[Cell]) -> list[Move]:
    """Return each period of a category beside its share in the periods before."""
    found = []
    for place, cell in enumerate(own):
        before = own[max(place - population_words.NUM_BEFORE, 0) : place]
        events = sum(one.num_events for one in before)
        share = sum(one.share * one.num_events for one in before) / events if events else None
        found.append(Move(category.name, cell.period, share, cell.share, cell.significance))
    return found
