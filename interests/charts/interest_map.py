"""A map of interest space: items by category, categories by name, people as a cloud, one person's way through it.

People mix many categories, so they lie close to the middle. So that a move of theirs can be seen, categories
and items are drawn nearer to the middle than they lie, all by one factor that the sentence names.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interests.charts.series import PALETTE_SIZE

HEIGHT = 640
# The cloud of people without its farthest: who stands there would make all others a dot.
PEOPLE_SHARE = 0.95
CATEGORY_SHARE = 0.75
# From here to the side a name would not fit on a phone.
NEAR_EDGE = 0.6
# Of the reach of people; a shorter way is called none.
LEAST_MOVE = 0.15
# A direction has to agree with a move at least as much as half a right angle.
LEAST_COSINE = math.cos(math.radians(45))


@dataclass(frozen=True)
class Place:
    """An item or a category and where it lies."""

    name: str
    colour_rank: int | None
    x: float
    y: float


@dataclass(frozen=True)
class Step:
    """Where a person stood at a time; `change` says in words what changed there, "" for nothing."""

    at: datetime
    x: float
    y: float
    num_events: int
    change: str = ""


@dataclass(frozen=True)
class InterestMap:
    """What is drawn; all coordinates count from the middle of the map.

    Attributes:
        categories: the largest first
        items: the most used first
        people: a sample, as two lists of coordinates
        path: of one person, oldest first; empty without one
    """

    categories: Sequence[Place]
    items: Sequence[Place]
    people: tuple[Sequence[float], Sequence[float]] = ((), ())
    path: Sequence[Step] = field(default=())

    @property
    def reach(self) -> float:
        """Return how far from the middle nearly all people stand, and the whole way of the one shown."""
        cloud = _quantile(
            [math.hypot(x, y) for x, y in zip(*self.people, strict=True)], PEOPLE_SHARE
        )
        return max([cloud, *(math.hypot(step.x, step.y) for step in self.path)])

    @property
    def shrink(self) -> int:
        """Return how many times nearer to the middle categories and items are drawn than they lie."""
        away = _quantile(
            [math.hypot(place.x, place.y) for place in self.categories], CATEGORY_SHARE
        )
        return max(1, round(away / self.reach)) if self.reach else 1


def interest_map(shown: InterestMap) -> dict[str, Any]:
    """Return the map as a figure."""
    shrink = shown.shrink
    edge = max(
        [1.15 * shown.reach]
        + [1.12 * max(abs(place.x), abs(place.y)) / shrink for place in shown.categories]
    )
    axis = {
        "showticklabels": False, "ticks": "", "showgrid": False, "showline": False, "zeroline": True, "title": {"text": ""},
    }  # fmt: skip
    return {
        "data": [
            _items(shown.items, shrink),
            _people(shown.people),
            _anchors(shown.categories, shrink),
            *(_path(shown.path) if shown.path else []),
        ],
        "layout": {
            "height": HEIGHT,
            "margin": {"l": 12, "r": 12, "t": 12, "b": 12},
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": {**axis, "range": [-edge, edge]},
            "yaxis": {**axis, "range": [-edge, edge], "scaleanchor": "x"},
            "annotations": [
                _inside(label, edge)
                for label in (*_ends(shown.path), *_names(shown.categories, shrink))
            ],
        },
    }


def map_sentence(
    shown: InterestMap, *, items_explained: float, people_explained: float | None
) -> str:
    """Say where the person has gone, how much the two axes hold, and what is drawn nearer than it lies."""
    said = [_move_sentence(shown)] if shown.path else []
    of_people = (
        f"{_percent(people_explained)} of how people differ and " if people_explained else ""
    )
    said.append(
        f"The two axes hold {of_people}{_percent(items_explained)} of how items do: what lies near on the "
        "map need not be near."
    )
    if shown.shrink > 1:
        said.append(
            f"Categories and items are drawn {shown.shrink} times nearer to the middle than they lie."
        )
    return " ".join(said)


def map_table(shown: InterestMap) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of all that is drawn but the nameless people, as far out as it lies."""
    header = ["What", "Which", "x", "y", "Events"]
    rows = [
        [
            "Change" if step.change else "Person",
            f"{step.at:%Y-%m-%d %H:%M}" + (f": {step.change}" if step.change else ""),
            f"{step.x:.4f}",
            f"{step.y:.4f}",
            f"{step.num_events:,}",
        ]
        for step in reversed(shown.path)
    ]
    for what, places in (("Category", shown.categories), ("Item", shown.items)):
        rows += [[what, place.name, f"{place.x:.4f}", f"{place.y:.4f}", ""] for place in places]
    return header, rows


