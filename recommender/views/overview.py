"""The first page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from interests.models import RunState
from recommender.selectors import (
    pages_end_users,
    pages_frame,
    pages_lag,
    pages_overview,
    pages_population,
    pages_runs,
)
from recommender.views import figures_outcomes


@login_required
def overview(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    serving = pages_overview.serving_now()
    freshness = pages_frame.freshness(now=now)
    known = pages_lag.samples(now=now)
    rows, num_runs = pages_runs.runs(limit=pages_overview.NUM_LAST_RUNS)
    return render(
        request,
        "recommender/overview.html",
        {
            "title": "Overview",
            "place": "Overview",
            "counts": pages_overview.counts(),
            "serving": serving,
            "freshness": freshness,
            "lag": figures_outcomes.lag_figure(
                known, sentence=pages_lag.sentence(known, freshness=freshness, now=now)
            ),
            "warnings": pages_overview.warnings(serving=serving, now=now),
            "drifters": _drifters(),
            "movements": pages_population.population(),
            "last_runs": rows,
            "num_runs": num_runs,
            "is_running": _is_running(rows),
        },
    )


@login_required
def last_runs(request: HttpRequest) -> HttpResponse:
    """The part of the first page that shows runs; htmx asks for it again while one is at work."""
    rows, num_runs = pages_runs.runs(limit=pages_overview.NUM_LAST_RUNS)
    context = {"last_runs": rows, "num_runs": num_runs, "is_running": _is_running(rows)}
    return render(request, "recommender/parts/last_runs.html", context)


def _drifters() -> list[pages_end_users.EndUserRow]:
    filters = pages_end_users.Filters(segment="drifting")
    return pages_end_users.first_end_users(filters, limit=6)


def _is_running(rows: list[pages_runs.RunRow]) -> bool:
    return any(row.state in (RunState.STARTED, RunState.WAITING) for row in rows)
