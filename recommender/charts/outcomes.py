"""What came of answers over time, as lines with their intervals; how far slates were behind events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

# Colour and dash of each line: categories own the other colours.
LOOKS = (
    ("accent", "solid"),
    ("text-soft", "solid"),
    ("text-faint", "dash"),
    ("text-soft", "dot"),
    ("text-faint", "dashdot"),
    ("text-soft", "longdash"),
)
MAX_LINES = len(LOOKS)
LINES_PIXELS, LAG_PIXELS = 300, 170
LABEL_PIXELS, LABEL_LETTERS = 118, 16
LETTER_GAP = 0.09
# So many days have room for a label each.
FEW_DAYS = timedelta(days=10)
EACH_DAY = {"dtick": 86_400_000, "tickformat": "%b %-d"}  # milliseconds


@dataclass(frozen=True)
class Rates:
    """One part over time; the lists run parallel. `low` and `high` are None where people are too few to say.

    Attributes:
        notes: what the hover says of each point
    """

    name: str
    times: Sequence[datetime]
    values: Sequence[float]
    low: Sequence[float | None]
    high: Sequence[float | None]
    notes: Sequence[str]


def rates_over_time(
    lines: Sequence[Rates],
    *,
    title: str,
    is_share: bool,
    is_hourly: bool,
    window: tuple[datetime, datetime],
) -> dict[str, Any]:
    """Return a line for each part, at most six, with its 95 % intervals as whiskers.

    Args:
        title: what the vertical axis shows, with its unit.
        is_hourly: whether points are hours; days have no hours on the axis.
        window: first and last moment of the horizontal axis.
    """
    shown = lines[:MAX_LINES]
    # What is very uncertain must not press everything else flat.
    top = 1.35 * max((value for line in shown for value in line.values), default=0.0) or 1.0
    return {
        "data": [_line(line, *look) for line, look in zip(shown, LOOKS, strict=False)],
        "layout": {
            "height": LINES_PIXELS,
            "margin": {"l": 56, "r": LABEL_PIXELS if len(shown) > 1 else 24, "t": 8, "b": 36},
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": {
                "type": "date",
                "range": [at.isoformat() for at in window],
                **({} if is_hourly or window[1] - window[0] > FEW_DAYS else EACH_DAY),
            },
            "yaxis": {
                "title": {"text": title, "standoff": 6},
                "automargin": True,
                "tickformat": ".1%" if is_share and top <= 0.1 else ".0%" if is_share else "",
                "range": [0, top],
                "fixedrange": True,
            },
            "annotations": _labels(shown, top) if len(shown) > 1 else [],
        },
    }


def lag_over_time(
    times: Sequence[datetime], seconds: Sequence[float], notes: Sequence[str]
) -> dict[str, Any]:
    """Return the lag as a filled line, small."""
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "name": "Lag",
                "meta": {"role": "accent"},
                "fill": "tozeroy",
                "fillcolor": "accent/18",
                "x": [at.isoformat() for at in times],
                "y": list(seconds),
                "customdata": list(notes),
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        ],
        "layout": {
            "height": LAG_PIXELS,
            "margin": {"l": 48, "r": 16, "t": 8, "b": 40},
            "showlegend": False,
            "hovermode": "x",
            "xaxis": {"type": "date"},
            "yaxis": {
                "title": {"text": "seconds behind", "standoff": 6},
                "automargin": True,
                "range": [0, max(1.2 * max(seconds, default=0.0), 5.0)],
                "fixedrange": True,
            },
        },
    }


def _line(line: Rates, colour: str, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": line.name,
        "line": {"color": colour, "dash": dash, "width": 2},
        "marker": {"color": colour, "size": 4},
        "x": [at.isoformat() for at in line.times],
        "y": list(line.values),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": _distances(line.high, line.values),
            "arrayminus": _distances(line.values, line.low),
            "color": f"{colour}/45",
            "thickness": 1,
            "width": 2,
        },
        "customdata": list(line.notes),
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _distances(above: Sequence[float | None], below: Sequence[float | None]) -> list[float | None]:
    return [
        None if high is None or low is None else high - low
        for high, low in zip(above, below, strict=True)
    ]


def _labels(lines: Sequence[Rates], top: float) -> list[dict[str, Any]]:
    """Return each line's name at its right end, pushed apart where they would lie on one another."""
    ends = [
        (line.values[-1] / top, line.name, colour)
        for line, (colour, _) in zip(lines, LOOKS, strict=False)
        if line.values
    ]
    labels, last = [], -1.0
    for height, name, colour in sorted(ends):
        last = max(height, last + LETTER_GAP)
        labels.append(
            {
                "text": name if len(name) <= LABEL_LETTERS else f"{name[: LABEL_LETTERS - 1]}…",
                "font": {"color": colour},
                "x": 1,
                "xref": "paper",
                "y": last,
                "yref": "paper",
                "xanchor": "left",
                "xshift": 6,
                "showarrow": False,
            }
        )
    return labels
