"""Rows over time, and how many of their categories get a band of their own."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

PALETTE_SIZE = 12
# More bands than these are too thin to follow; the rest is one grey band.
MAX_BANDS = 8
OTHER = "other"


@dataclass(frozen=True)
class Category:
    """A category as figures need it."""

    name: str
    colour_rank: int | None

    @property
    def label(self) -> str:
        """Return the name as Plotly writes it letter for letter: it reads texts as HTML, links included."""
        return html.escape(self.name, quote=False)


@dataclass(frozen=True)
class Series:
    """Rows over time; each row of `values` runs parallel to `categories` and sums to 1 (or is all 0)."""

    categories: Sequence[Category]
    times: Sequence[datetime]
    values: Sequence[Sequence[float]]
    num_events: Sequence[int] = field(default_factory=list)


def bands_of(weights: Series) -> list[str]:
    """Return the names of the categories that get a band of their own, the largest on average first."""
    totals = [sum(column) for column in zip(*weights.values, strict=True)]
    order = sorted(range(len(totals)), key=lambda place: -totals[place])
    coloured = [
        place
        for place in order
        if (rank := weights.categories[place].colour_rank) is not None and rank < PALETTE_SIZE
    ]
    return [weights.categories[place].name for place in coloured[:MAX_BANDS]]


def grouped(series: Series, bands: Sequence[str]) -> Series:
    """Return a series of the bands, in that order, with everything else as "other"."""
    place = {category.name: number for number, category in enumerate(series.categories)}
    own = [place.get(name) for name in bands]
    values = []
    for row in series.values:
        parts = [0.0 if number is None else row[number] for number in own]
        values.append([*parts, max(0.0, sum(row) - sum(parts))])
    ranks = {category.name: category.colour_rank for category in series.categories}
    categories = [Category(name, ranks.get(name)) for name in bands]
    return Series([*categories, Category(OTHER, None)], series.times, values, series.num_events)
