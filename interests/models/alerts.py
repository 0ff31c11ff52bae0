"""Rules that watch people, segments and the population, what they raised, and its delivery."""

from __future__ import annotations

from django.conf import settings as django_settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from interests.models.audience import EndUser
from interests.models.catalogue import Category


class AlertRule(models.Model):
    """What to watch, when to speak, and to whom.

    Its webhook's signing secret is derived from the site's own key and the rule's `secret_version`, so none
    is stored; raising the version changes it.
    """

    class Scope(models.TextChoices):
        END_USER = "end_user", "one end user"
        SEGMENT = "segment", "a segment"
        POPULATION = "population", "everybody"

    class Condition(models.TextChoices):
        DRIFT_EVENT = "drift_event", "an end user's interests change"
        SHARE_ABOVE = "share_above", "a category's share is above"
        SHARE_BELOW = "share_below", "a category's share is below"
        SHARE_MOVES = "share_moves", "a category's share moves by more than noise"
        DRIFTERS_ABOVE = "drifters_above", "the share of drifting end users is above"

    name = models.CharField(max_length=200, unique=True)
    is_active = models.BooleanField(default=True)
    scope = models.CharField(max_length=20, choices=Scope)
    end_user = models.ForeignKey(
        EndUser, null=True, blank=True, on_delete=models.CASCADE, related_name="alert_rules"
    )
    segment_kind = models.CharField(max_length=100, blank=True)
    segment = models.CharField(max_length=200, blank=True)
    condition = models.CharField(max_length=20, choices=Condition)
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    threshold = models.FloatField(
        null=True, blank=True, help_text="A share or confidence from 0 to 1, by the condition."
    )
    cool_down_hours = models.FloatField(
        default=24, help_text="After an alert the rule is silent about the same for so long."
    )
    budget_per_week = models.PositiveIntegerField(
        default=50, help_text="More alerts in seven days than this are counted, not sent."
    )
    webhook_url = models.URLField(max_length=1000, blank=True)
    secret_version = models.PositiveIntegerField(default=1)
    emails = ArrayField(models.EmailField(), default=list, blank=True)
    muted_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    looked_at = models.DateTimeField(
        null=True, blank=True, help_text="Until when it has looked; what came later is new to it."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="alert_rule_name_is_not_empty", condition=~Q(name="")),
            models.CheckConstraint(
                name="alert_rule_names_an_end_user_exactly_where_its_scope_is_one",
                condition=Q(scope="end_user", end_user__isnull=False)
                | (~Q(scope="end_user") & Q(end_user__isnull=True)),
            ),
            models.CheckConstraint(
                name="alert_rule_cool_down_is_not_negative", condition=Q(cool_down_hours__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """Something a rule raised, once per `key`."""

    class Silence(models.TextChoices):
        COOL_DOWN = "cool_down", "within its cool-down"
        BUDGET = "budget", "beyond its budget"
        MUTED = "muted", "while muted"

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="alerts")
    key = models.CharField(
        max_length=200, help_text="What it speaks of; the receiver's idempotency key is made of it."
    )
    end_user = models.ForeignKey(
        EndUser, null=True, blank=True, on_delete=models.CASCADE, related_name="alerts"
    )
    raised_at = models.DateTimeField()
    text = models.CharField(max_length=500, help_text="What happened, in a sentence.")
    payload = models.JSONField(help_text="What the webhook is sent.")
    silence = models.CharField(
        max_length=10, choices=Silence, blank=True, help_text="Why it was not sent; empty: it was."
    )
    acknowledged_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "key"], name="one_alert_per_rule_and_key"),
        ]
        indexes = [
            models.Index(F("raised_at").desc(), F("id").desc(), name="alert_by_time"),
        ]

    def __str__(self) -> str:
        return self.text


class AlertDelivery(models.Model):
    """One alert on its way to one receiver; at least once, told apart by the idempotency key."""

    class Channel(models.TextChoices):
        WEBHOOK = "webhook"
        EMAIL = "email", "e-mail"

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        DEAD = "dead"

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel)
    target = models.CharField(max_length=1000)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "channel", "target"], name="one_delivery_per_alert_and_target"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(state="waiting"), name="delivery_waiting"
            ),
        ]
        verbose_name_plural = "alert deliveries"

    def __str__(self) -> str:
        return f"{self.channel} to {self.target}"
