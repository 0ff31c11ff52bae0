"""Placements to look at; their rules are edited on the pages, where one sees what they do."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recommender.models import Placement, PlacementSwitch, PlacementVersion
from recommender.ranking import rule_words
from recommender.selectors import pages_placements
from recsite.access.admin_tools import MachineWritten


@admin.register(Placement)
class PlacementAdmin(MachineWritten):
    """Placements, each with the way to its page."""

    list_display = ("name", "description", "live_version", "rules", "page")
    list_select_related = ("live_version",)
    search_fields = ("name",)
    search_help_text = "Part of a name."
    ordering = ("name",)
    fields = ("name", "description", "live_version", "rules", "page", "created_at")

    def search(self, queryset: QuerySet[Placement], term: str) -> QuerySet[Placement]:
        """Find placements by a part of their name."""
        return queryset.filter(name__icontains=term)

    @admin.display(description="Rules")
    def rules(self, placement: Placement) -> str:
        """Say the live rules in a line."""
        return rule_words.summary(pages_placements.rules_of(placement.live_version))

    @admin.display(description="Edit")
    def page(self, placement: Placement) -> SafeString:
        """Lead to the page where its rules are edited."""
        address = reverse("recommender:placement", args=[placement.name])
        return format_html('<a href="{}">Rules, versions, preview</a>', address)


@admin.register(PlacementVersion)
class PlacementVersionAdmin(MachineWritten):
    """Versions of rules as they were saved."""

    list_display = ("placement", "number", "rules_in_words", "note", "created_by", "created_at", "went_live_at")  # fmt: skip
    list_select_related = ("placement", "created_by")
    list_filter = ("placement",)
    ordering = ("-id",)

    @admin.display(description="Rules")
    def rules_in_words(self, version: PlacementVersion) -> str:
        """Say the rules in a line."""
        return rule_words.summary(pages_placements.rules_of(version))


@admin.register(PlacementSwitch)
class PlacementSwitchAdmin(MachineWritten):
    """Which version went live when, by whom and why."""

    list_display = ("switched_at", "placement", "version", "switched_by", "reason")
    list_select_related = ("placement", "version", "switched_by")
    list_filter = ("placement",)
    ordering = ("-id",)
