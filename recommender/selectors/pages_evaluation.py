"""An evaluation as a table: algorithms by metrics or by parts of end users, beside a baseline and what each costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Min, Q, QuerySet

from interests.models import RunState
from recommender import algorithms
from recommender.models import EvaluationRun, MetricValue, PairedTest
from recommender.selectors import pages_runs
from recommender.selectors.pages_runs import UnderWay

# As the evaluation names these parts.
EVERYBODY, DRIFTING, STABLE = "all", "drifting end users", "stable end users"

SPLITS = tuple(EvaluationRun.Split.values)
# The order in which readers look at them; the number after @ is the length of the list.
METRICS = ("ndcg", "recall", "precision", "map", "mrr", "coverage")
# What an evaluation of long ago compared and the registry no longer has.
NO_FAMILY = "no longer there"


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
class Against:
    """How an algorithm differs from the baseline in NDCG; interval and p-value where they are stored."""

    difference: float
    low: float | None = None
    high: float | None = None
    p_value: float | None = None

    @property
    def half_width(self) -> float | None:
        """Half of the interval of the difference."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


@dataclass(frozen=True)
class Costs:
    """What an algorithm takes; None where the evaluation did not measure it."""

    fit_seconds: float | None = None
    score_seconds: float | None = None
    memory_bytes: int | None = None

    @property
    def seconds(self) -> float | None:
        """Fit and answers together."""
        if self.fit_seconds is None or self.score_seconds is None:
            return None
        return self.fit_seconds + self.score_seconds


@dataclass(frozen=True)
class Line:
    """One algorithm with its cells in the order of the table's columns."""

    algorithm: str
    family: str
    num_users: int
    cells: list[Cell | None]
    against: Against | None
    costs: Costs
    is_baseline: bool

    @property
    def p_value(self) -> float | None:
        """That of the paired test against the baseline."""
        return self.against.p_value if self.against else None


@dataclass(frozen=True)
class Unfitted:
    """An algorithm that could not be fitted, and why."""

    algorithm: str
    family: str
    reason: str


@dataclass(frozen=True)
class Wish:
    """Which numbers of an evaluation are wanted.

    Attributes:
        segment: a part of the end users, or `EVERYBODY`
        metric: the one metric to show, "" for all
        is_by_part: columns are the parts of end users, for one metric
        baseline: what the others are held against, "" for the one that was best on validation
    """

    segment: str = EVERYBODY
    metric: str = ""
    is_by_part: bool = False
    baseline: str = ""


@dataclass(frozen=True)
class Report:
    """What an evaluation found.

    Attributes:
        columns: keys of metrics, or names of parts where the table is by part
        metrics: keys of all metrics that are stored, the leading one first
        segments: names of all parts that are stored, everybody first
        lines: the algorithms, best first by the first column
    """

    run_id: int
    split: str
    k: int
    finished_at: datetime
    training_id: int | None
    targets_sha256: str
    baseline: str
    best_baseline: str
    wish: Wish
    columns: list[str]
    metrics: list[str]
    segments: list[str]
    lines: list[Line]
    unfitted: list[Unfitted]
    order: list[OrderLine]

    @property
    def segment(self) -> str:
        """The part of the end users that the table is of."""
        return self.wish.segment

    @property
    def is_tested(self) -> bool:
        """Tell whether paired tests belong to what is shown: they are of everybody."""
        return any(line.p_value is not None for line in self.lines)

    def cells_of(self, column: str) -> dict[str, Cell]:
        """Return one column's cells by algorithm, in the order of the table."""
        if column not in self.columns:
            return {}
        place = self.columns.index(column)
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


def report(*, run_id: int, wish: Wish = Wish()) -> Report | None:
    """Return the table of a finished evaluation, best algorithm first; four queries."""
    run = EvaluationRun.objects.filter(pk=run_id, state=RunState.DONE).first()
    if run is None or run.finished_at is None:
        return None
    segments, metrics = _stored(run)
    if not segments or not metrics:
        return None
    wish = Wish(
        wish.segment if wish.segment in segments else segments[0],
        wish.metric if wish.metric in metrics else "",
        wish.is_by_part,
        wish.baseline,
    )
    values = list(_wished(run.metric_values.all(), wish, metrics).order_by("id"))
    names = list(dict.fromkeys(value.algorithm for value in values))
    best = run.results.get("baseline", "")
    baseline = wish.baseline if wish.baseline in names else best
    # Coverage is of everybody: parts of the end users have none.
    measured = [metric for metric in metrics if any(value.metric == metric for value in values)]
    columns = segments if wish.is_by_part else [wish.metric] if wish.metric else measured
    return Report(
        run_id=run.pk,
        split=run.split,
        k=run.k,
        finished_at=run.finished_at,
        training_id=run.training_run_id,
        targets_sha256=run.targets_sha256,
        baseline=baseline,
        best_baseline=best,
        wish=wish,
        columns=columns,
        metrics=metrics,
        segments=segments,
        lines=_lines(run, values, columns=columns, wish=wish, baseline=baseline, best=best),
        unfitted=[
            Unfitted(name, family_of(name), reason)
            for name, reason in run.results.get("unfitted", {}).items()
        ],
        order=_order_lines(run.results.get("algorithms", {})),
    )


