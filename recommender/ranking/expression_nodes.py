"""What an expression over items is made of, and what it says of an item. Built by `ranking.expressions`.

A value that is missing is null; nothing compares with null, so a comparison with a missing value is false.
Lists compare by their elements: `=` is true where one of them is equal, `!=` where none is. Texts that read
as numbers, times or truths compare as these with numbers, times and truths, because files know only texts.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
KEYWORDS = frozenset(
    {"and", "or", "not", "in", "has", "contains", "exists", "true", "false", "null", "now"}
)
_UNITS = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
UNIT_SECONDS = dict(_UNITS)

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Literal = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What an expression may ask of an item.

    Attributes:
        categories: names
        attributes: JSON values by name; the four above mask attributes of the same name
    """

    item_id: str = ""
    title: str = ""
    categories: tuple[str, ...] = ()
    created_at: datetime | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """Return what stands under a name; None where nothing does."""
        match name:
            case "item_id":
                return self.item_id
            case "title":
                return self.title or None
            case "category":
                return self.categories
            case "created_at":
                return self.created_at
        return self.attributes.get(name)


@dataclass(frozen=True, slots=True)
class Name:
    """The value that an item has under a name."""

    name: str

    def value(self, facts: Facts, now: datetime) -> Any:
        """Return it."""
        return facts.value(self.name)

    def __str__(self) -> str:
        is_plain = _PLAIN_NAME.fullmatch(self.name) and self.name.lower() not in KEYWORDS
        return self.name if is_plain else f"`{self.name}`"


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that was written down."""

    constant: Literal

    def value(self, facts: Facts, now: datetime) -> Any:
        """Return it."""
        return self.constant

    def __str__(self) -> str:
        match self.constant:
            case None:
                return "null"
            case bool():
                return "true" if self.constant else "false"
            case str():
                escaped = self.constant.replace("\\", "\\\\").replace('"', '\\"')
                return f'"{escaped}"'
        return repr(self.constant)

    def __eq__(self, other: object) -> bool:
        # 1, 1.0 and true are equal in Python and different things to write.
        return (
            isinstance(other, Constant)
            and type(self.constant) is type(other.constant)
            and self.constant == other.constant
        )

    def __hash__(self) -> int:
        return hash((type(self.constant), self.constant))


@dataclass(frozen=True, slots=True)
class Now:
    """The time of the request, or so many seconds after it; before it where they are negative."""

    seconds: int = 0

    def value(self, facts: Facts, now: datetime) -> Any:
        """Return it, None where there is no such date."""
        try:
            return now + timedelta(seconds=self.seconds)
        except OverflowError:
            return None

    def __str__(self) -> str:
        if not self.seconds:
            return "now"
        size = abs(self.seconds)
        unit, length = next(one for one in _UNITS if size % one[1] == 0)
        return f"now {'-' if self.seconds < 0 else '+'} {size // length}{unit}"


Operand = Name | Constant | Now


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right` with = != < <= > >= has contains."""

    left: Operand
    operator: str
    right: Operand

    def holds(self, facts: Facts, now: datetime) -> bool:
        """Tell whether it is true of an item."""
        left, right = self.left.value(facts, now), self.right.value(facts, now)
        if self.right == Constant(None):
            return _is_missing(left) is (self.operator == "=")
        if _is_missing(left) or _is_missing(right):
            return False
        lefts, rights = _elements(left), _elements(right)
        match self.operator:
            case "=" | "has":
                return any(_equal(a, b) for a in lefts for b in rights)
            case "!=":
                return not any(_equal(a, b) for a in lefts for b in rights)
            case "contains":
                return any(_contains(a, b) for a in lefts for b in rights)
        compare = _ORDER[self.operator]
        return any(_ordered(compare, a, b) for a in lefts for b in rights)

    def flips(self, facts: Facts) -> Iterator[datetime]:
        """Yield the times at which it turns from true to false or back for an item."""
        pair = (self.left, self.right)
        for one, other in (pair, pair[::-1]):
            if not isinstance(one, Now) or isinstance(other, Now):
                continue
            for value in _elements(other.value(facts, _EPOCH)):
                at = _time(value)
                if at is not None:
                    yield from _moved(at, -one.seconds)

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """`left in (...)`, or `left not in (...)`."""

    left: Operand
    choices: tuple[Constant, ...]
    is_not: bool = False

    def holds(self, facts: Facts, now: datetime) -> bool:
        """Tell whether it is true of an item."""
        left = self.left.value(facts, now)
        if _is_missing(left):
            return False
        found = any(_equal(a, b.constant) for a in _elements(left) for b in self.choices)
        return found is not self.is_not

    def flips(self, facts: Facts) -> Iterator[datetime]:
        """Yield nothing: it does not ask for the time."""
        return iter(())

    def __str__(self) -> str:
        word = "not in" if self.is_not else "in"
        return f"{self.left} {word} ({', '.join(map(str, self.choices))})"


