"""What everybody wants over time, segments as a heat map, flows between interests: values -> figures as dicts.

Colours are names that the script which draws them replaces by the theme's.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from interests.charts.series import PALETTE_SIZE, Category

MARGIN = {"l": 56, "r": 24, "t": 8, "b": 36}
# Names at the ends of lines are written into the margin.
LABEL_PIXELS, LABEL_LETTERS, LABEL_GAP_PIXELS = 118, 15, 17
LINES_PIXELS = 380
# What is very uncertain must not press everything else flat: the axis ends above the largest share.
HEADROOM = 1.5
ROW_PIXELS, FRAME_PIXELS = 26, 96
# Beyond this a significance is as sure as any; the colours spread over what lies below.
SUREST = 6.0
# With more columns than these the gaps would be wider than the cells.
MAX_GAPPED = 60


@dataclass(frozen=True)
class Line:
    """One category over time; the lists run parallel.

    Attributes:
        shares, low, high: 0 to 1
        is_sure: whether the period differs from those before by more than noise
        notes: what the hover says beside the share
    """

    category: Category
    periods: Sequence[date]
    shares: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    is_sure: Sequence[bool]
    notes: Sequence[str]


@dataclass(frozen=True)
class Grid:
    """Segments by periods; None where a segment did nothing."""

    segments: Sequence[str]
    periods: Sequence[date]
    values: Sequence[Sequence[float | None]]
    notes: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Flow:
    """Interest that went from one category to another, in end users."""

    start: Category
    end: Category
    end_users: float


def colour(category: Category) -> str:
    """Return the name of a category's colour."""
    rank = category.colour_rank
    return "category-other" if rank is None or rank >= PALETTE_SIZE else f"category-{rank}"


def lines_over_time(lines: Sequence[Line]) -> dict[str, Any]:
    """Return a line for each category with its band of uncertainty; what is more than noise has a mark."""
    bands = [_band(line) for line in lines]
    drawn = [_line(line) for line in lines]
    top = _top(lines)
    marks = [_marks(line) for line in lines if any(line.is_sure)]
    layout = {
        "height": LINES_PIXELS,
        "margin": MARGIN | {"r": LABEL_PIXELS},
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": {"type": "date", **_window(lines)},
        "yaxis": {
            "title": {"text": "share of events", "standoff": 6},
            "automargin": True,
            # Below a tenth whole percents would stand there twice.
            "tickformat": ".0%" if top > 0.1 else ".1%",
            "range": [0, top],
            "fixedrange": True,
        },
        "annotations": _end_labels(lines, top),
    }
    return {"data": [*bands, *drawn, *marks], "layout": layout}


def heat_map(grid: Grid, *, category: Category, is_significance: bool) -> dict[str, Any]:
    """Return segments by periods as coloured cells: the share of a category, or how sure its change is."""
    scale: dict[str, Any] = {
        "colorscale": [[0, "sunken"], [1, colour(category)]],
        "zmin": 0,
        "zmax": max((value for row in grid.values for value in row if value is not None), default=1)
        or 1,
    }
    if is_significance:
        # Falls in the colour of the second category, rises in that of the first: safe for colour-blind eyes.
        colours = [[0, "category-1"], [0.5, "sunken"], [1, "category-0"]]
        scale = {"colorscale": colours, "zmin": -SUREST, "zmax": SUREST}
    gap = 1 if len(grid.periods) <= MAX_GAPPED else 0
    trace = {
        "type": "heatmap",
        "x": [period.isoformat() for period in grid.periods],
        "y": [_label(segment) for segment in grid.segments],
        "z": [list(row) for row in grid.values],
        "customdata": [list(row) for row in grid.notes],
        "hovertemplate": "%{y}<br>%{customdata}<extra></extra>",
        "hoverongaps": False,
        "xgap": gap,
        "ygap": 1,
        "colorbar": {
            "thickness": 10,
            "outlinewidth": 0,
            "tickformat": "+.0f" if is_significance else ".0%",
            "title": {"text": "sureness" if is_significance else "share", "side": "right"},
        },
        **scale,
    }
    layout = {
        "height": FRAME_PIXELS + ROW_PIXELS * max(len(grid.segments), 4),
        "margin": MARGIN | {"l": 8, "r": 8},
        "xaxis": {"type": "date", "showgrid": False},
        "yaxis": {
            "type": "category",
            "automargin": True,
            "autorange": "reversed",
            "showgrid": False,
            "fixedrange": True,
        },
    }
    return {"data": [trace], "layout": layout}


