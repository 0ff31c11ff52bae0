from __future__ import annotations

import os
import random
import signal
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import mail

from interests.models import Alert, AlertDelivery, AlertRule
from interests.services import alerting, delivering, webhooks
from tests import factories, processes
from tests.factories import NOW
from tests.interests.services.receiver import REDIRECT, RESET, SILENT, receiving

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# A worker of the site that delivers what is due; ends before it can note that the message arrived.
WORKER = """
import os, random, signal
from datetime import datetime
import django
django.setup()
from interests.services import delivering
if {dies_after_answer}:
    delivering._note_success = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
delivering.deliver_due(now=datetime.fromisoformat("{now}"), rng=random.Random(0))
"""

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_network(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True


def rule_to(url: str, **fields) -> AlertRule:
    return factories.alert_rule(webhook_url=url, **{"emails": [], **fields})


def alerts(rule: AlertRule, num: int = 1) -> list[Alert]:
    """Raise alerts of changes at `NOW`."""
    rising, falling = factories.category(), factories.category()
    for _ in range(num):
        factories.drift_event(factories.end_user(), rising=rising, falling=falling)
    alerting.look(now=NOW)
    return list(Alert.objects.filter(rule=rule).order_by("pk"))


def deliver(now=NOW) -> int:
    return delivering.deliver_due(now=now, rng=random.Random(0))


def states() -> list[tuple[str, int]]:
    return list(AlertDelivery.objects.order_by("pk").values_list("state", "attempts"))


def test_a_webhook_is_signed_and_carries_its_key():
    with receiving() as receiver:
        rule = rule_to(receiver.url)
        [alert] = alerts(rule)

        assert deliver() == 1

    [request] = receiver.received
    assert (request.path, request.json) == ("/hook?a=1", alert.payload)
    assert request.key == alert.payload["id"]
    assert request.headers["Content-Type"] == "application/json"
    assert abs(int(request.headers["Recsite-Timestamp"]) - NOW.timestamp()) <= 10
    assert request.is_signed(webhooks.secret(rule))
    assert states() == [("delivered", 1)]
    assert AlertDelivery.objects.get().delivered_at - NOW < timedelta(seconds=30)


def test_another_secret_signs_otherwise():
    with receiving() as receiver:
        rule = rule_to(receiver.url)
        alerts(rule)
        before = webhooks.secret(rule)
        AlertRule.objects.update(secret_version=2)
        deliver()

    rule.refresh_from_db()
    assert not receiver.received[0].is_signed(before)
    assert receiver.received[0].is_signed(webhooks.secret(rule))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("500", "Answered 500 Internal Server Error."),
        ("404", "Answered 404 Not Found."),
        (REDIRECT, "Answered 302: redirects are not followed. Enter the last address."),
        (RESET, "ConnectionResetError: [Errno 104] Connection reset by peer"),
        (SILENT, "No answer within 0.5 s."),
    ],
)
def test_a_failing_receiver_gets_the_same_message_again(monkeypatch, answer, said):
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.5)
    with receiving(answer) as receiver:
        alerts(rule_to(receiver.url))

        assert deliver() == 0
        first = AlertDelivery.objects.get()
        assert deliver(NOW + 50 * timedelta(seconds=1)) == 0  # not due yet
        assert len(receiver.received) == 1
        assert deliver(NOW + 3 * MINUTE) == 1

    assert (first.state, first.attempts, first.claimed_until) == ("waiting", 1, None)
    assert first.last_error.split(", attempt 1: ")[1] == said
    assert MINUTE <= first.next_attempt_at - NOW <= 1.5 * MINUTE + timedelta(seconds=30)
    assert [request.path for request in receiver.received] == ["/hook?a=1"] * 2
    assert len(receiver.accepted()) == 1
    assert states() == [("delivered", 2)]


def test_a_receiver_that_drips_is_cut_off(monkeypatch):
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.5)
    with receiving() as receiver:
        alerts(rule_to(receiver.url))
        # Headers without end, each well within the time of a packet.
        monkeypatch.setattr("tests.interests.services.receiver._answer", _drip)

        assert deliver() == 0

    assert AlertDelivery.objects.get().last_error.endswith("No answer within 0.5 s.")


def _drip(handler, how, receiver):
    handler.close_connection = True
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not receiver.is_over.wait(0.1):
            handler.wfile.write(b"X-More: yes\r\n")
    except OSError:
        return


def test_a_receiver_that_is_not_there_is_given_up_after_two_days_and_tried_again_by_hand():
    with receiving() as gone:
        pass
    alerts(rule_to(gone.url))
    times = []
    while AlertDelivery.objects.get().state == "waiting":
        times.append(AlertDelivery.objects.get().next_attempt_at)
        deliver(times[-1])

    dead = AlertDelivery.objects.get()
    assert (dead.state, dead.attempts, len(times)) == ("dead", 12, 12)
    assert 34 * HOUR <= times[-1] - times[0] <= 51.2 * HOUR
    lines = dead.last_error.splitlines()
    assert [line.split(" UTC, ")[1].split(":")[0] for line in lines] == [
        f"attempt {n}" for n in range(1, 13)
    ]
    assert lines[0].endswith("ConnectionRefusedError: [Errno 111] Connection refused")
    assert deliver(NOW + 30 * DAY) == 0

    with receiving() as receiver:
        AlertDelivery.objects.update(target=receiver.url)
        assert delivering.retry(delivery_id=dead.pk, now=NOW + 30 * DAY)
        assert not delivering.retry(delivery_id=dead.pk, now=NOW + 30 * DAY)
        assert deliver(NOW + 30 * DAY) == 1
    assert len(receiver.received) == 1


