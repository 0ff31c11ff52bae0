import json
from types import SimpleNamespace

import numpy as np
import pytest

from interests.drift import detectors
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
            values = state.to_dict()
            bank = values.pop("bank")
            state = DetectorState.from_dict(json.loads(json.dumps(values)) | {"bank": bank})
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


STABLE = {0: 0.6, 1: 0.3, 2: 0.1}
MOVED = {5: 0.6, 1: 0.3, 2: 0.1}


def test_a_binge_in_one_session_raises_nothing_whatever_its_length():
    for length in (5, 20, 200):
        before = _drawn(3, preferences=[(STABLE, 80)], num_categories=9)
        binge = _history([6] * length, num_categories=9)
        after = _drawn(4, preferences=[(STABLE, 60)], num_categories=9)
        history = SimpleNamespace(
            shares=np.vstack([before.shares, binge.shares, after.shares]),
            sessions=np.concatenate(
                [before.sessions, np.full(length, 1000), 1001 + after.sessions]
            ),
            weights=np.ones(140 + length),
        )

        assert detect([history]) == [[]]


def test_the_same_events_over_many_sessions_are_a_change():
    before = _drawn(3, preferences=[(STABLE, 80)], num_categories=9)
    after = _history([6] * 30, num_categories=9)
    history = SimpleNamespace(
        shares=np.vstack([before.shares, after.shares]),
        sessions=np.concatenate([before.sessions, 1000 + np.arange(30)]),
        weights=np.ones(110),
    )

    (alarm,) = detect([history])[0]

    assert (alarm.rising, alarm.falling[0]) == ((6,), 0)
    assert abs(alarm.begin - 80) <= 1
    assert min(alarm.evidence) >= 79
    assert alarm.before.sum() == pytest.approx(1)
    assert alarm.after_shares.sum() == pytest.approx(1)
    assert alarm.before[6] < 0.05
    assert alarm.after_shares[6] > 0.4
    assert alarm.score >= detectors.DEFAULT.threshold
    assert 0.5 < alarm.confidence <= 1


def test_a_gradual_change_is_one_alarm():
    steps = [({0: 0.6 * (1 - i / 8), 5: 0.6 * i / 8, 1: 0.3, 2: 0.1}, 6) for i in range(1, 8)]
    for seed in range(5):
        history = _drawn(seed, preferences=[(STABLE, 80), *steps, (MOVED, 60)], num_categories=9)

        (alarm,) = detect([history])[0]

        assert (alarm.rising, alarm.is_return) == ((5,), False)
        assert 80 < alarm.after < 140


def test_there_and_back_is_a_change_and_its_return():
    for seed in range(5):
        history = _drawn(
            seed, preferences=[(STABLE, 80), (MOVED, 80), (STABLE, 60)], num_categories=9
        )

        there, back = detect([history])[0]

        assert (there.rising, there.falling[0], there.is_return) == ((5,), 0, False)
        assert (back.rising, back.falling[0], back.is_return) == ((0,), 5, True)
        assert 160 < back.after < 200


def test_an_event_that_comes_late_gives_what_sorted_replay_gives(crowd):
    """A snapshot from before the place of the late event goes on with it as if it had been in time."""
    for history in crowd[:4]:
        late, num_events = 40, len(history.shares)
        head = SimpleNamespace(**{name: rows[:late] for name, rows in vars(history).items()})
        snapshot = _one_by_one(head)[1].to_dict()

        state, alarms = DetectorState.from_dict(snapshot), []
        for event in range(late, num_events):
            alarms.append(
                advance(
                    state,
                    shares=history.shares[event],
                    session=int(history.sessions[event]),
                    weight=float(history.weights[event]),
                )
            )

        in_order, at_end = _one_by_one(history)
        assert _plain([a for a in alarms if a]) == _plain([a for a in in_order if a.after > late])
        assert state.to_dict() == at_end.to_dict()


