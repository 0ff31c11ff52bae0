import json
from types import SimpleNamespace

import numpy as np
import pytest

from interests.drift.detectors import DetectorState, advance, detect, new_state


def _history(categories, *, num_categories, sessions=None, negative=()):
    shares = np.zeros((len(categories), num_categories))
    for event, own in enumerate(categories):
        for category in np.atleast_1d(own):
            shares[event, category] = 1 / len(np.atleast_1d(own))
    weights = np.ones(len(categories))
    weights[list(negative)] = -1
    if sessions is None:
        sessions = np.arange(len(categories)) // 4
    return SimpleNamespace(shares=shares, sessions=np.asarray(sessions), weights=weights)


def _drawn(seed, *, preferences, num_categories, negative_share=0.0):
    """A history drawn from one preference after the other, each for so many events."""
    rng = np.random.default_rng(seed)
    drawn = []
    for shares, count in preferences:
        p = np.full(num_categories, 0.06 / num_categories)
        for category, share in shares.items():
            p[category] += share * 0.94
        p[-1] = 0
        drawn.extend(rng.choice(num_categories, size=count, p=p / p.sum()).tolist())
    sessions = np.cumsum(rng.random(len(drawn)) < 0.25)
    negative = np.flatnonzero(rng.random(len(drawn)) < negative_share)
    return _history(drawn, num_categories=num_categories, sessions=sessions, negative=negative)


def _one_by_one(history, *, population=None, store_at=()):
    state = new_state(history.shares.shape[1])
    alarms = []
    for event in range(len(history.shares)):
        if event in store_at:
            text = json.dumps(state.to_dict(), sort_keys=True)
            state = DetectorState.from_dict(json.loads(text))
        alarm = advance(
            state,
            shares=history.shares[event],
            session=int(history.sessions[event]),
            weight=float(history.weights[event]),
            population=population,
        )
        if alarm:
            alarms.append(alarm)
    return alarms, state


def _plain(alarms):
    return [
        {name: np.asarray(value).tolist() for name, value in vars(alarm).items()}
        for alarm in alarms
    ]


CHANGED = [({0: 0.6, 1: 0.3, 2: 0.1}, 80), ({5: 0.6, 1: 0.3, 2: 0.1}, 60)]


@pytest.fixture
def crowd():
    """Sixteen histories of many lengths, half of them with a change, some events negative."""
    people = []
    for seed in range(16):
        preferences = [(shares, count + 7 * seed) for shares, count in CHANGED[: 1 + seed % 2]]
        people.append(_drawn(seed, preferences=preferences, num_categories=9, negative_share=0.1))
    return people


def test_detect_raises_exactly_what_advance_raises(crowd):
    together = [_plain(alarms) for alarms in detect(crowd)]

    assert together == [_plain(_one_by_one(history)[0]) for history in crowd]
    assert sum(map(len, together)) >= 8


def test_a_restart_in_the_middle_changes_nothing(crowd):
    for history in crowd[:6]:
        straight, through = (_one_by_one(history, store_at=at) for at in ((), range(0, 400, 7)))

        assert _plain(straight[0]) == _plain(through[0])
        assert straight[1].to_dict() == through[1].to_dict()


def test_an_abrupt_change_is_raised_once_with_its_begin_and_both_sides():
    for seed in range(5):
        history = _drawn(seed, preferences=CHANGED, num_categories=9)

        (alarm,) = detect([history])[0]

        assert (alarm.falling[0], alarm.rising) == (0, (5,))
        assert 80 < alarm.after <= 110
        assert abs(alarm.begin - 80) <= 8


@pytest.mark.parametrize("num_categories", [9, 80])
def test_detect_hands_out_the_states_that_advance_would_have(num_categories):
    people = [
        _drawn(seed, preferences=CHANGED, num_categories=num_categories, negative_share=0.2)
        for seed in range(4)
    ]
    people.append(_history([0, 1], num_categories=num_categories, negative=(0, 1)))
    points = [(1, 50, 51, 140), (140,), (3, 100), (), (1, 2)]
    states = []

    detect(
        people, points=points, on_state=lambda place, state: states.append((place, state.to_dict()))
    )

    expected = []
    for place, history in enumerate(people):
        for point in points[place]:
            head = {name: rows[:point] for name, rows in vars(history).items()}
            expected.append((place, _one_by_one(SimpleNamespace(**head))[1].to_dict()))
    assert sorted(states, key=lambda one: one[0]) == expected
