"""The detector tried on our own people, and the threshold chosen by it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from interests.charts import detection
from interests.drift.injecting import MIN_EVENTS
from interests.drift.self_test import WINDOW_EVENTS
from interests.models import SelfTestRun
from interests.services import detecting, self_testing
from recommender import tasks
from recommender.selectors import pages_self_test
from recommender.views import files
from recommender.views.figures import Figure
from recommender.views.frame import is_part_asked

HEADER = (
    "threshold", "false_alarms_per_1000_events", "found_share", "low", "high", "median_delay_events",
    "slowest_tenth_delay_events",
)  # fmt: skip


@login_required
def self_test(request: HttpRequest) -> HttpResponseBase:
    under_way = pages_self_test.under_way()
    if is_part_asked(request):
        part = render(request, "recommender/parts/under_way.html", {"under_way": under_way})
        if under_way is None:
            part["HX-Refresh"] = "true"  # the table has come: show the whole page
        return part
    in_force = detecting.settings_in_force().threshold
    report = pages_self_test.report(in_force=in_force)
    if report and request.GET.get("format") == "csv":
        rows = (
            (x.threshold, x.false_alarms_per_1000, x.found_share, x.low, x.high, x.median_delay,
             x.late_delay)
            for x in report.lines
        )  # fmt: skip
        return files.csv_file(f"self-test-{report.run_id}", HEADER, rows)
    context = {
        "title": "Self-test",
        "place": "Drift",
        "trail": [("Drift", reverse("recommender:drift"))],
        "under_way": under_way,
        "report": report,
        "figure": _figure(report) if report else None,
        "in_force": in_force,
        "chosen": pages_self_test.chosen_last(),
        "failed": pages_self_test.failed_last(),
        "window_events": WINDOW_EVENTS,
        "least_events": MIN_EVENTS,
    }
    return render(request, "recommender/self_test.html", context)


@login_required
@permission_required("interests.add_selftestrun", raise_exception=True)
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Request a self-test; its task goes out after commit."""
    with transaction.atomic():
        run, is_new = self_testing.request(now=timezone.now(), by=request.user)  # type: ignore[arg-type]
        if is_new:
            transaction.on_commit(lambda: tasks.enqueue_run(run))
    if not is_new:
        messages.info(request, "One is under way already; this page shows it when it is done.")
    return redirect("recommender:self_test")


@login_required
@permission_required("interests.add_detectorchoice", raise_exception=True)
@require_POST
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Use a threshold that a self-test tried, or the product's own again."""
    run = SelfTestRun.objects.filter(pk=pk).first()
    if run is None:
        raise Http404("There is no such self-test.")
    try:
        if request.POST.get("threshold") == "usual":
            chosen = self_testing.choose_usual(now=timezone.now(), by=request.user)  # type: ignore[arg-type]
        else:
            chosen = self_testing.choose(
                run=run,
                threshold=_number(request.POST.get("threshold", "")),
                now=timezone.now(),
                by=request.user,  # type: ignore[arg-type]
            )
    except self_testing.NotTested as reason:
        messages.error(request, str(reason))
    else:
        messages.success(
            request,
            f"The detector raises a drift event from {chosen.threshold:.2f} nats on, with the next events. "
            "Changes raised so far stay; the next tracking looks at everybody's history anew.",
        )
    return redirect("recommender:self_test")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _figure(report: pages_self_test.Report) -> Figure:
    points = [
        detection.Point(
            line.threshold,
            line.false_alarms_per_1000,
            line.found_share,
            line.low,
            line.high,
            line.is_in_force,
        )
        for line in report.lines
    ]
    return Figure(
        name="detection",
        question="What does watchfulness cost?",
        sentence=detection.sentence(points),
        plot=detection.found_by_false_alarms(points),
        header=["Threshold, nats", "False alarms per 1,000 events", "Found", "Low", "High"],
        rows=[
            [
                f"{p.threshold:.2f}",
                f"{p.false_alarms_per_1000:.2f}",
                *(f"{share:.1%}" for share in (p.found_share, p.low, p.high)),
            ]
            for p in points
        ],
        file=f"self-test-{report.run_id}",
        size="middle",
    )
