"""Which item a simulated person takes, once the category of the event is drawn, and what it does with it.

Legend: E events of all end users, N items.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.drift.catalogues import SimulatedCatalogue

KINDS = ("view", "like", "dislike", "purchase")
VIEW, LIKE, DISLIKE, PURCHASE = range(4)
# What is liked or bought of what is wanted a little and of what is wanted much; the rest is viewed.
LIKE_CHANCES = (0.06, 0.20)
PURCHASE_CHANCES = (0.03, 0.13)
DISLIKE_CHANCES = (0.10, 0.015)
MUCH = 0.3  # a preference from which on an event counts as wanted much
NEXT_PART_CHANCE = 0.6
SAME_THEME_CHANCE = 0.75
THEME_CONCENTRATION = 0.3
TRIES = 12  # to find a book that is out and unread, before taking one again


@dataclass(frozen=True)
class Wanted:
    """What is drawn before items are: events in order of end user and time.

    Attributes:
        users, categories: indices. [E]
        weights: the preference for the category at that time, 0 to 1. [E]
        is_start: the event begins a session. [E]
        times: milliseconds since 1970. [E]
    """

    users: NDArray[np.int64]
    categories: NDArray[np.int64]
    weights: NDArray[np.float64]
    is_start: NDArray[np.bool_]
    times: NDArray[np.int64]


def plain(
    wanted: Wanted, *, catalogue: SimulatedCatalogue, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return items drawn by popularity within the category, and views. [E], [E]"""
    items = np.zeros(len(wanted.users), np.int64)
    for category in np.unique(wanted.categories):
        events = np.flatnonzero(wanted.categories == category)
        members = np.flatnonzero(catalogue.members[:, category])
        if len(members) == 0:
            members = np.arange(len(catalogue.members))
        share = catalogue.popularity[members]
        items[events] = rng.choice(members, size=len(events), p=share / share.sum())
    return items, np.zeros(len(items), np.int64)


def in_shop(
    wanted: Wanted, *, catalogue: SimulatedCatalogue, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return items and kinds of events. [E], [E]

    Mostly the next part of a series follows; a session keeps to its theme, and a person to
    the themes they like; a book is hardly read twice, nor before it is out.
    """
    shelves = _Shelves(catalogue)
    num_themes = int(catalogue.themes.max()) + 1
    begin, end = wanted.times.min(), max(wanted.times.max(), wanted.times.min() + 1)
    now = ((wanted.times - begin) / (end - begin)).tolist()
    draws = rng.random((len(now), 2)).tolist()
    picks = rng.random((len(now), TRIES)).tolist()
    released, next_parts = catalogue.released.tolist(), catalogue.next_parts.tolist()
    is_start, categories = wanted.is_start.tolist(), wanted.categories.tolist()
    items: list[int] = []
    user, seen, last, theme = -1, set[int](), dict[int, int](), 0
    liked: list[float] = []
    for event, owner in enumerate(wanted.users.tolist()):
        if owner != user:
            user, seen, last = owner, set(), {}
            liked = rng.dirichlet(np.full(num_themes, THEME_CONCENTRATION)).cumsum().tolist()
        category, (stay, follow) = categories[event], draws[event]
        if is_start[event] or stay > SAME_THEME_CHANCE:
            theme = min(bisect(liked, rng.random()), num_themes - 1)
        following = next_parts[last[category]] if category in last else -1
        if follow < NEXT_PART_CHANCE and following >= 0 and following not in seen:
            item = following
        else:
            item = shelves.pick(category, theme, picks[event], seen, released, now[event])
        seen.add(item)
        last[category] = item
        items.append(item)
    return np.asarray(items), _kinds(wanted, rng)


class _Shelves:
    """Items of each category and theme with their running popularity."""

    def __init__(self, catalogue: SimulatedCatalogue) -> None:
        self._shelves: dict[tuple[int, int], tuple[list[int], list[float]]] = {}
        num_themes = int(catalogue.themes.max()) + 1
        for category in range(catalogue.members.shape[1]):
            is_member = catalogue.members[:, category]
            for theme in range(-1, num_themes):  # -1: the whole category
                mine = is_member if theme < 0 else is_member & (catalogue.themes == theme)
                items = np.flatnonzero(mine if mine.any() else is_member)
                if len(items) == 0:
                    items = np.arange(len(is_member))
                totals = catalogue.popularity[items].cumsum()
                self._shelves[category, theme] = (items.tolist(), (totals / totals[-1]).tolist())

    def pick(
        self,
        category: int,
        theme: int,
        draws: list[float],
        seen: set[int],
        released: list[float],
        now: float,
    ) -> int:
        """Return an item that is out and unseen, from the theme, then from the whole category."""
        for number, draw in enumerate(draws):
            items, totals = self._shelves[category, theme if number < TRIES // 2 else -1]
            item = items[min(bisect(totals, draw), len(items) - 1)]
            if item not in seen and released[item] <= now:
                return item
        return item


def _kinds(wanted: Wanted, rng: np.random.Generator) -> NDArray[np.int64]:
    strength = np.clip(wanted.weights / MUCH, 0, 1)
    edges = np.cumsum(
        [
            low + (high - low) * strength
            for low, high in (LIKE_CHANCES, DISLIKE_CHANCES, PURCHASE_CHANCES)
        ],
        axis=0,
    )
    draw = rng.random(len(strength))
    return np.select(
        [draw < edges[0], draw < edges[1], draw < edges[2]], [LIKE, DISLIKE, PURCHASE], VIEW
    )
