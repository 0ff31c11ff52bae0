"""Cold start: end users of whom little is known, and items that nobody chose before.

Legend: b end users asked about, T targets, N items, c of them new.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.protocol import Fitted, event_counts
from recommender.evaluation import answers, metrics
from recommender.evaluation.answers import Request
from recommender.evaluation.splits import Questions, Split

# New items ranked among each other: among all items, what is known of the others hides how well it goes.
NEW_ITEMS = "new items among new items"


def ask(
    fitted: Fitted, split: Split, *, request: Request, ties: NDArray[np.int64]
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Ask a fitted algorithm about the newcomers of a split.

    Returns:
        Segment -> measure -> value of each of its end users. Sessions have all of `metrics.PER_USER`, new items
        those of `metrics.expected`. Empty segments are left out.
    """
    found = {
        session_name(length): answers.ask(fitted, questions, request=request, ties=ties).per_user
        for length, questions in split.sessions.items()
    }
    item_events = event_counts(split.fit)
    questions = split.test.keep_targets(item_events[split.test.items] == 0)
    if questions.num_users:
        new = np.flatnonzero(item_events == 0)
        found[NEW_ITEMS] = among(fitted, questions, items=new, request=request)
    return found


def session_name(length: int) -> str:
    return f"new end users after {length} event{'' if length == 1 else 's'}"


def among(
    fitted: Fitted, questions: Questions, *, items: NDArray[np.integer], request: Request
) -> dict[str, NDArray[np.float64]]:
    """Rank only some items for every user, and measure with what any order of equals would get on average.

    So an algorithm that can say nothing about these items gets exactly what chance gets.

    Args:
        items: ascending; all targets are among them. [c]

    Returns:
        See `metrics.expected`.
    """
    log = questions.histories
    step = max(1, answers.BLOCK_CELLS // max(log.num_items, 1))
    scores = [np.empty((0, len(items)), np.float32)]
    for first in range(0, questions.num_users, step):
        users = questions.users[first : first + step]
        times = questions.times[first : first + step] if request.is_request_time_known else None
        scores.append(fitted.scores(log, users=users, request_times=times)[:, items])
    return metrics.expected(
        np.concatenate(scores),  # [b, c]
        rows=questions.rows,
        items=np.searchsorted(items, questions.items).astype(np.int32),
        k=request.k,
    )
