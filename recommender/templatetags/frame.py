"""The frame around every page: places, theme, freshness."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import RequestContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from recommender.selectors import pages_frame

register = template.Library()

THEMES = ("light", "dark")

# name, icon, address, query; those after the fourth fold into "More" on a phone.
_PLACES = (
    ("Overview", "overview", "recommender:overview", ""),
    ("End users", "end_users", "recommender:end_users", ""),
    ("Runs", "runs", "recommender:runs", ""),
    ("Leaderboard", "evaluation", "recommender:evaluation", ""),
    ("Drift", "drift", "recommender:drift", ""),
    ("Studies", "studies", "recommender:studies", ""),
    ("Alerts", "alerts", "recommender:alerts", ""),
    ("Outcomes", "outcomes", "recommender:outcomes", ""),
    ("Catalogue", "catalogue", "recommender:catalogue", ""),
    ("Placements", "placements", "recommender:placements", ""),
    ("Experiments", "experiments", "recommender:experiments", ""),
    ("Imports", "imports", "interests:imports", ""),
    ("Admin", "admin", "admin:index", ""),
)
_ORDER_ON_WIDE = (
    "Overview",
    "End users",
    "Drift",
    "Alerts",
    "Runs",
    "Leaderboard",
    "Studies",
    "Outcomes",
    "Catalogue",
    "Placements",
    "Experiments",
    "Imports",
    "Admin",
)


@register.simple_tag(takes_context=True)
def places(context: RequestContext) -> dict[str, list[Any]]:
    """Return the places of the bar that this account may go to: `wide` in order, `narrow` and `more` for phones."""
    request: HttpRequest = context["request"]
    found = {}
    for name, icon, address, query in _PLACES:
        if name == "Admin" and not request.user.is_staff:
            continue
        try:
            href = reverse(address)
        except NoReverseMatch:  # a site without that app's pages
            continue
        found[name] = {
            "name": name,
            "icon": f"icons/{icon}.svg",
            "href": href + query,
            "is_here": context.get("place") == name,
        }
    short = [place[0] for place in _PLACES[:4]]
    return {
        "wide": [found[name] for name in _ORDER_ON_WIDE if name in found],
        "narrow": short,
        "more": [place for name, place in found.items() if name not in short],
    }


@register.simple_tag(takes_context=True)
def theme(context: RequestContext) -> str:
    """Return the theme that the reader chose, or nothing: then the system's one holds."""
    request: HttpRequest | None = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request else ""
    return chosen if chosen in THEMES else ""


@register.inclusion_tag("parts/pulse.html")
def pulse() -> dict[str, Any]:
    """Draw the freshness of what serves, with its lag in words."""
    return {"freshness": pages_frame.freshness(now=timezone.now())}
