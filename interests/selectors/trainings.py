"""Trainings: those on all that had happened, and those that knew nothing later than a time."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from interests.models import RunState, TrainingRun

# The setting of a training that reads events up to a time only.
UNTIL = "until"


def for_now() -> QuerySet[TrainingRun]:
    """Return the trainings on all that had happened; one for an earlier time never serves by itself."""
    return TrainingRun.objects.exclude(settings__has_key=UNTIL)


def trained_by(at: datetime) -> TrainingRun | None:
    """Return the done training that knows most of what happened up to a time and nothing later."""
    done = TrainingRun.objects.filter(state=RunState.DONE, window_to__lte=at)
    return done.order_by("-window_to", "-finished_at", "-pk").first()


def asked_for(at: datetime) -> TrainingRun | None:
    """Return the newest training that somebody asked for up to just this time, however it ended."""
    asked = TrainingRun.objects.filter(**{f"settings__{UNTIL}": at.isoformat()})
    return asked.order_by("-pk").first()
