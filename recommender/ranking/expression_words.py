"""What an editor says about an expression: where it cannot be read, and which names it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from recommender.ranking import expressions
from recommender.ranking.expression_nodes import Name

# What every item has, whatever its attributes.
OWN_NAMES = ("category", "created_at", "item_id", "title")


@dataclass(frozen=True)
class Mark:
    """Where an expression cannot be read: what stands before, the character that does not fit, what follows."""

    before: str
    at: str
    after: str


def mark(text: str) -> Mark | None:
    """Return where an expression cannot be read, None where it can."""
    try:
        expressions.parse(text)
    except expressions.ExpressionError as error:
        begin = error.position - 1
        return Mark(text[:begin], text[begin : begin + 1] or " ", text[begin + 1 :])
    return None


def names(text: str) -> list[str]:
    """Return the names of attributes that an expression asks for, sorted; none where it cannot be read."""
    try:
        found = expressions.parse(text)
    except expressions.ExpressionError:
        return []
    return sorted({name for name in _names(found.node) if name not in OWN_NAMES})


def _names(part: Any) -> Iterator[str]:
    if isinstance(part, Name):
        yield part.name
    elif isinstance(part, tuple):
        for one in part:
            yield from _names(one)
    elif is_dataclass(part):
        for own in fields(part):
            yield from _names(getattr(part, own.name))
