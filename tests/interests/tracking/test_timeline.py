"""Moments of a history: numbers by hand."""

from __future__ import annotations

import numpy as np

from interests.tracking import timeline
from interests.tracking.histories import History


def history(times, weights=None):
    micros = np.array([np.datetime64(text, "us") for text in times], "datetime64[us]").astype(int)
    return History(
        shares=np.eye(3)[np.arange(len(times)) % 3],
        times=micros,
        sessions=np.zeros(len(times), np.int32),
        weights=np.ones(len(times)) if weights is None else np.array(weights, float),
    )


# A Sunday, the Monday after it, a Wednesday two weeks on; a day before 1970.
TIMES = ["2026-03-01T23:59", "2026-03-02T00:00", "2026-03-02T10:00", "2026-03-18T10:00"]


def test_weeks_begin_on_monday_and_the_last_moment_has_seen_everything():
    np.testing.assert_array_equal(timeline.moments(history(TIMES)), [1, 3, 4])
    np.testing.assert_array_equal(
        timeline.moments(history(["1969-12-31T00:00", "1970-01-01T00:00"])), [2]
    )
    assert len(timeline.moments(history([]))) == 0


def test_long_weeks_have_a_moment_after_each_twenty_five_events():
    minutes = [f"2026-03-02T{n // 60:02}:{n % 60:02}" for n in range(80)]

    np.testing.assert_array_equal(timeline.moments(history(minutes[:30])), [30])
    np.testing.assert_array_equal(timeline.moments(history(minutes[:50])), [25, 50])
    np.testing.assert_array_equal(timeline.moments(history(minutes)), [25, 50, 80])
    np.testing.assert_array_equal(
        timeline.moments(history([*minutes[:60], "2026-03-09T00:00"])), [25, 60, 61]
    )


def test_no_moment_lies_between_events_of_one_time():
    evening = ["2026-03-02T10:00"] * 40 + ["2026-03-02T11:00"] * 25

    np.testing.assert_array_equal(timeline.moments(history(evening)), [40, 65])
    np.testing.assert_array_equal(timeline.moments(history(evening[:40])), [40])


def test_active_days_are_counted_up_to_each_moment():
    days = timeline.active_days(history(TIMES), after=np.array([1, 3, 4]))

    np.testing.assert_array_equal(days, [1, 2, 3])


def test_shares_between_moments_leave_negative_events_out():
    own = history(TIMES, weights=[1, 1, 1, -1])

    shares = timeline.shares_between(own, after=np.array([1, 3, 4]))

    np.testing.assert_allclose(shares, [[1, 0, 0], [0, 0.5, 0.5], [0, 0, 0]])
    np.testing.assert_allclose(
        timeline.shares_between(own, after=np.array([3]), begin=2), [[0, 0, 1]]
    )
