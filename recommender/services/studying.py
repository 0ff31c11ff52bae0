"""The trials of a study, each done by one worker under a lease, and the end of the study.

A worker that is told of a study does one trial of it and tells the next; trials are made as they are begun.
Whoever begins one holds the row of the study while it chooses what to try, so that no number is given twice
and no more trials are at work than are allowed. A trial whose worker died is begun again, with the same values,
before a new one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from interests.models import Interaction, RunState
from interests.selectors import events
from interests.services import running
from interests.services.running import CannotRun, Hold, RunStopped
from recommender import algorithms
from recommender.algorithms import spaces
from recommender.algorithms.protocol import Algorithm, CannotFit
from recommender.evaluation import searching, splits, trials
from recommender.evaluation.answers import BadRequest, Request
from recommender.evaluation.searching import Tried
from recommender.evaluation.splits import Split
from recommender.models import Study, Trial
from recommender.services import tuning

# A fit tells of every step; the row of the trial is written this often.
REPORT_SECONDS = 1.0
K = 10
# A trial is one network; several are averaged where it counts, in the training.
OPTIONS: dict[str, dict[str, Any]] = {tuning.NETWORK: {"changes": {"num_members": 1}}}
BAD = (algorithms.UnknownAlgorithm, splits.CannotSplit, BadRequest, CannotFit)

log = structlog.get_logger()


class Hopeless(Exception):
    """The trial does worse than half of the others did at the same point."""


@dataclass(frozen=True)
class _Prepared:
    """What all trials of a study share, kept by a worker's process from one to the next."""

    study_id: int
    split: Split
    algorithm: Algorithm


_memory: list[_Prepared] = []


def begin(*, run_id: int) -> int:
    """Begin a study that waits; return how many workers beside this one may help it, 0 where it had begun.

    A study that cannot be done fails here, with its reason on its row.
    """
    with transaction.atomic():
        study = Study.objects.select_for_update().filter(pk=run_id).first()
        if study is None or study.state != RunState.WAITING:
            return 0
        _begin(study)
    if study.state != RunState.STARTED:
        return 0
    return min(study.max_at_once, study.num_trials) - 1


def work(*, run_id: int) -> bool:
    """Do the next trial of a study, or end a study that has none; return whether there may be another.

    How a trial ends is on its row and in the log; nothing is raised for it.
    """
    study = Study.objects.filter(pk=run_id, state=RunState.STARTED).first()
    if study is None:
        return False
    try:
        prepared = _prepare(study)
        hold = _take(run_id)
    except DatabaseError:
        raise  # it is away; somebody comes again
    except BAD as error:
        _fail(study, str(error))
        return False
    except Exception as error:
        log.exception("study_failed", study=run_id)
        _fail(study, running.describe(error))
        return False
    if hold is None:
        _end_if_over(run_id)
        return False
    try:
        with running.ending(hold):
            _try(study, hold, prepared)
    except (RunStopped, running.RunOvertaken, CannotRun) as reason:
        log.info("trial_ended", trial=hold.run.pk, study=run_id, reason=str(reason))
    except Exception:  # it is on the row; the study goes on with the next
        log.exception("trial_failed", trial=hold.run.pk, study=run_id)
    return not _end_if_over(run_id)


def _begin(study: Study) -> None:
    now = timezone.now()
    newest = Interaction.objects.order_by("-pk").values_list("pk", flat=True).first()
    try:
        algorithm = _made(study)
        usual = algorithm.grid()[0]
        space = spaces.space_of(algorithm)
        if not space:
            raise CannotRun(f"{study.algorithm} has no settings to choose.")
        fields: dict[str, Any] = {
            "state": RunState.STARTED,
            "space": spaces.to_json(space),
            "start": spaces.plain(usual),
            "num_trials": searching.num_possible(
                space, sampler=study.sampler, num_trials=study.num_trials
            ),
            "settings": {**study.settings, "last_event_key": newest or 0},
            "step": "Reading the events",
        }
    except (*BAD, CannotRun) as error:
        fields = {"state": RunState.FAILED, "error": str(error), "finished_at": now}
    fields |= {"started_at": now, "attempt": 1}
    for name, value in fields.items():
        setattr(study, name, value)
    study.save(update_fields=list(fields))


