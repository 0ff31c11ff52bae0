"""Measures of single answers against scikit-learn's, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from recommender.evaluation import single_metrics


def drawn(*, num=400, seed=0):
    random = np.random.default_rng(seed)
    labels = (random.random(num) < 0.3).astype(float)
    # Few different answers, so that there are equal ones.
    answers = np.round(np.clip(0.3 * labels + random.random(num) * 0.7, 0, 1), 1)
    return answers, labels, random.integers(0, 20, num)


def test_yes_or_no_is_measured_as_by_scikit_learn():
    answers, labels, _ = drawn()

    found = single_metrics.values(answers, labels, is_yes_or_no=True)

    said = answers >= 0.5
    sure = np.clip(answers, 1e-6, 1 - 1e-6)
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(labels, said),
            "precision": metrics.precision_score(labels, said),
            "recall": metrics.recall_score(labels, said),
            "f1": metrics.f1_score(labels, said),
            "auc": metrics.roc_auc_score(labels, answers),
            "log_loss": metrics.log_loss(labels, sure),
            "mae": metrics.mean_absolute_error(labels, answers),
            "rmse": metrics.root_mean_squared_error(labels, answers),
        }
    )


def test_ratings_are_measured_by_their_distance():
    found = single_metrics.values(
        np.array([3.0, 5.0, 1.0]), np.array([4.0, 5.0, 3.0]), is_yes_or_no=False
    )

    assert found == pytest.approx({"mae": 1.0, "rmse": np.sqrt(5 / 3)})


def test_four_answers_by_hand():
    # A yes at 0.9 and one at 0.4, a no at 0.6 and one at 0.1.
    answers, labels = np.array([0.9, 0.4, 0.6, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])

    found = single_metrics.values(answers, labels, is_yes_or_no=True)

    assert found["accuracy"] == 0.5
    assert (found["precision"], found["recall"], found["f1"]) == (0.5, 0.5, 0.5)
    assert found["auc"] == 0.75
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.4, 0.9]).mean())
    assert found["mae"] == pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4)


def test_what_cannot_be_divided():
    found = single_metrics.values(np.array([0.2, 0.1]), np.zeros(2), is_yes_or_no=True)

    assert (found["precision"], found["recall"], found["f1"]) == (0, 0, 0)
    assert (found["auc"], found["accuracy"]) == (0.5, 1)


def test_intervals_hold_the_value_and_are_those_of_people():
    answers, labels, people = drawn()

    found = single_metrics.measure(answers, labels, people=people, is_yes_or_no=True, seed=1)

    assert set(found.values) == set(found.intervals) == set(single_metrics.YES_OR_NO)
    for name, (low, high) in found.intervals.items():
        assert low <= found.values[name] <= high
        assert high > low


def test_a_person_who_answers_often_widens_the_interval():
    # The same answers, of one person each, and of two people with all the good and all the bad ones.
    answers, labels = np.repeat([0.9, 0.2], 100), np.ones(200)
    each, two = np.arange(200), np.repeat([0, 1], 100)

    alone = single_metrics.measure(answers, labels, people=each, is_yes_or_no=True, seed=0)
    pooled = single_metrics.measure(answers, labels, people=two, is_yes_or_no=True, seed=0)

    assert alone.values == pytest.approx(pooled.values)
    assert pooled.intervals["accuracy"] == (0, 1)
    low, high = alone.intervals["accuracy"]
    assert 0.4 < low < 0.5 < high < 0.6


def test_one_person_has_no_interval():
    found = single_metrics.measure(
        np.array([0.4]), np.array([1.0]), people=np.array([7]), is_yes_or_no=True, seed=0
    )

    assert found.intervals == {}
    assert set(found.values) == set(single_metrics.YES_OR_NO)
