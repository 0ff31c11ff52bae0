"""Figures of a study: how the best grew, where good settings lie, which settings matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender.charts.evaluations import ACCENT, BAR_HEIGHT, FRAME_HEIGHT, REST

HEIGHT = 300
# A setting that explains less than this of what differs can be left alone.
LITTLE = 0.05
# So many have a tick each.
FEW_TRIALS = 10


@dataclass(frozen=True)
class Point:
    """One finished trial: its number, NDCG on validation, and its settings by name."""

    number: int
    value: float
    params: Mapping[str, Any]


def setting_name(name: str) -> str:
    """Return the name of a setting as readers see it: changes.learning_rate -> Learning rate."""
    return name.rpartition(".")[2].replace("_", " ").capitalize()


def setting_value(value: Any) -> str:
    """Return the value of a setting as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{float(f'{value:.4g}'):,.10g}"
    if isinstance(value, list | tuple):
        return "-".join(setting_value(one) for one in value)
    return "none" if value is None else str(value)


def history(points: Sequence[Point]) -> dict[str, Any]:
    """Return each finished trial by its number, and the best so far as a line."""
    ordered = sorted(points, key=lambda point: point.number)
    best, line = float("-inf"), []
    for point in ordered:
        best = max(best, point.value)
        line.append(best)
    numbers = [point.number for point in ordered]
    trials = _marks(numbers, [point.value for point in ordered], ordered, role=REST) | {
        "name": "Trials"
    }
    so_far = {
        "type": "scatter",
        "mode": "lines",
        "name": "Best so far",
        "meta": {"role": ACCENT},
        "line": {"shape": "hv"},
        "x": numbers,
        "y": line,
        "hovertemplate": "best so far %{y:.4f}<extra></extra>",
    }
    layout = _layout("trial", is_log=False) | {"annotations": [_start(ordered)] if ordered else []}
    if numbers and numbers[-1] < FEW_TRIALS:
        layout["xaxis"]["dtick"] = 1  # there is no half of a trial
    return {"data": [trials, so_far], "layout": layout}


def history_sentence(points: Sequence[Point]) -> str:
    """Say what the study has gained so far, "" before its first trial has ended."""
    if not points:
        return ""
    best = max(points, key=lambda point: (point.value, -point.number))
    start = next((point for point in points if point.number == 0), None)
    if start is None:
        return f"Trial {best.number} is the best so far, with NDCG@10 {best.value:.4f}."
    if best.number == 0:
        return f"Nothing is better than the usual settings so far: NDCG@10 {start.value:.4f}."
    gain = f" ({100 * (best.value / start.value - 1):+.1f} %)" if start.value else ""
    return (
        f"From {start.value:.4f} with the usual settings to {best.value:.4f}{gain}, "
        f"found by trial {best.number}."
    )


def slice_of(points: Sequence[Point], *, name: str, is_log: bool, best: int) -> dict[str, Any]:
    """Return trials by the value of one setting; that of number `best` stands out."""
    known = [point for point in points if name in point.params]
    is_number = all(_is_number(point.params[name]) for point in known)
    kinds = [
        ([point for point in known if point.number != best], REST, "Trials"),
        ([point for point in known if point.number == best], ACCENT, "Best"),
    ]
    data = []
    for own, role, said in kinds:
        values = [point.params[name] for point in own]
        places = values if is_number else [setting_value(value) for value in values]
        data.append(_marks(places, [point.value for point in own], own, role=role) | {"name": said})
    layout = _layout(setting_name(name).lower(), is_log=is_log and is_number)
    if not is_number:
        layout["xaxis"]["type"] = "category"
    return {"data": [trace for trace in data if trace["x"]], "layout": layout}


def slice_sentence(points: Sequence[Point], *, name: str) -> str:
    """Say which value of a setting the best of the trials have."""
    known = sorted(
        (point for point in points if name in point.params), key=lambda point: -point.value
    )
    if not known:
        return ""
    best = known[0].params[name]
    few = [point.params[name] for point in known[:5]]
    said = f"The best trial has {setting_value(best)}"
    if len(few) < 5:
        return f"{said}."
    if _is_number(best) and all(_is_number(value) for value in few):
        return f"{said}; the best five lie from {setting_value(min(few))} to {setting_value(max(few))}."
    same = sum(value == best for value in few)
    return f"{said}, as do {same} of the best five."


def importance_bars(shares: Mapping[str, float]) -> dict[str, Any]:
    """Return how much of what differs between trials each setting explains, the most on top."""
    ordered = sorted(shares.items(), key=lambda item: item[1])
    return {
        "data": [
            {
                "type": "bar",
                "orientation": "h",
                "meta": {"role": ACCENT},
                "x": [share for _, share in ordered],
                "y": [setting_name(name) for name, _ in ordered],
                "hovertemplate": "%{y} %{x:.1%}<extra></extra>",
            }
        ],
        "layout": {
            "height": FRAME_HEIGHT + BAR_HEIGHT * len(ordered),
            "bargap": 0.35,
            "showlegend": False,
            "margin": {"l": 8, "r": 16, "t": 8, "b": 40},
            "hovermode": "closest",
            "xaxis": {"title": {"text": "share explained"}, "tickformat": ".0%", "range": [0, 1]},
            "yaxis": {"automargin": True, "type": "category"},
        },
    }


def importance_sentence(shares: Mapping[str, float]) -> str:
    """Say which setting decides, and which can be left alone."""
    if not shares:
        return ""
    first = max(shares, key=lambda name: shares[name])
    said = f"{setting_name(first)} decides most: {100 * shares[first]:.0f} % of what differs"
    little = [setting_name(name).lower() for name, share in shares.items() if share < LITTLE]
    return f"{said}; little depends on {', '.join(little)}." if little else f"{said}."


def _marks(
    places: Sequence[Any], values: Sequence[float], points: Sequence[Point], *, role: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "meta": {"role": role},
        "marker": {"size": 11 if role == ACCENT else 8},
        "x": list(places),
        "y": list(values),
        "customdata": [_note(point) for point in points],
        "hovertemplate": "%{customdata}<br>NDCG@10 %{y:.4f}<extra></extra>",
    }


def _note(point: Point) -> str:
    settings = ", ".join(
        f"{setting_name(name).lower()} {setting_value(value)}"
        for name, value in point.params.items()
    )
    return f"Trial {point.number}{': ' if settings else ''}{settings}"


def _layout(title: str, *, is_log: bool) -> dict[str, Any]:
    return {
        "height": HEIGHT,
        "margin": {"l": 60, "r": 24, "t": 16, "b": 44},
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": {"title": {"text": title}, **({"type": "log"} if is_log else {})},
        "yaxis": {"title": {"text": "NDCG@10 on validation"}, "automargin": True},
    }


def _start(points: Sequence[Point]) -> dict[str, Any]:
    """Return the word at the trial of the usual settings."""
    first = points[0]
    return {
        "text": "usual settings" if first.number == 0 else "",
        "x": first.number,
        "y": first.value,
        "xanchor": "left",
        "yanchor": "bottom",  # above the line of the best so far
        "xshift": 8,
        "showarrow": False,
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