def family_of(algorithm: str) -> str:
    """Return the family of an algorithm of the registry."""
    entry = algorithms.REGISTRY.get(algorithm)
    return entry.family if entry else NO_FAMILY


def _stored(run: EvaluationRun) -> tuple[list[str], list[str]]:
    """Return the parts and metrics of an evaluation in the order in which they are shown."""
    rows = run.metric_values.values("segment", "metric").annotate(first=Min("id")).order_by("first")
    found = list(rows.values_list("segment", "metric"))
    metrics = sorted({metric for _, metric in found}, key=_order)
    return list(dict.fromkeys(segment for segment, _ in found)), metrics


def _wished(
    values: QuerySet[MetricValue], wish: Wish, metrics: Sequence[str]
) -> QuerySet[MetricValue]:
    if wish.is_by_part:
        return values.filter(metric=wish.metric or metrics[0])
    own = Q(segment=wish.segment)
    # The leading metric too, for the difference to the baseline.
    return values.filter(own, metric__in=[wish.metric, metrics[0]] if wish.metric else metrics)


def _order_lines(results: dict[str, Any]) -> list[OrderLine]:
    """Return what shuffled histories cost; evaluations of before it was asked have none."""
    return [
        OrderLine(algorithm, segment, **found["order"][segment])
        for algorithm, found in results.items()
        for segment in (EVERYBODY, DRIFTING, STABLE)
        if segment in found.get("order", {})
    ]


def _lines(
    run: EvaluationRun,
    values: Sequence[MetricValue],
    *,
    columns: Sequence[str],
    wish: Wish,
    baseline: str,
    best: str,
) -> list[Line]:
    by_place = {
        (value.algorithm, value.segment if wish.is_by_part else value.metric): value
        for value in values
    }
    tops = {
        column: max(value.value for (_, place), value in by_place.items() if place == column)
        for column in columns
        if any(place == column for _, place in by_place)
    }
    against = _against(run, values, wish=wish, baseline=baseline, best=best)
    costs = run.results.get("algorithms", {})
    lines = []
    for name in dict.fromkeys(value.algorithm for value in values):
        found = [by_place.get((name, column)) for column in columns]
        lines.append(
            Line(
                algorithm=name,
                family=family_of(name),
                num_users=max(value.num_users for value in values if value.algorithm == name),
                cells=[
                    _cell(value, tops[column]) if value else None
                    for value, column in zip(found, columns, strict=True)
                ],
                against=against.get(name),
                costs=_costs(costs.get(name, {})),
                is_baseline=name == baseline,
            )
        )
    return sorted(lines, key=lambda line: -(line.cells[0].value if line.cells[0] else 0.0))


def _costs(found: dict[str, Any]) -> Costs:
    return Costs(
        found.get("fit_seconds"), found.get("score_seconds"), found.get("memory_bytes") or None
    )


def _against(
    run: EvaluationRun, values: Iterable[MetricValue], *, wish: Wish, baseline: str, best: str
) -> dict[str, Against]:
    """Return how each algorithm differs from the baseline in NDCG.

    Stored are the tests of all pairs over everybody. For a part of the end users the difference is told
    alone, and so it is by evaluations of before there were such tests, but for the p-value against the
    baseline of their own.
    """
    tests = PairedTest.objects.filter(Q(first=baseline) | Q(second=baseline), evaluation_run=run)
    stored = {
        one.second if one.first == baseline else one.first: one if one.second == baseline else _turned(one)
        for one in tests
    }  # fmt: skip
    ndcg = f"ndcg@{run.k}"
    segment = EVERYBODY if wish.is_by_part else wish.segment
    shown = {
        value.algorithm: value
        for value in values
        if value.metric == ndcg and value.segment == segment
    }
    found = {}
    for name, value in shown.items():
        one = stored.get(name) if segment == EVERYBODY else None
        if one is not None:
            found[name] = Against(one.difference, one.low, one.high, one.p_value)
        elif name != baseline and baseline in shown:
            p_value = value.p_value if baseline == best else None
            found[name] = Against(value.value - shown[baseline].value, p_value=p_value)
    return found


def _turned(test: PairedTest) -> PairedTest:
    """Return a test seen from its other side."""
    return PairedTest(
        first=test.second,
        second=test.first,
        difference=-test.difference,
        low=-test.high,
        high=-test.low,
        p_value=test.p_value,
    )


def _cell(value: MetricValue, best: float) -> Cell:
    return Cell(
        value.value, value.low, value.high, value.p_value, value.num_users, value.value >= best
    )


def _order(metric: str) -> tuple[int, str]:
    name = metric.partition("@")[0]
    return (METRICS.index(name) if name in METRICS else len(METRICS), metric)
