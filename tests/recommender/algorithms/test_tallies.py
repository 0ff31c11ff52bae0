"""What was known of people and items at a moment, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.algorithms.tallies import MAX_KINDS, OTHER_KINDS, Scale, Side
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


def log_of_kinds(numbers, *, num_kinds):
    """Return a log of ann's events on a, one a day, of kinds by number."""
    log = log_of([("ann", "a", day) for day in range(len(numbers))])
    names = tuple(f"kind {number}" for number in range(num_kinds))
    kinds, weights = np.array(numbers, np.int16), np.ones(num_kinds, np.float32)
    return replace(log, kinds=kinds, kind_names=names, kind_weights=weights)


def test_up_to_twenty_kinds_are_each_counted_for_themselves():
    log = log_of_kinds([0, 19, 3], num_kinds=MAX_KINDS)

    scale = Scale.of_log(log)

    assert scale.kind_names == log.kind_names
    assert scale.kinds(log).tolist() == [0, 19, 3]


def test_of_more_kinds_the_rare_ones_are_counted_as_one():
    # Kinds 1 to 20 twice each; 0 and 21 to 499 once.
    once = [0, *range(21, 500)]
    log = log_of_kinds([*range(1, 21), *range(1, 21), *once], num_kinds=500)

    scale = Scale.of_log(log)

    assert scale.kind_names == (*(f"kind {number}" for number in range(1, 21)), OTHER_KINDS)
    assert scale.kinds(log).tolist() == [*range(20), *range(20), *[20] * 480]
    side = Side.of(log, groups=log.items, ranks=np.arange(520), stride=521, scale=scale)
    found = side.features(np.array([0]), np.array([520]), times=np.array([600 * DAY]))
    assert found.shape == (1, 21 + 7)
    assert found[0, :21].tolist() == pytest.approx([*[np.log(3)] * 20, np.log(481)])


def test_a_kind_that_comes_later_is_one_of_the_others_where_there_are_any():
    few, many = (log_of_kinds(range(number), num_kinds=number) for number in (3, 30))
    later = replace(log_of_kinds([0], num_kinds=1), kind_names=("new",))

    assert Scale.of_log(few).kinds(later).tolist() == [-1]
    assert Scale.of_log(many).kinds(later).tolist() == [20]
