from __future__ import annotations

import numpy as np

from interests.drift import injecting
from interests.tracking.histories import History


def history(categories, *, sessions=None, weights=None, width=4) -> History:
    number = len(categories)
    return History(
        shares=np.eye(width)[np.asarray(categories, int)],
        times=np.arange(number, dtype=np.int64),
        sessions=np.asarray(np.arange(number) if sessions is None else sessions, np.int32),
        weights=np.ones(number) if weights is None else np.asarray(weights, float),
    )


def test_without_changes_keeps_sessions_whole_and_only_reorders_them():
    sessions = np.repeat(np.arange(6), [1, 2, 3, 1, 4, 2])
    given = history([0, 1, 1, 2, 2, 2, 3, 0, 0, 1, 1, 3, 3], sessions=sessions)

    (found,) = injecting.without_changes([given], rng=np.random.default_rng(1))

    def parts(of: History) -> list[tuple[int, ...]]:
        columns = of.shares.argmax(1)
        return [tuple(columns[of.sessions == s].tolist()) for s in np.unique(of.sessions)]

    assert sorted(parts(found)) == sorted(parts(given))
    assert parts(found) != parts(given)
    assert (np.diff(found.sessions) >= 0).all()
    assert np.array_equal(found.times, given.times)


def test_without_changes_keeps_each_event_beside_its_weight_and_bears_empty_histories():
    given = history([0, 1, 2, 3], weights=[1, -1, 2, 3])

    found, empty = injecting.without_changes([given, history([])], rng=np.random.default_rng(0))

    pairs = sorted(zip(found.shares.argmax(1).tolist(), found.weights.tolist(), strict=True))
    assert pairs == [(0, 1.0), (1, -1.0), (2, 2.0), (3, 3.0)]
    assert len(empty) == 0


def test_with_changes_moves_the_strongest_interest_after_the_event_and_nothing_before():
    people = [history([0] * 70 + [1] * 20 + [2] * 10), history([2, 3] * 50)]
    rng = np.random.default_rng(2)
    people = injecting.without_changes(people, rng=rng)

    changed, injected = injecting.with_changes(people, rng=rng)

    first = injected[0]
    before = slice(0, first.event)
    after = slice(first.event, None)
    assert [change.history for change in injected] == [0, 1]
    assert (first.falling, first.rising in (1, 2, 3)) == (0, True)
    assert np.array_equal(changed[0].shares[before], people[0].shares[before])
    was = people[0].shares[after, 0].sum()
    now = changed[0].shares[after, 0].sum()
    assert 0 <= now <= 0.5 * was
    gained = changed[0].shares[after, first.rising].sum()
    assert gained - people[0].shares[after, first.rising].sum() == was - now


def test_with_changes_leaves_short_histories_and_single_categories_as_they_are():
    short, one = history([0, 1] * 20), history([0] * 100)

    changed, injected = injecting.with_changes([short], rng=np.random.default_rng(0))
    alone, nothing = injecting.with_changes([one], rng=np.random.default_rng(0))

    assert injected == []
    assert changed[0] is short
    assert nothing == []
    assert alone[0] is one
