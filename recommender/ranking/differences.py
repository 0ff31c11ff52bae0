"""How two lists of items differ, and whether that is more than lists differ anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# With three stretches of no change the chance that the change beats them all by luck is one in four.
MIN_STRETCHES = 3


@dataclass(frozen=True)
class Difference:
    """How one list became another.

    Attributes:
        entered: items that only the later one has, best first
        left: items that only the earlier one has, best first
        moved: items that both have at different ranks, in the order of the later one
    """

    entered: list[int]
    left: list[int]
    moved: list[int]

    @property
    def num_changed(self) -> int:
        """Return how many places hold an item that was not there: of the longer list."""
        return max(len(self.entered), len(self.left))


def compare(before: Sequence[int], after: Sequence[int]) -> Difference:
    """Return how a list of unlike items, best first, became another."""
    rank_before = {item: rank for rank, item in enumerate(before)}
    rank_after = {item: rank for rank, item in enumerate(after)}
    return Difference(
        entered=[item for item in after if item not in rank_before],
        left=[item for item in before if item not in rank_after],
        moved=[item for item, rank in rank_after.items() if rank_before.get(item, rank) != rank],
    )


def stretches_before(
    begin: int,
    *,
    length: int,
    least: int,
    most: int,
    others: Sequence[tuple[int, int]] = (),
) -> list[tuple[int, int]]:
    """Return stretches of events as long as the one of a change, side by side, ending where it begins.

    Args:
        begin: number of events before the change.
        length: of each stretch, in events, 1 or more.
        least: no stretch begins with fewer events than this: a list made from almost nothing changes more.
        most: how many are wanted.
        others: [begin, end) of other changes; no stretch touches one.

    Returns:
        (from, to) as numbers of events, the latest first.
    """
    assert length >= 1, "a stretch has events"
    found: list[tuple[int, int]] = []
    end = begin
    while end - length >= least and len(found) < most:
        start = end - length
        if all(last <= start or first >= end for first, last in others):
            found.append((start, end))
        end = start
    return found


def is_more_than_usual(num_changed: int, usual: Sequence[int]) -> bool:
    """Tell whether a change of a list is larger than all of enough others made without a cause."""
    return len(usual) >= MIN_STRETCHES and num_changed > max(usual)
