"""Ask a fitted algorithm questions, and measure its answers per end user.

Legend: b end users asked about, N items, k length of the lists.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.drawing import NUM_SEEDS
from interests.datasets.log import InteractionLog
from recommender.algorithms.protocol import Fitted
from recommender.evaluation import metrics
from recommender.evaluation.splits import Questions

# Cells of the scores worked out at a time: 32 MB of float32, about six times that while ranking.
BLOCK_CELLS = 8_000_000


class BadRequest(Exception):
    """The evaluation cannot be done as asked; the message says what would be right."""


@dataclass(frozen=True)
class Request:
    """What is asked of an evaluation.

    Attributes:
        k: length of the lists, 1 to `metrics.MAX_K`
        seed: of everything that is drawn, 0 or more and below `NUM_SEEDS`
        is_request_time_known: whether algorithms may see when the target happened
        has_repeats: whether items seen before may be answered
        budget_seconds: for fitting one algorithm, choosing its settings included
    """

    k: int = 10
    seed: int = 0
    is_request_time_known: bool = False
    has_repeats: bool = False
    budget_seconds: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.k <= metrics.MAX_K:
            raise BadRequest(f"k must be from 1 to {metrics.MAX_K:,}, not {self.k:,}.")
        if self.seed < 0:
            raise BadRequest(f"The seed must be 0 or more, not {self.seed}.")
        if self.seed >= NUM_SEEDS:
            raise BadRequest(f"The seed must be below {NUM_SEEDS:,}, not {self.seed:,}.")
        if self.budget_seconds is not None and self.budget_seconds <= 0:
            raise BadRequest("The budget must be more than 0 seconds.")


@dataclass(frozen=True)
class Answer:
    """What an algorithm answered.

    Attributes:
        top: ranked items, -1 where there is none. [b, k]
        per_user: each of `metrics.PER_USER`. [b]
        unfitted_targets: how many targets lie outside the fitted catalogue: misses
        seconds: for scores and ranking
    """

    top: NDArray[np.int32]
    per_user: dict[str, NDArray[np.float64]]
    unfitted_targets: int
    seconds: float


def ask(
    fitted: Fitted, questions: Questions, *, request: Request, ties: NDArray[np.int64]
) -> Answer:
    """Rank all items for every user, without what they have seen, and measure the lists."""
    began = time.perf_counter()
    if request.has_repeats and (for_repeats := getattr(fitted, "for_repeats", None)):
        fitted = for_repeats()
    log = questions.histories
    step = max(1, BLOCK_CELLS // max(log.num_items, 1))
    blocks, unfitted = [np.empty((0, request.k), np.int32)], 0
    for first in range(0, questions.num_users, step):
        users = questions.users[first : first + step]
        times = questions.times[first : first + step] if request.is_request_time_known else None
        scores = fitted.scores(log, users=users, request_times=times)  # [b, N]
        unfitted += _count_unfitted(scores, questions, first=first)
        if not request.has_repeats:
            _mask_seen(scores, log, users=users)
        blocks.append(metrics.top_items(scores, k=request.k, ties=ties))
    top = np.concatenate(blocks)
    seconds = time.perf_counter() - began
    per_user = metrics.per_user(top, rows=questions.rows, items=questions.items)
    return Answer(top, per_user, unfitted, seconds)


def _count_unfitted(scores: NDArray[np.float32], questions: Questions, *, first: int) -> int:
    """Count the targets of a block's users that the algorithm does not know at all."""
    offsets = questions.offsets[first : first + len(scores) + 1]
    rows = np.repeat(np.arange(len(scores)), np.diff(offsets))
    targets = questions.items[offsets[0] : offsets[-1]]
    return int(np.isneginf(scores[rows, targets]).sum())


def _mask_seen(
    scores: NDArray[np.float32], log: InteractionLog, *, users: NDArray[np.int32]
) -> None:
    """Rule out everything in the users' histories, however long. scores: [b, N], changed in place."""
    for row, user in enumerate(users):
        scores[row, log.items[log.offsets[user] : log.offsets[user + 1]]] = -np.inf
