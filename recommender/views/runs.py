"""Runs of all kinds: the list, one of them, and what engineers may do with them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from interests import tasks
from interests.models import RunState, TrainingRun
from interests.services import running
from recommender.models import PublicationRun
from recommender.selectors import pages_overview, pages_promoting, pages_runs, publications
from recommender.services import switching
from recommender.views import figures, paging
from recommender.views.frame import is_part_asked

PAGE_SIZE = 40


@login_required
def runs(request: HttpRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    state = request.GET.get("state", "")
    page = paging.page_number(request)
    rows, total = pages_runs.runs(
        kinds=[kind] if kind in pages_runs.KINDS else [],
        states=[state] if state in RunState.values else [],
        limit=PAGE_SIZE,
        offset=(page - 1) * PAGE_SIZE,
    )
    context = {
        "title": "Runs",
        "place": "Runs",
        "rows": rows,
        "kinds": list(pages_runs.KINDS),
        "states": RunState.values,
        "kind": kind,
        "state": state,
        "is_narrowed": bool(kind or state),
        "is_running": any(not row.has_ended for row in rows),
        "pages": paging.pages(request, page=page, size=PAGE_SIZE, shown=len(rows), total=total),
    }
    template = "parts/runs_table.html" if is_part_asked(request) else "recommender/runs.html"
    return render(request, template, context)


@login_required
def run(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    if kind == "study":
        return redirect("recommender:study", pk=pk)  # which shows its trials
    found = _run_or_404(kind, pk)
    context = {
        "title": f"{kind.capitalize()} {pk}",
        "place": "Runs",
        "trail": [("Runs", reverse("recommender:runs"))],
        "run": found,
        "row": found.row,
        "figure": figures.training_curves(found),
        "can_stop": request.user.has_perm(_right_to_stop(kind)),
        **(_of_publication(found) if kind == "publication" else {}),
    }
    if not is_part_asked(request):
        return render(request, "recommender/run.html", context)
    part = render(request, "recommender/parts/run_progress.html", context)
    if found.row.has_ended:
        part["HX-Refresh"] = "true"  # results and curves have come: show the whole page
    return part


@login_required
@require_POST
def stop(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Ask a run to stop."""
    if kind not in pages_runs.KINDS:
        raise Http404("There is no such kind of run.")
    if not request.user.has_perm(_right_to_stop(kind)):
        raise PermissionDenied
    if running.ask_to_stop(pages_runs.KINDS[kind], run_id=pk, now=timezone.now()):
        messages.info(request, "It was asked to stop and will after its present step.")
    else:
        messages.info(request, "It had ended already.")
    return redirect("recommender:run", kind=kind, pk=pk)


@login_required
@permission_required("interests.add_trainingrun", raise_exception=True)
@require_POST
def start_training(request: HttpRequest) -> HttpResponse:
    """Request a training; its task goes out after commit."""
    with transaction.atomic():
        asked = running.request(TrainingRun, now=timezone.now(), requested_by=request.user)  # type: ignore[arg-type]
        transaction.on_commit(lambda: tasks.enqueue_run(asked))
    return redirect("recommender:run", kind="training", pk=asked.pk)


@login_required
@permission_required("recommender.change_publicationrun", raise_exception=True)
def rollback(request: HttpRequest) -> HttpResponse:
    """Ask once, then let the publication before the present one serve."""
    if request.method != "POST":
        context = {
            "title": "Roll back",
            "place": "Runs",
            "trail": [("Runs", reverse("recommender:runs"))],
            "serving": pages_overview.serving_now(),
            "before": pages_runs.publication_to_go_back_to(),
            "num_end_users": pages_runs.num_slates_served(),
        }
        return render(request, "recommender/rollback.html", context)
    try:
        publication = switching.roll_back(by=request.user.get_username(), now=timezone.now())
    except switching.CannotSwitch as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, f"Publication {publication.pk} serves again.")
    return redirect("recommender:overview")


@login_required
def difference(request: HttpRequest) -> HttpResponse:
    """How the slates of two publications differ."""
    newer = PublicationRun.objects.filter(pk=paging.number(request, "newer", default=0)).first()
    older = PublicationRun.objects.filter(pk=paging.number(request, "older", default=0)).first()
    if newer is None or older is None:
        raise Http404("There are no two such publications.")
    kept = publications.kept_difference(older, newer)
    is_asked = kept is None and publications.is_small(older, newer)
    found = kept or (publications.difference(older, newer) if is_asked else None)
    context: dict[str, Any] = {
        "title": f"Publication {older.pk} → {newer.pk}",
        "place": "Runs",
        "trail": [("Runs", reverse("recommender:runs") + "?kind=publication")],
        "older": older,
        "newer": newer,
        "is_kept": kept is not None,
        "difference": found,
        "most_changed": pages_promoting.most_changed(found) if found else [],
    }
    return render(request, "recommender/difference.html", context)


def _of_publication(found: pages_runs.RunPage) -> dict[str, Any]:
    serving = pages_overview.serving_now()
    is_serving = serving is not None and serving.publication_id == found.row.pk
    is_alive = found.row.state not in (RunState.FAILED, RunState.STOPPED)
    return {
        "is_serving": is_serving,
        "is_publication": True,
        "gate": found.gate,
        "can_promote": found.row.state == RunState.DONE and not is_serving,
        "can_hold": is_alive and not is_serving and found.held is None,
        "compared_with": found.compared_with or pages_runs.publication_before(of=found.row.pk),
    }


def _run_or_404(kind: str, pk: int) -> pages_runs.RunPage:
    found = (
        pages_runs.run(kind=kind, pk=pk, now=timezone.now()) if kind in pages_runs.KINDS else None
    )
    if found is None:
        raise Http404("There is no such run.")
    return found


def _right_to_stop(kind: str) -> str:
    meta = pages_runs.KINDS[kind]._meta
    return f"{meta.app_label}.change_{meta.model_name}"
