"""How the population's interests move, and whose do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from interests import tasks
from interests.charts.population_words import period_name, short_period_name
from interests.models import PopulationRun
from interests.selectors import population
from interests.selectors.population import Cell, DrifterRow, Report
from interests.selectors.states import CategoryName
from interests.services import running
from recommender.selectors import pages_drift, pages_end_users
from recommender.views import figures_population, files, paging
from recommender.views.figures import Choice
from recommender.views.figures_population import SHARE, SURENESS

# Where the sites of other parts of the product are; a link stands only where there is such a page.
NEIGHBOURS = (
    ("Alerts", "recommender:alerts"),
    ("Self-test", "recommender:self_test"),
    ("Map", "recommender:interest_map"),
)


@dataclass(frozen=True)
class Filters:
    """What the page is narrowed to; all of it stands in the address."""

    category_id: int | None
    kind: str
    since: date | None
    until: date | None
    show: str
    level: int


@login_required
def drift(request: HttpRequest) -> HttpResponseBase:
    filters = _filters(request)
    report = population.newest_report()
    if report and request.GET.get("format") == "csv":
        rows = population.every_drifter(report.run_id, level=filters.level / 100)
        return files.csv_file("drifters", _HEADER, _csv_rows(rows))
    context = {
        "title": "Drift",
        "place": "Drift",
        "report": report,
        "under_way": pages_drift.under_way(),
        "failed": pages_drift.failed(),
        "filters": filters,
        "neighbours": _neighbours(),
        "changes": pages_drift.newest_changes(now=timezone.now()),
        "marks": pages_drift.marks(),
        "events_needed": pages_end_users.EVENTS_NEEDED,
        **(_of_report(request, report, filters) if report else {}),
    }
    return render(request, "recommender/drift.html", context)


@login_required
@permission_required("interests.add_populationrun", raise_exception=True)
@require_POST
def describe(request: HttpRequest) -> HttpResponse:
    """Request a report on the population; its task goes out after commit."""
    if pages_drift.under_way() is None:
        with transaction.atomic():
            asked = running.request(PopulationRun, now=timezone.now(), requested_by=request.user)  # type: ignore[arg-type]
            transaction.on_commit(lambda: tasks.enqueue_run(asked))
    else:
        messages.info(request, "A report is under way already.")
    return redirect("recommender:drift")


def _of_report(request: HttpRequest, report: Report, filters: Filters) -> dict[str, Any]:
    cells = population.of_everybody(report.run_id)
    names = population.category_names()
    periods = sorted({cell.period for own in cells.values() for cell in own})
    if not periods:
        return {}
    since, until = pages_drift.period_range(periods, since=filters.since, until=filters.until)
    lines = pages_drift.lines(
        cells, names, since=since, until=until, category_id=filters.category_id
    )
    page = paging.page_number(request)
    size = pages_drift.DRIFTERS_PER_PAGE
    drifters, total = population.drifters(
        report.run_id, level=filters.level / 100, limit=size, offset=(page - 1) * size
    )
    window = {"since": since, "until": until}
    return {
        **window,
        "periods": [(period, short_period_name(period, report.period)) for period in periods],
        "categories": _category_choices(cells, names),
        "lines": figures_population.turns_to(lines, period=report.period),
        "flows": figures_population.flows_to(
            pages_drift.flows(report, names, **window),
            since=period_name(since, report.period),
            until=period_name(until, report.period),
        ),
        **_segments(request, report, names, filters, lines, **window),
        "drifters": drifters,
        "levels": _choices(request, "level", [(str(n), f"{n} %") for n in pages_drift.LEVELS], str(filters.level)),
        "pages": paging.pages(request, page=page, size=size, shown=len(drifters), total=total),
    }  # fmt: skip


def _segments(
    request: HttpRequest,
    report: Report,
    names: dict[int, CategoryName],
    filters: Filters,
    lines: pages_drift.Lines,
    *,
    since: date,
    until: date,
) -> dict[str, Any]:
    kinds = population.segment_kinds(report.run_id)
    if not kinds:
        return {"kinds": []}
    kind = filters.kind if filters.kind in kinds else kinds[0]
    chosen = lines.surest_id or 0 if filters.category_id is None else filters.category_id
    found = pages_drift.segments(
        report, names, kind=kind, category_id=chosen, since=since, until=until
    )
    shows = [(SURENESS, "More than noise?"), (SHARE, "Share")]
    figure = figures_population.segments_move(
        found,
        show=filters.show,
        choices=_choices(request, "show", shows, filters.show),
        period=report.period,
    )
    return {"kinds": kinds, "kind": kind, "segments": figure if found.cells else None}


def _category_choices(
    cells: dict[int, list[Cell]], names: dict[int, CategoryName]
) -> list[CategoryName]:
    found = [pages_drift.named(names, key) for key in cells if key != population.OTHER_ID]
    return sorted(found, key=lambda row: row.name.casefold())


def _filters(request: HttpRequest) -> Filters:
    level = paging.number(request, "level", default=10)
    # 0 is a category: events without one.
    category_id = paging.number(request, "category", default=-1)
    show = request.GET.get("show", "")
    return Filters(
        category_id=None if category_id < 0 else category_id,
        kind=request.GET.get("kind", "")[:100],
        since=_day(request.GET.get("from", "")),
        until=_day(request.GET.get("to", "")),
        show=show if show in (SHARE, SURENESS) else SURENESS,
        level=level if level in pages_drift.LEVELS else 10,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _choices(
    request: HttpRequest, name: str, values: list[tuple[str, str]], here: str
) -> list[Choice]:
    """Return links to the same page with one filter changed."""
    found = []
    for value, label in values:
        query = request.GET.copy()
        query[name] = value
        query.pop("page", None)
        found.append(Choice(label, "?" + query.urlencode(), value == here))
    return found


def _neighbours() -> list[tuple[str, str]]:
    found = []
    for name, address in NEIGHBOURS:
        try:
            found.append((name, reverse(address)))
        except NoReverseMatch:  # a site without that page
            continue
    return found


_HEADER = ("rank", "user_id", "drift_score", "p_value", "q_value", "events", "rising", "falling")


def _csv_rows(rows: list[DrifterRow]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield (
            row.rank, row.user_id, row.drift_score, row.p_value, row.q_value, row.num_events,
            "|".join(name.name for name in row.rising), "|".join(name.name for name in row.falling),
        )  # fmt: skip
