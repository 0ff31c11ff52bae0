"""What each end user wanted at each time: append-only."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from pgvector.django import VectorField

from interests.models.audience import EndUser
from interests.models.runs import TrackingRun, TrainingRun


class InterestState(models.Model):
    """The interest weights of one end user at one time, stamped with what worked them out.

    `weights`, `long_term` and `short_term` run parallel to `category_ids`; the category id 0 stands for
    "uncategorised". Each sums to 1 (a database constraint holds `weights` to 1e-6).
    A state of a tracking run is valid once that run is done; a live state has no tracking run.
    """

    end_user = models.ForeignKey(
        EndUser, on_delete=models.CASCADE, related_name="states", db_index=False
    )
    tracking_run = models.ForeignKey(
        TrackingRun, null=True, blank=True, on_delete=models.CASCADE, related_name="states"
    )
    training_run = models.ForeignKey(
        TrainingRun, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    tracker_version = models.CharField(max_length=50)
    at = models.DateTimeField(help_text="The time it speaks of: of the last event it has seen.")
    category_ids = ArrayField(models.IntegerField())
    weights = ArrayField(models.FloatField())
    long_term = ArrayField(models.FloatField())
    short_term = ArrayField(models.FloatField())
    event_shares = ArrayField(
        models.FloatField(), help_text="Category shares of the raw events since the state before."
    )
    vector = VectorField(null=True, blank=True, help_text="U(t) = sum of w_c(t) e_c.")
    drift_score = models.FloatField(null=True, blank=True, help_text="None: too few events to say.")
    rising = ArrayField(
        models.IntegerField(),
        null=True,
        help_text="Category ids whose recent share is above the usual beyond noise, the surest first. "
        "None: a release that did not say made it.",
    )
    falling = ArrayField(models.IntegerField(), null=True, help_text="The same below the usual.")
    new = ArrayField(
        models.IntegerField(), null=True, help_text="Those of `rising` hardly seen before."
    )
    num_events = models.PositiveIntegerField()
    active_days = models.PositiveIntegerField()
    events_through = models.DateTimeField(help_text="Arrival of the newest event it has seen.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tracking_run", "end_user", "at"],
                name="one_state_per_end_user_time_and_run",
            ),
            models.CheckConstraint(
                name="interest_state_arrays_are_equally_long",
                condition=Q(weights__len=F("category_ids__len"))
                & Q(long_term__len=F("category_ids__len"))
                & Q(short_term__len=F("category_ids__len"))
                & Q(event_shares__len=F("category_ids__len")),
            ),
        ]
        indexes = [
            models.Index("end_user", F("at").desc(), F("id").desc(), name="state_history"),
        ]

    def __str__(self) -> str:
        return f"end user {self.end_user_id} at {self.at:%Y-%m-%d %H:%M}"


class TrackerSnapshot(models.Model):
    """Where the tracker stands with one end user, so that a new event costs one step instead of a replay.

    It holds for the tracking run, network and categories it was worked out with, and only as a copy of
    what the events say: the table is not logged, and what is missing or does not fit is replayed.
    """

    end_user = models.ForeignKey(
        EndUser, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    tracking_run = models.ForeignKey(
        TrackingRun, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    training_run = models.ForeignKey(
        TrainingRun,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        help_text="Whose network had its say.",
    )
    made_by = models.CharField(max_length=50, help_text="Versions of tracker and format.")
    category_ids = ArrayField(models.IntegerField())
    num_events = models.PositiveIntegerField(help_text="Events it has seen.")
    network_from = models.PositiveIntegerField(
        help_text="So many of them the network was trained on."
    )
    fingerprint = models.BigIntegerField(help_text="Of the events it has seen, in their order.")
    numbers = models.BinaryField(help_text="float32, little-endian, see `tracking.standings`.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["end_user", "tracking_run"],
                name="one_tracker_snapshot_per_end_user_and_run",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"end user {self.end_user_id} after {self.num_events} events"
