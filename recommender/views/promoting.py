"""What may serve: promote and hold, with the gate and what would change before the click."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from interests.models import RunState
from recommender.models import PublicationRun
from recommender.selectors import gating, pages_overview, pages_promoting
from recommender.services import promoting, switching

RIGHT = "recommender.change_publicationrun"


@login_required
@permission_required(RIGHT, raise_exception=True)
def promote(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the gate and what would change, then let the publication serve."""
    publication = _publication_or_404(pk)
    if request.method == "POST":
        return _promote(request, publication)
    serving = pages_overview.serving_now()
    context: dict[str, Any] = {
        "title": f"Promote publication {pk}",
        "place": "Runs",
        "trail": [("Runs", reverse("recommender:runs")), (f"Publication {pk}", _address(pk))],
        "publication": publication,
        "serving": serving,
        "is_serving": serving is not None and serving.publication_id == pk,
        "is_done": publication.state == RunState.DONE,
        "has_slates": publication.slates.exists(),
    }
    if context["is_done"] and context["has_slates"] and not context["is_serving"]:
        context["gate"] = gating.judge(publication)
        context["change"] = pages_promoting.change(publication)
    return render(request, "recommender/promote.html", context)


def _promote(request: HttpRequest, publication: PublicationRun) -> HttpResponse:
    try:
        promoting.promote(
            publication=publication,
            by=request.user.get_username(),
            reason=request.POST.get("reason", "").strip()[:1000],
            now=timezone.now(),
            is_forced="force" in request.POST,
        )
    except (promoting.CannotPromote, switching.CannotSwitch) as reason:
        messages.error(request, str(reason))
        return redirect("recommender:promote", pk=publication.pk)
    messages.success(request, f"Publication {publication.pk} serves now.")
    return redirect("recommender:overview")


@login_required
@permission_required(RIGHT, raise_exception=True)
@require_POST
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a publication from serving."""
    publication = _publication_or_404(pk)
    try:
        promoting.hold(
            publication=publication,
            by=request.user.get_username(),
            reason=request.POST.get("reason", "").strip()[:1000],
            now=timezone.now(),
        )
    except promoting.CannotHold as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, f"Publication {pk} is held and will not serve.")
    return redirect("recommender:run", kind="publication", pk=pk)


def _publication_or_404(pk: int) -> PublicationRun:
    found = PublicationRun.objects.select_related("training_run").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such publication.")
    return found


def _address(pk: int) -> str:
    return reverse("recommender:run", kwargs={"kind": "publication", "pk": pk})
