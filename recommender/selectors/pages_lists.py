"""Two lists of recommendations beside each other, and what they are made of beside what is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interests.models import Category
from recommender.ranking import difference_words, differences
from recommender.ranking.differences import Difference
from recommender.selectors.pages_lines import ItemLine, item_lines

# Categories that hardly matter on any side make no line.
LEAST_SHARE = 0.005
NUM_MIX_LINES = 12


@dataclass(frozen=True)
class ListLine:
    """One place of a list; `other_rank` is the item's place in the other list, None where it is not in it."""

    rank: int
    item: ItemLine
    other_rank: int | None


@dataclass(frozen=True)
class Sides:
    """Two lists and how the second differs from the first."""

    before: list[ListLine]
    after: list[ListLine]
    difference: Difference

    @property
    def length(self) -> int:
        return max(len(self.before), len(self.after))


@dataclass(frozen=True)
class MixLine:
    """One category: what is wanted of it, and its share of the list, each before and after.

    `share_before` and `share_after` are None where only weights are compared.
    """

    name: str
    colour_rank: int | None
    weight_before: float
    weight_after: float
    share_before: float | None = None
    share_after: float | None = None

    @property
    def change(self) -> float:
        return self.weight_after - self.weight_before


def sides(before: Sequence[int], after: Sequence[int]) -> Sides:
    """Return two lists of item keys with their items; two queries."""
    items = item_lines([*before, *after])
    return Sides(
        _lines(before, after, items),
        _lines(after, before, items),
        differences.compare(before, after),
    )


def lines(keys: Sequence[int]) -> list[ListLine]:
    """Return one list of item keys with its items; two queries."""
    return _lines(keys, (), item_lines(list(keys)))


def mix(
    names: Mapping[int, Category],
    *,
    weights: tuple[Mapping[int, float], Mapping[int, float]],
    shares: tuple[Mapping[str, float], Mapping[str, float]] | None = None,
) -> list[MixLine]:
    """Return the categories that matter on any side, those that moved most first.

    Args:
        weights: interest weights by category key, before and after.
        shares: of the lists, by category key as text; None where only weights are compared.
    """
    found = []
    for key in sorted({*weights[0], *weights[1]}):
        if key and key not in names:
            continue  # removed since
        name, rank = (names[key].name, names[key].colour_rank) if key else ("Uncategorised", None)
        numbers = [side.get(key, 0.0) for side in weights]
        listed = [side.get(str(key), 0.0) for side in shares] if shares else [None, None]
        if max([*numbers, *(part or 0.0 for part in listed)]) >= LEAST_SHARE:
            found.append(MixLine(name, rank, *numbers, *listed))
    most = sorted(found, key=lambda line: -max(line.weight_before, line.weight_after))
    return sorted(most[:NUM_MIX_LINES], key=lambda line: -line.change)


def weights_sentence(found: Sequence[MixLine]) -> str:
    """Say which weights moved most."""
    return difference_words.weights_sentence(
        [(line.name, line.weight_before, line.weight_after) for line in found]
    )


def _lines(
    own: Sequence[int], other: Sequence[int], items: Mapping[int, ItemLine]
) -> list[ListLine]:
    ranks = {key: rank for rank, key in enumerate(other, start=1)}
    return [
        ListLine(rank, items[key], ranks.get(key))
        for rank, key in enumerate(own, start=1)
        if key in items
    ]
