"""The drift score: calm where nothing changes, loud where it does, silent where too little is known."""

from __future__ import annotations

import numpy as np
import pytest

from interests.drift.scores import (
    MAX_GROUPS,
    MIN_EVENTS,
    _contrasts,
    drift_scores,
    latest_scores,
    session_correlation,
)
from interests.tracking.histories import History

NUM_CATEGORIES = 8
POPULATION = np.full(NUM_CATEGORIES, 1 / NUM_CATEGORIES)


def history(categories, *, sessions=None, weights=None):
    length = len(categories)
    return History(
        shares=np.eye(NUM_CATEGORIES)[np.asarray(categories, int)],
        times=np.arange(length, dtype=np.int64),
        sessions=np.arange(length, dtype=np.int32) if sessions is None else sessions,
        weights=np.ones(length) if weights is None else weights,
    )


def stable_people(num_people, length, *, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(num_people):
        yield history(
            rng.choice(NUM_CATEGORIES, length, p=rng.dirichlet(np.full(NUM_CATEGORIES, 0.5)))
        )


def score(own, after):
    return drift_scores(own, after=[after], population=POPULATION, session_correlation=0)


def test_the_contrast_of_recent_and_usual_is_what_the_formula_says():
    contrast = _contrasts(np.array([2]), 3)[0]

    # Recent weights are 0.95 and 1, usual ones what these lack: 0.05 and 0.
    np.testing.assert_allclose(contrast, [0.95 / 1.95 - 1, 1 / 1.95, 0], atol=1e-12)


def test_while_nothing_changes_scores_have_mean_0_and_standard_deviation_1():
    scores = [score(own, 150).scores[0] for own in stable_people(600, 150)]

    assert np.mean(scores) == pytest.approx(0, abs=0.25)
    assert np.std(scores) == pytest.approx(1, abs=0.15)
    assert np.mean(np.array(scores) > 3) < 0.01


def test_people_who_change_exceed_three():
    rng = np.random.default_rng(1)
    before, after = np.array([0.6, 0.1, 0.1, 0.04, 0.04, 0.04, 0.04, 0.04]), np.full(8, 0.02)
    after[[1, 7]] = 0.08, 0.8
    scores = []
    for _ in range(50):
        own = [*rng.choice(8, 100, p=before), *rng.choice(8, 20, p=after)]
        result = score(history(own), 120)
        scores.append(result.scores[0])

    assert np.mean(np.array(scores) > 3) > 0.95
    assert result.rising(0)[0] == 7
    assert result.falling(0) == [0]


def test_fewer_events_than_thirty_are_too_few_to_say():
    own = next(stable_people(1, MIN_EVENTS))

    result = drift_scores(
        own, after=[0, MIN_EVENTS - 1, MIN_EVENTS], population=POPULATION, session_correlation=0
    )

    np.testing.assert_array_equal(np.isnan(result.scores), [True, True, False])
    np.testing.assert_array_equal(result.significances[:2], 0)


def test_negative_events_are_left_out():
    own = next(stable_people(1, 60))
    disliked = np.full((20, NUM_CATEGORIES), 0.0)
    disliked[:, 3] = 1
    longer = History(
        shares=np.concatenate([own.shares, disliked]),
        times=np.arange(80, dtype=np.int64),
        sessions=np.arange(80, dtype=np.int32),
        weights=np.concatenate([np.ones(60), -np.ones(20)]),
    )

    assert score(longer, 80).scores[0] == score(own, 60).scores[0]


def test_a_score_knows_only_the_events_before_it():
    own = next(stable_people(1, 100))

    assert score(own, 50).scores[0] == pytest.approx(score(own.head(50), 50).scores[0])


def test_somebody_of_one_category_only_is_calmer_than_noise():
    result = score(history([2] * 90), 90)

    assert result.scores[0] < 0
    assert (result.rising(0), result.falling(0)) == ([], [])


def test_sessions_that_repeat_a_category_count_for_less():
    rng = np.random.default_rng(3)
    sessions = np.repeat(np.arange(20, dtype=np.int32), 10)
    people = []
    for _ in range(20):
        binge = np.repeat(rng.integers(0, NUM_CATEGORIES, 20), 10)
        categories = np.where(rng.random(200) < 0.6, binge, rng.integers(0, NUM_CATEGORIES, 200))
        people.append(history(categories, sessions=sessions))

    correlation = session_correlation(people)

    assert correlation == pytest.approx(0.36, abs=0.08)  # both of a pair binge: 0.6 squared
    damped, plain = (
        np.mean([
            drift_scores(own, after=[200], population=POPULATION, session_correlation=c).scores[0]
            for own in people
        ])
        for c in (correlation, 0.0)
    )  # fmt: skip
    assert damped < 1
    assert plain > 3


def test_many_categories_are_grouped_without_losing_the_risers():
    rng = np.random.default_rng(4)
    many = 300
    categories = [*rng.integers(0, 40, 150), *[299] * 15]
    own = History(
        shares=np.eye(many)[categories],
        times=np.arange(165, dtype=np.int64),
        sessions=np.arange(165, dtype=np.int32),
        weights=np.ones(165),
    )

    result = drift_scores(
        own, after=[165], population=np.full(many, 1 / many), session_correlation=0
    )

    assert result.scores[0] > 3
    assert result.rising(0) == [299]


@pytest.mark.parametrize("num_categories", [8, MAX_GROUPS + 20])
def test_the_latest_scores_of_many_are_those_of_each(num_categories):
    rng = np.random.default_rng(3)
    population = rng.dirichlet(np.ones(num_categories))
    people = []
    for length in (0, 29, 31, 200, 30, 77):
        shares = rng.dirichlet(np.full(num_categories, 0.05), length)
        shares[length - 15 :] = np.eye(num_categories)[0]
        people.append(
            History(
                shares=shares,
                times=np.arange(length, dtype=np.int64),
                sessions=np.cumsum(rng.random(length) < 0.4).astype(np.int32),
                weights=rng.choice([1.0, -1.0], length, p=[0.95, 0.05])
                if length > 40
                else np.ones(length),
            )
        )

    found = latest_scores(people, population=population, session_correlation=0.3)

    assert np.isnan(found.scores[:2]).all() and found.scores[3] > 3
    for row, own in enumerate(people):
        alone = drift_scores(own, after=[len(own)], population=population, session_correlation=0.3)
        np.testing.assert_allclose(found.at(row).scores, alone.scores, rtol=1e-9)
        np.testing.assert_allclose(found.at(row).differences, alone.differences, atol=1e-12)
        np.testing.assert_allclose(found.at(row).significances, alone.significances, atol=1e-9)
        assert found.rising(row) == alone.rising(0)
