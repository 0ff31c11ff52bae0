"""Addresses of the dashboard."""

from __future__ import annotations

from django.urls import path

from recommender.views import catalogue, end_users, evaluation, frame, overview, runs, search

app_name = "recommender"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("overview/runs", overview.last_runs, name="overview_runs"),
    path("end-users", end_users.end_users, name="end_users"),
    path("end-users/<int:pk>", end_users.end_user, name="end_user"),
    path("runs", runs.runs, name="runs"),
    path("runs/start-training", runs.start_training, name="start_training"),
    path("runs/rollback", runs.rollback, name="rollback"),
    path("runs/difference", runs.difference, name="difference"),
    path("runs/<str:kind>/<int:pk>", runs.run, name="run"),
    path("runs/<str:kind>/<int:pk>/stop", runs.stop, name="stop_run"),
    path("evaluation", evaluation.evaluation, name="evaluation"),
    path("catalogue", catalogue.items, name="catalogue"),
    path("catalogue/<int:pk>", catalogue.item, name="item"),
    path("search", search.search, name="search"),
    path("theme", frame.theme, name="theme"),
]
