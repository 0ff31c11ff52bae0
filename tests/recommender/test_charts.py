"""Figures that Plotly accepts, and sentences that say what they show."""

from __future__ import annotations

import json

import plotly.graph_objects as go
import pytest

from recommender import charts
from recommender.charts import Bar, Cost

NETWORK = Bar("interest_network", 0.123, 0.112, 0.134, 0.003, 610)
EASE = Bar("ease", 0.0879, 0.08, 0.1, None, 610)
POPULAR = Bar("most_popular", 0.034, None, None, 0.0002, 610)


def test_bars_are_sorted_with_the_best_on_top_and_the_network_accented():
    figure = charts.metric_bars([POPULAR, NETWORK, EASE], metric="recall@10")

    go.Figure(figure)  # raises where Plotly knows a property not
    assert figure["layout"]["yaxis"]["categoryarray"] == ["Most popular", "EASE", "Network"]
    accent, rest = figure["data"]
    assert (accent["meta"], accent["y"], accent["x"]) == ({"role": "accent"}, ["Network"], [0.123])
    assert (rest["meta"], rest["y"]) == ({"role": "rest"}, ["Most popular", "EASE"])
    assert figure["layout"]["xaxis"]["title"]["text"] == "Recall at 10"


def test_whiskers_reach_to_the_ends_of_the_interval():
    [rest] = charts.metric_bars([EASE, POPULAR], metric="ndcg@10")["data"]

    assert rest["error_x"]["array"] == [0, pytest.approx(0.0121)]
    assert rest["error_x"]["arrayminus"] == [0, pytest.approx(0.0079)]


def test_figures_name_no_colour():
    text = json.dumps(charts.metric_bars([NETWORK, EASE], metric="ndcg@10"))

    assert "color" not in text
    assert "#" not in text


def test_the_sentence_holds_the_network_against_the_baseline():
    said = charts.sentence([NETWORK, EASE, POPULAR], k=10, split="leave-one-out", baseline="ease")

    assert said == (
        "The network finds the next item in its first ten for 12.3 % ± 1.1 of 610 end users, "
        "1.4 times as often as EASE; p = 0.003."
    )


@pytest.mark.parametrize(
    ("other", "said"),
    [("recent_ease", "recent EASE"), ("item_knn", "Item-KNN"), ("most_popular", "most popular")],
)
def test_names_inside_of_a_sentence_keep_their_capitals(other, said):
    text = charts.sentence(
        [NETWORK, Bar(other, 0.0879, 0.08, 0.1, None, 610)],
        k=10,
        split="leave-one-out",
        baseline=other,
    )

    assert f"1.4 times as often as {said}; p" in text


@pytest.mark.parametrize(
    ("bars", "arguments", "expected"),
    [
        ([], {}, ""),
        (
            [POPULAR],
            {},
            "Most popular finds the next item in its first ten for 3.4 % of 610 end users.",
        ),
        (
            [NETWORK, POPULAR],
            {"split": "time", "baseline": "most_popular"},
            (
                "The network has in its first ten 12.3 % ± 1.1 of what 610 end users went on to choose, "
                "3.6 times as much as most popular; p = 0.003."
            ),
        ),
        (
            [Bar("interest_network", 1, None, None, 0.0001, 1), EASE],
            {"k": 1, "baseline": "ease"},
            (
                "The network finds the next item in its first place for 100.0 % of 1 end user, "
                "11.4 times as often as EASE; p < 0.001."
            ),
        ),
        (
            [NETWORK, Bar("item_knn", 0.0, 0.0, 0.0, None, 610)],
            {"k": 7, "baseline": "item_knn"},
            (
                "The network finds the next item in its first 7 for 12.3 % ± 1.1 of 610 end users, "
                "Item-KNN for none."
            ),
        ),
    ],
)
def test_the_sentence_fits_what_there_is(bars, arguments, expected):
    given = {"k": 10, "split": "leave-one-out", "baseline": "", **arguments}

    assert charts.sentence(bars, **given) == expected


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [
        ("als", "ALS"),
        ("ease", "EASE"),
        ("recent_ease", "Recent EASE"),
        ("item_knn", "Item-KNN"),
        ("user_knn_pearson", "User-KNN Pearson"),
        ("tfidf", "TF-IDF"),
        ("most_popular", "Most popular"),
        ("interest_network", "Network"),
    ],
)
def test_algorithms_go_by_the_names_that_readers_know(algorithm, name):
    assert charts.algorithm_name(algorithm) == name


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "Nobody's interests moved enough in training to tell."),
        (
            [("drifting", 40, 0.12, 0.04, 0.002), ("stable", 300, 0.11, 0.1, 0.2)],
            (
                "Yes: for 40 end users it finds 3.0 times as much from what they did in its order; "
                "p = 0.002. For the 300 stable ones 1.1 times as much."
            ),
        ),
        (
            [("drifting", 1, 0.12, 0.04, None)],
            "Not shown: over 1 end user the difference could be chance.",
        ),
        (
            [("drifting", 40, 0.12, 0.1, 0.3)],
            "Not shown: over 40 end users the difference could be chance; p = 0.30.",
        ),
        (
            [("drifting", 40, 0.02, 0.1, 0.01)],
            "No: for 40 end users the order of events does harm; p = 0.010.",
        ),
    ],
)
def test_the_sentence_says_whether_order_helps_those_who_drift(rows, expected):
    said = charts.order_sentence(
        [charts.Order(*row) for row in rows], drifting="drifting", stable="stable"
    )

    assert said == expected


# Popular is fastest; EASE is better and slower; ALS is slower than EASE and worse; the network is best.
COSTS = [
    Cost("interest_network", 0.10, 300.0),
    Cost("als", 0.05, 20.0),
    Cost("ease", 0.08, 2.0),
    Cost("most_popular", 0.02, 0.0),
]


def test_worth_its_time_is_what_nothing_faster_equals():
    names = [cost.algorithm for cost in charts.worth_their_time(COSTS)]

    assert names == ["most_popular", "ease", "interest_network"]
    slower = [*COSTS, Cost("slim", 0.08, 3.0)]
    assert charts.worth_their_time(slower) == charts.worth_their_time(COSTS)


def test_accuracy_over_time_joins_them_and_leaves_the_others_grey():
    figure = charts.accuracy_over_time(COSTS, metric="ndcg@10")

    go.Figure(figure)  # raises where Plotly knows a property not
    others, best = figure["data"]
    assert (others["meta"], others["x"], others["y"]) == ({"role": "rest"}, [20.0], [0.05])
    # What takes no time has a place on an axis in steps of ten all the same.
    assert (best["meta"], best["x"]) == ({"role": "accent"}, [0.01, 2.0, 300.0])
    labels = [(label["text"], label["x"]) for label in figure["layout"]["annotations"]]
    assert labels == [
        ("Network", pytest.approx(2.477, abs=1e-3)),
        ("EASE", pytest.approx(0.301, abs=1e-3)),
        ("Most popular", -2),
    ]


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([], ""),
        (COSTS[2:3], "EASE is both the best and the fastest."),
        (COSTS, "Network is best and takes 300 s; nothing faster comes within a tenth of it."),
        (
            [*COSTS, Cost("slim", 0.095, 9.44)],
            "Network is best and takes 300 s; SLIM reaches 95 % of it in 9.4 s.",
        ),
    ],
)
def test_the_sentence_above_says_what_more_time_buys(costs, expected):
    assert charts.cost_sentence(costs) == expected
