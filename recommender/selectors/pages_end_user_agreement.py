"""Where the list of a person and the tracker disagree about what the person wants, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from interests.models import Category, InterestState
from recommender.selectors.pages_lines import ItemLine

# The places of a list that a reader sees at once, and that most placements show.
NUM_PLACES = 20
# A list that follows the tracker is spread no more unevenly than one drawn at the tracker's weights, and
# such a draw leaves this many standard deviations once in 370 looks at one category.
SURE = 3.0
# With few places even three standard deviations are two items; a fifth of a list is what people notice.
MIN_GAP = 0.2
# With fewer places three standard deviations can be half of the list.
MIN_PLACES = 10
UNCATEGORISED = "uncategorised"
_FRACTIONS = (
    (1.0, "all"),
    (3 / 4, "three quarters"),
    (2 / 3, "two thirds"),
    (1 / 2, "half"),
    (1 / 3, "a third"),
    (1 / 4, "a quarter"),
)
# A fraction in words stands for what is at most this far from it.
_NEAR = 0.03


@dataclass(frozen=True)
class Disagreement:
    """One category of which the list holds far more, or less, than the tracker expects."""

    name: str
    colour_rank: int | None
    in_list: float
    tracked: float

    @property
    def sentence(self) -> str:
        """Return it in words: "The list is half Horror, the tracker says 8 %"."""
        said = f"{100 * self.tracked:.0f} %"
        if self.in_list == 0:
            return f"The list has no {self.name}, the tracker says {said}"
        return f"The list is {_share_in_words(self.in_list)} {self.name}, the tracker says {said}"


def mix(lines: list[ItemLine]) -> dict[str, float]:
    """Return how a list of items is spread over categories, by name; sums to 1 where there are items."""
    found: dict[str, float] = {}
    for line in lines:
        for category in line.categories:
            found[category.name] = found.get(category.name, 0.0) + category.share / len(lines)
        if not line.categories:
            found[UNCATEGORISED] = found.get(UNCATEGORISED, 0.0) + 1 / len(lines)
    return found


def disagreements(
    state: InterestState,
    in_list: Mapping[str, float],
    names: Mapping[int, Category],
    *,
    places: int,
) -> list[Disagreement]:
    """Return the categories on which list and tracker disagree by more than chance, the widest first.

    Args:
        in_list: share of the first places of the list, by the category's name.
        places: how many these are; fewer than `MIN_PLACES` say nothing.
    """
    if places < MIN_PLACES:
        return []
    found = []
    for key, tracked in zip(state.category_ids, state.weights, strict=True):
        if key not in names:
            continue  # what has no category is no interest
        category = names[key]
        share = in_list.get(category.name, 0.0)
        noise = sqrt(max(tracked * (1 - tracked), 0.0) / places)
        if abs(share - tracked) >= max(SURE * noise, MIN_GAP):
            found.append(Disagreement(category.name, category.colour_rank, share, tracked))
    return sorted(found, key=lambda row: -abs(row.in_list - row.tracked))


def _share_in_words(share: float) -> str:
    for value, words in _FRACTIONS:
        if abs(share - value) <= _NEAR:
            return words
    return f"{100 * share:.0f} %"
