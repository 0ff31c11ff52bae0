"""What a stored reason says, as plain data; `reason_words` puts it into sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NUM_EVENTS = 3  # more nobody reads
# Log-odds by which an event must lift an item to be named as a reason: 5 % of its odds.
MIN_GAIN = 0.05
UNCATEGORISED = 0
POPULAR, TRENDING = "popular", "trending"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One event that lifts an item.

    Attributes:
        event: key of the `Interaction`
        item: key of the item that the event is about
        gain: the item's score less its score had the event not happened, in log-odds, above 0
    """

    event: int
    item: int
    gain: float


@dataclass(frozen=True, slots=True)
class StoredReason:
    """Why one item stands in a slate.

    Attributes:
        item: its key
        category: key of the interest that it serves, 0 where it serves none
        weight: of that interest when the slate was made, 0 to 1
        events: those that count most for it, most first, at most `NUM_EVENTS`
        crowd: `POPULAR` or `TRENDING` where it stands out by that and no event lifts it, else ""
    """

    item: int
    category: int = UNCATEGORISED
    weight: float = 0.0
    events: tuple[Evidence, ...] = ()
    crowd: str = ""

    def to_plain(self) -> dict[str, Any]:
        """Return JSON values, as short as they may be."""
        plain: dict[str, Any] = {
            "item": self.item,
            "category": self.category,
            "weight": round(self.weight, 4),
            "events": [[own.event, own.item, round(own.gain, 4)] for own in self.events],
        }
        return plain | ({"crowd": self.crowd} if self.crowd else {})

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> StoredReason:
        """Return what `to_plain` wrote."""
        return cls(
            item=plain["item"],
            category=plain["category"],
            weight=plain["weight"],
            events=tuple(Evidence(*own) for own in plain["events"]),
            crowd=plain.get("crowd", ""),
        )


def interest_served(categories: Collection[int], weights: Mapping[int, float]) -> tuple[int, float]:
    """Return the category of an item that a person wants most, and its weight; (0, 0.0) for none.

    Args:
        categories: keys of the item's categories.
        weights: the person's, by category key.
    """
    wanted = [(weights.get(key, 0.0), -key) for key in categories if key != UNCATEGORISED]
    weight, key = max(wanted, default=(0.0, 0))
    return (-key, weight) if weight > 0 else (UNCATEGORISED, 0.0)


def leading(
    gains: Sequence[float], events: Sequence[int], items: Sequence[int]
) -> tuple[Evidence, ...]:
    """Return the events that lift an item most, most first; none that lifts it by less than `MIN_GAIN`.

    Args:
        gains: of each event, in log-odds.
        events: their keys.
        items: keys of the items that they are about.
    """
    order = sorted(range(len(gains)), key=lambda place: -gains[place])[:NUM_EVENTS]
    return tuple(
        Evidence(events[place], items[place], float(gains[place]))
        for place in order
        if gains[place] >= MIN_GAIN
    )
