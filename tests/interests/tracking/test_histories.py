"""From a log to histories and batches."""

from __future__ import annotations

import numpy as np

from interests.datasets.log import Catalogue, InteractionLog
from interests.tracking import histories

MINUTE = 60_000_000


def log_of(rows, *, user_ids=("ann", "bob", "cem")):
    """Build a log of (user, item, kind, minute)."""
    columns = np.array(rows, int).reshape(-1, 4)
    catalogue = Catalogue.build(item_ids=["a", "b", "c"], categories=[["x"], ["x", "y"], []])
    return InteractionLog(
        catalogue=catalogue,
        user_ids=np.array(user_ids, object),
        users=columns[:, 0].astype(np.int32),
        items=columns[:, 1].astype(np.int32),
        kinds=columns[:, 2].astype(np.int16),
        values=np.full(len(columns), np.nan, np.float32),
        times=columns[:, 3].astype(np.int64) * MINUTE,
        positions=np.arange(len(columns)),
        kind_names=("view", "dislike"),
        kind_weights=np.array([1, -1], np.float32),
    )


def test_each_user_gets_a_history_even_without_events():
    log = log_of([(0, 0, 0, 0), (0, 1, 1, 30), (0, 2, 0, 61), (2, 1, 0, 5)])

    ann, bob, cem = histories.of_log(log)

    np.testing.assert_array_equal(ann.shares, [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]])
    np.testing.assert_array_equal(ann.sessions, [0, 0, 1])  # 30 minutes is no pause, 31 is
    np.testing.assert_array_equal(ann.is_negative, [False, True, False])
    np.testing.assert_array_equal(ann.times, [0, 30 * MINUTE, 61 * MINUTE])
    assert (len(bob), len(cem)) == (0, 1)


def test_the_networks_word_counts_from_the_first_event_after_its_training():
    log = log_of([(0, 0, 0, 0), (0, 1, 0, 30), (0, 2, 0, 61), (2, 1, 0, 99)])
    expected = np.tile(np.array([0.2, 0.3, 0.5], np.float32), (4, 1))

    ann, bob, cem = histories.of_log(log, network_shares=expected, network_until=30 * MINUTE)

    assert [ann.network_from, bob.network_from, cem.network_from] == [2, 0, 0]
    assert ann.network_shares.shape == (3, 3)


def test_batches_hold_every_history_once_and_pad_with_nothing(monkeypatch):
    rows = [(0, 0, 0, minute) for minute in range(40)] + [(2, 1, 0, 1), (2, 1, 1, 2)]
    everybody = histories.of_log(log_of(rows))

    first, second = histories.batches(everybody)

    np.testing.assert_array_equal(first.index, [0])
    np.testing.assert_array_equal(second.index, [2, 1])
    np.testing.assert_array_equal(second.lengths, [2, 0])
    np.testing.assert_array_equal(second.weights, [[1, -1], [0, 0]])
    np.testing.assert_array_equal(second.is_target, [[True, False], [False, False]])
    assert second.shares[1].sum() == 0


def test_the_head_of_a_history_is_what_it_was():
    log = log_of([(0, 0, 0, 0), (0, 1, 0, 30), (0, 2, 0, 61)])
    ann = histories.of_log(log)[0]

    head = ann.head(2)

    np.testing.assert_array_equal(head.shares, ann.shares[:2])
    assert len(head) == 2
