from types import SimpleNamespace

import pytest

from interests.drift.evaluation import DriftQuality, drift_quality


def _change(event, end_event=None):
    return SimpleNamespace(event=event, end_event=event if end_event is None else end_event)


def test_quality_worked_by_hand():
    # Person 0: 50 found by 61 after 11 events; 45 came before its first event, 95 is false.
    # Person 1: from 30 to 50, found by 90, the last event of the window. Person 2: stable, one alarm.
    quality = drift_quality(
        [[45, 61, 95], [90], [7]],
        changes=[[_change(50)], [_change(30, 50)], []],
        num_events=[120, 100, 200],
    )

    assert quality == DriftQuality(
        num_changes=2,
        num_alarms=5,
        precision=pytest.approx(2 / 5),
        recall=1.0,
        f1=pytest.approx(4 / 7),
        median_delay=35.5,
        false_alarms_per_1000=5.0,
    )


def test_an_alarm_finds_one_change_only_and_not_at_its_first_event():
    quality = drift_quality([[50, 60]], changes=[[_change(50), _change(55)]], num_events=[100])

    assert (quality.recall, quality.precision, quality.median_delay) == (0.5, 0.5, 10)


def test_an_alarm_after_the_window_is_false():
    quality = drift_quality([[91]], changes=[[_change(50)]], num_events=[100])

    assert (quality.f1, quality.median_delay) == (0.0, None)


def test_nothing_raised_and_nothing_changed_is_nothing():
    quality = drift_quality([[]], changes=[[]], num_events=[0])

    assert (quality.f1, quality.precision, quality.recall) == (0.0, 0.0, 0.0)
    assert quality.false_alarms_per_1000 == 0.0
