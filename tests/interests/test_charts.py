"""Figures as dicts: valid for Plotly, right in their numbers and words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import plotly.graph_objects
import pytest

from interests import charts
from interests.charts import Category, Mark, Series, labels

START = datetime(2026, 3, 4, tzinfo=UTC)
DAYS = [START + timedelta(days=day) for day in range(3)]
CATEGORIES = [Category("Drama", 0), Category("Documentary", 3), Category("uncategorised", None)]
WEIGHTS = Series(
    CATEGORIES, DAYS, [[0.82, 0.08, 0.1], [0.7, 0.2, 0.1], [0.59, 0.31, 0.1]], [40, 60, 1200]
)
SHARES = Series(CATEGORIES[:2], DAYS[1:], [[0.5, 0.5], [0.25, 0.75]], [20, 4])


def figure():
    return charts.interests_over_time(WEIGHTS, shares=SHARES, drift_scores=[None, 1.0, 4.2])


def test_a_figure_is_valid_for_plotly_and_travels_as_json():
    made = figure()

    assert plotly.graph_objects.Figure(made).to_plotly_json()["layout"]["barmode"] == "stack"
    assert json.loads(json.dumps(made)) == made


def test_weights_shares_and_drift_share_one_time_axis():
    made = figure()

    assert {trace.get("xaxis", "x") for trace in made["data"]} == {"x"}
    assert [(trace["name"], trace["yaxis"]) for trace in made["data"]] == [
        ("Drama", "y"),
        ("Documentary", "y"),
        ("other", "y"),
        ("Drama, events", "y2"),
        ("Documentary, events", "y2"),
        ("other, events", "y2"),
        ("noise", "y3"),
        ("drift score", "y3"),
    ]
    assert made["data"][7]["y"] == [None, 1.0, 4.2]
    domains = [made["layout"][name]["domain"] for name in ("yaxis", "yaxis2", "yaxis3")]
    assert domains[2][1] < domains[1][0] < domains[1][1] < domains[0][0]


def test_a_category_has_the_same_colour_in_both_rows_and_the_rest_is_grey():
    made = figure()

    assert [trace["meta"] for trace in made["data"][:3]] == [
        {"colour_rank": 0},
        {"colour_rank": 3},
        {"colour_rank": None},
    ]
    assert [trace["meta"] for trace in made["data"][3:6]] == [
        trace["meta"] for trace in made["data"][:3]
    ]
    assert made["data"][2]["y"] == pytest.approx([0.1, 0.1, 0.1])


def test_bands_stack_up_to_one_however_many_categories_there_are():
    many = [Category(f"category {rank}", rank) for rank in range(20)]
    row = [(rank + 1) / 210 for rank in range(20)]

    made = charts.weights_over_time(Series(many, DAYS[:2], [row, row]))

    plotly.graph_objects.Figure(made)
    assert [trace["name"] for trace in made["data"]] == [
        *(f"category {rank}" for rank in (11, 10, 9, 8, 7, 6, 5, 4)),
        "other",
    ]
    assert sum(trace["y"][0] for trace in made["data"]) == pytest.approx(1)


def test_labels_stand_in_their_bands_where_these_are_thickest():
    labels = figure()["layout"]["annotations"]

    assert [label["text"] for label in labels] == ["Drama", "Documentary", "other"]
    assert labels[0]["x"] == DAYS[0].isoformat()
    assert labels[0]["y"] == pytest.approx(0.41)
    assert labels[1]["x"] == DAYS[2].isoformat()
    assert labels[1]["y"] == pytest.approx(0.59 + 0.155)


def test_no_label_lies_on_another_and_the_thickest_bands_keep_theirs():
    names = [
        Category(name, rank)
        for rank, name in enumerate(("Business", "Mystery", "Garden", "Poetry"))
    ]
    rows = [[0.1 * step, 0.25, 0.07, 0.68 - 0.1 * step] for step in (3, 2, 1)]
    series = Series(names, DAYS, rows)

    found = labels.on_bands(series)
    boxes = labels.boxes(series, found)

    assert [label["text"] for label in found] == ["Poetry", "Business", "Mystery", "Garden"]
    assert not any(
        box.overlaps(other) for place, box in enumerate(boxes) for other in boxes[:place]
    )


def test_a_label_without_room_is_left_out():
    names = [Category(name, rank) for rank, name in enumerate(("Drama", "Mystery", "Garden"))]
    thin = Series(names, DAYS[:1], [[0.86, 0.065, 0.065]])

    assert [label["text"] for label in labels.on_bands(thin)] == ["Drama", "Mystery"]


def test_the_sentence_says_the_largest_move_and_how_sure_it_is():
    assert charts.weights_sentence(WEIGHTS, drift_score=4.2) == (
        "Documentary rose from 8.0 % to 31.0 % since 4 March 2026; more than noise."
    )
    falling = Series(CATEGORIES, DAYS[:2], [[0.1, 0.8, 0.1], [0.35, 0.5, 0.15]])
    assert charts.weights_sentence(falling, drift_score=1.0) == (
        "Documentary fell from 80.0 % to 50.0 % since 4 March 2026; within this person's own noise."
    )
    assert charts.weights_sentence(falling, drift_score=None).endswith(
        "; too few events to say whether that is noise."
    )


def test_the_sentence_of_somebody_steady_or_new():
    same = Series(CATEGORIES, DAYS[:2], [[0.6, 0.3, 0.1], [0.61, 0.29, 0.1]])
    assert charts.weights_sentence(same, drift_score=0.0) == (
        "Steady: Drama leads with 61.0 %, no weight moved by 2 points."
    )
    once = Series(CATEGORIES, DAYS[:1], [[0.6, 0.3, 0.1]])
    assert charts.weights_sentence(once, drift_score=None) == (
        "Drama leads with 60.0 %. One state so far."
    )
    assert charts.weights_sentence(Series([], [], []), drift_score=None) == "No states yet."


def test_the_sentences_of_raw_shares_and_drift():
    assert charts.shares_sentence(SHARES) == (
        "75.0 % of the 4 newest events (6 March 2026) were Documentary."
    )
    assert charts.shares_sentence(Series([], [], [])) == "No events in this window."
    assert charts.drift_sentence([None], num_events=12, needed=30) == (
        "12 events: too little to say; 30 are needed."
    )
    assert charts.drift_sentence([1.0, 4.2], num_events=99, needed=30) == (
        "Drift score 4.2: interests have moved by more than this person's own noise."
    )
    assert charts.drift_sentence([0.3], num_events=99, needed=30) == (
        "Drift score 0.3: within this person's own noise."
    )
    assert charts.drift_sentence([2.5], num_events=99, needed=30) == (
        "Drift score 2.5: at the edge of this person's own noise."
    )


def test_the_table_holds_what_the_figure_shows_newest_first():
    event = Mark(DAYS[1] + timedelta(hours=1), DAYS[0], 0.98, ["Documentary"], ["Drama"])

    header, rows = charts.interests_table(
        WEIGHTS, drift_scores=[None, 1.0, 4.2], active_days=[7, 8, 29], drift_events=[event]
    )

    assert header == [
        "Until", "Events", "Active days", "Drift score", "Drama", "Documentary", "other", "Drift events",
    ]  # fmt: skip
    assert rows == [
        ["2026-03-06", "1,200", "29", "4.2", "59.0 %", "31.0 %", "10.0 %", "less Drama, more Documentary"],
        ["2026-03-05", "60", "8", "1.0", "70.0 %", "20.0 %", "10.0 %", "–"],
        ["2026-03-04", "40", "7", "–", "82.0 %", "8.0 %", "10.0 %", "–"],
    ]  # fmt: skip


def test_figures_of_nothing_are_valid_too():
    nothing = Series([], [], [])

    made = charts.interests_over_time(nothing, shares=nothing, drift_scores=[])

    plotly.graph_objects.Figure(made)
    assert made["layout"]["annotations"] == []
    assert charts.interests_table(nothing, drift_scores=[])[1] == []


def test_a_name_is_written_letter_for_letter_where_plotly_would_read_html():
    name = '<a href="https://example.org">R&B</a>'
    series = Series(
        [Category(name, 0), Category("other", None)],
        [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)],
        [[0.9, 0.1], [0.8, 0.2]],
        [1, 2],
    )

    drawn = charts.interests_over_time(series, shares=series, drift_scores=[None, None])
    header, _ = charts.interests_table(series, drift_scores=[None, None])

    written = '&lt;a href="https://example.org"&gt;R&amp;B&lt;/a&gt;'
    names = {trace["name"] for trace in drawn["data"]}
    assert {written, f"{written}, events"} <= names
    assert drawn["layout"]["annotations"][0]["text"] == written
    assert header[4] == name  # the page's template writes it itself
