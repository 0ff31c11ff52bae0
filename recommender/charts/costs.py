"""What accuracy costs in time: the figure and the sentence above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from recommender.charts.evaluations import ACCENT, METRIC_NAMES, REST, algorithm_name

# Nobody waits less; an axis in steps of ten has no place for 0 s.
SHORTEST_SECONDS = 0.01
# Of the best: what an impatient reader would take.
NEAR = 0.9


@dataclass(frozen=True)
class Cost:
    """How good an algorithm is, and how many seconds its fit and its answers take."""

    algorithm: str
    value: float
    seconds: float


def worth_their_time(costs: Sequence[Cost]) -> list[Cost]:
    """Return the algorithms than which no faster one is as good, fastest first."""
    found: list[Cost] = []
    for cost in sorted(costs, key=lambda cost: (cost.seconds, -cost.value)):
        if not found or cost.value > found[-1].value:
            found.append(cost)
    return found


def accuracy_over_time(costs: Sequence[Cost], *, metric: str) -> dict[str, Any]:
    """Return algorithms by seconds, in steps of ten, and accuracy; a line joins those worth their time.

    Args:
        metric: its key, such as "ndcg@10", for the axis.
    """
    best = worth_their_time(costs)
    others = [cost for cost in costs if cost not in best]
    name, _, length = metric.partition("@")
    title = f"{METRIC_NAMES.get(name, name)} at {length}"
    data = [_costs(others, role=REST, mode="markers", title=title)] if others else []
    return {
        "data": [*data, _costs(best, role=ACCENT, mode="lines+markers", title=title)],
        "layout": {
            "height": 360,
            "margin": {"l": 64, "r": 24, "t": 16, "b": 48},
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": {"title": {"text": "seconds to fit and to answer"}, "type": "log"},
            "yaxis": {"title": {"text": title}, "rangemode": "tozero"},
            # An axis in steps of ten takes the places of labels as powers of ten. Where two labels meet the
            # script leaves out the later one: the best comes first.
            "annotations": [
                {
                    "text": algorithm_name(cost.algorithm), "x": log10(_shown(cost)), "y": cost.value,
                    "showarrow": False, "yshift": 12,
                }
                for cost in reversed(best)
            ],
        },
    }  # fmt: skip


def cost_sentence(costs: Sequence[Cost]) -> str:
    """Say in one sentence what more time buys, "" where nothing was timed."""
    best = worth_their_time(costs)
    if not best:
        return ""
    top = best[-1]
    if len(best) == 1:
        return f"{algorithm_name(top.algorithm)} is both the best and the fastest."
    near = next(cost for cost in best if cost.value >= NEAR * top.value)
    name = algorithm_name(top.algorithm)
    if near is top:
        return (
            f"{name} is best and takes {_seconds(top)}; nothing faster comes within a tenth of it."
        )
    share = f"{near.value / top.value:.0%}".replace("%", " %")
    return (
        f"{name} is best and takes {_seconds(top)}; {algorithm_name(near.algorithm)} reaches {share} "
        f"of it in {_seconds(near)}."
    )


def _shown(cost: Cost) -> float:
    return max(cost.seconds, SHORTEST_SECONDS)


def _seconds(cost: Cost) -> str:
    decimals = 0 if cost.seconds >= 10 else 1
    return f"{cost.seconds:,.{decimals}f} s"


def _costs(costs: Sequence[Cost], *, role: str, mode: str, title: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": mode,
        "name": "Worth their time" if role == ACCENT else "Others",
        "meta": {"role": role},
        "marker": {"size": 9},
        "x": [_shown(cost) for cost in costs],
        "y": [cost.value for cost in costs],
        "customdata": [[algorithm_name(cost.algorithm), _seconds(cost)] for cost in costs],
        "hovertemplate": (
            f"%{{customdata[0]}}<br>{title} %{{y:.4f}}<br>%{{customdata[1]}}<extra></extra>"
        ),
    }