def _made(study: Study) -> Algorithm:
    return algorithms.make(study.algorithm, **OPTIONS.get(study.algorithm, {}))


def _prepare(study: Study) -> _Prepared:
    """Return the split of the events there were when the study began; read once by each process."""
    if _memory and _memory[0].study_id == study.pk:
        return _memory[0]
    _memory.clear()  # before the next is read: one is in memory at a time
    known = events.interaction_log(
        last_key=study.settings["last_event_key"],
        seed=study.seed,
        with_descriptions=True,
        with_attributes=True,
    )
    assert study.started_at is not None
    split = splits.split(known.happened_by(study.started_at).log, name=study.split)
    trials.samples(split.validation, seed=study.seed)  # raises where there is nobody
    _memory.append(_Prepared(study.pk, split, _made(study)))
    first, last = (int(bound) for bound in (split.fit.times.min(), split.fit.times.max()))
    Study.objects.filter(pk=study.pk).update(window_from=_time(first), window_to=_time(last))
    return _memory[0]


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def _take(run_id: int) -> Hold | None:
    """Begin the next trial, one that lost its worker first; None where none may be begun now."""
    now = timezone.now()
    running.abandoned(Trial, now=now)
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=run_id)
        if study.state != RunState.STARTED or study.is_stop_requested:
            return None
        at_work = study.trials.filter(state=RunState.STARTED)
        lost = at_work.filter(lease_expires_at__lt=now).order_by("number").first()
        if at_work.filter(lease_expires_at__gte=now).count() >= study.max_at_once:
            return None
        if lost is not None:
            study.trials.filter(pk=lost.pk).update(reached=[])
            return running.claim(Trial, run_id=lost.pk, now=now)
        number = study.trials.count()
        if number >= study.num_trials:
            return None
        trial = running.request(
            Trial,
            now=now,
            seed=study.seed,
            settings=_values_for(study, number),
            study=study,
            number=number,
        )
        return running.claim(Trial, run_id=trial.pk, now=now)


def _values_for(study: Study, number: int) -> dict[str, Any]:
    """Return the values to try, by name; the first trial is that of the usual settings."""
    space = spaces.from_json(study.space)
    if number == 0:
        return spaces.params_of(_made(study).grid()[0], space)
    return searching.suggest(
        space,
        _tried(study),
        sampler=study.sampler,
        seed=study.seed,
        number=number,
        num_trials=study.num_trials,
    )


def _tried(study: Study, *, but: int | None = None) -> list[Tried]:
    rows = study.trials.order_by("number")
    if but is not None:
        rows = rows.exclude(pk=but)
    return [
        Tried(
            params=spaces.params_from_json(row.settings),
            value=row.value,
            is_running=row.state == RunState.STARTED,
            is_pruned=row.is_pruned,
            reached=[(int(step), float(value)) for step, value in row.reached],
        )
        for row in rows
    ]


def _try(study: Study, hold: Hold, prepared: _Prepared) -> None:
    trial: Trial = hold.run  # type: ignore[assignment]  # held as one
    algorithm = prepared.algorithm
    request = Request(k=K, seed=study.seed, budget_seconds=study.settings["budget_seconds"])
    try:
        settings = spaces.applied(algorithm.grid()[0], spaces.params_from_json(trial.settings))
        measured = trials.measure(
            algorithm,
            settings,
            prepared.split,
            request=request,
            note=_noting(study, hold),
            report=_reporting(study, hold),
        )
    except Hopeless as reason:
        return _finish(hold, is_pruned=True, results={"pruned": str(reason)})
    except BAD as error:
        raise CannotRun(str(error)) from error
    results = {
        "num_users": measured.num_users,
        "fit_seconds": round(measured.fit_seconds, 3),
        "ask_seconds": round(measured.ask_seconds, 3),
        "settings": spaces.plain(settings),
    }
    _finish(hold, value=measured.ndcg, results=results, share_done=1.0)


