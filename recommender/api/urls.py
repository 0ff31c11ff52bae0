"""Addresses of this app under /api/v1; ids may hold anything, slashes and line breaks included."""

from __future__ import annotations

from django.urls import path, re_path

from recommender.api import (
    experiments,
    items,
    outcomes,
    placements,
    ranked_categories,
    recommendations,
    runs,
    sessions,
)

urlpatterns = [
    re_path(
        r"^users/(?P<user_id>[\s\S]+)/recommendations\Z", recommendations.Recommendations.as_view()
    ),
    re_path(r"^users/(?P<user_id>[\s\S]+)/ranking\Z", ranked_categories.RankedItems.as_view()),
    re_path(r"^items/(?P<item_id>[\s\S]+)/similar\Z", items.SimilarItems.as_view()),
    path("recommendations", recommendations.ManyRecommendations.as_view()),
    path("popular", items.PopularItems.as_view()),
    path("trending", items.TrendingItems.as_view()),
    path("sessions/recommendations", sessions.SessionRecommendations.as_view()),
    path("runs", runs.FinishedRuns.as_view()),
    path("outcomes", outcomes.Outcomes.as_view()),
    path("evaluations", runs.Evaluations.as_view()),
    path("placements", placements.Placements.as_view()),
    path("experiments", experiments.Experiments.as_view()),
]
