from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import plotly.graph_objects as go
import pytest

from recommender.evaluation import experiment_figures
from recommender.evaluation.experiment_figures import Point

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def figure(*hours: float) -> dict[str, Any]:
    points = [Point(NOW + timedelta(hours=after), -0.6, -0.7, -0.5, 90) for after in hours]
    return experiment_figures.effect_over_time([("B", points)], title="change against A")


def test_a_single_look_has_whiskers_and_an_hour_on_each_side():
    drawn = figure(0)

    assert drawn["layout"]["xaxis"]["range"] == [
        "2026-03-04T11:00:00+00:00", "2026-03-04T13:00:00+00:00",
    ]  # fmt: skip
    whiskers = drawn["data"][1]["error_y"]
    assert whiskers["array"] == pytest.approx([0.1])
    assert whiskers["arrayminus"] == pytest.approx([0.1])
    go.Figure(go.Scatter(error_y=whiskers))  # raises where Plotly knows a property not


def test_several_looks_have_their_band_on_an_axis_of_their_own():
    drawn = figure(0, 10)

    band, line = drawn["data"]
    assert band["y"] == [-0.7, -0.7, -0.5, -0.5]
    assert "error_y" not in line
    assert drawn["layout"]["xaxis"] == {"type": "date"}
