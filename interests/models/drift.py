"""What the detector holds of each end user, what it raised, and what people made of it."""

from __future__ import annotations

from django.conf import settings as django_settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from interests.models.audience import EndUser
from interests.models.runs import Run, TrackingRun


class DetectorSnapshot(models.Model):
    """The detector of one end user after so many of their events; the largest number is where it stands.

    Older ones stay at growing distances, so that an event that comes late is replayed from the point
    where it belongs instead of from the first event. Each belongs to the tracking run whose knowledge it
    was worked out with, also those that live events add; only those of the newest finished run count.
    """

    end_user = models.ForeignKey(
        EndUser, on_delete=models.CASCADE, related_name="detector_snapshots", db_index=False
    )
    num_events = models.PositiveIntegerField()
    at = models.DateTimeField(help_text="Of the last event it has seen.")
    events_through = models.DateTimeField(help_text="Arrival of the newest event it has seen.")
    tracking_run = models.ForeignKey(
        TrackingRun, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    detector_version = models.CharField(max_length=50)
    state = models.JSONField()
    bank = models.BinaryField(help_text="The detector's numbers, see `drift.detector_storage`.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["end_user", "tracking_run", "num_events"],
                name="one_snapshot_per_end_user_run_and_event",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"end user {self.end_user_id} after {self.num_events} events"


class DriftEvent(models.Model):
    """A change of one person's interests: when it was raised, when it began, how sure, from what to what.

    Append-only like states. One of a tracking run counts once that run is done and until a newer one is; a
    live one has no tracking run. `withdrawn_at` is set where an event that came late unmade it.
    `before` and `after` run parallel to `category_ids`; 0 stands for "uncategorised".
    """

    end_user = models.ForeignKey(
        EndUser, on_delete=models.CASCADE, related_name="drift_events", db_index=False
    )
    tracking_run = models.ForeignKey(
        TrackingRun, null=True, blank=True, on_delete=models.CASCADE, related_name="drift_events"
    )
    detector_version = models.CharField(max_length=50)
    detected_at = models.DateTimeField(help_text="Time of the event that raised it.")
    begin_at = models.DateTimeField(help_text="When it began, estimated.")
    num_events = models.PositiveIntegerField(help_text="Events seen when it was raised.")
    begin_event = models.PositiveIntegerField(help_text="Events before it began, estimated.")
    confidence = models.FloatField(help_text="Probability that it is a change, 0 to 1.")
    score = models.FloatField(help_text="Evidence above no change, in nats.")
    category_ids = ArrayField(models.IntegerField())
    before = ArrayField(models.FloatField(), help_text="Interests before it began.")
    after = ArrayField(models.FloatField(), help_text="Interests since it began.")
    rising = ArrayField(models.IntegerField(), help_text="Category ids, the surest first.")
    falling = ArrayField(models.IntegerField(), help_text="Category ids, the surest first.")
    evidence = ArrayField(
        models.BigIntegerField(), help_text="Ids of the events that show it, most telling first."
    )
    is_return = models.BooleanField(default=False, help_text="Back to what was wanted before.")
    events_through = models.DateTimeField(help_text="Arrival of the newest event it has seen.")
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tracking_run", "end_user", "num_events"],
                name="one_drift_event_per_end_user_event_and_run",
            ),
            models.CheckConstraint(
                name="drift_event_confidence_is_between_0_and_1",
                condition=Q(confidence__gte=0, confidence__lte=1),
            ),
            models.CheckConstraint(
                name="drift_event_begins_before_it_is_raised",
                condition=Q(begin_event__lt=F("num_events"), begin_at__lte=F("detected_at")),
            ),
            models.CheckConstraint(
                name="drift_event_arrays_are_equally_long",
                condition=Q(before__len=F("category_ids__len"))
                & Q(after__len=F("category_ids__len")),
            ),
        ]
        indexes = [
            models.Index("end_user", F("detected_at").desc(), name="drift_event_history"),
            models.Index(F("detected_at").desc(), F("id").desc(), name="drift_event_by_time"),
        ]

    def __str__(self) -> str:
        return f"end user {self.end_user_id} changed, {self.detected_at:%Y-%m-%d %H:%M}"


class DriftMark(models.Model):
    """What an analyst says of a drift event; it belongs to the person and the time, so it outlives reruns."""

    class Verdict(models.TextChoices):
        RIGHT = "right"
        WRONG = "wrong"
        EXPLAINED = "explained"

    end_user = models.ForeignKey(
        EndUser, on_delete=models.CASCADE, related_name="drift_marks", db_index=False
    )
    detected_at = models.DateTimeField(help_text="Of the drift event that it speaks of.")
    begin_at = models.DateTimeField(help_text="Of the drift event that it speaks of.")
    verdict = models.CharField(max_length=10, choices=Verdict)
    note = models.CharField(max_length=500, blank=True, help_text="A campaign, a holiday, ...")
    made_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["end_user", "detected_at"], name="one_mark_per_end_user_and_time"
            ),
        ]

    def __str__(self) -> str:
        return f"end user {self.end_user_id}, {self.detected_at:%Y-%m-%d %H:%M}: {self.verdict}"


class SelfTestRun(Run):
    """Known changes put into a copy of our own events, to see how soon they are found and what is false.

    `results` holds detection delay, false alarms and what each threshold would reach.
    """

    class Meta(Run.Meta):
        verbose_name = "self-test"


class DetectorChoice(models.Model):
    """The threshold that somebody chose for this site; the newest counts, none: the product's own."""

    threshold = models.FloatField(help_text="Evidence in nats at which a drift event is raised.")
    false_alarms_per_1000 = models.FloatField(
        null=True, blank=True, help_text="The budget it was chosen for: per 1,000 events."
    )
    self_test = models.ForeignKey(
        SelfTestRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    chosen_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    chosen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="detector_threshold_is_above_0", condition=Q(threshold__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"threshold {self.threshold:g} since {self.chosen_at:%Y-%m-%d %H:%M}"
