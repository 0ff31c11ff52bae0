"""Which items may stand in a list, and which of them count more or less there; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

# Whether an expression is true of an item, by key and id.
Where = Callable[[int, str], bool]
NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Admission:
    """What an item has to fulfil.

    Attributes:
        categories: keys of all categories of an item, by its key; items that are not in it have none
        hidden: items that nobody gets
        used: items that this person does not get again
        excluded: ids that the request does not want
        within: an item must have a category of each of these
        barred: an item must have none of these categories
        where: must be true
    """

    categories: Mapping[int, tuple[int, ...]]
    hidden: AbstractSet[int] = NOTHING
    used: AbstractSet[int] = NOTHING
    excluded: AbstractSet[str] = frozenset()
    within: tuple[frozenset[int], ...] = ()
    barred: frozenset[int] = NOTHING
    where: Where | None = None

    def admits(self, item: int, item_id: str) -> bool:
        """Tell whether an item may be shown."""
        if item in self.hidden or item in self.used or item_id in self.excluded:
            return False
        if self.within or self.barred:
            own = self.categories.get(item, ())
            if self.barred and not self.barred.isdisjoint(own):
                return False
            if any(one.isdisjoint(own) for one in self.within):
                return False
        return self.where is None or self.where(item, item_id)

    def places(self, items: Sequence[int], item_ids: Sequence[str]) -> list[int]:
        """Return the places of the items that may be shown, in order."""
        if self.within or self.barred or self.where is not None or self.excluded:
            return [place for place, item in enumerate(items) if self.admits(item, item_ids[place])]
        hidden, used = self.hidden, self.used
        if used or not hidden.isdisjoint(items):
            return [
                place for place, item in enumerate(items) if item not in hidden and item not in used
            ]
        return list(range(len(items)))

    def of_pins(self, *, within: tuple[frozenset[int], ...], barred: frozenset[int]) -> Admission:
        """Return what pins have to fulfil: these categories, and neither used items nor other ones matter."""
        return replace(self, used=NOTHING, within=within, barred=barred)


@dataclass(frozen=True, slots=True)
class Lift:
    """Items whose odds are multiplied: exactly one of the three says which.

    Attributes:
        log_odds: what is added to a score; below 0 buries
        is_own: the person has asked for it, not the placement
    """

    log_odds: float
    item_id: str = ""
    category: int = 0
    where: Where | None = None
    is_own: bool = False

    def holds(self, item: int, item_id: str, categories: tuple[int, ...]) -> bool:
        """Tell whether it is about an item."""
        if self.where is not None:
            return self.where(item, item_id)
        return item_id == self.item_id if self.item_id else self.category in categories


def lifted(
    lifts: Sequence[Lift], item: int, item_id: str, categories: tuple[int, ...]
) -> tuple[float, str]:
    """Return by how much the score of an item changes, and the rule that does most of it."""
    held = [one for one in lifts if one.holds(item, item_id, categories)]
    total = sum(one.log_odds for one in held)
    if not total:
        return 0.0, ""
    if total < 0:
        return total, "burial"
    return total, "own_boost" if max(held, key=lambda one: one.log_odds).is_own else "boost"
