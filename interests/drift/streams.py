"""A simulated population whose interest changes are known.

Two recipes: `STREAMS`, categories only, on which detectors are judged, and `SHOP`, the demo's bookshop,
where books have themes and series, come out over time, and are viewed, liked, disliked and bought.

Legend: E events of one end user, C categories.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interests.drift import catalogues, choosing, titles
from interests.drift.behaviours import Change, preferences
from interests.drift.catalogues import SimulatedCatalogue

# What end users do: nothing, change once (at a stroke, slowly, there and back), binge without a change, ...
BEHAVIOURS = (
    "stable",
    "abrupt",
    "gradual",
    "there_and_back",
    "bingeing",
    "new_interest",
    "fading_interest",
    "seasonal",
)
BINGE_SESSION_SHARE = 0.25
BINGE_EVENT_SHARE = 0.8
NEW_SESSION_CHANCE = 0.18
GAP_SECONDS = 600.0
# A season is the same weeks of each year, in which one category takes so much of what is drawn.
SEASON_DAYS = 60
YEAR_DAYS = 365.25
SEASON_SHARE = (0.4, 0.7)
# The whole population shifts after so much of all events.
SHIFT_AT = 0.6


@dataclass(frozen=True)
class Recipe:
    """What to simulate.

    Attributes:
        num_users, num_items, num_categories: how many
        is_shop: books with titles, themes and kinds of events instead of numbered items and views
        log_events: mean of the logarithm of events per end user
        log_events_spread: its standard deviation
        fewest_events, most_events: limits of the same
        session_gap_days: mean time between sessions
        quiet_days: mean time from an end user's last event to the end of the data
        behaviours: shares of end users in the order of `BEHAVIOURS`; those left out are 0
        shift_share: from one day on so much of everybody's events falls to one category; 0: no such day
    """

    num_users: int
    num_items: int
    num_categories: int
    is_shop: bool
    log_events: float = 5.0
    log_events_spread: float = 0.5
    fewest_events: int = 60
    most_events: int = 600
    session_gap_days: float = 3.0
    quiet_days: float = 200.0
    behaviours: tuple[float, ...] = (0.40, 0.20, 0.15, 0.10, 0.15)
    shift_share: float = 0.0


STREAMS = Recipe(num_users=400, num_items=2000, num_categories=20, is_shop=False)
# Every kind of change there is, to see what a detector makes of each.
KINDS = replace(
    STREAMS, behaviours=(0.30, 0.12, 0.12, 0.08, 0.10, 0.10, 0.10, 0.08), shift_share=0.25
)
SHOP = Recipe(
    num_users=800,
    num_items=1500,
    num_categories=14,
    is_shop=True,
    log_events=4.7,
    fewest_events=20,
    session_gap_days=8.0,
    quiet_days=5.0,
)


@dataclass(frozen=True)
class Population:
    """End users, their events in order of end user and time, and what is true about them.

    Attributes:
        behaviours: index into `BEHAVIOURS`. One per end user
        users, items: indices. One per event
        kinds: index into `choosing.KINDS`. One per event
        times: milliseconds since 1970, int64. One per event
    """

    recipe: Recipe
    catalogue: SimulatedCatalogue
    names: tuple[str, ...]
    behaviours: NDArray[np.int64]
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    kinds: NDArray[np.int64]
    times: NDArray[np.int64]
    changes: tuple[Change, ...]

    def user_id(self, user: int) -> str:
        return f"{'reader-' if self.recipe.is_shop else 'u'}{user:04d}"

    def item_id(self, item: int) -> str:
        return f"{'book-' if self.recipe.is_shop else 'i'}{item:05d}"


def simulate(*, recipe: Recipe, seed: int, now_ms: int) -> Population:
    """Simulate a population up to `now_ms`, milliseconds since 1970; equal arguments, equal result.

    Raises:
        ValueError: the recipe asks for something impossible; the message says what.
    """
    _check(recipe)
    rng = np.random.default_rng(seed)
    make = catalogues.shop if recipe.is_shop else catalogues.plain
    catalogue = make(num_items=recipe.num_items, num_categories=recipe.num_categories, rng=rng)
    behaviours = rng.permutation(
        np.repeat(
            np.arange(len(recipe.behaviours)), _apportion(recipe.num_users, recipe.behaviours)
        )
    )
    changes: list[Change] = []
    drawn, weights, starts, times = [], [], [], []
    for user, number in enumerate(behaviours):
        behaviour = BEHAVIOURS[number]
        wanted_most, own = preferences(
            behaviour,
            user=user,
            count=_num_events(recipe, rng),
            width=recipe.num_categories,
            rng=rng,
        )
        starts.append(_session_starts(len(wanted_most), rng))
        categories = _categories(wanted_most, behaviour, starts[-1], rng)
        times.append(_times(recipe, starts[-1], now_ms, rng))
        if behaviour == "seasonal":
            own = _season(user, wanted_most, categories, times[-1], rng)
        changes.extend(own)
        drawn.append(categories)
        weights.append(wanted_most[np.arange(len(categories)), categories])
    if recipe.shift_share:
        changes += _shift(recipe, drawn, times, rng)
    users = np.repeat(np.arange(recipe.num_users), [len(own) for own in drawn])
    wanted = choosing.Wanted(
        users=users,
        categories=np.concatenate(drawn),
        weights=np.concatenate(weights),
        is_start=np.concatenate(starts),
        times=np.concatenate(times),
    )
    choose = choosing.in_shop if recipe.is_shop else choosing.plain
    items, kinds = choose(wanted, catalogue=catalogue, rng=rng)
    return Population(
        recipe=recipe,
        catalogue=catalogue,
        names=tuple(_person(rng) for _ in range(recipe.num_users)),
        behaviours=behaviours,
        users=users,
        items=items,
        kinds=kinds,
        times=wanted.times,
        changes=tuple(changes),
    )


def _check(recipe: Recipe) -> None:
    if min(recipe.num_users, recipe.num_items) < 1 or recipe.num_categories < 2:
        raise ValueError("A population needs at least one end user, one item and two categories.")
    if not 2 <= recipe.fewest_events <= recipe.most_events:
        raise ValueError("End users need at least 2 events, and no more than the most.")
    if recipe.num_items < 5 * recipe.num_categories:
        raise ValueError(
            f"{recipe.num_categories} categories need at least {5 * recipe.num_categories} items."
        )


def _apportion(total: int, shares: tuple[float, ...]) -> NDArray[np.int64]:
    """Split a total into whole numbers as close to the shares as can be."""
    edges = np.round(np.cumsum(np.asarray(shares)) / sum(shares) * total).astype(np.int64)
    return np.diff(edges, prepend=0)


def _num_events(recipe: Recipe, rng: np.random.Generator) -> int:
    draw = rng.lognormal(recipe.log_events, recipe.log_events_spread)
    return int(np.clip(draw, recipe.fewest_events, recipe.most_events))


def _session_starts(count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    starts = rng.random(count) < NEW_SESSION_CHANCE
    starts[0] = True
    return starts


def _categories(
    preferences: NDArray[np.float64],
    behaviour: str,
    starts: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw the category of each event; a bingeing person's sessions often hold to one. [E]"""
    count, width = preferences.shape
    totals = preferences.cumsum(axis=1)
    drawn = (rng.random((count, 1)) * totals[:, -1:] > totals).sum(axis=1)
    if behaviour == "bingeing":
        sessions = starts.cumsum() - 1
        num_sessions = int(starts.sum())
        is_binge = (rng.random(size=num_sessions) < BINGE_SESSION_SHARE)[sessions]
        category = rng.integers(width, size=num_sessions)[sessions]
        drawn = np.where(is_binge & (rng.random(count) < BINGE_EVENT_SHARE), category, drawn)
    return np.asarray(np.minimum(drawn, width - 1), np.int64)


