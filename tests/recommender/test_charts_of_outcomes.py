from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import plotly.graph_objects as go

from recommender import charts
from recommender.charts import Rates

NOW = datetime(2026, 3, 4, tzinfo=UTC)
WINDOW = (NOW, NOW + timedelta(days=3))


def in_red(figure: dict[str, Any]) -> Any:
    """Return a figure with a colour that Plotly knows where the script puts the theme's."""
    return json.loads(
        re.sub(r'"(accent|text-soft|text-faint)(/\d+)?"', '"red"', json.dumps(figure))
    )


def rates(name: str, values: list[float]) -> Rates:
    times = [NOW + timedelta(days=day) for day in range(len(values))]
    low: list[float | None] = [None, *(value - 0.01 for value in values[1:])]
    high: list[float | None] = [None, *(value + 0.02 for value in values[1:])]
    return Rates(name, times, values, low, high, [f"{value}" for value in values])


def test_lines_have_whiskers_where_intervals_are_known():
    figure = charts.rates_over_time(
        [rates("", [0.5, 0.25])], title="share", is_share=True, is_hourly=False, window=WINDOW
    )

    go.Figure(in_red(figure))  # raises where Plotly knows a property not
    [line] = figure["data"]
    assert line["y"] == [0.5, 0.25]
    assert line["error_y"]["array"][0] is None
    assert abs(line["error_y"]["array"][1] - 0.02) < 1e-12
    assert abs(line["error_y"]["arrayminus"][1] - 0.01) < 1e-12
    assert figure["layout"]["annotations"] == []
    assert figure["layout"]["yaxis"]["range"] == [0, 0.675]


def test_names_at_the_ends_of_lines_are_pushed_apart():
    figure = charts.rates_over_time(
        [rates("one", [0.1, 0.2]), rates("another with a long name", [0.1, 0.2])],
        title="seconds",
        is_share=False,
        is_hourly=False,
        window=WINDOW,
    )

    labels = figure["layout"]["annotations"]
    assert [label["text"] for label in labels] == ["another with a …", "one"]
    assert abs(labels[1]["y"] - labels[0]["y"] - 0.09) < 1e-12
    assert [label["font"]["color"] for label in labels] == ["text-soft", "accent"]


def test_no_more_lines_than_can_be_told_apart():
    lines = [rates(str(number), [0.1]) for number in range(9)]

    figure = charts.rates_over_time(
        lines, title="share", is_share=True, is_hourly=False, window=WINDOW
    )

    assert len(figure["data"]) == charts.MAX_LINES
    assert len({(line["line"]["color"], line["line"]["dash"]) for line in figure["data"]}) == 6


def test_a_few_days_have_a_label_each_and_no_hours():
    def axis(days: int, *, is_hourly: bool) -> dict[str, Any]:
        window = (NOW, NOW + timedelta(days=days))
        figure = charts.rates_over_time(
            [rates("", [0.5])], title="share", is_share=True, is_hourly=is_hourly, window=window
        )
        found: dict[str, Any] = figure["layout"]["xaxis"]
        return {name: found.get(name) for name in ("dtick", "tickformat")}

    assert axis(7, is_hourly=False) == {"dtick": 86_400_000, "tickformat": "%b %-d"}
    assert (
        axis(28, is_hourly=False) == axis(7, is_hourly=True) == {"dtick": None, "tickformat": None}
    )


def test_lag_is_drawn_from_nothing_up():
    figure = charts.lag_over_time([NOW, NOW + timedelta(minutes=1)], [2.0, 50.0], ["a", "b"])

    go.Figure(in_red(figure))
    assert figure["data"][0]["y"] == [2.0, 50.0]
    assert figure["layout"]["yaxis"]["range"] == [0, 60.0]
