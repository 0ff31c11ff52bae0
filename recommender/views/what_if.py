"""What if: a person with some events left out and others put in, beside the person as they are."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from interests.models import EndUser
from recommender.ranking import difference_words
from recommender.selectors import changes, pages_lines, pages_lists, pages_what_if
from recommender.selectors.pages_what_if import Supposed
from recommender.services.asking import Asked, Question
from recommender.views import asked as asking
from recommender.views import paging
from recommender.views.frame import is_part_asked

PAGE = "recommender/what_if.html"
PART = "recommender/parts/what_if_answer.html"
MAX_QUERY = 200


@login_required
def what_if(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the address supposes and what would come of it; a live worker works it out."""
    person = EndUser.objects.filter(pk=pk).values_list("user_id", flat=True).first()
    if person is None:
        raise Http404("There is no such end user.")
    if new := paging.number(request, "new", default=0):
        return HttpResponseRedirect(_with_new(request, new))
    supposed = pages_what_if.supposed(
        end_user_id=pk, removed=request.GET.getlist("remove"), added=request.GET.getlist("add")
    )
    context = {"supposed": supposed, "user_id": person, "end_user_id": pk}
    if not is_part_asked(request):
        context |= _form(request, pk, person, supposed)
    if supposed.errors or not supposed.is_something:
        return render(request, PAGE, context | {"part": PART, "is_not_asked": True})
    answer = asking.ask(
        request,
        Question.WHAT_IF,
        depends_on=changes.what_answers_depend_on(pk),
        end_user_id=pk,
        removed=list(supposed.removed),
        added=[[one.item.pk, one.kind] for one in supposed.added],
    )
    context |= _of_answer(answer) if answer.answer else {}
    return asking.answered(request, answer, part=PART, context=context, page=PAGE)


def _with_new(request: HttpRequest, new: int) -> str:
    """Return the address with one more item put in, in the form that is shared."""
    query = request.GET
    added = [*query.getlist("add"), f"{new}:{query.get('kind', '')}"]
    parts = [("remove", text) for text in query.getlist("remove")]
    parts += [("add", text) for text in added]
    if kind := query.get("kind"):
        parts.append(("kind", kind))
    return f"{request.path}?{urlencode(parts)}"


def _form(request: HttpRequest, pk: int, person: str, supposed: Supposed) -> dict[str, Any]:
    lines = pages_what_if.event_lines(end_user_id=pk, removed=supposed.removed)
    kinds = pages_what_if.kinds()
    query = request.GET.get("q", "").replace("\0", "").strip()[:MAX_QUERY]
    usual = lines[0].kind if lines else ""
    chosen = request.GET.get("kind", "")
    return {
        "title": "What if",
        "place": "End users",
        "trail": [
            ("End users", reverse("recommender:end_users")),
            (person[:48], reverse("recommender:end_user", args=[pk])),
        ],
        "lines": lines,
        "kinds": kinds,
        "kind": chosen if chosen in kinds else usual,
        "item_query": query,
        "found": pages_what_if.found_items(query),
    }


def _of_answer(asked: Asked) -> dict[str, Any]:
    answer = asked.answer
    keys = answer["category_ids"]
    weights = (
        dict(zip(keys, answer["weights_before"], strict=True)),
        dict(zip(keys, answer["weights_after"], strict=True)),
    )
    sides = pages_lists.sides(answer["before"], answer["after"])
    mix = pages_lists.mix(pages_lines.categories_by_id(), weights=weights)
    return {
        "answer": answer,
        "sides": sides,
        "mix": mix,
        "weights_sentence": pages_lists.weights_sentence(mix),
        "list_sentence": difference_words.list_sentence(
            sides.difference.num_changed, length=sides.length
        ),
    }
