"""What was known of people and items at a moment, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.algorithms.tallies import Scale, Side
from tests.recommender.logs import DAY, log_of

ROWS = [
    ("ann", "a", 1), ("ann", "b", 2, "dislike"), ("ann", "a", 4), ("ann", "b", 8),
    ("bob", "a", 2),
]  # fmt: skip
NAN = np.nan


def side_of(values, *, rows=ROWS):
    """Return the side of the items, ranked by place in the log."""
    log = replace(log_of(rows), values=np.array(values, np.float32))
    ranks = np.searchsorted(np.sort(log.times), log.times)
    side = Side.of(
        log, groups=log.items, ranks=ranks, stride=len(rows) + 1, scale=Scale.of_log(log)
    )
    return log, side


def features_at(day, values):
    log, side = side_of(values)
    rank = np.searchsorted(np.sort(log.times), [day * DAY] * 2)
    found = side.features(np.array([0, 1]), rank, times=np.full(2, int(day * DAY)))
    return dict(zip(side.scale.names("item"), found.T.tolist(), strict=True))


def test_counts_are_those_of_earlier_events_of_each_kind():
    found = features_at(4, [NAN] * 5)  # a: days 1 and 2, the event of day 4 not yet; b: the dislike

    assert found["item: events of kind view"] == pytest.approx([np.log(3), 0])
    assert found["item: events of kind dislike"] == pytest.approx([0, np.log(2)])
    assert found["item: last event"] == pytest.approx([np.log1p(2), np.log1p(2)])
    assert found["item: age"] == pytest.approx([np.log1p(3), np.log1p(2)])
    assert found["item: has values"] == [0, 0]


def test_values_have_mean_median_variance_and_spread():
    # Day 9: a has 5 (day 1), 1 (4) and 3 (2); b has 4 (8) alone. The usual value is 3.25.
    found = features_at(9, [5, NAN, 1, 4, 3])

    assert found["item: mean value"] == pytest.approx([3, 4])
    assert found["item: median"] == pytest.approx([3, 4])
    assert found["item: variance"] == pytest.approx([8 / 3, 0], abs=1e-5)
    assert found["item: spread"] == pytest.approx([4, 0])
    assert found["item: has values"] == [1, 1]


def test_the_median_of_an_even_number_lies_between_the_two_in_the_middle():
    found = features_at(4, [5, NAN, 1, 4, 3])  # a: 5 and 3; b: nothing with a value

    assert found["item: median"] == pytest.approx([4, 3.25])
    assert found["item: mean value"] == pytest.approx([4, 3.25])
    assert found["item: spread"] == pytest.approx([2, 0])


def test_nothing_is_known_before_the_first_event():
    found = features_at(1, [5, NAN, 1, 4, 3])

    assert found["item: events of kind view"] == [0, 0]
    assert found["item: last event"] == [0, 0]
    assert found["item: age"] == [0, 0]
    assert found["item: has values"] == [0, 0]


def test_many_different_values_are_told_apart_by_levels():
    values = np.arange(1000, dtype=np.float32)
    log = replace(log_of([("ann", "a", day) for day in range(1000)]), values=values)

    levels = Scale.of_log(log).levels

    assert len(levels) == 20
    assert (levels[0], levels[-1]) == (0, 999)


def test_kinds_are_matched_by_name():
    log, side = side_of([NAN] * 5)
    other = replace(log, kind_names=("dislike", "share"), kind_weights=np.array([-1, 1]))

    assert side.scale.kinds(other).tolist() == [1 if kind == 0 else -1 for kind in log.kinds]
