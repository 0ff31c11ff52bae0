"""Runs of all kinds as one list, and one run with what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, Exists, F, OuterRef, QuerySet, TextField, Value

from interests.models import (
    ImportRun,
    PopulationRun,
    Run,
    RunState,
    SelfTestRun,
    TrackingRun,
    TrainingRun,
)
from recommender.models import EvaluationRun, PublicationRun, Serving, Slate, Study
from recommender.selectors import pages_facts, publications
from recommender.selectors.gating import Gate
from recommender.selectors.pages_facts import Fact

KINDS: dict[str, type[Run]] = {
    "import": ImportRun,
    "training": TrainingRun,
    "tracking": TrackingRun,
    "report": PopulationRun,
    "publication": PublicationRun,
    "evaluation": EvaluationRun,
    "self-test": SelfTestRun,
    "study": Study,
}
ENDED = (RunState.DONE, RunState.FAILED, RunState.STOPPED)
_COLUMNS = (
    "pk",
    "state",
    "requested_at",
    "started_at",
    "finished_at",
    "step",
    "share_done",
    "error",
    "requested_by__username",
)


@dataclass(frozen=True)
class UnderWay:
    """A run that has not ended, as its part of another page shows it."""

    kind: str
    pk: int
    state: str
    step: str
    share_done: float
    requested_at: datetime


@dataclass(frozen=True)
class RunRow:
    """One line of the list of runs."""

    kind: str
    pk: int
    state: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    step: str
    share_done: float
    error: str
    requested_by: str | None
    held_because: str = ""

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def seconds(self) -> float | None:
        """How long it took, once it has ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


def under_way(rows: QuerySet[Any], *, kind: str) -> UnderWay | None:
    """Return which of some runs is at work, or else the first that waits; one query."""
    active = rows.filter(state__in=[RunState.STARTED, RunState.WAITING])
    ordered = active.order_by("state", "pk")  # "started" stands before "waiting"
    found = ordered.values_list("pk", "state", "step", "share_done", "requested_at").first()
    return UnderWay(kind, *found) if found else None


def runs(
    *, kinds: Sequence[str] = (), states: Sequence[str] = (), limit: int, offset: int = 0
) -> tuple[list[RunRow], int]:
    """Return runs, newest request first, and how many there are in all; two queries."""
    chosen = [kind for kind in KINDS if not kinds or kind in kinds]
    parts = [_rows(kind, states) for kind in chosen]
    every = parts[0].union(*parts[1:], all=True) if parts[1:] else parts[0]
    rows = every.order_by("-requested_at", "pk")[offset : offset + limit]
    return [RunRow(*row) for row in rows], every.count()


def _rows(kind: str, states: Sequence[str]) -> QuerySet[Any, tuple[Any, ...]]:
    held = F("held_because") if kind == "publication" else Value("", output_field=TextField())
    rows = KINDS[kind]._default_manager.annotate(
        kind=Value(kind, output_field=CharField()), why_held=held
    )
    if states:
        rows = rows.filter(state__in=states)
    return rows.values_list("kind", *_COLUMNS, "why_held")


@dataclass(frozen=True)
class Held:
    """A publication that is kept from serving: by whom ("" for the gate), since when, and why."""

    by: str
    at: datetime
    because: str


@dataclass(frozen=True)
class RunPage:
    """One run, with the results that have a place of their own taken out of the rest."""

    row: RunRow
    attempt: int
    settings: list[Fact]
    facts: list[Fact]
    curves: dict[str, list[float]]
    training_id: int | None
    source: str
    is_stop_requested: bool
    compared_with: int | None
    seconds_left: float | None
    gate: Gate | None = None
    held: Held | None = None


def run(*, kind: str, pk: int, now: datetime) -> RunPage | None:
    """Return one run, or None if there is none; one query."""
    found: Any = KINDS[kind]._default_manager.filter(pk=pk).select_related("requested_by").first()
    if found is None:
        return None
    who = found.requested_by.get_username() if found.requested_by else None
    columns: list[Any] = [getattr(found, column) for column in _COLUMNS[:-1]]
    results = found.results or {}
    curves = results.get("curves")
    return RunPage(
        row=RunRow(*(kind, *columns, who)),
        attempt=found.attempt,
        settings=pages_facts.settings(kind, _told(found), results),
        facts=pages_facts.results(kind, results),
        curves=curves if isinstance(curves, dict) else {},
        training_id=getattr(found, "training_run_id", None),
        source=getattr(found, "source", ""),
        is_stop_requested=found.is_stop_requested,
        compared_with=results.get("difference", {}).get("older"),
        seconds_left=_seconds_left(found, now),
        gate=Gate.from_results(results) if isinstance(found, PublicationRun) else None,
        held=_held(found),
    )


def _told(found: Any) -> dict[str, Any]:
    """Return what a run was told; of a publication also by which algorithm to rank, and how."""
    told: dict[str, Any] = found.settings or {}
    if not isinstance(found, PublicationRun):
        return told
    used = (found.results or {}).get("algorithm_settings") or told.get("set", {})
    return {"algorithm": found.algorithm, **told, **used}


def _held(found: Any) -> Held | None:
    if getattr(found, "held_at", None) is None:
        return None
    return Held(found.held_by, found.held_at, found.held_because)


def _seconds_left(found: Run, now: datetime) -> float | None:
    """Return how long the rest takes at the pace so far; too early to say before 2 % are done."""
    if found.state != RunState.STARTED or found.started_at is None or found.share_done < 0.02:
        return None
    gone = (now - found.started_at).total_seconds()
    return gone * (1 - found.share_done) / found.share_done


def publication_to_go_back_to() -> int | None:
    """Return what would serve after going back, None where there is nothing; at most four queries."""
    serving = publications.serving_now()
    behind = publications.served_before(serving.publication) if serving else []
    kept = Slate.objects.filter(publication=OuterRef("pk"))
    there = PublicationRun.objects.filter(Exists(kept), pk__in=[run.pk for run in behind])
    with_slates = set(there.values_list("pk", flat=True))
    return next((run.pk for run in behind if run.pk in with_slates), None)


def publication_before(*, of: int) -> int | None:
    """Return the finished publication with slates that was made before another one; one query."""
    rows = PublicationRun.objects.filter(pk__lt=of, state=RunState.DONE)
    with_slates = rows.filter(Exists(Slate.objects.filter(publication=OuterRef("pk"))))
    return with_slates.order_by("-pk").values_list("pk", flat=True).first()


def num_slates_served() -> int:
    """Return how many end users the publication that serves has slates for; one query."""
    return Slate.objects.filter(publication__in=Serving.objects.values("publication")).count()
