"""Plain values -> a Plotly figure as a dict, the sentence above it, the table behind it."""

from recommender.charts.costs import Cost, accuracy_over_time, cost_sentence, worth_their_time
from recommender.charts.evaluations import (
    NETWORK,
    Bar,
    Order,
    algorithm_name,
    metric_bars,
    order_sentence,
    sentence,
    training_curves,
    training_sentence,
)
from recommender.charts.outcomes import MAX_LINES, Rates, lag_over_time, rates_over_time

__all__ = [
    "MAX_LINES",
    "NETWORK",
    "Bar",
    "Cost",
    "Order",
    "Rates",
    "accuracy_over_time",
    "algorithm_name",
    "cost_sentence",
    "lag_over_time",
    "metric_bars",
    "order_sentence",
    "rates_over_time",
    "sentence",
    "training_curves",
    "training_sentence",
    "worth_their_time",
]
