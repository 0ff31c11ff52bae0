"""Trees of interest: one, a forest, and boosted ones, trained by scikit-learn, kept and walked as arrays.

Legend: n pairs, F features, T trees, M nodes of all trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits
from recommender.algorithms.examples import Examples, Prepared
from recommender.algorithms.interest import Asked, InterestAlgorithm, Model
from recommender.algorithms.protocol import Report

# Places of pairs in trees that are held at a time: what stays in a processor's cache.
BLOCK_CELLS = 100_000


@dataclass(frozen=True)
class Trees:
    """Trees of which each pair ends in one leaf. A leaf is its own left and right.

    Attributes:
        roots: the first node of each tree. [T]
        features: what a node looks at. [M]
        thresholds: up to and with which a pair goes left. [M]
        left, right: the next nodes. [M]
        values: what a leaf says. [M]
        depth: steps from a root to the deepest leaf
    """

    roots: NDArray[np.int32]
    features: NDArray[np.int32]
    thresholds: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    values: NDArray[np.float64]
    depth: int

    @classmethod
    def of(cls, trees: Sequence[Tree]) -> Trees:
        """Put trees one after the other."""
        sizes = [len(tree.values) for tree in trees]
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        return cls(
            roots=roots,
            features=np.concatenate([tree.features for tree in trees]).astype(np.int32),
            thresholds=np.concatenate([tree.thresholds for tree in trees]).astype(np.float64),
            left=np.concatenate(
                [root + tree.left for root, tree in zip(roots, trees, strict=True)]
            ).astype(np.int32),
            right=np.concatenate(
                [root + tree.right for root, tree in zip(roots, trees, strict=True)]
            ).astype(np.int32),
            values=np.concatenate([tree.values for tree in trees]).astype(np.float64),
            depth=max(tree.depth for tree in trees),
        )

    def sums(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what the trees say of pairs, added up. features: [n, F] -> [n]"""
        found = np.empty(len(features))
        # Looking up in one row of numbers is several times as fast as in rows and columns.
        asked, followers = self.features.astype(np.intp), np.stack([self.right, self.left], axis=1)
        flat = followers.astype(np.intp).ravel()
        step = max(1, BLOCK_CELLS // len(self.roots))
        for first in range(0, len(features), step):
            block = features[first : first + step]
            starts = (np.arange(len(block)) * block.shape[1])[:, None]
            cells = np.ascontiguousarray(block).ravel()
            nodes = np.tile(self.roots.astype(np.intp), (len(block), 1))  # [n, T]
            for _ in range(self.depth):
                goes_left = cells.take(asked.take(nodes) + starts) <= self.thresholds.take(nodes)
                nodes = flat.take(2 * nodes + goes_left)
            found[first : first + step] = self.values.take(nodes).sum(axis=1)
        return found


@dataclass(frozen=True)
class Tree:
    """One tree as scikit-learn grew it, leaves turned into their own followers. Arrays: [its nodes]"""

    features: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    values: NDArray[np.float64]
    depth: int

    @classmethod
    def grown(cls, tree: Any) -> Tree:
        """Read a `DecisionTreeClassifier` for two classes, or a `DecisionTreeRegressor`."""
        nodes = tree.tree_
        itself = np.arange(nodes.node_count)
        is_leaf = nodes.children_left < 0
        values = nodes.value[:, 0, :]
        # Shares of the classes, the last of which is yes; or the one mean.
        values = values[:, -1] / values.sum(axis=1) if values.shape[1] > 1 else values[:, 0]
        return cls(
            features=np.where(is_leaf, 0, nodes.feature),
            thresholds=nodes.threshold,
            left=np.where(is_leaf, itself, nodes.children_left),
            right=np.where(is_leaf, itself, nodes.children_right),
            values=values,
            depth=int(nodes.max_depth),
        )

    @classmethod
    def boosted(cls, nodes: NDArray[Any]) -> Tree:
        """Read the nodes of one tree of a `HistGradientBoosting` estimator."""
        itself = np.arange(len(nodes))
        is_leaf = nodes["is_leaf"].astype(bool)
        return cls(
            features=np.where(is_leaf, 0, nodes["feature_idx"]),
            thresholds=nodes["num_threshold"].astype(np.float64),
            left=np.where(is_leaf, itself, nodes["left"]),
            right=np.where(is_leaf, itself, nodes["right"]),
            values=nodes["value"].astype(np.float64),
            depth=int(nodes["depth"].max()),
        )


@dataclass(frozen=True)
class TreeModel:
    """Trees and what their sum means: `start` + `scale` · sum, σ of it where `is_sigmoid`."""

    trees: Trees
    scale: float = 1.0
    start: float = 0.0
    is_sigmoid: bool = False

    def raw(self, asked: Asked) -> NDArray[np.float64]:
        return self.start + self.scale * self.trees.sums(asked.features)

    def answers(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(expit(raw)) if self.is_sigmoid else raw


@dataclass(frozen=True)
class TreeSettings:
    """How far a tree grows.

    Attributes:
        max_depth: questions from the root to a leaf, 1 or more.
        min_leaf: examples that a leaf has at least.
    """

    max_depth: int = 8
    min_leaf: int = 50


@dataclass(frozen=True)
class ForestSettings:
    """How many trees, and how far they grow.

    Attributes:
        num_trees: 1 or more.
        max_depth: questions from a root to a leaf, 1 or more.
        min_leaf: examples that a leaf has at least.
        sample: share of the examples that each tree is grown on, drawn with replacement.
    """

    num_trees: int = 60
    max_depth: int = 10
    min_leaf: int = 10
    sample: float = 0.4


@dataclass(frozen=True)
class BoostingSettings:
    """How many steps, and how small.

    Attributes:
        num_trees: 1 or more.
        max_depth: questions from a root to a leaf, 1 or more.
        learning_rate: how much of each tree counts, 0 to 1.
        regularisation: λ of λ/2 · value² of each leaf.
    """

    num_trees: int = 100
    max_depth: int = 6
    learning_rate: float = 0.05
    regularisation: float = 10.0


class DecisionTree(InterestAlgorithm):
    """One tree of questions about features (CART: Breiman, Friedman, Olshen and Stone, 1984)."""

    name = "decision_tree"
    bounds = {"max_depth": limits.FROM_1, "min_leaf": limits.FROM_1}

    def usual(self) -> Sequence[TreeSettings]:
        return (TreeSettings(8, 50), TreeSettings(5, 200))

    def learn(
        self,
        log: InteractionLog,
        prepared: Prepared,
        *,
        settings: TreeSettings,
        seed: int,
        budget_seconds: float | None,
        report: Report | None,
    ) -> Model:
        known = prepared.examples
        kind = DecisionTreeClassifier if self.task.is_yes_or_no else DecisionTreeRegressor
        found = kind(
            max_depth=settings.max_depth, min_samples_leaf=settings.min_leaf, random_state=seed
        ).fit(known.features, known.labels)
        return TreeModel(Trees.of([Tree.grown(found)]))


class RandomForest(InterestAlgorithm):
    """The mean of trees grown on draws of the examples, few features a question (Breiman, 2001)."""

    name = "random_forest"
    bounds = {
        "num_trees": limits.FROM_1,
        "max_depth": limits.FROM_1,
        "min_leaf": limits.FROM_1,
        "sample": limits.PART,
    }

    def usual(self) -> Sequence[ForestSettings]:
        return (ForestSettings(),)

    def learn(
        self,
        log: InteractionLog,
        prepared: Prepared,
        *,
        settings: ForestSettings,
        seed: int,
        budget_seconds: float | None,
        report: Report | None,
    ) -> Model:
        known = prepared.examples
        kind = RandomForestClassifier if self.task.is_yes_or_no else RandomForestRegressor
        found = kind(
            n_estimators=settings.num_trees,
            max_depth=settings.max_depth,
            min_samples_leaf=settings.min_leaf,
            max_samples=settings.sample,
            max_features="sqrt" if self.task.is_yes_or_no else 0.3,
            random_state=seed,
            n_jobs=1,
        ).fit(known.features, known.labels)
        trees = Trees.of([Tree.grown(each) for each in found.estimators_])
        return TreeModel(trees, scale=1 / len(found.estimators_))


class GradientBoosting(InterestAlgorithm):
    """Trees that each mend what those before left over (Friedman, 2001), over histograms (Ke et al., 2017)."""

    name = "gradient_boosting"
    bounds = {
        "num_trees": limits.FROM_1,
        "max_depth": limits.FROM_1,
        "learning_rate": limits.PART,
        "regularisation": limits.FROM_0,
    }

    def usual(self) -> Sequence[BoostingSettings]:
        return (BoostingSettings(),)

    def learn(
        self,
        log: InteractionLog,
        prepared: Prepared,
        *,
        settings: BoostingSettings,
        seed: int,
        budget_seconds: float | None,
        report: Report | None,
    ) -> Model:
        known: Examples = prepared.examples
        is_sigmoid = self.task.is_yes_or_no
        kind = HistGradientBoostingClassifier if is_sigmoid else HistGradientBoostingRegressor
        found = kind(
            max_iter=settings.num_trees,
            max_depth=settings.max_depth,
            learning_rate=settings.learning_rate,
            l2_regularization=settings.regularisation,
            early_stopping=False,
            random_state=seed,
        ).fit(known.features, known.labels)
        # scikit-learn shows these trees nowhere else; a test holds that walking them is predicting.
        trees = Trees.of([Tree.boosted(each[0].nodes) for each in found._predictors])
        start = float(np.ravel(found._baseline_prediction)[0])
        return TreeModel(trees, start=start, is_sigmoid=is_sigmoid)
