"""What rises now: how much more often than usual items were chosen lately, to be added to a network's scores.

A network learns from events of all times alike: what is wanted after what, and how often at all. It does not
know what everybody wants at present, which under a split by time is worth more than anything else.

Legend: E events, N items of a network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog

# Added to what was chosen and to what was to be expected, so that a few events do not make a rise.
DAMPING = 0.5


def log_rises(
    log: InteractionLog, *, item_index: NDArray[np.int64], num_items: int, half_life: float
) -> NDArray[np.float32]:
    """Return the log of how much more than usual each item was chosen lately, as of the log's last event.

    Every event that is not negative counts half as much as one that came `half_life` of all events later. So
    "lately" follows how much happens, not the calendar. Where all events have one time nothing rises.

    Args:
        item_index: for each item of the log's catalogue its place in the result, -1 for none.
        half_life: a share of all events, above 0.

    Returns:
        0 where an item was chosen as often as usual, or never, float32. [N]
    """
    assert half_life > 0
    chosen = np.flatnonzero(~log.is_negative & (item_index[log.items] >= 0))
    if not len(chosen):
        return np.zeros(num_items, np.float32)
    items, times = item_index[log.items[chosen]], log.times[chosen]
    # How many events came later, as a share of all.
    ages = 1 - np.searchsorted(np.sort(times), times, side="right") / len(times)
    recent = np.bincount(items, weights=0.5 ** (ages / half_life), minlength=num_items)
    usual = np.bincount(items, minlength=num_items) * (recent.sum() / len(items))
    rises: NDArray[np.float64] = np.log((recent + DAMPING) / (usual + DAMPING))
    return rises.astype(np.float32)
