"""What end users did, and the rows that could not be read as such."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from interests.models.audience import ID_LENGTH, EndUser
from interests.models.catalogue import Item
from interests.models.runs import ImportRun

SENT_HELP = "When it occurred by the sender's clock, where that clock was wrong and was corrected."


class EventKind(models.Model):
    """A kind of event and how much it tells; curators edit the weight and what outcome it is."""

    class Outcome(models.TextChoices):
        CLICK = "click", "a click"
        CONVERSION = "conversion", "a conversion; its value is revenue"
        LIKE = "like", "satisfied"
        DISLIKE = "dislike", "not satisfied"
        RATING = "rating", "a rating; its value is the rating"

    name = models.CharField(max_length=50, unique=True)
    weight = models.FloatField(
        default=1.0,
        help_text="How much one event tells. Below 0: a negative signal, never a target.",
    )
    outcome = models.CharField(
        max_length=20,
        choices=Outcome,
        blank=True,
        default="",
        db_default="",
        help_text="What an event of this kind is when it follows a recommendation.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="event_kind_name_is_not_empty", condition=~Q(name="")),
            models.CheckConstraint(
                name="event_kind_weight_is_between_minus_100_and_100",
                condition=Q(weight__gte=-100, weight__lte=100),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Interaction(models.Model):
    """One event: never summed, never overwritten."""

    event_id = models.CharField(max_length=ID_LENGTH, unique=True)
    end_user = models.ForeignKey(
        EndUser, on_delete=models.CASCADE, related_name="interactions", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="interactions")
    kind = models.ForeignKey(EventKind, on_delete=models.PROTECT, related_name="+", db_index=False)
    value = models.FloatField(null=True, blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    session_id = models.CharField(max_length=ID_LENGTH, blank=True)
    recommendation_id = models.CharField(max_length=ID_LENGTH, blank=True)
    attributes = models.JSONField(null=True, blank=True)
    is_time_doubtful = models.BooleanField(
        default=False, help_text="Its time was before 1990 or in the future when it arrived."
    )
    occurred_at_sent = models.DateTimeField(null=True, blank=True, help_text=SENT_HELP)

    class Meta:
        verbose_name = "event"
        constraints = [
            models.CheckConstraint(
                name="interaction_event_id_is_not_empty", condition=~Q(event_id="")
            ),
        ]
        indexes = [
            models.Index(
                "end_user",
                F("occurred_at").desc(),
                F("id").desc(),
                include=["item", "kind"],
                name="interaction_history",
            ),
            models.Index(F("occurred_at").desc(), F("id").desc(), name="interaction_by_time"),
        ]

    def __str__(self) -> str:
        return self.event_id


class Impression(models.Model):
    """One item of one answer was seen by an end user, or looked at for so many seconds (kind "dwell"). Kept
    apart from events: it says what we showed, not what somebody wanted, so no history, state or slate reads it.
    """

    event_id = models.CharField(max_length=ID_LENGTH, unique=True)
    end_user = models.ForeignKey(
        EndUser, on_delete=models.CASCADE, related_name="impressions", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+", db_index=False)
    dwell_seconds = models.FloatField(
        null=True, blank=True, help_text="For how long; none: that it was seen."
    )
    recommendation_id = models.CharField(max_length=ID_LENGTH, blank=True)
    session_id = models.CharField(max_length=ID_LENGTH, blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    is_time_doubtful = models.BooleanField(default=False)
    occurred_at_sent = models.DateTimeField(null=True, blank=True, help_text=SENT_HELP)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="impression_event_id_is_not_empty", condition=~Q(event_id="")
            ),
            models.CheckConstraint(
                name="impression_dwell_is_not_negative",
                condition=Q(dwell_seconds=None) | Q(dwell_seconds__gte=0),
            ),
        ]
        indexes = [
            models.Index(fields=["end_user", "occurred_at"], name="impression_of_end_user"),
            models.Index(fields=["received_at", "id"], name="impression_by_arrival"),
        ]

    def __str__(self) -> str:
        return self.event_id


class RejectedRow(models.Model):
    """A row of an import that could not be read, kept whole so that it can be mended and replayed."""

    import_run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="rejected_rows"
    )
    file = models.CharField(max_length=255)
    line = models.PositiveBigIntegerField(help_text="Counted from 1, the header included.")
    reason = models.CharField(max_length=50, help_text="A stable code.")
    detail = models.TextField(blank=True, help_text="What is wrong and what would be right.")
    row = models.JSONField(help_text="The row as it was read: column to text.")
    replayed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["import_run", "file", "line"], name="a_line_is_rejected_once_per_import"
            ),
        ]
        indexes = [models.Index(fields=["import_run", "reason"], name="rejected_row_by_reason")]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.reason}"
