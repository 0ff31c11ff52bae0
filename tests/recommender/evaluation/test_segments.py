"""Which targets belong to which part."""

from __future__ import annotations

import numpy as np

from recommender.evaluation import segments, splits
from recommender.evaluation.drifting import Moved
from tests.recommender.logs import log_of


def test_targets_are_told_apart_by_history_and_by_popularity():
    rows = [("ann", f"i{number}", number) for number in range(12)]  # the test asks for i11
    rows += [("bob", item, day) for day, item in enumerate(["i0", "i1", "i2", "new"])]
    rows += [("cem", item, day) for day, item in enumerate(["i0", "i1", "i9", "i2"])]
    split = splits.split(log_of(rows), name="leave-one-out")
    item_events = np.bincount(split.fit.items, minlength=split.fit.num_items)

    people = Moved(
        is_drifting=np.array([False, True, False]), is_stable=np.array([True, False, False])
    )

    found = segments.segments_of_targets(split.test, item_events=item_events, people=people)

    # Targets in order of user: i11 (nobody has it in the fit), new, i2 (ann has).
    assert {name: mask.tolist() for name, mask in found.items()} == {
        "1 to 9 events": [False, True, True],
        "10 to 49 events": [True, False, False],
        "drifting end users": [False, True, False],
        "stable end users": [True, False, False],
        "other items": [False, False, True],
        "new items": [True, True, False],
    }


def test_the_fifth_of_items_with_most_events_is_popular_ties_included():
    item_events = np.array([9, 7, 7, 5, 4, 3, 2, 1, 1, 1, 0, 0])

    found = segments._is_popular(item_events)

    assert np.flatnonzero(found).tolist() == [0, 1, 2]


def test_without_a_fit_no_item_is_popular():
    assert segments._is_popular(np.zeros(3, int)).tolist() == [False, False, False]
