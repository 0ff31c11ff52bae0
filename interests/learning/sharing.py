"""The part of each batch that one process learns from.

The windows of a batch, which are sorted by length, are dealt out in turn: everybody gets about as many,
of about the same lengths. Of a whole pass a process moves only the events of its own windows to its
device, which is the number of all events divided by that of processes; all of them stay in the memory of
the host, where the targets of the whole batch are counted and candidates drawn from them.

Legend: P targets of a whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.learning import sequences
from interests.learning.distributed import Ranks
from interests.learning.sequences import Histories, Targets, Windows


@dataclass(frozen=True)
class Part:
    """What one process takes of a batch.

    Attributes:
        histories: the events that the windows are of
        windows: its own of the batch; none where there are more processes than windows
        asked: their targets
        asked_of_all: the targets of all processes, items 1 to N, int64. [P]
    """

    histories: Histories
    windows: Windows
    asked: Targets
    asked_of_all: NDArray[np.int64]

    @property
    def has_windows(self) -> bool:
        return len(self.windows.starts) > 0


def parts(
    own: Histories, windows: Windows, order: Sequence[NDArray[np.int64]], *, ranks: Ranks
) -> Iterator[Part]:
    """Yield this process's part of each batch of a pass.

    Args:
        order: the windows of each batch, by their place in `windows`.
    """
    dealt = [chosen[ranks.rank :: ranks.size] for chosen in order]
    if ranks.is_alone:
        held, stays = own, windows
    else:
        mine = np.concatenate([np.zeros(0, np.int64), *dealt])
        held, stays = sequences.cut_out(own, windows.take(mine))
        ends = np.cumsum([len(chosen) for chosen in dealt])
        dealt = [np.arange(end - len(chosen), end) for end, chosen in zip(ends, dealt, strict=True)]
    for chosen, part in zip(order, dealt, strict=True):
        mine_now = stays.take(part)
        asked = sequences.targets(held, mine_now)
        whole = asked if ranks.is_alone else sequences.targets(own, windows.take(chosen))
        yield Part(histories=held, windows=mine_now, asked=asked, asked_of_all=whole.items)
