"""Alerts: what the rules raised, how it was delivered, and who has seen it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from interests import tasks
from interests.services import alerting, delivering
from recommender.selectors import pages_alert_rules, pages_alerts
from recommender.views import files, paging

STATES = (("sent", "Sent"), ("silenced", "Silenced"), ("undelivered", "Given up"))
SEEN = (("no", "Not acknowledged"), ("yes", "Acknowledged"))
CSV_HEADER = (
    "raised_at", "rule", "user_id", "text", "silence", "delivered", "waiting", "given_up",
    "acknowledged_at", "acknowledged_by",
)  # fmt: skip
MOST_ACKNOWLEDGED = 1_000


@login_required
def alerts(request: HttpRequest) -> HttpResponseBase:
    filters = pages_alerts.AlertFilters(
        rule_id=paging.number(request, "rule", default=0),
        state=request.GET.get("state", ""),
        seen=request.GET.get("seen", ""),
    )
    if request.GET.get("format") == "csv":
        return _csv(filters)
    page = paging.page_number(request)
    rows, total = pages_alerts.alerts(filters, page=page)
    rules = pages_alerts.rule_choices()
    context = {
        "title": "Alerts",
        "place": "Alerts",
        "filters": filters,
        "rows": rows,
        "rules": rules,
        "states": STATES,
        "seen": SEEN,
        "num_unseen": pages_alerts.num_unseen(),
        "shown_unseen": [row.pk for row in rows if row.acknowledged_at is None],
        "is_narrowed": bool(filters.rule_id or filters.state or filters.seen),
        "pages": paging.pages(
            request, page=page, size=pages_alerts.PAGE_SIZE, shown=len(rows), total=total
        ),
        **_muting(filters.rule_id),
    }
    return render(request, "recommender/alerts.html", context)


@login_required
@permission_required("interests.change_alert", raise_exception=True)
@require_POST
def acknowledge(request: HttpRequest) -> HttpResponse:
    """Note that the reader has seen one alert, or all those that the page showed."""
    given = request.POST.getlist("alert")[:MOST_ACKNOWLEDGED]
    keys = [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 16]
    num = alerting.acknowledge(
        alert_ids=keys,
        by=request.user,  # type: ignore[arg-type]  # signed in
        now=timezone.now(),
    )
    messages.success(request, f"{num:,} alert{'' if num == 1 else 's'} acknowledged.")
    return back(request)


@login_required
@permission_required("interests.change_alertrule", raise_exception=True)
@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a message that was given up again."""
    if delivering.retry(delivery_id=pk, now=timezone.now()):
        tasks.ask_for_delivery()
        messages.success(request, "It goes out again, with all of its attempts.")
    else:
        messages.info(request, "It is not among those given up.")
    return back(request)


def back(request: HttpRequest) -> HttpResponse:
    """Go back to the page that the form stood on."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        return redirect(target)
    return redirect("recommender:alerts")


def _muting(rule_id: int) -> dict[str, object]:
    """Return the rule that the list is narrowed to, with what mutes it."""
    rule = pages_alert_rules.rule(pk=rule_id) if rule_id else None
    if rule is None:
        return {}
    return {"rule": rule, "muted_until": pages_alert_rules.muted_until(rule, now=timezone.now())}


def _csv(filters: pages_alerts.AlertFilters) -> HttpResponseBase:
    rows = (
        (
            row.raised_at.isoformat(timespec="seconds"), row.rule_name, row.user_id, row.text,
            row.silence, row.num_delivered, row.num_waiting, row.num_dead,
            row.acknowledged_at.isoformat(timespec="seconds") if row.acknowledged_at else "",
            row.acknowledged_by,
        )
        for row in pages_alerts.every_alert(filters)
    )  # fmt: skip
    return files.csv_file("alerts", CSV_HEADER, rows)
