"""Figures as pages show them: the plot, the question it answers, the sentence above, the table behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.text import slugify

from interests import charts as interest_charts
from interests.charts import Category, Series
from interests.selectors import states
from recommender import charts
from recommender.selectors import pages_evaluation, pages_runs
from recommender.templatetags import words


@dataclass(frozen=True)
class Figure:
    """One figure. `size` (low, middle, tall) keeps its place free until it is drawn."""

    name: str
    question: str
    sentence: str
    plot: dict[str, Any]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    file: str
    size: str = "middle"

    @property
    def plot_id(self) -> str:
        """Where its JSON stands on the page."""
        return f"{self.name}-plot"


# How wide a bar of raw events is, by the length of the history: a few bars at least, not too many.
BARS = (
    (timedelta(days=28), "week", timedelta(days=7)),
    (timedelta(days=2), "day", timedelta(days=1)),
    (timedelta(hours=2), "hour", timedelta(hours=1)),
    (timedelta(0), "minute", timedelta(minutes=1)),
)


def interests_over_time(*, end_user_id: int, user_id: str) -> Figure | None:
    """Return weights, raw shares and drift of an end user on one axis; None before there are two states."""
    history = states.history(end_user_id)
    if len(history.points) < 2:
        return None
    since, until = history.points[0].at, history.points[-1].at
    step, length = next((step, length) for least, step, length in BARS if until - since >= least)
    raw = states.event_shares_over_time(end_user_id, step=step)
    weights = Series(
        _categories(history.categories),
        [point.at for point in history.points],
        [point.weights for point in history.points],
        [point.num_events for point in history.points],
    )
    shares = Series(
        _categories(raw.categories),
        # A bar is drawn around its time: in the middle of its week it ends where the next begins.
        [point.at + length / 2 for point in raw.points],
        [point.shares for point in raw.points],
        [point.num_events for point in raw.points],
    )
    scores = [point.drift_score for point in history.points]
    header, rows = interest_charts.interests_table(weights, drift_scores=scores)
    return Figure(
        name="interests",
        question="How have interests moved?",
        sentence=interest_charts.weights_sentence(weights, drift_score=scores[-1]),
        plot=interest_charts.interests_over_time(weights, shares=shares, drift_scores=scores),
        header=header,
        rows=rows,
        file=f"interests-{slugify(user_id) or end_user_id}",
        size="tall",
    )


def _categories(names: Sequence[states.CategoryName]) -> list[Category]:
    return [Category(name.name, name.colour_rank) for name in names]


def training_curves(run: pages_runs.RunPage) -> Figure | None:
    """Return the curves of a training, None before its first pass."""
    if not run.curves.get("loss"):
        return None
    names = [name for name in ("loss", "ndcg@10", "recall@10") if run.curves.get(name)]
    passes = zip(*(run.curves[name] for name in names), strict=False)
    return Figure(
        name="curves",
        question="Is it still learning?",
        sentence=charts.training_sentence(run.curves),
        plot=charts.training_curves(run.curves),
        header=["Pass", *(words.metric_name(name) for name in names)],
        rows=[
            [str(place), *(f"{value:.4f}" for value in values)]
            for place, values in enumerate(passes, start=1)
        ],
        file=f"training-{run.row.pk}-curves",
    )


def metric_bars(report: pages_evaluation.Report) -> Figure:
    """Return the leading metric of an evaluation as bars with intervals."""
    metric = report.metrics[0]
    bars = _bars(report, metric)
    return Figure(
        name="metric",
        question=f"How sure is the difference in {words.metric_name(metric)}?",
        sentence="Whiskers are 95 % intervals over end users, drawn by bootstrap.",
        plot=charts.metric_bars(bars, metric=metric),
        header=["Algorithm", words.metric_name(metric), "Low", "High", "p", "End users"],
        rows=[
            [
                charts.algorithm_name(bar.algorithm),
                words.metric(bar.value),
                words.metric(bar.low),
                words.metric(bar.high),
                words.p_value(bar.p_value),
                words.number(bar.num_users),
            ]
            for bar in bars
        ],
        file=f"evaluation-{report.run_id}-{report.segment}",
        size="low",
    )


def evaluation_sentence(report: pages_evaluation.Report) -> str:
    """Say in one sentence what an evaluation found."""
    bars = _bars(report, f"recall@{report.k}")
    return charts.sentence(bars, k=report.k, split=report.split, baseline=report.baseline)


def _bars(report: pages_evaluation.Report, metric: str) -> list[charts.Bar]:
    return [
        charts.Bar(algorithm, cell.value, cell.low, cell.high, cell.p_value, cell.num_users)
        for algorithm, cell in report.cells_of(metric).items()
    ]
