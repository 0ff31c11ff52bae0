"""One end user as of a time: state, changes and list from what was known then."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.http import urlencode

from interests.models import EndUser
from recommender.selectors import pages_end_user_as_of, pages_end_users
from recommender.services.asking import Question
from recommender.views import asked

NUM_WISHES = 12
PART = "recommender/parts/as_of_state.html"


class NoTime(Exception):
    """What was typed is no time that can be looked back to; the message says why."""


@login_required
def as_of(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what was known of an end user at a time, or the form that asks for one."""
    person = _person_or_404(pk)
    text = request.GET.get("at", "").replace("\0", "").strip()[:60]
    at, problem = None, ""
    try:
        at = moment(text) if text else None
    except NoTime as reason:
        problem = str(reason)
    context = {
        **_of_person(person),
        "title": "As of" if at is None else f"As of {timezone.localtime(at):%-d %B %Y, %H:%M}",
        "at": at,
        "typed": text if at is None else f"{timezone.localtime(at):%Y-%m-%dT%H:%M:%S}",
        "problem": problem,
        "moments": pages_end_user_as_of.moments(end_user_id=pk, until=at),
        **(_addresses(pk, at) if at else {}),
    }
    return render(request, "recommender/as_of.html", context)


@login_required
def as_of_state(request: HttpRequest, pk: int) -> HttpResponse:
    """What a person wanted at a time and which changes were known, worked out by a live worker."""
    person = _person_or_404(pk)
    try:
        at = moment(request.GET.get("at", ""))
    except NoTime as reason:
        raise Http404(str(reason)) from reason
    answer = asked.ask(
        request,
        Question.AS_OF_STATE,
        depends_on=pages_end_user_as_of.depends_on(end_user_id=pk, at=at),
        end_user_id=pk,
        at=at.isoformat(),
    )
    context = {**_of_person(person), "title": "Interests as of a time", "at": at}
    if answer.answer:
        found = pages_end_user_as_of.recalled(answer.answer)
        context |= {
            "recalled": found,
            "wishes": found.wishes[:NUM_WISHES],
            "events_needed": pages_end_users.EVENTS_NEEDED,
        }
    return asked.answered(request, answer, part=PART, context=context)


def _of_person(person: EndUser) -> dict[str, Any]:
    people = ("End users", reverse("recommender:end_users"))
    own = (person.user_id[:48], reverse("recommender:end_user", args=[person.pk]))
    return {
        "place": "End users",
        "trail": [people, own],
        "end_user_id": person.pk,
        "user_id": person.user_id,
    }


def _addresses(pk: int, at: datetime) -> dict[str, str]:
    """Return where the parts that live workers answer are asked for."""
    query = urlencode({"at": at.isoformat()})
    names = {"state_address": "as_of_state", "slate_address": "as_of_slate"}
    return {
        name: f"{reverse(f'recommender:{view}', args=[pk])}?{query}" for name, view in names.items()
    }


def moment(text: str) -> datetime:
    """Return the time that somebody typed, in the account's zone where it names none; of a day, its end.

    Raises:
        NoTime: it is none, or still to come.
    """
    # A plus sign in an address that nobody has encoded arrives as a space.
    text = text.strip().replace(" ", "+") if "T" in text else text.strip()
    try:
        day = parse_date(text) if len(text) <= len("2026-03-04") else None
        at = datetime.combine(day, time(23, 59, 59)) if day else parse_datetime(text)
        if at is not None and timezone.is_naive(at):
            at = timezone.make_aware(at)
        at = at and at.astimezone(UTC)  # one time is written in one way
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise NoTime(f"“{text[:40]}” is no time. Write it as 2026-03-04 or 2026-03-04T18:30.")
    if at > timezone.now():
        raise NoTime("This time is still to come. Pick one that has passed.")
    return at


def _person_or_404(pk: int) -> EndUser:
    found = EndUser.objects.filter(pk=pk).only("pk", "user_id").first()
    if found is None:
        raise Http404("There is no such end user.")
    return found
