"""Which settings of an algorithm a study may try: ranges and choices, by the name of the setting.

An algorithm declares its space by a method `space()`; those of this package that need more than their grid
says stand in `DECLARED`; for all others the space is derived from the grid. A setting within another has a
dotted name: `changes.width` is the width among the changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any, TypeAlias

from recommender.algorithms.protocol import Algorithm

# Values of a grid that lie this far apart, the largest over the smallest, are tried by their logarithm.
LOG_RATIO = 8.0
# How far around the one value of a setting, where the grid has no other.
AROUND = 2.0


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    is_log: bool = False

    def holds(self, value: Any) -> bool:
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self.low <= value <= self.high
        )

    def points(self, count: int) -> list[Any]:
        """Return at most `count` values, as far apart from each other as can be."""
        return sorted({round(value) for value in _spread(self.low, self.high, count, self.is_log)})


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`, both included."""

    low: float
    high: float
    is_log: bool = False

    def holds(self, value: Any) -> bool:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high

    def points(self, count: int) -> list[Any]:
        """Return at most `count` values, as far apart from each other as can be."""
        return sorted(set(_spread(self.low, self.high, count, self.is_log)))


@dataclass(frozen=True)
class Choice:
    """One of some plain values; tuples of plain values may be among them."""

    values: tuple[Any, ...]

    def holds(self, value: Any) -> bool:
        return any(type(value) is type(one) and value == one for one in self.values)

    def points(self, count: int) -> list[Any]:
        """Return all values, however few are asked for."""
        return list(self.values)


Dimension: TypeAlias = Whole | Real | Choice
Space: TypeAlias = dict[str, Dimension]

HALF_LIFE = Choice((None, 2.0, 5.0, 10.0, 20.0))
SIMILARITIES = ("adjusted", "pearson", "jaccard", "euclidean", "manhattan")
COMPARED = ("user_knn", *(f"{of}_knn_{by}" for of in ("item", "user") for by in SIMILARITIES))
NEIGHBOURS: Space = {
    "num_neighbours": Whole(5, 800, is_log=True),
    "shrinkage": Real(0.0, 100.0),
    "half_life": HALF_LIFE,
}
DECLARED: dict[str, Space] = {
    "item_knn": NEIGHBOURS,
    # Of items and of end users, with each similarity, alike.
    **{name: {**NEIGHBOURS, "discount": Real(0.0, 0.7)} for name in COMPARED},
    "als": {
        "width": Choice((32, 64, 128, 256, 512)),
        "unobserved_weight": Real(1e-3, 1.0, is_log=True),
        "regularisation": Real(3e-3, 3.0, is_log=True),
        "scaling": Real(0.0, 1.0),
    },
    "slim": {
        "l1": Real(0.1, 20.0, is_log=True),
        "l2": Real(1.0, 500.0, is_log=True),
        "half_life": HALF_LIFE,
    },
    "bpr": {
        "width": Choice((32, 64, 128)),
        "learning_rate": Real(0.01, 0.2, is_log=True),
        "regularisation": Real(1e-4, 0.1, is_log=True),
        "half_life": HALF_LIFE,
    },
    "svd": {"width": Whole(8, 512, is_log=True), "half_life": HALF_LIFE},
    "ease": {"regularisation": Real(1.0, 10_000.0, is_log=True), "half_life": HALF_LIFE},
    "recent_ease": {
        "regularisation": Real(1.0, 10_000.0, is_log=True),
        "half_life": Real(1.0, 50.0, is_log=True),
    },
    "interest_network": {
        "changes.width": Choice((32, 64, 128)),
        "changes.dropout": Real(0.0, 0.6),
        "changes.learning_rate": Real(3e-4, 5e-3, is_log=True),
        "changes.temperature": Real(0.05, 0.5, is_log=True),
        "changes.weight_decay": Real(1e-3, 0.3, is_log=True),
        "changes.own_dropout": Real(0.0, 0.4),
        "trend": Real(0.0, 4.0),
    },
}


def space_of(algorithm: Algorithm) -> Space:
    """Return what may be tried for an algorithm, empty where it has nothing to choose."""
    own = getattr(algorithm, "space", None)
    if own is not None:
        return dict(own())
    declared = DECLARED.get(algorithm.name)
    if declared is not None:
        return dict(declared)
    grid = algorithm.grid()
    # Another network that is trained as the one that serves is.
    if isinstance(getattr(grid[0], "changes", None), Mapping):
        return dict(DECLARED["interest_network"])
    return derived(grid)


def derived(grid: Sequence[Any]) -> Space:
    """Return the space that a grid spans: from the smallest to the largest of each setting that varies.

    Where none varies, numbers are tried around what they are.
    """
    if not grid or not all(is_dataclass(settings) for settings in grid):
        return {}
    seen = {
        field.name: list(dict.fromkeys(_hashable(getattr(one, field.name)) for one in grid))
        for field in fields(grid[0])
        if _is_plain(getattr(grid[0], field.name))
    }
    varying = {name: _across(values) for name, values in seen.items() if len(values) > 1}
    around = {name: _around(values[0]) for name, values in seen.items()}
    return varying or {name: found for name, found in around.items() if found is not None}


