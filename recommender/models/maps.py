"""The map of a publication: where items, categories and people lie in the network's space, in two dimensions."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from recommender.models.runs import PublicationRun


class InterestMap(models.Model):
    """Two axes through the space of a publication's network, and what is drawn on them.

    Points count from the middle: where somebody would stand who wants each category as much as everybody
    together does. A vector of the space stands at (x_axis · vector - x_middle, y_axis · vector - y_middle).
    """

    publication = models.OneToOneField(
        PublicationRun, on_delete=models.CASCADE, related_name="interest_map"
    )
    x_axis = ArrayField(models.FloatField())
    y_axis = ArrayField(models.FloatField())
    x_middle = models.FloatField()
    y_middle = models.FloatField()
    category_ids = ArrayField(models.IntegerField())
    category_x = ArrayField(models.FloatField())
    category_y = ArrayField(models.FloatField())
    items = ArrayField(models.BigIntegerField(), help_text="Keys, the most used first.")
    item_x = ArrayField(models.FloatField())
    item_y = ArrayField(models.FloatField())
    people_x = ArrayField(models.FloatField(), help_text="Of a sample of end users, nameless.")
    people_y = ArrayField(models.FloatField())
    num_items = models.PositiveIntegerField(help_text="That the network knows.")
    num_end_users = models.PositiveIntegerField(help_text="Of whom the sample was taken.")
    items_explained = models.FloatField(help_text="How much of items' differences the axes hold.")
    people_explained = models.FloatField(null=True, help_text="The same of the sample of people.")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="interest_map_arrays_are_equally_long",
                condition=Q(y_axis__len=F("x_axis__len"))
                & Q(category_x__len=F("category_ids__len"))
                & Q(category_y__len=F("category_ids__len"))
                & Q(item_x__len=F("items__len"))
                & Q(item_y__len=F("items__len"))
                & Q(people_y__len=F("people_x__len")),
            ),
        ]

    def __str__(self) -> str:
        return f"map of publication {self.publication_id}"
