from __future__ import annotations

import random
from datetime import UTC, datetime

from recommender.evaluation import interleaving, outcomes
from recommender.evaluation.outcomes import Deed
from recommender.ranking.answer_ids import AnswerId

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


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


def test_more_items_than_fit_are_not_marked() -> None:
    assert interleaving.mark([(key, key % 2) for key in range(interleaving.MAX_ITEMS + 1)]) == 0


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
