"""Studies and their trials, to look at; the page about studies starts them."""

from __future__ import annotations

from django.contrib import admin

from interests.admin.base import COMMON, RunAdmin
from interests.models import ChosenSettings
from recommender.models import Study, Trial
from recsite.access.admin_tools import MachineWritten


@admin.register(Study)
class StudyAdmin(RunAdmin):
    """All studies."""

    list_display = ["__str__", "algorithm", "sampler", "num_trials", *COMMON]


@admin.register(Trial)
class TrialAdmin(MachineWritten):
    """The trials of all studies."""

    list_display = ("study", "number", "state", "value", "is_pruned", "attempt", "settings")
    list_select_related = ("study",)
    list_filter = ("state",)
    ordering = ("-id",)


@admin.register(ChosenSettings)
class ChosenSettingsAdmin(MachineWritten):
    """Settings that are used in place of the usual ones; studies' pages choose them."""

    list_display = ("algorithm", "settings", "study_number", "chosen_by", "chosen_at")
    list_select_related = ("chosen_by",)
    ordering = ("algorithm",)
