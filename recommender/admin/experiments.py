"""Experiments as rows: made, started and decided on their page, read here."""

from __future__ import annotations

from django.contrib import admin

from recommender.models import (
    Experiment,
    ExperimentChange,
    ExperimentLook,
    ExperimentPerson,
    Variant,
)
from recsite.access.admin_tools import MachineWritten


class VariantInline(admin.TabularInline):  # type: ignore[type-arg]  # takes none at run time
    """The variants of an experiment, to read."""

    model = Variant
    extra = 0
    fields = ("place", "name", "weight", "version", "source")
    readonly_fields = fields
    ordering = ("place",)
    can_delete = False

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        """Nobody adds one here."""
        return False


@admin.register(Experiment)
class ExperimentAdmin(MachineWritten):
    """All experiments."""

    list_display = ("name", "placement", "kind", "state", "started_at", "ended_at", "chosen")
    list_select_related = ("placement", "chosen")
    list_filter = ("state", "kind")
    ordering = ("-id",)
    inlines = (VariantInline,)


@admin.register(ExperimentLook)
class ExperimentLookAdmin(MachineWritten):
    """What each look found."""

    list_display = ("variant", "at", "people", "value", "effect", "low", "high", "p_value")
    list_select_related = ("variant",)
    ordering = ("-id",)


@admin.register(ExperimentPerson)
class ExperimentPersonAdmin(MachineWritten):
    """What people of experiments did."""

    list_display = ("experiment", "end_user", "variant", "impressions", "clicks", "conversions")
    list_select_related = ("experiment", "end_user", "variant")
    ordering = ("-id",)


@admin.register(ExperimentChange)
class ExperimentChangeAdmin(MachineWritten):
    """Who did what to experiments."""

    list_display = ("experiment", "at", "by", "text")
    list_select_related = ("experiment",)
    ordering = ("-id",)