def flows(rows: Sequence[Flow]) -> dict[str, Any]:
    """Return a Sankey diagram: what interest leaves on the left, what it goes to on the right."""
    starts = _ordered([(row.start, row.end_users) for row in rows])
    ends = _ordered([(row.end, row.end_users) for row in rows])
    place = {category.name: number for number, category in enumerate(starts)}
    place_of_end = {category.name: len(starts) + number for number, category in enumerate(ends)}
    trace = {
        "type": "sankey",
        "arrangement": "fixed",
        "valueformat": ",.1f",
        "valuesuffix": " end users",
        "textfont": {"color": "text", "size": 12},
        "node": {
            "label": [_label(category.name) for category in (*starts, *ends)],
            "color": [colour(category) for category in (*starts, *ends)],
            "pad": 10,
            "thickness": 12,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value}<extra></extra>",
        },
        "link": {
            "source": [place[row.start.name] for row in rows],
            "target": [place_of_end[row.end.name] for row in rows],
            "value": [row.end_users for row in rows],
            "color": [f"{colour(row.start)}/38" for row in rows],
            "hovertemplate": "%{source.label} → %{target.label}: %{value}<extra></extra>",
        },
    }
    layout = {
        "height": max(320, 34 * max(len(starts), len(ends))),
        "margin": {"l": 16, "r": 16, "t": 12, "b": 16},
    }
    return {"data": [trace], "layout": layout}


def _band(line: Line) -> dict[str, Any]:
    moments = _moments(line.periods)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{line.category.label}, 95 %",
        "x": [*moments, *moments[::-1]],
        "y": [*line.high, *list(line.low)[::-1]],
        "fill": "toself",
        "fillcolor": f"{colour(line.category)}/14",
        "line": {"width": 0},
        "meta": {"colour_rank": line.category.colour_rank},
        "hoverinfo": "skip",
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(line.periods) < 3 else "lines",
        "name": line.category.label,
        "x": _moments(line.periods),
        "y": list(line.shares),
        "line": {"width": 2},
        "meta": {"colour_rank": line.category.colour_rank},
        "customdata": list(line.notes),
        "hovertemplate": f"{line.category.label}<br>%{{customdata}}<extra></extra>",
    }


def _marks(line: Line) -> dict[str, Any]:
    places = [place for place, is_sure in enumerate(line.is_sure) if is_sure]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{line.category.label}, more than noise",
        "x": [line.periods[place].isoformat() for place in places],
        "y": [line.shares[place] for place in places],
        "marker": {"size": 8, "color": colour(line.category), "line": {"width": 1.5, "color": "card"}},
        "customdata": [line.notes[place] for place in places],
        "hovertemplate": f"{line.category.label}<br>%{{customdata}}<extra></extra>",
    }  # fmt: skip


def _top(lines: Sequence[Line]) -> float:
    most = max((share for line in lines for share in line.shares), default=0.0)
    least = max((high for line in lines for high in line.high), default=1.0)
    return min(HEADROOM * most or 1.0, least * 1.05, 1.0)


def _window(lines: Sequence[Line]) -> dict[str, Any]:
    """Return the axis from the first to the last period: names beside it must not widen it."""
    periods = sorted({period for line in lines for period in line.periods})
    return {"range": _moments([periods[0], periods[-1]])} if len(periods) > 1 else {}


def _end_labels(lines: Sequence[Line], top: float) -> list[dict[str, Any]]:
    """Return the name of each line at its end, moved apart where lines end near each other."""
    room = LINES_PIXELS - MARGIN["t"] - MARGIN["b"]
    order = sorted((line for line in lines if line.shares), key=lambda line: line.shares[-1])
    wanted = [line.shares[-1] / top * room for line in order]
    heights: list[float] = []
    for height in wanted:
        heights.append(max(height, heights[-1] + LABEL_GAP_PIXELS) if heights else height)
    # As far above their lines as below them, and not out of the plot.
    shift = sum(now - before for now, before in zip(heights, wanted, strict=True)) / max(
        len(order), 1
    )
    if heights:
        shift = max(min(shift, heights[0] - 4), heights[-1] - room)
    return [
        _end_label(line, up=height - shift - before)
        for line, height, before in zip(order, heights, wanted, strict=True)
    ]


def _end_label(line: Line, *, up: float) -> dict[str, Any]:
    name = line.category.name
    short = name if len(name) <= LABEL_LETTERS else name[: LABEL_LETTERS - 1] + "…"
    return {
        "text": html.escape(short, quote=False),
        "x": line.periods[-1].isoformat(),
        "y": line.shares[-1],
        "xanchor": "left",
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1.5,
        "arrowcolor": colour(line.category),
        "ax": 16,
        "ay": round(-up),
        "borderpad": 1,
    }


def _ordered(parts: Sequence[tuple[Category, float]]) -> list[Category]:
    """Return each category once, the largest first."""
    sums: dict[str, float] = {}
    named = {}
    for category, amount in parts:
        sums[category.name] = sums.get(category.name, 0.0) + amount
        named[category.name] = category
    return [named[name] for name in sorted(sums, key=lambda name: -sums[name])]


def _label(text: str) -> str:
    """Return a text as Plotly writes it letter for letter: it reads texts as HTML."""
    return html.escape(text, quote=False)


def _moments(periods: Sequence[date]) -> list[str]:
    return [period.isoformat() for period in periods]
