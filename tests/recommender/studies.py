"""Rows of studies for tests."""

from __future__ import annotations

from interests.models import ChosenSettings
from recommender.models import Study, Trial
from tests import factories


def row_in_every_table() -> None:
    """Make a finished study with one trial, and settings that somebody chose."""
    study = Study.objects.create(algorithm="ease", **factories.done())
    Trial.objects.create(study=study, number=0, value=0.1, **factories.done())
    ChosenSettings.objects.create(
        algorithm="ease", settings={"half_life": 2.0}, chosen_at=factories.NOW
    )
