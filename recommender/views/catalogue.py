"""Items: the list and one of them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from recommender.selectors import pages_catalogue
from recommender.views import paging

FLAGS = (
    ("hidden", "Hidden"),
    ("undescribed", "Only events name them"),
    ("uncategorised", "Without a category"),
)


@login_required
def items(request: HttpRequest) -> HttpResponse:
    filters = pages_catalogue.ItemFilters(
        query=request.GET.get("q", "").replace("\0", "").strip()[:200],
        category_id=paging.number(request, "category", default=0),
        flag=request.GET.get("flag", ""),
    )
    page = paging.page_number(request)
    rows, total = pages_catalogue.items(filters, page=page)
    context = {
        "title": "Catalogue",
        "place": "Catalogue",
        "filters": filters,
        "rows": rows,
        "flags": FLAGS,
        "categories": pages_catalogue.category_choices(),
        "is_narrowed": bool(filters.query or filters.category_id or filters.flag),
        "pages": paging.pages(
            request, page=page, size=pages_catalogue.PAGE_SIZE, shown=len(rows), total=total
        ),
    }
    return render(request, "recommender/catalogue.html", context)


@login_required
def item(request: HttpRequest, pk: int) -> HttpResponse:
    found = pages_catalogue.item(pk=pk)
    if found is None:
        raise Http404("There is no such item.")
    context = {
        "title": found.line.title,
        "place": "Catalogue",
        "trail": [("Catalogue", reverse("recommender:catalogue"))],
        "item": found,
    }
    return render(request, "recommender/item.html", context)
