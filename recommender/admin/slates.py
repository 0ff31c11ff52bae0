"""Slates and other stored lists."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet

from interests.models import EndUser, Item
from recommender.models import PopularItems, SimilarItems, Slate
from recsite.access.admin_tools import MachineWritten, first_entries


@admin.register(Slate)
class SlateAdmin(MachineWritten):
    """What is stored for each end user."""

    list_display = ("end_user", "publication", "generated_at", "events_through")
    list_select_related = ("end_user", "publication")
    search_fields = ("end_user",)
    search_help_text = "A whole user id."
    ordering = ("-id",)
    fields = ("end_user", "publication", "first_items", "first_scores", "generated_at", "events_through")  # fmt: skip

    def get_queryset(self, request: object) -> QuerySet[Slate]:
        """Leave the long arrays out of lists."""
        return super().get_queryset(request).defer("items")  # type: ignore[arg-type]

    def search(self, queryset: QuerySet[Slate], term: str) -> QuerySet[Slate]:
        """Find a person's slates."""
        people = EndUser.objects.filter(user_id=term).values_list("pk", flat=True)
        return queryset.filter(end_user__in=list(people))

    @admin.display(description="Items, best first")
    def first_items(self, slate: Slate) -> str:
        """Show the beginning of the list."""
        return first_entries(slate.item_ids)

    @admin.display(description="Scores")
    def first_scores(self, slate: Slate) -> str:
        """Show the beginning of the list's scores."""
        return first_entries(slate.scores)


@admin.register(SimilarItems)
class SimilarItemsAdmin(MachineWritten):
    """What lies next to each item."""

    list_display = ("item", "publication", "nearest")
    list_select_related = ("item", "publication")
    search_fields = ("item",)
    search_help_text = "A whole item id."
    ordering = ("-id",)
    fields = ("item", "publication", "nearest")

    def search(self, queryset: QuerySet[SimilarItems], term: str) -> QuerySet[SimilarItems]:
        """Find an item's rows."""
        items = Item.objects.filter(item_id=term).values_list("pk", flat=True)
        return queryset.filter(item__in=list(items))

    @admin.display(description="Nearest")
    def nearest(self, row: SimilarItems) -> str:
        """Show the nearest items."""
        return first_entries(row.item_ids)


@admin.register(PopularItems)
class PopularItemsAdmin(MachineWritten):
    """What strangers are shown."""

    list_display = ("window", "category_id", "first_items", "counted_at")
    list_filter = ("window",)
    ordering = ("window", "category_id", "id")
    fields = ("window", "category_id", "first_items", "counted_at")

    @admin.display(description="Items, most chosen first")
    def first_items(self, row: PopularItems) -> str:
        """Show the beginning of the list."""
        return first_entries(row.item_ids)
