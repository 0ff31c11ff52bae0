"""Events, their kinds, and rows that were rejected."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from interests import tasks
from interests.models import EndUser, EventKind, ImportRun, Interaction, RejectedRow
from interests.services import replaying
from recsite.access.admin_tools import FastAdmin, MachineWritten


@admin.register(EventKind)
class EventKindAdmin(FastAdmin):
    """Kinds of events: how much each tells, from the next training and tracking on, and what outcome it is."""

    list_display = ("name", "weight", "outcome")
    ordering = ("name",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: EventKind | None = None
    ) -> tuple[str, ...]:
        """Keep the name: events and clients use it."""
        return ("name",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: EventKind | None = None) -> bool:
        """Return False: give a kind the weight 0 instead."""
        return False


@admin.register(Interaction)
class InteractionAdmin(MachineWritten):
    """Every event, the newest first."""

    list_display = (
        "event_id",
        "end_user",
        "item",
        "kind",
        "value",
        "occurred_at",
        "is_time_doubtful",
    )
    list_display_links = ("event_id",)
    list_select_related = ("end_user", "item", "kind")
    list_filter = ("kind", "is_time_doubtful")
    search_fields = ("event_id",)
    search_help_text = "A whole user id, or the beginning of an event id."
    sortable_by = ()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Order by what an index gives: time, and event ids where one is searched."""
        if request.GET.get("q", "").strip() and self._person(request.GET["q"].strip()) is None:
            return ("event_id",)
        return ("-occurred_at", "-id")

    def search(self, queryset: QuerySet[Interaction], term: str) -> QuerySet[Interaction]:
        """Find a person's events, else events by the beginning of their id."""
        person = self._person(term)
        if person is not None:
            return queryset.filter(end_user=person)
        return queryset.filter(event_id__startswith=term)

    def _person(self, term: str) -> int | None:
        found = EndUser.objects.filter(user_id=term.replace("\0", ""))
        return found.values_list("pk", flat=True).first()


@admin.register(RejectedRow)
class RejectedRowAdmin(FastAdmin):
    """Rows that an import could not read: mend the cells, then replay."""

    list_display = ("file", "line", "reason", "detail", "import_run", "replayed_at")
    list_select_related = ("import_run",)
    list_filter = ("reason", ("replayed_at", admin.EmptyFieldListFilter))
    search_fields = ("file",)
    search_help_text = "The number of an import."
    ordering = ("-id",)
    actions = ("replay",)
    fields = ("import_run", "file", "line", "reason", "detail", "row", "replayed_at")

    def search(self, queryset: QuerySet[RejectedRow], term: str) -> QuerySet[RejectedRow]:
        """Find all rows of one import."""
        is_number = term.isascii() and term.isdigit() and len(term) < 19
        return queryset.filter(import_run=int(term)) if is_number else queryset.none()

    def get_readonly_fields(
        self, request: HttpRequest, obj: RejectedRow | None = None
    ) -> tuple[str, ...]:
        """Let only the cells be mended, and only until they went in."""
        is_open = obj is not None and obj.replayed_at is None
        return tuple(name for name in self.fields or () if not (is_open and name == "row"))

    def save_model(self, request: HttpRequest, obj: RejectedRow, form: Any, change: bool) -> None:
        """Write the mended cells; a form that is not cells is left as it was."""
        if not isinstance(obj.row, dict):
            self.message_user(request, "The row must be an object of cells.", messages.ERROR)
            return
        try:
            replaying.mend(row=obj, cells={name: str(text) for name, text in obj.row.items()})
        except replaying.CannotReplay as reason:
            self.message_user(request, str(reason), messages.ERROR)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: imports make these rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RejectedRow | None = None) -> bool:
        """Return False: nothing that was sent is lost."""
        return False

    @admin.action(description="Try again (replay)", permissions=["change"])
    def replay(self, request: HttpRequest, queryset: QuerySet[RejectedRow]) -> None:
        """Replay the chosen rows, import by import."""
        by_run: dict[ImportRun, list[int]] = defaultdict(list)
        for row in queryset.select_related("import_run"):
            by_run[row.import_run].append(row.pk)
        for run, keys in by_run.items():
            try:
                done = replaying.replay(run=run, now=timezone.now(), row_ids=keys)
            except replaying.CannotReplay as reason:
                self.message_user(request, f"{run}: {reason}", messages.ERROR)
                continue
            self.message_user(
                request,
                f"{run}: {done.good} went in, {done.duplicates} were there already, "
                f"{done.bad} still cannot be read.",
                messages.WARNING if done.bad else messages.SUCCESS,
            )
        transaction.on_commit(tasks.ask_for_refresh)
