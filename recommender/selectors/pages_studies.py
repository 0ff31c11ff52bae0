"""Studies for their pages: the list, one of them, its trials, and what is used now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from interests.models import ChosenSettings, RunState
from recommender.models import Study, Trial

ENDED = (RunState.DONE, RunState.FAILED, RunState.STOPPED)
# What the table of trials can be sorted by, and how.
SORTS: Mapping[str, tuple[Any, ...]] = {
    "value": (F("value").desc(nulls_last=True), "number"),
    "number": ("number",),
    "-number": ("-number",),
}


@dataclass(frozen=True)
class StudyRow:
    """One line of the list, and the head of a study's page."""

    pk: int
    algorithm: str
    sampler: str
    split: str
    state: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    requested_by: str | None
    num_trials: int
    max_at_once: int
    num_ended: int
    num_at_work: int
    best: dict[str, Any] | None
    start_ndcg: float | None
    error: str
    is_stop_requested: bool

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def share_done(self) -> float:
        return min(self.num_ended / self.num_trials, 1.0) if self.num_trials else 0.0

    @property
    def best_ndcg(self) -> float | None:
        return None if self.best is None else float(self.best["ndcg"])

    @property
    def gain(self) -> float | None:
        """What the best trial is better than the usual settings, as a share of these."""
        if self.best is None or not self.start_ndcg:
            return None
        return float(self.best["ndcg"] / self.start_ndcg - 1)

    @property
    def can_be_used(self) -> bool:
        """Whether it has found settings that are better than the usual ones."""
        is_over = self.state in (RunState.DONE, RunState.STOPPED)
        return is_over and self.best is not None and self.best["number"] > 0


@dataclass(frozen=True)
class StudyPage:
    """One study with what it has found; `space` says by name what may be tried, as `spaces.to_json` wrote it."""

    row: StudyRow
    space: dict[str, Any]
    start: dict[str, Any]
    importances: dict[str, float]
    num_users: int
    num_pruned: int
    num_failed: int
    window_to: datetime | None
    seed: int


@dataclass(frozen=True)
class TrialRow:
    """One line of the table of trials."""

    number: int
    state: str
    value: float | None
    is_pruned: bool
    params: dict[str, Any]
    share_done: float
    step: str
    attempt: int
    started_at: datetime | None
    finished_at: datetime | None
    error: str

    @property
    def seconds(self) -> float | None:
        """How long its last attempt took, once it has ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class Chosen:
    """Settings of an algorithm that are used in place of the usual ones."""

    algorithm: str
    settings: dict[str, Any]
    study_number: int | None
    by: str
    at: datetime


def studies(*, limit: int, offset: int = 0) -> tuple[list[StudyRow], int]:
    """Return studies, newest first, and how many there are in all; two queries."""
    rows = _rows(Study.objects.all()).order_by("-pk")[offset : offset + limit]
    return [_row(study) for study in rows], Study.objects.count()


def study(*, pk: int) -> StudyPage | None:
    """Return one study, None if there is none; one query."""
    found = _rows(Study.objects.filter(pk=pk)).first()
    if found is None:
        return None
    return StudyPage(
        row=_row(found),
        space={told["name"]: told for told in found.space},
        start=found.start,
        importances=found.results.get("importances", {}),
        num_users=found.results.get("num_users", 0),
        num_pruned=found.num_pruned,  # type: ignore[attr-defined]  # counted with it
        num_failed=found.num_failed,  # type: ignore[attr-defined]
        window_to=found.window_to,
        seed=found.seed,
    )


def trials(*, study_id: int, sort: str, limit: int, offset: int = 0) -> tuple[list[TrialRow], int]:
    """Return trials of a study and how many there are in all; two queries."""
    rows = Trial.objects.filter(study=study_id)
    shown = rows.order_by(*SORTS[sort])[offset : offset + limit].values_list(
        "number", "state", "value", "is_pruned", "settings", "share_done", "step", "attempt",
        "started_at", "finished_at", "error",
    )  # fmt: skip
    return [TrialRow(*row) for row in shown], rows.count()


def finished_trials(*, study_id: int) -> list[tuple[int, float, dict[str, Any]]]:
    """Return number, value and settings of the trials that came to their end, in order; one query."""
    rows = Trial.objects.filter(study=study_id, value__isnull=False).order_by("number")
    found = rows.values_list("number", "value", "settings")
    return [(number, value, params) for number, value, params in found if value is not None]


def chosen_now() -> list[Chosen]:
    """Return what is used in place of usual settings, by algorithm; one query."""
    rows = ChosenSettings.objects.select_related("chosen_by").order_by("algorithm")
    return [
        Chosen(
            row.algorithm,
            row.settings,
            row.study_number,
            row.chosen_by.get_username() if row.chosen_by else "a command",
            row.chosen_at,
        )
        for row in rows
    ]


def _rows(rows: QuerySet[Study]) -> QuerySet[Study]:
    return rows.select_related("requested_by").annotate(
        num_ended=Count("trials", filter=Q(trials__state__in=ENDED)),
        num_at_work=Count("trials", filter=Q(trials__state=RunState.STARTED)),
        num_pruned=Count("trials", filter=Q(trials__is_pruned=True)),
        num_failed=Count("trials", filter=Q(trials__state=RunState.FAILED)),
    )


def _row(found: Any) -> StudyRow:
    return StudyRow(
        pk=found.pk,
        algorithm=found.algorithm,
        sampler=found.sampler,
        split=found.split,
        state=found.state,
        requested_at=found.requested_at,
        started_at=found.started_at,
        finished_at=found.finished_at,
        requested_by=found.requested_by.get_username() if found.requested_by else None,
        num_trials=found.num_trials,
        max_at_once=found.max_at_once,
        num_ended=found.num_ended,
        num_at_work=found.num_at_work,
        best=found.results.get("best"),
        start_ndcg=found.results.get("start_ndcg"),
        error=found.error,
        is_stop_requested=found.is_stop_requested,
    )
