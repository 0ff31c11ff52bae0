from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recommender.ranking import assigning
from recommender.ranking.assigning import NUM_BUCKETS, Arm, Trial

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
PEOPLE = [f"user {n}" for n in range(20_000)]


def trial(**fields: object) -> Trial:
    made = Trial(
        key=1, layer="home", salt="first", first=0, size=NUM_BUCKETS, opened=NUM_BUCKETS,
        ramp_began_at=NOW, ramp_days=0, arms=(Arm(1, 1), Arm(2, 1)),
    )  # fmt: skip
    return replace(made, **fields)


def arms(of: Trial) -> list[int]:
    return [assigning.arm_of(of, person).key for person in PEOPLE]


def test_everybody_gets_the_same_arm_at_every_time_on_every_machine() -> None:
    assert [assigning.bucket("first", person) for person in ("ann", "bob", "", "日本")] == [
        74, 324, 6834, 3333,
    ]  # fmt: skip
    assert arms(trial()) == arms(trial())


def test_arms_get_people_by_their_weights() -> None:
    weights = (5, 3, 2)
    counts = Counter(arms(trial(arms=tuple(Arm(n, w) for n, w in enumerate(weights)))))

    expected = [share * len(PEOPLE) for share in assigning.expected_shares(weights)]
    assert assigning.expected_shares(weights) == [0.5, 0.3, 0.2]
    assert stats.chisquare([counts[n] for n in range(3)], expected).pvalue > 0.001


@given(st.lists(st.integers(1, 50), min_size=2, max_size=6))
def test_expected_shares_are_those_of_the_buckets(weights: list[int]) -> None:
    total, shares = sum(weights), assigning.expected_shares(weights)
    passed = np.cumsum(weights)

    of_buckets = Counter(
        next(n for n, limit in enumerate(passed) if place * total < limit * NUM_BUCKETS)
        for place in range(NUM_BUCKETS)
    )

    assert shares == [of_buckets[n] / NUM_BUCKETS for n in range(len(weights))]


def test_experiments_of_different_layers_and_salts_are_independent() -> None:
    first, second = trial(), trial(layer="colours", salt="second", arms=(Arm(1, 1), Arm(2, 2)))
    half, third = trial(size=5_000, opened=5_000), trial(layer="colours", size=3_333, opened=3_333)

    of_arms = Counter(zip(arms(first), arms(second), strict=True))
    of_buckets = Counter(
        (assigning.takes_part(half, person, now=NOW), assigning.takes_part(third, person, now=NOW))
        for person in PEOPLE
    )

    for counts, rows, columns in ((of_arms, (1, 2), (1, 2)), (of_buckets, (True, False), (True, False))):  # fmt: skip
        table = [[counts[row, column] for column in columns] for row in rows]
        assert stats.chi2_contingency(table).pvalue > 0.001


def test_experiments_of_one_layer_share_nobody() -> None:
    first = trial(first=0, size=4_000, opened=4_000)
    second = trial(first=4_000, size=6_000, opened=6_000, salt="second")

    both = {
        (
            assigning.takes_part(first, person, now=NOW),
            assigning.takes_part(second, person, now=NOW),
        )
        for person in PEOPLE
    }

    assert both == {(True, False), (False, True)}


def test_who_is_in_stays_in_with_the_same_arm_while_more_come() -> None:
    ramp = trial(opened=1_000, ramp_days=9)
    sets = [
        {p for p in PEOPLE if assigning.takes_part(ramp, p, now=NOW + timedelta(days=day))}
        for day in range(11)
    ]

    assert [round(len(people) / len(PEOPLE), 1) for people in sets] == [
        0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0,
    ]  # fmt: skip
    assert all(before <= after for before, after in itertools.pairwise(sets))
    assert arms(ramp) == arms(replace(ramp, opened=10_000))


def test_a_larger_holdout_holds_everybody_of_a_smaller_one() -> None:
    small, large = (
        {p for p in PEOPLE if assigning.is_held_out(p, share=share)} for share in (0.05, 0.1)
    )

    assert small < large
    assert round(len(small) / len(PEOPLE), 2) == 0.05
    assert not any(assigning.is_held_out(p, share=0.0) for p in PEOPLE)


@pytest.mark.parametrize(
    ("taken", "size", "found"),
    [
        ([], 10_000, 0),
        ([(0, 4_000)], 6_000, 4_000),
        ([(0, 4_000)], 6_001, None),
        ([(6_000, 2_000), (0, 1_000)], 5_000, 1_000),
        ([(6_000, 2_000), (0, 1_000)], 2_000, 1_000),
        ([(0, 5_000), (5_000, 5_000)], 1, None),
    ],
)
def test_free_stretches_of_a_layer(
    taken: list[tuple[int, int]], size: int, found: int | None
) -> None:
    assert assigning.free_range(taken, size) == found
