"""Parts of the questions that are worth a number of their own.

Legend: b end users asked about, T targets, N items.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.drifting import DRIFTING, STABLE, Moved
from recommender.evaluation.splits import Questions

ALL = "all"
NEW_USERS = "new end users before any event"
# Events before the question; the last class has no end.
HISTORY_LENGTHS = ((1, 9), (10, 49), (50, 199), (200, None))
# Few items have most events: the fifth with most of them is called popular.
POPULAR_SHARE = 0.2


def segments_of_targets(
    questions: Questions, *, item_events: NDArray[np.int64], people: Moved
) -> dict[str, NDArray[np.bool_]]:
    """Return masks over targets by length of history, change of interest and popularity of the item.

    Empty ones are left out.

    Args:
        item_events: events of each item in the fit. [N]
        people: whose interests moved, told from training events.

    Returns:
        Name -> mask. [T]
    """
    lengths = np.diff(questions.histories.offsets)[questions.users][questions.rows]
    found = {
        _history_name(low, high): (lengths >= low) & (lengths <= (high or np.inf))
        for low, high in HISTORY_LENGTHS
    }
    users = questions.users[questions.rows]
    found[DRIFTING], found[STABLE] = people.is_drifting[users], people.is_stable[users]
    events = item_events[questions.items]
    is_popular = _is_popular(item_events)[questions.items]
    found["popular items"] = is_popular
    found["other items"] = ~is_popular & (events > 0)
    found["new items"] = events == 0
    return {name: mask for name, mask in found.items() if mask.any()}


def _history_name(low: int, high: int | None) -> str:
    return f"{low} to {high} events" if high else f"{low} events or more"


def _is_popular(item_events: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the fitted items with most events; where the boundary ties, all of that count are in. [N]"""
    fitted = np.sort(item_events[item_events > 0])[::-1]
    if not len(fitted):
        return np.zeros(len(item_events), bool)
    lowest = int(fitted[max(0, int(len(fitted) * POPULAR_SHARE) - 1)])
    return np.asarray(item_events >= lowest)
