"""Two end users on one page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from recommender.selectors import pages_end_user_compare, pages_end_users
from recommender.selectors.pages_end_user_compare import Comparison
from recommender.views import figures_end_user

NUM_CATEGORIES = 12


@login_required
def compare(request: HttpRequest) -> HttpResponse:
    """Show two end users side by side, or the form that asks for them."""
    first, second = (_user_id(request, name) for name in ("a", "b"))
    context: dict[str, Any] = {
        "title": "Compare two end users",
        "place": "End users",
        "trail": [("End users", reverse("recommender:end_users"))],
        "first": first,
        "second": second,
        "events_needed": pages_end_users.EVENTS_NEEDED,
    }
    if first or second:
        try:
            context |= _compared(pages_end_user_compare.comparison(first, second))
        except pages_end_user_compare.CannotCompare as reason:
            # Somebody who has come from one person's page has yet to say whom to compare with.
            context["problem"] = str(reason) if first and second else ""
    return render(request, "recommender/compare.html", context)


def _compared(found: Comparison) -> dict[str, Any]:
    figure = None
    if found.in_common is not None:
        figure = figures_end_user.two_people(
            [(side.pk, side.user_id, side.drift_events) for side in found.sides]
        )
    return {
        "comparison": found,
        "pairs": pages_end_user_compare.shown(found.pairs, limit=NUM_CATEGORIES),
        "most": max((abs(pair.difference) for pair in found.pairs), default=0.0),
        "figure": figure,
    }


def _user_id(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "").strip()[:1000]
