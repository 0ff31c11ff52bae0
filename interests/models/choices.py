"""Settings that somebody chose for an algorithm, the network among them, in place of the usual ones."""

from __future__ import annotations

from django.conf import settings as django_settings
from django.db import models


class ChosenSettings(models.Model):
    """What differs from an algorithm's usual settings from now on; one row for each algorithm at most.

    It is used by the next training, evaluation or publication, until somebody takes it back. Who changed
    it and when stands in the audit.
    """

    algorithm = models.CharField(max_length=50, unique=True)
    settings = models.JSONField(
        help_text='By name, "changes.width" for the width among the changes of the network.'
    )
    study_number = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="The study that found them; it may be gone."
    )
    chosen_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    chosen_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "chosen settings"

    def __str__(self) -> str:
        return f"settings of {self.algorithm}"
