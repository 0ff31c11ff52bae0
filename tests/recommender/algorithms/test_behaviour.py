"""Features of a person and an item by hand, and nothing of the moment itself or after it in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interests.datasets.log import Catalogue
from recommender.algorithms import behaviour, records
from recommender.algorithms.behaviour import Known
from recommender.algorithms.moments import Moments
from recommender.algorithms.records import Record
from tests.recommender.logs import DAY, drawn_log, log_of


def features_at_events(log, events, items):
    record = Record.of_log(log)
    moments = Moments.at_events(log, np.array(events))
    found = Known.of(record, log, moments).features(np.arange(len(events)), np.array(items))
    return dict(zip(record.names(), found.T.tolist(), strict=True))


def with_categories(log, categories):
    names = list(log.catalogue.item_ids)
    return replace(log, catalogue=Catalogue.build(item_ids=names, categories=categories))


def valued(log, values):
    return replace(log, values=np.array(values, np.float32))


def test_the_share_of_a_persons_events_in_the_items_categories():
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3), ("ann", "d", 4)])
    log = with_categories(log, [["x"], ["x", "y"], ["y"], ["x"]])

    found = features_at_events(log, [3], [3])  # before d: a and half of b are x, of 3

    [share] = found["share of events in the item's categories"]
    [late] = found["share of late events in the item's categories"]
    weights = 0.5 ** (np.array([2, 1, 0]) / 10)
    assert share == pytest.approx(1.5 / 3)
    assert late == pytest.approx((weights @ [1, 0.5, 0]) / weights.sum())
    assert found["item: in x"] == [1]
    assert found["item: in y"] == [0]


def test_how_far_values_in_the_items_categories_lie_above_the_mean():
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3)])
    log = valued(with_categories(log, [["x"], ["y"], ["x"]]), [5, 2, 1])

    [found] = features_at_events(log, [2], [2])["value above the person's mean in the item's categories"]  # fmt: skip

    assert found == pytest.approx(1.5 / 2)  # one value, 1.5 above 3.5, and one more in the divisor


def test_company_by_hand():
    # When ann comes to c: bob has chosen a and c, cem a; nobody else. Norms: a 3 choosers with ann, c 1.
    rows = [("ann", "a", 3), ("ann", "c", 5), ("bob", "a", 1), ("bob", "c", 2), ("cem", "a", 1)]

    found = features_at_events(log_of(rows), [1], [1])

    cosine = np.log(1 / np.sqrt(3 * 1) + 0.01)
    shrunk = np.log(1 / (np.sqrt(3 * 1) + 10) + 0.01)
    assert found["company of what was chosen, mean"] == pytest.approx([cosine])
    assert found["company of what was chosen of late, mean"] == pytest.approx([cosine])
    assert found["near what was chosen just now"] == pytest.approx([shrunk])
    assert found["near what was chosen, summed"] == pytest.approx([shrunk])
    assert found["near what was chosen, mean"] == pytest.approx([shrunk])


def test_popularity_is_that_of_the_moment():
    rows = [("ann", "a", 200), ("bob", "a", 1), ("cem", "a", 150), ("dan", "b", 300)]

    found = features_at_events(log_of(rows), [0], [0])  # two events before, one of them long ago

    assert found["item: events of late"] == pytest.approx([np.log(2)])
    assert found["item: share of all events"] == pytest.approx([np.log(3) - np.log(3)])


@pytest.mark.parametrize("num_people", [30, 3])
def test_many_pairs_a_moment_have_the_same_features_as_few(num_people, monkeypatch):
    log = drawn_log(num_users=num_people)
    record = Record.of_log(log)
    moments = Moments.now(log, np.arange(num_people, dtype=np.int32), record)
    known = Known.of(record, log, moments)
    rows = np.repeat(np.arange(num_people), log.num_items)
    items = np.tile(np.arange(log.num_items), num_people)

    monkeypatch.setattr(behaviour, "MANY_PAIRS", 1)
    many = known.features(rows, items)
    monkeypatch.setattr(behaviour, "MANY_PAIRS", 10_000)
    monkeypatch.setattr(behaviour, "BLOCK_PAIRS", 7)
    few = known.features(rows, items)

    np.testing.assert_allclose(many, few, rtol=1e-4, atol=1e-5)


def test_what_happens_at_a_moment_and_after_it_is_not_in_its_features():
    log = drawn_log()
    log = valued(log, np.random.default_rng(1).normal(size=log.num_events))
    event = int(np.argsort(log.times)[log.num_events // 2])
    # Everything from the moment on is another item, of another kind and value; times stay.
    is_late = log.times >= log.times[event]
    changed = replace(
        log,
        items=np.where(is_late, (log.items + 1) % log.num_items, log.items).astype(np.int32),
        kinds=np.where(is_late, 0, log.kinds).astype(np.int16),
        values=np.where(is_late, np.float32(1.0), log.values),
    )
    scale = Record.of_log(log).scale
    found = []
    for each in (log, changed):
        record = Record.of_log(each)
        # The scale of values is the fit's own, of the whole log: it says how values are read.
        record = replace(record, scale=scale, items=_items_side(each, record, scale))
        moments = Moments.at_events(each, np.array([event]))
        rows, items = np.zeros(log.num_items, np.int64), np.arange(log.num_items)
        found.append(Known.of(record, each, moments).features(rows, items))

    # Running sums pass over other items' values: equal but for their last bits.
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


def _items_side(log, record, scale):
    return records.Side.of(
        log,
        groups=log.items,
        ranks=record.rank_at(log.times),
        stride=len(record.times) + 1,
        scale=scale,
    )


def test_moments_at_a_time_know_the_earlier_events_alone():
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 2), ("bob", "a", 5)])
    users = np.array([0, 0, 1, 0], np.int32)

    moments = Moments.at_times(log, users, np.array([2, 3, 1, 1]) * DAY)

    assert moments.ends.tolist() == [1, 3, 3, 0]
    assert moments.gaps == pytest.approx([np.log1p(1), np.log1p(1), 0, 0])


def test_each_row_of_similarities_keeps_the_nearest(monkeypatch):
    monkeypatch.setattr(records, "NUM_NEIGHBOURS", 1)
    rows = [("ann", "a", 1), ("ann", "b", 1), ("bob", "a", 1), ("bob", "b", 1), ("bob", "c", 1)]
    choosers = Record.of_log(log_of(rows)).choosers_at(5)

    found = records.similarities(choosers).toarray()

    near = 2 / (2 + 10)
    assert found[0] == pytest.approx([0, near, 0])
    assert found[1] == pytest.approx([near, 0, 0])
    assert found[2] == pytest.approx([1 / (np.sqrt(2) + 10)] * 2 + [0])  # equals are both kept
