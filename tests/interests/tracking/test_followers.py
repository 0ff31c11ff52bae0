"""Networks as trackers: what they see by hand, and that they see nothing of what comes."""

from __future__ import annotations

import numpy as np
import pytest

from interests.tracking.followers import HALF_LIVES, FollowerTracker, inputs_of
from interests.tracking.histories import History
from interests.tracking.protocol import track


def history(categories, weights=None):
    length = len(categories)
    return History(
        shares=np.eye(3)[categories],
        times=np.arange(length, dtype=np.int64) * 60_000_000,
        sessions=np.zeros(length, np.int32),
        weights=np.ones(length) if weights is None else np.array(weights, float),
    )


def test_memories_fade_and_negative_events_add_nothing_to_them():
    shares = np.array([0.5, 0.3, 0.2])

    inputs, memories = inputs_of(history([0, 1, 2], weights=[1, 1, -1]), shares)

    kept = 0.5 ** (1 / HALF_LIVES[0])
    counts = np.array([kept**2, kept, 0]) + 10 * shares
    np.testing.assert_allclose(memories[2, 0], np.log(counts / counts.sum()), rtol=1e-5)
    assert inputs[2, :3].tolist() == [0, 0, -1]
    assert inputs.shape == (3, 3 + 9 + 4)


@pytest.mark.parametrize("kind", ["gru", "lstm", "transformer"])
def test_a_row_knows_only_the_events_before_it_also_across_windows(kind):
    tracker = FollowerTracker(kind, name=kind)
    tracker.fit([history([0, 1] * 20), history([1, 2] * 20), history([2, 0] * 20)])
    first, second = [0, 1] * 100, [0, 1] * 100
    second[150:] = [2] * 50

    one, other = (track(tracker, history(own)).weights for own in (first, second))

    assert one.shape == (201, 3)
    np.testing.assert_allclose(one[:151], other[:151], atol=1e-6)
    assert np.abs(one[151:] - other[151:]).max() > 0.01
    assert np.abs(one.sum(1) - 1).max() <= 1e-9
