"""Change points: the posterior by hand, and how long the present interest has lasted."""

from __future__ import annotations

import numpy as np
import pytest

from interests.tracking.change_points import CHANGE_EVERY, PSEUDO_COUNT, ChangePoints


def after(categories, *, leans=False, weights=None):
    changes = ChangePoints(np.array([0.5, 0.25, 0.25]), size=1, leans_on_person=leans)
    for place, category in enumerate(categories):
        changes.predictions()
        weight = 1.0 if weights is None else weights[place]
        changes.add(np.eye(3)[[category]], np.array([weight]))
    return changes


def test_the_posterior_after_two_events_is_that_of_bayes():
    changes = after([0, 0])

    chance = 1 / CHANGE_EVERY
    # Before the second event: it began with the first (one event seen), or begins now (none).
    begun = (1 - chance) * (1 + PSEUDO_COUNT / 2) / (1 + PSEUDO_COUNT)
    begins = chance * 0.5
    expected = sorted(
        [chance, (1 - chance) * begun / (begun + begins), (1 - chance) * begins / (begun + begins)]
    )
    found = np.sort(changes.posterior[0])
    np.testing.assert_allclose(found[-3:], expected)
    assert found[:-3].sum() == 0


@pytest.mark.parametrize("leans", [False, True])
def test_after_a_change_the_interest_is_young(leans):
    steady, changed = after([0] * 60, leans=leans), after([0] * 50 + [1] * 10, leans=leans)

    assert steady.log_run()[0] > np.log(40)
    assert changed.log_run()[0] < np.log(20)
    assert changed.predictions()[0, 1] > 0.4


def test_events_that_are_not_positive_do_not_begin_anything():
    plain, disliked = after([0, 0]), after([0, 0, 1], weights=[1, 1, -1])

    np.testing.assert_array_equal(plain.posterior, disliked.posterior)
    np.testing.assert_array_equal(plain.predictions(), disliked.predictions())


def test_memory_stays_the_same_however_long_the_history():
    changes = after([0, 1, 2] * 30)

    assert changes.posterior.shape == (1, 16)
    assert changes.posterior.sum() == pytest.approx(1)
