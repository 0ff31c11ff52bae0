"""Popular items, over all time and in a window."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.algorithms.popularity import (
    MostPopular,
    MostPopularSettings,
    RecentlyPopular,
    RecentlyPopularSettings,
)
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import DAY, log_of

ROWS = [
    ("ann", "old", 1), ("bob", "old", 2), ("cem", "old", 3), ("ann", "bad", 4, "dislike"),
    ("ann", "new", 98), ("bob", "new", 99), ("cem", "mid", 100),
]  # fmt: skip
ITEMS = ("bad", "mid", "never", "new", "old")
EVERYBODY = np.arange(3, dtype=np.int32)


def test_most_popular_counts_events_that_are_not_negative():
    log = log_of(ROWS, item_ids=ITEMS)

    fitted = MostPopular().fit(log, settings=MostPopularSettings(), seed=0)

    scores = fitted.scores(log, users=EVERYBODY)
    assert scores.dtype == np.float32
    assert scores.tolist() == [[-np.inf, 1, -np.inf, 2, 3]] * 3


def test_recently_popular_counts_in_the_window_before_the_end_then_all_time():
    log = log_of(ROWS, item_ids=ITEMS)

    fitted = RecentlyPopular().fit(log, settings=RecentlyPopularSettings(7), seed=0)

    scores = fitted.scores(log, users=EVERYBODY)[0]
    assert scores.tolist() == pytest.approx([-np.inf, 1 + 1 / 6, -np.inf, 2 + 2 / 6, 3 / 6])


def test_recently_popular_looks_back_from_the_request_where_its_time_is_known():
    log = log_of(ROWS, item_ids=ITEMS)
    fitted = RecentlyPopular().fit(log, settings=RecentlyPopularSettings(7), seed=0)

    scores = fitted.scores(log, users=EVERYBODY[:2], request_times=np.array([5, 99]) * DAY)

    # Before day 5: three of "old"; before day 99: one of "new", that of day 99 itself not.
    assert np.floor(scores).tolist() == [[-np.inf, 0, -np.inf, 0, 3], [-np.inf, 0, -np.inf, 1, 0]]


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        (MostPopular(), MostPopularSettings()),
        (RecentlyPopular(), RecentlyPopularSettings()),
    ],
)
def test_without_events_there_is_nothing_to_count(algorithm, settings):
    log = log_of(ROWS).take(np.zeros(len(ROWS), bool))

    with pytest.raises(CannotFit, match="at least one"):
        algorithm.fit(log, settings=settings, seed=0)
