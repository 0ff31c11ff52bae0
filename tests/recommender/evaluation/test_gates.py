from __future__ import annotations

import pytest

from recommender.evaluation import gates
from recommender.evaluation.gates import Accuracy, Standing

# 1,000 people, of whom ten get nothing either way, and nobody loses anything; both lists hold 100 different items.
ALIKE = {
    "num_end_users": 1_000, "num_losing": 0, "num_empty": 10, "num_empty_serving": 10, "num_items": 100,
    "num_items_serving": 100, "num_sampled": 500,
}  # fmt: skip
EVEN = Accuracy(0.10, 0.10, -0.01, 0.01, "evaluation 3")


def unmet(accuracy=EVEN, **standing):
    found = gates.checks(Standing(**{**ALIKE, **standing}), accuracy)
    return [check.name for check in found if not check.is_met]


def test_a_gate_before_an_equal_is_open_and_says_its_numbers():
    assert [check.said for check in gates.checks(Standing(**ALIKE), EVEN)] == [
        (
            "Not shown to be worse than what serves by more than 5 %: NDCG 0.1000, against 0.1000 of what "
            "serves (difference -0.0100 to +0.0100; evaluation 3)."
        ),
        "100 different items in the top tens of 500 people, where what serves has 100.",
        (
            "0 of 1,000 people would lose all recommendations of their own; 10 would get none, now 10 get none."
        ),
    ]


@pytest.mark.parametrize(
    ("candidate", "low", "high", "is_met"),
    [
        # 6 % worse for sure; 6 % worse perhaps; for sure worse, but by 4 %; better.
        (0.094, -0.008, -0.004, False),
        (0.094, -0.013, 0.001, True),
        (0.096, -0.005, -0.003, True),
        (0.2, 0.09, 0.11, True),
    ],
)
def test_accuracy_may_fall_by_a_margin_and_by_what_may_be_noise(candidate, low, high, is_met):
    found = Accuracy(candidate, 0.10, low, high, "evaluation 3")

    assert unmet(found) == ([] if is_met else ["accuracy"])


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        ({"num_items": 50}, []),
        ({"num_items": 49}, ["coverage"]),
        ({"num_items": 0, "num_items_serving": 0}, []),
        ({"num_losing": 10, "num_empty": 20}, []),
        ({"num_losing": 11, "num_empty": 21}, ["empty slates"]),
        # Who gets something at last makes up for nobody who loses it.
        ({"num_losing": 11, "num_empty": 11, "num_empty_serving": 500}, ["empty slates"]),
        ({"num_empty": 500, "num_empty_serving": 500}, []),
        ({"num_end_users": 0, "num_empty": 0, "num_empty_serving": 0}, []),
    ],
)
def test_lists_may_lose_half_their_items_and_one_person_in_a_hundred(standing, expected):
    assert unmet(**standing) == expected


def test_what_nothing_has_measured_passes():
    assert unmet(None) == []


def test_numbers_measured_apart_have_the_interval_of_both():
    # Half-widths of 3 and 4 thousandths are 5 together.
    found = gates.independent((0.11, 0.003), (0.10, 0.004), source="two")

    assert (found.low, found.high) == pytest.approx((0.005, 0.015))
    # 100 people of whom a half scores 1: the deviation of their mean is 0.05.
    assert gates.widest_half(0.5, num_users=100) == pytest.approx(1.96 * 0.05)
    assert gates.widest_half(0.0, num_users=100) == 0.0
