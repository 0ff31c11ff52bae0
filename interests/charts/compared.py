"""Two end users on one time axis: the weights of each as areas in the same colours, and what they have in common."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from interests.charts import labels, marks
from interests.charts.figures import areas, moments_of, percent_axis
from interests.charts.marks import Mark
from interests.charts.series import Category, Series, bands_of, grouped

ROWS = ((0.64, 1.0), (0.23, 0.59), (0.0, 0.18))
HEIGHT = 620


@dataclass(frozen=True)
class Person:
    """One of the two: their name, their weights over time, their drift events."""

    name: str
    weights: Series
    drift_events: Sequence[Mark] = ()


def in_common(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the share of interest that two rows of weights have in common, 0 to 1: the sum of the smaller ones."""
    return sum(min(pair) for pair in zip(one, other, strict=True))


def aligned(one: Series, other: Series) -> tuple[Series, Series]:
    """Return both series over the same categories, in the same order; what one lacks is 0 there."""
    categories = list(dict.fromkeys([*one.categories, *other.categories]))
    return _over(one, categories), _over(other, categories)


def common_over_time(one: Series, other: Series) -> list[tuple[datetime, float]]:
    """Return what two people have in common at each time at which either's weights change, once both have some."""
    one, other = aligned(one, other)
    if not one.times or not other.times:
        return []
    begin = max(one.times[0], other.times[0])
    times = sorted({at for at in (*one.times, *other.times) if at >= begin})
    return [(at, in_common(_row_at(one, at), _row_at(other, at))) for at in times]


def two_over_time(first: Person, second: Person) -> dict[str, Any]:
    """Return the weights of two people above one another and what they have in common, on one time axis."""
    one, other = aligned(first.weights, second.weights)
    bands = bands_of(
        Series(one.categories, [*one.times, *other.times], [*one.values, *other.values])
    )
    shown = [grouped(series, bands) for series in (one, other)]
    common = common_over_time(one, other)
    data = [
        *areas(shown[0], yaxis="y"),
        *areas(shown[1], yaxis="y2"),
        _line(common),
        *marks.heads(first.drift_events, yaxis="y", low=ROWS[0][0], high=ROWS[0][1]),
        *marks.heads(second.drift_events, yaxis="y2", low=ROWS[1][0], high=ROWS[1][1]),
    ]
    names = [Category(_short(person.name), None).label for person in (first, second)]
    layout: dict[str, Any] = {
        "height": HEIGHT,
        "margin": {"l": 56, "r": 24, "t": marks.HEAD_ROOM, "b": 36},
        "showlegend": False,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "xaxis": {"type": "date", "anchor": "y3"},
        "yaxis": percent_axis(ROWS[0], names[0]),
        "yaxis2": percent_axis(ROWS[1], names[1]),
        "yaxis3": percent_axis(ROWS[2], "in common"),
        "annotations": [
            *labels.on_bands(shown[0]),
            *({**label, "yref": "y2"} for label in labels.on_bands(shown[1])),
        ],
        "shapes": [
            *marks.lines(first.drift_events, low=ROWS[0][0], high=ROWS[0][1]),
            *marks.lines(second.drift_events, low=ROWS[1][0], high=ROWS[1][1]),
        ],
    }
    return {"data": data, "layout": layout}


def common_sentence(first: Person, second: Person) -> str:
    """Say how much two people have in common now, and from how many events that is."""
    common = common_over_time(first.weights, second.weights)
    if not common:
        return "One of the two has no interest states yet: nothing to compare."
    now, before = common[-1][1], common[0][1]
    events = " and ".join(f"{_last(person.weights.num_events):,}" for person in (first, second))
    said = f"They have {100 * now:.0f} % of their interests in common, from {events} events"
    if len(common) > 1:
        at = common[0][0]
        said += f"; {100 * before:.0f} % on {at.day} {at:%B %Y}"
    return f"{said}."


def common_table(first: Person, second: Person) -> tuple[list[str], list[list[str]]]:
    """Return header and rows, newest first: the weights of both and what they have in common."""
    one, other = aligned(first.weights, second.weights)
    bands = bands_of(
        Series(one.categories, [*one.times, *other.times], [*one.values, *other.values])
    )
    shown = [grouped(series, bands) for series in (one, other)]
    header = ["At", "In common"]
    header += [
        f"{category.name}, {person.name}"
        for category in shown[0].categories
        for person in (first, second)
    ]
    rows = []
    for at, common in common_over_time(one, other):
        pairs = zip(_row_at(shown[0], at), _row_at(shown[1], at), strict=True)
        cells = [f"{100 * value:.1f} %" for pair in pairs for value in pair]
        rows.append([f"{at:%Y-%m-%d}", f"{100 * common:.1f} %", *cells])
    return header, rows[::-1]


def _over(series: Series, categories: list[Category]) -> Series:
    place = {category: number for number, category in enumerate(series.categories)}
    order = [place.get(category) for category in categories]
    values = [[0.0 if number is None else row[number] for number in order] for row in series.values]
    return replace(series, categories=categories, values=values)


def _row_at(series: Series, at: datetime) -> Sequence[float]:
    return series.values[bisect_right(series.times, at) - 1]


def _line(common: Sequence[tuple[datetime, float]]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(common) < 3 else "lines",
        "name": "in common",
        "x": moments_of([at for at, _ in common]),
        "y": [value for _, value in common],
        "yaxis": "y3",
        "line": {"shape": "hv"},
        "meta": {"role": "accent"},
        "hovertemplate": "%{y:.0%}",
    }


def _short(name: str) -> str:
    """Return a name that fits beside a row."""
    return name if len(name) <= 18 else f"{name[:17]}…"


def _last(counts: Sequence[int]) -> int:
    return counts[-1] if counts else 0
