"""End users: the list and one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from interests.models import Category
from recommender.selectors import (
    pages_end_user,
    pages_end_user_agreement,
    pages_end_user_controls,
    pages_end_user_drift,
    pages_end_users,
    pages_lines,
)
from recommender.views import figures_end_user, files, paging

NUM_WISHES = 10
NUM_RECOMMENDATIONS = 12
NUM_EVENTS = 12
SEGMENT_NAMES = (
    ("", "Everybody"),
    ("drifting", "Drifting"),
    ("steady", "Within noise"),
    ("too-few", "Too few events"),
)


@dataclass(frozen=True)
class Column:
    """A heading of the table, with the address that sorts by it."""

    name: str
    css: str = ""
    href: str = ""
    direction: str = ""
    is_unseen: bool = False


@login_required
def end_users(request: HttpRequest) -> HttpResponseBase:
    filters = _filters(request)
    if request.GET.get("format") == "csv":
        return files.csv_file("end-users", _HEADER, _csv_rows(filters))
    page = paging.page_number(request)
    rows, total = pages_end_users.end_users(filters, page=page)
    context = {
        "title": "End users",
        "place": "End users",
        "filters": filters,
        "rows": rows,
        "columns": _columns(request, filters),
        "segments": SEGMENT_NAMES,
        "is_narrowed": bool(filters.query or filters.segment or filters.min_events),
        "drifting_from": pages_end_users.DRIFTING_FROM,
        "most_drift": pages_end_users.largest_drift_score(),
        "events_needed": pages_end_users.EVENTS_NEEDED,
        "pages": paging.pages(
            request, page=page, size=pages_end_users.PAGE_SIZE, shown=len(rows), total=total
        ),
    }
    return render(request, "recommender/end_users.html", context)


@login_required
def end_user(request: HttpRequest, pk: int) -> HttpResponse:
    found = pages_end_user.end_user(pk=pk)
    if found is None:
        raise Http404("There is no such end user.")
    names = pages_lines.categories_by_id()
    show = request.GET.get("show", "")
    drift_events = pages_end_user_drift.drift_lines(end_user_id=pk)
    slate = pages_end_user.slate(end_user_id=pk, limit=NUM_RECOMMENDATIONS)
    context = {
        "title": found.user_id,
        "place": "End users",
        "trail": [("End users", reverse("recommender:end_users"))],
        "end_user": found,
        "wishes": pages_end_user.wishes(found.state, names, limit=NUM_WISHES)
        if found.state
        else [],
        "controls": pages_end_user_controls.controls(end_user_id=pk, categories=names),
        "slate": slate,
        "disagreements": _disagreements(found, slate, names),
        "drift_events": drift_events[::-1],
        "events": pages_end_user.recent_events(end_user_id=pk, limit=NUM_EVENTS),
        "events_needed": pages_end_users.EVENTS_NEEDED,
        "figure": figures_end_user.interests_over_time(
            end_user_id=pk,
            user_id=found.user_id,
            drift_events=drift_events,
            show=show if show in figures_end_user.PARTS else figures_end_user.NOW,
        ),
    }
    return render(request, "recommender/end_user.html", context)


def _disagreements(
    found: pages_end_user.EndUserPage,
    slate: pages_end_user.SlateShown | None,
    names: dict[int, Category],
) -> list[pages_end_user_agreement.Disagreement] | None:
    """Return where list and tracker disagree; None where there is too little on either side to say."""
    if (
        found.state is None
        or slate is None
        or found.num_events < pages_end_users.EVENTS_NEEDED
        or slate.num_places < pages_end_user_agreement.MIN_PLACES
    ):
        return None
    return pages_end_user_agreement.disagreements(
        found.state, slate.mix, names, places=slate.num_places
    )


def _filters(request: HttpRequest) -> pages_end_users.Filters:
    sort = request.GET.get("sort", "")
    segment = request.GET.get("segment", "")
    return pages_end_users.Filters(
        query=request.GET.get("q", "").replace("\0", "").strip()[:200],
        segment=segment if segment in pages_end_users.SEGMENTS else "",
        min_events=paging.number(request, "min_events", default=0),
        sort=sort if sort in pages_end_users.SORTS else "-drift",
    )


def _columns(request: HttpRequest, filters: pages_end_users.Filters) -> list[Column]:
    def sortable(name: str, key: str, css: str, first: str) -> Column:
        other = {f"-{key}": key, key: f"-{key}"}.get(filters.sort, first)
        query = request.GET.copy()
        query["sort"] = other
        query.pop("page", None)
        direction = {f"-{key}": "descending", key: "ascending"}.get(filters.sort, "")
        return Column(name, css, "?" + query.urlencode(), direction)

    return [
        sortable("End user", "name", "", "name"),
        sortable("Drift score", "drift", "number", "-drift"),
        Column("Drift score as a bar", "hide-narrow", is_unseen=True),
        Column("Wants most", "hide-narrow"),
        sortable("Events", "events", "number", "-events"),
        sortable("Last seen", "seen", "number", "-seen"),
    ]


_HEADER = ("user_id", "drift_score", "events", "last_event_at", "wants_most", "share")


def _csv_rows(filters: pages_end_users.Filters) -> Iterator[tuple[Any, ...]]:
    for row in pages_end_users.every_end_user(filters):
        seen = row.last_event_at.isoformat() if row.last_event_at else None
        top = row.wants[0] if row.wants else None
        yield (
            row.user_id,
            row.drift_score,
            row.num_events,
            seen,
            top.name if top else None,
            top.share if top else None,
        )