def _season(
    user: int,
    preferences: NDArray[np.float64],
    categories: NDArray[np.int64],
    times: NDArray[np.int64],
    rng: np.random.Generator,
) -> list[Change]:
    """Let one of the weaker interests rule the same weeks of each year, in place; return the changes."""
    order = np.argsort(preferences[0])
    falling, rising = int(order[-1]), int(rng.choice(order[: len(order) // 2]))
    day_of_year = (times / 86_400_000 + rng.uniform(0, YEAR_DAYS)) % YEAR_DAYS
    is_season = day_of_year < SEASON_DAYS
    categories[is_season & (rng.random(len(times)) < rng.uniform(*SEASON_SHARE))] = rising
    turns = np.flatnonzero(np.diff(is_season)) + 1
    return [
        Change(user, int(event), int(event), "seasonal", falling, rising)
        if is_season[event]
        else Change(user, int(event), int(event), "seasonal", rising, falling)
        for event in turns
    ]


def _shift(
    recipe: Recipe,
    drawn: list[NDArray[np.int64]],
    times: list[NDArray[np.int64]],
    rng: np.random.Generator,
) -> list[Change]:
    """Turn everybody towards the category wanted least, from one day on, in place."""
    day = np.quantile(np.concatenate(times), SHIFT_AT)
    counts = np.bincount(np.concatenate(drawn), minlength=recipe.num_categories)
    rising = int(counts.argmin())
    changes = []
    for user, (categories, own) in enumerate(zip(drawn, times, strict=True)):
        event = int(np.searchsorted(own, day))
        is_moved = (np.arange(len(own)) >= event) & (rng.random(len(own)) < recipe.shift_share)
        usual = np.bincount(categories[:event], minlength=recipe.num_categories)
        categories[is_moved] = rising
        if 0 < event < len(own):
            changes.append(Change(user, event, event, "population", int(usual.argmax()), rising))
    return changes


def _times(
    recipe: Recipe, starts: NDArray[np.bool_], now_ms: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return times in order that end before now, milliseconds. [E]"""
    mean = np.where(starts, recipe.session_gap_days * 86_400, GAP_SECONDS)
    gaps = np.maximum((rng.exponential(mean) * 1000).astype(np.int64), 1)
    quiet = int(rng.exponential(recipe.quiet_days * 86_400) * 1000) + 60_000
    after = np.append(gaps[1:], 0)[::-1].cumsum()[::-1]
    return now_ms - quiet - after


def _person(rng: np.random.Generator) -> str:
    return f"{rng.choice(titles.FIRST_NAMES)} {rng.choice(titles.NAMES)}"
