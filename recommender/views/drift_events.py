"""One drift event of one end user: what changed, what shows it, and what people make of it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from interests.models import DriftMark, EndUser
from recommender.selectors import pages_end_user_drift
from recommender.views import figures_end_user

VERDICTS = (
    (DriftMark.Verdict.RIGHT, "Right", "Interests did change"),
    (DriftMark.Verdict.WRONG, "Wrong", "Nothing changed for good"),
    (DriftMark.Verdict.EXPLAINED, "Explained", "A campaign, a holiday, a shared account"),
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
        "note_length": DriftMark._meta.get_field("note").max_length,
        "can_mark": request.user.has_perm("interests.add_driftmark"),
        "can_unmark": request.user.has_perm("interests.delete_driftmark"),
    }
    return render(request, "recommender/drift_event.html", context)


def _person_or_404(pk: int) -> EndUser:
    found = EndUser.objects.filter(pk=pk).only("pk", "user_id").first()
    if found is None:
        raise Http404("There is no such end user.")
    return found
