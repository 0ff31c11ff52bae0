"""Imports, trainings, trackings and population reports."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from interests import tasks
from interests.admin.base import COMMON, RunAdmin
from interests.models import ImportRun, PopulationRun, TrackingRun, TrainingRun


@admin.register(ImportRun)
class ImportRunAdmin(RunAdmin):
    """Imports; the upload page and `manage.py import_data` start them."""

    list_display = ["__str__", "source", *COMMON]


@admin.register(TrainingRun)
class TrainingRunAdmin(RunAdmin):
    """Trainings; "Add training" starts one."""

    asked = ("seed", "settings")

    def send(self, run: Any) -> bool:
        """Send it to the worker that trains."""
        return tasks.enqueue_run(run)


@admin.register(TrackingRun)
class TrackingRunAdmin(RunAdmin):
    """Trackings; each finished training calls for one."""


@admin.register(PopulationRun)
class PopulationRunAdmin(RunAdmin):
    """Population reports; each finished tracking calls for one."""
