"""The newest finished evaluation of each split, as plain rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interests.models import RunState
from recommender.models import EvaluationRun, MetricValue

EVERYBODY = "all"


@dataclass(frozen=True)
class Value:
    """One number of one algorithm, with its 95 % interval and its test where it has them."""

    algorithm: str
    metric: str
    segment: str
    value: float
    low: float | None
    high: float | None
    p_value: float | None
    num_users: int


@dataclass(frozen=True)
class Evaluation:
    """One finished evaluation; `baseline` is what its p-values are against, "" without one."""

    run_id: int
    split: str
    k: int
    finished_at: datetime
    training_run_id: int | None
    targets_sha256: str
    baseline: str
    left_out: dict[str, int]
    values: list[Value]

    def values_of(self, metric: str, *, segment: str = EVERYBODY) -> list[Value]:
        """Return one metric of every algorithm, best first; `metric` without its length: "ndcg"."""
        key = f"{metric}@{self.k}"
        found = [one for one in self.values if (one.metric, one.segment) == (key, segment)]
        return sorted(found, key=lambda one: -one.value)


def latest_evaluations() -> list[Evaluation]:
    """Return the newest finished evaluation of each split, in the order of `EvaluationRun.Split`."""
    runs = (
        EvaluationRun.objects.filter(state=RunState.DONE)
        .order_by("split", "-finished_at", "-pk")
        .distinct("split")
        .prefetch_related("metric_values")
    )
    order = list(EvaluationRun.Split.values)
    return sorted((_plain(run) for run in runs), key=lambda one: order.index(one.split))


def _plain(run: EvaluationRun) -> Evaluation:
    assert run.finished_at is not None, "the database holds that a run that is done has an end"
    return Evaluation(
        run_id=run.pk,
        split=run.split,
        k=run.k,
        finished_at=run.finished_at,
        training_run_id=run.training_run_id,
        targets_sha256=run.targets_sha256,
        baseline=run.results.get("baseline", ""),
        left_out=run.results.get("left_out", {}),
        values=[_value(row) for row in sorted(run.metric_values.all(), key=lambda row: row.pk)],
    )


def _value(row: MetricValue) -> Value:
    return Value(
        row.algorithm, row.metric, row.segment, row.value, row.low, row.high, row.p_value,
        row.num_users,
    )  # fmt: skip
