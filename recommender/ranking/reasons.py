"""What a stored reason says, as plain data; `reason_words` puts it into sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
        gain: the item's score less its score had the event not happened, in log-odds, above 0; of events
            that stand in for each other, an equal part of what all of them add at once
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
        together: of how many events of that interest `events` are the newest, which stand in for each other:
            leaving out one changes little, leaving out all of them does; 0 where each counts by itself
        crowd: `POPULAR` or `TRENDING` where it stands out by that and no event lifts it, else ""
    """

    item: int
    category: int = UNCATEGORISED
    weight: float = 0.0
    events: tuple[Evidence, ...] = ()
    together: int = 0
    crowd: str = ""

    def to_plain(self) -> dict[str, Any]:
        """Return JSON values, as short as they may be."""
        plain: dict[str, Any] = {
            "item": self.item,
            "category": self.category,
            "weight": round(self.weight, 4),
            "events": [[own.event, own.item, round(own.gain, 4)] for own in self.events],
        }
        rare = {"together": self.together, "crowd": self.crowd}
        return plain | {name: value for name, value in rare.items() if value}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> StoredReason:
        """Return what `to_plain` wrote."""
        return cls(
            item=plain["item"],
            category=plain["category"],
            weight=plain["weight"],
            events=tuple(Evidence(*own) for own in plain["events"]),
            together=plain.get("together", 0),
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


def leading(found: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return the events that lift an item most, most first; none that lifts it by less than `MIN_GAIN`."""
    enough = [own for own in found if own.gain >= MIN_GAIN]
    return tuple(sorted(enough, key=lambda own: -own.gain)[:NUM_EVENTS])


def standing_in(found: Sequence[tuple[int, int]], *, gain: float) -> tuple[Evidence, ...]:
    """Return the newest of events that stand in for each other; none where all add less than `MIN_GAIN`.

    Each gets an equal part: their Shapley value, as any of them would do for the others.

    Args:
        found: keys of each event and of its item, oldest first.
        gain: what all of them add at once, in log-odds.
    """
    if gain < MIN_GAIN:
        return ()
    newest = found[: -NUM_EVENTS - 1 : -1]
    return tuple(Evidence(event, item, gain / len(found)) for event, item in newest)