def test_waits_double_and_spread():
    middle = SimpleNamespace(random=lambda: 0.5)

    assert [delivering.wait_seconds(n, middle) for n in (1, 2, 11)] == [75.0, 150.0, 76_800.0]
    least, most = (SimpleNamespace(random=lambda share=share: share) for share in (0.0, 1.0))
    hours = [
        sum(delivering.wait_seconds(n, rng) for n in range(1, delivering.MAX_ATTEMPTS)) / 3600
        for rng in (least, most)
    ]
    assert hours == pytest.approx([34.117, 51.175], abs=0.001)


def test_a_failing_receiver_holds_up_nobody_else():
    with receiving(*["500"] * 9) as bad, receiving() as good:
        alerts(rule_to(bad.url), num=3)
        rule = rule_to(good.url, created_at=NOW)
        alerting.send_test(rule=rule, now=NOW)

        assert deliver() == 1

    # It is left alone until the next turn.
    assert (len(bad.received), len(good.received)) == (1, 1)


def test_a_delivery_that_another_worker_holds_is_left_alone():
    with receiving() as receiver:
        alerts(rule_to(receiver.url))
        AlertDelivery.objects.update(claimed_until=NOW + MINUTE, attempts=1)

        assert (deliver(), receiver.received) == (0, [])
        assert deliver(NOW + 2 * MINUTE) == 1


def test_what_takes_its_worker_along_each_time_is_given_up():
    with receiving() as receiver:
        alerts(rule_to(receiver.url))
        AlertDelivery.objects.update(claimed_until=NOW, attempts=12)

        assert deliver(NOW + MINUTE) == 0

    delivery = AlertDelivery.objects.get()
    assert (delivery.state, receiver.received) == ("dead", [])
    assert delivery.last_error.endswith("its worker died. See the worker's log.")


def test_a_late_answer_does_not_overwrite_the_worker_that_took_over():
    [alert] = alerts(rule_to("http://127.0.0.1:1/"))
    held = delivering._claim(now=NOW, without=set())
    AlertDelivery.objects.update(attempts=2, claimed_until=NOW + HOUR)

    delivering._note_failure(held, OSError("late"), now=NOW, rng=random.Random(0))

    delivery = alert.deliveries.get()
    assert (delivery.last_error, delivery.claimed_until) == ("", NOW + HOUR)


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("dies_after_answer", [False, True])
def test_a_worker_killed_between_answer_and_note_sends_again_under_the_same_key(dies_after_answer):
    with receiving() as receiver:
        rule = rule_to(receiver.url)
        raised = alerts(rule, num=2)
        code = WORKER.format(now=NOW.isoformat(), dies_after_answer=dies_after_answer)
        worker = processes.start("-c", code, WEBHOOK_ALLOW_PRIVATE="1")
        if not dies_after_answer:
            # The message is with the receiver; its answer never gets back.
            receiver.before_answer = lambda: (os.kill(worker.pid, signal.SIGKILL), worker.wait())
        output, _ = worker.communicate(timeout=60)
        receiver.before_answer = lambda: None
        assert (worker.returncode, len(receiver.received)) == (-signal.SIGKILL, 1), output
        held = AlertDelivery.objects.exclude(claimed_until=None).get()
        assert (held.state, held.attempts) == ("waiting", 1)

        # The other message goes out at once, the dead worker's when its claim has run out.
        assert deliver(NOW + MINUTE) == 1
        assert deliver(NOW + 3 * MINUTE) == 1
        assert deliver(NOW + 4 * MINUTE) == 0

    assert len(receiver.received) == 3
    assert receiver.accepted() == {alert.payload["id"] for alert in raised}
    assert {request.is_signed(webhooks.secret(rule)) for request in receiver.received} == {True}
    assert sorted(states()) == [("delivered", 1), ("delivered", 2)]


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_message_once():
    with receiving() as receiver:
        raised = alerts(rule_to(receiver.url), num=20)
        receiver.before_answer = lambda: time.sleep(0.05)
        code = WORKER.format(now=NOW.isoformat(), dies_after_answer=False)
        workers = [processes.start("-c", code, WEBHOOK_ALLOW_PRIVATE="1") for _ in range(2)]
        outputs = [worker.communicate(timeout=60)[0] for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0], outputs
    keys = [request.key for request in receiver.received]
    assert sorted(keys) == sorted(alert.payload["id"] for alert in raised)
    assert states() == [("delivered", 1)] * 20


def test_mail_says_what_happened_and_keeps_its_message_id(monkeypatch, settings):
    settings.DEFAULT_FROM_EMAIL = "Recsite <alerts@example.org>"
    rule = factories.alert_rule(name="All\nof them", emails=["ada@example.org"])
    [alert] = alerts(rule)
    delivery = alert.deliveries.get()

    assert deliver() == 1

    [sent] = mail.outbox
    assert sent.subject == f"All of them: {alert.text}"
    assert sent.to == ["ada@example.org"]
    assert sent.body == (
        f"{alert.text}\n\n{alert.payload['url']}\n\nRule: All\nof them, {alert.payload['rule']['url']}\n"
    )
    message_id = f"<{alert.payload['id']}.{delivery.pk}@example.org>"
    assert sent.extra_headers == {"Message-ID": message_id}
    assert states() == [("delivered", 1)]


def test_mail_that_cannot_be_sent_waits(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    alerts(factories.alert_rule())

    assert deliver() == 0

    delivery = AlertDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("waiting", 1)
    assert delivery.last_error.endswith("ConnectionRefusedError: [Errno 111] Connection refused")


def test_silenced_alerts_are_not_sent():
    with receiving() as receiver:
        alerts(rule_to(receiver.url, muted_until=NOW + HOUR))

        assert deliver() == 0

    assert receiver.received == []
