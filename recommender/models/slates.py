"""Ranked lists and item similarities, one row for what one request reads."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from interests.models import EndUser, Item
from recommender.models.runs import PublicationRun


class Slate(models.Model):
    """The best unseen items for one end user in one publication, best first."""

    publication = models.ForeignKey(
        PublicationRun, on_delete=models.CASCADE, related_name="slates", db_index=False
    )
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="slates")
    items = ArrayField(models.BigIntegerField(), help_text="Keys of items, best first.")
    item_ids = ArrayField(models.TextField(), help_text="The same items' ids as clients know them.")
    scores = ArrayField(models.FloatField())
    generated_at = models.DateTimeField()
    events_through = models.DateTimeField(null=True)
    seen_items = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=[],
        help_text="The best of those the person has used, best first, for placements that show them again.",
    )
    seen_item_ids = ArrayField(models.TextField(), default=list, db_default=[])
    seen_scores = ArrayField(models.FloatField(), default=list, db_default=[])
    seen_at = ArrayField(
        models.DateTimeField(), default=list, db_default=[], help_text="When each was used last."
    )
    reasons = models.JSONField(
        null=True,
        help_text="Why the first items are there, see `services.reasoning`. None: not yet worked out.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["publication", "end_user"], name="one_slate_per_end_user_and_publication"
            ),
            models.CheckConstraint(
                name="slate_arrays_are_equally_long",
                condition=Q(item_ids__len=F("items__len")) & Q(scores__len=F("items__len")),
            ),
            models.CheckConstraint(
                name="slate_arrays_of_seen_items_are_equally_long",
                condition=Q(seen_item_ids__len=F("seen_items__len"))
                & Q(seen_scores__len=F("seen_items__len"))
                & Q(seen_at__len=F("seen_items__len")),
            ),
        ]

    def __str__(self) -> str:
        return f"end user {self.end_user_id} in publication {self.publication_id}"


class SimilarItems(models.Model):
    """The items nearest to one item in the network's space, nearest first."""

    publication = models.ForeignKey(
        PublicationRun, on_delete=models.CASCADE, related_name="similar_items", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    items = ArrayField(models.BigIntegerField())
    item_ids = ArrayField(models.TextField())
    scores = ArrayField(models.FloatField(), help_text="Cosines, -1 to 1.")

    class Meta:
        verbose_name_plural = "similar items"
        constraints = [
            models.UniqueConstraint(
                fields=["publication", "item"], name="one_row_of_similar_items_per_publication"
            ),
            models.CheckConstraint(
                name="similar_items_arrays_are_equally_long",
                condition=Q(item_ids__len=F("items__len")) & Q(scores__len=F("items__len")),
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.item_id} in publication {self.publication_id}"


class PopularItems(models.Model):
    """The most or recently most chosen items, over all or in one category: the answer for strangers.

    Counted from events alone, so it is there before any network is.
    """

    window = models.CharField(max_length=10, help_text='"all", or days such as "30d".')
    category_id = models.IntegerField(default=0, help_text="A category's key; 0: all of them.")
    items = ArrayField(models.BigIntegerField())
    item_ids = ArrayField(models.TextField())
    scores = ArrayField(models.FloatField(), help_text="Events in the window.")
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "popular items"
        constraints = [
            models.UniqueConstraint(
                fields=["window", "category_id"],
                name="one_row_of_popular_items_per_window_and_category",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.window}, category {self.category_id}"
