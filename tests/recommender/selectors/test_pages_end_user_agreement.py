"""Where a list and the tracker disagree: worked by hand."""

from __future__ import annotations

import pytest

from interests.models import Category, InterestState
from recommender.selectors import pages_end_user_agreement as agreement
from recommender.selectors.pages_lines import CategoryShare, ItemLine

NAMES = {1: Category(pk=1, name="Horror", colour_rank=0), 2: Category(pk=2, name="Drama")}


def found(in_list: dict[str, float], weights: list[float], places: int = 20) -> list[str]:
    state = InterestState(category_ids=[1, 2, 0], weights=weights)
    rows = agreement.disagreements(state, in_list, NAMES, places=places)
    return [row.sentence for row in rows]


def test_a_list_is_spread_over_the_categories_of_its_items_in_equal_parts():
    horror, drama = CategoryShare("Horror", 0, 0.5), CategoryShare("Drama", 1, 0.5)
    lines = [
        ItemLine(1, "a", "a", [horror, drama]),
        ItemLine(2, "b", "b", [CategoryShare("Horror", 0, 1.0)]),
        ItemLine(3, "c", "c", []),
        ItemLine(4, "d", "d", []),
    ]

    assert agreement.mix(lines) == {"Horror": 0.375, "Drama": 0.125, "uncategorised": 0.5}
    assert agreement.mix([]) == {}


def test_disagreements_are_said_in_words_the_widest_first():
    said = found({"Horror": 0.5, "uncategorised": 0.5}, [0.08, 0.62, 0.3])

    assert said == [
        "The list has no Drama, the tracker says 62 %",
        "The list is half Horror, the tracker says 8 %",
    ]


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.0, "all"),
        (0.66, "two thirds"),
        (0.74, "three quarters"),
        (0.45, "45 %"),
        (0.34, "a third"),
    ],
)
def test_shares_in_words(share, words):
    assert found({"Horror": share}, [0.02, 0.2, 0.78]) == [
        f"The list is {words} Horror, the tracker says 2 %"
    ]


@pytest.mark.parametrize(
    ("tracked", "in_list", "places", "is_said"),
    [
        # Noise of 20 places at 8 %: sqrt(.08 * .92 / 20) = .0607, three of it .182; a fifth is asked for.
        (0.08, 0.275, 20, False),
        (0.08, 0.285, 20, True),
        # At 50 %: sqrt(.25 / 20) = .1118, three of it .335.
        (0.5, 0.83, 20, False),
        (0.5, 0.84, 20, True),
        (0.08, 0.9, 9, False),  # too few places to say
    ],
)
def test_only_what_is_more_than_chance_is_said(tracked, in_list, places, is_said):
    said = found({"Horror": in_list, "Drama": 0.0}, [tracked, 0.0, 1 - tracked], places)

    assert bool(said) is is_said
