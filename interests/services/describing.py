"""Describe the population: what everybody and every segment wants over time, where interest flows, who drifts.

Worked out block by block of end users; its rows show when the run is done, all in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import structlog
from django.db import transaction
from numpy.typing import NDArray

from interests.drift import populations
from interests.drift.populations import Shares, Tally
from interests.models import Drifter, PopulationFlow, PopulationRun, PopulationShare, RunState
from interests.selectors import people, population_events
from interests.selectors.population import OTHER_ID
from interests.selectors.population_events import Window
from interests.services import drifters, running, segments, tracking
from interests.services.running import CannotRun, Hold, RunOvertaken
from interests.services.segments import Segments

# Beyond these categories the rest is one: nobody reads more lines than that.
MAX_CATEGORIES = 60
# Thirty years of months.
MAX_PERIODS = 360
WEEKS_UNTIL = timedelta(days=365)
MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}
# Periods in which there are usually fewer people are put together, while that leaves enough of them.
USUAL_PEOPLE, LEAST_PERIODS = 20, 8
# Numbers in one block of people by periods by categories, 16 MB of float64.
BLOCK_NUMBERS = 2_000_000
MAX_BLOCK_EVENTS = 200_000
# Less interest than this, in end users, is no line on any page.
MIN_FLOW = 1e-3
BATCH_SIZE = 2_000
# Done runs whose rows stay: what is shown, and what was until just now, for a page that is being read.
NUM_KEPT = 2

log = structlog.get_logger()


@dataclass(frozen=True)
class Description:
    """Everything that was worked out.

    Attributes:
        categories: keys of the categories, then `OTHER_ID` for all others. [C]
        flows: interest that went from each category to each between the period before and each period, in
            end users; what stayed is on the diagonal. [T, C, C]
    """

    window: Window
    categories: NDArray[np.int64]
    segments: Segments
    shares: Shares
    flows: NDArray[np.float64]


def describe_population(*, run_id: int) -> None:
    """Do the whole of one description of the population.

    Raises:
        RunNotClaimed: somebody else is at it, or it has ended.
        RunStopped: somebody asked for it.
        RunOvertaken: another worker has taken it over.
        CannotRun: there are no events to describe.
    """
    with running.held(PopulationRun, run_id=run_id) as hold:
        hold.report("Counting events", 0.0)
        window = _window()
        description = _described(hold, window)
        hold.report("Ranking who drifts", 0.85)
        found = drifters.ranked(lambda: hold.report("Looking at who drifts", 0.9))
        with transaction.atomic():
            # Held until the rows are in: whoever takes the run over waits, then finds it done.
            if not hold.mine().select_for_update().exists():
                raise RunOvertaken(f"{hold.run} was taken over by another worker.")
            _write(run_id, description)
            drifters.write(run_id, found)
            _forget_old(run_id)
            hold.mine().update(window_from=window.since, window_to=window.until)
            hold.end(RunState.DONE, results=_results(description, found))
    log.info("population_described", run_id=run_id, num_end_users=description.segments.num_people)


def _window() -> Window:
    """Return the periods to describe: weeks in the first year, then months; longer ones where few are there."""
    span = population_events.span()
    if span is None:
        raise CannotRun("There are no events with a sound time: import some, or send them by API.")
    first, last = span
    periods = ["week", *MONTHS_OF] if last - first < WEEKS_UNTIL else list(MONTHS_OF)
    period, begins = periods[0], _begins(first, last, periods[0])
    for longer in periods[1:]:
        fewer = _begins(first, last, longer)
        if len(fewer) < LEAST_PERIODS or _is_usually_enough(period, len(begins)):
            break
        period, begins = longer, fewer
    days = [int(begin.timestamp()) // population_events.DAY_SECONDS for begin in begins]
    return Window(period=period, days=np.array(days, np.int64), until=last)


def _begins(first: datetime, last: datetime, period: str) -> list[datetime]:
    begins = [_begin(last, period)]
    while begins[0] > first and len(begins) < MAX_PERIODS:
        begins.insert(0, _begin(begins[0] - timedelta(days=1), period))
    return begins


def _begin(at: datetime, period: str) -> datetime:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1, month=day.month - (day.month - 1) % MONTHS_OF[period])


def _is_usually_enough(period: str, num_periods: int) -> bool:
    """Tell whether in half of the periods there are enough people for shares to say something."""
    counts = population_events.people_in_periods(period)
    return 2 * sum(count >= USUAL_PEOPLE for count in counts) >= num_periods


def _described(hold: Hold, window: Window) -> Description:
    largest = population_events.largest_categories(window, limit=MAX_CATEGORIES)
    if not largest:
        raise CannotRun("There are only events of negative kinds, which say nothing of interests.")
    categories = np.array([*largest, OTHER_ID], np.int64)
    own = segments.of_everybody()
    shape = (len(own.names), len(window.days), len(categories))
    tally = Tally(num_segments=shape[0], num_periods=shape[1], num_categories=shape[2])
    flows = np.zeros((shape[1], shape[2], shape[2]))
    done = 0
    tracking_run = tracking.latest_done()
    for end_users in _blocks(shape[1] * shape[2]):
        step = f"Adding up end users: {done:,} of {own.num_people:,}"
        hold.report(step, 0.02 + 0.8 * done / max(own.num_people, 1))
        rows = population_events.parts(window, end_users=end_users)
        tally.add(_dense(rows, window, categories, end_users), members=own.members(end_users))
        rows = population_events.last_states(
            window, end_users=end_users, tracking_run=tracking_run.pk if tracking_run else None
        )
        _add_flows(flows, _dense(rows, window, categories, end_users))
        done += len(end_users)
    return Description(window, categories, own, tally.shares(), flows)


def _blocks(numbers_each: int) -> Iterator[NDArray[np.int64]]:
    return people.blocks(
        after=0,
        max_people=max(BLOCK_NUMBERS // numbers_each, 1),
        max_events=MAX_BLOCK_EVENTS,
    )


def _dense(
    rows: dict[str, NDArray[Any]],
    window: Window,
    categories: NDArray[np.int64],
    end_users: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return amounts of each end user by period and category; categories that are not there are the last. [U, T, C]"""
    shape = (len(end_users), len(window.days), len(categories))
    order = np.argsort(categories[:-1])
    place = np.minimum(np.searchsorted(categories[:-1][order], rows["category"]), shape[2] - 2)
    column = order[place]
    column = np.where(categories[column] == rows["category"], column, shape[2] - 1)
    user, period = np.searchsorted(end_users, rows["user"]), window.places(rows["day"])
    flat = np.ravel_multi_index((user, period, column), shape)
    amounts = np.bincount(flat, rows["amount"], int(np.prod(shape))).astype(np.float64)
    return amounts.reshape(shape)


