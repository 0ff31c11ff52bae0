"""Experiments: the list, one with its verdict, and how they are made, started, opened, stopped and decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.views.decorators.http import require_POST

from recommender.evaluation import experiment_figures
from recommender.models import Experiment
from recommender.selectors import pages_experiments
from recommender.selectors.pages_experiments import Row
from recommender.services import experimenting
from recommender.services.checking_experiments import CannotExperiment
from recommender.views import paging
from recommender.views.experiment_form import ExperimentForm
from recommender.views.figures import Figure

PLACE = "Experiments"
NAME_LENGTH = 32  # of a name on the way to a page
PERMISSION = "recommender.change_experiment"


@login_required
def experiments(request: HttpRequest) -> HttpResponse:
    context = {
        "title": PLACE,
        "place": PLACE,
        "rows": pages_experiments.rows(now=timezone.now()),
    }
    return render(request, "recommender/experiments.html", context)


@login_required
def experiment(request: HttpRequest, pk: int) -> HttpResponse:
    found = _row_or_404(pk)
    context = {
        "title": found.experiment.name,
        "place": PLACE,
        "trail": _trail(),
        "row": found,
        "experiment": found.experiment,
        "figure": _figure(found),
        "changes": pages_experiments.changes(found.experiment),
        "best": found.variants[found.verdict.best] if found.verdict.is_sure else None,
    }
    return render(request, "recommender/experiment.html", context)


@login_required
@permission_required("recommender.add_experiment", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """Ask for all of an experiment."""
    placement = paging.number(request, "placement", default=0)
    initial = {"placement": placement} if placement else {}
    return _edit(request, Experiment(), title="New experiment", trail=_trail(), **initial)


@login_required
@permission_required(PERMISSION, raise_exception=True)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a draft."""
    found = _row_or_404(pk).experiment
    if found.state != Experiment.State.DRAFT:
        messages.error(request, "It has been started and cannot be changed any more. Make another.")
        return redirect("recommender:experiment", pk=pk)
    return _edit(request, found, title="Edit", trail=_trail(found))


@login_required
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Let people take part."""
    return _do(request, pk, experimenting.start, "It runs. People take part within about a second.")


@login_required
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def open_to(request: HttpRequest, pk: int) -> HttpResponse:
    """Let more of its people take part at once."""
    percent = request.POST.get("percent", "")
    is_number = len(percent) < 8 and percent.replace(".", "", 1).isdecimal()
    share = float(percent) / 100 if is_number else 0.0
    return _do(
        request, pk, experimenting.open_to, f"{percent} % of its people take part.", share=share
    )


@login_required
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """End it without a decision."""
    reason = request.POST.get("reason", "").strip()[:500]
    return _do(
        request,
        pk,
        experimenting.stop,
        "It is stopped: everybody gets what is live.",
        reason=reason,
    )


@login_required
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def conclude(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide for a variant."""
    chosen = request.POST.get("variant", "")
    variant = int(chosen) if chosen.isascii() and chosen.isdigit() else 0
    if not request.user.has_perm("recommender.change_placement"):
        messages.error(request, "To put rules live you need the right to change placements.")
        return redirect("recommender:experiment", pk=pk)
    return _do(request, pk, experimenting.conclude, "It is decided.", variant_id=variant)


@login_required
@permission_required("recommender.delete_experiment", raise_exception=True)
@require_POST
def throw_away(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a draft."""
    try:
        experimenting.throw_away(experiment_id=_row_or_404(pk).experiment.pk)
    except CannotExperiment as reason:
        messages.error(request, str(reason))
        return redirect("recommender:experiment", pk=pk)
    messages.success(request, "The draft is thrown away.")
    return redirect("recommender:experiments")


def _do(
    request: HttpRequest, pk: int, act: Callable[..., object], said: str, **arguments: Any
) -> HttpResponse:
    """Do something to an experiment and say how it went on its page."""
    try:
        act(
            experiment_id=_row_or_404(pk).experiment.pk,
            by=request.user,
            now=timezone.now(),
            **arguments,
        )
    except CannotExperiment as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, said)
    return redirect("recommender:experiment", pk=pk)


def _edit(
    request: HttpRequest, edited: Experiment, *, title: str, trail: list[tuple[str, str]], **initial: Any
) -> HttpResponse:  # fmt: skip
    is_posted = request.method == "POST"
    form = ExperimentForm(edited, request.POST if is_posted else None, **initial)
    if is_posted and form.is_valid():
        try:
            kept = experimenting.save(
                experiment=form.experiment,
                arms=form.arms,
                by=request.user,  # type: ignore[arg-type]  # signed in
                now=timezone.now(),
            )
        except CannotExperiment as reason:  # somebody started it meanwhile
            messages.error(request, str(reason))
            return redirect("recommender:experiments")
        return redirect("recommender:experiment", pk=kept.pk)
    context = {
        "title": title,
        "place": PLACE,
        "trail": trail,
        "form": form,
        "layers": pages_experiments.layers(),
    }
    return render(
        request, "recommender/experiment_form.html", context, status=422 if form.errors else 200
    )


def _figure(found: Row) -> Figure | None:
    """Return the effect over time, None before there is one."""
    lines = pages_experiments.lines(found)
    if not lines:
        return None
    is_mixed = found.experiment.kind == Experiment.Kind.INTERLEAVE
    control = found.variants[0].variant.name
    title = "clicks for it less those against" if is_mixed else f"change against {control}"
    return Figure(
        name="effect",
        question="Is there a difference?",
        sentence=(
            "The band holds the truth at all looks together in "
            f"{100 * (1 - found.experiment.alpha):.0f} of 100 experiments. Once it leaves the line at 0, it is sure."
        ),
        plot=experiment_figures.effect_over_time(lines, title=title),
        header=["Time", "Variant", "Effect", "Low", "High", "People"],
        rows=[
            [
                f"{timezone.localtime(point.at):%Y-%m-%d %H:%M}",
                name,
                *(f"{value:+.2%}" for value in (point.effect, point.low, point.high)),
                f"{point.people:,}",
            ]
            for name, points in lines
            for point in points
        ],
        file=f"experiment-{found.experiment.pk}",
    )


def _row_or_404(pk: int) -> Row:
    found = pages_experiments.row(pk=pk, now=timezone.now())
    if found is None:
        raise Http404("There is no such experiment.")
    return found


def _trail(of: Experiment | None = None) -> list[tuple[str, str]]:
    trail = [(PLACE, reverse("recommender:experiments"))]
    if of is not None:
        name = Truncator(of.name).chars(NAME_LENGTH)
        trail.append((name, reverse("recommender:experiment", args=[of.pk])))
    return trail
