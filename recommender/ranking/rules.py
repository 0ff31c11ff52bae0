"""The rules of a placement: what a curator decides about a list, as plain data that checks itself.

How a list is put together by them stands in `ranking.composing`; expressions over item attributes in
`ranking.expressions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from recommender.ranking import expressions
from recommender.ranking import rule_values as values
from recommender.ranking.rule_values import RulesError

__all__ = ["Boost", "Fallback", "Pin", "Rules", "RulesError", "SeenPolicy", "Window"]

MAX_LENGTH = 200  # of a list: as long as a slate
MAX_FACTOR = 100.0
MAX_DAYS = 3_650


class SeenPolicy(StrEnum):
    """Whether items that a person has used already are shown again."""

    NEVER = "never"
    AFTER_DAYS = "after_days"
    ALWAYS = "always"


class Fallback(StrEnum):
    """What fills places where nothing personal is left, and whole lists of people who are not known."""

    TRENDING = "trending"
    POPULAR_7_DAYS = "popular_7d"
    POPULAR_30_DAYS = "popular_30d"
    POPULAR = "popular"
    CATALOGUE = "catalogue"


@dataclass(frozen=True, slots=True)
class Window:
    """When a pin or boost holds; None: no limit on that side.

    Attributes:
        begin: from this moment on
        end: before this moment
    """

    begin: datetime | None = None
    end: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Tell whether it holds at a time."""
        return (self.begin is None or self.begin <= now) and (self.end is None or now < self.end)

    def meets(self, other: Window) -> bool:
        """Tell whether there is a time at which both hold."""
        return not _is_over(self.end, other.begin) and not _is_over(other.end, self.begin)


@dataclass(frozen=True, slots=True)
class Pin:
    """An item at a fixed place.

    Attributes:
        item_id: the client's id
        rank: its place, counted from 1
    """

    item_id: str
    rank: int
    window: Window = Window()


