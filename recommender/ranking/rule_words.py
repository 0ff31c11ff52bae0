"""Rules in words: each in a sentence, all in one line, and what changes from one version to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from recommender.ranking.rules import Boost, Fallback, Pin, Rules, SeenPolicy, Window

# How much something counts, as an editor offers it; any other number is shown as it is.
LEVELS = (
    (0.0, "not at all"),
    (0.2, "a little"),
    (0.5, "clearly"),
    (0.8, "strongly"),
    (1.0, "above all else"),
)
SHARES = (
    (0.0, "no place"),
    (0.1, "1 place in 10"),
    (0.2, "1 place in 5"),
    (0.3, "3 places in 10"),
    (0.5, "every second place"),
)
FACTORS = (
    (10.0, "ten times as much"),
    (5.0, "five times as much"),
    (3.0, "three times as much"),
    (2.0, "twice as much"),
    (1.5, "half as much again"),
    (0.5, "half as much"),
    (0.2, "a fifth as much"),
    (0.1, "a tenth as much"),
    (0.01, "a hundredth as much"),
)
FALLBACKS = {
    Fallback.TRENDING: "what is rising now",
    Fallback.POPULAR_7_DAYS: "popular in the last 7 days",
    Fallback.POPULAR_30_DAYS: "popular in the last 30 days",
    Fallback.POPULAR: "popular since ever",
    Fallback.CATALOGUE: "anything of the catalogue",
}
_PLACED_BY = {
    "": "",
    "pin": "pinned",
    "boost": "boosted",
    "burial": "buried",
    "seen": "used before",
    "diversity": "variety",
    "calibration": "mix",
    "novelty": "little known",
    "exploration": "surprise",
}
SECTIONS = {
    "length": "How many",
    "pins": "Pins",
    "where": "Which items",
    "categories_in": "Only these categories",
    "categories_out": "Without these categories",
    "boosts": "Boosts and burials",
    "seen": "Used before",
    "max_per_category": "Most of a category",
    "diversity": "Variety",
    "calibration": "Mix as their interests",
    "novelty": "Little known items",
    "exploration": "Surprises",
    "fallbacks": "When nothing personal is left",
}
# A line of a list has no room for more.
MOST_NAMES = 3

When = Callable[[datetime], str]


@dataclass(frozen=True)
class Change:
    """One section that differs: the lines that go and those that come."""

    section: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


def lines(rules: Rules, *, titles: Mapping[str, str], when: When) -> dict[str, tuple[str, ...]]:
    """Return what each section says, by section in the order of `SECTIONS`.

    Args:
        titles: of items by the client's id; an item without one is named by its id.
        when: a time in words.
    """
    return {
        "length": (_items(rules.length),),
        "pins": tuple(
            pin_words(pin, titles=titles, when=when)
            for pin in sorted(rules.pins, key=lambda pin: pin.rank)
        ),
        "where": (f"Only items where {rules.where}",) if rules.where else ("All items",),
        "categories_in": rules.categories_in,
        "categories_out": rules.categories_out,
        "boosts": tuple(boost_words(boost, titles=titles, when=when) for boost in rules.boosts),
        "seen": _seen(rules),
        "max_per_category": (_most(rules.max_per_category),),
        "diversity": _mixed("Unlike items beside each other count", rules.diversity),
        "calibration": _mixed("The person's mix of interests counts", rules.calibration),
        "novelty": (
            f"{share_words(rules.novelty).capitalize()} kept for items that few have used",
        ),
        "exploration": (f"{share_words(rules.exploration).capitalize()} drawn from further down",),
        "fallbacks": tuple(
            f"{place}. {FALLBACKS[fallback].capitalize()}"
            for place, fallback in enumerate(rules.fallbacks, start=1)
        )
        or ("Nothing: the list stays short",),
    }


def changes(before: Rules, after: Rules, *, titles: Mapping[str, str], when: When) -> list[Change]:
    """Return the sections that differ between two versions, with the lines that go and come."""
    old, new = (lines(rules, titles=titles, when=when) for rules in (before, after))
    found = []
    for section, name in SECTIONS.items():
        if old[section] == new[section]:
            continue
        removed = tuple(line for line in old[section] if line not in new[section])
        added = tuple(line for line in new[section] if line not in old[section])
        if not removed and not added:  # the same in another order
            removed, added = old[section], new[section]
        found.append(Change(name, removed, added))
    return found


def summary(rules: Rules) -> str:
    """Return the rules that are not as a placement starts with, in one line: "10 items; 1 pin"."""
    start = Rules()
    parts = [_items(rules.length)]
    if rules.where:
        parts.append(f"only where {rules.where}")
    if rules.categories_in:
        parts.append(f"only {_names(rules.categories_in)}")
    if rules.categories_out:
        parts.append(f"without {_names(rules.categories_out)}")
    if rules.max_per_category is not None:
        parts.append(f"at most {rules.max_per_category} of a category")
    parts += [
        f"{len(found)} {noun if len(found) == 1 else noun + 's'}"
        for found, noun in (
            (rules.pins, "pin"),
            ([one for one in rules.boosts if one.factor >= 1], "boost"),
            ([one for one in rules.boosts if one.factor < 1], "burial"),
        )
        if found
    ]
    if (rules.seen, rules.hides_negative) != (start.seen, start.hides_negative):
        parts.append(_seen(rules)[0][0].lower() + _seen(rules)[0][1:])
    mixed = [
        name
        for name, value in (
            ("variety", rules.diversity),
            ("mix as their interests", rules.calibration),
            ("little known items", rules.novelty),
            ("surprises", rules.exploration),
        )
        if value
    ]
    if mixed:
        parts.append(", ".join(mixed))
    return "; ".join(parts) if len(parts) > 1 else f"{parts[0]}; nothing else is set"


def pin_words(pin: Pin, *, titles: Mapping[str, str], when: When) -> str:
    """Say where an item stands: "Heat at place 1, until 4 March 2026, 12:00"."""
    return f"{_title(pin.item_id, titles)} at place {pin.rank}{_window(pin.window, when)}"


def boost_words(boost: Boost, *, titles: Mapping[str, str], when: When) -> str:
    """Say what counts how much: "Drama counts twice as much"."""
    what = (
        _title(boost.item_id, titles)
        if boost.item_id
        else boost.category or f"What is {boost.where}"
    )
    return f"{what} counts {factor_words(boost.factor)}{_window(boost.window, when)}"


def placed_by(rule: str) -> str:
    """Say in a word or two what placed an item; nothing where no rule did."""
    kind, _, which = rule.partition(":")
    if kind == "fallback":
        return FALLBACKS[Fallback(which)] if which in set(Fallback) else "fallback"
    return _PLACED_BY.get(kind, kind)


def factor_words(factor: float) -> str:
    """Say how much a boost makes something count."""
    return dict(FACTORS).get(factor) or f"{factor:g} times as much"


def level_words(value: float) -> str:
    """Say how much something counts, from 0 to 1."""
    return dict(LEVELS).get(value) or f"{value:g} of 1"


def share_words(value: float) -> str:
    """Say how many places a share stands for."""
    return dict(SHARES).get(value) or f"{100 * value:g} % of the places"


def _mixed(said: str, value: float) -> tuple[str, ...]:
    return (f"{said} {level_words(value)}" if value else "As it comes",)


def _items(length: int) -> str:
    return f"{length} item{'' if length == 1 else 's'}"


def _most(most: int | None) -> str:
    return "As it comes" if most is None else f"At most {_items(most)} of each category"


def _seen(rules: Rules) -> tuple[str, ...]:
    days = f"{rules.seen_days} day{'' if rules.seen_days == 1 else 's'}"
    first = {
        SeenPolicy.NEVER: "Items that the person has used are not shown again",
        SeenPolicy.AFTER_DAYS: f"Items that the person has used are shown again after {days}",
        SeenPolicy.ALWAYS: "Items that the person has used are shown as any other",
    }[rules.seen]
    if rules.hides_negative:
        return first, "What the person disliked is never shown"
    return first, "What the person disliked is treated as any other use"


def _window(window: Window, when: When) -> str:
    begin = f", from {when(window.begin)}" if window.begin else ""
    return begin + (f", until {when(window.end)}" if window.end else "")


def _title(item_id: str, titles: Mapping[str, str]) -> str:
    return titles.get(item_id) or item_id


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
