"""Weights of members learned from questions: those under which the chosen item was likeliest among the candidates.

That is a conditional logit (McFadden, 1974), or ListNet's loss of one right answer (Cao et al., ICML 2007): convex,
so there is one solution. People of a group get weights of their own that are held near everybody's.

Legend: q questions, L candidates, M members, F features, G groups of people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from recommender.algorithms.lessons import Lessons
from recommender.algorithms.mixtures import Mixture, Weighted
from recommender.ranking.fusion import Scale

# How much a weight of one standard deviation costs beside the mean loss of a question.
PENALTY = 1e-3
MOST_STEPS = 60
# Few questions are told apart by many parts, many by few.
FOLDS, FEW_FOLDS, MANY_QUESTIONS = 5, 3, 2_000


def learned(
    lessons: Lessons, *, scales: Sequence[Scale], group_penalty: float | None = None
) -> Weighted:
    """Return the weights that make the targets likeliest; equal ones where there is nothing to learn from.

    Args:
        group_penalty: how much a weight of a group's own costs beside `PENALTY`, above 0: the higher, the
            nearer to everybody's; None: none has its own.
    """
    features = features_of(lessons, scales)  # [q, L, F]
    width = features.shape[2]
    if not len(features):
        return Weighted(tuple(scales), np.ones(width, np.float32), np.zeros((0, width), np.float32))
    is_item = lessons.is_item
    spread = np.maximum(features[is_item].std(axis=0), 1e-6)
    features /= spread
    groups = lessons.groups if group_penalty is not None else lessons.groups[:, :0]
    num_groups = groups.shape[1]
    wanted = lessons.is_target / lessons.is_target.sum(axis=1, keepdims=True)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        own, by_group = flat[:width], flat[width:].reshape(num_groups, width)
        each = (own + groups @ by_group).astype(np.float32)  # [q, F]
        logits = np.where(is_item, (features @ each[:, :, None])[:, :, 0], -1e9)
        log_shares = special.log_softmax(logits, axis=1)
        slopes = (np.exp(log_shares) - wanted).astype(np.float32)  # [q, L]
        by_question = (slopes[:, None, :] @ features)[:, 0] / len(features)  # [q, F]
        value = -(wanted * log_shares).sum() / len(features) + PENALTY * (own**2).sum()
        gradient = [by_question.sum(axis=0) + 2 * PENALTY * own]
        if num_groups:
            cost = PENALTY * (group_penalty or 0)
            value += cost * (by_group**2).sum()
            gradient.append((groups.T @ by_question + 2 * cost * by_group).ravel())
        return float(value), np.concatenate(gradient).astype(np.float64)

    first = np.concatenate([np.full(width, 1 / width), np.zeros(num_groups * width)])
    # A member that knows nothing is left out, never turned round; a group's own may take away.
    bounds = [(0.0, None)] * width + [(None, None)] * (num_groups * width)
    found: Any = optimize.minimize(
        loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": MOST_STEPS}
    )
    own, by_group = found.x[:width], found.x[width:].reshape(num_groups, width)
    return Weighted(
        tuple(scales), (own / spread).astype(np.float32), (by_group / spread).astype(np.float32)
    )


def features_of(lessons: Lessons, scales: Sequence[Scale]) -> NDArray[np.float32]:
    """Return what members say on some scales, a copy. [q, L, F]"""
    return np.concatenate([lessons.on(scale) for scale in scales], axis=2)


def cross_validated(lessons: Lessons, learn: Callable[[Lessons], Mixture], *, seed: int) -> float:
    """Return the mean NDCG@10 of mixtures that were learned without the questions they are asked."""
    count = len(lessons.users)
    folds = min(FOLDS if count < MANY_QUESTIONS else FEW_FOLDS, count)
    if folds < 2:
        return lessons.mean_ndcg(learn(lessons).scores(lessons))
    of = np.random.default_rng(seed).permutation(count) % folds
    total = 0.0
    for fold in range(folds):
        asked = lessons.take(of == fold)
        total += asked.ndcg(learn(lessons.take(of != fold)).scores(asked)).sum()
    return total / max(lessons.num_asked, 1)
