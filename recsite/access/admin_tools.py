"""Admin pages that stay fast at millions of rows, and rows that only machines write."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection, models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

# Up to here rows are counted; beyond, a page says how many the statistics of PostgreSQL know of.
COUNTED_AT_MOST = 10_000


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]
    """Counts few rows exactly and many by estimate, because counting a million takes a second a page."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, or how many can be paged through."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        counted = rows.order_by()[: COUNTED_AT_MOST + 1].count()
        if counted <= COUNTED_AT_MOST or rows.query.where:
            return counted
        return max(counted, _estimate(rows.model))


def _estimate(model: type[models.Model]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
            [model._meta.db_table],
        )
        row: tuple[int] = cursor.fetchone()
    return row[0]


class FastAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list that counts by estimate, never the whole table, and searches only where an index helps.

    `search_fields` is what makes Django show a search box; what is searched `search` says.
    """

    paginator = EstimatingPaginator
    show_full_result_count = False
    list_per_page = 50

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows found and that none is found twice."""
        term = search_term.strip().replace("\0", "")
        return (self.search(queryset, term) if term else queryset), False

    def search(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Return the rows that a search finds: here those of the key that was typed."""
        if term.isascii() and term.isdigit() and len(term) < 19:
            return queryset.filter(pk=int(term))
        return queryset.none()


class MachineWritten(FastAdmin):
    """Rows to look at: machines write them, and append-only stays append-only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False

    def may(self, request: HttpRequest, action: str) -> bool:
        """Tell whether the account has a right over this model, such as "change"."""
        label = f"{self.opts.app_label}.{action}_{self.opts.model_name}"
        return request.user.has_perm(label)


def first_entries(values: list[Any], *, limit: int = 10) -> str:
    """Return the beginning of a long array as one line."""
    shown = ", ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in values[:limit])
    return f"{shown}, … ({len(values)} in all)" if len(values) > limit else shown
