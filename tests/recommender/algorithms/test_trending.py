"""What rises, by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from recommender.algorithms.protocol import CannotFit
from recommender.algorithms.trending import Trending, TrendingSettings
from tests.recommender.logs import DAY, log_of

# "big" is chosen every day alike; "up" on the last two of nine days, "bad" is refused only.
ROWS = [
    *(("ann", "big", day) for day in range(1, 10)),
    ("bob", "up", 8), ("cem", "up", 9), ("ann", "bad", 9, "dislike"),
]  # fmt: skip
ITEMS = ("bad", "big", "never", "up")
ANYBODY = np.array([0, 2], np.int32)


def risen(late: float, usual: float, normalisation: float = 1.0) -> float:
    return 2 * sqrt(late + 3 / 8) - 2 * normalisation * sqrt(usual + 3 / 8)


@pytest.mark.parametrize("normalisation", [1.0, 0.5, 0.0])
def test_choices_of_late_are_held_against_the_usual_level(normalisation):
    log = log_of(ROWS, item_ids=ITEMS)

    fitted = Trending().fit(log, settings=TrendingSettings(1.0, normalisation), seed=0)

    # On the last day an event counts 1, on the day before a half, and so on.
    big, up = 2 - 0.5**8, 1.5
    usual = (big + up) / 11
    expected = [-np.inf, risen(big, 9 * usual, normalisation), -np.inf]
    expected.append(risen(up, 2 * usual, normalisation))
    scores = fitted.scores(log, users=ANYBODY)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, [expected, expected], rtol=1e-6)
    # Popularity of late alone puts the big one first; held against its usual level it comes last.
    assert (scores[0, 3] > scores[0, 1]) == (normalisation > 0)


def test_where_the_time_of_the_request_is_known_nothing_after_it_counts():
    log = log_of(ROWS, item_ids=ITEMS)
    fitted = Trending().fit(log, settings=TrendingSettings(1.0), seed=0)

    before, at_first = fitted.scores(log, users=ANYBODY, request_times=np.array([3, 1]) * DAY)

    late = 0.5 + 0.25  # of days 2 and 1, a half-life each further from day 3
    assert before[1] == pytest.approx(risen(late, late), abs=1e-6)
    assert before[3] == pytest.approx(risen(0, 0), abs=1e-6)
    assert at_first.tolist() == [-np.inf, 0, -np.inf, 0]


@pytest.mark.parametrize(
    ("settings", "rows", "words"),
    [
        (TrendingSettings(), [("ann", "a", 1, "dislike")], "at least one"),
        (TrendingSettings(0.0), ROWS, "a half-life above 0"),
        (TrendingSettings(1.0, 1.5), ROWS, "a normalisation from 0 to 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(settings, rows, words):
    with pytest.raises(CannotFit, match=words):
        Trending().fit(log_of(rows), settings=settings, seed=0)
