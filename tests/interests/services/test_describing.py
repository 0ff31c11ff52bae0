"""What a description of the population holds: shares, segments and flows worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from django.utils import timezone

from interests.models import (
    Drifter,
    EndUser,
    Interaction,
    InterestState,
    PopulationFlow,
    PopulationRun,
    PopulationShare,
    RunState,
    TrackingRun,
)
from interests.services import describing, drifters, running, segments
from tests import factories

MONDAY = factories.NOW.replace(day=2, hour=0)  # 2 March 2026
WEEK = timedelta(weeks=1)

pytestmark = pytest.mark.django_db


def described() -> PopulationRun:
    run = running.request(PopulationRun, now=timezone.now())
    describing.describe_population(run_id=run.pk)
    run.refresh_from_db()
    return run


@pytest.fixture
def things():
    names = ("comedy", "drama")
    return [factories.item(categories=(factories.category(name),)) for name in names]


def key(thing) -> int:
    return thing.categories.get().pk


def act(person, thing, *, week: int, number: int = 1, **fields) -> None:
    for hour in range(number):
        at = MONDAY + week * WEEK + timedelta(hours=hour)
        factories.event(person, thing, occurred_at=at, received_at=at, **fields)


def people_of(things, *, num: int, plans=("free", "paid")) -> list[EndUser]:
    """Make people who see a comedy each week for six weeks; the paid ones a drama in the sixth."""
    comedy, drama = things
    made = []
    for number in range(num):
        plan = plans[number % len(plans)]
        person = factories.end_user(f"person {number}", attributes={"plan": plan, "born": number})
        for week in range(6):
            act(person, drama if (week, plan) == (5, "paid") else comedy, week=week)
        made.append(person)
    return made


def test_shares_of_everybody_and_of_a_segment_by_hand(things):
    comedy, drama = things
    people_of(things, num=50)

    run = described()

    assert (run.state, run.error, run.window_from, run.window_to) == (
        RunState.DONE, "", MONDAY, MONDAY + 5 * WEEK,
    )  # fmt: skip
    rows = PopulationShare.objects.filter(run=run)
    kinds = (
        rows.values_list("segment_kind", "segment").distinct().order_by("segment_kind", "segment")
    )
    assert list(kinds) == [("all", ""), ("plan", "free"), ("plan", "paid")]
    last = rows.get(segment_kind="all", period=date(2026, 4, 6))
    assert last.category_ids == [key(comedy), key(drama)]
    assert last.shares == [0.5, 0.5]
    assert (last.num_events, last.num_end_users) == (50, 50)
    assert last.low[0] < 0.5 < last.high[0]
    assert last.significances[1] > 4
    paid = rows.get(segment="paid", period=date(2026, 4, 6))
    assert (paid.shares, paid.num_end_users) == ([0.0, 1.0], 25)
    free = rows.get(segment="free", period=date(2026, 4, 6))
    assert (free.shares, free.significances) == ([1.0, 0.0], [0.0, 0.0])
    assert rows.filter(segment_kind="all").count() == 6
    assert run.results | {"num_tested": 0} == {
        "num_end_users": 50, "num_events": 300, "period": "week", "num_periods": 6, "num_segments": 2,
        "num_tested": 0, "num_drifting": 0,
    }  # fmt: skip


def test_an_item_of_two_categories_counts_half_for_each(things):
    both = factories.item(categories=(factories.category("a"), factories.category("b")))
    act(factories.end_user(), both, week=0)

    run = described()

    assert PopulationShare.objects.get(run=run).shares == [0.5, 0.5]


def test_doubtful_times_and_negative_kinds_are_left_out(things):
    comedy, drama = things
    person = factories.end_user()
    act(person, comedy, week=0)
    act(person, drama, week=500, is_time_doubtful=True)
    disliked = factories.event(person, drama, kind="dislike", occurred_at=MONDAY)
    disliked.kind.weight = -1
    disliked.kind.save()

    run = described()

    row = PopulationShare.objects.get(run=run)
    assert (row.category_ids, row.shares, row.num_events) == ([key(comedy)], [1.0], 1)


def test_a_year_of_events_is_told_by_month(things):
    person = factories.end_user()
    act(person, things[0], week=0)
    act(person, things[1], week=60)

    run = described()

    periods = PopulationShare.objects.filter(run=run).order_by("period")
    assert list(periods.values_list("period", flat=True)) == [date(2026, 3, 1), date(2027, 4, 1)]
    assert (run.results["period"], run.results["num_periods"]) == ("month", 14)


def test_periods_grow_where_few_are_there_at_a_time(things):
    crowd = [factories.end_user() for _ in range(describing.USUAL_PEOPLE)]
    for year in range(9):
        for number, person in enumerate(crowd):
            act(person, things[0], week=52 * year + number)

    run = described()

    assert (run.results["period"], run.results["num_periods"]) == ("year", 9)


def test_a_few_events_from_long_ago_do_not_stretch_the_weeks(things):
    comedy, drama = things
    person = factories.end_user()
    act(person, drama, week=-300)
    for week in range(5):
        act(person, comedy, week=week, number=20)

    run = described()

    assert (run.results["period"], run.results["num_periods"], run.window_from) == (
        "week",
        5,
        MONDAY,
    )
    assert run.results["num_events"] == 100


def test_first_seen_and_activity_make_segments(things):
    comedy, _ = things
    for number in range(60):
        person = factories.end_user(f"person {number}")
        act(person, comedy, week=5 * (number % 2), number=1 + number // 20)

    run = described()

    found = PopulationShare.objects.filter(run=run).exclude(segment_kind="all")
    kinds = found.values_list("segment_kind", "segment").distinct()
    assert sorted(kinds) == [
        ("activity", "few events"), ("activity", "many events"), ("activity", "some events"),
        ("first seen", "2026-03"), ("first seen", "2026-04"),
    ]  # fmt: skip
    assert found.filter(segment="some events").values_list("num_events", flat=True)[0] == 20


def test_many_first_seen_months_are_put_together_by_year():
    days = np.array([0, 31, 400, *range(10_000, 10_000 + 31 * 30, 31)])

    labels = segments._first_seen(days)

    assert labels.tolist()[:3] == ["1970", "1970", "1971"]
    assert labels.tolist()[-1] == "1999"


def test_attributes_with_many_values_or_few_people_make_no_segments(things):
    for number in range(60):
        attributes = {
            "shop": f"shop {number % 13}", "rare": "yes" if number < 5 else "no", "all": "ab"[number % 2],
            "size": number % 2, "tags": ["a"], "note": "",
        }  # fmt: skip
        act(factories.end_user(f"person {number}", attributes=attributes), things[0], week=0)

    run = described()

    found = PopulationShare.objects.filter(run=run).exclude(segment_kind="all")
    assert sorted(found.values_list("segment_kind", "segment")) == [("size", "0"), ("size", "1")]


def state(person, run, weights, things, *, week: int, **fields) -> None:
    at = MONDAY + week * WEEK
    InterestState.objects.create(
        end_user=person, tracking_run=run, tracker_version="1", at=at,
        category_ids=[key(thing) for thing in things], weights=weights, long_term=weights,
        short_term=weights, event_shares=weights, num_events=1, active_days=1,
        **{"events_through": MONDAY, "created_at": at, **fields},
    )  # fmt: skip


def test_interest_flows_between_the_states_of_successive_weeks(things):
    old, run = (TrackingRun.objects.create(tracker_version="1", **factories.done()) for _ in "ab")
    ann, bob = factories.end_user("ann"), factories.end_user("bob")
    for person in (ann, bob):
        act(person, things[0], week=0)
        act(person, things[1], week=2)
    state(ann, run, [0.9, 0.1], things, week=0)
    state(ann, run, [0.6, 0.4], things, week=1)
    state(ann, old, [0.0, 1.0], things, week=1, created_at=MONDAY)
    state(ann, None, [0.5, 0.5], things, week=2, events_through=MONDAY + WEEK)
    state(ann, None, [0.1, 0.9], things, week=2, events_through=MONDAY - WEEK)
    state(bob, run, [0.2, 0.8], things, week=1)

    made = described()

    rows = PopulationFlow.objects.filter(run=made).order_by("period", "pk")
    comedy, drama = (key(thing) for thing in things)
    found = {
        (row.period.day, row.from_category_id, row.to_category_id): row.end_users for row in rows
    }
    assert found == {
        (9, comedy, comedy): 0.6, (9, comedy, drama): 0.3, (9, drama, drama): 0.1,
        # Bob has no state in the third week: he still wants what he wanted.
        (16, comedy, comedy): 0.7, (16, comedy, drama): 0.1, (16, drama, drama): 1.2,
    }  # fmt: skip


def test_drifters_are_ranked_with_what_rose_and_fell(things):
    comedy, drama = things
    mover = factories.end_user("mover", drift_score=6.0)
    act(mover, comedy, week=0, number=40)
    act(mover, drama, week=2, number=12)
    still = factories.end_user("still", drift_score=-0.5)
    act(still, comedy, week=0)

    run = described()

    first, second = Drifter.objects.filter(run=run).order_by("rank")
    assert (first.rank, first.end_user, first.drift_score) == (1, mover, 6.0)
    assert first.p_value == pytest.approx(9.866e-10, rel=1e-3)
    assert first.q_value == pytest.approx(2 * first.p_value)
    assert (first.rising, first.falling) == ([key(drama)], [key(comedy)])
    assert (second.end_user, second.rising, second.falling) == (still, [], [])
    assert second.p_value == pytest.approx(0.6915, abs=1e-4)
    assert (run.results["num_tested"], run.results["num_drifting"]) == (2, 1)


def test_somebody_erased_meanwhile_is_not_on_the_list(things):
    for name in ("ann", "bob"):
        act(factories.end_user(name, drift_score=5.0), things[0], week=0)
    found = drifters.ranked(lambda: None)
    run = running.request(PopulationRun, now=timezone.now())
    Interaction.objects.filter(end_user__user_id="ann").delete()
    EndUser.objects.get(user_id="ann").delete()

    drifters.write(run.pk, found)

    assert [(row.rank, row.end_user.user_id) for row in Drifter.objects.all()] == [(1, "bob")]


def test_blocks_of_one_person_give_the_same(things, monkeypatch):
    people_of(things, num=45)
    whole = described()
    monkeypatch.setattr(describing, "BLOCK_NUMBERS", 1)

    again = described()

    def rows(run):
        columns = ("segment_kind", "segment", "period", "shares", "low", "high", "significances")
        return list(PopulationShare.objects.filter(run=run).order_by(*columns[:3]).values(*columns))

    assert rows(again) == rows(whole)


def test_rows_of_the_description_before_stay_and_older_ones_go(things):
    act(factories.end_user(), things[0], week=0)

    first, second, third = described(), described(), described()

    kept = PopulationShare.objects.order_by("run").values_list("run", flat=True)
    assert list(kept) == [second.pk, third.pk]
    assert PopulationRun.objects.filter(pk=first.pk).exists()


def test_without_events_the_run_says_what_to_do():
    run = running.request(PopulationRun, now=timezone.now())

    with pytest.raises(running.CannotRun):
        describing.describe_population(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.error) == (
        RunState.FAILED, "There are no events with a sound time: import some, or send them by API.",
    )  # fmt: skip
