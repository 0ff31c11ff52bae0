"""Names written on the areas of a stack, where they have room and lie on no other name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interests.charts.series import Series

# Bands thinner than this at their thickest place have no room for a label.
MIN_LABEL_SHARE = 0.06
# How large a label is as a share of the plot, at the width of a usual screen; where the plot is narrower
# the script that draws it leaves out what would still lie on another label.
LETTER_WIDTH, PADDING, LABEL_HEIGHT = 0.0115, 0.015, 0.075


@dataclass(frozen=True)
class Box:
    """The place of a label, as shares of the plot."""

    left: float
    right: float
    low: float
    high: float

    def overlaps(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.low < other.high
            and other.low < self.high
        )


def on_bands(series: Series) -> list[dict[str, Any]]:
    """Return annotations with the names of the bands, the thickest band first, where each is thick and free."""
    places = _places_in_time(series)
    taken: list[Box] = []
    labels = []
    for band in _thickest_first(series):
        thickness = [row[band] for row in series.values]
        order = sorted(range(len(thickness)), key=lambda at: (-round(thickness[at], 3), at))
        for at in order:
            if thickness[at] < MIN_LABEL_SHARE:
                break  # no room anywhere: the table and the hover still name it
            middle = sum(series.values[at][:band]) + thickness[at] / 2
            box = _box(series.categories[band].name, places[at], middle)
            if not any(box.overlaps(other) for other in taken):
                taken.append(box)
                labels.append(_annotation(series, band, at, middle, places[at]))
                break
    return labels


def _places_in_time(series: Series) -> list[float]:
    """Return how far along the axis each time stands, 0 to 1."""
    if not series.times:
        return []
    start, length = series.times[0], (series.times[-1] - series.times[0]).total_seconds()
    return [(at - start).total_seconds() / length if length else 0.5 for at in series.times]


def _thickest_first(series: Series) -> list[int]:
    most = [max(column, default=0.0) for column in zip(*series.values, strict=True)]
    return sorted(range(len(most)), key=lambda band: -most[band])


def _box(name: str, place: float, middle: float) -> Box:
    width = LETTER_WIDTH * len(name) + PADDING
    left = place - {"left": 0.0, "center": 0.5, "right": 1.0}[_anchor(place)] * width
    return Box(left, left + width, middle - LABEL_HEIGHT / 2, middle + LABEL_HEIGHT / 2)


def _annotation(series: Series, band: int, at: int, middle: float, place: float) -> dict[str, Any]:
    return {
        "text": series.categories[band].label,
        "x": series.times[at].isoformat(),
        "y": middle,
        "yref": "y",
        "xanchor": _anchor(place),
        "showarrow": False,
    }


def _anchor(place: float) -> str:
    """Keep a label at the edge of the figure inside it."""
    if place < 0.2:
        return "left"
    return "right" if place >= 0.8 else "center"


def boxes(series: Series, labels: Sequence[dict[str, Any]]) -> list[Box]:
    """Return where labels lie, for whoever wants to check that none lies on another."""
    places = dict(
        zip((at.isoformat() for at in series.times), _places_in_time(series), strict=True)
    )
    return [_box(label["text"], places[label["x"]], label["y"]) for label in labels]
