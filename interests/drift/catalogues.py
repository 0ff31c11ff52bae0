"""Simulated catalogues: the plain one of the drift streams and the bookshop of the demo.

Legend: N items, C categories.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.drift import titles

PLAIN_NAMES = (
    "Action", "Animation", "Astronomy", "Biography", "Comedy", "Cooking", "Cycling", "Drama",
    "Documentary", "Fantasy", "Gardening", "History", "Horror", "Jazz", "Mystery", "Politics",
    "Romance", "Science Fiction", "Thriller", "Travel",
)  # fmt: skip
# Of the items, this many have one, two, three categories.
PLAIN_NUM_CATEGORIES = (0.6, 0.3, 0.1)
SHOP_NUM_CATEGORIES = (0.75, 0.25)
ZIPF_EXPONENT = 0.8
SHARE_IN_SERIES = 0.5
SERIES_PARTS = (3, 7)  # from, below
SHARE_THERE_FROM_THE_START = 0.7


@dataclass(frozen=True)
class SimulatedCatalogue:
    """Items as the simulation knows them.

    Attributes:
        names: of the categories. C of them
        titles: N of them
        members: row i marks item i's categories, bool. [N, C]
        popularity: how often an item is drawn within its categories, float64 > 0. [N]
        themes: what runs through all categories; 0 where there are none. [N]
        next_parts: the item that follows in a series, -1 at its end. [N]
        released: when it appears, as a share of the simulated time, 0 to 1. [N]
    """

    names: tuple[str, ...]
    titles: tuple[str, ...]
    members: NDArray[np.bool_]
    popularity: NDArray[np.float64]
    themes: NDArray[np.int64]
    next_parts: NDArray[np.int64]
    released: NDArray[np.float64]


def plain(*, num_items: int, num_categories: int, rng: np.random.Generator) -> SimulatedCatalogue:
    """Return numbered items in one to three categories each."""
    names = _names(PLAIN_NAMES, num_categories)
    members = _members(num_items, num_categories, PLAIN_NUM_CATEGORIES, rng)
    labels = [
        f"{' & '.join(names[c] for c in np.flatnonzero(row))} no. {index:05d}"
        for index, row in enumerate(members)
    ]
    return SimulatedCatalogue(
        names=names,
        titles=tuple(labels),
        members=members,
        popularity=_zipf(num_items, rng),
        themes=np.zeros(num_items, np.int64),
        next_parts=np.full(num_items, -1),
        released=np.zeros(num_items),
    )


def shop(*, num_items: int, num_categories: int, rng: np.random.Generator) -> SimulatedCatalogue:
    """Return a bookshop: titles, themes through all categories, series, and books that come out later.

    Raises:
        ValueError: more categories than there are words for.
    """
    if num_categories > len(titles.PATTERNS):
        raise ValueError(
            f"The bookshop has words for {len(titles.PATTERNS)} categories, not {num_categories}. "
            "Take the plain recipe."
        )
    names = tuple(titles.PATTERNS)[:num_categories]
    themes = tuple(titles.THEMES)
    members = _members(num_items, num_categories, SHOP_NUM_CATEGORIES, rng)
    main = np.array([rng.choice(np.flatnonzero(row)) for row in members])
    item_themes = rng.integers(len(themes), size=num_items)
    labels, next_parts = [""] * num_items, np.full(num_items, -1)
    taken: set[str] = set()
    for series in _series(main, item_themes, names, rng):
        category, theme = names[main[series[0]]], themes[item_themes[series[0]]]
        drafts = titles.series_titles(
            category=category, theme=theme, num_parts=len(series), rng=rng
        )
        for item, draft in zip(series, drafts, strict=True):
            labels[item] = titles.distinct(draft, taken, titles.NAMES)
            members[item] = members[series[0]]
        next_parts[series[:-1]] = series[1:]
    for item in np.flatnonzero([label == "" for label in labels]):
        theme = themes[item_themes[item]]
        draft = titles.single_title(category=names[main[item]], theme=theme, rng=rng)
        labels[item] = titles.distinct(draft, taken, titles.THEMES[theme][2])
    released = rng.random(num_items)
    released[rng.random(num_items) < SHARE_THERE_FROM_THE_START] = 0.0
    return SimulatedCatalogue(
        names=names,
        titles=tuple(labels),
        members=members,
        popularity=_zipf(num_items, rng),
        themes=item_themes,
        next_parts=next_parts,
        released=released,
    )


def _names(words: tuple[str, ...], count: int) -> tuple[str, ...]:
    return tuple(words[:count]) + tuple(f"Category {i + 1}" for i in range(len(words), count))


def _members(
    num_items: int, num_categories: int, shares: tuple[float, ...], rng: np.random.Generator
) -> NDArray[np.bool_]:
    counts = 1 + rng.choice(len(shares), size=num_items, p=shares)
    ranks = rng.random((num_items, num_categories)).argsort(axis=1).argsort(axis=1)
    return np.asarray(ranks < np.minimum(counts, num_categories)[:, None])


def _zipf(num_items: int, rng: np.random.Generator) -> NDArray[np.float64]:
    ranks = rng.permutation(num_items) + 1.0
    return np.asarray(ranks**-ZIPF_EXPONENT)


def _series(
    main: NDArray[np.int64],
    item_themes: NDArray[np.int64],
    names: tuple[str, ...],
    rng: np.random.Generator,
) -> list[NDArray[np.int64]]:
    """Return groups of items of one category and theme; each is a series in order of its parts."""
    found = []
    for category, name in enumerate(names):
        if name not in titles.SERIES:
            continue
        for theme in range(item_themes.max() + 1):
            items = np.flatnonzero((main == category) & (item_themes == theme))
            left = int(len(items) * SHARE_IN_SERIES * len(names) / len(titles.SERIES))
            while left >= SERIES_PARTS[0]:
                size = min(int(rng.integers(*SERIES_PARTS)), left)
                found.append(items[:size])
                items, left = items[size:], left - size
    return found
