"""What the hour and the weekday change, worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from recommender.algorithms import context, make
from recommender.algorithms.context import ContextPopularSettings
from tests.recommender.logs import DAY, log_of

# Day 4 is Monday, 5 January 1970. Film is chosen at 20 o'clock, news at 8, both four times.
EVENING, MORNING = 4 + 20 / 24, 4 + 8 / 24
ROWS = [(f"u{number}", "film", EVENING) for number in range(4)]
ROWS += [(f"v{number}", "news", MORNING) for number in range(4)]


def test_hours_and_weekdays_of_times():
    hours, weekdays = context.contexts(np.array([0, round(EVENING * DAY), 6 * DAY - 1]))

    assert hours.tolist() == [0, 20, 23]
    assert weekdays.tolist() == [24 + 3, 24 + 0, 24 + 1]  # Thursday, Monday, Tuesday


def test_a_request_in_the_evening_gets_what_evenings_have_more_of():
    log = log_of(ROWS)
    fitted = make("context_popular").fit(log, settings=ContextPopularSettings(2.0), seed=0)
    users, times = np.array([0], np.int32), np.array([round(EVENING * DAY)])

    found = fitted.scores(log, users=users, request_times=times)[0]

    # Half of all events are in that hour: film has 4 where 2 are usual, and 2 · 1/2 more on both sides. All are
    # on a Monday, which changes nothing.
    assert found.tolist() == [
        pytest.approx(math.log(4) + math.log((4 + 1) / (2 + 1))),
        pytest.approx(math.log(4) + math.log((0 + 1) / (2 + 1))),
    ]


def test_without_a_request_time_the_last_event_says_the_context_and_strangers_have_none():
    log = log_of([*ROWS, ("walt", "film", EVENING - 1), ("walt", "news", MORNING)])
    fitted = make("context_popular").fit(log, settings=ContextPopularSettings(2.0), seed=0)
    place = log.user_ids.tolist().index("walt")
    before = log.take(log.times < MORNING * DAY)

    known = fitted.scores(log, users=np.array([place, 0], np.int32))
    stranger = fitted.scores(before, users=np.array([0], np.int32))[0]

    assert known[0, 1] > known[0, 0]
    assert known[1, 0] > known[1, 1]
    assert stranger.tolist() == [pytest.approx(math.log(5))] * 2


def test_much_shrinkage_leaves_popularity():
    log = log_of(ROWS)
    fitted = make("context_popular").fit(log, settings=ContextPopularSettings(1e9), seed=0)

    found = fitted.scores(log, users=np.array([0], np.int32))[0]

    assert found.tolist() == [pytest.approx(math.log(4), abs=1e-6)] * 2


def test_the_device_of_the_last_event_counts_by_name_where_it_is_known():
    # Film is chosen on the phone, news at the desk, each five times in the same hour.
    log = log_of(
        [(f"u{number}", "film" if number < 5 else "news", EVENING) for number in range(10)]
    )
    log = replace(
        log, devices=np.array([0] * 5 + [1] * 5, np.int16), device_names=("phone", "desk")
    )
    fitted = make("context_popular").fit(log, settings=ContextPopularSettings(2.0), seed=0)
    rows = [(name, "film", EVENING) for name in ("at the desk", "new device", "unknown")]
    asked = replace(
        log_of(rows, item_ids=["film", "news"]),
        devices=np.array([1, 0, -1], np.int16),
        device_names=("watch", "desk"),
    )
    users = np.arange(3, dtype=np.int32)

    at_the_desk, new_device, unknown = fitted.scores(asked, users=users)
    without = fitted.scores(replace(asked, devices=None), users=users)

    # Half of all events are at the desk: news has 5 where 2.5 are usual, and 2 · 1/2 more on both sides.
    assert at_the_desk.tolist() == [
        pytest.approx(math.log(5) + math.log((0 + 1) / (2.5 + 1))),
        pytest.approx(math.log(5) + math.log((5 + 1) / (2.5 + 1))),
    ]
    assert (
        new_device.tolist()
        == unknown.tolist()
        == without[0].tolist()
        == [pytest.approx(math.log(5))] * 2
    )


def test_strangers_have_no_device():
    log = log_of([(f"u{number}", "film", EVENING) for number in range(5)])
    log = replace(log, devices=np.zeros(5, np.int16), device_names=("phone",))
    fitted = make("context_popular").fit(log, settings=ContextPopularSettings(2.0), seed=0)
    known = log.take(log.users > 0)

    found = fitted.scores(
        known, users=np.array([0], np.int32), request_times=np.array([round(EVENING * DAY)])
    )

    assert fitted.devices == ("phone",)
    assert found.tolist() == [[pytest.approx(math.log(5))]]
