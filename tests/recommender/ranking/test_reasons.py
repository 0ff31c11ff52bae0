import pytest

from recommender.ranking.reasons import (
    Evidence,
    StoredReason,
    interest_served,
    leading,
    standing_in,
)


@pytest.mark.parametrize(
    ("categories", "weights", "served"),
    [
        ([3, 7], {3: 0.1, 7: 0.4, 0: 0.5}, (7, 0.4)),
        ([3, 7], {3: 0.2, 7: 0.2}, (3, 0.2)),
        ([3], {7: 1.0}, (0, 0.0)),
        ([0], {0: 1.0}, (0, 0.0)),
        ([], {3: 1.0}, (0, 0.0)),
    ],
)
def test_the_interest_served_is_the_category_wanted_most(categories, weights, served):
    assert interest_served(categories, weights) == served


def test_the_events_that_lift_most_come_first_and_small_ones_not_at_all():
    found = [Evidence(n, 10 + n, gain) for n, gain in enumerate([0.1, -2.0, 0.9, 0.04, 0.3, 0.2])]

    assert [own.event for own in leading(found)] == [2, 4, 5]
    assert leading(found[1:2]) == ()


def test_events_that_stand_in_for_each_other_share_what_they_add():
    found = [(1, 11), (2, 12), (3, 13), (4, 14)]

    assert standing_in(found, gain=2.0) == (
        Evidence(4, 14, 0.5), Evidence(3, 13, 0.5), Evidence(2, 12, 0.5),
    )  # fmt: skip
    assert standing_in(found[:2], gain=0.2) == (Evidence(2, 12, 0.1), Evidence(1, 11, 0.1))
    assert standing_in(found, gain=0.04) == ()


def test_a_reason_is_stored_and_read_back():
    whole = StoredReason(5, 7, 0.31, (Evidence(1, 11, 0.5),), together=4, crowd="popular")
    bare = StoredReason(5)

    assert whole.to_plain() == {
        "item": 5, "category": 7, "weight": 0.31, "events": [[1, 11, 0.5]], "together": 4,
        "crowd": "popular",
    }  # fmt: skip
    assert bare.to_plain() == {"item": 5, "category": 0, "weight": 0.0, "events": []}
    assert [StoredReason.from_plain(own.to_plain()) for own in (whole, bare)] == [whole, bare]
