"""The audit to look at: who, what, when, from what to what."""

from __future__ import annotations

import json
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from recsite.access.admin_tools import MachineWritten
from recsite.access.models import AuditEntry

SHOWN_LENGTH = 200  # of a value in the list


@admin.register(AuditEntry)
class AuditEntryAdmin(MachineWritten):
    """Entries of tables that the account may look at, the newest first."""

    list_display = ("at", "who", "what", "action", "difference")
    list_display_links = ("at",)
    list_filter = ("table", "action", "actor_kind", "at")
    search_fields = ("actor",)
    search_help_text = (
        "The name of an account or key, a part of what was changed, or the number of its row."
    )
    ordering = ("-at", "-id")
    fields = ("at", "who", "what", "action", "difference")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Leave out tables that the account may not look at."""
        return super().get_queryset(request).filter(table__in=_tables(request))

    def search(self, queryset: QuerySet[AuditEntry], term: str) -> QuerySet[AuditEntry]:
        """Find by who did it, by the name of what was changed, or by its key."""
        if term.isascii() and term.isdigit():
            return queryset.filter(object_key=term)
        return queryset.filter(actor__icontains=term) | queryset.filter(object_name__icontains=term)

    @admin.display(description="Who", ordering="actor")
    def who(self, entry: AuditEntry) -> str:
        """Show the account or key."""
        kind = {"account": "", "key": "key "}.get(entry.actor_kind)
        return "a command or a worker" if kind is None else f"{kind}{entry.actor}"

    @admin.display(description="What", ordering="table")
    def what(self, entry: AuditEntry) -> str:
        """Show the row, as a link where it has a page."""
        model = apps.get_model(entry.table)
        name = f"{model._meta.verbose_name} {entry.object_name or entry.object_key}"
        try:
            app, table = entry.table.split(".")
            # Controls are shown with their person.
            app, table = ("interests", "enduser") if table == "controls" else (app, table)
            address = reverse(f"admin:{app}_{table}_change", args=[entry.object_key])
        except NoReverseMatch:
            return name
        return format_html('<a href="{}">{}</a>', address, name)

    @admin.display(description="From what to what")
    def difference(self, entry: AuditEntry) -> SafeString:
        """Show each column that changed, as it was and as it is since."""
        before, after = entry.before or {}, entry.after or {}
        return format_html_join(
            "",
            "<div>{}: {}</div>",
            (
                (name, _change(before, after, name))
                for name in sorted({*before, *after})
                if name != "id"
            ),
        )


def _change(before: dict[str, Any], after: dict[str, Any], name: str) -> str:
    values = [_text(side[name]) for side in (before, after) if name in side]
    return " → ".join(values)


def _text(value: Any) -> str:
    text = "nothing" if value in (None, "", [], {}) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"


def _tables(request: HttpRequest) -> list[str]:
    """Return the tables of which the account may see rows."""
    return [
        model._meta.label_lower
        for model in apps.get_models()
        if request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
    ]
