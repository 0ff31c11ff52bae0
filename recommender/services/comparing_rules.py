"""What rules that are not live yet would show, beside what others show: to one person, and to many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recommender.ranking.composing import Placed
from recommender.ranking.rules import Rules
from recommender.selectors import pages_placements
from recommender.services import recommending

# Each costs two answers of some milliseconds while a page is waiting.
NUM_PEOPLE = 20


@dataclass(frozen=True)
class Compared:
    """One person's first page by two sets of rules.

    Attributes:
        is_fallback: nothing personal answers
    """

    before: tuple[Placed, ...]
    after: tuple[Placed, ...]
    is_fallback: bool


@dataclass(frozen=True)
class Survey:
    """How the first pages of some people would change.

    Attributes:
        num_changed: places that would hold another item, of `num_places`
        num_people_changed: whose page would hold another item
        categories_before: how many categories these pages reach together
        length: items of a full page
        short: items of each page that would not be full, the shortest first
        num_short_before: pages that are not full as it is
    """

    num_people: int
    num_people_changed: int
    num_places: int
    num_changed: int
    categories_before: int
    categories_after: int
    num_categories: int
    length: int
    short: tuple[int, ...]
    num_short_before: int


def compare(before: Rules, after: Rules, *, user_id: str, now: datetime) -> Compared:
    """Return what a person, or a stranger, would be shown by two sets of rules."""
    pages = [
        recommending.preview(rules, user_id=user_id, n=rules.length, now=now)
        for rules in (before, after)
    ]
    return Compared(pages[0].items, pages[1].items, pages[1].is_fallback)


def survey(before: Rules, after: Rules, *, now: datetime) -> Survey:
    """Return how the pages of people from all over the table would change; always the same people."""
    people = pages_placements.sampled_people(NUM_PEOPLE)
    pages = [compare(before, after, user_id=user_id, now=now) for user_id in people]
    changed = [_num_changed(page) for page in pages]
    short = sorted(len(page.after) for page in pages if len(page.after) < after.length)
    categories = pages_placements.categories_by_item_id(
        {one.item_id for page in pages for one in (*page.before, *page.after)}
    )
    return Survey(
        num_people=len(people),
        num_people_changed=sum(map(bool, changed)),
        num_places=sum(max(len(page.before), len(page.after)) for page in pages),
        num_changed=sum(changed),
        categories_before=_reached([page.before for page in pages], categories),
        categories_after=_reached([page.after for page in pages], categories),
        num_categories=pages_placements.num_categories(),
        length=after.length,
        short=tuple(short),
        num_short_before=sum(len(page.before) < before.length for page in pages),
    )


def _num_changed(page: Compared) -> int:
    """Return how many places hold an item that was not there: of the longer page."""
    before, after = ({one.item_id for one in side} for side in (page.before, page.after))
    return max(len(after - before), len(before - after))


def _reached(pages: Sequence[Sequence[Placed]], categories: dict[str, frozenset[int]]) -> int:
    return len(
        {key for page in pages for one in page for key in categories.get(one.item_id, frozenset())}
    )
