"""The newest evaluation of a split as a table of algorithms by metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interests.models import RunState
from recommender.models import EvaluationRun, MetricValue
from recommender.selectors import pages_runs
from recommender.selectors.pages_runs import UnderWay

# As the evaluation names these parts.
DRIFTING, STABLE = "drifting end users", "stable end users"

SPLITS = tuple(EvaluationRun.Split.values)
# The order in which readers look at them; the number after @ is the length of the list.
METRICS = ("ndcg", "recall", "precision", "map", "mrr", "coverage")


@dataclass(frozen=True)
class Cell:
    """One metric of one algorithm."""

    value: float
    low: float | None
    high: float | None
    p_value: float | None
    num_users: int
    is_best: bool

    @property
    def half_width(self) -> float | None:
        """Half of the interval: what stands behind ±."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


@dataclass(frozen=True)
class Line:
    """One algorithm with its cells in the order of the table's metrics."""

    algorithm: str
    num_users: int
    p_value: float | None
    cells: list[Cell | None]


@dataclass(frozen=True)
class Report:
    """What an evaluation found for one segment of end users."""

    run_id: int
    split: str
    k: int
    finished_at: datetime
    training_id: int | None
    targets_sha256: str
    baseline: str
    metrics: list[str]
    segments: list[str]
    segment: str
    lines: list[Line]
    order: list[OrderLine]

    def cells_of(self, metric: str) -> dict[str, Cell]:
        """Return one metric's cells by algorithm, in the order of the table."""
        if metric not in self.metrics:
            return {}
        place = self.metrics.index(metric)
        return {line.algorithm: cell for line in self.lines if (cell := line.cells[place])}


@dataclass(frozen=True)
class OrderLine:
    """What one network finds for some end users from histories as they were and shuffled."""

    algorithm: str
    segment: str
    num_users: int
    ndcg: float
    shuffled_ndcg: float
    p_value: float | None

    @property
    def gain(self) -> float:
        return self.ndcg - self.shuffled_ndcg


@dataclass(frozen=True)
class PastRun:
    """An earlier evaluation, for the list below the table."""

    pk: int
    split: str
    k: int
    finished_at: datetime | None


def past_runs(*, split: str, limit: int = 20) -> list[PastRun]:
    """Return the finished evaluations of a split, newest first; one query."""
    rows = (
        EvaluationRun.objects.filter(state=RunState.DONE, split=split)
        .order_by("-finished_at")
        .values_list("pk", "split", "k", "finished_at")[:limit]
    )
    return [PastRun(*row) for row in rows]


def under_way(*, split: str) -> UnderWay | None:
    """Return the evaluation of a split that runs, or else the first that waits; one query."""
    return pages_runs.under_way(EvaluationRun.objects.filter(split=split), kind="evaluation")


def report(*, run_id: int, segment: str = "all") -> Report | None:
    """Return the table of a finished evaluation, best algorithm first; two queries."""
    run = EvaluationRun.objects.filter(pk=run_id, state=RunState.DONE).first()
    if run is None or run.finished_at is None:
        return None
    values = list(run.metric_values.order_by("id"))
    segments = list(dict.fromkeys(value.segment for value in values))
    chosen = segment if segment in segments else "all"
    shown = [value for value in values if value.segment == chosen]
    if not shown:
        return None
    metrics = sorted({value.metric for value in shown}, key=_order)
    return Report(
        run.pk,
        run.split,
        run.k,
        run.finished_at,
        run.training_run_id,
        run.targets_sha256,
        run.results.get("baseline", ""),
        metrics,
        segments,
        chosen,
        _lines(shown, metrics),
        _order_lines(run.results.get("algorithms", {})),
    )


def _order_lines(results: dict[str, Any]) -> list[OrderLine]:
    """Return what shuffled histories cost; evaluations of before it was asked have none."""
    return [
        OrderLine(algorithm, segment, **found["order"][segment])
        for algorithm, found in results.items()
        for segment in ("all", DRIFTING, STABLE)
        if segment in found.get("order", {})
    ]


def _lines(values: list[MetricValue], metrics: list[str]) -> list[Line]:
    by_place = {(value.algorithm, value.metric): value for value in values}
    best = {
        metric: max(value.value for value in values if value.metric == metric) for metric in metrics
    }
    lines = []
    for algorithm in dict.fromkeys(value.algorithm for value in values):
        found = [by_place.get((algorithm, metric)) for metric in metrics]
        leading = found[0]
        lines.append(
            Line(
                algorithm=algorithm,
                num_users=max(value.num_users for value in found if value),
                p_value=leading.p_value if leading else None,
                cells=[_cell(value, best) if value else None for value in found],
            )
        )
    return sorted(lines, key=lambda line: -(line.cells[0].value if line.cells[0] else 0.0))


def _cell(value: MetricValue, best: dict[str, float]) -> Cell:
    return Cell(
        value.value,
        value.low,
        value.high,
        value.p_value,
        value.num_users,
        value.value >= best[value.metric],
    )


def _order(metric: str) -> tuple[int, str]:
    name = metric.partition("@")[0]
    return (METRICS.index(name) if name in METRICS else len(METRICS), metric)
