"""What the detector raised, and what was made of it: to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from interests.models import DetectorChoice, DriftEvent, DriftMark
from interests.selectors import states
from recsite.access.admin_tools import MachineWritten


class OfEndUsers(MachineWritten):
    """Rows that are found by a whole user id or their own number."""

    search_fields = ("end_user",)
    search_help_text = "A whole user id, or a number of this list."

    def search(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find by the end user's id or the row's key."""
        return queryset.filter(end_user__user_id=term) | super().search(queryset, term)


@admin.register(DriftEvent)
class DriftEventAdmin(OfEndUsers):
    """Changes of interests; analysts mark them on an end user's page."""

    list_display = (
        "end_user",
        "detected_at",
        "begin_at",
        "confidence",
        "tracking_run",
        "withdrawn_at",
    )
    list_select_related = ("end_user", "tracking_run")
    ordering = ("-id",)
    fields = (
        "end_user", "detected_at", "begin_at", "num_events", "begin_event", "confidence", "score",
        "named_rising", "named_falling", "is_return", "tracking_run", "detector_version",
        "events_through", "created_at", "withdrawn_at",
    )  # fmt: skip

    @admin.display(description="Rising")
    def named_rising(self, event: DriftEvent) -> str:
        """Name the categories that rise."""
        return _named(event.rising)

    @admin.display(description="Falling")
    def named_falling(self, event: DriftEvent) -> str:
        """Name the categories that fall."""
        return _named(event.falling)


@admin.register(DriftMark)
class DriftMarkAdmin(OfEndUsers):
    """What analysts said of drift events."""

    list_display = ("end_user", "detected_at", "verdict", "note", "made_by", "made_at")
    list_filter = ("verdict",)
    list_select_related = ("end_user", "made_by")
    ordering = ("-made_at", "-id")


@admin.register(DetectorChoice)
class DetectorChoiceAdmin(MachineWritten):
    """Thresholds that were chosen, the newest in force; the page of self-tests chooses."""

    list_display = ("chosen_at", "threshold", "false_alarms_per_1000", "self_test", "chosen_by")
    list_select_related = ("self_test", "chosen_by")
    search_fields = ("id",)
    search_help_text = "The number of a choice."
    ordering = ("-chosen_at", "-id")


def _named(keys: list[int]) -> str:
    names = states.category_names()
    return ", ".join(states.named(names, key).name for key in keys)
