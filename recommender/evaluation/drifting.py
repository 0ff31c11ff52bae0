"""Whose interests moved, told from training events alone, and whether the order of events helps them.

A network that follows interests must lose by forgetting in which order things happened, and must lose most
with those whose interests moved: so the same network answers once more from shuffled histories.

Legend: U end users, b end users asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from interests.drift import detectors
from interests.drift.scores import MIN_EVENTS
from interests.tracking import histories
from interests.tracking.protocol import population_prior
from recommender.evaluation import significance
from recommender.evaluation.answers import Answer
from recommender.evaluation.splits import Questions

DRIFTING = "drifting end users"
STABLE = "stable end users"


@dataclass(frozen=True)
class Moved:
    """What the detector says of each end user of a log; neither where there is too little to say.

    Attributes:
        is_drifting: a change of interest was raised. [U]
        is_stable: none was, in enough events. [U]
    """

    is_drifting: NDArray[np.bool_]
    is_stable: NDArray[np.bool_]


@dataclass(frozen=True)
class OrderEffect:
    """What a network finds with histories as they were and shuffled, over some end users.

    Attributes:
        ndcg, shuffled_ndcg: means over the end users
        p_value: paired test of the two; None with fewer than two end users
    """

    num_users: int
    ndcg: float
    shuffled_ndcg: float
    p_value: float | None


def moved(log: InteractionLog) -> Moved:
    """Return whose interests moved in a sorted log, which must hold training events only."""
    counts = np.bincount(log.users[~log.is_negative], minlength=log.num_users)
    enough = np.flatnonzero(counts >= MIN_EVENTS)
    is_drifting = np.zeros(log.num_users, bool)
    is_enough = np.zeros(log.num_users, bool)
    is_enough[enough] = True
    people = histories.of_log(log, users=enough.tolist())
    if people:
        prior = population_prior(people, num_categories=log.catalogue.shares.shape[1])
        is_drifting[enough] = [
            bool(alarms) for alarms in detectors.detect(people, population=prior)
        ]
    return Moved(is_drifting=is_drifting, is_stable=is_enough & ~is_drifting)


def shuffled(questions: Questions, *, seed: int) -> Questions:
    """Return the same questions after histories in which what was done stands at random times."""
    log = questions.histories
    draw = np.random.default_rng(seed).random(log.num_events)
    order = np.lexsort((draw, log.users))
    # The device stays where the time does: it belongs to the moment.
    mixed = replace(log, items=log.items[order], kinds=log.kinds[order], values=log.values[order])
    return replace(questions, histories=mixed)


def order_effects(
    answer: Answer, other: Answer, *, questions: Questions, people: Moved, seed: int
) -> dict[str, OrderEffect]:
    """Return the effect of the order for everybody, for drifting and for stable end users.

    Args:
        answer: from histories as they were.
        other: from shuffled ones.
    """
    parts = {
        "all": np.ones(questions.num_users, bool),
        DRIFTING: people.is_drifting[questions.users],
        STABLE: people.is_stable[questions.users],
    }
    return {
        name: _effect(answer.per_user["ndcg"][own], other.per_user["ndcg"][own], seed=seed)
        for name, own in parts.items()
        if own.any()
    }


def _effect(kept: NDArray[np.float64], mixed: NDArray[np.float64], *, seed: int) -> OrderEffect:
    return OrderEffect(
        num_users=len(kept),
        ndcg=float(kept.mean()),
        shuffled_ndcg=float(mixed.mean()),
        p_value=significance.paired_p_value(kept, mixed, seed=seed) if len(kept) > 1 else None,
    )
