"""Plain values -> a Plotly figure as a dict, the sentence above it, the table behind it."""

from interests.charts.figures import interests_over_time, weights_over_time
from interests.charts.sentences import (
    NOTABLE_DRIFT,
    drift_sentence,
    interests_table,
    shares_sentence,
    weights_sentence,
)
from interests.charts.series import Category, Series

__all__ = [
    "NOTABLE_DRIFT",
    "Category",
    "Series",
    "drift_sentence",
    "interests_over_time",
    "interests_table",
    "shares_sentence",
    "weights_over_time",
    "weights_sentence",
]