def _finish(hold: Hold, **fields: Any) -> None:
    """End a trial in one statement with what it came to: half of it would break the table's rules."""
    fields |= {"finished_at": timezone.now(), "lease_expires_at": None, "step": ""}
    if not hold.mine().update(state=RunState.DONE, **fields):
        raise running.RunOvertaken(f"{hold.run} was taken over by another worker.")
    hold.run.state = RunState.DONE


def _noting(study: Study, hold: Hold) -> Callable[[int, float], None]:
    """Return what keeps the values on the way, and ends a trial that half of the others were better than."""
    reached: list[tuple[int, float]] = []

    def note(step: int, value: float) -> None:
        reached.append((step, value))
        if not hold.mine().update(reached=[list(one) for one in reached]):
            raise running.RunOvertaken(f"{hold.run} was taken over by another worker.")
        # What the study is held against is always measured to its end.
        is_start = hold.run.number == 0  # type: ignore[attr-defined]
        if not is_start and searching.is_hopeless(_tried(study, but=hold.run.pk), reached):
            raise Hopeless(f"Worse than half of the others at step {step}.")

    return note


def _reporting(study: Study, hold: Hold) -> Callable[[str, float], None]:
    """Return a report that writes at most once a second, and hears when the study is to stop."""
    told_at = -REPORT_SECONDS

    def report(step: str, share_done: float) -> None:
        nonlocal told_at
        if time.monotonic() - told_at < REPORT_SECONDS:
            return
        told_at = time.monotonic()
        hold.report(step, share_done)
        if Study.objects.filter(pk=study.pk, is_stop_requested=True).exists():
            raise RunStopped(f"{study} was asked to stop.")

    return report


def _fail(study: Study, why: str) -> None:
    Study.objects.filter(pk=study.pk, state=RunState.STARTED).update(
        state=RunState.FAILED, error=why, finished_at=timezone.now()
    )


@transaction.atomic
def _end_if_over(run_id: int) -> bool:
    """End a study whose trials have ended, else say how far it is; return whether it has ended."""
    study = Study.objects.select_for_update().get(pk=run_id)
    if study.state != RunState.STARTED:
        return True
    now = timezone.now()
    at_work = study.trials.filter(state=RunState.STARTED)
    if study.is_stop_requested:
        at_work.filter(lease_expires_at__lt=now).update(
            state=RunState.STOPPED, finished_at=now, lease_expires_at=None
        )
    num_ended = study.trials.exclude(state=RunState.STARTED).count()
    is_over = study.is_stop_requested or num_ended >= study.num_trials
    if at_work.exists() or not is_over:
        study.share_done = num_ended / study.num_trials
        study.step = f"{num_ended} of {study.num_trials} trials"
        study.save(update_fields=["share_done", "step"])
        return False
    _end(study, now)
    return True


def _end(study: Study, now: datetime) -> None:
    """Write what a study has found; its row is locked."""
    study.results = _results(study)
    study.finished_at, study.step = now, ""
    if study.is_stop_requested:
        study.state, study.error = RunState.STOPPED, "Stopped by hand."
    elif study.results["best"] is None:
        first = study.trials.exclude(error="").order_by("number").first()
        study.state = RunState.FAILED
        study.error = f"No trial came to its end. The first said: {first.error if first else ''}"
    else:
        study.state, study.share_done = RunState.DONE, 1.0
    study.save(update_fields=["results", "finished_at", "step", "state", "error", "share_done"])
    log.info("study_ended", study=study.pk, state=study.state, best=study.results["best"])


def _results(study: Study) -> dict[str, Any]:
    own = study.trials.all()
    best = tuning.best_so_far(study)
    if best is not None:
        best["settings"] = own.get(number=best["number"]).results["settings"]
    start = own.filter(number=0).first()
    tried = _tried(study)
    return {
        "best": best,
        "start_ndcg": start.value if start else None,
        "importances": searching.importances(spaces.from_json(study.space), tried, seed=study.seed),
        "num_finished": sum(one.value is not None for one in tried),
        "num_pruned": sum(one.is_pruned for one in tried),
        "num_failed": own.filter(state=RunState.FAILED).count(),
        "num_users": max((row.results.get("num_users", 0) for row in own), default=0),
    }
