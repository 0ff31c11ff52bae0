"""Studies: the list with a way to ask for one, one of them with its trials, and its best settings put to use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from recommender import algorithms, tasks
from recommender.charts import studies as charts
from recommender.charts.studies import Point
from recommender.models import EvaluationRun, Study
from recommender.selectors import pages_studies
from recommender.services import tuning
from recommender.views import figures_studies, files, paging
from recommender.views.frame import is_part_asked

PAGE_SIZE = 30
SAMPLERS = {
    "tpe": "Bayesian (TPE): by the trials so far",
    "random": "At random",
    "grid": "A grid, point by point",
}
HEADER = ("trial", "state", "ndcg@10", "ended_early", "seconds", "settings", "error")


@login_required
def studies(request: HttpRequest) -> HttpResponse:
    page = paging.page_number(request)
    rows, total = pages_studies.studies(limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
    context = {
        "title": "Studies",
        "place": "Studies",
        "rows": rows,
        "is_running": any(not row.has_ended for row in rows),
        "pages": paging.pages(request, page=page, size=PAGE_SIZE, shown=len(rows), total=total),
    }
    if is_part_asked(request):
        return render(request, "recommender/parts/studies_table.html", context)
    context |= {
        "chosen": [_said(one) for one in pages_studies.chosen_now()],
        "algorithms": _by_family(),
        "samplers": SAMPLERS,
        "splits": EvaluationRun.Split.values,
    }
    return render(request, "recommender/studies.html", context)


@login_required
def study(request: HttpRequest, pk: int) -> HttpResponseBase:
    found = pages_studies.study(pk=pk)
    if found is None:
        raise Http404("There is no such study.")
    if request.GET.get("format") == "csv":
        return files.csv_file(f"study-{pk}-trials", HEADER, _csv_rows(found))
    context = _live(request, found)
    if is_part_asked(request):
        part = render(request, "recommender/parts/study_live.html", context)
        if found.row.has_ended:
            part["HX-Refresh"] = "true"  # figures have come: show the whole page
        return part
    return render(request, "recommender/study.html", context | _figures(request, found))


@login_required
@permission_required("recommender.add_study", raise_exception=True)
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Request a study; its task goes out after commit."""
    asked = request.POST
    try:
        with transaction.atomic():
            made = tuning.request(
                algorithm=asked.get("algorithm", ""),
                sampler=asked.get("sampler", ""),
                num_trials=_number(asked.get("trials", "")),
                max_at_once=_number(asked.get("at_once", "")),
                split=asked.get("split", ""),
                now=timezone.now(),
                by=request.user,  # type: ignore[arg-type]
            )
            transaction.on_commit(lambda: tasks.enqueue_run(made))
    except tuning.CannotTune as reason:
        messages.error(request, str(reason))
        return redirect("recommender:studies")
    return redirect("recommender:study", pk=made.pk)


@login_required
@permission_required("interests.add_chosensettings", raise_exception=True)
@require_POST
def use(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the best settings of a study be used from now on."""
    found = Study.objects.filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such study.")
    try:
        tuning.use(study=found, now=timezone.now(), by=request.user)  # type: ignore[arg-type]
    except tuning.NothingToUse as reason:
        messages.error(request, str(reason))
    else:
        where = tuning.where_used(found.algorithm)
        messages.success(request, f"{where.capitalize()} is made with the settings of study {pk}.")
    return redirect("recommender:study", pk=pk)


@login_required
@permission_required("interests.delete_chosensettings", raise_exception=True)
@require_POST
def use_usual(request: HttpRequest) -> HttpResponse:
    """Let the usual settings of an algorithm be used again."""
    name = request.POST.get("algorithm", "")
    if tuning.use_usual(algorithm=name):
        messages.success(request, "The usual settings are used again.")
    else:
        messages.info(request, "The usual settings are used already.")
    return redirect("recommender:studies")


def _live(request: HttpRequest, found: pages_studies.StudyPage) -> dict[str, Any]:
    """Return what changes while a study runs: how far it is, and its trials."""
    sort = request.GET.get("sort", "")
    sort = sort if sort in pages_studies.SORTS else "value"
    page = paging.page_number(request)
    rows, total = pages_studies.trials(
        study_id=found.row.pk, sort=sort, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE
    )
    return {
        "title": f"Study {found.row.pk}",
        "place": "Studies",
        "trail": [("Studies", reverse("recommender:studies"))],
        "study": found,
        "row": found.row,
        "names": [charts.setting_name(name) for name in found.space],
        "trials": [
            (one, [charts.setting_value(one.params[name]) if name in one.params else ""
                   for name in found.space])
            for one in rows
        ],
        "sort": sort,
        "pages": paging.pages(request, page=page, size=PAGE_SIZE, shown=len(rows), total=total),
        "can_stop": request.user.has_perm("recommender.change_study"),
    }  # fmt: skip


def _figures(request: HttpRequest, found: pages_studies.StudyPage) -> dict[str, Any]:
    points = [Point(*row) for row in pages_studies.finished_trials(study_id=found.row.pk)]
    asked = request.GET.get("setting", "")
    by_weight = sorted(found.space, key=lambda name: -found.importances.get(name, 0.0))
    shown = asked if asked in found.space else by_weight[0] if by_weight else ""
    figures = [
        figures_studies.history(found, points),
        figures_studies.slice_of(found, points, name=shown) if shown else None,
        figures_studies.importances(found),
    ]
    used = next(
        (one for one in pages_studies.chosen_now() if one.algorithm == found.row.algorithm), None
    )
    best = found.row.best
    return {
        "figures": [figure for figure in figures if figure],
        "used": _said(used) if used else None,
        "where": tuning.where_used(found.row.algorithm),
        "best": _facts(best["params"]) if best else [],
        "ranges": [(charts.setting_name(name), _range(told)) for name, told in found.space.items()],
    }


def _said(chosen: pages_studies.Chosen) -> dict[str, Any]:
    return {
        "algorithm": chosen.algorithm,
        "settings": _facts(chosen.settings),
        "study_number": chosen.study_number,
        "by": chosen.by,
        "at": chosen.at,
        "where": tuning.where_used(chosen.algorithm),
    }


def _facts(params: dict[str, Any]) -> list[tuple[str, str]]:
    return [(charts.setting_name(name), charts.setting_value(one)) for name, one in params.items()]


def _range(told: dict[str, Any]) -> str:
    if told["kind"] == "Choice":
        return ", ".join(charts.setting_value(value) for value in told["values"])
    scale = ", by its logarithm" if told["is_log"] else ""
    low, high = (charts.setting_value(told[end]) for end in ("low", "high"))
    return f"{low} to {high}{scale}"


def _by_family() -> list[tuple[str, list[str]]]:
    """Return the names of all algorithms by family, in the order of the registry."""
    found: dict[str, list[str]] = {}
    for name, entry in algorithms.REGISTRY.items():
        found.setdefault(entry.family, []).append(name)
    return list(found.items())


def _csv_rows(found: pages_studies.StudyPage) -> Iterator[tuple[Any, ...]]:
    rows, _ = pages_studies.trials(study_id=found.row.pk, sort="number", limit=tuning.MOST_TRIALS)
    for one in rows:
        known = [name for name in found.space if name in one.params]
        said = "; ".join(f"{name}={charts.setting_value(one.params[name])}" for name in known)
        yield (one.number, one.state, one.value, one.is_pruned, one.seconds, said, one.error)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
