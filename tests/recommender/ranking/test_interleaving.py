from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking import interleaving
from recommender.ranking.candidates import Candidates

LISTS = st.lists(st.integers(0, 60), unique=True, max_size=40)


def listed(items: list[int]) -> Candidates:
    return Candidates(items, [str(item) for item in items], [-float(item) for item in items])


@given(LISTS, LISTS, st.integers(0, 2**63))
def test_a_mixed_list_has_everything_once_and_says_who_gave_it(
    first: list[int], second: list[int], seed: int
) -> None:
    mixed, teams = interleaving.draft(listed(first), listed(second), seed=seed)

    assert sorted(mixed.items) == sorted(set(first) | set(second))
    assert all(item in (second if team else first) for item, team in teams.items())
    # Within each round both have given as many, as long as both have something left.
    gave = [teams[item] for item in mixed.items][: 2 * (min(len(first), len(second)) // 2)]
    for place in range(0, len(gave) - 1, 2):
        assert gave[place] != gave[place + 1]


def test_equal_lists_get_as_many_places_and_first_places_each() -> None:
    people, firsts, seconds = 4_000, 0, 0
    for person in range(people):
        mixed, teams = interleaving.draft(listed(list(range(9))), listed(list(range(9))), seed=person)  # fmt: skip
        firsts += teams[mixed.items[0]]
        seconds += sum(teams.values())

    assert firsts / people == pytest.approx(0.5, abs=0.03)
    assert seconds / (9 * people) == pytest.approx(0.5, abs=0.01)


def test_what_neither_list_gave_favours_none() -> None:
    pinned = [
        interleaving.given([7, 1, 2], {1: False, 2: True}, seed=seed) for seed in range(2_000)
    ]

    assert {tuple(row[1:]) for row in pinned} == {((1, 0), (2, 1))}
    assert sum(row[0][1] for row in pinned) / 2_000 == pytest.approx(0.5, abs=0.04)
