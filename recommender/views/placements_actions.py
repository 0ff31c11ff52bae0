"""What the buttons of the editor of a placement do to what stands in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recommender.ranking.rules import MAX_LENGTH
from recommender.views.placements_form import BoostRow, PinRow, Typed, clean


def act(typed: Typed, verb: str, argument: str) -> None:
    """Do what a button of the editor says; what makes no sense does nothing."""
    if verb in _ON_ROWS:
        rows, change = _ON_ROWS[verb]
        place = int(argument) if argument.isascii() and argument.isdigit() else -1
        found: list[Any] = getattr(typed, rows)
        if 0 <= place < len(found):
            change(found, place)
    elif verb in _WITH_TEXT and argument:
        _WITH_TEXT[verb](typed, clean(argument))


def _remove(rows: list[Any], place: int) -> None:
    del rows[place]


def _earlier(rows: list[Any], place: int) -> None:
    if place:
        rows[place - 1], rows[place] = rows[place], rows[place - 1]


def _move_pin(by: int) -> Callable[[list[PinRow], int], None]:
    def move(rows: list[PinRow], place: int) -> None:
        row = rows[place]
        if not row.rank.isdecimal():
            return
        wanted = min(max(int(row.rank) + by, 1), MAX_LENGTH)
        for other in rows:
            if other is not row and other.rank == str(wanted):
                other.rank = row.rank
        row.rank = str(wanted)
        rows.sort(key=lambda one: int(one.rank) if one.rank.isdecimal() else MAX_LENGTH)

    return move


def _pin(typed: Typed, item_id: str) -> None:
    taken = {row.rank for row in typed.pins}
    free = next(rank for rank in range(1, len(taken) + 2) if str(rank) not in taken)
    typed.pins.append(PinRow(item_id, str(free)))


def _append(rows: str) -> Callable[[Typed, str], None]:
    def append(typed: Typed, text: str) -> None:
        found: list[str] = getattr(typed, rows)
        if text not in found:
            found.append(text)

    return append


def _boost(kind: str) -> Callable[[Typed, str], None]:
    return lambda typed, text: typed.boosts.append(BoostRow(kind, text))


_ON_ROWS: dict[str, tuple[str, Callable[[Any, int], None]]] = {
    "unpin": ("pins", _remove),
    "pin_up": ("pins", _move_pin(-1)),
    "pin_down": ("pins", _move_pin(1)),
    "unboost": ("boosts", _remove),
    "in_off": ("categories_in", _remove),
    "out_off": ("categories_out", _remove),
    "fallback_up": ("fallbacks", _earlier),
    "fallback_off": ("fallbacks", _remove),
}
_WITH_TEXT: dict[str, Callable[[Typed, str], None]] = {
    "pin": _pin,
    "in_on": _append("categories_in"),
    "out_on": _append("categories_out"),
    "fallback_on": _append("fallbacks"),
    "boost_item": _boost("item_id"),
    "boost_category": _boost("category"),
    "boost_where": _boost("where"),
}
