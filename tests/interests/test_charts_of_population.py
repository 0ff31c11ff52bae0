"""Figures of the population and what is said above them, by hand."""

from __future__ import annotations

from datetime import date

import pytest

from interests.charts import population as charts
from interests.charts import population_words as words
from interests.charts.population import Flow, Grid, Line
from interests.charts.population_words import Move
from interests.charts.series import Category

DRAMA, OTHER = Category("Drama", 3), Category("card <b>", 12)
WEEKS = [date(2026, 3, 2), date(2026, 3, 9)]


def line(category: Category, last: float, *, high: float = 0.5, is_sure: bool = False) -> Line:
    return Line(category, WEEKS, [0.1, last], [0.05, 0.1], [high, high], [False, is_sure], ["a", "b"])  # fmt: skip


def test_lines_have_bands_marks_and_names_apart():
    made = charts.lines_over_time([line(DRAMA, 0.2, is_sure=True), line(OTHER, 0.2)])

    assert [trace["name"] for trace in made["data"]] == [
        "Drama, 95 %", "card &lt;b&gt;, 95 %", "Drama", "card &lt;b&gt;", "Drama, more than noise",
    ]  # fmt: skip
    assert made["data"][0]["y"] == [0.5, 0.5, 0.1, 0.05]
    assert made["data"][4]["x"] == ["2026-03-09"]
    assert made["layout"]["yaxis"]["range"] == [0, pytest.approx(0.3)]
    first, second = made["layout"]["annotations"]
    assert (first["text"], second["text"]) == ("Drama", "card &lt;b&gt;")
    assert first["ay"] - second["ay"] == pytest.approx(charts.LABEL_GAP_PIXELS, abs=1)
    assert first["ay"] > 0 > second["ay"]


def test_the_axis_ends_where_the_intervals_do():
    made = charts.lines_over_time([line(DRAMA, 0.8, high=0.85)])

    assert made["layout"]["yaxis"]["range"] == [0, pytest.approx(0.8925)]


def test_a_heat_map_leaves_gaps_and_takes_the_colour_of_its_category():
    grid = Grid(["free", "paid"], WEEKS, [[0.1, None], [0.3, 0.2]], [["a", ""], ["c", "d"]])

    (share,) = charts.heat_map(grid, category=DRAMA, is_significance=False)["data"]
    (sure,) = charts.heat_map(grid, category=DRAMA, is_significance=True)["data"]

    assert (share["z"], share["zmax"]) == ([[0.1, None], [0.3, 0.2]], 0.3)
    assert share["colorscale"] == [[0, "sunken"], [1, "category-3"]]
    assert (sure["zmin"], sure["zmax"]) == (-6, 6)


def test_a_category_stands_once_on_each_side_of_the_flows():
    rows = [Flow(DRAMA, OTHER, 3.0), Flow(OTHER, DRAMA, 5.0), Flow(DRAMA, DRAMA, 1.0)]

    (trace,) = charts.flows(rows)["data"]

    assert trace["node"]["label"] == ["card &lt;b&gt;", "Drama", "Drama", "card &lt;b&gt;"]
    assert trace["node"]["color"] == ["category-other", "category-3", "category-3", "category-other"]  # fmt: skip
    assert (trace["link"]["source"], trace["link"]["target"]) == ([1, 0, 1], [3, 2, 2])


def test_the_largest_of_many_looks_needs_more():
    assert words.noise_of_looks(1) == pytest.approx(1.96, abs=0.001)
    assert words.noise_of_looks(1000) == pytest.approx(4.056, abs=0.001)


def test_the_surest_move_is_held_against_the_number_of_looks():
    moves = [Move("Drama", WEEKS[1], 0.1, 0.15, 2.5)]

    alone = words.surest_sentence(moves, period="week")
    among = words.surest_sentence(
        [*moves, *(Move("Comedy", WEEKS[1], 0.1, 0.1, 0.1) for _ in range(20))], period="week"
    )

    assert alone == (
        "Drama rose from 10.0 % to 15.0 % in the week of 9 March 2026, against up to 12 weeks before: "
        "more than noise, even as the surest of 1 look."
    )
    assert among == (
        "Nothing moved by more than noise in 21 looks; nearest to it is Drama in the week of 9 March 2026."
    )
    assert words.surest_sentence([], period="month").startswith("Too little to say what moves")


@pytest.mark.parametrize(
    ("kind", "long", "short"),
    [
        ("week", "the week of 6 July 2026", "6 Jul 2026"), ("month", "July 2026", "Jul 2026"),
        ("quarter", "the third quarter of 2026", "Q3 2026"), ("year", "2026", "2026"),
    ],
)  # fmt: skip
def test_periods_are_called_by_their_names(kind, long, short):
    day = date(2026, 7, 6)

    assert words.period_name(day, kind) == long
    assert words.short_period_name(day, kind) == short
