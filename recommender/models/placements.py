"""Named spots in a client's product, each with its own rules; every version of the rules stays."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

DEFAULT = "default"


class Placement(models.Model):
    """A spot such as "home" or "after-checkout". Requests that name none are for the one called "default"."""

    name = models.SlugField(
        max_length=50, unique=True, help_text="What requests name: letters, digits, - and _."
    )
    description = models.CharField(max_length=500, blank=True)
    live_version = models.ForeignKey(
        "PlacementVersion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whose rules answer. None: the rules that a placement starts with.",
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="placement_name_is_not_empty", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class PlacementVersion(models.Model):
    """Rules of a placement as somebody saved them; once live, all that changes is what a category is called."""

    placement = models.ForeignKey(
        Placement, on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField(help_text="Counted from 1 in each placement.")
    rules = models.JSONField(help_text="What `ranking.rules.Rules.to_plain` writes.")
    note = models.CharField(max_length=500, blank=True, help_text="Why, in a sentence.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    went_live_at = models.DateTimeField(null=True, blank=True, help_text="When it did first.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["placement", "number"], name="one_version_per_placement_and_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.placement_id} version {self.number}"


class PlacementSwitch(models.Model):
    """Which version went live when, by whom and why; append-only."""

    placement = models.ForeignKey(Placement, on_delete=models.CASCADE, related_name="switches")
    version = models.ForeignKey(
        PlacementVersion,
        null=True,
        on_delete=models.CASCADE,  # with the placement: what was live is never removed alone
        related_name="switches",
        help_text="None: the rules that a placement starts with.",
    )
    switched_at = models.DateTimeField()
    switched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "placement switches"

    def __str__(self) -> str:
        return f"{self.placement_id} at {self.switched_at:%Y-%m-%d %H:%M}"
