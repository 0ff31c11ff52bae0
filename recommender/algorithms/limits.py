"""Between which bounds settings lie, and the refusal of those that do not."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from recommender.algorithms.protocol import CannotFit


@dataclass(frozen=True)
class Bound:
    """What a number may be: from `least`, itself left out where `is_open`, up to `most`."""

    words: str
    least: float
    is_open: bool = False
    most: float = math.inf

    def holds(self, value: float) -> bool:
        return self.least <= value <= self.most and not (self.is_open and value == self.least)


ABOVE_0 = Bound("above 0", 0, is_open=True)
FROM_0 = Bound("of 0 or more", 0)
FROM_1 = Bound("of 1 or more", 1)
SHARE = Bound("from 0 to 1", 0, most=1)
PART = Bound("above 0 and at most 1", 0, is_open=True, most=1)


def insist(name: str, settings: Any, **bounds: Bound) -> None:
    """Refuse settings out of bounds before a fit: scores would be no numbers, or a library would stumble.

    Args:
        name: of the algorithm
        settings: a dataclass; its numbers must all be finite. None is no number.
        bounds: of its fields, by name.

    Raises:
        CannotFit: one of them is out of bounds; says which, and what it may be.
    """
    for field in fields(settings):
        value, bound = getattr(settings, field.name), bounds.get(field.name)
        words = field.name.replace("_", " ")
        if isinstance(value, bool) or not isinstance(value, int | float):
            if bound and value is not None:
                raise CannotFit(f"{name} needs a {words} {bound.words}, not {value!r}.")
            continue
        if not math.isfinite(value):
            raise CannotFit(f"{name} needs a number as its {words}, not {value}.")
        if bound and not bound.holds(value):
            raise CannotFit(f"{name} needs a {words} {bound.words}, not {value:g}.")
