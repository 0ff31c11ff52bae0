from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interests.drift import detectors, self_test
from interests.drift.injecting import Injected
from interests.drift.self_test import Reached
from interests.tracking.histories import History

FLAT = np.full(6, 1 / 6)


def people(number: int = 30) -> list[History]:
    """Return steady people of 100 events in five categories (the sixth stands for "uncategorised")."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(number):
        wants = np.append(rng.dirichlet(np.full(5, 0.3)), 0)
        shares = np.eye(6)[rng.choice(6, size=100, p=wants)]
        found.append(
            History(
                shares=shares,
                times=np.arange(100, dtype=np.int64),
                sessions=(np.arange(100) // 5).astype(np.int32),
                weights=np.ones(100),
            )
        )
    return found


def test_run_finds_most_of_what_was_put_in_and_less_with_a_higher_threshold():
    done = []

    found = self_test.run(
        people(), population=FLAT, settings=detectors.DEFAULT, seed=1, report=done.append
    )

    assert (found.num_end_users, found.num_events, found.num_changes) == (30, 3000, 30)
    own = [row for row in found.reached if row.threshold == detectors.DEFAULT.threshold]
    assert len(own) == 1
    assert own[0].found_share > 0.5
    assert own[0].false_alarms_per_1000 < 5
    shares = [row.found_share for row in found.reached]
    false = [row.false_alarms_per_1000 for row in found.reached]
    assert shares[0] > shares[-1]
    assert false == sorted(false, reverse=True)
    assert done[-1] == 1.0
    assert all(row.low <= row.found_share <= row.high for row in found.reached)


def test_run_of_short_histories_says_what_is_missing():
    short = [replace(person.head(20)) for person in people(3)]

    with pytest.raises(self_test.TooFewHistories, match="No history has 60 events"):
        self_test.run(short, population=FLAT, settings=detectors.DEFAULT, seed=0)
    with pytest.raises(self_test.TooFewHistories):
        self_test.run([], population=FLAT, settings=detectors.DEFAULT, seed=0)


def test_delays_count_the_first_alarm_after_the_change_and_within_the_window():
    injected = [Injected(n, 50, 0, 1) for n in range(4)]
    alarms = [[20, 62, 70], [50], [91], [90]]

    assert self_test._delays(alarms, injected) == [12, None, None, 40]


def test_threshold_for_is_the_lowest_within_the_budget():
    def reached(threshold: float, false: float) -> Reached:
        return Reached(threshold, false, 0.5, 0.4, 0.6, 10.0, 20.0)

    rows = [reached(3, 4.0), reached(5, 1.4), reached(7, 0.5)]

    assert self_test.threshold_for(rows, false_alarms_per_1000=1.5) == rows[1]
    assert self_test.threshold_for(rows, false_alarms_per_1000=0.1) is None


def test_wilson_s_interval_of_half_of_twenty():
    low, high = self_test.wilson(10, 20)

    # (0.5 + 3.8416 / 40 -+ 1.96 sqrt(0.25 / 20 + 3.8416 / 1600)) / (1 + 3.8416 / 20)
    assert (low, high) == (pytest.approx(0.29930, abs=1e-5), pytest.approx(0.70070, abs=1e-5))
    assert self_test.wilson(0, 0) == (0.0, 1.0)


def test_drawn_stops_at_enough_events_or_people_and_is_the_same_for_a_seed():
    everybody = people(10)

    assert len(self_test.drawn(everybody, seed=1, max_events=250)) == 3
    assert len(self_test.drawn(everybody, seed=1, limit=4)) == 4
    assert len(self_test.drawn(everybody, seed=1)) == 10
    first, again = (self_test.drawn(everybody, seed=2, limit=3) for _ in range(2))
    assert [id(person) for person in first] == [id(person) for person in again]
