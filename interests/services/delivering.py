"""Alerts on their way: claimed by one worker at a time, sent, tried again, given up.

A delivery is sent at least once: a worker that dies between the receiver's answer and our own note of it
leaves a claim that runs out, and the message goes out again under the same idempotency key.
"""

from __future__ import annotations

import json
import random
import smtplib
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Concat

from interests.models import AlertDelivery
from interests.services import webhooks

# Longer than looking a name up and posting take; what a dead worker held waits no longer than this.
CLAIM_SECONDS = 120
# Eleven waits of 1, 2, 4, ... 1,024 minutes, each up to half as long again: 34 to 51 hours in all.
MAX_ATTEMPTS = 12
FIRST_WAIT_SECONDS = 60
JITTER = 0.5
# A receiver that is gone takes the time limit of one message a turn, not of each that waits for it.
TURN_SECONDS = 40.0

Channel, State = AlertDelivery.Channel, AlertDelivery.State
log = structlog.get_logger()


def deliver_due(*, now: datetime, rng: random.Random, seconds: float = TURN_SECONDS) -> int:
    """Send what is due, the longest due first, for about so many seconds; return how many arrived.

    A receiver that fails is left alone until the next turn.
    """
    begun = time.monotonic()

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - begun)

    failed: set[str] = set()
    num_delivered = 0
    _bury_fatal(now=now)
    while time.monotonic() - begun < seconds:
        delivery = _claim(now=clock(), without=failed)
        if delivery is None:
            break
        try:
            SENDERS[Channel(delivery.channel)](delivery, now=clock())
        except (webhooks.CannotPost, OSError, smtplib.SMTPException, ValueError) as error:
            failed.add(delivery.target)
            _note_failure(delivery, error, now=clock(), rng=rng)
        else:
            _note_success(delivery, now=clock())
            num_delivered += 1
    return num_delivered


def retry(*, delivery_id: int, now: datetime) -> bool:
    """Send a dead delivery again, with all its attempts; return whether there was one."""
    rows = AlertDelivery.objects.filter(pk=delivery_id, state=State.DEAD)
    return bool(
        rows.update(state=State.WAITING, attempts=0, next_attempt_at=now, claimed_until=None)
    )


def wait_seconds(attempts: int, rng: random.Random) -> float:
    """Return how long to wait after so many attempts, from 1: twice as long each time, and up to half more."""
    return FIRST_WAIT_SECONDS * 2.0 ** (attempts - 1) * (1 + JITTER * rng.random())


def _claim(*, now: datetime, without: set[str]) -> AlertDelivery | None:
    """Take the longest due delivery that nobody holds; the attempt counts from now on, whatever comes."""
    due = AlertDelivery.objects.filter(
        _is_free(now), state=State.WAITING, next_attempt_at__lte=now, attempts__lt=MAX_ATTEMPTS
    )
    with transaction.atomic():
        rows = due.exclude(target__in=without).order_by("next_attempt_at", "pk")
        key = rows.select_for_update(skip_locked=True).values_list("pk", flat=True).first()
        if key is None:
            return None
        AlertDelivery.objects.filter(pk=key).update(
            claimed_until=now + timedelta(seconds=CLAIM_SECONDS), attempts=F("attempts") + 1
        )
    return AlertDelivery.objects.select_related("alert__rule").filter(pk=key).first()


def _is_free(now: datetime) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lt=now)


def _bury_fatal(*, now: datetime) -> None:
    """Give up what took its worker along at the last attempt."""
    rows = AlertDelivery.objects.filter(
        state=State.WAITING, attempts__gte=MAX_ATTEMPTS, claimed_until__lt=now
    )
    said = f"\n{now:%Y-%m-%d %H:%M:%S} UTC, attempt {MAX_ATTEMPTS}: its worker died. See the worker's log."
    rows.update(state=State.DEAD, claimed_until=None, last_error=Concat("last_error", Value(said)))


def _post(delivery: AlertDelivery, *, now: datetime) -> None:
    alert = delivery.alert
    body = json.dumps(alert.payload, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = int(now.timestamp())
    key = webhooks.secret(alert.rule)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Recsite",
        "Idempotency-Key": alert.payload["id"],
        "Recsite-Timestamp": str(timestamp),
        "Recsite-Signature": webhooks.signature(key=key, timestamp=timestamp, body=body),
    }
    webhooks.post(delivery.target, body=body, headers=headers)


def _mail(delivery: AlertDelivery, *, now: datetime) -> None:
    payload = delivery.alert.payload
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    mail = EmailMessage(
        subject=" ".join(f"{payload['rule']['name']}: {delivery.alert.text}".split())[:200],
        body=f"{delivery.alert.text}\n\n{payload['url']}\n\nRule: {payload['rule']['name']}, "
        f"{payload['rule']['url']}\n",
        to=[delivery.target],
        # The same for each attempt, so that a mailbox shows a message that came twice once.
        headers={"Message-ID": f"<{payload['id']}.{delivery.pk}@{host}>"},
        connection=get_connection(timeout=webhooks.TIMEOUT_SECONDS),
    )
    mail.send()


SENDERS: dict[AlertDelivery.Channel, Callable[..., None]] = {
    Channel.WEBHOOK: _post,
    Channel.EMAIL: _mail,
}


def _mine(delivery: AlertDelivery) -> Q:
    """Tell the delivery as it was claimed: another worker may hold it since."""
    return Q(pk=delivery.pk, state=State.WAITING, attempts=delivery.attempts)


def _note_success(delivery: AlertDelivery, *, now: datetime) -> None:
    AlertDelivery.objects.filter(_mine(delivery)).update(
        state=State.DELIVERED, delivered_at=now, claimed_until=None
    )


def _note_failure(
    delivery: AlertDelivery, error: Exception, *, now: datetime, rng: random.Random
) -> None:
    """Write what went wrong as a line of the log, and when to try again, if ever."""
    is_dead = delivery.attempts >= MAX_ATTEMPTS
    said = (
        str(error) if isinstance(error, webhooks.CannotPost) else f"{type(error).__name__}: {error}"
    )
    line = (
        f"{now:%Y-%m-%d %H:%M:%S} UTC, attempt {delivery.attempts}: {' '.join(said.split())[:300]}"
    )
    lines = [*delivery.last_error.splitlines(), line][-2 * MAX_ATTEMPTS :]
    wait = timedelta(seconds=wait_seconds(delivery.attempts, rng))
    AlertDelivery.objects.filter(_mine(delivery)).update(
        state=State.DEAD if is_dead else State.WAITING,
        next_attempt_at=now + wait,
        claimed_until=None,
        last_error="\n".join(lines),
    )
    log.warning(
        "alert_not_delivered", delivery=delivery.pk, attempts=delivery.attempts, is_dead=is_dead,
        error=said[:300],
    )  # fmt: skip
