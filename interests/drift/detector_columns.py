"""Wide catalogues: a person's detector holds only the categories they touched last.

Up to `MOST_COLUMNS` categories each have a column of their own. Beyond, a category gets a column when it is
touched, and the one untouched for longest loses it. Moves are weighed between pairs of categories, so
that what is left out of the others costs hardly anything.

Legend: K columns, C categories, the last of them "uncategorised", L length of a history.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from interests.drift.detector_bank import LEAST, Bank, Floats
from interests.drift.detector_settings import DetectorSettings
from interests.drift.detector_steps import move_chances

MOST_COLUMNS = 48
MOST_CATEGORIES_OF_AN_EVENT = 16


@dataclass
class Columns:
    """Which category stands in which column; in a narrow catalogue each in its own, for good.

    Attributes:
        num_categories: C
        places: column of each category that has one, the one untouched for longest first
    """

    num_categories: int
    places: dict[int, int] = field(default_factory=dict)

    @property
    def is_wide(self) -> bool:
        return self.num_categories - 1 > MOST_COLUMNS

    @property
    def num_columns(self) -> int:
        return max(1, min(self.num_categories - 1, MOST_COLUMNS))

    def fold(self, shares: NDArray[np.floating]) -> tuple[Floats, list[int]]:
        """Return an event's shares by column [K], and the columns that first have to be emptied."""
        folded = np.zeros(self.num_columns)
        if not self.is_wide:
            folded[: self.num_categories - 1] = shares[:-1]
            return folded, []
        emptied = []
        own = np.flatnonzero(shares[:-1] > 0)
        own = own[np.argsort(-shares[own], kind="stable")][:MOST_CATEGORIES_OF_AN_EVENT]
        for category in own.tolist():
            place = self.places.pop(category, -1)
            if place < 0 and len(self.places) < self.num_columns:
                place = len(self.places)
            elif place < 0:
                place = self.places.pop(next(iter(self.places)))
                emptied.append(place)
            self.places[category] = place
            folded[place] = shares[category]
        return folded, emptied

    def category(self, column: int) -> int:
        """Return the category in a column."""
        if not self.is_wide:
            return column
        return next(category for category, place in self.places.items() if place == column)

    def unfold(self, by_column: Floats) -> Floats:
        """Return shares of all categories. [C]"""
        shares = np.zeros(self.num_categories)
        if not self.is_wide:
            shares[:-1] = by_column[: self.num_categories - 1]
        else:
            shares[list(self.places)] = by_column[list(self.places.values())]
        total = shares.sum()
        return shares / total if total > 0 else shares


def empty_columns(bank: Bank, row: int, columns: list[int], settings: DetectorSettings) -> None:
    """Make columns of one person those of categories never touched."""
    if not columns:
        return
    for column in columns:
        bank.counts[row, column] = bank.session_counts[row, column] = 0
        bank.binge_logs[row, column] = bank.binge_logs[row].min()
        bank.before[row, :, column] = bank.before[row].min(1)
        for ratios in (bank.past, bank.running):
            ratios[row, ..., column] = ratios[row].min(-1)
        bank.past[row][bank.falling[row] == column] = LEAST
        bank.recent_shares[row][bank.recent_columns[row] == column] = 0
        if column in bank.last_move[row]:
            bank.last_move[row] = -1
    own = slice(row, row + 1)
    bank.chances[own] = move_chances(
        bank.before[own], bank.falling[own], bank.last_move[own], settings
    )
