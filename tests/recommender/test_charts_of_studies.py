"""Figures of studies: ticks, words and numbers as readers expect them."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from recommender.charts import studies as charts

POINTS = [
    charts.Point(0, 0.06, {"width": 64}),
    charts.Point(1, 0.05, {"width": 32}),
    charts.Point(2, 0.08, {"width": 8}),
]


def test_the_best_so_far_never_falls_and_begins_with_the_usual_settings():
    figure = charts.history(POINTS[::-1])

    go.Figure(figure)  # raises where Plotly knows a property not
    trials, best = figure["data"]
    assert (list(trials["x"]), list(best["y"])) == ([0, 1, 2], [0.06, 0.06, 0.08])
    assert figure["layout"]["annotations"][0]["text"] == "usual settings"


@pytest.mark.parametrize(("num_trials", "tick"), [(3, 1), (30, None)])
def test_few_trials_have_a_tick_each_and_none_between(num_trials, tick):
    points = [charts.Point(number, 0.1, {}) for number in range(num_trials)]

    assert charts.history(points)["layout"]["xaxis"].get("dtick") == tick


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e4, "10,000"), (1.0, "1"), (321.4567, "321.5"), (0.002, "0.002"), (1e-05, "1e-05"), (True, "yes"),
        (None, "none"), ((64, 32), "64-32"), ("gru", "gru"),
    ],
)  # fmt: skip
def test_values_of_settings_are_written_out(value, expected):
    assert charts.setting_value(value) == expected
