from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from interests import datasets
from interests.drift import choosing, streams, writing

NOW_MS = 1_790_000_000_000
SMALL_STREAMS = replace(streams.STREAMS, num_users=40, num_items=200, num_categories=8)
SMALL_SHOP = replace(streams.SHOP, num_users=40, num_items=300)


def simulate(recipe, seed=3):
    return streams.simulate(recipe=recipe, seed=seed, now_ms=NOW_MS)


@pytest.mark.parametrize("recipe", [SMALL_STREAMS, SMALL_SHOP])
def test_simulate_same_seed_gives_same_population(recipe):
    one, two, other = simulate(recipe), simulate(recipe), simulate(recipe, seed=4)

    assert np.array_equal(one.items, two.items)
    assert np.array_equal(one.times, two.times)
    assert one.changes == two.changes
    assert one.changes != other.changes


def test_simulate_behaviours_have_the_stated_shares():
    population = simulate(SMALL_STREAMS)

    counts = Counter(streams.BEHAVIOURS[index] for index in population.behaviours)

    assert counts == {"stable": 16, "abrupt": 8, "gradual": 6, "there_and_back": 4, "bingeing": 6}


def test_simulate_changes_belong_to_those_who_change():
    population = simulate(SMALL_STREAMS)

    per_user = Counter(change.user for change in population.changes)

    expected = {"stable": 0, "abrupt": 1, "gradual": 1, "there_and_back": 2, "bingeing": 0}
    assert [per_user[user] for user in range(40)] == [
        expected[streams.BEHAVIOURS[index]] for index in population.behaviours
    ]


def test_simulate_every_kind_of_change_is_there_and_said():
    population = simulate(replace(streams.KINDS, num_users=300, num_items=200, num_categories=8))

    kinds = Counter(change.kind for change in population.changes)

    assert set(kinds) == {
        "abrupt",
        "gradual",
        "new_interest",
        "fading_interest",
        "seasonal",
        "population",
    }
    assert (kinds["new_interest"], kinds["fading_interest"]) == (30, 30)
    assert kinds["abrupt"] == 36 + 2 * 24


def test_simulate_the_whole_population_shifts_at_one_time():
    recipe = replace(SMALL_STREAMS, num_users=200, behaviours=(1.0,), shift_share=0.5)
    population = simulate(recipe)
    shift = np.quantile(population.times, streams.SHIFT_AT)
    rising = {change.rising for change in population.changes}
    is_member = population.catalogue.members[population.items, next(iter(rising))]

    assert {change.kind for change in population.changes} == {"population"}
    assert len(rising) == 1
    assert is_member[population.times >= shift].mean() > 0.45
    assert is_member[population.times < shift].mean() < 0.25


def test_simulate_a_season_rules_the_same_weeks_of_each_year():
    recipe = replace(SMALL_STREAMS, behaviours=(0.0,) * 7 + (1.0,), session_gap_days=30.0)
    population = simulate(recipe)
    user = population.changes[0].user
    own = np.flatnonzero(population.users == user)
    turns = [change for change in population.changes if change.user == user]
    days = [population.times[own[turn.event]] / 86_400_000 for turn in turns]

    begins = [day for day, turn in zip(days, turns, strict=True) if turn.rising == turns[0].rising]

    assert len(begins) >= 2
    # The first event of a season comes up to a pause later than the season.
    assert all(abs((day - begins[0] + 182) % streams.YEAR_DAYS - 182) < 90 for day in begins)
    assert [turn.rising == turns[0].rising for turn in turns] == [
        number % 2 == 0 for number in range(len(turns))
    ]


@pytest.mark.parametrize(("kind", "falls_to"), [("fading_interest", 0.1), ("new_interest", 0.5)])
def test_simulate_interest_fades_or_makes_room(kind, falls_to):
    shares = tuple(float(name == kind) for name in streams.BEHAVIOURS)
    population = simulate(replace(SMALL_STREAMS, num_users=200, behaviours=shares))
    members = population.catalogue.members[population.items]
    kept = []
    for change in population.changes:
        rows = np.flatnonzero(population.users == change.user)
        before = members[rows[: change.event], change.falling].mean()
        kept.append(members[rows[change.end_event :], change.falling].mean() / before)

    # Items have several categories, so some of a faded one goes on beside others.
    assert falls_to < np.mean(kept) < falls_to + 0.3


def test_simulate_risen_category_is_taken_more_after_the_change():
    population = simulate(replace(SMALL_STREAMS, num_users=200))
    members = population.catalogue.members[population.items]
    abrupt = [
        change
        for change in population.changes
        if streams.BEHAVIOURS[population.behaviours[change.user]] == "abrupt"
    ]

    before, after = [], []
    for change in abrupt:
        rows = np.flatnonzero(population.users == change.user)
        before.append(members[rows[: change.event], change.rising].mean())
        after.append(members[rows[change.event :], change.rising].mean())

    assert np.mean(after) > np.mean(before) + 0.2


def test_simulate_events_are_in_order_and_end_before_now():
    population = simulate(SMALL_SHOP)

    is_same_user = np.diff(population.users) == 0

    assert (np.diff(population.times)[is_same_user] > 0).all()
    assert population.times.max() < NOW_MS


def test_simulate_shop_titles_are_distinct_and_series_are_followed():
    population = simulate(replace(SMALL_SHOP, num_items=1500))
    catalogue = population.catalogue
    follows = catalogue.next_parts[population.items[:-1]] == population.items[1:]

    assert len(set(catalogue.titles)) == 1500
    assert follows.mean() > 0.02  # by chance one in 1,500
    assert set(population.kinds) == set(range(len(choosing.KINDS)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_users": 0}, "at least one end user"),
        ({"num_items": 20}, "need at least 40 items"),
        ({"num_categories": 1}, "two categories"),
        ({"fewest_events": 700}, "no more than the most"),
    ],
)
def test_simulate_impossible_recipe_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        simulate(replace(SMALL_STREAMS, **changes))


def test_simulate_shop_without_words_for_so_many_categories_is_refused():
    with pytest.raises(ValueError, match="has words for 14 categories, not 15"):
        simulate(replace(SMALL_SHOP, num_categories=15))


def test_write_makes_a_folder_that_can_be_read(tmp_path):
    population = simulate(SMALL_SHOP)

    writing.write(population, folder=tmp_path / "new")
    log = datasets.read(tmp_path / "new")

    assert (log.num_events, log.num_users, log.num_items) == (len(population.times), 40, 300)
    assert sorted(log.times // 1000) == sorted(population.times)
    assert (np.diff(log.times) >= 0).all()


def test_write_truth_names_the_time_of_the_event(tmp_path):
    import pandas as pd

    population = simulate(SMALL_STREAMS)

    writing.write(population, folder=tmp_path)

    truth = pd.read_csv(tmp_path / "truth.csv")
    events = pd.read_csv(tmp_path / "interactions.csv")
    times = {user: rows.to_list() for user, rows in events.groupby("user_id")["occurred_at"]}
    expected = [times[row.user_id][row.change_event] for row in truth.itertuples()]
    assert truth["occurred_at"].to_list() == expected
