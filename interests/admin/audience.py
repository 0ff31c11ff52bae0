"""End users, their marks and their interest states."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from interests.admin.person import PersonPages
from interests.models import Alias, ChangeMark, EndUser, InterestState
from interests.selectors import people
from recsite.access.admin_tools import MachineWritten, first_entries

# Of those that begin so; two indexes are asked instead of joining two tables.
ALIASES_FOUND = 100


@admin.register(EndUser)
class EndUserAdmin(PersonPages):
    """People; only what a client knows of them can be edited."""

    list_display = ("user_id", "num_events", "last_event_at", "drift_score", "created_at")
    list_filter = ("last_event_at",)
    search_fields = ("user_id",)
    search_help_text = "The beginning of a user id, also of one that a guest had."
    ordering = ("-num_events", "id")
    actions = ("erase",)
    fields = (
        "user_id", "other_ids", "attributes", "num_events", "last_event_at", "drift_score", "current_state",
        "created_at", "page",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name != "attributes")

    def search(self, queryset: QuerySet[EndUser], term: str) -> QuerySet[EndUser]:
        """Find by the beginning of the id, or of one that was theirs as a guest."""
        aliases = Alias.objects.filter(user_id__startswith=term).values_list("end_user", flat=True)
        keys = list(aliases[:ALIASES_FOUND])
        return queryset.filter(Q(user_id__startswith=term) | Q(pk__in=keys))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: the first event of somebody makes the row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: EndUser | None = None) -> bool:
        """Return False: erasing a person is more than deleting this row; see the action and the button."""
        return False

    @admin.display(description="Other ids")
    def other_ids(self, end_user: EndUser) -> str:
        """Show the ids that were theirs as a guest."""
        return (
            ", ".join(end_user.aliases.order_by("pk").values_list("user_id", flat=True)) or "none"
        )

    @admin.display(description="Interests over time")
    def page(self, end_user: EndUser) -> str:
        """Link to the end user's page."""
        address = reverse("recommender:end_user", kwargs={"pk": end_user.pk})
        return format_html('<a href="{}">Open the page</a>', address)


@admin.register(ChangeMark)
class ChangeMarkAdmin(MachineWritten):
    """Who waits for a new state and slate, and whose renewal failed."""

    list_display = ("end_user", "marked_at", "generation", "failures", "error")
    list_select_related = ("end_user",)
    ordering = ("marked_at", "pk")


@admin.register(InterestState)
class InterestStateAdmin(MachineWritten):
    """What people wanted at what time."""

    list_display = (
        "end_user",
        "at",
        "num_events",
        "drift_score",
        "tracking_run",
        "tracker_version",
    )
    list_select_related = ("end_user", "tracking_run")
    search_fields = ("end_user",)
    search_help_text = "A whole user id, or a state's number."
    ordering = ("-id",)
    fields = (
        "end_user", "at", "largest", "num_events", "active_days", "drift_score", "tracking_run",
        "training_run", "tracker_version", "events_through", "created_at",
    )  # fmt: skip

    def search(self, queryset: QuerySet[InterestState], term: str) -> QuerySet[InterestState]:
        """Find all states of a person, or one by number."""
        person = people.find(term)
        condition = Q(end_user=person) if person is not None else Q(pk__in=_number(term))
        return queryset.filter(condition)

    @admin.display(description="Largest weights")
    def largest(self, state: InterestState) -> str:
        """Show the categories' numbers with their weights."""
        pairs: list[Any] = sorted(zip(state.weights, state.category_ids, strict=True), reverse=True)
        return first_entries([f"category {key}: {weight:.1%}" for weight, key in pairs])


def _number(term: str) -> list[int]:
    return [int(term)] if term.isascii() and term.isdigit() and len(term) < 19 else []
