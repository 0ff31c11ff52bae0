"""Plain values -> a Plotly figure as a dict, the sentence above it, the table behind it."""

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

__all__ = [
    "NETWORK",
    "Bar",
    "Order",
    "algorithm_name",
    "metric_bars",
    "order_sentence",
    "sentence",
    "training_curves",
    "training_sentence",
]
