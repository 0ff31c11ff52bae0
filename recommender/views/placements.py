"""Placements: the list, one with its history, one version beside what is live, and how each is put live or away."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from recommender.models import Placement, PlacementVersion
from recommender.models.placements import DEFAULT
from recommender.ranking import rule_words
from recommender.ranking.rules import Rules
from recommender.selectors import pages_placements
from recommender.services import comparing_rules, placing
from recommender.views.placements_preview import previewed

LONGEST_NOTE = 500
PLACE = "Placements"


@login_required
def placements(request: HttpRequest) -> HttpResponse:
    context = {"title": "Placements", "place": PLACE, "rows": pages_placements.rows()}
    return render(request, "recommender/placements.html", context)


@login_required
@permission_required("recommender.add_placement", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """Ask for a name and what it is for, then lead to the editor."""
    name, description = _text(request, "name"), _text(request, "description")
    error = ""
    if request.method == "POST":
        try:
            made = placing.make(name=name, description=description, now=timezone.now())
        except placing.CannotPlace as reason:
            error = str(reason)
        else:
            return redirect("recommender:edit_placement", name=made.name)
    context = {
        "title": "New placement",
        "place": PLACE,
        "trail": trail(),
        "name": name,
        "description": description,
        "error": error,
    }
    return render(request, "recommender/placement_new.html", context, status=422 if error else 200)


@login_required
def placement(request: HttpRequest, name: str) -> HttpResponse:
    found = placement_or_404(name)
    rules = pages_placements.rules_of(found.live_version)
    switches = pages_placements.switches(found)
    versions = pages_placements.history(found)
    context = {
        "title": found.name,
        "place": PLACE,
        "trail": trail(),
        "placement": found,
        "number": number_of(found.live_version),
        "sections": pages_placements.sections(rules, pages_placements.titles(rules)),
        "problems": [
            (rule_words.SECTIONS[rule.partition(".")[0]], problem)
            for rule, problem in placing.problems(rules).items()
        ],
        "switches": switches,
        "last": switches[0] if switches else None,
        "versions": versions,
        "drafts": [row for row in versions if row.is_waiting],
        "can_delete": found.name != DEFAULT,
    }
    return render(request, "recommender/placement.html", context)


@login_required
def version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Show a version beside the one that is live, or beside another that the address names."""
    found = placement_or_404(name)
    return _version(request, found, number)


@login_required
@permission_required("recommender.change_placement", raise_exception=True)
@require_POST
def go_live(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Let a version answer from now on."""
    found = placement_or_404(name)
    instead_of = request.POST.get("instead_of", "")
    try:
        placing.go_live(
            placement_id=found.pk,
            number=number,
            instead_of=whole_number(instead_of, otherwise=-1),
            reason=_text(request, "reason"),
            by=request.user,  # type: ignore[arg-type]  # signed in
            now=timezone.now(),
        )
    except placing.CannotPlace as reason:
        return _version(request, placement_or_404(name), number, error=str(reason))
    named = f"Version {number} is" if number else "The rules that it started with are"
    messages.success(request, f"{named} live. Answers for {name} follow within about a second.")
    return redirect("recommender:placement", name=name)


@login_required
@permission_required("recommender.change_placement", raise_exception=True)
@require_POST
def throw_away(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Remove a draft."""
    found = placement_or_404(name)
    try:
        placing.throw_away(placement_id=found.pk, number=number)
    except placing.CannotPlace as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, f"Version {number} is thrown away.")
    return redirect("recommender:placement", name=name)


@login_required
@permission_required("recommender.change_placement", raise_exception=True)
@require_POST
def describe(request: HttpRequest, name: str) -> HttpResponse:
    """Keep what a placement is for."""
    found = placement_or_404(name)
    placing.describe(placement_id=found.pk, description=_text(request, "description"))
    messages.success(request, "What it is for is saved.")
    return redirect("recommender:placement", name=name)


@login_required
@permission_required("recommender.delete_placement", raise_exception=True)
def delete(request: HttpRequest, name: str) -> HttpResponse:
    """Ask once, then delete a placement with its versions."""
    found = placement_or_404(name)
    if request.method == "POST":
        try:
            placing.delete(placement_id=found.pk)
        except placing.CannotPlace as reason:
            messages.error(request, str(reason))
            return redirect("recommender:placement", name=name)
        messages.success(request, f'The placement "{name}" is deleted.')
        return redirect("recommender:placements")
    context = {
        "title": "Delete",
        "place": PLACE,
        "trail": trail(found),
        "placement": found,
        "num_versions": found.versions.count(),
        "can_delete": found.name != DEFAULT,
    }
    return render(request, "recommender/placement_delete.html", context)


def placement_or_404(name: str) -> Placement:
    """Return a placement of this name."""
    found = pages_placements.placement(name=name)
    if found is None:
        raise Http404("There is no such placement.")
    return found


def version_or_404(found: Placement, number: int) -> PlacementVersion | None:
    """Return a version by its number; None is what a placement starts with, number 0."""
    if not number:
        return None
    version = found.versions.select_related("created_by").filter(number=number).first()
    if version is None:
        raise Http404("There is no such version.")
    return version


def number_of(version: PlacementVersion | None) -> int:
    """Return the number of a version, 0 for what a placement starts with."""
    return version.number if version else 0


def whole_number(text: str, *, otherwise: int) -> int:
    """Return a number of an address or a form; `otherwise` where it is none, or too long to be meant."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else otherwise


def trail(of: Placement | None = None) -> list[tuple[str, str]]:
    """Return the way to a page of a placement."""
    found = [(PLACE, reverse("recommender:placements"))]
    if of is not None:
        found.append((of.name, reverse("recommender:placement", args=[of.name])))
    return found


def _version(
    request: HttpRequest, found: Placement, number: int, *, error: str = ""
) -> HttpResponse:
    own = version_or_404(found, number)
    live = number_of(found.live_version)
    beside = request.GET.get("beside", "")
    other_number = whole_number(beside, otherwise=live)
    other = version_or_404(found, other_number)
    rules, before = pages_placements.rules_of(own), pages_placements.rules_of(other)
    context = {
        "title": f"Version {number}" if number else "Starting rules",
        "place": PLACE,
        "trail": trail(found),
        "placement": found,
        "number": number,
        "version": own,
        "live": live,
        "is_live": number == live,
        "other": other_number,
        "other_words": words_of(other_number, live=live),
        "sections": pages_placements.sections(rules, pages_placements.titles(rules)),
        "changes": pages_placements.changes(before, rules),
        "reason": _text(request, "reason") if error else own.note if own else "",
        "error": error,
    }
    if number != other_number:
        headings = (
            words_of(other_number, live=live).capitalize(),
            words_of(number, live=live).capitalize(),
        )
        context |= _tried(request, before, rules, headings)
    return render(
        request, "recommender/placement_version.html", context, status=409 if error else 200
    )


def _tried(
    request: HttpRequest, before: Rules, rules: Rules, headings: tuple[str, str]
) -> dict[str, Any]:
    now = timezone.now()
    person = request.GET.get("person", "")
    return {
        "survey": comparing_rules.survey(before, rules, now=now),
        **previewed(before, rules, headings=headings, person=person, now=now),
    }


def words_of(number: int, *, live: int) -> str:
    """Return what a version is called in a sentence."""
    named = f"version {number}" if number else "the starting rules"
    return f"{named}, live now" if number == live else named


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()[:LONGEST_NOTE]
