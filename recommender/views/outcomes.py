"""What people did with what they were shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from recommender.selectors import pages_outcomes
from recommender.selectors.outcomes import ALL
from recommender.selectors.pages_outcomes import METRIC_NAMES, Metric, Moment, Outcomes, Part
from recommender.views import figures_outcomes, files, paging
from recommender.views.figures import Choice, Figure

WINDOW_NAMES = {1: "24 hours", 7: "7 days", 28: "28 days"}
_HEADER = ("dimension", "part", "metric", "value", "low", "high", "median", "of", "people")


@dataclass(frozen=True)
class Filters:
    """What the page is narrowed to; all of it stands in the address."""

    placement: int
    name: str
    days: int
    metric: Metric
    split: str
    is_hourly: bool


@login_required
def outcomes(request: HttpRequest) -> HttpResponseBase:
    now = timezone.now()
    placements = pages_outcomes.placements()
    filters = _filters(request, placements)
    found = pages_outcomes.outcomes(filters.placement, days=filters.days)
    if request.GET.get("format") == "csv":
        return files.csv_file(
            f"outcomes-{filters.name}-{filters.days}-days", _HEADER, _csv_rows(found)
        )
    context = {
        "title": "Outcomes",
        "place": "Outcomes",
        "placements": placements,
        "filters": filters,
        "windows": WINDOW_NAMES,
        "metrics": [(metric.value, name) for metric, name in METRIC_NAMES.items()],
        "reported_at": pages_outcomes.reported_at(),
        "refused": pages_outcomes.refused(days=filters.days, now=now),
        "site_address": settings.SITE_ADDRESS,
        "has_any": bool(found.whole),
        **(_of_window(request, found, filters, now) if found.whole else {}),
    }
    return render(request, "recommender/outcomes.html", context)


def _of_window(
    request: HttpRequest, found: Outcomes, filters: Filters, now: datetime
) -> dict[str, Any]:
    parts = found.parts.get(filters.split, [])
    return {
        "stats": [_stat(found, metric, filters) for metric in METRIC_NAMES],
        "figure": _figure(request, found, filters, now),
        "splits": found.dimensions,
        "split_name": pages_outcomes.dimension_name(filters.split),
        "columns": [
            METRIC_NAMES[metric]
            for metric in METRIC_NAMES
            if any(metric in part.rates for part in parts)
        ],
        "rows": [_row(part, parts) for part in parts],
        "sentence": figures_outcomes.personal_sentence(found.parts.get("source", [])),
    }


def _stat(found: Outcomes, metric: Metric, filters: Filters) -> dict[str, str]:
    """Return one metric of the placement in words."""
    rate = found.whole.get(metric)
    if rate is None:
        return {
            "name": METRIC_NAMES[metric],
            "value": "–",
            "note": "nothing sent",
            "more": figures_outcomes.SENT_AS[metric],
        }
    more = f"{rate.denominator:,.0f} {figures_outcomes.OF_WHAT[metric]}, {rate.num_people:,} people"
    if metric == Metric.DWELL and rate.median is not None:
        more = f"half of the people longer than {figures_outcomes.value_words(metric, rate.median)}"
    return {
        "name": METRIC_NAMES[metric],
        "value": figures_outcomes.rate_words(rate),
        "note": figures_outcomes.change_words(rate, days=filters.days),
        "more": more,
    }


def _row(part: Part, of: list[Part]) -> dict[str, Any]:
    """Return a part's rates in words, in the order of the table's columns."""
    shown = [metric for metric in METRIC_NAMES if any(metric in other.rates for other in of)]
    return {
        "name": part.name,
        "cells": [
            figures_outcomes.rate_words(part.rates[metric]) if metric in part.rates else "–"
            for metric in shown
        ],
        "num_seen": part.num_seen,
        "num_people": part.num_people,
    }


def _figure(
    request: HttpRequest, found: Outcomes, filters: Filters, now: datetime
) -> Figure | None:
    rate = found.whole.get(filters.metric)
    if rate is None:
        return None
    # Attributes are told of windows alone.
    is_split = "split" in request.GET and filters.split in pages_outcomes.DIMENSION_NAMES
    dimension = filters.split if is_split else ALL
    since = pages_outcomes.first_moment(days=filters.days, is_hourly=filters.is_hourly, now=now)
    moments = pages_outcomes.over_time(
        filters.placement,
        metric=filters.metric,
        dimension=dimension,
        is_hourly=filters.is_hourly,
        since=since,
    )
    lines: list[tuple[str, list[Moment]]] = [("", moments)]
    if dimension != ALL:
        lines = list(pages_outcomes.lines(found.parts.get(dimension, []), moments))
    return figures_outcomes.over_time(
        lines,
        metric=filters.metric,
        sentence=figures_outcomes.metric_sentence(rate, days=filters.days),
        choices=[
            _choice(request, "By day", "by", "day", not filters.is_hourly),
            _choice(request, "By hour", "by", "hour", filters.is_hourly),
        ],
        is_hourly=filters.is_hourly,
        window=(_begin(since, lines, filters), now.astimezone(UTC) + timedelta(hours=1)),
        file=f"outcomes-{filters.name}-{filters.metric}",
    )


def _begin(
    since: datetime, lines: Sequence[tuple[str, Sequence[Moment]]], filters: Filters
) -> datetime:
    """Return where the horizontal axis begins: a little before the first point."""
    first = min((moments[0].begins_at for _, moments in lines if moments), default=since)
    return max(since, first - timedelta(hours=1 if filters.is_hourly else 24))


def _choice(request: HttpRequest, name: str, key: str, value: str, is_here: bool) -> Choice:
    changed = request.GET.copy()
    changed[key] = value
    return Choice(name, "?" + changed.urlencode(), is_here)


def _filters(request: HttpRequest, placements: list[tuple[int, str]]) -> Filters:
    by_name = {name: key for key, name in placements}
    name = request.GET.get("placement", "")
    if name not in by_name:
        name = placements[0][1] if placements else ""
    days = paging.number(request, "days", default=7)
    days = days if days in WINDOW_NAMES else 7
    metric = request.GET.get("metric", "")
    return Filters(
        placement=by_name.get(name, 0),
        name=name,
        days=days,
        metric=Metric(metric) if metric in Metric.values else Metric.CLICK_THROUGH,
        split=request.GET.get("split", "") or "source",
        is_hourly=(request.GET.get("by") or ("hour" if days == 1 else "day")) == "hour",
    )


def _csv_rows(found: Outcomes) -> Iterator[tuple[Any, ...]]:
    whole = Part("", "", found.whole)
    for dimension, parts in {ALL: [whole], **found.parts}.items():
        for part in parts:
            for metric, rate in part.rates.items():
                yield (dimension, part.name, metric, rate.value, rate.low, rate.high, rate.median, rate.denominator, rate.num_people)  # fmt: skip
