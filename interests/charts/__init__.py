"""Plain values -> a Plotly figure as a dict, the sentence above it, the table behind it."""

from interests.charts.changes import Change, change_bars, change_table, points
from interests.charts.compared import (
    Person,
    common_sentence,
    common_table,
    in_common,
    two_over_time,
)
from interests.charts.figures import interests_over_time, weights_over_time
from interests.charts.marks import Mark, change_sentence, change_words, sureness
from interests.charts.sentences import (
    NOTABLE_DRIFT,
    drift_sentence,
    interests_sentence,
    interests_table,
    shares_sentence,
    weights_sentence,
)
from interests.charts.series import Category, Series

__all__ = [
    "NOTABLE_DRIFT",
    "Category",
    "Change",
    "Mark",
    "Person",
    "Series",
    "change_bars",
    "change_sentence",
    "change_table",
    "change_words",
    "common_sentence",
    "common_table",
    "drift_sentence",
    "in_common",
    "interests_over_time",
    "interests_sentence",
    "interests_table",
    "points",
    "shares_sentence",
    "sureness",
    "two_over_time",
    "weights_over_time",
    "weights_sentence",
]
