"""Publications of slates, and the switch that says which one serves."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from interests.models import Run, TrainingRun


class PublicationRun(Run):
    """One ranked list for everybody, made from one training; served when the switch points at it."""

    training_run = models.ForeignKey(
        TrainingRun, on_delete=models.PROTECT, related_name="publication_runs"
    )
    algorithm = models.CharField(max_length=50, default="interest_network")

    class Meta(Run.Meta):
        verbose_name = "publication"


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
