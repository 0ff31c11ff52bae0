"""The effect of variants over the time of an experiment, as a figure."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

ROOM = timedelta(hours=1)
FIRST_COLOUR = 1  # of the variants beside the first one, in the palette of categories


@dataclass(frozen=True, slots=True)
class Point:
    """A variant's effect against the control at one look."""

    at: datetime
    effect: float
    low: float
    high: float
    people: int


def effect_over_time(lines: Sequence[tuple[str, Sequence[Point]]], *, title: str) -> dict[str, Any]:
    """Return each variant's effect with its confidence sequence as a band, and the line of no effect.

    Args:
        lines: name and looks, oldest first, of each variant beside the control.
        title: of the axis.
    """
    data = []
    # Plotly reads texts as HTML, links included.
    lines = [(html.escape(name, quote=False), points) for name, points in lines]
    for place, (name, points) in enumerate(lines):
        meta = {"role": "accent"} if not place else {"colour_rank": FIRST_COLOUR + place}
        data += [_band(name, points, meta), _line(name, points, meta)]
    return {
        "data": data,
        "layout": {
            "height": 340,
            "margin": {"l": 64, "r": 24, "t": 8, "b": 36},
            "showlegend": False,
            "hovermode": "x unified",
            "xaxis": {"type": "date", **_around([points for _, points in lines])},
            "yaxis": {
                "title": {"text": title, "standoff": 6},
                "automargin": True,
                "tickformat": "+.0%",
                "zeroline": True,
                "zerolinewidth": 2,
                "range": _range([points for _, points in lines]),
            },
            "annotations": [
                _label(name, points[-1]) for name, points in lines if points and len(lines) > 1
            ],
        },
    }


def _around(lines: Sequence[Sequence[Point]]) -> dict[str, Any]:
    """Return room beside a single look, which would else be shown by fractions of a second."""
    times = {point.at for points in lines for point in points}
    if len(times) != 1:
        return {}
    [at] = times
    return {"range": [(at + room).isoformat() for room in (-ROOM, ROOM)]}


def _range(lines: Sequence[Sequence[Point]]) -> list[float]:
    """Return an axis on which the newest intervals are well seen; the first ones are wide and may be cut."""
    newest = [points[len(points) // 4 :] for points in lines if points]
    values = [value for points in newest for point in points for value in (point.low, point.high)]
    low, high = min([*values, 0.0]), max([*values, 0.0])
    room = 0.08 * (high - low or 0.1)
    return [max(low - room, -1.05), min(high + room, 3.0)]


def _band(name: str, points: Sequence[Point], meta: dict[str, Any]) -> dict[str, Any]:
    there, back = list(points), list(reversed(points))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{name}, interval",
        "x": [point.at.isoformat() for point in there + back],
        "y": [point.low for point in there] + [point.high for point in back],
        "fill": "toself",
        "line": {"width": 0},
        "opacity": 0.3,
        "meta": meta,
        "hoverinfo": "skip",
    }


def _line(name: str, points: Sequence[Point], meta: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(points) < 3 else "lines",
        "name": name,
        "x": [point.at.isoformat() for point in points],
        "y": [point.effect for point in points],
        "meta": meta,
        # A band of one look has no width.
        **({"error_y": _whiskers(points)} if len(points) == 1 else {}),
        "customdata": [
            [f"{point.low:+.1%}", f"{point.high:+.1%}", f"{point.people:,}"] for point in points
        ],
        "hovertemplate": "%{y:+.1%} (%{customdata[0]} to %{customdata[1]}), %{customdata[2]} people",
    }


def _whiskers(points: Sequence[Point]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [point.high - point.effect for point in points],
        "arrayminus": [point.effect - point.low for point in points],
    }


def _label(name: str, point: Point) -> dict[str, Any]:
    return {
        "text": name,
        "x": point.at.isoformat(),
        "y": point.effect,
        "xanchor": "right",
        "yshift": 9,
        "showarrow": False,
    }
