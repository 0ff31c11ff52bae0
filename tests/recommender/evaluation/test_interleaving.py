from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.evaluation import interleaving, outcomes
from recommender.evaluation.outcomes import Deed
from recommender.ranking.answer_ids import AnswerId

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
LISTS = st.lists(st.integers(0, 60), unique=True, max_size=40)


def test_captains_pick_in_turns_as_coins_say() -> None:
    mixed = interleaving.team_draft("abcd", "bdea", length=5, coin=[0, 1, 0])

    # a, b; then the second first: d, c; then the first, which has none left, and the second: e.
    assert mixed == [("a", 0), ("b", 1), ("d", 1), ("c", 0), ("e", 1)]


@given(LISTS, LISTS, st.integers(1, 50), st.text(max_size=5))
def test_a_mixed_list_is_full_and_names_nothing_twice(
    first: list[int], second: list[int], length: int, text: str
) -> None:
    coin = interleaving.coins(text, length)

    mixed = interleaving.team_draft(first, second, length=length, coin=coin)

    items = [item for item, _ in mixed]
    assert len(items) == len(set(items)) == min(length, len(set(first) | set(second)))
    assert all(item in (first, second)[team] for item, team in mixed)
    longer = interleaving.team_draft(first, second, length=length + 7, coin=coin + [0] * 7)
    assert longer[: len(mixed)] == mixed or min(len(first), len(second)) < length


def test_equal_lists_get_as_many_places_and_first_places_each() -> None:
    people = 4_000
    firsts = seconds = 0
    for person in range(people):
        mixed = interleaving.team_draft(
            range(9), range(9), length=9, coin=interleaving.coins(f"salt {person}", 5)
        )
        firsts += mixed[0][1]
        seconds += sum(team for _, team in mixed)

    assert firsts / people == pytest.approx(0.5, abs=0.03)
    assert seconds / (9 * people) == pytest.approx(0.5, abs=0.01)


def test_marks_tell_who_placed_each_item_up_to_the_longest_page() -> None:
    rng = random.Random(1)
    longest = 0
    for length in [10] * 200 + [interleaving.MAX_ITEMS] * 50:
        keys = rng.sample(range(1, 10_000_000), length)
        teams = [(key, rng.randint(0, 1)) for key in keys]

        marked = interleaving.mark(teams)

        assert [(key, interleaving.team_of(marked, key)) for key in keys] == teams
        longest = max(longest, len(f"{marked:x}"))
    assert longest <= 131  # 512 bits and a head; an answer's id has room for 512 letters
    assert interleaving.mark([(1, 0)]) != 0


def test_more_items_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="400 items are more than 50"):
        interleaving.mark([(key, key % 2) for key in range(400)])


def test_clicks_are_credited_to_the_list_that_placed_the_item() -> None:
    marked = interleaving.mark([(7, 0), (8, 1), (9, 1)])
    given = AnswerId(1, 2, 3, 4, "i", at_ms=1_772_625_600_000, variants=(5, 6), teams=marked)
    deeds = [
        Deed(2, given.to_text(), given, item, what, 0.0, NOW)
        for item, what in ((7, "impression"), (7, "click"), (8, "click"), (9, "click"), (9, "click"))
    ]  # fmt: skip

    [(origin, outcome)] = outcomes.add_up(deeds).items()

    assert (origin.source, origin.variants) == ("i", (5, 6))
    assert (outcome.clicks, outcome.second_clicks) == (3, 2)
