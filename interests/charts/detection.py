"""What a detector finds for how many false alarms, as a figure and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Point:
    """What one threshold reaches; shares are from 0 to 1."""

    threshold: float
    false_alarms_per_1000: float
    found_share: float
    low: float
    high: float
    is_in_force: bool


def found_by_false_alarms(points: Sequence[Point]) -> dict[str, Any]:
    """Return the share of changes found over the false alarms, the threshold in force marked."""
    data = [
        _trace(points, name="thresholds tried", role="rest", mode="lines+markers"),
        _trace(
            [p for p in points if p.is_in_force], name="in force", role="accent", mode="markers"
        ),
    ]
    return {
        "data": [trace for trace in data if trace["x"]],
        "layout": {
            "height": 340,
            "margin": {"l": 56, "r": 24, "t": 8, "b": 44},
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": {
                "title": {"text": "false alarms per 1,000 events"},
                "rangemode": "tozero",
            },
            "yaxis": {
                "title": {"text": "changes found"},
                "tickformat": ".0%",
                "range": [0, 1],
            },
        },
    }


def sentence(points: Sequence[Point]) -> str:
    """Say what the threshold in force reaches among our own people."""
    now = next((point for point in points if point.is_in_force), None)
    if now is None:
        return (
            "The threshold in force was not among those tried; test again to see what it reaches."
        )
    found = f"{now.found_share:.0%}".replace("%", " %")
    every = (
        f"one false alarm in {1000 / now.false_alarms_per_1000:,.0f} events"
        if now.false_alarms_per_1000
        else "no false alarm"
    )
    return f"At the threshold in force {found} of known changes are found, with {every}."


def _trace(points: Sequence[Point], *, name: str, role: str, mode: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": mode,
        "name": name,
        "x": [point.false_alarms_per_1000 for point in points],
        "y": [point.found_share for point in points],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [point.high - point.found_share for point in points],
            "arrayminus": [point.found_share - point.low for point in points],
        },
        "marker": {"size": 13 if role == "accent" else 7},
        "meta": {"role": role},
        "customdata": [f"{point.threshold:.2f}" for point in points],
        "hovertemplate": (
            "threshold %{customdata} nats<br>%{y:.0%} found<br>%{x:.2f} false alarms per 1,000 events"
            "<extra></extra>"
        ),
    }
