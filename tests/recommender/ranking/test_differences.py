from __future__ import annotations

from datetime import UTC, datetime

from recommender.ranking import difference_words as words
from recommender.ranking.differences import (
    Difference,
    compare,
    is_more_than_usual,
    stretches_before,
)


def test_compare_says_what_entered_left_and_moved():
    found = compare([1, 2, 3, 4], [2, 5, 3, 6])

    assert found == Difference(entered=[5, 6], left=[1, 4], moved=[2])
    assert found.num_changed == 2


def test_compare_of_equal_lists_is_nothing():
    assert compare([1, 2], [1, 2]) == Difference([], [], [])
    assert compare([1, 2], [2, 1]).num_changed == 0


def test_compare_counts_the_places_of_the_longer_list():
    assert compare([], [1, 2, 3]).num_changed == 3
    assert compare([1, 2, 3], [3]).num_changed == 2


def test_stretches_lie_side_by_side_before_the_change():
    assert stretches_before(50, length=10, least=5, most=9) == [
        (40, 50), (30, 40), (20, 30), (10, 20),
    ]  # fmt: skip
    assert stretches_before(50, length=10, least=5, most=2) == [(40, 50), (30, 40)]
    assert stretches_before(9, length=10, least=0, most=3) == []


def test_stretches_leave_out_other_changes():
    assert stretches_before(50, length=10, least=0, most=9, others=[(20, 32)]) == [
        (40, 50), (10, 20), (0, 10),
    ]  # fmt: skip


def test_more_than_usual_is_more_than_each_of_enough():
    assert is_more_than_usual(9, [8, 3, 5])
    assert not is_more_than_usual(8, [8, 3, 5])
    assert not is_more_than_usual(9, [1, 1])


def test_a_change_of_interests_in_words():
    since = datetime(2026, 3, 4, tzinfo=UTC)

    said = words.interests_sentence(since=since, falling=["Horror"], rising=["Documentary"])
    assert said == "Since 4 March 2026: less Horror, more Documentary."
    said = words.interests_sentence(
        since=since, falling=[], rising=["War", "Drama", "Crime"], is_return=True
    )
    assert said == "Since 4 March 2026: more War and Drama, as before."


def test_a_changed_list_is_put_down_to_the_change_only_where_it_is_more_than_usual():
    assert words.change_sentence(14, length=20, usual=[6, 8, 7], num_events=25) == (
        "14 of 20 recommendations changed because of it: over 3 equally long stretches of 25 events "
        "before it, 6 to 8 did."
    )
    assert words.change_sentence(8, length=20, usual=[6, 8, 7], num_events=25) == (
        "8 of 20 recommendations changed, no more than without a change of interests: over 3 equally "
        "long stretches of 25 events before it, 6 to 8 did."
    )
    assert words.change_sentence(14, length=20, usual=[], num_events=25) == (
        "14 of 20 recommendations changed. Whether because of it cannot be said: before it there are no "
        "equally long stretches of 25 events without a change to compare with; 3 are needed."
    )
    assert words.change_sentence(14, length=20, usual=[5], num_events=1) == (
        "14 of 20 recommendations changed. Whether because of it cannot be said: before it there is only "
        "one equally long stretch of 1 event without a change to compare with; 3 are needed."
    )
    assert words.change_sentence(0, length=20, usual=[1, 2, 3], num_events=9) == (
        "None of the 20 recommendations changed."
    )


def test_moved_weights_in_words():
    moves = [("Drama", 0.5, 0.42), ("War", 0.1, 0.18), ("Crime", 0.4, 0.4)]

    assert words.weights_sentence(moves) == (
        "War rises from 10.0 % to 18.0 %, Drama falls from 50.0 % to 42.0 %."
    )
    assert words.weights_sentence([("Drama", 0.5, 0.501)]) == (
        "No interest weight moves by 0.5 points or more."
    )
    assert words.list_sentence(3, length=20) == "3 of 20 recommendations would be others."
    assert words.list_sentence(0, length=20) == "All 20 recommendations stay."