@dataclass(frozen=True, slots=True)
class Boost:
    """Items whose scores count more (a boost) or less (a burial): exactly one of the three says which.

    Attributes:
        factor: above 1 lifts, below 1 buries, more than 0: the odds of an item are multiplied by it
        item_id: one item
        category: the name of a category: all of its items
        where: an expression: all items for which it is true
    """

    factor: float
    item_id: str = ""
    category: str = ""
    where: str = ""
    window: Window = Window()


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a placement. A new placement starts with these defaults.

    Attributes:
        length: items of a list where the request does not say how many
        where: an expression over items ("" is true); only items for which it is true are shown
        categories_in: names; only items of one of these are shown; empty: of all
        categories_out: names; no item of any of these is shown
        max_per_category: of one list's page, at most so many items of each category; None: as it comes
        pins: items at fixed places; they keep to `where`, mutes, excludes and hidden items, not to the rest
        boosts: what counts more or less
        seen: whether used items are shown again
        seen_days: with `after_days`: those used at least so many days ago
        hides_negative: items whose last event of this person was a negative signal are never shown
        diversity: 0 none to 1 all: how much an item's unlikeness to those above it counts (MMR,
            Carbonell and Goldstein, 1998)
        calibration: 0 none to 1 all: how much the list's mix of categories follows the interest weights
            (Steck, "Calibrated recommendations", 2018)
        novelty: share of places for items that few people have used yet, 0 to 1
        exploration: share of places drawn from further down the slate, 0 to 1
        fallbacks: what fills places where nothing personal is left, tried in this order
    """

    length: int = 10
    where: str = ""
    categories_in: tuple[str, ...] = ()
    categories_out: tuple[str, ...] = ()
    max_per_category: int | None = None
    pins: tuple[Pin, ...] = ()
    boosts: tuple[Boost, ...] = ()
    seen: SeenPolicy = SeenPolicy.NEVER
    seen_days: int = 30
    hides_negative: bool = True
    diversity: float = 0.0
    calibration: float = 0.0
    novelty: float = 0.0
    exploration: float = 0.0
    fallbacks: tuple[Fallback, ...] = field(
        default=(Fallback.POPULAR_30_DAYS, Fallback.POPULAR, Fallback.CATALOGUE)
    )

    def to_plain(self) -> dict[str, Any]:
        """Return the rules as JSON values; rules at their default are left out."""
        default = Rules()
        changed = {
            own.name
            for own in fields(self)
            if getattr(self, own.name) != getattr(default, own.name)
        }
        plain = {name: value for name, value in asdict(self).items() if name in changed}
        found: dict[str, Any] = _plain(plain)
        return found

    @classmethod
    def from_plain(cls, plain: Any) -> Rules:
        """Return the rules that `to_plain` wrote, or somebody sent.

        Raises:
            RulesError: a rule is unknown or cannot be followed.
        """
        if not isinstance(plain, Mapping):
            raise RulesError("rules", "must be an object.")
        unknown = sorted(set(map(str, plain)) - {own.name for own in fields(cls)})
        if unknown:
            raise RulesError(unknown[0][:50], "is not a rule.")
        return cls(**{name: _READERS[name](name, value) for name, value in plain.items()})


def _is_over(end: datetime | None, begin: datetime | None) -> bool:
    return end is not None and begin is not None and end <= begin


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, StrEnum) else value


def _window(name: str, value: Any) -> Window:
    if not isinstance(value, Mapping) or set(value) - {"begin", "end"}:
        raise RulesError(name, "must be an object with begin and end.")
    found = Window(*(values.moment(f"{name}.{side}", value.get(side)) for side in ("begin", "end")))
    if found.begin is not None and found.end is not None and found.end <= found.begin:
        raise RulesError(name, "must end after it begins.")
    return found


def _where(name: str, value: Any) -> str:
    text = values.text(expressions.MAX_CHARACTERS)(name, value)
    try:
        expressions.parse(text)
    except expressions.ExpressionError as error:
        raise RulesError(name, str(error)) from error
    return text.strip()


def _category(name: str, value: Any) -> str:
    text = values.text(200)(name, value)
    if not text:
        raise RulesError(name, "must be the name of a category.")
    return text


_PARTS: dict[str, Callable[[str, Any], Any]] = {
    "item_id": values.text(512),
    "rank": values.integer(1, MAX_LENGTH),
    "category": values.text(200),
    "where": _where,
    "factor": values.number(1 / MAX_FACTOR, MAX_FACTOR),
    "window": _window,
}


def _part(name: str, value: Any, *, allowed: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise RulesError(name, "must be an object.")
    unknown = sorted(set(map(str, value)) - allowed)
    if unknown:
        raise RulesError(name, f"has no {unknown[0][:50]}; it has {', '.join(sorted(allowed))}.")
    return {own: _PARTS[own](f"{name}.{own}", inner) for own, inner in value.items()}


def _pin(name: str, value: Any) -> Pin:
    read = _part(name, value, allowed=frozenset({"item_id", "rank", "window"}))
    if not read.get("item_id") or "rank" not in read:
        raise RulesError(name, "needs an item_id and a rank.")
    return Pin(**read)


def _boost(name: str, value: Any) -> Boost:
    read = _part(
        name, value, allowed=frozenset({"factor", "item_id", "category", "where", "window"})
    )
    if "factor" not in read:
        raise RulesError(name, "needs a factor.")
    if sum(bool(read.get(one)) for one in ("item_id", "category", "where")) != 1:
        raise RulesError(name, "needs exactly one of item_id, category and where.")
    return Boost(**read)


def _pins(name: str, value: Any) -> tuple[Pin, ...]:
    pins: tuple[Pin, ...] = values.each(_pin)(name, value)
    for place, pin in enumerate(pins):
        for other in pins[:place]:
            same = "rank" if pin.rank == other.rank else "item_id"
            if getattr(pin, same) == getattr(other, same) and pin.window.meets(other.window):
                raise RulesError(
                    f"{name}[{place}].{same}",
                    f"is that of {name}[{pins.index(other)}] too, at the same time. "
                    "Keep one of them, or give them windows that do not meet.",
                )
    return pins


def _fallbacks(name: str, value: Any) -> tuple[Fallback, ...]:
    found: tuple[Fallback, ...] = values.each(values.choice(Fallback))(name, value)
    if len(set(found)) < len(found):
        raise RulesError(name, "must name each only once.")
    return found


def _optional_integer(name: str, value: Any) -> int | None:
    return None if value is None else values.integer(1, MAX_LENGTH)(name, value)


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "length": values.integer(1, MAX_LENGTH),
    "where": _where,
    "categories_in": values.each(_category),
    "categories_out": values.each(_category),
    "max_per_category": _optional_integer,
    "pins": _pins,
    "boosts": values.each(_boost),
    "seen": values.choice(SeenPolicy),
    "seen_days": values.integer(1, MAX_DAYS),
    "hides_negative": values.truth,
    "diversity": values.number(0, 1),
    "calibration": values.number(0, 1),
    "novelty": values.number(0, 1),
    "exploration": values.number(0, 1),
    "fallbacks": _fallbacks,
}
