"""One person's page as it is and as it would be, beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recommender.ranking import rule_words
from recommender.ranking.composing import Placed
from recommender.ranking.rules import Rules, SeenPolicy
from recommender.selectors import pages_placements
from recommender.selectors.pages_lines import ItemLine
from recommender.services import comparing_rules

LONGEST_ID = 512


@dataclass(frozen=True)
class PlaceLine:
    """One place of a page; `other_rank` is the item's place on the other page, None where it is not on it."""

    rank: int
    item: ItemLine
    rule: str
    other_rank: int | None

    @property
    def moved(self) -> int:
        """Return by how many places it stands higher here than on the other page."""
        return (self.other_rank or self.rank) - self.rank

    @property
    def fell(self) -> int:
        """Return by how many places it stands lower here than on the other page."""
        return -self.moved


def previewed(
    before: Rules, after: Rules, *, headings: tuple[str, str], person: str, now: datetime
) -> dict[str, Any]:
    """Return what a page shows of a preview.

    Args:
        headings: of the two lists.
        person: who is looked for; nothing: whoever has most events.
    """
    person = person.replace("\0", "").strip()[:LONGEST_ID]
    found = pages_placements.found_people(person)
    is_exact = any(user_id == person for user_id, _ in found)
    user_id = person if is_exact or not found else found[0][0]
    compared = comparing_rules.compare(before, after, user_id=user_id, now=now)
    items = pages_placements.lines_by_item_id(
        one.item_id for one in (*compared.before, *compared.after)
    )
    lines = (
        _lines(compared.before, compared.after, items),
        _lines(compared.after, compared.before, items),
    )
    num_events = dict(found).get(user_id)
    return {
        "preview": {
            "user_id": user_id,
            "num_events": num_events or 0,
            "is_stranger": num_events is None,
            "is_fallback": compared.is_fallback,
            "others": [one for one, _ in found if one != user_id] if not is_exact else [],
            "lacks_used_items": after.seen != SeenPolicy.NEVER
            and not pages_placements.used_items_are_ranked(),
            "sentence": _sentence(*lines, length=after.length),
        },
        "person": person,
        "sides": [
            (own, heading, gone)
            for own, heading, gone in zip(lines, headings, ("out", "new"), strict=True)
        ],
    }


def _lines(
    own: Sequence[Placed], other: Sequence[Placed], items: Mapping[str, ItemLine]
) -> list[PlaceLine]:
    ranks = {one.item_id: rank for rank, one in enumerate(other, start=1)}
    return [
        PlaceLine(rank, items[one.item_id], rule_words.placed_by(one.rule), ranks.get(one.item_id))
        for rank, one in enumerate(own, start=1)
        if one.item_id in items
    ]


def _sentence(before: list[PlaceLine], after: list[PlaceLine], *, length: int) -> str:
    """Say what changes: "Of 10 items 1 comes in, 1 goes out, 3 move."."""
    new = sum(line.other_rank is None for line in after)
    gone = sum(line.other_rank is None for line in before)
    moved = sum(bool(line.moved) for line in after)
    short = f" Only {len(after)} of {length} places are filled." if len(after) < length else ""
    if not (new or gone or moved):
        return f"Nothing changes on this page.{short}"
    parts = [
        f"{number} {one if number == 1 else many}"
        for number, one, many in (
            (new, "comes in", "come in"),
            (gone, "goes out", "go out"),
            (moved, "moves", "move"),
        )
        if number
    ]
    return f"Of {len(after)} items {', '.join(parts)}.{short}"
