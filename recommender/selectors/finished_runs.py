"""Runs of all kinds that are done, as the API lists them: newest first, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, Value

from interests.models import ImportRun, PopulationRun, Run, RunState, TrackingRun, TrainingRun
from recommender.models import EvaluationRun, MetricValue, PublicationRun, Serving

KINDS: dict[str, type[Run]] = {
    "import": ImportRun,
    "training": TrainingRun,
    "tracking": TrackingRun,
    "report": PopulationRun,
    "publication": PublicationRun,
    "evaluation": EvaluationRun,
}
FIELDS = ("id", "finished_at", "started_at", "window_from", "window_to", "seed", "settings", "results")  # fmt: skip


def finished_runs(
    *, kind: str, limit: int, before: tuple[datetime, str, int] | None
) -> list[dict[str, Any]]:
    """Return up to `limit` runs that are done; `before` is finish, kind and id of the page before's last."""
    found: list[dict[str, Any]] = []
    for name, run_class in KINDS.items():
        if kind in ("", name):
            rows = run_class._default_manager.filter(state=RunState.DONE)
            if before is not None:
                rows = rows.filter(_after(name, before))
            newest = rows.order_by("-finished_at", "-id")[:limit]
            found += newest.annotate(kind=Value(name)).values("kind", *FIELDS)
    found.sort(key=lambda run: (run["finished_at"], run["kind"], run["id"]), reverse=True)
    return found[:limit]


def _after(name: str, before: tuple[datetime, str, int]) -> Q:
    finished_at, kind, run_id = before
    condition = Q(finished_at__lt=finished_at)
    if name < kind:
        condition |= Q(finished_at=finished_at)
    elif name == kind:
        condition |= Q(finished_at=finished_at, id__lt=run_id)
    return condition


def serving() -> Serving | None:
    """Return what serves, with its publication, or None before the first publication."""
    return Serving.objects.select_related("publication").first()


def finished_evaluations(*, limit: int, before: int | None) -> list[EvaluationRun]:
    """Return up to `limit` evaluations that are done, newest first, with their metric values."""
    values = MetricValue.objects.order_by("algorithm", "segment", "metric")
    rows = EvaluationRun.objects.filter(state=RunState.DONE)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(
        rows.order_by("-id")[:limit].prefetch_related(Prefetch("metric_values", queryset=values))
    )
