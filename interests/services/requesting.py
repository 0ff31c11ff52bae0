"""Requests of trainings that pages make: without what training itself needs, which no web process has."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from interests.models import RunState, TrainingRun
from interests.selectors import trainings
from interests.services import running


def request_training_until(
    *, at: datetime, now: datetime, by: AbstractBaseUser
) -> tuple[TrainingRun, bool]:
    """Request a training that reads no event dated after `at`; it is for looking back and never serves.

    Returns:
        The run and whether it is new: one for this time that has not failed is not asked for twice. The
        caller enqueues a new one after commit.
    """
    known = trainings.asked_for(at)
    if known is not None and known.state not in (RunState.FAILED, RunState.STOPPED):
        return known, False
    settings = {trainings.UNTIL: at.isoformat()}
    run = running.request(TrainingRun, now=now, requested_by=by, settings=settings, window_to=at)
    return run, True
