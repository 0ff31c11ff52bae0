"""Addresses of the dashboard."""

from __future__ import annotations

from django.urls import path

from recommender.views import (
    alert_rules,
    alerts,
    as_of,
    asked,
    catalogue,
    comparing,
    drift,
    drift_events,
    end_users,
    evaluation,
    frame,
    interest_map,
    overview,
    placements,
    placements_editor,
    runs,
    search,
    self_test,
    what_if,
)

app_name = "recommender"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("overview/runs", overview.last_runs, name="overview_runs"),
    path("end-users", end_users.end_users, name="end_users"),
    path("end-users/compare", comparing.compare, name="compare"),
    path("end-users/<int:pk>", end_users.end_user, name="end_user"),
    path("end-users/<int:pk>/drift/<int:event_pk>", drift_events.drift_event, name="drift_event"),
    path(
        "end-users/<int:pk>/drift/<int:event_pk>/mark", drift_events.mark, name="mark_drift_event"
    ),
    path(
        "end-users/<int:pk>/drift/<int:event_pk>/unmark",
        drift_events.unmark,
        name="unmark_drift_event",
    ),
    path("end-users/<int:pk>/as-of", as_of.as_of, name="as_of"),
    path("end-users/<int:pk>/as-of/state", as_of.as_of_state, name="as_of_state"),
    path(
        "end-users/<int:pk>/drift/<int:event_pk>/recommendations",
        asked.before_after,
        name="before_after",
    ),
    path("end-users/<int:pk>/map", interest_map.end_user, name="interest_map"),
    path("map", interest_map.population, name="population_map"),
    path("end-users/<int:pk>/what-if", what_if.what_if, name="what_if"),
    path("end-users/<int:pk>/as-of/recommendations", asked.as_of_slate, name="as_of_slate"),
    path("drift", drift.drift, name="drift"),
    path("drift/describe", drift.describe, name="describe_population"),
    path("runs", runs.runs, name="runs"),
    path("runs/start-training", runs.start_training, name="start_training"),
    path("runs/train-until", asked.train_until, name="train_until"),
    path("runs/rollback", runs.rollback, name="rollback"),
    path("runs/difference", runs.difference, name="difference"),
    path("runs/<str:kind>/<int:pk>", runs.run, name="run"),
    path("runs/<str:kind>/<int:pk>/stop", runs.stop, name="stop_run"),
    path("evaluation", evaluation.evaluation, name="evaluation"),
    path("catalogue", catalogue.items, name="catalogue"),
    path("catalogue/<int:pk>", catalogue.item, name="item"),
    path("alerts", alerts.alerts, name="alerts"),
    path("alerts/acknowledge", alerts.acknowledge, name="acknowledge_alerts"),
    path("alerts/deliveries/<int:pk>/retry", alerts.retry, name="retry_delivery"),
    path("alerts/rules", alert_rules.rules, name="alert_rules"),
    path("alerts/rules/new", alert_rules.new_rule, name="new_alert_rule"),
    path("alerts/rules/<int:pk>", alert_rules.rule, name="alert_rule"),
    path("alerts/rules/<int:pk>/edit", alert_rules.edit_rule, name="edit_alert_rule"),
    path("alerts/rules/<int:pk>/delete", alert_rules.delete_rule, name="delete_alert_rule"),
    path("alerts/rules/<int:pk>/mute", alert_rules.mute, name="mute_alert_rule"),
    path("alerts/rules/<int:pk>/test", alert_rules.send_test, name="test_alert_rule"),
    path("alerts/rules/<int:pk>/secret", alert_rules.renew_secret, name="renew_alert_secret"),
    path("placements", placements.placements, name="placements"),
    path("placements/new", placements.new, name="new_placement"),
    path("placements/<slug:name>", placements.placement, name="placement"),
    path("placements/<slug:name>/edit", placements_editor.edit, name="edit_placement"),
    path("placements/<slug:name>/about", placements.describe, name="describe_placement"),
    path("placements/<slug:name>/delete", placements.delete, name="delete_placement"),
    path(
        "placements/<slug:name>/versions/<int:number>", placements.version, name="placement_version"
    ),
    path("placements/<slug:name>/versions/<int:number>/live", placements.go_live, name="go_live"),
    path(
        "placements/<slug:name>/versions/<int:number>/throw-away",
        placements.throw_away,
        name="throw_away_draft",
    ),
    path("drift/self-test", self_test.self_test, name="self_test"),
    path("drift/self-test/start", self_test.start, name="start_self_test"),
    path("drift/self-test/<int:pk>/choose", self_test.choose, name="choose_threshold"),
    path("search", search.search, name="search"),
    path("theme", frame.theme, name="theme"),
]
