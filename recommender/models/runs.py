"""Publications of slates, and the switch that says which one serves."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from interests.models import Run, TrainingRun


class PublicationRun(Run):
    """One ranked list for everybody, made from one training; served when the switch points at it.

    One that is held is prepared and kept from serving until somebody promotes it.
    """

    training_run = models.ForeignKey(
        TrainingRun, on_delete=models.PROTECT, related_name="publication_runs"
    )
    algorithm = models.CharField(max_length=50, default="interest_network")
    held_at = models.DateTimeField(null=True, blank=True)
    held_by = models.CharField(
        max_length=150, blank=True, help_text="An account or a command; nobody: the gate."
    )
    held_because = models.TextField(blank=True)

    class Meta(Run.Meta):
        verbose_name = "publication"
        constraints = [
            *Run.Meta.constraints,
            models.CheckConstraint(
                name="publication_that_is_held_says_why",
                condition=Q(held_at=None, held_because="", held_by="")
                | Q(held_at__isnull=False) & ~Q(held_because=""),
            ),
        ]


class Serving(models.Model):
    """The switch: one row that says which publication the API answers from."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    publication = models.ForeignKey(PublicationRun, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()

    class Meta:
        verbose_name_plural = "serving"
        constraints = [
            models.CheckConstraint(name="one_publication_serves", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return f"publication {self.publication_id} since {self.since:%Y-%m-%d %H:%M}"


class Switch(models.Model):
    """Log of what served when: append-only, one row for each flip of the switch."""

    publication = models.ForeignKey(
        PublicationRun, on_delete=models.PROTECT, related_name="switches"
    )
    switched_at = models.DateTimeField()
    switched_by = models.CharField(max_length=150, blank=True, help_text="An account, or a task.")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "switches"
        indexes = [models.Index(fields=["-switched_at"], name="switch_by_time")]

    def __str__(self) -> str:
        return f"publication {self.publication_id} at {self.switched_at:%Y-%m-%d %H:%M}"
