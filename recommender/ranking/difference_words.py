"""Sentences about lists that differ, and about the interests behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from recommender.ranking.differences import MIN_STRETCHES, is_more_than_usual

# More names in one sentence nobody takes in.
MAX_NAMES = 2
# A weight that moved by less is not worth a word.
MIN_MOVE = 0.005


def interests_sentence(
    *, since: datetime, falling: Sequence[str], rising: Sequence[str], is_return: bool = False
) -> str:
    """Say what is wanted less and what more since a time."""
    said = names_sentence(falling=falling, rising=rising, is_return=is_return)
    return f"Since {since.day} {since:%B %Y}: {said}."


def names_sentence(*, falling: Sequence[str], rising: Sequence[str], is_return: bool) -> str:
    """Say what is wanted less and what more: "less Horror, more Documentary"."""
    parts = [
        f"{word} {_listed(names[:MAX_NAMES])}"
        for word, names in (("less", falling), ("more", rising))
        if names
    ]
    said = ", ".join(parts) or "a mix of interests that no single category stands for"
    return f"{said}, as before" if is_return else said


def change_sentence(num_changed: int, *, length: int, usual: Sequence[int], num_events: int) -> str:
    """Say how much a list changed with a change of interests, and whether because of it.

    Args:
        num_changed: places of the list that hold another item.
        length: of the list.
        usual: the same over stretches of equally many events without a change.
        num_events: of each stretch.
    """
    counted = f"{num_changed} of {length} recommendations changed"
    if not num_changed:
        return f"None of the {length} recommendations changed."
    if len(usual) < MIN_STRETCHES:
        there = "no" if not usual else "only one" if len(usual) == 1 else f"only {len(usual)}"
        return (
            f"{counted}. Whether because of it cannot be said: before it there {_is(len(usual))} {there} "
            f"equally long {_plural('stretch', len(usual), 'es')} of {num_events:,} "
            f"{_plural('event', num_events)} without a change to compare with; {MIN_STRETCHES} are needed."
        )
    compared = (
        f"over {len(usual)} equally long stretches of {num_events:,} {_plural('event', num_events)} "
        f"before it, {_range(usual)} did"
    )
    if is_more_than_usual(num_changed, usual):
        return f"{counted} because of it: {compared}."
    return f"{counted}, no more than without a change of interests: {compared}."


def weights_sentence(moves: Sequence[tuple[str, float, float]]) -> str:
    """Say which weights rose and fell most.

    Args:
        moves: name, weight before and after.
    """
    rising = max(moves, key=lambda move: move[2] - move[1], default=None)
    falling = min(moves, key=lambda move: move[2] - move[1], default=None)
    said = []
    if rising and rising[2] - rising[1] >= MIN_MOVE:
        said.append(f"{rising[0]} rises from {_percent(rising[1])} to {_percent(rising[2])}")
    if falling and falling[1] - falling[2] >= MIN_MOVE:
        said.append(f"{falling[0]} falls from {_percent(falling[1])} to {_percent(falling[2])}")
    if not said:
        return f"No interest weight moves by {100 * MIN_MOVE:g} points or more."
    return ", ".join(said) + "."


def list_sentence(num_changed: int, *, length: int) -> str:
    """Say how many places of a list would hold another item."""
    if not num_changed:
        return f"All {length} recommendations stay."
    return f"{num_changed} of {length} recommendations would be others."


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)


def _range(usual: Sequence[int]) -> str:
    low, high = min(usual), max(usual)
    return f"{low}" if low == high else f"{low} to {high}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _plural(noun: str, count: int, ending: str = "s") -> str:
    return noun if count == 1 else noun + ending


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
