"""Drift events on figures, one change before and after, two people: right in their numbers and words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import plotly.graph_objects
import pytest

from interests import charts
from interests.charts import Category, Change, Mark, Person, Series, changes, compared, marks

START = datetime(2026, 3, 4, tzinfo=UTC)
DAYS = [START + timedelta(days=day) for day in range(4)]
DRAMA, HORROR, WAR = Category("Drama", 0), Category("Horror", 3), Category("War", 14)
WEIGHTS = Series([DRAMA, HORROR], DAYS[:3], [[0.8, 0.2], [0.7, 0.3], [0.4, 0.6]], [40, 60, 1200])
CHANGE = Mark(DAYS[2], DAYS[1], 0.98, ["Horror"], ["Drama"], href="/drift/7")


COLOUR = re.compile(r'(?<=[\[ ])"(category-\w+|accent|card|text(-\w+)?)(/\d+)?"(?!:)')


def valid(made: object) -> None:
    """Assert that Plotly takes a figure once the names of colours are replaced, as the script does."""
    text = COLOUR.sub('"rgb(1, 2, 3)"', json.dumps(made))

    plotly.graph_objects.Figure(json.loads(text))


def sentence(weights: Series = WEIGHTS, *events: Mark, drift_score: float | None = 1.0) -> str:
    return charts.interests_sentence(
        weights, drift_score=drift_score, drift_events=events, active_days=9, needed=30
    )


def test_a_drift_event_is_a_line_through_all_rows_with_a_head_that_leads_to_its_page():
    shares = Series([DRAMA], DAYS[:3], [[1.0]] * 3, [1, 1, 1])
    wrong = Mark(DAYS[1], DAYS[0], 0.9, [], ["Drama"], verdict="wrong")

    made = charts.interests_over_time(
        WEIGHTS, shares=shares, drift_scores=[None, 1.0, 4.0], drift_events=[wrong, CHANGE]
    )

    valid(made)
    assert json.loads(json.dumps(made)) == made
    [head] = [trace for trace in made["data"] if trace["name"] == "drift event"]
    assert head["x"] == [DAYS[1].isoformat(), DAYS[2].isoformat()]
    assert head["customdata"] == ["", "/drift/7"]
    assert head["marker"]["symbol"] == ["x", "triangle-down"]
    assert head["text"] == [
        "less Drama; likely (90 %), marked wrong",
        "less Drama, more Horror; sure (98 %)",
    ]
    lines = [shape for shape in made["layout"]["shapes"] if shape["type"] == "line"]
    assert [(line["x0"], line["y0"], line["y1"], line["line"]["dash"]) for line in lines] == [
        (DAYS[1].isoformat(), 0.0, 1.0, "dot"),
        (DAYS[2].isoformat(), 0.0, 1.0, "solid"),
    ]
    stretches = [shape for shape in made["layout"]["shapes"] if shape["type"] == "rect"]
    assert [(stretch["x0"], stretch["x1"]) for stretch in stretches] == [
        (DAYS[0].isoformat(), DAYS[1].isoformat()),
        (DAYS[1].isoformat(), DAYS[2].isoformat()),
    ]


@pytest.mark.parametrize(
    ("rising", "falling", "is_return", "words"),
    [
        (["A"], ["B"], False, "less B, more A"),
        (["A", "B"], [], False, "more A and B"),
        ([], ["A", "B", "C", "D"], False, "less A, B and 2 more"),
        (["A"], ["B"], True, "back to what it was: less B, more A"),
        ([], [], False, "no single category stands out"),
    ],
)
def test_a_change_in_words(rising, falling, is_return, words):
    assert charts.change_words(rising=rising, falling=falling, is_return=is_return) == words


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (1.0, "sure (over 99 %)"),
        (0.95, "sure (95 %)"),
        (0.9499, "likely (95 %)"),
        (0.8, "likely (80 %)"),
        (0.5, "unsure (50 %)"),
    ],
)
def test_how_sure_a_change_is(confidence, words):
    assert charts.sureness(confidence) == words


def test_the_sentence_says_the_newest_change_that_is_not_marked_wrong():
    explained = Mark(DAYS[3], DAYS[2], 0.9, [], ["War"], verdict="explained", note="a holiday")
    wrong = Mark(DAYS[3], DAYS[2], 0.9, [], ["War"], verdict="wrong")

    assert sentence(WEIGHTS, CHANGE, wrong) == (
        "Since 5 March 2026: less Drama, more Horror; sure (98 %). From 1,200 events on 9 days."
    )
    assert sentence(WEIGHTS, explained, CHANGE) == (
        "Since 6 March 2026: less War; likely (90 %); marked explained: a holiday."
        " From 1,200 events on 9 days."
    )
    assert sentence(WEIGHTS) == (
        "Horror rose from 20.0 % to 60.0 % since 4 March 2026; within this person's own noise."
        " From 1,200 events on 9 days."
    )


def test_the_sentence_of_too_few_events_says_nothing_else():
    few = Series(WEIGHTS.categories, DAYS[:1], [[0.8, 0.2]], [12])
    one = Series(WEIGHTS.categories, DAYS[:1], [[0.8, 0.2]], [1])

    assert sentence(few, CHANGE) == "12 events: too little to say; 30 are needed."
    assert sentence(one) == "1 event: too little to say; 30 are needed."


def test_a_change_is_drawn_in_pairs_the_most_telling_on_top():
    rows = [
        Change(DRAMA, 0.6, 0.2, changes.FALLING),
        Change(WAR, 0.1, 0.25, changes.STEADY),
        Change(HORROR, 0.3, 0.55, changes.RISING),
    ]

    made = charts.change_bars(rows)
    header, table = charts.change_table(rows)

    valid(made)
    after, before = made["data"]
    assert after["y"] == before["y"] == ["War", "Horror", "Drama"]  # from the bottom
    assert after["x"] == [0.25, 0.55, 0.2]
    assert before["x"] == [0.1, 0.3, 0.6]
    assert after["text"] == ["+15.0 pp, within noise", "+25.0 pp, rising", "−40.0 pp, falling"]
    assert after["marker"]["color"] == ["category-other", "category-3", "category-0"]
    assert header == ["Category", "Before", "After", "Change", "More than noise?"]
    assert table == [
        ["Drama", "60.0 %", "20.0 %", "−40.0 pp", "falling"],
        ["Horror", "30.0 %", "55.0 %", "+25.0 pp", "rising"],
        ["War", "10.0 %", "25.0 %", "+15.0 pp", "within noise"],
    ]


def test_what_two_people_have_in_common_by_hand():
    assert charts.in_common([0.5, 0.3, 0.2], [0.1, 0.3, 0.6]) == pytest.approx(0.6)
    assert charts.in_common([1.0, 0.0], [0.0, 1.0]) == 0
    assert charts.in_common([0.4, 0.6], [0.4, 0.6]) == pytest.approx(1)


def test_two_people_are_drawn_over_the_same_categories_in_the_same_colours():
    other = Series([HORROR, WAR], [DAYS[1], DAYS[3]], [[0.5, 0.5], [0.9, 0.1]], [30, 31])
    ann, bob = Person("ann", WEIGHTS, [CHANGE]), Person("bob", other)

    made = charts.two_over_time(ann, bob)

    valid(made)
    assert [(trace["name"], trace["yaxis"]) for trace in made["data"]] == [
        ("Horror", "y"), ("Drama", "y"), ("other", "y"),
        ("Horror", "y2"), ("Drama", "y2"), ("other", "y2"),
        ("in common", "y3"), ("drift event", "y"),
    ]  # fmt: skip
    assert [trace["meta"] for trace in made["data"][:3]] == [
        trace["meta"] for trace in made["data"][3:6]
    ]
    assert made["data"][4]["y"] == [0.0, 0.0]  # bob has no Drama
    # Of the day before bob's first state nothing is said; then min(.3, .5), min(.6, .5), min(.6, .9).
    assert made["data"][6]["x"] == [at.isoformat() for at in DAYS[1:]]
    assert made["data"][6]["y"] == pytest.approx([0.3, 0.5, 0.6])
    line = made["layout"]["shapes"][1]
    assert (line["y0"], line["y1"]) == compared.ROWS[0]
    assert charts.common_sentence(ann, bob) == (
        "They have 60 % of their interests in common, from 1,200 and 31 events; 30 % on 5 March 2026."
    )


def test_the_table_of_two_people_names_each_category_of_each():
    other = Series([DRAMA], [DAYS[0]], [[1.0]], [30])

    header, rows = charts.common_table(Person("ann", WEIGHTS), Person("bob", other))

    assert header == [
        "At", "In common", "Drama, ann", "Drama, bob", "Horror, ann", "Horror, bob", "other, ann", "other, bob",
    ]  # fmt: skip
    assert rows[0] == ["2026-03-06", "40.0 %", "40.0 %", "100.0 %", "60.0 %", "0.0 %", "0.0 %", "0.0 %"]  # fmt: skip
    assert len(rows) == 3


def test_somebody_without_states_has_nothing_to_compare():
    nobody = Person("cem", Series([], [], []))

    made = charts.two_over_time(Person("ann", WEIGHTS), nobody)

    valid(made)
    assert charts.common_sentence(Person("ann", WEIGHTS), nobody) == (
        "One of the two has no interest states yet: nothing to compare."
    )


def test_the_newest_mark_is_by_the_time_it_was_raised():
    early = Mark(DAYS[0], DAYS[0], 0.9, [], [])
    late = Mark(DAYS[3], DAYS[0], 0.9, [], [])

    assert marks.newest([late, early]) == late
    assert marks.newest([]) is None
