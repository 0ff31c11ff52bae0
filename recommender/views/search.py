"""One search for people, items and categories."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from recommender.selectors import pages_search


@login_required
def search(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    context = {
        "title": "Search",
        "place": "",
        "query": query,
        "found": pages_search.search(query) if query else None,
    }
    return render(request, "recommender/search.html", context)
