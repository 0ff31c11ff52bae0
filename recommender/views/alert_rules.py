"""Rules of alerts: the list, one of them with its deliveries, and how they are made and changed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.views.decorators.http import require_POST

from interests import tasks
from interests.models import AlertRule
from interests.services import alert_rules, alerting, webhooks
from recommender.selectors import pages_alert_rules
from recommender.views.alert_form import RuleForm
from recommender.views.alerts import back

# Which rule's secret the next page shows: once, after it was made or renewed.
SHOWN_ONCE = "alert_secret_of"
# Of a name on the way to a page.
NAME_LENGTH = 32


@login_required
def rules(request: HttpRequest) -> HttpResponse:
    context = {
        "title": "Alert rules",
        "place": "Alerts",
        "trail": _trail()[:1],
        "rows": pages_alert_rules.rules(now=timezone.now()),
    }
    return render(request, "recommender/alert_rules.html", context)


@login_required
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    found = _rule_or_404(pk)
    shows_secret = request.session.get(SHOWN_ONCE) == pk
    if shows_secret:
        del request.session[SHOWN_ONCE]
    deliveries = pages_alert_rules.deliveries(found)
    context = {
        "title": found.name,
        "place": "Alerts",
        "trail": _trail(),
        "rule": found,
        "watches": pages_alert_rules.sentence(found),
        "muted_until": pages_alert_rules.muted_until(found, now=now),
        "lately": pages_alert_rules.lately(found, now=now),
        "deliveries": deliveries,
        "is_cut": len(deliveries) == pages_alert_rules.NUM_DELIVERIES,
        "can_send": bool(alerting.receivers(found)),
        "secret": webhooks.secret(found) if shows_secret else "",
    }
    return render(request, "recommender/alert_rule.html", context)


@login_required
@permission_required("interests.add_alertrule", raise_exception=True)
def new_rule(request: HttpRequest) -> HttpResponse:
    made = AlertRule(created_by=request.user)  # type: ignore[misc]  # signed in
    return _edit(request, made, title="New alert rule", trail=_trail())


@login_required
@permission_required("interests.change_alertrule", raise_exception=True)
def edit_rule(request: HttpRequest, pk: int) -> HttpResponse:
    found = _rule_or_404(pk)
    trail = _trail(found)
    return _edit(request, found, title="Edit", trail=trail)


@login_required
@permission_required("interests.delete_alertrule", raise_exception=True)
def delete_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask once, then delete a rule with all that it raised."""
    found = _rule_or_404(pk)
    if request.method == "POST":
        alert_rules.delete(rule_id=pk)
        messages.success(request, f'The rule "{found.name}" is deleted.')
        return redirect("recommender:alert_rules")
    context = {
        "title": "Delete",
        "place": "Alerts",
        "trail": _trail(found),
        "rule": found,
        "num_alerts": found.alerts.count(),
    }
    return render(request, "recommender/alert_rule_delete.html", context)


@login_required
@permission_required("interests.change_alertrule", raise_exception=True)
@require_POST
def mute(request: HttpRequest, pk: int) -> HttpResponse:
    """Mute a rule for an hour, a day or a week, or let it speak again."""
    found = _rule_or_404(pk)
    length = alert_rules.MUTES.get(request.POST.get("for", ""))
    alert_rules.mute(rule_id=pk, until=timezone.now() + length if length else None)
    said = f"is muted for one {request.POST['for']}" if length else "speaks again"
    messages.success(request, f'The rule "{found.name}" {said}.')
    return back(request)


@login_required
@permission_required("interests.change_alertrule", raise_exception=True)
@require_POST
def send_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test to all receivers of a rule."""
    try:
        alert = alerting.send_test(rule=_rule_or_404(pk), now=timezone.now())
    except alerting.NowhereToSend as reason:
        messages.error(request, str(reason))
    else:
        tasks.ask_for_delivery()
        num = alert.deliveries.count()
        many = "" if num == 1 else "s"
        messages.success(
            request, f"A test is on its way to {num} receiver{many}. How it went stands below."
        )
    return redirect("recommender:alert_rule", pk=pk)


@login_required
@permission_required("interests.change_alertrule", raise_exception=True)
@require_POST
def renew_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Make another signing secret and show it once."""
    alert_rules.renew_secret(rule_id=_rule_or_404(pk).pk)
    request.session[SHOWN_ONCE] = pk
    return redirect("recommender:alert_rule", pk=pk)


def _edit(
    request: HttpRequest, edited: AlertRule, *, title: str, trail: list[tuple[str, str]]
) -> HttpResponse:
    """Show the form; preview what the rule would raise, or keep it."""
    now = timezone.now()
    is_posted = request.method == "POST"
    had_webhook = bool(edited.webhook_url)
    form = RuleForm(edited, request.POST if is_posted else None)
    context: dict[str, Any] = {"title": title, "place": "Alerts", "trail": trail, "form": form}
    if is_posted and form.is_valid():
        if "preview" not in request.POST:
            kept = alert_rules.save(rule=form.rule, now=now)
            if kept.webhook_url and not had_webhook:
                request.session[SHOWN_ONCE] = kept.pk
            return redirect("recommender:alert_rule", pk=kept.pk)
        context["preview"] = alerting.preview(form.rule, now=now)
        context["watches"] = pages_alert_rules.sentence(form.rule)
    return render(
        request, "recommender/alert_rule_form.html", context, status=422 if form.errors else 200
    )


def _rule_or_404(pk: int) -> AlertRule:
    found = pages_alert_rules.rule(pk=pk)
    if found is None:
        raise Http404("There is no such rule.")
    return found


def _trail(of: AlertRule | None = None) -> list[tuple[str, str]]:
    trail = [
        ("Alerts", reverse("recommender:alerts")),
        ("Rules", reverse("recommender:alert_rules")),
    ]
    if of is not None:
        name = Truncator(of.name).chars(NAME_LENGTH)
        trail.append((name, reverse("recommender:alert_rule", args=[of.pk])))
    return trail
