"""What can be recommended, and how it is sorted into categories."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q

from interests.models.audience import ID_LENGTH


class Category(models.Model):
    """A named part of the catalogue; interests are spread over these."""

    name = models.CharField(max_length=200, unique=True)
    colour_rank = models.PositiveIntegerField(
        help_text="Its place in the palette, given once: 0 is the category with most items."
    )

    is_learned = models.BooleanField(
        default=False,
        help_text="An area of interest found by a training, for items without a category.",
    )
    is_used = models.BooleanField(
        default=True,
        help_text="Whether interests follow it; items of unused ones alone count as without a category.",
    )

    class Meta:
        verbose_name_plural = "categories"
        constraints = [
            models.CheckConstraint(name="category_name_is_not_empty", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """Something that can be recommended; it belongs to its categories in equal shares."""

    item_id = models.CharField(max_length=ID_LENGTH, unique=True)
    title = models.CharField(max_length=1000, blank=True)
    description = models.TextField(blank=True)
    categories = models.ManyToManyField(Category, related_name="items", blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    is_described = models.BooleanField(
        default=True, help_text="False while only events have named it, no catalogue."
    )
    is_hidden = models.BooleanField(default=False, help_text="Hidden items are never recommended.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="item_id_is_not_empty", condition=~Q(item_id="")),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(is_hidden=True), name="item_hidden"),
            models.Index(fields=["id"], condition=Q(is_described=False), name="item_undescribed"),
            GinIndex(SearchVector("title", config="simple"), name="item_title_words"),
        ]

    def __str__(self) -> str:
        return self.title or self.item_id
