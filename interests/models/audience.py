"""The people whose interests we follow."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

ID_LENGTH = 512  # of ids that clients give; 500 characters and a little


class EndUser(models.Model):
    """A person, known by the id that the client gave.

    `num_events`, `last_event_at`, `drift_score` and `current_state` copy what the newest state says
    (`last_event_at` passes over doubtful times), `drifted_at` the newest drift event, so that lists sort and
    filter on one table; only `services.tracking` and `services.detecting` write them.
    """

    user_id = models.CharField(max_length=ID_LENGTH, unique=True)
    attributes = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    current_state = models.ForeignKey(
        "interests.InterestState",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    num_events = models.PositiveIntegerField(default=0)
    last_event_at = models.DateTimeField(null=True, blank=True)
    drift_score = models.FloatField(null=True, blank=True)
    drifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="end_user_id_is_not_empty", condition=~Q(user_id="")),
        ]
        indexes = [
            models.Index(F("drift_score").desc(nulls_last=True), "id", name="end_user_by_drift"),
            models.Index(F("num_events").desc(), "id", name="end_user_by_events"),
            models.Index(
                F("last_event_at").desc(nulls_last=True), "id", name="end_user_by_recency"
            ),
            models.Index(F("drifted_at").desc(nulls_last=True), "id", name="end_user_by_change"),
        ]

    def __str__(self) -> str:
        return self.user_id


class Controls(models.Model):
    """What a person has said about their own recommendations; it holds from the next answer on."""

    end_user = models.OneToOneField(
        EndUser, primary_key=True, on_delete=models.CASCADE, related_name="controls"
    )
    muted_category_ids = ArrayField(
        models.IntegerField(), default=list, blank=True, help_text="Never shown to this person."
    )
    boosts = models.JSONField(
        default=dict,
        blank=True,
        help_text="A category's key as text, and by what its items' scores count: above 1 more, below less.",
    )
    forget_before = models.DateTimeField(
        null=True, blank=True, help_text="Events before this are kept and no longer used."
    )
    is_opted_out = models.BooleanField(
        default=False, help_text="Gets what everybody gets; nothing is worked out of their events."
    )
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "controls"

    def __str__(self) -> str:
        return f"end user {self.end_user_id}"


class Alias(models.Model):
    """Another id of an end user: that of a guest who became a member."""

    user_id = models.CharField(max_length=ID_LENGTH, unique=True)
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="aliases")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "aliases"
        constraints = [
            models.CheckConstraint(name="alias_user_id_is_not_empty", condition=~Q(user_id="")),
        ]

    def __str__(self) -> str:
        return self.user_id


class ChangeMark(models.Model):
    """Says that an end user has events which state and slate have not seen.

    Written with the event, in its transaction, so a lost message loses nothing. A worker claims the
    mark for a while and deletes it only when `generation` is still what it read. Whoever marks raises
    `generation` and leaves the other columns alone: work on `failed_generation` failed `failures` times,
    newer events get fresh attempts.
    """

    end_user = models.OneToOneField(
        EndUser, primary_key=True, on_delete=models.CASCADE, related_name="change_mark"
    )
    marked_at = models.DateTimeField(db_index=True)
    generation = models.PositiveBigIntegerField(default=1)
    claimed_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    failed_generation = models.PositiveBigIntegerField(default=0, db_default=0)
    error = models.TextField(blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"end user {self.end_user_id}, {self.marked_at:%Y-%m-%d %H:%M:%S}"