def _items(items: Sequence[Place], shrink: int) -> dict[str, Any]:
    return _dots(
        "items",
        [place.x / shrink for place in items],
        [place.y / shrink for place in items],
        marker={
            "size": 4, "color": [f"{_colour(place.colour_rank)}/45" for place in items],
            "line": {"width": 0},
        },
        names=[place.name for place in items],
    )  # fmt: skip


def _people(people: tuple[Sequence[float], Sequence[float]]) -> dict[str, Any]:
    marker = {"size": 7, "color": "text-faint/26", "line": {"width": 0}}
    return _dots("end users", people[0], people[1], marker=marker)


def _anchors(categories: Sequence[Place], shrink: int) -> dict[str, Any]:
    return _dots(
        "categories",
        [place.x / shrink for place in categories],
        [place.y / shrink for place in categories],
        marker={
            "size": 10, "symbol": "square", "line": {"width": 1, "color": "card"},
            "color": [_colour(place.colour_rank) for place in categories],
        },
        names=[place.name for place in categories],
    )  # fmt: skip


def _path(path: Sequence[Step]) -> list[dict[str, Any]]:
    way = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "the person",
        "meta": {"role": "accent"},
        "x": [step.x for step in path],
        "y": [step.y for step in path],
        "line": {"width": 1.5},
        # The newest is the largest.
        "marker": {"size": [5] * (len(path) - 1) + [13]},
        "customdata": [[_day(step.at), f"{step.num_events:,}"] for step in path],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]} events<extra></extra>",
    }
    marked = [step for step in path if step.change]
    changes = _dots(
        "changes",
        [step.x for step in marked],
        [step.y for step in marked],
        marker={
            "size": 12, "symbol": "diamond", "color": "text", "line": {"width": 1.5, "color": "card"},
        },
        names=[f"{_day(step.at)}: {step.change}" for step in marked],
    )  # fmt: skip
    return [way, changes] if marked else [way]


def _dots(
    name: str,
    x: Sequence[float],
    y: Sequence[float],
    *,
    marker: dict[str, Any],
    names: Sequence[str] | None = None,
) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [round(value, 5) for value in x],
        "y": [round(value, 5) for value in y],
        "marker": marker,
    }
    if names is None:
        return trace | {"hoverinfo": "skip"}
    # Plotly reads texts as HTML.
    texts = [html.escape(text, quote=False) for text in names]
    return trace | {"customdata": texts, "hovertemplate": "%{customdata}<extra></extra>"}


def _ends(path: Sequence[Step]) -> list[dict[str, Any]]:
    if not path:
        return []
    last = _label(f"{path[-1].at:%B %Y}", path[-1].x, path[-1].y, side=-1)
    if len(path) == 1:
        return [last]
    return [last, _label(f"{path[0].at:%B %Y}", path[0].x, path[0].y, side=-1)]


def _names(categories: Sequence[Place], shrink: int) -> list[dict[str, Any]]:
    return [
        _label(html.escape(place.name, quote=False), place.x / shrink, place.y / shrink)
        for place in categories
    ]


def _label(text: str, x: float, y: float, *, side: int = 1) -> dict[str, Any]:
    """Return a text above a point, or below it where `side` is -1."""
    return {"text": text, "x": x, "y": y, "yshift": 13 * side, "showarrow": False}


def _inside(label: dict[str, Any], edge: float) -> dict[str, Any]:
    """Turn a label that stands near the side inwards; on a phone it would be cut."""
    if abs(label["x"]) < NEAR_EDGE * edge:
        return label
    return label | {"xanchor": "right" if label["x"] > 0 else "left"}


def _move_sentence(shown: InterestMap) -> str:
    first, last = shown.path[0], shown.path[-1]
    since = f"Since {_day(first.at)}"
    move = (last.x - first.x, last.y - first.y)
    if len(shown.path) < 2 or math.hypot(*move) < LEAST_MOVE * shown.reach:
        return f"{since} this person has hardly moved on the map."
    along = sorted(
        (_cosine(move, place) * math.hypot(place.x, place.y), _cosine(move, place), place.name)
        for place in shown.categories
    )
    towards = [name for _, cosine, name in along[::-1] if cosine >= LEAST_COSINE][:1]
    away = [name for _, cosine, name in along if cosine <= -LEAST_COSINE][:1]
    words = [f"towards {name}" for name in towards] + [f"away from {name}" for name in away]
    return f"{since} this person has moved {', '.join(words) or 'between the categories'}."


def _cosine(move: tuple[float, float], place: Place) -> float:
    length = math.hypot(*move) * math.hypot(place.x, place.y)
    return (move[0] * place.x + move[1] * place.y) / length if length else 0.0


def _colour(rank: int | None) -> str:
    return f"category-{rank}" if rank is not None and rank < PALETTE_SIZE else "category-other"


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))] if values else 0.0


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"
