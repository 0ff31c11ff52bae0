"""Alerts as pages show them: the list, and how each was delivered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from interests.models import Alert, AlertDelivery, AlertRule

PAGE_SIZE = 50
State = AlertDelivery.State
STATES = {
    "sent": Q(silence=""),
    "silenced": ~Q(silence=""),
    "undelivered": Q(deliveries__state=State.DEAD),
}
SEEN = {
    "no": Q(acknowledged_at=None),
    "yes": ~Q(acknowledged_at=None),
}


@dataclass(frozen=True)
class AlertFilters:
    """What the list is narrowed to."""

    rule_id: int = 0
    state: str = ""
    seen: str = ""


@dataclass(frozen=True)
class AlertRow:
    """One line of the list of alerts."""

    pk: int
    text: str
    rule_id: int
    rule_name: str
    end_user_id: int | None
    user_id: str
    raised_at: datetime
    is_test: bool
    silence: str
    num_delivered: int
    num_waiting: int
    num_dead: int
    acknowledged_by: str
    acknowledged_at: datetime | None

    @property
    def unbroken_text(self) -> str:
        return unbroken(self.text)

    @property
    def is_sent(self) -> bool:
        return not self.silence

    @property
    def num_deliveries(self) -> int:
        return self.num_delivered + self.num_waiting + self.num_dead

    @property
    def delivery(self) -> str:
        """Say in words how far its messages are."""
        if self.silence:
            return f"Not sent: {Alert.Silence(self.silence).label}"
        if not self.num_deliveries:
            return "Shown here only"
        parts = [
            (self.num_delivered, "delivered"),
            (self.num_waiting, "on its way"),
            (self.num_dead, "given up"),
        ]
        said = [f"{num} {word}" for num, word in parts if num]
        if self.num_deliveries == 1:
            said = [word for num, word in parts if num]
        return ", ".join(said).capitalize()


def alerts(filters: AlertFilters, *, page: int) -> tuple[list[AlertRow], int]:
    """Return a page of alerts, the newest first, and how many there are in all; two queries."""
    rows = _matching(filters)
    first = (page - 1) * PAGE_SIZE
    return [_row(alert) for alert in _ordered(rows)[first : first + PAGE_SIZE]], rows.count()


def every_alert(filters: AlertFilters) -> Iterator[AlertRow]:
    """Yield all alerts that the filters leave, for a file; memory stays flat."""
    for alert in _ordered(_matching(filters)).iterator(chunk_size=2000):
        yield _row(alert)


def num_unseen() -> int:
    """Return how many alerts nobody has acknowledged; one query."""
    return Alert.objects.filter(acknowledged_at=None).count()


def rule_choices() -> list[tuple[int, str]]:
    """Return all rules by name; one query."""
    return list(AlertRule.objects.order_by("name").values_list("pk", "name"))


def unbroken(text: str) -> str:
    """Return a sentence in which no line ends between a number and its "%"."""
    return text.replace(" %", "\u00a0%")


def _matching(filters: AlertFilters) -> QuerySet[Alert]:
    rows = Alert.objects.all()
    if filters.rule_id:
        rows = rows.filter(rule=filters.rule_id)
    if filters.seen in SEEN:
        rows = rows.filter(SEEN[filters.seen])
    if filters.state in STATES:
        # An alert with two dead deliveries stands in the list once.
        rows = rows.filter(pk__in=Alert.objects.filter(STATES[filters.state]).values("pk"))
    return rows


def _ordered(rows: QuerySet[Alert]) -> QuerySet[Any]:
    counts = {
        f"num_{state.value}": Count("deliveries", filter=Q(deliveries__state=state))
        for state in State
    }
    related = rows.select_related("rule", "end_user", "acknowledged_by")
    return related.annotate(**counts).order_by("-raised_at", "-pk")


def _row(alert: Any) -> AlertRow:
    return AlertRow(
        pk=alert.pk,
        text=alert.text,
        rule_id=alert.rule_id,
        rule_name=alert.rule.name,
        end_user_id=alert.end_user_id,
        user_id=alert.end_user.user_id if alert.end_user else "",
        raised_at=alert.raised_at,
        is_test=alert.payload.get("kind") == "test",
        silence=alert.silence,
        num_delivered=alert.num_delivered,
        num_waiting=alert.num_waiting,
        num_dead=alert.num_dead,
        acknowledged_by=alert.acknowledged_by.get_username() if alert.acknowledged_by else "",
        acknowledged_at=alert.acknowledged_at,
    )
