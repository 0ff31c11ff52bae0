"""Alerts: rules look at what is new, each in a transaction of its own, and raise what they find, once.

What is within a cool-down, beyond a budget or while a rule is muted is kept and counted, not sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import InterfaceError, OperationalError, transaction
from django.urls import reverse

from interests.models import Alert, AlertDelivery, AlertRule
from interests.selectors import alerts
from interests.selectors.alert_shares import Happening

Silence = Alert.Silence
WEEK = timedelta(days=7)
BATCH_SIZE = 500
TEXT_LENGTH = 500
# The form of the payload; a change that receivers must know of raises it.
PAYLOAD_VERSION = 1
TEST = "test"

log = structlog.get_logger()


class NowhereToSend(Exception):
    """The rule has neither a webhook nor an e-mail address."""


@dataclass
class Sent:
    """What a rule has sent lately, to tell what it must be silent about."""

    cool_down: timedelta
    budget: int
    last_of: dict[str, datetime] = field(default_factory=dict)
    times: list[datetime] = field(default_factory=list)

    def silence(self, subject: str, at: datetime) -> str:
        """Return why there is silence about a subject now; empty: it is sent, which counts from now on."""
        last = self.last_of.get(subject)
        if last is not None and at < last + self.cool_down:
            return Silence.COOL_DOWN
        if sum(at - WEEK < sent <= at for sent in self.times) >= self.budget:
            return Silence.BUDGET
        self.last_of[subject] = at
        self.times.append(at)
        return ""


@dataclass(frozen=True)
class Preview:
    """What a rule would have raised, and what of it would have been sent.

    `is_cut` tells that there is more than was counted.
    """

    num_raised: int
    num_sent: int
    is_cut: bool
    newest: list[str]


def look(*, now: datetime) -> int:
    """Let every active rule look at what is new to it; return how many alerts were raised.

    A rule at which another worker is looking is left to that one; one that fails holds up no other.
    """
    num_raised = 0
    keys = AlertRule.objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True)
    for key in list(keys):
        try:
            num_raised += _look(rule_id=key, now=now)
        except (OperationalError, InterfaceError):
            raise  # the database is away: nobody's fault
        except Exception:  # whatever it is, the others go on; it looks again from where it stood
            log.exception("look_of_rule_failed", rule=key)
    return num_raised


@transaction.atomic
def _look(*, rule_id: int, now: datetime) -> int:
    rows = AlertRule.objects.filter(pk=rule_id, is_active=True)
    rule = rows.select_for_update(skip_locked=True).first()
    if rule is None:
        return 0
    found = alerts.new_happenings(rule, now=now)
    fresh = alerts.without_repeats(found, _known(rule, found)) if found else []
    if fresh:
        sent = _sent(rule, now=now)
        is_muted = rule.muted_until is not None and now < rule.muted_until
        made = [
            _alert(
                rule, happening, now=now,
                silence=Silence.MUTED if is_muted else sent.silence(happening.subject, now),
            )
            for happening in fresh
        ]  # fmt: skip
        _write(made)
    AlertRule.objects.filter(pk=rule.pk).update(looked_at=now)
    return len(fresh)


def preview(rule: AlertRule, *, now: datetime) -> Preview:
    """Return what a rule, stored or not, would have done over the last 30 days, by what is stored."""
    found = sorted(alerts.past_happenings(rule, now=now), key=lambda happening: happening.at)
    sent = Sent(timedelta(hours=rule.cool_down_hours), rule.budget_per_week)
    silences = [sent.silence(happening.subject, happening.at) for happening in found]
    return Preview(
        num_raised=len(found),
        num_sent=silences.count(""),
        is_cut=len(found) >= alerts.MOST_PREVIEWED,
        newest=[happening.text for happening in found[:-4:-1]],
    )


def send_test(*, rule: AlertRule, now: datetime) -> Alert:
    """Send an alert that says it is a test to all receivers of a rule; no budget counts it.

    Raises:
        NowhereToSend: the rule names no receiver.
    """
    if not receivers(rule):
        raise NowhereToSend("The rule names no receiver. Enter a webhook or an e-mail address.")
    happening = Happening(
        key=f"{TEST}:{now:%Y-%m-%dT%H:%M:%S.%f}",
        subject=TEST,
        at=now,
        text=f'A test of the rule "{rule.name}": nothing has happened',
        facts={},
    )
    alert = _alert(rule, happening, now=now, silence="", kind=TEST)
    with transaction.atomic():
        _write([alert])
    return alert


def acknowledge(*, alert_ids: Iterable[int], by: AbstractBaseUser, now: datetime) -> int:
    """Note that somebody has seen alerts; those seen before keep who saw them first. Return how many."""
    rows = Alert.objects.filter(pk__in=list(alert_ids), acknowledged_at=None)
    return rows.update(acknowledged_at=now, acknowledged_by=by)


def receivers(rule: AlertRule) -> list[tuple[str, str]]:
    """Return channel and target of each receiver of a rule, each once."""
    mails = [(AlertDelivery.Channel.EMAIL.value, address) for address in dict.fromkeys(rule.emails)]
    hook = [(AlertDelivery.Channel.WEBHOOK.value, rule.webhook_url)] if rule.webhook_url else []
    return hook + mails


def _known(rule: AlertRule, found: list[Happening]) -> alerts.Known:
    """Return what the rule has raised before about the people and under the keys that were found."""
    people = {happening.end_user_id for happening in found} - {None}
    keys = [happening.key for happening in found]
    mine = Alert.objects.filter(rule=rule)
    known = alerts.Known(keys=set(mine.filter(key__in=keys).values_list("key", flat=True)))
    for key, payload in mine.filter(end_user__in=people).values_list("key", "payload"):
        known.takes(key=f"stored {key}", subject=payload["subject"], facts=payload)
    return known


def _sent(rule: AlertRule, *, now: datetime) -> Sent:
    cool_down = timedelta(hours=rule.cool_down_hours)
    rows = Alert.objects.filter(rule=rule, silence="", raised_at__gt=now - max(WEEK, cool_down))
    sent = Sent(cool_down, rule.budget_per_week)
    real = rows.exclude(payload__kind=TEST).order_by("raised_at")
    for at, subject in real.values_list("raised_at", "payload__subject"):
        sent.last_of[subject] = at
        sent.times.append(at)
    return sent


def _alert(
    rule: AlertRule, happening: Happening, *, now: datetime, silence: str, kind: str = ""
) -> Alert:
    text = happening.text
    if len(text) > TEXT_LENGTH:
        text = f"{text[: TEXT_LENGTH - 1]}…"
    rule_path = reverse("recommender:alert_rule", args=[rule.pk])
    path = (
        reverse("recommender:end_user", args=[happening.end_user_id])
        if happening.end_user_id
        else rule_path
    )
    payload: dict[str, Any] = {
        "version": PAYLOAD_VERSION,
        "id": _idempotency_key(rule, happening.key),
        "kind": kind or str(rule.condition),
        "text": text,
        "subject": happening.subject,
        "happened_at": happening.at.isoformat(timespec="seconds"),
        "raised_at": now.isoformat(timespec="seconds"),
        "rule": {"id": rule.pk, "name": rule.name, "url": _address(rule_path)},
        "url": _address(path),
        **happening.facts,
    }
    return Alert(
        rule=rule, key=happening.key, end_user_id=happening.end_user_id, raised_at=now, text=text,
        payload=payload, silence=silence,
    )  # fmt: skip


def _idempotency_key(rule: AlertRule, key: str) -> str:
    """Return what tells an alert from all others, of other sites too; the same for the same happening."""
    name = f"{_address('/')} {rule.pk} {rule.created_at.isoformat()} {key}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _address(path: str) -> str:
    return f"{settings.SITE_ADDRESS.rstrip('/')}{path}"


def _write(made: list[Alert]) -> None:
    """Write alerts with their deliveries; the caller's transaction shows both at once."""
    written = Alert.objects.bulk_create(made, batch_size=BATCH_SIZE)
    AlertDelivery.objects.bulk_create(
        [
            AlertDelivery(
                alert=alert, channel=channel, target=target, next_attempt_at=alert.raised_at
            )
            for alert in written
            if not alert.silence
            for channel, target in receivers(alert.rule)
        ],
        batch_size=BATCH_SIZE,
    )
