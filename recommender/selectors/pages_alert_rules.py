"""Rules of alerts as pages show them: in words, with what they raised and how it was delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from interests.models import Alert, AlertDelivery, AlertRule
from interests.selectors.alert_shares import segment_name
from recommender.selectors.pages_alerts import unbroken

Condition, Scope = AlertRule.Condition, AlertRule.Scope
WEEK = timedelta(days=7)
NUM_DELIVERIES = 100
# A test speaks of nothing that happened.
REAL = ~Q(alerts__payload__kind="test")


@dataclass(frozen=True)
class RuleRow:
    """One line of the list of rules."""

    pk: int
    name: str
    watches: str
    receivers: list[str]
    is_active: bool
    muted_until: datetime | None
    num_raised: int
    num_sent: int
    budget: int
    last_raised_at: datetime | None


@dataclass(frozen=True)
class DeliveryRow:
    """One message of a rule to one receiver."""

    pk: int
    text: str
    raised_at: datetime
    channel: str
    target: str
    state: str
    attempts: int
    next_attempt_at: datetime
    delivered_at: datetime | None
    errors: list[str]

    @property
    def is_dead(self) -> bool:
        return self.state == AlertDelivery.State.DEAD

    @property
    def is_waiting(self) -> bool:
        return self.state == AlertDelivery.State.WAITING


def rules(*, now: datetime) -> list[RuleRow]:
    """Return all rules by name, with what they raised in the last seven days; one query."""
    lately = Q(alerts__raised_at__gt=now - WEEK) & REAL
    rows = AlertRule.objects.select_related("end_user", "category").annotate(
        num_raised=Count("alerts", filter=lately),
        num_sent=Count("alerts", filter=lately & Q(alerts__silence="")),
        last_raised_at=Max("alerts__raised_at", filter=REAL),
    )
    return [
        RuleRow(
            pk=rule.pk,
            name=rule.name,
            watches=sentence(rule),
            receivers=receivers(rule),
            is_active=rule.is_active,
            muted_until=muted_until(rule, now=now),
            num_raised=rule.num_raised,
            num_sent=rule.num_sent,
            budget=rule.budget_per_week,
            last_raised_at=rule.last_raised_at,
        )
        for rule in rows.order_by("name")
    ]


def rule(*, pk: int) -> AlertRule | None:
    """Return one rule with what it names, or None; one query."""
    rows = AlertRule.objects.select_related("end_user", "category", "created_by")
    return rows.filter(pk=pk).first()


@dataclass(frozen=True)
class Lately:
    """What a rule raised in the last seven days."""

    num_raised: int
    num_sent: int


def lately(rule: AlertRule, *, now: datetime) -> Lately:
    """Count what a rule raised in the last seven days; one query."""
    rows = Alert.objects.filter(rule=rule, raised_at__gt=now - WEEK).exclude(payload__kind="test")
    found = rows.aggregate(raised=Count("pk"), sent=Count("pk", filter=Q(silence="")))
    return Lately(found["raised"], found["sent"])


def deliveries(rule: AlertRule) -> list[DeliveryRow]:
    """Return the newest messages of a rule, the newest first; one query."""
    rows = AlertDelivery.objects.filter(alert__rule=rule).select_related("alert")
    return [
        DeliveryRow(
            pk=row.pk,
            text=unbroken(row.alert.text),
            raised_at=row.alert.raised_at,
            channel=row.get_channel_display(),
            target=row.target,
            state=row.state,
            attempts=row.attempts,
            next_attempt_at=row.next_attempt_at,
            delivered_at=row.delivered_at,
            errors=row.last_error.strip().splitlines()[::-1],
        )
        for row in rows.order_by("-alert__raised_at", "-pk")[:NUM_DELIVERIES]
    ]


def receivers(rule: AlertRule) -> list[str]:
    """Return whom a rule tells: the host of its webhook, its e-mail addresses."""
    hook = [rule.webhook_url.split("/")[2]] if rule.webhook_url.count("/") >= 2 else []
    return hook + rule.emails


def muted_until(rule: AlertRule, *, now: datetime) -> datetime | None:
    """Return until when a rule is muted, None where it is not."""
    return rule.muted_until if rule.muted_until and rule.muted_until > now else None


def sentence(rule: AlertRule) -> str:
    """Say what a rule watches, such as "The interests of ann change towards or away from Drama"."""
    limit = _percent(rule.threshold)
    category = rule.category.name if rule.category else "Any category"
    share = f"of the events of {segment_name(rule)}"
    match rule.condition:
        case Condition.DRIFT_EVENT:
            way = f" towards or away from {rule.category.name}" if rule.category else ""
            sure = f", at least {limit} sure" if rule.threshold is not None else ""
            return f"The interests of {_who(rule)} change{way}{sure}"
        case Condition.SHARE_ABOVE:
            return f"{category} rises above {limit} {share}"
        case Condition.SHARE_BELOW:
            return f"{category} falls below {limit} {share}"
        case Condition.SHARE_MOVES:
            least = f" and by at least {limit}" if rule.threshold else ""
            return f"{category} moves by more than noise{least} {share}"
        case _:
            return f"More than {limit} of {segment_name(rule)} drift"


def _who(rule: AlertRule) -> str:
    if rule.end_user is not None:
        return rule.end_user.user_id
    return "anybody" if rule.scope == Scope.POPULATION else f"anybody of {segment_name(rule)}"


def _percent(share: float | None) -> str:
    return "–" if share is None else unbroken(f"{100 * share:g} %")
