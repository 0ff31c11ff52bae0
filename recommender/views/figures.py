"""Figures as pages show them: the plot, the question it answers, the sentence above, the table behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recommender import charts
from recommender.selectors import pages_evaluation, pages_runs
from recommender.templatetags import words

# More bars than these fill more than a screen.
NUM_BARS = 15


@dataclass(frozen=True)
class Choice:
    """Another way to see a figure, with the address that shows it so."""

    name: str
    href: str
    is_here: bool


@dataclass(frozen=True)
class Figure:
    """One figure. `size` (low, middle, high, tall) keeps its place free until it is drawn."""

    name: str
    question: str
    sentence: str
    plot: dict[str, Any]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    file: str
    size: str = "middle"
    choices: Sequence[Choice] = ()

    @property
    def plot_id(self) -> str:
        """Where its JSON stands on the page."""
        return f"{self.name}-plot"


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
    """Return the leading metric of an evaluation as bars with intervals, of the best if there are many."""
    metric = shown_metric(report)
    every = _bars(report, report.columns[0])
    bars = every[:NUM_BARS]
    of_best = f" The best {NUM_BARS} of {len(every)}." if every[NUM_BARS:] else ""
    return Figure(
        name="metric",
        question=f"How sure is the difference in {words.metric_name(metric)}?",
        sentence=f"Whiskers are 95 % intervals over end users, drawn by bootstrap.{of_best}",
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


def shown_metric(report: pages_evaluation.Report) -> str:
    """Return the key of the metric by which a table is first of all."""
    return report.wish.metric or report.metrics[0]


def accuracy_over_time(report: pages_evaluation.Report) -> Figure | None:
    """Return the leading metric against what it takes, None where nothing was timed."""
    metric = shown_metric(report)
    costs = [
        charts.Cost(line.algorithm, cell.value, line.costs.seconds)
        for line in report.lines
        if (cell := line.cells[0]) and line.costs.seconds is not None
    ]
    if not costs:
        return None
    worth = {cost.algorithm for cost in charts.worth_their_time(costs)}
    by_name = {line.algorithm: line for line in report.lines}
    return Figure(
        name="costs",
        question="Is more time worth it?",
        sentence=charts.cost_sentence(costs),
        plot=charts.accuracy_over_time(costs, metric=metric),
        header=["Algorithm", words.metric_name(metric), "Fit, s", "Answers, s", "Nothing faster as good"],
        rows=[
            [
                charts.algorithm_name(cost.algorithm),
                words.metric(cost.value),
                words.number(by_name[cost.algorithm].costs.fit_seconds, 1),
                words.number(by_name[cost.algorithm].costs.score_seconds, 1),
                words.plain(cost.algorithm in worth),
            ]
            for cost in costs
        ],
        file=f"evaluation-{report.run_id}-time",
        size="high",
    )  # fmt: skip


def evaluation_sentence(report: pages_evaluation.Report) -> str:
    """Say in one sentence what an evaluation found."""
    bars = _bars(report, f"recall@{report.k}")
    if bars:
        return charts.sentence(bars, k=report.k, split=report.split, baseline=report.baseline)
    best = next((line for line in report.lines if line.cells[0]), None)
    if best is None or best.cells[0] is None:
        return ""
    metric, cell = words.metric_name(shown_metric(report)), best.cells[0]
    noise = "" if cell.half_width is None else f" ± {words.metric(cell.half_width)}"
    people = words.number(cell.num_users)
    return (
        f"{words.algorithm(best.algorithm)} leads with {metric} {words.metric(cell.value)}{noise} over {people} "
        "end users."
    )


def order_sentence(report: pages_evaluation.Report) -> str:
    """Say in one sentence whether the order of events helps those whose interests move."""
    rows = [
        charts.Order(line.segment, line.num_users, line.ndcg, line.shuffled_ndcg, line.p_value)
        for line in report.order
        if line.algorithm == charts.NETWORK
    ]
    if not rows:
        return "The network is not in this evaluation: the table says it of each algorithm that reads the order."
    return charts.order_sentence(
        rows, drifting=pages_evaluation.DRIFTING, stable=pages_evaluation.STABLE
    )


def _bars(report: pages_evaluation.Report, metric: str) -> list[charts.Bar]:
    return [
        charts.Bar(algorithm, cell.value, cell.low, cell.high, cell.p_value, cell.num_users)
        for algorithm, cell in report.cells_of(metric).items()
    ]