@dataclass(frozen=True, slots=True)
class Exists:
    """`name exists`: there is a value, and it is neither null nor an empty list."""

    left: Operand

    def holds(self, facts: Facts, now: datetime) -> bool:
        """Tell whether it is true of an item."""
        return not _is_missing(self.left.value(facts, now))

    def flips(self, facts: Facts) -> Iterator[datetime]:
        """Yield nothing: it does not ask for the time."""
        return iter(())

    def __str__(self) -> str:
        return f"{self.left} exists"


@dataclass(frozen=True, slots=True)
class Truth:
    """A value on its own, such as `in_stock` or `true`: it holds where it is true."""

    left: Operand

    def holds(self, facts: Facts, now: datetime) -> bool:
        """Tell whether it is true of an item."""
        return any(_equal(one, True) for one in _elements(self.left.value(facts, now)))

    def flips(self, facts: Facts) -> Iterator[datetime]:
        """Yield nothing: it does not ask for the time."""
        return iter(())

    def __str__(self) -> str:
        return str(self.left)


@dataclass(frozen=True, slots=True)
class Not:
    """`not inner`."""

    inner: Node

    def holds(self, facts: Facts, now: datetime) -> bool:
        """Tell whether it is true of an item."""
        return not self.inner.holds(facts, now)

    def flips(self, facts: Facts) -> Iterator[datetime]:
        """Yield the times at which it turns from true to false or back for an item."""
        return self.inner.flips(facts)

    def __str__(self) -> str:
        return f"not {_bracketed(self.inner)}"


@dataclass(frozen=True, slots=True)
class Both:
    """`a and b and c`, or with `or` in place of `and`: `word` says which."""

    word: str
    parts: tuple[Node, ...]

    def holds(self, facts: Facts, now: datetime) -> bool:
        """Tell whether it is true of an item."""
        if self.word == "and":
            return all(part.holds(facts, now) for part in self.parts)
        return any(part.holds(facts, now) for part in self.parts)

    def flips(self, facts: Facts) -> Iterator[datetime]:
        """Yield the times at which it may turn from true to false or back for an item."""
        for part in self.parts:
            yield from part.flips(facts)

    def __str__(self) -> str:
        return f" {self.word} ".join(map(_bracketed, self.parts))


Node = Comparison | OneOf | Exists | Truth | Not | Both
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _bracketed(node: Node) -> str:
    return f"({node})" if isinstance(node, Both) else str(node)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, (list, tuple)) and not value)


def _elements(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _equal(left: Any, right: Any) -> bool:
    left, right = _alike(left, right)
    return type(left) is type(right) and bool(left == right)


def _ordered(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    left, right = _alike(left, right)
    return type(left) is type(right) in (float, str, datetime) and compare(left, right)


def _contains(left: Any, right: Any) -> bool:
    return isinstance(left, str) and isinstance(right, str) and right.lower() in left.lower()


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Return two values as the same type where one of them calls for it; else as they are."""
    for read in (_time, _truth, _number):
        kind = _KIND[read]
        if isinstance(left, kind) or isinstance(right, kind):
            return read(left), read(right)
    return left, right


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if len(value) < 100 and _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip()[:40])
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _moved(at: datetime, seconds: int) -> Iterator[datetime]:
    try:
        yield at + timedelta(seconds=seconds)
    except OverflowError:
        return


_KIND: dict[Callable[[Any], Any], Any] = {
    _time: datetime,
    _truth: bool,
    _number: (int, float),
}
