"""One drift event of one end user: what changed, what shows it, and what people make of it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from interests.models import DriftEvent, DriftMark, EndUser
from interests.services import drift_marks
from recommender.selectors import pages_end_user_drift
from recommender.views import figures_end_user

VERDICTS = (
    (DriftMark.Verdict.RIGHT, "Right", "Interests did change"),
    (DriftMark.Verdict.WRONG, "Wrong", "Nothing changed for good"),
    (DriftMark.Verdict.EXPLAINED, "Explained", "It changed for a reason that the note gives"),
)


@login_required
def drift_event(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    person = _person_or_404(pk)
    found = pages_end_user_drift.drift_event(end_user_id=pk, pk=event_pk)
    if found is None:
        raise Http404("There is no such drift event.")
    address = reverse("recommender:end_user", args=[pk])
    context = {
        "title": f"Change of {found.line.begin_at:%-d %B %Y}",
        "place": "End users",
        "trail": [("End users", reverse("recommender:end_users")), (person.user_id[:48], address)],
        "end_user": person,
        "drift_event": found,
        "line": found.line,
        "figure": figures_end_user.change(found, user_id=person.user_id),
        "verdicts": VERDICTS,
        "note_length": drift_marks.NOTE_LENGTH,
        "can_mark": request.user.has_perm("interests.add_driftmark"),
        "can_unmark": request.user.has_perm("interests.delete_driftmark"),
    }
    return render(request, "recommender/drift_event.html", context)


@login_required
@permission_required("interests.add_driftmark", raise_exception=True)
@require_POST
def mark(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    """Keep what somebody says of a drift event."""
    _event_or_404(pk, event_pk)
    try:
        made = drift_marks.mark(
            drift_event_id=event_pk,
            verdict=request.POST.get("verdict", ""),
            note=request.POST.get("note", ""),
            made_by=request.user,  # type: ignore[arg-type]  # signed in
            now=timezone.now(),
        )
    except drift_marks.CannotMark as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, f"Marked {made.verdict}.")
    return redirect("recommender:drift_event", pk=pk, event_pk=event_pk)


@login_required
@permission_required("interests.delete_driftmark", raise_exception=True)
@require_POST
def unmark(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    """Take back what was said of a drift event."""
    _event_or_404(pk, event_pk)
    if drift_marks.unmark(drift_event_id=event_pk):
        messages.success(request, "The verdict is taken back.")
    return redirect("recommender:drift_event", pk=pk, event_pk=event_pk)


def _event_or_404(pk: int, event_pk: int) -> None:
    if not DriftEvent.objects.filter(end_user_id=pk, pk=event_pk).exists():
        raise Http404("There is no such drift event.")


def _person_or_404(pk: int) -> EndUser:
    found = EndUser.objects.filter(pk=pk).only("pk", "user_id").first()
    if found is None:
        raise Http404("There is no such end user.")
    return found
