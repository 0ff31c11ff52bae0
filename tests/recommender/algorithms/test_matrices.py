"""Who chose what, and how long ago, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.algorithms import matrices
from tests.recommender.logs import drawn_log, log_of

ROWS = [
    ("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3, "dislike"), ("ann", "a", 4), ("ann", "b", 5, "dislike"),
    ("bob", "d", 1),
    ("cem", "c", 1, "dislike"),
]  # fmt: skip
EVERYBODY = np.array([0, 1, 2], np.int32)


def test_choices_are_ones_however_often_and_negative_events_are_none():
    expected = [[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]

    assert matrices.choices(log_of(ROWS)).toarray().tolist() == expected
    assert matrices.choices_of(log_of(ROWS), users=EVERYBODY).toarray().tolist() == expected


def test_with_a_half_life_the_last_event_on_an_item_says_how_much_it_counts():
    found = matrices.choices_of(log_of(ROWS), users=EVERYBODY, half_life=2.0).toarray()

    # Ann's last events: b refused, a one event ago, then c refused, b three events ago.
    assert found[0].tolist() == [pytest.approx(0.5**0.5), pytest.approx(0.5**1.5), 0, 0]
    assert found[1:].tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]


def test_rows_come_in_the_order_asked_for():
    log = drawn_log()
    users = np.array([7, 3], np.int32)

    for half_life in (None, 3.0):
        both = matrices.choices_of(log, users=users, half_life=half_life)
        single = [
            matrices.choices_of(log, users=users[[place]], half_life=half_life).toarray()[0]
            for place in (0, 1)
        ]
        np.testing.assert_array_equal(both.toarray(), single)


def test_compact_leaves_out_what_has_no_choice():
    chosen = matrices.choices(log_of(ROWS))

    found, items = matrices.compact(chosen)

    assert items.tolist() == [0, 1, 3]
    assert found.toarray().tolist() == [[1, 1, 0], [0, 0, 1]]