def params_of(settings: Any, space: Space) -> dict[str, Any]:
    """Return the values that settings have within a space; what lies outside of it is left out."""
    found = {}
    for name, dimension in space.items():
        value, is_there = _get(settings, name.split("."))
        if is_there and dimension.holds(value):
            found[name] = value
    return found


def applied(settings: Any, params: Mapping[str, Any]) -> Any:
    """Return settings with other values in some places.

    Raises:
        KeyError: there is no setting of such a name.
    """
    for name, value in params.items():
        settings = _set(settings, name.split("."), value)
    return settings


def restored(settings: Any, kept: Mapping[str, Any]) -> Any:
    """Return settings with the values that others of their kind were kept with, as plain values (`plain`).

    Raises:
        KeyError: there is no setting of such a name.
        TypeError, ValueError: one is of another kind than it was.
    """
    for name, value in kept.items():
        here, is_there = _get(settings, [name])
        if is_there and is_dataclass(here) and isinstance(value, Mapping):
            settings = replace(settings, **{name: restored(here, value)})
            continue
        if is_there and _kind(here) != _kind(value) and None not in (here, value):
            raise TypeError(f"{name} was {value!r} and is {here!r} now.")
        settings = _set(settings, [name], _hashable(value))
    return settings


def grid_points(space: Space, *, num: int) -> list[dict[str, Any]]:
    """Return a grid over a space: as fine as can be with at most `num` points, but at least two a range."""
    counts = {name: 2 for name in space}
    while finer := next(
        (
            {**counts, name: counts[name] + 1}
            for name in sorted(counts, key=lambda one: counts[one])
            if 0 < _size(space, counts) < _size(space, {**counts, name: counts[name] + 1}) <= num
        ),
        None,
    ):
        counts = finer
    points: list[dict[str, Any]] = [{}]
    for name, dimension in space.items():
        values = dimension.points(counts[name])
        points = [{**point, name: value} for point in points for value in values]
    return points


def to_json(space: Space) -> list[dict[str, Any]]:
    """Return a space as plain values, in its order, which PostgreSQL keeps of lists only."""
    return [
        {"name": name, "kind": type(one).__name__, **asdict(one)} for name, one in space.items()
    ]


def from_json(values: Iterable[Mapping[str, Any]]) -> Space:
    """Return the space that `to_json` wrote."""
    kinds: dict[str, Any] = {"Whole": Whole, "Real": Real, "Choice": Choice}
    space: Space = {}
    for told in values:
        named = {key: _hashable(value) for key, value in told.items()}
        name, kind = named.pop("name"), named.pop("kind")
        space[name] = kinds[kind](**named)
    return space


def params_from_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as settings take them: what JSON made a list is a tuple again."""
    return {name: _hashable(value) for name, value in values.items()}


def plain(value: Any) -> Any:
    """Return settings, or a part of them, as plain values that JSON can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if _is_plain(value) else str(value)


def _size(space: Space, counts: Mapping[str, int]) -> int:
    return math.prod(len(one.points(counts[name])) for name, one in space.items())


def _spread(low: float, high: float, count: int, is_log: bool) -> list[float]:
    if count < 2 or low == high:
        return [low]
    shares = [index / (count - 1) for index in range(count)]
    if is_log:
        between = [low * (high / low) ** share for share in shares]
    else:
        between = [low + (high - low) * share for share in shares]
    return [low, *between[1:-1], high]


def _across(values: Sequence[Any]) -> Dimension:
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in values):
        return Choice(tuple(values))
    low, high = min(values), max(values)
    is_log = low > 0 and high / low >= LOG_RATIO
    if all(isinstance(one, int) for one in values):
        return Whole(low, high, is_log)
    return Real(float(low), float(high), is_log)


def _around(value: Any) -> Dimension | None:
    """Return what to try around a number: up to twice as much; a share stays one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    if isinstance(value, int):
        low, high = max(1, round(value / AROUND)), round(value * AROUND)
        return Whole(low, high) if low < high else None
    most = value * AROUND if value >= 1 else min(value * AROUND, (1 + value) / 2)
    return Real(value / AROUND, most)


def _get(settings: Any, path: Sequence[str]) -> tuple[Any, bool]:
    for name in path:
        if isinstance(settings, Mapping):
            if name not in settings:
                return None, False
            settings = settings[name]
        elif hasattr(settings, name):
            settings = getattr(settings, name)
        else:
            return None, False
    return settings, True


def _set(settings: Any, path: Sequence[str], value: Any) -> Any:
    name, *rest = path
    if isinstance(settings, Mapping):
        return {**settings, name: _set(settings.get(name, {}), rest, value) if rest else value}
    if not is_dataclass(settings) or name not in {field.name for field in fields(settings)}:
        raise KeyError(f"{type(settings).__name__} has no setting {name!r}.")
    inner = _set(getattr(settings, name), rest, value) if rest else value
    return replace(settings, **{name: inner})  # type: ignore[type-var]  # a dataclass's instance


def _kind(value: Any) -> type:
    kinds = (bool, int | float, str, list | tuple, Mapping)
    return next((found for found in kinds if isinstance(value, found)), object)  # type: ignore[return-value]


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(one) for one in value)
    return value is None or isinstance(value, bool | int | float | str)


def _hashable(value: Any) -> Any:
    return tuple(_hashable(one) for one in value) if isinstance(value, list | tuple) else value
