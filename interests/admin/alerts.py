"""Alert rules, what they raised and how it was delivered; the pages under /alerts edit them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.urls import reverse
from django.utils.html import format_html

from interests.models import Alert, AlertDelivery, AlertRule
from recsite.access.admin_tools import MachineWritten


@admin.register(AlertRule)
class AlertRuleAdmin(MachineWritten):
    """Rules; their own page checks what is entered, previews it and shows the secret."""

    list_display = ("name", "condition", "scope", "is_active", "muted_until", "looked_at", "page")
    list_filter = ("is_active", "condition", "scope")
    ordering = ("name",)
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    @admin.display(description="Edit")
    def page(self, rule: AlertRule) -> str:
        """Link to the rule's page."""
        address = reverse("recommender:alert_rule", kwargs={"pk": rule.pk})
        return format_html('<a href="{}">Open the page</a>', address)


@admin.register(Alert)
class AlertAdmin(MachineWritten):
    """What rules raised."""

    list_display = ("text", "rule", "raised_at", "silence", "acknowledged_by")
    list_select_related = ("rule", "acknowledged_by")
    list_filter = ("silence", "rule")
    ordering = ("-raised_at", "-id")


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(MachineWritten):
    """Messages on their way, arrived, or given up."""

    list_display = ("__str__", "said", "state", "attempts", "next_attempt_at", "delivered_at")
    list_select_related = ("alert",)
    list_filter = ("state", "channel")
    ordering = ("-id",)

    @admin.display(description="Alert")
    def said(self, delivery: Any) -> str:
        """Show what the message says."""
        return str(delivery.alert)
