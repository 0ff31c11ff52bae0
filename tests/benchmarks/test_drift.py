"""The benchmark of drift: what it chooses to show, and that its peers find a change anyone sees."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("river")
pytest.importorskip("ruptures")

from benchmarks import drift, drift_peers
from interests.drift.evaluation import DriftQuality


def _tried(setting, *, f1, false_alarms):
    quality = DriftQuality(1, 1, f1, f1, f1, 10.0, false_alarms)
    return drift.Tried(setting, quality, 1.0)


def test_the_table_shows_the_best_and_the_best_at_one_false_alarm():
    tried = [
        _tried("eager", f1=0.4, false_alarms=5.0),
        _tried("best", f1=0.5, false_alarms=3.0),
        _tried("careful", f1=0.3, false_alarms=1.0),
        _tried("deaf", f1=0.1, false_alarms=0.0),
    ]

    assert [one.setting for one in drift.chosen(tried)] == ["best", "careful"]
    assert [one.setting for one in drift.chosen(tried[1:2])] == ["best"]
    assert [one.setting for one in drift.chosen(tried[2:])] == ["careful"]


def test_blind_alarms_leave_out_who_has_too_few_events():
    known = drift.simulated(10, 1)
    shortest = min(map(len, known.histories))

    assert drift.blind(known, 0, 5) == [[0], [], [], [], [], [0], [], [], [], []]
    assert sum(map(len, drift.blind(known, shortest, 1))) < 10


def test_simulated_streams_keep_their_changes_in_the_order_of_their_people():
    known = drift.simulated(20, 2)

    assert sum(map(len, known.changes)) == 11
    assert all(
        change.event <= change.end_event < len(history)
        for history, changes in zip(known.histories, known.changes, strict=True)
        for change in changes
    )


@pytest.mark.parametrize("peer", drift_peers.PEERS, ids=lambda peer: peer.name)
def test_a_peer_raises_after_a_change_that_anyone_sees(peer):
    rng = np.random.default_rng(0)
    before = rng.choice(6, size=150, p=[0.8, 0.1, 0.1, 0, 0, 0])
    after = rng.choice(6, size=150, p=[0, 0, 0, 0.1, 0.1, 0.8])
    shares = np.eye(6)[np.concatenate([before, after])]

    found = [peer.alarms(shares, setting) for setting in peer.settings]

    assert any(150 < event <= 190 for own in found for event in own)
    assert all(0 <= event < 300 for own in found for event in own)
