"""What web processes keep in memory and has changed since: they look here instead of reading all again."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class ShelfChange(models.Model):
    """One statement changed something that `services.keeping` keeps. Triggers write it, `keeping.prune` removes it.

    A row is told from another by its id alone: ids are given when a statement runs and seen when its
    transaction commits, so a later look may find an id lower than those it knows.
    """

    class Kind(models.TextChoices):
        ITEMS = "items"
        CATEGORIES = "categories"
        POPULAR = "popular"
        PLANS = "plans"

    kind = models.CharField(max_length=10, choices=Kind)
    items = ArrayField(
        models.BigIntegerField(),
        null=True,
        help_text="Keys of the items, where `kind` is items. None: too many to name.",
    )
    noticed_at = models.DateTimeField(
        null=True, help_text="When it was first seen after its commit; it is removed minutes later."
    )
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.kind}, {self.created_at:%Y-%m-%d %H:%M:%S}"
