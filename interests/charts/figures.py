"""Plain values -> Plotly figures as dicts.

No colour is fixed here: a trace says in `meta` which category it is by its `colour_rank` (12 or more, or
None: grey), or what it is by its `role`, and the script that draws it takes the theme's colour for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from interests.charts import labels, marks
from interests.charts.marks import Mark
from interests.charts.sentences import NOISE_UNTIL
from interests.charts.series import Series, bands_of, grouped

NOISE_BAND = (-NOISE_UNTIL, NOISE_UNTIL)
# Three rows under one another on one time axis, from the top: weights, raw shares, drift score.
ROWS = {"y": (0.52, 1.0), "y2": (0.24, 0.46), "y3": (0.0, 0.18)}
HEIGHT = 620


def interests_over_time(
    weights: Series,
    *,
    shares: Series,
    drift_scores: Sequence[float | None],
    drift_events: Sequence[Mark] = (),
    of_weights: str = "interest weights",
) -> dict[str, Any]:
    """Return the weights as a stacked area, the raw shares under it and the drift score below, one time axis.

    Args:
        weights: interest weights, oldest first.
        shares: shares of the raw events, with `num_events`; its times may be others.
        drift_scores: one for each time of the weights; None: too few events.
        drift_events: drawn as vertical marks through all three rows.
        of_weights: what is written beside the areas: which weights these are.
    """
    bands = bands_of(weights)
    data = [
        *areas(grouped(weights, bands), yaxis="y"),
        *_bars(grouped(shares, bands), yaxis="y2"),
        *_drift(weights, drift_scores, yaxis="y3"),
        *marks.heads(drift_events, yaxis="y"),
    ]
    layout: dict[str, Any] = {
        "height": HEIGHT,
        "margin": {"l": 56, "r": 24, "t": marks.HEAD_ROOM if drift_events else 8, "b": 36},
        "showlegend": False,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "barmode": "stack",
        "bargap": 0,
        "xaxis": {"type": "date", "anchor": "y3"},
        "yaxis": percent_axis(ROWS["y"], of_weights),
        "yaxis2": percent_axis(ROWS["y2"], "events"),
        "yaxis3": {
            "domain": list(ROWS["y3"]),
            "title": {"text": "drift score"},
            "anchor": "x",
            "automargin": True,
        },
        "annotations": labels.on_bands(grouped(weights, bands)),
        "shapes": marks.lines(drift_events),
    }
    return {"data": data, "layout": layout}


def weights_over_time(weights: Series) -> dict[str, Any]:
    """Return the weights alone as a stacked area."""
    shown = grouped(weights, bands_of(weights))
    return {
        "data": areas(shown, yaxis="y"),
        "layout": {
            "height": 320,
            "margin": {"l": 56, "r": 24, "t": 8, "b": 36},
            "showlegend": False,
            "hovermode": "x unified",
            "xaxis": {"type": "date"},
            "yaxis": percent_axis((0, 1), "interest weights"),
            "annotations": labels.on_bands(shown),
        },
    }


def areas(series: Series, *, yaxis: str) -> list[dict[str, Any]]:
    """Return a stacked area for each category of a series."""
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": category.label,
            "stackgroup": "weights",
            "x": moments_of(series.times),
            "y": [row[place] for row in series.values],
            "yaxis": yaxis,
            "line": {"width": 0.5},
            "meta": {"colour_rank": category.colour_rank},
            "hovertemplate": "%{y:.1%}",
        }
        for place, category in enumerate(series.categories)
    ]


def _bars(series: Series, *, yaxis: str) -> list[dict[str, Any]]:
    counts = list(series.num_events) or [0] * len(series.times)
    return [
        {
            "type": "bar",
            "name": f"{category.label}, events",
            "x": moments_of(series.times),
            "y": [row[place] for row in series.values],
            "yaxis": yaxis,
            "meta": {"colour_rank": category.colour_rank},
            "customdata": counts,
            "hovertemplate": "%{y:.1%} of %{customdata:,}",
        }
        for place, category in enumerate(series.categories)
    ]


def _drift(weights: Series, scores: Sequence[float | None], *, yaxis: str) -> list[dict[str, Any]]:
    """Return the band of noise and the score; a gap where there were too few events."""
    moments = moments_of(weights.times)
    ends = [moments[0], moments[-1], moments[-1], moments[0]] if moments else []
    low, high = NOISE_BAND
    band = {
        "type": "scatter",
        "mode": "lines",
        "name": "noise",
        "x": ends,
        "y": [low, low, high, high] if moments else [],
        "yaxis": yaxis,
        "fill": "toself",
        "line": {"width": 0},
        "opacity": 0.25,
        "meta": {"role": "rest"},
        "hoverinfo": "skip",
    }
    line = {
        "type": "scatter",
        "mode": "lines+markers" if len(moments) < 3 else "lines",
        "name": "drift score",
        "x": moments,
        "y": list(scores),
        "yaxis": yaxis,
        "meta": {"role": "accent"},
        "customdata": list(weights.num_events) or [0] * len(moments),
        "hovertemplate": "%{y:.1f} from %{customdata:,} events",
    }
    return [band, line]


def percent_axis(domain: tuple[float, float], title: str) -> dict[str, Any]:
    """Return an axis of shares from 0 to 100 % that takes a part of the figure's height."""
    return {
        "domain": list(domain),
        "title": {"text": title, "standoff": 6},
        "automargin": True,
        "range": [0, 1],
        "tickformat": ".0%",
        "fixedrange": True,
        "anchor": "x",
    }


def moments_of(times: Sequence[datetime]) -> list[str]:
    """Return times as Plotly reads them."""
    return [at.isoformat() for at in times]