def test_a_state_does_not_grow_with_events_and_is_a_few_kib():
    rng = np.random.default_rng(0)
    state = new_state(21)
    sizes = []
    for event in range(10_000):
        shares = np.zeros(21)
        shares[rng.integers(20)] = 1
        advance(state, shares=shares, session=event // 5, weight=1.0)
        if event in (99, 9_999):
            arrays = vars(state.bank).values()
            sizes.append((sum(a.nbytes for a in arrays), len(state.to_dict()["bank"])))

    assert sizes[0][0] == sizes[1][0] < 10 * 1024
    assert sizes[1][1] < 8 * 1024
    assert state.num_events == 10_000


def test_the_state_of_a_wide_catalogue_holds_only_what_was_touched_last():
    rng = np.random.default_rng(0)
    wide, narrow = new_state(501), new_state(49)
    for event in range(300):
        shares = np.zeros(501)
        shares[rng.integers(500)] = 1
        advance(wide, shares=shares, session=event // 5, weight=1.0)

    assert {n: a.nbytes for n, a in vars(wide.bank).items()} == {
        n: a.nbytes for n, a in vars(narrow.bank).items()
    }


def test_a_change_is_found_in_a_wide_catalogue_the_same_one_by_one():
    preferences = [({300: 0.6, 1: 0.3, 2: 0.1}, 90), ({450: 0.6, 1: 0.3, 2: 0.1}, 60)]
    for seed in range(3):
        history = _drawn(seed, preferences=preferences, num_categories=500, negative_share=0.1)

        alarms = detect([history])[0]

        assert [(a.rising, a.falling[0]) for a in alarms] == [((450,), 300)]
        assert _plain(alarms) == _plain(_one_by_one(history, store_at=range(0, 150, 11))[0])
        assert alarms[0].before.shape == (500,)


def test_uncategorised_is_never_alarmed_on():
    history = _history([0] * 80 + [8] * 80, num_categories=9)

    assert detect([history]) == [[]]


@pytest.mark.parametrize("num_categories", [1, 2, 3, 500])
@pytest.mark.parametrize("count", [0, 1, 60])
@pytest.mark.parametrize("is_negative", [False, True])
def test_degenerate_histories_raise_nothing(num_categories, count, is_negative):
    negative = range(count) if is_negative else ()
    history = _history([0] * count, num_categories=num_categories, negative=negative)

    alarms, state = _one_by_one(history)

    assert detect([history]) == [alarms] == [[]]
    assert (state.num_events, state.probability < 0.5) == (count, True)


def test_nobody_has_no_alarms():
    assert detect([]) == []


def test_negative_events_count_but_tell_nothing():
    plain = _drawn(0, preferences=CHANGED, num_categories=9)
    negative = SimpleNamespace(
        shares=np.repeat(plain.shares, 2, axis=0),
        sessions=np.repeat(plain.sessions, 2),
        weights=np.tile([1.0, -1.0], len(plain.shares)),
    )

    (alarm,), (doubled,) = detect([plain, negative])

    assert doubled.after == 2 * alarm.after - 1
    assert (doubled.begin, doubled.score) == (2 * alarm.begin, alarm.score)
    assert doubled.evidence == tuple(2 * event for event in alarm.evidence)


def test_the_threshold_of_a_budget_is_the_log_of_the_run_length():
    assert detectors.threshold_for(false_alarms_per_1000=1) == pytest.approx(np.log(1000))
    assert detectors.DEFAULT.threshold == detectors.threshold_for(false_alarms_per_1000=1.5)
    with pytest.raises(ValueError, match="above 0"):
        detectors.threshold_for(false_alarms_per_1000=0)


def test_stable_people_have_false_alarms_within_the_budget():
    """People drawn as the detector assumes: the run length promised by theory is kept."""
    rng = np.random.default_rng(5)
    people = []
    for _ in range(300):
        preference = rng.dirichlet(np.full(12, 0.25))
        drawn = rng.choice(12, size=200, p=preference)
        people.append(_history(drawn, num_categories=13))
    settings = detectors.DetectorSettings(
        threshold=detectors.threshold_for(false_alarms_per_1000=2)
    )

    num_alarms = sum(map(len, detect(people, settings=settings)))

    assert 10 < num_alarms <= 2 * 60  # per 60,000 events


def test_a_state_of_another_version_or_shape_is_refused():
    stored = new_state(9).to_dict()

    with pytest.raises(detectors.StateOfAnotherVersion, match="replay the history"):
        DetectorState.from_dict({**stored, "version": "detector-0"})
    with pytest.raises(detectors.StateOfAnotherVersion, match="other settings"):
        settings = detectors.DetectorSettings(num_begins=5)
        DetectorState.from_dict(stored, settings=settings)
