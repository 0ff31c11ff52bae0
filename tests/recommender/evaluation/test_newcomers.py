"""End users of whom little is known, and items that nobody chose before."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from recommender.algorithms import make
from recommender.evaluation import metrics, newcomers, runner, splits
from recommender.evaluation.answers import Request
from tests.recommender.logs import log_of

ROWS = [("ann", f"i{day:02}", 0.1 * day) for day in range(60)]
ROWS += [
    ("ann", "old", 0.05),
    ("ann", "z2", 20),
    ("bob", "i00", 10),
    ("bob", "z1", 11),
    ("bob", "z3", 12),
]


@dataclass(frozen=True)
class ByName:
    """Scores items by a number, whoever asks."""

    numbers: dict[str, float]

    def scores(self, histories, *, users, request_times=None):
        ids = histories.catalogue.item_ids
        row = np.array([self.numbers.get(item, 100.0) for item in ids], np.float32)
        return np.tile(row, (len(users), 1))


def asked_by_name(numbers):
    split = splits.split(log_of(ROWS), name="time")
    ties = metrics.tie_order(split.fit.num_items, seed=0)
    return newcomers.ask(ByName(numbers), split, request=Request(), ties=ties)


def test_new_items_are_ranked_among_new_items_only():
    # Nobody chose z1 to z3 and i57 to i59 before the cut. All others have higher scores: they do not count.
    split = splits.split(log_of(ROWS), name="time")
    new = np.flatnonzero(np.bincount(split.fit.items, minlength=split.fit.num_items) == 0)
    names = split.fit.catalogue.item_ids[new].tolist()
    numbers = {name: -float(place) for place, name in enumerate(sorted(names, reverse=True))}

    found = asked_by_name(numbers)[newcomers.NEW_ITEMS]

    assert names[-3:] == ["z1", "z2", "z3"]
    # Ann is asked, whose new items are all but z1 and z3, which stand on places 3 and 1.
    assert split.test.num_users == 1
    count = len(names) - 2
    gains = [1 / math.log2(place + 1) for place in range(1, len(names) + 1)]
    assert found["ndcg"].tolist() == [
        pytest.approx((sum(gains) - gains[0] - gains[2]) / sum(gains[:count]))
    ]


def test_sessions_are_asked_by_their_length():
    found = asked_by_name({"z3": 200.0, "z1": 150.0})

    assert found["new end users after 1 event"]["recall"].tolist() == [1.0]
    assert found["new end users after 1 event"]["mrr"].tolist() == [1.0]
    assert "new end users after 3 events" not in found


def test_an_algorithm_that_knows_no_new_item_gets_what_chance_gets_among_them():
    split = splits.split(log_of(ROWS), name="time")
    num_new = int((np.bincount(split.fit.items, minlength=split.fit.num_items) == 0).sum())

    popular, random = runner.run(
        split, algorithms=[make("most_popular"), make("random")], request=Request(k=1)
    )

    for result in (popular, random):
        part = result.segments[newcomers.NEW_ITEMS]
        assert part.num_users == 1
        assert part.values["ndcg@1"] == pytest.approx((num_new - 2) / num_new)
