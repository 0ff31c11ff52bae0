"""Two algorithms beside each other, for one end user."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from recommender.selectors import pages_evaluation_lists
from recommender.selectors.pages_evaluation_lists import Choices
from recommender.views import paging


@login_required
def lists(request: HttpRequest) -> HttpResponse:
    """Show what two algorithms answered for an end user of an evaluation, the newest one by default."""
    asked = paging.number(request, "run", default=0) or pages_evaluation_lists.newest_run()
    found = pages_evaluation_lists.choices(run_id=asked) if asked else None
    if asked and found is None:
        raise Http404("There is no such evaluation, or it is not done.")
    context: dict[str, Any] = {
        "title": "Two algorithms for one person",
        "place": "Leaderboard",
        "trail": [("Leaderboard", reverse("recommender:evaluation"))],
        "choices": found,
        "user_id": _text(request, "user"),
    }
    if found and found.num_users and found.algorithms:
        pair = _pair(request, found)
        context |= {"first": pair[0], "second": pair[1]}
        try:
            context["comparison"] = pages_evaluation_lists.comparison(
                run_id=found.run_id, user_id=context["user_id"], algorithms=pair
            )
        except pages_evaluation_lists.NotThere as reason:
            context["problem"] = str(reason)
    return render(request, "recommender/evaluation_lists.html", context)


def _pair(request: HttpRequest, found: Choices) -> tuple[str, str]:
    """Return the two that are asked for, or else the last two of the table's order."""
    names = found.algorithms
    first, second = _text(request, "a") or names[-1], _text(request, "b") or names[-2:][0]
    return first, second


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "").strip()[:1000]
