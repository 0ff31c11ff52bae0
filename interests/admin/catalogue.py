"""Items and categories, which curators keep right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from interests import tasks
from interests.models import Category, Item
from interests.services import areas, curating, tracking
from recsite.access.admin_tools import FastAdmin


@admin.register(Item)
class ItemAdmin(FastAdmin):
    """What can be recommended; hidden items are left out of the next answer already."""

    list_display = ("item_id", "title", "is_described", "is_hidden", "created_at")
    list_filter = ("is_hidden", "is_described", ("categories", admin.RelatedOnlyFieldListFilter))
    search_fields = ("title",)
    search_help_text = "Words of a title, or the beginning of an item id."
    autocomplete_fields = ("categories",)
    ordering = ("id",)
    actions = ("hide", "show")

    def get_readonly_fields(self, request: HttpRequest, obj: Item | None = None) -> tuple[str, ...]:
        """Keep an item's id as clients know it."""
        return ("item_id", "created_at") if obj else ("created_at",)

    def save_model(self, request: HttpRequest, obj: Item, form: Any, change: bool) -> None:
        """Save, and give a new item its time."""
        if not change:
            obj.created_at = timezone.now()
        obj.save()

    def has_delete_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        """Return False: events speak of items; hide what must not be shown."""
        return False

    def search(self, queryset: QuerySet[Item], term: str) -> QuerySet[Item]:
        """Find by words of the title, the last of which may be begun, or by the beginning of the id."""
        words = re.findall(r"\w+", term)
        found = Q(item_id__startswith=term)
        if words:
            query = SearchQuery(
                " & ".join(f"{word}:*" for word in words), search_type="raw", config="simple"
            )
            queryset = queryset.annotate(words=SearchVector("title", config="simple"))
            found |= Q(words=query)
        return queryset.filter(found)

    @admin.action(description="Hide from all recommendations", permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Item]) -> None:
        """Hide the chosen items."""
        keys = list(queryset.values_list("pk", flat=True))
        num = curating.set_hidden(item_keys=keys, is_hidden=True)
        self.message_user(request, f"{num} hidden; {len(keys) - num} were hidden before.")

    @admin.action(description="Show in recommendations again", permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Item]) -> None:
        """Show the chosen items again."""
        keys = list(queryset.values_list("pk", flat=True))
        num = curating.set_hidden(item_keys=keys, is_hidden=False)
        self.message_user(request, f"{num} shown again; {len(keys) - num} were not hidden.")


@admin.register(Category)
class CategoryAdmin(FastAdmin):
    """Named parts of the catalogue; two that mean the same can be merged."""

    list_display = ("name", "num_items", "is_used", "is_learned", "colour_rank")
    list_filter = ("is_used", "is_learned")
    search_fields = ("name",)
    search_help_text = "Any part of a name."
    ordering = ("colour_rank", "id")
    fields = ("name", "is_used")
    actions = ("merge", "use", "do_not_use")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        """Return categories with their number of items."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        is_list = match is not None and (match.url_name or "").endswith("_changelist")
        return rows.annotate(item_count=Count("items")) if is_list else rows

    def search(self, queryset: QuerySet[Category], term: str) -> QuerySet[Category]:
        """Find by any part of the name: there are hundreds, not millions."""
        return queryset.filter(name__icontains=term)

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        """Save, and give a new category the next colour."""
        if not change:
            last = Category.objects.aggregate(last=Max("colour_rank"))["last"]
            obj.colour_rank = 0 if last is None else last + 1
        obj.save()

    def get_deleted_objects(
        self, objs: QuerySet[Category] | Sequence[Category], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the categories with how many items lose each, not every link between the two."""
        keys = [category.pk for category in objs]
        rows = Category.objects.filter(pk__in=keys).annotate(num=Count("items")).order_by("pk")
        named = [f"{row.name}, which {row.num:,} items lose" for row in rows]
        *_, missing, protected = super().get_deleted_objects(objs, request)
        return named, {"categories": len(keys)}, missing, protected

    @admin.display(description="Items", ordering="item_count")
    def num_items(self, category: Category) -> int:
        """Show how many items it has."""
        return int(category.item_count)  # type: ignore[attr-defined]

    @admin.action(description="Let interests follow them", permissions=["change"])
    def use(self, request: HttpRequest, queryset: QuerySet[Category]) -> None:
        """Count the chosen categories again."""
        self._set_used(request, queryset, is_used=True)

    @admin.action(description="Do not let interests follow them", permissions=["change"])
    def do_not_use(self, request: HttpRequest, queryset: QuerySet[Category]) -> None:
        """Treat items of the chosen categories alone as without a category."""
        self._set_used(request, queryset, is_used=False)

    def _set_used(
        self, request: HttpRequest, queryset: QuerySet[Category], *, is_used: bool
    ) -> None:
        keys = list(queryset.values_list("pk", flat=True))
        run = None
        with transaction.atomic():
            num = areas.set_used(category_keys=keys, is_used=is_used)
            if num:
                run = tracking.request_anew(
                    now=timezone.now(),
                    requested_by=request.user,  # type: ignore[arg-type]  # logged in
                )
            if run is not None:
                transaction.on_commit(lambda: tasks.enqueue_run(run))
        does = "are followed again" if is_used else "are no longer followed"
        from_when = f"; {run} replays everybody" if run else ", from the next tracking on"
        self.message_user(request, f"{num} {does}{from_when}. {len(keys) - num} were so before.")

    @admin.action(description="Merge into one category…", permissions=["change"])
    def merge(self, request: HttpRequest, queryset: QuerySet[Category]) -> HttpResponse | None:
        """Ask which category stays and name what will happen; then do it."""
        keys = list(queryset.values_list("pk", flat=True))
        chosen = Category.objects.filter(pk__in=keys).order_by("colour_rank", "pk")
        form = MergeForm(request.POST if "into" in request.POST else None, categories=chosen)
        if len(keys) < 2:
            self.message_user(request, "Choose at least two categories.", messages.ERROR)
            return None
        if form.is_valid():
            self._merge(request, keys, into=form.cleaned_data["into"])
            return None
        counts = [
            (c, curating.merge_preview(category_keys=[c.pk], into=Category())) for c in chosen
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Merge {len(keys)} categories into one",
            "opts": self.opts,
            "form": form,
            "keys": keys,
            "counts": [(category, preview.num_items) for category, preview in counts],
        }
        return TemplateResponse(request, "admin/interests/merge_categories.html", context)

    def _merge(self, request: HttpRequest, keys: Sequence[int], *, into: Category) -> None:
        merged = curating.merge_categories(
            category_keys=keys,
            into=into,
            now=timezone.now(),
            requested_by=request.user,  # type: ignore[arg-type]  # logged in
        )
        run = merged.tracking_run
        if run is not None:
            transaction.on_commit(lambda: tasks.enqueue_run(run))
        follows = f"{run} replays everybody" if run else "the first tracking begins"
        self.message_user(
            request,
            f"Merged {merged.num_categories} into {merged.into}: {merged.num_items} items moved. "
            f"Interest states and drift events keep what was known; {follows} with the merged category.",
        )


class MergeForm(forms.Form):
    """Which of the chosen categories stays."""

    into = forms.ModelChoiceField(Category.objects.none(), label="Category that stays")

    def __init__(self, *args: Any, categories: QuerySet[Category], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["into"]
        field.queryset = categories
