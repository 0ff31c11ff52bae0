"""The newest items, by their first event or their place in the catalogue."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.algorithms.latest import Latest, LatestSettings
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import DAY, log_of

ROWS = [
    ("ann", "d", 1), ("bob", "d", 9), ("ann", "a", 2), ("bob", "b", 3), ("cem", "c", 3),
    ("cem", "e", 1, "dislike"),
]  # fmt: skip
ITEMS = ("a", "b", "c", "d", "e", "f")
ANYBODY = np.array([0, 1], np.int32)


def test_the_first_event_says_how_new_an_item_is_and_the_catalogue_tells_equals_apart():
    log = log_of(ROWS, item_ids=ITEMS)

    scores = Latest().fit(log, settings=LatestSettings(), seed=0).scores(log, users=ANYBODY)

    assert scores.dtype == np.float32
    assert scores.tolist() == [[2, 3, 4, 1, -np.inf, -np.inf]] * 2


def test_without_times_the_last_of_the_catalogue_is_the_newest():
    log = log_of([("ann", "c", 1), ("ann", "a", 1), ("bob", "b", 1)])

    scores = Latest().fit(log, settings=LatestSettings(), seed=0).scores(log, users=ANYBODY[:1])

    assert scores.tolist() == [[1, 2, 3]]


def test_what_came_after_the_request_stands_behind_what_was_there():
    log = log_of(ROWS, item_ids=ITEMS)
    fitted = Latest().fit(log, settings=LatestSettings(), seed=0)

    scores = fitted.scores(log, users=ANYBODY, request_times=np.array([3, 2]) * DAY)

    assert scores.tolist() == [
        [2, -3, -4, 1, -np.inf, -np.inf],
        [-2, -3, -4, 1, -np.inf, -np.inf],
    ]


def test_without_events_nothing_is_new():
    with pytest.raises(CannotFit, match="latest needs at least one"):
        Latest().fit(log_of([("ann", "a", 1, "dislike")]), settings=LatestSettings(), seed=0)
