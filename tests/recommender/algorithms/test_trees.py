"""Trees kept as arrays answer what scikit-learn's own do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from recommender.algorithms import examples, trees
from recommender.algorithms.examples import Task
from recommender.algorithms.interest import Asked
from recommender.algorithms.trees import (
    BoostingSettings,
    DecisionTree,
    ForestSettings,
    GradientBoosting,
    RandomForest,
    TreeSettings,
)
from tests.recommender.algorithms.test_classifiers import liked_log


def learned(algorithm, settings):
    """Return the model of a drawn log, with what it was learned from."""
    log = liked_log()
    known, _ = examples.prepare(log, task=algorithm.task, seed=3)
    model = algorithm.learn(log, known, settings=settings, seed=3, budget_seconds=None, report=None)
    return model, known.examples


def answers(model, known):
    asked = Asked(None, known.moments, known.rows, known.items, known.features)
    return model.answers(model.raw(asked))


@pytest.mark.parametrize("task", ["choice", "rating"])
def test_a_tree_is_scikit_learns(task, monkeypatch):
    monkeypatch.setattr(trees, "BLOCK_CELLS", 100)  # several blocks
    model, known = learned(DecisionTree(task=task), TreeSettings(6, 5))

    kind = DecisionTreeClassifier if task == "choice" else DecisionTreeRegressor
    found = kind(max_depth=6, min_samples_leaf=5, random_state=3).fit(known.features, known.labels)
    expected = found.predict_proba(known.features)[:, 1] if task == "choice" else found.predict(known.features)  # fmt: skip
    np.testing.assert_allclose(answers(model, known), expected)
    assert len(np.unique(expected)) > 5


@pytest.mark.parametrize("task", ["choice", "rating"])
def test_a_forest_is_scikit_learns(task):
    model, known = learned(RandomForest(task=task), ForestSettings(7, 5, 4, 0.5))

    kind, share = (RandomForestClassifier, "sqrt") if task == "choice" else (RandomForestRegressor, 0.3)  # fmt: skip
    found = kind(
        7, max_depth=5, min_samples_leaf=4, max_samples=0.5, max_features=share, random_state=3
    ).fit(known.features, known.labels)
    expected = found.predict_proba(known.features)[:, 1] if task == "choice" else found.predict(known.features)  # fmt: skip
    np.testing.assert_allclose(answers(model, known), expected)


@pytest.mark.parametrize("task", ["choice", "rating"])
def test_boosted_trees_are_scikit_learns(task):
    model, known = learned(GradientBoosting(task=task), BoostingSettings(9, 3, 0.3, 1.0))

    kind = HistGradientBoostingClassifier if task == "choice" else HistGradientBoostingRegressor
    found = kind(
        max_iter=9, max_depth=3, learning_rate=0.3, l2_regularization=1.0, early_stopping=False, random_state=3
    ).fit(known.features, known.labels)  # fmt: skip
    expected = found.predict_proba(known.features)[:, 1] if task == "choice" else found.predict(known.features)  # fmt: skip
    np.testing.assert_allclose(answers(model, known), expected, rtol=1e-6)


def test_tasks_are_known():
    assert DecisionTree(task="like", like_from=4.0).task == Task("like", 4.0)
