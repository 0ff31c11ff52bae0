"""Reading the values of rules: each function returns a value as it should be, or a clear error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

MAX_RULES = 500  # pins, boosts, categories: what a page still shows and an answer still takes in


class RulesError(ValueError):
    """A rule cannot be followed; the message says which, why, and what would be right."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


def integer(low: int, high: int) -> Callable[[str, Any], int]:
    """Read a whole number from `low` to `high`."""

    def read(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise RulesError(name, f"must be a whole number from {low:,} to {high:,}.")
        return value

    return read


def number(low: float, high: float) -> Callable[[str, Any], float]:
    """Read a finite number from `low` to `high`."""

    def read(name: str, value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not low <= value <= high:
            raise RulesError(name, f"must be a number from {low:g} to {high:g}.")
        return float(value)

    return read


def text(longest: int) -> Callable[[str, Any], str]:
    """Read a text of at most so many characters that PostgreSQL can take."""

    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or "\0" in value:
            raise RulesError(name, f"must be a text of at most {longest:,} characters.")
        if not value.isprintable() and any("\ud800" <= one <= "\udfff" for one in value):
            raise RulesError(name, "holds half of a surrogate pair, which cannot be stored.")
        return value

    return read


def truth(name: str, value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise RulesError(name, "must be true or false.")
    return value


def each(read: Callable[[str, Any], Any]) -> Callable[[str, Any], tuple[Any, ...]]:
    """Read a list, each entry by `read`."""

    def read_all(name: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MAX_RULES:
            raise RulesError(name, f"must be a list of at most {MAX_RULES}.")
        return tuple(read(f"{name}[{place}]", one) for place, one in enumerate(value))

    return read_all


def choice(kind: type[StrEnum]) -> Callable[[str, Any], StrEnum]:
    """Read one of the values of an enumeration."""

    def read(name: str, value: Any) -> StrEnum:
        try:
            return kind(value)
        except ValueError:
            raise RulesError(name, f"must be one of {', '.join(kind)}.") from None

    return read


def moment(name: str, value: Any) -> datetime | None:
    """Read an ISO 8601 time with its zone, or None."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise RulesError(
            name, "must be an ISO 8601 time such as 2026-03-04T12:00:00+00:00."
        ) from None
    if found.tzinfo is None:
        raise RulesError(name, "must say its time zone, such as 2026-03-04T12:00:00+00:00.")
    return found
