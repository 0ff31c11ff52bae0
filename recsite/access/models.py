"""Keys with which programs call the API."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Scope(models.TextChoices):
    """What a key may do; an endpoint asks for one of these."""

    WRITE_EVENTS = "events:write", "post events"
    READ_RECOMMENDATIONS = "recommendations:read", "read recommendations, similar and popular items"
    READ_INTERESTS = "interests:read", "read interests and drift of end users"
    READ_ITEMS = "items:read", "read items"
    WRITE_ITEMS = "items:write", "write items"
    READ_RUNS = "runs:read", "read runs and evaluations"
    READ_USERS = "users:read", "read the controls of end users and all that is held about them"
    WRITE_USERS = "users:write", "set controls of end users, merge and erase them"
    READ_METRICS = "metrics:read", "read /metrics"


class ApiKey(models.Model):
    """A key, of which only a hash is kept; it is shown once, when it is made."""

    name = models.CharField(max_length=100, help_text="Who or what uses the key.")
    prefix = models.CharField(max_length=12, unique=True, help_text="The key's first characters.")
    digest = models.BinaryField(
        max_length=32, help_text="SHA-256 of the whole key.", editable=False
    )
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope.choices))
    origins = ArrayField(
        models.CharField(max_length=255),
        default=list,
        db_default=[],
        blank=True,
        help_text="For a key in a web page, which everybody can read: the sites that may use it. It can only post events.",
    )
    rate_per_minute = models.PositiveIntegerField(
        default=6_000, help_text="Requests a minute; 0 means as many as it likes."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                name="api_key_has_a_scope", condition=models.Q(scopes__len__gte=1)
            ),
            models.CheckConstraint(
                name="api_key_for_browsers_only_writes_events",
                condition=models.Q(origins__len=0) | models.Q(scopes=[Scope.WRITE_EVENTS.value]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AuditEntry(models.Model):
    """Who changed what, when, from what to what; triggers of the tables that `auditing` names write it."""

    class Actor(models.TextChoices):
        ACCOUNT = "account", "an account"
        KEY = "key", "an API key"
        SYSTEM = "system", "a command or a worker"

    at = models.DateTimeField(db_default=Now())
    actor_kind = models.CharField(max_length=10, choices=Actor)
    actor = models.CharField(max_length=200, blank=True, help_text="Name of the account or key.")
    table = models.CharField(max_length=100, help_text="As a model is called: interests.controls.")
    object_key = models.CharField(max_length=100, help_text="Primary key of the row.")
    object_name = models.CharField(max_length=500, blank=True)
    action = models.CharField(max_length=20)
    before = models.JSONField(null=True, help_text="Columns that changed, as they were.")
    after = models.JSONField(null=True, help_text="Columns that changed, as they are since.")

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(models.F("at").desc(), models.F("id").desc(), name="audit_by_time"),
            models.Index(fields=["table", "object_key"], name="audit_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.object_key} {self.action}"
