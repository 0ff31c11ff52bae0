"""Long work: what every run has, and the runs of this app."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings as django_settings
from django.db import models
from django.db.models import Q


class RunState(models.TextChoices):
    """Where a run stands. Only what belongs to a run that is done is read by API and slates."""

    WAITING = "waiting"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Run(models.Model):
    """One piece of long work, held by one worker at a time through a lease.

    The holder renews `lease_expires_at` and writes with its `attempt`; whoever finds a started run with
    an expired lease takes it over with the next attempt (`services.running`).
    """

    # A run that killed its holder three times will kill the fourth as well.
    max_attempts: ClassVar[int] = 3

    state = models.CharField(max_length=10, choices=RunState, default=RunState.WAITING)
    settings = models.JSONField(default=dict, blank=True)
    seed = models.PositiveIntegerField(default=0)
    window_from = models.DateTimeField(null=True, blank=True)
    window_to = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    is_stop_requested = models.BooleanField(default=False)
    step = models.CharField(max_length=200, blank=True, help_text="What it is doing, in words.")
    share_done = models.FloatField(default=0.0)
    results = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True, help_text="Why it failed and what to do about it.")

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(class)s_share_done_is_between_0_and_1",
                condition=Q(share_done__gte=0, share_done__lte=1),
            ),
            models.CheckConstraint(
                name="%(class)s_has_an_end_exactly_when_it_has_ended",
                condition=Q(state__in=[RunState.WAITING, RunState.STARTED], finished_at=None)
                | Q(
                    state__in=[RunState.DONE, RunState.FAILED, RunState.STOPPED],
                    finished_at__isnull=False,
                ),
            ),
        ]
        indexes = [models.Index(fields=["state", "-requested_at"], name="%(class)s_by_state")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class ImportRun(Run):
    """One import of a folder or of uploaded files; `results` holds the quality report."""

    source = models.CharField(max_length=1000, help_text="The folder, or the names of the uploads.")

    class Meta(Run.Meta):
        verbose_name = "import"


class TrainingRun(Run):
    """One training of a network; `results` holds curves and validation metrics."""

    # Each attempt goes on from a checkpoint, so many deaths of its machine still end in a network.
    max_attempts: ClassVar[int] = 10

    network = models.CharField(max_length=50, default="interest_network")
    weights_path = models.CharField(
        max_length=500, blank=True, help_text="Folder of the weights, relative to RECSITE_HOME."
    )
    weights_sha256 = models.CharField(max_length=64, blank=True)

    class Meta(Run.Meta):
        verbose_name = "training"


class TrackingRun(Run):
    """One recomputation of everybody's interest states; older states stay."""

    training_run = models.ForeignKey(
        TrainingRun, null=True, blank=True, on_delete=models.PROTECT, related_name="tracking_runs"
    )
    tracker_version = models.CharField(max_length=50)

    class Meta(Run.Meta):
        verbose_name = "tracking"
