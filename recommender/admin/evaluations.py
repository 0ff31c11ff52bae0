"""Evaluations and their numbers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from interests.admin.base import COMMON, RunAdmin
from recommender import tasks
from recommender.models import EvaluationRun, MetricValue, PairedTest
from recsite.access.admin_tools import MachineWritten


@admin.register(EvaluationRun)
class EvaluationRunAdmin(RunAdmin):
    """Evaluations; "Add evaluation" starts one."""

    list_display = ["__str__", "split", "k", "training_run", *COMMON]
    list_select_related = ("training_run",)
    asked = ("training_run", "split", "k", "seed")
    raw_id_fields = ("training_run",)

    def send(self, run: Any) -> bool:
        """Send it to the worker that evaluates."""
        return tasks.enqueue_run(run)


@admin.register(MetricValue)
class MetricValueAdmin(MachineWritten):
    """The numbers of evaluations."""

    list_display = ("evaluation_run", "algorithm", "metric", "segment", "value", "low", "high", "p_value", "num_users")  # fmt: skip
    list_select_related = ("evaluation_run",)
    list_filter = ("metric", "algorithm", "segment")
    ordering = ("-evaluation_run_id", "algorithm", "metric", "id")


@admin.register(PairedTest)
class PairedTestAdmin(MachineWritten):
    """How algorithms of one evaluation differ."""

    list_display = ("evaluation_run", "first", "second", "difference", "low", "high", "p_value")
    list_select_related = ("evaluation_run",)
    list_filter = ("first", "second")
    ordering = ("-evaluation_run_id", "first", "second", "id")
