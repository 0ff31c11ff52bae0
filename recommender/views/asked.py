"""Parts of pages that a live worker answers: recommendations before and after a change, and as of a time.

A part is asked for by htmx after its page is there, and again every half second until it is answered.
Without a script its address leads to a page of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from interests import tasks as interests_tasks
from interests.models import DriftEvent, EndUser, TrainingRun
from interests.selectors import trainings
from interests.services import requesting
from recommender import tasks
from recommender.ranking import difference_words
from recommender.selectors import changes, pages_lines, pages_lists
from recommender.services.asking import Asked, Question
from recommender.views.frame import is_part_asked

NOTHING_NEW = 204  # htmx leaves the part as it is and asks again


def ask(request: HttpRequest, question: Question, *, depends_on: Any, **arguments: Any) -> Asked:
    """Ask for what a page shows; whoever only looks whether an answer has come asks nothing anew."""
    joins = request.GET.get("asked", "")
    return tasks.ask(question, depends_on=depends_on, joins=joins, **arguments)


def answered(
    request: HttpRequest, asked: Asked, *, part: str, context: dict[str, Any], page: str = ""
) -> HttpResponse:
    """Return the part for htmx, else a page around it; nothing new while htmx waits for the answer."""
    is_part = is_part_asked(request)
    if is_part and asked.is_waiting and request.GET.get("asked") == asked.key:
        return HttpResponse(status=NOTHING_NEW)
    whole = {**context, **_addresses(request, asked), "asked": asked, "part": part}
    return render(request, part if is_part else page or "recommender/asked.html", whole)


@login_required
def before_after(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    """What a change of interests did to the recommendations."""
    event = changes.drift_event(pk=event_pk, end_user_id=pk)
    if event is None:
        raise Http404("There is no such change.")
    through = request.GET.get("through", "")
    through = through if through in changes.THROUGH else changes.RAISED
    asked = ask(
        request,
        Question.BEFORE_AFTER,
        depends_on=changes.what_answers_depend_on(pk),
        drift_event_id=event_pk,
        through=through,
    )
    context = {
        **_of_person(pk, "Before and after"),
        "event": event,
        "through": through,
        **(_of_change(event, asked) if asked.answer else {}),
    }
    return answered(request, asked, part="recommender/parts/before_after.html", context=context)


@login_required
def as_of_slate(request: HttpRequest, pk: int) -> HttpResponse:
    """What would have been recommended at a time."""
    at = _moment(request.GET.get("at", ""))
    context = {**_of_person(pk, "Recommendations as of a time"), "at": at}
    part = "recommender/parts/as_of_slate.html"
    run = trainings.trained_by(at)
    if run is None:
        context |= {"asked_for": trainings.asked_for(at), "is_newer": True}
        page = part if is_part_asked(request) else "recommender/asked.html"
        return render(request, page, context | {"part": part})
    asked = ask(
        request,
        Question.AS_OF_SLATE,
        depends_on=[run.pk, *changes.what_answers_depend_on(pk)],
        end_user_id=pk,
        at=at.isoformat(),
    )
    if asked.answer:
        context["answer"] = asked.answer
        context["lines"] = pages_lists.lines(asked.answer["items"])
        context["run"] = TrainingRun.objects.filter(pk=asked.answer["training_run_id"]).first()
    return answered(request, asked, part=part, context=context)


@login_required
@permission_required("interests.add_trainingrun", raise_exception=True)
@require_POST
def train_until(request: HttpRequest) -> HttpResponse:
    """Request a network that has seen nothing later than a time; its task goes out after commit."""
    at = _moment(request.POST.get("at", ""))
    with transaction.atomic():
        run, is_new = requesting.request_training_until(
            at=at,
            now=timezone.now(),
            by=request.user,  # type: ignore[arg-type]
        )
        if is_new:
            transaction.on_commit(lambda: interests_tasks.enqueue_run(run))
    return redirect("recommender:run", kind="training", pk=run.pk)


def _of_person(pk: int, title: str) -> dict[str, Any]:
    person = EndUser.objects.filter(pk=pk).values_list("user_id", flat=True).first()
    if person is None:
        raise Http404("There is no such end user.")
    own = reverse("recommender:end_user", args=[pk])
    people = ("End users", reverse("recommender:end_users"))
    return {
        "title": title,
        "place": "End users",
        "trail": [people, (person, own)],
        "end_user_id": pk,
        "user_id": person,
    }


def _of_change(event: DriftEvent, asked: Asked) -> dict[str, Any]:
    answer = asked.answer
    names = pages_lines.categories_by_id()
    sides = pages_lists.sides(answer["before"], answer["after"])
    weights = tuple(
        dict(zip(event.category_ids, side, strict=True)) for side in (event.before, event.after)
    )
    return {
        "answer": answer,
        "sides": sides,
        "mix": pages_lists.mix(
            names,
            weights=(weights[0], weights[1]),
            shares=(answer["mix_before"], answer["mix_after"]),
        ),
        "interests_sentence": difference_words.interests_sentence(
            since=event.begin_at,
            falling=[names[key].name for key in event.falling if key in names],
            rising=[names[key].name for key in event.rising if key in names],
            is_return=event.is_return,
        ),
        "change_sentence": difference_words.change_sentence(
            sides.difference.num_changed,
            length=sides.length,
            usual=answer["usual"],
            num_events=answer["num_after"] - answer["num_before"],
        ),
    }


def _addresses(request: HttpRequest, asked: Asked) -> dict[str, str]:
    """Return where the part is asked for again: anew, and only to look whether it is answered."""
    query = request.GET.copy()
    query.pop("asked", None)
    again = f"{request.path}?{query.urlencode()}" if query else request.path
    query["asked"] = asked.key
    return {"again": again, "poll": f"{request.path}?{query.urlencode()}"}


def _moment(text: str) -> datetime:
    """Return a time of an address; without a zone it is UTC.

    Raises:
        Http404: it is none.
    """
    try:
        found = parse_datetime(text.replace(" ", "+"))  # a "+" of an address that nobody encoded
    except ValueError:
        found = None
    if found is None:
        raise Http404("Say when: ?at=2026-03-04T12:00:00Z.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
