"""The chain import -> training -> tracking -> publication -> evaluation, driven by what is newer than what.

Beside it, every tracking that is done calls for a report on the population.

Each look requests what the rows call for and nothing twice: a cause (an import, a training) that already
has its run, whatever became of it, calls for nothing more. So it may be called at any time, by anybody.
A training for looking back (`until` in its settings) calls for nothing and stands in nobody's way.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet

from interests.models import (
    ImportRun,
    Interaction,
    PopulationRun,
    Run,
    RunState,
    TrackingRun,
    TrainingRun,
)
from interests.selectors import trainings
from interests.services import running
from interests.tracking import mixture
from recommender.models import EvaluationRun, PublicationRun, Serving
from recommender.selectors import plans
from recommender.services import locking

ACTIVE = (RunState.WAITING, RunState.STARTED)
# Its message should have been taken, or have come back into its queue, by then.
FORGOTTEN_SECONDS = 60
# Events that come live move a population within hours, not minutes.
REPORT_EVERY = timedelta(hours=1)

R = TypeVar("R", bound=Run)


@transaction.atomic
def advance(*, now: datetime) -> list[Run]:
    """Request the runs that newer data calls for; the caller enqueues them after commit."""
    locking.take(locking.Lock.CHAIN)
    runs = [
        _training(now),
        _tracking(now),
        _report(now),
        _publication(now),
        _evaluation(now),
    ]
    return [run for run in runs if run is not None]


@transaction.atomic
def request_nightly_training(*, now: datetime) -> TrainingRun | None:
    """Request a training if events have arrived since the last one began and none is under way."""
    locking.take(locking.Lock.CHAIN)
    if trainings.for_now().filter(state__in=ACTIVE).exists() or not _has_untrained_events():
        return None
    return running.request(TrainingRun, now=now)


def forgotten(run_class: type[R], *, now: datetime) -> list[int]:
    """Return the runs that wait although somebody should long have begun them."""
    waiting = run_class._default_manager.filter(
        state=RunState.WAITING, requested_at__lt=now - timedelta(seconds=FORGOTTEN_SECONDS)
    )
    return list(waiting.values_list("pk", flat=True).order_by("pk"))


def _training(now: datetime) -> Run | None:
    """An import that brought events calls for a training requested after it; several for one."""
    if ImportRun.objects.filter(state__in=ACTIVE).exists() or not _has_untrained_events():
        return None
    newest = _last_import()
    if newest is None or trainings.for_now().filter(requested_at__gte=newest.finished_at).exists():
        return None
    # An import may say how long or how its training is to be; the demo's does.
    return running.request(TrainingRun, now=now, settings=newest.settings.get("training", {}))


def _tracking(now: datetime) -> Run | None:
    """Every training that is done calls for a tracking; one that failed too, if its import had none."""
    training = _latest_training()
    if training is not None and not training.tracking_runs.exists():
        return _request_tracking(now, training)
    newest = _last_import()
    if (
        newest is None
        or trainings.for_now().filter(state__in=ACTIVE).exists()
        or not trainings.for_now().filter(requested_at__gte=newest.finished_at).exists()
        or TrackingRun.objects.filter(requested_at__gte=newest.finished_at).exists()
    ):
        return None
    return _request_tracking(now, training)


def _request_tracking(now: datetime, training: TrainingRun | None) -> Run:
    return running.request(
        TrackingRun, now=now, training_run=training, tracker_version=mixture.VERSION
    )


def _report(now: datetime) -> Run | None:
    """Every tracking that is done calls for a report on the population; so do events an hour after the last."""
    done = TrackingRun.objects.filter(state=RunState.DONE)
    tracking = done.order_by("-finished_at", "-pk").first()
    active = PopulationRun.objects.filter(state__in=ACTIVE)
    if tracking is None or tracking.finished_at is None or active.exists():
        return None
    last = PopulationRun.objects.order_by("-pk").first()
    if last is not None and last.requested_at >= tracking.finished_at:
        if last.requested_at > now - REPORT_EVERY:
            return None
        newest = Interaction.objects.order_by("-pk").first()
        if newest is None or newest.received_at <= last.requested_at:
            return None
    return running.request(PopulationRun, now=now)


def _publication(now: datetime) -> Run | None:
    """A training whose tracking has ended calls for slates, even where the tracking failed.

    So do rules that show used items again, where the slates that serve have none.
    """
    training = _latest_training()
    if training is None or not _has_ended_one(TrackingRun, training):
        return None
    last = training.publication_runs.order_by("-pk").first()
    if last is not None and not _lacks_used_items(last):
        return None
    return running.request(
        PublicationRun, now=now, training_run=training, seed=training.seed, **_ranked_as_now()
    )


def _ranked_as_now() -> dict[str, Any]:
    """Return by which algorithm, with which settings, the slates that serve are ranked: the next ones, too."""
    serving = Serving.objects.select_related("publication").first()
    if serving is None:
        return {}
    changes = serving.publication.settings.get("set")
    fields: dict[str, Any] = {"algorithm": serving.publication.algorithm}
    return fields | ({"settings": {"set": changes}} if changes else {})


def _lacks_used_items(publication: PublicationRun) -> bool:
    return (
        publication.state == RunState.DONE
        and not publication.results.get("shows_seen")
        and Serving.objects.filter(publication=publication).exists()
        and plans.are_used_items_shown()
    )


def _evaluation(now: datetime) -> Run | None:
    """A training whose slates are out calls for an evaluation on each split, one after the other."""
    training = _latest_training()
    if training is None or not _has_ended_one(PublicationRun, training):
        return None
    evaluations = EvaluationRun.objects.filter(training_run=training)
    if evaluations.filter(state__in=ACTIVE).exists():
        return None
    for split in EvaluationRun.Split:
        if not evaluations.filter(split=split).exists():
            return running.request(
                EvaluationRun, now=now, training_run=training, split=split, seed=training.seed
            )
    return None


def _has_untrained_events() -> bool:
    newest = Interaction.objects.order_by("-pk").first()  # keys ascend as events arrive
    done = _latest_training()
    if newest is None or done is None:
        return newest is not None
    # An import's events arrive when it begins and are there when it ends: a training in between has not
    # seen them.
    imported = _last_import()
    if imported is not None and imported.finished_at and imported.finished_at > done.requested_at:
        files = imported.results.get("files", {}).values()
        if any(file["part"] == "events" and file["good"] for file in files):
            return True
    return newest.received_at > done.requested_at


def _last_import() -> ImportRun | None:
    is_real = Q(settings__dry_run__isnull=True) | Q(settings__dry_run=False)
    done = ImportRun.objects.filter(is_real, state=RunState.DONE)
    return done.order_by("-finished_at").first()


def _latest_training() -> TrainingRun | None:
    """Return the newest done training that may serve; one for looking back calls for nothing."""
    return trainings.for_now().filter(state=RunState.DONE).order_by("-pk").first()


def _has_ended_one(run_class: type[TrackingRun | PublicationRun], training: TrainingRun) -> bool:
    runs: QuerySet[Any] = run_class._default_manager.filter(training_run=training)
    return runs.exists() and not runs.filter(state__in=ACTIVE).exists()
