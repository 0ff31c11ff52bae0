"""The map of interests: everybody, or one person's way through it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import slugify

from interests.charts import interest_map as charts
from interests.models import EndUser
from recommender.models import Serving
from recommender.selectors import pages_map
from recommender.selectors.pages_map import MapPage
from recommender.views.figures import Figure


@login_required
def population(request: HttpRequest) -> HttpResponse:
    """Where people, items and categories lie."""
    page = pages_map.interest_map()
    context = {
        "title": "Map of interests",
        "place": "End users",
        "trail": [("End users", reverse("recommender:end_users"))],
    }
    return render(request, "recommender/interest_map.html", context | _figure(page))


@login_required
def end_user(request: HttpRequest, pk: int) -> HttpResponse:
    """The way of one person through the map."""
    user_id = EndUser.objects.filter(pk=pk).values_list("user_id", flat=True).first()
    if user_id is None:
        raise Http404("There is no such end user.")
    page = pages_map.interest_map()
    context = {
        "title": "Map",
        "place": "End users",
        "trail": [
            ("End users", reverse("recommender:end_users")),
            (user_id[:48], reverse("recommender:end_user", args=[pk])),
        ],
        "end_user_id": pk,
        "user_id": user_id,
    }
    path = pages_map.path(page, end_user_id=pk) if page else []
    context |= _figure(page, path=path, name=slugify(user_id) or str(pk))
    return render(request, "recommender/interest_map.html", context)


def _figure(page: MapPage | None, *, path: Any = (), name: str = "everybody") -> dict[str, Any]:
    if page is None:
        return {"figure": None, "is_serving": Serving.objects.exists()}
    shown = charts.InterestMap(
        categories=page.categories, items=page.items, people=page.people, path=path
    )
    sentence = charts.map_sentence(
        shown, items_explained=page.row.items_explained, people_explained=page.row.people_explained
    )
    header, rows = charts.map_table(shown)
    figure = Figure(
        name="map",
        question="Where in the space of interests?",
        sentence=sentence,
        plot=charts.interest_map(shown),
        header=header,
        rows=rows,
        file=f"map-{name}",
        size="tall",
    )
    return {
        "figure": figure,
        "map": page.row,
        "training_run_id": page.training_run_id,
        "num_people": len(page.row.people_x),
        "num_items": len(page.items),
        "has_path": bool(path),
        "num_changes": sum(bool(step.change) for step in path),
    }
