from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import plotly.graph_objects as go
import pytest

from interests.charts.interest_map import (
    InterestMap,
    Place,
    Step,
    interest_map,
    map_sentence,
    map_table,
)

START, END = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 3, 4, 12, tzinfo=UTC)
SHOWN = InterestMap(
    categories=[Place("Drama", 0, 4.0, 0.0), Place("War", 1, -4.0, 0.0), Place("<b>Odd</b>", 30, 0.0, 4.0)],
    items=[Place("Film", 0, 8.0, 2.0), Place("Thing", None, 0.0, -2.0)],
    people=([1.0, 0.0, -1.0], [0.0, 1.0, 0.0]),
    path=[Step(START, -1.0, 0.0, 10), Step(END, 1.0, 0.0, 50, "less War, more Drama")],
)  # fmt: skip


def traces(shown: InterestMap) -> dict[str, dict]:
    figure = interest_map(shown)
    return {trace["name"]: trace for trace in figure["data"]}


def test_plotly_takes_it():
    figure = interest_map(SHOWN)
    # The script that draws it puts colours in place of their names.
    for trace in figure["data"]:
        trace.get("marker", {}).pop("color", None)
        trace.get("marker", {}).pop("line", None)
    figure["layout"]["annotations"] = []

    assert len(go.Figure(figure).data) == 5


def test_categories_and_items_are_drawn_nearer_by_one_factor_and_people_where_they_are():
    found = traces(SHOWN)

    assert SHOWN.shrink == 4
    assert found["categories"]["x"] == [1.0, -1.0, 0.0]
    assert (found["items"]["x"], found["items"]["y"]) == ([2.0, 0.0], [0.5, -0.5])
    assert found["end users"]["x"] == [1.0, 0.0, -1.0]
    assert found["the person"]["x"] == [-1.0, 1.0]
    assert found["changes"]["x"] == [1.0]


def test_colours_are_those_of_categories_grey_beyond_twelve():
    found = traces(SHOWN)

    assert found["categories"]["marker"]["color"] == ["category-0", "category-1", "category-other"]
    assert found["items"]["marker"]["color"] == ["category-0/45", "category-other/45"]


def test_names_are_written_letter_for_letter():
    figure = interest_map(SHOWN)

    assert [label["text"] for label in figure["layout"]["annotations"]] == [
        "March 2026", "January 2026", "Drama", "War", "&lt;b&gt;Odd&lt;/b&gt;",
    ]  # fmt: skip
    assert traces(SHOWN)["categories"]["customdata"][2] == "&lt;b&gt;Odd&lt;/b&gt;"


def test_everything_named_lies_inside_the_figure():
    layout = interest_map(SHOWN)["layout"]

    low, high = layout["xaxis"]["range"]
    assert low < -1.0 and high > 1.0
    assert layout["yaxis"]["range"] == [low, high]


def test_the_sentence_says_where_to_and_how_much_the_map_holds():
    said = map_sentence(SHOWN, items_explained=0.14, people_explained=0.65)

    assert said == (
        "Since 5 January 2026 this person has moved towards Drama, away from War. The two axes hold 65 % "
        "of how people differ and 14 % of how items do: what lies near on the map need not be near. "
        "Categories and items are drawn 4 times nearer to the middle than they lie."
    )


@pytest.mark.parametrize("path", [SHOWN.path[:1], [SHOWN.path[0], Step(END, -0.99, 0.0, 12)]])
def test_a_short_way_is_called_none(path):
    said = map_sentence(replace(SHOWN, path=path), items_explained=0.14, people_explained=0.65)

    assert said.startswith("Since 5 January 2026 this person has hardly moved on the map. The two")


def test_without_anybody_there_are_items_and_categories():
    empty = replace(SHOWN, people=((), ()), path=[])

    assert empty.shrink == 1
    assert list(traces(empty)) == ["items", "end users", "categories"]
    assert map_sentence(empty, items_explained=0.14, people_explained=None) == (
        "The two axes hold 14 % of how items do: what lies near on the map need not be near."
    )


def test_the_table_has_all_that_has_a_name_as_far_out_as_it_lies():
    header, rows = map_table(SHOWN)

    assert header == ["What", "Which", "x", "y", "Events"]
    assert rows == [
        ["Change", "2026-03-04 12:00: less War, more Drama", "1.0000", "0.0000", "50"],
        ["Person", "2026-01-05 00:00", "-1.0000", "0.0000", "10"],
        ["Category", "Drama", "4.0000", "0.0000", ""],
        ["Category", "War", "-4.0000", "0.0000", ""],
        ["Category", "<b>Odd</b>", "0.0000", "4.0000", ""],
        ["Item", "Film", "8.0000", "2.0000", ""],
        ["Item", "Thing", "0.0000", "-2.0000", ""],
    ]


def test_names_near_the_side_turn_inwards():
    labels = interest_map(SHOWN)["layout"]["annotations"]

    assert [label.get("xanchor") for label in labels] == ["right", "left", "right", "left", None]