def _add_flows(flows: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
    """Add how these people's interests moved; who has no state in a period still wants what they wanted."""
    current = weights[:, 0]
    for period in range(1, weights.shape[1]):
        is_new, is_known = weights[:, period].sum(1) > 0, current.sum(1) > 0
        has_moved = is_new & is_known
        flows[period] += populations.moved(
            _whole(current[has_moved]), _whole(weights[has_moved, period])
        )
        flows[period] += np.diag(current[is_known & ~is_new].sum(0))
        current = np.where(is_new[:, None], weights[:, period], current)


def _whole(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights that sum to exactly 1: states keep twelve digits."""
    whole: NDArray[np.float64] = weights / np.maximum(weights.sum(1, keepdims=True), 1e-9)
    return whole


def _write(run_id: int, description: Description) -> None:
    shares = list(_share_rows(run_id, description))
    PopulationShare.objects.bulk_create(shares, batch_size=BATCH_SIZE)
    PopulationFlow.objects.bulk_create(list(_flow_rows(run_id, description)), batch_size=BATCH_SIZE)


def _share_rows(run_id: int, description: Description) -> Iterator[PopulationShare]:
    found = description.shares
    is_used = found.shares[0].any(0)  # the first segment is everybody
    keys = description.categories[is_used].tolist()
    dates = description.window.dates()
    for segment, (kind, name) in enumerate(description.segments.names):
        for period in np.flatnonzero(found.num_events[segment] > 0).tolist():
            place = (segment, period, is_used)
            yield PopulationShare(
                run_id=run_id,
                segment_kind=kind,
                segment=name,
                period=dates[period],
                category_ids=keys,
                shares=found.shares[place].round(9).tolist(),
                low=found.low[place].round(9).tolist(),
                high=found.high[place].round(9).tolist(),
                significances=found.significances[place].round(4).tolist(),
                num_events=round(found.num_events[segment, period]),
                num_end_users=round(found.num_end_users[segment, period]),
            )


def _flow_rows(run_id: int, description: Description) -> Iterator[PopulationFlow]:
    keys, dates = description.categories.tolist(), description.window.dates()
    for period, start, end in np.argwhere(description.flows >= MIN_FLOW).tolist():
        yield PopulationFlow(
            run_id=run_id,
            period=dates[period],
            from_category_id=keys[start],
            to_category_id=keys[end],
            end_users=round(float(description.flows[period, start, end]), 6),
        )


def _results(description: Description, found: drifters.Ranked) -> dict[str, Any]:
    window = description.window
    return {
        "num_end_users": description.segments.num_people,
        "num_events": round(description.shares.num_events[0].sum()),
        "period": window.period,
        "num_periods": len(window.days),
        "num_segments": len(description.segments.names) - 1,
        "num_tested": found.num_tested,
        "num_drifting": found.num_drifting,
    }


def _forget_old(run_id: int) -> None:
    """Remove the rows of older descriptions; the runs themselves stay."""
    done = PopulationRun.objects.filter(state=RunState.DONE).exclude(pk=run_id)
    kept = list(done.order_by("-finished_at", "-pk").values_list("pk", flat=True)[: NUM_KEPT - 1])
    for model in (PopulationShare, PopulationFlow, Drifter):
        model._default_manager.exclude(run__in=[run_id, *kept]).delete()
